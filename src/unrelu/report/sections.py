"""What the sections of a page show: tables as text, pictures and charts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unrelu.inputs.names import Names
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.report import charts, images
from unrelu.report.appraisal import Appraisal
from unrelu.report.phrases import counted, number, percent
from unrelu.wording.status import Status

MOST_ROWS = 200
"""Units in the table: the strongest, and all that are in doubt."""

MOST_PICTURES = 100
"""Units whose weights are drawn: 2 to 6 kB each."""

MOST_OUTPUTS = 12
"""Outputs that get a picture of their own."""

MOST_DOUBTED = 12
"""Units in doubt that are described one by one; the table marks all of them."""

MOST_NAMED = 12
"""Inputs and outputs whose weights fit in a table side by side."""

LARGE, SMALL = 320, 176
"""Pixels across a chart: one, or two, to a telephone."""

PICTURE = 104
"""Pixels across the weights of a unit."""


class Picture(NamedTuple):
    """Weights drawn: an image (a data URI) or bars, and bars for the output weights. The weight of
    a single output is in the caption."""

    caption: str
    description: str
    image: str
    bars: str
    outputs: str = ""


def units_shown(appraisal: Appraisal) -> list[int]:
    """The units in the tables."""
    doubtful = set(appraisal.certificate.weak_units.tolist()[:MOST_ROWS])
    return [u for u in range(appraisal.network.n_units) if u < MOST_ROWS or u in doubtful]


def unit_row(appraisal: Appraisal, unit: int) -> dict[str, object]:
    """A row of the table of units, as text; `strength_bar` and `active_bar` in per cent."""
    net, certificate = appraisal.network, appraisal.certificate
    strengths = np.linalg.norm(net.U, axis=0)
    estimate = appraisal.uncertainty.units[unit] if appraisal.uncertainty else None
    active = float(appraisal.active[unit])
    remarks = ["not determined"] if unit in certificate.weak_units else []
    if active in (0.0, 1.0):
        remarks.append("always on" if active else "never on")
    if estimate is not None and estimate.p_value > 0.01:
        remarks.append("perhaps not needed")
    error = float(certificate.weight_errors[unit])
    if certificate.status == Status.PROVED:
        accuracy = "0"
    elif not np.isfinite(error):
        accuracy = "–"
    elif certificate.unexplained is not None:
        accuracy = f"{np.degrees(error):.2g}°"
    else:
        accuracy = number(error, 2)
    # Units far from all samples run off the edge; otherwise nothing of the others would show.
    reach = 1.5 * float(np.median(np.abs(appraisal.quantiles[:, [0, -1]]).max(axis=1)))
    return {
        "unit": unit,
        "strength": number(float(strengths[unit]), 4, padded=True),
        "strength_error": number(estimate.strength_error, 2) if estimate else "",
        "strength_bar": 100 * float(strengths[unit] / strengths.max()),
        "bias": number(float(net.b[unit]), 4, padded=True),
        "bias_error": number(estimate.bias_error, 2) if estimate else "",
        "accuracy": accuracy,
        "sides": charts.sides(appraisal.quantiles[unit], reach or 1.0),
        "active": percent(active),
        "active_bar": 100 * active,
        "nearest": number(float(appraisal.nearest[unit]), 2),
        "p_value": _p_value(estimate.p_value) if estimate else "",
        "remark": ", ".join(remarks),
    }


def _p_value(p: float) -> str:
    return "< 10⁻¹⁶" if p < 1e-16 else number(p, 1)


def unit_pictures(net: Network, names: Names, shape: tuple[int, int] | None) -> list[Picture]:
    """The weights of the strongest units; hidden weights as an image if they have a shape."""
    pictures = []
    width = PICTURE if shape else 2 * PICTURE
    for unit, (v, u) in enumerate(zip(net.V[:MOST_PICTURES], net.U.T, strict=False)):
        description = f"Hidden weights of unit {unit}: {_described(names, v)}"
        image = images.signed(v.reshape(shape)) if shape else ""
        bars = "" if shape else charts.bars(v, description, width=width, height=64)
        caption, outputs = f"Unit {unit}", ""
        if len(u) == 1:
            caption += f": {number(u[0])}"
        else:
            below = f"Output weights of unit {unit}: {u.min():.2g} to {u.max():.2g}"
            outputs = charts.bars(u, below, width=width, height=28)
        pictures.append(Picture(caption, description, image, bars, outputs))
    return pictures


def skip_pictures(appraisal: Appraisal) -> list[Picture]:
    """The rows of W, if there is a skip connection."""
    net, pictures = appraisal.network, []
    for output, w in enumerate(net.W[:MOST_OUTPUTS] if net.skip else ()):
        name = appraisal.names.output(output)
        description = f"Skip connection to output {name}: {_described(appraisal.names, w)}"
        bars = charts.bars(w, description, width=2 * PICTURE, height=64)
        pictures.append(Picture(f"Output {name}", description, "", bars))
    return pictures


def _described(names: Names, weights: Array) -> str:
    largest = names.input(int(np.abs(weights).argmax()))
    return f"{weights.min():.2g} to {weights.max():.2g}, largest in size at input {largest}"


def weights_by_name(
    appraisal: Appraisal, units: list[int]
) -> tuple[list[str], list[list[str]]] | None:
    """Column heads and rows of a table of weights, with errors if there are any. None if neither
    inputs nor outputs have names, or if there are too many."""
    net, names = appraisal.network, appraisal.names
    if not (names.inputs or names.outputs) or net.n_inputs + net.n_outputs > MOST_NAMED:
        return None
    heads = ["Unit", *(f"from {names.input(i)}" for i in range(net.n_inputs))]
    heads += [f"to {names.output(o)}" for o in range(net.n_outputs)]
    cells = [[number(float(w), 4, padded=True) for w in row] for row in np.hstack([net.V, net.U.T])]
    if appraisal.uncertainty:
        stderr = appraisal.uncertainty.stderr
        for row, errors in zip(cells, np.hstack([stderr.V, stderr.U.T]), strict=True):
            row[:] = [f"{w} ± {number(float(e), 2)}" for w, e in zip(row, errors, strict=True)]
    return heads, [[str(unit), *cells[unit]] for unit in units]


def agreement(appraisal: Appraisal) -> list[str]:
    """Charts: labels against predictions, residuals against predictions, a histogram of residuals.
    Several outputs are each divided by their standard deviation."""
    kept, several = ~appraisal.left_out, appraisal.labels.shape[1] > 1
    size = np.where(appraisal.spread > 0, appraisal.spread, 1.0) if several else 1.0
    labels, predicted = appraisal.labels / size, appraisal.predicted / size
    labels, predicted, residuals = labels[kept], predicted[kept], (labels - predicted)[kept]
    worst = number(float(np.abs(residuals).max(initial=0.0)), 2)
    across = "predicted, in standard deviations" if several else "predicted"
    return [
        charts.scatter(
            predicted,
            labels,
            (across, "label"),
            f"Labels against predictions, {len(labels)} of them; all differ by less than {worst}",
            side=LARGE,
            line="equal",
        ),
        charts.scatter(
            predicted,
            residuals,
            (across, "residual (label − predicted)"),
            f"Residuals against predictions, none larger than {worst}",
            side=LARGE,
            line="zero",
        ),
        charts.histogram(
            residuals,
            ("residual", "labels with that residual"),
            f"Histogram of residuals, none larger than {worst}",
            side=LARGE,
        ),
    ]


def output_charts(appraisal: Appraisal) -> list[tuple[str, str]]:
    """Name and chart of labels against predictions for each of several outputs, the first
    `MOST_OUTPUTS` of them."""
    if appraisal.labels.shape[1] == 1:
        return []
    drawn = []
    for output in range(min(appraisal.labels.shape[1], MOST_OUTPUTS)):
        name, kept = appraisal.names.output(output), ~appraisal.left_out[:, output]
        predicted, labels = appraisal.predicted[kept, output], appraisal.labels[kept, output]
        description = f"Labels against predictions of output {name}"
        chart = charts.scatter(predicted, labels, ("", ""), description, side=SMALL, line="equal")
        drawn.append((name, chart))
    return drawn


def margins(appraisal: Appraisal) -> list[str]:
    """Charts: by unit, the distance of the nearest sample, and the share of samples on which the
    unit is active."""
    if not appraisal.network.n_units:
        return []
    nearest, active = appraisal.nearest, appraisal.active
    return [
        charts.by_unit(
            nearest,
            ("unit", "distance of the nearest sample"),
            f"Distance of the nearest sample to the edge of each unit, {nearest.min():.2g} to "
            f"{nearest.max():.2g}",
            side=LARGE,
            log=True,
        ),
        charts.by_unit(
            active,
            ("unit", "share of samples on which it is on"),
            f"Share of the samples on which each unit is active, {active.min():.2g} to "
            f"{active.max():.2g}",
            side=LARGE,
            log=False,
        ),
    ]


def units_in_doubt(appraisal: Appraisal) -> list[str]:
    """The units that are not determined, each with what the samples show of it."""
    units = appraisal.certificate.weak_units.tolist()
    lines = [
        f"Unit {unit} is active on {percent(float(appraisal.active[unit]))} of the samples; the "
        f"nearest sample is {number(float(appraisal.nearest[unit]), 2)} from its edge."
        for unit in units[:MOST_DOUBTED]
    ]
    more = len(units) - len(lines)
    return lines + ([f"And {counted(more, 'more unit')}."] if more else [])


def details(appraisal: Appraisal) -> list[tuple[str, str]]:
    """The certificate line by line. For a network from elsewhere it is not known which samples were
    used to find it."""
    certificate, noise = appraisal.certificate, appraisal.noise
    rows = [("status", f"{appraisal.status.value}: {appraisal.sentence}")]
    rows += appraisal.names.rows()
    rows += [("taken for granted", remark.text) for remark in appraisal.network.remarks]
    rows += [("verdict", appraisal.explanation), *certificate.rows()[1:]]
    rows = readable([row for row in rows if appraisal.recovered or row[0] != "samples"])
    if noise is not None:
        rows += noise.rows(appraisal.network.n_units)
    if appraisal.uncertainty is not None:
        rows.append(("standard errors", appraisal.uncertainty.form))
    return rows + [
        (name.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value))
        for name, value in appraisal.stats.items()
        if name != "seconds"  # all else is the same every time
    ]


def readable(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Labelled lines without "inf"."""
    return [
        (name, "not known" if text == "inf" else text.replace("inf ", "∞ ")) for name, text in rows
    ]
