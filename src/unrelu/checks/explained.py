"""Is every label explained to rounding?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from unrelu.checks.case import Case, Explained
from unrelu.checks.finding import Finding, failed
from unrelu.checks.scales import column_scale, typical_size
from unrelu.network import Network
from unrelu.network.rounding import Rounding, squared_norms
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.folding import Sums
from unrelu.numerics.precision import Precision, read_off
from unrelu.samples import Samples

PIECE = 1 << 18
"""Heights, or labels, that are looked at together: they are read again before the processor's cache
has lost them."""

SMALL = 0.05
"""Share of the labels that rounded inputs may change, for that to be more than an excuse."""


def rounding_of(net: Network, samples: Samples, usual: Array | None = None) -> Rounding:
    """What rounding allows the labels of these samples, in the network; of `usual` size (m,), which
    is otherwise read from them."""
    precision = samples.precision
    eps = precision.eps if precision.step else samples.eps
    usual = typical_size(samples.Y) if usual is None else usual
    return Rounding.of(net, eps, usual, column_scale(samples), precision.step)


def explain(net: Network, samples: Samples) -> Explained:
    """One pass over all samples, O(n k (d + m)), for what `Rounding` says."""
    rounding = rounding_of(net, samples)
    sums = samples.summed(Explaining(net, rounding), _both)
    squares, n = float(sums["squares"]), samples.n * samples.m
    return Explained(
        float(sums["largest"]) / (math.sqrt(squares / n) or 1.0),
        float(sums["worst"]) / rounding.unit,
        int(sums["sample"]),
        float(sums["margin"]),
        int(sums["on_kink"]),
        sums["missed"],
    )


@dataclass(frozen=True, eq=False)
class Explaining:
    """What is left of the labels of a cell. Arrays have a column for each sample: what is largest
    is then looked for along rows that are long. Terms of `rounding` that depend on the sample are
    looked up where the fixed ones do not explain a label; and norms of the inputs, where a unit may
    be near its kink, by a bound on all of them."""

    net: Network
    rounding: Rounding

    def __call__(self, start: int, X: Array, Y: Array) -> Sums:
        rows = max(1, PIECE // max(self.net.n_units, len(Y[0])))
        pieces = (slice(first, first + rows) for first in range(0, len(X), rows))
        return reduce(_both, (self._piece(start + each.start, X[each], Y[each]) for each in pieces))

    def _piece(self, start: int, X: Array, Y: Array) -> Sums:
        net, unit, size = self.net, self.rounding.unit, self._size
        Z = net.V @ X.T
        Z += net.b[:, None]
        margin, on_kink = self._near_kinks(X, Z)
        with np.errstate(over="ignore", invalid="ignore"):  # of activations that overflow
            error = self._outputs @ net.activation(Z)
        if net.skip:
            error += (net.W / size) @ X.T
        labels = Y.T / size
        labels -= net.c[:, None] / size
        error -= labels
        np.abs(error, out=error)
        tops = error.max(axis=1)
        sums: Sums = {
            "squares": np.array(np.vdot(Y, Y)),
            "largest": np.array((tops * size[:, 0]).max()),
            "margin": np.array(margin),
            "on_kink": np.array(on_kink),
            "missed": np.zeros(0, np.intp),
        }
        row = int(error[int(tops.argmax())].argmax())
        worst = tops.max()
        if not worst <= unit:  # so that NaN is doubted
            excess, missed = self._doubted(X, Z, error)
            row, sums["missed"] = int(excess.argmax()), start + missed
            worst = excess[row]
        sums["worst"], sums["sample"] = np.array(worst), np.array(start + row)
        return sums

    @cached_property
    def _size(self) -> Array:
        """(m, 1), that errors are divided by."""
        return np.sqrt(self.rounding.fixed)[:, None]

    @cached_property
    def _outputs(self) -> Array:
        return self.net.U / self._size

    def _near_kinks(self, X: Array, Z: Array) -> tuple[float, int]:
        """The smallest height in units of its rounding, and how many samples have one below that.
        These are among the heights that are as small by the bounds."""
        if not self.net.n_units:
            return np.inf, 0
        rounding, heights = self.rounding, np.abs(Z)
        place = int(heights.argmin())
        smallest, row = float(heights.flat[place]), place % len(X)
        bound = float(np.vdot(X, X)) / float(rounding.scale.min()) ** 2
        low, high = (float(rounding.gaps(np.array(norm))) for norm in (0.0, bound))
        if not math.isfinite(smallest * high / low):
            low = high  # all of them, one by one
            smallest = np.inf
        else:
            low = float(rounding.gaps(squared_norms(X[[row]], rounding.scale))[0])
        near = np.flatnonzero(heights <= max(high, smallest * high / low))
        rows = near % len(X)
        gaps = heights.ravel()[near] / rounding.gaps(squared_norms(X[rows], rounding.scale))
        return float(gaps.min()), len(set(rows[gaps < 1].tolist()))

    def _doubted(self, X: Array, Z: Array, error: Array) -> tuple[Array, Index]:
        """A bound on how far each sample is off, sharp for those that are doubted; and the numbers
        of those that are missed."""
        rounding, unit, fixed = self.rounding, self.rounding.unit, self.rounding.fixed
        excess = error.max(axis=0)
        doubtful = np.flatnonzero(~(excess <= unit))
        norms, off = squared_norms(X[doubtful], rounding.scale), error[:, doubtful].T
        allowed = rounding.varying(Z[:, doubtful].T, norms, rounding.gaps(norms))
        with np.errstate(over="ignore"):  # outputs that are hardly ever other than zero
            share = allowed / fixed
        excess[doubtful] = np.where(
            np.isfinite(share),
            off / np.sqrt(1 + share),
            off * (np.sqrt(fixed) / np.sqrt(np.maximum(allowed, fixed))),
        ).max(axis=1)
        return excess, doubtful[~(excess[doubtful] <= unit)]


def _both(a: Sums, b: Sums) -> Sums:
    """Of two lots of samples, the first ones before the second."""
    behind = not b["worst"] <= a["worst"]
    return {
        "squares": np.asarray(a["squares"] + b["squares"]),
        "largest": np.maximum(a["largest"], b["largest"]),
        "margin": np.minimum(a["margin"], b["margin"]),
        "on_kink": np.asarray(a["on_kink"] + b["on_kink"]),
        "missed": np.concatenate([a["missed"], b["missed"]]),
        "worst": b["worst"] if behind else a["worst"],
        "sample": b["sample"] if behind else a["sample"],
    }


def by_inputs(net: Network, samples: Samples) -> Precision | None:
    """To what the inputs are rounded, where labels of a ReLU network are explained if it was asked
    before they were: each input may be off by half a step. That is known from the samples only
    where it is a small part of the labels."""
    inputs = read_off(samples.X)
    if not inputs.step or inputs.step >= 1 or not net.activation.piecewise_linear:
        return None
    usual, size = rounding_of(net, samples), typical_size(samples.Y)
    squares, half = np.zeros(samples.m), 0.5 * inputs.step
    for _, X, Y in samples.blocks():
        Z = net.preactivations(X)
        moved = half * np.abs(net.V).sum(axis=1)
        near = np.abs(Z) <= moved
        slopes = np.einsum("ij,oj,jd->iod", (Z > 0) & ~near, net.U, net.V, optimize=True) + net.W
        allowed = half * np.abs(slopes).sum(axis=2) + (near * moved) @ np.abs(net.U).T
        if not (np.abs(net(X) - Y) <= allowed + usual.at(X)).all():
            return None
        squares += (allowed**2).sum(axis=0)
    return inputs if (np.sqrt(squares / samples.n) <= SMALL * size).all() else None


def not_explained(case: Case) -> Finding | None:
    """Whether some label is off by more than rounding."""
    explained = case.explained
    if case.fits:
        return None
    return failed(
        "not-explained",
        f"the network does not explain the labels: the largest residual, in sample "
        f"{explained.worst_sample}, is {explained.residual:.1e} of their size, "
        f"{explained.in_roundings:.1e} times what rounding allows",
        samples=np.array([explained.worst_sample]),
    )
