"""n_units="cv": the number of units that predicts best."""

from __future__ import annotations

import numpy as np
import pytest
from support.planting import plant

from unrelu import InputError, InputTypeError, Status, recover


def test_the_units_that_are_there_predict_best() -> None:
    planted = plant(3, 2, 1, 300, seed=0, bias=0.5)
    Y = planted.Y + 0.05 * np.random.default_rng(1).standard_normal(planted.Y.shape)
    result = recover(planted.X, Y, "cv", rng=0)
    assert result.network is not None
    assert result.network.n_units == 2
    assert result.status == Status.ESTIMATED
    assert "cross-validated" in [finding.code for finding in result.findings]


def test_noise_is_predicted_best_by_its_mean() -> None:
    rng = np.random.default_rng(0)
    result = recover(rng.standard_normal((200, 2)), rng.standard_normal(200), "cv", rng=0)
    assert result.network is not None
    assert result.network.n_units == 0


def test_exact_labels_are_explained() -> None:
    planted = plant(3, 2, 2, 100, seed=0)
    assert recover(planted.X, planted.Y, "cv", rng=0).status == Status.EXACT


@pytest.mark.parametrize("options", [{"n_units": "many"}, {"n_units": "cv", "exact": True}])
def test_what_cannot_be_meant(options: dict[str, object]) -> None:
    X = np.random.default_rng(0).standard_normal((50, 2))
    with pytest.raises((InputError, InputTypeError)):
        recover(X, X[:, 0], **options)  # type: ignore[arg-type]
