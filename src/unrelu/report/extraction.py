"""An extraction as one self-contained page: what was asked, what was found, what stays open."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np

from unrelu.errors import InputTypeError
from unrelu.network.unknowns import count_unknowns
from unrelu.report import images, sections
from unrelu.report.phrases import number, sentence
from unrelu.report.rendering import check_target, render, save_page
from unrelu.result import Recovery
from unrelu.wording.status import Status
from unrelu.wording.streams import counted, kind_of

COUNTS = "queries for "
"""Beginning of the names in `stats` that count the queries of a stage."""

MOST_UNITS = 200
"""Units in the table: the strongest."""

SEEN = (
    "Units whose edges lie beyond the reach of the extraction, and units that have no influence on "
    "the answers, cannot be seen."
)


class Stage(NamedTuple):
    """What some of the queries were for; `share` of all queries."""

    name: str
    queries: int
    share: float
    about: str


class Bound(NamedTuple):
    """Queries that are needed for as many numbers as the network has unknown weights, and how many
    times as many there were."""

    unknowns: int
    queries: int
    ratio: float


class Unit(NamedTuple):
    """A row of the table of units, as text; `bar`: the strength in per cent of the largest."""

    number: int
    strength: str
    bar: float
    bias: str
    accuracy: str
    weak: bool


ABOUT = {
    "random inputs": "what kind of function the model is",
    "rounding": "how the model rounds",
    "lines": "where each unit switches between on and off",
    "directions": "the hidden weights of all units",
    "around units": "units that random inputs rarely switch on, or rarely off",
    "fresh inputs": "whether the network predicts answers that it was not fitted to",
}
"""What the queries of a stage show."""


def write_extraction_report(
    result: Recovery,
    path: str | os.PathLike[str],
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
) -> None:
    """Write what an extraction asked and found as an HTML page.

    Parameters
    ----------
    result : from `unrelu.extract`.
    path : the .html to write; it appears complete or not at all.
    image_shape : (height, width) or "28x28", if the inputs are the pixels of an image; "none" if
        they are not. By default, a square number of inputs, 64 or more, is taken for an image.
    title : of the page.

    Raises
    ------
    InputError for a shape that does not fit, InputTypeError for anything but the result of an
    extraction, FileError.

    The page contains queries by what they were for, beside the least number that counting allows,
    the units with their errors and their weights as pictures, and what the answers leave open. It
    loads nothing, so it can be mailed, printed and archived.

    >>> import tempfile
    >>> from unrelu import extract, Network
    >>> secret = Network([[1.0, 2.0], [0.5, -1.0]], [[1.0, -1.0]], b=[0.3, -0.2])
    >>> result = extract(secret, 2, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_extraction_report(result, f"{folder}/report.html")
    """
    if not isinstance(result, Recovery):
        raise InputTypeError(f"result: got {kind_of(result)}, expected the result of an extraction")
    if "queries" not in result.stats or result.network is None:
        raise InputTypeError("result: got a Recovery from samples, expected one from extract()")
    images.image_shape(image_shape, result.network.n_inputs)
    check_target(path)
    save_page(extraction_page(result, image_shape=image_shape, title=title), path)


def extraction_page(
    result: Recovery,
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
    command: str | None = None,
) -> str:
    """The page of an extraction. `command`: what to type to get the same page again."""
    net = result.certificate.network
    shape, guessed = images.image_shape(image_shape, net.n_inputs)
    units = _units(result)
    return render(
        "extraction.html",
        result.status,
        title or f"A model with {counted(net.n_inputs, 'input')}, recovered from its answers",
        net=net,
        explanation=result.explanation,
        answers=result.stats.get("answers"),
        queries=int(result.stats["queries"]),
        bound=_bound(result),
        stages=_stages(result),
        units=units,
        doubted=len(result.certificate.weak_units),
        shape=shape,
        guessed=guessed,
        pictures=sections.unit_pictures(net, result.names, shape),
        open=_open(result),
        details=_details(result),
        command=command,
    )


def _stages(result: Recovery) -> list[Stage]:
    counts = {
        name.removeprefix(COUNTS): int(count)
        for name, count in result.stats.items()
        if name.startswith(COUNTS)
    }
    queries = max(1, sum(counts.values()))
    return [
        Stage(name, count, count / queries, ABOUT.get(name, "")) for name, count in counts.items()
    ]


def _bound(result: Recovery) -> Bound | None:
    """For answers that are numbers: a class label is less than one. Without a network that explains
    the answers, unknown weights cannot be counted."""
    net = result.certificate.network
    labels = result.stats.get("answers") == "labels"
    if not net.n_units or labels or not result.status.certain:
        return None
    biases = result.certificate.biased
    unknowns = count_unknowns(net.n_units, net.n_inputs, net.n_outputs, biases=biases)
    needed = math.ceil(unknowns / net.n_outputs)
    return Bound(unknowns, needed, int(result.stats["queries"]) / needed)


def _units(result: Recovery) -> list[Unit]:
    net, certificate = result.certificate.network, result.certificate
    strengths = np.linalg.norm(net.U, axis=0)
    errors = np.full(net.n_units, np.nan)
    errors[: len(certificate.weight_errors)] = certificate.weight_errors
    weak = set(certificate.weak_units.tolist())
    return [
        Unit(
            unit,
            number(float(strengths[unit]), 4, padded=True),
            100 * float(strengths[unit] / strengths.max()),
            number(float(net.b[unit]), 4, padded=True),
            number(float(errors[unit]), 2) if np.isfinite(errors[unit]) else "–",
            unit in weak,
        )
        for unit in range(min(net.n_units, MOST_UNITS))
    ]


def _open(result: Recovery) -> list[str]:
    """The findings that say what is not known, and what no answer can show."""
    certain = (Status.EXACT, Status.PROVED)
    findings = [each for each in result.findings if each.status not in certain]
    return [*(sentence(each.sentence) for each in findings), SEEN]


def _details(result: Recovery) -> list[tuple[str, str]]:
    stages = {COUNTS + stage.name for stage in _stages(result)}
    rows = [(name, text) for name, text in result.rows() if name not in stages | {"seconds"}]
    return sections.readable(rows)
