"""Conjugate gradients, preconditioned, for symmetric systems that are only ever multiplied by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline

Operator = Callable[[Array], Array]


def conjugate_gradients(
    product: Operator, right: Array, precondition: Operator, *, tolerance: float, most: int
) -> tuple[Array, bool]:
    """x with N x = `right`, N symmetric positive semidefinite, up to a share `tolerance` of
    `right`, in the norm of the preconditioner; and whether `most` products led there. They never
    do where `right` is not in the range of N.

    >>> N = np.diag([1.0, 4.0])
    >>> conjugate_gradients(lambda x: N @ x, np.ones(2), lambda x: x, tolerance=1e-9, most=5)
    (array([1.  , 0.25]), True)
    """
    x, rest = np.zeros_like(right), right
    direction = turned = precondition(rest)
    size = float(np.vdot(rest, turned))
    target = tolerance**2 * size
    for _ in range(most):
        check_deadline()
        if size <= target:
            return x, True
        image = product(direction)
        curvature = float(np.vdot(direction, image))
        if not curvature > 0:  # rounding only: the matrix is positive on its range
            break
        length = size / curvature
        x = x + length * direction
        rest = rest - length * image
        turned = precondition(rest)
        previous, size = size, float(np.vdot(rest, turned))
        direction = turned + (size / previous) * direction
    return x, size <= target
