"""Noisy half-spaces: any noise that does not depend on X, by guessing (BJW Theorem 6, Algorithm 9).

A row a of the left inverse of U makes one hidden value of a label: a·y = f(v·x) + a·e. Smoothed by
Gaussian noise of size η, the sign of that is a noisy label of the half-space v·x > 0, and then

    E[sign(a·y + η g) x] = λ v,  λ > 0,  for X ~ N(0, I) and any e independent of X,

so v is the normalised mean of y_q x_q (Plan and Vershynin 2013). Nobody knows a: it is guessed on a
grid, and so is η, by powers of two; U follows by regression on f(XVᵀ), and the best guess is kept.

Assumptions: Gaussian X with mean zero (its covariance is whitened away: BJW Remark 24), no biases,
U of rank k, k known or the rank of exact labels. Any noise independent of X, of any mean and with
or without a variance. The theorem needs (κ(U)/ε)^O(k²) guesses; this is a reference for k ≤ 3.

Cost: G = 2, 32 or 96 points of the grid for one, two or three units, times O(n (k + d + m)), for
each of three smoothings; then all sets of k of them, by systems of k equations.

What is done differently from the paper, and why:

- Rows of the left inverse are guessed one by one and then combined: v_p depends on row p alone, so
  all matrices of guesses are examined, for the k-th root of the price.
- Labels are sketched to k dimensions, not to O(k/δ²) with δ = 1/10, more than any m in use: the
  grid is exponential in that number. A sketch so narrow may be bad, so several are tried.
- The sketched labels are whitened before a is guessed, so that the grid is as fine where κ(U) is
  large; guesses are then unit vectors, for the scale of a·y matters only against η.
- The smoothing noise is integrated out: E sign(t + η g) = erf(t/(η√2)), the same mean with less
  variance.
- The best guess is made again on finer grids around it, where the paper has one fine grid.
- The regression clips large residuals (Huber 1964) and has a constant: the theorem's bound, a
  multiple of ‖E‖, says little about noise without a variance or a mean of zero.
- Exact labels, which the theorem does not treat apart, end in Gauss–Newton steps from there.

Where it stops, measured with d = 5, n = 4,000, noise of 0.3 of the labels' size (normal,
heavy-tailed, skewed and Cauchy): with k ≤ 2 and κ(U) = 4, directions within 4 √(d/n) in 9 seeds of
10, 2 √(d/n) in the median; with κ(U) = 20 a unit is lost now and then, with k = 3 from κ(U) = 10
on. They get no better when there is less noise: where most labels have next to none, what the
estimate leaves depends on the inputs, and the certificate says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.fitting.problem import Problem, choose_rows
from unrelu.fitting.reduction import polish
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array, Index, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.laws import non_normality
from unrelu.numerics.rank import column_space
from unrelu.numerics.whitening import whiten, with_constant
from unrelu.samples import Samples

MOST = 3
"""Units: grids on the sphere in four dimensions would have thousands of points, and sets of four
of them are beyond counting."""

CHANCE = 6.0
"""Standard errors up to which inputs may be Gaussian, and of mean zero."""

GUESSES = {1: 2, 2: 32, 3: 96}
"""Grid points on the sphere: 0.1 to 0.2 rad from any direction, which is no more than smoothing
by half the labels' size forgives."""

SMOOTHINGS = (0.25, 0.5, 1.0)
"""η, in standard deviations of a·y."""

FINER = 6
"""Grids around the best guess, each half as wide as the last: the last is 1/64 of the first."""

HUBER, ROUNDS = 1.345, 20
"""Where large residuals are clipped: 95% efficient for normal ones (Huber 1964). And the rounds it
takes: each leaves less than a third of the error of the last."""

SKETCHES = 4
"""Sketches tried where m > k. One in four of random square matrices has a condition number above
10 or so, one in 250 four times in a row."""

ROWS = 50_000
"""Samples that are examined: more would sharpen nothing beyond what the grid allows."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    noise: bool,
    rng: np.random.Generator,
) -> Candidate:
    """The best of all guesses; for exact labels, refined.

    Raises `Unsuitable` for more than three units or more than outputs, for unknown k with noise,
    for inputs that are not Gaussian around zero and, without noise, for labels that what is found
    does not explain."""
    rows = choose_rows(samples, ROWS, rng)
    taken = samples.take(rows)
    rank = column_space(taken.Y, samples.eps).shape[1]
    k = _width(n_units, rank, samples.m, noise)
    inputs = whiten(taken.X)
    _check_inputs(inputs.features)
    sketches = _sketches(samples.m, k, rng)
    guesses = [guessed(inputs.features, taken.Y, S) for S in sketches]
    best = max((guess for guess, _ in guesses), key=lambda guess: guess.explained)
    tried = sum(tried for _, tried in guesses)
    V = unit_rows(inputs.to_rows(best.directions))
    net = _regressed(V, taken, bias)
    stats: dict[str, float | int | str] = {"guesses": tried, "smoothing": best.smoothing}
    if noise:
        residual = taken.Y - net(taken.X)
        covariance = np.atleast_2d(np.cov(residual.T))
        return Candidate(net, rows, stats, noise=Noise("independent", "", covariance))
    problem = Problem(samples, rows, bias)
    fit = polish(problem.strict, problem.points(V, np.zeros(k)), problem.floor)
    if problem.strict.relative(fit) > samples.eps**0.5:
        raise Unsuitable(
            "the labels have noise, or the network that made them has other than "
            f"{k} units, or hidden biases",
            net,
        )
    net = problem.refined(problem.network(*problem.hyperplanes(fit.point)))
    return Candidate(net, rows, stats)


def _width(n_units: int | None, rank: int, m: int, noise: bool) -> int:
    k = n_units if n_units is not None else rank
    if n_units is None and noise:
        raise Unsuitable("the number of units must be given, as n_units: noise hides the rank")
    if k > m or (not noise and k > rank):
        raise Unsuitable(
            f"U must have rank k, but the labels of {k} units have rank {min(rank, m)}"
        )
    if k > MOST:
        raise Unsuitable(
            f"guessing takes (κ/ε)^O(k²) tries, which for {k} units is beyond reach: up to {MOST}"
        )
    return k


def _check_inputs(Z: Array) -> None:
    """Rows of Z (n, d), scaled to ZᵀZ = n I, must look like draws from N(0, I)."""
    mean = Z.mean(axis=0)
    if np.sqrt(len(Z)) * np.linalg.norm(mean) - np.sqrt(Z.shape[1]) > CHANCE:
        raise Unsuitable(
            "the inputs do not have mean zero, and half-spaces through the origin stay there"
        )
    if (score := non_normality(whiten(Z - mean).features)) > CHANCE:
        raise Unsuitable(
            f"the inputs are not Gaussian: skewness or kurtosis are {score:.0f} standard errors off"
        )


def _sketches(m: int, k: int, rng: np.random.Generator) -> list[Array]:
    """S (k, m)."""
    if m == k:
        return [np.eye(m)]
    return [rng.standard_normal((k, m)) / np.sqrt(k) for _ in range(SKETCHES)]


@dataclass(frozen=True, eq=False)
class Guess:
    """`rows` (k, k) of the left inverse, for whitened sketched labels; the `directions` (k, d) that
    they give; what the regression on these units explains of the labels, their square."""

    rows: Array
    directions: Array
    explained: float
    smoothing: float


def guessed(Z: Array, Y: Array, S: Array) -> tuple[Guess, int]:
    """The best set of guesses for white inputs Z (n, d), labels Y (n, m) and a sketch S (k, m);
    and how many rows of the left inverse have been tried."""
    k = len(S)
    tame = _tame(Y)
    white = whiten(tame @ S.T)
    if not white.independent:
        raise Unsuitable(f"U must have rank k, but the labels have rank below {k}")
    factor = white.factor
    T = np.asarray(np.linalg.solve(factor.T, S @ Y.T).T, np.float64)
    target = tame - tame.mean(axis=0)
    grid = sphere_grid(k)
    every = np.array(list(combinations(range(len(grid)), k)))
    trials = [_best(Z, T, target, grid, every, smoothing) for smoothing in SMOOTHINGS]
    best = max(trials, key=lambda guess: guess.explained)
    tried, angle = len(grid) * len(SMOOTHINGS), float(np.sqrt(4 * np.pi / len(grid)))
    for _ in range(FINER if k > 1 else 0):
        check_deadline()
        angle /= 2
        near = np.concatenate([_around(row, angle) for row in best.rows])
        own = np.arange(len(near)).reshape(k, -1)
        every = np.array(list(product(*own)))
        new = _best(Z, T, target, near, every, best.smoothing)
        tried += len(near)
        best = new if new.explained > best.explained else best
    return best, tried


def _best(Z: Array, T: Array, Y: Array, rows: Array, sets: Index, smoothing: float) -> Guess:
    """Of the sets (s, k) of guessed rows (g, k), the one whose half-spaces explain most."""
    from scipy.special import erf

    signs = erf(T @ rows.T / (smoothing * np.sqrt(2)))
    directions = unit_rows(signs.T @ Z)
    hidden = np.maximum(Z @ directions.T, 0.0)
    hidden -= hidden.mean(axis=0)
    gram, along = hidden.T @ hidden, hidden.T @ Y
    # Two guesses may give the same half-space: a ridge at rounding level.
    ridge = 1e3 * np.finfo(np.float64).eps * np.diag(gram).max() + np.finfo(np.float64).tiny
    gram[np.diag_indices(len(gram))] += ridge
    inner = gram[sets[:, :, None], sets[:, None, :]]
    explained = (along[sets] * np.linalg.solve(inner, along[sets])).sum(axis=(1, 2))
    top = int(explained.argmax())
    chosen = sets[top]
    return Guess(rows[chosen], directions[chosen], float(explained[top]), smoothing)


def sphere_grid(k: int) -> Array:
    """Unit vectors (GUESSES[k], k), evenly spread: a Fibonacci lattice in three dimensions.

    >>> np.allclose(np.linalg.norm(sphere_grid(3), axis=1), 1)
    True
    """
    count = GUESSES[k]
    if k == 1:
        return np.array([[1.0], [-1.0]])
    turn = 2 * np.pi * np.arange(count)
    if k == 2:
        return np.column_stack([np.cos(turn / count), np.sin(turn / count)])
    height = 1 - (2 * np.arange(count) + 1) / count
    golden = turn * (np.sqrt(5) - 1) / 2
    width = np.sqrt(1 - height**2)
    return np.column_stack([width * np.cos(golden), width * np.sin(golden), height])


def _around(row: Array, angle: float) -> Array:
    """The row, and those at this angle from it in every direction and its opposite."""
    tangents = np.linalg.svd(row[None, :])[2][1:]
    moved = [sign * np.tan(angle) * tangent for tangent in tangents for sign in (1, -1)]
    return unit_rows(row + np.vstack([np.zeros(len(row)), *moved]))


def _regressed(V: Array, samples: Samples, bias: bool) -> Network:
    """Output weights, and a constant, which with no bias is the mean of the noise, by regression on
    labels that lie no further from the fit than HUBER of its robust standard deviations."""
    k, Y = len(V), np.asarray(samples.Y, np.float64)
    hidden = with_constant(np.maximum(samples.X @ V.T, 0.0))
    inverse = np.linalg.pinv(hidden)
    solution = inverse @ _tame(Y)
    for _ in range(ROUNDS):
        check_deadline()
        residual = Y - hidden @ solution
        width = HUBER * np.median(np.abs(residual), axis=0) / 0.6745
        solution = solution + inverse @ np.clip(residual, -width, width)
    return Network(V, solution[:k].T, c=solution[k] if bias else None)


def _tame(Y: Array) -> Array:
    """Labels with the largest clipped, so that variances are finite, whatever the noise: beyond
    twice the size that 95 in 100 of them stay below, which of normal ones is none."""
    size = 2 * np.quantile(np.abs(Y), 0.95, axis=0)
    return np.asarray(np.clip(Y, -size, size))
