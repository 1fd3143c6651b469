"""The activation that was found, as a picture."""

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
    """The hidden values of all units over their heights v·x + b, and the curve through them.

    result : of `recover(X, Y, activation="unknown")`, with hidden values; X : (n, d) its inputs.

    A matplotlib Figure, without pyplot: it is shown where a notebook shows values, and saved by
    its `savefig`. Raises InputTypeError, InputError where there is no curve, or other inputs.
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
    some = slice(None, None, max(1, F.size // MOST_DOTS))
    figure = Figure(figsize=(6.4, 4.4), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for j in range(net.n_units):
        axes.plot(Z[some, j], F[some, j], ".", color="#2a78b8", alpha=0.35, markersize=4, zorder=1)
    low, high = float(Z.min()), float(Z.max())
    z = np.linspace(1e-6, 1.0, 400) * high
    axes.plot(z, net.activation(z), color="#c2410c", linewidth=1.8, zorder=2)
    axes.plot([low, 0.0], [0.0, 0.0], color="#c2410c", linewidth=1.8, zorder=2)
    axes.set(xlabel="height v·x + b", ylabel="hidden value")
    axes.set_title(
        f"the activation of {counted(net.n_units, 'unit')}, found from samples", loc="left"
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure
