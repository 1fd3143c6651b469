"""Whether answers are those that a network predicts, also where they hardly show its values."""

from __future__ import annotations

import math

import numpy as np

from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.grids import LAG, Grid

DOUBLE, SINGLE = (float(np.finfo(kind).eps) for kind in (np.float64, np.float32))

ROUNDINGS = 64.0
"""Roundings of an answer that the arithmetic of a head may add."""

FAR = 10.0
"""Multiple of the error that the errors of the weights may cause in an answer far out, beyond which
the answer is not that of the network. In 30 extractions, it was at most 0.8."""

MOST_ROUNDINGS = 100.0
"""Errors of weights, in roundings of single precision, up to which these may explain what answers
far out are off by. Those stated allow for rounding that conspires, and may be a hundred thousand;
what right networks are off by is two to ten (12 networks with a unit far out), what a unit that was
not found leaves there is 10⁴ and more."""


def doubt(net: Network, X: Array, errors: Array | float, eps: float) -> Array:
    """(n,): how far an answer to X (n, d) may be off where unit rows and output weights of units
    are, relative to their size, by `errors`, or by a rounding `eps` where that is more."""
    most = MOST_ROUNDINGS * eps if eps >= SINGLE else math.inf
    hidden = np.abs(net.b) + np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(net.V, axis=1)
    strength = np.linalg.norm(net.U, axis=0) * np.clip(errors, eps, most)
    return np.asarray(hidden @ strength + eps * np.abs(net.c).max(initial=0.0))


def outside(
    link: Link,
    grid: Grid | None,
    rule: str,
    net: Network,
    X: Array,
    Y: Array,
    *,
    errors: float = 0.0,
    eps: float = DOUBLE,
) -> Mask:
    """Which answers Y (n, m) to X (n, d) are not those of the network, with any values within
    `errors` of its weights, after rounding by the rule."""
    most = FAR * doubt(net, X, errors, eps)[:, None]
    F, low, high = net(X), -most, most
    if link.centred:  # other values may move the other way
        low = high = link.forward(F)
        change = np.expm1(np.minimum(2 * most, 1.0)) * (low if link.relative else 1.0)
        low, high = low - change, high + change
    else:
        low, high = link.forward(F + low), link.forward(F + high)
    below, above = LAG[rule] if grid else (0.0, 0.0)
    spacing = grid.spacing(Y) if grid else np.zeros_like(Y)
    slack = ROUNDINGS * eps * np.maximum(np.abs(Y), 1.0 if np.isfinite(link.high) else 0.0)
    low, high = low - below * spacing - slack, high + above * spacing + slack
    wrong = (low > Y) | (high < Y)
    return np.asarray(wrong.any(axis=1))
