"""Rectified activations: f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0, phi increasing.

    relu         ReLU()                      phi(z) = z
    power(c)     Power(c), c > 0             z^c
    expm1        Expm1()                     e^z − 1
    exp-square   ExpSquare()                 e^(z²) − 1
                 Rectified(phi, inverse)     your own

An activation is a small frozen value; two of one kind compare equal. Networks hold one, methods
ask it for what they need:

name       by which `resolve` knows it, and files do.
degree     c where f(a z) = a^c f(z) for all a > 0; None where the scale of z is part of a network.
rational   whether f of a fraction is one; `exactly` computes it.
slope      phi' at z > 0, 0 elsewhere.  inverse  z > 0 from phi(z).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from unrelu.activations.curve import Curve as Curve
from unrelu.activations.vetting import vetted
from unrelu.errors import InputError, InputTypeError
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import kind_of

Fractions = NDArray[np.object_]

REACH = 12.0
"""Standard deviations within which the normal law is integrated: beyond them lies 1e-32 of it, so
that even 12⁴ times as much is nothing in double precision."""


def hermite(f: Callable[[Array], Array], order: int, bias: Array | float = 0.0) -> Array:
    """h_r(b) = E f(g + b) He_r(g), g ~ N(0, 1), for every bias b; shape of `bias`.

    He_r are the probabilists' polynomials: f(g + b) = Σ h_r He_r(g) / r!. f must vanish where its
    argument is not positive and grow slower than a Gaussian decays. Only the half line g > −b is
    integrated, in t with g = −b + t²: the kink becomes an end point, and a root there smooth.

    >>> np.allclose(hermite(ReLU(), 1), 0.5)
    True
    """
    nodes, weights = _legendre()
    low = np.maximum(-np.asarray(bias, dtype=np.float64), -REACH)[..., None]
    reach = np.sqrt(np.maximum(low, 0.0) + REACH - low)
    t = reach * nodes
    g = low + t**2
    density = np.exp(-(g**2) / 2) / np.sqrt(2 * np.pi) * 2 * t * reach
    polynomial = np.polynomial.hermite_e.hermeval(g, [0.0] * order + [1.0])
    values = f(g + np.asarray(bias)[..., None])
    return np.asarray((values * polynomial * density) @ weights)


@cache
def _legendre() -> tuple[Array, Array]:
    """Gauss–Legendre on [0, 1]. In t the normal density is no narrower than 1/35 of the interval;
    200 nodes put a dozen on its standard deviation near the ends and seven in the middle."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return (nodes + 1) / 2, weights / 2


def _positive_part(z: Fractions) -> Fractions:
    part = z.copy()
    part[part < 0] = Fraction(0)
    return part


@dataclass(frozen=True)
class ReLU:
    """f(z) = max(z, 0), positively homogeneous: f(a z) = a f(z) for a > 0.

    >>> ReLU()(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    name: ClassVar[str] = "relu"
    degree: ClassVar[float] = 1.0
    rational: ClassVar[bool] = True

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def slope(self, z: Array) -> Array:
        return np.asarray((z > 0).astype(np.float64))

    def inverse(self, y: Array) -> Array:
        return y

    def exactly(self, z: Fractions) -> Fractions:
        """f of an array of Fraction, without any rounding."""
        return _positive_part(z)

    def hermite(self, order: int, bias: Array | float = 0.0) -> Array:
        """h_r(b) = E f(g + b) He_r(g), see `hermite`. For the ReLU h₁ = Φ(b), h₂ = φ(b),
        h₃ = −b φ(b): with no bias the third order shows nothing."""
        return hermite(self, order, bias)


@dataclass(frozen=True)
class Power:
    """f(z) = z^c for z > 0, c > 0; homogeneous of degree c. Power(1) is the ReLU, and networks
    take it for that. Raises InputError, InputTypeError for another c.

    >>> Power(2)(np.array([-1.0, 0.0, 3.0]))
    array([0., 0., 9.])
    """

    c: float

    def __post_init__(self) -> None:
        given: Any = self.c
        if isinstance(given, bool) or not isinstance(given, Real):
            raise InputTypeError(f"c: got {kind_of(given)}, expected a positive number")
        if not 0 < self.c < np.inf:
            raise InputError(f"c: got {self.c}, expected a positive number")
        object.__setattr__(self, "c", float(self.c))

    @property
    def name(self) -> str:
        return f"power({repr(self.c).removesuffix('.0')})"

    @property
    def degree(self) -> float:
        return self.c

    @property
    def rational(self) -> bool:
        return self.c.is_integer()

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.maximum(z, 0.0) ** self.c)

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.where(z > 0, self.c * np.where(z > 0, z, 1.0) ** (self.c - 1), 0.0)

    def inverse(self, y: Array) -> Array:
        return np.asarray(y ** (1 / self.c))

    def exactly(self, z: Fractions) -> Fractions:
        return np.asarray(_positive_part(z) ** int(self.c))


@dataclass(frozen=True)
class Expm1:
    """f(z) = e^z − 1 for z > 0. The scale of z is part of the network.

    >>> Expm1()(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 1.71828183])
    """

    name: ClassVar[str] = "expm1"
    degree: ClassVar[None] = None
    rational: ClassVar[bool] = False

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1(np.maximum(z, 0.0)))

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.where(z > 0, np.exp(np.maximum(z, 0.0)), 0.0)

    def inverse(self, y: Array) -> Array:
        return np.asarray(np.log1p(y))


@dataclass(frozen=True)
class ExpSquare:
    """f(z) = e^(z²) − 1 for z > 0. The scale of z is part of the network.

    >>> ExpSquare()(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 1.71828183])
    """

    name: ClassVar[str] = "exp-square"
    degree: ClassVar[None] = None
    rational: ClassVar[bool] = False

    def __call__(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1(np.maximum(z, 0.0) ** 2))

    def slope(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            z = np.maximum(z, 0.0)
            return np.asarray(2 * z * np.exp(z**2))

    def inverse(self, y: Array) -> Array:
        return np.asarray(np.sqrt(np.log1p(y)))


@dataclass(frozen=True)
class Rectified:
    """f(z) = phi(z) for z > 0, of your own: phi and its inverse act on float64 arrays, entry by
    entry. What phi says of z <= 0 is never asked.

    Before use it is looked at on numbers from 1e-6 to 8 (or to where, beyond 2, it overflows or is
    flat to rounding): there it must be finite, positive and increasing, the inverse must lead
    back, and phi must not be a multiple of z, which the ReLU is for. Raises InputError where it is
    not so, InputTypeError for what cannot be called. Whether phi is homogeneous is seen there,
    too.

    Two are equal if their functions are the same objects. Pickling needs functions that can be
    pickled, as those of a module can; model files cannot hold any.

    >>> f = Rectified(np.tanh, np.arctanh)
    >>> f(np.array([-1.0, 0.0, 1.0]))
    array([0.        , 0.        , 0.76159416])
    """

    phi: Callable[[Array], Array]
    phi_inverse: Callable[[Array], Array]
    degree: float | None = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "rectified"
    rational: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", vetted(self.phi, self.phi_inverse))

    def __call__(self, z: Array) -> Array:
        z = np.asarray(z, dtype=np.float64)
        positive = ~(z <= 0)  # so that NaN stays NaN
        y = np.zeros(z.shape)
        with np.errstate(all="ignore"):
            y[positive] = self.phi(z[positive])
        return y

    def slope(self, z: Array) -> Array:
        """By central differences, good to about 1e-10: steps of a third of the digits."""
        z = np.asarray(z, dtype=np.float64)
        step = np.where(z > 0, z, 1.0) * 2.0**-17
        with np.errstate(all="ignore"):
            up, down = self(z + step), self(z - step)
            return np.where(z > 0, (up - down) / ((z + step) - (z - step)), 0.0)

    def inverse(self, y: Array) -> Array:
        """NaN for what phi does not reach, where phi_inverse says so."""
        with np.errstate(all="ignore"):
            return np.asarray(self.phi_inverse(np.asarray(y, dtype=np.float64)), dtype=np.float64)


Activation = ReLU | Power | Expm1 | ExpSquare | Rectified | Curve
"""Every activation that the library knows."""


def hidden_rounding(activation: Activation, Z: Array, reach: Array, unit: float) -> Array:
    """What rounding may do to f(z), for z a sum of terms of size `reach`, both of one shape, in
    multiples of the rounding `unit`: by z off as much, through the slope of f (the difference of
    both ends, for it may change fast there); and by f, which is known to its digits only."""
    low, high = activation(Z - unit * reach), activation(Z + unit * reach)
    with np.errstate(invalid="ignore"):  # infinite ones: NaN, which explains nothing
        return np.asarray(np.hypot((high - low) / (2 * unit), high))


def steep(activation: Activation) -> bool:
    """Whether the slope at 0 is infinite, as that of √z is: beyond any that the same function has
    on average up to 1.

    >>> steep(Power(0.5)), steep(Power(2)), steep(Expm1())
    (True, False, False)
    """
    near, far = np.array([1e-12]), np.ones(1)
    with np.errstate(all="ignore"):
        return bool(activation.slope(near)[0] > 1e3 * activation(far)[0])


def has_kink(activation: Activation) -> bool:
    """Whether the slope jumps at 0, from nothing to something.

    >>> has_kink(ReLU()), has_kink(Power(2)), has_kink(Expm1())
    (True, False, True)
    """
    near, far = np.array([1e-6]), np.ones(1)
    return bool(activation.slope(near)[0] > 1e-3 * activation(far)[0])


def chord(activation: Activation, z: Array, doubt: float | Array) -> Array:
    """The slope over z ± doubt: how f changes, on average, where z is known so far only. The kink
    lends a part of its slope to what is near it on the other side. (`doubt` at least a few digits.)
    """
    doubt = np.maximum(doubt, 1e-7 * np.maximum(np.abs(z), 1e-7))
    return np.asarray((activation(z + doubt) - activation(z - doubt)) / (2 * doubt))


RELU = ReLU()

NAMED: dict[str, Activation] = {"relu": RELU, "expm1": Expm1(), "exp-square": ExpSquare()}

POWER = re.compile(r"power\(([0-9.e+-]+)\)")

NAMES = "'relu', 'power(c)' for a number c > 0, 'expm1', 'exp-square'"


def resolve(activation: str | Activation) -> Activation:
    """The activation meant by a name or an object.

    Raises `InputError` for an unknown name, `InputTypeError` for anything else.

    >>> resolve("relu"), resolve("power(0.5)"), resolve(Power(1))
    (ReLU(), Power(c=0.5), ReLU())
    """
    if isinstance(activation, Activation):
        return ReLU() if activation == Power(1) else activation
    if not isinstance(activation, str):
        raise InputTypeError(
            f"activation: got {kind_of(activation)}, expected a name ({NAMES}) or an "
            "object of unrelu.activations"
        )
    if activation in NAMED:
        return NAMED[activation]
    power = POWER.fullmatch(activation)
    try:
        if power is not None:
            return resolve(Power(float(power[1])))
    except ValueError:  # no number, or not a positive one
        pass
    raise InputError(
        f"activation: got {activation!r}, expected one of {NAMES}, or Rectified(phi, phi_inverse) "
        "of unrelu.activations for one of your own"
    )
