"""All networks of a given size that explain rational samples exactly, or a proof of none."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from unrelu.checks.refuted import Refutation, in_units, output_signs
from unrelu.complete import given_outputs, mixed_integer, row_space_tree, unit_rays
from unrelu.complete.enumeration import enumerate_units
from unrelu.complete.refutations import by_output_signs, by_output_weights, by_row_space
from unrelu.complete.row_space_tree import Cone, Hyperplane, Unit
from unrelu.complete.unit_rays import Continuum
from unrelu.errors import InputError
from unrelu.inputs.options import check_flag, check_limit, check_units, seeded
from unrelu.network import Network
from unrelu.numerics.complementarity import Effort, Found, TooManyNodesError, Undecided
from unrelu.numerics.float_lp import OutOfTimeError
from unrelu.numerics.quiet import quiet
from unrelu.numerics.rationals import Rationals, as_fractions, product
from unrelu.samples import ExactSamples
from unrelu.wording.streams import printable

METHODS = ("facets", "enumeration", "mixed-integer")
LISTED = 100
"""Networks that are listed; more are counted only."""


@dataclass(frozen=True, eq=False)
class Solutions:
    """What is known of the ReLU networks that explain samples without any error.

    networks : rational, in canonical form, each checked on every sample over ℚ: one, or with
        `count=True` all of them up to `LISTED`.
    count : how many there are; math.inf for infinitely many, None if not asked for or not known.
    values_count : the same, but networks with the same hidden values F = f(X Vᵀ + b) on the samples
        (up to the scale of their columns) counted once: where a unit has too few active samples,
        one F may belong to infinitely many V.
    complete : whether that is all there is to know: `networks` are all there are, be it none.
    refutation : the proof that there is none, if so; the enumeration leaves no such witness.
    reason : in words what was found and, where something is left open, why.
    stats : seconds, nodes of search trees, seconds of all but SCIP, the seed.
    """

    networks: tuple[Network, ...]
    count: float | None
    values_count: float | None
    complete: bool
    refutation: Refutation | None
    reason: str
    stats: Mapping[str, float] = field(default_factory=dict)

    @property
    def decided(self) -> bool:
        """Whether it is known that there is such a network, or that there is none."""
        return bool(self.networks) or self.complete

    def __str__(self) -> str:
        return printable(self.reason)


@quiet
def solutions(
    X: ArrayLike,
    Y: ArrayLike,
    n_units: int,
    *,
    bias: bool = False,
    U: ArrayLike | None = None,
    method: str = "facets",
    count: bool = False,
    time_limit: float = 60.0,
    most_nodes: float = math.inf,
    rng: int | np.random.Generator | None = None,
) -> Solutions:
    """The networks with Y = f(X Vᵀ + b) Uᵀ + c, f the ReLU, over ℚ; or a proof of none.

    Parameters
    ----------
    X : (n, d), Y : (n, m), taken at their word, as `Fraction` does: floats are dyadic rationals.
    n_units : hidden units, k; idle ones are allowed, so it is at most that many.
    bias : whether there are hidden and output biases, b and c.
    U : (m, k) output weights, if they are known.
    count : find all of them, and count them; otherwise the first one ends the search.
    method : "facets"; "enumeration": the paper's own, the reference for small samples, which needs
        rank(Y) = k, and has a limit of size instead of one of time
        (`unrelu.complete.enumeration`); or "mixed-integer": where U is given or there is one
        output, SCIP (the extra `mixed-integer`) looks for a network first, for half of the time.
        It finds one much sooner where there is one; that there is none is shown over ℚ, whatever
        it says.
    time_limit : seconds, after which the answer is that it is not known.
    most_nodes : of search trees; the same, but the same on every machine.

    Returns one of three outcomes: networks; a refutation, which rechecks itself from the samples
    alone, and has done so; or neither, with the reason.

    Raises InputError and InputTypeError for data that are no samples, MissingExtraError.

    Guarantee: complete where rank(Y) = k, where U is given, and where there is one output, for any
    samples whatever, within the time limit. The cost then is that of at most 2^(k + d) linear
    programs with rank(Y) = k, usually of a few; and exponential in n k, usually, otherwise.
    Left open: rank(Y) < k with several outputs and U unknown (NP-hard), unless fewer units do.

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
    check_limit("time_limit", time_limit)
    check_limit("most_nodes", most_nodes)
    if method not in METHODS:
        known = ", ".join(map(repr, METHODS))
        raise InputError(f"method: got {method!r}, expected one of {known}")
    samples = ExactSamples.of(X, Y, few=True)
    rng, seed = seeded(rng)
    case = _Case(
        _with_ones(samples.X) if bias else samples.X,
        samples.Y,
        int(n_units),
        bool(bias),
        Effort(deadline=time.monotonic() + time_limit, most_nodes=most_nodes),
        rng,
        count,
    )
    started = time.monotonic()
    if method == "enumeration":
        answer = _enumerated(samples, case, U)
    elif method == "mixed-integer":
        weights = None if U is None else _output_weights(U, case)
        answer = _by_mixed_integers(case, samples, weights, time_limit / 2)
    elif U is None:
        answer = _by_row_space(case)
    else:
        answer = _given(case, _output_weights(U, case))
    for net in answer.networks:
        _assert_exact(net, samples)
    if answer.refutation is not None and not answer.refutation.recheck(samples.X, samples.Y):
        raise AssertionError("a refutation must hold")
    seconds = time.monotonic() - started
    stats = {"seconds": seconds, "nodes": case.effort.nodes, **answer.stats, **seed}
    stats["seconds_rational"] = seconds - stats.get("scip_seconds", 0.0)
    return replace(answer, stats=stats)


@dataclass(frozen=True, eq=False)
class _Case:
    """X with a column of ones where there are biases, and what is asked about it."""

    X: Rationals
    Y: Rationals
    n_units: int
    bias: bool
    effort: Effort
    rng: np.random.Generator
    count: bool

    @property
    def labels(self) -> Rationals:
        """[1 Y] with biases, so that the leftmost independent columns have the 1 among them."""
        return np.hstack([self.X[:, -1:], self.Y]) if self.bias else self.Y


def _enumerated(samples: ExactSamples, case: _Case, U: ArrayLike | None) -> Solutions:
    if U is not None:
        raise InputError("method: got 'enumeration' with U given, expected 'facets'")
    listed = LISTED if case.count else 1
    found = enumerate_units(samples, case.n_units, case.bias, listed=listed)
    networks = tuple(net.canonical() for net in found.networks)
    if found.exists and not case.count:
        return _found(networks[0], f"a network with {in_units(case.n_units)}")
    complete = found.exists is not None and len(networks) == found.count
    return Solutions(networks, found.count, found.values_count, complete, None, found.reason)


def _by_row_space(case: _Case) -> Solutions:
    independent = row_space_tree.independent_columns(case.labels)
    columns = [j - case.bias for j in independent if not (case.bias and j == 0)]
    rank = len(columns)
    if rank > case.n_units:
        chosen = tuple(columns[: case.n_units + 1])
        return _none(Refutation("rank", case.n_units, case.bias, columns=chosen))
    if rank < case.n_units:
        return _fewer(case, columns)
    units, of, end = _span(case, columns)
    if isinstance(end, Undecided):
        return _open(f"{len(units)} of {rank} units are known: {end.reason}")
    if end is not None:
        return _none(by_row_space(of, columns, end))
    net = _network(case, units)
    if not case.count:
        return _found(net, f"a network with {in_units(rank)}")
    return _counted(case, of, net)


def _span(
    case: _Case, columns: list[int]
) -> tuple[list[Unit], Cone, Hyperplane | Undecided | None]:
    P = case.Y[:, columns]
    of = row_space_tree.cone(_with_ones(P) if case.bias else P, case.X, case.bias)
    units, end = row_space_tree.span(of, case.effort, case.rng)
    return units, of, end


def _fewer(case: _Case, columns: list[int]) -> Solutions:
    """rank(Y) < k: perhaps as many units as rank are enough; else, with one output, the signs."""
    rank, k = len(columns), case.n_units
    units, _, end = _span(case, columns) if columns else ([], None, None)
    if end is None:
        found = _found(_network(case, units), f"a network with {rank} of {k} units, and idle ones")
        return _uncounted(found, case, f"the labels have rank {rank} < {k}")
    if case.Y.shape[1] == 1:
        return _signs(case)
    fewer = f"whether {rank} do is not known" if isinstance(end, Undecided) else f"{rank} do not"
    return _open(
        f"whether {k} units explain the labels, whose rank is {rank}; {fewer}; with several "
        "outputs, more units than rank are searched for only where U is given"
    )


def _counted(case: _Case, of: Cone, net: Network) -> Solutions:
    rank = case.n_units
    try:
        units = unit_rays.rays(of, case.effort)
        if isinstance(units, Continuum):
            return replace(
                _found(net, "infinitely many networks: the units lie in a cone of dimension two"),
                count=math.inf,
                values_count=math.inf,
            )
        total, listed = 0, list[Sequence[Unit]]()
        used: set[Unit] = set()
        for chosen in unit_rays.bases(of, units):
            case.effort.spend()
            total += 1
            used.update(chosen)
            if total <= LISTED:
                listed.append(chosen)
        loose = sum(not unit_rays.pinned(of, unit) for unit in used)
    except (OutOfTimeError, TooManyNodesError):
        return _found(net, f"a network with {rank} units; not counted: the time was up")
    networks = tuple(_network(case, chosen) for chosen in listed)
    reason = f"{total} network{'s' if total > 1 else ''} with {in_units(rank)}"
    if len(networks) < total:
        reason += f", of which {len(networks)} are listed"
    if loose:
        reason += (
            f", counted by their hidden values: {loose} units have too few active samples "
            "for their hidden weights to be unique, so that the networks are infinitely many"
        )
    complete = not loose and len(networks) == total
    return Solutions(networks, math.inf if loose else total, total, complete, None, reason)


def _output_weights(U: ArrayLike, case: _Case) -> Rationals:
    weights = as_fractions("U", U)
    expected = (case.Y.shape[1], case.n_units)
    if weights.shape != expected:
        raise InputError(f"U: got shape {weights.shape}, expected {expected}")
    return weights


def _given(case: _Case, U: Rationals) -> Solutions:
    outcome = _fitted(case, U)
    if isinstance(outcome, Undecided):
        return _open(f"the search was not finished: {outcome.reason}")
    if isinstance(outcome, Network):
        found = _found(outcome, f"a network with {in_units(case.n_units)} and these output weights")
        return _uncounted(found, case, "U is given")
    return _none(outcome)


def _by_mixed_integers(
    case: _Case, samples: ExactSamples, U: Rationals | None, seconds: float
) -> Solutions:
    if U is None and case.Y.shape[1] > 1:
        raise InputError(
            f"method: got 'mixed-integer' for {case.Y.shape[1]} outputs, expected one, or U"
        )
    search = mixed_integer.search(
        samples, case.n_units, bias=case.bias, U=U, time_limit=seconds, rng=case.rng
    )
    stats = {"scip_nodes": search.stats["nodes"], "scip_seconds": search.stats["seconds"]}
    if search.network is not None:
        found = _found(search.network.canonical(), search.reason)
        return replace(_uncounted(found, case, "SCIP finds them"), stats=stats)
    answer = _signs(case) if U is None else _given(case, U)
    if not answer.decided:
        answer = replace(answer, reason=f"{answer.reason}; {search.reason}")
    return replace(answer, stats=stats)


def _signs(case: _Case) -> Solutions:
    refuted: list[Refutation] = []
    undecided: list[str] = []
    deadline = case.effort.deadline
    for positive in range(case.n_units + 1):
        # Each gets its share of the time that is left.
        now = time.monotonic()
        case.effort.deadline = now + (deadline - now) / (case.n_units + 1 - positive)
        outcome = _fitted(case, output_signs(positive, case.n_units))
        if isinstance(outcome, Network):
            found = _found(outcome, f"a network with {in_units(case.n_units)}")
            return _uncounted(found, case, "the labels have a smaller rank")
        if isinstance(outcome, Undecided):
            undecided.append(f"{positive} positive output weights: {outcome.reason}")
        else:
            refuted.append(outcome)
    if undecided:
        return _open(f"the search was not finished with {', '.join(undecided)}")
    return _none(by_output_signs(refuted))


def _fitted(case: _Case, U: Rationals) -> Network | Refutation | Undecided:
    """A network with these output weights. A quicker search for one would have its place here."""
    of = given_outputs.values(case.X, case.Y, U, case.bias)
    outcome = given_outputs.fit(of, case.effort)
    if isinstance(outcome, Undecided):
        return outcome
    if isinstance(outcome, Found):
        V, c = of.weights(outcome.point)
        b = V[:, -1] if case.bias else None
        return Network(V[:, :-1] if case.bias else V, U, b, c).canonical()
    return by_output_weights(of, outcome.tree)


def _network(case: _Case, units: Sequence[Unit]) -> Network:
    """The output weights that go with units: F Uᵀ + 1 cᵀ = Y has just one solution."""
    (d, k, m) = (case.X.shape[1] - case.bias, len(units), case.Y.shape[1])
    V = np.array([unit.v for unit in units], dtype=np.object_).reshape(k, d + case.bias)
    F = product(case.X, V.T)
    F[F < 0] = Fraction(0)
    outputs = row_space_tree.solve(_with_ones(F) if case.bias else F, case.Y)
    assert outputs is not None, "units that span the labels give them"
    U, c = outputs[:k].T.reshape(m, k), outputs[-1] if case.bias else None
    return Network(V[:, :d], U, V[:, d] if case.bias else None, c).canonical()


def _assert_exact(net: Network, samples: ExactSamples) -> None:
    if not (net(samples.X) == samples.Y).all():
        raise AssertionError("a network that was found must explain the samples")


def _with_ones(columns: Rationals) -> Rationals:
    ones = np.full((len(columns), 1), Fraction(1), dtype=np.object_)
    return np.hstack([columns, ones])


def _none(refutation: Refutation) -> Solutions:
    return Solutions((), 0, 0, True, refutation, str(refutation))


def _open(reason: str) -> Solutions:
    return Solutions((), None, None, False, None, f"undecided: {reason}")


def _found(net: Network, reason: str) -> Solutions:
    return Solutions((net,), None, None, False, None, reason)


def _uncounted(found: Solutions, case: _Case, why: str) -> Solutions:
    if not case.count:
        return found
    return replace(found, reason=f"{found.reason}; they are not counted where {why}")
