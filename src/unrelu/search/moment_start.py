"""Moment start: approximate hyperplanes from the Hermite moments of noisy labels.

For Gaussian inputs of any full-rank covariance, whitened to z, and labels regressed on [1, z],

    E[y He_r(z)] = Σ_j h_r(β_j) u_j v_j⊗…⊗v_j,    h_r(β) = E f(g + β) He_r(g),

whatever noise independent of the inputs is added, so sample moments lead to V with an error that
falls as √(d/n). The second order, one (d, d) slice to an output, fixes every direction up to sign
when no two columns of U are parallel: joint diagonalisation. With one output, or where columns
turn out parallel, contractions of orders three and four join, computed within the span of V.

The variance of the labels themselves is most of the error at first. So the network found is taken
off them, its moments are added back by formula, and the same is done again: without noise this
converges to the truth, with noise only the noise is left to err.

Outputs are whitened by the covariance of their residuals, and order r is weighted by 1/√r!: then
the noise in all entries of all slices has the same size, as in E[He_r²] = r!, and least squares
weigh them rightly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from unrelu.activations import RELU, Activation, hermite
from unrelu.fitting.hermite_moments import HermiteMoments
from unrelu.numerics.arrays import Array, Mask
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.joint_diagonalisation import JointDiagonal, joint_diagonalise
from unrelu.numerics.moments import contractions_of, residualise, second_moments, white_labels
from unrelu.numerics.whitening import whiten

FURTHEST = 2.5
"""Largest bias, in standard deviations of its unit: beyond it a unit is active on fewer than one
sample in a hundred, or all but linear, and its curvature h₂ is lost in the noise."""

GRID = 101
"""Biases tried in [−FURTHEST, FURTHEST]: steps of 0.05, below what noisy moments can tell."""

ROUNDS = 6
"""Times, at most, that the network found is taken off the labels and the moments of the rest are
added to its own, which are known: only the rest makes moments uncertain. Without noise a round
gains a digit or so; with noise two are enough, and GAIN ends it."""

GAIN = 0.98
"""A round that leaves more than this share of the rest's variance was the last."""


def moment_start(
    X: Array,
    Y: Array,
    n_units: int,
    *,
    bias: bool,
    rng: np.random.Generator,
    activation: Activation = RELU,
) -> tuple[Array, Array]:
    """Unit rows V (k, d) and biases b (k,) of approximately the units f(v_j·x + b_j). Where f is
    not homogeneous, rows such that v_j·x has standard deviation 1, whatever it should have.

    X (n, d), n > d + 1, with independent columns, Gaussian with any mean and covariance (for other
    laws the answer is biased); Y (n, m) in any units; both float64. With `bias=False` b is zero.
    At most min(n_units, d) units come back: for k > d the d directions that fit the slices best,
    which need not be units; and none where the labels are affine in the inputs.

    Errors fall as √(d/n), fastest for large ‖u_j‖; units with |b_j| far above 1 show little of
    themselves in these moments. Cost: O(n d² m) a round, up to `ROUNDS` of them; where the higher
    orders are needed, O(n k²) for each of min(k²/2, 4k + 20) + k contractions on top.
    """
    mean = X.mean(axis=0)
    white = whiten(X - mean)
    # In z every unit is f(v·z + β); β is known to be v·(factor⁻ᵀ mean) when there is no bias.
    centre = None if bias else np.linalg.solve(white.factor.T, mean)
    found = find_units(white.features, Y, min(n_units, X.shape[1]), centre, rng, activation)
    V = white.to_rows(found.V)
    norms = np.linalg.norm(V, axis=1) if activation.homogeneous else np.ones(len(V))
    V /= norms[:, None]
    b = found.offsets / norms - V @ mean if bias else np.zeros(len(V))
    return V, b


@dataclass(frozen=True, eq=False)
class Units:
    """Unit rows V (k, d) in white coordinates and offsets β (k,)."""

    V: Array
    offsets: Array


def find_units(
    Z: Array,
    Y: Array,
    k: int,
    centre: Array | None,
    rng: np.random.Generator,
    activation: Activation = RELU,
) -> Units:
    """The same in white coordinates, where `offsets` are V·centre if that is given."""
    nothing = Units(np.zeros((0, Z.shape[1])), np.zeros(0))
    target = Y @ white_labels(Y, residualise(Z, Y)[0])
    if not target.shape[1]:
        return nothing
    moments = HermiteMoments.of(Z, target, nothing.V, nothing.offsets, activation)
    units, power = nothing, np.inf
    ways: tuple[bool, ...] = (False, True)
    for _ in range(ROUNDS):
        check_deadline()
        trials = []
        for higher in ways:
            V = _directions(Z, moments, k, units.V, higher, rng)
            if V is not None:
                found = _offsets(Z, moments, V, centre)
                moved = HermiteMoments.of(Z, target, found.V, found.offsets, activation)
                trials.append((moved.power, higher, found, moved))
        before = power
        power, higher, found, moments = min(trials, key=lambda trial: trial[0])
        ways = (higher,)
        if power < before:
            units = found
        if power > GAIN * before:
            break
    return _orient(Z, target, units, activation, constant=centre is None)


def _directions(
    Z: Array, moments: HermiteMoments, k: int, start: Array, higher: bool, rng: np.random.Generator
) -> Array | None:
    """By the second order alone, or with higher ones: None where, at the very start, the second
    plainly does not need them. One output always does."""
    first = len(start) == 0
    slices = moments.second / np.sqrt(2)
    begin = None if first else start
    fit = joint_diagonalise(slices, k, rng=rng, rows=moments.slopes, start=begin)
    if not higher:
        return fit.directions if len(slices) > 1 or k == 1 else None
    error = float(np.linalg.norm(moments.rest)) / np.sqrt(moments.rest.size * len(Z))
    if first and (k == 1 or not _parallel(fit, error)):
        return None
    return _with_higher_orders(Z, moments, fit, begin, rng)


def _parallel(fit: JointDiagonal, noise: float) -> bool:
    """Whether two units have weights that are parallel to three standard errors: then the slices
    of second order do not tell them apart. `noise` is the standard error of a slice's entry."""
    if len(fit.weights) == 1:
        return True
    sizes = np.linalg.norm(fit.weights, axis=0)
    if not sizes.all():
        return True
    W = fit.weights / sizes
    cosines = np.abs(W.T @ W)
    np.fill_diagonal(cosines, 0.0)
    G = fit.directions @ fit.directions.T
    angle = noise * np.sqrt(np.diag(np.linalg.pinv(G**2, hermitian=True))) / sizes
    sines = np.sqrt(np.maximum(1 - cosines**2, 0.0))
    return bool((sines < 3 * np.hypot(angle[:, None], angle)).any())


def _with_higher_orders(
    Z: Array,
    moments: HermiteMoments,
    fit: JointDiagonal,
    start: Array | None,
    rng: np.random.Generator,
) -> Array:
    """Directions from slices of orders two to four, in the span of those of order two. (h₃ shows
    nothing at bias 0, h₄ nothing at ±1.) Outputs are combined to those with most signal."""
    basis = np.linalg.qr(fit.directions.T)[0].T
    P = Z @ basis.T
    # What second order the rest has is orthogonal to higher ones and only adds to their noise.
    inside = second_moments(P, moments.rest)
    rest = moments.rest - 0.5 * (
        np.einsum("na,iab,nb->ni", P, inside, P, optimize=True) - np.trace(inside, axis1=1, axis2=2)
    )
    left, values, _ = np.linalg.svd(fit.weights, full_matrices=False)
    contractions = contractions_of(len(basis), rng)
    slices = [basis @ moments.second @ basis.T / np.sqrt(2)]
    for output in left[:, : min(4, len(values))].T:
        for order in (3, 4):
            found = moments.slices(order, P, basis, rest, output, contractions)
            slices.append(found / np.sqrt(factorial(order)))
    joint = joint_diagonalise(
        np.concatenate(slices),
        len(basis),
        rng=rng,
        start=None if start is None else start @ basis.T,
    )
    return np.asarray(joint.directions @ basis)


def _offsets(Z: Array, moments: HermiteMoments, V: Array, centre: Array | None) -> Units:
    """The offset and the orientation of each direction that its own moments speak for.

    With the Gram powers of V the moments of orders 1 to 4 along the directions come apart into
    H_r = u_j σʳ h_r(σβ_j), σ = ±1 (the hyperplane v·z + β = 0 does not depend on σ), with errors
    of variance r! [(G^∘r)⁻¹]_jj. With those weights, u_j eliminated, β and σ are found by a scan.
    The ratio −h₃/h₂ = β alone knows nothing of σ, and the first order, which does, is the more
    exact one unless β is very negative.
    """
    T, gram, cross = Z @ V.T, V @ V.T, V @ moments.V.T
    signs = np.array([1.0, -1.0])[:, None, None]
    if centre is None:
        tried = np.linspace(-FURTHEST, FURTHEST, GRID)[None, :, None]  # β of the unit: σβ here
    else:
        tried = signs * (V @ centre)
    score: Array = np.zeros(1)
    norm: Array = np.zeros(1)
    for r in range(1, 5):
        inverse = np.linalg.pinv(gram**r, hermitian=True)
        if r == 1:
            along = V @ moments.slopes.T
        else:
            polynomial = np.polynomial.hermite_e.hermeval(T, [0.0] * r + [1.0])
            along = polynomial.T @ moments.rest / len(Z) + cross**r @ moments.of_units(r).T
        model = signs**r * hermite(moments.activation, r, tried)  # (2, tried, k)
        weighted = model / (factorial(r) * np.diag(inverse))
        score = score + weighted[..., None] * (inverse @ along)  # (2, tried, k, m)
        norm = norm + weighted * model
    # Far outside the data a unit is affine, and has none of these moments.
    gain = (score**2).sum(axis=-1) / np.maximum(norm, np.finfo(np.float64).tiny)
    chosen = gain.reshape(-1, len(V)).argmax(axis=0)
    side, place = np.unravel_index(chosen, gain.shape[:2])
    flip = signs[side, 0, 0][:, None]
    if centre is not None:
        return Units(flip * V, ((flip * V) @ centre))
    # The top of the parabola through the best and its neighbours.
    inner = np.clip(place, 1, GRID - 2)
    left, top, right = (gain[side, inner + i, np.arange(len(V))] for i in (-1, 0, 1))
    bend = left - 2 * top + right
    move = np.where((place == inner) & (bend < 0), (left - right) / np.where(bend, 2 * bend, 1), 0)
    return Units(flip * V, tried[0, place, 0] + move * 2 * FURTHEST / (GRID - 1))


def _orient(
    Z: Array, labels: Array, units: Units, activation: Activation, *, constant: bool
) -> Units:
    """Turn units around, one by one, while that lowers the residual of the labels regressed on
    the features f(±(v·z + β)); their Gram matrix is all it takes. O(n k² + k⁵), k⁴ mostly."""
    heights = Z @ units.V.T + units.offsets
    k = len(units.V)
    features = np.hstack([activation(heights), activation(-heights)])
    if constant:
        features = np.column_stack([features, np.ones(len(Z))])
    gram, along = features.T @ features, features.T @ labels

    def explained(turned: Mask) -> float:
        use = np.append(np.arange(k) + k * turned, np.arange(2 * k, len(gram)))
        inverse = np.linalg.pinv(gram[np.ix_(use, use)], hermitian=True)
        return float(np.vdot(along[use], inverse @ along[use]))

    turned = np.zeros(k, dtype=bool)
    best, idle, j = explained(turned), 0, 0
    while idle < k:
        check_deadline()
        turned[j] ^= True
        value = explained(turned)
        # Gains at rounding level could go round in circles.
        if value > best + 1e-12 * abs(best):
            best, idle = value, 0
        else:
            turned[j] ^= True
            idle += 1
        j = (j + 1) % k
    flip = np.where(turned, -1.0, 1.0)
    return Units(units.V * flip[:, None], units.offsets * flip)
