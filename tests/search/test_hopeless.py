"""Labels of no small network: what is left shows it, and one search is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.planting import plant

from unrelu import Network, recover
from unrelu.noise import kinds
from unrelu.noise.found import HOPELESS
from unrelu.noise.gaussian import GAUSSIAN
from unrelu.noise.independent import INDEPENDENT
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples
from unrelu.search.hopeless import is_hopeless
from unrelu.search.unsettled import of_search
from unrelu.wording.status import Status


def test_one_search_is_made_for_labels_of_another_function() -> None:
    X = np.random.default_rng(0).standard_normal((400, 4))
    result = recover(X, X[:, 0] * X[:, 1], rng=0, throw=False)
    assert result.status == "failed"
    assert result.noise is not None
    assert result.noise.search == HOPELESS


@pytest.mark.parametrize("law", ["normal", "t3"])
def test_planted_networks_with_noise_are_not_given_up(law: str) -> None:
    problem = plant(5, 3, 1, 800, seed=0, bias=0.4)
    rng = np.random.default_rng(0)
    size = problem.Y.shape
    noise = rng.standard_normal(size) if law == "normal" else rng.standard_t(3, size)
    result = recover(problem.X, problem.Y + 0.05 * noise, rng=0, throw=False)
    assert (result.status, result.certificate.network.n_units) == ("estimated", 3)
    assert result.noise is not None
    assert result.noise.search == ""


@pytest.mark.parametrize("kind", [GAUSSIAN, INDEPENDENT], ids=lambda kind: kind.name)
def test_noise_about_the_truth_is_noise_and_a_missing_unit_is_not(kind: NoiseKind) -> None:
    problem = plant(5, 3, 1, 1000, seed=0, bias=0.4)
    noise = 0.05 * np.random.default_rng(0).standard_normal(problem.Y.shape)
    samples, truth = Samples.of(problem.X, problem.Y + noise), problem.truth
    assert not is_hopeless(truth, samples, kind, bias=True, step=0.0)
    less = truth.without(int(np.argmax(np.linalg.norm(truth.U, axis=0))))
    assert is_hopeless(less, samples, kind, bias=True, step=0.0)


def test_rounding_is_not_given_up() -> None:
    problem = plant(5, 3, 1, 1000, seed=0, bias=0.4)
    step = 0.5
    samples = Samples.of(problem.X, step * np.round(problem.Y / step))
    assert not is_hopeless(problem.truth, samples, GAUSSIAN, bias=True, step=step)


def test_one_search_alone_leaves_open_whether_it_is_the_best() -> None:
    net = Network(np.eye(2), np.ones((1, 2)))
    samples = Samples.of(*(np.random.default_rng(0).standard_normal((100, q)) for q in (2, 1)))
    noise = kinds.noise_left(GAUSSIAN, "", samples, net, True)
    assert of_search(noise, 2) == ()
    (found,) = of_search(replace(noise, search=HOPELESS), 2)
    assert (found.code, found.status) == ("one-search", Status.UNDETERMINED)
