"""`unrelu extract`: recover a network by asking a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, loaded, positive
from unrelu.commands.results import save_recovered, write_recovery
from unrelu.commands.terminal import busy, exit_codes, keep
from unrelu.errors import InputError

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading

Oracle = Callable[[Any], Any]

MODEL_HELP = """
MODEL is an .onnx file (run by onnxruntime), an http:// or https:// address, or any other file with
a network. An address is sent a POST of a JSON array of rows, and answers with another, or with an
object that contains one. Instead of MODEL, --program names a program that reads queries as CSV
lines until its input ends, and writes answers as CSV lines.
"""


def _heads() -> dict[str, str]:
    from unrelu.extraction.heads.table import choices

    return choices()


@click.command(epilog=MODEL_HELP)
@click.argument("model", type=FILE, required=False)
@arguments.output
@click.option(
    "--inputs",
    type=click.IntRange(1),
    metavar="D",
    help="Numbers in a query, if MODEL does not specify it.",
)
@click.option("--program", metavar="COMMAND", help="Query a program instead of MODEL.")
@arguments.table_option(
    "--answers", _heads, help="How MODEL encodes the values of its network in its answers."
)
@arguments.whole_units
@arguments.bias
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Maximum number of queries, including those in the journal.",
)
@positive("--scale", 1.0, help="Typical size of an input.")
@positive("--reach", 1000.0, help="Search radius for units, in typical sizes of an input.")
@click.option(
    "--journal",
    metavar="FILE",
    help="Record every answer in this file; the same command then resumes from it.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Maximum number of queries at a time.",
)
@positive(
    "--time-limit",
    None,
    help="Seconds after which no more queries are made, and what was found is written.",
)
@positive("--timeout", 60.0, help="Seconds that an address or program has for a batch.")
@positive("--per-second", None, help="Maximum requests to an address per second.", metavar="N")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header for an address, such as 'Authorization: Bearer …'; may be repeated.",
)
@click.option(
    "--request-key",
    metavar="NAME",
    help="Send an address the queries as an object with this key, such as 'instances'.",
)
@click.option(
    "--json-path",
    metavar="PATH",
    help="Where in the answer of an address the rows are, such as 'outputs[0].data'.",
)
@click.option(
    "--report", "page", metavar="PAGE", help="Also write a report on the extraction, an .html."
)
@arguments.seed("rng", "The same seed asks the same queries.")
@arguments.as_json
@exit_codes()
@arguments.reading
def extract(
    model: str | None,
    output: str,
    inputs: int | None,
    program: str | None,
    timeout: float,
    per_second: float | None,
    headers: tuple[str, ...],
    request_key: str | None,
    json_path: str | None,
    reading: Reading,
    page: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Recover the network behind MODEL by querying it, and write it to NET."""
    from unrelu.formats.networks import check_target

    check_target(output)
    keep(output, model, options["journal"], page)
    keep(options["journal"], model, page)
    if page is not None:
        from unrelu.report.rendering import check_target as check_page

        check_page(page)
        keep(page, model)
    with busy("opening the model") as say:
        web: dict[str, Any] = {"headers": _headers(headers)}
        web |= {"request_key": request_key, "json_path": json_path}
        _check_model(model, program, web)
        if program is not None:
            from unrelu.oracles.program import Program

            oracle: Oracle = Program.of(program, timeout)
            known = None
        elif model is not None and "://" in model:
            from unrelu.oracles.web import WebModel

            web |= {"timeout": timeout, "per_second": per_second or float("inf")}
            oracle, known = WebModel(model, **web), None
        else:
            oracle, known = _opened(str(model), reading)
        say("querying")
        from unrelu.extract import extract as extracted

        result = extracted(
            oracle,
            _n_inputs(inputs, known),
            throw=False,
            progress=lambda now: say(f"querying: {now}"),
            **options,
        )
    save_recovered(result, output)
    files = [output]
    if page is not None:
        from unrelu.report.extraction import extraction_page
        from unrelu.report.rendering import save_page

        save_page(
            extraction_page(result, title=f"{output}, recovered from {model or program}"), page
        )
        files.append(page)
    write_recovery("unrelu extract", result, output, files, as_json=as_json)


def _check_model(model: str | None, program: str | None, web: dict[str, Any]) -> None:
    if (model is None) == (program is None):
        raise InputError("expected either a MODEL or a --program")
    given = [name for name, value in web.items() if value]
    if given and not (model is not None and "://" in model):
        option = given[0].replace("_", "-").replace("headers", "header")
        raise InputError(f"--{option}: expected an address as MODEL, http://… or https://…")


def _opened(path: str, reading: Reading) -> tuple[Oracle, int | None]:
    """The oracle of a file, and its number of inputs if the file specifies it."""
    if Path(path).suffix.lower() == ".onnx":
        from unrelu.oracles.onnx_file import open_onnx

        opened = open_onnx(path, reading.output)
        return opened, opened.n_inputs
    network = loaded(path, reading).rounded()  # queries are in floating point
    return network, network.n_inputs


def _n_inputs(given: int | None, known: int | None) -> int:
    if given is not None and known is not None and given != known:
        raise InputError(f"--inputs: got {given}, expected {known}, as in the model")
    if given is None and known is None:
        raise InputError("--inputs: got nothing, expected the number of inputs of the model")
    return given or known or 0


def _headers(given: tuple[str, ...]) -> dict[str, str]:
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
