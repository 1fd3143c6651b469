"""The fit of a network: of one input the function with its breakpoints, of several the directions
of the kinks, the effect of each input, and what is left of the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unrelu.errors import InputError
from unrelu.inference.breakpoints import Breakpoint
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inputs.names import Names
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.moments import moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE, DOTS, KINK = "#c2410c", "#2a78b8", "#52525b"

MOST_DOTS = 4000
EFFECTS_SHOWN, UNITS_SHOWN, OUTPUTS_SHOWN = 6, 30, 4
POINTS = 201
"""Places along an input at which a function is drawn, beside its kinks."""
DATES = 4
"""Dates along an axis, which take much room."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What is drawn: a network, what is known of it, `ranges` (3, d) of the inputs (smallest value,
    mean, largest), and the level of the bands."""

    network: Network
    uncertainty: Uncertainty | None
    breakpoints: Sequence[Breakpoint]
    ranges: Array
    names: Names
    level: float

    def input(self, column: int) -> str:
        return self.names.inputs[column] if self.names.inputs else f"x{column}"

    def output(self, column: int) -> str:
        if self.names.outputs:
            return self.names.outputs[column]
        return "y" if self.network.n_outputs == 1 else f"y{column}"


def draw_fit(fit: Fit, X: Given | None, Y: Given | None) -> Figure:
    """The figure; with samples X (n, d) and Y (n, m), these and what the fit leaves of them.

    Raises InputError where only one of X and Y is given, or they do not fit the network.
    """
    from matplotlib.figure import Figure

    samples = _samples(fit, X, Y)
    d, m = fit.network.n_inputs, fit.network.n_outputs
    if d == 1:
        shown = min(m, OUTPUTS_SHOWN)
        figure = Figure(figsize=(6.4, 3.6 * shown), facecolor="white", layout="constrained")
        for output in range(shown):
            axes = figure.add_subplot(shown, 1, output + 1)
            _function(axes, fit, 0, output)
            if samples is not None:
                _dots(axes, samples[0][:, 0], samples[1][:, output])
        return figure
    effects = inputs_shown(fit.network, fit.ranges)
    others = (1 if fit.network.n_units else 0) + (0 if samples is None else 1)
    rows = math.ceil((len(effects) + others) / 2)
    figure = Figure(figsize=(9.6, 3.2 * rows), facecolor="white", layout="constrained")
    panels = iter([figure.add_subplot(rows, 2, i + 1) for i in range(len(effects) + others)])
    if fit.network.n_units:
        _directions(next(panels), fit)
    for along in effects:
        axes = next(panels)
        _function(axes, fit, along, 0)
        if samples is not None:
            _partial_residuals(axes, fit, along, *samples)
        axes.set_title("the other inputs at their means", loc="left", fontsize=9)
    if samples is not None:
        _residuals(next(panels), fit, *samples)
    return figure


def _samples(fit: Fit, X: Given | None, Y: Given | None) -> tuple[Array, Array] | None:
    """At most `MOST_DOTS` of them, spread evenly."""
    if X is None and Y is None:
        return None
    if X is None or Y is None:
        raise InputError("plot: got X or Y alone, expected both of them, or neither")
    samples = Samples.of(X, Y, few=True)
    if (samples.d, samples.m) != (fit.network.n_inputs, fit.network.n_outputs):
        raise InputError(
            f"X and Y: got {samples.d} inputs and {samples.m} outputs, expected "
            f"{fit.network.n_inputs} and {fit.network.n_outputs}, as recovered from"
        )
    few = samples.take(samples.spread(MOST_DOTS))
    return few.X, few.Y


def _function(axes: Axes, fit: Fit, along: int, output: int) -> None:
    """An output along one input, the others at their means, with its band and breakpoints."""
    low, mean, high = fit.ranges
    kinks = _kinks(fit, along)
    t = np.union1d(np.linspace(low[along], high[along], POINTS), [each.position for each in kinks])
    points = np.repeat(mean[None, :], len(t), axis=0)
    points[:, along] = t
    value = fit.network(points)[:, output]
    axes.plot(t, value, color=CURVE, linewidth=1.8, zorder=3)
    if fit.uncertainty is not None:
        band = fit.uncertainty.predict(points, fit.level)
        ends = band.low[:, output], band.high[:, output]
        axes.fill_between(t, *ends, color=CURVE, alpha=0.2, linewidth=0, zorder=2)
    for each in kinks:
        axes.axvline(each.position, color=KINK, linewidth=0.8, linestyle=":", zorder=1)
        if math.isfinite(each.stderr) and each.stderr > 0:
            axes.axvspan(each.low, each.high, color=KINK, alpha=0.12, linewidth=0, zorder=0)
    axes.set(xlabel=fit.input(along), ylabel=fit.output(output), xlim=(low[along], high[along]))
    if fit.names.is_date(along):
        apart = float(high[along] - low[along]) / DATES
        axes.locator_params(axis="x", nbins=DATES)
        axes.xaxis.set_major_formatter(lambda t, _: moment(t, apart, error=False))
    axes.spines[["top", "right"]].set_visible(False)


def _partial_residuals(axes: Axes, fit: Fit, along: int, X: Array, Y: Array) -> None:
    """What the fit leaves of the samples, on top of its function along the input."""
    points = np.repeat(fit.ranges[1][None, :], len(X), axis=0)
    points[:, along] = X[:, along]
    _dots(axes, X[:, along], (fit.network(points) + Y - fit.network(X))[:, 0])


def _kinks(fit: Fit, along: int) -> list[Breakpoint]:
    return [each for each in fit.breakpoints if each.input == along]


def _dots(axes: Axes, x: Array, y: Array) -> None:
    axes.plot(x, y, ".", color=DOTS, alpha=0.4, markersize=4, zorder=1)


def inputs_shown(network: Network, ranges: Array) -> list[int]:
    """The inputs of which the function is drawn: those first along which the first output varies
    most from the means."""
    low, mean, high = ranges
    spread = np.zeros(len(mean))
    for along in range(len(mean)):
        points = np.repeat(mean[None, :], 33, axis=0)
        points[:, along] = np.linspace(low[along], high[along], 33)
        spread[along] = float(np.ptp(network(points)[:, 0]))
    return [int(i) for i in np.argsort(-spread, kind="stable")[:EFFECTS_SHOWN]]


def _directions(axes: Axes, fit: Fit) -> None:
    """Hidden weights times the range of their input: how far it moves each unit."""
    reach = fit.network.V[:UNITS_SHOWN] * (fit.ranges[2] - fit.ranges[0])
    largest = np.abs(reach).max(axis=1, keepdims=True)
    shown = np.divide(reach, largest, out=np.zeros_like(reach), where=largest > 0)
    axes.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    columns = range(fit.network.n_inputs)
    if fit.network.n_inputs <= 16:
        axes.set_xticks(list(columns), [fit.input(i) for i in columns], rotation=45, ha="right")
    axes.set_yticks(range(len(shown)))
    axes.set(ylabel="unit")
    axes.set_title("directions of the kinks", loc="left", fontsize=9)


def _residuals(axes: Axes, fit: Fit, X: Array, Y: Array) -> None:
    fitted = fit.network(X)
    for output in range(min(fit.network.n_outputs, OUTPUTS_SHOWN)):
        _dots(axes, fitted[:, output], (Y - fitted)[:, output])
    axes.axhline(0.0, color=KINK, linewidth=0.8)
    axes.set(xlabel="fitted", ylabel="residual")
    axes.spines[["top", "right"]].set_visible(False)
