"""Is each unit pinned down by samples that lie together on a few affine pieces of the network?

Samples on the same sides of all hyperplanes see one affine function, and D of them that are
independent determine it, with errors that follow from those of their labels. From the functions of
a few pieces all weights follow (`network.pieces`). Whoever chose the inputs may have chosen them
so; then this takes seconds where the Jacobian of all samples would take hours: products by it cost
as much for a piece as for a sample.

An estimate from some of the samples bounds what all of them leave open, whatever their weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from unrelu.checks.case import Pinned
from unrelu.checks.counting import chance_equations, grain
from unrelu.checks.row_errors import row_errors
from unrelu.checks.scales import column_scale, typical_sizes
from unrelu.network import Network
from unrelu.network.pieces import Pieces, Planes, gauss_newton
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples

DRAWS = 4
"""Errors that are drawn. There are some dozen coordinates to a unit at least, or the Jacobian is
cheap: so the norm of an error is known to a few per cent."""

PROBE = 1e-2
"""Size, relative to drawn errors, of what shows directions that nothing determines."""

NEAR = 1e-6
"""Distance from a hyperplane, as a share of that from the origin, up to which samples are left
out: errors of the weights may move it past them."""

SINGULAR = 1e-5
"""Pivot of a Gram matrix below which samples do not determine a function well enough."""


@dataclass(frozen=True, eq=False)
class _Groups:
    """Rows of samples on the same sides, the `sides` (r, k), and on what `shares` (k,) of all
    samples units are active."""

    rows: list[Index]
    sides: Array
    shares: Array


@dataclass(frozen=True, eq=False)
class _Piece:
    """A group, by number, the mean (d,) of its inputs, scaled, and errors (draws, m, D) of the
    function that is fitted to its labels."""

    group: int
    centre: Array
    errors: Array


def pin_by_pieces(net: Network, samples: Samples, biased: bool) -> Pinned | None:
    """How well the pieces determine the units, where there are enough of them; otherwise None.
    O(n k d) and O(D³) for each piece."""
    k, D, m = net.n_units, net.n_inputs + biased, net.n_outputs
    scale = column_scale(samples)
    size = typical_sizes(np.asarray(samples.Y, np.float64))
    groups = _groups(net, samples, scale, D)
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    pieces = []
    for own, rows in enumerate(groups.rows):
        check_deadline()
        taken = samples.take(rows)
        drawn = _function_errors(with_constant(taken.X / scale, biased), m, rng)
        if drawn is not None:
            # Labels may be off by what the residual shows, and are by their last digit.
            residual = (taken.Y - net(taken.X)) / size
            noise = max(samples.eps, float(np.sqrt((residual**2).mean())))
            pieces.append(_Piece(own, (taken.X / scale).mean(axis=0), noise * drawn))
    if len(pieces) * m < k + m * biased:
        return None
    which = [piece.group for piece in pieces]
    sides = groups.sides[which]
    moved = _unit_errors(net, scale, size, sides, pieces, biased, rng)
    if moved is None:
        return None
    found = row_errors(moved, net, scale, together=False)
    if not float(found.max()) < NEAR:  # such errors may move a hyperplane past a sample
        return None
    counts = np.array([len(groups.rows[group]) for group in which], dtype=np.float64)
    fewer = np.minimum(counts @ sides, counts @ (1 - sides))
    n = int(counts.sum())
    return Pinned(
        errors=found,
        spare=fewer * m - (D + m - 1),
        shares=groups.shares,
        outputs=m,
        needed=chance_equations(D, n, 1, samples.eps, grain(samples, biased)),
        dimension=D,
    )


def _groups(net: Network, samples: Samples, scale: Array, least: int) -> _Groups:
    """Groups of at least so many samples, those that lie on no hyperplane."""
    lengths = np.linalg.norm(net.V * scale, axis=1)
    sides, near, active = [], [], np.zeros(net.n_units)
    for _, X, _ in samples.blocks():
        Z = net.preactivations(X)
        reach = np.linalg.norm(X / scale, axis=1)[:, None] + np.maximum(1.0, np.abs(net.b))
        near.append((np.abs(Z) / (reach * divisors(lengths))).min(axis=1))
        active += (Z > 0).sum(axis=0)
        sides.append(np.packbits(Z > 0, axis=1))
    packed, distance = np.vstack(sides), np.concatenate(near)
    sure = np.flatnonzero(distance > NEAR)
    _, group, counts = np.unique(packed[sure], axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(group.ravel(), kind="stable")
    starts = np.cumsum(counts) - counts
    rows = [
        sure[order[start : start + count]]
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True)
        if count >= least
    ]
    first = np.array([own[0] for own in rows], dtype=np.intp)
    bits = np.unpackbits(packed[first], axis=1, count=net.n_units).astype(np.float64)
    return _Groups(rows, bits, active / samples.n)


def _function_errors(Z: Array, m: int, rng: np.random.Generator) -> Array | None:
    """Errors (draws, m, D) of an affine function that is fitted to labels at Z (n, D) with
    independent errors of size one; None where these do not determine it."""
    sizes = divisors(np.linalg.norm(Z, axis=0))
    gram = (Z / sizes).T @ (Z / sizes)
    try:
        lower = cholesky(gram, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    if np.diag(lower).min() < SINGULAR:
        return None
    drawn = rng.standard_normal((Z.shape[1], DRAWS * m))
    drawn = solve_triangular(lower, drawn, lower=True, trans="T", check_finite=False)
    return np.asarray((drawn / sizes[:, None]).T.reshape(DRAWS, m, -1))


def _unit_errors(
    net: Network,
    scale: Array,
    size: Array,
    sides: Array,
    pieces: list[_Piece],
    biased: bool,
    rng: np.random.Generator,
) -> Array | None:
    """(draws, k, D): of the rows of V, in scaled inputs, and b, from those of affine functions."""
    d = net.n_inputs
    V, U = net.V * scale, net.U / size[:, None]
    W, c = np.zeros((len(U), d)), np.zeros(len(U))
    planes = Planes(V, net.b, U, W, c, np.zeros(len(V)))
    centres = np.array([piece.centre for piece in pieces])
    slopes = [piece.errors[..., :d] for piece in pieces]
    weights = 1 / np.array([np.sqrt((slope**2).mean()) for slope in slopes])
    moved = []
    for draw in range(DRAWS):
        check_deadline()
        functions = np.array([piece.errors[draw] for piece in pieces])
        values = np.einsum("rmd,rd->rm", functions[..., :d], centres)
        if biased:
            values = values + functions[..., d]
        left = Pieces(centres, values, functions[..., :d], weights)
        probe = PROBE * rng.standard_normal(U.shape)
        step = gauss_newton(planes, sides, left, affine=False, bias=biased, probe=probe)
        if step is None:
            return None
        moved.append(np.column_stack([step.V, step.b]) if biased else step.V)
    return np.array(moved)
