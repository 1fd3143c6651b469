"""Class labels as people keep them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.classes import class_labels

X = np.zeros((4, 2))
SAME: list[tuple[Any, tuple[Any, ...]]] = [
    ([3, 7, 3, 7], (3, 7)),
    (np.array([3.0, 7.0, 3.0, 7.0]), (3, 7)),
    ([[3], [7], [3], [7]], (3, 7)),
    ([False, True, False, True], (False, True)),
    (["cat", "dog", "cat", "dog"], ("cat", "dog")),
    (np.array(["cat", "dog", "cat", "dog"], dtype=object), ("cat", "dog")),
    (pd.Series(["cat", "dog", "cat", "dog"]), ("cat", "dog")),
    (pd.Series(["cat", "dog", "cat", "dog"], dtype="category"), ("cat", "dog")),
    ([[1, 0], [0, 1], [1, 0], [0, 1]], (0, 1)),
    (pd.DataFrame({"b": [1, 0, 1, 0], "a": [0, 1, 0, 1]}), ("b", "a")),
]


@pytest.mark.parametrize(("Y", "classes"), SAME)
def test_classes_in_order(Y: Any, classes: tuple[Any, ...]) -> None:
    found = class_labels(X, Y)
    assert found.codes.tolist() == [0, 1, 0, 1]
    assert found.classes == classes
    assert found.indicators.tolist() == [[1.0, 0.0], [0.0, 1.0]] * 2


def test_rows_are_matched_by_their_labels() -> None:
    frame = pd.DataFrame(X, index=list("abcd"))
    assert class_labels(frame, pd.Series([1, 0, 1, 0], index=list("dcba"))).codes.tolist() == [
        *(0, 1, 0, 1)
    ]


def test_known_classes() -> None:
    found = class_labels(X, ["b", "c", "b", "b"], ("a", "b", "c"))
    assert found.codes.tolist() == [1, 2, 1, 1]
    with pytest.raises(InputError, match="got class 'd'"):
        class_labels(X, ["b", "d", "b", "b"], ("a", "b", "c"))


@pytest.mark.parametrize(
    ("Y", "match"),
    [
        ([1, 1, 1, 1], "single class"),
        ([0.5, np.nan, 1, 2], "not finite"),
        ([[0.5, 0.5]] * 4, "one label for each row"),
        ([[1, 1], [1, 0], [1, 0], [0, 1]], "one label for each row"),
        ([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], "no sample of class 2"),
        (np.arange(1000.0), "1000 different labels"),
        (np.array([2**70, 1, 2, 1], dtype=object), "beyond 64 bits"),
    ],
)
def test_what_is_no_class_is_refused(Y: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        class_labels(np.zeros((len(Y), 2)), Y)


def test_large_labels_are_told_apart() -> None:
    assert class_labels(X, [1e19, 2e19, 1e19, 2e19]).classes == (1e19, 2e19)
    assert class_labels(X, [1e300, 2e300, 1e300, 2e300]).codes.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("kind", [np.int32, np.float64, np.str_, np.bool_, float])
def test_objects_may_be_of_any_one_kind(kind: Any) -> None:
    labels = np.array([kind(0), kind(1), kind(0), kind(1)], dtype=object)
    if kind is np.bool_:
        labels = np.array([np.False_, np.True_, np.False_, np.True_], dtype=object)
    if kind is np.str_:
        labels = np.array([np.str_("a"), np.str_("b")] * 2, dtype=object)
    assert class_labels(X, labels).codes.tolist() == [0, 1, 0, 1]


def test_mixed_types_are_refused() -> None:
    with pytest.raises(InputTypeError, match="all numbers or all texts"):
        class_labels(X, np.array([1, "a", None, 2], dtype=object))
