"""recover(activation="unknown"): hidden values and output weights exactly, the rest estimated."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from unrelu.certificate import Certificate, judge_unknown
from unrelu.checks.hidden_values import hidden_values
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search.null_vectors import Hidden, find_hidden
from unrelu.search.unknown_activation import Shape, fit
from unrelu.wording.status import Status

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
    if shape is None:
        certificate = _nothing(samples, bias, _why(found))
    else:
        certificate = judge_unknown(
            shape.network, samples, shape.hidden.rows, bias, shape.errors, _scales(shape)
        )
        if certificate.status == Status.ESTIMATED:
            hidden = hidden_values(shape.network, samples)
    if n_units is not None and certificate.status == Status.ESTIMATED:
        certificate = _as_asked(certificate, n_units)
    stats["seconds"] = time.perf_counter() - started
    network = None if shape is None else certificate.network
    return Recovery(certificate.status, network, certificate, stats, hidden=hidden)


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


def _nothing(samples: Samples, bias: bool, said: str) -> Certificate:
    """Of the network that is constant."""
    net = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0)))
    return replace(
        judge_unknown(net, samples, np.arange(0), bias, np.zeros(0), ""),
        status=Status.FAILED,
        code="no-unit",
        explanation=said,
    )


def _as_asked(certificate: Certificate, n_units: int) -> Certificate:
    found = certificate.network.n_units
    if found == n_units:
        return certificate
    return replace(
        certificate,
        status=Status.FAILED,
        code="more-units" if found > n_units else "fewer-units",
        explanation=f"{found} units explain these samples, not {n_units}: "
        f"{certificate.explanation}",
    )
