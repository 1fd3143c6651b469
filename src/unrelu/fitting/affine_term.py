"""Labels with a skip connection, Y = f(X Vᵀ + b) Uᵀ + X Wᵀ + c: what the linear term takes up, and
whether there has to be one.

The search of the general route has a free affine term anyway; here it stays. Then the labels do not
show on which side a unit is active, for u f(z) = u f(−z) + u z: 2ᵏ networks are the same function.
If W can be made to vanish by turning units round, the one without a skip connection is taken.
"""

from __future__ import annotations

import numpy as np

from unrelu.fitting.orientation import orient
from unrelu.fitting.problem import Missed, Problem
from unrelu.fitting.reduction import polish
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.whitening import power_of_two, with_constant
from unrelu.samples import Samples

NOT_NEEDED = (
    "no skip connection is needed: of the sides that the units may be on, these are some that make "
    "it zero"
)


def affine(samples: Samples, bias: bool) -> Network:
    """The network without units: least squares of the labels on the inputs (and a constant), with
    a step that takes away the rounding of the first. All rows are folded into one triangle.
    Weights of samples count."""
    width = samples.d + bias
    triangle: Array = np.zeros((0, width + samples.m))
    every = np.ones((samples.n, 1)) * samples.root
    for at, X, Y in samples.blocks():
        rows = every[at] * np.column_stack([with_constant(X, bias), Y])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, rows]), mode="r"))
    size = divisors(np.linalg.norm(triangle[:width, :width], axis=0))
    R = triangle[:width, :width] / size
    weights = np.linalg.lstsq(R, triangle[:width, width:])[0]
    pulled = np.zeros_like(weights)
    for at, X, Y in samples.blocks():
        columns = every[at] * with_constant(X, bias) / size
        pulled += columns.T @ (every[at] * Y - columns @ weights)
    half = np.linalg.lstsq(R.T, pulled)[0]
    weights = ((weights + np.linalg.lstsq(R, half)[0]) / size[:, None]).T
    c = weights[:, samples.d] if bias else None
    none = np.zeros((0, samples.d)), np.zeros((samples.m, 0))
    return Network(*none, c=c, W=weights[:, : samples.d])


def without(
    net: Network, samples: Samples, rows: Index, bias: bool, missed: Missed
) -> Network | None:
    """A network without a skip connection, of as many units, on the same hyperplanes, that
    explains all samples as well; None if there is none."""
    if not net.n_units or len(missed(net)):
        return None
    scale = power_of_two(samples.take(rows).X)
    turned = orient(net.V * scale, net.b, net.U, net.W * scale)
    if len(turned.V) > net.n_units or turned.affine.any():
        return None
    problem = Problem(samples, rows, bias)
    fit = polish(problem.strict, problem.points(turned.V / scale, turned.b), problem.floor)
    if problem.strict.relative(fit) > 100 * problem.floor:
        return None
    plain = problem.refined(problem.network(*problem.hyperplanes(fit.point)))
    return None if len(missed(plain)) else plain
