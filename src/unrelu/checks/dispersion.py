"""Is the variance of counts their mean, as that of Poisson's law is?"""

from __future__ import annotations

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.network import Network
from unrelu.samples import Samples

LOOKED_AT = 20_000
"""Samples that are examined."""

PLAINLY = 4.0
"""Standard errors by which the variance must differ from the mean: in one of 15,000 outputs it
does by chance."""

TINY = float(np.finfo(np.float64).tiny)


def dispersion(net: Network, samples: Samples, unknowns: int) -> Finding | None:
    """A remark if the variance of an output about the network's means is not their size. Labels
    that are not whole numbers are counts in some unit, of which any dispersion may be expected.

    Σ (Y − μ)² over Σ μ, less what fitting `unknowns` explains of it: by Poisson's law its variance
    is Σ (μ + 2 μ²) / (Σ μ)², however small the means are.
    """
    some = samples.take(samples.spread(LOOKED_AT))
    Y = np.asarray(some.Y, np.float64)
    if samples.weights is not None or (Y % 1).any() or Y.min() < 0:
        return None
    spare = 1 - unknowns / (samples.n * samples.m)
    if spare <= 0:
        return None
    mean = np.maximum(net(some.X), 0.0)
    if not mean.sum(axis=0).all():
        return None
    total = mean.sum(axis=0) + TINY
    ratio = ((Y - mean) ** 2).sum(axis=0) / spare / total
    scores = (ratio - 1) * total / np.sqrt((mean + 2 * mean**2).sum(axis=0) + TINY)
    worst = int(np.abs(scores).argmax())
    if abs(scores[worst]) < PLAINLY:
        return None
    more = scores[worst] > 0
    code = "overdispersed" if more else "underdispersed"
    cause = ", or a part of them is missing" if more else ""
    where = f"of output {samples.names.output(worst)} " if samples.m > 1 else ""
    return Finding(
        code,
        None,
        f"the variance of the counts {where}is {ratio[worst]:.3g} times their mean "
        f"({abs(scores[worst]):.2g} standard errors from Poisson's): they are "
        f"{'less' if more else 'more'} regular than that{cause}; standard errors allow for it",
    )
