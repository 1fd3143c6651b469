"""What commands share: their arguments and options, and the network of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from unrelu.network import Network

FILE = click.Path(readable=False)
"""A path that the shell completes; whether it can be read is said by who reads it."""

SAMPLES_HELP = """
SAMPLES is a .npz with arrays X and Y, a .csv or .parquet with columns x0, x1, … and y0, y1, …,
or a pair of .npy files, X first: X.npy Y.npy.
"""

NET_HELP = """
NET is a .npz, .onnx, .safetensors, PyTorch state_dict (.pt, .pth, .state_dict) or Keras model
(.h5, .keras).
"""

drop_head = click.option(
    "--drop-head",
    is_flag=True,
    help="Leave off what follows the second layer of a model: a Softmax, say.",
)
exact = click.option(
    "--exact",
    is_flag=True,
    help="""Rational arithmetic: every number of SAMPLES is taken at its word, 0.1 in a .csv as
    1/10.""",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")


def loaded(path: str, drop_head: bool) -> Network:
    """The network of a file, with a word on standard error if it is marked as uncertain, or if
    something was left off."""
    from unrelu.formats.networks import read

    found = read(path, drop_head=drop_head)
    if found.mark is not None:
        click.echo(f"{path}: written as {found.mark.status}: {found.mark.reason}", err=True)
    if found.head is not None:
        click.echo(f"{path}: left off: {found.head}", err=True)
    return found.network


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
    }


def options_of_recover(
    _context: click.Context, option: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What `recover` takes for the option `method` or `noise`."""
    from unrelu import preparation

    known = {"method": preparation.METHODS, "noise": preparation.NOISE}[str(option.name)]
    return [CompletionItem(word) for word in known if word.startswith(incomplete)]
