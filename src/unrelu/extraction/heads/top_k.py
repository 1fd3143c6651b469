"""Answers that are the probabilities of the likeliest classes, and nothing of the others.

They come as an array (n, m) with zero or NaN where a class is not shown, or as rows of pairs or
dictionaries of labels and probabilities. Differences of outputs follow (`network.shown_classes`),
and from these the network (`search.shown_classes`). Half of the inputs are random; the others are
chosen where the pair of classes is shown that is shown most often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.evidence.evidence import Question
from unrelu.evidence.shown_classes import ShownProbabilities, judge_shown
from unrelu.extraction.heads.far_out import on_lines
from unrelu.extraction.heads.head import Asked, Head
from unrelu.extraction.heads.informative import chained
from unrelu.extraction.heads.refused import refused, searched
from unrelu.extraction.judging import remarks_on
from unrelu.links.softmax import HIDES
from unrelu.network import Network
from unrelu.network.shown_classes import ShownClasses
from unrelu.numerics.arrays import Array
from unrelu.numerics.grids import grid_of
from unrelu.result import Recovery
from unrelu.search.predicted_answers import FAR
from unrelu.search.shown_classes import find
from unrelu.wording.status import Status

FIRST, GROWTH, ROUNDS = 30, 2, 8
"""Queries at first, for each weight of a unit; their growth; and rounds."""

FRESH = 0.1, 30
"""Share of the queries, and their least number, that are made after the network was found."""

STREAM = 10
"""Of random numbers, apart from those of other heads."""

EPS = float(np.finfo(np.float64).eps)

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
UNCHECKED = undetermined("not-checked", "the network was not compared with fresh answers")


@dataclass(eq=False)
class _Answers:
    """The answers so far, Y (n, q) to X (n, d)."""

    asked: Asked
    rng: np.random.Generator
    X: Array
    Y: Array

    @property
    def shown(self) -> ShownClasses:
        pairs = self.asked.queries.texts.pairs
        return ShownClasses.of_pairs(self.Y) if pairs else ShownClasses.of_columns(self.Y)

    def grow(self, n: int) -> None:
        """To n answers. Half are to random inputs; the others go on from inputs that show the pair
        of classes that is shown most often or, if a network has been found, any class as often."""
        before = len(self.X) // 2
        self._add(self.asked.random_inputs(n // 2)[before:])
        P, more = (self.shown.P > 0).astype(np.intp), n - len(self.X)
        weights = P / P.sum(axis=0).clip(1)
        if not self.asked.queries.units:
            both = P.T @ P
            np.fill_diagonal(both, 0)
            pair = list(np.unravel_index(both.argmax(), both.shape))
            weights = P[:, pair].prod(axis=1, keepdims=True) + 1e-9
        chance = weights.sum(axis=1) / weights.sum()
        base = self.X[self.rng.choice(len(P), size=more, p=chance)]
        moved = chained(base, self.asked.scale * self.rng.standard_normal(base.shape))
        self._add(moved.astype(np.float32).astype(np.float64))

    def _add(self, X: Array) -> None:
        X, Y = self.asked.queries(X)
        self.X, self.Y = np.vstack([self.X, X]), np.vstack([self.Y.reshape(-1, Y.shape[1]), Y])


def extract_shown(asked: Asked) -> Recovery:
    """The network behind the probabilities of the likeliest classes."""
    best = searched(asked, lambda found: _search(asked, found), NOT_FOUND)
    return replace(best, stats={"method": "differences of outputs"})


def _search(asked: Asked, found: list[Recovery]) -> None:
    """Appends results, better and better ones."""
    rng = np.random.default_rng([asked.seed, STREAM])
    answers = _Answers(asked, rng, np.zeros((0, asked.n_inputs)), np.zeros((0, 1)))
    near: Network | None = None
    for number in range(ROUNDS):
        answers.grow(FIRST * (asked.n_inputs + asked.bias) * GROWTH**number)
        shown = answers.shown
        if (kind := _unsuitable(shown)) is not None:
            found.append(refused(asked, answers.X, answers.Y, kind))
            return
        contrasts = shown.contrasts(answers.X, EPS)
        m = len(shown.classes)
        net = find(contrasts, m, bias=asked.bias, eps=EPS, rng=rng, near=near)
        if net is None:
            continue
        asked.queries.units, used = net.n_units, len(answers.X)
        certificate = _certified(answers, net, used)
        near = net if certificate.code == "output-weights-open" else None
        unchecked = (UNCHECKED,) if certificate.status == Status.EXACT else ()
        found.append(Recovery(certificate.network, certificate, {}, remarks=unchecked))
        if certificate.status == Status.EXACT:
            answers.grow(used + 2 * math.ceil(max(FRESH[0] * used, FRESH[1])))
            found.append(_checked(answers, _certified(answers, net, used)))
            return


def _unsuitable(shown: ShownClasses) -> Finding | None:
    if wrong := shown.refusal():
        return failed("other-answers", f"the answers are not {TOP_K.about}: {wrong}")
    if grid_of(shown.P[shown.P > 0][:, None]) is not None:
        return ROUNDED
    return None if (shown.completed(EPS)[0] > 0).sum(axis=1).max() > 1 else ONE_SHOWN


def _certified(answers: _Answers, net: Network, used: int) -> Certificate:
    asked = answers.asked
    texts, shown = asked.queries.texts.names, answers.shown
    names = tuple(texts[number] for number in shown.classes) if texts else ()
    question = Question(net, asked.bias, used=np.arange(used), values=True)
    return Certificate.of(judge_shown(question, answers.X, shown, names, EPS))


def _checked(answers: _Answers, certificate: Certificate) -> Recovery:
    """The result, compared with answers on lines."""
    asked, wrong = answers.asked, ""
    if certificate.status == Status.EXACT:
        X, Y = on_lines(asked, answers.rng)
        far = _Answers(asked, answers.rng, X, Y).shown
        wrong = _contradiction(certificate, X, far)
    remarks = remarks_on(certificate, asked.n_units, wrong, "")
    return Recovery(certificate.network, certificate, {}, remarks=remarks)


def _contradiction(certificate: Certificate, X: Array, far: ShownClasses) -> str:
    """A sentence if differences of outputs on lines are not those of the network."""
    net, evidence = certificate.network, certificate.evidence
    assert isinstance(evidence, ShownProbabilities)
    if not np.isin(far.classes, evidence.classes).all():
        return "on lines, there are classes that are never shown elsewhere"
    contrasts = far.contrasts(X, EPS)
    places = np.searchsorted(evidence.classes, far.classes)
    contrasts = replace(contrasts, pairs=places[contrasts.pairs])
    norms = np.linalg.norm(contrasts.X, axis=1)
    error = max(float(certificate.weight_errors.max(initial=0.0)), evidence.output_error, EPS)
    hidden = np.abs(net.b) + norms[:, None] * np.linalg.norm(net.V, axis=1)
    size = hidden @ (1 + np.linalg.norm(net.U, axis=0)) + np.abs(net.c).max(initial=0.0)
    off = np.abs(contrasts.residuals(net)) > FAR * (error * size + contrasts.errors)
    if not off.any():
        return ""
    return (
        f"{int(off.sum())} of {len(off)} differences of outputs, the nearest "
        f"{float(norms[off].min()):.2g} from the origin, are not those of this network: there the "
        "model is another function, or has units that were not found; a smaller reach avoids such "
        "places"
    )


def _possible(Y: Array) -> bool:
    """Whether each answer (n, m) has as many zeros, one at least, and otherwise what may be the
    largest probabilities."""
    shown = (Y > 0).sum(axis=1)
    some = 0 < shown.min() == shown.max() < Y.shape[1]
    fractions = not np.isin(Y, (0.0, 1.0)).all()
    return bool(some and fractions and not ShownClasses.of_columns(Y).refusal())


TOP_K = Head(
    "top-k",
    "probabilities of the likeliest classes, and nothing of the others",
    possible=_possible,
    recognise=lambda _: True,
    extract=extract_shown,
    hides=HIDES,
    pairs=True,
)
