"""How well a network with noise fits its samples: R², log-likelihood, AIC and BIC."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.links.identity import VALUES
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.found import Noise
from unrelu.noise.kinds import KINDS
from unrelu.numerics.arrays import Array
from unrelu.numerics.equality import by_value
from unrelu.samples import Samples


@by_value
@dataclass(frozen=True, eq=False)
class Goodness:
    """How well a network fits samples with noise.

    n_samples : n, without samples of weight zero; n_outputs : m.
    unknowns : p, the free weights: a kink counts as one unknown, like any other weight. Where it is
        was searched for, so that a unit of pure noise gains more than the criteria charge for it;
        the number of units is chosen by tests, which allow for that.
    noise_parameters : q, of the law of the noise: variances and covariances, scales, dispersions.
    r_squared : (m,), 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)² of each output; NaN for one that is constant.
    log_likelihood : of the labels under the law of the noise (natural logarithm).
    """

    n_samples: int
    n_outputs: int
    unknowns: int
    noise_parameters: int
    r_squared: Array
    log_likelihood: float

    @property
    def adjusted_r_squared(self) -> Array:
        """(m,): R² corrected for the unknowns of an output, p/m of them; NaN where no more labels
        are left than those."""
        spare = self.n_samples - self.unknowns / self.n_outputs
        if spare <= 0:
            return np.full(self.n_outputs, math.nan)
        return np.asarray(1 - (1 - self.r_squared) * (self.n_samples - 1) / spare)

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 (p + q) − 2 log-likelihood."""
        return 2 * (self.unknowns + self.noise_parameters) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, (p + q) log n − 2 log-likelihood."""
        parameters = self.unknowns + self.noise_parameters
        return parameters * math.log(self.n_samples) - 2 * self.log_likelihood

    def to_dict(self) -> dict[str, object]:
        """Plain numbers and lists."""
        return {
            "n_samples": self.n_samples,
            "unknowns": self.unknowns,
            "r_squared": self.r_squared.tolist(),
            "adjusted_r_squared": self.adjusted_r_squared.tolist(),
            "log_likelihood": self.log_likelihood,
            "aic": self.aic,
            "bic": self.bic,
        }


def goodness(
    net: Network, samples: Samples, noise: Noise, *, biases: bool, skip: bool
) -> Goodness | None:
    """That of a network fitted to samples with noise of some kind; None for class labels, and for
    samples that stay in a store. One pass over the samples.

    >>> from unrelu.noise.found import Noise
    >>> samples = Samples.of([[-1.0], [0.0], [1.0], [2.0]], [0.0, 2.0, 2.0, 4.0])
    >>> noise = Noise("gaussian", "", np.eye(1))
    >>> line = Network(np.zeros((0, 1)), np.zeros((1, 0)), c=[1.4], W=[[1.2]])
    >>> found = goodness(line, samples, noise, biases=True, skip=True)
    >>> found.r_squared
    array([0.9])
    """
    kind = KINDS[noise.kind]
    if samples.in_store or kind.answers != VALUES.name:
        return None
    Y, weights = np.asarray(samples.Y, np.float64), samples.root**2
    values = net(samples.X)
    fitted = kind.mean(values)
    mean = (weights * Y).sum(axis=0) / weights.sum() if len(weights) > 1 else Y.mean(axis=0)
    about = (weights * (Y - mean) ** 2).sum(axis=0)
    left = (weights * (Y - fitted) ** 2).sum(axis=0)
    r_squared = np.full(samples.m, math.nan)
    np.divide(left, about, out=r_squared, where=about > 0)
    likelihood, parameters = kind.likelihood(samples, values, noise)
    return Goodness(
        n_samples=samples.n,
        n_outputs=samples.m,
        unknowns=unknowns_of(net, biases=biases, skip=skip),
        noise_parameters=parameters,
        r_squared=1 - r_squared,
        log_likelihood=likelihood,
    )
