"""Linear feasibility in floating point, by HiGHS: what `rational_lp` asks for a first guess."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from unrelu.numerics.arrays import Array


class OutOfTimeError(Exception):
    """The deadline passed before the exact answer was there."""


class FloatModel:
    """The rows in HiGHS, with columns, then rows, then the bounds together, scaled to a largest
    entry 1: its tolerances are absolute."""

    def __init__(
        self, rows: Sequence[Mapping[int, int]], bounds: Sequence[int], n_variables: int
    ) -> None:
        import highspy
        from scipy.sparse import csr_array

        largest = [0] * n_variables
        for row in rows:
            for j, weight in row.items():
                largest[j] = max(largest[j], abs(weight))
        self._units = [size or 1 for size in largest]
        scaled = [self._scaled(row, bound) for row, bound in zip(rows, bounds, strict=True)]
        self.sizes = [size for _, _, size in scaled]
        start = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int32)
        index = np.array([j for row in rows for j in row], dtype=np.int32)
        value = np.array([weight for weights, _, _ in scaled for weight in weights])
        self._targets = np.array([bound for _, bound, _ in scaled], dtype=np.float64)
        self._bounds = self._targets / _largest(self._targets)
        self._matrix = csr_array((value, index, start), shape=(len(rows), n_variables))
        self._replaced: dict[int, Array] = {}
        self._held: set[int] = set()
        self._infinity = highspy.kHighsInf
        self._statuses = highspy.HighsModelStatus
        self._basic = highspy.HighsBasisStatus.kBasic

        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = n_variables, len(rows)
        program.col_cost_ = np.zeros(n_variables)
        program.col_lower_ = np.full(n_variables, -highspy.kHighsInf)
        program.col_upper_ = np.full(n_variables, highspy.kHighsInf)
        program.row_lower_ = self._bounds
        program.row_upper_ = np.full(len(rows), highspy.kHighsInf)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = start
        program.a_matrix_.index_ = index
        program.a_matrix_.value_ = value
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        # Bases and rays are those of the simplex method on the rows as they are.
        options: dict[str, bool | int | str] = {
            "output_flag": False,
            "presolve": "off",
            "solver": "simplex",
            "threads": 1,
        }
        for name, setting in options.items():
            self._highs.setOptionValue(name, setting)
        self._highs.passModel(program)

    def run(self, held: Collection[int], deadline: float) -> tuple[bool, Array | None]:
        """Whether it is empty, and a point if it is not; neither if HiGHS cannot tell."""
        held = set(held)
        for row in self._held ^ held:
            upper = float(self._bounds[row]) if row in held else self._infinity
            self._highs.changeRowBounds(row, float(self._bounds[row]), upper)
        self._held = held
        if deadline < float("inf"):
            left = max(0.0, deadline - time.monotonic())
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + left)
        known = (self._statuses.kOptimal, self._statuses.kInfeasible, self._statuses.kTimeLimit)
        self._highs.run()
        if self._highs.getModelStatus() not in known:  # lost on the way from the last basis
            self._highs.clearSolver()
            self._highs.run()
        status = self._highs.getModelStatus()
        if status == self._statuses.kTimeLimit:
            raise OutOfTimeError
        if status == self._statuses.kOptimal:
            return False, np.asarray(self._highs.getSolution().col_value, dtype=np.float64)
        return status == self._statuses.kInfeasible, None

    def replace(self, row: int, old: Mapping[int, int], new: Mapping[int, int], bound: int) -> None:
        weights, self._targets[row], self.sizes[row] = self._scaled(new, bound)
        dense = self._replaced.setdefault(row, np.zeros(len(self._units)))
        dense[:] = 0.0
        dense[list(new)] = weights
        for j in old.keys() | new.keys():
            self._highs.changeCoeff(row, j, float(dense[j]))
        bounds = self._targets / _largest(self._targets)
        for i in np.flatnonzero(bounds != self._bounds).tolist():
            upper = float(bounds[i]) if i in self._held else self._infinity
            self._highs.changeRowBounds(i, float(bounds[i]), upper)
        self._bounds = bounds

    def _scaled(self, row: Mapping[int, int], bound: int) -> tuple[list[float], float, float]:
        """Weights of the scaled columns, and what the row was divided by."""
        weights = [_ratio(weight, self._units[j]) for j, weight in row.items()]
        size = max(map(abs, weights), default=0.0)
        if not size:
            size = _ratio(max(1, abs(bound)), 1)
        target = min(max(_ratio(bound, 1) / size, -MOST), MOST)
        return [weight / size for weight in weights], target, size

    def ray(self) -> Array | None:
        _, there, ray = self._highs.getDualRay()
        return np.asarray(ray, dtype=np.float64) if there else None

    def rows_at_bounds(self) -> list[int]:
        basis = self._highs.getBasis()
        if not basis.valid:
            return []
        return [i for i, status in enumerate(basis.row_status) if status != self._basic]

    def slacks(self, z: Array) -> Array:
        products = self._matrix @ z
        for row, coefficients in self._replaced.items():
            products[row] = coefficients @ z
        return np.asarray(products - self._bounds)


def _largest(bounds: Array) -> float:
    return float(np.abs(bounds).max(initial=0.0)) or 1.0


def _ratio(number: int, size: int) -> float:
    """In floating point, although neither may fit; what is too large is cut off."""
    try:
        return number / size
    except OverflowError:
        return MOST if number > 0 else -MOST


MOST = 1e300
