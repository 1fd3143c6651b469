"""Which columns of a table are inputs and outputs: x0, x1, …, y0, y1, …, or by name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from unrelu.errors import FileError
from unrelu.inputs.frames import Named
from unrelu.inputs.names import shown
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.remarks import Remark

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Layout:
    """How to read a table. `x` and `y`: names of columns, each with * and ? for any characters, or
    numbers of columns from 0 if there is no header; if only one of them is given, the other gets
    all other columns that have a name. By default, columns are x0, x1, …, y0, y1, ….
    `delimiter`: what separates cells of text; by default, the one of comma, semicolon, tab and bar
    that is most frequent in the first line. `weights`: the column, neither input nor output, with
    the weights of the samples; it is read as the last of the outputs. `drop_missing`: leave out
    rows with missing values (NaN), of arrays too."""

    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    delimiter: str | None = None
    weights: str | None = None
    drop_missing: bool = False

    @property
    def named(self) -> bool:
        return bool(self.x or self.y)

    def options(self) -> str:
        """The same as options of a command."""
        given = {
            "--x-columns": ",".join(self.x),
            "--y-columns": ",".join(self.y),
            "--delimiter": self.delimiter or "",
            "--weights": self.weights or "",
        }
        options = "".join(f" {name} {shlex.quote(text)}" for name, text in given.items() if text)
        return options + " --drop-missing" * self.drop_missing


STANDARD = Layout()


def named(
    array: AnyArray, columns: list[str], standard: bool, remarks: Sequence[Remark] = ()
) -> AnyArray | Named:
    """With its names and remarks, unless it has standard names and no remarks."""
    plain = standard and not remarks
    return array if plain else Named(array, tuple(columns), tuple(remarks))


def chosen(names: list[str], layout: Layout) -> tuple[list[int], list[int]]:
    """Which columns are inputs, and which are outputs, by the layout."""
    if layout.weights is not None:
        at = _matching(names, (layout.weights,), "--weights")[0]
        others = [i for i in range(len(names)) if i != at]
        rest = chosen([names[i] for i in others], replace(layout, weights=None))
        x, y = ([others[i] for i in columns] for columns in rest)
        return x, [*y, at]
    if not layout.named:
        return _columns(names)
    x, y = (
        _matching(names, patterns, option)
        for patterns, option in ((layout.x, "--x-columns"), (layout.y, "--y-columns"))
    )
    x = x or [i for i, name in enumerate(names) if name and i not in y]
    y = y or [i for i, name in enumerate(names) if name and i not in x]
    both = sorted(set(x) & set(y))
    if both:
        raise FileError(f"got column {names[both[0]]!r} as input and output, expected one")
    if not x or not y:
        raise FileError(f"got no column left for the {'outputs' if x else 'inputs'}")
    return x, y


def _matching(names: list[str], patterns: tuple[str, ...], option: str) -> list[int]:
    """The columns that the patterns name, in their order; names as they are come first."""
    found: list[int] = []
    for pattern in patterns:
        at = [i for i, name in enumerate(names) if name == pattern]
        at = at or [i for i, name in enumerate(names) if fnmatchcase(name, pattern)]
        if not at:
            raise FileError(f"{option}: got {pattern!r}, expected columns of {shown(names)}")
        found += [i for i in at if i not in found]
    return found


def standard_names(X: AnyArray, Y: AnyArray) -> list[str]:
    return [f"x{i}" for i in range(X.shape[1])] + [f"y{i}" for i in range(Y.shape[1])]


def _columns(names: list[str]) -> tuple[list[int], list[int]]:
    """Where x0, x1, … and y0, y1, … are, in this order."""
    if not any(names):
        raise FileError("got no header, expected columns x0, …, y0, …")
    where: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for index, name in enumerate(names):
        parts = COLUMN.fullmatch(name)
        if parts is None:
            raise FileError(
                f"got a column {name!r}, expected only x0, …, y0, …: --x-columns and "
                "--y-columns say which columns are inputs and outputs"
            )
        letter, number = parts[1], int(parts[2])
        if number in where[letter]:
            raise FileError(f"got column {name} twice, expected it once")
        where[letter][number] = index
    for letter, found in where.items():
        missing = next(i for i in range(len(found) + 1) if i not in found)
        if not found or missing < len(found):
            raise FileError(f"column {letter}{missing} is missing")
    return tuple([found[i] for i in range(len(found))] for found in where.values())  # type: ignore[return-value]
