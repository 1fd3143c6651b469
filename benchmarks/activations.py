"""Claim: with at least as many outputs as units, other activations than the ReLU are recovered to
rounding, too: rows good to 1e-11 at n = 6 (d + k).

Gaussian weights (unit hidden rows) and inputs; "biases yes" plants hidden biases of standard
deviation 0.5 and looks for biases. `recover` is not given the number of units.

Columns: activation; size d, k, m; biases; n; then see _trials.COLUMNS; and within, the share of
trials with rows good to 1e-11, whatever their status.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from _trials import COLUMNS, ROW_ERROR, Trial, summary
from support.planting import gaussian

import unrelu
from unrelu.activations import Activation, Expm1, ExpSquare, Power, Rectified

ACTIVATIONS: dict[str, Activation] = {
    "z^1/2": Power(0.5),
    "z^2": Power(2),
    "z^3": Power(3),
    "e^z-1": Expm1(),
    "e^(z^2)-1": ExpSquare(),
    "tanh z": Rectified(np.tanh, np.arctanh),
}
SIZES = ((20, 5, 5), (30, 8, 8), (40, 10, 10))


def attempt(
    activation: Activation, size: tuple[int, int, int], bias: bool, n: int, seed: int
) -> Trial:
    (d, k, m), rng = size, np.random.default_rng(seed)
    V = rng.standard_normal((k, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    b, c = (0.5 * rng.standard_normal(k), rng.standard_normal(m)) if bias else (None, None)
    truth = unrelu.Network(V, rng.standard_normal((m, k)), b, c, activation)
    X, fresh = gaussian(rng, n, d), gaussian(rng, 1000, d)
    start = time.perf_counter()
    result = unrelu.recover(
        X, truth(X), activation=activation, bias=bias, noise="none", rng=seed, throw=False
    )
    seconds = time.perf_counter() - start
    assert result.network is not None
    aligned, labels = unrelu.match(result.network, truth), truth(fresh)
    complete = not len(aligned.missing) and not len(aligned.extra)
    off = np.abs(result.network(fresh) - labels).max() / np.sqrt((labels**2).mean())
    trial = Trial(
        seed,
        result.status.value,
        str(result.stats["method"]),
        k,
        int((aligned.hidden < 1e-6).sum()),
        True,
        float(aligned.hidden.max()) if complete else float("inf"),
        float(off),
        seconds,
    )
    determined = trial.success or unrelu.verify(truth, X, truth(X)).status == "exact"
    return Trial(**{**vars(trial), "determined": determined})


def main() -> None:
    given = parser(__doc__, seeds=10).parse_args()
    seeds = min(given.seeds, 2) if given.quick else given.seeds
    columns = ["activation", "size", "biases", "n", *COLUMNS, "within"]
    table = Table("activations", columns, quick=given.quick)
    for name, activation in ACTIVATIONS.items():
        for size in SIZES[: 1 if given.quick else 3]:
            for bias in (False, True):
                n = 6 * (size[0] + size[1])
                trials = [attempt(activation, size, bias, n, seed) for seed in range(seeds)]
                table.add(
                    {
                        "activation": name,
                        "size": ",".join(map(str, size)),
                        "biases": "yes" if bias else "no",
                        "n": n,
                        **summary(trials),
                        "within": sum(t.row_error < ROW_ERROR for t in trials) / len(trials),
                    }
                )


if __name__ == "__main__":
    main()
