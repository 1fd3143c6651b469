"""Docstrings of the library, which are written to be read in a terminal, as reST.

They are plain text with four habits, and nothing else has a meaning in them:

    Parameters          a heading, underlined
    ----------
    name : what it is   an item; lines that belong to it are indented
    word   what it is   an item of a list in columns, two or more spaces apart
    >>> code            a session, up to the next empty line; text after `::` stays as it is
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ITEM = re.compile(r"(\*{0,2}[A-Za-z_]\w*(?:, \*{0,2}[A-Za-z_]\w*)*) : (.*)")
COLUMNS = re.compile(r"(\S+(?: \S+)*) {2,}(\S.*)")


def to_rest(lines: Sequence[str]) -> list[str]:
    """The same text in reST, escaped so that nothing in it is markup by accident."""
    made: list[str] = []
    rest = list(lines)
    while rest:
        line = rest[0]
        if not line.strip():
            made.append("")
            rest.pop(0)
        elif len(rest) > 1 and re.fullmatch(r"-{3,}", rest[1].strip()):
            made += ["", f".. rubric:: {inline(line.strip())}", ""]
            del rest[:2]
        elif line.lstrip().startswith(">>>"):
            made += ["", *taken_session(rest), ""]
        elif line.rstrip().endswith("::"):
            rest.pop(0)
            before = line.rstrip().removesuffix("::").rstrip()
            literal = taken_literal(rest)
            made += [inline(before) + (":" if before else ""), "", "::", "", *literal, ""]
        elif ITEM.match(line):
            found = ITEM.match(line)
            assert found is not None
            rest.pop(0)
            under = taken_indented(rest)
            body = to_rest([found.group(2), *under])
            made += ["", inline_code(found.group(1)), *indented(body), ""]
        elif COLUMNS.fullmatch(line):
            found = COLUMNS.fullmatch(line)
            assert found is not None
            rest.pop(0)
            body = [found.group(2)]
            while rest and rest[0].startswith(" " * (len(line) - len(found.group(2)))):
                body.append(rest.pop(0).strip())
            made += ["", inline(found.group(1)), *indented([inline(part) for part in body]), ""]
        else:
            made.append(inline(line.strip()))
            rest.pop(0)
    return made


def inline(text: str) -> str:
    """Text in `backticks` is code, everything else is only text."""
    parts = re.split(r"`+([^`]+)`+", text)
    return "".join(
        inline_code(part) if odd else re.sub(r"([\\*|_`])", r"\\\1", part)
        for part, odd in zip(parts, [False, True] * len(parts), strict=False)
    )


def inline_code(text: str) -> str:
    return f"``{text}``"


def indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def taken_session(rest: list[str]) -> list[str]:
    """A session in Python, up to the next empty line, from the margin on."""
    margin = len(rest[0]) - len(rest[0].lstrip())
    found = []
    while rest and rest[0].strip():
        found.append(rest.pop(0)[margin:])
    return found


def taken_literal(rest: list[str]) -> list[str]:
    """Everything indented that follows, empty lines included."""
    found: list[str] = []
    while rest and (not rest[0].strip() or rest[0].startswith(" ")):
        found.append(rest.pop(0))
    return ["    " + line if line.strip() else "" for line in found]


def taken_indented(rest: list[str]) -> list[str]:
    """The lines that belong to an item, without their common indentation."""
    found: list[str] = []
    while rest and rest[0].startswith(" "):
        found.append(rest.pop(0))
    least = min((len(line) - len(line.lstrip()) for line in found), default=0)
    return [line[least:] for line in found]
