"""Code in a page of text, and what the page says it prints."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NUMBER = re.compile(r"(?<![\w.])<?[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")

ROUNDING = 1e-10
"""Errors below this are the machine's own: a page shows those of the machine it was written on."""

REST = "..."
"""A line that stands for any number of lines."""


@dataclass(frozen=True)
class Block:
    """A piece of code, in Python or for the console, and what is shown under it."""

    language: str
    code: str
    shown: str
    line: int


FENCED = re.compile(
    r"^```(python|console)\n(.*?)^```\n(?:```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks in python and console of a page; output is a bare block right after, or
    in a console block the lines without a prompt."""
    for found in FENCED.finditer(text):
        language, code, shown = found.groups()
        yield Block(language, code, shown or "", text.count("\n", 0, found.start()) + 1)


def outside(text: str) -> list[str]:
    """What bare blocks hold that is not the output of anything."""
    rest = re.sub(r"^```[^\n]+\n.*?^```$", "", FENCED.sub("", text), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^```\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)


def printed(code: str, names: dict[str, Any]) -> str:
    reported = io.StringIO()
    with contextlib.redirect_stdout(reported):
        exec(code, names)
    return reported.getvalue()


def commands(code: str) -> list[tuple[list[str], str]]:
    """Of a console block each command, as its words, and the output shown under it."""
    found: list[tuple[list[str], str]] = []
    for line in code.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((shlex.split(line[2:], comments=True), ""))
        else:
            words, shown = found[-1]
            found[-1] = words, shown + line
    return found


def difference(reported: str, shown: str) -> str:
    """The first line of `shown` that was not said, or nothing. Words have to be the same; numbers
    to a tenth or 0.02, for rounding may move the last digit shown. On a line with an error of
    rounding in it, other numbers are not compared, and it has to stay one."""
    rest = _lines(reported)
    skipping = False
    for line in _lines(shown):
        if line == REST:
            skipping = True
            continue
        while skipping and rest and not _alike(rest[0], line):
            rest.pop(0)
        if not rest or not _alike(rest[0], line):
            return f"shown: {line}\nsaid:  {rest[0] if rest else 'nothing more'}"
        rest.pop(0)
        skipping = False
    if rest and not skipping:
        return f"shown: nothing more\nsaid:  {rest[0]}"
    return ""


def _lines(text: str) -> list[str]:
    """Lines without their frames and spacing, as the width of a column is that of its numbers."""
    bare = (" ".join(re.sub(r"[─│╭╮╰╯]", " ", line).split()) for line in text.splitlines())
    return [line for line in bare if line]


def _alike(reported: str, shown: str) -> bool:
    if NUMBER.sub("#", reported) != NUMBER.sub("#", shown):
        return False
    pairs = list(zip(NUMBER.findall(reported), NUMBER.findall(shown), strict=True))
    if any(_is_rounding(number) for _, number in pairs):
        return all(_is_rounding(a) for a, b in pairs if _is_rounding(b))
    return all(abs(_value(a) - _value(b)) <= 0.1 * abs(_value(b)) + 0.02 for a, b in pairs)


def _is_rounding(number: str) -> bool:
    """A small error; "<1e-16" is none, but a level of significance."""
    return "e-" in number and "<" not in number and abs(_value(number)) < ROUNDING


def _value(number: str) -> float:
    return float(number.strip("<").replace(",", ""))
