"""Gradients of a piecewise linear function on a line, between its kinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.extraction.kinks import Ask, Line, Tolerance
from unrelu.numerics.arrays import Array

CONFIDENCE = 6.0
"""Standard deviations of rounding that count as rounding: thousands of values are compared."""

STEP = 1 / 512
"""Length of a gradient's displacements as a share of the distance to the nearer kink on the line.
A hyperplane at cosine c to the line is crossed by one of d displacements if c is below about
STEP √(2 log d) / √d."""

SHORTER, ATTEMPTS = 4, 4
"""A gradient that has crossed a hyperplane is taken again with displacements shorter by this
factor, and at most so many times."""


@dataclass(frozen=True, eq=False)
class Affine:
    """The function about a point (d,): its value (m,) there and its slopes, a matrix (m, d), with
    the error of those."""

    point: Array
    value: Array
    matrix: Array
    error: float


class Gradients:
    """Gradients of a piecewise linear function between its kinks on a line, by differences along
    the rows of a random orthogonal matrix. Short displacements lose nothing in double
    precision; in single precision, units are followed instead (`extraction.following`). A sum of
    all of them with random signs serves as a check."""

    def __init__(
        self,
        ask: Ask,
        line: Line,
        tolerance: Tolerance,
        rng: np.random.Generator,
    ) -> None:
        self.ask, self.line, self.tolerance, self.rng = ask, line, tolerance, rng
        d = len(line.start)
        self.basis = np.linalg.qr(rng.standard_normal((d, d)))[0]

    def between(self, low: float, high: float) -> Affine | None:
        """The function between two neighbouring kinks; None if the displacements cross a
        hyperplane however short they are."""
        line, half = self.line, (high - low) / 2
        # Between the last kink and the end of the line, near the kink: rounding grows outwards.
        if abs(low) >= line.reach or abs(high) >= line.reach:
            half = min(half, max(1.0, min(abs(low), abs(high))))
        centre = low + half if abs(low) < line.reach else high - half
        point = line.at(np.array([centre]))
        length = STEP * half * float(np.linalg.norm(line.direction))
        error = float(self.tolerance(point)[0])
        return self._forward(point, length, error)

    def _forward(self, point: Array, length: float, error: float) -> Affine | None:
        root = float(np.sqrt(len(self.basis)))
        signs = self.rng.choice([-1.0, 1.0], len(self.basis)) / root
        directions = np.vstack([np.zeros_like(point), self.basis, signs @ self.basis])
        for _ in range(ATTEMPTS):
            X, values = self.ask(point + length * directions)
            moved, changed = X[1:] - X[0], values[1:] - values[0]
            solution = self.basis.T @ (changed[:-1] / length)
            off = np.abs(moved[-1] @ solution - changed[-1]).max()
            if off <= 2 * error:
                return Affine(X[0], values[0], solution.T, error * root / length / CONFIDENCE)
            length /= SHORTER
        return None
