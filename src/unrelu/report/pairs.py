"""True weights beside recovered ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrelu.numerics.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAIRS_ACROSS = 8


def unit_pairs(true: Array, found: Array, shape: tuple[int, int], title: str) -> Figure:
    """Plot hidden weights as images, each true unit beside the recovered one.

    true, found : (k, d) rows in the same order; a row of NaN in `found` is drawn as an empty frame.
    shape : (height, width) of the image whose pixels are the d inputs.

    The two images of a pair have the same colour scale, so that a difference would show.
    """
    from matplotlib.figure import Figure

    down = max(1, -(-len(true) // PAIRS_ACROSS))
    figure = Figure(figsize=(14, 1.05 * down + 1.1), facecolor="white")
    height = figure.get_figheight()
    figure.text(0.03, 1 - 0.32 / height, title, fontsize=15, weight="bold", va="center")
    figure.text(
        0.03,
        1 - 0.66 / height,
        "each pair: true weights on the left, recovered weights on the right",
        fontsize=11,
        color="0.35",
        va="center",
    )
    pairs = figure.add_gridspec(
        down,
        PAIRS_ACROSS,
        left=0.03,
        right=0.985,
        top=1 - 0.95 / height,
        bottom=0.12 / height,
        wspace=0.22,
        hspace=0.12,
    )
    for unit, rows in enumerate(zip(true, found, strict=True)):
        pair = pairs[unit].subgridspec(1, 2, wspace=0.06)
        largest = abs(rows[0]).max() or 1.0
        for side, row in enumerate(rows):
            axes = figure.add_subplot(pair[side])
            axes.imshow(row.reshape(shape), cmap="RdBu_r", vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color="0.75", linewidth=0.6)
            if side == 0:
                axes.set_ylabel(str(unit + 1), rotation=0, fontsize=8, color="0.45", labelpad=8)
                axes.yaxis.label.set_verticalalignment("center")
    return figure
