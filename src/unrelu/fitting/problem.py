"""The samples that a search looks at, in whitened coordinates, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.variable_projection import Separable
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.devices import NUMPY, Device
from unrelu.numerics.levenberg import newton_step
from unrelu.numerics.whitening import power_of_two, whiten, with_constant
from unrelu.samples import Samples

Missed = Callable[[Network], Index]
"""Rows of the samples, all of them looked at, that a network does not explain to rounding."""


class Problem:
    """Rows in use, with two models over them: `loose` has a free affine term, `strict` only what
    a network has (output biases, or nothing).

    With `skip`, a network has an affine term of its own (a linear one without biases), and the two
    are one.

    `metric` (m, m) is what labels are multiplied by, so that noise has the same size in all
    directions; without it, every output is scaled to size 1. Weights of samples multiply labels and
    features by their roots, which for the ReLU is a problem without weights. `loose` is for the
    ReLU; for other activations it is the same as `strict`. `X` are the inputs over `scale`."""

    def __init__(
        self,
        samples: Samples,
        rows: Index,
        bias: bool,
        metric: Array | None = None,
        skip: bool = False,
        activation: Activation = RELU,
    ) -> None:
        self.bias, self.skip = bias, skip
        self.activation = activation
        self._metric = metric
        self._take(samples, rows)
        if len(rows) < samples.n and not self.white.independent:
            # A column that is zero nearly everywhere, say: then no subset is safe.
            self._take(samples, np.arange(samples.n))
        features = self.white.features
        constant = np.tile(self._root, (len(self.rows) // len(self._root), int(bias)))
        self.strict = Separable(features, self.Y, constant, activation)
        self.loose = self.strict
        if activation.reversible:
            self.loose = Separable(features, self.Y, features, activation)
        if skip:  # a large linear part is no unit's, and would hide what they explain
            self.loose.size = float(np.linalg.norm(self.loose.target)) or 1.0
            self.strict = self.loose
        # The residual of a true fit: each label is a sum over D inputs, and large labels with a
        # small spread leave the rounding of the large ones behind.
        spread = float(np.linalg.norm(self.Y)) / self.loose.size
        self.floor = 16 * samples.eps * np.sqrt(features.shape[1]) * max(1.0, spread)

    def _take(self, samples: Samples, rows: Index) -> None:
        """Rows with every input scaled to size 1, and labels by the metric."""
        taken = samples.take(rows)
        self.scale = power_of_two(taken.X)
        metric = np.diag(1 / power_of_two(taken.Y)) if self._metric is None else self._metric
        self.to_metric, self._from_metric = metric.T, np.linalg.inv(metric).T
        self._root = taken.root / np.sqrt((taken.root**2).mean())
        self.rows, self.X, self.Y = rows, taken.X, self._root * (taken.Y @ metric)
        self.X /= self.scale
        self.white = whiten(self._root * with_constant(self.X, self.bias))

    @property
    def weighted(self) -> bool:
        """Whether samples have weights: `X` is then without them, `Y` with."""
        return len(self._root) > 1

    def _hidden(self, V: Array, b: Array) -> Array:
        hidden = self.X @ (V * self.scale).T
        hidden += b
        return self.activation(hidden)

    def coarse(self, device: Device = NUMPY) -> Separable:
        """`loose` in single precision: half the memory traffic and twice the speed, for the part
        of a search that is far from any rounding. It may be on a device."""
        features: Any = self.loose.features.astype(np.float32)
        labels = self.loose.target if self.skip else self.Y
        return Separable(features, labels.astype(np.float32), features, device=device)

    def hyperplanes(self, points: Array) -> tuple[Array, Array]:
        """Whitened hyperplanes as hidden weights and hidden biases; of unit norm, unless that is
        part of the function."""
        return self.of_rows(self.white.to_rows(points))

    def of_rows(self, rows: Array) -> tuple[Array, Array]:
        """The same for rows (v, b) in the scaled inputs."""
        d = self.X.shape[1]
        rows = rows.copy()
        rows[:, :d] /= self.scale
        rows = rows / self._lengths(rows[:, :d])
        return rows[:, :d], rows[:, d] if self.bias else np.zeros(len(rows))

    def _lengths(self, rows: Array) -> Array:
        """(k, 1): what rows may be divided by; one where their lengths are part of the function."""
        if not self.activation.homogeneous:
            return np.ones((len(rows), 1))
        return divisors(np.linalg.norm(rows, axis=1, keepdims=True))

    def points(self, V: Array, b: Array) -> Array:
        """The inverse of `hyperplanes`."""
        return self.strict.scaled(self.white.to_features(self.rows_of(V, b)))

    def rows_of(self, V: Array, b: Array) -> Array:
        """The inverse of `of_rows`, but for lengths."""
        V = V * self.scale
        return np.column_stack([V, b]) if self.bias else V

    def weights(
        self, V: Array, b: Array, *, affine: bool, row_weights: Array | float = 1.0
    ) -> tuple[Array, Array, Array]:
        """U (m, k), W (m, d) and c (m,) of the scaled labels, by least squares for the given
        hyperplanes; W and, in a problem without biases, c are zero where not asked for. Rows may
        have weights (n, 1)."""
        k, d, m = len(V), self.X.shape[1], self.Y.shape[1]
        columns = [self._hidden(V, b)]
        if affine:
            columns.append(self.X)
        if self.bias:
            columns.append(np.ones((len(self.X), 1)))
        design = np.hstack(columns)
        design *= self._root * row_weights
        labels = self.Y * row_weights
        sizes = divisors(np.linalg.norm(design, axis=0))
        design /= sizes
        solution = np.linalg.lstsq(design, labels)[0]
        # Backward error leaves a residual of rounding size in col(design); one correction
        # takes it away, and the last digit of the hidden weights depends on it.
        solution += np.linalg.lstsq(design, labels - design @ solution)[0]
        solution = (solution / sizes[:, None]).T
        W = solution[:, k : k + d] / self.scale if affine else np.zeros((m, d))
        return solution[:, :k], W, solution[:, -1] if self.bias else np.zeros(m)

    def to_labels(self, covariance: Array) -> Array:
        """A covariance (m, m) in this metric as one of the labels as they came."""
        return np.asarray(self._from_metric @ covariance @ self._from_metric.T)

    def reach(self, directions: Array) -> Array:
        """Largest |x·v| over the samples for each of the rows v."""
        return np.asarray(np.abs(self.X @ (directions * self.scale).T).max(axis=0))

    def network(self, V: Array, b: Array, row_weights: Array | float = 1.0) -> Network:
        """The network with these hidden weights; output weights and biases by least squares."""
        parts = self.weights(V, b, affine=self.skip, row_weights=row_weights)
        U, W, c = (self._from_metric @ part for part in parts)
        return Network(V, U, b, c, self.activation, W if self.skip else None)

    def refined(self, net: Network) -> Network:
        """Gauss–Newton steps to the last digit, for a network that is right up to rounding.

        The residual is that of the network on the inputs as they came; whitened ones carry
        rounding of their own. The cost no longer tells a step from its rounding here, so a step
        is taken while it is shorter than half the one before.
        """
        previous = np.inf
        for _ in range(4):
            rows = self.rows_of(net.V, net.b)
            points = self.white.to_features(rows)
            lengths = self._lengths(points)
            fit = self.strict.evaluate(points / lengths)
            answers = self._hidden(net.V, net.b) @ (self.to_metric @ net.U).T
            answers += self.to_metric @ net.c
            if self.skip:
                answers += self.X @ (self.to_metric @ net.W * self.scale).T
            residual = self.strict.off_range(fit, self.Y - self._root * answers)
            step = newton_step(self.strict, fit, self.strict.pull(fit, residual))
            size = float(np.linalg.norm(step))
            if not size < 0.5 * previous:
                break
            previous = size
            rows = rows + self.white.to_rows(step * lengths)
            V, b = self.of_rows(rows)
            with np.errstate(over="ignore"):
                if not np.isfinite(np.linalg.norm(self._hidden(V, b))):
                    break
            net = self.network(V, b)
            if 1e-4 * size < np.finfo(np.float64).eps:  # steps are exact to 1e-4
                break
        return net


def choose_rows(samples: Samples, count: int, rng: np.random.Generator) -> Index:
    """`count` rows, or all, in their order: data may be sorted, so not the first ones."""
    if count >= samples.n:
        return np.arange(samples.n)
    return np.sort(rng.choice(samples.n, count, replace=False))


def centred_labels(samples: Samples, bias: bool) -> tuple[Samples, Array]:
    """With output biases, labels about their mean, and that mean: of an output far from zero, or
    a constant one, the noise would be lost in the rounding of a product. A copy."""
    centre = samples.Y.mean(axis=0) if bias else np.zeros(samples.m)
    return replace(samples, Y=samples.Y - centre), centre


def shifted(net: Network, by: Array) -> Network:
    """With so much more in the output biases."""
    return Network(net.V, net.U, net.b, net.c + by, net.activation, net.W) if by.any() else net
