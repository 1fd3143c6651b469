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
from unrelu.checks.finding import undetermined
from unrelu.evidence.shown_classes import ShownProbabilities
from unrelu.extraction.heads.far_out import on_lines
from unrelu.extraction.heads.head import Asked, Head
from unrelu.extraction.heads.informative import chained
from unrelu.extraction.heads.refused import refused, searched
from unrelu.extraction.judging import remarks_on
from unrelu.links.softmax import HIDES
from unrelu.network import Network
from unrelu.network.shown_classes import ShownClasses
from unrelu.numerics.arrays import Array
from unrelu.result import Recovery
from unrelu.search.predicted_answers import FAR
from unrelu.search.top_classes import (
    ABOUT,
    ANSWERS,
    METHOD,
    NOT_FOUND,
    certified,
    network_behind,
    unsuitable,
)

FIRST, GROWTH, ROUNDS = 30, 2, 8
"""Queries at first, for each weight of a unit; their growth; and rounds."""

FRESH = 0.1, 30
"""Share of the queries, and their least number, that are made after the network was found."""

FAR_OUT = 3.0
"""Multiple of the usual norm from which on inputs go on at their own, for a class that is shown
nowhere else."""

STREAM = 10
"""Of random numbers, apart from those of other heads."""

UNCHECKED = undetermined("not-checked", "the network was not compared with fresh answers")


@dataclass(eq=False)
class _Answers:
    """The answers so far, Y (n, q) to X (n, d), `n_random` of them to the first random inputs."""

    asked: Asked
    rng: np.random.Generator
    X: Array
    Y: Array
    n_random: int = 0

    @property
    def shown(self) -> ShownClasses:
        pairs = self.asked.queries.texts.pairs
        return ShownClasses.of_pairs(self.Y) if pairs else ShownClasses.of_columns(self.Y)

    def grow(self, n: int) -> None:
        """To n answers. Half are to random inputs; the others go on from inputs that show the pair
        of classes that is shown most often or, if a network has been found, any class as often."""
        self._add(self.asked.random_inputs(n // 2)[self.n_random :])
        self.n_random = n // 2
        P, more = (self.shown.P > 0).astype(np.intp), n - len(self.X)
        weights = P / P.sum(axis=0).clip(1)
        if not self.asked.queries.units:
            both = P.T @ P
            np.fill_diagonal(both, 0)
            pair = list(np.unravel_index(both.argmax(), both.shape))
            weights = P[:, pair].prod(axis=1, keepdims=True) + 1e-9
        chance = weights.sum(axis=1) / weights.sum()
        base = self.X[self.rng.choice(len(P), size=more, p=chance)]
        size = np.linalg.norm(base, axis=1) / math.sqrt(base.shape[1])
        scale = np.where(size > FAR_OUT * self.asked.scale, size, self.asked.scale)
        moved = chained(base, scale[:, None] * self.rng.standard_normal(base.shape))
        self._add(moved.astype(np.float32).astype(np.float64))

    def add_unseen(self, X: Array, far: ShownClasses) -> bool:
        """The nearest of other inputs X that show a class which no answer has shown so far; whether
        there is one."""
        new = (far.P[:, ~np.isin(far.classes, self.shown.classes)] > 0).any(axis=1)
        if not new.any():
            return False
        self._add(X[new][np.linalg.norm(X[new], axis=1).argsort()[:1]])
        return True

    def _add(self, X: Array) -> None:
        X, Y = self.asked.queries(X)
        self.X, self.Y = np.vstack([self.X, X]), np.vstack([self.Y.reshape(-1, Y.shape[1]), Y])


def extract_shown(asked: Asked) -> Recovery:
    """The network behind the probabilities of the likeliest classes."""
    best = searched(asked, lambda found: _search(asked, found), NOT_FOUND)
    return replace(best, stats={"method": METHOD})


def _search(asked: Asked, found: list[Recovery]) -> None:
    """Appends results, better and better ones."""
    rng = np.random.default_rng([asked.seed, STREAM])
    answers = _Answers(asked, rng, np.zeros((0, asked.n_inputs)), np.zeros((0, 1)))
    near: Network | None = None
    for number in range(ROUNDS):
        answers.grow(FIRST * (asked.n_inputs + asked.bias) * GROWTH**number)
        shown = answers.shown
        if (kind := unsuitable(shown)) is not None:
            found.append(refused(asked, answers.X, answers.Y, kind))
            return
        net = network_behind(answers.X, shown, bias=asked.bias, rng=rng, near=near)
        if net is None:
            continue
        asked.queries.units, used = net.n_units, len(answers.X)
        certificate = _certified(answers, net, used)
        near = net if certificate.code == "output-weights-open" else None
        unchecked = (UNCHECKED,) if certificate.status.certain else ()
        found.append(Recovery(certificate.network, certificate, {}, remarks=unchecked))
        if certificate.status.certain:
            answers.grow(used + 2 * math.ceil(max(FRESH[0] * used, FRESH[1])))
            certificate = _certified(answers, net, used)
            X, Y = on_lines(asked, rng)
            far = _Answers(asked, rng, X, Y).shown
            if answers.add_unseen(X, far):
                continue  # what it has to do with the others is found from more answers
            found.append(_checked(asked, certificate, X, far))
            return


def _certified(answers: _Answers, net: Network, used: int) -> Certificate:
    names, bias = answers.asked.queries.texts.names, answers.asked.bias
    return certified(net, answers.X, answers.shown, np.arange(used), names, bias=bias)


def _checked(asked: Asked, certificate: Certificate, X: Array, far: ShownClasses) -> Recovery:
    """The result, compared with answers on lines."""
    wrong = _contradiction(certificate, X, far) if certificate.status.certain else ""
    remarks = remarks_on(certificate, asked.n_units, wrong, "")
    return Recovery(certificate.network, certificate, {}, remarks=remarks)


def _contradiction(certificate: Certificate, X: Array, far: ShownClasses) -> str:
    """A sentence if differences of outputs on lines are not those of the network."""
    net, evidence = certificate.network, certificate.evidence
    assert isinstance(evidence, ShownProbabilities)
    contrasts = far.contrasts(X, evidence.eps)
    places = np.searchsorted(evidence.classes, far.classes)
    contrasts = replace(contrasts, pairs=places[contrasts.pairs])
    norms = np.linalg.norm(contrasts.X, axis=1)
    hidden_error = float(certificate.weight_errors.max(initial=0.0))
    error = max(hidden_error, evidence.output_error, evidence.eps)
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
    ANSWERS,
    ABOUT,
    possible=_possible,
    recognise=lambda _: True,
    extract=extract_shown,
    hides=HIDES,
    pairs=True,
)
