"""Arguments and options that several commands share, and the network of a file."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from unrelu.formats.forms import FORMS, SAMPLES, described, taking

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.formats.reading import Reading
    from unrelu.network import Network

FILE = click.Path(readable=False)
"""A path that the shell completes. Whoever reads the file reports that it cannot be read."""

MOST_SHOWN = 2
"""Files that a message names."""

SAMPLES_HELP = f"""
SAMPLES is one of these: {described(SAMPLES)}. Columns of a table are x0, x1, … and
y0, y1, … or any that --x-columns and --y-columns name.
"""

NET_HELP = f"""
NET is a network in one of these forms: {described(form for form in FORMS if form.write)}; or, only
read, {described(form for form in FORMS if not form.write)}.
"""

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


class TableOption(click.Option):
    """An option whose values are names in a table of the library.

    Help lists the names with their meanings (which may be empty), completion the names. The table
    is imported only then. The library, not click, rejects other values: its error says which
    combinations are possible.
    """

    def __init__(
        self, *declarations: Any, table: Callable[[], Mapping[str, str]], **rest: Any
    ) -> None:
        super().__init__(*declarations, **rest)
        self.table = table

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        values = (f"{name} ({text})" if text else name for name, text in self.table().items())
        return record and (record[0], f"{record[1]}  One of: {', '.join(values)}.")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        del ctx
        return [CompletionItem(name) for name in self.table() if name.startswith(incomplete)]


def table_option(
    flag: str,
    table: Callable[[], Mapping[str, str]],
    help: str,  # noqa: A002
    default: str = "auto",
) -> Decorator:
    shown = {"default": default, "show_default": True, "metavar": "NAME", "help": help}
    return click.option(flag, cls=TableOption, table=table, **shown)


def packed(name: str, options: Sequence[Decorator], pack: Callable[..., Any]) -> Decorator:
    """A decorator that adds options to a command. The command gets `pack(**values)` as a single
    argument of this name; the options have the names of the parameters of `pack`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapper(*args: Any, **given: Any) -> Any:
            values = {each: given.pop(each) for each in inspect.signature(pack).parameters}
            return command(*args, **given, **{name: pack(**values)})

        decorated: Command = wrapper
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _reading(
    drop_head: bool, order: str | None, transposed: bool | None, net_output: str | None
) -> Reading:
    from unrelu.formats.reading import Reading

    names = None if order is None else [name.strip() for name in order.split(",")]
    return Reading(drop_head, names, transposed, net_output)


reading = packed(
    "reading",
    (
        click.option(
            "--drop-head",
            is_flag=True,
            help="Leave out what follows the second layer of a model, such as a Softmax "
            f"({taking('drop_head')}).",
        ),
        click.option(
            "--order",
            metavar="FIRST,SECOND",
            help="Names of the two layers, for a file of weights whose names do not show it "
            f"({taking('order')}).",
        ),
        click.option(
            "--transposed/--not-transposed",
            default=None,
            help="Whether weights are stored as (inputs, units), for a file that does not show it "
            f"({taking('transposed')}).",
        ),
        click.option(
            "--net-output",
            metavar="NAME",
            help=f"Which output of the model to use, if it has several ({taking('output')}).",
        ),
    ),
    _reading,
)
"""How to read a NET, as one argument `reading`."""


def _layout(
    x_columns: str | None, y_columns: str | None, delimiter: str | None, drop_missing: bool
) -> Layout:
    from unrelu.formats.layout import Layout

    return Layout(_split(x_columns), _split(y_columns), delimiter, drop_missing=drop_missing)


columns = packed(
    "layout",
    (
        click.option(
            "--x-columns",
            metavar="NAMES",
            help="""Columns of a table that are inputs: names separated by commas, with * for any
            characters, or numbers from 0 for a table without a header. Default: all columns that
            are not outputs.""",
        ),
        click.option(
            "--y-columns",
            metavar="NAMES",
            help="Columns that are outputs, in the same form. Default: all that are not inputs.",
        ),
        click.option(
            "--delimiter",
            metavar="CHARACTER",
            help="""Separates the cells of a text table: a character, or tab, space, comma,
            semicolon, bar. Default: detected from the first line.""",
        ),
        click.option(
            "--drop-missing",
            is_flag=True,
            help="Leave out samples with missing values: empty cells, NA, NaN.",
        ),
    ),
    _layout,
)
"""What is in a table of samples, as one argument `layout`."""


def _split(names: str | None) -> tuple[str, ...]:
    """Names separated by commas; one that contains a comma is in quotation marks."""
    import csv

    if names is None:
        return ()
    return tuple(name.strip() for name in next(csv.reader([names], skipinitialspace=True), []))


samples = click.argument("samples", type=FILE, nargs=-1, required=True, metavar="SAMPLES [LABELS]")


def shown_files(paths: Sequence[str]) -> str:
    """Some files in a message."""
    few = " ".join(paths[:MOST_SHOWN])
    return few if len(paths) <= MOST_SHOWN else f"{few} and {len(paths) - MOST_SHOWN} more"


def _running(memory: float | None, scheduler: str | None, workers: int | None) -> dict[str, Any]:
    return {"memory": memory, "scheduler": scheduler, "workers": workers}


running = packed(
    "running",
    (
        click.option(
            "--memory",
            type=click.FloatRange(0, min_open=True),
            metavar="BYTES",
            help="What the samples may take in memory, such as 4e9; of more, a part is searched. "
            "Default: 1e9 for several .parquet files, and any number otherwise.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Passes over all samples run on the workers of this dask.distributed scheduler, "
            "such as tcp://host:8786, which read the files themselves.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1),
            metavar="N",
            help="The same on so many processes of this machine.",
        ),
    ),
    _running,
)
"""How much memory there is, and where passes run, as one argument `running`."""


def _units(value: str | None) -> int | str | None:
    if value is None or value == "cv":
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(f"got {value!r}, expected a whole number or 'cv'") from None


output = click.option(
    "-o", "--output", type=FILE, required=True, metavar="NET", help="The file to write."
)
units = click.option(
    "--units",
    "n_units",
    metavar="K",
    callback=lambda _context, _option, value: _units(value),
    help="Number of hidden units, if known; cv: as many as predict best in cross-validation.",
)
whole_units = click.option(
    "--units",
    "n_units",
    type=click.IntRange(0),
    metavar="K",
    help="Number of hidden units, if known.",
)
bias = click.option("--bias/--no-bias", default=True, help="Fit biases, or assume there are none.")
exact = click.option(
    "--exact",
    is_flag=True,
    help="""Use rational arithmetic. Every number of SAMPLES is taken literally: 0.1 in a .csv is
    1/10.""",
)
labels_file = click.option(
    "--labels", type=FILE, metavar="Y.npy", help="The second file, if SAMPLES is a .npy."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")


def seed(name: str, help: str = "The same seed gives the same bits.") -> Decorator:  # noqa: A002
    return click.option("--seed", name, type=click.IntRange(0), help=help)


def positive(flag: str, default: float | None, help: str, **rest: Any) -> Decorator:  # noqa: A002
    """An option that takes a positive number."""
    kind = click.FloatRange(0, min_open=True)
    return click.option(
        flag, type=kind, default=default, show_default=default is not None, help=help, **rest
    )


def loaded(path: str, reading: Reading | None = None) -> Network:
    """The network of a file. Standard error gets a line if the file marks it as uncertain, if
    something was left out, and for each assumption that was made in reading it."""
    from unrelu.formats.networks import read
    from unrelu.formats.reading import AS_THE_FILE_SAYS

    found = read(path, reading or AS_THE_FILE_SAYS)
    if provenance := found.provenance:
        click.echo(f"{path}: written as {provenance.status}: {provenance.reason}", err=True)
    if found.head is not None:
        click.echo(f"{path}: left off: {found.head}", err=True)
    for remark in found.network.remarks:
        click.echo(f"{path}: {remark}", err=True)
    return found.network
