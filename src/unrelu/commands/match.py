"""`unrelu match`: two networks, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, NET_HELP, loaded
from unrelu.commands.terminal import exit_codes, write_json

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading

MEASURES = ("max_error", "per_unit", "permutation", "missing", "extra", "output_bias", "skip")


@click.command(epilog=NET_HELP)
@click.argument("net", type=FILE)
@click.argument("truth", type=FILE)
@arguments.as_json
@exit_codes()
@arguments.reading
def match(net: str, truth: str, reading: Reading, as_json: bool) -> None:
    """Compare NET with TRUTH unit by unit.

    Both are brought into canonical form first: the order and scaling of the units do not count,
    nor, with a skip connection, on which side of its edge a unit is active.
    """
    networks = loaded(net, reading), loaded(truth, reading)
    from unrelu.network.matching import match as matched

    result = matched(*networks)
    if as_json:
        write_json({name: getattr(result, name) for name in MEASURES})
    else:
        click.echo(str(result))
