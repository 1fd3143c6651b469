"""Names of the columns of X and Y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unrelu.wording.remarks import Remark

SHOWN = 12

DATES_AS_SECONDS = "dates-as-seconds"
"""Code of the remark that a column of dates was read as seconds since 1970."""


@dataclass(frozen=True)
class Names:
    """Names of the inputs and outputs, in order; empty if there are none. `remarks` say how the
    tables were read: dates as seconds, rows put in order."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def input(self, column: int) -> str:
        """Its name, or its number if it has none."""
        return self.inputs[column] if self.inputs else str(column)

    def output(self, column: int) -> str:
        return self.outputs[column] if self.outputs else str(column)

    def is_date(self, column: int) -> bool:
        """Whether an input was a column of dates, of which values are seconds since 1970."""
        about = ("X:", f"X: {self.input(column)}")
        return any(each.code == DATES_AS_SECONDS and each.column in about for each in self.remarks)

    def rows(self) -> list[tuple[str, str]]:
        """As labelled lines."""
        both = [("inputs", self.inputs), ("outputs", self.outputs)]
        rows = [(label, shown(names)) for label, names in both if names]
        return rows + [("remark", remark.text) for remark in self.remarks]

    def to_dict(self) -> dict[str, object]:
        return {
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "remarks": {remark.code: remark.text for remark in self.remarks},
        }


UNNAMED = Names()


def shown(names: Sequence[str], most: int = SHOWN) -> str:
    """
    >>> shown(["age", "height", "weight"], 2)
    'age, height and 1 more'
    """
    listed = ", ".join(names[:most])
    return listed + (f" and {len(names) - most} more" if len(names) > most else "")
