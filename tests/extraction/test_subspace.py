"""Networks of many inputs in single precision, shown by a random subspace."""

from __future__ import annotations

import numpy as np
from support.rounding import Standing, planted_single, single

import unrelu
from unrelu.extraction.subspace import DIMENSIONS


def test_a_network_of_many_inputs_in_single_precision() -> None:
    truth = planted_single(80, 70, 8, seed=1, decades=0.0)
    result = unrelu.extract(single(truth), 80, rng=0)
    assert result.stats["method"] == "a subspace"
    assert result.status == "estimated"
    assert result.code == "below-rounding"
    assert result.network is not None
    standing = Standing.of(truth)
    seen = standing.compared(result.network)
    assert seen.found.all()
    assert seen.spurious == 0
    assert seen.errors.max() < 2
    assert standing.off(result.network) < 20
    # Errors are those of unit rows, and known to a few times.
    errors = result.certificate.weight_errors
    off = unrelu.match(result.network, truth.canonical()).hidden
    assert np.median(off) < 3 * np.median(errors) < 30 * np.median(off)


def test_few_inputs_or_weights_are_left_to_lines() -> None:
    for d, k, m in ((2 * DIMENSIONS - 1, 10, 2), (80, 8, 2)):
        result = unrelu.extract(
            single(planted_single(d, k, m, seed=0, decades=0.0)), d, budget=1500, rng=0, throw=False
        )
        assert "queries for a subspace" not in result.stats
