"""Models whose answers are not the values of their network as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.planting import plant
from unrelu import Network, Recovery
from unrelu.evidence.shown_classes import ShownProbabilities
from unrelu.links.table import LINKS

Array = NDArray[np.float64]
Rounding = Callable[[Array], Array]


def decimals(places: int) -> Rounding:
    return lambda Y: np.round(Y, places)


def planted(seed: int, d: int = 6, k: int = 3, m: int = 1, size: float = 1.0) -> Network:
    truth = plant(d, k, m, 1, seed=seed, bias=0.5).truth
    return Network(truth.V, size * truth.U, truth.b, size * truth.c)


def centred(net: Network) -> Network:
    """The network with the same probabilities whose outputs sum to zero."""
    return Network(net.V, net.U - net.U.mean(axis=0), net.b, net.c - net.c.mean())


def model(net: Network, link: str, rounding: Rounding = lambda Y: Y) -> Callable[[Array], Array]:
    return lambda X: rounding(LINKS[link].forward(net(X)))


def shown(net: Network, link: str) -> Network:
    """What the answers show of the network."""
    return centred(net) if LINKS[link].centred else net


def top(P: Array, k: int) -> Array:
    """The k largest probabilities of each row, zero elsewhere."""
    least = np.sort(P, axis=1)[:, -k][:, None]
    return np.where(least <= P, P, 0.0)


def in_single(net: Network) -> tuple[Network, Callable[[Array], Array]]:
    """The network with weights in single precision, and what it computes in that."""
    V, U, b, c = (part.astype(np.float32) for part in (net.V, net.U, net.b, net.c))

    def values(X: Array) -> Array:
        return np.asarray(np.maximum(X.astype(np.float32) @ V.T + b, 0) @ U.T + c)

    return Network(V.astype(float), U.astype(float), b.astype(float), c.astype(float)), values


def pairs(P: Array) -> list[list[tuple[int, float]]]:
    """Rows of classes and their probabilities, in the order of their size."""
    rows = [sorted(enumerate(row), key=lambda pair: -pair[1]) for row in P]
    return [[(label, float(p)) for label, p in row if p > 0] for row in rows]


FORMS: dict[str, Callable[[Array], Any]] = {
    "zeros": lambda P: P,
    "NaN": lambda P: np.where(P > 0, P, np.nan),
    "pairs": pairs,
    "dictionaries": lambda P: [dict(row) for row in pairs(P)],
    "texts": lambda P: [{f"class {a}": p for a, p in row} for row in pairs(P)],
}
"""In which the probabilities of the likeliest classes may come."""


def shown_truth(result: Recovery, net: Network) -> Network:
    """The outputs of a network that a result from the likeliest classes has, in its order."""
    evidence = result.certificate.evidence
    assert isinstance(evidence, ShownProbabilities)
    classes = [int(name.split()[1]) for name in evidence.names] or evidence.classes.tolist()
    return centred(Network(net.V, net.U[classes], net.b, net.c[classes]))
