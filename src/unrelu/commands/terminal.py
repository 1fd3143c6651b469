"""What every command does at the terminal: signs of life, results, errors, exit codes.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import click

from unrelu.errors import FileError, UnreluError

NOT_RECOVERED = 1
INTERRUPTED = 130


class WrongUse(click.ClickException):
    exit_code = 2


@contextmanager
def exit_codes() -> Iterator[None]:
    """Errors at the boundary as one line and exit code 2; other errors are our own bugs and keep
    their traceback."""
    try:
        yield
    except UnreluError as error:
        raise WrongUse(" ".join(str(error).split())) from error
    except KeyboardInterrupt:  # click would leave with 1, which says "not recovered" here
        sys.exit(INTERRUPTED)


@contextmanager
def busy(words: str) -> Iterator[Callable[[str], None]]:
    """A sign of life on standard error, if that is a terminal; yields a way to change its words.
    What the library logs on its way (widths tried, units left, residual) follows them."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console

    with Console(stderr=True).status(words) as status:
        shown = words

        def say(new: str) -> None:
            nonlocal shown
            shown = new
            status.update(new)

        class Follow(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                status.update(f"{shown} [dim]({record.getMessage()})[/dim]")

        library, follow = logging.getLogger("unrelu"), Follow(logging.INFO)
        before = library.level
        library.addHandler(follow)
        library.setLevel(logging.INFO)
        try:
            yield say
        finally:
            library.removeHandler(follow)
            library.setLevel(before)


def _silent(_words: str) -> None:
    pass


def keep(written: str | None, *read: str | None) -> None:
    """Refuse to write over a file that is about to be read."""
    for path in read:
        if written and path and os.path.realpath(written) == os.path.realpath(path):
            raise FileError(f"{written}: got the file to be read, expected another one to write")


def write_table(title: str, rows: list[tuple[str, str]]) -> None:
    from rich.console import Console

    from unrelu.report.text import table

    # Only a terminal has an edge to wrap at; what goes into a file or a pipe keeps its lines.
    width = None if sys.stdout.isatty() else 10_000
    Console(file=sys.stdout, width=width).print(table(title, rows))


def write_json(values: Mapping[str, object]) -> None:
    from unrelu.report.text import json_text

    click.echo(json_text(values))


def leave(certain: bool) -> None:
    if not certain:
        sys.exit(NOT_RECOVERED)
