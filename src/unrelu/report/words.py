"""The verdict in plain sentences: what is certain, what is not, what to do next."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

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


@cache
def sentences() -> dict[str, str]:
    """The sentences by their codes; the names in braces are those of `_values`."""
    text = (files("unrelu.report") / "sentences.toml").read_text(encoding="utf-8")
    return {code: " ".join(words.split()) for code, words in tomllib.loads(text).items()}


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
    status, values, texts = appraisal.status, _values(appraisal), sentences()
    if status in (Status.EXACT, Status.PROVED):
        summary, *lists = _exact(appraisal) if appraisal.network.n_units else _affine(appraisal)
    elif status == Status.ESTIMATED:
        summary, *lists = _estimated(appraisal)
    elif status == Status.UNDETERMINED:
        summary, *lists = _undetermined(appraisal)
    else:
        summary, *lists = _contradicted() if appraisal.contradicted else _failed(appraisal)

    def remarks(case: Case) -> tuple[Remark, ...]:
        return tuple(
            Remark(code, texts[code].format(**values)) for code, applies in case.items() if applies
        )

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
    return summary, {"wrong-sample": True}, {"reason": True, "causes": True}, following


def _explained(appraisal: Appraisal) -> Case:
    proof = appraisal.certificate.proof
    recomputed = proof is not None and proof.holds
    return {"recomputed": recomputed, "explained": not recomputed}
