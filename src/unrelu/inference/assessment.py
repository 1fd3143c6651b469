"""From a fitted network and its samples to standard errors.

With J_i the Jacobian (m, p) of the labels of sample i in the canonical weights (‖v_j‖ = 1 and all
patterns held), the covariance of the weights is H⁻¹ G H⁻¹, H and G sums over the samples by what
the fit minimised and by what is assumed of the noise: the list is in `inference.covariance`. A fit
weighted by the inverse of a noise covariance Ω is one of least squares in Ω^(−1/2) times the
outputs.

That patterns move with the weights counts where many samples are nearer to a kink than it is known.
The errors are then calibrated by simulated fits, see `calibration`, and a note says by how much;
for activations other than the ReLU a note only warns of it. Where the slope of f is infinite at 0,
as that of √z is, the information would be, too: a sample next to the kink then counts with the
slope of a chord, as long as its height is uncertain.
What they leave out is that another minimum, of other units, may be as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.inference import notes
from unrelu.inference.along import ErrorsAlong
from unrelu.inference.arguments import (
    checked_criterion,
)
from unrelu.inference.calibration import FIRM, Factors, Simulation, calibrate, least_squares
from unrelu.inference.kink_profiles import KinkProfile, can_be_profiled, kink_profiles
from unrelu.inference.linearised import Linearised, linearised
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import (
    Spread,
    UnitEstimate,
    alike,
    estimate_units,
    near_kink,
    standard_errors,
    tied,
)
from unrelu.inputs.frames import beside
from unrelu.network import Network
from unrelu.noise.kind import Criterion
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.quiet import quiet
from unrelu.samples import Samples, weighed
from unrelu.stored.blocks import Given


@quiet
def assess(
    net: Network,
    X: Given,
    Y: Given,
    *,
    biased: bool,
    form: str = "homoscedastic",
    covariance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    simulate: bool = True,
    skip: bool = False,
    held: ArrayLike = (),
) -> Uncertainty:
    """Standard errors of the weights of `net`, fitted to Y ≈ f(XVᵀ + b)Uᵀ + c + noise.

    Parameters
    ----------
    net : the fitted network, put into canonical form; `biased` says whether its b and c were
        fitted (else they are zero).
    X, Y : (n, d) and (n, m) or (n,), the samples it was fitted to, in full.
    form : how the noise may depend on the sample: "homoscedastic" (not at all), "sandwich" (in any
        way), or "auto": the second, where the residuals show plainly that it does and there are ten
        labels to an unknown; with few samples the sandwich is the less reliable.
    covariance : (m, m), if the fit minimised Σ r_iᵀ covariance⁻¹ r_i; its scale is of no matter.
    weights : (n, m), if the fit minimised Σ w_io r_io², such as inverse variances.
    scores : (n, m), with weights, if the fit minimised Σ ρ(r_io) for some loss ρ: scores ρ'(r)
        and weights ρ''(r) (both times the same constant). The form is then "sandwich".
    sample_weight : (n,), if the fit minimised Σ w_i ‖r_i‖², or the same in the metric of the
        covariance: the variance of the noise of a sample is taken to be proportional to 1/w.
        Samples of weight zero are left out. `Uncertainty.noise` is that of the mean weight. For
        ReLU networks, and without weights and scores, which are to hold all weights there are.
    simulate : whether errors may be calibrated by simulated fits. It is done where patterns are
        unsure, for fits of ReLU networks without weights, and if it takes no more than a minute;
        with one input, by the likelihood of the breakpoints (`inference.kink_profiles`).
        (`recover` does it for counts and class labels, too, whose law it knows.)
    skip : whether W of a term X Wᵀ was fitted, too (else it is zero). Errors are then those of the
        canonical sides of the units.
    held : units whose hidden weights have been set to zero where nothing is known of them; no note
        says that these are not at the minimum.

    With no covariance, weights and scores: least squares. The formulas: `inference.covariance`.

    Raises
    ------
    InputError for shapes that do not fit, linearly dependent inputs, no more labels than
    unknowns, or more than `MOST_UNKNOWNS` unknowns.

    Assumes that `net` is at the minimum (a note says so if it is not) and that patterns are
    right on nearly all samples. Cost O(n p² + p³), p = k (d − 1 + m) + (k + m if biased), and
    m d with a skip connection, k where f is not homogeneous; memory that of the samples and a few
    (p, p).

    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.5], [-0.5], [3.0], [6.0]])
    >>> assess(Network([[1.0]], [[3.0]]), X, Y, biased=False).stderr.U ** 2     # 0.5 / 3 / 5
    array([[0.0333...]])
    """
    samples = Samples.of(X, Y)
    if sample_weight is not None:
        samples, _ = weighed(samples, beside("sample_weight", sample_weight, X))
    criterion = checked_criterion(samples, form, covariance, weights, scores)
    return assess_fit(
        net, samples, criterion, biased=biased, skip=skip, held=held, simulate=simulate
    )


@quiet
def assess_fit(
    net: Network,
    samples: Samples,
    criterion: Criterion,
    *,
    biased: bool,
    skip: bool = False,
    held: ArrayLike = (),
    simulate: bool = True,
) -> Uncertainty:
    """As `assess`, for samples that may have weights, and what the fit minimised in one value; if
    that has weights, they hold those of the samples."""
    linear = linearised(net, samples, criterion, biased=biased, skip=skip)
    return assess_linearised(linear, held, simulate=simulate)


def assess_linearised(
    linear: Linearised,
    held: ArrayLike = (),
    *,
    simulate: bool = True,
    simulation: Simulation | None = None,
) -> Uncertainty:
    """As `assess`, of a fit that has been linearised. `simulation`: of labels of another law than
    normal noise."""
    net, samples, white = linear.fit.net, linear.samples, linear.fit.white
    cut = np.asarray(held, dtype=np.intp)
    errors, factors = _errors(linear, cut, linear.covariance), None
    kinks: tuple[KinkProfile, ...] = ()
    if linear.prior is not None:
        simulate = simulate and simulation is not None  # others are of fits without it
    if simulate and linear.prior is None and can_be_profiled(linear):
        kinks = kink_profiles(linear, _shares_of_equal_noise(linear, errors, cut))
    if kinks:
        factors = _of_profiles(kinks, linear, errors)
    elif simulate and _worth_simulating(linear, errors, simulation):
        scatter = errors if linear.prior is None else _errors(linear, cut, linear.scatter)
        factors = _simulated(linear, scatter, simulation)
    if factors is not None:
        scale = factors.unknowns(*linear.model.shape[1:])
        errors = _errors(linear, cut, scale[:, None] * linear.covariance * scale)
    return Uncertainty(
        network=net,
        form="sandwich" if linear.sandwich else "homoscedastic",
        noise=linear.noise,
        degrees_of_freedom=samples.n * samples.m - linear.model.unknowns,
        stderr=errors.stderr,
        units=errors.units,
        undetermined=linear.lost,
        notes=tuple(filter(None, _notes(linear, errors, factors, cut))),
        factors=factors,
        n_samples=samples.n,
        biased=linear.fit.biased,
        tail=linear.found.tail,
        model=linear.model,
        factor=white.factor,
        covariance=errors.covariance,
        names=samples.names,
        kinks=kinks,
    )


@dataclass(frozen=True, eq=False)
class _Errors:
    """The errors of the weights, and of each unit, by a covariance (p, p) of the unknowns."""

    covariance: Array
    spread: Spread
    stderr: Network
    units: tuple[UnitEstimate, ...]


def _errors(linear: Linearised, held: Index, covariance: Array) -> _Errors:
    net, tail = linear.fit.net, linear.found.tail
    spread = Spread.of(linear.model, linear.fit.white.factor, covariance)
    stderr = standard_errors(net, spread, linear.fit.biased, held)
    units = estimate_units(net, spread, stderr, linear.samples, tail, linear.lost, held)
    return _Errors(covariance, spread, stderr, units)


def _worth_simulating(linear: Linearised, errors: _Errors, simulation: Simulation | None) -> bool:
    """Whether patterns are unsure, of a fit whose simulation is known and takes no long time."""
    net = linear.fit.net
    criterion = linear.criterion
    known = simulation is not None or (criterion.weights is None and not criterion.parts)
    plain = net.activation.piecewise_linear and known
    unsure = notes.unsure(
        near_kink(errors.units), linear.lost, net.n_inputs, by_variance=criterion.by_variance
    )
    return plain and len(unsure) > 0 and linear.fit.simulations > 0


def _simulated(linear: Linearised, errors: _Errors, simulation: Simulation | None) -> Factors:
    if simulation is None:
        scaled = linear.residual * np.sqrt(linear.samples.n / linear.found.tail)
        own = scaled if linear.sandwich else None
        simulation = least_squares(linear.fit, linear.found.noise, own)
    return calibrate(
        linear.fit,
        errors.spread,
        errors.stderr,
        np.array([unit.wald for unit in errors.units]),
        alike(linear.fit.net, errors.spread),
        simulation,
        firm=bool((near_kink(errors.units) <= FIRM).all()),
    )


def _shares_of_equal_noise(linear: Linearised, errors: _Errors, held: Index) -> Array:
    """(k,): the variances of the positions of breakpoints if noise were equal, in terms of these;
    at most one, since errors are not to be less than those of equal noise by chance."""
    k = linear.fit.net.n_units
    if not linear.sandwich:
        return np.ones(k)
    equal = replace(linear, sandwich=False)
    places = -linear.fit.net.b / linear.fit.net.V[:, 0]
    known, robust = (
        np.array([along.of_position(unit, places[[unit]]) for unit in range(k)])
        for along in (
            _along(_errors(equal, held, equal.covariance), linear),
            _along(errors, linear),
        )
    )
    shares = np.divide(known, robust, out=np.ones(k), where=robust > 0) ** 2
    return np.where(np.isfinite(shares), np.minimum(shares, 1.0), 1.0)


def _along(errors: _Errors, linear: Linearised) -> ErrorsAlong:
    return ErrorsAlong.of(errors.spread, linear.fit.net.V[:, 0], 0, linear.lost, None)


def _of_profiles(kinks: Sequence[KinkProfile], linear: Linearised, errors: _Errors) -> Factors:
    """With one input the errors of breakpoints are those of their profiles, if these are larger
    than those for known sides. Slopes between breakpoints err as these do: output weights have the
    factor of the breakpoint or of one next to it, whichever is larger, and a linear term that of
    the first, below which it is the function."""
    net = linear.fit.net
    plain = _along(errors, linear)
    rows = np.ones(net.n_units)
    for kink in kinks:
        known = plain.of_position(kink.unit, np.array([kink.position]))
        rows[kink.unit] = max(1.0, kink.stderr / known) if known > 0 else 1.0
    order = np.argsort(-net.b / net.V[:, 0])
    inner = np.concatenate([[1.0], rows[order], [1.0]])
    columns = np.empty_like(rows)
    columns[order] = np.maximum(np.maximum(inner[:-2], inner[1:-1]), inner[2:])
    return Factors(rows, columns, float(rows[order[0]]) if linear.fit.skip else 1.0)


def _notes(linear: Linearised, errors: _Errors, factors: Factors | None, held: Index) -> list[str]:
    """All notes, empty ones included."""
    by = None if factors is None else factors.units()
    entries = linear.samples.n * linear.samples.m
    return [
        *notes_on_units(
            *(linear.fit.net, errors.units, errors.spread, entries, linear.lost, by),
            by_variance=linear.criterion.by_variance,
        ),
        *_noise_notes(linear, held),
        notes.POSTERIOR * (linear.prior is not None),
    ]


def notes_on_units(
    net: Network,
    units: Sequence[UnitEstimate],
    spread: Spread,
    entries: int,
    lost: Index,
    by: Array | None = None,
    *,
    by_variance: bool = False,
) -> list[str]:
    """What an estimate of so many label entries shows of units and pairs of them, empty notes
    included. by : the factors that errors were calibrated by. by_variance : how labels weigh."""
    angles = np.array([unit.angle_error for unit in units])
    shares = np.array([unit.active for unit in units])
    near = alike(net, spread)
    kinked = net.activation.kinked
    return [
        notes.few_samples(entries, spread.model.unknowns),
        notes.undetermined(lost, shares),
        notes.vague(angles, shares, lost),
        notes.near_kinks(near_kink(units), lost, by, by_variance=by_variance) if kinked else "",
        notes.pairs_alike(near),
        notes.pairs_tied([pair for pair in tied(spread) if pair not in near]),
        notes.idle(np.array([unit.p_value for unit in units]), lost),
    ]


def _noise_notes(linear: Linearised, held: Index) -> list[str]:
    """That there is no noise, that the fit assumed another kind, or that it is not a minimum."""
    fit, samples, criterion = linear.fit, linear.samples, linear.criterion
    mean = fit.net(samples.X)
    residual = samples.left(mean)
    if exact := notes.no_noise(residual, mean, samples.eps):
        return [exact]
    free = np.ones(linear.model.unknowns, dtype=bool)
    free[: linear.model.hidden_unknowns].reshape(linear.model.shape[:2])[held] = False
    off = notes.off_minimum(linear.step[free], np.diag(linear.found.covariance)[free])
    if linear.prior is not None:  # it is the minimum with that
        off = ""
    if criterion.parts:
        return [off]
    if criterion.scores is not None:
        return [off, notes.skewed_noise(residual, fit.biased)]
    weighted = criterion.covariance is not None or criterion.weights is not None
    uneven = notes.uneven_noise(linear.noise, weighted)
    return [off, uneven, notes.allowed_for(linear.changing, linear.sandwich)]
