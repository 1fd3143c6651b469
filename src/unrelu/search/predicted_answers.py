"""Whether answers are those that a network predicts, also where they hardly show its values."""

from __future__ import annotations

import numpy as np

from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.grids import LAG, Grid

ROUNDINGS = 64.0
"""Roundings of an answer that the arithmetic of a head may add."""

FAR = 10.0
"""Multiple of the error that the errors of the weights may cause in an answer far out, beyond which
the answer is not that of the network. In 30 extractions, it was at most 0.8."""


def outside(
    link: Link,
    grid: Grid | None,
    rule: str,
    net: Network,
    X: Array,
    Y: Array,
    *,
    errors: float = 0.0,
    eps: float = float(np.finfo(np.float64).eps),
) -> Mask:
    """Which answers Y (n, m) to X (n, d) are not those of the network, with any values within
    `errors` of its weights, after rounding by the rule."""
    norms = np.linalg.norm(X, axis=1)
    hidden = np.abs(net.b) + norms[:, None] * np.linalg.norm(net.V, axis=1)
    strength = np.linalg.norm(net.U, axis=0) * np.maximum(errors, eps)
    doubt = FAR * (hidden @ strength + eps * np.abs(net.c).max(initial=0.0))[:, None]
    F, low, high = net(X), -doubt, doubt
    if link.centred:  # other values may move the other way
        low = high = link.forward(F)
        change = np.expm1(np.minimum(2 * doubt, 1.0)) * (low if link.relative else 1.0)
        low, high = low - change, high + change
    else:
        low, high = link.forward(F + low), link.forward(F + high)
    below, above = LAG[rule] if grid else (0.0, 0.0)
    spacing = grid.spacing(Y) if grid else np.zeros_like(Y)
    slack = ROUNDINGS * eps * np.maximum(np.abs(Y), 1.0 if np.isfinite(link.high) else 0.0)
    low, high = low - below * spacing - slack, high + above * spacing + slack
    wrong = (low > Y) | (high < Y)
    return np.asarray(wrong.any(axis=1))
