"""Networks near a given one that explain the same samples: with other sides, or fewer units.

Some rows of the samples are enough to find them, and Gauss–Newton steps, started from the
hyperplanes of the network, some of them turned, left out or put in the place of two others.
Whether a network that comes of it explains all samples is for the caller to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from unrelu.checks.scales import column_scale
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian, between_units
from unrelu.numerics.arrays import Array, Index, divisors, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.precision import DOUBLE
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

MOST_UNKNOWNS = 150
"""Hidden weights up to which every unit is left out in turn, and all are fitted again."""

MOST_PAIRS = 40
"""Pairs that are replaced by one unit, those that differ on the fewest samples first."""

ROWS = 4
"""Equations to an unknown, at least."""

FEWEST_ROWS, MOST_ROWS = 400, 4000

DIFFERENT = 0.05
"""Share of the samples on which two units may be on different sides (or on the same, if they
face each other), and yet be treated as one."""

STEPS = 15
"""Gauss–Newton steps of a fit."""

STALLED, SETTLED = 0.5, 0.95
"""Share of the residual that a step may leave, or the next one promise to leave, far from rounding
and near it."""

SHORTEST, RIDGE = 0.1, 1e-11
"""Share of a step below which none is tried, and what keeps its equations solvable."""

MOST_TO_TURN = 12
"""Units of which all sets are examined for what they leave of a linear function."""

ALL_SIDES = 6
"""Units of which all sets are turned round; of more, single ones or pairs."""


def offset_rounding(samples: Samples) -> float:
    """Rounding of inputs with a large offset, relative to what varies in them: that of heights."""
    some = np.asarray(samples.X[:: max(1, samples.n // 1000)], np.float64)
    spread = some.std(axis=0)
    return DOUBLE.eps * float((np.abs(some).max(axis=0) / divisors(spread)).max())


class NearbyFits:
    """Fits of ReLU networks to some of the samples, started from the hyperplanes of `net`.

    Rows are in white coordinates; a fit has hyperplanes `planes` (r, D), and output weights, a
    linear function and a constant by least squares. `most`: hidden weights up to which all of them
    may move."""

    def __init__(
        self, net: Network, samples: Samples, biased: bool, most: int = MOST_UNKNOWNS
    ) -> None:
        self.net, self.samples, self.biased = net, samples, biased
        D = samples.d + biased
        self.small = net.n_units * D <= most
        unknowns = net.n_units * (D if self.small else 1) + samples.d + 1
        rows = samples.spread(min(MOST_ROWS, max(FEWEST_ROWS, ROWS * unknowns)))
        taken = samples.take(rows)
        self.scale = column_scale(samples)
        self.X = taken.X / self.scale
        self.white = whiten(with_constant(self.X, biased))
        self.Z = self.white.features
        self.size = divisors(np.sqrt((taken.Y**2).mean(axis=0)))
        self.Y = taken.Y / self.size
        V = net.V * self.scale
        self.planes = self.white.to_features(np.column_stack([V, net.b]) if biased else V)
        self.active = self.Z @ self.planes.T > 0
        rounding = max(samples.eps, offset_rounding(samples))
        self.enough = 8 * rounding * np.sqrt(D + net.n_units + 2.0)

    def starts(self) -> Iterator[tuple[Index, Array, Index]]:
        """Units left out, the hyperplanes of the others, and which of them may move."""
        k = self.net.n_units
        everything = np.arange(k - 1)
        for i, j, facing in self.pairs():
            check_deadline()
            left, right = np.outer(self.net.U[:, i], self.planes[i]), self.planes[j]
            both = left / self.size[:, None]
            both += np.outer(self.net.U[:, j] / self.size, -right if facing else right)
            between = np.linalg.svd(both, full_matrices=False)[2][0]
            rest = np.delete(self.planes, [i, j], axis=0)
            pair = np.array([i, j])
            yield pair, np.vstack([rest, between]), everything if self.small else everything[-1:]
        for j in range(k) if self.small else ():
            yield np.array([j]), np.delete(self.planes, j, axis=0), everything

    def pairs(self) -> list[tuple[int, int, bool]]:
        """Pairs of units on the same sides of nearly all samples, or on opposite ones."""
        on = self.active.astype(np.float64)
        count, n = on.sum(axis=0), len(on)
        apart = count[:, None] + count - 2 * on.T @ on
        found = [
            (int(which[i, j]), int(i), int(j), facing)
            for facing, which in ((False, apart), (True, n - apart))
            for i, j in np.argwhere(np.triu(which <= DIFFERENT * n, 1))
        ]
        return [(i, j, facing) for _, i, j, facing in sorted(found)[:MOST_PAIRS]]

    def fitted(self, planes: Array, moving: Index, *, linear: bool = True) -> Array | None:
        """Hyperplanes of a fit, with any linear function added (or only a constant), to rounding;
        None if there is none nearby: Gauss–Newton on the normal equations, (UᵀU) ∘ Φᵀ(I − P)Φ."""
        D, enough = self.Z.shape[1], self.enough * np.sqrt(self.Y.size)
        planes = best = unit_rows(planes)
        least, shorter, step = np.inf, 1.0, np.zeros((len(moving), D))
        for _ in range(STEPS):
            check_deadline()
            F, basis, residual, U = self._linear_part(planes, linear)
            left = float(np.linalg.norm(residual))
            if left < least:
                slow = left > (SETTLED if least <= 100 * enough else STALLED) * least
                least, best, shorter = left, planes, 1.0
                if slow or not len(moving) or left <= SETTLED * enough / 100:
                    break
                step, rest = self._step(planes[moving], F, basis, residual, U, moving)
                if rest > max(STALLED * left, 100 * enough):
                    break
            elif least > 100 * enough or shorter < SHORTEST:
                break
            else:
                shorter /= 4
            planes = best.copy()
            planes[moving] += shorter * step
            planes = unit_rows(planes)
        return best if least <= 100 * enough else None

    def _step(
        self, planes: Array, F: Array, basis: Array, residual: Array, U: Array, moving: Index
    ) -> tuple[Array, float]:
        """Gauss–Newton step of the planes that move, by no more than half a radian each, and the
        residual that it promises."""
        J = Jacobian(self.Z, F[:, moving] > 0, U[:, moving], tangents=Tangents.of(planes))
        pull = J.transposed(residual)[0].ravel()
        phi = J.features().reshape(len(F), len(pull))
        phi -= basis @ (basis.T @ phi)
        T = between_units(phi.T @ phi, J.U.T @ J.U)
        scale = divisors(np.sqrt(np.maximum(np.diag(T), 0.0)))
        T = T / np.outer(scale, scale)
        T[np.diag_indices(len(T))] += RIDGE
        step = np.linalg.solve(T, pull / scale) / scale
        rest = float(np.vdot(residual, residual)) - float(step @ pull)
        step = J.rows_of(step.reshape(len(moving), -1))
        longest = float(np.linalg.norm(step, axis=1).max(initial=0.0))
        return step * min(1.0, 0.5 / max(longest, 0.5)), float(np.sqrt(max(rest, 0.0)))

    def _linear_part(self, planes: Array, linear: bool) -> tuple[Array, Array, Array, Array]:
        """Hidden values, a basis of all that enters linearly, the residual, and U."""
        F = np.maximum(self.Z @ planes.T, 0.0)
        constant = np.ones((len(F), int(self.biased)))
        H = np.column_stack([F, self.Z if linear else constant])
        size = divisors(np.linalg.norm(H, axis=0))
        left, values, right = np.linalg.svd(H / size, full_matrices=False)
        kept = values > 1e-9 * values[0]
        basis = left[:, kept]
        residual = self.Y - basis @ (basis.T @ self.Y)
        weights = right[kept].T @ ((basis.T @ self.Y) / values[kept, None])
        weights /= size[:, None]
        return F, basis, residual, weights[: len(planes)].T

    def plain(self, planes: Array) -> Network:
        """With output weights and a constant."""
        V, b = self._rows(planes)
        weights = self._weights(V, b, self.X[:, :0])
        return Network(V / self.scale, weights[:, : len(V)], b, self._constant(weights)).canonical()

    def fewer(self, planes: Array, moving: Index) -> Iterator[Network]:
        """Of fits with these hyperplanes: with the sides that they have, and with those that
        explain the linear function best."""
        fitted = self.fitted(planes, moving, linear=False)
        if fitted is not None:
            yield self.plain(fitted)
        fitted = self.fitted(planes, moving) if len(planes) <= MOST_TO_TURN else None
        if fitted is not None:
            V, b = self._rows(fitted)
            weights = self._weights(V, b, self.X) / self.size[:, None]
            left = weights[:, len(V) : len(V) + V.shape[1]][None]
            for u, v in zip(weights[:, : len(V)].T, V, strict=True):
                left = np.concatenate([left, left + np.outer(u, v)])
            best = int(np.abs(left).max(axis=(1, 2)).argmin())
            signs = np.where((best >> np.arange(len(V))) & 1, -1.0, 1.0)
            fitted = self.fitted(fitted * signs[:, None], moving, linear=False)
            if fitted is not None:
                yield self.plain(fitted)

    def with_skip(self, planes: Array) -> Iterator[Network]:
        """The same with a skip connection."""
        V, b = self._rows(planes)
        weights = self._weights(V, b, self.X)
        U, W = weights[:, : len(V)], weights[:, len(V) : len(V) + V.shape[1]] / self.scale
        yield Network(V / self.scale, U, b, self._constant(weights), W=W).canonical()

    def networks(self, planes: Array) -> Iterator[Network]:
        """Of a fit, those whose linear function one unit makes that is active on every sample, or
        none, each with some of the units turned round."""
        V, b = self._rows(planes)
        weights = self._weights(V, b, self.X) / self.size[:, None]
        U, W = weights[:, : len(V)], weights[:, len(V) : len(V) + V.shape[1]]
        for units in sets_of_units(len(V)):
            check_deadline()
            affine = W + U[:, units] @ V[units]
            signs = np.ones(len(V))
            signs[units] = -1.0
            _, sizes, right = np.linalg.svd(affine)
            if len(sizes) > 1 and sizes[1] > 100 * self.enough:
                continue
            unit = self._always_active(right[0])
            if unit is None and sizes[0] > 100 * self.enough:
                continue
            rows = V * signs[:, None], b * signs
            if unit is not None:
                rows = np.vstack([rows[0], unit[0]]), np.append(rows[1], unit[1])
            weights = self._weights(*rows, self.X[:, :0])
            outputs = weights[:, : len(rows[0])]
            other = Network(rows[0] / self.scale, outputs, rows[1], self._constant(weights))
            yield other.canonical()

    def _rows(self, planes: Array) -> tuple[Array, Array]:
        """V, in scaled inputs, and b."""
        rows, d = self.white.to_rows(planes), self.samples.d
        return rows[:, :d], rows[:, d] if self.biased else np.zeros(len(rows))

    def _weights(self, V: Array, b: Array, linear: Array) -> Array:
        """(m, q): of the units, the columns of `linear`, and a constant."""
        F = np.maximum(self.X @ V.T + b, 0.0)
        constant = np.ones((len(F), int(self.biased)))
        return _solve(np.hstack([F, linear, constant]), self.Y) * self.size[:, None]

    def _constant(self, weights: Array) -> Array | None:
        return weights[:, -1] if self.biased else None

    def _always_active(self, direction: Array) -> tuple[Array, float] | None:
        """Hidden weights and bias, in scaled inputs, of a unit along `direction` that is active on
        every sample."""
        low, high = np.inf, -np.inf
        for _, X, _ in self.samples.blocks():
            along = X @ (direction / self.scale)
            low, high = min(low, float(along.min())), max(high, float(along.max()))
        if self.biased:
            return direction, 0.01 * (high - low) - low
        if low >= 0:
            return direction, 0.0
        return (-direction, 0.0) if high <= 0 else None


def _solve(columns: Array, Y: Array) -> Array:
    """(m, q) by least squares, and once more for what rounding has left."""
    size = divisors(np.linalg.norm(columns, axis=0))
    design = columns / size
    found = np.linalg.lstsq(design, Y, rcond=1e-12)[0]
    found += np.linalg.lstsq(design, Y - design @ found, rcond=1e-12)[0]
    return np.asarray((found / size[:, None]).T)


def sets_of_units(k: int, few: int = 1) -> Iterator[list[int]]:
    """Sets that are tried, the empty one first: all, or of many units those of `few` at most."""
    for size in range((k if k <= ALL_SIDES else few) + 1):
        for chosen in combinations(range(k), size):
            yield list(chosen)
