"""Row-space alternation: one unit at a time, of labels in a basis of their span.

The columns f_j of F = f(XVᵀ + b) span the column space of labels of rank k (with output biases, of
[Y 1]), and in it only the multiples of f_j have their support inside that of f_j (BJW Lemma 33).
So one looks for w, v with P w = f(X v), P an orthonormal basis of that space, and v gives the next
sign pattern s = 1[X v > 0], until it repeats. Where f is linear for z > 0, the best pair for a
pattern minimises

    ‖P w − s∘(X v)‖² over ‖w‖ = 1:  w the top eigenvector of BᵀG⁻¹B, v = G⁻¹B w,
    G = X_sᵀX_s, B = X_sᵀP_s,

with value 1 − λ. Value 0 is a unit, found exactly; local minima have values far from 0. For another
phi it comes in two steps:

1. w makes P w as small as can be on the inactive rows: a null vector;
2. phi⁻¹(P w / α) is linear in x on the active rows: v by least squares. The scale α is 1 if f is
   homogeneous; else it is the one unknown that leaves the least relative residual.

What is known to lie in the space may be added freely: the units found so far and, with output
biases, the constant; with a skip connection all inputs. With N an orthonormal basis of it, P
shrinks to what is orthogonal to N, and G to G − (X_sᵀN_s)(N_sᵀX_s). Then no start ends in a unit
found before (its w would be 0), and the last units are found as quickly as the first.

Rows of labels may be divided by their size: null vectors stay, and where f grows as fast as e^(z²),
a few samples would be all that counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from unrelu.activations import Activation
from unrelu.fitting.problem import Problem
from unrelu.fitting.unitwise_polish import refined
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Mask, divisors
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.rank import beyond_affine, null_combination
from unrelu.samples import Samples

NEW = 1e-6
"""Part of a unit, as a share of it, that must lie outside the span of those found before."""

HEIGHTS = np.geomspace(1e-4, 30.0, 45)
"""Where z of the middle active sample may lie, in white inputs: the scales that are tried."""

COARSE = 0.2
"""Relative residual above which a fixed point is not worth a finer search for its scale."""

VALUE = 1e-9
"""Value 1 − λ up to which a fixed point is a unit. The Gram matrices square the conditioning, so a
true one may be as far as 1e-10 from 0; a local minimum is at 1e-2 or more."""

UNIT = 1e-5
"""Relative residual up to which a fixed point is a unit, to be polished, where its scale is
searched for: a search over α knows the least square to half the digits; local minima have residuals
of some per cent."""

LOOKED_AT, LOOKED_AT_STEPS = 40, 30
"""Starts that are looked at for another unit, and steps of each: true ones end half of them and
more."""

TOGETHER = 1 << 18
"""Products of features, sample by sample, up to which starts take their steps together."""

OVERFLOW = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Activations overflow on the way; what is not finite is no unit."""


@dataclass(frozen=True, eq=False)
class LabelSpace:
    """The span of the labels of a problem, known to `eps`, rows divided by `sizes` (n, 1): the
    columns of the orthonormal `basis` (n, r), of which the first `free` span what a network has
    without units."""

    problem: Problem
    sizes: Array
    basis: Array
    free: int
    eps: float

    @classmethod
    def of(cls, problem: Problem, eps: float) -> LabelSpace:
        Y, nuisance = problem.Y, problem.strict.nuisance
        sizes = np.ones((1, 1))
        if not problem.activation.piecewise_linear:
            lengths = np.linalg.norm(Y, axis=1, keepdims=True)
            sizes = np.hypot(lengths, float(np.median(lengths)) or float(lengths.max()) or 1.0)
            nuisance = nuisance / sizes
            nuisance *= np.sqrt(len(Y)) / np.linalg.norm(nuisance, axis=0)
        labels = beyond_affine(Y / sizes, nuisance, eps)
        basis = np.hstack([nuisance / np.sqrt(len(Y)), labels])
        return cls(problem, sizes, basis, nuisance.shape[1], eps)

    @property
    def rank(self) -> int:
        """Of the labels, beyond what is free."""
        return int(self.basis.shape[1]) - self.free

    @property
    def known(self) -> Array:
        """Coefficients of what is free, to begin with: (r, free), orthonormal."""
        return np.eye(self.basis.shape[1])[:, : self.free]

    def parts(self, known: Array) -> tuple[Array, Array]:
        """Bases of what may be added freely, by its orthonormal coefficients (r, q), and of the
        rest of the space."""
        turn = np.linalg.qr(known, mode="complete")[0]
        q = known.shape[1]
        return self.basis @ turn[:, :q], self.basis @ turn[:, q:]

    def coefficients(self, unit: Array) -> Array:
        """Of the hidden values of a hyperplane in white inputs: (r,), of length 1."""
        values = self.problem.activation(self.problem.strict.features @ unit)
        w = self.basis.T @ (values / self.sizes[:, 0])
        return np.asarray(w / np.linalg.norm(w))

    def extended(self, known: Array, unit: Array) -> Array | None:
        """Coefficients of what is known, and of one more unit; None for one that is known."""
        w = self.coefficients(unit)
        if not np.linalg.norm(w - known @ (known.T @ w)) > NEW:
            return None
        return np.asarray(np.linalg.qr(np.column_stack([known, w]))[0])

    def network(self, V: Array, b: Array, *, refine: bool) -> Network:
        """The network with these hidden weights; with `refine`, where they are all there are, to
        the last digit."""
        net = self.problem.network(V, b, 1 / self.sizes)
        if not refine:
            return net
        if self.problem.activation.piecewise_linear:
            return self.problem.refined(net)
        return refined(net, self.problem, self.sizes, self.eps)

    def start(self, rng: np.random.Generator) -> Mask:
        """The pattern of a random hyperplane; with biases, on for any share of the samples."""
        features = self.problem.strict.features
        height = features @ rng.standard_normal(features.shape[1])
        biased = self.problem.bias
        return np.asarray(height > (np.quantile(height, rng.uniform(0.05, 0.95)) if biased else 0))


def alternate(
    space: LabelSpace, parts: tuple[Array, Array], pattern: Mask, steps: int
) -> Array | None:
    """The unit that a sign pattern leads to, as a hyperplane in white inputs; None for a local
    minimum. `parts` of the space as `LabelSpace.parts` gives them.

    Cost of a step: O(l (D² + D k) + D³ + k³) on l rows."""
    if space.problem.activation.piecewise_linear:
        return _by_best_pairs(space.problem.strict.features, parts, pattern, steps)
    return _by_null_vectors(space, parts, pattern, steps)


def _by_best_pairs(Z: Array, parts: tuple[Array, Array], pattern: Mask, steps: int) -> Array | None:
    free, rest = parts
    for _ in range(steps):
        check_deadline()
        value, v = _best_pair(Z[pattern], rest[pattern], free[pattern])
        previous, pattern = pattern, Z @ v > 0
        if np.array_equal(previous, pattern):
            break
    if value > VALUE or pattern.all():
        return None
    return np.asarray(v / np.linalg.norm(v))


def _best_pair(Z: Array, P: Array, free: Array) -> tuple[float, Array]:
    """Value 1 − λ and v for the rows of one pattern, oriented so that Σ x·v > 0 on them."""
    B = Z.T @ P
    C = Z.T @ free
    gram = Z.T @ Z - C @ C.T
    gram[np.diag_indices(len(gram))] += len(gram) * np.finfo(np.float64).eps * (len(Z) + 1)
    try:
        solved = np.linalg.solve(gram, B)
    except np.linalg.LinAlgError:  # fewer independent samples than inputs: no unit shows there
        return np.inf, np.ones(len(gram))
    values, vectors = np.linalg.eigh(B.T @ solved)
    v = solved @ vectors[:, -1]
    if Z.sum(axis=0) @ v < 0:
        v = -v
    return 1.0 - float(values[-1]), v


def alternate_together(
    space: LabelSpace, parts: tuple[Array, Array], patterns: list[Mask], steps: int
) -> list[Array | None]:
    """`alternate` from several sign patterns, for f linear on both sides of 0. Of few samples of
    few inputs most time goes into the calls: there, all starts take their steps together."""
    Z, (free, rest) = space.problem.strict.features, parts
    width = Z.shape[1] + free.shape[1] + rest.shape[1]
    if len(patterns) == 1 or Z.size * width > TOGETHER:
        return [alternate(space, parts, pattern, steps) for pattern in patterns]
    products = [(Z[:, :, None] * other[:, None]).reshape(len(Z), -1) for other in (Z, rest, free)]
    on, moving = np.array(patterns), np.arange(len(patterns))
    values, units = np.full(len(on), np.inf), np.ones((len(on), Z.shape[1]))
    for _ in range(steps):
        check_deadline()
        try:
            values[moving], units[moving] = _best_of_each(Z, products, on[moving])
        except np.linalg.LinAlgError:  # of one of them: see `_best_pair`
            return [alternate(space, parts, pattern, steps) for pattern in patterns]
        following = units[moving] @ Z.T > 0
        moved = (following != on[moving]).any(axis=1)
        on[moving], moving = following, moving[moved]
        if not len(moving):
            break
    ends = (values <= VALUE) & ~on.all(axis=1)
    return [v / np.linalg.norm(v) if end else None for v, end in zip(units, ends, strict=True)]


def _best_of_each(Z: Array, products: list[Array], on: Mask) -> tuple[Array, Array]:
    """`_best_pair` for each of the patterns (s, n), from the products of features with themselves,
    and with the rest and the free part of the space, sample by sample."""
    (s, _), D = on.shape, Z.shape[1]
    weights = on.astype(np.float64)
    gram, B, C = ((weights @ each).reshape(s, D, -1) for each in products)
    gram = gram - C @ C.transpose(0, 2, 1)
    ridge = D * np.finfo(np.float64).eps * (weights.sum(axis=1) + 1)
    gram[:, np.arange(D), np.arange(D)] += ridge[:, None]
    solved = np.linalg.solve(gram, B)
    values, vectors = np.linalg.eigh(B.transpose(0, 2, 1) @ solved)
    v = (solved @ vectors[:, :, -1:])[:, :, 0]
    v *= np.where(((weights @ Z) * v).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    return 1.0 - values[:, -1], v


def _by_null_vectors(
    space: LabelSpace, parts: tuple[Array, Array], pattern: Mask, steps: int
) -> Array | None:
    free, rest = parts
    Z, activation = space.problem.strict.features, space.problem.activation
    seen: set[bytes] = set()
    fine = False
    for _ in range(steps):
        off = ~pattern
        if off.sum() < max(1, space.basis.shape[1] - 1) or pattern.sum() < Z.shape[1]:
            return None
        w, c = null_combination(rest[off], free[off], UNIT)
        values = rest @ w + free @ c
        h = values * space.sizes[:, 0]
        if h[pattern].sum() < 0:
            h = -h
        accuracy = 1e-10 if fine else 1e-3
        left, a = direction(Z[pattern], h[pattern], activation, space.problem.bias, accuracy)
        if a is None:
            return None
        previous, pattern = pattern, Z @ a > 0
        repeated = np.array_equal(previous, pattern)
        if repeated and not fine and not activation.homogeneous:
            if left > COARSE:
                return None
            fine, seen = True, set()
        elif repeated:
            vanishes = np.linalg.norm(values[off]) < UNIT  # the new part has length 1
            return a if left < UNIT and vanishes and off.any() else None
        else:
            packed = np.packbits(pattern).tobytes()
            if packed in seen:
                return None
            seen.add(packed)
    return None


def direction(
    Z: Array, h: Array, activation: Activation, bias: bool, accuracy: float
) -> tuple[float, Array | None]:
    """a with h = α phi(Z a) for some α, as nearly as can be, and the residual of Z a, relative to
    what is to be explained: with biases, a constant is not. `accuracy`: of the logarithm of z."""
    basis, values, right = np.linalg.svd(Z, full_matrices=False)
    kept = values > max(Z.shape) * np.finfo(np.float64).eps * values[0]
    basis, values, right = basis[:, kept], values[kept], right[kept]

    def off(scale: float | Array) -> tuple[Array, Array]:
        """Residuals of z = phi⁻¹(h / scale) from the column space of Z, and z."""
        heights = np.abs(h)[:, None] / np.atleast_1d(scale)
        z = np.sign(h)[:, None] * activation.inverse(heights)
        rest = z - basis @ (basis.T @ z)
        size = divisors(np.linalg.norm(z - z.mean(axis=0) if bias else z, axis=0))
        left = np.linalg.norm(rest, axis=0) / size
        return np.where(np.isfinite(left), left, np.inf), z

    middle = float(np.median(np.abs(h)))
    if not middle > 0:
        return np.inf, None
    if activation.homogeneous:
        left, z = off(middle)
    else:
        with np.errstate(all="ignore"):
            scales = middle / activation(HEIGHTS)
            left, z = off(scales)
        at = int(left.argmin())
        if not np.isfinite(left[at]):
            return np.inf, None
        low, high = np.log(HEIGHTS[[max(at - 1, 0), min(at + 1, len(HEIGHTS) - 1)]])

        def objective(log_height: float) -> float:
            with np.errstate(all="ignore"):
                scale = middle / activation(np.exp([log_height]))
                return float(min(off(scale)[0][0], 1e6))

        best = minimize_scalar(
            objective, bounds=(low, high), method="bounded", options={"xatol": accuracy}
        )
        with np.errstate(all="ignore"):
            left, z = off(middle / activation(np.exp([best.x])))
    if not np.isfinite(z).all():
        return np.inf, None
    return float(left[0]), right.T @ ((basis.T @ z[:, 0]) / values)


def another_unit(samples: Samples, net: Network, biased: bool, rng: np.random.Generator) -> bool:
    """Whether one of `LOOKED_AT` starts ends in a unit that the network has not."""
    problem = Problem(samples, np.arange(samples.n), biased, activation=net.activation)
    space, Z = LabelSpace.of(problem, samples.eps), problem.strict.features
    parts, patterns = space.parts(space.known), Z @ problem.points(net.V, net.b).T > 0
    for _ in range(LOOKED_AT):
        unit = alternate(space, parts, space.start(rng), LOOKED_AT_STEPS)
        if unit is not None and ((Z @ unit > 0)[:, None] != patterns).any(axis=0).all():
            return True
    return False
