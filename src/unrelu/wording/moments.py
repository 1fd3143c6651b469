"""Times in words: seconds since 1970 as a date, as far as it is known."""

from __future__ import annotations

import math

import numpy as np

DAY = 86400.0
SPANS = (("days", DAY), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
"""Spans of time that errors are given in."""

YEARS = 9000 * 365.25 * DAY
"""Seconds from 1970 within which there is a date to name."""


def moment(seconds: float, stderr: float, *, error: bool = True) -> str:
    """The time so many seconds after 1970-01-01 00:00 UTC: the day, if the standard error is half a
    day or more, or to the minute, the second or a part of it; and the error.

    >>> moment(1700345601.23, 432100.0), moment(1700345601.23, 120.0), moment(0.25, 0.0)
    ('2023-11-18 ± 5.0 days', '2023-11-18 22:13 ± 2.0 minutes', '1970-01-01 00:00:00.25')
    """
    if not math.isfinite(seconds) or abs(seconds) > YEARS:
        return f"{seconds:.6g}"
    steps = ((0.5 * DAY, "D"), (60.0, "m"), (1.0, "s"), (0.0, "us"))
    unit = next(unit for least, unit in steps if stderr >= least or unit == "us")
    per = {"D": DAY, "m": 60.0, "s": 1.0, "us": 1e-6}[unit]
    rounded = math.floor(seconds / per) if unit == "D" else round(seconds / per)
    text = str(np.array(rounded, dtype=f"datetime64[{unit}]")).replace("T", " ")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if not error or not stderr > 0:
        return text
    if not math.isfinite(stderr):
        return f"{text} ± {stderr:g}"
    return f"{text} ± {duration(stderr)}"


def duration(seconds: float) -> str:
    """
    >>> duration(432100.0), duration(1500.0)
    ('5.0 days', '25 minutes')
    """
    span, size = next(each for each in SPANS if seconds >= each[1] or each is SPANS[-1])
    count = seconds / size
    return f"{count:.0f} {span}" if count >= 10 else f"{count:#.2g} {span}"
