"""The command line: the functions of the library, with files instead of arrays.

Everything except click is imported by the command that needs it, so that help appears at once.
Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 not
recovered (the best network is written and marked as uncertain), 2 usage error or output that cannot
be written, 130 interrupted.
"""

from __future__ import annotations

import click

from unrelu.commands.completion import completion
from unrelu.commands.demo import demo
from unrelu.commands.extract import extract
from unrelu.commands.hardness import hardness
from unrelu.commands.match import match
from unrelu.commands.recover import recover
from unrelu.commands.report import report
from unrelu.commands.sample import sample
from unrelu.commands.terminal import Commands
from unrelu.commands.verify import verify
from unrelu.wording.version import __version__


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="unrelu")
def main() -> None:
    """Recover the weights of two-layer ReLU networks from samples.

    Exit code 0: done. 1: not recovered; the best network and the reason are still written. 2: usage
    error, or output that cannot be written. 130: interrupted. `unrelu completion --help` explains
    how to set up shell completion.
    """


for command in (demo, recover, extract, verify, report, match, sample, hardness, completion):
    main.add_command(command)
