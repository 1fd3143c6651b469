"""Networks that compute in float32: planting them, and what their rounding lets one know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unrelu import Network

Array = NDArray[np.float64]

INPUTS = 20_000
KNOWN = 0.1
"""Error of what a unit adds, as a share of it, up to which the unit is found."""


def single(net: Network) -> Callable[[Array], NDArray[np.float32]]:
    """The network as it is deployed: weights, inputs and sums in float32."""
    weights = (net.V, net.U, net.b, net.c)
    V, U, b, c = (np.asarray(each, dtype=np.float32) for each in weights)

    def ask(X: Array) -> NDArray[np.float32]:
        return np.asarray(np.maximum(X.astype(np.float32) @ V.T + b, 0) @ U.T + c)

    return ask


def planted_single(
    d: int, k: int, m: int, *, seed: int, decades: float = 6.0, weak: int | None = None
) -> Network:
    """Gaussian float32 weights; output weights shrink from unit to unit, over so many decades. Or,
    with `weak`, only those of so many units do, by that factor."""
    rng = np.random.default_rng(seed)
    V, U = rng.standard_normal((k, d)) / np.sqrt(d), rng.standard_normal((m, k))
    sizes = 10.0 ** -np.linspace(0, decades, k)
    if weak is not None:
        sizes = np.where(np.arange(k) < k - weak, 1.0, 10.0**-decades)
    b, c = 0.5 * rng.standard_normal(k), rng.standard_normal(m)
    V, U, b, c = (np.asarray(each, np.float32).astype(np.float64) for each in (V, U * sizes, b, c))
    return Network(V, U, b, c)


@dataclass(frozen=True, eq=False)
class Compared:
    """Which units of the truth were found (k,), the error of what each adds, in roundings, and the
    number of units that are none of the truth: those that are active on all inputs or on none,
    `linear` ones, are counted for themselves."""

    found: NDArray[np.bool_]
    errors: Array
    spurious: int
    linear: int


@dataclass(frozen=True, eq=False)
class Standing:
    """A canonical network, the size of one rounding of its answers, and by how many each unit
    stands `out` (k,)."""

    truth: Network
    rounding: float
    out: Array

    @classmethod
    def of(cls, net: Network) -> Standing:
        truth = net.canonical()
        X = np.random.default_rng(98).standard_normal((INPUTS, net.n_inputs))
        rounding = float(2.0**-24 * np.abs(net(X)).max())
        deviation = np.linalg.norm(truth.V, axis=1)
        return cls(truth, rounding, np.abs(truth.U).max(axis=0) * deviation / rounding)

    def off(self, net: Network) -> float:
        """The largest error of an answer to fresh inputs, in roundings."""
        X = np.random.default_rng(99).standard_normal((INPUTS, net.n_inputs))
        return float(np.abs(net(X) - self.truth(X)).max() / self.rounding)

    def compared(self, net: Network) -> Compared:
        """Units next to those of the truth. Their sides are affine functions apart, so it is
        u |v·x + b| / 2 that is compared, by the root mean square over Gaussian inputs."""
        net, k = net.canonical(), self.truth.n_units
        X = np.random.default_rng(97).standard_normal((4000, net.n_inputs))
        own, others = (np.abs(each.preactivations(X)) / 2 for each in (self.truth, net))
        squares = (
            _products(own, own, self.truth.U, self.truth.U).diagonal()[:, None]
            + _products(others, others, net.U, net.U).diagonal()
            - 2 * _products(own, others, self.truth.U, net.U)
        )
        apart = np.sqrt(np.maximum(squares, 0.0)) / self.rounding
        size = np.sqrt(_products(own, own, self.truth.U, self.truth.U).diagonal()) / self.rounding
        errors = np.full(k, np.inf)
        units, partners = linear_sum_assignment(np.minimum(apart / size[:, None], 1.0))
        errors[units] = apart[units, partners]
        found = errors <= KNOWN * size
        Z = net.preactivations(X)
        others = np.delete(np.arange(net.n_units), partners[found[units]])
        active = (Z[:, others] > 0).mean(axis=0)
        linear = int(np.isin(active, [0.0, 1.0]).sum())
        return Compared(found, errors, net.n_units - int(found.sum()) - linear, linear)


def _products(A: Array, B: Array, U: Array, W: Array) -> Array:
    """Means of products of what units add, summed over outputs."""
    return np.asarray((A.T @ B / len(A)) * (U.T @ W))
