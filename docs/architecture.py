"""The picture of what imports what, and the files that one call of `recover` enters.

python docs/architecture.py        the files that the plain case enters, in order
python docs/architecture.py FILE   the picture, as SVG
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from types import FrameType

import numpy as np

import unrelu

SOURCE = Path(unrelu.__file__).parent

BOX, GAP, ROW = 30, 16, 66
"""In pixels: the height of a box, the gap between boxes, and from one row to the next."""

SWEEPS = 200
"""Over the rows, by which boxes find their places."""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} 0 {width:.0f} {height}" role="img">
<title>Folders and files of unrelu, with an arrow from each to what it imports</title>
<style>
path {{ fill: none; stroke: #8a94a0; stroke-width: 1.3 }}
rect {{ fill: #ffffff; stroke: #8a94a0 }}
text {{ font: 14px sans-serif; text-anchor: middle; fill: #1f2933 }}
.entered rect {{ fill: #d6e6f7; stroke: #2b6cb0 }}
</style>
<rect x="{left:.0f}" width="100%" height="100%" style="stroke: none"/>
<marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7"
 orient="auto"><polygon points="0 0 8 4 0 8" fill="#8a94a0"/></marker>"""

Arrows = dict[str, set[str]]

Stop = tuple[str, int]
"""A box, or a place where a long arrow passes a row: a name, and the row counted from below."""


def files_entered(call: Callable[[], object]) -> list[str]:
    """The files of the library in which a function runs during the call, in the order in which
    they are entered. Call it once before, so that nothing is imported meanwhile."""
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _value: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(SOURCE):
            entered.setdefault(path.relative_to(SOURCE).as_posix())

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return list(entered)


def plain_case() -> list[str]:
    """The files that `recover` enters for exact labels of as many outputs as units."""
    rng = np.random.default_rng(0)
    secret = unrelu.Network(
        V=rng.standard_normal((4, 6)),
        U=rng.standard_normal((4, 4)),
        b=rng.standard_normal(4),
        c=rng.standard_normal(4),
    )
    X = rng.standard_normal((2000, 6))
    Y = secret(X)
    result = unrelu.recover(X, Y, rng=0)
    assert result.status == "exact"
    return files_entered(lambda: unrelu.recover(X, Y, rng=0))


def parts() -> Arrows:
    """Each folder, and each file of the root, with the others that it imports from."""
    found: Arrows = {}
    for path in sorted(SOURCE.rglob("*.py")):
        part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if part.startswith("__"):
            continue
        names = {name.split(".")[1] for name in _imported(path) if name.startswith("unrelu.")}
        found.setdefault(part, set()).update(names - {part})
    return {part: below & found.keys() for part, below in found.items()}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def levels(arrows: Arrows) -> dict[str, int]:
    """How many steps each part is above the ground, by the longest way down."""
    found: dict[str, int] = {}

    def level(part: str) -> int:
        if part not in found:
            found[part] = 1 + max(map(level, arrows[part]), default=-1)
        return found[part]

    for part in arrows:
        level(part)
    return found


def without_shortcuts(arrows: Arrows) -> Arrows:
    """Without the arrows to what is reached by a longer way as well."""
    reached: Arrows = {}

    def below(part: str) -> set[str]:
        if part not in reached:
            reached[part] = arrows[part].union(*map(below, arrows[part]))
        return reached[part]

    return {part: own - set().union(*map(below, own)) for part, own in arrows.items()}


def picture(arrows: Arrows, marked: set[str]) -> str:
    """SVG: a box for each part, the front doors on top, the marked ones filled; arrows lead to
    what a part imports, without shortcuts."""
    level = levels(arrows)
    ways = [_way(part, to, level) for part, own in without_shortcuts(arrows).items() for to in own]
    x = _positions(level, ways)
    top = max(level.values())
    left = min(x[stop] - _width(stop) / 2 for stop in x)
    right = max(x[stop] + _width(stop) / 2 for stop in x)

    def y(stop: Stop) -> float:
        return 10 + (top - stop[1]) * ROW

    lines, boxes = [], []
    for way in sorted(ways):
        path = f"M{x[way[0]]:.0f} {y(way[0]) + BOX:.0f}"
        for above, below in pairwise(way):
            start, end = y(above) + BOX, y(below) - (5 if below is way[-1] else 0)
            middle = (start + end) / 2
            path += f"C{x[above]:.0f} {middle:.0f} {x[below]:.0f} {middle:.0f}"
            path += f" {x[below]:.0f} {end:.0f}"
            path += "" if below is way[-1] else f"v{BOX}"
        lines.append(f'<path d="{path}" marker-end="url(#tip)"/>')
    for part in sorted(arrows):
        stop = part, level[part]
        width = _width(stop)
        name = f"{part}/" if (SOURCE / part).is_dir() else f"{part}.py"
        kind = ' class="entered"' if part in marked else ""
        boxes.append(
            f'<g{kind}><rect x="{x[stop] - width / 2:.0f}" y="{y(stop)}" width="{width:.0f}"'
            f' height="{BOX}" rx="5"/>'
            f'<text x="{x[stop]:.0f}" y="{y(stop) + 20}">{escape(name)}</text></g>'
        )
    head = HEAD.format(left=left - 5, width=right - left + 10, height=20 + top * ROW + BOX)
    return "\n".join([head, *lines, *boxes, "</svg>\n"])


def _way(part: str, to: str, level: dict[str, int]) -> list[Stop]:
    """The stops of an arrow: its start, where it passes each row in between, and its end."""
    between = range(level[part] - 1, level[to], -1)
    return [(part, level[part]), *((f"{part} {to}", row) for row in between), (to, level[to])]


def _width(stop: Stop) -> float:
    return 6.0 if " " in stop[0] else 34 + 8.0 * len(stop[0])


def _positions(level: dict[str, int], ways: list[list[Stop]]) -> dict[Stop, float]:
    """Where each stop is from left to right: near the middle of those that it is joined to, from
    the top down and up again, and apart from its neighbours."""
    joined: dict[Stop, set[Stop]] = {(part, row): set() for part, row in level.items()}
    for way in ways:
        for above, below in pairwise(way):
            joined.setdefault(above, set()).add(below)
            joined.setdefault(below, set()).add(above)
    rows = [
        sorted(stop for stop in joined if stop[1] == row) for row in range(max(level.values()) + 1)
    ]
    x = dict.fromkeys(joined, 0.0)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else rows[::-1]:
            wanted = {stop: float(np.mean([x[other] for other in joined[stop]])) for stop in row}
            row.sort(key=lambda stop: wanted[stop])
            x.update(_apart(row, wanted))
    return x


def _apart(row: list[Stop], wanted: dict[Stop, float]) -> dict[Stop, float]:
    """Places in this order that do not overlap, those that do moved apart about their mean."""
    groups: list[tuple[list[Stop], float]] = []
    for stop in row:
        group, centre = [stop], wanted[stop]
        while groups:
            before, middle = groups[-1]
            if middle + _extent(before) / 2 + GAP <= centre - _extent(group) / 2:
                break
            groups.pop()
            centre = (len(before) * middle + len(group) * centre) / (len(before) + len(group))
            group = before + group
        groups.append((group, centre))
    found = {}
    for group, centre in groups:
        left = centre - _extent(group) / 2
        for stop in group:
            found[stop] = left + _width(stop) / 2
            left += _width(stop) + GAP
    return found


def _extent(group: list[Stop]) -> float:
    return sum(map(_width, group)) + GAP * (len(group) - 1)


def architecture_picture() -> str:
    """The picture of the library as it is, with what the plain case enters marked."""
    return picture(parts(), {path.split("/")[0].removesuffix(".py") for path in plain_case()})


def main() -> None:
    if len(sys.argv) == 1:
        print("\n".join(plain_case()))
    else:
        Path(sys.argv[1]).write_text(architecture_picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
