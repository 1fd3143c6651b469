"""The efficient estimator: least squares at the right number of units, from no knowledge.

With noise, the network sought is the minimum of ‖Y − f(XVᵀ + b)Uᵀ − c‖² (in the metric of the
noise), and there is no rounding level to tell it from other minima. The search is that of
`hyperplanes`, an over-wide fit with a free affine term that is then reduced, with noise in the
place of rounding:

- a unit stays while it explains more than the best of all units would explain of noise alone
  (`unit_edge`);
- the affine term goes, the units turned so that they explain it;
- without it, units are dropped and new ones tried, until neither helps;
- several starts, until two of the best agree.

For an activation other than the ReLU an affine term frees no unit of its side, so the fit goes
without one from the start. Where f is smooth, there are fewer minima to end in.

Least squares attains the Cramér–Rao bound for Gaussian noise and is consistent for any noise of
finite variance that does not depend on X. Assumes nothing of the law of X.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.orientation import orient
from unrelu.fitting.problem import Problem, centred_labels, choose_rows, shifted
from unrelu.fitting.selection import (
    SETTLED,
    Effort,
    noise_variance,
    preferable,
    reduce,
    revise,
    settle,
    unit_threshold,
)
from unrelu.fitting.variable_projection import Fit
from unrelu.network import Network
from unrelu.noise.gaussian import FULL, SHARED, affine_residual, whitener
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.samples import Samples
from unrelu.search.moment_start import moment_start
from unrelu.search.widths import OVERWIDE

log = logging.getLogger(__name__)

Keep = Callable[[int, float, Callable[[], Network]], None]
"""Units, relative residual, and the network, made when it is asked for."""

MOST_ENTRIES = 1e8
"""Numbers (rows times inputs, outputs and units) that a fit holds at once, some 800 MB."""

SEARCHED = 60
"""Equations to an unknown in a search: what more samples add is found in the last steps, from
all of them."""

AGREE = 2
"""Starts that must end in the best minimum."""

MOST_STARTS = 12
"""Starts after which the best is taken as it is."""

PATIENCE = 5e10
"""Operations that may go into starts, or three times those of the first, while their number of
units is open: some ten seconds. Labels that no small network has made ask for ever more."""

LABELS_PER_UNKNOWN = 3
"""Labels to an unknown in the widest fit of a search: with fewer, noise is all that it fits."""

FIRST_WIDTH = 8
"""Units looked for first when their number is not known; twice as many while too few are left
over."""

WORTH = 0.9
"""Share to which twice the width must bring the noise variance to be worth doubling again: what
few units are still missing then are found one by one."""

SCALES = 0.25, 0.5, 1.0, 2.0
"""Sizes of z that are tried where lengths of hidden weights matter, which moments do not tell."""

MOMENTS_FROM = 20
"""Samples to an input from which second moments are worth looking at."""


def search(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    effort: Effort,
    near: Network | None = None,
    most_starts: int = MOST_STARTS,
    skip: bool = False,
    activation: Activation = RELU,
    keep: Keep = lambda *_: None,
) -> Network:
    """A network of `n_units` units, or of as many as stand out of the noise, from no knowledge.

    Looks at a part of many samples, with outputs made white by what an over-wide fit leaves. A
    network that is `near` already is the only start. `skip`: a linear term stays. `keep` is told of
    the best fit so far.
    """
    taken = samples.take(choose_rows(samples, search_rows(samples, n_units or FIRST_WIDTH), rng))
    taken, centre = centred_labels(taken, bias)
    metric = np.diag(1 / affine_residual(taken, bias))
    problem = Problem(taken, np.arange(taken.n), bias, metric, skip, activation)

    def network(problem: Problem, fit: Fit) -> Network:
        return shifted(problem.network(*problem.hyperplanes(fit.point)), centre)

    def found(problem: Problem, fit: Fit) -> None:
        keep(fit.width, problem.strict.relative(fit), lambda: network(problem, fit))

    if near is not None and near.n_units >= (n_units or 1):
        start = problem.points(near.V, near.b)
        fit = settle(problem, problem.strict, start, effort)
        problem = _whitened(problem, taken, fit)
        effort.starts += 1
        fit = settle(problem, problem.strict, fit.point, effort)
        if n_units is not None:
            fit = reduce(problem, problem.strict, fit, effort, price=np.inf, least=n_units)
        fits = [revise(problem, fit, n_units, rng, effort)]
    else:
        problem, wide = _grown(problem, taken, n_units, rng, effort)
        found(problem, wide)
        fits = _best_of_starts(problem, wide, n_units, rng, effort, most_starts, found)
    best, *others = (network(problem, fit) for fit in fits)
    effort.others = tuple(others)
    return best


def search_rows(samples: Samples, width: int) -> int:
    """Rows for the search: all up to 10,000, or SEARCHED equations to an unknown."""
    per_row = samples.m / (width * (samples.d + 1 + samples.m))
    return min(most_rows(samples, width), max(10_000, math.ceil(SEARCHED / per_row)))


def most_width(samples: Samples, bias: bool) -> int:
    """Units of the widest fit, by the labels of distinct inputs."""
    distinct = len(np.unique(np.asarray(samples.X), axis=0))
    return max(1, distinct * samples.m // (LABELS_PER_UNKNOWN * (samples.d + bias + samples.m)))


def most_rows(samples: Samples, width: int) -> int:
    """Rows that a fit of some width can hold."""
    return int(MOST_ENTRIES / (samples.d + samples.m + 2 * width))


def _grown(
    problem: Problem, taken: Samples, n_units: int | None, rng: np.random.Generator, effort: Effort
) -> tuple[Problem, Fit]:
    """A fit with a free affine term, wide enough, and the problem in the metric of what it leaves.

    Of noise that outputs share, one unit explains far more than its variance in the mean; and
    where a fit is too narrow, what it leaves is no noise. So the metric is renewed at each width.
    """
    wide = _overwide(problem, n_units or FIRST_WIDTH)
    points, variance = _random(problem, wide, rng), np.inf
    while True:
        fit = settle(problem, problem.loose, points, effort, steps=60, share=1.0)
        whitened = _whitened(problem, taken, fit)
        if whitened is not problem:
            problem = whitened
            fit = settle(problem, problem.loose, fit.point, effort, steps=60, share=1.0)
        if n_units is not None:
            return problem, fit
        price = unit_threshold(problem, effort)
        fit = reduce(problem, problem.loose, fit, effort, price=price, least=1)
        left = float(np.trace(problem.to_labels(fit.residual.T @ fit.residual)))
        before, variance = variance, left / max(1, fit.residual.size - fit.point.size)
        enough = OVERWIDE * fit.width + 2 <= wide or variance > WORTH * before
        enough = enough or wide == _most_width(problem)
        if enough or dependence(fit.residual, problem.loose.features) <= DEPENDENT:
            return problem, fit
        wide = min(_most_width(problem), 2 * wide)
        points = np.vstack([fit.point, _random(problem, wide - fit.width, rng)])


def _whitened(problem: Problem, taken: Samples, fit: Fit) -> Problem:
    """The problem in the metric in which what is left has the same size in all directions; itself
    where it has one output, or too few samples to tell."""
    (n, m), D = problem.Y.shape, fit.point.shape[1]
    spare = n - fit.width * (1 + D / m) - D
    if m == 1 or spare < FULL * m:
        return problem
    covariance = problem.to_labels(fit.residual.T @ fit.residual / spare)
    sizes = affine_residual(taken, problem.bias)  # of size SHARED at least: the search's own
    covariance[np.diag_indices(m)] += (SHARED * sizes) ** 2
    rows, metric = np.arange(taken.n), whitener(covariance)
    return Problem(taken, rows, problem.bias, metric, problem.skip, problem.activation)


def _most_width(problem: Problem) -> int:
    """Units of the widest fit."""
    n, m = problem.Y.shape
    return max(1, int(n * m / (LABELS_PER_UNKNOWN * (problem.loose.features.shape[1] + m))))


def _overwide(problem: Problem, width: int) -> int:
    """Units of a first fit; two more than elsewhere, for very few."""
    return min(_most_width(problem), math.ceil(OVERWIDE * width) + 2)


def _best_of_starts(
    problem: Problem,
    wide: Fit,
    n_units: int | None,
    rng: np.random.Generator,
    effort: Effort,
    most_starts: int,
    found: Callable[[Problem, Fit], None],
) -> list[Fit]:
    """The best first of descents from a fit that is wide enough, from moments and from random
    hyperplanes, until two agree on the best."""
    fits: list[Fit] = []
    best: Fit | None = None
    agree, width = 0, n_units or wide.width
    before, patience = effort.operations, PATIENCE
    effort.agreed = False
    for attempt in range(most_starts):
        start = _moments(problem, width, rng) if attempt == (n_units is None) else None
        effort.starts += 1
        if start is not None:
            fit = settle(problem, problem.strict, start, effort)
        else:
            fit = wide if attempt == 0 else _from_random(problem, width, rng, effort)
            fit = _reduced(problem, fit, n_units, effort)
        fit = revise(problem, fit, n_units, rng, effort)
        fits.append(fit)
        log.info("start %d: %d units, %.4e", attempt, fit.width, problem.strict.relative(fit))
        if n_units is None:
            width = fit.width if attempt == 0 else max(fit.width, width)
        tolerance = (
            0.25 * unit_threshold(problem, effort) * noise_variance(problem, problem.strict, fit)
        )
        same = best is not None and fit.width == best.width
        same = same and best is not None and abs(best.cost - fit.cost) < tolerance
        better = best is None or preferable(problem, fit, best, effort)
        agree = 1 if better and not same else agree + same
        best = fit if best is None or better else best
        found(problem, best)
        effort.agreed = agree >= AGREE or problem.strict.relative(best) <= 10 * problem.floor
        if effort.agreed:
            break
        spent = effort.operations - before
        if attempt == 0:
            patience = max(3 * spent, PATIENCE)
        if n_units is None and spent > patience:
            break
    assert best is not None, "there is at least one start"
    return [best, *(fit for fit in fits if fit is not best)]


def _moments(problem: Problem, width: int, rng: np.random.Generator) -> Array | None:
    """Hyperplanes by the method of moments, which two outputs and a few samples to each entry of
    a covariance matrix make worth while; a random one for each unit that they do not give."""
    (n, d), m = problem.X.shape, problem.Y.shape[1]
    activation = problem.activation
    enough = m > 1 and width <= d and n >= MOMENTS_FROM * d
    if not enough or problem.weighted or not activation.has_variance:
        return None
    V, b = moment_start(
        problem.X, problem.Y, width, bias=problem.bias, rng=rng, activation=activation
    )
    points = problem.points(V / problem.scale, b)
    points = np.vstack([points, _random(problem, width - len(points), rng)])
    if not activation.homogeneous:
        fits = [problem.strict.start(scale * points) for scale in SCALES]
        points = min(fits, key=lambda fit: fit.cost).point
    return points


def _random(problem: Problem, count: int, rng: np.random.Generator) -> Array:
    """Hyperplanes of random directions; where lengths matter, such that z has size 1."""
    points = rng.standard_normal((count, problem.loose.features.shape[1]))
    return points if problem.activation.homogeneous else unit_rows(points)


def _from_random(problem: Problem, width: int, rng: np.random.Generator, effort: Effort) -> Fit:
    """A fit with a free affine term, over-wide, from random hyperplanes."""
    points = _random(problem, _overwide(problem, width), rng)
    return settle(problem, problem.loose, points, effort, steps=60, share=1.0)


def _reduced(problem: Problem, fit: Fit, n_units: int | None, effort: Effort) -> Fit:
    """From an over-wide fit with a free affine term to a network."""
    given = n_units is not None
    price = np.inf if given else unit_threshold(problem, effort)
    fit = settle(problem, problem.loose, fit.point, effort, share=SETTLED if given else 1.0)
    fit = reduce(problem, problem.loose, fit, effort, price=price, least=n_units or 1)
    points = fit.point if problem.skip else _turned(problem, fit)
    return settle(problem, problem.strict, points, effort)


def _turned(problem: Problem, fit: Fit) -> Array:
    """Hyperplanes of the strict model: each unit on the side that explains the affine term, then
    on the better side, one after the other, until none changes."""
    best = fit
    if problem.activation.reversible:
        V, b = problem.hyperplanes(fit.point)
        U, W, _ = problem.weights(V, b, affine=True)
        turned = orient(V, b, U, W, problem.loose.relative(fit))
        best = problem.strict.evaluate(problem.points(turned.V[: len(V)], turned.b[: len(V)]))
    better = True
    while better:
        better = False
        for j in range(best.width):
            points = best.point.copy()
            points[j] = -points[j]
            other = problem.strict.evaluate(points)
            if other.cost < (1 - 1e-9) * best.cost:
                best, better = other, True
    return best.point
