"""Network: the value that everything produces; its canonical form; two networks compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.activations import Activation, resolve
from unrelu.errors import InputError, InputTypeError

Array = NDArray[np.float64]
Index = NDArray[np.intp]

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

    The arrays are copied, converted to float64 and made read-only.

    Raises
    ------
    InputError for shapes that do not fit together and for values that are not finite,
    InputTypeError for data that is not real.

    >>> net = Network([[1.0], [-1.0]], [[1.0, 1.0]])        # |x|
    >>> net(np.array([[-3.0], [2.0]]))
    array([[3.],
           [2.]])
    """

    V: Array
    U: Array
    b: Array
    c: Array
    activation: Activation

    def __init__(
        self,
        V: ArrayLike,
        U: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        activation: str | Activation = "relu",
    ) -> None:
        V, U = _weights("V", V, 2), _weights("U", U, 2)
        if U.shape[1] != V.shape[0]:
            raise InputError(
                f"U: got shape {U.shape}, expected (n_outputs, {V.shape[0]}): "
                f"one column for each of the {V.shape[0]} rows of V"
            )
        values = {
            "V": V,
            "U": U,
            "b": np.zeros(len(V)) if b is None else _weights("b", b, 1),
            "c": np.zeros(len(U)) if c is None else _weights("c", c, 1),
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

    @property
    def n_units(self) -> int:
        return int(self.V.shape[0])

    @property
    def n_inputs(self) -> int:
        return int(self.V.shape[1])

    @property
    def n_outputs(self) -> int:
        return int(self.U.shape[0])

    def __repr__(self) -> str:
        biases = ", biases" if self.b.any() or self.c.any() else ""
        return (
            f"Network({self.n_inputs} inputs, {self.n_units} units, "
            f"{self.n_outputs} outputs, {self.activation.name}{biases})"
        )

    def __reduce__(self) -> tuple[type[Network], tuple[object, ...]]:
        return Network, (self.V, self.U, self.b, self.c, self.activation)

    def preactivations(self, X: Array) -> Array:
        """X Vᵀ + b, shape (n, k): how far each sample is on each unit's active side."""
        Z = X @ self.V.T
        Z += self.b
        return Z

    def __call__(self, X: ArrayLike) -> Array:
        """Labels of the rows of X, (n, d) -> (n, m). Raises InputError for another width."""
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

    def canonical(self) -> Network:
        """The same function with its symmetries removed (a rectified unit may be scaled,
        permuted, split in two or be idle without changing a label).

        Hidden weights have unit norm; units with the same hyperplane and side are merged, idle
        ones dropped, those with V = 0 moved into c; units come by falling ‖u‖ (ties broken by V).
        Two hyperplanes are the same when they agree to a few rounding errors.

        >>> Network([[2.0], [0.0], [1.0]], [[1.0, 5.0, 2.0]], b=[0.0, 1.0, 0.0]).canonical().U
        array([[4.]])
        """
        largest = np.abs(self.V).max(axis=1, initial=0.0)  # whose square may underflow
        largest = np.where(largest > 0, largest, 1.0)
        scale = largest * np.linalg.norm(self.V / largest[:, None], axis=1)
        kinked = scale > 0
        c = self.c + self.U[:, ~kinked] @ self.activation(self.b[~kinked])
        scale = scale[kinked]
        V, b, U = self.V[kinked] / scale[:, None], self.b[kinked] / scale, self.U[:, kinked] * scale

        V, b, U = _merged(V, b, U)
        strength = np.linalg.norm(U, axis=0)
        kept = np.flatnonzero(strength > 0)
        keys = [*V[kept].T[::-1], -strength[kept]]
        order = kept[np.lexsort(keys)]
        return Network(V[order], U[:, order], b[order], c, self.activation)


def _merged(V: Array, b: Array, U: Array) -> tuple[Array, Array, Array]:
    """Units on one hyperplane with one orientation, added up in the first of them."""
    near = 8 * np.finfo(np.float64).eps
    kept: list[int] = []
    U = U.copy()
    for j in range(len(V)):
        if kept:
            apart = np.abs(V[kept] - V[j]).max(axis=1)
            offset = np.abs(b[kept] - b[j])
            same = np.flatnonzero((apart <= near) & (offset <= near * np.abs(b[j])))
            if len(same):
                U[:, kept[same[0]]] += U[:, j]
                continue
        kept.append(j)
    return V[kept], b[kept], U[:, kept]


@dataclass(frozen=True, eq=False)
class Match:
    """Two networks compared unit by unit, in canonical form.

    `permutation[i]` is the unit of `net` that stands for unit i of `truth` (both canonical), or
    -1 where there is none. `hidden`, `bias`, `output` are the distances per unit of truth:
    ‖v − v'‖ (unit rows), |b − b'| / max(1, |b'|), and ‖u − u'‖ as a share of the largest
    ‖u'‖; `output_bias` is the largest |c − c'| on the same scale. A missing unit is infinitely
    far away.
    """

    permutation: Index
    hidden: Array
    bias: Array
    output: Array
    output_bias: float
    missing: Index
    extra: Index

    @property
    def per_unit(self) -> Array:
        """The largest of the three errors of each unit of truth."""
        return np.maximum(self.hidden, np.maximum(self.bias, self.output))

    @property
    def max_error(self) -> float:
        """The largest error anywhere; infinite when a unit is missing or too many."""
        if len(self.missing) or len(self.extra):
            return float("inf")
        return float(max(self.per_unit.max(initial=0.0), self.output_bias))

    def __str__(self) -> str:
        matched = np.flatnonzero(self.permutation >= 0)
        lines = [f"{len(matched)} of {len(self.permutation)} units paired"]
        if len(self.extra):
            lines[0] += f", {len(self.extra)} too many"
        if len(matched):
            for name, error in (
                ("hidden weights", self.hidden),
                ("hidden biases", self.bias),
                ("output weights", self.output),
            ):
                lines.append(f"largest error of {name:<15} {error[matched].max():.2e}")
        lines.append(f"largest error of {'output biases':<15} {self.output_bias:.2e}")
        return "\n".join(lines)


def match(net: Network, truth: Network) -> Match:
    """Align the units of `net` with those of `truth` and measure what is left.

    Both are put into canonical form, and units are paired so that the sum of the distances
    between hyperplanes (v, b) is smallest: an assignment problem, O(k³). Raises InputError when
    the networks differ in inputs, outputs or activation.

    >>> a = Network([[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0]])
    >>> b = Network([[0.0, 4.0], [3.0, 0.0]], [[0.5, 1 / 3]])
    >>> match(b, a).max_error < 1e-15
    True
    """
    from scipy.optimize import linear_sum_assignment  # 0.1 s that importing unrelu need not pay

    for value in (net, truth):
        if not isinstance(value, Network):
            raise InputTypeError(f"match: got a {type(value).__name__}, expected a Network")
    for what in ("n_inputs", "n_outputs", "activation"):
        got, expected = getattr(net, what), getattr(truth, what)
        if got != expected:
            raise InputError(f"match: {what} differ: {got} against {expected}")
    net, truth = net.canonical(), truth.canonical()
    rows, true_rows = np.column_stack([net.V, net.b]), np.column_stack([truth.V, truth.b])
    apart = np.sqrt(((true_rows[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2))
    units, partners = linear_sum_assignment(apart)

    permutation = np.full(truth.n_units, -1, dtype=np.intp)
    permutation[units] = partners
    scale = float(np.linalg.norm(truth.U, axis=0).max(initial=0.0)) or 1.0
    hidden, bias, output = (np.full(truth.n_units, np.inf) for _ in range(3))
    hidden[units] = np.linalg.norm(net.V[partners] - truth.V[units], axis=1)
    bias[units] = np.abs(net.b[partners] - truth.b[units]) / np.maximum(1.0, np.abs(truth.b[units]))
    output[units] = np.linalg.norm(net.U[:, partners] - truth.U[:, units], axis=0) / scale
    return Match(
        permutation,
        hidden,
        bias,
        output,
        float(np.abs(net.c - truth.c).max(initial=0.0)) / scale,
        np.flatnonzero(permutation < 0),
        np.setdiff1d(np.arange(net.n_units), partners),
    )


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
