"""Levenberg–Marquardt steps for least squares whose Jacobian is only ever multiplied by.

The linear systems of the steps are solved by conjugate gradients, as far as the current residual
deserves (an inexact Newton method: Dembo, Eisenstat, Steihaug 1982), so memory stays that of the
model's own arrays and a step costs a few dozen products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline

DAMPING = 1e-2
"""Of the first step, where the residual is large."""

FIRST = 0.1
"""Share of the residual that a first step is taken to leave."""


class State(Protocol):
    """A point of the model with what is worth keeping there."""

    @property
    def point(self) -> Array: ...

    @property
    def cost(self) -> float: ...


S = TypeVar("S", bound=State)


class Model(Protocol[S]):
    """½‖r(x)‖² with products by its Gauss–Newton matrix JᵀJ.

    `gram` is that matrix, where the problem is so small that it takes less time than the products
    of a step.
    `cost` is ‖r‖². `scale` is (roughly) the square root of the diagonal of JᵀJ, the
    preconditioner and the metric of the damping. `retract` adds a step and renormalises.
    """

    def evaluate(self, point: Array) -> S: ...

    def descent(self, state: S) -> Array: ...

    def normal(self, state: S, step: Array) -> Array: ...

    def gram(self, state: S) -> Array | None: ...

    def scale(self, state: S) -> Array: ...

    def retract(self, point: Array, step: Array) -> Array: ...


@dataclass(frozen=True)
class Trace:
    """Residual norms ‖r‖, one per accepted or rejected step; products spent."""

    norms: tuple[float, ...]
    products: int


def minimise(
    model: Model[S],
    start: S,
    *,
    size: float,
    steps: int,
    enough: Callable[[list[float]], bool],
    most_inner: int = 80,
    damping: float = DAMPING,
    forcing: bool = False,
) -> tuple[S, Trace]:
    """Descend from `start` until `enough(norms)` says so, `steps` are spent, or damping diverges.

    `size` is the norm of the data that r is a residual of. The systems are solved to min(0.1,
    ‖r‖/size) of the gradient, so steps become exact, and convergence quadratic, as the residual
    of a consistent problem vanishes. With `forcing`, no further than the square of what the last
    step left of the residual either (Eisenstat and Walker 1996): where steps gain little, exact
    ones gain no more. Damping follows Nielsen (1999).
    """
    state, growth, products = start, 2.0, 0
    norms = [float(np.sqrt(state.cost))]
    for _ in range(steps):
        if enough(norms):
            break
        scale = model.scale(state)
        downhill = model.descent(state) / scale
        last = norms[-1] / (norms[-2] or 1.0) if len(norms) > 1 else FIRST
        tolerance = min(0.1, max(norms[-1] / size, forcing * last**2))
        step, gain, used = _damped_step(
            model, state, scale, downhill, damping, tolerance, most_inner
        )
        products += used
        trial = model.evaluate(model.retract(state.point, step / scale))
        with np.errstate(over="ignore"):  # next to nothing was expected
            ratio = (state.cost - trial.cost) / max(gain, np.finfo(np.float64).tiny)
        if ratio > 1e-4:
            state, growth = trial, 2.0
            damping = max(damping * max(0.2, 1 - (2 * min(ratio, 1.0) - 1) ** 3), 1e-12)
        else:
            damping *= growth
            growth *= 2
        norms.append(float(np.sqrt(state.cost)))
        if growth > 1e4:  # a dozen rejections in a row: no descent left above rounding
            break
    return state, Trace(tuple(norms), products)


def newton_step(model: Model[S], state: S, descent: Array, most_inner: int = 500) -> Array:
    """The full Gauss–Newton step for a descent direction computed more accurately elsewhere."""
    scale = model.scale(state)
    step, _, _ = _damped_step(model, state, scale, descent / scale, 0.0, 1e-4, most_inner)
    return step / scale


def _damped_step(
    model: Model[S],
    state: S,
    scale: Array,
    downhill: Array,
    damping: float,
    tolerance: float,
    most: int,
) -> tuple[Array, float, int]:
    """Conjugate gradients for (JᵀJ + damping) x = downhill in scaled unknowns; returns x, the
    predicted drop of ‖r‖² and the number of products.

    With residual r of the system, the drop is 2 xᵀg − xᵀJᵀJx = xᵀ(g + r) + damping ‖x‖².
    """
    product = _scaled_product(model, state, scale)
    x, residual = np.zeros_like(downhill), downhill.copy()
    direction, size = residual.copy(), float(np.vdot(residual, residual))
    target = tolerance**2 * size
    for used in range(1, most + 1):  # noqa: B007 — how many it took is an answer
        check_deadline()
        image = product(direction) + damping * direction
        curvature = float(np.vdot(direction, image))
        if curvature <= 0:  # rounding only: the matrix is positive definite
            break
        length = size / curvature
        x += length * direction
        residual -= length * image
        previous, size = size, float(np.vdot(residual, residual))
        if size <= target:
            break
        direction = residual + (size / previous) * direction
    gain = float(np.vdot(x, downhill + residual)) + damping * float(np.vdot(x, x))
    return x, gain, used


def _scaled_product(model: Model[S], state: S, scale: Array) -> Callable[[Array], Array]:
    """The product by JᵀJ in scaled unknowns."""
    gram = model.gram(state)
    if gram is None:
        return lambda step: model.normal(state, step / scale) / scale
    sizes = np.broadcast_to(scale, state.point.shape).ravel()
    gram = gram / sizes / sizes[:, None]
    return lambda step: (gram @ step.ravel()).reshape(step.shape)
