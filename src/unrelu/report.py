"""Results as text and pictures; computes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from rich.table import Table

    Array = NDArray[np.float64]


def table(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """Labelled lines, such as `Recovery.rows()`, as a table for the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left", box=box.ROUNDED, show_header=False)
    drawn.add_column(style="cyan", no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, text in rows:
        drawn.add_row(Text(label), Text(text))  # Text: brackets in it are not styles
    return drawn


def json_text(values: Mapping[str, object]) -> str:
    """Results for machines; numbers that are not finite, which JSON does not know, are null.

    >>> print(json_text({"error": float("inf")}))
    {
      "error": null
    }
    """
    return json.dumps(_plain(values), indent=2, allow_nan=False)


PAIRS_ACROSS = 8


def unit_pairs(true: Array, found: Array, shape: tuple[int, int], title: str) -> Figure:
    """Hidden weights as images, each true unit beside the recovered one.

    true, found : (k, d) rows in the same order; a row of NaN in `found` stays an empty frame.
    shape : the image, (height, width), whose pixels the d inputs are.

    The two images of a pair share their colours, so that a difference would show.
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


def _plain(value: object) -> object:
    """Mappings, lists, numbers and words, without numpy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
