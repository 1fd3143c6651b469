"""`unrelu sample`: labels of a network for Gaussian inputs."""

from __future__ import annotations

import click

from unrelu.commands.arguments import FILE, NET_HELP, SAMPLES_HELP, as_json, drop_head, loaded
from unrelu.commands.terminal import busy, exit_codes, keep, write_json


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.option(
    "-n",
    "--samples",
    "n",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many.",
)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="SAMPLES", help="The file to write."
)
@click.option(
    "--labels", type=FILE, metavar="Y.npy", help="The second file, when SAMPLES is a .npy."
)
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Standard deviation of the inputs.",
)
@click.option(
    "--noise",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SIZE",
    help="Gaussian noise on the labels: its standard deviation as a share of theirs.",
)
@click.option("--seed", type=click.IntRange(0), help="The same seed gives the same bits.")
@drop_head
@as_json
@exit_codes()
def sample(
    net: str,
    n: int,
    output: str,
    labels: str | None,
    scale: float,
    noise: float,
    seed: int | None,
    drop_head: bool,
    as_json: bool,
) -> None:
    """Draw Gaussian inputs, label them with NET, write both to SAMPLES."""
    from unrelu.formats.samples import check_target, write_samples

    check_target(output, labels)
    for written in (output, labels):
        keep(written, net)
    network = loaded(net, drop_head)
    import numpy as np

    with busy(f"drawing {n} samples") as say:
        rng = np.random.default_rng(seed)
        X = scale * rng.standard_normal((n, network.n_inputs))
        Y = network(X)
        if noise:
            Y = Y + noise * Y.std(axis=0) * rng.standard_normal(Y.shape)
        say(f"writing {output}")
        write_samples(output, X, Y, labels)
    files = [output] if labels is None else [output, labels]
    if as_json:
        write_json(
            {"samples": n, "inputs": network.n_inputs, "outputs": network.n_outputs, "files": files}
        )
    else:
        click.echo(
            f"{n} samples of {network.n_inputs} inputs and {network.n_outputs} outputs written "
            f"to {' and '.join(files)}"
        )
