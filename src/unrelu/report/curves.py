"""The estimated activation, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from unrelu.errors import InputError, InputTypeError
from unrelu.network.weights import float_weights
from unrelu.result import Recovery
from unrelu.wording.streams import counted, kind_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST_DOTS = 4000


def draw_curve(result: Recovery, X: ArrayLike) -> Figure:
    """Plot the hidden values of all units against v·x + b, and the curve through them.

    result : of `recover(X, Y, activation="unknown")`, with hidden values; X : (n, d) its inputs.

    Returns a matplotlib Figure, made without pyplot: a notebook displays it, and `savefig` saves
    it. Raises InputTypeError and InputError if the result has no curve or X has another shape.
    """
    from matplotlib.figure import Figure

    if not isinstance(result, Recovery):
        raise InputTypeError(f"result: got {kind_of(result)}, expected a Recovery")
    if result.hidden is None or result.network is None:
        raise InputError(
            f"result: got one without hidden values (status {result.status.value}), expected that "
            "of recover(..., activation='unknown'), with status estimated"
        )
    net, F = result.network, result.hidden
    inputs = float_weights("X", X, 2)
    if inputs.shape != (len(F), net.n_inputs):
        raise InputError(
            f"X: got shape {inputs.shape}, expected {(len(F), net.n_inputs)}, as recovered from"
        )
    Z = net.preactivations(inputs)
    thinned = slice(None, None, max(1, F.size // MOST_DOTS))
    figure = Figure(figsize=(6.4, 4.4), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for j in range(net.n_units):
        axes.plot(
            Z[thinned, j], F[thinned, j], ".", color="#2a78b8", alpha=0.35, markersize=4, zorder=1
        )
    low, high = float(Z.min()), float(Z.max())
    z = np.linspace(1e-6, 1.0, 400) * high
    axes.plot(z, net.activation(z), color="#c2410c", linewidth=1.8, zorder=2)
    axes.plot([low, 0.0], [0.0, 0.0], color="#c2410c", linewidth=1.8, zorder=2)
    axes.set(xlabel="v·x + b", ylabel="hidden value")
    axes.set_title(
        f"the activation of {counted(net.n_units, 'unit')}, estimated from samples", loc="left"
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure
