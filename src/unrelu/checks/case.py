"""What is measured of a network on samples, before the checks look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.samples import Samples

LINEAR = 0.2
"""Radians, or shares, by which hidden weights may be off while what is linear in them holds."""


@dataclass(frozen=True, eq=False)
class Explained:
    """How well the labels are explained; fields as in `Certificate`. `missed`: rows whose labels
    are off by more than rounding, as far as there are any."""

    residual: float
    in_roundings: float
    worst_sample: int
    margin: float
    on_kink: int
    missed: Index


@dataclass(frozen=True, eq=False)
class Pinned:
    """What a subset of the samples shows of each of the k units.

    `errors`: how far labels off by rounding may have moved its hidden weights and bias (unit
    rows, in the units of the inputs and in scaled ones, whichever is worse), where rounding is
    random. `farthest`: the same where it conspires: no network on the same sides that explains
    the labels to rounding is farther away.
    `spare`: equations left over, on the side where fewer, after all unknowns are paid for.
    `shares`: of the samples it is active on.
    `outputs`: rank of the output weights: how many equations a sample is worth.
    `needed`: how many of `spare` rule out chance. `dimension`: of a unit's
    weights and bias. `independent`: whether the inputs are. `checked`: whether all that was found
    out, which takes long for many units.
    """

    errors: Array
    spare: Array
    shares: Array
    outputs: int
    needed: int
    dimension: int
    independent: bool = True
    farthest: Array | None = None
    checked: bool = True

    @property
    def stated(self) -> Array:
        """The errors that a certificate states."""
        return self.errors if self.farthest is None else self.farthest

    def weak(self, limit: float) -> Index:
        vague = ~(self.errors <= limit)
        if limit < np.inf:  # and not proved to be pinned
            vague |= ~(self.stated <= LINEAR)
        return np.flatnonzero(vague | ~(self.spare >= self.needed))


@dataclass(frozen=True, eq=False)
class Clean:
    """`samples`: all rows, with the network's own labels in the place of wrong ones. `wrong`
    (n, m), `errors` (n, m) by how much. `usable`: the rows whose clean entries determine the labels
    of all outputs, with labels made from those alone."""

    samples: Samples
    wrong: Mask
    errors: Array
    usable: Samples

    @property
    def entries(self) -> Index:
        """(s, 2) rows and outputs."""
        return np.argwhere(self.wrong)


@dataclass(frozen=True, eq=False)
class Case:
    """A canonical network, the samples that it is checked on, and what was measured of both.

    `biased`, `skip`: whether networks with biases, and with a skip connection, compete with it.
    `limit`: by how much rounding may have moved a hidden weight. `equations`: independent label
    entries, as many as were counted; `unknowns`: free weights; `needed`: by how many the first must
    exceed the second. `clean`: what is left where entries are grossly wrong, which `samples` are
    then without; `refused`: why entries may not be left out; `declared`: whether it was said that
    there are such. `objection`: why weights that are
    found jointly do not determine the units. `rival`: another network that explains the samples,
    where the search has found one. `few`: whether so few inputs differ that all units are looked
    at.
    """

    net: Network
    samples: Samples
    biased: bool
    skip: bool
    limit: float
    explained: Explained
    pinned: Pinned
    equations: int
    unknowns: int
    needed: int
    clean: Clean | None = None
    refused: str = ""
    declared: bool = True
    objection: str = ""
    rival: Network | None = None
    few: bool = False

    @property
    def fits(self) -> bool:
        """Whether every label is explained to rounding; not so for NaN."""
        return self.explained.in_roundings <= 1 and not self.refused

    @property
    def relu(self) -> bool:
        """Whether units can be turned round: f(z) = f(−z) + z."""
        return self.net.activation.reversible

    @property
    def curved(self) -> bool:
        """Whether they cannot, so that sides are known and units may be replaced."""
        return not self.relu

    @property
    def one_way_round(self) -> bool:
        """Whether units can be turned round, and no skip connection makes up for it."""
        return self.relu and not self.skip

    @property
    def biases_alone(self) -> bool:
        """Whether networks with biases compete with it, and without skip connections."""
        return self.biased and not self.skip

    @property
    def undeclared(self) -> bool:
        """Whether entries are left out though it was not said that some are grossly wrong."""
        return self.clean is not None and not self.declared


class Check(NamedTuple):
    """A question about a case; and the name of what has to hold of the case for it to arise, a
    field or a property that is true, or "" where it always does."""

    find: Callable[[Case], Finding | None]
    when: str = ""

    def applies(self, case: Case) -> bool:
        return not self.when or bool(getattr(case, self.when))
