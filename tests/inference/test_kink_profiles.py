"""Intervals of breakpoints by the likelihood."""

from __future__ import annotations

import numpy as np
import pytest

import unrelu
from unrelu.fitting.fittings import LeastSquares
from unrelu.fitting.selection import Effort
from unrelu.fitting.sweeps import swept
from unrelu.inference.kink_profiles import KinkProfile
from unrelu.network import Network
from unrelu.numerics.arrays import Array
from unrelu.samples import Samples

AT = 4.3


def broken_line(n: int, rng: np.random.Generator, change: float = 1.0, noise: float = 0.5) -> Array:
    x = np.linspace(0, 10, n)
    y = 1 + 0.5 * x + change * np.maximum(x - AT, 0) + noise * rng.standard_normal(n)
    return np.column_stack([x, y])


def best_break(data: Array) -> Network:
    """Least squares of one break, whatever its place."""
    samples = Samples.of(data[:, :1], data[:, 1])
    middle = data[:, 0].mean()
    start = Network([[1.0]], [[1.0]], [-middle], [0.0], W=[[0.0]])
    fitting = LeastSquares(start, samples, bias=True, skip=True, effort=Effort())
    return swept(fitting.fit(start), fitting)


def interval(data: Array, level: float = 0.95, **how: object) -> tuple[float, float]:
    net = best_break(data)
    found = unrelu.assess(net, data[:, :1], data[:, 1], biased=True, skip=True, **how)  # type: ignore[arg-type]
    (one,) = found.breakpoints(level=level)
    return one.low, one.high


@pytest.mark.parametrize("n", [30, 100])
def test_intervals_hold_the_breakpoint(n: int) -> None:
    """Of 60 draws 95%, with four standard errors of 2.8% for chance; those of half the level do
    not."""
    rng = np.random.default_rng(n)
    draws = [broken_line(n, rng) for _ in range(60)]
    held = [low <= AT <= high for low, high in map(interval, draws)]
    assert 0.83 < np.mean(held) < 0.999
    half = [low <= AT <= high for low, high in (interval(each, 0.5) for each in draws[:30])]
    assert 0.1 < np.mean(half) < 0.88


def test_intervals_do_not_depend_on_scale_and_direction() -> None:
    data = broken_line(40, np.random.default_rng(1))
    low, high = interval(data)
    far = data * [1e3, 1e-6] + [1e6, 0.0]
    assert np.allclose((np.array(interval(far)) - 1e6) / 1e3, [low, high], atol=1e-2)
    turned = np.column_stack([-data[:, 0], data[:, 1]])[::-1]
    assert np.allclose(interval(turned), [-high, -low], atol=0.1)  # copies are others


def test_errors_of_a_breakpoint_are_those_of_its_interval() -> None:
    data = broken_line(30, np.random.default_rng(3))
    found = unrelu.assess(best_break(data), data[:, :1], data[:, 1], biased=True, skip=True)
    (kink,), (one,) = found.kinks, found.breakpoints()
    assert one.stderr >= kink.stderr * (1 - 1e-9)
    assert (one.low, one.high) == kink.interval(0.95)
    assert not kink.anywhere
    wider = kink.interval(0.99)
    assert wider[0] < one.low < one.position < one.high < wider[1]


def test_a_breakpoint_that_may_be_anywhere() -> None:
    data = broken_line(40, np.random.default_rng(0), change=0.0)
    found = unrelu.assess(best_break(data), data[:, :1], data[:, 1], biased=True, skip=True)
    assert found.kinks[0].anywhere


def test_unequal_noise_is_allowed_for() -> None:
    rng = np.random.default_rng(5)
    x = np.linspace(0, 10, 120)
    y = np.maximum(x - AT, 0) + (0.1 + 0.1 * x) * rng.standard_normal(120)
    low, high = interval(np.column_stack([x, y]), form="sandwich")
    assert low < AT < high


def test_an_interval_ends_where_the_p_value_falls_below() -> None:
    places, p_values = np.arange(5.0), np.array([1e-3, 0.05, 1.0, 0.5, 0.01])
    kink = KinkProfile(0, 2.0, (0.0, 4.0), (0.0, 4.0), places, p_values, 20.0)
    low, high = kink.interval(0.95)
    assert low == 1.0 or np.isclose(low, 1.0)
    assert 3.0 < high < 4.0
    assert np.allclose(kink.interval(0.999), [0.0, 4.0])


def test_noise_that_is_larger_next_to_a_break_makes_its_interval_longer() -> None:
    """By as much as its standard error."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 10, 1000))
    size = np.where(np.abs(x - 5) < 1, 1.5, 0.1)
    y = 2 * np.maximum(x - 5, 0) + size * rng.standard_normal(1000)
    lengths = {}
    for form in ("homoscedastic", "sandwich"):
        result = unrelu.recover(x[:, None], y, 1, noise="gaussian", form=form, rng=0)
        (kink,) = result.breakpoints
        lengths[form] = (kink.high - kink.low) / (2 * 1.96)
        assert 0.8 * kink.stderr < lengths[form] < 1.2 * kink.stderr
    assert lengths["sandwich"] > 1.3 * lengths["homoscedastic"]


@pytest.mark.parametrize(("at", "code"), [(1.5, "noise"), (2.5, "weights-open")])
def test_a_break_next_to_the_last_input_may_be_as_steep_as_you_like(at: float, code: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 4, 200).astype(float)
    y = np.maximum(x - at, 0) + 0.2 * rng.standard_normal(200)
    assert unrelu.recover(x[:, None], y, 1, rng=0, throw=False).code == code
