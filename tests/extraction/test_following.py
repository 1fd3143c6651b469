"""Units that lines confirm: none that the model does not have, each once, as far as it rounds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant
from support.rounding import single

from unrelu import Network
from unrelu.extraction.following import followed
from unrelu.extraction.kinks import Kinks, Line, Remains, kinks_on
from unrelu.extraction.lines import Rest, Rounding, Units

Array = NDArray[np.float64]


def rest_of(net: Network) -> Rest:
    """What a model in single precision answers, nothing subtracted."""
    ask = single(net)

    def rounded(X: Array) -> tuple[Array, Array]:
        X = X.astype(np.float32).astype(np.float64)
        return X, ask(X).astype(np.float64)

    size = 2.0**-24 * float(np.abs(net(np.random.default_rng(1).standard_normal((100, 4)))).max())
    none = Units.empty(4, net.n_outputs)
    return Rest(rounded, none, Rounding(size, 2.0), careful=True, subtract=False)


def distances(units: Units, net: Network) -> Array:
    """Of each unit found from those of the model (found, k), whatever the side."""
    rows, true = np.column_stack([units.V, units.b]), np.column_stack([net.V, net.b])
    apart = [np.linalg.norm(rows[:, None] - side * true, axis=2) for side in (1, -1)]
    return np.asarray(np.minimum(*apart))


@pytest.mark.parametrize("seed", range(3))
def test_followed_units_are_those_of_the_model(seed: int) -> None:
    net = plant(4, 16, 1, 1, seed=seed, bias=0.5).truth.canonical()
    rng, rest = np.random.default_rng(seed), rest_of(net)
    line = Line(rng.standard_normal(4), 2 * rng.standard_normal(4) / np.sqrt(2), 1e4)
    kinks = rest.kinks_on(line)
    units = followed(kinks, Units.empty(4, 1), line, rest.kinks_on, rest.rounding, rng)
    apart = distances(units, net)
    assert len(units.b) >= 10
    assert apart.min(axis=1).max() < 1e-3
    assert len(np.unique(apart.argmin(axis=1))) == len(units.b)
    moved = Units(units.V + 0.01, units.b, units.U, units.errors, units.outer)
    assert distances(moved, net).min(axis=1).max() > 1e-3  # the canary

    again = followed(kinks, units, line, rest.kinks_on, rest.rounding, rng)
    assert not len(again.b), "they are known"


def test_kinks_without_a_unit_are_not_confirmed() -> None:
    net = plant(4, 6, 1, 1, seed=0, bias=0.5).truth.canonical()
    rng, rest = np.random.default_rng(0), rest_of(net)
    line = Line(np.zeros(4), rng.standard_normal(4), 1e4)
    real = rest.kinks_on(line)
    middle = (real.at[:-1] + real.at[1:]) / 2
    invented = Kinks(
        middle,
        real.jumps[:-1],
        real.within[:-1],
        real.errors[:-1],
        real.unclear,
        True,
        real.evaluated,
    )
    assert not len(followed(invented, Units.empty(4, 1), line, rest.kinks_on, rest.rounding, rng).b)


def test_more_than_one_known_kink_hides_others() -> None:
    """Where two known units may leave as much as another one adds, the interval is split."""
    remains = Remains(
        np.array([0.2, 0.6]), np.full(2, 1e-3), np.full(2, 10.0), np.zeros(2), (1.0, 0.0), True
    )
    low, high = np.array([0.0, 0.5]), np.array([1.0, 1.0])
    assert remains.between(low, high).tolist() == [0.0, 10.0]
    line = Line(np.zeros(1), np.ones(1), 1.0)
    truth = Network([[1.0]], [[1.0]], [-0.4])
    found = kinks_on(lambda X: (X, truth(X)), line, lambda X: np.full(len(X), 1e-6), remains)
    assert np.allclose(found.at, [0.4], rtol=0, atol=1e-3)
