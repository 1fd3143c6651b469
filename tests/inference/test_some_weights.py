"""Standard errors of some weights by conjugate gradients: those of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from support.planting import plant

from unrelu import InputError, assess, unit_errors
from unrelu.inference import arguments
from unrelu.network import Network
from unrelu.numerics.arrays import Array

SAME = 1e-6
"""Of conjugate gradients that end at 1e-5 of the right side, and a variance that is off by squares
of that."""


def noisy(m: int, seed: int, *, skip: bool = False) -> tuple[Network, Array, Array]:
    problem = plant(6, 4, m, 900, seed=seed, bias=0.4)
    net, rng = problem.truth.canonical(), np.random.default_rng(seed)
    if skip:
        W = rng.standard_normal((m, 6))
        net = Network(net.V, net.U, net.b, net.c, W=W).canonical()
    return net, problem.X, net(problem.X) + 0.1 * rng.standard_normal((900, m))


@pytest.mark.parametrize("skip", [False, True])
def test_they_are_those_of_the_dense_matrix(skip: bool) -> None:
    net, X, Y = noisy(1, 0, skip=skip)
    dense = assess(net, X, Y, biased=True, skip=skip, simulate=False).stderr
    for found in unit_errors(net, X, Y, [0, 3], biased=True, skip=skip):
        unit = found.unit
        assert np.allclose(found.V, dense.V[unit], rtol=SAME, atol=0)
        assert np.isclose(found.b, dense.b[unit], rtol=SAME, atol=0)
        assert np.allclose(found.U, dense.U[:, unit], rtol=SAME, atol=0)
        assert not np.allclose(found.V, dense.V[1], rtol=SAME, atol=0)  # the canary


def test_outputs_may_share_their_noise() -> None:
    """Up to how many unknowns each output pays for: 20 of 900 samples."""
    net, X, Y = noisy(3, 1)
    Y = Y + 0.2 * np.random.default_rng(5).standard_normal((900, 1))
    dense = assess(net, X, Y, biased=True, simulate=False).stderr
    (found,) = unit_errors(net, X, Y, [2], biased=True, inputs=[4, 0])
    assert np.allclose(found.V, dense.V[2, [4, 0]], rtol=0.02, atol=0)
    assert np.allclose(found.U, dense.U[:, 2], rtol=0.02, atol=0)
    plain = assess(net, X, Y, biased=True, simulate=False, covariance=np.diag([1.0, 9.0, 1.0]))
    assert not np.allclose(found.U, plain.stderr.U[:, 2], rtol=0.02, atol=0)  # the canary


def test_a_weight_that_changes_no_label_has_no_error() -> None:
    net, X, Y = noisy(1, 2)
    idle = Network(
        np.vstack([net.V, net.V[:1]]), np.hstack([net.U, [[1.0]]]), np.append(net.b, -100.0), net.c
    )
    idle = idle.canonical()
    unit = int(np.argmin(idle.b))
    (found,) = unit_errors(idle, X, Y, [unit], biased=True, inputs=[0])
    assert np.isinf([*found.V, found.b, *found.U]).all()


def test_more_unknowns_than_a_matrix_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    net, X, Y = noisy(1, 3)
    dense = assess(net, X, Y, biased=True, simulate=False).stderr
    monkeypatch.setattr(arguments, "MOST_UNKNOWNS", 20)
    with pytest.raises(InputError, match="unit_errors"):
        assess(net, X, Y, biased=True)
    (found,) = unit_errors(net, X, Y, [1], biased=True, inputs=[5])
    assert np.allclose(found.V, dense.V[1, [5]], rtol=SAME, atol=0)


@pytest.mark.parametrize("units", [[4], [-1], [0.5], [[0]]])
def test_numbers_that_are_no_units_are_refused(units: list[float]) -> None:
    net, X, Y = noisy(1, 0)
    with pytest.raises(InputError):
        unit_errors(net, X, Y, units, biased=True)  # type: ignore[arg-type]
