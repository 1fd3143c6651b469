"""Is every label explained to rounding?"""

from __future__ import annotations

import math

import numpy as np

from unrelu.checks.case import Case, Explained
from unrelu.checks.finding import Finding, failed
from unrelu.checks.scales import column_scale, typical_size
from unrelu.network import Network
from unrelu.network.rounding import Rounding, squared_norms
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.precision import Precision, read_off
from unrelu.samples import Samples

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
    """One pass over all samples, O(n k (d + m)), for what `Rounding` says.

    Its fixed terms alone explain most labels; the others are looked up for those that they do not
    explain."""
    rounding = rounding_of(net, samples)
    unit, fixed = rounding.unit, rounding.fixed
    worst, worst_sample, largest, margin, on_kink, squares = 0.0, 0, 0.0, np.inf, 0, 0.0
    missed: list[Index] = []
    for rows, X, Y in samples.blocks():
        Z = net.preactivations(X)
        norms = squared_norms(X, rounding.scale)
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
