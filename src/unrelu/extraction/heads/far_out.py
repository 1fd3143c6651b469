"""Whether a network found where answers show its values holds further out, too."""

from __future__ import annotations

import math

import numpy as np

from unrelu.certificate import Certificate
from unrelu.extraction.grids import Grid
from unrelu.extraction.heads.head import Asked
from unrelu.extraction.judging import FAR
from unrelu.links.link import Link

LINES, PLACES = 8, 16
"""Lines, and places on each, between a tenth of the scale and the reach."""

ROUNDINGS = 64.0
"""Roundings of an answer that a head may add by its own arithmetic."""


def contradiction(
    asked: Asked, link: Link, grid: Grid | None, certificate: Certificate, rng: np.random.Generator
) -> str:
    """A sentence if answers on lines are not those of the network; "" otherwise. Asks a hundred
    queries or so; where the answers are saturated or rounded, they show less."""
    asked.queries.stage = "lines"
    d, net = asked.n_inputs, certificate.network
    eps = float(np.finfo(np.float32 if asked.queries.single else np.float64).eps)
    start, direction = asked.scale * rng.standard_normal((2, LINES, d))
    t = np.geomspace(0.1, asked.reach, PLACES // 2)
    t = np.concatenate([-t, t])
    X, Y = asked.queries((start[:, None] + t[:, None] * direction[:, None]).reshape(-1, d))
    norms = np.linalg.norm(X, axis=1)
    hidden = np.abs(net.b) + norms[:, None] * np.linalg.norm(net.V, axis=1)
    strength = np.linalg.norm(net.U, axis=0) * np.maximum(certificate.weight_errors, eps)
    doubt = (FAR * (hidden @ strength + eps * np.abs(net.c).max()))[:, None]
    F = net(X)
    low, high = np.sort([link.forward(F - doubt), link.forward(F + doubt)], axis=0)
    if link.centred:  # the logarithms of probabilities change by twice the doubt at most
        P = link.forward(F)
        change = np.expm1(np.minimum(2 * doubt, 1.0))
        low, high = (
            (P * (1 - change), P * (1 + change)) if link.relative else (P - change, P + change)
        )
    slack = grid.spacing(np.abs(Y)) if grid else 0.0
    slack = slack + ROUNDINGS * eps * (np.abs(Y) if not np.isfinite(link.high) else 1.0)
    off = ((low - slack > Y) | (high + slack < Y)).any(axis=1)
    if not off.any():
        return ""
    nearest = float(norms[off].min(initial=math.inf))
    return (
        f"{int(off.sum())} of {len(X)} answers on lines, the nearest {nearest:.2g} from the "
        "origin, are not those of this network: there the model is another function, or has units "
        "that were not found; a smaller reach avoids such places"
    )
