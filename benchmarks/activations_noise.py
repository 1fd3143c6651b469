"""Claim: with Gaussian noise, networks of other activations than the ReLU are as precise as any
estimator can make them, too, and know it.

Planted as in noise_limit.py: Gaussian weights (unit hidden rows) and inputs; with biases, hidden
ones of standard deviation 0.5 and output ones of 1. Each output has Gaussian noise of `noise` times
its size about its mean. The number of units is given. Errors are those of all of V, root mean
square over its rows, after matching, in units of the Cramér–Rao bound at the truth: of unit rows
for powers, of rows as they are for the others, whose length is part of the function. The
information of √z is infinite: its bound is what `unrelu.assess` makes of it, with chords in place
of slopes next to the kink, and a fit may do a little worse or better.

Columns: activation, and those of noise_limit.py.
"""

from __future__ import annotations

import numpy as np
from _noisy import gaussian
from _table import Table, parser
from noise_limit import COLUMNS, summary, trial
from support.planting import plant

from unrelu.activations import Activation, Expm1, Power, Rectified

ACTIVATIONS: dict[str, Activation] = {
    "z^2": Power(2),
    "z^3": Power(3),
    "z^1/2": Power(0.5),
    "e^z-1": Expm1(),
    "tanh z": Rectified(np.tanh, np.arctanh),
}
PROBLEMS = ((20, 5, 5, 2000), (20, 5, 2, 5000))
NOISES = 0.1, 0.01


def main() -> None:
    options = parser(__doc__, seeds=10)
    options.add_argument("--only", choices=list(ACTIVATIONS), help="one activation")
    given = options.parse_args()
    name = "activations_noise" + (f"-{list(ACTIVATIONS).index(given.only)}" if given.only else "")
    table = Table(name, ["activation", *COLUMNS], quick=given.quick)
    seeds = min(given.seeds, 1) if given.quick else given.seeds
    for label in [given.only] if given.only else ACTIVATIONS:
        for d, k, m, n in PROBLEMS[: 1 if given.quick else 2]:
            for bias in (False,) if given.quick else (False, True):
                for noise in NOISES[: 1 if given.quick else 2]:
                    trials = []
                    for seed in range(seeds):
                        f = ACTIVATIONS[label]
                        planted = plant(d, k, m, n, seed=seed, bias=0.5 * bias, activation=f)
                        trials.append(trial(gaussian(planted, noise, bias=bias, seed=seed), seed))
                    table.add(
                        {
                            "activation": label,
                            "problem": f"{d},{k},{m}",
                            "n": n,
                            "biases": "yes" if bias else "no",
                            "noise": noise,
                            "seeds": seeds,
                            **summary(trials),
                        }
                    )


if __name__ == "__main__":
    main()
