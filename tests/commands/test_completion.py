"""Completion at the tab key: what click answers, and that each shell takes the script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from unrelu.cli import main
from unrelu.commands.completion import SHELLS
from unrelu.search.methods import names
from unrelu.search.options import noises


def completed(words: str) -> set[tuple[str, str]]:
    """What bash is told for the last of the words: (type, value)."""
    environment = {
        "_UNRELU_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(main, prog_name="unrelu", env=environment)
    assert result.exit_code == 0, result.output
    lines = (line.split(",", 1) for line in result.stdout.splitlines())
    return {(kind, value) for kind, value in lines}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("unrelu rec", {("plain", "recover")}),
        ("unrelu completion ", {("plain", shell) for shell in SHELLS}),
        ("unrelu recover --uni", {("plain", "--units")}),
        ("unrelu recover --noise ", {("plain", noise) for noise in noises()}),
        ("unrelu recover --noise g", {("plain", "gaussian")}),
        ("unrelu recover --method ", {("plain", method) for method in names()}),
        ("unrelu recover s", {("file", "s")}),
        ("unrelu recover s.npz -o n", {("file", "n")}),
        ("unrelu verify net.npz s", {("file", "s")}),
        ("unrelu hardness f", {("file", "f")}),
        ("unrelu hardness f.cnf --decode n", {("file", "n")}),
    ],
)
def test_words_are_completed(words: str, expected: set[tuple[str, str]]) -> None:
    assert completed(words) == expected


def test_every_argument_is_completed() -> None:
    """A file, or one of a few words: whatever stands on the command line without a name."""
    for name, command in main.commands.items():
        for argument in command.params:
            if isinstance(argument, click.Argument):
                known = isinstance(argument.type, click.Path | click.Choice)
                assert known, f"unrelu {name} {argument.name}: give it type=FILE"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_way_to_install_it_is_in_the_help(shell: str) -> None:
    reported = CliRunner().invoke(main, ["completion", "--help"]).stdout
    assert f"unrelu completion {shell}" in reported
    assert "unrelu completion --help" in CliRunner().invoke(main, ["--help"]).stdout.replace(
        "\n ", ""
    )


def test_other_shells_are_refused() -> None:
    result = CliRunner().invoke(main, ["completion", "cmd"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


IN_BASH = """
eval "$(unrelu completion bash)"
complete -p unrelu
COMP_WORDS=(unrelu ver) COMP_CWORD=1
_unrelu_completion unrelu
echo "completed: ${COMPREPLY[@]}"
"""

IN_ZSH = """
autoload -U compinit; compinit -D -u
eval "$(unrelu completion zsh)"
echo "completed: ${_comps[unrelu]}"
"""  # which completes at a terminal only: here it takes the script, and knows whom to ask

IN_FISH = """
unrelu completion fish | source
echo "completed:" (complete -C "unrelu ver")
"""


@pytest.mark.parametrize(
    ("shell", "script", "answer"),
    [
        (["bash", "--norc"], IN_BASH, "verify"),
        (["zsh", "-f"], IN_ZSH, "_unrelu_completion"),
        (["fish", "--no-config"], IN_FISH, "verify"),
    ],
)
def test_the_shell_itself_completes(
    shell: list[str], script: str, answer: str, tmp_path: Path
) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed here")
    command = tmp_path / "unrelu"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m unrelu "$@"\n')
    command.chmod(0o755)
    finished = subprocess.run(
        [*shell, "-c", script],
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert f"completed: {answer}" in finished.stdout
