"""Breakpoints: where the function of a network, followed along one input, changes its slope.

Along input j from a point x, unit i has the preactivation h_i + v_ij t with
h_i = b_i + Σ_{l≠j} v_il x_l, and its kink is at t = −h_i/v_ij. With C the covariance of (v_i, b_i)
and r = (x, 1), where x_j = t,

    var t = rᵀ C r / v_ij².

The slope of output o on a side is W_oj + Σ_l u_ol v_lj over the units l that are active there. Its
variance follows from the covariance of all unknowns by the delta method (`inference.along`). Which
units are active is assumed to be known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from unrelu.errors import InputError
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.equality import by_value
from unrelu.wording.moments import moment
from unrelu.wording.streams import printable

if TYPE_CHECKING:
    from unrelu.inference.along import ErrorsAlong
    from unrelu.inference.uncertainty import Uncertainty

STRAIGHT = 1e-9
"""Size of a hidden weight of an exact unit, relative to the largest, that may be rounding."""

NEGLIGIBLE = 4.0
"""Standard errors within which hidden weights of other inputs are considered zero."""


@by_value
@dataclass(frozen=True, eq=False)
class Breakpoint:
    """A breakpoint along one input.

    input, unit : the input along which it lies, and the unit of the network that causes it.
    position : value of the input; `stderr` its standard error, `low` and `high` the ends of the
        confidence interval of the given `level` (Student t).
    before, after : (m,) slopes of the outputs below and above it, and their standard errors.
    change, change_stderr : (m,) the change of the slopes.

    Errors are zero for an exact network, NaN for one without standard errors, and infinite for a
    unit with weights that the samples do not determine.
    """

    input: int
    unit: int
    position: float
    stderr: float
    low: float
    high: float
    level: float
    before: Array
    before_stderr: Array
    after: Array
    after_stderr: Array
    change: Array
    change_stderr: Array

    def to_dict(self) -> dict[str, object]:
        """Plain numbers and lists."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    def __str__(self) -> str:
        """The position; of a single output, the slopes as well."""
        return self.text()

    def text(self, *, date: bool = False) -> str:
        """The same; `date`: of an input that was a column of dates, with positions as times."""
        text = place(self.position, self.stderr, date=date)
        if self.stderr > 0 and math.isfinite(self.stderr):
            ends = (self.low, self.high)
            low, high = (place(end, self.stderr, error=False, date=date) for end in ends)
            text += f" ({100 * self.level:g}%: {low} to {high})"
        if len(self.change) == 1:
            before = rounded(self.before[0], self.before_stderr[0])
            after = rounded(self.after[0], self.after_stderr[0])
            text += f", slope {before} before, {after} after" + " per second" * date
        return printable(text)


def place(value: float, stderr: float, *, error: bool = True, date: bool = False) -> str:
    """A position as a number or, of a column of dates, as a time."""
    return (moment if date else rounded)(value, stderr, error=error)


def rounded(value: float, stderr: float, *, error: bool = True) -> str:
    """A value with as many digits as its standard error justifies, and the error.

    >>> rounded(1700345601.23, 4321.0), rounded(0.123456, 0.00217)
    ('1700345600 ± 4300', '0.1235 ± 0.0022')
    """
    if not stderr > 0 or not math.isfinite(stderr):
        return f"{value:.6g}" + (f" ± {stderr:g}" if error and math.isinf(stderr) else "")
    digits = 1 - math.floor(math.log10(stderr))
    if not -12 < digits < 12:
        return f"{value:.6g}" + f" ± {stderr:.2g}" * error
    shown = f"{round(value, digits):.{max(0, digits)}f}"
    return shown + f" ± {round(stderr, digits):.{max(0, digits)}f}" * error


def along_input(
    net: Network,
    uncertainty: Uncertainty | None,
    along: int,
    at: ArrayLike,
    *,
    level: float = 0.95,
    certain: bool = False,
) -> tuple[Breakpoint, ...]:
    """The breakpoints of a ReLU network along an input, in ascending order.

    Parameters
    ----------
    net : in canonical form; with `uncertainty`, its network.
    along : number of the input; `at` (d,) the point from which it is varied.
    level : of the confidence intervals.
    certain : whether the network is exact. Then errors are zero instead of unknown.

    Raises InputError for another activation, input, shape or level. O(k p²) for p unknowns.
    """
    point = np.array(at, dtype=np.float64)
    _check(net, along, point, level)
    net = net.rounded()
    slopes = net.V[:, along]
    moving = np.flatnonzero(slopes != 0)
    heights = net.b + np.delete(net.V, along, axis=1) @ np.delete(point, along)
    positions = -heights[moving] / slopes[moving]
    errors = None if uncertainty is None else uncertainty.errors_along(along)
    quantile = 1.0 if uncertainty is None else float(stdtrit(uncertainty.tail, 0.5 + 0.5 * level))
    profiles = {} if uncertainty is None else {each.unit: each for each in uncertainty.kinks}

    active = heights > 0  # of units that this input does not move
    active[moving] = slopes[moving] < 0
    found = []
    for index in np.lexsort([moving, positions]):
        unit, position = int(moving[index]), float(positions[index])
        passed = active.copy()
        passed[unit] = slopes[unit] > 0
        before, after = (net.W[:, along] + net.U[:, on] @ slopes[on] for on in (active, passed))
        point[along] = position
        stderr, *slope_errors = _standard_errors(net, errors, unit, point, active, passed, certain)
        low, high = position - quantile * stderr, position + quantile * stderr
        if unit in profiles and math.isfinite(stderr):
            low, high = profiles[unit].interval(level)
        found.append(
            Breakpoint(
                input=int(along),
                unit=unit,
                position=position,
                stderr=stderr,
                low=low,
                high=high,
                level=level,
                before=before,
                before_stderr=slope_errors[0],
                after=after,
                after_stderr=slope_errors[1],
                change=after - before,
                change_stderr=slope_errors[2],
            )
        )
        active = passed
    return tuple(found)


def _check(net: Network, along: int, point: Array, level: float) -> None:
    if not net.activation.piecewise_linear:
        raise InputError(
            f"breakpoints: got a network with activation {net.activation.name!r}, expected 'relu', "
            "whose slopes are constant between kinks"
        )
    if isinstance(along, bool) or along not in range(net.n_inputs):
        raise InputError(f"along: got {along}, expected an input from 0 to {net.n_inputs - 1}")
    if point.shape != (net.n_inputs,) or not np.isfinite(point).all():
        raise InputError(
            f"at: got shape {point.shape}, expected ({net.n_inputs},) finite numbers: one for each "
            "input"
        )
    check_level(level)


def check_level(level: float) -> None:
    """Of a confidence interval."""
    if not 0 < level < 1:
        raise InputError(f"level: got {level}, expected a number between 0 and 1, such as 0.95")


def _standard_errors(
    net: Network,
    errors: ErrorsAlong | None,
    unit: int,
    at: Array,
    before: Mask,
    after: Mask,
    certain: bool,
) -> tuple[float, Array, Array, Array]:
    """Of the position of a kink at the point `at`, of the slopes before and after it, where such
    units are active, and of the difference between the slopes."""
    if errors is None:
        unknown = 0.0 if certain else math.nan
        same = np.full(net.n_outputs, unknown)
        return unknown, same, same, same
    sides = errors.of_slope([before]), errors.of_slope([after])
    if unit in errors.open:
        return math.inf, *sides, np.full(net.n_outputs, math.inf)
    return errors.of_position(unit, at), *sides, errors.of_slope([before, after])


def of_units(
    net: Network,
    uncertainty: Uncertainty | None,
    ranges: Array,
    *,
    level: float = 0.95,
    certain: bool = False,
) -> tuple[Breakpoint, ...]:
    """The breakpoints of units whose hidden weights lie along one input. With one input, these are
    all units; with several, those whose other weights are within `NEGLIGIBLE` standard errors of
    zero. The slopes are those at the means of the other inputs. Only breakpoints within the range
    of the data count.

    `ranges` (3, d): smallest value, mean and largest value of each input.
    """
    found = []
    for along in range(net.n_inputs):
        for each in along_input(net, uncertainty, along, ranges[1], level=level, certain=certain):
            inside = ranges[0, along] < each.position < ranges[2, along]
            if inside and (net.n_inputs == 1 or _lies_along(net, uncertainty, each, ranges)):
                found.append(each)
    return tuple(found)


def _lies_along(
    net: Network, uncertainty: Uncertainty | None, found: Breakpoint, ranges: Array
) -> bool:
    reach = net.rounded().V[found.unit] * (ranges[2] - ranges[0])
    others = np.delete(np.abs(reach), found.input)
    along = abs(reach[found.input])
    if not math.isfinite(found.stderr) and uncertainty is not None:
        return False
    if uncertainty is None:
        return bool((others <= STRAIGHT * along).all())
    error = uncertainty.stderr.V[found.unit] * (ranges[2] - ranges[0])
    known = bool(along > NEGLIGIBLE * np.linalg.norm(np.delete(error, found.input)))
    return known and bool((others <= NEGLIGIBLE * np.delete(error, found.input)).all())
