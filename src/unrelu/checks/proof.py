"""What is certain of a rational network without any rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrelu.checks.finding import listed
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Index
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rationals import Rationals, product, rounded, to_matrix
from unrelu.samples import ExactSamples

Residues = NDArray[np.int64]

PRIME = 2**31 - 1
"""Products of residues fit into 64 bits. Ranks modulo a prime are at most those over ℚ, so a full
one proves a full one; one in two billion full ones is missed."""

MOST_ENTRIES = 30_000_000
"""Of a matrix whose rank is taken: some seconds."""

BLOCK = 4096
"""Rows that are held as Fractions at a time."""


@dataclass(frozen=True, eq=False)
class Proof:
    """Every label recomputed over ℚ.

    broken : the samples whose labels are not exactly those of the network; `off`, by how much at
        most, in units of the labels.
    pinned : no other weights near these explain the samples: the canonical Jacobian has full rank
        over ℚ. False where that was not shown.
    on_kink : samples that lie on the boundary of a unit, exactly; they count for no rank.
    bits : of the largest numerator or denominator of a weight.
    """

    n_samples: int
    broken: Index
    off: float
    pinned: bool
    on_kink: int
    bits: int

    @property
    def holds(self) -> bool:
        return not len(self.broken)

    def __str__(self) -> str:
        if not self.holds:
            return (
                f"{len(self.broken)} of {self.n_samples} samples break the proof, by up to "
                f"{self.off:.2g}: {listed(self.broken, 'sample')}"
            )
        pinned = "no others near them" if self.pinned else "perhaps others"
        return (
            f"all {self.n_samples} labels recomputed over the rationals and found equal; weights "
            f"of up to {self.bits} bits, and {pinned} give the same"
        )


def prove(net: Network, samples: ExactSamples, bias: bool, skip: bool = False) -> Proof:
    """Recompute every label of a rational network, and its Jacobian's rank.

    bias : whether b and c may differ from zero; skip : whether W may. Cost: O(n k (d + m)) products
    of rationals, and a rank modulo a prime, see `_pinned`.
    """
    broken, clear, off = [], [], 0.0
    for start in range(0, len(samples.X), BLOCK):
        check_deadline()
        rows = slice(start, start + BLOCK)
        Z: Rationals = product(samples.X[rows], net.V.T) + net.b
        left = samples.Y[rows] - product(net.activation.exactly(Z), net.U.T) - net.c
        if net.skip:
            left = left - product(samples.X[rows], net.W.T)
        wrong = np.flatnonzero((left != 0).any(axis=1))
        broken.append(start + wrong)
        off = max(off, float(np.abs(rounded(left[wrong])).max(initial=0.0)))
        clear.append(start + np.flatnonzero((Z != 0).all(axis=1)))
    kept = np.concatenate(clear)
    weights = np.concatenate([w.ravel() for w in (net.V, net.U, net.b, net.c, net.W)])
    return Proof(
        n_samples=len(samples.X),
        broken=np.concatenate(broken),
        off=off,
        pinned=_pinned(net, samples, kept, bias, skip),
        on_kink=len(samples.X) - len(kept),
        bits=max(max(w.numerator.bit_length(), w.denominator.bit_length()) for w in weights),
    )


def _pinned(net: Network, samples: ExactSamples, clear: Index, bias: bool, skip: bool) -> bool:
    """Whether only the scales of the units, v → a v, u → u / a, leave all labels as they are.

    The derivative of the labels is Σ_j (s_j∘X̄ dv̄_j) u_jᵀ + F dUᵀ + 1 dcᵀ, with X̄ = [X 1],
    v̄ = (v, b) and s_j = f'(z_j), the pattern of the unit for the ReLU. Where U has full column rank
    it vanishes only if, for every j,

        s_j∘X̄ dv̄_j + F a_j + γ_j 1 = 0    (a_j, γ_j: column j of dUᵀ U⁺ᵀ and dcᵀ U⁺ᵀ),

    so k matrices of d + k columns do instead of one of k (d + m): each may lose one rank, to the
    scale. A part of the rows is enough to show it. A skip connection adds X dWᵀ: all of X̄ where
    the column of ones was.
    """
    if net.n_units == 0 and not skip:
        return True
    d, k, m = net.n_inputs, net.n_units, net.n_outputs
    apart = k > 0 and to_matrix(net.U).rank() == k
    if len(clear) == 0:
        return False
    columns = count_unknowns(k, d, m, biases=bias, skip=skip, scales=True)
    equations, scales = m, k
    if apart:
        columns, equations, scales = (d + bias) + k + (skip * d + bias), 1, 1
    rng = np.random.default_rng(0)  # a certificate is a function of its samples
    wanted = 4 * -(-columns // equations)
    while True:
        rows = clear if wanted >= len(clear) else rng.choice(clear, wanted, replace=False)
        if len(rows) * equations * columns > MOST_ENTRIES:
            return False
        try:
            joint = _modulo(net, samples, rows, bias, skip)
            models = map(joint.of_unit, range(k)) if apart else [joint]
            if all(_rank(J.dense(PRIME)) == columns - scales for J in models):
                return True
        except ValueError:  # the prime divides a denominator: nothing is shown
            return False
        if len(rows) == len(clear):
            return False
        wanted *= 8


def _modulo(net: Network, samples: ExactSamples, rows: Index, bias: bool, skip: bool) -> Jacobian:
    """Of the labels of some rows, in residues modulo the prime."""
    Z: Rationals = product(samples.X[rows], net.V.T) + net.b
    ones = np.ones((len(rows), int(bias)), dtype=np.int64)
    X = np.hstack([_residues(samples.X[rows]), ones])
    H = np.hstack([_residues(net.activation.exactly(Z)), X if skip else ones])
    return Jacobian(X, _residues(net.activation.exact_slope(Z)), _residues(net.U), H)


def _residues(numbers: Rationals) -> Residues:
    """Numerators over denominators modulo the prime; ValueError if that divides one of them."""
    found = [
        number.numerator * pow(number.denominator, -1, PRIME) % PRIME for number in numbers.ravel()
    ]
    return np.array(found, dtype=np.int64).reshape(numbers.shape)


def _rank(matrix: Residues) -> int:
    from flint import nmod_mat

    entries, columns = matrix[..., 0].size, matrix.shape[-1]
    return int(nmod_mat(entries, columns, matrix.ravel().tolist(), PRIME).rank())
