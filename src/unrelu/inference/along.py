"""Standard errors of what a network does along one input: where its kinks are, and its slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from unrelu.inference.units import Spread
from unrelu.numerics.arrays import Array, Index


@dataclass(frozen=True, eq=False)
class ErrorsAlong:
    """The joint covariance of the unknowns, and rows that lead from it to v_lj (k, t), and from the
    linear term to W_j (D,). `towards` (k,): v_lj; `open`: units of which some weights are."""

    spread: Spread
    towards: Array
    hidden: Array
    linear: Array | None
    open: frozenset[int]
    kept: Index | None = None

    @classmethod
    def of(
        cls, spread: Spread, towards: Array, along: int, unknown: Index, kept: Index | None
    ) -> ErrorsAlong:
        """`kept`: inputs that have weights, where others were left out."""
        if kept is not None:  # one that was left out moves no unit, and nobody asks
            along = int(np.searchsorted(kept, along)) if along in kept else 0
        linear = None
        if spread.model.linear:
            e = np.eye(len(spread.factor))[along]
            linear = np.asarray(solve_triangular(spread.factor, e, trans="T"))
        known = frozenset(unknown.tolist())
        return cls(spread, towards, spread.lift[:, along], linear, known, kept)

    def of_place(self, unit: int, at: Array) -> float:
        """Of where the unit has its kink, which is at the point `at` (d,)."""
        at = at if self.kept is None else at[self.kept]
        row = np.append(at, 1.0)[: len(self.spread.factor)]
        variance = float(row @ self.spread.of_rows(unit, unit) @ row)
        return math.sqrt(max(variance, 0.0)) / abs(float(self.towards[unit]))

    def of_slope(self, sides: list[NDArray[np.bool_]]) -> Array:
        """(m,): of the slope where such units (k,) are active, or of the difference between two."""
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
            gradient[start : start + k] = on * self.towards
            if self.linear is not None and len(sides) == 1:
                gradient[start + k : start + q] = self.linear
            found[o] = gradient @ self.spread.covariance @ gradient
        return np.asarray(np.sqrt(np.maximum(found, 0.0)))
