"""Signs by projection, for noisy labels (BJW Theorem 60, Algorithm 7, and the estimate after it).

The moment tensor of `tensor` gives the hidden weights up to sign. For each unit the labels are
projected off the span of f(±v_l·x), l ≠ j, and of f(v_j·x), or of f(−v_j·x): whichever leaves less
has the right sign, whatever else is in the labels (`signs.by_projection`). U is then a regression
of the labels on f(V x).

Assumptions: as for `tensor`, and the number of units given where labels are noisy. Noise is
independent of the inputs, of mean zero and finite variance.

Where it stops, measured at d = 20, k = 5, n = 5,000: from rows that are 0.2, 0.5 and 1 rad off come
100%, 99% and 89% right signs for m = 5 and 96%, 91% and 77% for m = 1, and noise twice as large as
the labels changes nothing. The single regression of `signs.by_regression` decides the same way in
99% of all cases. V stays as far off as the tensor left it, see there.

Labels without noise end in exact recovery, by Gauss–Newton steps; the paper's own exact step
(Algorithm 6) decides the signs in another way. Cost: that of `tensor`, and O(n k² + k⁴).
"""

from __future__ import annotations

import numpy as np

from unrelu.activations import RELU, Activation
from unrelu.fitting.candidate import Candidate
from unrelu.recipes import tensor
from unrelu.recipes.exact_step import exact_network
from unrelu.recipes.moment_tensor import choose_order, tensor_directions
from unrelu.recipes.signs import by_projection
from unrelu.samples import Samples


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
    k = tensor.count_units(samples, n_units, noise, activation)
    V, stats = tensor_directions(
        samples,
        k,
        order=choose_order(activation, k, samples.m, None),
        decomposition="joint",
        activation=activation,
        rng=rng,
    )
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    V = V * by_projection(X @ V.T, Y, activation)[:, None]
    if noise:
        return tensor.estimated(samples, V, stats, activation)
    if activation.piecewise_linear:
        return tensor.descended(samples, V, bias=bias, stats=stats, rng=rng)
    return exact_network(
        samples, V, activation, bias=bias, stats=stats, rng=rng, wanted="it needs Gaussian inputs"
    )
