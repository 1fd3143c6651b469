"""What there is to doubt about an estimated network, in plain words. Each function returns the
sentences it has to say, usually none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Pair = tuple[int, int]

VAGUE = 0.3
"""Radians. Beyond that the linearisation behind a standard error (1 − cos ≈ 5%) is itself vague."""

DOUBTFUL = 0.01
"""Level of a test on a single unit or pair: a note is a hint, and should not come by chance."""

SURELY = 0.001
"""Level of the tests of the noise: with many samples they see what is too small to matter."""

TOGETHER = 0.95
"""Correlation of two output weights: either is three times as vague as alone."""

UNEVEN = 9.0
"""Ratio of noise variances between outputs: three times the size."""

SHOWN = 6


def few_samples(entries: int, unknowns: int) -> list[str]:
    if entries >= 10 * unknowns:
        return []
    return [
        (
            f"few samples: {entries} label entries for {unknowns} unknowns, {entries / unknowns:.1f} "
            "to one; below ten the errors given tend to be too small"
        )
    ]


def undetermined(units: Index, shares: Array) -> list[str]:
    """Units with a part in the null space of the information."""
    if not len(units):
        return []
    one = len(units) == 1
    return [
        (
            f"{_listed(units)} {'is' if one else 'are'} not determined by these samples "
            f"({_activity(shares[units])}): some change of {'its' if one else 'their'} weights changes "
            f"no label. The errors given leave that change out, so {'its' if one else 'their'} "
            "intervals are too short"
        )
    ]


def vague(angles: Array, shares: Array, known: Index) -> list[str]:
    """Units whose hidden weights are known to more than `VAGUE` radians; those of `known` have a
    note already."""
    units = np.setdiff1d(np.flatnonzero(angles > VAGUE), known)
    if not len(units):
        return []
    worst = units[np.argmax(angles[units])]
    return [
        f"{_listed(units)} {'is' if len(units) == 1 else 'are'} barely determined: hidden weights "
        f"known to {angles[worst]:.2g} rad only"
        + (f" (unit {worst})" if len(units) > 1 else "")
        + f", {_activity(shares[units])}; above {VAGUE} rad a standard error is a rough guide"
    ]


def pairs_alike(pairs: Sequence[Pair]) -> list[str]:
    if not pairs:
        return []
    return [
        (
            f"{_paired(pairs)} cannot be told apart: their hidden weights differ by no more than "
            "their errors explain; one unit in place of the two may do"
        )
    ]


def pairs_tied(pairs: Sequence[Pair]) -> list[str]:
    if not pairs:
        return []
    return [
        (
            f"{_paired(pairs)} share their output: the errors of their output weights are correlated "
            f"beyond {TOGETHER}, so that what one gains the other loses"
        )
    ]


def idle(p_values: Array) -> list[str]:
    units = np.flatnonzero(p_values > DOUBTFUL)
    if not len(units):
        return []
    return [
        (
            f"{_listed(units)}: output weights not significantly different from zero "
            f"(p = {p_values[units].max():.2g}); the samples may be explained without"
        )
    ]


def uneven_noise(noise: Array, weighted: bool) -> list[str]:
    """`noise` (m, m) of a fit that was, or was not, weighted with it."""
    sizes = np.diag(noise)
    if weighted or not sizes.all() or sizes.max() < UNEVEN * sizes.min():
        return []
    return [
        (
            f"noise differs between outputs: that of output {sizes.argmax()} is "
            f"{math.sqrt(sizes.max() / sizes.min()):.3g} times that of output {sizes.argmin()}; the "
            "errors given allow for it, a fit weighted with this noise would have smaller ones"
        )
    ]


def changing_noise(residual: Array, mean: Array, Z: Array, allowed: bool) -> list[str]:
    """Breusch–Pagan tests in Koenker's form, which needs no normal noise: do squared residuals
    (n, m) grow with the mean (n, m) of their output, or do those of a whole sample depend on
    its features Z (n, D), white? `allowed` where the standard errors allow for it anyway."""
    then = (
        "the errors given allow for that"
        if allowed
        else 'the errors given do not allow for that: use form="sandwich"'
    )
    squares = residual**2
    m = squares.shape[1]
    growth = np.array([_depends(squares[:, o], mean[:, [o]]) for o in range(m)])
    said = []
    if (m * growth.min() < SURELY) and (o := int(growth.argmin())) >= 0:
        said.append(
            f"noise changes with the mean, most clearly in output {o} "
            f"(p = {_small(min(1.0, m * growth[o]))}): {then}"
        )
    size = (Z**2).sum(axis=1, keepdims=True)
    few = Z if 10 * Z.shape[1] < len(Z) else Z[:, :0]
    among = _depends(squares.sum(axis=1), np.column_stack([few, size]))
    if not said and among < SURELY:
        said.append(f"noise differs between samples (p = {_small(among)}): {then}")
    return said


def off_minimum(steps: Array) -> list[str]:
    """`steps`: one Gauss–Newton step in standard errors of each unknown."""
    largest = float(np.abs(steps).max(initial=0.0))
    if largest < 1:
        return []
    return [
        (
            "the weights are not at the minimum of the fit: one more step moves them by up to "
            f"{largest:.2g} standard errors, which are those of the minimum: polish first"
        )
    ]


def _depends(squares: Array, regressors: Array) -> float:
    """p-value of n R² in the regression of the squares on a constant and the regressors."""
    design = np.column_stack([np.ones(len(squares)), regressors])
    size = np.linalg.norm(design, axis=0)
    centred = squares - squares.mean()
    total = float(centred @ centred)
    if total == 0:
        return 1.0
    fitted, _, rank, _ = np.linalg.lstsq(design / np.where(size > 0, size, 1.0), centred)
    rest = centred - design / np.where(size > 0, size, 1.0) @ fitted
    explained = 1.0 - float(rest @ rest) / total
    return float(chi2.sf(len(squares) * explained, max(1, rank - 1)))


def _small(p: float) -> str:
    return f"{p:.1g}" if p > 1e-12 else "0"


def _activity(shares: Array) -> str:
    low, high = 100 * shares.min(), 100 * shares.max()
    share = f"{low:.2g}%" if len(shares) == 1 else f"{low:.2g} to {high:.2g}%"
    return f"active on {share} of the samples"


def _listed(units: Index) -> str:
    shown = ("unit " if len(units) == 1 else "units ") + ", ".join(map(str, units[:SHOWN]))
    return shown + (f" and {len(units) - SHOWN} more" if len(units) > SHOWN else "")


def _paired(pairs: Sequence[Pair]) -> str:
    shown = "units " + ", ".join(f"{i} and {j}" for i, j in pairs[:SHOWN])
    return shown + (f" and {len(pairs) - SHOWN} more pairs" if len(pairs) > SHOWN else "")
