"""What a prior of hidden weights adds to a fit: its information, the posterior, and the evidence.

With H the information of the labels about the unknowns, as in `inference.fisher`, and Q that of the
prior, the posterior is about normal with covariance (H + Q)⁻¹, and the logarithm of the evidence of
the prior (Laplace's approximation; MacKay 1992) is

    log p(labels | weights) + log p(weights) − ½ log|H + Q|,

but for what all priors have in common, at the weights that make the sum of the first two largest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.linalg import eigh

from unrelu.fitting.prior import Prior
from unrelu.inference import fisher
from unrelu.numerics.arrays import Array
from unrelu.numerics.whitening import Whitened

TAKEN = -0.5
"""Of the information that labels have, a prior takes half at most: the direction that a flat prior
is largest in is a maximum of it, and next to it, it falls."""


@dataclass(frozen=True)
class Weighed:
    """Lengths of a smoothness prior, one along each axis, and the logarithm of their evidence
    (natural), beside that of no smoothness."""

    lengths: tuple[float, ...]
    evidence: float


@dataclass(frozen=True)
class Smoothness:
    """The smoothness prior of a fit.

    shape : of the grid of inputs. lengths : along each axis, in steps; all zero where there is no
    smoothness in the fit. evidence : logarithm of the ratio of their evidence and that of no
    smoothness. chosen : whether by that. weighed : what was tried.
    """

    shape: tuple[int, ...]
    lengths: tuple[float, ...]
    evidence: float
    chosen: bool
    weighed: tuple[Weighed, ...] = ()

    @property
    def used(self) -> bool:
        return any(self.lengths)

    def to_dict(self) -> dict[str, object]:
        """Plain numbers and lists."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """The prior as labelled lines."""
        grid = " x ".join(map(str, self.shape))
        how = " (by evidence)" if self.chosen else ""
        if not self.used:
            return [("smoothness", f"none over {grid} inputs{how}")]
        sizes = list(dict.fromkeys(f"{length:.3g}" for length in self.lengths))
        size = sizes[0] if len(sizes) == 1 else " x ".join(f"{each:.3g}" for each in self.lengths)
        more = f"log evidence {self.evidence:+.3g} to none"
        return [("smoothness", f"over {grid} inputs, length {size} steps{how}; {more}")]


def prior_information(model: fisher.Model, white: Whitened, prior: Prior) -> Array:
    """Q (p, p), of the unknowns of a model at its rows."""
    total = np.zeros((model.unknowns, model.unknowns))
    rows, t = prior.of_features(white, len(prior.covariance)), model.shape[1]
    for j, (a, tangent) in enumerate(zip(model.A, model.tangents(), strict=True)):
        at = slice(j * t, (j + 1) * t)
        total[at, at] = tangent.T @ rows.hessian(a) @ tangent
    return total


def conditioned(covariance: Array, information: Array) -> tuple[Array, Array]:
    """P = (C⁻¹ + Q)⁻¹, and P C⁻¹ P, of the estimate about its mean; what C knows nothing of stays
    so. O(p³)."""
    values, vectors = eigh(covariance)
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    sizes, turned = eigh(half.T @ information @ half)
    shares = 1 / (1 + np.maximum(sizes, TAKEN))
    half = half @ turned
    return np.asarray((half * shares) @ half.T), np.asarray((half * shares**2) @ half.T)


def log_evidence(cost: float, prior_cost: float, information: Array, of_prior: Array) -> float:
    """Of costs that are twice a negative logarithm, and the information of labels and prior."""
    size = np.sqrt(np.maximum(np.diag(information), np.finfo(np.float64).tiny))
    scaled = (information + of_prior) / np.outer(size, size)
    values = np.maximum(eigh(scaled, eigvals_only=True), np.finfo(np.float64).eps)
    determinant = float(np.log(values).sum() + 2 * np.log(size).sum())
    return -0.5 * (cost + prior_cost + determinant)
