"""Hidden weights up to sign from one moment tensor of the labels (BJW Algorithm 5, steps 1 to 4).

For z ~ N(0, I) the score function of order r is the Hermite polynomial He_r, and

    E[y ⊗ He_r(z)] = h_r Σ_j u_j ⊗ v_j⊗…⊗v_j,    h_r = E f(g) He_r(g),

a tensor whose decomposition gives the v_j up to sign. Inputs of any covariance are whitened first
(BJW Remark 24). Orders above two are contracted down to matrices, never formed.

order 2  one (d, d) slice to an output: needs m ≥ 2 and no two columns of U parallel.
order 3  the paper's choice: needs an f with h₃ ≠ 0, which the ReLU is not.
order 4  works with one output, and needs the most samples: the variance of He_r grows as r!.

Differences from the paper: it contracts the labels to a random combination of outputs, which all
orders but two could do with; here several combinations are decomposed jointly. It adds Gaussian
noise to the labels, for the proof only. And it takes the moments once. Labels without noise are
then all the noise there is: m = 2, k = 10, d = 20, n = 20,000 leaves rows off by up to 1.2 rad
(measured). So the network found is taken off the labels, its own moments are added back by formula,
and the moments of the rest are taken again, until the rest gets no smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrelu.activations import Activation, hermite
from unrelu.fitting.candidate import Unsuitable
from unrelu.numerics.arrays import Array
from unrelu.numerics.joint_diagonalisation import common_span, joint_diagonalise
from unrelu.numerics.laws import non_normality
from unrelu.numerics.moments import (
    contractions_of,
    fourth_moments,
    residualise,
    second_moments,
    third_moments,
    white_labels,
)
from unrelu.numerics.tensor_power import power_factors
from unrelu.numerics.whitening import whiten
from unrelu.recipes.signs import by_regression
from unrelu.samples import Samples

CHANCE = 6.0
"""Standard errors up to which inputs may be Gaussian."""

ORDERS = (2, 3, 4)

ROUNDS = 12
"""Times, at most, that moments are taken. GAIN ends it: two to six times are usual."""

GAIN = 0.9
"""A round that leaves more than this share of the rest's variance was the last."""

NOTHING = 1e-24
"""Share of the labels' variance below which the rest is rounding."""

OUTPUTS = 4
"""Combinations of outputs that orders three and four look at: each has k slices or more."""


def choose_order(activation: Activation, k: int, m: int, order: int | None) -> int:
    """The order given, or the lowest whose Hermite coefficient is not zero and that tells units
    apart. Raises `Unsuitable` for one that shows nothing."""
    sizes = {r: float(abs(hermite(activation, r))) for r in range(1, 5)}
    # Of quadrature, which is exact to rounding.
    shown = [r for r in ORDERS if sizes[r] > 1e-10 * max(sizes.values())]
    if order is None:
        several = [r for r in shown if r > 2 or m > 1 or k == 1]
        if not several:
            raise Unsuitable(f"no order tells units of {activation.name!r} apart")
        return several[0]
    if order not in shown:
        raise Unsuitable(
            f"order {order} shows nothing: the Hermite coefficient h_{order} of {activation.name!r}"
            f" is zero, so E[y ⊗ He_{order}] is, whatever the weights"
        )
    if order == 2 and m == 1 and k > 1:
        raise Unsuitable(
            "one output has one slice of order 2, a matrix, and that does not tell units apart: "
            "it takes two outputs, or order 4"
        )
    return order


@dataclass(frozen=True, eq=False)
class Whitened:
    """Inputs z white and centred, with x·v + b = z·(`factor` v) + v·mean."""

    Z: Array
    Y: Array  # labels, (n, m)
    target: Array  # the same less what is affine, in white combinations
    centre: Array  # mean in white coordinates


def tensor_directions(
    samples: Samples,
    k: int,
    *,
    order: int,
    decomposition: str,
    activation: Activation,
    rng: np.random.Generator,
) -> tuple[Array, dict[str, float | int | str]]:
    """Unit rows V (k, d), each with the sign that `by_regression` gives it, and what it took.

    Raises `Unsuitable` for inputs that are not Gaussian, and where the power method has no
    whitening. Cost of a round: O(n d² m) for order 2, O(n k³) for 3 and O(n k⁴) for 4 (at most
    4k + 20 contractions of it), and the decomposition, which does not depend on n.
    """
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    mean = X.mean(axis=0)
    white = whiten(X - mean)
    if not white.independent:
        raise Unsuitable("about their mean the inputs are dependent: it needs rank(Σ) = d")
    if (score := non_normality(white.features)) > CHANCE:
        raise Unsuitable(
            f"the inputs are not Gaussian: skewness or kurtosis are {score:.0f} standard errors "
            "off, and the moments of other laws say something else"
        )
    if k > samples.d:
        raise Unsuitable(f"{k} units for {samples.d} inputs: it needs rank(V) = k")
    rest, _ = residualise(white.features, Y)
    mix = white_labels(Y, rest)
    if not mix.shape[1]:
        raise Unsuitable("the labels are affine in the inputs: nothing shows units")
    target, sampled = residualise(white.features, Y @ mix)
    seen = Whitened(white.features, Y, target, np.linalg.solve(white.factor.T, mean))
    V: Array = np.zeros((0, samples.d))
    weights: Array = np.zeros((mix.shape[1], 0))
    slopes = sampled
    power = before = np.inf
    rounds = 0
    while rounds < ROUNDS:
        rounds += 1
        rows = slopes if len(slopes) > 1 else None
        slices = _slices(seen, rest @ mix, V, weights, rows, k, order, activation, rng)
        found = _decomposed(slices, rows, k, decomposition, V, rng)
        found = found * by_regression(_heights(seen, found), Y, activation)[:, None]
        F, inner = residualise(seen.Z, activation(_heights(seen, found)))
        U = np.asarray(np.linalg.lstsq(F, target)[0].T, np.float64)
        left = target - F @ U.T
        power = float(np.vdot(left, left)) / target.size
        if power >= before:
            break
        V, weights, rest, mix = found, U, left, np.eye(len(U))
        # The sample slopes of F were taken away; what they are in expectation is known.
        slopes = sampled - U @ inner + (U * hermite(activation, 1, V @ seen.centre)) @ V
        if power > GAIN * before or power < NOTHING:
            break
        before = power
    hidden = white.to_rows(V)
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    return hidden, {"order": order, "rounds": rounds}


def _heights(seen: Whitened, V: Array) -> Array:
    """V x for rows in white coordinates."""
    return np.asarray((seen.Z + seen.centre) @ V.T)


def _slices(
    seen: Whitened,
    rest: Array,
    V: Array,
    weights: Array,
    rows: Array | None,
    k: int,
    order: int,
    activation: Activation,
    rng: np.random.Generator,
) -> Array:
    """Matrices Σ_j w_ij v_j v_jᵀ (s, d, d): of the known units by formula, of the rest by
    averaging."""
    offsets = V @ seen.centre
    second = second_moments(seen.Z, rest)
    second += (V.T * (weights * hermite(activation, 2, offsets))[:, None, :]) @ V
    if order == 2:
        return second
    # Higher orders have k^r entries instead of d^r in the span of V, which order two shows.
    basis = common_span(second, k, rows)
    P, v = seen.Z @ basis.T, V @ basis.T
    count = rest.shape[1]
    outputs = np.eye(count)
    if count > OUTPUTS:
        outputs = np.linalg.qr(rng.standard_normal((count, OUTPUTS)))[0]
    known = weights * hermite(activation, order, offsets)
    slices = []
    contractions = contractions_of(k, rng)
    for output in outputs.T:
        if order == 3:
            some = third_moments(P, rest @ output, np.eye(k))
            forms = v.T
        else:
            some = fourth_moments(P, rest @ output, contractions)
            forms = np.einsum("sab,ja,jb->sj", contractions, v, v, optimize=True)
        slices.append(some + (v.T * (output @ known * forms)[:, None, :]) @ v)
    return np.asarray(basis.T @ np.concatenate(slices) @ basis)


def _decomposed(
    slices: Array,
    rows: Array | None,
    k: int,
    decomposition: str,
    V: Array,
    rng: np.random.Generator,
) -> Array:
    if decomposition == "joint":
        fits = [joint_diagonalise(slices, k, rng=rng, rows=rows)]
        if len(V):  # the last round's is a good start when it was right, and a bad one when not
            fits.append(joint_diagonalise(slices, k, rng=rng, rows=rows, start=V))
        return min(fits, key=lambda fit: fit.misfit).directions
    basis = common_span(slices, k, rows)
    factors = power_factors(basis @ slices @ basis.T, rng=rng)
    if factors is None:
        raise Unsuitable(
            "the power method needs a combination of the slices that is positive definite, to "
            "whiten them with, and there is none: with fewer outputs than units there need not be; "
            "joint diagonalisation does without"
        )
    return np.asarray(factors @ basis)
