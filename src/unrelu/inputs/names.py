"""Names: what the columns of X and Y are called, where they came with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unrelu.wording.remarks import Remark

SHOWN = 12


@dataclass(frozen=True)
class Names:
    """Of the inputs and of the outputs, in their order; empty where there are none. `remarks` say
    what was made of the tables that they came with: dates read as seconds, rows put in order."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def input(self, column: int) -> str:
        """Its name in a sentence or a table; its number where it has none."""
        return self.inputs[column] if self.inputs else str(column)

    def output(self, column: int) -> str:
        return self.outputs[column] if self.outputs else str(column)

    def rows(self) -> list[tuple[str, str]]:
        """As labelled lines."""
        told = [("inputs", self.inputs), ("outputs", self.outputs)]
        rows = [(label, shown(names)) for label, names in told if names]
        return rows + [("taken for granted", remark.text) for remark in self.remarks]

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
