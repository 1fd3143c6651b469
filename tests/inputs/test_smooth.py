"""Priors of smooth weights, as they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unrelu import InputError, InputTypeError, Smooth


def test_places_that_are_near_are_alike() -> None:
    smooth = Smooth((3, 4))
    covariance = smooth.covariance((1.0, 2.0))
    assert covariance.shape == (12, 12)
    assert np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance)[0] > 0.01
    assert np.allclose(np.diag(covariance), 1.0)
    # Steps along the second axis are neighbours in memory, and are longer in terms of its length.
    assert covariance[0, 1] == pytest.approx(0.98 * np.exp(-1 / 8))
    assert covariance[0, 4] == pytest.approx(0.98 * np.exp(-1 / 2))
    assert (smooth.covariance((0.0, 0.0)) == np.eye(12)).all()


def test_one_axis_and_one_length() -> None:
    assert Smooth(5).shape == (5,)  # type: ignore[arg-type]
    assert Smooth((2, 3), 1).length == (1.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (((),), InputError),
        (((0, 3),), InputError),
        ((("a", 3),), InputTypeError),
        (("34",), InputTypeError),
        ((2.5,), InputTypeError),
        (((3, 3), -1.0), InputError),
        (((3, 3), (1.0,)), InputError),
        (((3, 3), float("inf")), InputError),
        (((3, 3), "long"), InputTypeError),
    ],
)
def test_what_cannot_be_meant(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Smooth(*arguments)
