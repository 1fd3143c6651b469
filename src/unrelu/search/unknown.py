"""recover(activation="unknown"): hidden values and output weights exactly, the rest estimated."""

from __future__ import annotations

import time

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.checks.hidden_values import hidden_values
from unrelu.evidence.evidence import Question
from unrelu.evidence.hidden_values import judge_hidden
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search.null_vectors import Hidden, find_hidden
from unrelu.search.unknown_activation import Shape, fit
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

SAME = 8.0
"""Times the errors of heights by which units may be off the common curve: those of one unit's
heights have much in common."""


def recover_unknown(
    samples: Samples, n_units: int | None, bias: bool, rng: np.random.Generator
) -> Recovery:
    """The network with a `Curve` for its activation.

    Status estimated: hidden values (`Recovery.hidden`) and output weights are proved exact up to
    the scale of each unit, and directions and curve are as good as the certificate says;
    undetermined: something is missing in that proof; failed: nothing was found.
    """
    started = time.perf_counter()
    found = find_hidden(samples, bias=bias, rng=rng)
    shape: Shape | None = None
    if found.F.shape[1] == found.rank > 0:
        shape = fit(found, samples, bias=bias, rng=rng)
    stats: dict[str, float | int | str] = {
        "method": "row-space, activation unknown",
        "starts": found.starts,
        "rows": len(found.rows),
        "label_rank": found.rank,
    }
    hidden: Array | None = None
    remarks: tuple[Finding, ...] = ()
    if shape is None:
        net = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0)))
        judged = judge_hidden(Question(net, bias), samples, np.zeros(0), "")
        remarks = (Finding("no-unit", Status.FAILED, _why(found)),)
    else:
        asked = Question(shape.network, bias, used=shape.hidden.rows)
        judged = judge_hidden(asked, samples, shape.errors, _scales(shape))
    certificate = Certificate.of(judged)
    if certificate.status == Status.ESTIMATED:
        hidden = hidden_values(certificate.network, samples)
        units = certificate.network.n_units
        if n_units is not None and units != n_units:
            code = "more-units" if units > n_units else "fewer-units"
            said = f"{counted(units, 'unit')} explain these samples, not {n_units}"
            remarks = (Finding(code, Status.FAILED, said),)
    stats["seconds"] = time.perf_counter() - started
    network = None if shape is None else certificate.network
    return Recovery(network, certificate, stats, hidden=hidden, remarks=remarks)


def _scales(shape: Shape) -> str:
    """What is known of the lengths of hidden weights, and whether one curve serves all units."""
    shifts = shape.shifts
    known = shifts.errors[np.isfinite(shifts.errors)]
    said = (
        f"lengths of hidden weights are estimated to {100 * known.max():.2g}%, but for a common one"
        if len(known)
        else "hidden weights are taken to have the same length, which explains all there is"
    )
    if shifts.misfit > SAME:
        said += (
            f"; the units do not share one curve: they are off it by {shifts.misfit:.2g} times the "
            "errors of their directions"
        )
    return said


def _why(found: Hidden) -> str:
    rank, units = found.rank, found.F.shape[1]
    if not rank:
        return "the labels are constant: they show no unit"
    if not units:
        return (
            f"no unit was found in labels of rank {rank}: they are noisy, or made by more units "
            "than they have rank, which only a known activation tells apart"
        )
    if units < rank:
        return (
            f"{units} of {rank} units were found: the samples are too few for the others, or the "
            "labels are noisy, or made by more units than they have rank"
        )
    return (
        f"{units} vectors in the span of the labels vanish where a unit would, but no "
        "hyperplane and monotone activation explain them: the labels were made by more units "
        "than they have rank, or by something else"
    )
