"""`unrelu verify`: a certificate without recovering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unrelu.commands.arguments import (
    FILE,
    NET_HELP,
    SAMPLES_HELP,
    as_json,
    columns,
    described,
    exact,
    loaded,
    reading,
    remarked,
)
from unrelu.commands.terminal import busy, exit_codes, leave, write_json, write_table

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.formats.reading import Reading


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@exact
@columns
@as_json
@exit_codes()
@reading
def verify(
    net: str,
    samples: str,
    labels: str | None,
    exact: bool,
    layout: Layout,
    reading: Reading,
    as_json: bool,
) -> None:
    """Check whether NET explains SAMPLES, and no other network does."""
    from unrelu.formats.samples import read_named

    network = loaded(net, reading)
    with busy(f"reading {samples}") as say:
        X, Y = read_named(samples, labels, exact=exact, layout=layout)
        say(f"checking {len(X)} samples")
        from unrelu.certificate import verify as verified

        certificate = verified(network, X, Y, exact=exact)
    if as_json:
        write_json(
            {
                "status": certificate.status.value,
                "reason": certificate.explanation,
                "network": described(network, net),
                "certificate": certificate.to_dict(),
            }
        )
    else:
        status = f"{certificate.status.value}: {certificate.sentence}"
        rows = [("status", status), ("network", repr(network)), *remarked(network)]
        write_table("unrelu verify", rows + certificate.rows())
    leave(certificate.status.certain)
