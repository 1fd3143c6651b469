"""Summaries: the numbers are those of the result, in every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from unrelu import InputError, Network, Recovery, Status, recover
from unrelu.wording.summary import WIDTH


@pytest.fixture(scope="module")
def named() -> Recovery:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(0, 10, (400, 3)), columns=["dose", "age", "a<b"])
    y = np.maximum(X["dose"] - X["age"], 0) - np.maximum(X["a<b"] - 5, 0) + 0.3 * X["age"]
    return recover(X, pd.Series(y + 0.1 * rng.standard_normal(400), name="y"), skip=True, rng=0)


def test_numbers_are_those_of_the_result(named: Recovery) -> None:
    summary, errors = named.summary(0.9), named.uncertainty
    assert errors is not None
    assert named.goodness is not None
    assert list(summary.numbers) == errors.weights(0.9)
    frame = summary.frame()
    assert len(frame) == 2 * (3 + 1 + 1) + 1 + 3
    assert dict(summary.facts)["BIC"] == f"{named.goodness.bic:.6g}"
    slope = next(row for table in summary.tables for row in table.rows if row[0] == "age")
    estimate, error = errors.network.W[0, 1], errors.stderr.W[0, 1]
    assert slope[1:4] == (f"{estimate:.4g}", f"{error:.3g}", f"{estimate / error:.2f}")
    p = 2 * stats.t.sf(abs(estimate / error), errors.degrees_of_freedom)
    assert slope[4] == f"{p:.3f}"


def test_output_weights_have_no_t(named: Recovery) -> None:
    """Where a unit is not there, its t has another law."""
    rows = [row for table in named.summary().tables for row in table.rows]
    heights = [row for row in rows if row[0].startswith("output weight")]
    assert len(heights) == 2
    assert all(row[3] == row[4] == "" and row[2] for row in heights)


def test_text_fits_and_html_is_escaped(named: Recovery) -> None:
    summary = named.summary()
    assert max(map(len, str(summary).splitlines())) <= WIDTH + 8  # of a long title of a table
    assert "a&lt;b" in summary.as_html()
    assert "a<b" not in summary.as_html()
    assert summary.as_html().count("<table") == len(summary.tables) + 1


def test_of_one_input_the_breakpoints() -> None:
    x = np.linspace(0, 10, 60)
    y = np.maximum(x - 4, 0) + 0.05 * np.random.default_rng(0).standard_normal(60)
    result = recover(x[:, None], y, rng=0)
    table = result.summary().tables[-1]
    assert table.head[0] == "breakpoints"
    assert len(table.rows) == len(result.breakpoints) == 1


def test_of_exact_networks_there_are_estimates_alone() -> None:
    truth = Network([[1.0, 2.0]], [[3.0]], [0.5], [1.0])
    X = np.random.default_rng(0).standard_normal((100, 2))
    result = recover(X, truth(X), rng=0)
    assert result.status == Status.EXACT
    assert all(row[2:] == ("",) * 5 for table in result.summary().tables for row in table.rows)


def test_levels_that_cannot_be_meant(named: Recovery) -> None:
    with pytest.raises(InputError):
        named.summary(95)
