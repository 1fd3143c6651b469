"""Labels that may contain rounding, gross errors, or noise: which is it, and what do they show?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrelu.errors import InputError
from unrelu.evidence.all_samples import held_against_all
from unrelu.evidence.evidence import Judgement, Question, with_kind_of_labels
from unrelu.evidence.exact_labels import ExactLabels, judge_as_given, judge_labels
from unrelu.evidence.noisy_labels import Estimated, judge_noisy, measured, noise_of
from unrelu.fitting.problem import choose_rows
from unrelu.noise import kinds
from unrelu.noise.kinds import of_values
from unrelu.numerics.precision import DOUBLE
from unrelu.samples import Samples
from unrelu.wording.status import Status


def judge_with(
    asked: Question,
    samples: Samples,
    noise: str = "auto",
    form: str = "auto",
    memory: float | None = None,
) -> Estimated:
    """What samples show of a network if their labels contain this kind of noise, as in
    `recover(noise=...)`, and standard errors of this form, if they are noisy.

    With "auto", labels that the network explains to rounding are; if it explains all but some,
    those may be wrong, or show that a unit is missing; else they may be noisy. memory : in bytes;
    of noisy labels that take more, a part is examined, and the network is held against all."""
    kind = kinds.named(noise)
    if kind.gross:
        return Estimated(with_kind_of_labels(judge_labels(asked, samples, gross=True), samples))
    given, counts = kind.given and kind.estimated, kind.integer
    kind.check(samples)
    named = replace(asked, values=asked.values or counts)
    exact = judge_as_given(named, samples if not given else samples.surely_rounded())
    if kind.exact or not _may_be_noisy(exact, samples, given):
        return Estimated(exact)
    if not given and _may_have_gross_errors(exact, samples):
        gross = judge_labels(asked, samples.surely_rounded(), gross=True, declared=False)
        if gross.findings[0].status != Status.FAILED and not gross.evidence.explained:
            return Estimated(with_kind_of_labels(gross, samples))
    whole, samples = samples, _examined(samples, memory)
    left, taken = noise_of(asked, samples.surely_rounded(), noise)
    case = measured(asked, taken, left, samples.precision)
    found = judge_noisy(asked, case, left, precision=samples.precision, form=form)
    if samples is not whole:
        found = held_against_all(found, left, taken, whole, samples.precision, form)
    if counts or exact.findings[0].status == Status.FAILED:  # which has been asked already
        return found
    return replace(found, judgement=with_kind_of_labels(found.judgement, samples))


def _examined(samples: Samples, memory: float | None) -> Samples:
    """The samples or, where they are too many, a part, drawn at random by a fixed seed."""
    if not samples.larger_than(memory):
        return samples
    return samples.take(choose_rows(samples, samples.part(memory), np.random.default_rng(0)))


def _may_be_noisy(exact: Judgement, samples: Samples, given: bool) -> bool:
    """Whether the labels are not explained to rounding; nor by this network alone, where noise was
    `given`, or to a rounding that may be none."""
    decisive, evidence = exact.findings[0], exact.evidence
    assert isinstance(evidence, ExactLabels)
    if decisive.code == "not-explained":
        return True
    unsure = not samples.precision.sure and evidence.precision != DOUBLE.name
    return decisive.status == Status.UNDETERMINED and (given or unsure)


def _may_have_gross_errors(exact: Judgement, samples: Samples) -> bool:
    """Whether more than rounding is left, and gross errors can be told from others."""
    relu = exact.network.activation.reversible and not exact.asked.skip
    assert isinstance(exact.evidence, ExactLabels)
    return relu and exact.evidence.residual > samples.eps**0.75


def check_noise(noise: str, asked: Question, exact: bool) -> None:
    """Raises InputError for what such networks cannot be certified for."""
    known, relu = ("auto", *of_values()), asked.network.activation.reversible
    if noise not in known:
        raise InputError(f"noise: got {noise!r}, expected one of {', '.join(map(repr, known))}")
    kind = kinds.named(noise)
    if exact and kind.estimated:
        raise InputError(
            f"noise: got {noise!r} with exact=True, expected 'auto' or 'none': what is noisy "
            "cannot be explained without any error"
        )
    if kind.gross and (exact or asked.skip or not relu):
        raise InputError(
            "noise: got 'sparse', expected 'none' with exact=True, a skip connection, or another "
            "activation than the ReLU"
        )
    if asked.skip and not relu:
        raise InputError("skip: got True, expected False: it is for the ReLU")
