"""From a network in float64 to the rational one behind it.

On rows that lie clear of every kink the sign patterns s_j are known, and the residual

    r(θ) = Y − Σ_j s_j∘(X v_j + b_j) u_jᵀ − c,    θ = (V, b, U, c), one entry of each v_j at ±1,

is a polynomial with rational coefficients whose Jacobian has full rank where the samples pin the
network down (for z^c with a whole c, powers of X v_j + b_j take the place of the latter). With the
pseudo-inverse J⁺ at the float solution, computed once and in floats,

    θ ← θ + J⁺ r(θ)

converges linearly: each step adds the dozen digits that J⁺ is good for, if r is computed without
any rounding. Once θ is known to ε, its entries are the simplest rationals within ε: the true ones
as soon as 2 q² ε < 1 for their denominators q (Legendre). Whether they are is not believed but
checked, on all samples, by whoever uses them (`checks.proof`).

Where some labels are off, the steps end in the least-squares solution, with a residual that no
longer falls; the sample that is worst off is then left out, and the steps go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dtrcon

from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.network.unknowns import count_unknowns
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rationals import Rationals, as_fractions, product
from unrelu.numerics.simplest import simplest
from unrelu.numerics.whitening import with_constant
from unrelu.samples import ExactSamples

CLEAR = 1e-6
"""|x·v + b| as a share of ‖x‖ ‖v‖ + |b| from which a float pattern is certain: what a float
network is good for where it is pinned down at all."""

EQUATIONS = 3
"""To an unknown: as many rows as that make J⁺ a good one, and its inverse cheap."""

MOST_UNKNOWNS = 6000
"""J is dense: 2.6 GB at this size."""

SPARE_BITS = 24
"""By which ε has to be finer than a fraction of so many bits in all: chance gives one in 2²⁴."""

WELL_CONDITIONED = 1e8
"""Condition number of J with which a step adds some eight digits; for a worse one more rows are
examined, as many as there are."""

FALLING = 2.0
"""Factor by which a step that still converges brings the residual down."""

ROUNDED = (
    "no such network gives these very labels, which are rounded, as it seems, as a whole: "
    "exact=False takes them so"
)

MOST_OFF = 16
"""Samples that may be left out before the labels as a whole are held to be rounded."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """`network` over ℚ, or None with the `reason`; `contradicted` where that is the labels, which
    no network near the given one explains; `steps`, and `bits` of precision reached."""

    network: Network | None
    reason: str
    steps: int
    bits: int
    contradicted: bool = False


def lift(net: Network, samples: ExactSamples, bias: bool, rng: np.random.Generator) -> Lifted:
    """The rational network of which `net`, in float64, is the rounding.

    net : canonical, explains the (rounded) samples but for a few; bias : whether b and c are
    unknowns, or zero. The samples should pin `net` down; if they do not, J has no full rank and
    the answer is None.

    Cost: O(N p² + s N (d + k + m)) for p unknowns in N = 3 p equations and s steps, one to a dozen
    digits.
    """
    net = net.canonical()
    unknowns = _unknowns(net, bias)
    if unknowns.count > MOST_UNKNOWNS:
        return Lifted(None, f"{unknowns.count} unknowns, more than {MOST_UNKNOWNS}", 0, 0)
    chosen = _clear_rows(net, samples)
    wanted = -(-EQUATIONS * unknowns.count // samples.rounded.m)
    order = rng.permutation(len(chosen))
    while True:
        check_deadline()
        rows = np.sort(chosen[order[:wanted]])
        system = _System.of(net, samples, rows, unknowns)
        inverse, condition = system.inverse(np.ones(len(rows), dtype=np.bool_))
        if condition < WELL_CONDITIONED or wanted >= len(chosen):
            break
        wanted *= 4
    if inverse is None:
        return Lifted(None, "the samples do not pin the weights down", 0, 0)
    return _refined(net, system, inverse, _most_bits(samples, unknowns))


def _most_bits(samples: ExactSamples, unknowns: _Unknowns) -> int:
    """Of weights that are worth waiting for: a few times those of the solution of a linear system
    with so many bits to a label, the product of one entry from every row (Cramer)."""
    numbers = [*samples.Y[: unknowns.k + unknowns.d].ravel(), *samples.X[: unknowns.d].ravel()]
    entry: int = max(max(y.numerator.bit_length(), y.denominator.bit_length()) for y in numbers)
    return 4 * (unknowns.k + unknowns.d + 1) * (entry + 16)


def _refined(net: Network, system: _System, inverse: Array, most_bits: int) -> Lifted:
    unknowns = system.unknowns
    theta = unknowns.start(net)
    used = np.ones(len(system.X), dtype=np.bool_)
    before, steps = np.inf, 0
    while True:
        check_deadline()
        residual, exponent = system.residual(theta, used)
        size = exponent + np.log2(np.abs(residual).max(initial=0.0) or 1.0)
        if not residual.any():
            return Lifted(unknowns.network(theta, net), "", steps, 0)
        if size > before - np.log2(FALLING):
            worst = _worst(residual, inverse, system, used)
            if worst is None:
                return Lifted(None, ROUNDED, steps, int(-size), contradicted=True)
            used[worst] = False
            refreshed, _ = system.inverse(used)
            if refreshed is None:
                few = "too few samples agree with each other"
                return Lifted(None, few, steps, int(-size), contradicted=True)
            inverse, before = refreshed, np.inf
            continue
        before = size
        step = inverse @ residual
        steps += 1
        theta = theta + as_fractions("step", step) * Fraction(2) ** exponent
        error = Fraction(2) ** int(np.ceil(exponent + np.log2(np.abs(step).max())))
        bits = -(error.denominator.bit_length() - error.numerator.bit_length())
        rounded = _simple(theta, error)
        if rounded is not None:
            found = unknowns.network(rounded, net)
            if not system.residual(rounded, used)[0].any():
                return Lifted(found, "", steps, -bits)
        if -bits > most_bits:
            return Lifted(None, f"the weights are not rationals of {most_bits} bits", steps, -bits)


def _simple(theta: Rationals, error: Fraction) -> Rationals | None:
    """The simplest rationals within `error`, if they are far simpler than chance would have it."""
    room = error.denominator.bit_length() - error.numerator.bit_length() - SPARE_BITS
    found = []
    for value in theta:
        check_deadline()
        near = simplest(value - error, value + error)
        if near.numerator.bit_length() + near.denominator.bit_length() > room:
            return None
        found.append(near)
    return np.array([*found, None], dtype=np.object_)[:-1]


def _clear_rows(net: Network, samples: ExactSamples) -> Index:
    X = samples.rounded.X
    reach = np.linalg.norm(X, axis=1)[:, None] + np.abs(net.b)
    return np.flatnonzero((np.abs(net.preactivations(X)) > CLEAR * reach).all(axis=1))


@dataclass(frozen=True, eq=False)
class _Unknowns:
    """Where the weights are in θ: rows of [V b], without the entry `pivots` of each, then of [U c].
    Without biases b and c are not among them."""

    pivots: Index
    signs: Array
    d: int
    m: int
    bias: bool

    @property
    def k(self) -> int:
        return len(self.pivots)

    @property
    def count(self) -> int:
        return count_unknowns(self.k, self.d, self.m, biases=self.bias)

    @property
    def free(self) -> Mask:
        """(k, d + 1): the entries of [V b] that are unknown."""
        free = np.ones((self.k, self.d + 1), dtype=np.bool_)
        free[np.arange(self.k), self.pivots] = False
        free[:, self.d] = self.bias
        return free

    def start(self, net: Network) -> Rationals:
        scale = np.abs(net.V[np.arange(self.k), self.pivots])
        rows = np.column_stack([net.V, net.b]) / scale[:, None]
        U = net.U * scale ** _exponent(net)
        W = np.column_stack([U, net.c]) if self.bias else U
        return as_fractions("weights", np.concatenate([rows[self.free], W.ravel()]))

    def split(self, theta: Rationals) -> tuple[Rationals, Rationals, Rationals, Rationals]:
        """V, b, U, c."""
        rows = as_fractions("V", np.zeros((self.k, self.d + 1)))
        rows[np.arange(self.k), self.pivots] = as_fractions("V", self.signs)
        W = as_fractions("U", np.zeros((self.m, self.k + 1)))
        free = self.free
        rows[free] = theta[: free.sum()]
        W[:, : self.k + self.bias] = theta[free.sum() :].reshape(self.m, self.k + self.bias)
        return rows[:, :-1], rows[:, -1], W[:, :-1], W[:, -1]

    def network(self, theta: Rationals, net: Network) -> Network:
        V, b, U, c = self.split(theta)
        return Network(V, U, b, c, net.activation).canonical()


def _unknowns(net: Network, bias: bool) -> _Unknowns:
    pivots = np.abs(net.V).argmax(axis=1) if net.n_units else np.arange(0)
    signs = np.sign(net.V[np.arange(net.n_units), pivots])
    return _Unknowns(pivots, signs, net.n_inputs, net.n_outputs, bias)


def _exponent(net: Network) -> int:
    exponent = net.activation.exponent
    assert exponent is not None, "others are not rational"
    return exponent


@dataclass(frozen=True, eq=False)
class _System:
    """The equations of some rows: exact data, their patterns (l, k), and J (l, m, p) in floats."""

    X: Rationals
    Y: Rationals
    active: Mask
    J: Array
    unknowns: _Unknowns
    exponent: int

    @classmethod
    def of(cls, net: Network, samples: ExactSamples, rows: Index, unknowns: _Unknowns) -> _System:
        X = np.asarray(samples.rounded.X)[rows]
        Z = net.preactivations(X)
        scale = np.abs(net.V[np.arange(net.n_units), unknowns.pivots])
        c = _exponent(net)
        U, active, Z = net.U * scale**c, Z > 0, Z / scale
        s = active if c == 1 else net.activation.slope(Z)
        F = np.maximum(Z, 0.0) ** c
        H = with_constant(F, unknowns.bias)
        J = Jacobian(with_constant(X), s, U, H).dense()
        outer = np.ones(H.shape[1] * net.n_outputs, dtype=np.bool_)
        J = J[:, :, np.append(unknowns.free, outer)]
        return cls(samples.X[rows], samples.Y[rows], active, J, unknowns, c)

    def inverse(self, used: Mask) -> tuple[Array | None, float]:
        """J⁺ of the rows used, (p, l m), and the condition number of J with columns of length one;
        None where J has no full rank in floats."""
        J = self.J[used].reshape(int(used.sum()) * self.unknowns.m, self.unknowns.count)
        size = np.sqrt((J**2).sum(axis=0))
        if J.shape[0] < J.shape[1] or not size.all():
            return None, np.inf
        Q, R = np.linalg.qr(J / size)
        reciprocal = dtrcon(R)[0] if len(R) else 1.0
        if reciprocal <= len(J) * np.finfo(np.float64).eps:
            return None, np.inf
        return np.asarray(solve_triangular(R, Q.T) / size[:, None]), 1 / reciprocal

    def residual(self, theta: Rationals, used: Mask) -> tuple[Array, int]:
        """r(θ) of the rows used as floats (l m,) times a power of two, correctly rounded."""
        V, b, U, c = self.unknowns.split(theta)
        F = (product(self.X[used], V.T) + b) * self.active[used]
        F = F if self.exponent == 1 else F**self.exponent
        left = (self.Y[used] - product(F, U.T) - c).ravel()
        sizes = [r.numerator.bit_length() - r.denominator.bit_length() for r in left if r]
        exponent = max(sizes, default=0)
        scale = Fraction(2) ** -exponent
        return np.array([float(r * scale) for r in left]), exponent


def _worst(residual: Array, inverse: Array, system: _System, used: Mask) -> int | None:
    """The sample that is off most, as a multiple of what least squares leaves of it, 1 − its
    leverage; None where too many are, or were, off to be left out one by one."""
    rows = np.flatnonzero(used)
    if len(system.X) - len(rows) >= MOST_OFF:
        return None
    size = np.abs(residual)
    if np.median(size) > size.max() / 8:  # one label that is off shows a little everywhere
        return None
    J = system.J[used].reshape(len(residual), -1)
    leverage = np.einsum("ip,pi->i", J, inverse)
    off = size**2 / np.maximum(1 - leverage, np.finfo(np.float64).eps)
    return int(rows[np.asarray(off).reshape(len(rows), -1).max(axis=1).argmax()])
