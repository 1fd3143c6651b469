"""The estimate of more samples than a fit can hold: Gauss–Newton steps over all of them.

A fit to r of n samples is off by √(n/r) standard errors of the final one. A step over all samples
leaves of that what changes of pattern and the curvature of the weights do, which is quadratic in
it: one step is next to enough, and the sums of the next pass show how far off the weights still
are. They also show what speaks against the fit or its errors (`inference.objections`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.inference import fisher, notes
from unrelu.inference.all_sums import CellSums, add
from unrelu.inference.alternatives import Alternatives, alternatives
from unrelu.inference.arguments import fitted_network, model_of
from unrelu.inference.assessment import notes_on_units
from unrelu.inference.covariance import Estimate, in_outputs, of_least_squares
from unrelu.inference.linearised import Linearised
from unrelu.inference.objections import Objection, objections
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import Spread, estimate_units, near_kink, standard_errors
from unrelu.network import Network
from unrelu.network.jacobian import Moments
from unrelu.numerics.arrays import Array
from unrelu.numerics.folding import Sums
from unrelu.samples import Samples

STEPS, LEFT = 2, 0.1
"""Passes over all samples, each with a step, before the one that holds the network against them;
and standard errors (root mean square) that this one may have left to go."""

ALIKE = 0.1
"""Change of the hidden weights of a unit, as a share of them, below which it is the same one."""

SCORED, PLENTY = 1000, 100
"""Unknowns up to which the sandwich is summed, unless it is asked for, and samples to an unknown
from which on it is as reliable as errors that assume equal noise."""


@dataclass(frozen=True, eq=False)
class Pass:
    """A network, its unknowns in white coordinates, and their estimate from the sums over all
    samples. step (p,): to the best fit; `left`: its length, in standard errors."""

    net: Network
    model: fisher.Model
    sums: Sums
    estimate: Estimate
    step: Array
    left: float
    sandwich: bool


@dataclass(frozen=True, eq=False)
class OnAllSamples:
    """The estimate of all samples: the network with its errors, what speaks against them, how far
    it was from the best fit, in standard errors (root mean square), before the last step, and the
    number of passes made."""

    uncertainty: Uncertainty
    objections: tuple[Objection, ...]
    left: float
    passes: int


def by_least_squares(linear: Linearised) -> bool:
    """Whether it is a fit that the sums of a pass are all there is to: by least squares, in a fixed
    metric of the outputs, without weights, and of units that are piecewise linear."""
    criterion, net = linear.criterion, linear.fit.net
    plain = criterion.weights is None and criterion.scores is None and not criterion.parts
    unweighted = linear.samples.weights is None
    return plain and unweighted and net.activation.piecewise_linear and net.n_units > 0


def estimate_on_all(linear: Linearised, samples: Samples, step: float = 0.0) -> OnAllSamples:
    """From a fit by least squares to some of the samples, linearised, to that of all of them:
    within some thousandths of a standard error. Where the fit was in the metric of the noise, that
    is the noise which the first pass shows. step : of labels that may be rounded. Cost: three
    passes of O(n p²)."""
    part, net = linear, linear.fit.net
    for _ in range(STEPS):
        now = _pass(net, linear, samples)
        net = _moved(now, linear)
        if linear is part and linear.criterion.covariance is not None:
            noise = linear.fit.root @ now.estimate.noise @ linear.fit.root.T
            root = np.asarray(np.linalg.cholesky(noise), np.float64)
            linear = replace(linear, fit=replace(linear.fit, root=root))
    now, against = _held_against(net, linear, part, samples, step)
    last, model = _model(_moved(now, linear), linear, samples)
    if now.left > LEFT or not _same_units(now.net, last):
        against = (*against, Objection("unsettled", UNSETTLED.format(now.left)))
    found = _uncertainty(replace(now, net=last, model=model), linear, samples)
    unsure = notes.unsure(near_kink(found.units), found.undetermined, samples.d)
    if len(unsure):
        against = (*against, Objection("unsure-sides", "on which sides samples are is not certain"))
    return OnAllSamples(found, against, now.left, STEPS + 1)


UNSETTLED = "the passes leave the estimate {:.2g} standard errors from the best fit to all samples"


def distance_on_all(
    linear: Linearised, samples: Samples, step: float = 0.0
) -> tuple[float, tuple[Objection, ...]]:
    """Of a network, linearised on some of the samples, from the best fit to all of them, in
    standard errors (root mean square), and what speaks against it. Cost: one pass."""
    now, against = _held_against(linear.fit.net, linear, linear, samples, step)
    return now.left, against


def _held_against(
    net: Network, linear: Linearised, part: Linearised, samples: Samples, step: float
) -> tuple[Pass, tuple[Objection, ...]]:
    tests = alternatives(part.whitened, part.fit.white.features, biased=part.fit.biased)
    now = _pass(net, linear, samples, tests)
    against = objections(
        *(now.model, now.sums, now.estimate, tests, linear.fit.root, part, step, samples.n)
    )
    return now, against


def _same_units(net: Network, other: Network) -> bool:
    """Whether units are in the same order, and so are their errors."""
    sizes = np.linalg.norm(net.V, axis=1)
    return bool((np.linalg.norm(net.V - other.V, axis=1) < ALIKE * sizes).all())


def _model(net: Network, linear: Linearised, samples: Samples) -> tuple[Network, fisher.Model]:
    """The network in canonical form, and its unknowns in white coordinates."""
    fit = linear.fit
    net = fitted_network(net, samples, fit.biased, fit.skip)
    U = solve_triangular(fit.root, net.U, lower=True)
    return net, model_of(net, fit.white, U, fit.biased, fit.skip)


def _pass(
    net: Network, linear: Linearised, samples: Samples, tests: Alternatives | None = None
) -> Pass:
    fit = linear.fit
    net, model = _model(net, linear, samples)
    auto = linear.criterion.form == "auto" and samples.n >= PLENTY * model.unknowns
    scored = linear.sandwich or (tests is not None and model.unknowns <= SCORED)
    measure = CellSums(net, model, fit.white.factor, fit.root, fit.biased, tests, scored)
    sums = samples.summed(measure, add)
    a, gram = model.hidden_unknowns, sums["gram"]
    moments = Moments(gram[:a, :a], gram[:a, a:], gram[a:, a:])
    sandwich = linear.sandwich or (scored and auto)
    scores = sums["scores"] if sandwich else None
    estimate = of_least_squares(model, moments, sums["products"], samples.n, scores)
    step = estimate.inverse.matrix @ model.of_products(sums["moments"][0, : len(gram)])
    variances = np.diag(estimate.covariance)
    known = variances > 0
    left = float(np.sqrt((step[known] ** 2 / variances[known]).mean())) if known.any() else 0.0
    return Pass(net, model, sums, estimate, step, left, sandwich)


def _moved(now: Pass, linear: Linearised) -> Network:
    """The network after the step."""
    (k, t, m, q), fit, model = now.model.shape, linear.fit, now.model
    alpha, W = now.step[: k * t].reshape(k, t), now.step[k * t :].reshape(m, q)
    directions = model.directions
    moved = alpha if directions is None else directions.rows(alpha)
    U, outer = fit.root @ (model.U + W[:, :k]), fit.root @ W[:, k:]
    c, linear_term = now.net.c, now.net.W
    d = now.net.n_inputs
    if fit.skip:
        rows = fit.white.to_rows(outer)
        linear_term = linear_term + rows[:, :d]
        c = c + rows[:, d] if fit.biased else c
    elif fit.biased:
        c = c + outer[:, 0]
    return fit.network(model.A + moved, U, c, linear_term)


def _uncertainty(now: Pass, linear: Linearised, samples: Samples) -> Uncertainty:
    root, factor = linear.fit.root, linear.fit.white.factor
    model = replace(now.model, U=now.net.U)
    covariance = in_outputs(model, now.estimate.covariance, root)
    spread = Spread.of(model, factor, covariance)
    nothing = np.arange(0)
    stderr = standard_errors(now.net, spread, linear.fit.biased, nothing)
    lost = fisher.undetermined(model, now.estimate.inverse)
    tail, entries = now.estimate.tail, samples.n * samples.m
    units = estimate_units(now.net, spread, stderr, samples, tail, lost, nothing)
    noise = np.asarray(root @ now.estimate.noise @ root.T)
    said = notes_on_units(now.net, units, spread, entries, lost)
    weighted = linear.criterion.covariance is not None
    return Uncertainty(
        network=now.net,
        form="sandwich" if now.sandwich else "homoscedastic",
        noise=noise,
        degrees_of_freedom=entries - model.unknowns,
        stderr=stderr,
        units=units,
        undetermined=lost,
        notes=tuple(filter(None, [*said, notes.uneven_noise(noise, weighted)])),
        factors=None,
        n_samples=samples.n,
        biased=linear.fit.biased,
        tail=tail,
        model=model,
        factor=factor,
        covariance=covariance,
        names=samples.names,
    )
