"""All weights of a network at once, by least squares with their normal matrix.

Descents that only multiply by the Jacobian need many products where units are alike: of hundreds
of units in a few inputs, some nearly are. Where weights are few, the normal matrix JᵀJ of all p of
them is made from moments of the features (`network.jacobian.Moments`) and factored, and
Levenberg–Marquardt steps converge in a few rounds however ill-conditioned it is.

Cost of a step: O(n (k D)² + p³).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from unrelu.network import Network
from unrelu.network.jacobian import Jacobian, Moments
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import check_deadline

MOST_WEIGHTS = 5000
"""A step then takes some ten seconds."""

MOST_STEPS = 40
ENOUGH = 1e-2
"""Relative gain of a step below which there is none left worth while."""

BLOCK = 1 << 23
"""Entries of the features at a time."""

LEAST, MOST = 1e-13, 1e2
"""Damping, relative to the diagonal: lengths of rows are no unknowns, so there is always some."""


def weights_of(net: Network, *, affine: bool = False) -> int:
    """How many numbers are fitted."""
    k, d, m = net.n_units, net.n_inputs, net.n_outputs
    return k * (d + 1) + m * (k + 1 + d * affine)


def fitted(net: Network, X: Array, Y: Array, *, bias: bool, affine: bool = False) -> Network:
    """The network of least squares next to one, for answers Y (n, m) at X (n, d). With `affine`, it
    has a skip connection."""
    cost, damping = _cost(net, X, Y), 1e-4
    for _ in range(MOST_STEPS):
        check_deadline()
        before = cost
        gram, descent = _normal(net, X, Y, bias, affine)
        scale = np.sqrt(np.maximum(np.diag(gram), np.trace(gram) * 1e-18))
        gram /= np.outer(scale, scale)
        while damping < MOST:
            try:
                factor = cho_factor(gram + damping * np.eye(len(gram)), check_finite=False)
            except LinAlgError:
                damping *= 10
                continue
            step = cho_solve(factor, descent / scale, check_finite=False) / scale
            if not step @ descent > ENOUGH * cost:  # what is left to gain, to first order
                return net
            trial = _moved(net, step, bias, affine)
            after = _cost(trial, X, Y)
            if after < cost:
                net, cost, damping = trial, after, max(damping / 30, LEAST)
                break
            damping *= 10
        if not cost < (1 - ENOUGH) * before:
            break
    return net


def _cost(net: Network, X: Array, Y: Array) -> float:
    return float(((net(X) - Y) ** 2).sum())


def _normal(net: Network, X: Array, Y: Array, bias: bool, affine: bool) -> tuple[Array, Array]:
    """JᵀJ and Jᵀr for the residuals r."""
    moments: Moments | None = None
    descent = np.zeros(0)
    rows = max(1, BLOCK // max(1, net.n_units * (X.shape[1] + 1)))
    for start in range(0, len(X), rows):
        x, y = X[start : start + rows], Y[start : start + rows]
        ones = np.ones((len(x), int(bias)))
        heights = net.preactivations(x)
        outer = np.hstack([np.maximum(heights, 0.0), ones, *[x] * affine])
        J = Jacobian(np.hstack([x, ones]), (heights > 0) * 1.0, net.U, outer)
        parts = J.transposed(y - net(x))
        own = np.concatenate([part.ravel() for part in parts])
        if moments is None:
            moments, descent = J.moments(), own
        else:
            moments += J.moments()
            descent = descent + own
    assert moments is not None, "there are answers"
    return moments.gram(net.U), descent


def _moved(net: Network, step: Array, bias: bool, affine: bool) -> Network:
    """The network with changed weights, its rows of unit length."""
    (k, d), m = net.V.shape, net.n_outputs
    rows = step[: k * (d + bias)].reshape(k, d + bias)
    outer = step[k * (d + bias) :].reshape(m, k + bias + d * affine)
    V, U = net.V + rows[:, :d], net.U + outer[:, :k]
    b, c = (net.b + rows[:, d], net.c + outer[:, k]) if bias else (net.b, net.c)
    W = net.W + outer[:, k + bias :] if affine else net.W
    lengths = np.linalg.norm(V, axis=1)
    return Network(V / lengths[:, None], U * lengths, b / lengths, c, net.activation, W)
