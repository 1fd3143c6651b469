"""The spike-triggered ensemble: the inputs at which counts came, each as often as it was counted.

In white inputs z, a unit that adds u f(v·z + b) to the mean of counts moves the inputs at which it
is heard along v, and stretches their second moment there. So

- the differences between the second moment of the ensemble and that of all inputs (spike-triggered
  covariance) have a direction for each unit, with the sign of its output weight;
- the ensemble is about a mixture of normal laws N(a_j, I), one around each unit's own average: soft
  clustering (Shah et al., eLife 2020). Its means are where fits of networks start.

For normal inputs and exponential units the mixture is the likelihood; for others it is a start.
Clusters are first looked for along the spike-triggered averages and the directions in which the
second moment differs most, where many starts cost little. Inputs at which nothing was counted are
needed for the moments of all inputs alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors, unit_rows
from unrelu.numerics.whitening import Whitened, whiten
from unrelu.samples import Samples

STARTS, ROUNDS, LAST_ROUNDS = 6, 40, 20
"""Random starts of the clusters, rounds of each, and rounds of the best in all directions."""

FURTHER = 2
"""Directions that clusters are looked for along, to a unit, and so many more."""

SHIFT = 1.25
"""Length of a_j at first: the mean of v·z where a unit with b = 0 is heard, √(π / 2)."""

BACKGROUND = 0.1
"""Share of the counts that come from no unit, at first."""

COPIES, PLAIN = 3, 1.1
"""Copies of the labels, each with another sample's inputs, that show how second moments differ by
chance, and how many times as much is more than that."""

TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """`white`: the inputs about their `mean`, white; `rows`, `outputs` and `counts` (r,) of labels
    that are not zero, times the weights of samples; `spread` (d,): sizes by which the second moment
    of the ensemble is larger than that of all inputs, falling, along `directions` (d, d), columns;
    `chance`: more than the largest of them has by chance."""

    white: Whitened
    mean: Array
    rows: Index
    outputs: Index
    counts: Array
    spread: Array
    directions: Array
    chance: float

    @classmethod
    def of(cls, samples: Samples, bias: bool, rng: np.random.Generator) -> Ensemble:
        """Cost: O(n d²), and as much for each of `COPIES`."""
        X = np.asarray(samples.X, np.float64)
        Y = np.maximum(np.asarray(samples.Y, np.float64), 0.0) * samples.root**2
        mean = X.mean(axis=0) * bias
        white = whiten(X - mean)
        total = Y.sum(axis=1)
        values, vectors = np.linalg.eigh(_second(white.features, total))
        copies = [_second(white.features, rng.permutation(total)) for _ in range(COPIES)]
        chance = PLAIN * max(float(np.abs(np.linalg.eigvalsh(copy)).max()) for copy in copies)
        rows, outputs = np.nonzero(Y)
        counts = Y[rows, outputs]
        return cls(white, mean, rows, outputs, counts, values[::-1], vectors[:, ::-1], chance)

    @property
    def excited(self) -> int:
        """How many directions show a unit that adds to counts."""
        return int((self.spread > self.chance).sum())

    @property
    def suppressed(self) -> bool:
        """Whether one shows a unit that takes from them."""
        return bool((self.spread < -self.chance).any())

    def network(self, samples: Samples, n_units: int, rng: np.random.Generator) -> Network:
        """A network of ReLUs, one for each cluster: where fits may start.

        Cost: `STARTS` times `ROUNDS` products of r rows with 2 k + m directions, and `LAST_ROUNDS`
        products of all.
        """
        inputs = self.white.features[self.rows]
        basis = self._basis(inputs, n_units, samples.m)
        few = inputs @ basis
        starts = (self._begun(few, n_units, samples.m, rng) for _ in range(STARTS))
        best = max((self._followed(few, start, ROUNDS) for start in starts), key=lambda c: c.fit)
        wide = Clusters(best.centres @ basis.T, best.shares, best.fit)
        found = self._followed(inputs, wide, LAST_ROUNDS)
        V = self.white.to_rows(found.centres)
        b = -(V @ self.mean)
        hidden = np.maximum(np.asarray(samples.X) @ V.T + b, 0.0).mean(axis=0)
        rate = np.average(np.asarray(samples.Y), axis=0, weights=samples.weights)
        U = found.shares[:, :n_units] * rate[:, None] / divisors(hidden)
        return Network(V, U, b, found.shares[:, n_units] * rate)

    def _basis(self, inputs: Array, n_units: int, m: int) -> Array:
        """(d, q), orthonormal: averages of the ensemble of each output, and directions in which it
        is most spread."""
        averages = np.zeros((m, inputs.shape[1]))
        np.add.at(averages, self.outputs, self.counts[:, None] * inputs)
        main = np.linalg.svd(unit_rows(averages), full_matrices=False)[2][: max(1, n_units)]
        wide = self.directions[:, : FURTHER * (n_units + 1)]
        basis, sizes, _ = np.linalg.svd(np.column_stack([main.T, wide]), full_matrices=False)
        return np.asarray(basis[:, sizes > 1e-6 * sizes[0]])

    def _begun(self, few: Array, n_units: int, m: int, rng: np.random.Generator) -> Clusters:
        """Clusters about random members."""
        chosen = rng.choice(len(few), n_units, p=self.counts / self.counts.sum())
        shares = np.full((m, n_units + 1), (1 - BACKGROUND) / n_units)
        shares[:, n_units] = BACKGROUND
        return Clusters(SHIFT * unit_rows(few[chosen]), shares, -np.inf)

    def _followed(self, inputs: Array, clusters: Clusters, rounds: int) -> Clusters:
        """By expectation maximisation: each count is shared among the clusters by how likely it is
        in each of them, and each cluster has the mean of its share."""
        k, m = clusters.centres.shape[0], len(clusters.shares)
        total = np.bincount(self.outputs, self.counts, minlength=m).astype(np.float64)
        for _ in range(rounds):
            centres, shares = clusters.centres, clusters.shares
            heights = np.zeros((len(inputs), k + 1))
            heights[:, :k] = inputs @ centres.T - (centres**2).sum(axis=1) / 2
            heights += np.log(shares + TINY)[self.outputs]
            top = heights.max(axis=1, keepdims=True)
            parts = np.exp(heights - top)
            size = parts.sum(axis=1, keepdims=True)
            fit = float((self.counts * (top + np.log(size))[:, 0]).sum())
            parts *= self.counts[:, None] / size
            shares = np.stack(
                [np.bincount(self.outputs, part, minlength=m) for part in parts.T], axis=1
            )
            centres = (parts[:, :k].T @ inputs) / divisors(parts[:, :k].sum(axis=0))[:, None]
            clusters = Clusters(centres, shares / divisors(total)[:, None], fit)
        return clusters


@dataclass(frozen=True, eq=False)
class Clusters:
    """Means (k, q) of the clusters; shares (m, k + 1) of the counts of each output that are theirs,
    and at last of those that are nobody's; and the logarithm of the likelihood."""

    centres: Array
    shares: Array
    fit: float


def _second(features: Array, counts: Array) -> Array:
    """Σ_i (y_i / ȳ − 1) z_i z_iᵀ / n."""
    usual = counts.mean() or 1.0
    return np.asarray((features * (counts / usual - 1)[:, None]).T @ features / len(features))
