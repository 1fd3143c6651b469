"""Network: the value that everything produces, and its canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.activations import Activation, Power, ReLU, resolve
from unrelu.errors import InputError, InputTypeError
from unrelu.rationals import Rationals, as_fractions, is_rational, product, rounded

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Weights = NDArray[Any]
"""float64, or Fractions."""

BLOCK_ENTRIES = 1 << 21
"""Labels are computed in blocks of about this many hidden values (16 MB), so that a million
rows need no second copy of themselves."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Network:
    """A two-layer rectified network, x -> U f(V x + b) + c.

    Parameters
    ----------
    V : (k, d) hidden weights, one row per unit.
    U : (m, k) output weights, one column per unit.
    b : (k,) hidden biases; zero when left out.
    c : (m,) output biases; zero when left out.
    activation : a name or an object of `unrelu.activations`.

    The arrays are copied, converted to float64 and made read-only. Where one of them is an object
    array, of `fractions.Fraction` or integers, all become arrays of Fraction instead: the network
    is `rational`, and its weights are what they are without any rounding.

    Raises
    ------
    InputError for shapes that do not fit together and for values that are not finite,
    InputTypeError for data that is not real.

    >>> net = Network([[1.0], [-1.0]], [[1.0, 1.0]])        # |x|
    >>> net(np.array([[-3.0], [2.0]]))
    array([[3.],
           [2.]])
    >>> third = Network([[Fraction(1, 3)]], [[1]])
    >>> third([[2]])
    array([[Fraction(2, 3)]], dtype=object)
    """

    V: Weights
    U: Weights
    b: Weights
    c: Weights
    activation: Activation

    def __init__(
        self,
        V: ArrayLike,
        U: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        activation: str | Activation = "relu",
    ) -> None:
        rational = any(_holds_objects(given) for given in (V, U, b, c))
        weights = _rational_weights if rational else _weights
        V, U = weights("V", V, 2), weights("U", U, 2)
        if U.shape[1] != V.shape[0]:
            raise InputError(
                f"U: got shape {U.shape}, expected (n_outputs, {V.shape[0]}): "
                f"one column for each of the {V.shape[0]} rows of V"
            )
        values = {
            "V": V,
            "U": U,
            "b": weights("b", np.zeros(len(V)) if b is None else b, 1),
            "c": weights("c", np.zeros(len(U)) if c is None else c, 1),
        }
        for name, rows, of in (("b", len(V), "hidden unit"), ("c", len(U), "output")):
            if values[name].shape != (rows,):
                raise InputError(
                    f"{name}: got shape {values[name].shape}, expected ({rows},): one per {of}"
                )
        for name, value in values.items():
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "activation", resolve(activation))
        if rational and not self.activation.rational:
            raise InputError(
                f"activation: got {self.activation.name} with rational weights, expected the ReLU "
                "or a power with a whole exponent: others have values that are no fractions"
            )

    @property
    def n_units(self) -> int:
        return int(self.V.shape[0])

    @property
    def n_inputs(self) -> int:
        return int(self.V.shape[1])

    @property
    def n_outputs(self) -> int:
        return int(self.U.shape[0])

    @property
    def rational(self) -> bool:
        """Whether the weights are arrays of Fraction."""
        return is_rational(self.V)

    def rounded(self) -> Network:
        """The network in float64, each weight the nearest; itself if it is in float64."""
        if not self.rational:
            return self
        V, U, b, c = (rounded(weights) for weights in (self.V, self.U, self.b, self.c))
        return Network(V, U, b, c, self.activation)

    def __repr__(self) -> str:
        biases = ", biases" if self.b.any() or self.c.any() else ""
        biases += ", rational" if self.rational else ""
        return (
            f"Network({self.n_inputs} inputs, {self.n_units} units, "
            f"{self.n_outputs} outputs, {self.activation.name}{biases})"
        )

    def __reduce__(self) -> tuple[type[Network], tuple[object, ...]]:
        return Network, (self.V, self.U, self.b, self.c, self.activation)

    def preactivations(self, X: Weights) -> Weights:
        """X Vᵀ + b, shape (n, k): how far each sample is on each unit's active side."""
        if self.rational:
            if X.dtype.kind == "f":
                return self.rounded().preactivations(X)
            return np.asarray(product(as_fractions("X", X), self.V.T) + self.b)
        Z = X @ self.V.T
        Z += self.b
        return Z

    def __call__(self, X: ArrayLike) -> Weights:
        """Labels of the rows of X, (n, d) -> (n, m). Raises InputError for another width.

        Those of a rational network are Fractions, computed without any rounding, unless X is in
        floating point: then so are they."""
        if self.rational:
            return self._exactly(X)
        X = _real("X", X)
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise InputError(
                f"X: got shape {X.shape}, expected (n_samples, {self.n_inputs}): "
                "one row per sample, one column per input"
            )
        Y = np.empty((len(X), self.n_outputs))
        step = max(1, BLOCK_ENTRIES // max(self.n_units, self.n_inputs, 1))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            F = self.activation(self.preactivations(np.asarray(X[rows], dtype=np.float64)))
            np.matmul(F, self.U.T, out=Y[rows])
            Y[rows] += self.c
        return Y

    def _exactly(self, X: ArrayLike) -> Rationals:
        if np.asarray(X).dtype.kind == "f":
            return self.rounded()(X)
        X = as_fractions("X", X)
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise InputError(f"X: got shape {X.shape}, expected (n_samples, {self.n_inputs})")
        assert isinstance(self.activation, (ReLU, Power)), "others are refused when made"
        F = self.activation.exactly(self.preactivations(X))
        return np.asarray(product(F, self.U.T) + self.c)

    def canonical(self) -> Network:
        """The same function with its symmetries removed (a rectified unit may be scaled,
        permuted, split in two or be idle without changing a label).

        Hidden weights have unit norm; units with the same hyperplane and side are merged, idle
        ones dropped, those with V = 0 moved into c; units come by falling ‖u‖ (ties broken by V).
        Two hyperplanes are the same when they agree to a few rounding errors. The rows of a
        rational network begin with ±1 instead (their norm may be irrational), and agree or not.

        That takes an activation with f(a z) = a^c f(z). For others, such as e^z − 1, the norm of
        v is part of the function: it is left as it is, and units merge if it agrees, too.

        >>> Network([[2.0], [0.0], [1.0]], [[1.0, 5.0, 2.0]], b=[0.0, 1.0, 0.0]).canonical().U
        array([[4.]])
        """
        if self.rational:
            return self._rational_form()
        largest = np.abs(self.V).max(axis=1, initial=0.0)  # whose square may underflow
        largest = np.where(largest > 0, largest, 1.0)
        scale = largest * np.linalg.norm(self.V / largest[:, None], axis=1)
        kinked = scale > 0
        c = self.c + self.U[:, ~kinked] @ self.activation(self.b[~kinked])
        scale = scale[kinked]
        V, b, U = self.V[kinked], self.b[kinked], self.U[:, kinked]
        degree = self.activation.degree
        if degree is not None:
            with np.errstate(over="ignore"):  # seen as a weight that is not finite
                V, b, U = V / scale[:, None], b / scale, U * scale**degree

        V, b, U = _merged(V, b, U, degree is not None)
        strength = np.linalg.norm(U, axis=0)
        kept = np.flatnonzero(strength > 0)
        keys = [*V[kept].T[::-1], -strength[kept]]
        order = kept[np.lexsort(keys)]
        return Network(V[order], U[:, order], b[order], c, self.activation)

    def _rational_form(self) -> Network:
        assert isinstance(self.activation, (ReLU, Power)), "others are refused when made"
        degree = int(self.activation.degree)
        c, units = self.c.copy(), dict[tuple[Fraction, ...], Rationals]()
        for v, b, u in zip(self.V, self.b, self.U.T, strict=True):
            scale = next((abs(weight) for weight in v if weight), None)
            if scale is None:
                c = c + u * max(b, Fraction(0)) ** degree
                continue
            row = (*(v / scale), b / scale)
            units[row] = units.get(row, 0 * u) + u * scale**degree
        # By falling ‖u‖ of units with ‖v‖ = 1, as in floating point.
        kept = sorted(
            (-(sum(w**2 for w in row[:-1]) ** degree) * (u @ u), row)
            for row, u in units.items()
            if u.any()
        )
        rows = np.array([row for _, row in kept], dtype=np.object_).reshape(-1, self.n_inputs + 1)
        U = np.array([units[row] for _, row in kept], dtype=np.object_)
        U = U.reshape(-1, self.n_outputs).T
        return Network(rows[:, :-1], U, rows[:, -1], c, self.activation)


def _merged(V: Array, b: Array, U: Array, homogeneous: bool) -> tuple[Array, Array, Array]:
    """Units on one hyperplane with one orientation, added up in the first of them."""
    near = 8 * np.finfo(np.float64).eps
    kept: list[int] = []
    U = U.copy()
    for j in range(len(V)):
        if kept:
            apart = np.abs(V[kept] - V[j]).max(axis=1)
            offset = np.abs(b[kept] - b[j])
            size = 1.0 if homogeneous else np.linalg.norm(V[j])
            same = np.flatnonzero((apart <= near * size) & (offset <= near * np.abs(b[j])))
            if len(same):
                U[:, kept[same[0]]] += U[:, j]
                continue
        kept.append(j)
    return V[kept], b[kept], U[:, kept]


def _weights(name: str, value: ArrayLike, ndim: int) -> Array:
    """A fresh float64 array of the given number of axes, or a clean error."""
    array = _real(name, value)
    if array.ndim != ndim:
        raise InputError(f"{name}: got {array.ndim} axes, expected {ndim}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: got values that are not finite, expected real numbers")
    if not (np.abs(array) <= LARGEST).all():
        raise InputError(f"{name}: got values beyond {LARGEST:g}, expected smaller ones: rescale")
    return array


def _rational_weights(name: str, value: ArrayLike, ndim: int) -> Rationals:
    array = as_fractions(name, value)
    if array.ndim != ndim:
        raise InputError(f"{name}: got {array.ndim} axes, expected {ndim}")
    return array


def _holds_objects(value: ArrayLike | None) -> bool:
    try:
        return value is not None and np.asarray(value).dtype.kind == "O"
    except ValueError:  # ragged, which is said where the shapes are checked
        return False


LARGEST = 1e70
"""Squares of anything up to here, times those of samples, are finite."""


def _real(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{name}: got a ragged sequence, expected a table of numbers") from error
    if array.dtype.kind not in "fiub":
        raise InputTypeError(f"{name}: got data of type {array.dtype}, expected real numbers")
    return array
