"""Noisy labels: may what the network leaves of them be noise?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.checks.few_labels import chance
from unrelu.checks.noise_left import NoisyCase, decide
from unrelu.checks.unexplained import Unexplained, unexplained
from unrelu.evidence.evidence import (
    Evidence,
    Judgement,
    Question,
    equations_row,
    in_floats,
    with_kind_of_labels,
)
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE, Precision
from unrelu.samples import Samples
from unrelu.wording.status import Status

ALL_ROUNDING, MOST_ROWS = 0.35, 100_000
"""Steps that are left, in the root mean square, where nothing else is; samples examined."""

LOOKED_AT, ROUNDED = 5000, 0.4
"""Samples that are examined, and standard deviation in steps up to which it may be rounding."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class NoisyLabels(Evidence):
    """Labels that a network was fitted to.

    unexplained : what it leaves of them.
    equations, unknowns : label entries, and free weights.
    weight_errors : (k,) standard errors of hidden weights, in radians; with one input, of
        breakpoints, in standard deviations of the input. Infinite where there are none.
    undetermined : units with a part that no label depends on. told : whether the number of units
        was known before. precision : what the labels are rounded to, where that is all the noise.
    """

    unexplained: Unexplained
    equations: int
    unknowns: int
    weight_errors: Array
    undetermined: Index
    told: bool = True
    precision: str = DOUBLE.name

    @property
    def explained(self) -> bool:
        return False

    @property
    def residual(self) -> float:
        return self.unexplained.largest

    @property
    def worst_sample(self) -> int:
        return self.unexplained.worst_sample

    def recheck(self, asked: Question, X: ArrayLike, Y: ArrayLike) -> Judgement:
        fresh, before = in_floats(X, Y), self.unexplained
        asked.check_widths(fresh)
        left = left_of(asked, fresh, before.clipped, fresh.precision)
        left = replace(left, growth=before.growth, search=before.search, common=before.common)
        judgement = judge_noisy(
            *(asked, fresh, left, self.weight_errors, self.undetermined),
            told=self.told,
            precision=fresh.precision,
        )
        return with_kind_of_labels(judgement, fresh)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        rows = []
        if self.precision != DOUBLE.name:
            rows.append(("labels rounded to", self.precision))
        return [
            *rows,
            *self.unexplained.rows(),
            counts,
            equations_row(self.equations, self.unknowns),
        ]


def left_of(asked: Question, samples: Samples, clipped: bool, precision: Precision) -> Unexplained:
    """What a network leaves of noisy labels, weights of samples included, and how often noise alone
    is explained as well. `clipped`: residuals that are far out count as less. What is as small as
    the rounding to `precision` is alike for neighbours, and no misfit."""
    net = asked.network.canonical()
    left = unexplained(net, samples, asked.biased, clipped)
    left = replace(left, chance=chance(net, samples, asked.biased, asked.skip, clipped))
    some = samples.take(samples.spread(LOOKED_AT))
    rest = np.asarray(some.Y, np.float64) - net(some.X)
    rounding = bool((rest.std(axis=0) < ROUNDED * precision.step).all())
    return replace(left, misfit=0.0) if rounding else left


def judge_noisy(
    asked: Question,
    samples: Samples,
    left: Unexplained,
    errors: Array | None = None,
    undetermined: Index | None = None,
    *,
    told: bool = True,
    precision: Precision = DOUBLE,
) -> Judgement:
    """What noisy samples show of a network that leaves `left` of them, and whose hidden weights
    have standard `errors` (k,) in radians, if there are any; `undetermined`, `told`: as in
    `NoisyLabels`. `precision`: of the labels, which may be all that the network leaves."""
    asked.check_widths(samples)
    net = asked.network.canonical()
    free = unknowns_of(net, biases=asked.biased, skip=asked.skip)
    errors = np.full(net.n_units, np.inf) if errors is None else errors
    undetermined = np.arange(0) if undetermined is None else undetermined
    found = decide(NoisyCase(net, samples, left, free, errors, undetermined, told))
    rounded = found.status == Status.ESTIMATED and _is_rounding(net, samples, precision)
    if rounded:
        sentence = f"{found.sentence}, the rounding of the labels to {precision.name}"
        found = replace(found, code="rounding", sentence=sentence)
    evidence = NoisyLabels(
        unexplained=left,
        equations=samples.n * samples.m,
        unknowns=free,
        weight_errors=errors,
        undetermined=undetermined,
        told=told,
        precision=precision.name if rounded else DOUBLE.name,
    )
    return Judgement(net, asked, samples.n, evidence, (found,))


def _is_rounding(net: Network, samples: Samples, precision: Precision) -> bool:
    """Whether what is left of the labels is their rounding: a uniform error of up to half a step
    has a standard deviation of 0.29 steps."""
    if not precision.step:
        return False
    some = samples.take(samples.spread(MOST_ROWS))
    return bool(np.sqrt(((some.Y - net(some.X)) ** 2).mean()) <= ALL_ROUNDING * precision.step)
