"""The table of activations: a new kind is one file and one line, and everything takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import FileError, InputError, Network, Status
from unrelu.activations import KINDS, RELU, Activation, Curve, Power, Rectified, names, resolve

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sinh(Activation):
    """f(z) = sinh z for z > 0."""

    name = "sinh"

    def __call__(self, z: Array) -> Array:
        return np.asarray(np.sinh(np.maximum(z, 0.0)))

    def slope(self, z: Array) -> Array:
        return np.where(z > 0, np.cosh(z), 0.0)

    def inverse(self, y: Array) -> Array:
        return np.asarray(np.arcsinh(y))


@pytest.fixture
def sinh(monkeypatch: pytest.MonkeyPatch) -> Activation:
    """The kind, in the table for one test."""
    monkeypatch.setattr("unrelu.activations.table.KINDS", [*KINDS, Sinh])
    return Sinh()


def test_a_new_kind_is_recovered_and_kept_in_files(sinh: Activation, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    V, U = rng.standard_normal((3, 5)), rng.standard_normal((4, 3))
    truth = Network(V, U, 0.3 * rng.standard_normal(3), rng.standard_normal(4), "sinh")
    assert truth.activation == sinh
    X = rng.standard_normal((150, 5))
    result = unrelu.recover(X, truth(X), activation="sinh", rng=0)
    assert result.status == Status.EXACT
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < 1e-12
    unrelu.save(result.network, tmp_path / "net.npz")
    assert unrelu.load(tmp_path / "net.npz") == result.network
    result.save(tmp_path / "result.npz")
    assert unrelu.load_result(tmp_path / "result.npz").network == result.network


def test_a_new_kind_is_fitted_to_noise(sinh: Activation) -> None:
    rng = np.random.default_rng(1)
    truth = Network(rng.standard_normal((2, 3)), rng.standard_normal((2, 2)), activation=sinh)
    X = rng.standard_normal((2000, 3))
    clean = truth(X)
    Y = clean + 0.01 * clean.std() * rng.standard_normal(clean.shape)
    result = unrelu.recover(X, Y, 2, activation=sinh, bias=False, rng=0)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < 0.05


def test_messages_list_the_table(sinh: Activation) -> None:
    assert repr(sinh.name) in names()
    with pytest.raises(InputError, match="'sinh'"):
        resolve("cosh")


def test_a_kind_that_is_not_in_the_table_has_no_name(tmp_path: Path) -> None:
    assert "sinh" not in names()
    with pytest.raises(InputError):
        resolve("sinh")
    net = Network([[1.0]], [[1.0]], activation=Sinh())
    unrelu.save(net, tmp_path / "net.npz")
    with pytest.raises(FileError, match="'sinh'"):
        unrelu.load(tmp_path / "net.npz")


def test_what_is_known_of_each_kind() -> None:
    curve, own = Curve([0.0, 1.0], [0.0, 1.0]), Rectified(np.tanh, np.arctanh)
    assert [f for f in (RELU, Power(2), Sinh(), own) if f.reversible] == [RELU]
    assert [f.piecewise_linear for f in (RELU, Power(2), Sinh())] == [True, False, False]
    assert [f.exponent for f in (RELU, Power(3), Power(0.5), Sinh())] == [1, 3, None, None]
    assert [f.homogeneous for f in (RELU, Power(0.5), Sinh(), curve)] == [True, True, False, False]
    assert [f.kinked for f in (RELU, Power(2), Sinh())] == [True, False, True]
    assert [f.steep for f in (RELU, Power(0.5), Power(2), Sinh())] == [False, True, False, False]
    assert [f.smooth for f in (RELU, Sinh(), own, curve)] == [True, True, False, False]
    assert [f.in_files for f in (RELU, Sinh(), curve, own)] == [True, True, True, False]
    assert [f.has_variance for f in (RELU, Sinh(), resolve("exp-square"))] == [True, True, False]
    assert curve.estimated
    assert not own.estimated
