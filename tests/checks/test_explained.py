"""Every label explained to rounding: in pieces of whatever size, the same is found."""

from __future__ import annotations

import pytest
from support.planting import plant

from unrelu.checks import explained
from unrelu.checks.explained import explain
from unrelu.samples import Samples


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch, bias: float) -> None:
    problem = plant(6, 4, 2, 5000, seed=0, bias=bias)
    X, Y = problem.X.copy(), problem.Y.copy()
    X[1234] = 0.0  # on every kink where there are no biases
    Y[1234] = problem.truth(X[[1234]])[0]
    Y[[17, 4321]] += [[1e-3], [1e-1]]
    samples, net = Samples.of(X, Y), problem.truth.canonical()
    whole = explain(net, samples)
    monkeypatch.setattr(explained, "PIECE", 100)
    pieces = explain(net, samples)
    assert pieces.missed.tolist() == whole.missed.tolist() == [17, 4321]
    assert pieces.worst_sample == whole.worst_sample == 4321
    assert pieces.on_kink == whole.on_kink == (bias == 0)
    for name in ("residual", "in_roundings", "margin"):
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), rel=1e-12)
