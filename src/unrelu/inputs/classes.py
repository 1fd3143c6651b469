"""Class labels as numbers of classes, from what people keep them in."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.frames import aligned
from unrelu.numerics.arrays import AnyArray, Array, Index

MOST_CLASSES = 100

WHOLE = 2.0**53
"""Up to here, whole numbers in double precision are told apart."""

ClassName = str | int | float | bool


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """`codes` (n,): the number of each sample's class; `classes`: what each number stands for, in
    the order of its value, or of the columns."""

    codes: Index
    classes: tuple[ClassName, ...]

    @property
    def indicators(self) -> Array:
        """(n, classes), one in the column of the class, zero elsewhere."""
        return np.asarray(np.arange(len(self.classes)) == self.codes[:, None], dtype=np.float64)


def class_labels(X: Any, Y: Any, known: tuple[ClassName, ...] = ()) -> ClassLabels:
    """The classes of labels Y: one for each row, as integers, booleans, texts or whole floats; or
    indicators (n, classes), one in each row (one-hot columns). Rows are put in the order of X where
    both have row labels. `known`: the classes that there are, else those that occur, in order.

    Raises InputError and InputTypeError for anything else, and for fewer than two classes.
    """
    Y = aligned(X, Y)[0]
    columns = [str(name) for name in getattr(Y, "columns", ())]
    array = np.asarray(Y)
    if array.ndim == 2 and array.shape[1] > 1:
        codes = _of_indicators(array)
        classes: tuple[ClassName, ...] = tuple(columns) or tuple(range(array.shape[1]))
        return _checked(ClassLabels(codes, classes), known)
    if array.ndim not in (1, 2):
        raise InputError(f"Y: got shape {array.shape}, expected class labels (n,)")
    values, codes = np.unique(_comparable(array.reshape(-1)), return_inverse=True)
    if len(values) > MOST_CLASSES:
        raise InputError(
            f"Y: got {len(values)} different labels, expected classes, {MOST_CLASSES} at most; "
            "answers='values' is for values"
        )
    return _checked(ClassLabels(codes.reshape(-1), tuple(values.tolist())), known)


def check_left(labels: ClassLabels, Y: Array) -> None:
    """Raises InputError where no sample of a class is left in the indicators Y (n, m) of all but
    the first, as samples of weight zero are not."""
    left = np.append(len(Y) - Y.sum(), Y.sum(axis=0))
    if not left.all():
        name = labels.classes[int(left.argmin())]
        raise InputError(
            f"sample_weight: got zero for all samples of class {name!r}, expected some of each: "
            "leave these samples out"
        )


def _checked(found: ClassLabels, known: tuple[ClassName, ...]) -> ClassLabels:
    if known:
        missing = [name for name in found.classes if name not in known]
        if missing:
            raise InputError(f"Y: got class {missing[0]!r}, expected one of {known}")
        place = np.array([known.index(name) for name in found.classes], dtype=np.intp)
        return ClassLabels(place[found.codes], known)
    if len(found.classes) < 2:
        raise InputError("Y: got labels of a single class, expected two or more")
    count = np.bincount(found.codes, minlength=len(found.classes))
    if not count.all():
        raise InputError(
            f"Y: got no sample of class {found.classes[int(count.argmin())]!r}, expected some of "
            "each: leave the column out"
        )
    return found


def _of_indicators(array: AnyArray) -> Index:
    one = array.dtype.kind in "fiub" and np.isin(array, (0, 1)).all()
    if not one or not (array.sum(axis=1) == 1).all():
        raise InputError(
            f"Y: got shape {array.shape}, expected one label for each row, or columns of zeros "
            "with a one in the column of the class"
        )
    return np.asarray(array.argmax(axis=1), dtype=np.intp)


def _comparable(array: AnyArray) -> AnyArray:
    """Labels as an array that can be sorted."""
    if array.dtype.kind == "O":
        array = _of_objects(array)
    if array.dtype.kind not in "fiubU":
        raise InputTypeError(f"Y: got labels of type {array.dtype}, expected numbers or texts")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InputError("Y: got labels that are not finite, expected a class in each row")
        if (array == np.round(array)).all() and np.abs(array).max(initial=0.0) <= WHOLE:
            return array.astype(np.int64)
    return array


def _of_objects(array: AnyArray) -> AnyArray:
    entries = array.tolist()
    kinds = ((str, str), ((bool, np.bool_), bool), (Integral, np.int64), (Real, float))
    for kind, dtype in kinds:
        if all(isinstance(entry, kind) for entry in entries):
            try:
                return array.astype(dtype)
            except OverflowError as error:
                raise InputError("Y: got labels beyond 64 bits, expected smaller ones") from error
    names = ", ".join(sorted({type(entry).__name__ for entry in entries}))
    raise InputTypeError(f"Y: got labels of type {names}, expected all numbers or all texts")
