"""Class labels, drawn with the probabilities of a softmax: the logit model.

Y (n, m) are indicators of all classes but the first, whose logit is zero; F (n, m) are the logits
of the others, and p = exp(F) / (1 + Σ exp(F)) their probabilities. A label of one class is drawn
in each sample, so

    −log likelihood = Σ log(1 + Σ_a exp(F_a)) − Y·F,

its derivative by F_a is −(Y_a − p_a), and the second one by F_a and F_b is p_a δ_ab − p_a p_b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, NoiseKind
from unrelu.numerics.arrays import Array, divisors
from unrelu.samples import Samples

LEAST = 1e-10
"""Of the weight of a label, so that steps stay finite where probabilities are zero or one."""


def probabilities(F: Array) -> Array:
    """(n, m), of all classes but the first, without overflow."""
    top = np.maximum(F.max(axis=1, keepdims=True), 0.0)
    parts = np.exp(F - top)
    return np.asarray(parts / (np.exp(-top) + parts.sum(axis=1, keepdims=True)))


@dataclass(frozen=True, eq=False)
class Logit:
    """The likelihood of labels; `samples` (n, 1): weights of the samples, as if that many labels
    had been seen."""

    samples: Array

    @classmethod
    def of(cls, samples: Samples, predicted: Array) -> Logit:  # noqa: ARG003
        return cls(samples.root**2)

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        p = probabilities(predicted)
        return np.asarray(self.samples * np.maximum(p * (1 - p), LEAST))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return np.asarray(self.samples * (Y - probabilities(predicted)))

    def shared(self, predicted: Array) -> Array | None:
        if predicted.shape[1] == 1:
            return None
        return np.asarray(np.sqrt(self.samples) * probabilities(predicted))

    def cost(self, Y: Array, predicted: Array) -> float:
        top = np.maximum(predicted.max(axis=1), 0.0)
        parts = np.exp(predicted - top[:, None]).sum(axis=1)
        total = top + np.log(np.exp(-top) + parts)
        return float(2 * (self.samples[:, 0] * (total - (Y * predicted).sum(axis=1))).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        """Scores, which are bounded, over their size: not of the same law in all samples, but
        labels that are drawn have the same."""
        return _scaled(self.samples, Y, probabilities(predicted))


def _scaled(weights: Array, Y: Array, p: Array) -> Array:
    size = np.sqrt((weights * p * (1 - p)).mean(axis=0))
    return np.asarray(np.sqrt(weights) * (Y - p) / divisors(size))


def _left(samples: Samples, predicted: Array) -> Array:
    """Scores over their mean weight: about the change of the logits that they ask for."""
    p, weights = probabilities(predicted), samples.root**2
    size = (weights * p * (1 - p)).mean(axis=0)
    return np.asarray(samples.root * (np.asarray(samples.Y, np.float64) - p) / divisors(size))


def separated(Y: Array, predicted: Array) -> bool:
    """Whether in every sample the class that was drawn has the largest logit: then larger logits
    are likelier without end."""
    first = 1 - Y.sum(axis=1)
    own = (Y * predicted).sum(axis=1)  # zero for the first class
    others = np.where(Y > 0, -np.inf, predicted).max(axis=1)
    others = np.where(first > 0, others, np.maximum(others, 0.0))
    return bool((own > others).all())


def drawn(predicted: Array, rng: np.random.Generator) -> Array:
    """Labels (n, m) of such logits."""
    below = np.cumsum(probabilities(predicted), axis=1)
    which = (rng.random((len(predicted), 1)) >= below).sum(axis=1)  # m: the first class
    return np.asarray(np.arange(predicted.shape[1]) == which[:, None], dtype=np.float64)


def _drawn(
    samples: Samples,  # noqa: ARG001
    predicted: Array,
    rng: np.random.Generator,
    doubt: Array | None = None,  # noqa: ARG001
) -> tuple[Array, Array]:
    return drawn(predicted, rng), predicted


def _criterion(samples: Samples, predicted: Array, noise: Noise) -> Criterion:  # noqa: ARG001
    """The information Σ p_a (e_a − p)(e_a − p)ᵀ over all classes, e = 0 for the first."""
    p = probabilities(predicted)
    first, m = 1 - p.sum(axis=1, keepdims=True), p.shape[1]
    parts = [np.sqrt(p[:, [a]]) * (np.eye(m)[a] - p) for a in range(m)]
    parts.append(-np.sqrt(np.maximum(first, 0.0)) * p)
    Y = np.asarray(samples.Y, np.float64)
    return Criterion(
        scores=samples.root**2 * (Y - p), parts=tuple(samples.root * each for each in parts)
    )


LABELS = NoiseKind(
    "labels",
    "the draw of one class, with the probabilities of a softmax of the values",
    criterion=_criterion,
    loss=Logit.of,
    left=_left,
    drawn=_drawn,
    bounded=True,
    integer=True,
    answers="labels",
)
