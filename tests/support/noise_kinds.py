"""Kinds of noise that the library does not have, made from what a kind is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.noise.found import Noise
from unrelu.noise.kind import Criterion, NoiseKind
from unrelu.samples import Samples

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Squares:
    """The loss of normal noise with weights (n, m), the inverses of its variances."""

    fixed: Array

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        return self.fixed

    def scores(self, Y: Array, predicted: Array) -> Array:
        return self.weights(Y, predicted) * (Y - predicted)

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        return float((self.fixed * (Y - predicted) ** 2).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        return np.asarray((Y - predicted) * np.sqrt(self.fixed))


@dataclass(frozen=True, eq=False)
class Absolute:
    """The loss of Laplace noise of some scale (m,): twice the sum of |r| over it. Its weights end
    at a thousandth of the scale."""

    scale: Array

    @classmethod
    def of(cls, samples: Samples, predicted: Array) -> Absolute:
        return cls(np.abs(samples.left(predicted)).mean(axis=0))

    def weights(self, Y: Array, predicted: Array) -> Array:
        return 1 / (self.scale * np.maximum(np.abs(Y - predicted), 1e-3 * self.scale))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return self.weights(Y, predicted) * (Y - predicted)

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        return float((2 * np.abs(Y - predicted) / self.scale).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        return np.sign(Y - predicted)


def _criterion_of_laplace(samples: Samples, predicted: Array, noise: Noise) -> Criterion:
    """Scores sign(r) / scale, and the information 1 / scale² of each label."""
    scale = np.sqrt(np.diag(noise.covariance) / 2)
    residual = np.asarray(samples.Y, np.float64) - predicted
    weights = np.ones_like(residual) / scale**2
    return Criterion(weights=weights, scores=np.sign(residual) / scale)


LAPLACE = NoiseKind(
    "laplace",
    "noise of the law of Laplace",
    criterion=_criterion_of_laplace,
    loss=Absolute.of,
)


def known_variance(variance: Array) -> NoiseKind:
    """Normal noise of a variance (n, m) that is known for each label."""
    return NoiseKind(
        "known-variance",
        "normal noise of known variance",
        criterion=lambda _samples, _predicted, _noise: Criterion(weights=1 / variance),
        loss=lambda samples, _: Squares(1 / variance[: samples.n]),
    )
