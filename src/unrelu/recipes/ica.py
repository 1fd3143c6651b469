"""Independent components: orthonormal hidden weights (BJW Theorem 36, Algorithm 4).

For x ~ N(0, s² I) and orthonormal rows of V the hidden values f(v_j·x) are independent and not
Gaussian, so the labels are a linear mixture of independent components:

1. sketch the labels to k outputs by a random matrix T: T U is square and invertible;
2. independent component analysis of T y gives (T U)⁻¹ up to scale and order, so roughly F;
3. small entries are rounded to zero, and linear systems give V, signs and U (`exact_step`).

Assumptions: rank(U) = k ≤ m, orthonormal rows of V up to length, inputs N(0, s² I), no biases, no
noise. They are checked: rank and inputs before, V after. (V counts as orthonormal when its
correlations are below what n samples could tell from zero, some 1/√n.)

Where it stops, measured (exact of 10 seeds): d = 10, k = 5, m = 5: 7 at n = 200, 9 at 500, all from
1,000 on; d = 20, k = 10, m = 10: 8 at 1,000, all from 2,000 on; d = 30, k = 20, m = 20: 8 at 5,000,
all at 20,000. No number of samples helps when V is not orthonormal: then no mixture is independent.

Cost: FastICA, O(n k²) a step; then `exact_step`.

Differences from the paper: FastICA (Hyvärinen 1999; scikit-learn's) stands for the provable ICA
of Arora, Ge, Moitra and Sachdeva (2012); its components have signs, of which the skewness, positive
for a rectified value, tells. Entries are rounded by the linear part of their component, for the
reason given in `exact_step`. The paper's guess of the scale of T U is not needed for either.
"""

from __future__ import annotations

import warnings

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.candidate import Candidate, Unsuitable
from unrelu.numerics.arrays import Array, unit_rows
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.laws import isotropy
from unrelu.recipes.exact_step import check_moments, exact_network, full_rank_units
from unrelu.samples import Samples

CHANCE = 6.0
"""Standard errors up to which a departure from an assumption may be chance: e^(−18) of them."""

SKETCHES = 3
"""Sketches tried: a square Gaussian matrix is badly conditioned once in a while."""

WANTED = "it needs orthonormal hidden weights, Gaussian inputs"

STEPS = 1000
"""FastICA steps; a dozen are usual, and where a thousand are not enough nothing is independent."""


def find(
    samples: Samples,
    *,
    n_units: int | None,
    bias: bool,
    noise: bool,
    rng: np.random.Generator,
    activation: Activation = RELU,
) -> Candidate:
    """See above; `bias` only decides which networks compete with it. Raises `Unsuitable`."""
    assert not noise, "the table of methods has it for exact labels"
    k = full_rank_units(samples, n_units)
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    if isotropy(X) > CHANCE:
        raise Unsuitable(
            "the inputs are not centred with a covariance that is a multiple of the identity: "
            "then orthonormal hidden weights do not make hidden values independent"
        )
    check_moments(activation)
    for attempt in range(SKETCHES):
        check_deadline()
        labels = Y @ rng.standard_normal((k, samples.m)).T
        components = labels @ _unmixing(labels, rng)
        # For any symmetric law of the inputs the linear part of f(v·x) is along v if f is the ReLU,
        # for Gaussian ones whatever f is, by Stein's identity.
        V = unit_rows(np.asarray(np.linalg.lstsq(X, components)[0].T, np.float64))
        try:
            found = exact_network(
                samples, V, activation, bias=bias, stats={}, rng=rng, wanted=WANTED
            )
        except Unsuitable:
            if attempt == SKETCHES - 1:
                raise
        else:
            break
    if correlation := _correlated(unit_rows(found.network.V), samples.n):
        raise Unsuitable(correlation, found.network)
    return found


def _correlated(V: Array, n: int) -> str:
    """Whether unit rows are not orthonormal, for all that n samples could tell; in words."""
    correlation = float(np.abs(V @ V.T - np.eye(len(V))).max())
    if correlation <= CHANCE / np.sqrt(n):
        return ""
    return (
        f"the hidden weights are not orthonormal: the cosine between two of them is "
        f"{correlation:.2g}, so the hidden values are not independent"
    )


def _unmixing(labels: Array, rng: np.random.Generator) -> Array:
    """(k, k) such that labels @ it has independent columns, each of positive skewness."""
    from sklearn.decomposition import FastICA  # takes a second to import
    from sklearn.exceptions import ConvergenceWarning

    analysis = FastICA(
        whiten="unit-variance", max_iter=STEPS, random_state=int(rng.integers(2**31))
    )
    with warnings.catch_warnings():
        # What comes of it is examined in any case.
        warnings.simplefilter("ignore", ConvergenceWarning)
        components = analysis.fit_transform(labels)
    skewness = (components**3).mean(axis=0)
    return np.asarray(analysis.components_.T * np.where(skewness < 0, -1.0, 1.0))
