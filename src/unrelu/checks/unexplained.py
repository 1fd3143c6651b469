"""What does a network leave of noisy labels, and may it be noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from unrelu.checks.misfit import misfit
from unrelu.checks.shape import shape_p
from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.dependence import CLIP, DEPENDENT, MOST_ROWS, dependence
from unrelu.numerics.spread import NORMAL, robust_spread, telling
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

PLAIN = 1e-3
"""Share of what is left of other labels that is next to nothing."""

MOST_NEIGHBOURS = 20_000
"""Samples among which neighbours are looked for."""


@dataclass(frozen=True)
class Unexplained:
    """`share`: root mean square of the residual over that of the labels about their mean;
    `largest`: the largest residual over the labels' root mean square, in `worst_sample`;
    `dependence`: score of the residual's dependence on the inputs (`numerics.dependence`), of
    `clipped` residuals or not;
    `off`: samples of which more is left than rounding; `in_part`: the largest share of the labels
    of an output that are explained to rounding, where others are not;
    `chance`: a bound on the probability that noise alone is explained as well by this many units,
    asked where there are few labels (`checks.few_labels`);
    `shape`: p-value of its not depending on the heights of the units (`checks.shape`), asked where
    the activation is not the ReLU;
    `misfit`: score of its being alike for neighbours (`checks.misfit`)."""

    share: float
    largest: float
    worst_sample: int
    dependence: float
    clipped: bool
    off: int = 0
    in_part: float = 0.0
    shape: float = 1.0
    chance: float = 0.0
    misfit: float = 0.0

    def rows(self) -> list[tuple[str, str]]:
        """As labelled lines."""
        text = (
            f"{100 * self.share:.3g}% of the labels' spread; dependence on the inputs "
            f"{self.dependence:.1f} (plain from {DEPENDENT:g} on)"
        )
        return [("left unexplained", text)]


def unexplained(net: Network, samples: Samples, biased: bool, clipped: bool) -> Unexplained:
    """One pass over the samples, and pairs among 1500 of them. Weights of samples count."""
    total, squares, left = np.zeros(samples.m), 0.0, 0.0
    size, largest, worst, off = 0.0, 0.0, 0, 0
    rounding = samples.resolution()
    every = np.ones((samples.n, 1)) * samples.root
    start = np.asarray(samples.Y[:1], np.float64) * biased  # labels far from zero lose no digits
    for rows, X, Y in samples.blocks():
        residual, labels = Y - net(X), every[rows] * (Y - start)
        total += (every[rows] * labels).sum(axis=0)
        squares += float(np.vdot(labels, labels))
        size += float(np.vdot(Y, Y))
        left += float(np.vdot(every[rows] * residual, every[rows] * residual))
        sizes = np.abs(residual).max(axis=1)
        off += int((np.abs(residual) > rounding).any(axis=1).sum())
        if sizes.max() > largest:
            largest, worst = float(sizes.max()), rows.start + int(sizes.argmax())
    spread = squares - float(total @ total) / samples.n if biased else squares
    few = samples.take(np.arange(0, samples.n, max(1, -(-samples.n // MOST_ROWS))))
    clip = CLIP if clipped else np.inf
    rest = few.left(net(few.X))
    residual = _beyond_rounding(few, rest)
    shape = 1.0 if net.activation.piecewise_linear else shape_p(net, few, residual)
    usual = NORMAL * robust_spread(residual, few.Y)
    score = dependence(
        residual, whiten(with_constant(few.X, biased)).features, clip=clip, size=usual
    )
    tiny = np.finfo(np.float64).tiny
    return Unexplained(
        share=float(np.sqrt(left) / np.sqrt(max(spread, tiny))),
        largest=largest / float(np.sqrt(max(size / (samples.n * samples.m), tiny))),
        worst_sample=worst,
        dependence=score,
        clipped=clipped,
        off=off,
        in_part=_explained_in_part(rest, few),
        shape=shape,
        misfit=_misfit(net, samples, clip),
    )


def linear_p(net: Network, samples: Samples) -> float:
    """p-value of what is left not being linear in the inputs: F tests, one for each output, of
    residuals clipped at `CLIP` robust standard deviations."""
    few = samples.take(samples.spread(MOST_ROWS))
    rest = few.left(net(few.X))
    size = CLIP * robust_spread(rest, few.Y)
    rest = np.clip(rest, -size, size)
    ones = few.root * np.ones((few.n, 1))
    design = np.column_stack([few.root * few.X, ones])
    # Of what a constant leaves, if there is one: without, it may be part of the noise's mean.
    before = rest - ones @ np.linalg.lstsq(ones, rest)[0]
    after = before - design @ np.linalg.lstsq(design, before)[0]
    squares, spare = (after**2).sum(axis=0), few.n - few.d - 1
    if spare < 1:
        return 1.0
    ratio = ((before**2).sum(axis=0) - squares) / np.maximum(squares, np.finfo(float).tiny)
    return float(min(1.0, samples.m * fdtrc(few.d, spare, ratio * spare / few.d).min()))


def _misfit(net: Network, samples: Samples, clip: float) -> float:
    some = samples.take(samples.spread(MOST_NEIGHBOURS))
    residual = _beyond_rounding(some, some.left(net(some.X)))
    residual /= divisors(robust_spread(residual, some.Y))
    return misfit(net, np.asarray(some.X, np.float64), np.clip(residual, -clip, clip))


def _explained_in_part(rest: Array, samples: Samples) -> float:
    """The largest share of labels of an output of which next to nothing is left, where plainly more
    is left of others; labels at a limit, which a constant fits, do not count. Noise leaves a
    thousandth of its size of one label in a thousand."""
    sizes, counted, least = np.abs(rest), telling(rest, samples.Y), samples.resolution()
    shares = [0.0]
    for o in range(samples.m):
        column = sizes[counted[:, o], o]
        beyond = column[column > least[o]]
        if len(beyond):
            shares.append(float((column <= min(least[o], PLAIN * np.median(beyond))).mean()))
    return max(shares)


def _beyond_rounding(samples: Samples, residual: Array) -> Array:
    """Rounding may depend: it is most of what is left where a few gross errors are all that is
    wrong, and all of it in an output of zeros."""
    return np.asarray(np.where(np.abs(residual) > samples.resolution(), residual, 0.0))


def largest_residual(net: Network, samples: Samples) -> tuple[float, int]:
    """Over the labels' root mean square, and its sample; in one pass."""
    largest, worst, squares = 0.0, 0, 0.0
    for rows, X, Y in samples.blocks():
        off = np.abs(net(X) - Y).max(axis=1)
        squares += float(np.vdot(Y, Y))
        if off.max() > largest:
            largest, worst = float(off.max()), rows.start + int(off.argmax())
    return largest / (np.sqrt(squares / (samples.n * samples.m)) or 1.0), worst


def off_the_usual(samples: Samples) -> int:
    """How many samples have another label than most, or than all have in some output."""
    off = np.zeros(samples.n, dtype=bool)
    for column in np.asarray(samples.Y).T:
        values, counts = np.unique(column, return_counts=True)
        off |= column != values[counts.argmax()]
    return int(off.sum())
