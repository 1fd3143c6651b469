"""Whether certain answers are the same, however they were found, and their proofs sound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

import numpy as np

from support.every_pattern import Complete, Values, every_pattern
from support.small_cases import Case
from support.tampered_refutations import tampered
from unrelu import Network, Refutation, Solutions, solutions
from unrelu.complete.solution_set import LISTED


@dataclass(frozen=True)
class Compared:
    """What the tree search and the enumeration answered, and what is wrong with it, in words."""

    tree: Solutions
    reference: Solutions
    faults: list[str]


def compared(problem: Case, rng: np.random.Generator, *, brute: bool = True) -> Compared:
    """The two, and where n allows it all 2^n patterns; a refutation is checked every way."""
    samples, k, bias = problem.samples, problem.n_units, problem.bias
    tree, reference = (
        solutions(samples.X, samples.Y, k, bias=bias, count=True, method=method, rng=rng)
        for method in ("facets", "enumeration")
    )
    faults = [f"tree and enumeration: {fault}" for fault in differences(tree, reference, problem)]
    if brute:
        complete = every_pattern(samples, k, bias)
        for name, answer in (("tree", tree), ("enumeration", reference)):
            faults += [f"{name}: {fault}" for fault in wrong(answer, complete, problem)]
    if problem.planted is not None and not tree.networks:
        faults.append("the planted network is missed")
    if tree.refutation is not None:
        faults += [f"refutation: {fault}" for fault in unsound(tree.refutation, problem, rng)]
    elif not tree.networks:
        faults.append("no refutation")
    return Compared(tree, reference, faults)


def differences(one: Solutions, other: Solutions, problem: Case) -> list[str]:
    """Of two answers: existence, counts, and network for network by their hidden values."""
    found = [
        f"{name} {getattr(one, name)} and {getattr(other, name)}"
        for name in ("decided", "complete", "values_count", "count")
        if getattr(one, name) != getattr(other, name)
    ]
    if (one.values_count or 0) > LISTED:  # which of them are listed is anybody's choice
        return found
    if _hidden(one, problem) != _hidden(other, problem):
        found.append("other networks")
    return found


def wrong(answer: Solutions, complete: Complete, problem: Case) -> list[str]:
    """What contradicts the list of all units. Distinct networks of listed units, as many as there
    are, are all there are."""
    samples, found = problem.samples, []
    if not answer.decided:
        found.append(f"undecided: {answer}")
    if bool(answer.networks) != complete.exists:
        found.append(f"{len(answer.networks)} networks, existence {complete.exists}")
    found += [
        f"{name} {getattr(answer, name)}, not {getattr(complete, name)}"
        for name in ("values_count", "count")
        if getattr(answer, name) != getattr(complete, name)
    ]
    sizes = {net.n_units for net in answer.networks}
    if not sizes <= {problem.n_units}:
        found.append(f"networks with {sizes} units")
    if not all((net(samples.X) == samples.Y).all() for net in answer.networks):
        found.append("a network that does not explain the labels")
    if complete.values_count != inf:
        hidden = _hidden(answer, problem)
        if len(hidden) != min(complete.values_count, LISTED) or len(answer.networks) != len(hidden):
            found.append(f"{len(answer.networks)} networks listed, {len(hidden)} of them different")
        if not all(units <= complete.rays for units in hidden):
            found.append("units that are none")
    return found


def unsound(proof: Refutation, problem: Case, rng: np.random.Generator) -> list[str]:
    """A proof must hold, and not hold any more once anything of it is wrong, nor for samples
    that a network does explain."""
    X, Y, before = problem.samples.X, problem.samples.Y, problem.original
    found = []
    if not proof.recheck(X, Y):
        found.append("does not recheck")
    if not Refutation.from_dict(proof.to_dict()).recheck(X, Y):
        found.append("does not recheck after a journey")
    if proof.recheck(before.X, before.Y):
        found.append("holds for samples of a network")
    for change, forged in tampered(proof, rng):
        if forged.recheck(X, Y):
            found.append(f"still holds: {change}")
        if forged.recheck(before.X, before.Y):
            found.append(f"holds for samples of a network: {change}")
    return found


def _hidden(answer: Solutions, problem: Case) -> set[frozenset[Values]]:
    return {hidden_values(net, problem) for net in answer.networks}


def hidden_values(net: Network, problem: Case) -> frozenset[Values]:
    """F column by column, each scaled so that its first non-zero is 1."""
    F = problem.samples.X @ net.V.T + net.b
    F[F < 0] = Fraction(0)
    return frozenset(tuple(h / next(filter(None, h), 1)) for h in F.T)
