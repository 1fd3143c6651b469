"""The samples that a search looks at, in whitened coordinates, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unrelu.methods.kinks import Kinks, unit_rows
from unrelu.network import Network
from unrelu.numerics.levenberg import newton_step
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]


Missed = Callable[[Network], Index]
"""Rows of the samples, all of them looked at, that a network does not explain to rounding."""


class Problem:
    """Rows in use, with two models over them: `loose` has a free affine term, `strict` only what
    a network has (output biases, or nothing)."""

    def __init__(self, samples: Samples, rows: Index, bias: bool) -> None:
        taken = samples.take(rows)
        whitened = whiten(with_constant(taken.X) if bias else taken.X)
        if len(rows) < samples.n and not whitened.independent:
            # A column that is zero nearly everywhere, say: then no subset is safe.
            rows = np.arange(samples.n)
            taken = samples.take(rows)
            whitened = whiten(with_constant(taken.X) if bias else taken.X)
        self.rows, self.bias, self.X, self.Y = rows, bias, taken.X, taken.Y
        self._whitened = whitened
        features = self._whitened.features
        constant = np.ones((len(rows), int(bias)))
        self.loose = Kinks(features, self.Y, features)
        self.strict = Kinks(features, self.Y, constant)
        # The residual of a true fit: each label is a sum over D inputs, and large labels with a
        # small spread leave the rounding of the large ones behind.
        spread = float(np.linalg.norm(self.Y)) / self.loose.size
        self.floor = 16 * samples.eps * np.sqrt(features.shape[1]) * max(1.0, spread)

    def hyperplanes(self, points: Array) -> tuple[Array, Array]:
        """Whitened hyperplanes as hidden weights of unit norm and hidden biases."""
        d = self.X.shape[1]
        rows = self._whitened.to_rows(points)
        norms = np.linalg.norm(rows[:, :d], axis=1, keepdims=True)
        rows = rows / np.where(norms > 0, norms, 1.0)
        return rows[:, :d], rows[:, d] if self.bias else np.zeros(len(rows))

    def points(self, V: Array, b: Array) -> Array:
        """The inverse of `hyperplanes`."""
        rows = np.column_stack([V, b]) if self.bias else V
        return unit_rows(self._whitened.to_features(rows))

    def weights(self, V: Array, b: Array, *, affine: bool) -> tuple[Array, Array, Array]:
        """U (m, k), W (m, d) and c (m,) by least squares for the given hyperplanes; W and, in a
        problem without biases, c are zero where not asked for."""
        k, d, m = len(V), self.X.shape[1], self.Y.shape[1]
        columns = [np.maximum(self.X @ V.T + b, 0.0)]
        if affine:
            columns.append(self.X)
        if self.bias:
            columns.append(np.ones((len(self.X), 1)))
        design = np.hstack(columns)
        solution = np.linalg.lstsq(design, self.Y)[0]
        # Backward error leaves a residual of rounding size in col(design); one correction
        # takes it away, and the last digit of the hidden weights depends on it.
        solution += np.linalg.lstsq(design, self.Y - design @ solution)[0]
        solution = solution.T
        W = solution[:, k : k + d] if affine else np.zeros((m, d))
        return solution[:, :k], W, solution[:, -1] if self.bias else np.zeros(m)

    def network(self, V: Array, b: Array) -> Network:
        """The network with these hidden weights; output weights and biases by least squares."""
        U, _, c = self.weights(V, b, affine=False)
        return Network(V, U, b, c)

    def refined(self, net: Network) -> Network:
        """Gauss–Newton steps to the last digit, for a network that is right up to rounding.

        The residual is that of the network on the inputs as they came; whitened ones carry
        rounding of their own. The cost no longer tells a step from its rounding here, so a step
        is taken while it is shorter than half the one before.
        """
        previous = np.inf
        for _ in range(4):
            rows = np.column_stack([net.V, net.b]) if self.bias else net.V
            points = self._whitened.to_features(rows)
            lengths = np.linalg.norm(points, axis=1, keepdims=True)
            fit = self.strict.evaluate(points / lengths)
            residual = self.strict.off_range(fit, self.Y - net(self.X))
            gradient = self.strict.pull(fit, residual)
            step = newton_step(self.strict, fit, gradient)
            size = float(np.linalg.norm(step))
            if not size < 0.5 * previous:
                break
            previous = size
            rows = rows + self._whitened.to_rows(step * lengths)
            rows /= np.linalg.norm(rows[:, : self.X.shape[1]], axis=1, keepdims=True)
            net = self.network(
                rows[:, : self.X.shape[1]], rows[:, -1] if self.bias else np.zeros(len(rows))
            )
        return net


def with_constant(columns: Array) -> Array:
    return np.column_stack([columns, np.ones(len(columns))])


def choose_rows(samples: Samples, count: int, rng: np.random.Generator) -> Index:
    """`count` rows, or all, in their order: data may be sorted, so not the first ones."""
    if count >= samples.n:
        return np.arange(samples.n)
    return np.sort(rng.choice(samples.n, count, replace=False))
