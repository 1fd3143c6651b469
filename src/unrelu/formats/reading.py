"""How to read a file that leaves it open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unrelu.errors import FileError, InputError, InputTypeError


@dataclass(frozen=True)
class Reading:
    """What the caller of `load` knows about a file.

    drop_head : leave out what follows the second layer.
    order : names of the two layers, the first one first; names of their biases may be among them.
    transposed : whether weights are stored as (inputs, units); None if unknown.
    output : the name of the output, or of the output layer, if there are several.
    """

    drop_head: bool = False
    order: Sequence[str] | None = None
    transposed: bool | None = None
    output: str | None = None

    def __post_init__(self) -> None:
        if self.order is not None:
            if isinstance(self.order, str) or not all(isinstance(name, str) for name in self.order):
                raise InputTypeError(
                    f"order: got {self.order!r}, expected the names of the two layers, "
                    "as ('hidden', 'out')"
                )
            object.__setattr__(self, "order", tuple(self.order))
            if not 2 <= len(self.order) <= 4 or len(set(self.order)) < len(self.order):
                raise InputError(
                    f"order: got {len(self.order)} names, expected those of two layers, each "
                    "once, with or without those of their biases"
                )
        if not (self.transposed is None or isinstance(self.transposed, bool)):
            raise InputTypeError(f"transposed: got {self.transposed!r}, expected True or False")
        if not (self.output is None or isinstance(self.output, str)):
            raise InputTypeError(f"output: got {self.output!r}, expected the name of an output")


AS_THE_FILE_SAYS = Reading()

TWO_LAYERS = "order=(FIRST, SECOND), on the command line --order FIRST,SECOND"
WITH_BIASES = (
    "order=(FIRST, BIAS, SECOND, BIAS), on the command line --order FIRST,BIAS,SECOND,BIAS"
)
TRANSPOSED = (
    "transposed=True for (inputs, units), transposed=False for (units, inputs), on the command "
    "line --transposed or --not-transposed"
)
"""How options are given, for messages."""


def one_output(names: Sequence[str], asked: str | None) -> str:
    """The selected output of a model. Raises FileError for several outputs and no selection."""
    if asked is None and len(names) == 1:
        return names[0]
    if asked in names:
        return str(asked)
    listed = ", ".join(repr(name) for name in names[:8]) + (", …" if len(names) > 8 else "")
    got = f"outputs {listed}" if asked is None else f"{asked!r}, of outputs {listed}"
    raise FileError(
        f"got {got}, expected one: pass output=NAME, on the command line --net-output NAME",
        "several-outputs",
    )
