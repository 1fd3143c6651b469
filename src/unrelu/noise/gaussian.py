"""Noise of finite variance: its covariance, and the metric in which it is white. Least squares in
that metric is what is fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.found import Noise
from unrelu.noise.independent import long_tailed
from unrelu.noise.kind import Criterion, NoiseKind
from unrelu.numerics.arrays import Array, divisors
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

FULL = 10
"""Samples to an output from which covariances between outputs are looked at."""

SHARED = 1e-3
"""Least noise of a combination of outputs, to the largest. Where outputs share theirs, so that it
cancels, what a search leaves there is the search's own, and would be explained by units."""

TAILED = (
    "what is left has heavy tails: least squares is not precise then, and may take a few large "
    "errors for units; noise='independent' is made for them"
)


def noise_covariance(residual: Array, net: Network, bias: bool, least: Array) -> Array:
    """(m, m), of the noise in one sample. Diagonal, unless there are `FULL` samples to an output.
    `least` (m,) are the smallest standard deviations that an output is credited with."""
    n, m = residual.shape
    used = unknowns_of(net, biases=bias, skip=net.skip)
    freedom = max(1.0, n - used / m)
    covariance = residual.T @ residual / freedom
    if freedom < FULL * m:
        covariance = np.diag(np.diag(covariance))
    variances = np.diag(covariance)
    raised = np.maximum(variances, least**2)
    # Outputs may share all of their noise; the ridge is what rounding leaves of zero, in a sum of
    # n products and in a Cholesky factor (Higham 2002, Theorem 10.7).
    ridge = (m * (m + 1) + np.sqrt(n)) * np.finfo(np.float64).eps * raised
    return np.asarray(covariance + np.diag(raised - variances + ridge))


def whitener(covariance: Array) -> Array:
    """M with Mᵀ Ω M = I, whatever the units of the outputs; combinations of outputs that have no
    noise count as if they had `SHARED` of the largest."""
    sizes, values, vectors = _principal(covariance)
    return np.asarray(vectors / np.sqrt(values) / sizes[:, None])


def _principal(covariance: Array) -> tuple[Array, Array, Array]:
    """Sizes (m,) of the noise, and values and vectors of its correlations, `SHARED` at least."""
    sizes = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(sizes, sizes))
    return sizes, np.maximum(values, SHARED**2 * float(values.max())), vectors


def affine_residual(samples: Samples, bias: bool) -> Array:
    """Size of what no affine function explains of each output."""
    design = samples.root * with_constant(samples.X, bias)
    labels = samples.root * samples.Y
    residual = labels - design @ np.linalg.lstsq(design, labels)[0]
    size = np.sqrt((residual**2).mean(axis=0))
    spread = np.sqrt((labels**2).mean(axis=0))
    # An output that is affine shows no unit: its rounding is not to be scaled up.
    return divisors(np.where(size > samples.eps**0.75 * spread, size, spread))


def _criterion(samples: Samples, predicted: Array, noise: Noise) -> Criterion:  # noqa: ARG001
    """In the metric of `whitener`."""
    sizes, values, vectors = _principal(noise.covariance)
    half = sizes[:, None] * vectors * np.sqrt(values)
    return Criterion("auto", half @ half.T)


def _likelihood(samples: Samples, predicted: Array, noise: Noise) -> tuple[float, int]:
    """At the variances, and the correlations where there are any, that make it largest. Outputs
    without noise, such as constant ones, do not count."""
    residual = samples.left(predicted)
    residual = residual[:, (residual**2).mean(axis=0) > samples.resolution() ** 2]
    m = residual.shape[1]
    squares = residual.T @ residual / samples.n
    full = m > 1 and bool((noise.covariance != np.diag(np.diag(noise.covariance))).any())
    squares = squares if full else np.diag(np.diag(squares))
    sign, log_determinant = np.linalg.slogdet(squares)
    if sign <= 0:
        return math.inf, 0
    size = samples.n * (m * math.log(2 * math.pi) + float(log_determinant) + m)
    likelihood = -0.5 * size + m * float(np.log(samples.root).sum())
    return likelihood, m * (m + 1) // 2 if full else m


def _objection(samples: Samples, net: Network, bias: bool) -> str:
    return TAILED if long_tailed(samples, net, bias) else ""


@dataclass(frozen=True, eq=False)
class Squares:
    """The loss (`noise.kind.Loss`) of noise with a variance (m,) for each output; `samples` (n, 1):
    weights of the samples."""

    samples: Array
    variance: Array

    @classmethod
    def of(cls, samples: Samples, predicted: Array, unknowns: int) -> Squares:
        """The variances that predictions leave, in which the unknowns do not count as labels."""
        entries, least = samples.n * samples.m, samples.resolution() ** 2
        more = entries / max(entries - unknowns, 0.1 * entries)
        variance = more * (samples.left(predicted) ** 2).mean(axis=0)
        return cls(samples.root**2, divisors(np.maximum(variance, least)))

    def weights(self, Y: Array, predicted: Array) -> Array:  # noqa: ARG002
        return np.asarray(np.broadcast_to(self.samples / self.variance, Y.shape))

    def scores(self, Y: Array, predicted: Array) -> Array:
        return self.weights(Y, predicted) * (Y - predicted)

    def shared(self, predicted: Array) -> Array | None:  # noqa: ARG002
        return None

    def cost(self, Y: Array, predicted: Array) -> float:
        return float((self.weights(Y, predicted) * (Y - predicted) ** 2).sum())

    def standardised(self, Y: Array, predicted: Array) -> Array:
        return np.asarray((Y - predicted) * np.sqrt(self.weights(Y, predicted)))


GAUSSIAN = NoiseKind(
    "gaussian",
    "mean-zero noise of finite variance, correlated between outputs or not",
    at_scale=Squares.of,
    criterion=_criterion,
    likelihood=_likelihood,
    recognised=lambda _fit: "",
    objection=_objection,
)
