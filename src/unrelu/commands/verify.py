"""`unrelu verify`: a certificate without recovering."""

from __future__ import annotations

import click

from unrelu.commands.arguments import (
    FILE,
    NET_HELP,
    SAMPLES_HELP,
    as_json,
    described,
    drop_head,
    exact,
    loaded,
)
from unrelu.commands.terminal import busy, exit_codes, leave, write_json, write_table


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@exact
@drop_head
@as_json
@exit_codes()
def verify(
    net: str, samples: str, labels: str | None, exact: bool, drop_head: bool, as_json: bool
) -> None:
    """Check whether NET explains SAMPLES, and no other network does."""
    from unrelu.formats.samples import read_samples

    network = loaded(net, drop_head)
    with busy(f"reading {samples}") as say:
        X, Y = read_samples(samples, labels, exact=exact)
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
        rows = [("status", status), ("network", repr(network))]
        write_table("unrelu verify", rows + certificate.rows())
    leave(certificate.status.certain)
