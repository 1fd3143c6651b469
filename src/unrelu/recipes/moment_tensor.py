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

import numpy as np

from unrelu.activations import Activation, hermite
from unrelu.fitting.candidate import Unsuitable
from unrelu.fitting.hermite_moments import HermiteMoments
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.joint_diagonalisation import common_span, joint_diagonalise
from unrelu.numerics.laws import non_normality
from unrelu.numerics.moments import contractions_of, residualise, white_labels
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
    Z, target, centre = white.features, Y @ mix, np.linalg.solve(white.factor.T, mean)
    moments = HermiteMoments.of(Z, target, np.zeros((0, samples.d)), np.zeros(0), activation)
    before = np.inf
    rounds = 0
    while rounds < ROUNDS:
        check_deadline()
        rounds += 1
        rows = moments.slopes if len(moments.slopes) > 1 else None
        slices = _slices(Z, moments, rows, k, order, rng)
        found = _decomposed(slices, rows, k, decomposition, moments.V, rng)
        found = found * by_regression((Z + centre) @ found.T, Y, activation)[:, None]
        moved = HermiteMoments.of(Z, target, found, found @ centre, activation)
        if moved.power >= before:
            break
        moments = moved
        if moments.power > GAIN * before or moments.power < NOTHING:
            break
        before = moments.power
    return unit_rows(white.to_rows(moments.V)), {"order": order, "rounds": rounds}


def _slices(
    Z: Array,
    moments: HermiteMoments,
    rows: Array | None,
    k: int,
    order: int,
    rng: np.random.Generator,
) -> Array:
    """Matrices Σ_j w_ij v_j v_jᵀ (s, d, d)."""
    if order == 2:
        return moments.second
    # Higher orders have k^r entries instead of d^r in the span of V, which order two shows.
    basis = common_span(moments.second, k, rows)
    P, count = Z @ basis.T, len(moments.second)
    outputs = np.eye(count)
    if count > OUTPUTS:
        outputs = np.linalg.qr(rng.standard_normal((count, OUTPUTS)))[0]
    contractions = contractions_of(k, rng)
    slices = [
        moments.slices(order, P, basis, moments.rest, output, contractions) for output in outputs.T
    ]
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
