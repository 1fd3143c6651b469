"""Noisy labels: which kind of noise is it, and the fit that is efficient for that kind.

gaussian     mean-zero noise of finite variance, of any covariance between the outputs: least
             squares (`least_squares`) in the metric of that covariance.
independent  anything that does not depend on X (BJW Theorem 6). For the search, labels far from
             an affine fit are clipped, then those far from the first network found (Huber's
             pseudo-values), so that their variance is finite; at the end comes maximum
             likelihood under Student's t, on the labels as they are.
poisson      variance proportional to the mean, as that of counts: least squares with weights.

The search is least squares in every case, so the number of units is chosen there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unrelu.methods import least_squares
from unrelu.methods.candidate import Candidate
from unrelu.methods.problem import choose_rows, resolution, with_constant
from unrelu.methods.weighted import HeavyTails, counted, heavy_tails, reweighted, robust
from unrelu.network import Network
from unrelu.result import Noise
from unrelu.samples import Samples

Array = NDArray[np.float64]

HEAVY = 5.0
"""Degrees of freedom of Student's t up to which tails are called heavy. Least squares then wastes
a quarter of the samples or more: its efficiency is 1 − 6/(ν(ν + 1))."""

GROSS = 2.0
"""The same, for labels less an affine function: from which on gross errors are looked for."""

LOOKED_AT = 20_000
"""Rows that decide either."""

REACH = 4.0
"""Standard deviations (of the middle half of the residuals) at which labels are clipped."""

CAUTIONS = 3.0, 2.0
"""Times the usual edge that a unit must show in the first two networks that labels are clipped
about: clipping bends what it clips, and what is bent would be explained by units that are not
there, and that clipping about them would confirm."""

SIGNIFICANT = 6.0
"""Standard errors by which noise must grow with the mean to be called Poisson-like."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    kind: str,
    rng: np.random.Generator,
) -> Candidate:
    """The estimate for the kind of noise named, or, for "auto", for the one that is there."""
    effort = least_squares.Effort()
    net = least_squares.search(samples, n_units=n_units, bias=bias, rng=rng, effort=effort)
    heavy = kind in ("auto", "independent") and _heavy(samples, net)
    if heavy:
        fitted, effort = _robust_affine(samples, bias), least_squares.Effort()
        for caution in CAUTIONS:
            rough = least_squares.search(
                _clipped(samples, fitted),
                n_units=n_units,
                bias=bias,
                rng=rng,
                effort=least_squares.Effort(caution),
                most_starts=1,
            )
            fitted = rough(samples.X)
        tamed = _clipped(samples, fitted)
        net = least_squares.search(tamed, n_units=n_units, bias=bias, rng=rng, effort=effort)
    few = samples.take(choose_rows(samples, least_squares.most_rows(samples, net.n_units), rng))
    heavy = heavy and _heavy(few, net)
    labels = _clipped(samples, net(samples.X)) if heavy else samples
    candidate = least_squares.finish(
        net, labels, n_units=n_units, bias=bias, rng=rng, effort=effort
    )
    assert candidate.noise is not None, "least squares always leaves a noise"
    net = candidate.network
    if kind == "gaussian" or net.n_units == 0:
        return candidate
    if kind == "poisson" or (kind == "auto" and _grows(net, few)):
        net = reweighted(net, few.X, few.Y, counted, bias)
        said = "" if kind == "poisson" else "the labels' variance grows in proportion to their mean"
        noise = replace(candidate.noise, kind="poisson", reason=said)
        return replace(candidate, network=net, noise=noise)
    if not heavy and kind == "auto":
        return candidate
    net, tails = robust(net, few.X, few.Y, bias, resolution(few))
    if n_units is None:
        net, tails = _weighed(net, tails, few, bias)
    said = "" if kind == "independent" else "its tails are heavy"
    noise = replace(
        candidate.noise,
        kind="independent",
        reason=said,
        covariance=np.diag(tails.scale**2),
        freedom=tails.freedom,
    )
    return replace(candidate, network=net, noise=noise)


def _weighed(
    net: Network, tails: HeavyTails, samples: Samples, bias: bool
) -> tuple[Network, HeavyTails]:
    """Without the units that the likelihood hardly misses, half of `unit_edge` each or less: what
    clipping bends is explained by units that are not there. The one that leaves least behind goes
    first."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    edge = least_squares.unit_edge(samples.d + bias, samples.m)
    while net.n_units > 1:
        smaller = [_without(net, unit) for unit in range(net.n_units)]
        best = max(smaller, key=lambda other: tails.log_likelihood(Y - other(X)))
        best, its = robust(best, X, Y, bias, resolution(samples))
        gain = tails.log_likelihood(Y - net(X)) - its.log_likelihood(Y - best(X))
        if 2 * gain > edge:
            break
        net, tails = best, its
    return net, tails


def _without(net: Network, unit: int) -> Network:
    V, U, b = np.delete(net.V, unit, 0), np.delete(net.U, unit, 1), np.delete(net.b, unit)
    return Network(V, U, b, net.c)


@dataclass(frozen=True, eq=False)
class Weighting:
    """What a fit minimised, in the words of `uncertainty.assess`."""

    covariance: Array | None = None
    weights: Array | None = None
    scores: Array | None = None


def weighting(net: Network, samples: Samples, noise: Noise) -> Weighting:
    """Of the fit that left this noise."""
    if noise.kind == "poisson":
        Y = np.asarray(samples.Y, np.float64)
        return Weighting(weights=counted(Y, net(samples.X)))
    if noise.kind == "independent":
        tails = HeavyTails(noise.freedom, np.sqrt(np.diag(noise.covariance)))
        residual = np.asarray(samples.Y, np.float64) - net(samples.X)
        slopes = tails.slopes(residual)
        return Weighting(weights=slopes, scores=tails.weights(residual) * residual)
    return Weighting(noise.covariance)


def gross(samples: Samples, bias: bool) -> bool:
    """Whether labels, less an affine function of the inputs, have tails as heavy as gross errors
    would make them."""
    return _tails(samples, bias) <= GROSS


def _tails(samples: Samples, bias: bool) -> float:
    """Degrees of freedom of Student's t that suit the labels less an affine function."""
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    return heavy_tails(few.Y - _robust_affine(few, bias), resolution(few)).freedom


def _heavy(samples: Samples, net: Network) -> bool:
    few = samples.take(choose_rows(samples, LOOKED_AT, np.random.default_rng(0)))
    return heavy_tails(few.Y - net(few.X), resolution(few)).freedom <= HEAVY


def _clipped(samples: Samples, fitted: Array) -> Samples:
    """Labels within REACH robust standard deviations of what has been fitted to them."""
    Y = np.asarray(samples.Y, np.float64)
    width = REACH * np.median(np.abs(Y - fitted), axis=0) / 0.6745
    return Samples(samples.X, np.clip(Y, fitted - width, fitted + width), samples.eps)


def _robust_affine(samples: Samples, bias: bool) -> Array:
    """Affine predictions (n, m), fitted to labels clipped about their median, then about the
    fit."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    design = with_constant(X) if bias else X
    fitted = np.median(Y, axis=0) * np.ones((len(Y), 1))
    for _ in range(2):
        width = REACH * np.median(np.abs(Y - fitted), axis=0) / 0.6745
        tame = np.clip(Y, fitted - width, fitted + width)
        fitted = np.asarray(design @ np.linalg.lstsq(design, tame)[0])
    return fitted


def _grows(net: Network, samples: Samples) -> bool:
    """Is the noise of labels that are never negative proportional to their mean? In the
    regression of r² on the prediction the slope must be plain, and r² at the lower quarter of
    the predictions no larger than the line through zero allows."""
    Y = np.asarray(samples.Y, np.float64)
    if Y.min() < 0:
        return False
    mean = net(samples.X)
    square = (Y - mean) ** 2
    centred = mean - mean.mean(axis=0)
    spread = (centred**2).sum(axis=0) + np.finfo(np.float64).tiny
    slope = (centred * square).sum(axis=0) / spread
    rest = square - square.mean(axis=0) - slope * centred
    error = np.sqrt((centred**2 * rest**2).sum(axis=0)) / spread
    constant = square.mean(axis=0) - slope * mean.mean(axis=0)
    plain = slope > SIGNIFICANT * error
    proportional = np.abs(constant) < 0.5 * square.mean(axis=0)
    return bool(plain.any() and (proportional | ~plain).all())
