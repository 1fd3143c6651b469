"""From labels in a subspace to the network in all inputs."""

from __future__ import annotations

import numpy as np
import pytest
from support.labelled import argmax_of, as_labels_show, homogeneous, labelled, sign_of

import unrelu
from unrelu.evidence.boundary_labels import BoundaryLabels
from unrelu.extraction.hard_labels import search
from unrelu.extraction.hard_labels.classes import Classes
from unrelu.extraction.hard_labels.output_layer import Scores
from unrelu.extraction.hard_labels.segments import orthonormal
from unrelu.extraction.hard_labels.state import State
from unrelu.extraction.hard_labels.subspace import dimensions
from unrelu.extraction.hard_labels.verification import predict
from unrelu.extraction.queries import Queries


def test_few_inputs_are_looked_at_at_once() -> None:
    assert dimensions(8) is None
    assert dimensions(784) == 52


@pytest.mark.parametrize(("m", "seed"), [(1, 1), (3, 2)])
def test_all_units_are_continued_into_all_inputs(m: int, seed: int) -> None:
    truth = labelled(24, 4, m, seed)
    oracle = sign_of(truth) if m == 1 else argmax_of(truth)
    result = unrelu.extract(oracle, 24, answers="labels", budget=60_000, rng=seed, throw=False)
    assert result.code == "boundary-exact"
    assert "queries for other directions" in result.stats
    evidence = result.certificate.evidence
    assert isinstance(evidence, BoundaryLabels)
    assert result.network is not None
    assert evidence.subspace.shape == (dimensions(24), 24)
    error = unrelu.match(result.network, as_labels_show(truth)).max_error
    assert error <= max(evidence.weight_errors.max(), evidence.output_error) < 1e-8


def test_without_biases_a_boundary_may_be_where_all_units_are_off() -> None:
    truth = homogeneous(20, 5, 1, 0)
    result = unrelu.extract(
        sign_of(truth), 20, answers="labels", bias=False, budget=60_000, rng=0, throw=False
    )
    assert result.code == "boundary-exact"
    assert result.network is not None
    assert unrelu.match(result.network, as_labels_show(truth)).max_error < 1e-10


def test_a_network_that_differs_beside_the_subspace_is_not_taken_from_it() -> None:
    """Seen from all inputs, the last hyperplane is far out."""
    truth = labelled(24, 4, 1, 1)

    def oracle(X: np.ndarray) -> np.ndarray:
        odd = np.abs(X).max(axis=1) > 200
        return np.where(odd & (X[:, 0] > 0), 1.0, sign_of(truth)(X))

    result = unrelu.extract(oracle, 24, answers="labels", budget=20_000, rng=1, throw=False)
    assert result.status != "exact"


def test_directions_become_orthonormal() -> None:
    rng = np.random.default_rng(0)
    t, n = np.linalg.qr(rng.standard_normal((30, 2)))[0].T
    t, n = orthonormal(t + 1e-6 * n, 1.001 * n)
    assert np.allclose([t @ t, n @ n, t @ n], [1, 1, 0], atol=1e-15)


def test_inputs_of_a_class_are_remembered_as_they_were_asked() -> None:
    queries = Queries(lambda X: (X[:, 0] > 0) * 1.0, 2, budget=10, batch=10)
    classes = Classes(queries)
    X = np.array([[1.0, 0.0], [-1.0, 0.0]])
    classes(X)
    X[:] = 7.0
    assert [inside.tolist() for inside in classes.inside] == [[[1.0, 0.0]], [[-1.0, 0.0]]]


def test_after_a_subspace_in_vain_another_one_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """In many inputs, a search in all of them takes more questions than several subspaces."""
    truth = labelled(120, 3, 3, 2)
    tried: list[int] = []

    def in_vain_at_first(state: State, first: np.ndarray, last: int) -> bool:
        tried.append(state.n_inputs)
        return len(tried) > 1 and stages(state, first, last)

    stages = search._all_stages
    monkeypatch.setattr(search, "_all_stages", in_vain_at_first)
    result = unrelu.extract(
        argmax_of(truth), 120, answers="labels", budget=60_000, rng=1, throw=False
    )
    assert tried == [dimensions(120)] * 2
    assert result.code == "boundary-exact"
    assert result.network is not None
    assert unrelu.match(result.network, as_labels_show(truth)).max_error < 1e-9


@pytest.mark.parametrize("budget", [300, 330, 900, 3000])
def test_a_budget_that_ends_in_a_subspace_leaves_the_labels_seen(budget: int) -> None:
    truth = labelled(24, 4, 1, 1)
    result = unrelu.extract(sign_of(truth), 24, answers="labels", budget=budget, rng=1, throw=False)
    assert (result.status, result.code) == ("undetermined", "budget-spent")


def test_points_are_predicted_on_chords_between_two_classes() -> None:
    truth = labelled(8, 4, 3, 0)
    scores = Scores(truth, np.zeros((3, 4), np.intp))
    rng = np.random.default_rng(0)
    predicted = predict(scores, 1e-8, 50, (1.0, 16.0), rng)
    assert 0 < len(predicted.X) <= 50
    ends = [truth(predicted.chords[:, side]).argmax(axis=1) for side in (0, 1)]
    assert (ends[0] != ends[1]).all()
    for sign, column in ((1, 0), (-1, 1)):
        labels = truth(predicted.X + sign * predicted.aside).argmax(axis=1)
        assert (labels == predicted.pairs[:, column]).all()
