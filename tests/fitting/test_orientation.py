"""The sides of units, from the affine function that a fit leaves."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu.fitting import orientation
from unrelu.fitting.orientation import orient


@pytest.mark.parametrize("most", [0, 1e9])
@pytest.mark.parametrize("seed", range(3))
def test_units_are_turned_as_the_affine_part_says(
    monkeypatch: pytest.MonkeyPatch, most: float, seed: int
) -> None:
    """By the linear system itself, and by its normal equations: 4 (d + m) units."""
    monkeypatch.setattr(orientation, "MOST_ENTRIES", most)
    rng = np.random.default_rng(seed)
    V, b, U = (rng.standard_normal(shape) for shape in ((64, 8), 64, (12, 64)))
    turned = rng.random(64) < 0.5
    W = -(U * turned) @ V
    found = orient(V, b, U, W)
    signs = np.where(turned, -1.0, 1.0)
    assert np.array_equal(found.V, V * signs[:, None])
    assert np.array_equal(found.b, b * signs)
    assert not found.affine.any()
    other = orient(V, b, U, W + 0.5 * rng.standard_normal(W.shape))  # the canary
    assert other.affine.any()


def test_weights_of_a_bad_fit_have_no_digits_for_a_lattice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty units of one output and eight inputs: more than the linear system determines."""
    rng = np.random.default_rng(0)
    V, b, U = (rng.standard_normal(shape) for shape in ((20, 8), 20, (1, 20)))
    turned = rng.random(20) < 0.5
    W = -(U * turned) @ V
    assert not orient(V, b, U, W).affine.any()
    tried: list[int] = []
    monkeypatch.setattr(orientation, "subset", lambda *given: tried.append(given[2]))
    assert orient(V, b, U, W, 1e-5).affine.any()
    assert max(tried) == max(
        bits for bits in orientation.BITS if 1e-5 * 2**bits < orientation.FINER
    )
    tried.clear()
    assert orient(V, b, U, W, 0.02).affine.any()
    assert not tried
