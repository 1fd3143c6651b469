"""The verdict in plain sentences: what is certain, what is not, what to do next."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from unrelu.numerics.dependence import DEPENDENT
from unrelu.report.appraisal import Appraisal
from unrelu.report.charts import number
from unrelu.wording.status import Status

POWER = re.compile(r"\d(\.\d+)?e[+-]\d+")
"""A number as a computer writes it."""


LOPSIDED = 0.45
"""How far from a half the share of samples that switch a unit on has to be for advice to take
others: one in twenty on the poorer side."""


@dataclass(frozen=True)
class Words:
    """A title, a sentence that sums up, and three lists of sentences."""

    title: str
    lead: str
    certain: tuple[str, ...]
    doubtful: tuple[str, ...]
    next: tuple[str, ...]


def verdict(told: Appraisal) -> Words:
    """The certificate for a reader who has never seen one."""
    if told.status in (Status.EXACT, Status.PROVED):
        return _exact(told)
    if told.status == Status.ESTIMATED:
        return _estimated(told)
    if told.status == Status.UNDETERMINED:
        return _undetermined(told)
    return _contradicted(told) if told.contradicted else _failed(told)


def sentence(text: str) -> str:
    """
    >>> sentence("off by 2.5e-07, p < 1e-16")
    'Off by 2.5 × 10⁻⁷, p < 10⁻¹⁶.'
    """
    text = POWER.sub(lambda found: number(float(found[0]), 2), text[:1].upper() + text[1:])
    return text if text.endswith((".", "!", "?")) else text + "."


def counted(count: int, noun: str) -> str:
    """
    >>> counted(1, "unit"), counted(5000, "sample")
    ('1 unit', '5,000 samples')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(units: list[int], most: int = 12) -> str:
    """
    >>> listed([3]), listed([0, 2, 5])
    ('unit 3', 'units 0, 2 and 5')
    """
    if len(units) == 1:
        return f"unit {units[0]}"
    if len(units) > most:
        return f"units {', '.join(map(str, units[:most]))} and {len(units) - most} more"
    return f"units {', '.join(map(str, units[:-1]))} and {units[-1]}"


def percent(share: float) -> str:
    """
    >>> percent(0.5), percent(0.00012), percent(1.0), percent(0.99999)
    ('50.0%', '0.012%', '100%', 'over 99.9%')
    """
    if 0.999 < share < 1:
        return "over 99.9%"
    return (
        f"{100 * share:.1f}%"
        if 0.1 <= share < 1
        else f"{number(100 * share, 2 if share < 0.1 else 3)}%"
    )


def digits(error: float) -> str:
    return counted(min(15, max(1, math.floor(-math.log10(max(error, 1e-16))))), "digit")


def _exact(told: Appraisal) -> Words:
    proof, net = told.certificate, told.network
    if not net.n_units:
        return _constant(told)
    certain = [
        _explained(told),
        (
            f"It is the only one with this many units{_but_for_sides(told)}. The samples are at "
            f"least {counted(proof.equations, 'independent equation')} for "
            f"{counted(proof.unknowns, 'unknown weight')}, and they leave no freedom to any unit."
        ),
    ]
    if told.status == Status.PROVED:
        certain.append(
            "Its weights are fractions, known without any error; what this page shows of them is "
            "rounded."
        )
    elif len(proof.weight_errors):
        certain.append(f"Every hidden weight is good to about {digits(proof.weight_errors.max())}.")
    if told.recovered and proof.n_fresh:
        certain.append(
            f"{counted(proof.n_fresh, 'sample')} took no part in finding the network, and it "
            "explains them as well."
        )
    doubtful = [
        (
            "What no sample shows. A unit that none of these samples switches on leaves no trace "
            "in the labels, and nothing can be said of it."
        ),
        (
            "The order of the units: any choice gives the same labels. Here strong units come "
            "first."
            if not net.activation.homogeneous
            else "The order of the units, and how a unit's strength is shared between what comes "
            "in and what goes out: any choice gives the same labels. Here hidden weights have "
            "length one, and strong units come first."
        ),
    ]
    if proof.skip:
        doubtful.insert(
            0,
            (
                "On which side of its edge each unit is switched on. With a skip connection (what "
                "goes from the inputs to the outputs past the units) a unit may be turned round: "
                "what that changes is linear in the inputs, and the skip connection takes it up. "
                "Every choice gives the same labels; shown is one of them."
            ),
        )
    if len(proof.corrupted):
        doubtful.insert(
            0,
            (
                f"{counted(len(proof.corrupted), 'label')} contradict the network and all the "
                "others. They are taken for gross errors and left out of every statement here."
            ),
        )
    units, all_of_it = counted(net.n_units, "hidden unit"), counted(proof.n_samples, "sample")
    if len(proof.corrupted):
        entries = proof.n_samples * net.n_outputs
        all_of_it = f"but {len(proof.corrupted):,} of {counted(entries, 'label')}"
    how = "as closely as computer arithmetic can"
    if told.status == Status.PROVED:
        how = "without any error"
    return Words(
        _title(told),
        f"This is the network behind the samples. Its {units} reproduce all {all_of_it} {how}, "
        f"and no other network with this many units does{_but_for_sides(told)}.",
        tuple(certain),
        tuple(doubtful),
        (
            "Use the network as it is: nothing else needs to be done.",
            (
                "To put it to one more test, check it on samples made after it, with "
                "“unrelu verify NETWORK NEW_SAMPLES”."
            ),
        ),
    )


def _title(told: Appraisal) -> str:
    return "Proved" if told.status == Status.PROVED else "Exact"


def _but_for_sides(told: Appraisal) -> str:
    return ", but for the side on which each unit is on" if told.certificate.skip else ""


def _constant(told: Appraisal) -> Words:
    samples = counted(told.certificate.n_samples, "sample")
    if told.certificate.skip:
        return Words(
            _title(told),
            f"The labels of all {samples} are linear in the inputs. A network without hidden "
            "units, a skip connection alone, explains them.",
            (_explained(told),),
            ("What no sample shows: units that leave no trace in these labels.",),
            ("If there should be more to it, take samples of a wider range of inputs.",),
        )
    return Words(
        _title(told),
        f"The labels of all {samples} are the same, whatever "
        "the inputs. A network without hidden units, a constant, explains them.",
        (_explained(told),),
        (
            (
                "What no sample shows. Units that none of these samples switches on leave no trace "
                "in the labels, and nothing can be said of them."
            ),
        ),
        ("If there should be more to it, take samples of a wider range of inputs.",),
    )


def _estimated(told: Appraisal) -> Words:
    proof, net, left = told.certificate, told.network, told.certificate.unexplained
    units = counted(net.n_units, "hidden unit")
    certain, doubtful = [], []
    if left is not None:
        certain.append(
            f"The network accounts for all but {percent(left.share)} of the labels' spread. What "
            "is left over does not depend on the inputs, as far as can be measured (score "
            f"{number(left.dependence, 2)}; a dependence is plain from {DEPENDENT:g} on): it looks "
            "like noise."
        )
    angles = proof.weight_errors[np.isfinite(proof.weight_errors)]
    if net.n_inputs == 1 and told.uncertainty is not None and proof.biased and net.n_units:
        low, high = told.uncertainty.stderr.b.min(), told.uncertainty.stderr.b.max()
        span = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
        certain.append(
            f"The breakpoint of each unit is known to within about {span} (one standard error)."
        )
    elif len(angles) and net.n_inputs > 1:
        low, high = np.degrees(angles.min()), np.degrees(angles.max())
        span = f"{low:.2g}°" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g}° to {high:.2g}°"
        certain.append(
            f"The direction of each unit's hidden weights is known to within about {span} (one "
            "standard error)."
        )
    if told.noise is not None and told.noise.reason:
        certain.append(f"Kind of noise: {told.noise.kind}, for {told.noise.reason}.")
    if told.uncertainty is not None:
        doubtful.append(
            "No weight is known to the last digit. Each has a standard error, written after ±: "
            "the true value lies within two of them about 19 times in 20."
        )
        if told.uncertainty.notes:
            notes = counted(len(told.uncertainty.notes), "further doubt")
            verb = "is" if len(told.uncertainty.notes) == 1 else "are"
            doubtful.append(f"{notes} about this estimate {verb} listed under “What is uncertain”.")
    doubtful += [*told.remarks, "Units too weak to stand out of the noise are not in the network."]
    return Words(
        "Estimated",
        f"The labels are noisy, and this network of {units} is an estimate. What it leaves over "
        f"of the {counted(proof.n_samples, 'sample')} looks like noise"
        + (", and every weight comes with its standard error." if told.uncertainty else "."),
        tuple(certain),
        tuple(doubtful),
        (
            "Read each number together with its ±, and the notes before the numbers.",
            "Where that is not enough, take more samples: four times as many halve every error.",
        ),
    )


def _undetermined(told: Appraisal) -> Words:
    proof, net, weak = told.certificate, told.network, told.certificate.weak_units.tolist()
    units, samples = counted(net.n_units, "hidden unit"), counted(proof.n_samples, "sample")
    explained = proof.unexplained is None and proof.residual_in_roundings <= 1
    # With so few equations, labels made up at random would be explained as well.
    few = proof.equations < proof.unknowns + proof.surplus_needed
    certain: list[str] = []
    if explained:
        lead = (
            f"This network of {units} reproduces all {samples}, but the samples do not settle "
            "whether it is the only one that does."
        )
        certain = [
            _explained(told),
            (
                f"But they are {proof.equations} equations for {proof.unknowns} unknowns: labels "
                "made up at random could be explained as well."
            )
            if few
            else (
                "On inputs like these the network predicts as the true one would. It is its "
                "weights that are in doubt."
            )
            if not weak
            else "As a description of these samples the network is as good as any.",
        ]
    elif proof.unexplained is not None:
        lead = (
            f"The labels seem to be noisy, and {samples} do not pin down the network of {units} "
            "that fits them best."
        )
        certain = [
            (
                f"The network leaves {percent(proof.unexplained.share)} of the labels' spread, and "
                "it is open how much of that is noise."
            )
        ]
    else:
        lead = (
            f"The closest network found, with {units}, does not reproduce the labels; but "
            f"{samples} are too few to conclude that no network does."
        )
        certain = [
            (
                f"The closest network is off by up to {percent(proof.residual)} of the labels' "
                "size: it is not the answer."
            )
        ]
    doubtful = [sentence(proof.explanation)]
    if weak:
        these = f"{listed(weak)[:1].upper()}{listed(weak)[1:]}"
        doubtful.append(f"{these} may be different from what is shown here, or not be there.")
        if explained and len(weak) < net.n_units:
            doubtful.append(
                "No such doubt was found about the other units, but as long as one is open, the "
                "network as a whole is."
            )
    todo = []
    if proof.more_samples:
        todo.append(
            f"Take about {counted(proof.more_samples, 'more sample')} of the same kind, and "
            "recover the network again from all of them."
        )
    elif explained:
        todo.append("More samples of the same kind would not settle it; other ones may.")
    if len(weak) and (np.abs(told.active[weak] - 0.5) > LOPSIDED).any():
        todo.append(
            "Where the inputs can be chosen, choose some for which the units named are on, and "
            "some for which they are off."
        )
    todo.append(
        "Until then, trust predictions near these samples, and no single weight."
        if explained and not few
        else "Until then, trust neither predictions nor weights."
    )
    return Words("Undetermined", lead, tuple(certain), (*doubtful, *told.remarks), tuple(todo))


def _contradicted(told: Appraisal) -> Words:
    proof = told.certificate.proof
    assert proof is not None, "nothing else can be contradicted"
    units, samples = counted(told.network.n_units, "hidden unit"), len(proof.broken)
    return Words(
        "Failed",
        f"This network of {units} explains all {counted(proof.n_samples, 'sample')} to rounding. "
        f"Taken at their word, {counted(samples, 'sample')} contradict{'s' * (samples == 1)} it.",
        (sentence(str(proof)),),
        (
            (
                "Whether these labels are wrong, or the network is: weights that differ from the "
                "true ones by less than rounding give labels like these."
            ),
        ),
        (
            "Where labels were rounded, nothing can be proved: check them without “--exact”.",
            "Where a few are wrong, take those samples out and check again.",
        ),
    )


def _failed(told: Appraisal) -> Words:
    proof, net = told.certificate, told.network
    units, samples = counted(net.n_units, "hidden unit"), counted(proof.n_samples, "sample")
    if told.recovered:
        lead = (
            f"No network of this kind was found that explains the {samples}. The one shown here, "
            f"with {units}, comes closest; it is not the answer."
        )
    else:
        lead = f"This network of {units} does not explain the {samples}."
    shortcut = "" if proof.skip else ", a shortcut from inputs to outputs"
    certain = [
        (
            f"In sample {proof.worst_sample} the network is off by {percent(proof.residual)} of "
            "the labels' size"
            + (
                f", {number(proof.residual_in_roundings, 2)} times what rounding can do."
                if math.isfinite(proof.residual_in_roundings)
                else "."
            )
        )
    ]
    return Words(
        "Failed",
        lead,
        tuple(certain),
        (
            *([sentence(proof.explanation)] if told.recovered else []),
            *told.remarks,
            (
                "Which of these it is: labels with errors, a network of another kind (another "
                f"activation, a third layer{shortcut}), or more units than the samples can show."
            ),
        ),
        (
            "Check that inputs and labels belong together: the same order, the same scaling.",
            (
                "Where labels were measured, or rounded, say so: “unrelu recover --noise "
                "gaussian” fits noisy labels, “--noise sparse” finds gross errors."
            ),
            "Where samples are cheap, take several times as many and recover again.",
        ),
    )


def _explained(told: Appraisal) -> str:
    proof = told.certificate
    if proof.proof is not None and proof.proof.holds:
        return (
            f"Every label is explained: all {proof.n_samples:,} were recomputed over the "
            "rationals and found equal."
        )
    but = "but the gross errors " if len(proof.corrupted) else ""
    return (
        f"Every label {but}is explained. The largest difference, in sample {proof.worst_sample}, "
        f"is {number(proof.residual, 2)} of the labels' size, no more than rounding can do."
    )
