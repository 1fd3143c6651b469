"""Whether all answers, also those that show less, are those of a network that was found exactly."""

from __future__ import annotations

import math

import numpy as np

from unrelu.certificate import Certificate
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.judging import FAR
from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.grids import LAG, Grid

LINES, PLACES = 8, 16
"""Lines, and places on each, between a tenth of the scale and the reach."""

ROUNDINGS = 64.0
"""Roundings of an answer that the arithmetic of a head may add."""


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


def on_lines(asked: Asked, rng: np.random.Generator) -> tuple[Array, Array]:
    """Queries on lines out to the reach, about a hundred, and their answers. Where these are
    saturated or rounded, they show less than others."""
    asked.queries.stage = "lines"
    start, direction = asked.scale * rng.standard_normal((2, LINES, asked.n_inputs))
    t = np.geomspace(0.1, asked.reach, PLACES // 2)
    t = np.concatenate([-t, t])
    X = start[:, None] + t[:, None] * direction[:, None]
    return asked.queries(X.reshape(-1, asked.n_inputs))


def contradiction(
    link: Link,
    certificate: Certificate,
    X: Array,
    Y: Array,
    *,
    grid: Grid | None = None,
    rule: str = "nearest",
    eps: float = float(np.finfo(np.float64).eps),
) -> str:
    """A sentence if answers Y (n, m) to X (n, d) are not those of the network; "" otherwise."""
    net, errors = certificate.network, float(certificate.weight_errors.max(initial=0.0))
    wrong = outside(link, grid, rule, net, X, Y, errors=errors, eps=eps)
    if not wrong.any():
        return ""
    nearest = float(np.linalg.norm(X[wrong], axis=1).min(initial=math.inf))
    return (
        f"{int(wrong.sum())} of {len(X)} answers, the nearest {nearest:.2g} from the origin, "
        "are not those of this network: there the model is another function, or has units that "
        "were not found; a smaller reach avoids such places"
    )
