"""Networks whose output weights are known, or scale to ±1 as with one output."""

from __future__ import annotations

import time
from dataclasses import replace

from unrelu.checks.refuted import Refutation, in_units, output_signs
from unrelu.complete import given_outputs, mixed_integer
from unrelu.complete.refutations import by_output_signs, by_output_weights
from unrelu.complete.solution_set import Case, Solutions, found, none, uncounted, undecided
from unrelu.errors import InputError
from unrelu.network import Network
from unrelu.numerics.complementarity import Found, Undecided
from unrelu.numerics.rationals import Rationals
from unrelu.samples import ExactSamples


def by_given_outputs(case: Case, U: Rationals) -> Solutions:
    """The output weights U (m, k) are known."""
    outcome = _fitted(case, U)
    if isinstance(outcome, Undecided):
        return undecided(f"the search was not finished: {outcome.reason}")
    if isinstance(outcome, Network):
        answer = found(outcome, f"a network with {in_units(case.n_units)} and these output weights")
        return uncounted(answer, case, "U is given")
    return none(outcome)


def by_mixed_integers(
    case: Case, samples: ExactSamples, U: Rationals | None, seconds: float
) -> Solutions:
    """SCIP looks for a network first, for so many seconds; then as without it."""
    if U is None and case.Y.shape[1] > 1:
        raise InputError(
            f"method: got 'mixed-integer' for {case.Y.shape[1]} outputs, expected one, or U given"
        )
    search = mixed_integer.search(
        samples, case.n_units, bias=case.bias, U=U, time_limit=seconds, rng=case.rng
    )
    stats = {"scip_nodes": search.stats["nodes"], "scip_seconds": search.stats["seconds"]}
    if search.network is not None:
        answer = found(search.network.canonical(), search.reason)
        return replace(uncounted(answer, case, "SCIP finds them"), stats=stats)
    answer = by_signs(case) if U is None else by_given_outputs(case, U)
    if not answer.decided:
        answer = replace(answer, reason=f"{answer.reason}; {search.reason}")
    return replace(answer, stats=stats)


def by_signs(case: Case) -> Solutions:
    """One output: output weights scale to ±1, so each number of positive ones is tried."""
    refuted: list[Refutation] = []
    left_open: list[str] = []
    deadline = case.effort.deadline
    for positive in range(case.n_units + 1):
        # Each gets an equal share of the remaining time.
        now = time.monotonic()
        case.effort.deadline = now + (deadline - now) / (case.n_units + 1 - positive)
        outcome = _fitted(case, output_signs(positive, case.n_units))
        if isinstance(outcome, Network):
            answer = found(outcome, f"a network with {in_units(case.n_units)}")
            return uncounted(answer, case, "the labels have a smaller rank")
        if isinstance(outcome, Undecided):
            left_open.append(f"{positive} positive output weights: {outcome.reason}")
        else:
            refuted.append(outcome)
    if left_open:
        return undecided(f"the search was not finished with {', '.join(left_open)}")
    return none(by_output_signs(refuted))


def _fitted(case: Case, U: Rationals) -> Network | Refutation | Undecided:
    """A network with these output weights, or a proof that there is none."""
    of = given_outputs.values(case.X, case.Y, U, case.bias)
    outcome = given_outputs.fit(of, case.effort)
    if isinstance(outcome, Undecided):
        return outcome
    if isinstance(outcome, Found):
        V, c = of.weights(outcome.point)
        b = V[:, -1] if case.bias else None
        return Network(V[:, :-1] if case.bias else V, U, b, c).canonical()
    return by_output_weights(of, outcome.tree)
