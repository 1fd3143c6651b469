"""`unrelu demo`: train a network on digits, query it, recover it."""

from __future__ import annotations

from pathlib import Path

import click

from unrelu.commands import arguments
from unrelu.commands.terminal import busy, exit_codes, leave, write


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=Path,
    default="unrelu-demo",
    show_default=True,
    metavar="FOLDER",
    help="Folder for the networks, samples and picture.",
)
@click.option(
    "--units",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Hidden units of the trained network; `recover` does not know this number.",
)
@click.option(
    "--queries",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="Number of random inputs whose outputs the network is asked for.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@arguments.as_json
@exit_codes()
def demo(folder: Path, units: int, queries: int, seed: int, as_json: bool) -> None:
    """Train a network on digits, query it, recover its weights.

    A scikit-learn network learns to read handwritten digits. Its weights are then recovered
    from its answers to random inputs, and compared with the true ones.
    """
    with busy("loading scikit-learn") as say:
        from unrelu.commands.digits import run

        result = run(folder, units=units, queries=queries, seed=seed, say=say)
    values = {
        "status": result.recovery.status.value,
        "summary": dict(result.rows),
        "stats": result.recovery.stats,
        "files": [str(path) for path in result.files],
    }
    rows = [*result.rows, ("written", ", ".join(map(str, result.files)))]
    write("unrelu demo", rows, values, as_json=as_json)
    leave(result.recovery.status.certain)
