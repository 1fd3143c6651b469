"""What is summed over all samples for an estimate of all of them, and to hold it against them.

With B = [Φ H] the features of the fit (rows, b) as in `inference.fisher`, T alternatives (rows, K)
and R residuals (rows, m), the sums of a cell are

    gram      BᵀB                 cross     TᵀB               products  RᵀR
    moments   [B T]ᵀR, first as it is, then with random signs, one for each run of `RUN` rows
    scores    Σ g gᵀ, g = J_iᵀ r_i the score of a sample
    runs, cells  of the scores of a run and of a cell: squares of their sums, sums of their squares,
              and squares of those
    largest   |r|                 hashes, counts   of samples: how often the same one is there

The signs leave everything as it is but for what residuals have in common with the features: sums
with them are what chance would make of the sums without, however unequal the noise is and however
it depends on its neighbours within a run (a wild bootstrap: Wu 1986, Liu 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from unrelu.inference import fisher
from unrelu.inference.alternatives import Alternatives
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray, Array
from unrelu.numerics.folding import CELL, Sums
from unrelu.numerics.whitening import with_constant

RUN = 256
"""Rows that share a random sign."""

COPIES, FEW_COPIES, COPIED = 199, 39, 1 << 23
"""Sets of random signs, at most and at least, and numbers that the sums with them take."""

SLAB_ENTRIES = 1 << 18
"""Numbers that are held at once for some runs of rows."""

REMEMBERED = 1024
"""Samples, the same ones wherever they are, whose copies are counted: those of smallest hashes."""


@dataclass(frozen=True, eq=False)
class CellSums:
    """What is summed, as a `Measure`. net, model : the fit, in white coordinates and outputs in
    those of `root`; factor : such that [X 1] = Z factor. alternatives : None where only the
    estimate is asked. scored : whether the scores are."""

    net: Network
    model: fisher.Model
    factor: Array
    root: Array
    biased: bool
    alternatives: Alternatives | None = None
    scored: bool = False

    def __call__(self, start: int, X: Array, Y: Array) -> Sums:
        rows = with_constant(X, self.biased)
        Z = np.asarray(solve_triangular(self.factor, rows.T, trans="T", check_finite=False).T)
        R = solve_triangular(self.root, (Y - self.net(X)).T, lower=True, check_finite=False).T
        k, t, _, q = self.model.shape
        width = max(1, k * t + q, self.model.unknowns)
        step = max(1, SLAB_ENTRIES // (RUN * width)) * RUN
        signs = self._signs(start // CELL)
        total: Sums = {}
        for first in range(0, len(Z), step):
            here = slice(first, first + step)
            mine = signs[:, first // RUN : (first + step) // RUN]
            part = self._slab(np.ascontiguousarray(Z[here]), np.ascontiguousarray(R[here]), mine)
            if total:
                for name, value in part.items():
                    total[name] += value
            else:
                total = part
        if self.alternatives:
            _of_runs(total, "cells", total.pop("score")[None], total.pop("squares")[None])
        total["products"] = np.asarray(R.T @ R)
        total["largest"] = np.abs(R).max(axis=0)
        if self.alternatives:
            total["hashes"], total["counts"] = _counted(*_hashes(X, Y))
        return total

    def _signs(self, number: int) -> Array:
        """(copies, runs): of the cell of this number."""
        if self.alternatives is None:
            return np.ones((0, CELL // RUN))
        k, t, m, q = self.model.shape
        entries = (k * t + q + self.alternatives.count) * m
        copies = min(COPIES, max(FEW_COPIES, COPIED // entries))
        return np.random.default_rng([0, number]).choice([-1.0, 1.0], (copies, CELL // RUN))

    def _slab(self, Z: Array, R: Array, signs: Array) -> Sums:
        J = self.model.jacobian(Z)
        k, t, _, _ = self.model.shape
        B = np.hstack([J.features().reshape(len(Z), k * t), J.outer])
        sums: Sums = {"gram": B.T @ B}
        if self.alternatives:
            T = self.alternatives.features(Z)
            sums["cross"] = T.T @ B
            B = np.hstack([B, T])
        runs = _by_run(B, R) if len(signs) else (B.T @ R)[None]
        own = runs.sum(axis=0)[None]
        drawn = (signs[:, : len(runs)] @ runs.reshape(len(runs), -1)).reshape(-1, *own.shape[1:])
        sums["moments"] = np.concatenate([own, drawn])
        G = J.transposed_each(R) if self.scored or self.alternatives else R[:0]
        if self.scored:
            sums["scores"] = G.T @ G
        if self.alternatives:
            edges = np.arange(0, len(G), RUN)
            squares = np.add.reduceat(G**2, edges, axis=0)
            each = np.add.reduceat(G, edges, axis=0)
            sums["score"], sums["squares"] = each.sum(axis=0), squares.sum(axis=0)
            _of_runs(sums, "runs", each, squares)
        return sums


def _by_run(B: Array, R: Array) -> Array:
    """Bᵀ R of each run of rows, (runs, columns, m)."""
    whole = len(B) // RUN * RUN
    found = np.matmul(
        B[:whole].reshape(-1, RUN, B.shape[1]).transpose(0, 2, 1),
        R[:whole].reshape(-1, RUN, R.shape[1]),
    )
    if whole == len(B):
        return np.asarray(found)
    return np.concatenate([found, (B[whole:].T @ R[whole:])[None]])


def _of_runs(sums: Sums, name: str, each: Array, squares: Array) -> None:
    """Of the scores of runs (runs, p): Σ (Σ g)², Σ Σ g², Σ (Σ g²)²."""
    sums[name] = np.stack([(each**2).sum(0), squares.sum(0), (squares**2).sum(0)])


def _hashes(X: Array, Y: Array) -> tuple[AnyArray, AnyArray]:
    """The hash of each sample, and how often it is there: by a random odd factor for each column,
    the bits of the sum mixed."""
    bits = np.hstack([X, Y]).view(np.uint64)
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 1 << 63, bits.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    mixed = ((bits ^ (bits >> np.uint64(29))) * factors).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(30)
    return mixed, np.ones(len(mixed), np.int64)


def _counted(hashes: AnyArray, counts: AnyArray) -> tuple[AnyArray, AnyArray]:
    """The smallest of the hashes, each once. One of the smallest of all is among those of every
    part, so its count is exact."""
    different, which = np.unique(hashes, return_inverse=True)
    return different[:REMEMBERED], np.bincount(which, counts).astype(np.int64)[:REMEMBERED]


def add(a: Sums, b: Sums) -> Sums:
    """The sums of both, which take the place of the first."""
    for name, value in a.items():
        if name not in ("largest", "hashes", "counts"):
            np.add(value, b[name], out=value)
    a["largest"] = np.maximum(a["largest"], b["largest"])
    if "hashes" in a:
        both = (np.concatenate([a[name], b[name]]) for name in ("hashes", "counts"))
        a["hashes"], a["counts"] = _counted(*both)
    return a
