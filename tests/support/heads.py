"""Models whose answers are not the values of their network as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from support.planting import plant
from unrelu import Network
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
