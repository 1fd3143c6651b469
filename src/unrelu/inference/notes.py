"""Notes on an estimated network: reasons for caution. Each function returns a sentence, or "" where
there is nothing to note."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

from unrelu.numerics.arrays import Array, Index, divisors, unit_columns

Pair = tuple[int, int]

VAGUE = 0.3
"""Radians. Beyond that the linearisation behind a standard error (1 − cos ≈ 5%) is itself vague."""

UNSURE = 0.15
"""Share of a unit's samples on a side that is a guess from which its errors, taken from the
information, are noticeably too small, and worth simulated fits. In simulations (Gaussian inputs; 1,
3 and 5 outputs) the true root mean square errors of v were 1.0 to 1.2 times those given at shares
up to 0.15, 1.05 to 1.35 at 0.2, and 1.2 to 2 at 0.4 (3 for two units alike); the most with one
output."""

UNSURE_OF_ONE = 0.02
"""The same for one input, where the breakpoint is the only weight of a unit: at shares of a tenth,
intervals from the information held 86 of 100 breakpoints, not 95."""

UNSURE_OF_COUNTS = 0.02
"""The same where labels weigh as the inverse of their mean, as counts do: next to kinks few are
expected, and those weigh most. At shares of 0.1 to 0.14 the true errors were 1.3 to 1.5 times those
of the information (16 inputs), at 0.02 to 0.05 they were 1.15 times as large (4 inputs)."""

DOUBTFUL = 0.01
"""Level of a test on a single unit or pair: a note is a hint, and should not come by chance."""

SURELY = 0.001
"""Level of the tests of the noise: with many samples they see what is too small to matter."""

TOGETHER = 0.95
"""Correlation of two output weights: either is three times as vague as alone."""

UNEVEN = 9.0
"""Ratio of noise variances between outputs: three times the size."""

ROUNDINGS = 100

MANY = 10
"""Labels to an unknown, below which the formulas of large samples are a little optimistic."""

SHOWN = 6

POSTERIOR = (
    "standard errors and intervals are those of the posterior, given that hidden weights are as "
    "smooth as the prior says: where they are not, they are too small"
)


def few_samples(entries: int, unknowns: int) -> str:
    if entries >= MANY * unknowns:
        return ""
    return (
        f"few samples: {entries} label entries for {unknowns} unknowns, "
        f"{entries / unknowns:.1f} to one; below ten the errors given tend to be too small"
    )


def undetermined(units: Index, shares: Array) -> str:
    """Units with a part in the null space of the information."""
    if not len(units):
        return ""
    verb, their = ("is", "its") if len(units) == 1 else ("are", "their")
    return (
        f"{listed(units)} {verb} not determined by these samples "
        f"({_activity(shares[units])}): some change of {their} "
        f"weights changes no label. The errors given leave that change out, so "
        f"{their} intervals are too short"
    )


def vague(angles: Array, shares: Array, known: Index) -> str:
    """Units whose hidden weights are known to more than `VAGUE` radians; those of `known` have a
    note already."""
    units = np.setdiff1d(np.flatnonzero(angles > VAGUE), known)
    if not len(units):
        return ""
    worst = units[np.argmax(angles[units])]
    verb, which = ("is", "") if len(units) == 1 else ("are", f" (unit {worst})")
    return (
        f"{listed(units)} {verb} barely determined: hidden weights known to {angles[worst]:.2g} "
        f"rad only{which}, {_activity(shares[units])}; above {VAGUE} rad a standard error is a "
        "rough guide"
    )


def unsure(shares: Array, known: Index, inputs: int = 2, *, by_variance: bool = False) -> Index:
    """Units of whose samples more than `UNSURE` may be on the other side of the kink; of one input
    more than `UNSURE_OF_ONE`, and where labels weigh `by_variance` more than `UNSURE_OF_COUNTS`."""
    most = UNSURE_OF_ONE if inputs == 1 else UNSURE_OF_COUNTS if by_variance else UNSURE
    return np.setdiff1d(np.flatnonzero(shares > most), known)


def near_kinks(
    shares: Array, known: Index, factors: Array | None, *, by_variance: bool = False
) -> str:
    """`shares` of the samples on each unit's active side that may be on the other; `factors` that
    the errors were calibrated by, if they were. `by_variance` as in `unsure`."""
    units = unsure(shares, known, by_variance=by_variance)
    if not len(units):
        return ""
    most = 100 * min(1.0, shares[units].max())
    then = "the errors given take that for certain, and are too small"
    if factors is not None:
        then = (
            "the errors given allow for that: they are "
            f"{factors.min():.2f} to {factors.max():.2f} times those for known sides"
        )
    return (
        f"{listed(units)}: for up to {most:.3g}% of the samples that matter, noise leaves "
        f"open on which side of the kink they lie; {then}"
    )


def pairs_alike(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    return (
        f"{_paired(pairs)} cannot be told apart: their hidden weights differ by no more than "
        "their errors explain; one unit in place of the two may do"
    )


def pairs_tied(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    return (
        f"{_paired(pairs)} share their output: the errors of their output weights are "
        f"correlated beyond {TOGETHER}, so that what one gains the other loses"
    )


def idle(p_values: Array, known: Index) -> str:
    units = np.setdiff1d(np.flatnonzero(p_values > DOUBTFUL), known)
    if not len(units):
        return ""
    return (
        f"{listed(units)}: output weights not significantly different from zero "
        f"({p_text(p_values[units].max())}); the samples may be explained without"
    )


def uneven_noise(noise: Array, weighted: bool) -> str:
    """`noise` (m, m) of a fit that was, or was not, weighted with it."""
    sizes = np.diag(noise)
    if weighted or not sizes.all() or sizes.max() < UNEVEN * sizes.min():
        return ""
    return (
        f"noise differs between outputs: that of output {sizes.argmax()} is "
        f"{math.sqrt(sizes.max() / sizes.min()):.3g} times that of output {sizes.argmin()}; "
        "the errors given allow for it, a fit weighted with this noise would have smaller ones"
    )


def changing_noise(residual: Array, mean: Array, Z: Array) -> str:
    """Breusch–Pagan tests in Koenker's form, which needs no normal noise: do squared residuals
    (n, m) grow with the mean (n, m) of their output, or do those of a whole sample depend on
    its features Z (n, D), white?"""
    squares = residual**2
    m = squares.shape[1]
    growth = np.minimum(1.0, [m * _depends(squares[:, o], mean[:, [o]]) for o in range(m)])
    worst = int(growth.argmin())
    if growth[worst] < SURELY:
        return (
            f"noise changes with the mean, most clearly in output {worst} ({p_text(growth[worst])})"
        )
    size = (Z**2).sum(axis=1, keepdims=True)
    few = Z if 10 * Z.shape[1] < len(Z) else Z[:, :0]
    among = _depends(squares.sum(axis=1), np.column_stack([few, size]))
    return f"noise differs between samples ({p_text(among)})" if among < SURELY else ""


def allowed_for(changing: str, allowed: bool) -> str:
    """`changing_noise`, and whether the standard errors allow for it."""
    if not changing:
        return ""
    then = "allow" if allowed else 'do not allow for that: use form="sandwich"'
    return f"{changing}: the errors given {then}{' for that' * allowed}"


def skewed_noise(residual: Array, biased: bool) -> str:
    """Is one tail of the noise that a robust fit leaves, residuals (n, m), heavier than the other?
    Over the root of the sum of squares a sum of symmetric noise is no larger than one of normal
    noise would be, however heavy the tails."""
    usual = np.median(np.abs(residual), axis=0)
    tails = np.where(np.abs(residual) > 2 * usual, residual, 0.0)
    tails = tails / np.maximum(np.abs(tails).max(axis=0), np.finfo(np.float64).tiny)
    scores = tails.sum(axis=0) / divisors(np.linalg.norm(tails, axis=0))
    worst = int(np.abs(scores).argmax())
    p = min(1.0, len(scores) * math.erfc(abs(scores[worst]) / math.sqrt(2)))
    if p >= SURELY:
        return ""
    then = (
        "output biases and predictions are about its middle, not its mean, and so are their errors"
        if biased
        else "without biases the fit takes it for symmetric about zero, and is off by more than "
        'the errors given; noise="gaussian", or biases, would not be'
    )
    return f"noise is skewed, most clearly in output {worst} ({p_text(p)}): {then}"


def no_noise(residual: Array, labels: Array, eps: float) -> str:
    """`ROUNDINGS` of the labels' size are what a few dozen operations leave."""
    if np.sqrt((residual**2).mean()) > ROUNDINGS * eps * np.sqrt((labels**2).mean()):
        return ""
    return (
        "the labels are explained to rounding: there is no noise for these errors to be about; "
        "verify() says what is certain"
    )


def off_minimum(step: Array, variances: Array) -> str:
    """`step`: one Gauss–Newton step; `variances` of the unknowns."""
    known = variances > 0
    largest = float(np.abs(step[known] / np.sqrt(variances[known])).max(initial=0.0))
    if largest < 1:
        return ""
    return (
        f"one more step of the fit would move the weights by up to {largest:.2g} standard "
        "errors: either they are not at its minimum (polish first), or that lies on the kink "
        "of a sample"
    )


def _depends(squares: Array, regressors: Array) -> float:
    """p-value of n R² in the regression of the squares on a constant and the regressors."""
    design = unit_columns(np.column_stack([np.ones(len(squares)), regressors]))
    centred = squares - squares.mean()
    total = float(centred @ centred)
    if total == 0:
        return 1.0
    fitted, _, rank, _ = np.linalg.lstsq(design, centred)
    rest = centred - design @ fitted
    explained = 1.0 - float(rest @ rest) / total
    return float(chdtrc(max(1, rank - 1), len(squares) * explained))


def p_text(p: float) -> str:
    """
    >>> p_text(0.0123), p_text(1e-300)
    ('p = 0.01', 'p < 1e-16')
    """
    return f"p = {p:.1g}" if p > 1e-16 else "p < 1e-16"


def _activity(shares: Array) -> str:
    low, high = 100 * shares.min(), 100 * shares.max()
    share = f"{low:.2g}%" if len(shares) == 1 else f"{low:.2g} to {high:.2g}%"
    return f"active on {share} of the samples"


def listed(units: Index) -> str:
    shown = ("unit " if len(units) == 1 else "units ") + ", ".join(map(str, units[:SHOWN]))
    return shown + (f" and {len(units) - SHOWN} more" if len(units) > SHOWN else "")


def _paired(pairs: Sequence[Pair]) -> str:
    shown = "units " + ", ".join(f"{i} and {j}" for i, j in pairs[:SHOWN])
    return shown + (f" and {len(pairs) - SHOWN} more pairs" if len(pairs) > SHOWN else "")
