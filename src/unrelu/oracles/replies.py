"""The answer of a server: where in it the rows are, and its error message if there are none."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from unrelu.errors import InputError

MESSAGES = ("detail", "error", "message", "msg", "errors", "reason", "title", "description")
"""Keys under which servers report an error, the most informative first."""

MOST_SHOWN = 300
"""Characters of a server's message that are shown."""

DEEP = 4
"""Depth of nested objects that is searched for the rows."""


class NoRowsError(Exception):
    """The answer contains no table, or several."""


def tokens_of(path: str) -> list[str | int]:
    """The steps of a path such as outputs[0].data or predictions.*.y. `*` stands for every entry of
    a list, a leading $ for the answer itself. Raises InputError."""
    plain = path.strip()
    plain = plain[1:].removeprefix(".") if plain.startswith("$") else plain
    found: list[str | int] = []
    at = 0
    while at < len(plain):
        match = re.compile(r"\[(\d+|\*)\]\.?|([^.\[\]]+)(?:\.(?=.)|(?=\[)|$)").match(plain, at)
        if match is None:
            raise InputError(
                f"json_path: got {path!r}, expected names and places such as outputs[0].data, or "
                "predictions.*.y"
            )
        step = match[1] or match[2]
        found.append(int(step) if step.isdigit() else step)
        at = match.end()
    return found


def rows_at(answer: Any, steps: list[str | int]) -> Any:
    """The value at a path. Raises NoRowsError."""
    for number, step in enumerate(steps):
        if step == "*" and isinstance(answer, list):
            return [rows_at(each, steps[number + 1 :]) for each in answer]
        if isinstance(answer, dict) and str(step) in answer:
            answer = answer[str(step)]
        elif isinstance(answer, list) and isinstance(step, int) and step < len(answer):
            answer = answer[step]
        else:
            raise NoRowsError(f"{described(answer)}, expected {step!r} of the JSON path in it")
    return answer


def rows_in(answer: Any, n: int, depth: int = 0) -> Any:
    """The rows for n queries: the answer itself, or the only suitable list in it:
    {"predictions": rows}, {"outputs": [{"shape": …, "data": …}]}, [{"y": 1.5}, …]. Raises
    NoRowsError."""
    if isinstance(answer, dict) and depth < DEEP:
        tensor = _tensor(answer)
        if tensor is not None:
            return tensor
        inner = {key: each for key, each in answer.items() if _may_hold(each, n)}
        if len(inner) == 1:
            return rows_in(next(iter(inner.values())), n, depth + 1)
        raise NoRowsError(
            f"{described(answer)}, expected one list with a row of numbers for each of {n} queries"
        )
    if not isinstance(answer, list):
        raise NoRowsError(f"{described(answer)}, expected a list with a row for each query")
    if len(answer) == 1 and isinstance(answer[0], dict) and (row := _tensor(answer[0])) is not None:
        return row
    if answer and all(isinstance(row, dict) for row in answer):
        names = {name for row in answer for name in row}
        if len(names) != 1 or len(answer) != n:
            raise NoRowsError(f"rows that are objects, {described(answer[0])}, expected numbers")
        return [row.get(next(iter(names))) for row in answer]
    return answer


def one_row(rows: Any) -> Any:
    """The answer to a single query, which may lack the enclosing list."""
    if isinstance(rows, list) and len(rows) == 1:
        return rows
    flat = isinstance(rows, list) and not any(isinstance(each, list) for each in rows)
    return [rows] if flat else [[rows]] if isinstance(rows, (int, float)) else rows


def _may_hold(value: Any, n: int) -> bool:
    if isinstance(value, dict):
        return any(_may_hold(each, n) for each in value.values())
    if not isinstance(value, list) or not value or isinstance(value[0], str):
        return False
    tensor = len(value) == 1 and isinstance(value[0], dict) and _tensor(value[0]) is not None
    return len(value) == n or tensor


def _tensor(value: dict[str, Any]) -> Any:
    """A table given as a flat list of numbers and a shape, as by inference servers."""
    if not (isinstance(value.get("data"), list) and isinstance(value.get("shape"), list)):
        return None
    try:
        return np.asarray(value["data"], dtype=np.float64).reshape(value["shape"]).tolist()
    except (ValueError, TypeError):
        return None


def described(answer: Any) -> str:
    """A value in a few words."""
    if isinstance(answer, dict):
        names = ", ".join(_plain(repr(name))[:40] for name in list(answer)[:8])
        return f"an object with {names or 'nothing in it'}{', …' if len(answer) > 8 else ''}"
    if isinstance(answer, list):
        return f"a list of length {len(answer)}"
    return _plain(json.dumps(answer))[:60]


def message_in(body: bytes) -> str:
    """The message of a server, in one line: from its JSON, or the text of its page."""
    text = body.decode("utf-8", "replace")
    try:
        message = _message(json.loads(text), 0)
    except (ValueError, RecursionError):
        message = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", " ", text)
    message = _plain(message)
    return message if len(message) <= MOST_SHOWN else message[:MOST_SHOWN] + "…"


def _message(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if depth > DEEP:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message(each, depth + 1) for each in value[:3])))
    if isinstance(value, dict):
        place = value.get("loc")
        where = ".".join(map(str, place)) + ": " if isinstance(place, list) else ""
        for key in MESSAGES:
            if value.get(key) and (message := _message(value[key], depth + 1)):
                return where + message
        return "" if depth else json.dumps(value)
    return "" if depth else json.dumps(value)


def _plain(text: str) -> str:
    """Without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
