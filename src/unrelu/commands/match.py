"""`unrelu match`: two networks, unit by unit."""

from __future__ import annotations

import click

from unrelu.commands.arguments import FILE, NET_HELP, as_json, drop_head, loaded
from unrelu.commands.terminal import exit_codes, write_json


@click.command(epilog=NET_HELP)
@click.argument("net", type=FILE)
@click.argument("truth", type=FILE)
@drop_head
@as_json
@exit_codes()
def match(net: str, truth: str, drop_head: bool, as_json: bool) -> None:
    """Compare NET with TRUTH unit by unit.

    Both are brought into canonical form first: scaling and order of the units do not count, nor,
    with a skip connection, on which side they are active.
    """
    networks = loaded(net, drop_head), loaded(truth, drop_head)
    from unrelu.matching import match as matched

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
