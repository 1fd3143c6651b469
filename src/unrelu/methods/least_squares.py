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
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unrelu.activations import RELU, Activation, ReLU
from unrelu.methods.candidate import Candidate
from unrelu.methods.kinks import Fit, unit_rows
from unrelu.methods.linear_term import affine
from unrelu.methods.moment_start import moment_start, tame
from unrelu.methods.noise_metric import (
    FULL,
    SHARED,
    affine_residual,
    noise_covariance,
    whitener,
)
from unrelu.methods.orientation import orient
from unrelu.methods.problem import Problem, choose_rows, resolution
from unrelu.methods.selection import (
    SETTLED,
    Effort,
    any_unit,
    bar,
    noise_variance,
    preferable,
    reduce,
    revise,
    settle,
)
from unrelu.network import Network
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.result import Noise, Width
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]

log = logging.getLogger(__name__)

OVERWIDE = 1.3
"""As in `hyperplanes`; and two units more, for very few."""

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

DISAGREED = (
    "no two searches ended in the same place, so other networks, of as many units or not, may do "
    "as well"
)


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
) -> Network:
    """A network of `n_units` units, or of as many as stand out of the noise, from no knowledge.

    Looks at a part of many samples, with outputs made white by what an over-wide fit leaves. A
    network that is `near` already is the only start. `skip`: a linear term stays.
    """
    taken = samples.take(choose_rows(samples, search_rows(samples, n_units or FIRST_WIDTH), rng))
    taken, centre = _centred(taken, bias)
    metric = np.diag(1 / affine_residual(taken, bias))
    problem = Problem(taken, np.arange(taken.n), bias, metric, skip, activation)
    if samples.m > 1:
        metric = metric @ _white_outputs(problem, n_units, rng, effort)
        problem = Problem(taken, np.arange(taken.n), bias, metric, skip, activation)
    start = None
    if near is not None and near.n_units >= (n_units or 1):
        start = problem.points(near.V, near.b)
    if start is None:
        fit = _best_of_starts(problem, n_units, rng, effort, most_starts)
    else:
        effort.starts += 1
        fit = settle(problem, problem.strict, start, effort)
        if n_units is not None:
            fit = reduce(problem, problem.strict, fit, effort, price=np.inf, least=n_units)
        fit = revise(problem, fit, n_units, rng, effort)
    return _moved(problem.network(*problem.hyperplanes(fit.point)), centre)


def finish(
    net: Network,
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    effort: Effort,
    skip: bool = False,
) -> Candidate:
    """The least-squares network near one that has (nearly) every unit: on all samples (or as many
    as memory holds), in the metric of the noise covariance, units weighed against it once more.
    Without any unit where none stands out of the noise.
    """
    rows = choose_rows(samples, most_rows(samples, net.n_units), rng)
    taken = samples.take(rows)
    least = resolution(taken)
    taken, centre = _centred(taken, bias)
    net = _moved(net, -centre)
    for _ in range(2):  # what a rough network leaves is not only noise
        metric = whitener(noise_covariance(taken.left(net(taken.X)), net, bias, least))
        problem = Problem(taken, np.arange(taken.n), bias, metric, skip, net.activation)
        fit = settle(problem, problem.strict, problem.points(net.V, net.b), effort)
        net = problem.network(*problem.hyperplanes(fit.point))
    fit = revise(problem, fit, n_units, rng, effort)
    net = problem.network(*problem.hyperplanes(fit.point))
    if n_units is None and not any_unit(problem, fit, effort):
        net = without_units(taken, bias, skip, net.activation)
    edge = bar(problem, effort)
    widths = tuple(Width(k, gain, edge) for k, gain in sorted(effort.gains.items()))
    covariance = noise_covariance(taken.left(net(taken.X)), net, bias, least)
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(rows)}
    noise = Noise("gaussian", "", covariance, widths)
    note = "" if effort.agreed else DISAGREED
    return Candidate(_moved(net, centre), rows, stats, note, noise)


def without_units(samples: Samples, bias: bool, skip: bool, activation: Activation) -> Network:
    """What is left without any unit: c and, with a skip connection, W."""
    if skip:
        return affine(samples, bias)
    c = np.average(samples.Y, axis=0, weights=samples.weights) if bias else None
    nothing = np.zeros((0, samples.d)), np.zeros((samples.m, 0))
    return Network(*nothing, c=c, activation=activation)


def _centred(samples: Samples, bias: bool) -> tuple[Samples, Array]:
    """With output biases, labels about their mean, and that mean: of an output far from zero, or
    a constant one, the noise would be lost in the rounding of a product. A copy."""
    centre = samples.Y.mean(axis=0) if bias else np.zeros(samples.m)
    return replace(samples, Y=samples.Y - centre), centre


def _moved(net: Network, by: Array) -> Network:
    return Network(net.V, net.U, net.b, net.c + by, net.activation, net.W) if by.any() else net


def search_rows(samples: Samples, width: int) -> int:
    """Rows for the search: all up to 10,000, or SEARCHED equations to an unknown."""
    per_row = samples.m / (width * (samples.d + 1 + samples.m))
    return min(most_rows(samples, width), max(10_000, math.ceil(SEARCHED / per_row)))


def most_rows(samples: Samples, width: int) -> int:
    """Rows that a fit of some width can hold."""
    return int(MOST_ENTRIES / (samples.d + samples.m + 2 * width))


def _white_outputs(
    problem: Problem, n_units: int | None, rng: np.random.Generator, effort: Effort
) -> Array:
    """(m, m), to multiply labels with. Of noise that outputs share, one unit explains far more
    than its variance in the mean."""
    n, m = problem.Y.shape
    wide = _overwide(problem, n_units or FIRST_WIDTH)
    points = _random(problem, wide, rng)
    fit = settle(problem, problem.loose, points, effort, steps=60, share=1.0)
    spare = n - wide * (1 + points.shape[1] / m) - points.shape[1]
    if spare < FULL * m:
        return np.eye(m)
    covariance = fit.residual.T @ fit.residual / spare
    covariance[np.diag_indices(m)] += SHARED**2  # of size 1 is what is not affine
    return whitener(covariance)


def _overwide(problem: Problem, width: int) -> int:
    """Units of a first fit."""
    n, m = problem.Y.shape
    most = max(1, int(n * m / (LABELS_PER_UNKNOWN * (problem.loose.features.shape[1] + m))))
    return min(most, math.ceil(OVERWIDE * width) + 2)


def _best_of_starts(
    problem: Problem,
    n_units: int | None,
    rng: np.random.Generator,
    effort: Effort,
    most_starts: int,
) -> Fit:
    """Descents from moments and from random hyperplanes, until two agree on the best."""
    best: Fit | None = None
    agree, width = 0, n_units
    before, patience = effort.operations, PATIENCE
    effort.agreed = False
    for attempt in range(most_starts):
        start = _moments(problem, width, rng) if attempt == (n_units is None) else None
        effort.starts += 1
        if start is None:
            fit = _from_random(problem, width, rng, effort, free=n_units is None)
        else:
            fit = settle(problem, problem.strict, start, effort)
        fit = revise(problem, fit, n_units, rng, effort)
        log.info("start %d: %d units, %.4e", attempt, fit.width, problem.strict.relative(fit))
        if n_units is None:
            width = max(fit.width, width or 0)
        tolerance = 0.25 * bar(problem, effort) * noise_variance(problem, problem.strict, fit)
        same = best is not None and fit.width == best.width
        same = same and best is not None and abs(best.cost - fit.cost) < tolerance
        if best is None or preferable(problem, fit, best, effort):
            best, agree = fit, agree + 1 if same else 1
        else:
            agree += same
        effort.agreed = agree >= AGREE or problem.strict.relative(best) <= 10 * problem.floor
        if effort.agreed:
            break
        spent = effort.operations - before
        if attempt == 0:
            patience = max(3 * spent, PATIENCE)
        if n_units is None and spent > patience:
            break
    assert best is not None, "there is at least one start"
    return best


def _moments(problem: Problem, width: int | None, rng: np.random.Generator) -> Array | None:
    """Hyperplanes by the method of moments, which two outputs and a few samples to each entry of
    a covariance matrix make worth while; a random one for each unit that they do not give."""
    (n, d), m = problem.X.shape, problem.Y.shape[1]
    activation = problem.activation
    if width is None or m < 2 or width > d or n < MOMENTS_FROM * d or problem.weighted:
        return None
    if activation.degree is None and not tame(activation):
        return None
    V, b = moment_start(
        problem.X, problem.Y, width, bias=problem.bias, rng=rng, activation=activation
    )
    points = problem.points_of_scaled(V, b)
    points = np.vstack([points, _random(problem, width - len(points), rng)])
    if activation.degree is None:
        fits = [problem.strict.start(scale * points) for scale in SCALES]
        points = min(fits, key=lambda fit: fit.cost).point
    return points


def _random(problem: Problem, count: int, rng: np.random.Generator) -> Array:
    """Hyperplanes of random directions; where lengths matter, such that z has size 1."""
    points = rng.standard_normal((count, problem.loose.features.shape[1]))
    return points if problem.activation.degree is not None else unit_rows(points)


def _from_random(
    problem: Problem, width: int | None, rng: np.random.Generator, effort: Effort, *, free: bool
) -> Fit:
    """From random hyperplanes to a network: over-wide with an affine term, reduced, turned."""
    model = problem.loose
    n, m = problem.Y.shape
    dimension = model.features.shape[1]
    most = max(1, int(n * m / (LABELS_PER_UNKNOWN * (dimension + m))))
    wide = _overwide(problem, width or FIRST_WIDTH)
    points, variance = _random(problem, wide, rng), np.inf
    while True:
        fit = settle(problem, model, points, effort, steps=60, share=1.0 if free else SETTLED)
        if not free:
            fit = reduce(problem, model, fit, effort, price=np.inf, least=width or 1)
            break
        fit = reduce(problem, model, fit, effort, price=bar(problem, effort), least=1)
        before, variance = variance, noise_variance(problem, model, fit)
        if OVERWIDE * fit.width + 2 <= wide or wide == most or variance > WORTH * before:
            break
        if dependence(fit.residual, model.features) <= DEPENDENT:
            break
        wide = min(most, 2 * wide)
        points = np.vstack([fit.point, _random(problem, wide - fit.width, rng)])
    points = fit.point if problem.skip else _turned(problem, fit)
    return settle(problem, problem.strict, points, effort)


def _turned(problem: Problem, fit: Fit) -> Array:
    """Hyperplanes of the strict model: each unit on the side that explains the affine term, then
    on the better side, one after the other, until none changes."""
    best = fit
    if isinstance(problem.activation, ReLU):
        V, b = problem.hyperplanes(fit.point)
        U, W, _ = problem.weights(V, b, affine=True)
        turned = orient(V, b, U, W)
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
