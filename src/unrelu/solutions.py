"""All networks of a given size that explain rational samples exactly, or a proof of none."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.checks.refuted import in_units
from unrelu.complete.by_output_weights import by_given_outputs, by_mixed_integers
from unrelu.complete.by_rank import by_rank
from unrelu.complete.enumeration import enumerate_units
from unrelu.complete.mixed_integer import SECONDS
from unrelu.complete.solution_set import LISTED, Case, found
from unrelu.complete.solution_set import Solutions as Solutions
from unrelu.errors import InputError
from unrelu.inputs.options import check_flag, check_limit, check_units, seeded
from unrelu.numerics.complementarity import Effort
from unrelu.numerics.quiet import quiet
from unrelu.numerics.rationals import Rationals, as_fractions, with_ones
from unrelu.samples import ExactSamples

ALIASES = {"facets": "complementarity"}
"""Former names of methods."""


@quiet
def solutions(
    X: ArrayLike,
    Y: ArrayLike,
    n_units: int,
    *,
    bias: bool = False,
    U: ArrayLike | None = None,
    method: str = "complementarity",
    count: bool = False,
    time_limit: float | None = 60.0,
    most_nodes: float = math.inf,
    rng: int | np.random.Generator | None = None,
) -> Solutions:
    """The networks with Y = f(X Vᵀ + b) Uᵀ + c, f the ReLU, over ℚ; or a proof of none.

    Parameters
    ----------
    X : (n, d), Y : (n, m), taken literally, as by `Fraction`: floats are dyadic rationals.
    n_units : number of hidden units k; some may be idle, so networks with fewer count.
    bias : whether there are hidden and output biases, b and c.
    U : (m, k) output weights, if they are known.
    count : find and count all networks; otherwise the first one ends the search.
    method : "complementarity" (also called "facets"): trees of linear complementarity problems.
        "enumeration": the algorithm of the paper, a reference for small samples, which requires
        rank(Y) = k and limits the size instead of the time (`unrelu.complete.enumeration`).
        "mixed-integer": if U is given or there is one output, SCIP (the extra `mixed-integer`)
        first looks for a network, for half of the time. It finds one much sooner if one exists;
        that there is none is always shown over ℚ.
    time_limit : seconds, after which the answer is undecided; None for no limit, where SCIP has a
        minute.
    most_nodes : limit on the nodes of search trees, which acts alike on every machine.

    Returns one of three outcomes: networks; a refutation, which has been rechecked from the samples
    alone; or neither, with the reason.

    Raises InputError and InputTypeError for data that are not samples, MissingExtraError.

    Guarantee: complete if rank(Y) = k, if U is given, and if there is one output, for any samples,
    within the time limit. The cost is that of at most 2^(k + d) linear programs if rank(Y) = k,
    usually of a few; otherwise it is usually exponential in n k.
    Open: rank(Y) < k with several outputs and U unknown (NP-hard), unless fewer units suffice.

    >>> X = [[-2], [-1], [1], [3]]
    >>> solutions(X, [[0], [0], [2], [6]], 1).networks[0].U
    array([[Fraction(2, 1)]], dtype=object)
    >>> none = solutions(X, [[0], [0], [2], [5]], 1)
    >>> none.refutation.recheck(X, [[0], [0], [2], [5]])
    True
    """
    check_units(n_units)
    check_flag("bias", bias)
    check_flag("count", count)
    if time_limit is not None:
        check_limit("time_limit", time_limit)
    check_limit("most_nodes", most_nodes)
    method = ALIASES.get(method, method)
    if method not in SEARCHES:
        known = ", ".join(map(repr, SEARCHES))
        raise InputError(f"method: got {method!r}, expected one of {known}")
    samples = ExactSamples.of(X, Y, few=True)
    rng, seed = seeded(rng)
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    case = Case(
        with_ones(samples.X, bias),
        samples.Y,
        int(n_units),
        bool(bias),
        Effort(deadline=deadline, most_nodes=most_nodes),
        rng,
        count,
    )
    weights = None if U is None else _output_weights(U, case)
    started = time.monotonic()
    answer = SEARCHES[method](samples, case, weights, time_limit)
    if not all((net(samples.X) == samples.Y).all() for net in answer.networks):
        raise AssertionError("a network must explain the samples")
    if answer.refutation is not None and not answer.refutation.recheck(samples.X, samples.Y):
        raise AssertionError("a refutation must hold")
    seconds = time.monotonic() - started
    stats = {"seconds": seconds, "nodes": case.effort.nodes, **answer.stats, **seed}
    stats["seconds_rational"] = seconds - stats.get("scip_seconds", 0.0)
    return replace(answer, stats=stats)


def _by_complementarity(
    _samples: ExactSamples, case: Case, U: Rationals | None, _time_limit: float | None
) -> Solutions:
    return by_rank(case) if U is None else by_given_outputs(case, U)


def _by_mixed_integers(
    samples: ExactSamples, case: Case, U: Rationals | None, time_limit: float | None
) -> Solutions:
    return by_mixed_integers(case, samples, U, SECONDS if time_limit is None else time_limit / 2)


def _by_enumeration(
    samples: ExactSamples, case: Case, U: Rationals | None, _time_limit: float | None
) -> Solutions:
    if U is not None:
        raise InputError("method: got 'enumeration' with U given, expected 'complementarity'")
    listed = LISTED if case.count else 1
    units = enumerate_units(samples, case.n_units, case.bias, listed=listed)
    networks = tuple(net.canonical() for net in units.networks)
    if units.exists and not case.count:
        return found(networks[0], f"a network with {in_units(case.n_units)}")
    complete = units.exists is not None and len(networks) == units.count
    return Solutions(networks, units.count, units.values_count, complete, None, units.reason)


SEARCHES = {
    "complementarity": _by_complementarity,
    "enumeration": _by_enumeration,
    "mixed-integer": _by_mixed_integers,
}


def _output_weights(U: ArrayLike, case: Case) -> Rationals:
    weights = as_fractions("U", U)
    expected = (case.Y.shape[1], case.n_units)
    if weights.shape != expected:
        raise InputError(f"U: got shape {weights.shape}, expected {expected}")
    return weights
