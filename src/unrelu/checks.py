"""The measurements behind a certificate. Each looks at a canonical network and samples only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.network import Network
from unrelu.numerics.lattice import vanishing_subsets
from unrelu.numerics.sensitivity import sampled_errors
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CONFIDENCE = 4.0
"""Rounding errors add up like a random walk: n operations leave at most CONFIDENCE √n u, but
for a probability 2 exp(−CONFIDENCE²/2) (Higham and Mary 2019)."""


@dataclass(frozen=True)
class Explained:
    """How well the labels are explained; fields as in `Certificate`. `rms` is the root mean
    square residual, `label_rms` that of the labels, both absolute."""

    residual: float
    in_roundings: float
    worst_sample: int
    margin: float
    on_kink: int
    rms: float
    label_rms: float


def explain(net: Network, samples: Samples) -> Explained:
    """One pass over all samples, O(n k (d + m)).

    Rounding of label i of sample x: of k sums over d inputs, weighted by U, and of the sum over
    units; independent errors add in squares:
    CONFIDENCE u √(d + k + 2) (‖x‖ √Σ_j U_ij² + √Σ_j U_ij² b_j² + |c_i|), unit rows of V.
    """
    unit = 0.5 * samples.eps * CONFIDENCE * np.sqrt(net.n_inputs + net.n_units + 2)
    per_norm = np.linalg.norm(net.U, axis=1)
    offset = np.linalg.norm(net.U * net.b, axis=1) + np.abs(net.c)
    bias = float(np.abs(net.b).max(initial=0.0))
    tiny = np.finfo(np.float64).tiny
    worst, worst_sample, largest, margin, on_kink = 0.0, 0, 0.0, np.inf, 0
    squares, label_squares = 0.0, 0.0
    for rows, X, Y in samples.blocks():
        Z = net.preactivations(X)
        norms = np.sqrt(np.einsum("ij,ij->i", X, X))
        if net.n_units:
            gaps = np.abs(Z).min(axis=1) / (unit * (norms + bias) + tiny)
            margin = min(margin, float(gaps.min()))
            on_kink += int((gaps < 1).sum())
        np.maximum(Z, 0.0, out=Z)
        error = Z @ net.U.T
        error += net.c
        error -= Y
        squares += float(np.vdot(error, error))
        label_squares += float(np.vdot(Y, Y))
        np.abs(error, out=error)
        largest = max(largest, float(error.max()))
        allowed = np.outer(norms, per_norm)
        allowed += offset
        np.maximum(allowed, np.abs(Y), out=allowed)
        allowed += tiny
        error /= allowed
        row = int(error.max(axis=1).argmax())
        if error[row].max() > worst:
            worst, worst_sample = float(error[row].max()), rows.start + row
    entries = samples.n * samples.m
    label_rms = float(np.sqrt(label_squares / entries))
    return Explained(
        largest / (label_rms or 1.0),
        worst / unit,
        worst_sample,
        margin,
        on_kink,
        float(np.sqrt(squares / entries)),
        label_rms,
    )


@dataclass(frozen=True, eq=False)
class Pinned:
    """`errors` (k,): how far labels off by rounding may have moved each unit (unit rows).
    `shares` (k,): of the samples, how many each unit is active on."""

    errors: Array
    shares: Array


def pin(net: Network, samples: Samples, noise: float, biased: bool, limit: float) -> Pinned:
    """Estimated errors of hidden weights and biases when labels are off by about `noise`.

    A subset of the rows is enough to show that a unit is pinned; units that it leaves open get
    all the samples that lie on the side where they have few.
    """
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    wanted = max(8 * (net.n_inputs + net.n_units), 3 * _hidden_unknowns(net) // samples.m)
    rows = np.arange(samples.n)
    if wanted < samples.n:
        rows = np.sort(rng.choice(samples.n, wanted, replace=False))
    pinned = _pin_on(net, samples.take(rows), noise, biased, rng)
    weak = np.flatnonzero(~(pinned.errors <= limit))
    if len(weak) and len(rows) < samples.n:
        more = _rows_about(net, samples, weak, 4 * (net.n_inputs + net.n_units))
        rows = np.union1d(rows, more)
        pinned = _pin_on(net, samples.take(rows), noise, biased, rng)
    return pinned


def _hidden_unknowns(net: Network) -> int:
    return net.n_units * (net.n_inputs + 1)


def _pin_on(
    net: Network, samples: Samples, noise: float, biased: bool, rng: np.random.Generator
) -> Pinned:
    Z = net.preactivations(samples.X)
    shares = (Z > 0).mean(axis=0)
    unit = 0.5 * samples.eps * CONFIDENCE * np.sqrt(net.n_inputs + 2)
    reach = np.linalg.norm(samples.X, axis=1) + np.abs(net.b).max(initial=0.0)
    sure = (np.abs(Z) > unit * reach[:, None]).all(axis=1)  # a sample on a kink has two patterns
    X, Y, Z = samples.X[sure], samples.Y[sure], Z[sure]
    columns = np.column_stack([X, np.ones(len(X))]) if biased else X
    if len(X) < columns.shape[1] or np.linalg.matrix_rank(columns) < columns.shape[1]:
        return Pinned(np.full(net.n_units, np.inf), shares)
    white = whiten(columns)
    rows = np.column_stack([net.V, net.b]) if biased else net.V
    points = white.to_features(rows)
    lengths = np.linalg.norm(points, axis=1)
    residual = Y - np.maximum(Z, 0.0) @ net.U.T - net.c
    errors = sampled_errors(
        white.features,
        points / lengths[:, None],
        net.U * lengths,
        residual,
        noise,
        biased,
        rng,
    )
    # Back to the original coordinates, and to unit rows: the part along v is only scale.
    moved = white.to_rows(errors.reshape(-1, errors.shape[2])).reshape(errors.shape)
    moved *= lengths[:, None]
    moved -= rows * (moved[..., : net.n_inputs] * net.V).sum(axis=2, keepdims=True)
    hidden = np.linalg.norm(moved[..., : net.n_inputs], axis=2).max(axis=0, initial=0.0)
    if biased:
        bias = np.abs(moved[..., -1]) / np.maximum(1.0, np.abs(net.b))
        hidden = np.maximum(hidden, bias.max(axis=0, initial=0.0))
    return Pinned(hidden, shares)


def _rows_about(net: Network, samples: Samples, units: Index, most: int) -> Index:
    """For each of the units, up to `most` samples on the side where it has fewer."""
    few = Network(net.V[units], net.U[:, units], net.b[units], net.c)
    counts = np.zeros(len(units), dtype=np.int64)
    for _, X, _ in samples.blocks():
        counts += (few.preactivations(X) > 0).sum(axis=0)
    rare_side = counts <= samples.n // 2
    found: list[Index] = []
    left = np.full(len(units), most)
    for rows, X, _ in samples.blocks():
        rare = (few.preactivations(X) > 0) == rare_side
        rare &= rare.cumsum(axis=0) <= left
        left -= rare.sum(axis=0)
        found.append(rows.start + np.flatnonzero(rare.any(axis=1)))
        if not left.any():
            break
    return np.concatenate(found)


def independent_equations(samples: Samples, biased: bool) -> int:
    """Label entries of distinct inputs. Without biases a network is homogeneous, so inputs on
    one ray count once. Looks at as many rows as fit one block: enough for any network that fits
    there, and a bound from below."""
    _, X, _ = next(iter(samples.blocks()))
    if not biased:
        size = np.abs(X).max(axis=1, keepdims=True)
        X = np.round(X / np.where(size > 0, size, 1.0), 12) + 0.0
    distinct = len(np.unique(np.ascontiguousarray(X), axis=0))
    share = distinct / len(X)
    return int(share * samples.n) * samples.m


def other_sides(net: Network) -> list[NDArray[np.bool_]] | None:
    """Sets of units that can change sides together without changing the function: those with
    Σ u_j v_jᵀ = 0, for f(z) = f(−z) + z and the constants go into c. None when it cannot be
    decided. A set that turns the network into itself (an opposite pair with equal output
    weights) is no ambiguity and is left out.
    """
    k = net.n_units
    terms = (net.U.T[:, :, None] * net.V[:, None, :]).reshape(k, -1)
    terms = terms / np.linalg.norm(terms, axis=1, keepdims=True)
    if k <= terms.shape[1]:
        smallest = np.linalg.svd(terms, compute_uv=False).min(initial=1.0)
        if smallest > 1e-6:
            return []
    if k > 120:
        return None
    strength = np.linalg.norm(net.U, axis=0)
    sets = vanishing_subsets(terms * (strength / strength.max())[:, None])
    return [units for units in sets if not _is_mirrored(net, units)]


def _is_mirrored(net: Network, units: NDArray[np.bool_]) -> bool:
    rows = np.column_stack([net.V, net.b, net.U.T])[units]
    turned = rows.copy()
    turned[:, : net.n_inputs + 1] *= -1
    apart = np.abs(rows[:, None] - turned[None]).max(axis=2)
    return bool((apart.min(axis=1) < 1e-9 * np.abs(rows).max()).all())
