"""Standard errors held against simulated fits, for networks whose patterns the noise blurs.

The information matrix takes the pattern of each sample for known. Where a share of the samples is
nearer to a kink than the kink is known, three things make it too optimistic: the residuals of the
samples that change sides bend the sum of squares at random, a fit looks for the lowest of the
minima that this makes, and what it finds is a unit that explains too much, so that its weights
seem known better than they are. None of them has a formula that holds at such noise, but all of
them happen again when labels are simulated from a network like the one found and fitted in turn
(the parametric bootstrap of Efron 1979; with the residuals' own sizes and random signs, the wild
bootstrap of Wu 1986 and Liu 1988).

How much too small errors are is hardly known for a single weight after a few simulations, but well
for all weights of a unit together: one factor for (v, b), one for u.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.fitting.selection import unit_edge
from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.inference.units import Spread
from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors, unit_rows
from unrelu.numerics.levenberg import minimise
from unrelu.numerics.whitening import Whitened

SIMULATIONS = 16
"""Simulated sets of labels. A factor for d weights of a unit is then known to 1/√(32 d): to 4%
for 20, and to 18% for one alone."""

SIMULATIONS_OF_ONE = 48
"""The same for one input: 10% for one weight."""

STARTS = 3
"""Fits to each: from the network the labels were made of, and from around it."""

FIRM = 0.05
"""Share of a unit's samples on a side that is a guess up to which there is one minimum, and one fit
is enough."""

AROUND = 1.5
"""Standard errors by which the other starts are off. A search comes from further away, and ends in
the lowest minimum it meets; what it may meet is about as far from the truth as it is."""

STEPS = 30
"""Of a fit. It starts next to its minimum: five to ten are usual."""

SETTLED = 0.01
"""Three steps that gain less than so many noise variances end a fit."""

FEWEST, WEIGHTS = 4, 200
"""Sets of labels where fits are long, at least, and hidden weights of a unit in all of them: a
factor is then known to 5%, if it is that of many weights."""

MANY_OPERATIONS, MOST_OPERATIONS = 2e10, 2e11
"""Multiply-adds from which on there are fewer simulations, and that they may take, about a minute
of one core: a fit takes some 200 products. Beyond it errors are left as they are, and the note says
that they are too small."""

PRODUCTS = 200


@dataclass(frozen=True, eq=False)
class Factors:
    """What standard errors have to be multiplied by: those of (v, b) and of u for each unit, and
    those of c, and of W where there is a skip connection. None is below one."""

    rows: Array
    columns: Array
    constant: float

    def units(self) -> Array:
        return np.concatenate([self.rows, self.columns])

    def unknowns(self, t: int, m: int, q: int) -> Array:
        """(p,), in the order of `inference.fisher`."""
        tail = np.append(self.columns, np.full(q - len(self.columns), self.constant))
        return np.concatenate([np.repeat(self.rows, t), np.tile(tail, m)])


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit by least squares: the network, its white inputs, what the outputs were multiplied by
    (the inverse of `root`, (m, m)), whether b and c were fitted, whether W was, and whether the
    samples have weights, of which inputs and outputs are times the roots."""

    net: Network
    white: Whitened
    root: Array
    biased: bool
    skip: bool = False
    weighted: bool = False

    @property
    def simulations(self) -> int:
        """How many sets of labels are simulated: more where a unit has only one weight to tell,
        fewer where fits are long; none where they take too long."""
        n, k, d = len(self.white.features), self.net.n_units, self.net.n_inputs
        each = 4.0 * n * k * (self.dimension + self.net.n_outputs) * PRODUCTS * STARTS
        most = SIMULATIONS if d > 1 else SIMULATIONS_OF_ONE
        least = min(most, max(FEWEST, math.ceil(WEIGHTS / d)))
        count = max(least, min(most, int(MANY_OPERATIONS / each)))
        return count if count * each <= MOST_OPERATIONS else 0

    @property
    def dimension(self) -> int:
        return int(self.white.features.shape[1])

    def rows(self, net: Network) -> Array:
        """(k, D), of (v, b)."""
        return np.column_stack([net.V, net.b])[:, : self.dimension]

    @property
    def nuisance(self) -> Array:
        """What labels may be linear in, besides the units: all inputs, a constant, or nothing."""
        if self.skip:
            return self.white.features
        ones = self.ones[:, None][:, : int(self.biased)]
        return np.asarray(ones / np.sqrt((self.ones**2).mean()))

    @property
    def ones(self) -> Array:
        """(n,): the constant 1, times the roots of the weights."""
        Z = self.white.features
        return np.asarray(Z @ self.white.factor[:, -1]) if self.weighted else np.ones(len(Z))

    def network(self, points: Array, U: Array, c: Array, W: Array) -> Network:
        """From hyperplanes (k, D) in white coordinates, and U, c and W in those of the labels; its
        rows v of unit length, units in their order."""
        rows, d = self.white.to_rows(points), self.net.n_inputs
        size = np.linalg.norm(rows[:, :d], axis=1)
        b = rows[:, d] / size if self.biased else None
        return Network(rows[:, :d] / size[:, None], U * size, b, c, self.net.activation, W)

    def found(self, fit: Fit, labels: Array) -> Network:
        """The network of a fit to labels (n, m) in its coordinates, units in their order."""
        m, d = len(self.root), self.net.n_inputs
        rest = labels - np.maximum(self.white.features @ fit.point.T, 0.0) @ fit.output
        other: Array = np.linalg.lstsq(self.nuisance, rest)[0].T.astype(np.float64)
        c, W = np.zeros(m), np.zeros((m, d))
        if self.skip:
            rows = self.white.to_rows(other)
            W, c = rows[:, :d], rows[:, d] if self.biased else c
        elif self.biased:
            c = other[:, 0] / np.sqrt((self.ones**2).mean())
        return self.network(fit.point, self.root @ fit.output.T, self.root @ c, self.root @ W)

    def white_labels(self, net: Network) -> Array:
        """(n, m), the labels of a network, in the coordinates of the fit."""
        hidden = self.white.features @ self.white.to_features(self.rows(net)).T
        labels = np.maximum(hidden, 0.0) @ net.U.T + self.ones[:, None] * net.c
        if self.skip:
            W = np.column_stack([net.W, np.zeros(len(net.W))])[:, : self.dimension]
            labels += self.white.features @ self.white.to_features(W).T
        return np.asarray(solve_triangular(self.root, labels.T, lower=True).T)


Refit = Callable[[np.random.Generator], tuple[Network, Array]]
"""A network fitted to simulated labels, its units in order, and their white hyperplanes (k, D)."""

Around = Sequence[Array]
"""For each further start, a root (k, D, D) of the covariance with which it lies around the first.
"""

Simulation = Callable[[Network, Array, Around], Refit]
"""Of the network that labels are made of, its hyperplanes (k, D), and what further starts lie
around them with."""


def calibrate(
    fitted: Fitted,
    spread: Spread,
    errors: Network,
    walds: Array,
    alike: list[tuple[int, int]],
    simulation: Simulation,
    *,
    firm: bool = False,
) -> Factors:
    """Root mean square error of simulated fits over the standard error, unit by unit.

    Parameters
    ----------
    fitted : the fit.
    spread, errors : the covariance and standard errors of its weights, of known patterns.
    walds : (k,), the Wald statistics of u = 0.
    alike : pairs of units that cannot be told apart.
    simulation : of labels, and fits to them.
    firm : whether no more than `FIRM` of the samples of a unit are next to its kink.

    The generator is fixed: the same fit has the same factors. Cost: `simulations` times `STARTS`
    fits of some 200 products O(n k (d + m)).
    """
    rng = np.random.default_rng(0)
    base = likely(fitted, walds, alike)
    start = unit_rows(fitted.white.to_features(fitted.rows(base)))
    sizes = np.linalg.norm(spread.model.A, axis=1)
    hyperplanes = [spread.of_hyperplane(j) / sizes[j] ** 2 for j in range(len(sizes))]
    root = AROUND * np.array([_root(covariance) for covariance in hyperplanes])
    around = [root] * (STARTS - 1) * (not firm)
    variances = np.array([np.trace(covariance) for covariance in hyperplanes])

    def linear(net: Network) -> Array:
        """What labels have been fitted by, besides the units."""
        if not fitted.skip:
            return net.c
        return np.column_stack([net.c, net.W]) if fitted.biased else net.W

    refit, squares = simulation(base, start, around), []
    for _ in range(fitted.simulations):
        found, points = refit(rng)
        if len(points) != len(start):  # labels of one value have no units, and tell nothing of them
            continue
        turned = ((points - start) ** 2).sum(axis=1)
        squares.append(
            (
                _ratio(turned, variances),
                _ratio((found.U - base.U) ** 2, errors.U**2).mean(axis=0),
                _ratio((linear(found) - linear(base)) ** 2, linear(errors) ** 2).mean(),
            )
        )
    if not squares:
        return Factors(np.ones(len(start)), np.ones(len(start)), 1.0)
    rows, columns, constant = (np.mean(part, axis=0) for part in zip(*squares, strict=True))
    # Few outputs tell little of u: one more is added, that errs as much as (v, b).
    m = base.n_outputs
    columns = (m * columns + rows) / (m + 1)
    constant = (m * constant + rows.mean()) / (m + 1)
    return Factors(
        np.sqrt(np.maximum(rows, 1.0)),
        np.sqrt(np.maximum(columns, 1.0)),
        float(np.sqrt(max(constant, 1.0))),
    )


def least_squares(fitted: Fitted, noise: Array, residual: Array | None = None) -> Simulation:
    """Fits by least squares to labels with noise of a covariance (m, m), in the coordinates of the
    fit; or with that of the `residual` (n, m), where it may differ between samples."""
    root = _root(noise)

    def simulation(base: Network, start: Array, around: Around) -> Refit:
        labels = fitted.white_labels(base)

        def refit(rng: np.random.Generator) -> tuple[Network, Array]:
            if residual is None:
                change = rng.standard_normal(labels.shape) @ root.T
            else:
                change = residual * rng.choice([-1.0, 1.0], (len(residual), 1))
            fit = _refitted(fitted, start, around, labels + change, rng)
            return fitted.found(fit, labels + change), fit.point

        return refit

    return simulation


def likely(fitted: Fitted, walds: Array, alike: list[tuple[int, int]]) -> Network:
    """What the labels may have been made of: units as strong as they probably are, and where two
    cannot be told apart, one in place of the first, and one without output weights.

    The first unit of a pair is the stronger one. Where both are active labels are linear, by
    u₁v₁ᵀ + u₂v₂ᵀ: the one unit is the matrix of rank one that is nearest to that.
    """
    net = fitted.net
    strength = shrinkage(walds, net.n_outputs, fitted.dimension)
    points, U = fitted.white.to_features(fitted.rows(net)), net.U * strength
    for i, j in alike:
        left, sizes, right = np.linalg.svd(net.U[:, [i, j]] @ points[[i, j]], full_matrices=False)
        side = 1.0 if right[0] @ points[i] >= 0 else -1.0
        points[i], U[:, i], U[:, j] = side * right[0], side * sizes[0] * left[:, 0], 0.0
    return fitted.network(points, U, net.c, net.W)


def shrinkage(walds: Array, m: int, dimension: int) -> Array:
    """How much of its strength a unit is likely to have without the noise that it was fitted to.

    To the labels that are left for it, a unit is about a matrix of rank one, of m outputs by D
    inputs, sought in noise. One of square θ² (in noise variances) is found with a square of

        y = (θ² + m) (θ² + D) / θ²  ≥  (√m + √D)²,

    the latter also where nothing is (Benaych-Georges and Nadakuditi 2012). The kink adds choice,
    as if there were more inputs: so many that the latter is `unit_edge`, below which no unit counts
    as there. The Wald statistic stands for y; returns θ / √y.

    >>> shrinkage(np.array([10.0, 100.0, 1e9]), 1, 16).round(2).tolist()
    [0.0, 0.76, 1.0]
    """
    y = np.minimum(walds, 1e12)  # beyond, also infinity, nothing is to be taken off
    inputs = (np.sqrt(unit_edge(dimension, m)) - np.sqrt(m)) ** 2
    spare = y - m - inputs
    inner = np.sqrt(np.maximum(spare**2 - 4.0 * m * inputs, 0.0))
    there = spare > 2 * np.sqrt(m * inputs)
    return np.asarray(np.sqrt(np.where(there, 0.5 * (spare + inner), 0.0) / np.maximum(y, 1.0)))


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _refitted(
    fitted: Fitted, start: Array, around: Around, labels: Array, rng: np.random.Generator
) -> Fit:
    """The best of the fits, hyperplanes in the order of `start` (k, D)."""
    features = fitted.white.features
    model = Separable(features, labels, fitted.nuisance)
    fits = [_settled(model, start)]
    fits += [_settled(model, points) for points in others(start, around, rng)]
    return min(fits, key=lambda fit: fit.cost)


def others(start: Array, around: Around, rng: np.random.Generator) -> Iterator[Array]:
    """Hyperplanes around those of the start, for further fits."""
    for root in around:
        off = root @ rng.standard_normal((*start.shape, 1))
        yield unit_rows(start + off[:, :, 0])


def _settled(model: Separable, points: Array) -> Fit:
    entries: int = model.target.size

    def enough(norms: list[float]) -> bool:
        gained = norms[-4] ** 2 - norms[-1] ** 2 if len(norms) > 3 else np.inf
        return gained < SETTLED * norms[-1] ** 2 / entries

    fit, _ = minimise(model, model.evaluate(points), size=model.size, steps=STEPS, enough=enough)
    return fit


def _ratio(squares: Array, variances: Array) -> Array:
    """Squared errors over variances, one where there is none."""
    return np.where(variances > 0, squares / divisors(variances), 1.0)
