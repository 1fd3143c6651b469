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

Least squares attains the Cramér–Rao bound for Gaussian noise and is consistent for any noise of
finite variance that does not depend on X. Assumes nothing of the law of X.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unrelu.methods.candidate import Candidate
from unrelu.methods.kinks import Fit, Kinks, unit_rows
from unrelu.methods.moment_start import moment_start
from unrelu.methods.orientation import orient
from unrelu.methods.problem import Problem, choose_rows, resolution, with_constant
from unrelu.network import Network
from unrelu.numerics.dependence import DEPENDENT, dependence
from unrelu.numerics.levenberg import minimise
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

MOMENTS_FROM = 20
"""Samples to an input from which second moments are worth looking at."""

DISAGREED = (
    "no two searches ended in the same place, so other networks, of as many units or not, may do "
    "as well"
)

TRIES = 3
"""Random new units that must fail to help before a width is left at that."""

SETTLED = 0.01
"""Three steps that together lower the cost by less than this, in units of the variance of the
noise, end a descent: a standard error would be visible at 1."""


@dataclass
class Effort:
    """What a search has cost so far (starts, and multiply-adds), and what each width has shown:
    how much the fit gains by the least of so many units. `caution`: a unit counts from so many
    times `unit_edge` on. `agreed`: whether two starts ended in the best minimum."""

    caution: float = 1.0
    starts: int = 0
    operations: float = 0.0
    agreed: bool = True
    gains: dict[int, float] = field(default_factory=dict)


def search(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    effort: Effort,
    near: Network | None = None,
    most_starts: int = MOST_STARTS,
) -> Network:
    """A network of `n_units` units, or of as many as stand out of the noise, from no knowledge.

    Looks at a part of many samples, with every output at its own noise level. A network that is
    `near` already is the only start.
    """
    taken = samples.take(choose_rows(samples, search_rows(samples, n_units or FIRST_WIDTH), rng))
    taken, centre = _centred(taken, bias)
    metric = np.diag(1 / _affine_residual(taken, bias))
    problem = Problem(taken, np.arange(taken.n), bias, metric)
    start = None
    if near is not None and near.n_units >= (n_units or 1):
        start = problem.points(near.V, near.b)
    if start is None:
        fit = _best_of_starts(problem, n_units, rng, effort, most_starts)
    else:
        effort.starts += 1
        fit = _settle(problem, problem.strict, start, effort)
        if n_units is not None:
            fit = _reduce(problem, problem.strict, fit, effort, bar=np.inf, least=n_units)
        fit = _revise(problem, fit, n_units, rng, effort)
    return _moved(problem.network(*problem.hyperplanes(fit.point)), centre)


def finish(
    net: Network,
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    rng: np.random.Generator,
    effort: Effort,
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
        metric = whitener(noise_covariance(taken.Y - net(taken.X), net, bias, least))
        problem = Problem(taken, np.arange(taken.n), bias, metric)
        fit = _settle(problem, problem.strict, problem.points(net.V, net.b), effort)
        net = problem.network(*problem.hyperplanes(fit.point))
    fit = _revise(problem, fit, n_units, rng, effort)
    net = problem.network(*problem.hyperplanes(fit.point))
    if n_units is None and not _any_unit(problem, fit, effort):
        c = taken.Y.mean(axis=0) if bias else np.zeros(samples.m)
        net = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0)), c=c)
    edge = _edge(problem, effort)
    widths = tuple(Width(k, gain, edge) for k, gain in sorted(effort.gains.items()))
    covariance = noise_covariance(taken.Y - net(taken.X), net, bias, least)
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(rows)}
    noise = Noise("gaussian", "", covariance, widths)
    note = "" if effort.agreed else DISAGREED
    return Candidate(_moved(net, centre), rows, stats, note, noise)


def _centred(samples: Samples, bias: bool) -> tuple[Samples, Array]:
    """With output biases, labels about their mean, and that mean: of an output far from zero, or
    a constant one, the noise would be lost in the rounding of a product. A copy."""
    centre = samples.Y.mean(axis=0) if bias else np.zeros(samples.m)
    return Samples(samples.X, samples.Y - centre, samples.eps), centre


def _moved(net: Network, by: Array) -> Network:
    return Network(net.V, net.U, net.b, net.c + by) if by.any() else net


def search_rows(samples: Samples, width: int) -> int:
    """Rows for the search: all up to 10,000, or SEARCHED equations to an unknown."""
    per_row = samples.m / (width * (samples.d + 1 + samples.m))
    return min(most_rows(samples, width), max(10_000, math.ceil(SEARCHED / per_row)))


def most_rows(samples: Samples, width: int) -> int:
    """Rows that a fit of some width can hold."""
    return int(MOST_ENTRIES / (samples.d + samples.m + 2 * width))


def noise_covariance(residual: Array, net: Network, bias: bool, least: Array) -> Array:
    """(m, m), of the noise in one sample. Diagonal, unless there are ten samples to an output.
    `least` (m,) are the smallest standard deviations that an output is credited with."""
    n, m = residual.shape
    freedom = max(1.0, n - unknowns(net.n_units, net.n_inputs, m, bias) / m)
    covariance = residual.T @ residual / freedom
    if freedom < 10 * m:
        covariance = np.diag(np.diag(covariance))
    variances = np.diag(covariance)
    raised = np.maximum(variances, least**2)
    # Outputs may share all of their noise; the ridge is what rounding leaves of zero.
    ridge = m * np.finfo(np.float64).eps * raised
    return np.asarray(covariance + np.diag(raised - variances + ridge))


def whitener(covariance: Array) -> Array:
    """M with Mᵀ Ω M = I, whatever the units of the outputs; combinations of outputs without noise
    count as if they had its rounding."""
    sizes = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(sizes, sizes))
    floor = len(values) * np.finfo(np.float64).eps * float(values.max())
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor)) / sizes[:, None])


def _affine_residual(samples: Samples, bias: bool) -> Array:
    """Size of what no affine function explains of each output."""
    design = with_constant(samples.X) if bias else samples.X
    residual = samples.Y - design @ np.linalg.lstsq(design, samples.Y)[0]
    size = np.sqrt((residual**2).mean(axis=0))
    spread = np.sqrt((samples.Y**2).mean(axis=0))
    # An output that is affine has nothing to tell: its rounding should not be looked at.
    size = np.where(size > samples.eps**0.75 * spread, size, spread)
    return np.asarray(np.where(size > 0, size, 1.0))


def unknowns(k: int, d: int, m: int, bias: bool) -> int:
    """Free weights of a network: the scale of each unit is none."""
    return k * (d + bias + m - 1) + m * bias


def unit_edge(dimension: int, m: int) -> float:
    """How much the best of all units explains of noise alone, in units of its variance.

    For a random linear function of D inputs instead of a unit it is the square of the largest
    singular value of an m × D Gaussian matrix, (√m + √D)². The kink of a unit adds choice:
    measured (benchmarks/unit_edge.py), the best of 60 noises stays below (√m + 1.3 √D + 1)². The
    rest is for what a fit gains besides, by moving to a minimum nearby: with 1.35 in the place of
    1.6, units that are not there were counted in a tenth of the fits.
    """
    return float((math.sqrt(m) + 1.6 * math.sqrt(dimension) + 1) ** 2)


def _variance(problem: Problem, model: Kinks, fit: Fit) -> float:
    """Of the noise, by what is left of a fit."""
    n, m = problem.Y.shape
    used = fit.width * (fit.point.shape[1] + m - 1) + m * model.nuisance.shape[1]
    floor = (problem.floor * model.size) ** 2
    return float(max(fit.cost, floor) / max(1, n * m - used))


def _edge(problem: Problem, effort: Effort) -> float:
    return effort.caution * unit_edge(problem.loose.features.shape[1], problem.Y.shape[1])


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
            fit = _settle(problem, problem.strict, start, effort)
        fit = _revise(problem, fit, n_units, rng, effort)
        log.info("start %d: %d units, %.4e", attempt, fit.width, problem.strict.relative(fit))
        if n_units is None:
            width = max(fit.width, width or 0)
        tolerance = 0.5 * _edge(problem, effort) * _variance(problem, problem.strict, fit)
        same = best is not None and fit.width == best.width
        same = same and best is not None and abs(best.cost - fit.cost) < tolerance
        if best is None or _preferable(problem, fit, best, effort):
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
    if width is None or m < 2 or width > d or n < MOMENTS_FROM * d:
        return None
    V, b = moment_start(problem.X, problem.Y, width, bias=problem.bias, rng=rng)
    points = problem.points_of_scaled(V, b)
    fresh = rng.standard_normal((width - len(points), problem.loose.features.shape[1]))
    return np.vstack([points, fresh])


def _preferable(problem: Problem, new: Fit, old: Fit, effort: Effort) -> bool:
    """Fewer units if the others do not stand out of the noise, else the lower cost."""
    variance = _variance(problem, problem.strict, min(new, old, key=lambda fit: fit.cost))
    edge = _edge(problem, effort) * variance
    return new.cost + edge * new.width < old.cost + edge * old.width


def _from_random(
    problem: Problem, width: int | None, rng: np.random.Generator, effort: Effort, *, free: bool
) -> Fit:
    """From random hyperplanes to a network: over-wide with an affine term, reduced, turned."""
    model = problem.loose
    n, m = problem.Y.shape
    dimension = model.features.shape[1]
    most = max(1, int(n * m / (LABELS_PER_UNKNOWN * (dimension + m))))
    wide = min(most, math.ceil(OVERWIDE * (width or FIRST_WIDTH)) + 2)
    points, variance = rng.standard_normal((wide, dimension)), np.inf
    while True:
        fit = _settle(problem, model, points, effort, steps=60, share=1.0 if free else SETTLED)
        if not free:
            fit = _reduce(problem, model, fit, effort, bar=np.inf, least=width or 1)
            break
        fit = _reduce(problem, model, fit, effort, bar=_edge(problem, effort), least=1)
        before, variance = variance, _variance(problem, model, fit)
        if OVERWIDE * fit.width + 2 <= wide or wide == most or variance > WORTH * before:
            break
        if dependence(fit.residual, model.features) <= DEPENDENT:
            break
        wide = min(most, 2 * wide)
        points = np.vstack([fit.point, rng.standard_normal((wide - fit.width, dimension))])
    return _settle(problem, problem.strict, _turned(problem, fit), effort)


def _reduce(
    problem: Problem, model: Kinks, fit: Fit, effort: Effort, *, bar: float, least: int
) -> Fit:
    """Drop the least important units while that costs less than `bar` times the noise variance
    each, down to `least` units: several at once where all of them seem idle."""
    variance = _variance(problem, model, fit)
    while fit.width > least:
        gains = (model.importance(fit) * model.size) ** 2 / variance
        order = np.argsort(gains)
        count = min(fit.width - least, max(1, int((gains.cumsum() < bar).sum()) // 2))
        while count:
            kept = np.delete(fit.point, order[:count], axis=0)
            trial = _settle(problem, model, kept, effort, steps=30)
            if trial.cost - fit.cost <= bar * variance * (1 if count == 1 else 0.5):
                break
            if count == 1 and model is problem.strict:
                effort.gains[fit.width] = (trial.cost - fit.cost) / variance
            count //= 2
        if not count:
            break
        fit = trial
    return fit


def _any_unit(problem: Problem, fit: Fit, effort: Effort) -> bool:
    """Does the only unit left stand out of the noise?"""
    if fit.width > 1:
        return True
    nothing = float(np.vdot(problem.strict.target, problem.strict.target))
    gain = (nothing - fit.cost) / _variance(problem, problem.strict, fit)
    effort.gains[1] = gain
    return gain > _edge(problem, effort)


def _turned(problem: Problem, fit: Fit) -> Array:
    """Hyperplanes of the strict model: each unit on the side that explains the affine term, then
    on the better side, one after the other, until none changes."""
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


def _revise(
    problem: Problem, fit: Fit, n_units: int | None, rng: np.random.Generator, effort: Effort
) -> Fit:
    """Drop units that do not stand out of the noise, try new ones, until neither helps. With the
    number of units given, a new one takes the place of the least important."""
    model, edge = problem.strict, _edge(problem, effort)
    dimension = fit.point.shape[1]
    failures = 0
    if n_units is None:
        fit = _reduce(problem, model, fit, effort, bar=edge, least=1)
    while failures < TRIES and model.relative(fit) > 10 * problem.floor:
        new = rng.standard_normal((1, dimension))
        wider = _settle(problem, model, np.vstack([fit.point, new]), effort, steps=40)
        if n_units is not None:
            wider = _reduce(problem, model, wider, effort, bar=np.inf, least=n_units)
        gain = (fit.cost - wider.cost) / _variance(problem, model, wider)
        if n_units is None:
            effort.gains[wider.width] = max(gain, effort.gains.get(wider.width, gain))
        if gain > (edge if n_units is None else 1.0):
            fit, failures = wider, 0
            if n_units is None:
                fit = _reduce(problem, model, fit, effort, bar=edge, least=1)
        else:
            failures += 1
    return fit


def _settle(
    problem: Problem,
    model: Kinks,
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

    start = model.evaluate(unit_rows(points))
    fit, trace = minimise(model, start, size=model.size, steps=steps, enough=enough)
    n, dimension = model.features.shape
    effort.operations += 4.0 * trace.products * n * len(points) * (dimension + problem.Y.shape[1])
    return fit
