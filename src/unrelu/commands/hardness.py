"""`unrelu hardness`: encode a formula as samples, decode a network as an assignment."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, NET_HELP, loaded
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write, write_json
from unrelu.errors import InputError

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading
    from unrelu.hardness import Formula

FORMULA_HELP = """
FORMULA.cnf is in DIMACS format: a line "p cnf VARIABLES CLAUSES", then the clauses, each a list of
literals, i or -i for variable i, that ends with 0.
"""


@click.command(epilog=FORMULA_HELP + NET_HELP)
@click.argument("formula", type=FILE, metavar="FORMULA.cnf")
@click.option("-o", "--output", type=FILE, metavar="SAMPLES", help="The file of samples to write.")
@arguments.labels_file
@click.option(
    "--free", is_flag=True, help="Leave the output weights open instead of fixing them at 1."
)
@click.option("--decode", "net", type=FILE, metavar="NET", help="The network to decode.")
@arguments.as_json
@exit_codes()
@arguments.reading
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

    Two units without biases explain the samples if and only if the formula is satisfiable, so
    finding them is as hard as solving the formula. With --decode, the assignment that NET
    represents is checked and written in the format of SAT solvers. If NET does not explain the
    samples, the output is "s UNKNOWN" and the exit code 1.
    """
    if (output is None) == (net is None):
        raise click.UsageError("got both or neither, expected -o SAMPLES or --decode NET")
    if output is not None:
        _encode(formula, output, labels, free, as_json)
    elif net is not None:
        if free or labels is not None:
            raise click.UsageError("--free and --labels are for -o SAMPLES, not for --decode")
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
    values = {
        "variables": formula.n_variables,
        "clauses": len(formula.clauses),
        "samples": n,
        "inputs": d,
        "free": free,
        "files": files,
    }
    weights = "any output weights" if free else "output weights of 1"
    meaning = (
        f"two units without biases, with {weights}, explain these samples if and only if the "
        "formula is satisfiable"
    )
    rows = [
        ("formula", f"{formula.n_variables} variables and {len(formula.clauses)} clauses"),
        ("samples", str(n)),
        ("inputs", str(d)),
        ("meaning", meaning),
        ("written", ", ".join(files)),
    ]
    write("unrelu hardness", rows, values, as_json=as_json)


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
        assignment, reason = None, ""
        try:
            assignment = decode(network, instance)
        except InputError as error:
            reason = str(error).removeprefix("network: ")
    if assignment is None:
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
    from unrelu.formats.archive import errors_named
    from unrelu.hardness import parse_dimacs

    with errors_named(Path(path), "a formula in DIMACS format"):
        # Comments may contain any bytes.
        return parse_dimacs(Path(path).read_text(encoding="utf-8", errors="replace"))
