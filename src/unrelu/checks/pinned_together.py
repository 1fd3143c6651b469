"""Are all units together pinned down by the samples, where output weights are dependent?

For an activation other than the ReLU, and fewer outputs than units. Then no unit has labels of its
own, and the Jacobian of all weights is analysed jointly. Three questions:

near      has it full rank, and how far may rounding have moved the weights?
apart     are f(z_j), f(−z_j) and the constant linearly independent on the samples? Then no other
          network has the same hyperplanes, whichever sides its units are on. (For z², they are not
          where Σ_S u_j z_j² = 0, and the units S may be turned round.)
confirmed what is known from few samples only, is it known with equations to spare? Where units S
          are active on the same samples, their sum may be that of other units: Σ z_j² of a few is
          a quadratic form, with many such sums. So what shows only where they are not, or only in
          one cell, must be confirmed there.

Behind `apart`: beyond its kink f is analytic, so a network is analytic but on its hyperplanes, and
across the j-th it changes by u_j φ(z_j), continued to both sides. Another network that is the same
function has the same hyperplanes, then, and φ(a z) = −c φ(−b z) for a unit on the other side, which
for a ≠ b only powers allow. Of a function of the user's, nothing is known beyond its values: where
it has more kinks, as z + max(z − 1, 0) has, f(z) + f(z − ½) is ½ f(2z) + ½ f(2z − 2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import svd

from unrelu.checks.case import Case, Pinned
from unrelu.checks.counting import chance_equations, distinct_rows
from unrelu.checks.finding import Finding, undetermined
from unrelu.checks.pinned import independent_outputs
from unrelu.checks.pinned_curved import label_weights, relative_errors, resolved, sure_rows
from unrelu.checks.scales import SAME, column_scale
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.laws import coarse
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples
from unrelu.wording.streams import counted

MOST_UNKNOWNS, MOST_ROWS = 400, 2000
"""Of the joint Jacobian that is decomposed: a few seconds."""

ALL_SETS = 6
"""Units of which all sets are examined; of more, pairs."""

ROUNDS = 6
"""As in `pinned_curved`."""


@np.errstate(over="ignore", invalid="ignore")
def pin_together(net: Network, samples: Samples, biased: bool) -> tuple[Pinned, str]:
    """As `pin_curved`, for a U of any rank; and what else there is to object, in words."""
    free_scale = not net.activation.homogeneous
    scale = column_scale(samples)
    some = samples.spread(MOST_ROWS)
    distinct = samples.take(some[distinct_rows(samples.take(some), biased or free_scale)])
    X = np.asarray(distinct.X, np.float64)
    dimension = samples.d + biased
    shares = (net.preactivations(X) > 0).sum(axis=0) / max(1, len(X))
    grain = resolved(samples, biased)

    def chance(units: int) -> int:
        return chance_equations(dimension + free_scale, distinct.n, units, samples.eps, grain)

    unknown = np.full(net.n_units, np.inf)
    nothing = Pinned(unknown, -unknown, shares, samples.m, chance(1), dimension, independent=False)
    if net.n_units * (dimension + samples.m) > MOST_UNKNOWNS:
        return nothing, f"more than {MOST_UNKNOWNS} unknowns are not examined together"
    uncertain = np.zeros(net.n_units)
    for _ in range(ROUNDS):
        check_deadline()
        sure = distinct.take(np.flatnonzero(sure_rows(net, X, scale, uncertain, samples.eps)))
        fit = _solved(net, sure, scale, biased)
        if fit is None:
            return nothing, ""
        if not (fit.errors > uncertain).any():
            break
        if sure_rows(net, np.asarray(sure.X), scale, fit.errors, samples.eps).all():
            break
        uncertain = np.maximum(uncertain, fit.errors)
    else:
        return nothing, ""
    active, r = fit.heights > 0, fit.outputs
    free = r - (fit.basis**2).sum(axis=(1, 2))
    spare = np.minimum(free @ active, free @ ~active)
    pinned = Pinned(fit.errors, spare, shares, r, chance(1), dimension)
    if not net.activation.smooth:
        return pinned, "a function of your own may have more kinks than the one at 0"
    if coarse(X):
        return pinned, "inputs take so few values that labels may agree by accident"
    if not _apart(net, fit.heights, biased):
        return pinned, "units may be turned round together, or replaced by sums of the others"
    for group, units in _groups(active):
        block = fit.basis[group].reshape(-1, fit.basis.shape[2])
        only = int((np.linalg.svd(block, compute_uv=False) ** 2 > 1 - SAME).sum())
        if only and len(block) < only + chance(units):
            return pinned, "what tells some units apart is confirmed by too few samples"
    return pinned, ""


@dataclass(frozen=True, eq=False)
class _Fit:
    """`heights` z (n, k); `outputs` that are independent; an orthonormal `basis` (n, outputs, p) of
    the equations; `errors` (k,) of rows (v, b) as in `pin_curved`."""

    heights: Array
    outputs: int
    basis: Array
    errors: Array


def _solved(net: Network, samples: Samples, scale: Array, biased: bool) -> _Fit | None:
    """One Gauss–Newton step in all weights, and how rounding moves them; None without full rank."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    n, k, homogeneous = len(X), net.n_units, net.activation.homogeneous
    V = net.V * scale
    planes = np.column_stack([V, net.b]) if biased else V
    columns = with_constant(X / scale, biased)
    D = planes.shape[1]
    if n < D or np.linalg.matrix_rank(columns) < D:
        return None
    white, Z = whiten(columns), net.preactivations(X)
    _, U, residual = independent_outputs(net, X, Y)
    F = net.activation(Z)
    weights = label_weights(net, X, Y, scale, samples.eps)
    residual *= weights[:, None]
    tangents = Tangents.of(white.to_features(planes)) if homogeneous else None
    H = with_constant(F, biased)
    model = Jacobian(white.features, net.activation.slope(Z), U, H, tangents).weighted(weights)
    J = model.dense().reshape(n * len(U), -1)
    sizes = np.linalg.norm(J, axis=0)
    if len(J) < J.shape[1] or not (np.isfinite(sizes).all() and sizes.all()):
        return None
    basis, spectrum, right = svd(J / sizes, full_matrices=False, check_finite=False)
    if not spectrum.min() > 100 * max(J.shape) * np.finfo(np.float64).eps:
        return None
    solver = right.T / spectrum / sizes[:, None]
    step = solver @ (basis.T @ residual.ravel())
    noise = max(math.sqrt(float((residual**2).mean())), samples.eps)
    errors = np.full(k, np.inf)
    t = model.shape[1]
    moved = np.vstack([step, noise * solver.T])[:, : k * t].reshape(-1, k, t)
    for j, draws in enumerate(model.rows_of(moved).transpose(1, 0, 2)):
        check_deadline()
        errors[j] = relative_errors(draws, white, V[j], net.b[j], scale, homogeneous)
    return _Fit(Z, len(U), basis.reshape(n, len(U), -1), errors)


def _apart(net: Network, Z: Array, biased: bool) -> bool:
    features = with_constant(np.hstack([net.activation(Z), net.activation(-Z)]), biased)
    sizes = np.linalg.norm(features, axis=0)
    if not (np.isfinite(sizes).all() and sizes.all()) or len(features) < features.shape[1]:
        return False
    values = np.linalg.svd(features / sizes, compute_uv=False)
    return bool(values.min() > SAME * values.max())


def _groups(active: Mask) -> Iterator[tuple[Mask, int]]:
    """Samples that alone may tell something, and of how many units."""
    k = active.shape[1]
    for size in range(1, k + 1) if k <= ALL_SETS else (1, 2):
        for chosen in combinations(range(k), size):
            check_deadline()
            some, every = active[:, chosen].any(axis=1), active[:, chosen].all(axis=1)
            yield np.asarray(some), size
            if size > 1:
                yield np.asarray(some & ~every), size
                yield np.asarray(every), size
    cells = np.unique(active, axis=0, return_inverse=True)[1].ravel()
    for number in range(cells.max(initial=-1) + 1):
        yield cells == number, k


def outputs_dependent(case: Case) -> Finding:
    """Whether units whose output weights are not independent may not be what they seem."""
    return undetermined(
        "outputs-dependent",
        f"the output weights of the {counted(case.net.n_units, 'unit')} are not independent, and "
        f"{case.objection}: with the activation {case.net.activation.name} it is then not decided "
        "whether other networks explain the samples, too; this one does",
    )
