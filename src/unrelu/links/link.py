"""A link: a function between the values of a network and the answers of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unrelu.numerics.arrays import Array, Index


def each_output(F: Array, outputs: Index) -> tuple[Array, Array]:
    """The entry of a link that treats outputs one by one: z is the value of the output itself."""
    rows = np.arange(len(F))
    gradient = np.zeros_like(F)
    gradient[rows, outputs] = 1.0
    return np.asarray(F[rows, outputs]), gradient


@dataclass(frozen=True)
class Link:
    """Answers P = g(F), (n, m) each.

    name : as in `recover(answers=...)`.
    about : what the answers are, as the end of "the answers are ...".
    forward : g.
    inverse : P -> the canonical F with g(F) = P.
    error : (P, errors of P) -> the errors that these make in the inverse, (n, m) each.
    target, entry : an answer p of output a says that z_a(F) = target(p). `entry(F, outputs)` gives
        z_a for one output in each row, (n,), and its gradient by F, (n, m).
    slope : dp/dz at answers p.
    relative : whether small answers have all their digits, relative to their own size.
    low, high : the range of answers, without its ends where they are never reached.
    centred : whether a function added to all values leaves the answers as they are. The canonical
        values then sum to zero.
    hides : what such answers do not show, as a sentence without its full stop.
    refuse : P -> what contradicts that P are such answers; "" if nothing does.
    """

    name: str
    about: str
    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    error: Callable[[Array, Array], Array]
    target: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    entry: Callable[[Array, Index], tuple[Array, Array]] = each_output
    relative: bool = False
    low: float = -np.inf
    high: float = np.inf
    centred: bool = False
    hides: str = ""
    refuse: Callable[[Array], str] = lambda _: ""

    def clarity(self, p: Array) -> Array:
        """The rounding of values of order one, over what rounding of answers p makes of it; zero
        for answers that have underflowed."""
        slope = np.asarray(self.slope(p))
        if not self.relative:
            return slope
        return np.divide(slope, p, out=np.zeros_like(slope), where=p != 0)
