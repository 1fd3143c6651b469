"""Every kind of activation that has a name, and which one a name or an object means."""

from __future__ import annotations

from unrelu.activations.base import Activation
from unrelu.activations.exponential import Expm1, ExpSquare
from unrelu.activations.power import Power
from unrelu.activations.relu import RELU, ReLU
from unrelu.errors import InputError, InputTypeError
from unrelu.wording.streams import kind_of

KINDS: list[type[Activation]] = [
    ReLU,
    Power,
    Expm1,
    ExpSquare,
]
"""Those that `resolve` knows by name, in the order of messages."""

NAMED: dict[str, Activation] = {f.name: f for f in (RELU, Expm1(), ExpSquare())}
"""Those whose name has no number in it."""

FIRST_POWER = Power(1)
"""Which is the ReLU."""


def names() -> str:
    """The names that `resolve` knows, in words."""
    return ", ".join(kind.spelling() for kind in KINDS)


NAMES = names()


def resolve(activation: str | Activation) -> Activation:
    """The activation meant by a name or an object.

    Raises `InputError` for an unknown name, `InputTypeError` for anything else.

    >>> resolve("relu"), resolve("power(0.5)"), resolve(Power(1))
    (ReLU(), Power(c=0.5), ReLU())
    """
    if isinstance(activation, Activation):
        return RELU if activation == FIRST_POWER else activation
    if not isinstance(activation, str):
        raise InputTypeError(
            f"activation: got {kind_of(activation)}, expected a name ({names()}) or an "
            "object of unrelu.activations"
        )
    if activation in NAMED:
        return NAMED[activation]
    for kind in KINDS:
        found = kind.from_name(activation)
        if found is not None:
            return resolve(found)
    raise InputError(
        f"activation: got {activation!r}, expected one of {names()}, or Rectified(phi, "
        "phi_inverse) of unrelu.activations for one of your own"
    )
