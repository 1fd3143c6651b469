"""Symmetric inputs, not Gaussian (BJW Corollary 53, with Ge, Kuditipudi, Li and Wang, ICLR 2019).

Where x and −x are equally likely, E[f(v·x) x] = ½ E[x xᵀ] v for the ReLU, whatever the law, so the
linear part of the labels is ℓ(x) = 2 E[y xᵀ] E[x xᵀ]⁻¹ x = U V x. With labels reduced to k outputs
and a symmetric matrix P (k, k),

    Q(P) = E[(2 yᵀP y − ℓᵀP ℓ) x xᵀ] = −2 Σ_{i<j} (UᵀP U)_ij E[z_i z_j 1(z_i z_j ≤ 0) x xᵀ],

z = V x, sees only the off-diagonal entries of UᵀP U. If the "distinguishing" matrices on the right
are linearly independent, Q vanishes on a space of dimension k, spanned by p_j p_jᵀ with p_j the
rows of U⁻¹, and a joint diagonalisation of any basis of it gives them. Noise of the labels,
independent of the inputs, adds a multiple of E[x xᵀ] to Q(P), which is projected off. The rows of
V are, up to length, those of U⁻¹ (U V), by the linear part.

Exact labels: each row leads to its unit by linear systems (`exact_step`; the paper's Remark 54).
Noisy labels: one Gauss–Newton step of least squares, with patterns as they are (Le Cam's one-step
estimate), and U is a regression.

Assumptions: a symmetric law of the inputs (checked: odd moments), Gaussian or not; independent
distinguishing matrices (checked: the singular values of Q), as a share of Gaussian inputs makes
likely; rank(U) = k ≤ m, rank(V) = k ≤ d; no biases; the number of units given where labels are
noisy, noise independent of the inputs, of mean zero and finite variance.

Where it stops, measured (exact of 10 seeds): uniform inputs, d = 10, k = 3, m = 3: 9 at n = 300,
all from 500 on; k = 5, m = 5: 9 at 1,000, all from 2,000 on, as with Student's t of 3 degrees of
freedom from 5,000 on; d = 20, k = 10, m = 10: all at 5,000. A badly conditioned V in white
coordinates wants more: inputs whose covariance has a condition number of 100, d = 10, k = 5: 9 at
10,000. Labels with noise, on inputs that are normal, uniform, ±1, Laplace, Student's t, uniform on
a sphere or a mixture N(±μ, I), directions to 0.1 rad: noise a fifth of the labels, d = 5, k = 2,
m = 2: 9 of 10 or all at n = 12,800 for each; noise half of the labels, d = 10, k = 3, m = 10: 9 of
10 or all at 5,000, and then as exact as least squares. More units in fewer outputs want far more:
d = 20, k = 5, m = 5: two to four seeds of 5, by the law, at 20,000.

Cost: O(n k² d²/4), and the SVD of a (k²/2, d²) matrix.

Differences from the paper, whose algorithm is that of Ge et al.: P are combined so that errors of
Q(P) have one size before the null space is taken, and samples far out are left out, which bounds
the support as the theorem wants it and leaves the law symmetric. The last step for noisy labels,
without which directions err four to ten times as much, is not in it.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem
from unrelu.noise.gaussian import noise_covariance, whitener
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.joint_diagonalisation import joint_diagonalise
from unrelu.numerics.laws import asymmetry
from unrelu.numerics.levenberg import newton_step
from unrelu.numerics.moments import symmetric_basis, weighted_grams
from unrelu.numerics.whitening import whiten
from unrelu.recipes.exact_step import exact_network, full_rank_units
from unrelu.recipes.tensor import count_units, estimated
from unrelu.samples import Samples

CHANCE = 6.0
"""Standard errors up to which an odd moment may be chance."""

FAR = 2.0
"""Times the median size from which on samples are left out: of Gaussian inputs one in 10,000 for
d = 5, none for more; of one dimension, one in 6."""

WANTED = "it needs symmetric inputs whose distinguishing matrices are independent"

ASTRAY = 0.2
"""Radians between the estimate and the nearest least-squares fit from which on the moments were too
far off for one step, which leaves something like the square of that."""


def find(
    samples: Samples, *, n_units: int | None, bias: bool, noise: bool, rng: np.random.Generator
) -> Candidate:
    """See above; `bias` only decides which networks compete with it. Raises `Unsuitable`."""
    k = count_units(samples, n_units, noise) if noise else full_rank_units(samples, n_units)
    if k > min(samples.m, samples.d):
        raise Unsuitable(
            f"{k} units for {samples.d} inputs and {samples.m} outputs: it needs rank(U) = "
            "rank(V) = k"
        )
    kept = _central(samples)
    white = whiten(kept.X) if kept.n > kept.d else None
    if white is None or not white.independent:
        raise Unsuitable(
            f"the {kept.n} inputs that are not far out are dependent: it needs such that span"
        )
    Z, Y = white.features, kept.Y
    if (score := asymmetry(Z)) > CHANCE:
        raise Unsuitable(
            f"the inputs are not symmetric: an odd moment is {score:.0f} standard errors off zero"
        )
    labels = _reduced(Y, k)
    linear = 2 * Z.T @ labels / kept.n  # (d, k), (U V)ᵀ in white coordinates
    P = joint_diagonalise(_diagonalised(Z, labels, linear), k, rng=rng).directions
    hidden = labels @ P.T
    P *= np.where(hidden.mean(axis=0) < 0, -1.0, 1.0)[:, None]
    V = unit_rows(white.to_rows(P @ linear.T))
    stats: dict[str, float | int | str] = {"rows_kept": kept.n}
    if noise:
        return estimated(samples, _stepped(samples, V), stats, astray=ASTRAY)
    return exact_network(samples, V, bias=bias, stats=stats, rng=rng, wanted=WANTED)


def _stepped(samples: Samples, V: Array) -> Array:
    """One Gauss–Newton step from the rows V, in the metric of what they leave of the labels. The
    moments are uncertain by the spread of the labels, this only by their noise and by the square
    of what the moments were off."""
    rows, zero = np.arange(samples.n), np.zeros(len(V))
    net = Problem(samples, rows, bias=False).network(V, zero)
    rest = np.asarray(samples.Y, np.float64) - net(samples.X)
    metric = whitener(noise_covariance(rest, net, False, samples.resolution()))
    problem = Problem(samples, rows, bias=False, metric=metric)
    model = problem.strict
    fit = model.evaluate(problem.points(V, zero))
    step = newton_step(model, fit, model.descent(fit))
    return problem.hyperplanes(model.retract(fit.point, step))[0]


def _central(samples: Samples) -> Samples:
    """The samples with x not too far out: they are of a symmetric law, too, and one of bounded
    support, as the theorem has it. Heavy tails would make Q of a few samples."""
    sizes = np.linalg.norm(whiten(np.asarray(samples.X, np.float64)).features, axis=1)
    return samples.take(np.flatnonzero(sizes <= FAR * np.median(sizes[sizes > 0])))


def _reduced(Y: Array, k: int) -> Array:
    """The k combinations of outputs with most in them, of size 1 and uncorrelated about zero."""
    values, vectors = np.linalg.eigh(Y.T @ Y / len(Y))
    if values[-k] <= len(Y) * np.finfo(np.float64).eps * values[-1]:
        raise Unsuitable(f"the labels have less rank than {k}, the number of units")
    return np.asarray(Y @ (vectors[:, -k:] / np.sqrt(values[-k:])))


def _diagonalised(Z: Array, labels: Array, linear: Array) -> Array:
    """(k, k, k): an orthonormal basis of the symmetric P on which Q vanishes, nearly.

    Q(P) is a mean of q(P) z zᵀ, and P that are combined so that their q have the identity as
    second moment have errors of one size: then the least singular values belong to the null space,
    whatever size the outputs have, or the noise in them."""
    n, d = Z.shape
    k = labels.shape[1]
    basis = symmetric_basis(k)
    weights = 2 * _forms(labels, basis) - _forms(Z @ linear, basis)
    values, vectors = np.linalg.eigh(weights.T @ weights / n)
    # P with no q at all have no Q either: a floor keeps them, as good as found.
    half = vectors / np.sqrt(np.maximum(values, np.finfo(np.float64).eps * values.max()))
    weights = weights @ half
    Q = weighted_grams(Z, weights)
    # E[z zᵀ] = I is what independent noise adds to.
    Q -= np.trace(Q, axis1=1, axis2=2)[:, None, None] * np.eye(d) / d
    left, values, _ = np.linalg.svd(Q.reshape(len(basis), -1))
    shown = values[len(basis) - k - 1] if k > 1 else np.inf
    if shown < _sampling_error(Z, weights):
        raise Unsuitable(
            f"the distinguishing matrices of these inputs are not independent, as far as {n} "
            "samples show: their least singular value is below what chance makes of zero"
        )
    null = np.linalg.qr(half @ left[:, len(basis) - k :])[0].T
    return np.asarray(np.tensordot(null, basis, axes=1))


def _forms(rows: Array, basis: Array) -> Array:
    """rowᵀ P row for every row and every P of the basis: (n, len(basis))."""
    return np.stack([((rows @ P) * rows).sum(axis=1) for P in basis], axis=1)


def _sampling_error(Z: Array, weights: Array) -> float:
    """The singular value that sampling alone gives Q: the length of a row of errors, which is the
    middle of the singular values of many such rows."""
    lengths = (Z**2).sum(axis=1)[:, None] * weights  # of q z zᵀ
    return float(np.sqrt((lengths**2).mean() / len(Z)))
