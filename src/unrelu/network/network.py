"""Network: the value that everything produces, and its canonical form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.activations import Activation, resolve
from unrelu.errors import InputError
from unrelu.inputs.frames import plain
from unrelu.inputs.numbers import real_numbers
from unrelu.network.weights import float_weights, holds_objects, rational_weights
from unrelu.numerics.arrays import Array, Mask, divisors, holds_numbers
from unrelu.numerics.equality import by_value
from unrelu.numerics.quiet import quiet
from unrelu.numerics.rationals import (
    Rationals,
    as_fractions,
    is_rational,
    product,
    rounded,
    to_fractions,
    to_matrix,
)
from unrelu.wording.remarks import ASSUMED_RELU, Remark
from unrelu.wording.streams import counted

Weights = NDArray[Any]
"""float64, or Fractions."""

BLOCK_ENTRIES = 1 << 21
"""Labels are computed in blocks of about this many hidden values (16 MB), so that a million
rows need no second copy of themselves."""


@by_value
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Network:
    """A two-layer rectified network, x -> U f(V x + b) + W x + c.

    Parameters
    ----------
    V : (k, d) hidden weights, one row per unit.
    U : (m, k) output weights, one column per unit.
    b : (k,) hidden biases; zero when left out.
    c : (m,) output biases; zero when left out.
    activation : a name or an object of `unrelu.activations`.
    W : (m, d) weights of a skip connection; zero when left out. Only with the ReLU.
    remarks : what the file that it was read from leaves open, such as the activation; see `Remark`.

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
    W: Weights
    remarks: tuple[Remark, ...] = field(compare=False)

    def __init__(
        self,
        V: ArrayLike,
        U: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        activation: str | Activation = "relu",
        W: ArrayLike | None = None,
        *,
        remarks: Iterable[Remark] = (),
    ) -> None:
        rational = any(holds_objects(given) for given in (V, U, b, c, W))
        weights = rational_weights if rational else float_weights
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
            "W": weights("W", np.zeros((len(U), V.shape[1])) if W is None else W, 2),
        }
        for name, rows, of in (("b", len(V), "hidden unit"), ("c", len(U), "output")):
            if values[name].shape != (rows,):
                raise InputError(
                    f"{name}: got shape {values[name].shape}, expected ({rows},): one per {of}"
                )
        if values["W"].shape != (len(U), V.shape[1]):
            raise InputError(
                f"W: got shape {values['W'].shape}, expected ({len(U)}, {V.shape[1]}): a row for "
                "each output, a column for each input"
            )
        for name, value in values.items():
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "activation", resolve(activation))
        object.__setattr__(self, "remarks", tuple(remarks))
        if rational and not self.activation.rational:
            raise InputError(
                f"activation: got {self.activation.name} with rational weights, expected the ReLU "
                "or a power with a whole exponent: others have values that are no fractions"
            )
        if self.skip and not self.activation.reversible:
            raise InputError(
                f"W: got a skip connection with activation {self.activation.name!r}, expected the "
                "ReLU: what a skip connection leaves open is known for that one"
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

    @property
    def skip(self) -> bool:
        """Whether there is a skip connection: W has an entry that is not zero."""
        return bool(self.W.any())

    def rounded(self) -> Network:
        """The network in float64, each weight the nearest; itself if it is in float64."""
        if not self.rational:
            return self
        V, U, b, c, W = map(rounded, (self.V, self.U, self.b, self.c, self.W))
        return Network(V, U, b, c, self.activation, W, remarks=self.remarks)

    def without(self, unit: int) -> Network:
        """The network less one unit."""
        V, U, b = np.delete(self.V, unit, 0), np.delete(self.U, unit, 1), np.delete(self.b, unit)
        return Network(V, U, b, self.c, self.activation, self.W)

    def without_skip(self) -> Network:
        """The same function without a skip connection: W x = Σ a_i (f(z_i) − f(−z_i)), z_i = w_i·x,
        two more units for each of the rank(W) rows w_i. Itself if W is zero."""
        if not self.skip:
            return self
        if self.rational:
            reduced, rank = to_matrix(self.W).rref()  # W = (its pivot columns) (rows of that)
            rows = to_fractions(reduced)[:rank]
            outputs = self.W[:, [next(i for i, w in enumerate(row) if w) for row in rows]]
        else:
            left, sizes, right = np.linalg.svd(self.W, full_matrices=False)
            rank = int((sizes > max(self.W.shape) * np.finfo(np.float64).eps * sizes[0]).sum())
            outputs, rows = left[:, :rank] * sizes[:rank], right[:rank]
        b = np.concatenate([self.b, 0 * self.W[0, :1].repeat(2 * rank)])
        V, U = np.vstack([self.V, rows, -rows]), np.hstack([self.U, outputs, -outputs])
        return Network(V, U, b, self.c, self.activation, remarks=self.remarks)

    def __repr__(self) -> str:
        more = " (assumed)" if ASSUMED_RELU in self.remarks else ""
        more += ", biases" if self.b.any() or self.c.any() else ""
        more += ", skip connection" if self.skip else ""
        more += ", rational" if self.rational else ""
        return (
            f"Network({counted(self.n_inputs, 'input')}, {counted(self.n_units, 'unit')}, "
            f"{counted(self.n_outputs, 'output')}, {self.activation.name}{more})"
        )

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[object, ...]]:
        made = (self.V, self.U, self.b, self.c, self.activation, self.W)
        return partial(Network, remarks=self.remarks), made

    def preactivations(self, X: Weights) -> Weights:
        """X Vᵀ + b, shape (n, k): how far each sample is on each unit's active side."""
        if self.rational:
            if X.dtype.kind == "f":
                return self.rounded().preactivations(X)
            return np.asarray(product(as_fractions("X", X), self.V.T) + self.b)
        Z = X @ self.V.T
        Z += self.b
        return Z

    @quiet
    def __call__(self, X: ArrayLike) -> Weights:
        """Labels of the rows of X, (n, d) -> (n, m). Raises InputError for another width.

        Those of a rational network are Fractions, computed without any rounding, unless X is in
        floating point: then so are they."""
        if self.rational:
            return self._exactly(X)
        X = X if holds_numbers(X) else real_numbers("X", plain("X", X))
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise InputError(
                f"X: got shape {X.shape}, expected (n_samples, {self.n_inputs}): "
                "one row per sample, one column per input"
            )
        Y, skip = np.empty((len(X), self.n_outputs)), self.skip
        step = max(1, BLOCK_ENTRIES // max(self.n_units, self.n_inputs, 1))
        for start in range(0, len(X), step):
            rows = slice(start, start + step)
            block = np.asarray(X[rows], dtype=np.float64)
            np.matmul(self.activation(self.preactivations(block)), self.U.T, out=Y[rows])
            if skip:
                Y[rows] += block @ self.W.T
            Y[rows] += self.c
        return Y

    def _exactly(self, X: ArrayLike) -> Rationals:
        X = plain("X", X, exact=True)
        if np.asarray(X).dtype.kind == "f":
            return self.rounded()(X)
        X = as_fractions("X", X)
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise InputError(f"X: got shape {X.shape}, expected (n_samples, {self.n_inputs})")
        F = self.activation.exactly(self.preactivations(X))
        return np.asarray(product(F, self.U.T) + product(X, self.W.T) + self.c)

    def canonical(self, *, skip: bool | None = None) -> Network:
        """The same function with its symmetries removed (a rectified unit may be scaled,
        permuted, split in two or be idle without changing a label).

        Hidden weights have unit norm; units with the same hyperplane and side are merged, idle
        ones dropped, those with V = 0 moved into c; units come by falling ‖u‖ (ties broken by V).
        Two hyperplanes are the same when they agree to a few rounding errors. The rows of a
        rational network begin with ±1 instead (their norm may be irrational), and agree or not.

        That takes an activation with f(a z) = a^c f(z). For others, such as e^z − 1, the norm of
        v is part of the function: it is left as it is, and units merge if it agrees, too.

        skip : whether units may be turned round, which a skip connection allows: u f(z) =
            u f(−z) + u z, so that v, b become −v, −b and u vᵀ goes into W, u b into c. Then the
            first entry of v that is larger than the largest over √8 is positive, and opposite
            units merge. By default where W has an entry that is not zero. (√8 is no ratio of
            simple weights, so that rounding seldom decides which entry that is.)

        >>> Network([[2.0], [0.0], [1.0]], [[1.0, 5.0, 2.0]], b=[0.0, 1.0, 0.0]).canonical().U
        array([[4.]])
        """
        skip = self.skip if skip is None else skip
        if skip and not self.activation.reversible:
            raise InputError(
                f"skip: got True with activation {self.activation.name!r}, expected the ReLU: "
                "units of others do not turn round"
            )
        if self.rational:
            return self._rational_form(skip)
        largest = divisors(np.abs(self.V).max(axis=1, initial=0.0))  # its square may underflow
        scale = largest * np.linalg.norm(self.V / largest[:, None], axis=1)
        kinked = scale > 0
        c = self.c + self.U[:, ~kinked] @ self.activation(self.b[~kinked])
        scale = scale[kinked]
        V, b, U = self.V[kinked], self.b[kinked], self.U[:, kinked]
        degree = self.activation.degree
        if degree is not None:
            with np.errstate(over="ignore"):  # seen as a weight that is not finite
                V, b, U = V / scale[:, None], b / scale, U * scale**degree
        W = self.W
        if skip:
            turned = _turned(V)
            W = W + U[:, turned] @ V[turned]
            c = c + U[:, turned] @ b[turned]
            signs = np.where(turned, -1.0, 1.0)
            V, b = V * signs[:, None], b * signs

        V, b, U = _merged(V, b, U, self.activation.homogeneous)
        strength = np.linalg.norm(U, axis=0)
        kept = np.flatnonzero(strength > 0)
        keys = [*V[kept].T[::-1], -strength[kept]]
        order = kept[np.lexsort(keys)]
        V, U, b = V[order], U[:, order], b[order]
        return Network(V, U, b, c, self.activation, W, remarks=self.remarks)

    def _rational_form(self, skip: bool) -> Network:
        exponent = self.activation.exponent
        assert exponent is not None, "others are refused when made"
        W, c, units = self.W.copy(), self.c.copy(), dict[tuple[Fraction, ...], Rationals]()
        for v, b, u in zip(self.V, self.b, self.U.T, strict=True):
            scale = next((abs(weight) for weight in v if weight), None)
            if scale is None:
                c = c + u * max(b, Fraction(0)) ** exponent
                continue
            if skip and _turned(v[None])[0]:
                W, c, scale = W + np.outer(u, v), c + u * b, -scale
            row = (*(v / scale), b / scale)
            units[row] = units.get(row, 0 * u) + u * abs(scale) ** exponent
        # By falling ‖u‖ of units with ‖v‖ = 1, as in floating point.
        kept = sorted(
            (-(sum(w**2 for w in row[:-1]) ** exponent) * (u @ u), row)
            for row, u in units.items()
            if u.any()
        )
        rows = np.array([row for _, row in kept], dtype=np.object_).reshape(-1, self.n_inputs + 1)
        U = np.array([units[row] for _, row in kept], dtype=np.object_)
        U = U.reshape(-1, self.n_outputs).T
        V, b = rows[:, :-1], rows[:, -1]
        return Network(V, U, b, c, self.activation, W, remarks=self.remarks)


def _turned(V: Weights) -> Mask:
    """Which rows, none of them zero, `canonical` turns round where it may."""
    squares = V**2
    first = (8 * squares > squares.max(axis=1, keepdims=True)).argmax(axis=1)
    return np.asarray(V[np.arange(len(V)), first] < 0, dtype=np.bool_)


def _merged(V: Array, b: Array, U: Array, homogeneous: bool) -> tuple[Array, Array, Array]:
    """Units on one hyperplane with one orientation, added up in the first of them."""
    near = 8 * np.finfo(np.float64).eps
    kept: list[int] = []
    U = U.copy()
    for j in range(len(V)):
        if kept:
            size = 1.0 if homogeneous else np.linalg.norm(V[j])
            near_b = np.abs(b[kept] - b[j]) <= near * np.abs(b[j])
            near_v = np.abs(V[kept, 0] - V[j, 0]) <= near * size  # of nearly all, that is enough
            some = np.array(kept)[near_b & near_v]
            same = some[(np.abs(V[some] - V[j]) <= near * size).all(axis=1)]
            if len(same):
                U[:, same[0]] += U[:, j]
                continue
        kept.append(j)
    return V[kept], b[kept], U[:, kept]
