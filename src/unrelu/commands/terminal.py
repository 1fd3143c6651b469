"""What every command does at the terminal: progress, results, errors, exit codes.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import click

from unrelu.errors import FileError, UnreluError
from unrelu.numerics.deadline import now
from unrelu.wording.streams import printable, replace_unprintable

NOT_RECOVERED = 1
UNUSABLE = 2
INTERRUPTED = 130

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)
"""Errors of the system when standard output cannot be written. Other files that a command writes
are checked there, and raise FileError."""


class UsageError(click.ClickException):
    exit_code = UNUSABLE


class Commands(click.Group):
    """The commands. For all of them, help included, characters that the terminal cannot show are
    replaced, and an interruption or a full disk has an exit code of its own."""

    def main(self, *args: Any, **extra: Any) -> Any:
        replace_unprintable()
        return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with endings():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with endings(), terminated():
            return super().invoke(ctx)


@contextmanager
def endings() -> Iterator[None]:
    """Exit code 130 for an interruption, and 2 if standard output cannot be written: with one line
    on standard error, or none if the reader of a pipe has closed it."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.errno not in UNWRITABLE or sys.stdout is None:
            raise
        # Python flushes standard output once more when it exits, and would fail again.
        with suppress(OSError):  # if standard output is not a file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            reason = error.strerror or error
            with suppress(OSError):  # standard error may be full as well
                click.echo(f"Error: standard output cannot be written: {reason}", err=True)
        sys.exit(UNUSABLE)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Usage errors become one line and exit code 2. Other errors are bugs and keep their
    traceback."""
    try:
        yield
    except UnreluError as error:
        raise UsageError(" ".join(str(error).split())) from error


@contextmanager
def terminated() -> Iterator[None]:
    """Within the context, SIGTERM interrupts as Ctrl-C does: what was found so far is written."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def busy(words: str) -> Iterator[Callable[[str], None]]:
    """Show progress on standard error: on a terminal a bar with the time, elsewhere a line every
    ten seconds. Yields a function that changes the text. On a terminal it is followed by what the
    library logs (widths tried, units left, residual)."""
    if not sys.stderr.isatty():
        yield Lines(now)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    spinner = SpinnerColumn("dots" if console.encoding.startswith("utf") else "line")
    text = TextColumn("{task.description}")
    columns = (spinner, BarColumn(20), TimeElapsedColumn(), text)
    with Progress(*columns, console=console, transient=True) as shown:
        task, said = shown.add_task(words, total=None), words

        def say(new: str) -> None:
            nonlocal said
            said = new
            shown.update(task, description=new)

        class Follow(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                followed = f"{said} [dim]({escape(record.getMessage())})[/dim]"
                shown.update(task, description=followed)

        library, follow = logging.getLogger("unrelu"), Follow(logging.INFO)
        before = library.level
        library.addHandler(follow)
        library.setLevel(logging.INFO)
        try:
            yield say
        finally:
            library.removeHandler(follow)
            library.setLevel(before)


class Lines:
    """Progress as lines on standard error, one every ten seconds at most."""

    EVERY = 10.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._next = clock, clock() + self.EVERY

    def __call__(self, words: str) -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + self.EVERY
            click.echo(words, err=True)


def keep(written: str | None, *read: str | None) -> None:
    """Raise FileError if a file to be written is also one that is read."""
    for path in read:
        if written and path and os.path.realpath(written) == os.path.realpath(path):
            raise FileError(f"{written}: got the file to be read, expected another one to write")


def write(
    title: str, rows: list[tuple[str, str]], values: Mapping[str, object], *, as_json: bool
) -> None:
    """Write a result to standard output: `values` as JSON, or `rows` as a table on a terminal and
    as lines of a key and its value in a file or pipe."""
    from unrelu.report.text import table
    from unrelu.wording.lines import labelled

    if as_json:
        write_json(values)
    elif sys.stdout is None or not sys.stdout.isatty():
        click.echo(labelled(rows))
    else:
        from rich.console import Console

        Console().print(table(title, [(printable(key), printable(value)) for key, value in rows]))


def write_json(values: Mapping[str, object]) -> None:
    from unrelu.report.text import json_text

    click.echo(json_text(values))


def leave(certain: bool, *, interrupted: bool = False) -> None:
    """End the command with exit code 130 after an interruption, and 1 if the network is not
    certain."""
    if interrupted:
        sys.exit(INTERRUPTED)
    if not certain:
        sys.exit(NOT_RECOVERED)
