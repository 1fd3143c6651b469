"""Intervals for new labels: the error of a prediction, and the noise of the label."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from unrelu.inference.uncertainty import Uncertainty
from unrelu.noise.found import Noise
from unrelu.noise.kinds import KINDS
from unrelu.numerics.arrays import AnyArray, Array


def label_intervals(
    uncertainty: Uncertainty, noise: Noise, X: AnyArray, level: float
) -> tuple[Array, Array]:
    """Ends (n, m) of intervals that hold a new label at each row of X (n, d) with probability
    `level`, each alone.

    Assumes that new labels have the law of noise that was found; noise that changes with the inputs
    in another way is taken at its mean size. Raises InputError for X and levels that cannot be
    meant. O(n p²).
    """
    predicted = uncertainty.predict(X, level)
    kind = KINDS[noise.kind]
    if kind.interval is not None:
        return kind.interval(noise, predicted.mean, predicted.stderr, level)
    size = np.sqrt(predicted.stderr**2 + np.diag(uncertainty.noise))
    reach = float(stdtrit(uncertainty.tail, 0.5 + 0.5 * level)) * size
    return predicted.mean - reach, predicted.mean + reach
