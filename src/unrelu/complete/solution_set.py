"""The question which networks explain rational samples, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.checks.refuted import Refutation
from unrelu.network import Network
from unrelu.numerics.complementarity import Effort
from unrelu.numerics.rationals import Rationals
from unrelu.wording.streams import printable

LISTED = 100
"""Networks that are listed; more are only counted."""


@dataclass(frozen=True, eq=False)
class Solutions:
    """What is known of the ReLU networks that explain samples without any error.

    networks : rational, in canonical form, each checked on every sample over ℚ: one, or with
        `count=True` all of them, at most `LISTED`.
    count : number of networks; math.inf for infinitely many, None if not asked for or unknown.
    values_count : the same, but networks with the same hidden values F = f(X Vᵀ + b) on the samples
        (up to the scale of their columns) count once: if a unit has too few active samples, one F
        may belong to infinitely many V.
    complete : whether `networks` are known to be all there are, which may be none.
    refutation : the proof that there is none, if so; the enumeration gives no such witness.
    reason : what was found, in words, and, if something is open, why.
    stats : seconds, nodes of search trees, seconds without SCIP, the seed.
    """

    networks: tuple[Network, ...]
    count: float | None
    values_count: float | None
    complete: bool
    refutation: Refutation | None
    reason: str
    stats: Mapping[str, float] = field(default_factory=dict)

    @property
    def decided(self) -> bool:
        """Whether it is known that there is such a network, or that there is none."""
        return bool(self.networks) or self.complete

    def __str__(self) -> str:
        return printable(self.reason)


@dataclass(frozen=True, eq=False)
class Case:
    """X, with a column of ones if there are biases, and what is asked about it."""

    X: Rationals
    Y: Rationals
    n_units: int
    bias: bool
    effort: Effort
    rng: np.random.Generator
    count: bool

    @property
    def labels(self) -> Rationals:
        """[1 Y] with biases, so that the 1 is among the leftmost independent columns."""
        return np.hstack([self.X[:, -1:], self.Y]) if self.bias else self.Y


def none(refutation: Refutation) -> Solutions:
    return Solutions((), 0, 0, True, refutation, str(refutation))


def undecided(reason: str) -> Solutions:
    return Solutions((), None, None, False, None, f"undecided: {reason}")


def found(net: Network, reason: str) -> Solutions:
    return Solutions((net,), None, None, False, None, reason)


def uncounted(found: Solutions, case: Case, why: str) -> Solutions:
    if not case.count:
        return found
    return replace(found, reason=f"{found.reason}; they are not counted where {why}")
