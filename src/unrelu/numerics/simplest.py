"""The simplest rational near a number."""

from __future__ import annotations

from fractions import Fraction


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of smallest denominator in [low, high], and of smallest numerator among those.

    The continued fractions of both ends agree up to some term; the simplest number between ends
    there with the smaller of the two next terms, plus one (Stern–Brocot). If p/q is known to lie
    in an interval narrower than 1/(2 q²), no other is as simple (Legendre). Cost: O(b) steps on
    numbers of b bits.

    >>> simplest(Fraction("3.141"), Fraction("3.142"))
    Fraction(245, 78)
    >>> simplest(Fraction(-1, 10), Fraction(1, 10))
    Fraction(0, 1)
    """
    if low > high:
        raise ValueError(f"simplest: got an empty interval from {low} to {high}")
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    p0, q0, p1, q1 = 0, 1, 1, 0  # convergents of the terms that both ends share
    a, b, c, d = low.numerator, low.denominator, high.numerator, high.denominator
    while True:
        term = -(-a // b)  # the least whole number from the lower end on
        if term * d <= c:
            return Fraction(p1 * term + p0, q1 * term + q0)
        term -= 1
        p0, q0, p1, q1 = p1, q1, p1 * term + p0, q1 * term + q0
        a, b, c, d = d, c - term * d, b, a - term * b  # 1 / (x − term), which swaps the ends
