"""Whether all answers, also those that show less, are those of a network that was found exactly."""

from __future__ import annotations

import math

import numpy as np

from unrelu.certificate import Certificate
from unrelu.extraction.heads.head import Asked
from unrelu.links.link import Link
from unrelu.numerics.arrays import Array
from unrelu.numerics.grids import Grid
from unrelu.search.predicted_answers import outside

LINES, PLACES = 8, 16
"""Lines, and places on each, between a tenth of the scale and the reach."""


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
