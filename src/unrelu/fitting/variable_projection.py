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
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array, Mask, unit_rows


@dataclass(frozen=True, eq=False)
class Fit:
    """The model at one A: slopes s = f'(Z Aᵀ), hidden values off Q, output weights,
    residual."""

    point: Array  # (k, D), unit rows where f is homogeneous
    active: Mask | Array  # (n, k)
    hidden: Array  # (n, k), F − QQᵀF
    half: Array  # (k, k), halfᵀ half = (hiddenᵀ hidden)⁻¹
    output: Array  # (k, m), the transpose of U
    residual: Array  # (n, m)
    cost: float

    @property
    def width(self) -> int:
        return len(self.point)


class Separable:
    """Samples in whitened coordinates, with what is to be projected off; in the precision of the
    features. `products`: how many of them descents have taken."""

    def __init__(
        self, features: Array, labels: Array, nuisance: Array, activation: Activation = RELU
    ) -> None:
        self.activation = activation
        self._steep = activation.steep
        self.features = features
        self.nuisance = nuisance
        self.target = self._off_nuisance(labels.copy())
        centred = labels - labels.mean(axis=0)
        self.size = float(np.linalg.norm(centred)) or 1.0
        self.products = 0

    def _off_nuisance(self, columns: Array) -> Array:
        """The part of the columns orthogonal to Q, in place."""
        columns -= self.nuisance @ (self.nuisance.T @ columns / len(self.features))
        return columns

    def relative(self, fit: Fit) -> float:
        """Residual norm as a share of the labels' deviation from their mean."""
        return float(np.sqrt(fit.cost)) / self.size

    # The protocol of numerics.levenberg.Model.

    def evaluate(self, point: Array) -> Fit:
        """Of infinite cost where the activation, or its square, overflows."""
        point = np.asarray(point, dtype=self.features.dtype)
        heights = self.features @ point.T
        with np.errstate(over="ignore", invalid="ignore"):
            hidden, slopes = self.activation.values_and_slopes(heights)
            self._off_nuisance(hidden)
            gram = hidden.T @ hidden
        if not np.isfinite(gram).all():
            output = np.zeros((len(point), self.target.shape[1]))
            return Fit(point, slopes, hidden, np.zeros_like(gram), output, self.target, np.inf)
        half = _inverse_root(gram)
        output = half.T @ (half @ (hidden.T @ self.target))
        residual = self.target - hidden @ output
        # One round of refinement undoes what the normal equations and their ridge cost.
        correction = half.T @ (half @ (hidden.T @ residual))
        output += correction
        residual -= hidden @ correction
        cost = float(np.vdot(residual, residual))
        if self._steep:
            left = float(np.sqrt(cost)) / self.size
            slopes = chord_slopes(self.activation, self.features, heights, output.shape[1], left)
        return Fit(point, slopes, hidden, half, output, residual, cost)

    def descent(self, fit: Fit) -> Array:
        """−½ ∇cost: the direction of descent."""
        return self.pull(fit, fit.residual)

    def normal(self, fit: Fit, step: Array) -> Array:
        return self.pull(fit, self.off_range(fit, self._jacobian(fit).product(step)))

    def _jacobian(self, fit: Fit) -> Jacobian:
        """By the rows of A alone: what U and C can do is projected off."""
        return Jacobian(self.features, fit.active, fit.output.T)

    def off_range(self, fit: Fit, change: Array) -> Array:
        """The part of a change of the labels that no U and C can make, in place."""
        self._off_nuisance(change)
        change -= fit.hidden @ (fit.half.T @ (fit.half @ (fit.hidden.T @ change)))
        return change

    def pull(self, fit: Fit, change: Array) -> Array:
        """Jᵀ of a change already off col [F Q], with the idle direction (scale) of A removed."""
        rows, _ = self._jacobian(fit).transposed(change)
        if self.activation.homogeneous:
            rows -= fit.point * (fit.point * rows).sum(axis=1, keepdims=True)
        return rows

    def scale(self, fit: Fit) -> Array:
        """‖u_j‖ √(active samples): features are white, so this is the diagonal of JᵀJ but for
        the projection. Idle units get a small floor."""
        squares = fit.active if fit.active.dtype == bool else fit.active**2
        diagonal = np.linalg.norm(fit.output, axis=1) * np.sqrt(squares.sum(axis=0))
        floor = 1e-3 * diagonal.max() + np.finfo(np.float64).tiny
        return np.asarray(np.maximum(diagonal, floor)[:, None], dtype=self.features.dtype)

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
    while True:
        shifted = gram.copy()
        shifted[np.diag_indices(len(gram))] += ridge
        try:
            return np.asarray(np.linalg.inv(np.linalg.cholesky(shifted)) / sizes)
        except np.linalg.LinAlgError:
            ridge *= 100
