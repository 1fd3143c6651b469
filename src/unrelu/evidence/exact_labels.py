"""Labels without noise: are they explained to rounding, and by this network alone?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.checks import counting
from unrelu.checks import gross as gross_errors
from unrelu.checks.case import Case, Check, Explained, Pinned
from unrelu.checks.explained import by_inputs, explain, not_explained
from unrelu.checks.finding import Finding, first, listed, undetermined
from unrelu.checks.nearby_fits import offset_rounding
from unrelu.checks.pinned import dependent_inputs, not_pinned, open_units, pin
from unrelu.checks.pinned_curved import full_rank, pin_curved, resolved
from unrelu.checks.pinned_together import outputs_dependent, pin_together
from unrelu.checks.redundant_units import OFFSET, spare_units
from unrelu.checks.replaced import replaceable_units
from unrelu.checks.rivals import rival_sides
from unrelu.checks.sides import facing_pair, gap, linear_function, open_sides
from unrelu.complete.others import known_rival, other_network
from unrelu.evidence.evidence import (
    Evidence,
    Judgement,
    Question,
    equations_row,
    in_floats,
    with_kind_of_labels,
)
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

AS_THEY_STAND = 1e-9
"""Residual, as a share of the labels, from which on float64 labels are not explained for sure."""

CHECKS = (
    Check(gross_errors.not_gross, "refused"),
    Check(not_explained),
    Check(outputs_dependent, "objection"),
    Check(dependent_inputs),
    Check(open_units),
    Check(counting.few_equations),
    Check(facing_pair, "relu"),
    Check(spare_units, "relu"),
    Check(linear_function, "one_way_round"),
    Check(gap, "biases_alone"),
    Check(open_sides, "one_way_round"),
    Check(rival_sides, "relu"),
    Check(replaceable_units, "curved"),
    Check(known_rival, "rival"),
    Check(other_network, "few"),
    Check(gross_errors.few_samples_off, "undeclared"),
)
"""In this order: the first that finds something decides, and if none does, the network is exact."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class ExactLabels(Evidence):
    """Labels that a network has to explain to rounding.

    residual : largest |label − network| as a share of the labels' root mean square.
    residual_in_roundings : a bound on the same in units of what rounding allows, sharp above 1;
        explained up to 1.
    worst_sample : the row where that is largest.
    margin : smallest |v·x + b| in units of its rounding; a sample below 1 has no certain side.
    on_kink : number of samples below that.
    equations, unknowns, surplus_needed : independent label entries (as many as were counted),
        free weights, and by how many the first must exceed the second.
    weight_errors : (k,) of each unit's hidden weights and bias (unit rows), how far any network of
        so many units that explains the samples to rounding may be off.
    corrupted : (s, 2) row and output of the label entries left out as grossly wrong, where that
        was allowed; every statement is about the others.
    precision : what the labels are taken to be rounded to.
    rounding : the relative rounding at which they are explained, where that is coarser than their
        own: heights of inputs with a large offset have more, and so have units that cancel; else 0.
    as_given : whether it was asked, too, if rounding of the inputs, or of units that cancel, is in
        the way.
    declared : whether it was said that entries may be grossly wrong: otherwise a few of them may be
        due to units that hardly any sample shows.
    """

    residual: float
    residual_in_roundings: float
    worst_sample: int
    margin: float
    on_kink: int
    equations: int
    unknowns: int
    surplus_needed: int
    weight_errors: Array
    corrupted: Index = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))
    precision: str = DOUBLE.name
    rounding: float = 0.0
    as_given: bool = False
    declared: bool = True

    @property
    def explained(self) -> bool:
        return not len(self.corrupted)

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        gross, samples = len(self.corrupted) > 0, in_floats(X, Y)
        if self.as_given:
            return judge_as_given(asked, samples)
        judgement = judge_labels(
            asked, samples, gross=gross, declared=self.declared, coarse=self.rounding
        )
        return with_kind_of_labels(judgement, samples)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        rows = []
        if self.precision != DOUBLE.name:
            rows.append(("labels rounded to", self.precision))
        residual = (
            f"{self.residual:.1e} of the labels, at most {self.residual_in_roundings:.2g} of what "
            f"rounding allows, in sample {self.worst_sample}"
        )
        if self.rounding:
            rows.append(("explained to", f"{self.rounding:.1e} of the labels, not to their digits"))
        rows += [
            ("largest residual", residual),
            counts,
            (
                "nearest to a kink",
                f"{self.margin:.1e} roundings, {counted(self.on_kink, 'sample')} on one",
            ),
            equations_row(
                self.equations, self.unknowns, f", {self.surplus_needed} to spare needed"
            ),
        ]
        if len(self.corrupted):
            shown = ", ".join(f"({row}, {output})" for row, output in self.corrupted[:4].tolist())
            more = ", …" if len(self.corrupted) > 4 else ""
            rows.append(("corrupted entries", f"{len(self.corrupted)}: {shown}{more}"))
        return rows

    def weight_rows(self, units: Index) -> list[tuple[str, str]]:
        """How well hidden weights are known, and which are not."""
        rows = []
        if len(self.weight_errors):
            rows.append(("hidden weights good to", f"{self.weight_errors.max():.1e}"))
        if len(units):
            rows.append(("not pinned down", listed(units)))
        return rows


def judge_labels(
    asked: Question,
    samples: Samples,
    explained: Explained | None = None,
    *,
    gross: bool = False,
    declared: bool = True,
    limit: float | None = None,
    rival: Network | None = None,
    coarse: float = 0.0,
) -> Judgement:
    """What the samples show of a network that has to explain them to rounding.

    explained : saves the pass over the samples, where it has been made for this very network.
    gross : entries that the network does not explain may be left out, within the limits of
        `checks.gross`; declared : it was said that there are such. limit : by how much rounding may
        have moved a hidden weight. rival : another network that explains the samples, if the search
        has found one. coarse : a relative rounding at which labels count as explained, too, where
        it is coarser than their own.
    """
    assert asked.skip or not asked.network.skip, "a skip connection has others as competitors"
    asked.check_widths(samples)
    net = asked.network.rounded().canonical()
    own = samples.levels()[-1].eps
    if not gross:
        samples, explained = _at_their_rounding(net, samples, explained, coarse)
    limit = samples.eps**0.75 if limit is None else limit
    case = _measured(net, samples, asked, explained, limit, gross, rival)
    case = replace(case, declared=declared)
    found = first((check.find for check in CHECKS if check.applies(case)), case) or _unique(case)
    found = gross_errors.not_shown(found) if case.undeclared else found
    evidence = ExactLabels(
        residual=case.explained.residual,
        residual_in_roundings=case.explained.in_roundings,
        worst_sample=case.explained.worst_sample,
        margin=case.explained.margin,
        on_kink=case.explained.on_kink,
        equations=case.equations,
        unknowns=case.unknowns,
        surplus_needed=case.needed,
        weight_errors=case.pinned.stated,
        corrupted=np.zeros((0, 2), np.intp) if case.clean is None else case.clean.entries,
        precision=samples.precision.name,
        rounding=samples.eps if samples.eps > own else 0.0,
        declared=declared,
    )
    return Judgement(net, asked, samples.n, evidence, (found,))


def judge_as_given(asked: Question, samples: Samples) -> Judgement:
    """`judge_labels`, and the likely cause where the labels are not explained: rounding of units
    that merge, or of the inputs; labels that are no values."""
    judgement = judge_labels(asked, samples)
    evidence = judgement.evidence
    assert isinstance(evidence, ExactLabels)
    judgement = replace(judgement, evidence=replace(evidence, as_given=True))
    if judgement.findings[0].code != "not-explained":
        return with_kind_of_labels(judgement, samples)
    # Units that merge may cancel, and leave the rounding of what has gone.
    own = samples.levels()[-1]
    if explain(asked.network, own).in_roundings <= 1:
        left = own.eps * 1.01 * evidence.residual_in_roundings
        return judge_labels(asked, samples, coarse=left)
    inputs = by_inputs(asked.network, own)
    if inputs is not None:
        sentence = (
            f"the inputs have {inputs.name}: if the model was asked before they were rounded, that "
            f"explains every sample; as they stand, {judgement.findings[0].sentence}"
        )
        rounded = undetermined("inputs-rounded", sentence)
        return replace(judgement, findings=(rounded, *judgement.findings))
    return with_kind_of_labels(judgement, samples)


def _measured(
    net: Network,
    samples: Samples,
    asked: Question,
    explained: Explained | None,
    limit: float,
    gross: bool,
    rival: Network | None,
) -> Case:
    biased, skip = asked.biased, asked.skip
    assert not (gross and skip), "gross errors are looked for in networks without skip connections"
    clean = gross_errors.clean(net, samples) if gross else None
    usable, refused = samples, ""
    if clean is not None and clean.wrong.any():
        refused = gross_errors.objection(net, clean)
    if clean is not None and (refused or not clean.wrong.any()):
        clean = None
    if clean is not None:
        samples, usable, explained = clean.samples, clean.usable, None
    explained = explained or explain(net, samples)
    fits = explained.in_roundings <= 1 and not refused  # not so for NaN
    pinned, objection = not_pinned(net, samples), ""
    if fits:
        pinned, objection = _pinned(net, usable, biased, skip, limit)
    relu = net.activation.reversible
    free_scale = not net.activation.homogeneous
    dimension, outputs, k = samples.d + biased + free_scale, pinned.outputs, net.n_units
    if not relu and not fits:
        outputs = k
    if skip and not k:  # all outputs are functions of W and c alone
        outputs = samples.m
    unknowns = unknowns_of(net, biases=biased, skip=skip, outputs=outputs)
    fineness = counting.grain(samples, biased) if relu else resolved(samples, biased)
    needed = counting.chance_equations(dimension, samples.n, k, samples.eps, fineness)
    equations = 0
    if len(usable.X):
        equations = counting.independent_equations(
            usable, outputs, biased or free_scale, 2 * (unknowns + needed)
        )
    if clean is not None:
        needed += gross_errors.choice_equations(clean, equations, k)
    return Case(
        *(net, usable, biased, skip, limit, explained, pinned, equations, unknowns, needed),
        clean=clean,
        refused=refused,
        objection=objection,
        rival=rival,
        few=counting.few_inputs(usable, biased),
    )


def _pinned(
    net: Network, samples: Samples, biased: bool, skip: bool, limit: float
) -> tuple[Pinned, str]:
    """Which units the samples determine, and an objection to that, if there is one.

    Where U has full column rank, units of other activations than the ReLU can neither change sides
    nor be replaced by others: what a unit's own labels are, f(z_j) alone, is fixed (BJW Lemma 33).
    Where it has not, all weights are examined together, and what else the activation allows."""
    if net.activation.reversible:
        return pin(net, samples, biased, limit, skip), ""
    if not net.n_units:
        return not_pinned(net, samples), ""
    if full_rank(net, samples):
        return pin_curved(net, samples, biased, limit), ""
    return pin_together(net, samples, biased)


def _unique(case: Case) -> Finding:
    net, clean = case.net, case.clean
    if clean is not None:
        return Finding(
            "gross-errors",
            Status.EXACT,
            f"all but {len(clean.entries)} of {clean.wrong.size} labels are explained to rounding "
            f"by this network of {counted(net.n_units, 'unit')}, and by no other with this many "
            "units; those are gross errors",
            samples=np.unique(clean.entries[:, 0]),
        )
    step = case.samples.precision.step  # labels of the truth are off by half of it, of others more
    how = f"to a step of their rounding, {step:g}," if step else "to rounding"
    sentence = unique(net, case.samples.n, case.skip, how)
    sentence += ", but for those within the errors stated" * (step > 0)
    return Finding("unique", Status.EXACT, sentence)


def unique(net: Network, n: int, skip: bool, how: str) -> str:
    """That all n samples are explained, `how`, and by no other network."""
    which = f" with{'' if net.skip else 'out'} a skip connection" * skip
    sides = (
        ", but for the side on which each unit is active: with a skip connection "
        "u f(z) = u f(−z) + u z"
    )
    return (
        f"all {n} samples are explained {how} by this network of "
        f"{counted(net.n_units, 'unit')}{which}, and no other network with this many units fits"
        f"{sides * bool(skip and net.n_units)}"
    )


def _at_their_rounding(
    net: Network, samples: Samples, explained: Explained | None, coarse: float
) -> tuple[Samples, Explained]:
    """The samples at the finest rounding at which the network explains them, or at their own:
    labels that have few digits may be rounded, or have no more. Coarser than that is the rounding
    of heights, where inputs have a large offset, and what the caller names."""
    *finer, own = samples.levels()
    if explained is None or own.eps != samples.eps:
        explained = explain(net, own)
    levels = finer if explained.residual < AS_THEY_STAND else []
    if not explained.in_roundings <= 1:
        offset = offset_rounding(samples)
        if offset > OFFSET * own.eps and explained.residual < AS_THEY_STAND:
            coarse = max(coarse, offset)
        levels = [*levels, own.rounded_to(coarse)] if coarse > own.eps else levels
    for level in levels:
        found = explain(net, level)
        if found.in_roundings <= 1:
            return level, found
    return own, explained
