"""The efficient estimate of more samples than a fit can hold: Gauss–Newton steps over all of them.

A fit to r of n samples is off by √(n/r) standard errors of the final one. A step over all samples
leaves of that what changes of pattern and the curvature of the weights do, which is quadratic in
it: one step is next to enough, and the sums of the next pass show how far off the weights still
are. These sums, over cells of fixed size, are all that is needed of the samples; see
`inference.covariance` for the standard errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.inference import fisher
from unrelu.inference.arguments import fitted_network, model_of
from unrelu.inference.covariance import Estimate, in_outputs, of_least_squares
from unrelu.inference.linearised import Linearised
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import Spread, estimate_units, standard_errors
from unrelu.network import Network
from unrelu.network.jacobian import Moments
from unrelu.numerics.arrays import Array
from unrelu.numerics.folding import folded
from unrelu.numerics.whitening import Whitened, with_constant
from unrelu.samples import Samples

PASSES, SETTLED = 3, 0.01
"""Passes over all samples at most, and standard errors (root mean square) that a step may have left
to go for there to be no other."""

ALIKE = 0.1
"""Change of the hidden weights of a unit, as a share of them, below which it is the same one."""


@dataclass(eq=False)
class Sums:
    """Sums over samples: what the information is made of, the gradient (p,) downwards, products of
    residuals (m, m), and for the sandwich products of scores (p, p)."""

    moments: Moments
    gradient: Array
    products: Array
    scores: Array | None

    def plus(self, other: Sums) -> Sums:
        """Their sum, which takes their place."""
        self.moments += other.moments
        self.gradient += other.gradient
        self.products += other.products
        if self.scores is not None and other.scores is not None:
            self.scores += other.scores
        return self


@dataclass(frozen=True, eq=False)
class Pass:
    """A network, its unknowns in white coordinates, and their estimate from the sums over all
    samples. step (p,): to the best fit; `left`: its length, in standard errors."""

    net: Network
    model: fisher.Model
    estimate: Estimate
    step: Array
    left: float


@dataclass(frozen=True, eq=False)
class OnAllSamples:
    """The estimate of all samples: the network, its errors, how far it was from the best fit, in
    standard errors (root mean square), before the last step, and the number of passes made."""

    net: Network
    uncertainty: Uncertainty
    left: float
    passes: int


def by_least_squares(linear: Linearised) -> bool:
    """Whether it is a fit that the sums of a pass are all there is to: by least squares, in a fixed
    metric of the outputs, without weights, and of units that are piecewise linear."""
    criterion = linear.criterion
    plain = criterion.weights is None and criterion.scores is None and not criterion.parts
    unweighted = linear.samples.weights is None
    return plain and unweighted and linear.fit.net.activation.piecewise_linear


def estimate_on_all(linear: Linearised, found: Uncertainty, samples: Samples) -> OnAllSamples:
    """From a fit by least squares to some of the samples, linearised, with what was `found` of its
    errors, to that of all of them: within some thousandths of a standard error. Where the fit was
    in the metric of the noise, that is the noise which the first pass shows. Cost: two or three
    passes of O(n p²)."""
    net = linear.fit.net
    for number in range(1, PASSES + 1):
        now = _pass(net, linear, samples)
        if number == PASSES or (number > 1 and now.left <= SETTLED):
            break
        net = _moved(now, linear)
        if number == 1 and linear.criterion.covariance is not None:
            noise = linear.fit.root @ now.estimate.noise @ linear.fit.root.T
            root = np.asarray(np.linalg.cholesky(noise), np.float64)
            linear = replace(linear, fit=replace(linear.fit, root=root))
    now = _at(_moved(now, linear), linear, samples, now)
    return OnAllSamples(now.net, _uncertainty(now, linear, found, samples), now.left, number)


def _at(net: Network, linear: Linearised, samples: Samples, before: Pass) -> Pass:
    """A pass with the network that its step leads to, if its units are in the same order."""
    net, model = _model(net, linear, samples)
    same = np.linalg.norm(net.V - before.net.V, axis=1) < ALIKE * np.linalg.norm(net.V, axis=1)
    return replace(before, net=net, model=model) if same.all() else before


def _model(net: Network, linear: Linearised, samples: Samples) -> tuple[Network, fisher.Model]:
    """The network in canonical form, and its unknowns in white coordinates."""
    fit = linear.fit
    net = fitted_network(net, samples, fit.biased, fit.skip)
    U = solve_triangular(fit.root, net.U, lower=True)
    return net, model_of(net, fit.white, U, fit.biased, fit.skip)


def _pass(net: Network, linear: Linearised, samples: Samples) -> Pass:
    net, model = _model(net, linear, samples)
    sums = folded(_sums(net, model, linear, samples), Sums.plus)
    estimate = of_least_squares(model, sums.moments, sums.products, samples.n, sums.scores)
    step = estimate.inverse.matrix @ sums.gradient
    variances = np.diag(estimate.covariance)
    known = variances > 0
    left = float(np.sqrt((step[known] ** 2 / variances[known]).mean())) if known.any() else 0.0
    return Pass(net, model, estimate, step, left)


def _sums(
    net: Network, model: fisher.Model, linear: Linearised, samples: Samples
) -> Iterator[Sums]:
    """Of each cell of samples."""
    fit = linear.fit
    for _, X, Y in samples.cells():
        Z = _features(X, fit.white, fit.biased)
        residual = solve_triangular(fit.root, (Y - net(X)).T, lower=True).T
        scores = fisher.scores(model, Z, residual) if linear.sandwich else None
        gradient = fisher.gradient(model, Z, residual)
        yield Sums(fisher.moments(model, Z), gradient, residual.T @ residual, scores)


def _features(X: Array, white: Whitened, biased: bool) -> Array:
    rows = with_constant(X, biased)
    return np.asarray(solve_triangular(white.factor, rows.T, trans="T").T)


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


def _uncertainty(
    now: Pass, linear: Linearised, found: Uncertainty, samples: Samples
) -> Uncertainty:
    """The errors of the last pass; the notes are those of the samples that were fitted first."""
    root, factor = linear.fit.root, linear.fit.white.factor
    model = replace(now.model, U=now.net.U)
    covariance = in_outputs(model, now.estimate.covariance, root)
    spread = Spread.of(model, factor, covariance)
    nothing = np.arange(0)
    stderr = standard_errors(now.net, spread, linear.fit.biased, nothing)
    lost = fisher.undetermined(model, now.estimate.inverse)
    tail = now.estimate.tail
    units = estimate_units(now.net, spread, stderr, samples, tail, lost, nothing)
    return replace(
        found,
        network=now.net,
        noise=np.asarray(root @ now.estimate.noise @ root.T),
        degrees_of_freedom=samples.n * samples.m - model.unknowns,
        stderr=stderr,
        units=units,
        undetermined=lost,
        factors=None,
        n_samples=samples.n,
        tail=tail,
        model=model,
        covariance=covariance,
    )
