"""Numbers, counts and sentences as a page shows them."""

from __future__ import annotations

import math
import re

from unrelu.wording.streams import plural

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

POWER = re.compile(r"\d(\.\d+)?e[+-]\d+")
"""A number as Python writes it."""


def number(value: float, digits: int = 3, *, padded: bool = False) -> str:
    """A number as it is written by hand; `padded` with zeros to this many digits, as in a column.

    >>> number(0.25), number(1234567), number(3.2e-16), number(1e-9, 1), number(float("inf"))
    ('0.25', '1.23 × 10⁶', '3.2 × 10⁻¹⁶', '10⁻⁹', '∞')
    >>> number(1.5, 4, padded=True), number(1234, 4, padded=True)
    ('1.500', '1234')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    text = (f"{value:#.{digits}g}" if padded else f"{value:.{digits}g}").rstrip(".")
    if "e" in text:
        mantissa, exponent = text.split("e")
        power = f"10{superscript(int(exponent))}"
        text = power if mantissa == "1" else f"{mantissa} × {power}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def superscript(exponent: int) -> str:
    return str(exponent).translate(SUPERSCRIPT)


def percent(share: float) -> str:
    """
    >>> percent(0.5), percent(0.00012), percent(1.0), percent(0.99999)
    ('50.0%', '0.012%', '100%', 'over 99.9%')
    """
    if 0.999 < share < 1:
        return "over 99.9%"
    if 0.1 <= share < 1:
        return f"{100 * share:.1f}%"
    return f"{number(100 * share, 2 if share < 0.1 else 3)}%"


def counted(count: int, noun: str) -> str:
    """
    >>> counted(1, "unit"), counted(5000, "sample"), counted(2, "query")
    ('1 unit', '5,000 samples', '2 queries')
    """
    return f"{count:,} {plural(noun, count)}"


def listed(units: list[int], most: int = 12) -> str:
    """
    >>> listed([3]), listed([0, 2, 5])
    ('Unit 3', 'Units 0, 2 and 5')
    """
    if len(units) == 1:
        return f"Unit {units[0]}"
    if len(units) > most:
        return f"Units {', '.join(map(str, units[:most]))} and {len(units) - most} more"
    return f"Units {', '.join(map(str, units[:-1]))} and {units[-1]}"


def span(low: float, high: float, unit: str = "") -> str:
    """
    >>> span(0.5, 2.0, "°"), span(1.0, 1.0)
    ('0.5° to 2°', '1')
    """
    ends = dict.fromkeys((f"{low:.2g}{unit}", f"{high:.2g}{unit}"))
    return " to ".join(ends)


def sentence(text: str) -> str:
    """
    >>> sentence("off by 2.5e-07, p < 1e-16")
    'Off by 2.5 × 10⁻⁷, p < 10⁻¹⁶.'
    """
    text = POWER.sub(lambda found: number(float(found[0]), 2), text[:1].upper() + text[1:])
    return text if text.endswith((".", "!", "?")) else text + "."
