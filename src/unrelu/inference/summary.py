"""The summary of a fit, as regressions have it: facts, weights with their errors, breakpoints.

t is an estimate over its standard error and P>|t| the two-sided probability of a larger one if the
weight is zero, by Student's t distribution. Output weights have neither: without the unit its
hidden weights would mean nothing, so that t has another law; whether a unit is there is tested when
the number of units is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.special import stdtr

from unrelu.inference.breakpoints import Breakpoint, check_level, place, rounded
from unrelu.inference.goodness import Goodness
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.weight_tables import weight_table
from unrelu.inputs.names import Names
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.wording.status import Status
from unrelu.wording.summary import Summary, Table

UNITS_SHOWN, WEIGHTS_SHOWN = 30, 20
"""Tables of units in a summary, and hidden weights in one, the largest: the frame has all."""


def summarised(
    status: Status,
    verdict: str,
    network: Network,
    uncertainty: Uncertainty | None,
    goodness: Goodness | None,
    noise: Noise | None,
    breakpoints: Sequence[Breakpoint],
    names: Names,
    level: float,
) -> Summary:
    """The summary of a network and what is known of it; intervals are of the given level. Raises
    InputError for a level outside (0, 1)."""
    check_level(level)
    numbers = _numbers(network, uncertainty, names, level)
    notes = [verdict, *(() if uncertainty is None else uncertainty.notes)]
    notes += [remark.text for remark in names.remarks]
    if len(breakpoints) and network.n_inputs == 1:
        units = [_of_breakpoints(breakpoints, level, names)]
    else:
        units = list(_of_units(numbers, network, uncertainty, level))
        if len(breakpoints):
            units.append(_of_breakpoints(breakpoints, level, names, several=True))
    return Summary(
        title="Rectified network",
        facts=tuple(_facts(status, network, uncertainty, goodness, noise)),
        tables=tuple(table for table in (*_linear(numbers, uncertainty, level), *units)),
        notes=tuple(notes),
        numbers=tuple(numbers),
    )


def _numbers(
    network: Network, uncertainty: Uncertainty | None, names: Names, level: float
) -> list[dict[str, object]]:
    if uncertainty is not None:
        return uncertainty.weights(level)
    zero = Network(0 * network.V, 0 * network.U, activation=network.activation)
    unknown = {"stderr": math.nan, "low": math.nan, "high": math.nan}
    return [row | unknown for row in weight_table(network, zero, zero, zero, names)]


def _facts(
    status: Status,
    network: Network,
    uncertainty: Uncertainty | None,
    goodness: Goodness | None,
    noise: Noise | None,
) -> Iterator[tuple[str, str]]:
    yield "Status", status.value
    yield "Units", str(network.n_units)
    yield "Linear part", "yes" if network.skip else "no"
    if noise is not None:
        yield "Noise", noise.kind
        sizes = np.sqrt(np.diag(noise.covariance))
        spread = f"{sizes.min():.4g}" + (f" to {sizes.max():.4g}" if len(sizes) > 1 else "")
        yield "Noise size", spread
    if uncertainty is not None:
        yield "Standard errors", uncertainty.form
        yield "Residual degrees of freedom", str(uncertainty.degrees_of_freedom)
    if goodness is None:
        return
    yield "Samples", str(goodness.n_samples)
    yield "Unknowns", str(goodness.unknowns)
    for name, values in (
        ("R-squared", goodness.r_squared),
        ("Adj. R-squared", goodness.adjusted_r_squared),
    ):
        yield name, f"{values.min():.4f}" + (f" to {values.max():.4f}" if len(values) > 1 else "")
    yield "Log-likelihood", f"{goodness.log_likelihood:.6g}"
    yield "AIC", f"{goodness.aic:.6g}"
    yield "BIC", f"{goodness.bic:.6g}"


def _linear(
    numbers: Sequence[Mapping[str, object]], uncertainty: Uncertainty | None, level: float
) -> Iterator[Table]:
    """c and W, a table for each output."""
    kinds = ("output bias", "skip weight")
    outputs = dict.fromkeys(row["output"] for row in numbers if row["kind"] in kinds)
    for output in outputs:
        rows = [row for row in numbers if row["kind"] in kinds and row["output"] == output]
        title = "linear part" if len(outputs) == 1 else f"linear part of {output}"
        yield _weights(title, rows, uncertainty, level)


def _of_units(
    numbers: Sequence[Mapping[str, object]],
    network: Network,
    uncertainty: Uncertainty | None,
    level: float,
) -> Iterator[Table]:
    for unit in range(min(network.n_units, UNITS_SHOWN)):
        rows = [row for row in numbers if row["unit"] == unit]
        hidden = [row for row in rows if row["kind"] == "hidden weight"]
        largest = sorted(hidden, key=lambda row: -abs(float(str(row["estimate"]))))
        left_out = largest[WEIGHTS_SHOWN:]
        shown = [row for row in rows if row not in left_out]
        shown.sort(key=lambda row: row["kind"] != "output weight")
        title = f"unit {unit}"
        if uncertainty is not None:
            title += f", active on {100 * uncertainty.units[unit].active:.3g}%"
        yield _weights(title, shown, uncertainty, level)


def _weights(
    title: str,
    numbers: Sequence[Mapping[str, object]],
    uncertainty: Uncertainty | None,
    level: float,
) -> Table:
    head = (title, "estimate", "std err", "t", "P>|t|", *_ends(level))
    tail = math.inf if uncertainty is None else uncertainty.tail
    return Table(head, tuple(_weight(row, tail) for row in numbers))


def _weight(row: Mapping[str, object], tail: float) -> tuple[str, ...]:
    value, error, low, high = (
        float(str(row[name])) for name in ("estimate", "stderr", "low", "high")
    )
    name = _called(row)
    if not (math.isfinite(error) and error > 0):
        return (name, f"{value:.4g}", "inf" if math.isinf(error) else "", "", "", "", "")
    ends = f"{low:.4g}", f"{high:.4g}"
    if row["kind"] == "output weight":
        return (name, f"{value:.4g}", f"{error:.3g}", "", "", *ends)
    t = value / error
    p = 2 * float(stdtr(tail, -abs(t)))
    return (name, f"{value:.4g}", f"{error:.3g}", f"{t:.2f}", f"{p:.3f}", *ends)


def _called(row: Mapping[str, object]) -> str:
    """What a weight belongs to, within its table."""
    if row["kind"] in ("output bias", "hidden bias"):
        return "constant"
    if row["kind"] == "output weight":
        output = row["output"]
        return (
            f"output weight of {output}" if isinstance(output, str) else f"output weight {output}"
        )
    return str(row["input"]) if isinstance(row["input"], str) else f"x{row['input']}"


def _of_breakpoints(
    found: Sequence[Breakpoint], level: float, names: Names, *, several: bool = False
) -> Table:
    head = ("breakpoints", "position", *_ends(level), "slope before", "slope after")
    rows = []
    for number, each in enumerate(found, 1):
        known = math.isfinite(each.stderr) and each.stderr > 0
        date = names.is_date(each.input)
        ends = [place(end, each.stderr, error=False, date=date) for end in (each.low, each.high)]
        before, after = (
            " ".join(rounded(v, s) for v, s in zip(values, errors, strict=True))
            for values, errors in (
                (each.before, each.before_stderr),
                (each.after, each.after_stderr),
            )
        )
        called = f"{number}" if not several else _input(names, each.input)
        shown = tuple(ends) if known else ("", "")
        position = place(each.position, each.stderr, date=date)
        rows.append((called, position, *shown, before, after))
    return Table(head, tuple(rows))


def _input(names: Names, column: int) -> str:
    return names.inputs[column] if names.inputs else f"x{column}"


def _ends(level: float) -> tuple[str, str]:
    """
    >>> _ends(0.95)
    ('[0.025', '0.975]')
    """
    return f"[{0.5 - level / 2:.4g}", f"{0.5 + level / 2:.4g}]"
