"""Breakpoints: where the function of a network, followed along one input, changes its slope.

Along input j from a point x, unit i has the height h_i + v_ij t, h_i = b_i + Σ_{l≠j} v_il x_l, and
its kink is at t = −h_i/v_ij. With C the covariance of (v_i, b_i) and r = (x, 1), where x_j = t,

    var t = rᵀ C r / v_ij²,

and the slope of output o on a side is W_oj + Σ_l u_ol v_lj over the units l that are active there:
linear in U and W, and in v by the covariance of all unknowns at once (the delta method, in
`checks.along`). Which units are active is taken for known.
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
from unrelu.numerics.arrays import Array
from unrelu.numerics.equality import by_value
from unrelu.wording.streams import printable

if TYPE_CHECKING:
    from unrelu.inference.uncertainty import Uncertainty


STRAIGHT = 1e-9
"""Share of an exact unit's hidden weights, to the largest, that may be rounding."""

SURELY = 4.0
"""Standard errors within which hidden weights of other inputs are taken for zero."""


@by_value
@dataclass(frozen=True, eq=False)
class Breakpoint:
    """A breakpoint along one input.

    input, unit : the input along which it lies, and the unit of the network that makes it.
    position : of the input; `stderr` its standard error, `low` and `high` the ends of the interval
        of the given `level` (Student t).
    before, after : (m,) slopes of the outputs below and above it, and their standard errors.
    change, change_stderr : (m,) by how much the slopes change.

    Errors are zero for a network that is exact, NaN for one without standard errors, and infinite
    for a unit of which the samples do not tell some weights.
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
        said = rounded(self.position, self.stderr)
        if self.stderr > 0 and math.isfinite(self.stderr):
            low, high = (rounded(end, self.stderr, error=False) for end in (self.low, self.high))
            said += f" ({100 * self.level:g}%: {low} to {high})"
        if len(self.change) == 1:
            before = rounded(self.before[0], self.before_stderr[0])
            after = rounded(self.after[0], self.after_stderr[0])
            said += f", slope {before} before, {after} after"
        return printable(said)


def rounded(value: float, stderr: float, *, error: bool = True) -> str:
    """A value with as many digits as its standard error tells, and that.

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
    """The breakpoints of a ReLU network along an input, from the smallest on.

    Parameters
    ----------
    net : in canonical form; with `uncertainty`, its network.
    along : number of the input; `at` (d,) the point that it is varied from.
    level : of the intervals.
    certain : whether the network is exact, so that errors are zero, not unknown.

    Raises InputError for another activation, input, shape or level. O(k p²) for p unknowns.
    """
    if not net.activation.piecewise_linear:
        raise InputError(
            f"breakpoints: got a network with activation {net.activation.name!r}, expected 'relu', "
            "between whose kinks slopes are constant"
        )
    point = np.asarray(at, dtype=np.float64)
    if isinstance(along, bool) or along not in range(net.n_inputs):
        raise InputError(f"along: got {along}, expected an input from 0 to {net.n_inputs - 1}")
    if point.shape != (net.n_inputs,) or not np.isfinite(point).all():
        raise InputError(
            f"at: got shape {point.shape}, expected ({net.n_inputs},) finite numbers: one for each "
            "input"
        )
    if not 0 < level < 1:
        raise InputError(f"level: got {level}, expected a number between 0 and 1, such as 0.95")
    net = net.rounded()
    towards = net.V[:, along]
    units = np.flatnonzero(towards != 0)
    others = np.delete(net.V, along, axis=1) @ np.delete(point, along)
    places = -(net.b + others)[units] / towards[units]
    order = np.lexsort([units, places])
    errors = None if uncertainty is None else uncertainty.errors_along(along)
    quantile = 0.0 if uncertainty is None else float(stdtrit(uncertainty.tail, 0.5 + 0.5 * level))
    unknown = 0.0 if certain else math.nan

    active = net.b + others > 0  # of units that this input does not move
    active[units] = towards[units] < 0
    found = []
    for index in order:
        unit, position = int(units[index]), float(places[index])
        passed = active.copy()
        passed[unit] = towards[unit] > 0
        marks, active = [active, passed], passed
        slopes = [net.W[:, along] + net.U[:, on] @ towards[on] for on in marks]
        no = np.full(net.n_outputs, unknown)
        stderr, each = unknown, [no, no, no]
        if errors is not None:
            here = point.copy()
            here[along] = position
            stderr = errors.of_place(unit, here)
            each = [errors.of_slope([on]) for on in marks] + [errors.of_slope(marks)]
            if unit in errors.open:
                stderr, each[2] = math.inf, np.full(net.n_outputs, math.inf)
        found.append(
            Breakpoint(
                input=int(along),
                unit=unit,
                position=position,
                stderr=stderr,
                low=position - quantile * stderr if quantile else position - stderr,
                high=position + quantile * stderr if quantile else position + stderr,
                level=level,
                before=slopes[0],
                before_stderr=each[0],
                after=slopes[1],
                after_stderr=each[1],
                change=slopes[1] - slopes[0],
                change_stderr=each[2],
            )
        )
    return tuple(found)


def of_units(
    net: Network,
    uncertainty: Uncertainty | None,
    ranges: Array,
    *,
    level: float = 0.95,
    certain: bool = False,
) -> tuple[Breakpoint, ...]:
    """The breakpoints of units whose hidden weights lie along one input: of one input, all. Of
    several, those whose other weights are within `SURELY` standard errors of zero; the slopes are
    those where the other inputs have their means. Only what lies inside the data counts.

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
    own = abs(reach[found.input])
    if not math.isfinite(found.stderr) and uncertainty is not None:
        return False
    if uncertainty is None:
        return bool((others <= STRAIGHT * own).all())
    error = uncertainty.stderr.V[found.unit] * (ranges[2] - ranges[0])
    known = bool(own > SURELY * np.linalg.norm(np.delete(error, found.input)))
    return known and bool((others <= SURELY * np.delete(error, found.input)).all())
