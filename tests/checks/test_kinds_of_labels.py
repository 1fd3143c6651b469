"""Labels that are no values of a network: recognised, said, and never taken for values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import Network
from unrelu.checks.kinds_of_labels import kind_of_labels
from unrelu.samples import Samples

Array = NDArray[np.float64]


def softmax(Z: Array) -> Array:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(E / E.sum(axis=1, keepdims=True))


def single(head: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda Z: head(Z).astype(np.float32)


def log_softmax(Z: Array) -> Array:
    return np.asarray(Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))


def sigmoid(Z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(Z, -700, 700))))


HEADS: dict[str, tuple[Callable[[Array], Array], str]] = {
    "argmax": (lambda Z: Z.argmax(axis=1).astype(float), "class-labels"),
    "sign": (lambda Z: np.sign(Z[:, 0] - Z[:, 1]), "class-labels"),
    "one-hot": (lambda Z: np.eye(Z.shape[1])[Z.argmax(axis=1)], "class-labels"),
    "softmax": (softmax, "probabilities"),
    "softmax of float32": (single(softmax), "probabilities"),
    "percentages": (lambda Z: 100 * softmax(Z), "probabilities"),
    "four decimals": (lambda Z: np.round(softmax(Z), 4), "probabilities"),
    "sigmoid": (lambda Z: sigmoid(Z[:, :1]), "probabilities"),
    "sigmoid of float32": (single(lambda Z: sigmoid(Z[:, :1])), "probabilities"),
    "log-softmax": (log_softmax, "log-probabilities"),
    "log-softmax of float32": (single(log_softmax), "log-probabilities"),
}


def scores(seed: int) -> Network:
    truth = plant(4, 6, 3, 1, seed=seed, bias=0.5).truth
    return Network(truth.V, 0.5 * truth.U, truth.b, truth.c - truth(np.zeros((1, 4)))[0])


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("seed", [1])
def test_heads_are_no_values_to_recover(name: str, seed: int) -> None:
    head, code = HEADS[name]
    n = 1500 if code == "class-labels" else 150  # boundaries between classes have to show
    X = np.random.default_rng(seed).standard_normal((n, 4))
    result = unrelu.recover(X, head(scores(seed)(X)), rng=seed, throw=False)
    assert (result.status, result.code) == ("failed", code)
    assert result.noise is None
    assert result.uncertainty is None


@pytest.mark.parametrize("name", [name for name, (_, code) in HEADS.items() if "class" in code])
def test_labels_are_no_values_to_extract(name: str) -> None:
    head, _ = HEADS[name]
    result = unrelu.extract(lambda X: head(scores(1)(X)), 4, budget=600, rng=0, throw=False)
    assert result.stats["answers"] == "labels"
    assert result.status != "estimated"


def test_log_odds_are_what_the_explanations_say() -> None:
    """Recovery from what is recommended instead."""
    net = scores(0)
    X = np.random.default_rng(0).standard_normal((1500, 4))
    P = softmax(net(X))
    odds = unrelu.recover(X, np.log(P[:, 1:] / P[:, :1]), rng=0, throw=False)
    assert odds.network is not None
    differences = Network(net.V, net.U[1:] - net.U[:1], net.b, net.c[1:] - net.c[:1])
    assert unrelu.match(odds.network, differences).max_error < 1e-9


@pytest.mark.parametrize("seed", range(2))
def test_a_network_whose_outputs_sum_to_one_is_a_network(seed: int) -> None:
    truth = plant(4, 3, 3, 1, seed=seed, bias=0.5).truth
    X = np.random.default_rng(seed).uniform(-1, 1, (600, 4))
    U = truth.U - truth.U.mean(axis=0)
    U *= 0.3 / np.abs(Network(truth.V, U, truth.b)(X)).max()
    net = Network(truth.V, U, truth.b, np.full(3, 1 / 3))
    Y = net(X)
    assert Y.min() > 0
    assert np.allclose(Y.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert unrelu.recover(X, Y, rng=seed).status == "exact"
    assert unrelu.extract(net, 4, rng=seed).status == "exact"


def of_chance(name: str, X: Array, rng: np.random.Generator) -> Array:
    """Labels of few values that are no function of the inputs."""
    n, height = len(X), np.maximum(X[:, 0], 0)
    labels = {
        "rare": rng.poisson(0.05, n),
        "counts": rng.poisson(1.0, n),
        "modulated counts": rng.poisson(2 * height),
        "spikes": rng.random(n) < np.clip(0.3 * height, 0, 1),
        "even odds": rng.random(n) < 0.5,
        "logistic": rng.random(n) < 1 / (1 + np.exp(-3 * X[:, 0])),
        "ratings": np.clip(np.round(X[:, 0] + 0.7 * rng.standard_normal(n)), -2, 2),
        "zero-inflated": np.maximum(X[:, 0] + 0.5 * rng.standard_normal(n) - 0.5, 0),
    }
    return np.asarray(labels[name], dtype=np.float64)


@pytest.mark.parametrize(
    "name",
    [
        "rare",
        "counts",
        "modulated counts",
        "spikes",
        "even odds",
        "logistic",
        "ratings",
        "zero-inflated",
    ],
)
def test_chance_is_no_class(name: str) -> None:
    for d in (1, 2, 4, 10, 30):
        for n in (150, 1000, 4000):
            rng = np.random.default_rng([d, n])
            X = rng.standard_normal((n, d))
            samples = Samples.of(X, of_chance(name, X, rng))
            assert kind_of_labels(samples) is None, (d, n)


def test_repeated_inputs_whose_labels_differ_are_no_classes() -> None:
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 2, (40, 6)).astype(float), 30, axis=0)
    y = rng.poisson(0.5 * X[:, 0] + 0.2)
    assert kind_of_labels(Samples.of(X, y)) is None


def test_one_input_of_classes() -> None:
    x = np.random.default_rng(0).uniform(0, 10, (300, 1))
    kind = kind_of_labels(Samples.of(x, np.digitize(x[:, 0], [2.0, 5.0, 7.0])))
    assert kind is not None
    assert kind.code == "class-labels"


def test_counts_are_believed_where_they_are_said_to_be() -> None:
    X = np.random.default_rng(0).standard_normal((800, 2))
    y = (X[:, 0] > 0).astype(float)
    assert unrelu.recover(X, y, rng=0, throw=False).code == "class-labels"
    reported = unrelu.recover(X, y, 1, noise="poisson", rng=0, throw=False)
    assert reported.code != "class-labels"


@pytest.mark.parametrize("levels", [12.0, 40.0])
def test_whole_numbers_of_many_levels_are_rounded_values(levels: float) -> None:
    truth = plant(3, 2, 1, 1, seed=3, bias=0.3).truth
    X = np.random.default_rng(0).standard_normal((3000, 3))
    Y = truth(X)
    low, high = np.quantile(Y, (0.05, 0.95))
    result = unrelu.recover(X, np.round(Y * levels / (high - low)), rng=0, throw=False)
    assert result.code not in ("class-labels", "probabilities")
    assert not len(result.certificate.corrupted)
    assert result.status == "estimated"


def test_whole_numbers_of_few_levels_are_never_called_corrupted() -> None:
    truth = plant(10, 8, 1, 1, seed=0, bias=0.5).truth
    X = np.random.default_rng(0).standard_normal((2000, 10))
    Y = truth(X)
    result = unrelu.recover(X, np.round(1.2 * Y / Y.std()), 8, rng=0, throw=False)
    assert not len(result.certificate.corrupted)


def test_the_estimator_says_so_too() -> None:
    X = np.random.default_rng(0).standard_normal((500, 3))
    model = unrelu.RectifiedNetworkRegressor(random_state=0)
    with pytest.warns(match="class labels"):
        model.fit(X, (X[:, 0] + X[:, 1] > 0).astype(float))
    assert model.result_.code == "class-labels"
