"""Claim: on a GPU the products of a long search take a tenth of their time in NumPy, and agree.

A product is that of the Gauss–Newton matrix of variable projection with a step, of which a search
takes a few hundred to a few thousand; beside it, an evaluation of the model. Random samples and
hyperplanes, 1.3 times as many of these as units, as in a search. Everything from NumPy and back to
it is part of the time.

Columns: problem d-k-m; n; precision; numpy_ms, device_ms: the median time of a product; ratio;
gflops of the device; evaluate_ratio: the same of an evaluation; difference: the largest of the
product over its largest entry, which rounding makes.

    python benchmarks/gpu.py --device cuda
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from _table import Table, parser

from unrelu.fitting.variable_projection import Separable
from unrelu.numerics.devices import Device, named

COLUMNS = (
    *("problem", "n", "precision", "numpy_ms", "device_ms", "ratio", "gflops"),
    *("evaluate_ratio", "difference"),
)
PROBLEMS = ((784, 128, 10, 50_000), (784, 500, 10, 50_000), (512, 2048, 512, 20_000))
TINY = ((50, 20, 10, 2_000),)
OVERWIDE = 1.3
REPEATS = 5
PATIENCE = 20.0
"""Seconds after which a time is taken from the runs there are."""


def model(d: int, m: int, n: int, dtype: type) -> Separable:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n, d + 1)).astype(dtype)
    features[:, d] = 1
    labels = rng.standard_normal((n, m)).astype(dtype)
    return Separable(features, labels, features)


def median_ms(function: Callable[[], object]) -> float:
    function()  # what is loaded late is loaded
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < PATIENCE:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def row(
    d: int, k: int, m: int, n: int, dtype: type, device: Device
) -> dict[str, str | int | float]:
    here = model(d, m, n, dtype)
    there, width = here.on(device), int(np.ceil(OVERWIDE * k))
    points, step = np.random.default_rng(1).standard_normal((2, width, d + 1)).astype(dtype)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    fit, moved = here.evaluate(points), there.evaluate(points)
    images = here.normal(fit, step), there.normal(moved, step)
    numpy_ms = median_ms(lambda: here.normal(fit, step))
    device_ms = median_ms(lambda: there.normal(moved, step))
    entries = 2 * width * (d + 1 + m) + 2 * m * (d + 1 + width)
    evaluations = [median_ms(lambda each=each: each.evaluate(points)) for each in (here, there)]
    return {
        "problem": f"{d}-{k}-{m}",
        "n": n,
        "precision": np.dtype(dtype).name,
        "numpy_ms": numpy_ms,
        "device_ms": device_ms,
        "ratio": numpy_ms / device_ms,
        "gflops": 2e-6 * n * entries / device_ms,
        "evaluate_ratio": evaluations[0] / evaluations[1],
        "difference": float(np.abs(images[0] - images[1]).max() / np.abs(images[0]).max()),
    }


def main() -> None:
    arguments = parser(__doc__, seeds=1)
    arguments.add_argument("--device", default="cuda", help="of PyTorch: cuda, mps or cpu")
    given = arguments.parse_args()
    device = named(given.device)
    table = Table(f"gpu_{device.name.replace(':', '_')}", COLUMNS, quick=given.quick)
    for d, k, m, n in TINY if given.quick else PROBLEMS:
        for dtype in (np.float32, np.float64)[: 1 + device.double]:
            table.add(row(d, k, m, n, dtype, device))


if __name__ == "__main__":
    main()
