"""`unrelu verify`: a certificate without recovering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, NET_HELP, SAMPLES_HELP, loaded, shown_files
from unrelu.commands.results import described, remark_rows
from unrelu.commands.terminal import busy, exit_codes, leave, write

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.formats.reading import Reading


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@arguments.samples
@arguments.exact
@click.option(
    "--noise",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="What the labels contain besides outputs of NET, as in unrelu recover.",
)
@arguments.columns
@arguments.running
@arguments.as_json
@exit_codes()
@arguments.reading
def verify(
    net: str,
    samples: tuple[str, ...],
    exact: bool,
    noise: str,
    layout: Layout,
    reading: Reading,
    running: dict[str, Any],
    as_json: bool,
) -> None:
    """Check whether NET explains SAMPLES and no other network of its size does; of noisy labels,
    whether it is their estimate."""
    from unrelu.formats.samples import read_named

    network = loaded(net, reading)
    with busy(f"reading {shown_files(samples)}") as say:
        X, Y = read_named(samples, exact=exact, layout=layout)
        say(f"checking {len(X)} samples")
        from unrelu.certificate import verify as verified
        from unrelu.stored.clients import connected

        memory = running.pop("memory")
        with connected(**running) as client:
            certificate = verified(
                network, X, Y, exact=exact, noise=noise, memory=memory, client=client
            )
    values = {
        "status": certificate.status.value,
        "reason": certificate.explanation,
        "network": described(network, net),
        "certificate": certificate.to_dict(),
    }
    status = f"{certificate.status.value}: {certificate.sentence}"
    rows = [("status", status), ("network", repr(network)), *remark_rows(network)]
    write("unrelu verify", rows + certificate.rows(), values, as_json=as_json)
    leave(certificate.status.certain)
