"""Whether two units without biases explain samples, by trying all sign patterns: complete, slow,
and ignorant of what the samples mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

GIVEN = ((1, 1),)
FREE = ((1, 1), (1, -1), (-1, -1))
"""Signs of output weights, to which their sizes can be scaled; the order of units does not count,
and an output weight of zero is a unit with v = 0."""


def explaining(X: ArrayLike, Y: ArrayLike, weights: Sequence[tuple[int, int]]) -> Array | None:
    """Hidden weights V (2, d) with f(X Vᵀ) uᵀ = Y for one of the output weights u, each ±1, or
    None if there are none.

    On each sample either unit is on its active side or not. Each of the four ways is a few linear
    conditions on V, so that a way chosen for every sample is a linear program. The search begins
    with the samples that only one way explains, asks for any V that meets the conditions so far,
    and goes through the ways of the last sample that this V leaves unexplained.
    """
    X, Y = np.asarray(X, np.float64), np.asarray(Y, np.float64).ravel()
    for u in weights:
        ways = [list(_ways(y, u)) for y in Y]
        program = _program(X, u)
        for i, alone in enumerate(ways):
            if len(alone) == 1:
                _bound(program, i, alone[0])
        found = _search(program, X, Y, u, ways, alike=u[0] == u[1])
        if found is not None:
            return found
    return None


LEEWAY = 1e-4
"""Beyond what a linear program leaves of its conditions (1e-7 times coefficients up to 10, of some
ten of them), so that no sample whose way is chosen is met again."""

Bounds = tuple[tuple[float, float], ...]


def _ways(y: float, u: tuple[int, int]) -> Iterator[Bounds]:
    """Bounds on z₁, z₂ and u₁z₁ + u₂z₂ that give the label y. An active unit has z ≥ 0, and
    z ≤ 0 otherwise, so the ways overlap where z = 0 and leave nothing out; those that another
    way holds are left out."""
    on, off, any_ = (0.0, math.inf), (-math.inf, 0.0), (-math.inf, math.inf)
    if y == 0:
        yield off, off, any_
    for active in product((True, False), repeat=2):
        only = [u[j] for j in range(2) if active[j]]
        if y == 0 and only not in ([1, -1], [-1, 1]):  # z = 0 is all that is left: both are off
            continue
        if not any(sign * y > 0 for sign in only) and y != 0:  # no active unit has the sign of y
            continue
        if len(only) == 2:
            yield on, on, (y, y)
        else:
            z = y * only[0]
            first, second = ((z, z), off) if active[0] else (off, (z, z))
            yield first, second, any_


def _program(X: Array, u: tuple[int, int]) -> highspy.Highs:
    """Columns v₁, v₂, all free; for each sample the three rows of `_ways`, without bounds yet."""
    n, d = X.shape
    program = highspy.Highs()  # type: ignore[no-untyped-call]
    program.setOptionValue("output_flag", False)
    program.setOptionValue("threads", 1)
    program.setOptionValue("presolve", "off")
    for _ in range(2 * d):
        program.addVar(-highspy.kHighsInf, highspy.kHighsInf)
    for x in X:
        blank = np.zeros(d)
        for row in ([*x, *blank], [*blank, *x], [*(u[0] * x), *(u[1] * x)]):
            columns = np.flatnonzero(row).astype(np.int32)
            values = np.asarray(row)[columns]
            program.addRow(-highspy.kHighsInf, highspy.kHighsInf, len(columns), columns, values)
    assert program.getNumRow() == 3 * n
    return program


def _search(
    program: highspy.Highs,
    X: Array,
    Y: Array,
    u: tuple[int, int],
    ways: list[list[Bounds]],
    alike: bool,
) -> Array | None:
    """`alike`: nothing tells the two units apart so far, so that one of each two ways that are
    each other's mirror image is enough."""
    if not _feasible(program):
        return None
    V = np.array(program.getSolution().col_value).reshape(2, -1)
    off = np.flatnonzero(np.abs(np.maximum(X @ V.T, 0.0) @ u - Y) > LEEWAY)
    if len(off) == 0:
        return V
    tried: list[Bounds] = []
    for bounds in ways[off[-1]]:
        if alike and (bounds[1], bounds[0], bounds[2]) in tried:
            continue
        tried.append(bounds)
        _bound(program, off[-1], bounds)
        if (found := _search(program, X, Y, u, ways, alike=False)) is not None:
            return found
    _bound(program, off[-1], ((-math.inf, math.inf),) * 3)
    return None


def _bound(program: highspy.Highs, sample: int, bounds: Bounds) -> None:
    for i, (low, high) in enumerate(bounds):
        program.changeRowBounds(
            3 * sample + i, max(low, -highspy.kHighsInf), min(high, highspy.kHighsInf)
        )


def _feasible(program: highspy.Highs) -> bool:
    program.run()
    if program.getModelStatus() == highspy.HighsModelStatus.kUnknown:  # a basis gone bad
        program.clearSolver()
        program.run()
    status = program.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return False
    assert status == highspy.HighsModelStatus.kOptimal, status
    return True
