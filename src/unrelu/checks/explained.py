"""Is every label explained to rounding?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import ReLU, hidden_rounding
from unrelu.checks.scales import CONFIDENCE, column_scale, typical_size
from unrelu.network import Network
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Explained:
    """How well the labels are explained; fields as in `Certificate`. `missed`: rows whose labels
    are off by more than rounding, as far as there are any."""

    residual: float
    in_roundings: float
    worst_sample: int
    margin: float
    on_kink: int
    missed: Index


def explain(net: Network, samples: Samples) -> Explained:
    """One pass over all samples, O(n k (d + m)).

    Rounding of label i at x: of k sums over d inputs, weighted by U, and of the sum over units;
    independent errors add in squares. With scaled inputs and weights (‖x‖‖v_j‖ bounds Σ|x_l v_jl|)

    CONFIDENCE u √(d + k + 2) √( Σ_{j active} U_ij² (‖v_j‖² + b_j²) (‖x‖² + 1) + c_i² + s_i² ),

    where s_i, the usual size of label i, stands for what rounding of the other labels has left in
    the weights: a sample on which every unit is off still shows that of c. The last term alone
    explains most labels; the others are looked up for those that it does not explain. A skip
    connection adds ‖W_i‖² ‖x‖² to the sum. For another activation the terms of the first sum are
    those of `hidden_rounding`.
    """
    unit = 0.5 * samples.eps * CONFIDENCE * math.sqrt(net.n_inputs + net.n_units + 2)
    scale = column_scale(samples)
    lengths = np.linalg.norm(net.V * scale, axis=1)
    reach = float(lengths.max(initial=0.0))
    offset = float(np.abs(net.b).max(initial=0.0))
    spread = ((net.U**2) * (lengths**2 + net.b**2)).T
    skip = np.linalg.norm(net.W * scale, axis=1) ** 2 if net.skip else None
    fixed = typical_size(samples.Y) ** 2 + net.c**2 + np.finfo(np.float64).tiny
    worst, worst_sample, largest, margin, on_kink, squares = 0.0, 0, 0.0, np.inf, 0, 0.0
    missed: list[Index] = []
    for rows, X, Y in samples.blocks():
        Z = net.preactivations(X)
        norms = _squared_norms(X, scale)
        gap = unit * (reach * np.sqrt(norms) + offset) + np.finfo(np.float64).tiny
        if net.n_units:
            gaps = np.abs(Z).min(axis=1) / gap
            margin = min(margin, float(gaps.min()))
            on_kink += int((gaps < 1).sum())
        with np.errstate(over="ignore", invalid="ignore"):  # of activations that overflow
            error = net.activation(Z) @ net.U.T
        if skip is not None:
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
            if isinstance(net.activation, ReLU):
                near = Z[doubtful] + gap[doubtful, None] > 0
                allowed = (near.astype(np.float64) @ spread) * (norms[doubtful, None] + 1)
                if skip is not None:
                    allowed += norms[doubtful, None] * skip
            else:
                own = lengths * np.sqrt(norms[doubtful, None]) + np.abs(net.b)
                off = hidden_rounding(net.activation, Z[doubtful], own, unit)
                allowed = off**2 @ (net.U**2).T
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


def _squared_norms(X: Array, scale: Array) -> Array:
    """‖x‖² of each row in scaled units; without a copy where one scale serves all columns."""
    if (scale == scale[0]).all():
        return np.asarray(np.einsum("ij,ij->i", X, X) / scale[0] ** 2)
    return np.asarray(np.einsum("ij,ij->i", X / scale**2, X))
