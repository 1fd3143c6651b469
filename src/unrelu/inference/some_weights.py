"""Standard errors of some weights of a network that has too many for all of them.

Of p unknowns the covariance has p² numbers. The variance of a single weight, a combination e of the
unknowns, needs one product with the inverse only: with H = Σ J_iᵀJ_i, solve H x = e by conjugate
gradients. After least squares the variance is Σ_i (J_i x)ᵀ Ω̂ J_i x, Ω̂ the covariance of the
residuals: the homoscedastic form of `inference.covariance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from unrelu.errors import InputError
from unrelu.inference.arguments import checked_size, fitted_network, model_of, white_features
from unrelu.inference.fisher import Model
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.conjugate_gradients import conjugate_gradients
from unrelu.numerics.equality import by_value
from unrelu.numerics.quiet import quiet
from unrelu.numerics.tangents import Tangents
from unrelu.numerics.whitening import Whitened
from unrelu.samples import Samples
from unrelu.stored.blocks import Given

TOLERANCE, MOST = 1e-5, 1000
"""Of the systems, and products to each. An error comes out too small by the square of the first."""

FULL = 10
"""Residuals to each output, beyond the unknowns, from which the covariance of the noise between
outputs is estimated; below, one variance for all."""


@by_value
@dataclass(frozen=True, eq=False)
class UnitErrors:
    """Standard errors of one unit of a network in canonical form.

    V : (c,) of the hidden weights of `inputs`; b : of the bias, zero where none was fitted;
    U : (m,) of the output weights. Infinite where conjugate gradients did not end: some change of
    the weights then changes next to no label.
    note : how they were found.
    """

    unit: int
    inputs: Index
    V: Array
    b: float
    U: Array
    note: str


@quiet
def unit_errors(
    net: Network,
    X: Given,
    Y: Given,
    units: Sequence[int],
    *,
    biased: bool,
    skip: bool = False,
    inputs: ArrayLike | None = None,
) -> tuple[UnitErrors, ...]:
    """Standard errors of the weights of some units of `net`, fitted to Y ≈ f(XVᵀ + b)Uᵀ + c + noise
    by least squares: what `assess` gives for all of them, of networks of any size.

    Parameters
    ----------
    net, X, Y, biased, skip : as in `assess`.
    units : numbers of the units, those of the canonical form.
    inputs : numbers of the inputs whose hidden weights are wanted; all by default.

    Noise is taken to be the same in every sample, and every output to pay for as many unknowns; it
    may differ between outputs, and be correlated between them. Patterns are held, as in `assess`,
    and nothing is simulated.

    Raises
    ------
    InputError for what `assess` raises it for, but for the number of unknowns; for an activation
    other than the ReLU; and for numbers that are none of a unit or an input.

    Cost: for each weight some ten to a few hundred products of O(n k (d + m)); memory O(n (k + d)).

    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.5], [-0.5], [3.0], [6.0]])
    >>> (found,) = unit_errors(Network([[1.0]], [[3.0]]), X, Y, [0], biased=False)
    >>> found.U ** 2     # 0.5 / 3 / 5
    array([0.0333...])
    """
    samples = Samples.of(X, Y)
    net = fitted_network(net, samples, biased, skip)
    if not net.activation.piecewise_linear:
        raise InputError(f"net: got activation {net.activation.name!r}, expected 'relu'")
    p = checked_size(net, samples, biased, skip)
    numbers = _numbers("units", units, net.n_units)
    columns = _numbers("inputs", np.arange(net.n_inputs) if inputs is None else inputs, samples.d)
    white = white_features(samples, biased)
    system = _System.of(model_of(net, white, net.U, biased, skip), white, samples, net, p)
    return tuple(_of_unit(system, int(unit), columns, biased, p) for unit in numbers)


def _numbers(name: str, given: ArrayLike, count: int) -> Index:
    numbers = np.asarray(given)
    if numbers.ndim != 1 or (numbers.dtype.kind not in "iu" and len(numbers)):
        raise InputError(f"{name}: got {given!r}, expected a list of whole numbers")
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < count):
        raise InputError(f"{name}: got {numbers.tolist()}, expected numbers from 0 to {count - 1}")
    return numbers.astype(np.intp)


@dataclass(frozen=True, eq=False)
class _System:
    """H x = e: products by its Jacobian; sizes (k,) of the diagonal for the rows of A, and the
    factor of HᵀH for each output, to precondition; the covariance (m, m) of the noise."""

    model: Model
    white: Whitened
    jacobian: Jacobian
    sizes: Array
    outer: tuple[Array, bool]
    noise: Array

    @classmethod
    def of(
        cls, model: Model, white: Whitened, samples: Samples, net: Network, unknowns: int
    ) -> _System:
        jacobian, Z = model.jacobian(white.features), white.features
        active = jacobian.slopes.T @ (Z**2).sum(axis=1) / Z.shape[1]
        sizes = (net.U**2).sum(axis=0) * active
        gram = jacobian.outer.T @ jacobian.outer
        ridge = len(gram) * np.finfo(np.float64).eps * np.trace(gram)
        gram[np.diag_indices(len(gram))] += ridge
        left, m = samples.left(net(np.asarray(samples.X, np.float64))), samples.m
        spare = samples.n - unknowns / m
        products = left.T @ left
        noise = (
            products / spare if spare >= FULL * m else np.eye(m) * np.trace(products) / spare / m
        )
        floor = np.finfo(np.float64).tiny
        outer = cho_factor(gram) if len(gram) else (gram, False)
        return cls(model, white, jacobian, np.maximum(sizes, floor), outer, noise)

    def variance(self, right: Array) -> float:
        """Of rightᵀx; infinite where that is not determined."""
        x, ended = conjugate_gradients(
            self.times, right, self.precondition, tolerance=TOLERANCE, most=MOST
        )
        if not ended:
            return np.inf
        moved = self.labels(x)
        return float(np.vdot(moved.T @ moved, self.noise))

    def labels(self, x: Array) -> Array:
        """J x, (n, m)."""
        k, t, m, q = self.model.shape
        rows, W = np.split(x, [k * t])
        return np.asarray(self.jacobian.product(rows.reshape(k, t), W.reshape(m, q)))

    def times(self, x: Array) -> Array:
        rows, W = self.jacobian.transposed(self.labels(x))
        return np.concatenate([rows.ravel(), W.ravel()])

    def precondition(self, x: Array) -> Array:
        k, t, m, q = self.model.shape
        rows, W = np.split(x, [k * t])
        rows = rows.reshape(k, t) / self.sizes[:, None]
        W = cho_solve(self.outer, W.reshape(m, q).T).T if q else W.reshape(m, q)
        return np.concatenate([rows.ravel(), W.ravel()])


def _of_unit(system: _System, unit: int, inputs: Index, biased: bool, unknowns: int) -> UnitErrors:
    model, factor = system.model, system.white.factor
    k, t, m, q = model.shape
    assert model.normals is not None, "a ReLU unit has its scale held"
    tangents = Tangents.of(model.normals[[unit]]).bases()[0]
    lift = solve_triangular(factor, tangents) if tangents.size else tangents

    def of_row(number: int) -> float:
        right = np.zeros(model.unknowns)
        right[unit * t : (unit + 1) * t] = lift[number]
        return system.variance(right) if right.any() else 0.0

    def of_output(number: int) -> float:
        right = np.zeros(model.unknowns)
        right[k * t + number * q + unit] = 1.0
        return system.variance(right)

    hidden = np.sqrt([of_row(int(number)) for number in inputs])
    bias = float(np.sqrt(of_row(len(factor) - 1))) if biased else 0.0
    outputs = np.sqrt([of_output(number) for number in range(m)])
    note = f"by conjugate gradients, one weight at a time, with all {unknowns} unknowns free"
    return UnitErrors(unit, inputs, np.asarray(hidden), bias, np.asarray(outputs), note)
