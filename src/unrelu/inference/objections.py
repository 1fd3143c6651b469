"""What all samples show against a fit of a part of them, or against the errors that they would
give it.

Errors of millions of samples are so small that nothing else may be wrong: not the model, by more
than they are, nor that samples are independent of each other. A part of the samples, drawn at
random, shows neither. So these are asked of the sums over all samples (`inference.all_sums`):

dependent    do the scores of neighbours, or of a stretch of samples, add up to more than they would
             if samples were independent? So they do in a time series, and where weights drift.
repeated     is the same sample there many times?
more-units   if not, do the residuals have something in common with what the fit may lack? By sums
             against alternatives, from which a step of the fit is taken off, beside those with
             random signs: the largest, all together, and the best direction of a quadratic
             function.
other-noise  is the noise of all samples as large as that of the part, and are there gross errors?
rounded      are labels rounded to about as much as the noise, which then depends on the inputs?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from unrelu.inference import fisher
from unrelu.inference.all_sums import RUN
from unrelu.inference.alternatives import Alternatives
from unrelu.inference.covariance import Estimate
from unrelu.inference.linearised import Linearised
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.folding import CELL, Sums

PLAIN = 5.0
"""Standard deviations of what chance makes, beyond its mean, from which on something is there.
Sums over many alternatives are about normal; the largest of them has a tail like exp(−1.3 x), so
that three such scores are beyond it by chance in less than one case in 300."""

SURELY = 1e-4
"""Level of the test of dependence."""

COPIES = 0.01
"""Share of the samples that may be there once more: errors are then too small by half of that."""

LIGHT, FAR = 4.0, 8.0
"""Fourth moment of noise up to which its tails are light, that of the normal law being 3, and the
standard deviations beyond which such noise has no value."""

LEAST = 0.1
"""Variance of the squares of noise of variance one, at least: zero where all are of one size."""

EXPLAINED = 1e-9
"""Share of the variance of an alternative that is left by the fit's own features, at least, for it
to be another function than those."""


@dataclass(frozen=True)
class Objection:
    """A code, and what was seen, as part of a sentence."""

    code: str
    seen: str


def objections(
    model: fisher.Model,
    sums: Sums,
    estimate: Estimate,
    tests: Alternatives,
    root: Array,
    part: Linearised,
    step: float,
    n: int,
) -> tuple[Objection, ...]:
    """All there are. root (m, m): of the outputs of the sums; part: the fit to some samples;
    step: of labels that may be rounded; n: number of all samples."""
    found = [*_dependent(model, sums, n), *_repeated(sums)]
    if not found:  # what chance makes is known of samples that are independent
        found += _lacking(model, sums, estimate, tests)
    noise = np.asarray(root @ estimate.noise @ root.T)
    beyond = sums["largest"] / np.sqrt(divisors(np.diag(estimate.noise)))
    found += _other_noise(noise, float(beyond.max()), part)
    if (np.sqrt(np.diag(noise)) < step).any():
        found.append(Objection("rounded", "labels are rounded to about as much as the noise"))
    return tuple(found)


def lack_of_fit(
    model: fisher.Model, sums: Sums, estimate: Estimate, tests: Alternatives
) -> tuple[float, float, float]:
    """Three scores, in standard deviations of what chance makes: of the largest sum, of all
    together, and of the best direction of a quadratic function."""
    raw, gram, cross = sums["moments"], sums["gram"], sums["cross"]
    b = len(gram)
    steps = model.of_products(raw[:, :b]) @ estimate.inverse.matrix
    coefficients = model.to_coefficients(steps)
    rest = raw - np.matmul(np.vstack([gram, cross]), coefficients)
    variances = (rest[1:] ** 2).mean(axis=0)
    usable = variances > EXPLAINED * (raw[1:] ** 2).mean(axis=0)
    squares = np.where(usable, rest**2 / divisors(variances), 0.0)
    sizes = np.sqrt(np.diag(sums["products"]))
    matrices = tests.matrices(rest[:, b:] / sizes)
    values = np.linalg.eigvalsh(matrices)
    statistics = (
        squares.sum(axis=2).max(axis=1),
        squares.sum(axis=(1, 2)),
        np.abs(values).max(axis=(1, 2)),
    )
    largest, together, quadratic = (_beyond_chance(each) for each in statistics)
    return largest, together, quadratic


def _beyond_chance(values: Array) -> float:
    """The first value, in standard deviations of the others beyond their mean."""
    own, others = values[0], values[1:]
    return float((own - others.mean()) / (others.std() + np.finfo(np.float64).tiny))


def _lacking(
    model: fisher.Model, sums: Sums, estimate: Estimate, tests: Alternatives
) -> Iterator[Objection]:
    score = max(lack_of_fit(model, sums, estimate, tests))
    if score > PLAIN:
        yield Objection(
            "more-units",
            f"what the network leaves depends on the inputs (score {score:.3g}, noise stays below "
            f"{PLAIN:g})",
        )


def _dependent(model: fisher.Model, sums: Sums, n: int) -> Iterator[Objection]:
    total = model.of_products(sums["moments"][0, : len(sums["gram"])])
    for name, rows in (("runs", RUN), ("cells", CELL)):
        together, apart, spread = sums[name]
        together = together - total**2 * min(1.0, rows / n)  # about their mean
        known = apart > 0
        freedom = apart[known] ** 2 / spread[known]  # of sums of squares that are not all alike
        p = chdtrc(freedom, freedom * together[known] / apart[known])
        if len(p) and len(p) * p.min() < SURELY:
            yield Objection("dependent", "neighbours are alike: samples depend on their order")
            return


def _repeated(sums: Sums) -> Iterator[Objection]:
    times = float(sums["counts"].mean())
    if times > 1 + COPIES:
        yield Objection("repeated", f"a sample is there {times:.3g} times in the mean")


def _other_noise(noise: Array, largest: float, part: Linearised) -> Iterator[Objection]:
    """`largest`: of the residuals of all samples, in standard deviations."""
    before, now, n = np.diag(part.noise), np.diag(noise), part.samples.n
    residual = part.samples.left(part.fit.net(part.samples.X))
    kurtosis = (residual**4).mean(axis=0) / divisors((residual**2).mean(axis=0) ** 2)
    known = before * np.sqrt(np.maximum(kurtosis - 1, LEAST) / n)
    if (np.abs(now - before) > PLAIN * known).any():
        yield Objection("other-noise", "the noise of all is another one than that of the part")
    elif largest > FAR and (kurtosis < LIGHT).all():
        yield Objection("other-noise", f"a label is {largest:.3g} standard deviations off")
