"""Hidden values, where the activation is unknown: they and U may be exact, all else estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.checks.hidden_values import HiddenValues, check_hidden
from unrelu.checks.unexplained import largest_residual
from unrelu.evidence.evidence import Evidence, Judgement, Question, in_floats
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Array
from unrelu.numerics.equality import by_value
from unrelu.samples import Samples
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class HiddenLabels(Evidence):
    """Labels of a network whose activation, a curve, is an estimate.

    hidden : what is known of hidden values and output weights; None where there are no units.
    residual : largest |label − network| as a share of the labels' root mean square, in
        `worst_sample`. equations, unknowns : label entries, and free weights.
    weight_errors : (k,) to how many radians directions are estimated. scales : what is known of the
        lengths of hidden weights, in words.
    """

    hidden: HiddenValues | None
    residual: float
    worst_sample: int
    equations: int
    unknowns: int
    weight_errors: Array
    scales: str = ""

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        return judge_hidden(asked, in_floats(X, Y), self.weight_errors, self.scales)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        rows = [] if self.hidden is None else self.hidden.rows()
        if len(self.weight_errors) and np.isfinite(self.weight_errors).all():
            rows.append(("directions good to", f"{self.weight_errors.max():.1e} radians"))
        residual = f"{self.residual:.1e} of the labels, with the curve"
        return [*rows, ("largest residual", residual), counts]


def judge_hidden(asked: Question, samples: Samples, errors: Array, scales: str) -> Judgement:
    """Whether hidden values and output weights are exact, for a network whose activation is a
    `Curve`, with directions good to `errors` (k,) radians. `scales` says what is known of the
    ‖v_j‖."""
    asked.check_widths(samples)
    net, biased = asked.network, asked.biased
    residual, worst = largest_residual(net, samples)
    hidden = None
    if net.n_units:
        hidden = check_hidden(net, samples, biased, strict=asked.used, errors=errors)
    evidence = HiddenLabels(
        hidden=hidden,
        residual=residual,
        worst_sample=worst,
        equations=samples.n * samples.m,
        # The lengths of the v_j go into the curve as far as they are known at all: see `scales`.
        unknowns=count_unknowns(net.n_units, samples.d, samples.m, biases=biased),
        weight_errors=errors,
        scales=scales,
    )
    return Judgement(net, asked, samples.n, evidence, (_found(evidence, net.n_units),))


def _found(evidence: HiddenLabels, units: int) -> Finding:
    hidden = evidence.hidden
    if hidden is None:
        return failed("no-unit", "there are no units")
    if not hidden.exact:
        return undetermined(
            "hidden-open",
            f"hidden values and output weights are not certain: {hidden.objection}",
        )
    scales = f"; {evidence.scales}" if evidence.scales else ""
    angle = evidence.weight_errors.max(initial=0.0)
    good = f"to {angle:.1e} radians" if np.isfinite(angle) else "and in order"
    return Finding(
        "hidden-exact",
        Status.ESTIMATED,
        f"hidden values and output weights of {counted(units, 'unit')} are exact but for the scale "
        "of each unit: no other network with this many units explains the labels, whatever its "
        f"activation; exact to {hidden.errors.max():.1e}; directions are estimated {good}{scales}; "
        "so is the curve, up to its two scales",
    )
