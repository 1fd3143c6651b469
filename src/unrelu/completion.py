"""What the shell can complete: the words of an option, and the script that makes it ask."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")

FILE = click.Path(readable=False)
"""A path that the shell completes; whether it can be read is said by who reads it."""


def script(command: click.Command, name: str, shell: str) -> str:
    """The lines a shell has to read to complete the arguments of a command of this name."""
    found = get_completion_class(shell)
    assert found is not None
    variable = f"_{name.upper()}_COMPLETE"  # which click looks at when the command starts
    return found(command, {}, name, variable).source().strip()


def options_of_recover(
    _context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What `recover` takes for the option `method` or `noise`."""
    from unrelu import preparation

    known = {"method": preparation.METHODS, "noise": preparation.NOISE}[str(option.name)]
    return [CompletionItem(word) for word in known if word.startswith(incomplete)]
