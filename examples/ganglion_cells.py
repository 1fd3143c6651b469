"""
Ganglion cells: receptive fields of shared subunits
===================================================

This example recovers the subunits that retinal ganglion cells share, from spike counts under white
noise. A ganglion cell does not respond to pixels directly. It sums over bipolar cells, each of
which responds to a small patch of the image, and only if the patch is bright: each is a rectified
subunit. A spike-triggered average blurs the subunits of a cell into one receptive field. But
neighbouring cells share subunits, and from all cells together ``unrelu.recover`` finds the
individual subunits, as the units of a two-layer network with Poisson noise::

    counts of cell q in a frame  ~  Poisson(c_q + Σ_j u_qj max(0, v_j · x + b_j))

    x     the frame: independent Gaussian pixels, of contrast 1
    v_j   receptive field of subunit j: a centre with a weak surround, on a jittered grid
    b_j   its threshold: negative, so that weak stimuli are not passed on
    u_qj  pooling weights of cell q: positive, decreasing with the distance from the cell
    c_q   baseline: the count of cell q while all its subunits are silent, here 2 to 6 spikes per
          second

A frame lasts 1/15 s, so 20,000 frames are a recording of 22 minutes. Cells fire about 25 spikes per
second on average. Temporal effects are left out: counts are those of the frame's own time bin, the
delay is known, and frames do not interact. ``recover`` gets only frames and counts, not the number
of subunits, their positions, or the fact that weights are positive.

The picture ``ganglion_cells.png`` shows each true receptive field next to the one found, and the
pooling weights and baselines found, with 95% intervals, against the true ones. The table shows how
many subunits were found, how well their receptive fields correlate with the true ones, and how many
of the weights lie within their 95% interval. ::

    python examples/ganglion_cells.py [-o FOLDER] [--seed SEED] [--frames N] [--side PIXELS]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import unrelu

Array = NDArray[np.float64]

FRAME = 1 / 15
"""Duration of a frame, in seconds."""

GRID = (3, 3)
"""Subunits down and across."""

CELLS = 8


@dataclass(frozen=True, eq=False)
class Experiment:
    """The retina in canonical form and in spikes per frame, the frames (frames, pixels) that were
    shown, and the counts (frames, cells)."""

    retina: unrelu.Network
    frames: Array
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """True and found subunits, in the order of the true ones; weights in spikes per second.

    true_fields, fields : (k, pixels), of unit length; NaN for a subunit that was not found.
    correlations : (k,), zero for a subunit that was not found.
    true_weights, weights, errors : (cells, k + 1), pooling weights, then the baseline.
    inside : fraction of pooling weights and baselines within their 95% intervals.
    """

    true_fields: Array
    fields: Array
    correlations: Array
    true_weights: Array
    weights: Array
    errors: Array
    inside: float
    extra: int


def build_retina(side: int, rng: np.random.Generator) -> unrelu.Network:
    """Subunits on a jittered grid over side × side pixels, and cells that pool those nearby."""
    down, across = GRID
    step = side / max(GRID)
    rows, columns = np.mgrid[:down, :across]
    places = (np.column_stack([rows.ravel(), columns.ravel()]) + 0.5) * [side / down, side / across]
    places += 0.12 * step * rng.standard_normal(places.shape)

    pixels = np.column_stack([axis.ravel() for axis in np.mgrid[:side, :side]]) + 0.5
    apart = ((places[:, None] - pixels) ** 2).sum(axis=2) / step**2
    centre, surround = np.exp(-apart / 0.25), np.exp(-apart / 1.0)
    fields = centre - 0.2 * surround
    fields /= np.linalg.norm(fields, axis=1, keepdims=True)
    thresholds = rng.uniform(0.0, 0.3, len(places))

    cells = places[np.arange(CELLS) % len(places)] + 0.3 * step * rng.standard_normal((CELLS, 2))
    apart = ((cells[:, None] - places) ** 2).sum(axis=2) / step**2
    pooling = np.exp(-apart / 1.3) * rng.uniform(0.5, 1.5, apart.shape)
    pooling *= 65.0 / pooling.sum(axis=1, keepdims=True)
    baselines = rng.uniform(2.0, 6.0, CELLS)
    return unrelu.Network(fields, FRAME * pooling, -thresholds, FRAME * baselines).canonical()


def record(side: int, n: int, rng: np.random.Generator) -> Experiment:
    """White noise frames, and the counts of the cells."""
    retina = build_retina(side, rng)
    frames = rng.standard_normal((n, side * side))
    return Experiment(retina, frames, rng.poisson(retina(frames)))


def compare(result: unrelu.Recovery, truth: unrelu.Network) -> Comparison:
    """Compare found and true subunits, one by one."""
    found, uncertainty = result.network, result.uncertainty
    if found is None or uncertainty is None:
        raise SystemExit(f"no subunits were found: {result.explanation}")
    match = unrelu.match(found, truth)
    there = np.flatnonzero(match.permutation >= 0)
    partners = match.permutation[there]

    fields = np.full_like(truth.V, np.nan)
    fields[there] = found.V[partners]
    correlations = np.zeros(truth.n_units)
    for unit in there:
        correlations[unit] = np.corrcoef(fields[unit], truth.V[unit])[0, 1]

    def weights(net: unrelu.Network, units: NDArray[np.intp]) -> Array:
        return np.column_stack([net.U[:, units], net.c])

    low, high = (weights(end, partners) for end in uncertainty.intervals(0.95))
    true = weights(truth, there)
    return Comparison(
        true_fields=truth.V,
        fields=fields,
        correlations=correlations,
        true_weights=true / FRAME,
        weights=weights(found, partners) / FRAME,
        errors=weights(uncertainty.stderr, partners) / FRAME,
        inside=float(((low <= true) & (true <= high)).mean()),
        extra=len(match.extra),
    )


def draw(seen: Comparison, side: int, title: str) -> Figure:
    """Draw true and found receptive fields, and found against true weights with 95% intervals."""
    figure = Figure(figsize=(13, 5.2), facecolor="white", layout="constrained")
    figure.suptitle(title, fontsize=14, weight="bold", x=0.01, ha="left")
    left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1))

    left.suptitle("receptive fields of the subunits", fontsize=10)
    across = -(-len(seen.fields) // 3)
    frames = left.subplots(3, 2 * across, squeeze=False)
    for axes in frames.flat:
        axes.set_axis_off()
    for unit, pair in enumerate(zip(seen.true_fields, seen.fields, strict=True)):
        row, column = divmod(unit, across)
        largest = np.abs(pair[0]).max()
        places = frames[row, 2 * column : 2 * column + 2]
        for axes, field, word in zip(places, pair, ("true", "found"), strict=True):
            axes.set_title(word, fontsize=8, color="0.4", pad=2)
            axes.imshow(field.reshape(side, side), cmap="RdBu_r", vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[])
            axes.set_axis_on()

    parts = ("pooling weights", slice(None, -1)), ("baselines", slice(-1, None))
    for axes, (name, part) in zip(right.subplots(1, 2), parts, strict=True):
        true, weights, errors = (
            array[:, part].ravel() for array in (seen.true_weights, seen.weights, seen.errors)
        )
        ends = [0.0, 1.05 * true.max()]
        axes.plot(ends, ends, color="0.7", linewidth=1, zorder=0)
        axes.errorbar(true, weights, 1.96 * errors, fmt="o", markersize=3, linewidth=1)
        axes.set_title(f"{name} (spikes/s)", fontsize=10)
        axes.set(xlabel="true", ylabel="found, with 95% interval")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def table(result: unrelu.Recovery, seen: Comparison, seconds: float) -> list[tuple[str, str]]:
    """The lines to print."""
    found = np.isfinite(seen.fields[:, 0])
    too_many = f", {seen.extra} too many" if seen.extra else ""
    low, mean = seen.correlations.min(), seen.correlations.mean()
    rows = [
        ("status", str(result.status)),
        ("subunits found", f"{found.sum()} of {len(found)}{too_many}"),
        ("correlation of fields", f"{mean:.3f} on average, at least {low:.3f}"),
        (
            "weights in their 95% interval",
            f"{100 * seen.inside:.0f}% of {seen.weights.size}, baselines included",
        ),
        ("typical error of a weight", f"{np.median(seen.errors[:, :-1]):.2g} spikes/s"),
        ("seconds", f"{seconds:.1f}"),
    ]
    if result.uncertainty is not None:
        rows += [("note", note) for note in result.uncertainty.notes]
    return rows


def main(arguments: Sequence[str] | None = None) -> tuple[Comparison, dict[Path, Figure]]:
    """Simulate, recover, compare, draw. Returns the comparison and the pictures written."""
    parser = argparse.ArgumentParser(description="Subunits of ganglion cells from spike counts.")
    parser.add_argument("-o", "--output", type=Path, default=Path("."), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same picture")
    parser.add_argument("--frames", type=int, default=20_000, help="frames shown")
    parser.add_argument("--side", type=int, default=9, help="pixels along a side of the patch")
    options = parser.parse_args(arguments)

    rng = np.random.default_rng(options.seed)
    experiment = record(options.side, options.frames, rng)
    start = time.perf_counter()
    result = unrelu.recover(
        experiment.frames, experiment.counts, noise="poisson", rng=rng, throw=False
    )
    seconds = time.perf_counter() - start

    seen = compare(result, experiment.retina)
    rows = table(result, seen, seconds)
    options.output.mkdir(parents=True, exist_ok=True)
    figure = draw(
        seen, options.side, f"Subunits of {CELLS} ganglion cells, from {options.frames:,} frames"
    )
    path = options.output / "ganglion_cells.png"
    figure.savefig(path, dpi=150)
    rows.append(("written", str(path)))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")
    return seen, {path: figure}


if __name__ == "__main__":
    main()
