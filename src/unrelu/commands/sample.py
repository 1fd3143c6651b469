"""`unrelu sample`: labels of a network for Gaussian inputs."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, NET_HELP, SAMPLES_HELP, loaded, positive
from unrelu.commands.terminal import busy, exit_codes, keep, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unrelu.formats.reading import Reading
    from unrelu.network import Network
    from unrelu.numerics.arrays import Array

BITS = 20
"""Bits of an exact input below the scale. With so many, samples hardly ever coincide or lie on a
kink; with so few, fractions stay short, and the inputs are also floats."""


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.option(
    "-n",
    "--samples",
    "n",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Number of samples.",
)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="SAMPLES", help="The file to write."
)
@arguments.labels_file
@positive("--scale", 1.0, help="Standard deviation of the inputs.")
@click.option(
    "--noise",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SIZE",
    help="Gaussian noise on the labels: its standard deviation as a share of theirs.",
)
@click.option(
    "--exact",
    is_flag=True,
    help=f"""Use rational arithmetic. Inputs are rounded to multiples of 2^-{BITS} times the largest
    power of two up to the scale, labels are the exact outputs of NET, and SAMPLES, a .npz or .csv,
    contains fractions. Weights in floating point are taken literally.""",
)
@arguments.seed("seed")
@arguments.as_json
@exit_codes()
@arguments.reading
def sample(
    net: str,
    n: int,
    output: str,
    labels: str | None,
    scale: float,
    noise: float,
    exact: bool,
    seed: int | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Draw Gaussian inputs, label them with NET, write both to SAMPLES."""
    from unrelu.errors import InputError
    from unrelu.formats.samples import check_target, write_samples

    if exact and noise:
        raise InputError(f"--noise: got {noise:g} with --exact, expected none: labels are exact")
    check_target(output, labels, exact=exact)
    for written in (output, labels):
        keep(written, net)
    network = loaded(net, reading)
    import numpy as np

    with busy(f"drawing {n} samples") as say:
        if seed is None:
            seed = int(np.random.default_rng().integers(2**32))
        rng = np.random.default_rng(seed)
        X, k = rng.standard_normal((n, network.n_inputs)), 0
        if exact:
            network = as_rational(network)
            X, k = on_a_grid(X, scale)
        else:
            X = scale * X
        Y = network(X)
        if noise:
            Y = Y + noise * Y.std(axis=0) * rng.standard_normal(Y.shape)
        say(f"writing {output}")
        write_samples(output, X, Y, labels)
    files = [output] if labels is None else [output, labels]
    values = {
        "samples": n,
        "inputs": network.n_inputs,
        "outputs": network.n_outputs,
        "files": files,
        "exact": exact,
        "seed": seed,
        "step": Fraction(2) ** -k if exact else None,
    }
    rows = [
        ("samples", str(n)),
        ("inputs", f"{network.n_inputs}{f', multiples of 2^{-k}' if exact else ''}"),
        ("outputs", str(network.n_outputs) + ", exact" * exact),
        ("seed", str(seed)),
        ("written", ", ".join(files)),
    ]
    write("unrelu sample", rows, values, as_json=as_json)


def on_a_grid(gaussian: Array, scale: float) -> tuple[NDArray[Any], int]:
    """Gaussian numbers times `scale`, each rounded to a multiple of 2^-k, as Fractions; and k. The
    step 2^-k is 2^-BITS times the largest power of two up to `scale`."""
    import numpy as np

    from unrelu.numerics.rationals import as_fractions

    mantissa, exponent = math.frexp(scale)  # the power of two is 2^(exponent - 1)
    k = BITS + 1 - exponent
    # In units of 2^-k nothing overflows or underflows: one unit of g is mantissa 2^(BITS + 1).
    steps = np.rint(gaussian * math.ldexp(mantissa, BITS + 1))
    return as_fractions("X", steps) * Fraction(2) ** -k, k


def as_rational(net: Network) -> Network:
    """The network with rational weights; a float is the dyadic rational that it represents."""
    from unrelu.network import Network
    from unrelu.numerics.rationals import as_fractions

    given = (net.V, net.U, net.b, net.c, net.W)
    V, U, b, c, W = (as_fractions("weights", weights) for weights in given)
    return Network(V, U, b, c, net.activation, W)
