"""Standard errors of kinks and slopes of a network along one input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.inference.units import Spread
from unrelu.numerics.arrays import Array, Index, Mask


@dataclass(frozen=True, eq=False)
class ErrorsAlong:
    """Standard errors along input j.

    spread : the joint covariance of the unknowns.
    slopes : (k,) hidden weights v_lj; `hidden` (k, t) their derivatives by the unknowns.
    linear : (D,) derivative of W_j by the unknowns of the linear term, if there is one.
    open : units with weights that the samples do not determine.
    kept : the inputs that have weights, if others were left out.
    """

    spread: Spread
    slopes: Array
    hidden: Array
    linear: Array | None
    open: frozenset[int]
    kept: Index | None = None

    @classmethod
    def of(
        cls, spread: Spread, slopes: Array, along: int, unknown: Index, kept: Index | None
    ) -> ErrorsAlong:
        if kept is not None:  # an input that was left out moves no unit: its row is not used
            along = int(np.searchsorted(kept, along)) if along in kept else 0
        linear = None
        if spread.model.linear:
            e = np.eye(len(spread.factor))[along]
            linear = np.asarray(solve_triangular(spread.factor, e, trans="T"))
        return cls(spread, slopes, spread.lift[:, along], linear, frozenset(unknown.tolist()), kept)

    def of_position(self, unit: int, at: Array) -> float:
        """Of the position of the unit's kink at the point `at` (d,)."""
        at = at if self.kept is None else at[self.kept]
        row = np.append(at, 1.0)[: len(self.spread.factor)]
        variance = float(row @ self.spread.of_rows(unit, unit) @ row)
        return math.sqrt(max(variance, 0.0)) / abs(float(self.slopes[unit]))

    def of_slope(self, sides: list[Mask]) -> Array:
        """(m,): of the slope where these units (k,) are active, or of the difference between two
        such slopes."""
        model = self.spread.model
        k, t, m, q = model.shape
        on = sides[0].astype(np.float64)
        if len(sides) > 1:
            on = sides[1].astype(np.float64) - on
        found = np.empty(m)
        for o in range(m):
            gradient = np.zeros(model.unknowns)
            gradient[: k * t] = ((on * model.U[o])[:, None] * self.hidden).ravel()
            start = k * t + o * q
            gradient[start : start + k] = on * self.slopes
            if self.linear is not None and len(sides) == 1:
                gradient[start + k : start + q] = self.linear
            found[o] = gradient @ self.spread.covariance @ gradient
        return np.asarray(np.sqrt(np.maximum(found, 0.0)))
