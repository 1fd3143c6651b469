"""breakpoints.py: positions and slopes, with errors held against a formula of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.planting import plant

from unrelu import InputError, RectifiedNetworkRegressor, assess, recover
from unrelu.cli import main
from unrelu.inference.breakpoints import rounded

Array = NDArray[np.float64]


def broken(seed: int, n: int = 200, size: float = 0.5) -> tuple[Array, Array]:
    """Slopes 1 and 3, the break at 4."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, n)
    return x[:, None], 1 + x + 2 * np.maximum(x - 4, 0) + size * rng.standard_normal(n)


def test_errors_are_those_of_segmented_regression() -> None:
    """Of the fit of c, slope, change and position, by its own Jacobian."""
    X, y = broken(0)
    result = recover(X, y, skip=True, rng=0)
    assert result.network is not None
    plain = assess(result.network, X, y, biased=True, skip=True, simulate=False)
    (found,) = plain.breakpoints()
    assert result.breakpoints[0].position == found.position
    assert result.breakpoints[0].stderr >= found.stderr  # calibrated by the likelihood
    x, t, change = X[:, 0], found.position, found.change[0]
    beyond = x > t
    J = np.column_stack([np.ones_like(x), x, np.where(beyond, x - t, 0), -change * beyond])
    rest = y - result.network(X)[:, 0]
    covariance = np.linalg.inv(J.T @ J) * (rest @ rest) / (len(x) - 4)
    after = covariance[1, 1] + 2 * covariance[1, 2] + covariance[2, 2]
    expected = np.sqrt([covariance[3, 3], covariance[1, 1], after, covariance[2, 2]])
    errors = [found.stderr, found.before_stderr[0], found.after_stderr[0], found.change_stderr[0]]
    assert np.abs(errors / expected - 1).max() < 1e-6
    assert abs(found.before[0] + found.change[0] - found.after[0]) < 1e-9
    assert (found.low, found.high) == pytest.approx(
        (t - 1.9721 * found.stderr, t + 1.9721 * found.stderr), rel=1e-4
    )


def test_without_a_skip_connection() -> None:
    """A plateau, a slope and a plateau again: the same errors whichever side units are on."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 10, 300)
    y = 4 - np.clip(x - 3.5, 0, 3) + 0.1 * rng.standard_normal(300)
    first, second = recover(x[:, None], y, rng=0).breakpoints
    free = recover(x[:, None], y, 2, skip=True, rng=0).breakpoints
    assert abs(first.position - 3.5) < 4 * first.stderr
    assert abs(second.position - 6.5) < 4 * second.stderr
    # The middle slope is free in both; the plateaus are known to be flat in one.
    assert abs(first.after_stderr[0] - second.before_stderr[0]) < 1e-9
    assert first.stderr < 1.3 * free[0].stderr
    assert (first.before[0], first.before_stderr[0]) == (0, 0)


def test_coverage() -> None:
    inside = np.zeros(3)
    for seed in range(10):
        X, y = broken(seed, 60, 0.8)
        (found,) = recover(X, y, 1, skip=True, rng=0).breakpoints
        inside += [
            found.low <= 4 <= found.high,
            abs(found.before[0] - 1) <= 2.0 * found.before_stderr[0],
            abs(found.after[0] - 3) <= 2.0 * found.after_stderr[0],
        ]
    assert inside.min() >= 7  # 9.5 are expected


def test_units_of_the_axes() -> None:
    X, y = broken(2)
    (found,) = recover(X, y, skip=True, rng=0).breakpoints
    (moved,) = recover(1.7e9 + 86400 * X, 1e9 * y, skip=True, rng=0).breakpoints
    assert abs((moved.position - 1.7e9) / 86400 - found.position) < 0.05 * found.stderr
    assert abs(moved.stderr / 86400 / found.stderr - 1) < 0.1
    assert np.abs(moved.after * 86400 / 1e9 / found.after - 1).max() < 1e-3
    assert np.abs(moved.after_stderr * 86400 / 1e9 / found.after_stderr - 1).max() < 0.1


def test_along_inputs_of_several() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 10, (600, 3))
    y = X[:, 0] + 2 * np.maximum(X[:, 0] - 4, 0) - 3 * np.maximum(X[:, 2] - 7, 0)
    result = recover(X, y + 0.3 * rng.standard_normal(600), skip=True, rng=0)
    assert [each.input for each in result.breakpoints] == [0, 2]
    for each, place in zip(result.breakpoints, (4, 7), strict=True):
        assert abs(each.position - place) < 4 * each.stderr
    # Through any point, by differences.
    assert result.network is not None
    assert result.uncertainty is not None
    at = np.array([2.0, 5.0, 9.0])
    for each in result.breakpoints_along(0, at):
        for side, slope in ((-1, each.before), (1, each.after)):
            line = np.tile(at, (2, 1))
            line[:, 0] = each.position + 1e-3 * np.array([1, 2]) * side
            values = result.network(line)[:, 0]
            assert abs((values[1] - values[0]) / (1e-3 * side) - slope[0]) < 1e-6
    wider = result.uncertainty.breakpoints(0, at, level=0.99)
    assert wider[-1].position == result.breakpoints_along(0, at)[-1].position
    assert wider[-1].high > result.breakpoints_along(0, at)[-1].high


@pytest.mark.study
def test_along_a_line_that_is_not_a_unit_errors_are_those_of_refits() -> None:
    """Positions and slopes of eight draws of noise scatter as the errors say."""
    planted = plant(3, 2, 1, 400, seed=4, bias=0.5)
    at, off = np.array([0.3, -0.2, 0.1]), []
    truth = recover(planted.X, planted.Y, rng=0).breakpoints_along(1, at)
    for seed in range(8):
        noise = 0.2 * np.random.default_rng(seed).standard_normal(planted.Y.shape)
        found = recover(planted.X, planted.Y + noise, 2, rng=0).breakpoints_along(1, at)
        for one, other in zip(found, truth, strict=True):
            assert other.stderr == 0
            off.append((one.position - other.position) / one.stderr)
            off.append((one.change[0] - other.change[0]) / one.change_stderr[0])
        off.append((found[0].after[0] - truth[0].after[0]) / found[0].after_stderr[0])
    assert 0.7 < np.sqrt(np.mean(np.square(off))) < 1.4


def test_exact_and_unknown() -> None:
    x = np.linspace(0, 10, 40)[:, None]
    (found,) = recover(x, 2 + np.maximum(x - 3.5, 0), rng=0).breakpoints
    assert (found.stderr, found.low, found.high) == (0.0, found.position, found.position)
    assert found.after_stderr.tolist() == [0.0]
    failed = recover(x, np.sin(7 * x), noise="none", rng=0, throw=False)
    assert all(np.isnan(each.stderr) for each in failed.breakpoints)
    curved = recover(x, np.maximum(x - 3.5, 0) ** 2, activation="power(2)", rng=0, throw=False)
    assert curved.breakpoints == ()
    with pytest.raises(InputError, match="expected 'relu'"):
        curved.breakpoints_along(0)
    for options, reported in (
        ({"along": 1}, "along: got 1"),
        ({"at": [1.0, 2.0]}, r"at: got shape \(2,\)"),
        ({"level": 95}, "level: got 95"),
    ):
        with pytest.raises(InputError, match=reported):
            failed.breakpoints_along(**options)


def test_rounding_of_what_is_shown() -> None:
    assert rounded(3.99649, 0.0762) == "3.996 ± 0.076"
    assert rounded(1700345678.9, 6543.2) == "1700345700 ± 6500"
    assert rounded(0.5, 0.0) == "0.5"


def test_where_they_are_shown(tmp_path: Path) -> None:
    X, y = broken(5)
    model = RectifiedNetworkRegressor(skip=True, random_state=0).fit(X, y)
    (found,) = model.breakpoints_
    assert any(name == "breakpoint 1" for name, _ in model.result_.rows())
    path = tmp_path / "samples.npz"
    np.savez(path, X=X, Y=y)
    run = CliRunner().invoke(
        main, ["recover", str(path), "-o", f"{tmp_path}/net.npz", "--skip", "--json", "--seed=0"]
    )
    (given,) = json.loads(run.stdout)["breakpoints"]
    assert given["position"] == found.position
    assert given["before_stderr"] == found.before_stderr.tolist()
