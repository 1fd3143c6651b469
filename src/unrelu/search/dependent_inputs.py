"""Inputs that are constant or combinations of the others, such as one-hot columns in full.

Labels do not tell which of them a weight belongs to. Redundant columns are left out: their weights
are zero, and those of the others are relative to that, as with a reference level of a factor. The
predictions of the network for such inputs, and their errors, do not depend on the choice.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inputs.names import UNNAMED, shown
from unrelu.network import Network
from unrelu.numerics.arrays import Index
from unrelu.result import Recovery
from unrelu.samples import Samples
from unrelu.search.options import dependent_inputs
from unrelu.wording.status import Status

CODE = "dependent-inputs"


def independent_columns(samples: Samples, bias: bool) -> tuple[Samples, Index]:
    """Samples, nameless, without the columns that are constant or combinations of others, and the
    columns that they have; all of them where none would be left, which is to be refused."""
    kept = np.arange(samples.d)
    while len(kept):
        inputs = replace(samples, X=np.asarray(samples.X)[:, kept], names=UNNAMED)
        dependent, _ = dependent_inputs(inputs, bias)
        if not len(dependent):
            return inputs, kept
        kept = np.delete(kept, dependent)
    return samples, np.arange(samples.d)


def for_all_inputs(result: Recovery, samples: Samples, kept: Index) -> Recovery:
    """The result of the columns that were kept, for all columns of the samples. An estimate stays
    one, of the network whose other weights are zero. Of labels without noise no network is the only
    one then."""
    left_out = np.setdiff1d(np.arange(samples.d), kept)
    several = len(left_out) > 1
    which = shown([samples.names.input(i) for i in left_out.tolist()], 6)
    message = (
        f"column{'s' if several else ''} {which} of X {'are' if several else 'is'} constant or a "
        "combination of others, so that nothing tells which of them a weight belongs to: those "
        f"from {'there' if several else 'it'} are taken as zero, and the others are relative to "
        "that. What the network says of such inputs does not depend on it"
    )
    before = result.certificate
    network = _padded(before.network, samples.d, kept)
    open_weights = network.n_units > 0 or network.skip
    if before.status == Status.FAILED or not open_weights:
        findings = (*before.findings, Finding(CODE, None, message))
    else:
        certain = before.status in (Status.EXACT, Status.PROVED)
        status = Status.UNDETERMINED if certain else before.status
        findings = (Finding(CODE, status, f"{message}. Of the other inputs, {before.explanation}"),)
        findings += before.findings
    certificate = replace(before, network=network, findings=findings)
    uncertainty = result.uncertainty and _padded_errors(result.uncertainty, samples, kept, message)
    return replace(
        result,
        network=None if result.network is None else network,
        certificate=certificate,
        uncertainty=uncertainty,
        names=samples.names,
        ranges=samples.ranges(),
    )


def _padded(net: Network, width: int, kept: Index) -> Network:
    V, W = np.zeros((net.n_units, width)), np.zeros((net.n_outputs, width))
    V[:, kept], W[:, kept] = net.V, net.W
    return Network(V, net.U, net.b, net.c, net.activation, W)


def _padded_errors(errors: Uncertainty, samples: Samples, kept: Index, message: str) -> Uncertainty:
    network, stderr = (_padded(net, samples.d, kept) for net in (errors.network, errors.stderr))
    return replace(
        errors,
        network=network,
        stderr=stderr,
        kept=kept,
        notes=(*errors.notes, message),
        names=samples.names,
    )
