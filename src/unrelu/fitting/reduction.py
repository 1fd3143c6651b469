"""From random hyperplanes to the smallest set that explains the samples: search and reduce."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.devices import device_for
from unrelu.numerics.levenberg import DAMPING, minimise

PARALLEL = 0.8
"""|cos| between two hyperplanes, in whitened coordinates, from which they may stand for one."""


def search(model: Separable, points: Array, target: float) -> Fit:
    """Step 1: descend until the relative residual is `target` or progress has stopped."""

    def enough(norms: list[float]) -> bool:
        stalled = len(norms) > 15 and norms[-1] > 0.95 * norms[-13]
        return norms[-1] <= target * model.size or stalled

    return _descend(model, points, 150, enough)


def reduce(model: Separable, fit: Fit, floor: float) -> Fit:
    """Step 2: drop the units without which the rest, refitted, does as well; fit what is left
    closer; until neither does anything."""
    while True:
        before = max(model.relative(fit), floor)
        fit = _prune(model, fit, before, thorough=False)
        fit = _descend(model, fit.point, 12, _below(model, max(floor, before / 100)))
        if before <= floor or model.relative(fit) > max(floor, before / 2):
            width = fit.width
            fit = _prune(model, fit, max(model.relative(fit), floor), thorough=True)
            fit = _merge(model, fit, max(model.relative(fit), floor))
            if fit.width == width:
                return fit


def _prune(model: Separable, fit: Fit, bar: float, *, thorough: bool) -> Fit:
    """Drop units while the residual stays below `bar`: all that seem idle at first, then half
    as many, down to the least important one alone. That one is tried whatever its importance
    only where the fit has converged (`thorough`): before, a unit that matters a hundred times
    more than the residual is none of the surplus."""
    while fit.width > 1:
        importance = model.importance(fit)
        order = np.argsort(importance)
        if not thorough and importance[order[0]] > 100 * bar:
            break
        count = max(1, min(int((importance < bar).sum()), fit.width // 8))
        while count:
            kept = np.sort(order[count:])
            trial = _descend(model, fit.point[kept], 25, _settled(model, bar))
            if model.relative(trial) <= bar:
                fit = trial
                break
            count //= 2
        if not count:
            break
    return fit


def _merge(model: Separable, fit: Fit, bar: float) -> Fit:
    """Replace two near-parallel hyperplanes by the one between them, if that explains as much.

    Where few samples lie between the two, a whole family of pairs explains what one hyperplane
    does, and no member of it has an unimportant unit: u_i a_i + u_j a_j is what they have in
    common.
    """
    cosines = np.triu(fit.point @ fit.point.T, 1)
    pairs = np.argwhere(np.abs(cosines) > PARALLEL)
    pairs = pairs[np.argsort(-np.abs(cosines[pairs[:, 0], pairs[:, 1]]))][: fit.width]
    for i, j in pairs:
        own, other = fit.output[i], fit.output[j]
        if not own.any():
            continue
        share = np.sign(cosines[i, j]) * float(own @ other) / float(own @ own)
        between = fit.point[i] + share * fit.point[j]
        rest = np.delete(fit.point, [i, j], axis=0)
        trial = _descend(model, np.vstack([rest, between]), 25, _settled(model, bar))
        if model.relative(trial) <= bar:
            return trial
    return fit


def polish(model: Separable, points: Array, floor: float) -> Fit:
    """Step 4: near rounding, from a start that has every unit about right."""
    there = model.on(device_for(model.features.shape[0] * points.size))
    fit = _descend(there, points, 40, _settled(model, 100 * floor))
    return fit if there is model else model.evaluate(fit.point)


def _settled(model: Separable, relative: float) -> Callable[[list[float]], bool]:
    """Below `relative`, or three steps that did not even halve the residual."""
    return lambda norms: (
        norms[-1] <= relative * model.size or (len(norms) > 4 and norms[-1] > 0.5 * norms[-4])
    )


def _below(model: Separable, relative: float) -> Callable[[list[float]], bool]:
    return lambda norms: norms[-1] <= relative * model.size


def _descend(
    model: Separable, points: Array, steps: int, enough: Callable[[list[float]], bool]
) -> Fit:
    start = model.evaluate(unit_rows(points))
    damping = min(DAMPING, model.relative(start))  # else steps would gain no more than that
    fit, trace = minimise(
        *(model, start),
        size=model.size,
        steps=steps,
        enough=enough,
        damping=damping,
        forcing=True,
    )
    model.products += trace.products
    return fit
