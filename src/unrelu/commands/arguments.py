"""What commands share: their arguments and options, and the network of a file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading
    from unrelu.network import Network

FILE = click.Path(readable=False)
"""A path that the shell completes; whether it can be read is said by who reads it."""

SAMPLES_HELP = """
SAMPLES is a .npz with arrays X and Y, a table (.csv, .tsv, also .csv.gz; .parquet) with columns x0,
x1, … and y0, y1, … or any that --x-columns and --y-columns name, or a pair of .npy files, X first:
X.npy Y.npy.
"""

NET_HELP = """
NET is a .npz, .onnx, .safetensors, PyTorch state_dict or checkpoint (.pt, .pth, .state_dict), Keras
model (.h5, .keras), or, only read, a .nnet or .mat.
"""

READING = (
    click.option(
        "--drop-head",
        is_flag=True,
        help="Leave off what follows the second layer of a model: a Softmax, say.",
    ),
    click.option(
        "--order",
        metavar="FIRST,SECOND",
        help="Names of the two layers in a file of weights alone, where they do not tell.",
    ),
    click.option(
        "--transposed/--not-transposed",
        default=None,
        help="Weights are kept as (inputs, units), or as (units, inputs), where nothing tells.",
    ),
    click.option(
        "--net-output",
        metavar="NAME",
        help="Which output of the model, where it has several.",
    ),
)


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how to read a NET, as one argument `reading`."""

    @functools.wraps(command)
    def packed(
        *args: Any,
        drop_head: bool,
        order: str | None,
        transposed: bool | None,
        net_output: str | None,
        **rest: Any,
    ) -> Any:
        from unrelu.formats.reading import Reading

        names = None if order is None else [name.strip() for name in order.split(",")]
        return command(*args, reading=Reading(drop_head, names, transposed, net_output), **rest)

    for option in reversed(READING):
        packed = option(packed)
    return packed


COLUMNS = (
    click.option(
        "--x-columns",
        metavar="NAMES",
        help="""Columns of a table that are inputs: names with commas between them, * for any
        characters; numbers from 0 in a table without a header. All but the outputs if left out.""",
    ),
    click.option(
        "--y-columns",
        metavar="NAMES",
        help="Columns that are outputs, in the same way. All but the inputs if left out.",
    ),
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        help="Between the cells of a table of text: a character, or tab, space, comma, semicolon, "
        "bar. Found from the first line if left out.",
    ),
)


def columns(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is in a table of samples, as one argument `layout`."""

    @functools.wraps(command)
    def packed(
        *args: Any,
        x_columns: str | None,
        y_columns: str | None,
        delimiter: str | None,
        **rest: Any,
    ) -> Any:
        from unrelu.formats.layout import Layout

        layout = Layout(_listed(x_columns), _listed(y_columns), delimiter)
        return command(*args, layout=layout, **rest)

    for option in reversed(COLUMNS):
        packed = option(packed)
    return packed


def _listed(names: str | None) -> tuple[str, ...]:
    """Names with commas between them, in quotation marks where they have commas."""
    import csv

    if names is None:
        return ()
    return tuple(name.strip() for name in next(csv.reader([names], skipinitialspace=True), []))


exact = click.option(
    "--exact",
    is_flag=True,
    help="""Rational arithmetic: every number of SAMPLES is taken at its word, 0.1 in a .csv as
    1/10.""",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")


def loaded(path: str, reading: Reading | None = None) -> Network:
    """The network of a file, with a word on standard error if it is marked as uncertain, if
    something was left off, or taken for granted."""
    from unrelu.formats.networks import read
    from unrelu.formats.reading import AS_THE_FILE_SAYS

    found = read(path, reading or AS_THE_FILE_SAYS)
    if found.mark is not None:
        click.echo(f"{path}: written as {found.mark.status}: {found.mark.reason}", err=True)
    if found.head is not None:
        click.echo(f"{path}: left off: {found.head}", err=True)
    for remark in found.network.remarks:
        click.echo(f"{path}: {remark}", err=True)
    return found.network


def remarked(network: Network) -> list[tuple[str, str]]:
    """Rows of a table: what was taken for granted when the network was read."""
    return [("taken for granted", remark.text) for remark in network.remarks]


def described(network: Network | None, path: str) -> dict[str, object] | None:
    if network is None:
        return None
    return {
        "file": path,
        "inputs": network.n_inputs,
        "units": network.n_units,
        "outputs": network.n_outputs,
        "activation": network.activation.name,
        "rational": network.rational,
        "skip": network.skip,
        "remarks": {remark.code: remark.text for remark in network.remarks},
    }


def options_of_recover(
    _context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What `recover` takes for the option `method`, `noise` or `form`."""
    from unrelu.search import options

    known = {
        "method": options.METHODS,
        "noise": options.NOISE,
        "form": options.FORMS,
    }[str(option.name)]
    return [CompletionItem(word) for word in known if word.startswith(incomplete)]
