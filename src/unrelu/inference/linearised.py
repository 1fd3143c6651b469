"""A fit, to first order in its weights, and how far its weights are from the best ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh, solve_triangular

from unrelu.fitting.prior import Prior
from unrelu.inference import fisher, notes
from unrelu.inference.arguments import (
    checked_unknowns,
    fitted_network,
    heights_known,
    model_of,
    square_root,
    white_features,
)
from unrelu.inference.calibration import Fitted
from unrelu.inference.covariance import FULL, Estimate, estimate, in_outputs
from unrelu.inference.posterior import conditioned, prior_information
from unrelu.network import Network
from unrelu.noise.kind import Criterion
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.spread import robust_spread
from unrelu.samples import Samples

ALIKE = 1e-8
"""Share of its variance up to which a sum of scores counts as known to that: one that is smaller
is not told from rounding."""

SCORES = 3
"""Samples to an unknown from which the covariance of the gradient is that of its parts."""


@dataclass(frozen=True, eq=False)
class Linearised:
    """A fit, to first order in its weights, patterns held.

    residual : (n, m), in the coordinates in which outputs were fitted by plain least squares;
        whitened : the model of the unknowns there.
    changing : how the noise depends on the sample, if it plainly does; `sandwich`: whether errors
        allow for that. prior : of hidden weights, which was part of the fit.
    """

    fit: Fitted
    samples: Samples
    criterion: Criterion
    residual: Array
    whitened: fisher.Model
    changing: str
    sandwich: bool
    prior: Prior | None = None

    @property
    def _data(self) -> tuple[fisher.Model, Array]:
        return self.whitened, self.fit.white.features

    @cached_property
    def found(self) -> Estimate:
        """The covariance of the unknowns, and of the noise."""
        return estimate(*self._data, self.residual, self.criterion, sandwich=self.sandwich)

    @property
    def model(self) -> fisher.Model:
        """Of the unknowns, in the coordinates of the labels."""
        return replace(self.whitened, U=self.fit.net.U)

    @property
    def covariance(self) -> Array:
        """Of the same; with a prior, that of the posterior."""
        return self._covariances[0]

    @property
    def scatter(self) -> Array:
        """How estimates scatter; with a prior, less than the posterior is wide."""
        return self._covariances[1]

    @cached_property
    def _covariances(self) -> tuple[Array, Array]:
        covariance = in_outputs(self.model, self.found.covariance, self.fit.root)
        if self.prior is None:
            return covariance, covariance
        information = prior_information(self.model, self.fit.white, self.prior)
        return conditioned(covariance, information)

    @cached_property
    def lost(self) -> Index:
        """Units of which some change changes no label."""
        return fisher.undetermined(self.model, self.found.inverse)

    @property
    def noise(self) -> Array:
        """(m, m), in the coordinates of the labels."""
        return np.asarray(self.fit.root @ self.found.noise @ self.fit.root.T)

    @cached_property
    def gradient(self) -> Array:
        """(p,): of what was minimised, by the unknowns; half of it, and downwards."""
        return fisher.gradient(*self._data, self.criterion.scores_of(self.residual))

    @property
    def step(self) -> Array:
        """What one more Gauss-Newton step of the fit would change."""
        return np.asarray(self.found.inverse.matrix @ self.gradient)

    @property
    def distance(self) -> float:
        """From the weights to the maximum of the likelihood, in standard errors (root mean square):
        √(gᵀ G⁻¹ g / p) of the gradient g and its covariance G, by what the step to the maximum
        leaves. Its square is distributed about as F(p, n m − p) if the network generated the
        samples: a score test. O(n p² + p³)."""
        residual = self._beyond_rounding()
        scores = self._centred_scores(residual)
        gradient = fisher.gradient(*self._data, scores)
        covariance = self._gradient_covariance(residual, scores, gradient)
        variances = np.diag(covariance)
        known = np.flatnonzero(variances > 0)
        if not len(known):
            return np.inf if gradient.any() else 0.0
        size = np.sqrt(variances[known])
        correlations = covariance[np.ix_(known, known)] / np.outer(size, size)
        correlations[np.diag_indices(len(known))] += ALIKE
        moved = gradient[known] / size
        try:
            squares = moved @ cho_solve(cho_factor(correlations), moved)
        except LinAlgError:
            values, vectors = eigh(correlations)
            squares = ((vectors.T @ moved) ** 2 / np.maximum(values, ALIKE)).sum()
        return float(np.sqrt(squares / len(known)))

    def _beyond_rounding(self) -> Array:
        """Residuals (n, m), zero where rounding is all that is left: it may depend on inputs.
        Coarse rounding is noise."""
        samples = self.samples
        left = samples.left(self.fit.net(samples.X))
        rounding = samples.resolution() * (not samples.coarse)
        beyond = np.where(np.abs(left) > rounding, left, 0.0)
        return np.asarray(solve_triangular(self.fit.root, beyond.T, lower=True).T)

    def _centred_scores(self, residual: Array) -> Array:
        """Derivatives of what was minimised, (n, m). The mean of noise of an unknown law is part of
        c: where it is no larger than the noise, it does not count."""
        scores: Array = self.criterion.scores_of(residual) * (residual != 0)
        if self.criterion.scores is None or self.criterion.parts or not self.fit.biased:
            return scores
        middle = np.median(residual, axis=0)
        near = np.abs(middle) <= robust_spread(residual - middle, self.samples.Y)
        return np.asarray(scores - scores.mean(axis=0) * near)

    def _gradient_covariance(self, residual: Array, scores: Array, gradient: Array) -> Array:
        """(p, p), of noise that is the same in every sample, unless errors allow for another."""
        (model, Z), (n, m), criterion = self._data, residual.shape, self.criterion
        if criterion.parts:
            return fisher.scored_information(model, Z, criterion.parts)
        weights = criterion.weights if criterion.scores is None else None
        sums = fisher.moments(model, Z)
        plain = fisher.information(model, sums)
        if weights is not None:
            plain = fisher.weighted_information(model, Z, weights)
        step = fisher.invert(model, plain, n).matrix @ gradient
        moved = fisher.product(model, Z, step)
        psi = scores - (moved if weights is None else weights * moved)
        spare = n - model.unknowns / m
        if self.changing and n >= SCORES * model.unknowns:
            return np.asarray(fisher.scores(model, Z, psi) * (n / spare))
        if weights is not None:
            return np.asarray(plain * (psi * (residual - moved)).sum() / (spare * m))
        noise = psi.T @ psi / spare
        whole = m == 1 or spare >= FULL * m
        return fisher.information(model, sums, noise if whole else np.diag(np.diag(noise)))


def linearised(
    net: Network, samples: Samples, criterion: Criterion, *, biased: bool, skip: bool
) -> Linearised:
    """The fit of a criterion that led to this network, to first order. Raises InputError for what
    cannot have been fitted."""
    if criterion.weights is not None:
        samples = replace(samples, weights=None)
    net = fitted_network(net, samples, biased, skip)
    unknowns = checked_unknowns(net, samples, biased, skip)
    root = square_root(criterion.covariance, samples.m)
    white, weighting = white_features(samples, biased), samples.weights is not None
    fit = Fitted(net, white, root, biased, skip, weighting)
    mean = net(samples.X)
    residual = solve_triangular(root, samples.left(mean).T, lower=True).T
    U = solve_triangular(root, net.U, lower=True)
    changing = ""
    if criterion.scores is None:
        standardised = criterion.standardised(residual)
        changing = notes.changing_noise(standardised, mean, white.features)
    robust = criterion.scores is not None and not criterion.parts
    sandwich = criterion.form == "sandwich" or robust
    many = samples.n * samples.m >= notes.MANY * unknowns  # for the sandwich to be chosen unasked
    sandwich |= criterion.form == "auto" and many and changing != ""
    heights = heights_known(net, white, U, biased, residual)
    model = model_of(net, white, U, biased, skip, heights, weighting)
    return Linearised(fit, samples, criterion, residual, model, changing, sandwich)
