"""Probabilities of the classes shown: are they those of the network, and of it alone?

The probabilities are those of a softmax, of which each answer shows the largest. They show
differences of outputs (`network.shown_classes`), so the outputs are chosen to sum to zero. Classes
that are never shown have no output. That a network is the only one is meant locally: weights near
these are ruled out by the derivatives, the other side of each unit by trying it, and others by
there being more equations than unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrelu.checks.counting import chance_equations
from unrelu.checks.finding import Finding, first
from unrelu.checks.shown_classes import (
    CHECKS,
    MOST_UNKNOWNS,
    ShownCase,
    groups,
    independent,
    turned_units,
    unique,
)
from unrelu.errors import InputError
from unrelu.evidence.evidence import Evidence, Judgement, Question, equations_row
from unrelu.inputs.label_pairs import label_pairs
from unrelu.links.softmax import log_softmax
from unrelu.network import Network
from unrelu.network.contrasts import Contrasts, gauge_equations
from unrelu.network.decision_boundary import Factor
from unrelu.network.rounding import Rounding
from unrelu.network.shown_classes import ROUNDINGS, ShownClasses
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.streams import counted

SPARE = 12
"""Differences to each unknown that errors of weights are computed from: more would lower them."""

MOST_ERROR = 1e-3
"""Error of a weight, in rows of unit length, up to which a network in single precision is an
estimate."""

SIGMAS = 4.0
"""Errors of weights in standard deviations of what rounding does to them."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class ShownProbabilities(Evidence):
    """Probabilities of the likeliest classes.

    classes : (m,) which class each output is. names : the texts that the classes are numbers of,
        if they are texts. total : how many classes there are, if that is known, else 0.
    residual : largest error of a difference of two outputs. residual_in_roundings : the same in
        units of what rounding allows, explained up to 1.
    differences : how many were compared. equations, unknowns, surplus_needed : those of them that
        are independent, free weights, and by how many the first must exceed the second.
    weight_errors : (k,) how far hidden weights and biases (rows of unit length) may be off.
    output_error : the same for output weights and biases.
    eps : relative rounding of the probabilities.
    """

    classes: Index
    names: tuple[str, ...]
    total: int
    residual: float
    residual_in_roundings: float
    differences: int
    equations: int
    unknowns: int
    surplus_needed: int
    weight_errors: Array
    output_error: float
    eps: float

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        """`Y`: probabilities, zero or NaN where a class is not shown, or rows of pairs."""
        shown = self._read(Y)
        samples = Samples.of(X, shown.P, few=True)
        return judge_shown(asked, np.asarray(samples.X, np.float64), shown, self.names, self.eps)

    def _read(self, Y: Any) -> ShownClasses:
        pairs = label_pairs(Y)
        if pairs is None:
            P = np.nan_to_num(np.asarray(Y, dtype=np.float64))
            if P.ndim != 2 or P.shape[1] != self.total:
                raise InputError(
                    f"Y: got shape {P.shape}, expected probabilities of {self.total} classes"
                )
            if np.delete(P, self.classes, axis=1).any():
                raise InputError("Y: got probabilities of classes that the network has not")
            return ShownClasses(P[:, self.classes], self.classes, self.total)
        labels = self.names or tuple(self.classes.tolist())
        columns = {label: column for column, label in enumerate(labels)}
        P = np.zeros((len(pairs), len(labels)))
        for row, shown in enumerate(pairs):
            for label, probability in shown:
                if label not in columns:
                    raise InputError(f"Y: got the class {label!r}, which the network has not")
                P[row, columns[label]] = probability
        return ShownClasses(P, self.classes, self.total or None)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        shown = [str(label) for label in (self.names or self.classes.tolist())[:8]]
        off = (
            f"{self.differences}, off by at most {self.residual:.1e}, "
            f"{self.residual_in_roundings:.2g} of what rounding allows"
        )
        rows = [
            ("classes", ", ".join(shown) + ", …" * (len(self.classes) > 8)),
            counts,
            ("differences of outputs", off),
            equations_row(
                self.equations, self.unknowns, f", {self.surplus_needed} to spare needed"
            ),
        ]
        if np.isfinite(self.output_error):
            hidden = f"{self.weight_errors.max(initial=0.0):.1e}"
            rows.append(("hidden weights good to", hidden))
            rows.append(("output weights good to", f"{self.output_error:.1e}"))
        return rows


def judge_shown(
    asked: Question, X: Array, shown: ShownClasses, names: tuple[str, ...], eps: float
) -> Judgement:
    """What probabilities of answers to X (n, d) show of a network with one output for each class;
    `eps`: their relative rounding."""
    net = centred(asked.network.canonical())
    contrasts = shown.contrasts(X, eps)
    allowed = contrasts.errors + _rounding(net, contrasts, eps)
    left = np.abs(contrasts.residuals(net))
    k, m = net.n_units, net.n_outputs
    unknowns = count_unknowns(k, net.n_inputs, m - 1, biases=asked.biased)
    few = replace(contrasts, errors=allowed).thinned(SPARE * unknowns)
    hidden, outputs = _weight_errors(net, few, asked.biased, unknowns)
    dimension = net.n_inputs + asked.biased
    fits = bool((left <= allowed).all())
    below, above = _excess(net, X, shown, eps)
    case = ShownCase(
        network=net,
        residual=float(left.max(initial=0.0)),
        residual_in_roundings=float((left / allowed).max(initial=0.0)),
        equations=independent(net, contrasts, asked.biased),
        unknowns=unknowns,
        surplus_needed=chance_equations(dimension, max(1, len(X)), k, eps),
        weight_errors=hidden,
        output_error=outputs,
        limits=(eps**0.75, max(eps**0.75, MOST_ERROR * (eps > DOUBLE.eps))),
        turned=turned_units(net, few, asked.biased) if fits else np.arange(0),
        apart=groups(contrasts.pairs, m),
        excess=(below, 0.0 if shown.total is None else above),
    )
    absent = ("network", "limits", "turned", "apart", "excess")
    measured = {name: value for name, value in vars(case).items() if name not in absent}
    evidence = ShownProbabilities(
        classes=shown.classes,
        names=names,
        total=shown.total or 0,
        differences=len(contrasts),
        eps=eps,
        **measured,
    )
    found = first(CHECKS, case) or unique(case)
    remarks = _remarks(shown, names, above > 1)
    return Judgement(net, asked, len(X), evidence, (found, *remarks))


def centred(net: Network) -> Network:
    """The network whose outputs sum to zero and whose softmax is the same."""
    return Network(net.V, net.U - net.U.mean(axis=0), net.b, net.c - net.c.mean())


def _rounding(net: Network, contrasts: Contrasts, eps: float) -> Array:
    """What rounding inside the model may do to differences (n,) of its outputs."""
    F = net(contrasts.X)
    usual = np.sqrt((F**2).mean(axis=0)) if len(F) else np.zeros(net.n_outputs)
    at = Rounding.of(net, eps, usual).at(contrasts.X)
    return np.asarray(np.hypot(*(at[np.arange(len(F)), side] for side in contrasts.pairs.T)))


def _excess(net: Network, X: Array, shown: ShownClasses, eps: float) -> tuple[float, float]:
    """How far predicted probabilities are below those that are shown, and above them, at most, in
    units of what rounding allows. Above they may be where other classes are never shown."""
    if not len(X) or shown.renormalised:
        return 0.0, 0.0
    F, each, top = net(X), np.arange(len(X)), shown.P.argmax(axis=1)
    off = log_softmax(F)[each, top] - np.log(shown.P[each, top])
    usual = np.sqrt((F**2).mean(axis=0))
    allowed = 2 * Rounding.of(net, eps, usual).at(X).max(axis=1) + 2 * ROUNDINGS * eps
    above = 0.0 if shown.hidden else float((off / allowed).max())
    return float((-off / allowed).max()), above


def _weight_errors(
    net: Network, contrasts: Contrasts, biased: bool, unknowns: int
) -> tuple[Array, float]:
    """Of hidden weights, by unit, and of output weights. Infinite where they are open."""
    k, cut = net.n_units, net.n_units * (net.n_inputs + biased)
    free = np.full(k, np.inf)
    if not k or unknowns > MOST_UNKNOWNS or len(contrasts) < unknowns:
        return free, np.inf
    J = contrasts.jacobian(net, biased) / contrasts.errors[:, None]
    factor = Factor.of_equations(J, np.zeros(len(J)), gauge_equations(net, biased))
    if factor is None or not factor.regular:
        return free, np.inf
    error = SIGMAS * factor.errors()
    hidden = np.linalg.norm(error[:cut].reshape(k, -1), axis=1)
    return hidden, float(error[cut:].max(initial=0.0))


def _remarks(shown: ShownClasses, names: tuple[str, ...], others: bool) -> tuple[Finding, ...]:
    """Which output is which class, and what is not seen."""
    words = []
    labels = [repr(name) for name in names] or [str(each) for each in shown.classes.tolist()]
    if names or shown.hidden or shown.total is None:
        listed = ", ".join(labels[:8]) + ", …" * (len(labels) > 8)
        words.append(("classes", f"outputs are of classes {listed}, in this order"))
    if shown.hidden:
        never = sorted(set(range(shown.total or 0)) - set(shown.classes.tolist()))
        some = ", ".join(map(str, never[:8])) + ", …" * (len(never) > 8)
        sentence = (
            f"{counted(len(never), 'class')} ({some}) never came among those that are shown: the "
            "network has no output for them"
        )
        words.append(("hidden-classes", sentence))
    if shown.total is None and others:
        words.append(("hidden-classes", "there are classes that never came among those shown"))
    if shown.renormalised:
        sentence = "the probabilities shown sum to one: they are relative to each other"
        words.append(("renormalised", sentence))
    return tuple(Finding(code, None, sentence) for code, sentence in words)
