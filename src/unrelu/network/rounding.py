"""What rounding allows the heights of a network's units, and its labels.

A label that was computed in floats, of x with weights that were fitted to other such labels, is off
by rounding of its sums, and of what they are the sums of. Whatever explains labels no better than
that explains them as well as they are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unrelu.network.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.precision import DOUBLE

CONFIDENCE = 4.0
"""Rounding errors add up like a random walk: n operations leave at most CONFIDENCE √n u, but
for a probability 2 exp(−CONFIDENCE²/2) (Higham and Mary 2019)."""

LOST = 1e-4
"""Share of the labels of the largest output that rounding of doubles may come to where units cancel
each other: with weights that are large enough, it would excuse any label. Of shorter types less is
sure, and an output may be all rounding."""


def accumulated(eps: float, operations: int) -> float:
    """What so many operations leave, as a share of the size of their terms; u is half of `eps`."""
    return 0.5 * eps * CONFIDENCE * math.sqrt(operations)


def squared_norms(X: Array, scale: Array) -> Array:
    """‖x‖² of each row in units of `scale`; without a copy where one scale serves all columns."""
    if (scale == scale[0]).all():
        return np.asarray(np.einsum("ij,ij->i", X, X) / scale[0] ** 2)
    return np.asarray(np.einsum("ij,ij->i", X / scale**2, X))


def height_terms(net: Network, X: Array, scale: Array | float = 1.0) -> Array:
    """(n, k): ‖x‖ ‖v_j‖ + |b_j|, the size of what v_j·x + b_j is the sum of, inputs in units of
    `scale` (d,)."""
    lengths = np.linalg.norm(X / scale, axis=1)[:, None] * np.linalg.norm(net.V * scale, axis=1)
    return np.asarray(lengths + np.abs(net.b))


@dataclass(frozen=True, eq=False)
class Rounding:
    """What rounding allows the labels of a network.

    Rounding of label i at x: of k sums over d inputs, weighted by U, and of the sum over units;
    independent errors add in squares. With scaled inputs and weights (‖x‖‖v_j‖ bounds Σ|x_l v_jl|)

    CONFIDENCE u √(d + k + 2) √( Σ_{j active} U_ij² (‖v_j‖² + b_j²) (‖x‖² + 1) + c_i² + s_i² ),

    where s_i, the usual size of label i, stands for what rounding of the other labels has left in
    the weights: a sample on which every unit is off still shows that of c. A skip connection adds
    ‖W_i‖² ‖x‖² to the sum. For another activation the terms of the first sum are those of its
    `rounding`. That allows for labels that were rounded, and for a model that computes with so many
    digits throughout, sums and all.

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
    def of(
        cls, net: Network, eps: float, usual: Array, scale: Array | None = None, step: float = 0.0
    ) -> Rounding:
        """For labels of `usual` size (m,), inputs of size `scale` (d,), and labels rounded to
        decimals `step` apart, if that is not zero."""
        unit = accumulated(eps, net.n_inputs + net.n_units + 2)
        size = usual**2 + np.finfo(np.float64).tiny
        most = size.max() * ((LOST if eps <= DOUBLE.eps else np.inf) / unit) ** 2
        fixed = size + np.minimum(net.c**2, most) + (step / unit) ** 2
        scale = np.ones(net.n_inputs) if scale is None else scale
        return cls(net, scale, unit, fixed, most)

    @cached_property
    def lengths(self) -> Array:
        return np.asarray(np.linalg.norm(self.net.V * self.scale, axis=1))

    def gaps(self, norms: Array) -> Array:
        """How far rounding may shift the heights of units, at inputs of these squared norms."""
        reach, offset = self._reach
        tiny = float(np.finfo(np.float64).tiny)
        return np.asarray(self.unit * (reach * np.sqrt(norms) + offset) + tiny)

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """The longest row of V, and the largest bias."""
        return float(self.lengths.max(initial=0.0)), float(np.abs(self.net.b).max(initial=0.0))

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
        norms = squared_norms(X, self.scale)
        varying = self.varying(self.net.preactivations(X), norms, self.gaps(norms))
        return np.asarray(self.unit * np.sqrt(varying + self.fixed))
