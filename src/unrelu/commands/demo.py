"""`unrelu demo`: train a network on digits, ask it, recover it."""

from __future__ import annotations

from pathlib import Path

import click

from unrelu.commands.arguments import as_json
from unrelu.commands.terminal import busy, exit_codes, leave, write_json, write_table


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=Path,
    default="unrelu-demo",
    show_default=True,
    metavar="FOLDER",
    help="Where the networks, samples and picture go.",
)
@click.option(
    "--units",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Hidden units of the network that is trained; `recover` is not told.",
)
@click.option(
    "--queries",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="Random inputs that the network is asked about.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@as_json
@exit_codes()
def demo(folder: Path, units: int, queries: int, seed: int, as_json: bool) -> None:
    """Train a network on digits, query it, recover its weights.

    A scikit-learn network learns to read handwritten digits. Its weights are then recovered
    from its answers to random inputs, and compared with the true ones.
    """
    with busy("loading scikit-learn") as say:
        from unrelu.commands.digits import run

        result = run(folder, units=units, queries=queries, seed=seed, say=say)
    if as_json:
        write_json(
            {
                "status": result.recovery.status.value,
                "summary": dict(result.rows),
                "stats": result.recovery.stats,
                "files": [str(path) for path in result.files],
            }
        )
    else:
        write_table("unrelu demo", [*result.rows, ("written", ", ".join(map(str, result.files)))])
    leave(result.recovery.status.certain)
