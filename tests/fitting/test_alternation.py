"""Alternation between a sign pattern and the vector of the label space that fits it best."""

from __future__ import annotations

import numpy as np
import pytest
from support.planting import plant

from unrelu.fitting import alternation
from unrelu.fitting.alternation import LabelSpace, alternate, alternate_together
from unrelu.fitting.problem import Problem
from unrelu.samples import Samples


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_starts_taken_together_end_where_they_end_alone(bias: float, noise: float) -> None:
    """In the same units or, of noisy labels, in none. (Samples enough that no pattern has fewer
    than a unit has weights: there rounding decides.)"""
    planted = plant(4, 3, 3, 400, seed=1, bias=bias)
    rng = np.random.default_rng(0)
    Y = planted.Y + noise * rng.standard_normal(planted.Y.shape)
    samples = Samples.of(planted.X, Y)
    problem = Problem(samples, np.arange(samples.n), bias > 0)
    space = LabelSpace.of(problem, samples.eps)
    parts = space.parts(space.known)
    patterns = [space.start(rng) for _ in range(20)]
    together = alternate_together(space, parts, patterns, 20)
    alone = [alternate(space, parts, pattern, 20) for pattern in patterns]
    assert all(unit is None for unit in alone) == (noise > 0)
    for one, other in zip(together, alone, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert np.abs(one - other).max() < 1e-10


def test_a_singular_start_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(4, 3, 3, 60, seed=1)
    samples = Samples.of(planted.X, planted.Y)
    space = LabelSpace.of(Problem(samples, np.arange(60), False), samples.eps)
    rng = np.random.default_rng(0)
    patterns = [space.start(rng) for _ in range(40)]
    parts = space.parts(space.known)

    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError

    monkeypatch.setattr(alternation, "_best_of_each", singular)
    found = [unit for unit in alternate_together(space, parts, patterns, 20) if unit is not None]
    assert found
