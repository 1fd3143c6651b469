"""Rounded labels: errors of rounding that many samples share count once."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network, match, recover, verify
from unrelu.evidence.shared_rounding import rounded_apart
from unrelu.samples import Samples


def rounded(seed: int, n: int = 1500) -> tuple[Network, np.ndarray, np.ndarray]:
    """No unit is active on three samples in ten, and labels have one decimal."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    truth = Network(V, 1 + rng.random((1, 3)), -0.45 * np.ones(3), rng.standard_normal(1))
    X = rng.standard_normal((n, 3))
    return truth.canonical(), X, np.round(truth(X), 1)


@pytest.mark.parametrize("seed", [0, 6, 16])
def test_errors_allow_for_a_shared_rounding(seed: int) -> None:
    truth, X, Y = rounded(seed)
    result = recover(X, Y, rng=0, throw=False)
    assert result.code == "rounding"
    assert result.network is not None
    assert result.stderr is not None
    order = match(result.network, truth).permutation
    error = abs(result.network.c - truth.c)
    assert (error < 4 * result.stderr.c).all()
    # The constant is that of one label: known to no better than its rounding, but for the kinks.
    assert 0.1 / 12**0.5 / 10 < result.stderr.c[0] < 0.1
    assert (abs(result.network.b[order] - truth.b) < 4 * result.stderr.b[order]).all()
    assert verify(result.network, X, Y).status == "estimated"


def test_samples_of_their_own_rounding() -> None:
    truth, X, Y = rounded(0)
    samples = Samples.of(X, Y)
    idle = int((truth.preactivations(X) <= 0).all(axis=1).sum())
    kept = rounded_apart(truth, samples, 0.1)
    assert len(X) - idle - 60 < kept.n <= len(X) - idle + 1  # some are active by less than a step
    assert rounded_apart(truth, samples, 0.0) is samples  # labels that are not rounded
    noisy = Samples.of(X, Y + 0.3 * np.random.default_rng(0).standard_normal(Y.shape))
    assert rounded_apart(truth, noisy, 0.1) is noisy  # more is left than rounding
