"""A kind of noise as a value: how it is recognised, the loss that is made for it, and what
standard errors rest on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples


class Loss(Protocol):
    """A loss of labels (n, m) about predictions (n, m): twice the negative log likelihood, less
    what it is at the best prediction.

    Its derivative by a prediction is −2 times the score, and its second derivative is about twice
    the weight: so Gauss–Newton steps of least squares with these weights descend in it (iteratively
    reweighted least squares; for a likelihood, Fisher's scoring).
    """

    def weights(self, Y: Array, predicted: Array) -> Array:
        """(n, m), non-negative."""

    def scores(self, Y: Array, predicted: Array) -> Array:
        """(n, m). Where predictions are those of the labels, weights times residuals."""

    def shared(self, predicted: Array) -> Array | None:
        """s (n, m): half the second derivative by two outputs of a sample is −s_a s_b. None where
        it is zero."""

    def cost(self, Y: Array, predicted: Array) -> float:
        """The sum over all labels."""

    def standardised(self, Y: Array, predicted: Array) -> Array:
        """(n, m): residuals that have the same law in all samples, if the prediction is right."""


LossAt = Callable[[Samples, Array], Loss]
"""The loss of samples, with the scales of what their labels leave about predictions."""


class DrawnAbout(Protocol):
    """The law of a kind of noise."""

    def __call__(
        self,
        samples: Samples,
        predicted: Array,
        rng: np.random.Generator,
        doubt: Array | None = None,
        /,
    ) -> tuple[Array, Array] | None:
        """Labels (n, m) drawn from it, given samples and predictions, and the predictions that they
        are drawn about; None where it is not known. `doubt` (n, m): standard errors of predictions,
        where these are to be no further than that from what they are."""


Likelihood = Callable[[Samples, Array, Noise], tuple[float, int]]
"""(samples, predictions, the noise found) → the log-likelihood of the labels, and how many
parameters the law of the noise has."""


Interval = Callable[[Noise, Array, Array, float], tuple[Array, Array]]
"""(the noise found, predictions (n, m), their standard errors, a level) → the ends of intervals
that hold a new label with the probability of the level."""


@dataclass(frozen=True, eq=False)
class Criterion:
    """What a fit minimised, and what may be assumed of the noise: what standard errors rest on.

    form : how the noise may depend on the sample: "homoscedastic", "sandwich" or "auto", as in
        `assess`.
    covariance : (m, m), of a fit that minimised Σ r_iᵀ covariance⁻¹ r_i.
    weights : (n, m), of a fit that minimised Σ w_io r_io²; they hold the weights of samples.
    scores : (n, m), with weights, of a fit that minimised Σ ρ(r_io): scores ρ'(r), and weights
        ρ''(r).
    parts : (n, m) each, with scores, of a fit that maximised the likelihood of a known law: Σ ψψᵀ
        over them is the covariance of the scores of a sample, and the information about its
        outputs.
    """

    form: str = "homoscedastic"
    covariance: Array | None = None
    weights: Array | None = None
    scores: Array | None = None
    parts: tuple[Array, ...] = ()

    @property
    def by_variance(self) -> bool:
        """Whether labels weigh as the inverse of variances that differ between samples."""
        return self.weights is not None and self.scores is None

    def scores_of(self, residual: Array) -> Array:
        """Half the derivatives of what was minimised by residuals (n, m), in the coordinates in
        which the covariance is the identity."""
        if self.scores is not None:
            return self.scores
        return residual if self.weights is None else self.weights * residual

    def standardised(self, residual: Array) -> Array:
        """Residuals (n, m) of one variance, if the noise is as the weights say."""
        if self.weights is None:
            return residual
        return np.asarray(np.sqrt(np.maximum(self.weights, 0.0)) * residual)


@dataclass(frozen=True, eq=False)
class FirstFit:
    """What a kind of noise is recognised by: the samples, a least-squares fit to them, with biases
    or without, and what the search has shown. `suspected`: the name of the kind that the labels
    alone looked like; `heavy`: whether the fit leaves heavy tails."""

    samples: Samples
    net: Network
    bias: bool
    suspected: str = ""
    heavy: bool = False


@dataclass(frozen=True)
class NoiseKind:
    """A kind of noise.

    name : as in `recover(noise=...)`.
    contains : what labels contain besides the outputs of a network.
    criterion : (samples, predictions, the noise found) → what their fit minimised; None where
        labels are explained to rounding, and there is no estimate.
    loss : what is minimised, for given scales; None for the squares in the metric of the
        covariance.
    likelihood : of the labels under the law of the noise; NaN where there is no such law.
    interval : of new labels; None for those of a normal law with the covariance found.
    suspected : (samples, bias) → whether the labels look like it before any fit.
    recognised : why a fit shows that it is this kind, "" if no reason is needed; None where it
        does not show it, or is not asked.
    robust : whether it has heavy tails: a search by least squares then clips the labels.
    bounded : whether labels can only be so far from their mean, so that gains in noise are as in
        normal noise, however few samples vary much.
    integer : whether labels are whole numbers by nature, and not rounded to them.
    counts : whether labels count events, so that inputs at which many were seen show units.
    drawn : labels from its law, if that is known.
    left : (samples, predictions) → what these leave of labels (n, m), in units of the predictions.
    standing : (samples, predictions) → samples whose labels have those as their mean, if they are
        right, where labels themselves have another.
    mean : predictions to the means of labels.
    answers : what such labels are of the values of a network, as in `recover(answers=...)`.
    described : (noise, loss) → the noise that was found, in the terms of the loss.
    objection : (samples, network, bias) → a note on what contradicts it, "" if nothing does.
    check : refuses samples that cannot have such noise, with an InputError.
    given : whether it is a kind at all, and not to be found out.
    exact : whether labels contain rounding and nothing else. gross : whether some of them may have
        any value, which are then to be found.
    stand_in : the name of the kind by which a fit finds networks for such labels, "" for its own.
    at_scale : (samples, predictions, how many unknowns were fitted to make them) → the loss with
        the scale of the noise that they leave, a likelihood with one scale for all networks that
        are compared; None where there is none.
    """

    name: str
    contains: str
    criterion: Callable[[Samples, Array, Noise], Criterion] | None = None
    loss: LossAt | None = None
    likelihood: Likelihood = lambda *_: (math.nan, 0)
    interval: Interval | None = None
    suspected: Callable[[Samples, bool], bool] = lambda _samples, _bias: False
    recognised: Callable[[FirstFit], str | None] = lambda _fit: None
    robust: bool = False
    bounded: bool = False
    integer: bool = False
    counts: bool = False
    drawn: DrawnAbout = lambda *_: None
    left: Callable[[Samples, Array], Array] = lambda samples, fitted: samples.left(fitted)
    standing: Callable[[Samples, Array], Samples] = lambda samples, _fitted: samples
    mean: Callable[[Array], Array] = lambda fitted: fitted
    answers: str = "values"
    described: Callable[[Noise, Loss], Noise] = lambda noise, _loss: noise
    objection: Callable[[Samples, Network, bool], str] = lambda *_: ""
    check: Callable[[Samples], None] = lambda _samples: None
    given: bool = True
    exact: bool = False
    gross: bool = False
    stand_in: str = ""
    at_scale: Callable[[Samples, Array, int], Loss] | None = None

    @property
    def estimated(self) -> bool:
        """Whether fits leave an estimate, with standard errors."""
        return self.criterion is not None

    @property
    def noisy(self) -> bool:
        """Whether labels may have noise that leaves an estimate."""
        return not self.exact and not self.gross
