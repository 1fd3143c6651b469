"""What every command does at the terminal: signs of life, results, errors, exit codes.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import click

from unrelu.errors import FileError, UnreluError
from unrelu.wording.streams import printable, replace_unprintable

NOT_RECOVERED = 1
UNUSABLE = 2
INTERRUPTED = 130

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)
"""What the system says of a standard output that takes no more. Files of a command's own are
checked where they are written, and end in a FileError."""


class UsageError(click.ClickException):
    exit_code = UNUSABLE


class Commands(click.Group):
    """The commands, with what holds for all of them, help included: no character is too much for
    the terminal, and an interruption or a full disk ends in an exit code of its own."""

    def main(self, *args: Any, **extra: Any) -> Any:
        replace_unprintable()
        return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with endings():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with endings():
            return super().invoke(ctx)


@contextmanager
def endings() -> Iterator[None]:
    """Exit code 130 for an interruption, and 2 where standard output cannot be written: with one
    line, or none where it is the reader of a pipe that has seen enough."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.errno not in UNWRITABLE or sys.stdout is None:
            raise
        # Python would try once more at its end, and fail with a code of its own.
        with suppress(OSError):  # where standard output is no file, nothing is tried again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            reason = error.strerror or error
            with suppress(OSError):  # standard error may be full as well
                click.echo(f"Error: standard output cannot be written: {reason}", err=True)
        sys.exit(UNUSABLE)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Errors at the boundary as one line and exit code 2; other errors are our own bugs and keep
    their traceback."""
    try:
        yield
    except UnreluError as error:
        raise UsageError(" ".join(str(error).split())) from error


@contextmanager
def busy(words: str) -> Iterator[Callable[[str], None]]:
    """A sign of life on standard error, if that is a terminal; yields a way to change its words.
    What the library logs on its way (widths tried, units left, residual) follows them."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console

    console = Console(stderr=True)
    spinner = "dots" if console.encoding.startswith("utf") else "line"
    with console.status(words, spinner=spinner) as status:
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
    """A table on a terminal; into a file or a pipe, lines of a key and its value."""
    from unrelu.wording.lines import labelled

    if sys.stdout is None or not sys.stdout.isatty():
        click.echo(labelled(rows))
        return
    from rich.console import Console

    from unrelu.report.text import table

    Console().print(table(title, [(printable(key), printable(value)) for key, value in rows]))


def write_json(values: Mapping[str, object]) -> None:
    from unrelu.report.text import json_text

    click.echo(json_text(values))


def leave(certain: bool) -> None:
    if not certain:
        sys.exit(NOT_RECOVERED)
