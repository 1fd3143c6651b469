"""Weights of samples, forms of standard errors, and networks without units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.planting import plant

from unrelu import InputError, Network, Recovery, assess, match, recover
from unrelu.cli import main
from unrelu.samples import Samples, weighed

Array = NDArray[np.float64]


def broken(x: Array) -> Array:
    return np.asarray(1 + x + 2 * np.maximum(x - 4, 0))


def recovered(X: Array, y: Array, **options: Any) -> tuple[Recovery, Network, Network]:
    result = recover(X, y, rng=0, throw=False, **options)
    assert result.status == "estimated"
    assert result.network is not None
    assert result.stderr is not None
    return result, result.network, result.stderr


KINDS = {
    "gaussian": lambda rng, mean: mean + 0.5 * rng.standard_normal(mean.shape),
    "poisson": lambda rng, mean: rng.poisson(mean),
}


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("skip", [False, pytest.param(True, marks=pytest.mark.study)])
def test_whole_weights_are_repeated_rows(noise: str, skip: bool) -> None:
    """The same minimum, whatever its standard errors. (Not so for heavy tails, where a weight
    narrows the noise of one sample, which is not the noise of several.)"""
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 10, 150)
    X, mean = x[:, None], broken(x) if skip else 2 + 2 * np.maximum(x - 4, 0)
    y = KINDS[noise](rng, mean)
    times = rng.integers(0, 4, 150)
    options: dict[str, Any] = {"n_units": 1, "noise": noise, "skip": skip}
    _, net, error = recovered(X, y, sample_weight=times, **options)
    _, other, its = recovered(np.repeat(X, times, 0), np.repeat(y, times), **options)
    for part in ("U", "b", "c", "W"):
        apart = np.abs(getattr(net, part) - getattr(other, part))
        assert np.all(apart <= 0.05 * getattr(error, part) + 1e-12)
    assert not np.allclose(net.b, recovered(X, y, **options)[1].b)
    # Repeated rows are taken for new ones: about 1/√2 of the error.
    assert np.all(its.b < 0.9 * error.b)


def test_weights_in_many_dimensions_and_outputs() -> None:
    planted = plant(4, 2, 2, 500, seed=3, bias=0.5)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.05, 2.0, 500)
    noise = 0.3 * rng.standard_normal((500, 2)) / np.sqrt(weights)[:, None]
    result, net, error = recovered(planted.X, planted.Y + noise, sample_weight=1e6 * weights)
    assert net.n_units == 2
    at = match(net, planted.truth).permutation
    true = planted.truth.canonical()
    off = (net.V[at] - true.V) / error.V[at]
    assert 0.5 < np.sqrt((off**2).mean()) < 1.6
    assert result.noise is not None
    assert np.all(np.abs(np.sqrt(np.diag(result.noise.covariance) * weights.mean()) - 0.3) < 0.03)
    _, _, worse = recovered(planted.X, planted.Y + noise, n_units=2, noise="gaussian")
    # By √(mean w · mean 1/w) = 1.35.
    assert error.V.mean() < 0.85 * worse.V.mean()
    # The inverse variances are the right weights: nothing is left to be said of the noise.
    assert result.uncertainty is not None
    assert result.uncertainty.form == "homoscedastic"


def test_the_formula_of_weighted_least_squares() -> None:
    rng = np.random.default_rng(1)
    X, weights = rng.standard_normal((80, 3)), rng.uniform(0, 3, 80)
    y = X @ [1.0, 2.0, 0.0] + 5 + rng.standard_normal(80)
    _, net, error = recovered(X, y, n_units=0, skip=True, sample_weight=weights)
    root = np.sqrt(weights)[:, None]
    design = root * np.column_stack([X, np.ones(80)])
    expected, squares, _, _ = np.linalg.lstsq(design, root[:, 0] * y)
    sizes = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * squares / 76)
    assert np.allclose(np.append(net.W[0], net.c), expected)
    assert np.allclose(np.append(error.W[0], error.c), sizes)


def test_scales_of_weights_and_columns() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 10, 200)
    y, weights = broken(x) + rng.standard_normal(200), rng.uniform(0.1, 1, 200)
    _, net, error = recovered(x[:, None], y, skip=True, sample_weight=weights)
    far = 1.7e9 + 86400 * x[:, None]
    _, other, its = recovered(far, 1e9 * y, skip=True, sample_weight=1e-9 * weights)
    place, moved = -net.b[0] / net.V[0, 0], -other.b[0] / other.V[0, 0]
    assert abs((moved - 1.7e9) / 86400 - place) <= 0.3 * error.b[0]
    assert abs(its.b[0] / 86400 / error.b[0] - 1) < 0.1
    assert abs(its.U[0, 0] * 86400 / 1e9 / error.U[0, 0] - 1) < 0.1


def test_exact_labels_do_not_mind_weights() -> None:
    planted = plant(3, 2, 1, 200, seed=1)
    weights = np.where(np.arange(200) < 20, 0.0, np.geomspace(1e-6, 1, 200))
    Y = planted.Y.copy()
    Y[:20] = 7.0
    result = recover(planted.X, Y, sample_weight=weights, rng=0)
    assert result.status == "exact"
    assert result.certificate.n_samples == 180
    assert recover(planted.X, Y, rng=0, throw=False).status != "exact"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sample_weight": np.ones(9)}, r"sample_weight: got shape \(9,\), expected \(50,\)"),
    ({"sample_weight": -np.ones(50)}, "sample_weight: got -1 for sample 0"),
    ({"sample_weight": np.full(50, np.nan)}, "sample_weight: got nan for sample 0"),
    ({"sample_weight": np.eye(50)[0]}, "sample_weight: got 1 weights above zero for 2 inputs"),
    ({"sample_weight": np.arange(50), "activation": "power(2)"}, r"activation 'power\(2\)'"),
    ({"sample_weight": np.arange(50), "method": "ica"}, "method='ica'"),
    ({"form": "robust"}, "form: got 'robust', expected one of 'auto', 'homoscedastic'"),
    ({"n_units": 0, "bias": False}, "n_units: got 0 with bias=False and skip=False"),
    ({"n_units": 0, "method": "row-space"}, "n_units: got 0 with method='row-space'"),
]


@pytest.mark.parametrize(
    ("options", "reported"), REFUSED, ids=[reported[:20] for _, reported in REFUSED]
)
def test_what_cannot_be_done(options: dict[str, Any], reported: str) -> None:
    X = np.random.default_rng(0).standard_normal((50, 2))
    with pytest.raises(InputError, match=reported):
        recover(X, np.abs(X), **options)


def test_weights_of_entries_hold_those_of_samples() -> None:
    planted = plant(3, 2, 1, 60, seed=1)
    ones = np.ones(60)
    with pytest.raises(InputError, match="sample_weight and weights: got both"):
        assess(
            planted.truth,
            planted.X,
            planted.Y,
            biased=False,
            weights=ones,
            sample_weight=np.arange(60),
        )
    samples, kept = weighed(Samples.of(planted.X, planted.Y), np.arange(60))
    assert kept.tolist() == list(range(1, 60))
    assert samples.weights is not None
    assert abs(samples.weights.mean() - 1) < 1e-12
    assert weighed(samples, np.full(59, 3.0))[0].weights is None


@pytest.mark.parametrize("form", ["w.csv", "named.csv", "w.npz", "w.parquet"])
def test_weights_in_files(tmp_path: Path, form: str) -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.uniform(0, 10, 120), np.append(rng.uniform(0.1, 2, 110), np.zeros(10))
    y = broken(x) + rng.standard_normal(120) / np.sqrt(weights + 0.1)
    path, columns = tmp_path / form, []
    if form == "w.npz":
        np.savez(path, X=x[:, None], Y=y, w=weights)
    else:
        first, last = ("time", "dose") if form == "named.csv" else ("x0", "y0")
        frame = pd.DataFrame({first: x, "w": weights, last: y})
        if form == "w.parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)
        columns = ["--x-columns", "time"] if form == "named.csv" else []
    net, page = tmp_path / "net.npz", tmp_path / "page.html"
    arguments = ["recover", str(path), "-o", str(net), "--skip", "--weights", "w", "--seed", "0"]
    arguments += ["--json", "--units", "1", "--noise", "gaussian", "--report", str(page)]
    run = CliRunner().invoke(main, arguments + columns)
    assert run.exit_code == 0, run.output
    _, _, error = recovered(
        x[:, None], y, skip=True, n_units=1, noise="gaussian", sample_weight=weights
    )
    reported = json.loads(run.stdout)
    assert reported["certificate"]["n_samples"] == 110
    assert reported["uncertainty"]["stderr"]["b"][0] == pytest.approx(error.b[0], rel=0.05)
    wrong = [text if text != "w" else "v" for text in arguments]
    assert CliRunner().invoke(main, wrong + columns).exit_code == 2


@pytest.mark.study
def test_the_sandwich_where_the_noise_grows() -> None:
    """Intervals of the breakpoint cover with it, and with the weights that are right."""
    inside = {"auto": 0, "weights": 0}
    forms = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, 10, 200)
        size = 0.05 + 0.4 * np.maximum(x - 4, 0)
        y = 1 + 2 * np.maximum(x - 4, 0) + size * rng.standard_normal(200)
        for name in inside:
            options: dict[str, Any] = {}
            if name == "weights":
                options = {"sample_weight": 1 / size**2}
            result, net, error = recovered(x[:, None], y, n_units=1, noise="gaussian", **options)
            assert result.uncertainty is not None
            forms += [result.uncertainty.form] * (name == "auto")
            place = -net.b[0] / net.V[0, 0]
            inside[name] += abs(place - 4) <= 1.97 * error.b[0]
    assert forms.count("sandwich") >= 9
    assert min(inside.values()) >= 7  # 9.5 are expected
