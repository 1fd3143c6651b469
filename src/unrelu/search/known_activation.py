"""Row-space recovery for a known activation other than the ReLU (rank(Y) = k ≤ m).

In the column space of Y (with output biases, of [Y 1]) only the multiples of f_j = f(X v_j + b_j)
have their support inside that of f_j (BJW Lemma 33), whatever phi is. So the two-step form:

1. for a sign pattern s, w makes P w as small as can be on the inactive rows, P an orthonormal
   basis of that space: the right singular vector of the smallest singular value;
2. phi⁻¹(P w / α) is linear in x on the active rows: v by least squares. The scale α is 1 if f is
   homogeneous; else it is the one unknown that leaves the least relative residual;
3. the next pattern is 1[X v > 0], until it repeats.

Most units are found without phi, by their zeros alone (`hidden_values`): then step 2 is all that is
left. The others are looked for from random patterns. What is known to lie in the space, the units
found so far and the constant, may be added freely, so that no start ends in a unit found before.
That helps to find units that are rarely hit, and hinders others (measured: the last ones, for √z),
so half of the starts do without. All weights are polished in the end, see `scaled_rows`.

Assumes nothing on the law of X. Cost of a step: O(l (D² + k²)) on l = 4 (D + m) + 200 rows.
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.alternation import (
    NEW,
    OVERFLOW,
    UNIT,
    _direction,
    _start,
    alternate,
    basis_of_labels,
)
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.problem import Missed, choose_rows
from unrelu.fitting.scaled_rows import Rows, refined
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import Samples
from unrelu.search.null_vectors import Hidden, find_hidden

ROWS_PER_UNKNOWN, MORE_ROWS = 4, 200
"""As in `row_space`."""

PATIENCE, PATIENCE_THEN = 40, 200


@OVERFLOW
def find(
    samples: Samples,
    activation: Activation,
    *,
    bias: bool,
    rng: np.random.Generator,
    missed: Missed,
) -> Candidate | None:
    """As many units as the labels have rank, or None; a candidate may lack some. While units are
    missing, and while other rows are left unexplained, more rows join."""
    dimension = samples.d + bias
    chosen = choose_rows(samples, ROWS_PER_UNKNOWN * (dimension + samples.m) + MORE_ROWS, rng)
    starts = 0
    best: Network | None = None
    while True:
        rows = Rows.of(samples.take(chosen), bias)
        if not rows.white.independent and len(chosen) < samples.n:
            chosen = np.arange(samples.n)
            continue
        hidden = find_hidden(samples.take(chosen), bias=bias, rng=rng)
        units, rank, used = collect(rows, hidden, activation, samples.eps, rng)
        starts += used
        if units:
            net = rows.network(np.array(units), activation)
            if len(units) == rank:
                net = refined(net, rows, samples.eps)
            if best is None or net.n_units >= best.n_units:
                best = net
        if len(chosen) == samples.n:
            break
        if len(units) < rank:
            more = choose_rows(samples, 4 * len(chosen), rng)
        else:
            assert best is not None, "units have been found"
            more = missed(best)
            more = more if len(more) <= len(chosen) else rng.choice(more, len(chosen), False)
        before, chosen = len(chosen), np.union1d(chosen, more)
        if len(chosen) == before:
            break
    stats = {"starts": starts, "rows": len(chosen)}
    return None if best is None else Candidate(best, chosen, stats)


def collect(
    rows: Rows, hidden: Hidden, activation: Activation, eps: float, rng: np.random.Generator
) -> tuple[list[Array], int, int]:
    """Rows (v, b) of the units found, in scaled inputs; the rank of the labels; starts spent."""
    P, constants = basis_of_labels(rows, eps)
    rank = P.shape[1] - constants
    known = np.eye(P.shape[1])[:, :constants]
    found: list[Array] = []
    proposed = (_of_values(rows, hidden.rows, F, P, activation) for F in hidden.F.T)
    starts, idle = hidden.starts, 0
    while len(found) < rank and idle < (PATIENCE_THEN if found else PATIENCE):
        unit = next(proposed, None)
        if unit is None:
            freed = known if idle % 2 == 0 else known[:, :constants]
            unit = alternate(rows, P, freed, activation, _start(rows, rng))
            starts, idle = starts + 1, idle + 1
        if unit is not None:
            w, a = unit
            if np.linalg.norm(w - known @ (known.T @ w)) < NEW * np.linalg.norm(w):
                continue
            found, idle = [*found, rows.white.to_rows(a)], 0
            known = np.linalg.qr(np.column_stack([known, w]))[0]
    return found, rank, starts


def _of_values(
    rows: Rows, seen: Index, F: Array, P: Array, activation: Activation
) -> tuple[Array, Array] | None:
    """The unit (w, a) with hidden values F on the rows `seen`, if this activation makes them."""
    active, Z = F > 0, rows.white.features
    if active.sum() < Z.shape[1]:  # they leave its direction open
        return None
    left, a = _direction(Z[seen[active]], F[active], activation, rows.bias, 1e-10)
    if a is None or not left < UNIT:
        return None
    values = activation(Z @ a) / rows.sizes
    w = P.T @ (values / np.linalg.norm(values))
    return (w, a) if np.isfinite(w).all() else None
