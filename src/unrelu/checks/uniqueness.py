"""Are labels without noise explained, and by this network alone? Everything but arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unrelu.checks import verdict
from unrelu.checks.counting import chance_equations, grain, independent_equations
from unrelu.checks.explained import Explained, explain
from unrelu.checks.gross import choice_equations, clean, objection
from unrelu.checks.pinned import not_pinned, pin
from unrelu.checks.pinned_curved import full_rank, pin_curved, resolved
from unrelu.checks.pinned_together import pin_together
from unrelu.checks.verdict import Verdict
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


@dataclass(frozen=True, eq=False)
class Uniqueness:
    """What was found, and what it comes to. `errors` (k,) of hidden weights; `equations` counted,
    `unknowns`, and by how many the first must exceed the second; `corrupted` (s, 2) entries left
    out."""

    said: Verdict
    explained: Explained
    errors: Array
    equations: int
    unknowns: int
    needed: int
    corrupted: Index = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))


def of_relu(
    net: Network,
    samples: Samples,
    biased: bool,
    explained: Explained | None,
    limit: float,
    gross: bool,
    skip: bool = False,
) -> Uniqueness:
    """For a canonical ReLU network; arguments as those of `certificate.judge`."""
    assert not (gross and skip), "gross errors are looked for in networks without skip connections"
    sound = clean(net, samples) if gross else None
    usable, refused = samples, ""
    if sound is not None and sound.wrong.any():
        refused = objection(net, sound)
    if sound is not None and (refused or not sound.wrong.any()):
        sound = None
    if sound is not None:
        samples, usable, explained = sound.samples, sound.usable, None
    explained = explained or explain(net, samples)
    fits = explained.in_roundings <= 1 and not refused  # not so for NaN
    pinned = pin(net, usable, biased, limit, skip) if fits else not_pinned(net, samples)
    dimension, outputs = samples.d + biased, pinned.outputs
    if skip and not net.n_units:  # all outputs are functions of W and c alone
        outputs = samples.m
    unknowns = unknowns_of(net, biases=biased, skip=skip, outputs=outputs)
    needed = chance_equations(
        dimension, samples.n, net.n_units, samples.eps, grain(samples, biased)
    )
    equations = 0
    if len(usable.X):
        equations = independent_equations(usable, outputs, biased, 2 * (unknowns + needed))
    if sound is not None:
        needed += choice_equations(sound, equations, net.n_units)
    if refused:
        said = verdict.Verdict(
            Status.FAILED, "not-gross-errors", f"not by gross errors in a few labels: {refused}"
        )
    elif not fits:
        said = verdict.not_explained(explained)
    elif len(pinned.weak(limit)):
        said = verdict.weak(net, samples, pinned, pinned.weak(limit))
    elif skip and not pinned.independent:
        said = verdict.dependent()
    elif (net.n_units or sound is not None or skip) and equations < unknowns + needed:
        said = verdict.short_of_equations(equations, unknowns, unknowns + needed, outputs)
    elif skip:
        said = verdict.with_skip(net, usable, biased)
    else:
        said = verdict.sides(net, usable, biased, pinned.stated)
    if sound is not None and said.status == Status.EXACT:
        said = verdict.Verdict(
            Status.EXACT,
            "gross-errors",
            f"all but {len(sound.entries)} of {sound.wrong.size} labels are explained to rounding "
            f"by this network of {counted(net.n_units, 'unit')}, and by no other with this many "
            "units; those are gross errors",
        )
    corrupted = sound.entries if sound is not None else np.zeros((0, 2), dtype=np.intp)
    return Uniqueness(said, explained, pinned.stated, equations, unknowns, needed, corrupted)


def of_curved(
    net: Network, samples: Samples, biased: bool, explained: Explained | None, limit: float
) -> Uniqueness:
    """For a canonical network of another activation.

    Where U has full column rank, units can neither change sides nor be replaced by others: what a
    unit's own labels are, f(z_j) alone, is fixed (BJW Lemma 33). Where it has not, all weights are
    looked at together, and what else the activation allows (`pinned_together`)."""
    explained = explained or explain(net, samples)
    fits = explained.in_roundings <= 1  # not so for NaN
    apart = full_rank(net, samples)
    pinned, objection, outputs = not_pinned(net, samples), "", net.n_units
    if fits and apart and net.n_units:
        pinned = pin_curved(net, samples, biased, limit)
    elif fits and net.n_units:
        pinned, objection = pin_together(net, samples, biased)
        outputs = pinned.outputs
    free = not net.activation.homogeneous  # the scale of a unit's z is one more unknown
    dimension, k = samples.d + biased + free, net.n_units
    unknowns = unknowns_of(net, biases=biased, skip=False, outputs=outputs)
    needed = chance_equations(dimension, samples.n, k, samples.eps, resolved(samples, biased))
    equations = independent_equations(samples, outputs, biased or free, 2 * (unknowns + needed))
    if not fits:
        said = verdict.not_explained(explained)
    elif objection:
        said = verdict.not_apart(net, objection)
    elif len(pinned.weak(limit)):
        said = verdict.weak(net, samples, pinned, pinned.weak(limit))
    elif net.n_units and equations < unknowns + needed:
        said = verdict.short_of_equations(equations, unknowns, unknowns + needed, outputs)
    else:
        said = verdict.curved(net, samples, biased)
    return Uniqueness(said, explained, pinned.stated, equations, unknowns, needed)
