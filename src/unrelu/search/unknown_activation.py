"""Directions and an unknown activation itself, from the hidden values of all units.

F_j is a monotone function of v_j·x, so v_j lies in the cone

    X v <= −b where F_j = 0,  X v > −b elsewhere,  (x_i − x_l)·v > 0 where F_ij > F_lj

whose middle is taken (`numerics.interior`). With n rows it is about d/n² wide. The scales of F_j
and v_j are not in it; what F_j = a_j φ(b_j z) have in common is found by `numerics.registration`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unrelu.activations.curve import Curve
from unrelu.fitting.candidate import Candidate, constant
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.interior import Middle, middle
from unrelu.numerics.registration import Shifts, register
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.search.null_vectors import Hidden, find_hidden

RESOLVED = 4096.0
"""Roundings of the largest value of a unit, by which two values must differ to be in order."""

PER_KNOT = 20
"""Points that a knot of the curve is the mean of, so that their errors average out; and at most
so many knots."""

MOST_KNOTS = 250

CLEAR = 10.0
"""Standard errors by which a height is above 0 whose logarithm is used."""

SAME = 8.0
"""Times the errors of heights by which units may be off the common curve: those of one unit's
heights have much in common."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Directions and the common curve.

    network : in its canonical form, see `fit`.
    hidden : Hidden, columns of F and U scaled as those of the network.
    errors : (k,) radians, the root mean square of what the order of F leaves open; infinite for
        a unit that no hyperplane and monotone curve explains.
    shifts : of the logarithms of the two scales of each unit.
    """

    network: Network
    hidden: Hidden
    errors: Array
    shifts: Shifts


def find(samples: Samples, *, bias: bool, rng: np.random.Generator) -> Candidate:
    """The network with a `Curve` for its activation, or the constant one and why there is none."""
    found = find_hidden(samples, bias=bias, rng=rng)
    shape: Shape | None = None
    if found.F.shape[1] == found.rank > 0:
        shape = fit(found, samples, bias=bias, rng=rng)
    stats = {"starts": found.starts, "rows": len(found.rows)}
    if shape is None:
        net = constant(samples, bias=False).network
        return Candidate(net, found.rows, stats, _why(found), directions=np.zeros(0))
    net, rows = shape.network, shape.hidden.rows
    return Candidate(net, rows, stats, _scales(shape), directions=shape.errors)


def fit(hidden: Hidden, samples: Samples, *, bias: bool, rng: np.random.Generator) -> Shape | None:
    """Directions, scales and the curve of all units; None where no curve can be drawn at all.

    The form of the network: φ(z) = z at the median z of all active samples, the ‖v_j‖ have
    geometric mean 1, and units come by falling ‖u_j‖. Where φ is a power as far as can be seen, all
    ‖v_j‖ are 1.
    """
    X = samples.take(hidden.rows).X
    X = with_constant(X, bias)
    d, k = samples.d, hidden.F.shape[1]
    falls = [_falls(X, F) for F in hidden.F.T]
    fall = sum(falls) > k / 2
    V, errors = np.zeros((k, X.shape[1])), np.full(k, np.inf)
    heights, slack = np.zeros_like(hidden.F), np.zeros_like(hidden.F)
    for j, F in enumerate(hidden.F.T):
        check_deadline()
        middle_one = direction(X, F, rng, fall=fall, resolution=RESOLVED * samples.eps)
        if middle_one is None:
            return None
        length = float(np.linalg.norm(middle_one.direction[:d]))
        V[j] = middle_one.direction / length
        heights[:, j] = X @ V[j]
        slack[:, j] = np.linalg.norm(X @ middle_one.factor, axis=1) / length
        part = middle_one.factor[:d] / length
        part = part - np.outer(V[j, :d], V[j, :d] @ part)
        errors[j] = np.linalg.norm(part)
    return _draw_curve(hidden, d, V, errors, heights, slack, bias)


def direction(
    X: Array, F: Array, rng: np.random.Generator, *, fall: bool, resolution: float = 1e-12
) -> Middle | None:
    """The middle of the directions v with X v <= 0 where F = 0, X v > 0 elsewhere and there, F a
    rising (or falling) function of X v."""
    scale = np.sqrt((X**2).mean(axis=0))
    X = X / scale
    active = np.flatnonzero(F > 0)
    active = active[np.argsort(-F[active] if fall else F[active], kind="stable")]
    # Values that rounding may have exchanged are left out.
    apart = np.abs(np.diff(F[active], prepend=-np.inf, append=np.inf)) > resolution * F.max()
    clear = active[apart[:-1] & apart[1:]]
    if len(clear) < 2:
        return None
    rows = np.vstack([-X[F <= 0], X[active], np.diff(X[clear], axis=0)])
    rows = rows[rows.any(axis=1)]
    found = middle(rows[rng.permutation(len(rows))])
    if found is None:
        return None
    v, factor = found.direction / scale, found.factor / scale[:, None]
    length = float(np.linalg.norm(v))
    return Middle(v / length, factor / length)


def _falls(X: Array, F: Array) -> bool:
    """Whether F falls, rather than rises, with the height over the border of its zeros."""
    active = F > 0
    Z = X - X.mean(axis=0)
    heights = (Z @ np.linalg.lstsq(Z, active - active.mean())[0])[active]
    return bool((heights - heights.mean()) @ F[active] < 0) if active.any() else False


def _draw_curve(
    hidden: Hidden, d: int, V: Array, errors: Array, heights: Array, slack: Array, bias: bool
) -> Shape | None:
    pieces = []
    for F, z, s in zip(hidden.F.T, heights.T, slack.T, strict=True):
        clear = (F > 0) & (z > CLEAR * s)
        if clear.sum() < 4:
            return None
        pieces.append((np.log(z[clear]), np.log(F[clear]), s[clear] / z[clear]))
    shifts = register(pieces)
    z = np.concatenate([np.exp(x + b) for (x, _, _), b in zip(pieces, shifts.x, strict=True)])
    y = np.concatenate([np.exp(g - a) for (_, g, _), a in zip(pieces, shifts.y, strict=True)])
    errors_of_z = np.concatenate([np.exp(x) * e for x, _, e in pieces])
    curve = _curve(z, y, 1 / (np.maximum(errors_of_z, np.median(errors_of_z) / 4) + 1e-9 * z) ** 2)
    if curve is None:
        return None
    usual = float(np.median(z))
    size = usual / float(curve(np.array([usual]))[0])
    curve = curve.scaled(1.0, size)
    a, b = np.exp(shifts.y) / size, np.exp(shifts.x)
    V, F, U = V * b[:, None], hidden.F / a, hidden.U * a
    order = np.lexsort([*V.T[::-1], -np.linalg.norm(U, axis=0)])
    V, F, U = V[order], F[:, order], U[:, order]
    net = Network(V[:, :d], U, V[:, d] if bias else None, hidden.c, curve)
    scaled = replace(hidden, F=F, U=U)
    ordered = Shifts(shifts.x[order], shifts.y[order], shifts.errors[order], shifts.misfit)
    return Shape(net, scaled, errors[order], ordered)


def _curve(z: Array, y: Array, weights: Array) -> Curve | None:
    """Through means of neighbouring points, closer together at both ends; straight on to 0."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(z)
    z, y, weights = z[order], y[order], weights[order]
    rises = y[len(y) // 2 :].mean() > y[: len(y) // 2].mean()
    count = int(np.clip(len(z) // PER_KNOT, 3, MOST_KNOTS))
    share = np.arange(count + 1) / count
    edges = np.unique((len(z) * (1 - (1 - share**1.5) ** 1.5)).astype(np.intp))
    # Up to the last point itself: beyond the last knot a line does not follow a steep curve.
    halves = 2 ** np.arange(int(np.log2(edges[-1] - edges[-2])) + 1)
    edges = np.union1d(edges, len(z) - halves)
    sizes = np.add.reduceat(weights, edges[:-1])
    knots = np.add.reduceat(weights * z, edges[:-1]) / sizes
    values = np.add.reduceat(weights * y, edges[:-1]) / sizes
    monotone = isotonic_regression(values, weights=sizes, increasing=bool(rises))
    blocks = monotone.blocks[:-1]
    totals = np.add.reduceat(sizes, blocks)
    knots = np.add.reduceat(sizes * knots, blocks) / totals
    values = np.add.reduceat(sizes * values, blocks) / totals
    if len(knots) < 2:
        return None
    start = values[0] - (values[1] - values[0]) / (knots[1] - knots[0]) * knots[0]
    return Curve(np.append(0.0, knots), np.append(max(start, 0.0), values))


def _scales(shape: Shape) -> str:
    """What is known of the lengths of hidden weights, and whether one curve serves all units."""
    shifts = shape.shifts
    known = shifts.errors[np.isfinite(shifts.errors)]
    message = (
        f"lengths of hidden weights are estimated to {100 * known.max():.2g}%, but for a common one"
        if len(known)
        else "hidden weights are taken to have the same length, which explains all there is"
    )
    if shifts.misfit > SAME:
        message += (
            f"; the units do not share one curve: they are off it by {shifts.misfit:.2g} times the "
            "errors of their directions"
        )
    return message


def _why(found: Hidden) -> str:
    rank, units = found.rank, found.F.shape[1]
    if not rank:
        return "the labels are constant: they show no unit"
    if not units:
        return (
            f"no unit was found in labels of rank {rank}: they are noisy, or made by more units "
            "than they have rank, which only a known activation tells apart"
        )
    if units < rank:
        return (
            f"{units} of {rank} units were found: the samples are too few for the others, or the "
            "labels are noisy, or made by more units than they have rank"
        )
    return (
        f"{units} vectors in the span of the labels vanish where a unit would, but no "
        "hyperplane and monotone activation explain them: the labels were made by more units "
        "than they have rank, or by something else"
    )
