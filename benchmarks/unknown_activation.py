"""Claim: without knowing the activation, U and the hidden values F are exact: to 1e-10 in 95% of
seeds at d = 30, k = 8, m = 8, n = 400, Gaussian inputs, labels without noise. At n = 5000,
directions are within 1e-3 radians and φ within 1% over the central 90% of its range.

Activations, for z > 0: z, z², √z, e^z − 1, 1 − e^{−z}, tanh z, the jump 1 + z. Hidden weights have
unit norm; `lengths` true draws their lengths between 1/2 and 2. `bias`: standard deviation of the
hidden biases; output biases come with them.

Columns: trials, and of them
proved         status estimated: F and U are called exact
exact          F and U within 1e-10 of the truth, after scaling
false_exact    called exact, but not so
F_error, U_error  largest among those called exact, over the largest entry
bound          largest error that a certificate allows for
angle          largest error of a direction, in radians; angle_claimed: largest that is said
phi_error      largest relative error of φ between the 5% and 95% points of the heights
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import unrelu

Array = NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "z": lambda z: z,
    "z^2": lambda z: z**2,
    "sqrt z": np.sqrt,
    "e^z-1": np.expm1,
    "1-e^-z": lambda z: -np.expm1(-z),
    "tanh z": np.tanh,
    "1+z": lambda z: 1 + z,
}
CASES = (
    # d, k, m, n, bias, lengths, share of the seeds
    (30, 8, 8, 400, 0.0, False, 1.0),
    (30, 8, 8, 5000, 0.0, False, 0.25),
    (30, 8, 8, 400, 0.0, True, 0.5),
    (30, 8, 8, 600, 0.3, False, 0.5),
)
COLUMNS = (
    "activation",
    "size",
    "bias",
    "lengths",
    "trials",
    "proved",
    "exact",
    "false_exact",
    "F_error",
    "U_error",
    "bound",
    "angle",
    "angle_claimed",
    "phi_error",
    "median_s",
)


def trial(name: str, case: tuple[int, int, int, int, float, bool], seed: int) -> dict[str, float]:
    """Of one problem; errors are NaN where nothing is called exact."""
    d, k, m, n, bias, lengths = case
    phi = ACTIVATIONS[name]
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((k, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    if lengths:
        V *= np.exp(rng.uniform(-np.log(2), np.log(2), (k, 1)))
    U, X = rng.standard_normal((m, k)), rng.standard_normal((n, d))
    b, c = bias * rng.standard_normal(k), rng.standard_normal(m) * (bias > 0)
    Z = X @ V.T + b
    F = np.where(Z > 0, phi(np.maximum(Z, np.finfo(float).tiny)), 0.0)
    start = time.perf_counter()
    found = unrelu.recover(
        X, F @ U.T + c, activation="unknown", bias=bias > 0, rng=1000 + seed, throw=False
    )
    seconds = time.perf_counter() - start
    names = "proved", "F", "U", "bound", "angle", "angle_claimed", "phi"
    out = {**dict.fromkeys(names, np.nan), "proved": 0.0, "seconds": seconds}
    net = found.network
    if found.hidden is None or net is None or net.n_units != k:
        return out
    true = V / np.linalg.norm(V, axis=1, keepdims=True)
    seen = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    _, order = linear_sum_assignment(-true @ seen.T)
    hidden = found.hidden[:, order]
    scale = (hidden * F).sum(axis=0) / (hidden**2).sum(axis=0)
    knows = found.certificate.hidden
    assert knows is not None
    common = np.exp(np.log(np.linalg.norm(V, axis=1)).mean())
    straight = name in ("z", "z^2", "sqrt z")  # whose lengths nothing shows
    rows = true * common if straight else V
    z = np.sort(((X @ rows.T + b) / common)[F > 0])
    z = z[int(0.05 * len(z)) : int(0.95 * len(z))]
    ratio = net.activation(z) / phi(z * common)
    return {
        "proved": 1.0,
        "F": float(np.abs(hidden * scale - F).max() / F.max()),
        "U": float(np.abs(net.U[:, order] / scale - U).max() / np.abs(U).max()),
        "bound": float(knows.errors.max()),
        "angle": float(np.linalg.norm(seen[order] - true, axis=1).max()),
        "angle_claimed": float(found.certificate.weight_errors.max()),
        "phi": float(np.abs(ratio / np.exp(np.log(ratio).mean()) - 1).max()),
        "seconds": seconds,
    }


def main() -> None:
    given = parser(__doc__, seeds=20).parse_args()
    table = Table("unknown_activation", COLUMNS, quick=given.quick)
    for *case, share in CASES[: 1 if given.quick else None]:
        seeds = 1 if given.quick else max(1, round(share * given.seeds))
        for name in ACTIVATIONS:
            trials = [trial(name, tuple(case), seed) for seed in range(seeds)]
            column = {key: np.array([t[key] for t in trials]) for key in trials[0]}
            off = np.fmax(column["F"], column["U"])

            def largest(key: str, column: dict[str, Array] = column) -> float:
                return float(np.fmax.reduce(column[key], initial=0.0))

            table.add(
                {
                    "activation": name,
                    "size": ",".join(map(str, case[:4])),
                    "bias": case[4],
                    "lengths": int(case[5]),
                    "trials": seeds,
                    "proved": int(column["proved"].sum()),
                    "exact": int((off < 1e-10).sum()),
                    "false_exact": int((off >= 1e-10).sum()),
                    "F_error": largest("F"),
                    "U_error": largest("U"),
                    "bound": largest("bound"),
                    "angle": largest("angle"),
                    "angle_claimed": largest("angle_claimed"),
                    "phi_error": largest("phi"),
                    "median_s": float(np.median(column["seconds"])),
                }
            )


if __name__ == "__main__":
    main()
