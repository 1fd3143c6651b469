"""Any rank(Y), output weights given or, with one output, free: SCIP's complete search.

F (n, k), S (n, k), V (k, D) and, with biases, c (m) are unknown (X̄ = [X 1] then):

    F Uᵀ + 1 cᵀ = Y,  S = F − X̄ Vᵀ,  F ≥ 0,  S ≥ 0,  F_ij = 0 or S_ij = 0 for each i, j.

NP-hard already for k = 2 and one output (BJW Theorem 2). With one output the weights scale to ±1:
U free is one such system for each number of +1s among k, and all of them are searched in turns.
Units of the same output weights (up to a positive factor) may be exchanged, so they are ordered,
by a random direction g: u_j (v_j·g) falls.

SCIP has tolerances. It is asked for the pattern only, active where F_ij > S_ij: with that,
everything is linear, and the network is solved for again, by least squares, or over ℚ for rational
samples. Also at every node of its search: a pattern that is nearly right is often mended by going
on to that of the least-squares solution, and so on.

Assumptions: one output, or output weights that are given (`unrelu.solutions`); k given; labels
without noise.

Where it stops, measured: 4 units, 40 samples of 4 inputs in 0.4 s, with biases in 2 s; 6 units, 80
samples of 6 inputs in 5 s. Time is exponential in n k, and after a minute it has not decided.

Cost: a tree of linear programs with n k pairs of variables, some hundred nodes in these cases.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array, kron

from unrelu.complete import given_outputs
from unrelu.complete.fixed_pattern import Scaled, Weights
from unrelu.complete.row_space_tree import distinct_rays
from unrelu.errors import InputError
from unrelu.fitting.candidate import Candidate
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.float_lp import OutOfTimeError
from unrelu.numerics.rationals import Rationals, as_fractions, rounded, with_ones
from unrelu.numerics.sos1 import GaveUpError, Settle, Sos1
from unrelu.numerics.threads import one_thread
from unrelu.samples import ExactSamples, Samples
from unrelu.wording.streams import counted

Outcome = Literal["found", "none", "undecided"]

FIRST_TURN = 100
"""Nodes of the first turn of each number of +1s; turns double, so that one that is easy is not
kept waiting by one that is hard, and the order does not depend on the clock."""

STEPS = 50
"""From a node's pattern to that of the least-squares solution. Those that lead to a network take
some ten, and a pattern met before ends the others, nearly always sooner."""

NEAR = 1e-5
"""Share of a label's size up to which a quick least-squares solution may be an exact one."""

SECONDS = 60.0
"""What `recover` gives it."""

DOUBT = 1e-12
"""Share of a label's size that may be the rounding of thousands of operations, after all."""

KINK = 1e-5
"""A sample with F and S both below lies on the kink, as far as SCIP's tolerance tells."""


@dataclass(frozen=True, eq=False)
class Search:
    """What came of a search.

    network : in float64, explaining every label to rounding; or, for rational samples, rational
        and explaining every label exactly. None unless `outcome` is "found".
    outcome : "none" is SCIP's answer, in floating point, and is no proof.
    reason : in words.
    """

    network: Network | None
    outcome: Outcome
    reason: str
    stats: Mapping[str, float] = field(default_factory=dict)


def search(
    samples: Samples | ExactSamples,
    n_units: int,
    *,
    bias: bool,
    U: Array | Rationals | None = None,
    time_limit: float = 60.0,
    rng: np.random.Generator,
) -> Search:
    """A network of n_units units, some perhaps idle, that explains the samples.

    U : (m, k) output weights; None where they are free, with one output only.
    time_limit : seconds of all searches together.

    Raises InputError for several outputs without U or a U of another shape, MissingExtraError
    without pyscipopt. The same generator gives the same network, unless time runs out.

    Cost: exponential in n k at worst. For n = 40, k = d = 4, some tens of nodes and a second, with
    biases some hundreds and a few seconds.
    """
    started = time.monotonic()
    deadline = started + time_limit
    m = (samples.rounded if isinstance(samples, ExactSamples) else samples).m
    if U is None and m > 1:
        raise InputError(f"U: got None for {m} outputs, expected output weights of shape (m, k)")
    if U is not None and np.shape(U) != (m, n_units):
        raise InputError(f"U: got shape {np.shape(U)}, expected ({m}, {n_units})")
    weights = _signs(n_units) if U is None else [np.asarray(U)]
    cases = [_Case(samples, each, bias, rng, deadline) for each in weights]
    with one_thread(True):
        outcome, network, left = _in_turns(cases, deadline)
    stats = {
        "nodes": float(sum(case.sos1.nodes for case in cases)),
        "seconds": time.monotonic() - started,
    }
    if network is not None:
        return Search(network, "found", f"a network with {counted(n_units, 'unit')}", stats)
    nearest = min(case.nearest for case in cases)
    near = f"; the nearest misses a label by {nearest:.2g} of their size" if nearest < 1 else ""
    if outcome == "none":
        reason = f"SCIP found none, in floating point; not proved{near}"
        return Search(None, "none", reason, stats)
    return Search(None, "undecided", f"{left}{near}", stats)


def find(samples: Samples, *, n_units: int, bias: bool, rng: np.random.Generator) -> Candidate:
    """For one output; the network without units where none is found, and why."""
    result = search(samples, n_units, bias=bias, time_limit=SECONDS, rng=rng)
    net, note = result.network, ""
    if net is None:
        net, note = Network(np.zeros((0, samples.d)), np.zeros((samples.m, 0))), result.reason
    nodes = int(result.stats["nodes"])
    return Candidate(net, np.arange(samples.n), {"nodes": nodes}, note=note)


def _signs(n_units: int) -> list[Array]:
    """Output weights of one output, up to the order and the scale of units."""
    return [
        np.array([[1.0] * positive + [-1.0] * (n_units - positive)])
        for positive in range(n_units + 1)
    ]


def _in_turns(cases: list[_Case], deadline: float) -> tuple[Outcome, Network | None, str]:
    waiting, turn = list(cases), FIRST_TURN
    undecided: list[str] = []
    while waiting:
        still = []
        for case in waiting:
            try:
                progress = case.sos1.run(turn, deadline)
            except OutOfTimeError:
                progress = "open"
            except GaveUpError as error:
                undecided.append(f"the search was not finished: {error}")
                continue
            if progress == "found":
                return "found", case.network, ""
            if progress == "open":
                still.append(case)
            elif case.doubtful:
                undecided.append("SCIP found none, but where a pattern came near, rounding decides")
        if still and time.monotonic() >= deadline:
            return "undecided", None, "the search was not finished: the time was up"
        waiting, turn = still, 2 * turn
    return ("undecided", None, undecided[0]) if undecided else ("none", None, "")


class _Case:
    """One choice of output weights: its search, and the network once there is one."""

    def __init__(
        self,
        samples: Samples | ExactSamples,
        U: Array | Rationals,
        bias: bool,
        rng: np.random.Generator,
        deadline: float,
    ) -> None:
        self.network: Network | None = None
        self.nearest = math.inf
        self.doubtful = False
        self._exact: tuple[Rationals, Rationals, Rationals] | None = None  # X̄, Y, U
        self._deadline = deadline
        if isinstance(samples, ExactSamples):
            inputs = with_ones(samples.X, bias)
            kept = distinct_rays(samples.Y, inputs) or [0]
            self._exact = inputs[kept], samples.Y[kept], as_fractions("U", U)
            samples = samples.rounded.take(np.array(kept, dtype=np.intp))
            U = rounded(self._exact[2])
        self._scaled = Scaled(samples, U, bias)
        self._tried: set[bytes] = set()
        self._rejected: set[bytes] = set()
        self.sos1 = _system(self._scaled, self._settle, rng)

    def _settle(self, z: Array, complete: bool) -> bool:
        """Is there a network with the pattern of this point? If not all of its pairs have a 0, or
        rounding has the last word, one with a pattern that this one leads to?"""
        n, D = self._scaled.X.shape
        k = self._scaled.U.shape[1]
        F, S, V, c = np.split(z, np.cumsum([n * k, n * k, k * D]))
        active, near = (F > S).reshape(n, k), Weights(V.reshape(k, D), c)
        if complete:
            tied = (np.maximum(F, S) < KINK).reshape(n, k)
            if self._decided(active, tied, near):
                return True
        for _ in range(STEPS):
            key = active.tobytes()
            if key in self._tried:
                break
            self._tried.add(key)
            near = self._scaled.roughly(active, near)
            if self._scaled.missed(near) < NEAR:
                near = self._scaled.fit(active, near)
                if self._accepted(near):
                    return True
            active = self._scaled.pattern(near)
        return False

    def _decided(self, active: Mask, tied: Mask, near: Weights) -> bool:
        """Whether there is a network with this pattern; rejected ones are remembered."""
        key = active.tobytes()
        if key in self._rejected:
            return False
        self._rejected.add(key)
        if self._exact is not None:
            return self._over_rationals(active)
        loose = self._scaled.fit(active, near)
        for weights in (self._scaled.fit(active, near, tied), loose):
            share = self._scaled.missed(weights)
            self.nearest = min(self.nearest, share)
            self.doubtful |= share < DOUBT
            if self._accepted(weights):
                return True
        # Of many solutions of the equations, one may have all signs right; this is not seen here.
        self.doubtful |= not loose.unique
        return False

    def _accepted(self, weights: Weights) -> bool:
        if not self._scaled.explained(weights):
            return False
        if self._exact is not None:
            return self._over_rationals(self._scaled.pattern(weights))
        self.network = self._scaled.network(weights)
        return True

    def _over_rationals(self, active: Mask) -> bool:
        """The same over ℚ, without rounding."""
        assert self._exact is not None
        X, Y, U = self._exact
        bias, d = self._scaled.bias, X.shape[1] - self._scaled.bias
        weights = given_outputs.on_pattern(X, Y, U, bias, active, self._deadline)
        if weights is None:
            return False
        V, c = weights
        self.network = Network(V[:, :d], U, V[:, d] if bias else None, c)
        return True


def _system(scaled: Scaled, settle: Settle, rng: np.random.Generator) -> Sos1:
    """Unknowns: F by rows, S by rows, V by rows, c."""
    (n, D), (m, k) = scaled.X.shape, scaled.U.shape
    one, none = eye_array(n * k), csr_array((n * m, n * k))
    by_inputs = csr_array(kron(scaled.X, eye_array(k)))  # X̄ Vᵀ from V by columns
    hidden = by_inputs[:, np.arange(D * k).reshape(D, k).T.ravel()]
    gaps: list[Any] = [one, -one, -hidden]
    labels: list[Any] = [kron(eye_array(n), scaled.U), none, csr_array((n * m, k * D))]
    if scaled.bias:
        gaps.append(csr_array((n * k, m)))
        labels.append(kron(np.ones((n, 1)), eye_array(m)))
    equations = csr_array(block_array([gaps, labels]))
    values = np.concatenate([np.zeros(n * k), scaled.Y.ravel()])
    pairs = np.column_stack([np.arange(n * k), n * k + np.arange(n * k)])
    order = _order(scaled.U, np.asarray(rng.standard_normal(D)))
    before = csr_array((len(order), 2 * n * k))
    after = csr_array((len(order), equations.shape[1] - 2 * n * k - k * D))
    ordered = csr_array(block_array([[before, csr_array(order), after]]))
    return Sos1(equations, values, pairs, ordered, settle, int(rng.integers(2**31 - 1)))


def _order(U: Array, g: Array) -> Array:
    """Rows (r, k D) of inequalities ‖u_i‖ v_i·g ≥ ‖u_j‖ v_j·g: any two units i, j that follow each
    other among those with the same direction of u, to the last bit."""
    k, D = U.shape[1], len(g)
    lengths = np.linalg.norm(U, axis=0)
    last: dict[bytes, int] = {}
    rows = [np.zeros((0, k, D))]
    for j in np.flatnonzero(lengths):
        direction = (U[:, j] / lengths[j] + 0.0).tobytes()
        if direction in last:
            row = np.zeros((1, k, D))
            row[0, last[direction]], row[0, j] = lengths[last[direction]] * g, -lengths[j] * g
            rows.append(row)
        last[direction] = int(j)
    return np.concatenate(rows).reshape(-1, k * D)
