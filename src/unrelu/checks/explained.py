"""Is every label explained to rounding?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.checks.case import Case, Explained
from unrelu.checks.finding import Finding
from unrelu.checks.scales import CONFIDENCE, column_scale, typical_size
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.precision import DOUBLE, Precision, read_off
from unrelu.samples import Samples
from unrelu.wording.status import Status

SMALL = 0.05
"""Share of the labels that rounded inputs may change, for that to be more than an excuse."""


LOST = 1e-4
"""Share of the labels of the largest output that rounding of doubles may come to where units cancel
each other: with weights that are large enough, it would excuse any label. Of shorter types less is
sure, and an output may be all rounding."""


@dataclass(frozen=True, eq=False)
class Allowance:
    """What rounding allows the labels of a network.

    Rounding of label i at x: of k sums over d inputs, weighted by U, and of the sum over units;
    independent errors add in squares. With scaled inputs and weights (‖x‖‖v_j‖ bounds Σ|x_l v_jl|)

    CONFIDENCE u √(d + k + 2) √( Σ_{j active} U_ij² (‖v_j‖² + b_j²) (‖x‖² + 1) + c_i² + s_i² ),

    where s_i, the usual size of label i, stands for what rounding of the other labels has left in
    the weights: a sample on which every unit is off still shows that of c. A skip connection adds
    ‖W_i‖² ‖x‖² to the sum. For another activation the terms of the first sum are those of
    `Activation.rounding`. That allows for labels that were rounded, and for a model that computes
    with so many digits throughout, sums and all.

    Labels that were rounded to decimals may be off by their step on top: half of it is theirs, the
    other half what it has left in the weights.

    `unit` is the factor before the root, `fixed` (m,) the last terms under it, `most` what the
    others may come to (`LOST`).
    """

    net: Network
    scale: Array
    unit: float
    fixed: Array
    most: float

    @classmethod
    def of(cls, net: Network, samples: Samples) -> Allowance:
        precision = samples.precision
        eps = precision.eps if precision.step else samples.eps
        unit = 0.5 * eps * CONFIDENCE * math.sqrt(net.n_inputs + net.n_units + 2)
        size = typical_size(samples.Y) ** 2 + np.finfo(np.float64).tiny
        most = size.max() * ((LOST if eps <= DOUBLE.eps else np.inf) / unit) ** 2
        fixed = size + np.minimum(net.c**2, most) + (precision.step / unit) ** 2
        return cls(net, column_scale(samples), unit, fixed, most)

    @property
    def lengths(self) -> Array:
        return np.asarray(np.linalg.norm(self.net.V * self.scale, axis=1))

    def gaps(self, norms: Array) -> Array:
        """How far rounding may shift the heights of units, at inputs of these squared norms."""
        reach = float(self.lengths.max(initial=0.0))
        offset = float(np.abs(self.net.b).max(initial=0.0))
        tiny = float(np.finfo(np.float64).tiny)
        return np.asarray(self.unit * (reach * np.sqrt(norms) + offset) + tiny)

    def varying(self, Z: Array, norms: Array, gaps: Array) -> Array:
        """(n, m) the terms under the root that depend on the sample, by its heights Z."""
        net, lengths = self.net, self.lengths
        if not net.activation.piecewise_linear:
            own = lengths * np.sqrt(norms[:, None]) + np.abs(net.b)
            off = net.activation.rounding(Z, own, self.unit)
            return np.asarray(np.minimum(off**2 @ (net.U**2).T, self.most))
        spread = ((net.U**2) * (lengths**2 + net.b**2)).T
        near = Z + gaps[:, None] > 0
        allowed = (near.astype(np.float64) @ spread) * (norms[:, None] + 1)
        if net.skip:
            allowed += norms[:, None] * np.linalg.norm(net.W * self.scale, axis=1) ** 2
        return np.asarray(np.minimum(allowed, self.most))

    def at(self, X: Array) -> Array:
        """(n, m) by how much labels at these inputs may be off."""
        norms = _squared_norms(X, self.scale)
        varying = self.varying(self.net.preactivations(X), norms, self.gaps(norms))
        return np.asarray(self.unit * np.sqrt(varying + self.fixed))


def explain(net: Network, samples: Samples) -> Explained:
    """One pass over all samples, O(n k (d + m)), for what `Allowance` says.

    Its fixed terms alone explain most labels; the others are looked up for those that they do not
    explain."""
    rounding = Allowance.of(net, samples)
    unit, fixed = rounding.unit, rounding.fixed
    worst, worst_sample, largest, margin, on_kink, squares = 0.0, 0, 0.0, np.inf, 0, 0.0
    missed: list[Index] = []
    for rows, X, Y in samples.blocks():
        Z = net.preactivations(X)
        norms = _squared_norms(X, rounding.scale)
        gap = rounding.gaps(norms)
        if net.n_units:
            gaps = np.abs(Z).min(axis=1) / gap
            margin = min(margin, float(gaps.min()))
            on_kink += int((gaps < 1).sum())
        with np.errstate(over="ignore", invalid="ignore"):  # of activations that overflow
            error = net.activation(Z) @ net.U.T
        if net.skip:
            error += X @ net.W.T
        error += net.c
        error -= Y
        np.abs(error, out=error)
        squares += float(np.vdot(Y, Y))
        largest = max(largest, float(error.max()))
        error /= np.sqrt(fixed)
        excess = error.max(axis=1)
        doubtful = np.flatnonzero(~(excess <= unit))  # so that NaN is doubted
        if len(doubtful):
            allowed = rounding.varying(Z[doubtful], norms[doubtful], gap[doubtful])
            with np.errstate(over="ignore"):  # outputs that are hardly ever other than zero
                share = allowed / fixed
            excess[doubtful] = np.where(
                np.isfinite(share),
                error[doubtful] / np.sqrt(1 + share),
                error[doubtful] * (np.sqrt(fixed) / np.sqrt(np.maximum(allowed, fixed))),
            ).max(axis=1)
            missed.append(rows.start + doubtful[~(excess[doubtful] <= unit)])
        row = int(excess.argmax())
        if not excess[row] <= worst:
            worst, worst_sample = float(excess[row]), rows.start + row
    return Explained(
        largest / (math.sqrt(squares / (samples.n * samples.m)) or 1.0),
        worst / unit,
        worst_sample,
        margin,
        on_kink,
        np.concatenate([np.arange(0), *missed]),
    )


def by_inputs(net: Network, samples: Samples) -> Precision | None:
    """To what the inputs are rounded, where labels of a ReLU network are explained if it was asked
    before they were: each input may be off by half a step. That is known from the samples only
    where it is a small part of the labels."""
    inputs = read_off(samples.X)
    if not inputs.step or inputs.step >= 1 or not net.activation.piecewise_linear:
        return None
    usual, size = Allowance.of(net, samples), typical_size(samples.Y)
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


def _squared_norms(X: Array, scale: Array) -> Array:
    """‖x‖² of each row in scaled units; without a copy where one scale serves all columns."""
    if (scale == scale[0]).all():
        return np.asarray(np.einsum("ij,ij->i", X, X) / scale[0] ** 2)
    return np.asarray(np.einsum("ij,ij->i", X / scale**2, X))


def not_explained(case: Case) -> Finding | None:
    """Whether some label is off by more than rounding."""
    explained = case.explained
    if case.fits:
        return None
    return Finding(
        "not-explained",
        Status.FAILED,
        f"the network does not explain the labels: the largest residual, in sample "
        f"{explained.worst_sample}, is {explained.residual:.1e} of their size, "
        f"{explained.in_roundings:.1e} times what rounding allows",
        samples=np.array([explained.worst_sample]),
    )
