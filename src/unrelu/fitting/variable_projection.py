"""The least-squares model behind every fit: hyperplanes with a kink weight, everything linear
eliminated.

    min over A of ‖Y − f(Z Aᵀ) Uᵀ − Q C‖²,   U and C the best for A

Z (n, D) are whitened inputs (with a column for the bias), rows of A (k, D) the hyperplanes, Q
(n, q), with QᵀQ = n I, a basis of whatever else may be added: all affine functions of the input
while searching (then the orientation of a unit does not matter, for f(z) = f(−z) + z), the
constant or nothing at the end. Variable projection with Kaufman's Jacobian (Golub and Pereyra
1973, Kaufman 1975): moving A by P changes the residual by the part of (s∘(Z Pᵀ)) Uᵀ outside
col [f(ZAᵀ) Q]. Nothing larger than n (k + D) is ever stored; a product costs O(n k (D + m)).

f is the ReLU or another activation. Then f'(ZAᵀ) takes the place of s, rows of A have a length
where f is not homogeneous, and Q is the constant or nothing: no affine term frees orientation.
A slope that is infinite at 0, as that of √z is, would leave all the say to the sample next to the
kink. There the slope is that of a chord, over a distance by which the fit may be off.

Of the ReLU, all that has a row for each sample may be on a device (`numerics.devices`), and the
rest, points, output weights and steps, is in NumPy.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri, spotrf, strtri

from unrelu.activations import RELU, Activation
from unrelu.network.jacobian import Jacobian, between_units
from unrelu.numerics.arrays import AnyArray, Array, unit_rows
from unrelu.numerics.devices import NUMPY, Device

MOST_UNKNOWNS, MOST_OPERATIONS = 64, 3e6
"""Of a problem whose Gauss–Newton matrix takes less time than the few products that a step takes
otherwise: for small problems, most of that time is not arithmetic."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The model at one A: slopes s = f'(Z Aᵀ), hidden values off Q, output weights,
    residual."""

    point: Array  # (k, D), unit rows where f is homogeneous
    active: Any  # (n, k)
    hidden: Any  # (n, k), F − QQᵀF
    half: Array  # (k, k), halfᵀ half = (hiddenᵀ hidden)⁻¹
    output: Array  # (k, m), the transpose of U
    residual: Any  # (n, m)
    cost: float

    @property
    def width(self) -> int:
        return len(self.point)


class Separable:
    """Samples in whitened coordinates, with what is to be projected off; in the precision of the
    features. `products`: how many of them descents have taken."""

    def __init__(
        self,
        features: Array,
        labels: Array,
        nuisance: Array,
        activation: Activation = RELU,
        device: Device = NUMPY,
    ) -> None:
        self.activation, self.device = activation, device
        self._steep = activation.steep
        self.dtype = features.dtype
        self.features = self._put(features)
        self.nuisance = self.features if nuisance is features else self._put(nuisance)
        self.target = self._off_nuisance(self._put(labels.copy()))
        centred = labels - labels.mean(axis=0)
        self.size = float(np.linalg.norm(centred)) or 1.0
        self.products = 0

    def on(self, device: Device) -> Separable:
        """The same model on a device, if that has its precision; itself, if it is there, or cannot
        be. Models of other activations than the ReLU stay in NumPy."""
        wide = self.dtype == np.float64 and not device.double
        if device is self.device or wide or not self.activation.piecewise_linear:
            return self
        there = copy(self)
        there.device, there.products = device, 0
        there.features, there.target = there._put(self.features), there._put(self.target)
        same = self.nuisance is self.features
        there.nuisance = there.features if same else there._put(self.nuisance)
        return there

    def _put(self, array: AnyArray) -> Any:
        return self.device.put(array, self.dtype)

    def _off_nuisance(self, columns: Any) -> Any:
        """The part of the columns orthogonal to Q, in place."""
        columns -= self.nuisance @ (self.nuisance.T @ columns / self.features.shape[0])
        return columns

    def relative(self, fit: Fit) -> float:
        """Residual norm as a share of the labels' deviation from their mean."""
        return float(np.sqrt(fit.cost)) / self.size

    # The protocol of numerics.levenberg.Model.

    def evaluate(self, point: Array) -> Fit:
        """Of infinite cost where the activation, or its square, overflows."""
        put, get = self._put, self.device.get
        point = np.asarray(point, dtype=self.dtype)
        heights = self.features @ put(point.T)
        with np.errstate(over="ignore", invalid="ignore"):
            hidden, slopes = self._hidden(heights)
            self._off_nuisance(hidden)
            gram = get(hidden.T @ hidden)
        if not np.isfinite(gram).all():
            output = np.zeros((len(point), self.target.shape[1]))
            return Fit(point, slopes, hidden, np.zeros_like(gram), output, self.target, np.inf)
        half = _inverse_root(gram)
        output = half.T @ (half @ get(hidden.T @ self.target))
        residual = self.target - hidden @ put(output)
        # One round of refinement undoes what the normal equations and their ridge cost.
        correction = half.T @ (half @ get(hidden.T @ residual))
        output += correction
        residual -= hidden @ put(correction)
        cost = self.device.square(residual)
        if self._steep:
            left = float(np.sqrt(cost)) / self.size
            slopes = chord_slopes(self.activation, self.features, heights, output.shape[1], left)
        return Fit(point, slopes, hidden, half, output, residual, cost)

    def _hidden(self, heights: Any) -> tuple[Any, Any]:
        if self.device is NUMPY:
            return self.activation.values_and_slopes(heights)
        return self.device.relu(heights)

    def descent(self, fit: Fit) -> Array:
        """−½ ∇cost: the direction of descent."""
        return self.pull(fit, fit.residual)

    def normal(self, fit: Fit, step: Array) -> Array:
        return self.pull(fit, self.off_range(fit, self._jacobian(fit).product(self._put(step))))

    def gram(self, fit: Fit) -> Array | None:
        """For small problems: products of features between units, s_j z off col [F Q], times those
        of the output weights."""
        n, p = self.features.shape[0], fit.point.size
        if p > MOST_UNKNOWNS or n * p * p > MOST_OPERATIONS or self.device is not NUMPY:
            return None
        features = self._jacobian(fit).features().reshape(n, p)
        basis = np.hstack([self.nuisance / np.sqrt(n), fit.hidden @ fit.half.T])
        inside = basis.T @ features
        products = features.T @ features - inside.T @ inside
        return between_units(products, fit.output @ fit.output.T)

    def _jacobian(self, fit: Fit) -> Jacobian:
        """By the rows of A alone: what U and C can do is projected off."""
        return Jacobian(self.features, fit.active, self._put(fit.output.T))

    def off_range(self, fit: Fit, change: Any) -> Any:
        """The part of a change of the labels that no U and C can make, in place."""
        self._off_nuisance(change)
        inside = fit.half.T @ (fit.half @ self.device.get(fit.hidden.T @ change))
        change -= fit.hidden @ self._put(inside)
        return change

    def pull(self, fit: Fit, change: Any) -> Array:
        """Jᵀ of a change already off col [F Q], with the idle direction (scale) of A removed."""
        rows: Array = self.device.get(self._jacobian(fit).transposed(change)[0])
        if self.activation.homogeneous:
            rows -= fit.point * (fit.point * rows).sum(axis=1, keepdims=True)
        return rows

    def scale(self, fit: Fit) -> Array:
        """‖u_j‖ √(active samples): features are white, so this is the diagonal of JᵀJ but for
        the projection. Idle units get a small floor."""
        sums = self.device.column_squares(fit.active)
        diagonal = np.linalg.norm(fit.output, axis=1) * np.sqrt(sums)
        floor = 1e-3 * diagonal.max() + np.finfo(np.float64).tiny
        return np.asarray(np.maximum(diagonal, floor)[:, None], dtype=self.dtype)

    def retract(self, point: Array, step: Array) -> Array:
        return self.scaled(point + step)

    def scaled(self, rows: Array) -> Array:
        """Of unit length, unless their length is part of the function."""
        return unit_rows(rows) if self.activation.homogeneous else rows

    def start(self, rows: Array) -> Fit:
        """The model at rows that may come from anywhere: where f overflows, at shorter ones."""
        rows = self.scaled(rows)
        while not self.activation.homogeneous:
            with np.errstate(over="ignore"):
                squares = self.activation(self.features @ rows.T) ** 2
                wild = ~np.isfinite(squares.sum(axis=0))
            if not wild.any():
                break
            rows = np.where(wild[:, None], rows / 2, rows)
        return self.evaluate(rows)

    # What the reduction of a fit needs.

    def importance(self, fit: Fit) -> Array:
        """How much the residual norm grows, relative to the labels, if unit j goes and the rest
        is refitted linearly: ‖u_j‖ / √[(HᵀH)⁻¹]_jj (the usual deletion formula). It sees idle
        units, duplicates and near-parallel copies alike."""
        deletion = np.linalg.norm(fit.half, axis=0)
        return np.asarray(np.linalg.norm(fit.output, axis=1) / deletion / self.size)


def chord_slopes(
    activation: Activation, features: Array, heights: Array, m: int, left: float
) -> Array:
    """The slopes of chords over heights (n, k), as long as heights are uncertain: by the share of
    the labels (n, m) that is `left`, over the root of the number of labels to an unknown."""
    (n, k), D = heights.shape, features.shape[1]
    uncertainty = left * np.sqrt(k * (D + m) / (n * m))
    return activation.chord(heights, min(uncertainty, 0.1))


def _inverse_root(gram: Array) -> Array:
    """L⁻¹ for gram = L Lᵀ, columns brought to one size first: powers and exponentials of units
    differ in size by more than a Gram matrix takes. Idle or doubled units make it singular: a ridge
    starts at rounding level and grows until the factor exists."""
    eps = float(np.finfo(gram.dtype).eps)
    sizes = np.sqrt(np.diag(gram))
    # What is smaller than that is rounding, of a unit that is linear on all samples.
    sizes = np.maximum(sizes, np.sqrt(eps) * (sizes.max(initial=0.0) or 1.0))
    gram = gram / sizes / sizes[:, None]
    ridge = len(gram) * eps
    # LAPACK as it is: for a few units the calls around it take longer than it does.
    double = gram.dtype == np.float64
    potrf, trtri = (dpotrf, dtrtri) if double else (spotrf, strtri)
    while True:
        shifted = gram.copy()
        shifted.flat[:: len(gram) + 1] += ridge
        factor, failed = potrf(shifted, lower=True, clean=True)
        if not failed:
            return np.asarray(trtri(factor, lower=True)[0] / sizes)
        ridge *= 100
