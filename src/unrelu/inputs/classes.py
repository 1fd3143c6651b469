"""Class labels as numbers of classes, from what people keep them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.frames import aligned
from unrelu.numerics.arrays import AnyArray, Array, Index

MOST_CLASSES = 100

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
        kinds = {type(entry) for entry in array.tolist()}
        if kinds <= {str}:
            return array.astype(str)
        if kinds <= {bool, np.bool_} or kinds <= {int, bool, np.int64}:
            return array.astype(np.int64 if int in kinds else bool)
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise InputTypeError(f"Y: got labels of type {names}, expected numbers or texts")
    if array.dtype.kind not in "fiubU":
        raise InputTypeError(f"Y: got labels of type {array.dtype}, expected numbers or texts")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InputError("Y: got labels that are not finite, expected a class in each row")
        if (array == np.round(array)).all():
            return array.astype(np.int64)
    return array
