"""Commands run in this process, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner, Result

from unrelu.cli import main
from unrelu.numerics.deadline import told_by


def run(*arguments: object, clock: Callable[[], float] = lambda: 0.0) -> Result:
    """One command with its arguments, which may be paths and numbers. Its clock stands still, so
    that progress is not shown on a slow machine alone."""
    with told_by(clock):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])


def answer(*arguments: object, code: int = 0) -> dict[str, Any]:
    """What a command says as JSON; nothing goes to standard error when all is well."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    assert code or result.stderr == ""
    values: dict[str, Any] = json.loads(result.stdout)
    return values


def refused(*arguments: object) -> str:
    """The one line that a usage error is answered with."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("Error: ")
    return lines[-1]
