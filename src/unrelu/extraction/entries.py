"""The network of least squares for answers behind a link, from a network that is about right.

Rounding is of the same size in all answers to a grid, but not in the values behind them: where a
link is flat they are hardly known. So it is the answers that are fitted,

    min Σ_ia (Y_ia − g_a(F(x_i)))² / s_ia²,

s the distance of levels, by Levenberg–Marquardt steps in all weights. Saturated answers take no
part: their derivative is zero.

Cost: O(n m p²) a step for p weights; the Jacobian is made in blocks, the normal matrix is (p, p).
"""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.grids import Grid

MOST_STEPS = 30
ENOUGH = 1e-4
"""Relative gain of a step below which there is none left worth while."""

BLOCK = 1 << 22
"""Entries of the Jacobian at a time."""

MOST_WEIGHTS = 3000


def misfit(net: Network, link: Link, grid: Grid, X: Array, Y: Array) -> float:
    """The root mean square of what a network leaves of answers, in standard deviations of
    rounding, which is uniform over a step."""
    left = (Y - link.forward(net(X))) / grid.spacing(Y)
    return float(np.sqrt(12 * (left**2).mean()))


def refined(net: Network, link: Link, grid: Grid, X: Array, Y: Array, *, bias: bool) -> Network:
    """The network fitted to answers Y (n, m) at X (n, d)."""
    if sum(array.size for array in (net.V, net.b, net.U, net.c)) > MOST_WEIGHTS:
        return net
    cost, damping = misfit(net, link, grid, X, Y), 1e-6
    for _ in range(MOST_STEPS):
        check_deadline()
        gram, descent = _normal(net, link, grid, X, Y, bias)
        scale = np.sqrt(np.diag(gram)) + np.sqrt(np.trace(gram)) * 1e-9
        gram = gram / np.outer(scale, scale)
        before = cost
        while damping < 1:
            step = np.linalg.solve(gram + damping * np.eye(len(gram)), descent / scale) / scale
            trial = _moved(net, step, bias)
            after = misfit(trial, link, grid, X, Y)
            if after < cost:
                net, cost, damping = trial, after, max(damping / 10, 1e-12)
                break
            damping *= 10
        if cost > (1 - ENOUGH) * before:
            break
    return net


def _normal(
    net: Network, link: Link, grid: Grid, X: Array, Y: Array, bias: bool
) -> tuple[Array, Array]:
    """JᵀJ and Jᵀr for the residuals r of all answers."""
    m = net.n_outputs
    p = net.n_units * (X.shape[1] + bias) + m * (net.n_units + bias)
    gram, descent = np.zeros((p, p)), np.zeros(p)
    rows = max(1, BLOCK // (p * m))
    for start in range(0, len(X), rows):
        x, y = X[start : start + rows], Y[start : start + rows]
        ones = np.ones((len(x), int(bias)))
        heights = net.preactivations(x)
        outer = np.hstack([np.maximum(heights, 0.0), ones])
        jacobian = Jacobian(np.hstack([x, ones]), (heights > 0) * 1.0, net.U, outer)
        F = np.repeat(net(x), m, axis=0)
        outputs = np.tile(np.arange(m), len(x))
        answers = link.forward(F)[np.arange(len(F)), outputs]
        slope = link.slope(answers) / grid.spacing(y).ravel()
        gradient = (link.entry(F, outputs)[1] * slope[:, None]).reshape(len(x), m, m)
        J = np.einsum("iab,ibp->iap", gradient, jacobian.dense(), optimize=True).reshape(-1, p)
        r = (y.ravel() - answers) / grid.spacing(y).ravel()
        gram += J.T @ J
        descent += J.T @ r
    return gram, descent


def _moved(net: Network, step: Array, bias: bool) -> Network:
    (k, d), m = net.V.shape, net.n_outputs
    rows = step[: k * (d + bias)].reshape(k, d + bias)
    outer = step[k * (d + bias) :].reshape(m, k + bias)
    b, c = (net.b + rows[:, d], net.c + outer[:, k]) if bias else (net.b, net.c)
    return Network(net.V + rows[:, :d], net.U + outer[:, :k], b, c)
