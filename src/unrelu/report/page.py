"""A network and its samples as one page that stands alone: no scripts, no requests."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unrelu.certificate import Certificate
from unrelu.errors import FileError
from unrelu.formats.atomic_write import atomic_write, check_writable
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.quiet import quiet
from unrelu.report import charts, images, words
from unrelu.report.appraisal import Appraisal, appraise
from unrelu.result import Recovery
from unrelu.wording.status import Status
from unrelu.wording.version import __version__

SUFFIXES = (".html", ".htm")

MOST_ROWS = 200
"""Units in the table; the strongest, and all that are in doubt."""

MOST_PICTURES = 100
"""Units whose weights are drawn: 2 to 6 kB each."""

MOST_OUTPUTS = 12
"""Outputs that get a picture of their own."""

MOST_DOUBTED = 12
"""Units that are named one by one where they are not pinned down; the table marks all."""

LARGE, SMALL = 320, 176
"""Pixels across a chart: one, or two, to a telephone."""

PICTURE = 104
"""Pixels across the weights of a unit."""


@dataclass(frozen=True)
class Row:
    """A unit in the table, as text; `strength_bar` and `active_bar` in per cent."""

    unit: int
    strength: str
    strength_error: str
    strength_bar: float
    bias: str
    bias_error: str
    error: str
    sides: str
    active: str
    active_bar: float
    nearest: str
    p_value: str
    remark: str


@dataclass(frozen=True)
class Picture:
    """The weights of a unit: an image or bars, and bars for the outputs; of a single output, the
    weight is in the caption."""

    caption: str
    told: str
    image: str
    bars: str
    outputs: str


@quiet
def write_report(
    net: Network | Recovery,
    X: ArrayLike,
    Y: ArrayLike,
    path: str | os.PathLike[str],
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
    noise: str = "auto",
) -> Certificate:
    """Write what the samples show of a network as an HTML page, and return the certificate.

    Parameters
    ----------
    net : a network, which is verified; or a `Recovery` from these very samples.
    X : (n, d) inputs; Y : (n, m) or (n,) labels.
    path : the .html to write; it appears whole or not at all.
    image_shape : (height, width) or "28x28", where inputs are the pixels of an image; "none"
        where they are not. A square number of inputs, from 64 on, is taken for an image.
    title : of the page.
    noise : as in `appraise`.

    Raises
    ------
    InputError, InputTypeError as `appraise` does, and for a shape that does not fit; FileError.

    The page holds the verdict in words, the units, their weights as pictures, predictions,
    residuals and margins. It loads nothing, so it can be mailed, printed and kept. The same
    samples give the same page. Cost: that of `verify`, and about a second.

    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_report(net, X, net(X), f"{folder}/report.html").status.value)
    exact
    """
    check_target(path)
    found = net.network if isinstance(net, Recovery) else net
    if isinstance(found, Network):
        images.image_shape(image_shape, found.n_inputs)  # before anything is computed
    told = appraise(net, X, Y, noise=noise)
    save_page(html_page(told, image_shape=image_shape, title=title), path)
    return net.certificate if isinstance(net, Recovery) else told.certificate


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the FileError that `write_report` would raise for this path."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path}: got a name ending in {path.suffix!r}, expected '.html'")
    check_writable(path)


def save_page(page: str, path: str | os.PathLike[str]) -> None:
    with atomic_write(Path(path)) as file:
        file.write(page.encode())


def html_page(
    told: Appraisal,
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
    command: str | None = None,
) -> str:
    """The page of an appraisal. `command`: what to type for the same page again."""
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    shape, guessed = images.image_shape(image_shape, told.network.n_inputs)
    shown = _shown(told)
    table = [_row(told, unit) for unit in shown]
    here = files("unrelu.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": charts.number, "sentence": words.sentence}
    environment.filters |= {"percent": words.percent, "counted": words.counted}
    template = environment.from_string((here / "page.html").read_text(encoding="utf-8"))
    return template.render(
        style=(here / "page.css").read_text(encoding="utf-8"),
        title=title or f"A network of {words.counted(told.network.n_units, 'unit')}",
        told=told,
        net=told.network,
        proof=told.certificate,
        words=words.verdict(told),
        mark=MARKS[told.status],
        noisy=told.uncertainty is not None,
        table=table,
        hidden=told.network.n_units - len(shown),
        shape=shape,
        guessed=guessed,
        pictures=[_picture(told, unit, shape) for unit in range(_pictured(told))],
        skip=_skip(told),
        agreement=_agreement(told),
        outputs=_outputs(told),
        margins=_margins(told),
        doubted=_doubted(told),
        remarked=any(row.remark for row in table),
        notes=[words.sentence(note) for note in told.uncertainty.notes] if told.uncertainty else [],
        details=_details(told),
        names=told.names,
        by_name=_by_name(told),
        versions=_versions(),
        command=command,
    )


MOST_NAMED = 12
"""Inputs and outputs whose weights stand in a table side by side."""

MARKS = {
    Status.PROVED: "✓",
    Status.EXACT: "✓",
    Status.ESTIMATED: "≈",
    Status.UNDETERMINED: "?",
    Status.FAILED: "✕",
}
"""The verdict as a sign, for those who do not see its colour."""


def _shown(told: Appraisal) -> list[int]:
    units = range(told.network.n_units)
    doubtful = set(told.certificate.weak_units.tolist()[:MOST_ROWS])
    return [unit for unit in units if unit < MOST_ROWS or unit in doubtful]


def _pictured(told: Appraisal) -> int:
    return min(told.network.n_units, MOST_PICTURES)


def _row(told: Appraisal, unit: int) -> Row:
    net, proof = told.network, told.certificate
    strengths = np.linalg.norm(net.U, axis=0)
    error, weak = float(proof.weight_errors[unit]), unit in proof.weak_units
    fitted = told.uncertainty.units[unit] if told.uncertainty else None
    active = float(told.active[unit])
    remarks = ["not pinned down"] if weak else []
    if active in (0.0, 1.0):
        remarks.append("always on" if active else "never on")
    if fitted is not None and fitted.p_value > 0.01:
        remarks.append("perhaps not needed")
    if proof.status == Status.PROVED:
        error_text = "0"
    elif proof.unexplained is not None:
        error_text = f"{np.degrees(error):.2g}°" if np.isfinite(error) else "–"
    else:
        error_text = charts.number(error, 2) if np.isfinite(error) else "–"
    # Units far from all samples run off the edge, or nothing would be seen of the others.
    reach = 1.5 * float(np.median(np.abs(told.quantiles[:, [0, -1]]).max(axis=1)))
    return Row(
        unit=unit,
        strength=charts.number(float(strengths[unit]), 4, padded=True),
        strength_error=charts.number(fitted.strength_error, 2) if fitted else "",
        strength_bar=100 * float(strengths[unit] / strengths.max()),
        bias=charts.number(float(net.b[unit]), 4, padded=True),
        bias_error=charts.number(fitted.bias_error, 2) if fitted else "",
        error=error_text,
        sides=charts.sides(told.quantiles[unit], reach or 1.0),
        active=words.percent(active),
        active_bar=100 * active,
        nearest=charts.number(float(told.nearest[unit]), 2),
        p_value=_p_value(fitted.p_value) if fitted else "",
        remark=", ".join(remarks),
    )


def _p_value(p: float) -> str:
    return "< 10⁻¹⁶" if p < 1e-16 else charts.number(p, 1)


def _picture(told: Appraisal, unit: int, shape: tuple[int, int] | None) -> Picture:
    v, u = told.network.V[unit], told.network.U[:, unit]
    largest = told.names.input(int(np.abs(v).argmax()))
    seen = f"{v.min():.2g} to {v.max():.2g}, largest in size at input {largest}"
    told_in_words = f"Hidden weights of unit {unit}: {seen}"
    return Picture(
        caption=f"Unit {unit}" + (f": {charts.number(u[0])}" if len(u) == 1 else ""),
        told=told_in_words,
        image=images.signed(v.reshape(shape)) if shape else "",
        bars="" if shape else charts.bars(v, told_in_words, width=2 * PICTURE, height=64),
        outputs=charts.bars(
            u,
            f"Output weights of unit {unit}: {u.min():.2g} to {u.max():.2g}",
            width=PICTURE if shape else 2 * PICTURE,
            height=28,
        )
        if len(u) > 1
        else "",
    )


def _by_name(told: Appraisal) -> tuple[list[str], list[list[str]]] | None:
    """The weights as a table, with errors where there are any: heads and rows; where inputs or
    outputs have names, and there are few."""
    net, names = told.network, told.names
    if not (names.inputs or names.outputs) or net.n_inputs + net.n_outputs > MOST_NAMED:
        return None
    error = told.uncertainty.stderr if told.uncertainty else None
    heads = ["Unit", *(f"from {names.input(i)}" for i in range(net.n_inputs))]
    heads += [f"to {names.output(o)}" for o in range(net.n_outputs)]
    rows = []
    for unit in _shown(told):
        cells = [*net.V[unit], *net.U[:, unit]]
        errors = [""] * len(cells)
        if error is not None:
            off = [*error.V[unit], *error.U[:, unit]]
            errors = [f" ± {charts.number(float(value), 2)}" for value in off]
        values = [charts.number(float(cell), 4, padded=True) for cell in cells]
        rows.append([str(unit), *map(str.__add__, values, errors)])
    return heads, rows


def _skip(told: Appraisal) -> list[Picture]:
    """The rows of W, if there is a skip connection."""
    drawn = []
    for output, w in enumerate(told.network.W[:MOST_OUTPUTS] if told.network.skip else ()):
        largest = told.names.input(int(np.abs(w).argmax()))
        seen = f"{w.min():.2g} to {w.max():.2g}, largest in size at input {largest}"
        name = told.names.output(output)
        chart = charts.bars(
            w, f"Skip connection to output {name}: {seen}", width=2 * PICTURE, height=64
        )
        drawn.append(Picture(f"Output {name}", seen, "", chart, ""))
    return drawn


def _scaled(told: Appraisal) -> tuple[Array, Array, Array, str]:
    """Labels, predictions and differences; of several outputs in units of each one's spread."""
    labels, predicted = told.labels, told.predicted
    kept = ~told.left_out
    if labels.shape[1] == 1:
        return labels[kept], predicted[kept], (labels - predicted)[kept], ""
    size = np.where(told.spread > 0, told.spread, 1.0)
    scaled, said = labels / size, predicted / size
    difference = (labels - predicted) / size
    return scaled[kept], said[kept], difference[kept], ", in standard deviations"


def _agreement(told: Appraisal) -> list[str]:
    """True against predicted, residual against predicted, and how large residuals are."""
    labels, predicted, left, unit = _scaled(told)
    worst = charts.number(float(np.abs(left).max(initial=0.0)), 2)
    return [
        charts.scatter(
            predicted,
            labels,
            (f"predicted{unit}", "label"),
            f"Labels against predictions, {len(labels)} of them; all differ by less than {worst}",
            side=LARGE,
            line="equal",
        ),
        charts.scatter(
            predicted,
            left,
            (f"predicted{unit}", "residual (label − predicted)"),
            f"Residuals against predictions, none larger than {worst}",
            side=LARGE,
            line="zero",
        ),
        charts.histogram(
            left,
            ("residual", "labels with that residual"),
            f"Histogram of residuals, none larger than {worst}",
            side=LARGE,
        ),
    ]


def _outputs(told: Appraisal) -> list[tuple[str, str]]:
    """True against predicted for each output, of the first `MOST_OUTPUTS`."""
    if told.labels.shape[1] == 1:
        return []
    drawn = []
    for output in range(min(told.labels.shape[1], MOST_OUTPUTS)):
        kept = ~told.left_out[:, output]
        chart = charts.scatter(
            told.predicted[kept, output],
            told.labels[kept, output],
            ("", ""),
            f"Labels against predictions of output {told.names.output(output)}",
            side=SMALL,
            line="equal",
        )
        drawn.append((told.names.output(output), chart))
    return drawn


def _margins(told: Appraisal) -> list[str]:
    if not told.network.n_units:
        return []
    nearest, active = told.nearest, told.active
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
            ("unit", "share of samples that switch it on"),
            f"Share of the samples on which each unit is active, {active.min():.2g} to "
            f"{active.max():.2g}",
            side=LARGE,
            log=False,
        ),
    ]


def _doubted(told: Appraisal) -> list[str]:
    """The units that are not pinned down, each with what the samples show of it."""
    units = told.certificate.weak_units.tolist()
    said = [
        f"Unit {unit} is switched on by {words.percent(float(told.active[unit]))} of the samples; "
        f"the nearest lies {charts.number(float(told.nearest[unit]), 2)} from its edge."
        for unit in units[:MOST_DOUBTED]
    ]
    left = len(units) - len(said)
    return said + ([f"And {words.counted(left, 'more unit')}."] if left else [])


def _details(told: Appraisal) -> list[tuple[str, str]]:
    """The certificate line by line; for a network from elsewhere nobody knows which samples are
    fresh."""
    status = f"{told.status.value}: {told.certificate.sentence}"
    granted = [("taken for granted", remark.text) for remark in told.network.remarks]
    rows = [("status", status), *told.names.rows(), *granted, *told.certificate.rows()]
    rows = [
        (name, "not known" if text == "inf" else text.replace("inf ", "∞ ")) for name, text in rows
    ]
    if not told.recovered:
        rows = [(name, text) for name, text in rows if name != "samples"]
    if told.noise is not None:
        rows += told.noise.rows(told.network.n_units)
    if told.uncertainty is not None:
        rows.append(("standard errors", told.uncertainty.form))
    return rows + [
        (name.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value))
        for name, value in told.stats.items()
        if name != "seconds"  # all else is the same every time
    ]


def _versions() -> str:
    import scipy

    return (
        f"unrelu {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}"
    )
