"""How commands write a recovery, a certificate and a network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from unrelu.commands.terminal import leave, write

if TYPE_CHECKING:
    from unrelu.network import Network
    from unrelu.result import Recovery


def save_recovered(result: Recovery, path: str | os.PathLike[str]) -> None:
    """Write the network to a file. If it is not certain, the file holds status and reason too."""
    from unrelu.formats.networks import Provenance, write_network

    provenance = None
    if not result.status.certain:
        provenance = Provenance(result.status.value, result.explanation)
    write_network(result.network, path, provenance)


def write_recovery(
    command: str,
    result: Recovery,
    output: str,
    files: list[str],
    *,
    as_json: bool,
    summary: bool = False,
) -> None:
    """Write the result, or its summary, and end the command with its exit code. `output` holds the
    network."""
    from unrelu.inputs.names import UNNAMED

    reason = result.explanation
    values = {
        "status": result.status.value,
        "reason": reason,
        "network": described(result.network, output),
        "certificate": result.certificate.to_dict(),
        "columns": result.names.to_dict() if result.names != UNNAMED else None,
        "noise": result.noise and result.noise.to_dict(),
        "uncertainty": result.uncertainty and result.uncertainty.to_dict(),
        "goodness": result.goodness and result.goodness.to_dict(),
        "smoothness": result.smoothness and result.smoothness.to_dict(),
        "breakpoints": [each.to_dict() for each in result.breakpoints],
        "stats": result.stats,
    }
    if summary and result.network is not None and not as_json:
        click.echo(str(result.summary()))
    else:
        rows = [*result.rows(), ("written", ", ".join(files))]
        write(command, rows, values, as_json=as_json)
    if not result.status.certain:
        click.echo(f"not recovered: {reason}", err=True)
    interrupted = any(each.code == "interrupted" for each in result.findings)
    leave(result.status.certain, interrupted=interrupted)


def described(network: Network | None, path: str) -> dict[str, object] | None:
    """A network in a file, as plain values."""
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


def remark_rows(network: Network) -> list[tuple[str, str]]:
    """Rows of a table: the assumptions that were made when the network was read."""
    return [("taken for granted", remark.text) for remark in network.remarks]
