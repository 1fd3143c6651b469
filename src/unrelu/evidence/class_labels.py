"""Class labels of given inputs: are they drawn with the probabilities of the network?

The classes have the logits of the network's outputs. What is added to all logits of a sample
changes no probability, so those of the first class are zero: of two classes the network has one
output, the logit of the second; of more, one output for each class, and that of the first is zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.checks.drawn_labels import ON_LABELS, DrawnCase, decided
from unrelu.checks.finding import first, not_checked
from unrelu.checks.unexplained import unexplained
from unrelu.errors import InputError
from unrelu.evidence.evidence import Evidence, Judgement, Question, equations_row, errors_known
from unrelu.evidence.further_units import CAUTION, TESTED
from unrelu.evidence.noisy_labels import Estimated
from unrelu.fitting.fittings import Reweighted
from unrelu.fitting.problem import choose_rows
from unrelu.fitting.width import asks_for_more
from unrelu.inference import fisher
from unrelu.inference.assessment import assess_linearised
from unrelu.inference.linearised import Linearised, linearised
from unrelu.inference.simulated_labels import simulated
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inference.units import hidden_errors
from unrelu.inputs.classes import ClassName, class_labels
from unrelu.inputs.frames import tables
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.found import Noise
from unrelu.noise.labels import LABELS, Logit, probabilities, separated
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnLabels(Evidence):
    """Class labels, drawn with the probabilities of the network, or of another.

    classes : the labels, in the order of the outputs; of two, the second is that of the one output.
    explained_share : of the deviance of the labels about the shares of their classes, how much the
        network explains (McFadden's R²). errors : share of the samples whose class is not the
        likeliest.
    dependence, misfit : scores of what is left of the labels, as in `Unexplained`.
    equations, unknowns : labels, and free weights. weight_errors : (k,) standard errors of hidden
        weights, in radians. undetermined : units with a part that no label depends on.
    distance : from the maximum of the likelihood, in standard errors (root mean square).
    more : whether one unit more explains plainly more than chance would; alpha : the false-alarm
        rate of the search for units. fitted : number of samples that the network was fitted to.
    """

    classes: tuple[ClassName, ...]
    explained_share: float
    errors: float
    dependence: float
    misfit: float
    equations: int
    unknowns: int
    weight_errors: Array
    undetermined: Index
    distance: float = 0.0
    more: bool = False
    alpha: float = 0.01
    fitted: int = 0

    @property
    def explained(self) -> bool:
        return False

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        labels = class_labels(X, Y, self.classes).indicators[:, 1:]
        samples = Samples.of(tables(X, labels)[0], labels, few=True)
        asked = replace(asked, network=without_first(asked.network))
        found = judge_classes(asked, samples, self.classes, alpha=self.alpha, before=self)
        return found.judgement

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        classes = ", ".join(map(str, self.classes[:12])) + ", …" * (len(self.classes) > 12)
        explained = (
            f"{100 * self.explained_share:.3g}% of the deviance; {100 * self.errors:.3g}% of the "
            f"samples are not of their likeliest class; dependence {self.dependence:.1f}"
        )
        return [
            ("classes", classes),
            ("explained", explained),
            counts,
            equations_row(self.equations, self.unknowns),
        ]


def judge_classes(
    asked: Question,
    samples: Samples,
    classes: tuple[ClassName, ...],
    *,
    alpha: float,
    form: str = "auto",
    before: DrawnLabels | None = None,
    tested: bool = True,
) -> Estimated:
    """What samples with labels Y (n, m), indicators of all classes but the first, show of a network
    with as many outputs, and its standard errors. before : what was found on the samples that it
    was fitted to, whose errors are kept, if known. tested : whether all checks are made;
    otherwise those that take a pass over the samples.

    Cost: that of `assess`, and of a test for one more unit."""
    asked.check_widths(samples)
    net = asked.network.canonical()
    F, Y = net(np.asarray(samples.X, np.float64)), np.asarray(samples.Y, np.float64)
    shown = unexplained(net, _standing(samples, F), asked.biased, clipped=False)
    case = DrawnCase(
        *(net, samples.n, separated(Y, F)),
        unknowns_of(net, biases=asked.biased, skip=asked.skip),
        *(shown.dependence, shown.misfit),
        np.full(net.n_units, np.inf),
        np.arange(0),
    )
    uncertainty, fitted = None, before.fitted if before else samples.n
    kept = before if before and errors_known(before.weight_errors, before.undetermined) else None
    if tested and first(ON_LABELS, case) is None:
        linear = _linearised(asked, net, samples, F, form)
        more = net.n_units > 0 and _asks_for_more(asked, net, samples, alpha)
        spread = float(np.sqrt(1 + samples.n / fitted)) if before else case.spread
        case = replace(case, distance=linear.distance, spread=spread, more=more)
        if kept is None:
            simulation = simulated(linear, samples, LABELS) if samples.weights is None else None
            uncertainty = assess_linearised(linear, simulation=simulation)
            errors = hidden_errors(net, uncertainty.units, samples)
            case = replace(case, errors=errors, weak=uncertainty.undetermined)
    if kept is not None:
        case = replace(case, errors=kept.weight_errors, weak=kept.undetermined)
    found = (
        decided(case) if tested else first(ON_LABELS, case) or not_checked("a network was fitted")
    )
    evidence = DrawnLabels(
        classes=classes,
        explained_share=_explained(samples, F),
        errors=float((_own(Y) != _own(F)).mean()),
        dependence=case.dependence,
        misfit=case.misfit,
        equations=samples.n,
        unknowns=case.unknowns,
        weight_errors=case.errors,
        undetermined=case.weak,
        distance=case.distance,
        more=case.more,
        alpha=alpha,
        fitted=fitted,
    )
    if uncertainty is not None:
        left = Y - probabilities(F)
        noise = left.T @ left / samples.n
        uncertainty = with_first_errors(replace(uncertainty, noise=noise))
    asked = replace(asked, network=with_first(net))
    judgement = Judgement(asked.network, asked, samples.n, evidence, (found,))
    return Estimated(judgement, uncertainty if found.status == Status.ESTIMATED else None)


def _standing(samples: Samples, F: Array) -> Samples:
    """Samples of which a network with predictions F leaves scores of variance one."""
    loss = Logit.of(samples, F)
    labels = F + loss.standardised(np.asarray(samples.Y, np.float64), F)
    return replace(samples, Y=labels, weights=None)


def _linearised(asked: Question, net: Network, samples: Samples, F: Array, form: str) -> Linearised:
    assert LABELS.criterion is not None, "labels are estimated"
    nothing = Noise(LABELS.name, "", np.eye(samples.m))
    criterion = LABELS.criterion(samples, F, nothing)
    criterion = replace(criterion, form="sandwich" if form == "sandwich" else "homoscedastic")
    standing = _standing(samples, F)
    return linearised(net, standing, criterion, biased=asked.biased, skip=asked.skip)


def _asks_for_more(asked: Question, net: Network, samples: Samples, alpha: float) -> bool:
    """Whether one more unit explains plainly more than chance would; copies are drawn from a fixed
    seed, for a certificate is a function of its samples."""
    rng = np.random.default_rng(0)
    some = samples.take(choose_rows(samples, TESTED, rng))
    bias, skip = asked.biased, asked.skip
    fitting = Reweighted(LABELS, some, bias=bias, skip=skip, activation=net.activation)
    return asks_for_more(net, fitting, alpha=CAUTION * alpha, step=0.0, rng=rng)


def _explained(samples: Samples, F: Array) -> float:
    Y, loss = np.asarray(samples.Y, np.float64), Logit.of(samples, F)
    share = np.clip(np.average(Y, axis=0, weights=samples.weights), 1e-12, 1)
    first_share = max(1 - float(share.sum()), 1e-12)
    nothing = np.tile(np.log(share / first_share), (samples.n, 1))
    return 1 - loss.cost(Y, F) / max(loss.cost(Y, nothing), np.finfo(np.float64).tiny)


def _own(F: Array) -> Index:
    """(n,): the number of the class with the largest logit, or indicator."""
    return np.asarray(np.column_stack([0.5 * (F.max(axis=1) <= 0), F]).argmax(axis=1))


def with_first(net: Network) -> Network:
    """With an output of zero for the first of three classes or more."""
    if net.n_outputs == 1:
        return net
    U, W = (np.vstack([0 * a[:1], a]) for a in (net.U, net.W))
    c = np.append(0.0, net.c)
    return Network(net.V, U, net.b, c, net.activation, W if net.skip else None)


def without_first(net: Network) -> Network:
    """The logits less that of the first class, without it."""
    if net.n_outputs == 1:
        return net
    if net.n_outputs == 2:
        raise InputError("network: got 2 outputs, expected one for two classes")
    U, c, W = net.U[1:] - net.U[:1], net.c[1:] - net.c[0], net.W[1:] - net.W[:1]
    return Network(net.V, U, net.b, c, net.activation, W if net.skip else None)


def with_first_errors(found: Uncertainty) -> Uncertainty:
    """The same of errors: the output of the first class has none."""
    m = found.network.n_outputs
    if m == 1:
        return found
    _, _, _, q = found.model.shape
    hidden = found.model.hidden_unknowns
    covariance = np.insert(found.covariance, [hidden] * q, 0.0, axis=0)
    covariance = np.insert(covariance, [hidden] * q, 0.0, axis=1)
    model: fisher.Model = replace(found.model, U=np.vstack([0 * found.model.U[:1], found.model.U]))
    noise = np.zeros((m + 1, m + 1))
    noise[1:, 1:] = found.noise
    return replace(
        found,
        network=with_first(found.network),
        stderr=with_first(found.stderr),
        model=model,
        covariance=covariance,
        noise=noise,
    )
