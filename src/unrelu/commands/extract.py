"""`unrelu extract`: the command, and which kind of model its argument names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unrelu.commands.arguments import FILE, as_json, described, loaded, reading
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write_json, write_table

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading

MODEL_HELP = """
MODEL is an .onnx file (run by onnxruntime), an http:// or https:// address that answers a POST of
a JSON array of rows with another, or with an object that holds one, or any other file with a
network. In place of MODEL, --program
names a program that reads queries as CSV lines and writes answers as CSV lines, until its input
ends.
"""


@click.command(epilog=MODEL_HELP)
@click.argument("model", type=FILE, required=False)
@click.option("-o", "--output", type=FILE, required=True, metavar="NET", help="The file to write.")
@click.option(
    "--inputs",
    type=click.IntRange(1),
    metavar="D",
    help="Numbers in a query, where MODEL does not say.",
)
@click.option("--program", metavar="COMMAND", help="Ask a program, in place of MODEL.")
@click.option("--units", type=click.IntRange(1), help="Number of hidden units, if it is known.")
@click.option("--bias/--no-bias", default=True, help="Look for biases, or know there are none.")
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Most queries in all, those of the journal included.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Usual size of an input.",
)
@click.option(
    "--reach",
    type=click.FloatRange(0, min_open=True),
    default=1000.0,
    show_default=True,
    help="How far out units are looked for, in usual sizes of an input.",
)
@click.option(
    "--journal",
    metavar="FILE",
    help="Keep every answer there; the same command continues from it.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Most queries at a time.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that an address or a program has for a batch.",
)
@click.option(
    "--per-second",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Most requests to an address in a second.",
)
@click.option(
    "--header",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header for an address, as 'Authorization: Bearer …'; may be given several times.",
)
@click.option(
    "--request-key",
    metavar="NAME",
    help="Send an address the queries as an object with this name, as 'instances'.",
)
@click.option(
    "--json-path",
    metavar="PATH",
    help="Where in the answer of an address the rows are, as 'outputs[0].data'.",
)
@click.option("--seed", type=click.IntRange(0), help="The same seed asks the same queries.")
@as_json
@exit_codes()
@reading
def extract(
    model: str | None,
    output: str,
    inputs: int | None,
    program: str | None,
    units: int | None,
    bias: bool,
    budget: int,
    scale: float,
    reach: float,
    journal: str | None,
    batch: int,
    timeout: float,
    per_second: float | None,
    header: tuple[str, ...],
    request_key: str | None,
    json_path: str | None,
    seed: int | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Recover the network behind MODEL by asking it, and write it to NET."""
    from unrelu.formats.networks import Mark, check_target, save_marked

    check_target(output)
    keep(output, model, journal)
    keep(journal, model)
    with busy("opening the model") as say:
        pace: dict[str, Any] = {"timeout": timeout, "per_second": per_second or float("inf")}
        asked = {"headers": _headers(header), "request_key": request_key, "json_path": json_path}
        oracle, known = _opened(model, program, pace, asked, reading)
        from unrelu.errors import InputError
        from unrelu.extract import extract as extracted

        if known is not None and inputs is not None and known != inputs:
            raise InputError(f"--inputs: got {inputs}, expected {known}, as the model says")
        d = inputs or known
        if d is None:
            raise InputError("--inputs: got nothing, expected the number of inputs of the model")
        say("asking")
        result = extracted(
            oracle,
            d,
            n_units=units,
            bias=bias,
            budget=budget,
            scale=scale,
            reach=reach,
            journal=journal,
            batch=batch,
            rng=seed,
            throw=False,
            report=lambda asked: say(f"asking: {asked} of at most {budget} queries"),
        )
    reason = result.certificate.explanation
    mark = None if result.status.certain else Mark(result.status.value, reason)
    save_marked(result.network, output, mark)
    if as_json:
        write_json(
            {
                "status": result.status.value,
                "reason": reason,
                "network": described(result.network, output),
                "certificate": result.certificate.to_dict(),
                "stats": result.stats,
            }
        )
    else:
        write_table("unrelu extract", [*result.rows(), ("written", output)])
    if mark is not None:
        click.echo(f"not recovered: {reason}", err=True)
    leave(result.status.certain)


def _opened(
    model: str | None,
    program: str | None,
    pace: dict[str, Any],
    asked: dict[str, Any],
    reading: Reading,
) -> tuple[Callable[[Any], Any], int | None]:
    """The oracle, and its number of inputs where it says."""
    from unrelu.errors import InputError

    if (model is None) == (program is None):
        raise InputError("expected a MODEL or a --program, one of the two")
    address = model is not None and "://" in model
    given = [name for name, value in asked.items() if value]
    if given and not address:
        option = given[0].replace("_", "-").replace("headers", "header")
        raise InputError(f"--{option}: expected an address as MODEL, http://… or https://…")
    if program is not None:
        from unrelu.oracles.program import Program

        return Program.of(program, pace["timeout"]), None
    assert model is not None, "one of the two"
    if address:
        from unrelu.oracles.web import WebModel

        return WebModel(model, **pace, **asked), None
    if Path(model).suffix.lower() == ".onnx":
        from unrelu.oracles.onnx_file import open_onnx

        opened = open_onnx(model, reading.output)
        return opened, opened.n_inputs
    network = loaded(model, reading).rounded()  # queries are in floating point
    return network, network.n_inputs


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    from unrelu.errors import InputError

    named = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon or not name.strip():
            raise InputError(
                f"--header: got {len(each)} characters without a name and a colon, expected "
                "'NAME: VALUE'"
            )
        named[name.strip()] = value.strip()
    return named
