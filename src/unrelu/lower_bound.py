"""Two networks that few samples distinguish: how many samples any method needs.

The pair behind the lower bound Ω(κ(V)) of Bakshi, Jayaram and Woodruff (COLT 2019), Lemma 55.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import InputError, InputTypeError
from unrelu.network import Network
from unrelu.numerics.arrays import Mask

__all__ = ["LowerBound", "pair"]

LARGEST_KAPPA = 2.0**400
"""So that slopes and their products with samples neither overflow nor underflow."""


@dataclass(frozen=True, eq=False)
class LowerBound:
    """Two networks with two inputs, two units and one output, which have equal labels if
    |x₁| ≥ slope · |x₂| and different ones otherwise. Made by `pair`.

    slope : 2a, a power of two, the inverse of the condition number of the hidden weights of
        `second`.
    first : V = [[1, a], [1, −a]], of condition number 2 / slope.
    second : V = [[1, 2a], [1, −2a]], of condition number 1 / slope.
    """

    slope: float
    first: Network
    second: Network

    def agrees(self, X: ArrayLike) -> Mask:
        """For which rows of X (n, 2) the two networks have the same label, max(x₁, 0).

        Since the slope is a power of two, this is decided without rounding; labels in floats may
        still differ by a rounding error. Raises InputError for another width.
        """
        X = np.asarray(X)
        if X.dtype.kind not in "fiu":
            raise InputTypeError(f"X: got data of type {X.dtype}, expected real numbers")
        if X.ndim != 2 or X.shape[1] != 2:
            raise InputError(f"X: got shape {X.shape}, expected (n_samples, 2)")
        X = np.abs(X.astype(np.float64))
        with np.errstate(over="ignore"):  # infinity compares correctly; an underflow would not
            return np.asarray(X[:, 0] / self.slope >= X[:, 1])

    @property
    def outside(self) -> float:
        """The share of Gaussian inputs for which they differ. x₁ / x₂ is Cauchy distributed:
        P(|x₁| < t |x₂|) = (2 / π) arctan t, about 0.64 / κ."""
        return 2 / math.pi * math.atan(self.slope)

    def samples_needed(self, probability: float = 0.5) -> int:
        """How many Gaussian samples contain, with at least this probability, one whose labels
        differ: the smallest n with 1 − (1 − outside)ⁿ ≥ probability, about
        (π / 2) κ log(1 / (1 − probability)). Without a difference, any method can only guess.

        Raises InputError for a probability that is not between 0 and 1.
        """
        if not 0 < probability < 1:
            raise InputError(f"probability: got {probability}, expected one between 0 and 1")
        return math.ceil(math.log1p(-probability) / math.log1p(-self.outside))


def pair(kappa: float) -> LowerBound:
    """Two networks whose hidden weights have a condition number of at least `kappa`, and which
    agree on all but a share of about 0.64 / kappa of the Gaussian inputs.

    Let y_a(x) = [f(x₁ + a x₂) + f(x₁ − a x₂)] / 2. If |x₁| ≥ a |x₂|, both arguments have the sign
    of x₁, and the label is max(x₁, 0), whatever a is. So y_a and y_2a agree for
    |x₁| ≥ 2a |x₂|. Elsewhere only one argument of y_2a is positive, y_2a = (x₁ + 2a |x₂|) / 2,
    and y_2a − y_a is a |x₂| / 2 where |x₁| < a |x₂|, else (2a |x₂| − |x₁|) / 2: positive.

    The columns of [[1, a], [1, −a]] are orthogonal, of lengths √2 and √2 a: its condition number
    is 1 / a. Here 2a is the largest power of two up to 1 / kappa, so that all weights are exact
    and the condition numbers are at least kappa: between kappa and 2 kappa for the second, twice
    that for the first.

    Rows of unit length, as in the paper, with output weights √(1 + a²) / 2 are the same function;
    `network.canonical()` gives them. Since all rows of V have the same length, the condition
    number is the same, too.

    Raises InputError for kappa outside (1, 2⁴⁰⁰], InputTypeError if it is not a number.

    Source: Bakshi, Jayaram and Woodruff (COLT 2019), Lemma 55.

    >>> bound = pair(4)
    >>> X = np.array([[1.0, 2.0], [1.0, 8.0]])
    >>> bound.agrees(X), bound.first(X)[:, 0], bound.second(X)[:, 0]
    (array([ True, False]), array([1., 1.]), array([1. , 1.5]))
    """
    if isinstance(kappa, bool) or not isinstance(kappa, int | float | np.integer | np.floating):
        raise InputTypeError(f"kappa: got {kappa!r}, expected a number above 1")
    try:
        value = float(kappa)
    except OverflowError:  # an integer
        value = math.inf
    if not 1 < value <= LARGEST_KAPPA:
        raise InputError(f"kappa: got {value:g}, expected a number above 1, up to 2⁴⁰⁰")
    fraction, exponent = math.frexp(value)  # value = fraction · 2^exponent, 1/2 ≤ fraction < 1
    slope = math.ldexp(1.0, -exponent if fraction > 0.5 else 1 - exponent)
    return LowerBound(slope, _rising(slope / 2), _rising(slope))


def _rising(a: float) -> Network:
    return Network([[1.0, a], [1.0, -a]], [[0.5, 0.5]])
