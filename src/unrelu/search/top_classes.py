"""Networks from the probabilities of the likeliest classes, given or asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.errors import InputError
from unrelu.evidence.evidence import Question
from unrelu.evidence.shown_classes import judge_shown
from unrelu.inputs.frames import aligned, plain
from unrelu.inputs.label_pairs import label_pairs
from unrelu.inputs.names import Names
from unrelu.inputs.options import seeded
from unrelu.links.softmax import HIDES
from unrelu.network import Network
from unrelu.network.shown_classes import ShownClasses
from unrelu.numerics.arrays import Array, Index
from unrelu.result import Recovery, remark
from unrelu.samples import Samples
from unrelu.search.no_network import refused
from unrelu.search.question import other_number
from unrelu.search.shown_classes import find
from unrelu.search.watch import ENDED, said_of, watch
from unrelu.stored.blocks import Given

ANSWERS, METHOD = "top-k", "differences of outputs"
ABOUT = "probabilities of the likeliest classes, and nothing of the others"

NOT_FOUND = undetermined(
    "not-found",
    "no network was found that has the differences of outputs which the probabilities show: it "
    "has more units than so many answers tell, or is another function",
)
ONE_SHOWN = undetermined(
    "one-shown",
    "answers show one class of several each: no difference of outputs is known; their labels "
    "alone show the network up to its scale, with answers='labels'",
)
ROUNDED = undetermined(
    "rounded-probabilities",
    "the probabilities of the classes shown are rounded: no network is recovered from such yet",
)


def unsuitable(shown: ShownClasses) -> Finding | None:
    """What kind of answers these are, if no network is recovered from such."""
    if wrong := shown.refusal():
        return failed("other-answers", f"the answers are not {ABOUT}: {wrong}")
    if shown.grid is not None and not shown.single:
        return ROUNDED
    several = (shown.completed(shown.eps)[0] > 0).sum(axis=1).max() > 1
    return None if several else ONE_SHOWN


def network_behind(
    X: Array,
    shown: ShownClasses,
    *,
    bias: bool,
    rng: np.random.Generator,
    near: Network | None = None,
) -> Network | None:
    """The network behind answers to X (n, d); see `search.shown_classes.find`."""
    contrasts, m = shown.contrasts(X, shown.eps), len(shown.classes)
    return find(contrasts, m, bias=bias, eps=shown.eps, rng=rng, near=near)


def certified(
    net: Network, X: Array, shown: ShownClasses, used: Index, names: Sequence[str], *, bias: bool
) -> Certificate:
    """The verdict on a network that was found from the `used` ones of the answers to X (n, d);
    `names`: the texts that classes are numbers of, if they are texts."""
    own = tuple(names[number] for number in shown.classes) if names else ()
    question = Question(net, bias, used=used, values=True)
    return Certificate.of(judge_shown(question, X, shown, own, shown.eps))


def recover_shown(
    X: Given,
    Y: Any,
    n_units: int | None,
    *,
    bias: bool,
    rng: int | np.random.Generator | None,
) -> Recovery:
    """The network behind probabilities that were given, zero or NaN where a class is not shown; or
    rows of pairs, or dictionaries, of labels and probabilities. Raises InputError, InputTypeError
    for what cannot be such.

    Cost: that of `search.shown_classes.find`.
    """
    started = time.perf_counter()
    generator, seed = seeded(rng)
    shown, texts = _read(X, Y)
    samples = Samples.of(X, shown.P)
    if wrong := shown.refusal():
        raise InputError(f"Y: got numbers that are not {ABOUT}; {wrong}")
    inputs = np.asarray(samples.X, np.float64)
    kind, net = unsuitable(shown), None
    seen = watch()
    result = refused(samples, bias, kind or NOT_FOUND)
    try:
        with seen.searching():
            if kind is None:
                seen.enter("differences of classes")
                net = network_behind(inputs, shown, bias=bias, rng=generator)
            if net is not None:
                certificate = certified(net, inputs, shown, np.arange(samples.n), texts, bias=bias)
                other = other_number(certificate, n_units)
                result = Recovery(certificate.network, certificate, {}, remarks=other)
    except ENDED as error:
        result = replace(result, remarks=(said_of(seen.end(error), result.status),))
    about = remark("answers", f"the labels are taken for {ABOUT}")
    return replace(
        result,
        remarks=(*result.remarks, *about, *remark("hidden-by-answers", HIDES)),
        names=Names(samples.names.inputs),
        ranges=samples.ranges(),
        stats={
            "method": METHOD,
            "answers": ANSWERS,
            **seed,
            "seconds": time.perf_counter() - started,
        },
    )


def _read(X: Any, Y: Any) -> tuple[ShownClasses, tuple[str, ...]]:
    """The probabilities, and the texts that classes are numbers of, if they are texts."""
    pairs = label_pairs(Y)
    if pairs is None:
        P = np.nan_to_num(np.asarray(plain("Y", aligned(X, Y)[0]), dtype=np.float64))
        if P.ndim != 2:
            raise InputError(f"Y: got shape {P.shape}, expected probabilities (n, classes)")
        if P.min(initial=0.0) < 0:
            raise InputError("Y: got negative numbers, expected probabilities")
        return ShownClasses.of_columns(P), ()
    texts = {isinstance(label, str) for row in pairs for label, _ in row}
    if len(texts) > 1:
        raise InputError("Y: got texts and numbers, expected class labels of one kind")
    labels = sorted({label for row in pairs for label, _ in row})
    P = np.zeros((len(pairs), len(labels)))
    column = {label: place for place, label in enumerate(labels)}
    for row, shown in zip(P, pairs, strict=True):
        for label, probability in shown:
            row[column[label]] = probability
    if texts == {True}:
        return ShownClasses(P, np.arange(len(labels)), None), tuple(map(str, labels))
    return ShownClasses(P, np.array(labels, dtype=np.intp), None), ()
