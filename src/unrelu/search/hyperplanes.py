"""Hyperplanes first, orientation last: the general route, for any number of units and outputs.

A ReLU unit f(z) = z/2 + |z|/2 is a kink along a hyperplane plus an affine function, so with a
free affine term the orientation of a unit does not matter. That takes nearly all bad minima out
of the search:

1. fit an over-wide model with a free affine term from a random start (`variable_projection`);
2. reduce it (`reduction`): drop units by importance, until the residual is at rounding and none
   can go;
3. orient the units so that the affine term is explained by them (`orientation`);
4. take the last steps without the affine term.
With a skip connection the affine term is part of the network, and stays.

Applies to any samples. Cost: a few thousand products of O(n k (d + m)). What it wants from a
random start, measured: four to five equations (n m) per unknown (k (d + m)).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np

from unrelu.fitting.candidate import Candidate
from unrelu.fitting.orientation import Oriented, orient
from unrelu.fitting.problem import Missed, Problem, choose_rows
from unrelu.fitting.reduction import polish, reduce, search
from unrelu.fitting.variable_projection import Fit
from unrelu.formats.checkpoint import Step
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, unit_rows
from unrelu.numerics.devices import device_for
from unrelu.numerics.pieces import MOST_ROWS, bent_everywhere, pieces_without_noise
from unrelu.samples import Samples
from unrelu.search.exchanges import Exchanged, through_misfits
from unrelu.search.watch import watch
from unrelu.search.widths import OVERWIDE, Levels, Widths

log = logging.getLogger(__name__)

GROWTH = 1.5
"""Step from one width to the next while the number of units is unknown."""

REDUCIBLE = 1e-3
"""Relative residual from which on units are dropped: the hyperplanes that matter are then in
place to a few per cent, and what is left of the surplus shows as small importance."""

COARSE = 3e-5
"""Relative residual down to which single precision is good enough, a hundred of its roundings."""

COARSE_FROM = 3e7
"""Entries times width of a product from which on single precision saves time."""

PATIENCE = 3e10
"""Operations that may go into fresh starts after the first pass over the widths, when that pass
itself took fewer: a second or two."""

MOST_STARTS = 60
"""The same for problems so small that starts cost nothing."""

MOST_RESCUES = 4
"""Times that a reduced fit gets new hyperplanes without coming ten times closer."""

STUCK = 30
"""Starts up to which fresh ones of about the same width follow where fits get stuck, or leave what
looks like noise, though the labels have none."""

MOST_ROUNDS = 8
"""Times that a fit which is right on the rows in use is shown others on which it is wrong."""


@dataclass
class Effort:
    """What a search has cost so far: starts, and multiply-adds; and whether it ended because
    what was left looked like noise."""

    starts: int = 0
    operations: float = 0.0
    noise: bool = False


def find(
    samples: Samples,
    *,
    n_units: int | None,
    least: int,
    bias: bool,
    rng: np.random.Generator,
    missed: Missed,
    known: Network | None = None,
    noise: bool = False,
    most: int | None = None,
    skip: bool = False,
    patient: bool = False,
) -> Candidate:
    """Explain some rows; finish the network; add rows on which it is wrong, and again.

    `least` units are needed at least (the rank of the labels). `known` units, found by another
    method, take part in the start. `missed` finds the rows to add. With `noise`, a search that
    leaves what looks like noise is not pursued; more than `most` units are not looked for. With
    `skip` the affine term stays, and `least` is the rank of the labels beyond it. `patient`: starts
    go on until the deadline.
    """
    widths = Widths(samples, bias, n_units or max(3, least), min(least, samples.m), most)
    rows = np.arange(0)
    start = (np.zeros((0, samples.d)), np.zeros(0)) if known is None else (known.V, known.b)
    effort = Effort(noise=noise and not patient and _surely_noise(samples))
    for _ in range(MOST_ROUNDS):
        problem, fit = explain_rows(
            samples, rows, start, widths, bias, rng, effort, noise, skip, patient
        )
        net, note = finish(problem, fit)
        if problem.loose.relative(fit) > 10 * problem.floor:
            break
        more = np.setdiff1d(missed(net), problem.rows)
        if not len(more):
            break
        if len(more) > len(problem.rows):
            more = rng.choice(more, len(problem.rows), replace=False)
        rows, start = np.union1d(problem.rows, more), problem.hyperplanes(fit.point)
    stats = {"starts": effort.starts, "operations": effort.operations, "rows": len(problem.rows)}
    return Candidate(net, problem.rows, stats, note)


def fit_from(samples: Samples, rows: Index, V: Array, b: Array, bias: bool) -> tuple[Network, str]:
    """Steps 3 and 4 from hyperplanes that are about right: the network, and a note if needed."""
    problem = Problem(samples, rows, bias)
    return finish(problem, polish(problem.loose, problem.points(V, b), problem.floor))


def explain_rows(
    samples: Samples,
    rows: Index,
    start: tuple[Array, Array],
    widths: Widths,
    bias: bool,
    rng: np.random.Generator,
    effort: Effort,
    noise: bool,
    skip: bool = False,
    patient: bool = False,
) -> tuple[Problem, Fit]:
    """Steps 1 and 2 at growing widths, on the given rows and as many others as a width deserves,
    until a reduced fit is at rounding; else the best fit. Adds to `effort`.

    The most important hyperplanes of a stalled fit start the next, wider one. A reduced fit that is
    not at rounding has lost a unit, or never found it, and gets new random ones. At the width
    beyond which a fit would only interpolate, weak units are exchanged for random ones, as long as
    that helps now and then, and fresh starts follow; if it is `patient`, until the deadline.
    """
    width, target = widths.at_least(math.ceil(OVERWIDE * len(start[0]))), REDUCIBLE
    problem: Problem | None = None
    best: tuple[float, Problem, Fit] | None = None
    rescues, spent, first_pass = 0, 0.0, 0.0
    restart_width, levels, exchanged = 0, Levels(), Exchanged()
    for _ in count() if patient else range(1 if effort.noise else MOST_STARTS):
        if problem is None or len(rows) < widths.rows(width):
            rows = np.union1d(rows, choose_rows(samples, widths.rows(width), rng))
            problem = Problem(samples, rows, bias, skip=skip)
            rows = problem.rows
        about = best[2] if best is not None and best[1] is problem else None
        points = _joined(problem, start, width, exchanged.fit or about, rng)
        fit, reduced, operations = _remembered(problem, points, target, rng)
        relative = problem.loose.relative(fit)
        log.info("width %d, %d rows: %d units left, %.1e", width, len(rows), fit.width, relative)
        effort.starts += 1
        spent += operations
        rescues = rescues + 1 if reduced and best is not None and relative > 0.1 * best[0] else 0
        if best is None or relative < best[0]:
            best = relative, problem, fit
            watch().keep(fit.width, relative, "hyperplanes", partial(_as_it_is, problem, fit))
        if relative <= 10 * problem.floor:
            break
        stuck = rescues >= MOST_RESCUES
        flat, same = levels.add(problem, fit, width) if noise else (False, False)
        if (flat or same or stuck) and not (restart_width or patient):
            if noise and not pieces_without_noise(*_spread_samples(samples), samples.eps):
                effort.noise = same and not flat
                break
            restart_width = 2 * width
        if restart_width and (effort.starts >= STUCK or spent > PATIENCE / 10):
            effort.noise = noise
            break
        if not (reduced or restart_width) and (first_pass or width == widths.last):
            first_pass = first_pass or spent
            if spent > max(2 * first_pass, PATIENCE) and not patient:
                break
            if exchanged.helps(fit):
                start, target = problem.hyperplanes(exchanged.kept(problem, rng)), REDUCIBLE
                continue
        exchanged = Exchanged()
        restart_up_to = restart_width or patient * widths.last if stuck or not reduced else 0
        rescues = 0 if restart_up_to else rescues
        keep, width, target = _next_start(problem, fit, reduced, width, widths, restart_up_to, rng)
        start = problem.hyperplanes(keep)
    effort.operations += spent
    assert best is not None, "there is at least one start"
    return best[1:]


def _joined(
    problem: Problem,
    start: tuple[Array, Array],
    width: int,
    about: Fit | None,
    rng: np.random.Generator,
) -> Array:
    """Hyperplanes of a start, and random ones up to a width: those that join others lie where the
    fit `about` them leaves most, if there is one."""
    points = problem.points(*start)
    fresh = rng.standard_normal((max(0, width - len(points)), points.shape[1]))
    if len(points) and about is not None:
        fresh = through_misfits(problem, about, fresh, rng)
    return np.vstack([points, unit_rows(fresh)])


def _as_it_is(problem: Problem, fit: Fit) -> Candidate:
    """The network of a fit as it is, for a search that is ended."""
    V, b = problem.hyperplanes(fit.point)
    if not problem.skip:
        U, W, _ = problem.weights(V, b, affine=True)
        turned = orient(V, b, U, W, problem.loose.relative(fit))
        V, b = turned.V, turned.b
    return Candidate(problem.network(V, b), problem.rows, {"rows": len(problem.rows)})


def _remembered(
    problem: Problem, points: Array, target: float, rng: np.random.Generator
) -> tuple[Fit, bool, float]:
    """`_fit_and_reduce`, or what it led to before, where that is in a checkpoint."""

    def made() -> Step:
        fit, reduced, operations = _fit_and_reduce(problem, points, target)
        return {"point": fit.point, "reduced": np.array(reduced), "spent": np.array(operations)}

    step = watch().step("hyperplanes", rng, made)
    return problem.loose.evaluate(step["point"]), bool(step["reduced"]), float(step["spent"])


def _fit_and_reduce(problem: Problem, points: Array, target: float) -> tuple[Fit, bool, float]:
    """Steps 1 and 2 from some hyperplanes, in single precision as far as that goes; whether the fit
    came close enough to be reduced, and the operations."""
    (n, m), (width, dimension) = problem.Y.shape, points.shape
    fine = n * width * dimension <= COARSE_FROM or target <= COARSE
    device = device_for(n * width * dimension)
    exact = problem.loose.on(device)
    model = exact if fine else problem.coarse(device)
    before = exact.products
    fit = search(model, points, target)
    reduced = model.relative(fit) <= REDUCIBLE
    if reduced and not fine:
        fit = reduce(model, fit, COARSE)
    fit = exact.evaluate(unit_rows(np.asarray(fit.point, dtype=np.float64)))
    if reduced:
        fit = reduce(exact, fit, 10 * problem.floor)
    products = exact.products - before + (0 if fine else model.products)
    return fit, reduced, 4.0 * products * n * width * (dimension + m)


def _next_start(
    problem: Problem,
    fit: Fit,
    reduced: bool,
    width: int,
    widths: Widths,
    restart_up_to: int,
    rng: np.random.Generator,
) -> tuple[Array, int, float]:
    """The hyperplanes that are kept of a fit, the width of the next one, and how close that is to
    come before it is reduced. With `restart_up_to`, or at the last width, none are kept."""
    if reduced and not restart_up_to:
        relative = problem.loose.relative(fit)
        return fit.point, widths.at_least(math.ceil(1.15 * fit.width) + 1), relative / 10
    if width < widths.last and not restart_up_to:
        order = np.argsort(-problem.loose.importance(fit))
        keep = fit.point[order[: math.ceil(0.7 * width)]]
        return keep, widths.at_least(math.ceil(GROWTH * width)), REDUCIBLE
    any_width = int(rng.integers(widths.first, restart_up_to or widths.last, endpoint=True))
    return fit.point[:0], widths.at_least(any_width), REDUCIBLE


def _surely_noise(samples: Samples) -> bool:
    X = samples.X
    return samples.d == 1 and bent_everywhere(np.asarray(X)[:, 0], samples.Y, samples.eps)


def _spread_samples(samples: Samples) -> tuple[Array, Array]:
    some = samples.take(samples.spread(MOST_ROWS))
    return some.X, some.Y


def finish(problem: Problem, fit: Fit) -> tuple[Network, str]:
    """Steps 3 and 4, and a note where a linear part is left over.

    The units are turned so that they explain the affine term, which then goes.

    What affine part is left over belongs to units that are active on every sample (or to a skip
    connection that was not asked for): the samples do not say where they switch off, so they are
    put far outside. With a skip connection all of it stays.
    """
    if problem.skip:
        fit = polish(problem.loose, fit.point, problem.floor)
        net = problem.network(*problem.hyperplanes(fit.point))
        if problem.loose.relative(fit) <= 1000 * problem.floor:
            net = problem.refined(net)
        return net, ""
    V, b = problem.hyperplanes(fit.point)
    U, W, _ = problem.weights(V, b, affine=True)
    oriented = orient(V, b, U, W, problem.loose.relative(fit))
    _, sizes, directions = np.linalg.svd(oriented.affine)
    rank = int((sizes > REDUCIBLE * np.linalg.norm(U)).sum())
    if rank:
        net = problem.network(*_with_linear_part(oriented, directions[:rank], problem))
        if problem.loose.relative(fit) <= 100 * problem.floor:
            net = problem.refined(net)
        return net, (
            f"a linear part of rank {rank} is left that no unit with a kink inside the data "
            "explains: units active on every sample, or a skip connection"
        )
    fit = polish(problem.strict, problem.points(oriented.V, oriented.b), problem.floor)
    net = problem.network(*problem.hyperplanes(fit.point))
    if problem.strict.relative(fit) <= 1000 * problem.floor:
        net = problem.refined(net)
    return net, ""


def _with_linear_part(
    oriented: Oriented, directions: Array, problem: Problem
) -> tuple[Array, Array]:
    V, b = np.vstack([oriented.V, directions]), oriented.b
    if problem.bias:
        return V, np.concatenate([b, 2 * problem.reach(directions)])
    return np.vstack([V, -directions]), np.concatenate([b, np.zeros(2 * len(directions))])
