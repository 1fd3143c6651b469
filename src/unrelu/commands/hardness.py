"""`unrelu hardness`: a formula as samples, and a network that explains them as an assignment."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unrelu.commands.arguments import FILE, NET_HELP, as_json, loaded, reading
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write_json, write_table
from unrelu.errors import FileError, InputError

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading
    from unrelu.hardness import Formula

FORMULA_HELP = """
FORMULA.cnf is in DIMACS form: a line "p cnf VARIABLES CLAUSES", then clauses of literals, i or -i
for variable i, each closed by a 0.
"""


@click.command(epilog=FORMULA_HELP + NET_HELP)
@click.argument("formula", type=FILE, metavar="FORMULA.cnf")
@click.option("-o", "--output", type=FILE, metavar="SAMPLES", help="The file of samples to write.")
@click.option(
    "--labels", type=FILE, metavar="Y.npy", help="The second file, when SAMPLES is a .npy."
)
@click.option("--free", is_flag=True, help="Leave the output weights open, where they would be 1.")
@click.option("--decode", "net", type=FILE, metavar="NET", help="The network to decode.")
@as_json
@exit_codes()
@reading
def hardness(
    formula: str,
    output: str | None,
    labels: str | None,
    free: bool,
    net: str | None,
    as_json: bool,
    reading: Reading,
) -> None:
    """Write a CNF formula as samples, or decode a network that explains them.

    Two units without biases explain the samples if and only if the formula is satisfiable: to find
    them is as hard as that. With --decode, the assignment that NET stands for is written as SAT
    solvers do, once it is checked; if NET does not explain the samples, that is "s UNKNOWN" and
    exit code 1.
    """
    if (output is None) == (net is None):
        raise click.UsageError("got both or neither, expected -o SAMPLES or --decode NET")
    if output is not None:
        _encode(formula, output, labels, free, as_json)
    elif net is not None:
        if free or labels is not None:
            raise click.UsageError("--free and --labels are for -o SAMPLES: NET tells by itself")
        _decode(formula, net, reading, as_json)


def _encode(path: str, output: str, labels: str | None, free: bool, as_json: bool) -> None:
    from unrelu.formats.samples import check_target, write_samples

    check_target(output, labels)
    for written in (output, labels):
        keep(written, path)
    formula = _read(path)
    from unrelu.hardness import encode

    with busy(f"encoding {len(formula.clauses)} clauses") as say:
        instance = encode(formula, free)
        say(f"writing {output}")
        write_samples(output, instance.X, instance.Y, labels)
    files = [output] if labels is None else [output, labels]
    n, d = instance.X.shape
    if as_json:
        write_json(
            {
                "variables": formula.n_variables,
                "clauses": len(formula.clauses),
                "samples": n,
                "inputs": d,
                "free": free,
                "files": files,
            }
        )
    else:
        weights = "any output weights" if free else "output weights of 1"
        rows = [
            ("formula", f"{formula.n_variables} variables and {len(formula.clauses)} clauses"),
            ("samples", str(n)),
            ("inputs", str(d)),
            (
                "meaning",
                (
                    f"two units without biases, with {weights}, explain these samples if and only "
                    "if the formula is satisfiable"
                ),
            ),
            ("written", ", ".join(files)),
        ]
        write_table("unrelu hardness", rows)


def _decode(path: str, net: str, reading: Reading, as_json: bool) -> None:
    formula = _read(path)
    network = loaded(net, reading)
    from unrelu.hardness import decode, encode

    with busy(f"checking {net}"):
        instance = encode(formula)
        d = instance.X.shape[1]
        if network.n_inputs not in (d, d + 1):
            raise InputError(
                f"{net}: got {network.n_inputs} inputs, expected {d}, or {d + 1} for samples "
                "written with --free"
            )
        if network.n_inputs > d:
            instance = encode(formula, free=True)
        try:
            assignment = decode(network, instance)
        except InputError as error:
            reason = str(error).removeprefix("network: ")
            if as_json:
                write_json({"satisfiable": None, "reason": reason})
            else:
                click.echo("s UNKNOWN")
                click.echo(f"{net}: {reason}", err=True)
            leave(certain=False)
            return
    literals = [i if value else -i for i, value in enumerate(assignment, 1)]
    if as_json:
        write_json({"satisfiable": True, "assignment": literals})
    else:
        click.echo("s SATISFIABLE")
        from unrelu.wording.lines import LINE

        text = " ".join([*map(str, literals), "0"])
        for line in textwrap.wrap(text, LINE - 2, break_on_hyphens=False):
            click.echo(f"v {line}")


def _read(path: str) -> Formula:
    from unrelu.hardness import parse_dimacs

    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")  # comments may be anything
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return parse_dimacs(text)
    except InputError as error:
        raise FileError(f"{path}: {error}") from error
