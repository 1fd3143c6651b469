"""`unrelu completion`: what the shell needs to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Write what SHELL needs to complete commands.

    With it, the tab key completes commands, options and names of files.

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
    """The lines a shell has to read to complete the arguments of a command of this name."""
    found = get_completion_class(shell)
    assert found is not None
    variable = f"_{name.upper()}_COMPLETE"  # which click looks at when the command starts
    return found(command, {}, name, variable).source().strip()
