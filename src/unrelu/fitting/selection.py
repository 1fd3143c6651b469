"""Which units to keep in the presence of noise, and how many: a unit stays while it explains more
than the best of all units would explain of noise alone (`unit_edge`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from unrelu.fitting.problem import Problem
from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.devices import device_for
from unrelu.numerics.levenberg import minimise

TRIES = 5
"""Moves and new units that must fail to help, one after the other, before a width is left at
that."""

SETTLED = 0.01
"""Three steps that together lower the cost by less than this, in units of the variance of the
noise, end a descent: a standard error would be visible at 1."""


@dataclass
class Effort:
    """What a search has cost so far (starts, and multiply-adds), and what each width has shown:
    how much the fit gains by the least of so many units. `caution`: a unit counts from so many
    times `unit_edge` on. `agreed`: whether two starts ended in the best minimum; `others`:
    where the other starts ended."""

    caution: float = 1.0
    starts: int = 0
    operations: float = 0.0
    agreed: bool = True
    gains: dict[int, float] = field(default_factory=dict)
    others: tuple[Network, ...] = ()


def unit_edge(dimension: int, m: int, curved: bool = False) -> float:
    """How much the best of all units explains of noise alone, in units of its variance.

    For a random linear function of D inputs instead of a unit it is the square of the largest
    singular value of an m × D Gaussian matrix, (√m + √D)². The kink of a unit adds choice:
    measured (benchmarks/unit_edge.py), the best of 40 noises stays below (√m + 1.25 √D + 1)².
    A `curved` unit, z² or e^z − 1, may choose a few samples to bend for: measured up to 1.4 √D.
    """
    factor = 1.6 if curved else 1.35
    return float((math.sqrt(m) + factor * math.sqrt(dimension) + 1) ** 2)


def noise_variance(problem: Problem, model: Separable, fit: Fit) -> float:
    """By what is left of a fit. In the direction of the outputs that has most of it, since a unit
    may explain that one; beyond the mean by more than white noise has it,
    (1 + √(m/n))² in many samples (Marchenko and Pastur 1967)."""
    n, m = problem.Y.shape
    used = fit.width * (fit.point.shape[1] + m - 1) + m * model.nuisance.shape[1]
    spare = max(1, n * m - used)
    largest = float(np.linalg.eigvalsh(fit.residual.T @ fit.residual)[-1]) * m
    largest /= (1 + math.sqrt(m / n)) ** 2
    floor = (problem.floor * model.size) ** 2
    return float(max(fit.cost, largest, floor) / spare)


def null_variance(problem: Problem, model: Separable, fit: Fit, effort: Effort) -> float:
    """The same if the units of the fit had only noise to explain, of which each takes what the
    best one can, not only its share of the unknowns: many idle units, each of which seems to
    explain something, would otherwise lower the noise and so justify each other. At most twice as
    much: fits of many units to few labels are left to themselves."""
    labels = problem.Y.size
    plain = noise_variance(problem, model, fit)
    left = (
        labels
        - fit.width * unit_threshold(problem, effort)
        - problem.Y.shape[1] * model.nuisance.shape[1]
    )
    return float(min(2 * plain, max(plain, fit.cost / max(1.0, left))))


def unit_threshold(problem: Problem, effort: Effort) -> float:
    """Noise variances that a unit must explain to count."""
    curved = not problem.activation.piecewise_linear
    return effort.caution * unit_edge(problem.loose.features.shape[1], problem.Y.shape[1], curved)


def preferable(problem: Problem, new: Fit, old: Fit, effort: Effort) -> bool:
    """Fewer units if the others do not stand out of the noise, else the lower cost."""
    lower = min(new, old, key=lambda fit: fit.cost)
    variance = null_variance(problem, problem.strict, lower, effort)
    price = unit_threshold(problem, effort) * variance
    return new.cost + price * new.width < old.cost + price * old.width


def reduce(
    problem: Problem, model: Separable, fit: Fit, effort: Effort, *, price: float, least: int
) -> Fit:
    """Drop the least important units while that costs less than `price` times the noise variance
    each, down to `least` units: several at once where all of them seem idle."""
    variance = null_variance(problem, model, fit, effort)
    while fit.width > least:
        gains = _gains(model, fit, variance)
        order = np.argsort(gains)
        count = min(fit.width - least, max(1, int((gains.cumsum() < price).sum()) // 2))
        while count:
            kept = np.delete(fit.point, order[:count], axis=0)
            trial = settle(problem, model, kept, effort, steps=30)
            if count == 1 and model is problem.strict and math.isfinite(price):
                effort.gains[fit.width] = (trial.cost - fit.cost) / variance
            if trial.cost - fit.cost <= price * variance * (1 if count == 1 else 0.5):
                break
            count //= 2
        if not count:
            break
        fit = trial
    return fit


def revise(
    problem: Problem, fit: Fit, n_units: int | None, rng: np.random.Generator, effort: Effort
) -> Fit:
    """Drop units that do not stand out of the noise, move the others as far as the noise leaves
    them free, try new ones, until nothing helps. With the number of units given, a new one takes
    the place of the least important."""
    model, price = problem.strict, unit_threshold(problem, effort)
    failures = 0
    if n_units is None:
        fit = reduce(problem, model, fit, effort, price=price, least=1)
    while failures < TRIES and model.relative(fit) > 10 * problem.floor:
        before = fit
        variance = noise_variance(problem, model, fit)
        perturbed = settle(problem, model, _perturbed(model, fit, variance, rng), effort, steps=40)
        fit = min(fit, perturbed, key=lambda one: one.cost)
        more = np.vstack([fit.point, _promising_direction(model, fit, rng)])
        wider = settle(problem, model, more, effort, steps=40)
        if n_units is not None:
            other = reduce(problem, model, wider, effort, price=np.inf, least=n_units)
            fit = min(fit, other, key=lambda one: one.cost)
        else:
            gain = (fit.cost - wider.cost) / variance
            effort.gains[wider.width] = max(gain, effort.gains.get(wider.width, gain))
            if gain > price:
                fit = reduce(problem, model, wider, effort, price=price, least=1)
        helped = fit.width != before.width or before.cost - fit.cost > variance
        failures = 0 if helped else failures + 1
    return fit


def _perturbed(model: Separable, fit: Fit, variance: float, rng: np.random.Generator) -> Array:
    """Every unit moved about as far as the noise hides: noise makes minima of every kink near a
    sample, and strong units find the lowest of those, weak ones another place altogether. Turning
    a unit by an angle φ costs a few times φ² of what it gains in all."""
    size = 1 / np.sqrt(np.maximum(_gains(model, fit, variance), 1.0))
    return fit.point + size[:, None] * rng.standard_normal(fit.point.shape)


def _promising_direction(model: Separable, fit: Fit, rng: np.random.Generator) -> Array:
    """A direction along which some combination of the residuals curves: random, after two power
    steps with Σ rᵢ zᵢ zᵢᵀ."""
    combined = fit.residual @ rng.standard_normal(fit.residual.shape[1])
    Z = model.features
    direction: Array = rng.standard_normal(size=(int(Z.shape[1]),))
    for _ in range(2):
        direction = np.asarray((combined * (Z @ direction)) @ Z)
        direction /= np.linalg.norm(direction)
    return direction


def _gains(model: Separable, fit: Fit, variance: float) -> Array:
    """What each unit explains, in noise variances."""
    return (model.importance(fit) * model.size) ** 2 / variance


def settle(
    problem: Problem,
    model: Separable,
    points: Array,
    effort: Effort,
    *,
    steps: int = 200,
    share: float = SETTLED,
) -> Fit:
    """Descend until three steps gain less than `share` of the variance of the noise."""
    entries = problem.Y.size

    def enough(norms: list[float]) -> bool:
        if norms[-1] <= 10 * problem.floor * model.size:
            return True
        return len(norms) > 3 and norms[-4] ** 2 - norms[-1] ** 2 < share * norms[-1] ** 2 / entries

    n, dimension = model.features.shape
    there = model.on(device_for(n * len(points) * dimension))
    start = model.start(points)
    start = start if there is model else there.evaluate(start.point)
    fit, trace = minimise(there, start, size=model.size, steps=steps, enough=enough)
    effort.operations += 4.0 * trace.products * n * len(points) * (dimension + problem.Y.shape[1])
    return fit if there is model else model.evaluate(fit.point)
