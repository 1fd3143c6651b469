"""Networks of many inputs in single precision, shown by a random subspace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.rounding import Standing, planted_single, single

import unrelu
from unrelu import Network
from unrelu.extraction.queries import TimeSpent
from unrelu.extraction.search import Search
from unrelu.extraction.subspace import DIMENSIONS, shown
from unrelu.fitting.sums import Sums, fitted

Array = NDArray[np.float64]


@pytest.mark.study
def test_a_network_of_many_inputs_in_single_precision() -> None:
    truth = planted_single(80, 70, 8, seed=1, decades=0.0)
    result = unrelu.extract(single(truth), 80, rng=0)
    assert result.stats["method"] == "a subspace"
    assert result.status == "estimated"
    assert result.code == "below-rounding"
    assert result.network is not None
    standing = Standing.of(truth)
    seen = standing.compared(result.network)
    assert seen.found.all()
    assert seen.spurious == 0
    assert seen.errors.max() < 2
    assert standing.off(result.network) < 20
    # Errors are those of unit rows, and known to a few times.
    errors = result.certificate.weight_errors
    off = unrelu.match(result.network, truth.canonical()).hidden
    assert np.median(off) < 3 * np.median(errors) < 30 * np.median(off)


@pytest.mark.study
def test_a_unit_far_out_is_not_passed_over() -> None:
    """No input of the usual scale activates it, but lines do."""
    net = planted_single(80, 70, 8, seed=1, decades=0.0)
    b = net.b.copy()
    b[0] = -40 * np.linalg.norm(net.V[0])
    truth = Network(net.V, net.U, b, net.c)
    result = unrelu.extract(single(truth), 80, rng=0, throw=False)
    assert not result.status.certain
    assert result.code in ("lines-contradict", "vague-in-rounding")
    assert result.network is not None
    assert Standing.of(truth).off(result.network) < 20


def test_few_inputs_or_weights_are_left_to_lines() -> None:
    def never(X: Array) -> tuple[Array, Array]:
        pytest.fail(f"{len(X)} queries were made")

    rng = np.random.default_rng(0)
    for d, k, m in ((2 * DIMENSIONS - 1, 500, 2), (80, 8, 2)):
        found = shown(never, never, k, d, m, scale=1.0, rounding=1e-7, bias=True, rng=rng)
        assert found is None


@pytest.mark.study
def test_probabilities_of_many_inputs_in_single_precision() -> None:
    net = planted_single(80, 70, 8, seed=2, decades=0.0)
    truth = Network(net.V, net.U / 8, net.b, net.c)
    values = single(truth)

    def probabilities(X: Array) -> NDArray[np.float32]:
        Z = values(X)
        grown = np.exp(Z - Z.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True))

    result = unrelu.extract(probabilities, 80, rng=0)
    assert result.stats["answers"] == "softmax"
    assert result.status == "estimated"
    assert result.network is not None
    centred = Network(truth.V, truth.U - truth.U.mean(axis=0), truth.b, truth.c - truth.c.mean())
    standing = Standing.of(centred)
    seen = standing.compared(result.network)
    assert seen.found.all()
    assert seen.spurious == 0
    assert standing.off(result.network) < 20


def test_when_time_is_up_what_a_fit_had_found_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = planted_single(80, 70, 8, seed=1, decades=0.0)
    keep = Search.keep_network

    def and_stop(search: Search, net: Network) -> None:
        """What it keeps is not finished, however good the first step of the fit is."""
        noise = np.random.default_rng(0).standard_normal(net.V.shape)
        keep(search, Network(net.V + 1e-4 * noise, net.U, net.b, net.c))
        raise TimeSpent

    monkeypatch.setattr(Search, "keep_network", and_stop)
    values = single(truth)
    result = unrelu.extract(values, 80, rng=0, throw=False, time_limit=1e6)
    assert result.code == "time-limit"
    assert not result.status.certain
    assert result.network is not None
    assert result.network.n_units >= 70
    X = np.random.default_rng(0).standard_normal((1000, 80))
    assert np.abs(result.network(X) - truth(X)).max() < 0.1 * np.abs(truth(X)).max()


@pytest.mark.study
def test_a_fit_behind_probabilities_that_is_ended_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = planted_single(80, 70, 8, seed=2, decades=0.0)
    values = single(Network(net.V, net.U / 8, net.b, net.c))

    def stopped(start: Network, sums: Sums, **options: Any) -> Network:
        found = fitted(start, sums, **options)
        if "keep" in options:
            raise TimeSpent
        return found

    for module in ("widened", "subspace"):
        monkeypatch.setattr(f"unrelu.extraction.{module}.fitted", stopped)

    def probabilities(X: Array) -> NDArray[np.float32]:
        Z = values(X)
        grown = np.exp(Z - Z.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True))

    result = unrelu.extract(probabilities, 80, rng=0, throw=False, time_limit=1e6)
    assert result.code == "time-limit"
    assert not result.status.certain
    assert result.network is not None
    assert result.network.n_units >= 70
