"""All networks of so many units that explain rational samples exactly, or a proof of none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from unrelu.checks.refuted import Refutation
from unrelu.network import Network
from unrelu.samples import ExactSamples

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS = ("facets", "enumeration", "mixed-integer", "tree")


@dataclass(frozen=True, eq=False)
class Solutions:
    """What is known of the networks with `n_units` units that explain samples without any error.

    networks : rational and in canonical form; one, or with `count=True` as many as there are up
        to a limit.
    count : how many there are (math.inf for a continuum); None if not asked for or not known.
    complete : whether that is all: `networks` are all there are, be it none.
    refutation : the proof that there is none, if there is none.
    reason : what was found and, where something is undecided, why.
    """

    networks: tuple[Network, ...]
    count: float | None
    complete: bool
    refutation: Refutation | None
    reason: str
    stats: Mapping[str, float] = field(default_factory=dict)


def solutions(
    X: ArrayLike,
    Y: ArrayLike,
    n_units: int,
    *,
    bias: bool = False,
    U: ArrayLike | None = None,
    method: str = "facets",
    count: bool = False,
    time_limit: float = 60.0,
    rng: int | np.random.Generator | None = None,
) -> Solutions:
    """Find a network of ReLU units that explains X (n, d), Y (n, m) over ℚ, or prove that
    there is none."""
    ExactSamples.of(X, Y)
    return Solutions((), None, False, None, "not searched for yet")
