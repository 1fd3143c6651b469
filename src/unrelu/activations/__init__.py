"""Rectified activations: f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0, phi increasing.

relu         ReLU()                      phi(z) = z
power(c)     Power(c), c > 0             z^c
expm1        Expm1()                     e^z − 1
exp-square   ExpSquare()                 e^(z²) − 1
             Rectified(phi, inverse)     your own
"""

from unrelu.activations.base import Activation
from unrelu.activations.curve import Curve
from unrelu.activations.exponential import Expm1, ExpSquare
from unrelu.activations.moments import REACH, hermite
from unrelu.activations.power import Power
from unrelu.activations.rectified import Rectified
from unrelu.activations.relu import RELU, ReLU
from unrelu.activations.table import KINDS, NAMED, NAMES, names, resolve
from unrelu.numerics.arrays import Array

__all__ = [
    "KINDS",
    "NAMED",
    "NAMES",
    "REACH",
    "RELU",
    "Activation",
    "Curve",
    "ExpSquare",
    "Expm1",
    "Power",
    "ReLU",
    "Rectified",
    "chord",
    "has_kink",
    "hermite",
    "hidden_rounding",
    "names",
    "resolve",
    "steep",
]


def steep(activation: Activation) -> bool:
    """Whether the slope at 0 is infinite: `activation.steep`.

    >>> steep(Power(0.5)), steep(Power(2)), steep(Expm1())
    (True, False, False)
    """
    return activation.steep


def has_kink(activation: Activation) -> bool:
    """Whether the slope jumps at 0: `activation.kinked`.

    >>> has_kink(ReLU()), has_kink(Power(2)), has_kink(Expm1())
    (True, False, True)
    """
    return activation.kinked


def chord(activation: Activation, z: Array, doubt: float | Array) -> Array:
    """The slope over z ± doubt: `activation.chord`."""
    return activation.chord(z, doubt)


def hidden_rounding(activation: Activation, Z: Array, reach: Array, unit: float) -> Array:
    """What rounding may do to f(z): `activation.rounding`."""
    return activation.rounding(Z, reach, unit)
