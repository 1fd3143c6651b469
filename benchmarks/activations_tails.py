"""Claim: known activations are fitted to heavy-tailed noise and to counts, too, with standard
errors that hold.

Eight Gaussian inputs, three units, three outputs, 3000 samples; hidden biases of standard deviation
0.3 where there are any; the number of units is given. "independent" is noise from Student's t with
1.5 degrees of freedom, scaled to a tenth of the labels; "poisson" are counts.

Columns: activation, noise, biases; trials; estimated, those with that status; error, the median of
the largest error of a unit (radians, or a share of ‖v‖ where that is part of the function);
gaussian, the same with noise="gaussian"; covered, the share of hidden weights within 1.96 standard
errors; median_s, seconds.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from _table import Table, parser
from support.planting import plant

import unrelu
from unrelu.activations import Activation, Expm1, Power, Rectified

ACTIVATIONS: dict[str, Activation] = {
    "z^2": Power(2),
    "z^1/2": Power(0.5),
    "e^z-1": Expm1(),
    "tanh z": Rectified(np.tanh, np.arctanh),
}
COLUMNS = (
    "activation",
    "noise",
    "biases",
    "trials",
    "estimated",
    "error",
    "gaussian",
    "covered",
    "median_s",
)


class Trial(NamedTuple):
    estimated: bool
    error: float
    gaussian: float
    covered: float
    seconds: float


def attempt(activation: Activation, kind: str, bias: bool, seed: int) -> Trial:
    made = plant(8, 3, 3, 3000, seed=seed, activation=activation, bias=0.3 * bias)
    truth, rng = made.truth, np.random.default_rng(seed)
    if kind == "poisson":
        U, c = 4 * np.abs(truth.U), 4 * np.abs(truth.c)
        truth = unrelu.Network(truth.V, U, truth.b, c, activation)
        Y = rng.poisson(truth(made.X)).astype(np.float64)
    else:
        Y = made.Y + 0.1 * made.Y.std() * rng.standard_t(1.5, made.Y.shape)
    errors, results, seconds = [], [], []
    for noise in (kind, "gaussian"):
        start = time.perf_counter()
        result = unrelu.recover(
            made.X, Y, 3, activation=activation, bias=bias, noise=noise, rng=seed, throw=False
        )
        seconds.append(time.perf_counter() - start)
        assert result.network is not None
        errors.append(float(unrelu.match(result.network, truth).hidden.max()))
        results.append(result)
    found, covered = results[0], np.nan
    if found.stderr is not None and found.network is not None and errors[0] < 0.5:
        near = unrelu.match(found.network, truth.canonical())
        z = (found.network.V[near.permutation] - truth.canonical().V) / found.stderr.V[
            near.permutation
        ]
        covered = float((np.abs(z) < 1.96).mean())
    return Trial(found.status == "estimated", errors[0], errors[1], covered, seconds[0])


def main() -> None:
    given = parser(__doc__, seeds=10).parse_args()
    table = Table("activations_tails", COLUMNS, quick=given.quick)
    for name, activation in list(ACTIVATIONS.items())[: 1 if given.quick else None]:
        for kind in ("independent", "poisson"):
            for bias in (False, True)[: 1 if given.quick else None]:
                seeds = range(1 if given.quick else given.seeds)
                trials = [attempt(activation, kind, bias, seed) for seed in seeds]
                table.add(
                    {
                        "activation": name,
                        "noise": kind,
                        "biases": "yes" if bias else "no",
                        "trials": len(trials),
                        "estimated": sum(trial.estimated for trial in trials),
                        "error": float(np.median([trial.error for trial in trials])),
                        "gaussian": float(np.median([trial.gaussian for trial in trials])),
                        "covered": float(np.nanmean([trial.covered for trial in trials])),
                        "median_s": float(np.median([trial.seconds for trial in trials])),
                    }
                )


if __name__ == "__main__":
    main()
