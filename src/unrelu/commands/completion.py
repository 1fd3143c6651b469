"""`unrelu completion`: shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Write the completion script for SHELL.

    With it, the tab key completes commands, options and file names.

    \b
    bash (4.4 or newer), in ~/.bashrc:
        eval "$(unrelu completion bash)"
    zsh, in ~/.zshrc, after compinit:
        eval "$(unrelu completion zsh)"
    fish, once:
        unrelu completion fish > ~/.config/fish/completions/unrelu.fish
    """
    click.echo(script(click.get_current_context().find_root().command, "unrelu", shell))


def script(command: click.Command, name: str, shell: str) -> str:
    """The script that makes a shell complete the arguments of a command with this name."""
    found = get_completion_class(shell)
    assert found is not None
    variable = f"_{name.upper()}_COMPLETE"  # click reads it when the command starts
    return found(command, {}, name, variable).source().strip()
