"""Are there more independent equations than unknowns, by enough to rule out chance?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from unrelu.checks.case import Case
from unrelu.checks.finding import Finding, undetermined
from unrelu.checks.scales import SAME, column_scale
from unrelu.network.rounding import accumulated
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.samples import Samples
from unrelu.wording.streams import counted

MOST_LABELS = 20_000
"""Rows whose labels are examined for their grain."""

FEW_ROWS, MOST_ROWS = 300, 100_000
"""Distinct inputs up to which all units are looked at, and samples up to which they are counted."""

NO_GRAIN = 1e-20
"""Of inputs together, far below the rounding of labels: of generic ones, two are enough."""

HASHED = 1 << 22
"""Inputs, in entries, that are hashed together."""

CHANCE = math.log(1e-9)
"""Logarithm of the accepted probability that some wrong network explains generic labels."""


def distinct_rows(samples: Samples, biased: bool) -> Index:
    """One row of each group of inputs that are the same; without biases a network is homogeneous,
    so inputs on one ray are. O(n d), and a sort of n numbers.

    Inputs that are the same are next to each other along any direction: those that have no
    neighbour along a random one need not be looked at entry by entry."""
    scale, direction = column_scale(samples), np.random.default_rng(1).standard_normal(samples.d)
    along, largest = [], 0.0
    for _, X, _ in samples.blocks():
        scaled = _scaled(X, scale, biased)
        along.append(scaled @ direction)
        largest = max(largest, float(np.abs(scaled).max()))
    places = np.concatenate(along)
    rounding = samples.d * float(np.finfo(np.float64).eps) * largest
    order = np.argsort(places)
    near = np.diff(places[order]) <= 2 * (SAME + rounding) * np.abs(direction).sum()
    beside = np.zeros(samples.n, dtype=bool)
    beside[order[1:][near]] = beside[order[:-1][near]] = True
    rows = np.flatnonzero(beside)
    step = max(1, HASHED // samples.d)
    parts = (rows[start : start + step] for start in range(0, len(rows), step))
    keys = [_cells(_scaled(samples.take(part).X, scale, biased)) for part in parts]
    if keys:
        beside[rows[np.unique(np.concatenate(keys), return_index=True)[1]]] = False
    return np.flatnonzero(~beside)


def _scaled(X: Array, scale: Array, biased: bool) -> Array:
    scaled = np.asarray(X, np.float64) / scale
    if not biased:
        scaled /= divisors(np.abs(scaled).max(axis=1, keepdims=True))
    return scaled


def _cells(scaled: Array) -> NDArray[np.uint64]:
    """One number for the cell that each row is in, of edge SAME: a hash, modulo 2⁶⁴. That two of a
    million rows share one by chance is a matter of 1 in 10⁷."""
    factors = np.random.default_rng(0).integers(2**63, size=scaled.shape[1], dtype=np.uint64) | 1
    cells = np.floor(scaled / SAME + np.sqrt(0.5))  # an odd offset: few lie on a cell's border
    numbers = np.clip(cells, -(2.0**62), 2.0**62).astype(np.int64).view(np.uint64)
    return np.asarray(numbers @ factors)


def few_inputs(samples: Samples, biased: bool) -> bool:
    """Whether so few inputs differ that all units can be looked at."""
    return samples.n <= MOST_ROWS and len(distinct_rows(samples, biased)) <= FEW_ROWS


def independent_equations(samples: Samples, outputs: int, biased: bool, enough: int) -> int:
    """How many label entries count: those of distinct inputs, for `outputs` independent outputs.

    Looks at twice as many rows as `enough` entries would take, spread over all, so that among
    many samples the answer is a bound from below."""
    rows = 4000 + 2 * enough // max(1, outputs)
    some = samples.take(samples.spread(rows)) if rows < samples.n else samples
    distinct = distinct_rows(some, biased)
    redundant = 0 if biased else max(0, _opposite_pairs(some.take(distinct)) - samples.d)
    return (len(distinct) - redundant) * outputs


def _opposite_pairs(directions: Samples) -> int:
    """How many directions come with their negatives. Without biases labels at x and −x differ by
    U V x, a linear function, which d of the pairs determine for all others."""
    X = np.asarray(directions.X, np.float64) / column_scale(directions)
    X = X / divisors(np.abs(X).max(axis=1, keepdims=True))
    cells = {tuple(row) for row in np.floor(X / SAME + np.sqrt(0.5)).tolist()}
    return sum(tuple(row) in cells for row in np.floor(-X / SAME + np.sqrt(0.5)).tolist()) // 2


def grain(samples: Samples, biased: bool) -> float:
    """How likely a label is met by chance, where numbers are coarse: one over how many values a
    label may take, or the inputs of a sample together, if those are fewer: coarse inputs have the
    same differences again and again, and the labels of any weights then have, too. Without biases
    a sample counts as one direction, so all inputs but the finest. Looks at some rows; a finer
    grain may hide in the others."""
    rows = slice(None, None, max(1, samples.n // MOST_LABELS))
    X, Y = np.asarray(samples.X[rows], np.float64), np.asarray(samples.Y[rows], np.float64)
    found = _grain(X, Y, biased)
    if not biased:  # then the length of an input says nothing, and may hide what is coarse
        size = divisors(np.abs(X).max(axis=1, keepdims=True))
        found = max(found, _grain(X / size, Y / size, biased))
    return found


def _grain(X: Array, Y: Array, biased: bool) -> float:
    inputs, finest = 1.0, 1.0
    for column in X.T:
        check_deadline()
        grain = column_grain(column)
        # Without biases, of all inputs but the finest.
        grain, finest = (grain, finest) if biased else (max(grain, finest), min(grain, finest))
        inputs *= grain
        if inputs < NO_GRAIN:  # the others would only make it less
            break
    # With one input and no bias there are two directions, and nothing to coincide.
    inputs = inputs if biased or X.shape[1] > 1 else 0.0
    return max(column_grain(Y.ravel()), inputs)


def column_grain(numbers: NDArray[np.floating]) -> float:
    """One over how many multiples of a common unit there are from 0 to a number of (geometric)
    mean size: 2⁻⁵³ or so for generic numbers, a half for signs, an eighth for integers of about
    seven, or thirds of them."""
    values = np.abs(np.asarray(numbers, dtype=np.float64))
    values = np.unique(values[values > 0])
    if not len(values):
        return 1.0
    mantissa, exponent = np.frexp(values)
    significands = np.ldexp(mantissa, 53).astype(np.int64)
    last = np.log2((significands & -significands).astype(np.float64)) - 53 + exponent
    unit = max(float(np.exp2(last.min())), _common_divisor(values))
    return float(np.exp(-np.log1p(values / unit).mean()))


def _common_divisor(values: Array) -> float:
    """By Euclid's algorithm, of rounded numbers; 0 if it is within a thousand roundings of 0."""
    tolerance = 16 * float(np.finfo(np.float64).eps) * float(values.max())
    common = float(values[0])
    for value in values[1 :: max(1, len(values) // 200)]:
        rest = float(value)
        while rest > tolerance:
            remainder = math.fmod(common, rest)
            common, rest = rest, min(remainder, rest - remainder)
        if common < 1e3 * tolerance:
            return 0.0
    return common


def chance_equations(dimension: int, n: int, units: int, eps: float, grain: float = 0.0) -> int:
    """How many equations beyond the unknowns rule out chance.

    k hyperplanes cut n points in at most (e n/D)^{D k} ways. Each way gives a smooth model, which
    meets each further equation with probability about ρ, the relative rounding of a label, or its
    grain (see `grain`): integers are met more easily. The union bound over all ways is below
    exp(CHANCE) from this number on: (D k ln(e n/D) − CHANCE) / ln(1/ρ).
    """
    patterns = dimension * units * math.log(math.e * max(n, dimension) / dimension)
    met = min(0.5, max(2 * accumulated(eps, dimension + units), grain))  # off to either side
    return math.ceil((patterns - CHANCE) / -math.log(met))


def few_equations(case: Case) -> Finding | None:
    """Whether there are too few equations to rule out that another network fits by chance."""
    counted_here = case.net.n_units or case.clean is not None or case.skip
    wanted, outputs = case.unknowns + case.needed, max(1, case.pinned.outputs)
    if not counted_here or case.equations >= wanted:
        return None
    more = math.ceil((wanted - case.equations) / outputs)
    return undetermined(
        "few-equations",
        f"too few to rule out another network: about {more} more samples would do; this one "
        f"explains every sample, with {case.equations} independent equations for "
        f"{counted(case.unknowns, 'unknown')}",
        more_samples=more,
    )
