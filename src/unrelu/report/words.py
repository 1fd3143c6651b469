"""The verdict in plain sentences: what is certain, what is not, what to do next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unrelu.inference.uncertainty import Uncertainty
from unrelu.numerics.arrays import Array
from unrelu.numerics.dependence import DEPENDENT
from unrelu.report.appraisal import Appraisal
from unrelu.report.phrases import counted, listed, number, percent, sentence, span
from unrelu.wording.remarks import Remark
from unrelu.wording.status import Status

LOPSIDED = 0.45
"""Distance of the share of samples on which a unit is active from a half, beyond which other inputs
would help: fewer than one sample in twenty is on one side."""

SENTENCES = {
    # Summaries.
    "network-found": """This is the network behind the samples. Its {units} reproduce all {labels}
        {how}, and no other network with this many units does{sides}.""",
    "constant": """The labels of all {samples} are the same, whatever the inputs. A network without
        hidden units, a constant, explains them.""",
    "linear": """The labels of all {samples} are linear in the inputs. A network without hidden
        units, a skip connection alone, explains them.""",
    "estimate": """The labels are noisy, and this network of {units} is an estimate. The residuals
        of the {samples} look like noise.""",
    "estimate-with-errors": """The labels are noisy, and this network of {units} is an estimate. The
        residuals of the {samples} look like noise, and every weight comes with its standard
        error.""",
    "perhaps-not-unique": """This network of {units} reproduces all {samples}, but the samples do
        not show whether it is the only one that does.""",
    "perhaps-noisy": """The labels seem to be noisy, and {samples} do not determine the network of
        {units} that fits them best.""",
    "too-few-samples": """The closest network found, with {units}, does not reproduce the labels.
        But {samples} are too few to conclude that no network does.""",
    "contradicted": """This network of {units} explains all {samples} to rounding. Taken literally,
        {broken} it.""",
    "none-found": """No network of this kind was found that explains the {samples}. The one shown
        here, with {units}, is the closest. It is not the answer.""",
    "does-not-explain": "This network of {units} does not explain the {samples}.",
    # What is certain.
    "recomputed": """Every label is explained: all {n_samples} were recomputed over the rationals
        and are equal.""",
    "explained": """Every label is explained{except_gross}. The largest difference, in sample
        {worst}, is {residual} of the labels' size, which is within rounding.""",
    "unique": """It is the only one with this many units{sides}. The samples give at least
        {equations} for {unknowns}, and determine every unit.""",
    "rational": """Its weights are fractions, known without any error. This page shows them
        rounded.""",
    "accuracy": "Every hidden weight is accurate to about {digits}.",
    "fresh-samples": """{fresh} took no part in finding the network, and the network explains them
        as well.""",
    "noise-like-residuals": """The network explains all but {share} of the variation of the labels.
        As far as can be measured, the residuals do not depend on the inputs (score {dependence}; a
        dependence is clear from {dependent} on): they look like noise.""",
    "directions": """The direction of each unit's hidden weights is known to within about
        {directions} (one standard error).""",
    "breakpoints": """The breakpoint of each unit is known to within about {breakpoints} (one
        standard error).""",
    "kind-of-noise": "Kind of noise: {noise}.",
    "few-equations": """But they are {equations} for {unknowns}: random labels could be explained as
        well.""",
    "predicts": """On inputs like these, the network predicts as the true one would. Its weights are
        what is in doubt.""",
    "fits": "It describes these samples as well as any network can.",
    "unexplained": """The network leaves {share} of the variation of the labels unexplained. How
        much of that is noise is open.""",
    "not-reproduced": """The closest network differs from the labels by up to {off} of their size.
        It is not the answer.""",
    "wrong-sample": "In sample {worst} the network is off by {off} of the labels' size{roundings}.",
    "proof": "{proof}",
    # What is not.
    "gross-errors": """{gross} contradict the network and all the others. They are treated as gross
        errors and left out of every statement here.""",
    "sides": """On which side of its edge each unit is active. With a skip connection (weights from
        the inputs directly to the outputs), a unit may be flipped: that changes the outputs by
        something linear in the inputs, which the skip connection absorbs. Every choice gives the
        same labels. One of them is shown.""",
    "inactive-units": """What the samples do not show. A unit that is inactive on all of them leaves
        no trace in the labels, and nothing can be said about it.""",
    "order": """The order of the units: any order gives the same labels. Here strong units come
        first.""",
    "order-and-scale": """The order of the units, and how the strength of a unit is divided between
        its hidden and its output weights: any choice gives the same labels. Here hidden weights
        have length one, and strong units come first.""",
    "standard-errors": """No weight is known exactly. Each has a standard error, written after ±:
        the true value lies within two of them about 19 times in 20.""",
    "notes": "{notes} about this estimate under “What is uncertain”.",
    "weak-signals": "Units too weak to stand out from the noise are not included.",
    "reason": "{explanation}",
    "units-in-doubt": "{weak} may differ from what is shown here, or may not exist.",
    "network-in-doubt": """No such doubt was found about the other units. But as long as one unit is
        in doubt, so is the network as a whole.""",
    "labels-or-weights": """Whether these labels are wrong or the network is: weights that differ
        from the true ones by less than rounding give labels like these.""",
    "causes": """Which of these is the cause: labels with errors, a network of another kind (another
        activation, a third layer{shortcut}), or more units than the samples can show.""",
    # What to do next.
    "use-it": "Use the network as it is. Nothing else needs to be done.",
    "verify": """For one more test, check it on new samples, with “unrelu verify NETWORK
        NEW_SAMPLES”.""",
    "wider-inputs": "If you expect more than that, take samples from a wider range of inputs.",
    "read-errors": "Read each number together with its ±, and the notes first.",
    "four-times": """If that is not accurate enough, take more samples: four times as many halve
        every error.""",
    "more-samples": """Take about {more} of the same kind, and recover the network again from all of
        them.""",
    "other-samples": """More samples of the same kind would not settle it. Samples of another kind
        may.""",
    "choose-inputs": """If you can choose the inputs, choose some on which these units are active,
        and some on which they are not.""",
    "trust-predictions": "Until then, trust predictions near these samples, but no single weight.",
    "trust-nothing": "Until then, trust neither predictions nor weights.",
    "without-exact": """If the labels were rounded, nothing can be proved: check without
        “--exact”.""",
    "drop-samples": "If a few are wrong, remove those samples and check again.",
    "check-samples": """Check that inputs and labels belong together: the same order, the same
        scaling.""",
    "specify-noise": """If labels were measured or rounded, specify the noise: “unrelu recover
        --noise gaussian” fits noisy labels, “--noise sparse” finds gross errors.""",
    "many-more-samples": "If samples are cheap, take several times as many and recover again.",
}
"""By code; the names in braces are those of `_values`."""


@dataclass(frozen=True)
class Words:
    """A title, a summary, and three lists of sentences with their codes."""

    title: str
    summary: Remark
    certain: tuple[Remark, ...]
    uncertain: tuple[Remark, ...]
    next: tuple[Remark, ...]


Case = dict[str, bool]
"""Codes of sentences, and whether each of them applies."""


def verdict(appraisal: Appraisal) -> Words:
    """The certificate for a reader who has never seen one."""
    status, values = appraisal.status, _values(appraisal)
    if status in (Status.EXACT, Status.PROVED):
        summary, *lists = _exact(appraisal) if appraisal.network.n_units else _affine(appraisal)
    elif status == Status.ESTIMATED:
        summary, *lists = _estimated(appraisal)
    elif status == Status.UNDETERMINED:
        summary, *lists = _undetermined(appraisal)
    else:
        summary, *lists = _contradicted() if appraisal.contradicted else _failed(appraisal)

    def remarks(case: Case) -> tuple[Remark, ...]:
        texts = {code: " ".join(SENTENCES[code].split()) for code in case if case[code]}
        return tuple(Remark(code, text.format(**values)) for code, text in texts.items())

    certain, uncertain, following = map(remarks, lists)
    return Words(
        status.value.capitalize(),
        remarks(summary)[0],
        certain,
        (*uncertain, *appraisal.remarks),
        following,
    )


def _values(appraisal: Appraisal) -> dict[str, str]:
    """What the sentences are filled with."""
    certificate, net = appraisal.certificate, appraisal.network
    samples = counted(certificate.n_samples, "sample")
    gross, roundings = len(certificate.corrupted), certificate.residual_in_roundings
    entries = counted(certificate.n_samples * net.n_outputs, "label")
    weak, proof = certificate.weak_units.tolist(), certificate.proof
    values = {
        "units": counted(net.n_units, "hidden unit"),
        "samples": samples,
        "n_samples": f"{certificate.n_samples:,}",
        "labels": f"but {gross:,} of {entries}" if gross else samples,
        "how": "without any error" if appraisal.status == Status.PROVED else "to rounding",
        "sides": ", up to the side on which each unit is active" if certificate.skip else "",
        "shortcut": "" if certificate.skip else ", a skip connection",
        "gross": counted(gross, "label"),
        "except_gross": ", except for the gross errors" if gross else "",
        "worst": str(certificate.worst_sample),
        "residual": number(certificate.residual, 2),
        "off": percent(certificate.residual),
        "roundings": f", {number(roundings, 2)} times the rounding error"
        if math.isfinite(roundings)
        else "",
        "equations": counted(certificate.equations, "independent equation"),
        "unknowns": counted(certificate.unknowns, "unknown weight"),
        "fresh": counted(certificate.n_fresh, "sample"),
        "more": counted(appraisal.more_samples or 0, "more sample"),
        "explanation": sentence(appraisal.explanation),
        "weak": listed(weak) if weak else "",
        "proof": sentence(str(proof)),
    }
    if len(certificate.weight_errors) and np.isfinite(certificate.weight_errors).any():
        values |= _accuracy(certificate.weight_errors[np.isfinite(certificate.weight_errors)])
    if proof is not None and (broken := len(proof.broken)):
        values["broken"] = f"{counted(broken, 'sample')} contradict{'s' * (broken == 1)}"
    if (left := certificate.unexplained) is not None:
        values |= {"share": percent(left.share), "dependence": number(left.dependence, 2)}
        values["dependent"] = f"{DEPENDENT:g}"
    if appraisal.noise is not None:
        values["noise"] = f"{appraisal.noise.kind}, for {appraisal.noise.reason}"
    return values | _errors(appraisal.uncertainty)


def _accuracy(errors: Array) -> dict[str, str]:
    digits = math.floor(-math.log10(max(errors.max(), 1e-16)))
    low, high = np.degrees([errors.min(), errors.max()])
    return {
        "digits": counted(min(15, max(1, digits)), "digit"),
        "directions": span(low, high, "°"),
    }


def _errors(uncertainty: Uncertainty | None) -> dict[str, str]:
    if uncertainty is None:
        return {}
    notes, places = len(uncertainty.notes), uncertainty.stderr.b
    return {
        "notes": f"There {'is' if notes == 1 else 'are'} {counted(notes, 'note')}",
        "breakpoints": span(places.min(initial=np.inf), places.max(initial=0.0)),
    }


def _exact(appraisal: Appraisal) -> tuple[Case, ...]:
    certificate = appraisal.certificate
    proved = appraisal.status == Status.PROVED
    homogeneous = appraisal.network.activation.homogeneous
    certain = {
        **_explained(appraisal),
        "unique": True,
        "rational": proved,
        "accuracy": not proved and bool(np.isfinite(certificate.weight_errors).any()),
        "fresh-samples": appraisal.recovered and certificate.n_fresh > 0,
    }
    uncertain = {
        "gross-errors": len(certificate.corrupted) > 0,
        "sides": certificate.skip,
        "inactive-units": True,
        "order": not homogeneous,
        "order-and-scale": homogeneous,
    }
    return {"network-found": True}, certain, uncertain, {"use-it": True, "verify": True}


def _affine(appraisal: Appraisal) -> tuple[Case, ...]:
    """Without hidden units."""
    skip = appraisal.certificate.skip
    summary = {"linear": skip, "constant": not skip}
    return summary, _explained(appraisal), {"inactive-units": True}, {"wider-inputs": True}


def _estimated(appraisal: Appraisal) -> tuple[Case, ...]:
    certificate, net, noise = appraisal.certificate, appraisal.network, appraisal.noise
    uncertainty = appraisal.uncertainty
    with_errors, several = uncertainty is not None, net.n_inputs > 1
    certain = {
        "noise-like-residuals": certificate.unexplained is not None,
        "directions": several and bool(np.isfinite(certificate.weight_errors).any()),
        "breakpoints": not several and with_errors and certificate.biased and net.n_units > 0,
        "kind-of-noise": noise is not None and bool(noise.reason),
    }
    uncertain = {
        "standard-errors": with_errors,
        "notes": uncertainty is not None and bool(uncertainty.notes),
        "weak-signals": True,
    }
    summary = {"estimate-with-errors": with_errors, "estimate": not with_errors}
    return summary, certain, uncertain, {"read-errors": with_errors, "four-times": True}


def _undetermined(appraisal: Appraisal) -> tuple[Case, ...]:
    certificate, weak = appraisal.certificate, appraisal.certificate.weak_units
    noisy = certificate.unexplained is not None
    explained = not noisy and certificate.residual_in_roundings <= 1
    neither = not noisy and not explained
    # With so few equations, random labels would be explained as well.
    few = certificate.equations < certificate.unknowns + certificate.surplus_needed
    certain = {
        "unexplained": noisy,
        "not-reproduced": neither,
        **(_explained(appraisal) if explained else {}),
        "few-equations": explained and few,
        "predicts": explained and not few and not len(weak),
        "fits": explained and not few and len(weak) > 0,
    }
    uncertain = {
        "reason": True,
        "units-in-doubt": len(weak) > 0,
        "network-in-doubt": explained and 0 < len(weak) < appraisal.network.n_units,
    }
    following = {
        "more-samples": bool(appraisal.more_samples),
        "other-samples": explained and not appraisal.more_samples,
        "choose-inputs": bool((np.abs(appraisal.active[weak] - 0.5) > LOPSIDED).any()),
        "trust-predictions": explained and not few,
        "trust-nothing": not explained or few,
    }
    summary = {"perhaps-not-unique": explained, "perhaps-noisy": noisy, "too-few-samples": neither}
    return summary, certain, uncertain, following


def _contradicted() -> tuple[Case, ...]:
    following = {"without-exact": True, "drop-samples": True}
    return {"contradicted": True}, {"proof": True}, {"labels-or-weights": True}, following


def _failed(appraisal: Appraisal) -> tuple[Case, ...]:
    recovered = appraisal.recovered
    summary = {"none-found": recovered, "does-not-explain": not recovered}
    following = {"check-samples": True, "specify-noise": True, "many-more-samples": True}
    return summary, {"wrong-sample": True}, {"reason": recovered, "causes": True}, following


def _explained(appraisal: Appraisal) -> Case:
    proof = appraisal.certificate.proof
    recomputed = proof is not None and proof.holds
    return {"recomputed": recomputed, "explained": not recomputed}
