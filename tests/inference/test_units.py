"""Errors of units in one number, and what is known of units that are lost."""

from __future__ import annotations

import numpy as np

from unrelu.inference.units import UNKNOWN, UnitEstimate, hidden_errors
from unrelu.network import Network
from unrelu.samples import Samples


def unit(number: int, strength_error: float) -> UnitEstimate:
    return UnitEstimate(number, 1.0, strength_error, 0.1, 0.0, 0.2, 0.5, 0.0, 9.0, 0.01, True)


def test_nothing_is_known_of_a_unit_whose_output_weights_are_lost() -> None:
    units = [unit(0, 0.2), unit(1, 1e12)]
    for d, known in ((2, 0.1), (1, 0.2)):
        net = Network(np.ones((2, d)) / np.sqrt(d), [[1.0, 1.0]], [0.0, 0.5])
        X = np.random.default_rng(0).standard_normal((50, d))
        X[:, 0] /= X[:, 0].std()
        errors = hidden_errors(net, units, Samples.of(X, net(X)))
        assert np.allclose(errors, [known, UNKNOWN])
