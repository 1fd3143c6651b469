"""`unrelu match`: two networks, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unrelu.commands.arguments import FILE, NET_HELP, as_json, loaded, reading
from unrelu.commands.terminal import exit_codes, write_json

if TYPE_CHECKING:
    from unrelu.formats.reading import Reading


@click.command(epilog=NET_HELP)
@click.argument("net", type=FILE)
@click.argument("truth", type=FILE)
@as_json
@exit_codes()
@reading
def match(net: str, truth: str, reading: Reading, as_json: bool) -> None:
    """Compare NET with TRUTH unit by unit.

    Both are brought into canonical form first: scaling and order of the units do not count, nor,
    with a skip connection, on which side they are active.
    """
    networks = loaded(net, reading), loaded(truth, reading)
    from unrelu.network.matching import match as matched

    result = matched(*networks)
    if as_json:
        write_json(
            {
                "max_error": result.max_error,
                "per_unit": result.per_unit,
                "permutation": result.permutation,
                "missing": result.missing,
                "extra": result.extra,
                "output_bias": result.output_bias,
                "skip": result.skip,
            }
        )
    else:
        click.echo(str(result))
