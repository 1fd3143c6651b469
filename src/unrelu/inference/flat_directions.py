"""Directions along which the inputs hardly vary, and about which noisy labels say nothing.

What is estimated well is v·x. Along a direction e of which the inputs have a spread s next to
nothing, v·e has a standard error of the order 1/s, and an estimate of that size: of unit length, v
is then ±e for every unit, whatever the network. Nothing is wrong with the labels that it gives,
but its standard errors are those of a linearisation about e, and say that v is known well.

Where the estimate of v·e is no more than its error explains, zero explains the labels as well, and
is taken instead: by one step of least squares under that condition. What is left of v is what the
labels tell, and its standard error along e is as large as it has to be.

Only directions with a spread ten times less than any other are looked at, and only units of which
they would be most that is unknown: elsewhere a linearisation will do.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from unrelu.fitting.problem import Problem
from unrelu.inference import fisher
from unrelu.inference.arguments import MOST_UNKNOWNS
from unrelu.inference.notes import VAGUE, listed
from unrelu.network import Network
from unrelu.noise.gaussian import whitener
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.whitening import Whitened, whiten, with_constant
from unrelu.samples import Samples

GAP = 10.0
"""Times the standard error along any other direction: about as much less is the inputs' spread."""

CHANCE = 1e-3
"""Share of all estimates of zero that are taken for something else."""


def without_flat_directions(
    net: Network, samples: Samples, bias: bool, covariance: Array
) -> tuple[Network, Index]:
    """The network in canonical form, with zeros along directions that are flat for a unit, and
    these units.

    `net` is a least-squares fit to all of the samples, up to the weight of outputs, `covariance`
    (m, m) that of the noise. Other activations than the ReLU and skip connections are not looked
    at. The network as it is, and no unit, where nothing is flat: this is known from the covariance
    of the inputs, in O(n D²); else O(n p² + p³) for p unknowns.
    """
    no_unit = np.arange(0)
    if net.skip or not net.activation.piecewise_linear:
        return net, no_unit
    X = np.asarray(samples.X, dtype=np.float64)
    white = whiten(samples.root * with_constant(X, bias))
    metric = whitener(covariance)
    if not white.independent or not _may_be_vague(net, white, metric):
        return net, no_unit
    a = white.to_features(np.column_stack([net.V, net.b]) if bias else net.V)
    ones = white.factor[:, -1] if bias and samples.weights is not None else None
    model = fisher.Model(a, metric.T @ net.U, a, bias, ones=ones)
    if model.unknowns > min(MOST_UNKNOWNS, samples.n * samples.m):
        return net, no_unit
    sums = fisher.moments(model, white.features)
    inverse = fisher.invert(model, fisher.information(model, sums), samples.n).matrix
    k, t, _, _ = model.shape
    lift = np.array([white.to_rows(tangents.T).T for tangents in model.tangents()])
    flat_of_unit: list[tuple[int, Array]] = []
    for j in range(k):
        own = slice(j * t, (j + 1) * t)
        along = lift[j, : samples.d]
        flat = _flat(net.V[j], along @ inverse[own, own] @ along.T)
        if flat is not None:
            flat_of_unit.append((j, flat))
    if not flat_of_unit:
        return net, no_unit
    # The step to E v = 0, in the metric of the information: what else is known moves with it.
    conditions = np.zeros((sum(len(E) for _, E in flat_of_unit), k * t))
    start = 0
    for j, E in flat_of_unit:
        conditions[start : start + len(E), j * t : (j + 1) * t] = E @ lift[j, : samples.d]
        start += len(E)
    off = np.concatenate([E @ net.V[j] for j, E in flat_of_unit])
    hidden = inverse[: k * t, : k * t] @ conditions.T
    gram = conditions @ hidden
    size = np.sqrt(np.diag(gram))
    force = np.linalg.solve(gram / np.outer(size, size), off / size) / size
    price = float(off @ force)
    step = -(hidden @ force).reshape(k, t)
    rows = np.column_stack([net.V, net.b])[:, : samples.d + bias]
    rows = rows + np.einsum("jdt,jt->jd", lift, step)
    V = rows[:, : samples.d]
    for j, E in flat_of_unit:
        V[j] -= E.T @ (E @ V[j])
    sizes = np.linalg.norm(V, axis=1)
    problem = Problem(samples, np.arange(samples.n), bias, metric)
    b = rows[:, -1] / sizes if bias else np.zeros(k)
    moved = problem.network(V / sizes[:, None], b)
    before, after = (float(((samples.left(n(X)) @ metric) ** 2).sum()) for n in (net, moved))
    # Twice what it was to cost, and one to each condition: not so where kinks are in the way.
    canonical = moved.canonical()
    if after - before > 2 * price + len(off) or canonical.n_units < k:
        return net, no_unit
    places = (canonical.V @ moved.V.T).argmax(axis=0)
    return canonical, np.sort(places[[j for j, _ in flat_of_unit]])


def _may_be_vague(net: Network, white: Whitened, metric: Array) -> bool:
    """Could some unit be vague along directions that stand apart? From the inputs' spread and the
    size of units alone; correlations between unknowns make errors up to three times as large."""
    d = net.n_inputs
    spread = np.linalg.svd(white.to_rows(np.eye(len(white.factor)))[:, :d], compute_uv=False)
    if not (spread[:-1] > GAP / 3 * spread[1:]).any():
        return False
    active = len(white.features) / 2
    errors = spread[0] / (np.linalg.norm(metric.T @ net.U, axis=0) * np.sqrt(active))
    return bool((errors > VAGUE / 3 * np.linalg.norm(net.V, axis=1)).any())


def _flat(v: Array, covariance: Array) -> Array | None:
    """Orthonormal directions (r, d), if there are any, along which v (d,) is vague and does not
    differ significantly from zero."""
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    parts = vectors.T @ v
    for r in range(len(v) - 1, 0, -1):
        apart = values[r - 1] > GAP**2 * max(values[r], 0.0)
        rest = float((parts[r:] ** 2).sum())
        if not apart or values[r - 1] <= VAGUE**2 * rest or rest == 0:
            continue
        if chdtrc(r, float((parts[:r] ** 2 / values[:r]).sum())) > CHANCE:
            return np.asarray(vectors[:, :r].T)
    return None


def note(units: Index) -> str:
    """The note on such units."""
    if not len(units):
        return ""
    return (
        "the inputs hardly vary along some direction, and the labels do not tell the weights of "
        f"{listed(units)} there, which are taken as zero: what v·x is on such inputs is known all "
        "the same; leave that direction out, by principal components, or scale the columns of X"
    )
