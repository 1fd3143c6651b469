"""Breakpoints along columns of dates are times."""

from __future__ import annotations

import numpy as np
import pandas as pd

import unrelu
from unrelu.inference.breakpoints import place


def series() -> tuple[pd.DataFrame, pd.Series]:
    """Visits by day, whose trend changes on 10 April 2024."""
    when = pd.date_range("2024-01-01", periods=200, freq="D")
    day = np.arange(200.0)
    noise = np.random.default_rng(0).standard_normal(200)
    visits = 50 + 0.5 * day - 1.2 * np.maximum(day - 100, 0) + 2 * noise
    return pd.DataFrame({"when": when}), pd.Series(visits, name="visits")


def test_the_position_is_a_time_in_words_tables_and_pictures() -> None:
    X, y = series()
    result = unrelu.recover(X, y, 1, skip=True, rng=0)
    (found,) = result.breakpoints
    day = str(np.datetime64(int(found.position // 86400), "D"))
    assert abs(np.datetime64(day) - np.datetime64("2024-04-10")) < np.timedelta64(5, "D")
    shown = dict(result.rows())["breakpoint 1"]
    assert shown.startswith(day)
    assert "2024" in result.summary().tables[1].rows[0][1]
    axes = result.plot(X, y).axes[0]
    axes.figure.canvas.draw()
    labels = [each.get_text() for each in axes.get_xticklabels()]
    assert sum(each.startswith(("2024-", "2023-")) for each in labels) >= 3


def test_numbers_are_no_times() -> None:
    X, y = series()
    days = pd.DataFrame({"day": np.arange(200.0)})
    result = unrelu.recover(days, y, 1, skip=True, rng=0)
    assert "-" not in dict(result.rows())["breakpoint 1"].split(",")[0].split("(")[0]
    assert not result.names.is_date(0)
    assert unrelu.recover(X, y, 1, skip=True, rng=0).names.is_date(0)


def test_times_are_as_fine_as_they_are_known() -> None:
    t = 1700345601.25
    assert place(t, 5 * 86400.0, date=True) == "2023-11-18 ± 5.0 days"
    assert place(t, 7300.0, date=True) == "2023-11-18 22:13 ± 2.0 hours"
    assert place(t, 2.0, date=True) == "2023-11-18 22:13:21 ± 2.0 seconds"
    assert place(t, 0.0, date=True) == "2023-11-18 22:13:21.25"
    assert place(t, np.inf, date=True).endswith("± inf")
    assert place(1e300, 1.0, date=True) == "1e+300"
    assert place(-1.0, 0.0, date=True) == "1969-12-31 23:59:59"
