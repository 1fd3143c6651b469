"""Counts: a unit more than there are, and one that is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from unrelu import Network, Status, recover
from unrelu.fitting.width import choose

Array = NDArray[np.float64]

N, D = 2500, 4


def cell(seed: int) -> tuple[Network, Array, Array]:
    """Two subunits and a baseline, one count to a sample."""
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    truth = Network(V, [[1.0, 1.0]], c=[0.2])
    X = rng.standard_normal((N, D))
    return truth, X, rng.poisson(truth(X)).astype(np.float64)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.study)])
def test_a_unit_told_in_excess_is_not_called_an_estimate(seed: int) -> None:
    truth, X, Y = cell(seed)
    told = recover(X, Y, truth.n_units + 1, noise="poisson", rng=0, throw=False)
    assert told.status == Status.UNDETERMINED
    assert told.certificate.recheck(X, Y).status == told.certificate.status
    right = recover(X, Y, truth.n_units, noise="poisson", rng=0)
    assert right.status == Status.ESTIMATED


@pytest.mark.parametrize(
    ("left", "code"), [("open", "more-units-open"), ("wider", "more-units-searched")]
)
def test_a_unit_left_open_leaves_the_network_undetermined(
    left: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, X, Y = cell(0)
    left_open = lambda *given, **named: replace(choose(*given, **named), open=left)  # noqa: E731
    monkeypatch.setattr("unrelu.search.request.choose", left_open)
    found = recover(X, Y, noise="poisson", rng=0, throw=False)
    assert (found.status, found.code) == (Status.UNDETERMINED, code)


def test_a_missing_unit_is_no_estimate() -> None:
    _, X, Y = cell(0)
    told = recover(X, Y, 1, noise="poisson", rng=0, throw=False)
    assert told.status in (Status.FAILED, Status.UNDETERMINED)
