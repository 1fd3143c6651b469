"""Estimates without any unit."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Status, recover
from unrelu.checks.without_units import FEW_TAILS


@pytest.mark.parametrize("size", [1e4, 1e8])
def test_few_labels_with_gross_errors_are_no_estimate_of_none(size: float) -> None:
    """A kink is there; the errors are a sixth of the labels."""
    n = FEW_TAILS - 6
    x = np.linspace(0, 10, n)
    noise = 0.1 * np.random.default_rng(1).standard_normal(n)
    y = 1 + 0.5 * x + 2 * np.maximum(x - 4, 0) + noise
    y[::7] = size
    result = recover(x[:, None], y, skip=True, noise="independent", rng=0, throw=False)
    assert result.network is not None
    assert result.status != Status.ESTIMATED or result.network.n_units == 1


def test_more_labels_show_that_there_is_none() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 10, 2 * FEW_TAILS)
    y = 1 + 0.5 * x + 0.1 * rng.standard_t(2, len(x))
    result = recover(x[:, None], y, skip=True, noise="independent", rng=0, throw=False)
    assert (result.status, result.code) == (Status.ESTIMATED, "no-unit")


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_three_distinct_inputs_show_no_unit_and_rule_none_out(slope: float, skip: bool) -> None:
    rng = np.random.default_rng(1)
    x = np.repeat([0.0, 1.0, 2.0], 30)
    y = slope * x + 2 * np.maximum(x - 1, 0) + 0.3 * rng.standard_normal(len(x))
    result = recover(x[:, None], y, skip=skip, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED


def test_three_distinct_inputs_show_that_labels_do_not_depend_on_them() -> None:
    y = 1 + 0.3 * np.random.default_rng(0).standard_normal(90)
    result = recover(np.repeat([0.0, 1.0, 2.0], 30)[:, None], y, rng=0, throw=False)
    assert (result.status, result.code) == (Status.ESTIMATED, "no-unit")
