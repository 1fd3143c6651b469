"""Samples: validated X and Y in any supported form, read in blocks and never copied as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrelu.errors import InputError
from unrelu.inputs.frames import table, tables
from unrelu.inputs.missing import bad_value
from unrelu.inputs.names import UNNAMED, Names
from unrelu.inputs.numbers import real_numbers
from unrelu.numerics.arrays import Array, Index, holds_numbers
from unrelu.numerics.deadline import check_deadline
from unrelu.numerics.folding import Sums, added
from unrelu.numerics.precision import DOUBLE, Precision, precision_of
from unrelu.numerics.rationals import Rationals, as_fractions, rounded
from unrelu.stored.blocks import Given
from unrelu.stored.kinds import stored
from unrelu.stored.passes import Add, Measure, on_workers, summed, taken
from unrelu.stored.row_labels import check_row_labels
from unrelu.stored.rows import MEMORY, StoredRows
from unrelu.wording.streams import counted

CONVERT = (
    ": convert them first, with .to_numpy(float), .toarray() or np.asarray(…, dtype=float); "
    "Fractions are accepted with exact=True"
)

SHARE = 1 / 4
"""Share of the memory that the numbers of a part of the samples may take."""

COARSE = 1e-5
"""Relative rounding beyond that of float32."""

BLOCK_BYTES = 1 << 24
"""Rows are handled in blocks of about 16 MB: large enough for matrix products to run at full
speed, small enough that a memory-mapped file of any size fits."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs X (n, d) and labels Y (n, m), checked once, by `Samples.of`.

    eps : rounding unit of the coarser of the two arrays, or that which the labels show: labels
        that were stored in float32 cannot be explained better than float32 allows.
    precision : where `eps` comes from, and to what labels may have been rounded.
    weights : (n,), positive and of mean one, or None: the variance of the noise of a sample is
        proportional to 1/weight.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    eps: float
    weights: Array | None = None
    names: Names = UNNAMED
    precision: Precision = DOUBLE

    @classmethod
    def of(cls, X: Given, Y: Given, *, few: bool = False) -> Samples:
        """Check shapes, types and finiteness. One-dimensional Y is one output. Tables of pandas,
        polars and pyarrow become arrays, see `inputs.frames`; what is in a store stays there, see
        `unrelu.stored`. `few`: accept any number of samples, one or more.

        Raises InputError for shapes that do not fit, NaN and infinity; InputTypeError for
        complex, object or text data. Cost: one pass over the data, no copy.
        """
        X, Y, names = _arrays(X, Y)
        if X.ndim != 2 or Y.ndim != 2:
            raise InputError(
                f"X and Y: got shapes {X.shape} and {Y.shape}, expected (n_samples, n_inputs) "
                "and (n_samples, n_outputs): one row per sample"
            )
        if len(X) != len(Y):
            raise InputError(
                f"X and Y: got {len(X)} and {len(Y)} rows, expected as many labels as inputs"
            )
        if X.shape[1] == 0 or Y.shape[1] == 0:
            raise InputError(
                f"X and Y: got shapes {X.shape} and {Y.shape}, expected at least one input "
                "and one output column"
            )
        if few and not len(X):
            raise InputError("X and Y: got no rows, expected at least one sample")
        if len(X) <= X.shape[1] and not few:
            raise InputError(
                f"X: got {counted(len(X), 'row')} for {counted(X.shape[1], 'input')}: too few; "
                f"a single unit needs {X.shape[1] + 1} samples on its active side"
            )
        if not _finite_on_workers(X, Y):
            for name, array, called in (("X", X, names.inputs), ("Y", Y, names.outputs)):
                _check_finite(name, array, called)
        precision = precision_of(X, Y)
        eps = precision.eps if precision.sure else DOUBLE.eps
        samples = cls(X, Y, eps, names=names, precision=precision)
        some = np.abs(np.asarray(Y[:: max(1, len(Y) // 1000)], dtype=np.float64))
        if 0 < some.max() < SMALLEST:
            raise InputError(
                f"Y: got no label above {some.max():.1e}, expected sizes from {SMALLEST:g} on: "
                "rescale the labels"
            )
        return samples

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def d(self) -> int:
        return int(self.X.shape[1])

    @property
    def m(self) -> int:
        return int(self.Y.shape[1])

    @property
    def root(self) -> Array:
        """Square roots of the weights, (n, 1), or (1, 1) without weights: residuals times these
        have noise of constant size, and units are homogeneous, √w f(z) = f(√w z)."""
        return np.ones((1, 1)) if self.weights is None else np.sqrt(self.weights)[:, None]

    def left(self, fitted: Array) -> Array:
        """√w (Y − fitted), (n, m): the weighted residuals."""
        return np.asarray(self.root * (np.asarray(self.Y, np.float64) - fitted))

    def take(self, rows: Index) -> Samples:
        """The given rows, copied as float64; `eps` stays that of the source."""
        X, Y = taken(self.X, self.Y, rows)
        weights = None if self.weights is None else self.weights[rows]
        return Samples(X, Y, self.eps, weights, names=self.names, precision=self.precision)

    def larger_than(self, memory: float | None) -> bool:
        """Whether their numbers take more than so many bytes in float64; None: what is usual."""
        return 8 * self.n * (self.d + self.m) > self.room(memory)

    def room(self, memory: float | None) -> float:
        """Bytes that the numbers of samples may take: by default, MEMORY for those in a store."""
        usual = MEMORY if self.in_store else math.inf
        return usual if memory is None else memory

    def part(self, memory: float | None) -> int:
        """How many samples a part has, where all are too many: fits hold several times as much."""
        return max(2 * self.d, int(SHARE * self.room(memory) / (8 * (self.d + self.m))))

    @property
    def in_store(self) -> bool:
        """Whether rows of X or Y are read from a store."""
        both: tuple[object, ...] = (self.X, self.Y)
        return any(isinstance(rows, StoredRows) for rows in both)

    def levels(self) -> list[Samples]:
        """The samples at each rounding that their labels may have, the finest first. Decimals have
        an absolute step, which `eps` gives as a share of the labels of the smallest output."""
        if self.precision == DOUBLE:
            return [self]
        eps = max(self.eps, self.precision.eps)
        if self.precision.step:
            some = np.asarray(self.Y[:: max(1, self.n // 1000)], np.float64)
            size = np.sqrt((some**2).mean(axis=0))
            size = float(size[size > 0].min(initial=np.inf))
            eps = max(eps, self.precision.step / size)
        return [replace(self, eps=DOUBLE.eps, precision=DOUBLE), replace(self, eps=eps)]

    def rounded_to(self, eps: float) -> Samples:
        """The same at another relative rounding."""
        return replace(self, eps=eps, precision=replace(self.precision, eps=eps, read_off=False))

    def as_they_stand(self) -> Samples:
        """Without rounding that was only inferred from the values of the labels."""
        return replace(self, eps=DOUBLE.eps, precision=DOUBLE) if self.precision.read_off else self

    @property
    def coarse(self) -> bool:
        """Whether labels have fewer digits than float32: that of float16, or of decimals."""
        return self.eps > COARSE

    def surely_rounded(self) -> Samples:
        """Without rounding that may be none: labels may have few digits for another reason."""
        return self if self.precision.sure else self.as_they_stand()

    def spread(self, most: int) -> Index:
        """At most this many rows, evenly spaced."""
        return np.unique(np.linspace(0, self.n - 1, min(self.n, most)).astype(np.intp))

    def ranges(self) -> Array:
        """(3, d): smallest value, mean and largest value of each input, without weights."""
        sums = self.summed(_of_inputs, _wider)
        return np.array([sums["low"], sums["total"] / self.n, sums["high"]])

    def blocks(self) -> Iterator[tuple[slice, Array, Array]]:
        """All rows in order, as (rows, X, Y) in float64."""
        step = max(1, BLOCK_BYTES // (8 * (self.d + self.m)))
        for start in range(0, self.n, step):
            check_deadline()
            rows = slice(start, min(start + step, self.n))
            yield rows, np.asarray(self.X[rows], np.float64), np.asarray(self.Y[rows], np.float64)

    def summed(self, measure: Measure, add: Add = added) -> Sums:
        """What is measured of each cell of samples, added up: see `stored.passes`."""
        return summed(self.X, self.Y, measure, add)

    def resolution(self) -> Array:
        """The least noise (m,) that the labels of an output are credited with, three quarters of
        the digits that they have: one that is constant, or explained to rounding, would otherwise
        have all the weight. For an output of zeros, that of the largest."""
        squares = np.einsum("io,io->o", self.Y, self.Y, dtype=np.float64, casting="unsafe")
        size = np.sqrt(squares / self.n)
        return np.asarray(self.eps**0.75 * np.where(size > 0, size, size.max() or 1.0))

    def mean_label(self) -> Array:
        """(m,), of all rows, whatever their weights."""
        first, off = np.asarray(self.Y[0], np.float64), np.zeros(self.m)
        for _, _, Y in self.blocks():
            off += (Y - first).sum(axis=0)  # nothing, not even rounding, where all are equal
        return first + off / self.n


def _arrays(X: Any, Y: Any) -> tuple[NDArray[Any], NDArray[Any], Names]:
    """X and Y as arrays of real numbers, or as rows in a store, which are indexed like those; and
    the names of their columns."""
    if holds_numbers(X) and holds_numbers(Y):
        return X, Y[:, None] if Y.ndim == 1 else Y, UNNAMED
    in_store = stored("X", X), stored("Y", Y)
    if in_store == (None, None):
        X, Y, names = tables(X, Y)
    else:
        check_row_labels(X, Y)
        inputs, outputs = (
            (rows, rows.columns, []) if rows is not None else table(name, given)
            for name, rows, given in zip("XY", in_store, (X, Y), strict=True)
        )
        X, Y = inputs[0], outputs[0]
        names = Names(inputs[1], outputs[1], (*inputs[2], *outputs[2]))
    X, Y = (
        array if isinstance(array, StoredRows) else real_numbers(name, array, CONVERT)
        for name, array in (("X", X), ("Y", Y))
    )
    return X, Y[:, None] if Y.ndim == 1 else Y, names


def _literal(name: str, given: Any) -> Any:
    """All rows that are in a store, as they are; anything else unchanged."""
    rows = stored(name, given)
    return given if rows is None else rows.literal()


def weighed(samples: Samples, sample_weight: ArrayLike) -> tuple[Samples, Index]:
    """The samples with weights (n,), scaled to mean one, without those of weight zero, and the rows
    that are left. Equal weights become None. Raises InputError for weights that are not finite and
    non-negative."""
    weights = real_numbers("sample_weight", sample_weight, CONVERT).astype(np.float64)
    if weights.shape == (samples.n, 1):
        weights = weights[:, 0]
    if weights.shape != (samples.n,):
        raise InputError(
            f"sample_weight: got shape {weights.shape}, expected ({samples.n},): one for each "
            "sample"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        worst = int(np.argmin(np.isfinite(weights) & (weights >= 0)))
        raise InputError(
            f"sample_weight: got {weights[worst]:g} for sample {worst}, expected finite numbers "
            "from zero on: the variance of the noise of a sample is taken as proportional to 1/w"
        )
    kept = np.flatnonzero(weights)
    if len(kept) <= samples.d:
        raise InputError(
            f"sample_weight: got {len(kept)} weights above zero for {samples.d} inputs, expected "
            f"{samples.d + 1} at least"
        )
    taken = samples if len(kept) == samples.n else samples.take(kept)
    weights = weights[kept] / weights[kept].max()
    weights /= weights.mean()
    return replace(taken, weights=None if np.ptp(weights) == 0 else weights), kept


@dataclass(frozen=True, eq=False)
class ExactSamples:
    """Inputs X (n, d) and labels Y (n, m) that are taken literally, as arrays of Fraction, and the
    same in float64."""

    X: Rationals
    Y: Rationals
    rounded: Samples

    @classmethod
    def of(cls, X: Given, Y: Given, *, few: bool = False) -> ExactSamples:
        """From integers, Fractions, Decimals, and floats, which are dyadic rationals.

        Raises InputError and InputTypeError as `Samples.of` does."""
        X, Y, names = tables(_literal("X", X), _literal("Y", Y), exact=True)
        exact_X, exact_Y = as_fractions("X", X), as_fractions("Y", Y)
        if exact_Y.ndim == 1:
            exact_Y = exact_Y[:, None]
        samples = Samples.of(rounded(exact_X), rounded(exact_Y), few=few)
        return cls(exact_X, exact_Y, replace(samples.as_they_stand(), names=names))

    def take(self, rows: Index) -> ExactSamples:
        """The given rows."""
        return ExactSamples(self.X[rows], self.Y[rows], self.rounded.take(rows))


LARGEST, SMALLEST = 1e30, 1e-30
"""Squares of products and ratios of values between these neither overflow nor lose precision."""


def _of_inputs(_start: int, X: Array, _Y: Array) -> Sums:
    return {"low": X.min(axis=0), "total": X.sum(axis=0), "high": X.max(axis=0)}


def _wider(a: Sums, b: Sums) -> Sums:
    low, high = np.minimum(a["low"], b["low"]), np.maximum(a["high"], b["high"])
    return {"low": low, "total": np.asarray(a["total"] + b["total"]), "high": high}


def _of_squares(_start: int, X: Array, Y: Array) -> Sums:
    return {"squares": np.array(np.vdot(X, X) + np.vdot(Y, Y))}


def _finite_on_workers(X: Any, Y: Any) -> bool:
    """Whether all is finite and of usual size, where workers can tell; False: to be looked at."""
    return on_workers(X, Y) and bool(summed(X, Y, _of_squares)["squares"] <= LARGEST**2)


def _check_finite(name: str, array: NDArray[Any], called: tuple[str, ...]) -> None:
    """NaN, infinity and excessive values show in a sum of squares, so one dot product per block
    finds them. Only a suspicious block is searched entry by entry."""
    step = max(1, BLOCK_BYTES // (array.itemsize * array.shape[1]))
    for start in range(0, len(array), step):
        block = np.asarray(array[start : start + step]).ravel()
        if block.dtype != np.float32:  # whose squares are finite, too, unless something is large
            block = block.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not float(block @ block) <= LARGEST**2
        if suspicious:
            bad = np.argwhere(~(np.abs(array[start : start + step]) <= LARGEST))
            if len(bad):
                row, column = bad[0]
                raise bad_value(name, array, start + row, column, called, LARGEST)


def input_deviation(samples: Samples) -> float:
    """Standard deviation of the first input."""
    return float(np.asarray(samples.X[:, 0], np.float64).std()) or 1.0
