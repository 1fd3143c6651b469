"""Samples that are meant without any rounding: every label recomputed over the rationals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.checks.proof import Proof, prove
from unrelu.checks.refuted import Refutation
from unrelu.evidence.evidence import Evidence, Judgement, Question
from unrelu.evidence.exact_labels import ExactLabels, judge_labels, unique
from unrelu.network import Network
from unrelu.numerics.equality import by_value
from unrelu.numerics.rationals import as_fractions
from unrelu.samples import ExactSamples
from unrelu.solutions import Solutions, solutions
from unrelu.stored.blocks import Given
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

FEW_UNITS, FEW_INPUTS, MOST_NODES = 8, 32, 2000
"""Units, inputs and nodes of a search tree up to which every other network is looked for: about a
second, and usually a fraction of it."""

ROWS_PER_UNKNOWN = 4
"""Samples to an unknown of a unit on which they are looked for. What some exclude, all exclude."""

ALONE = "; a search of all such networks has found no other"


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class RationalLabels(Evidence):
    """Labels that a rational network has to give without any error.

    proof : what was found over the rationals. rounded : the same in floating point, on which it
    rests that no other network fits. alone : whether a complete search has found no other.
    """

    proof: Proof
    rounded: ExactLabels
    alone: bool = False

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        return judge_rational(asked, ExactSamples.of(X, Y))

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        return [("over the rationals", str(self.proof)), *self.rounded.rows(counts)]


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class Refuted(Evidence):
    """Labels that no network with this many units gives: `refutation` proves it over the rationals.
    `rounded` is of the constant network."""

    refutation: Refutation
    rounded: ExactLabels

    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        samples = ExactSamples.of(X, Y)
        if self.refutation.recheck(samples.X, samples.Y):
            return judge_refuted(asked, samples, self.refutation)
        return judge_rational(asked, samples)

    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        return [("samples", counts[1].partition(",")[0])]


def judge_rational(
    asked: Question, samples: ExactSamples, search: Solutions | None = None
) -> Judgement:
    """What samples show of a network, both meant without any rounding. `search`: what a complete
    search for networks with as many units has found, where it has been made."""
    asked.check_widths(samples.rounded)
    net = asked.network
    given = (net.V, net.U, net.b, net.c, net.W)
    V, U, b, c, W = (as_fractions("net", weights) for weights in given)
    exact = Network(V, U, b, c, net.activation, W).canonical()
    proof = prove(exact, samples, asked.biased, asked.skip)
    limit = np.inf if proof.pinned else None
    floats = judge_labels(replace(asked, network=exact.rounded()), samples.rounded, limit=limit)
    assert isinstance(floats.evidence, ExactLabels)
    found, alone = floats.findings[0], False
    if not proof.holds:
        sentence = f"{proof}; to rounding, {found.sentence}"
        found = failed("proof-broken", sentence, samples=proof.broken)
    elif found.status in (Status.EXACT, Status.UNDETERMINED):
        count = _networks(exact, samples, asked, found, search)
        alone = count == 1
        if count is not None and count > 1:
            found = replace(several(count, exact.n_units), units=found.units)
        elif alone or (found.status == Status.EXACT and proof.pinned):
            sentence = unique(exact, len(samples.X), asked.skip, "without any error")
            found = Finding("unique", Status.PROVED, sentence + ALONE * alone)
    evidence = RationalLabels(proof=proof, rounded=floats.evidence, alone=alone)
    exact = _as_numbered(exact, floats.network)
    return Judgement(exact, asked, len(samples.X), evidence, (found,))


def judge_refuted(asked: Question, samples: ExactSamples, refutation: Refutation) -> Judgement:
    """No network with this many units gives these labels; the constant network stands for it."""
    floats = judge_labels(replace(asked, network=asked.network.rounded()), samples.rounded)
    assert isinstance(floats.evidence, ExactLabels)
    evidence = Refuted(refutation=refutation, rounded=floats.evidence)
    found = failed("none-exists", str(refutation))
    return Judgement(asked.network, asked, len(samples.X), evidence, (found,))


def several(count: float, units: int) -> Finding:
    """More networks than one."""
    many = "infinitely many" if math.isinf(count) else f"{count:.0f}"
    which = f"{many} networks of {counted(units, 'unit')}"
    return undetermined("several-networks", f"{which} explain every sample without any error")


def _networks(
    net: Network,
    samples: ExactSamples,
    asked: Question,
    found: Finding,
    search: Solutions | None,
) -> float | None:
    """How many networks with as many units explain the samples, if that is quick to know."""
    if search is not None:
        return search.count
    k, d, n = net.n_units, net.n_inputs, len(samples.X)
    few = 0 < k <= FEW_UNITS and d <= FEW_INPUTS and k <= net.n_outputs and not asked.skip
    if not few or not net.activation.piecewise_linear:
        return None
    if np.linalg.matrix_rank(net.rounded().U) < k:
        return None
    wanted = min(n, ROWS_PER_UNKNOWN * (d + k + 1) + 20)
    chosen = np.sort(np.random.default_rng(0).permutation(n)[:wanted])
    for rows in (chosen, np.arange(n)) if wanted < n else (chosen,):
        some = samples.take(rows)
        answer = solutions(
            *(some.X, some.Y, k),
            bias=asked.biased,
            count=True,
            time_limit=math.inf,
            most_nodes=MOST_NODES,
        )
        if len(rows) == n:
            return answer.count
        if answer.complete:
            broken = (prove(other, samples, asked.biased).broken for other in answer.networks)
            return sum(not len(rows) for rows in broken)
        if found.status == Status.EXACT:
            return None
    return None


def _as_numbered(exact: Network, floats: Network) -> Network:
    """The units of a rational canonical network in the order of the same in floating point, where
    rounding decides between units of the same ‖u‖: a certificate numbers the units."""
    rounded = exact.rounded()
    if rounded.n_units != floats.n_units or not floats.n_units:
        return exact  # units that rounding has merged or lost
    rows = np.column_stack([rounded.V, rounded.b])
    rows /= np.linalg.norm(rounded.V, axis=1)[:, None]
    apart = np.abs(rows[:, None] - np.column_stack([floats.V, floats.b])).max(axis=2)
    order = apart.argmin(axis=0)
    if len(np.unique(order)) < len(order):
        return exact
    V, U, b = exact.V[order], exact.U[:, order], exact.b[order]
    return Network(V, U, b, exact.c, exact.activation, exact.W)
