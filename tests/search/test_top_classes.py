"""Probabilities of the likeliest classes that are given, and not asked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.heads import FORMS, centred, model, planted, shown_truth, top

import unrelu
from unrelu import InputError

Array = NDArray[np.float64]


def samples(seed: int, m: int, k: int, n: int = 600) -> tuple[unrelu.Network, Array, Array]:
    net = planted(seed, m=m)
    X = np.random.default_rng(seed).standard_normal((n, net.n_inputs))
    return net, X, top(model(net, "softmax")(X), k)


@pytest.mark.parametrize("form", FORMS)
def test_the_network_behind_them(form: str) -> None:
    net, X, P = samples(2, 5, 3)
    result = unrelu.recover(X, FORMS[form](P), answers="top-k", rng=0)
    assert (result.status, result.code, result.stats["answers"]) == (
        "exact",
        "shown-exact",
        "top-k",
    )
    assert result.network is not None
    assert unrelu.match(result.network, shown_truth(result, net)).max_error < 1e-12
    assert {"answers", "hidden-by-answers"} <= {finding.code for finding in result.findings}
    assert result.certificate.recheck(X, FORMS[form](P)).status == "exact"


def test_in_single_precision() -> None:
    net, X, P = samples(3, 6, 3)
    result = unrelu.recover(X, P.astype(np.float32), answers="top-k", rng=0)
    assert (result.status, result.code) == ("estimated", "shown-estimated")
    error = unrelu.match(result.certificate.network, shown_truth(result, net)).max_error
    assert error < result.certificate.weight_errors.max() < 1e-3


def test_another_number_of_units_is_reported() -> None:
    _, X, P = samples(3, 6, 3)
    for given, code, status in ((2, "more-units", "failed"), (4, "fewer-units", "undetermined")):
        result = unrelu.recover(X, P, given, answers="top-k", rng=0, throw=False)
        assert (result.code, result.status) == (code, status)
        assert result.certificate.network.n_units == 3


def test_others_end_without_a_network() -> None:
    _, X, P = samples(3, 6, 3)
    shuffled = np.random.default_rng(0).permutation(P)
    cases = (
        (np.round(P, 4), "rounded-probabilities"),
        (shuffled, "not-found"),
        (np.where(P.max(axis=1, keepdims=True) == P, P, 0.0), "one-shown"),
    )
    for labels, code in cases:
        result = unrelu.recover(X, labels, answers="top-k", rng=0, throw=False)
        assert (result.status, result.code) == ("undetermined", code)


@pytest.mark.parametrize(
    ("labels", "options", "words"),
    [
        (lambda P: P[:, 0], {}, r"shape \(600,\)"),
        (lambda P: -P, {}, "negative"),
        (lambda P: 0 * P, {}, "at least one"),
        (lambda P: 0.9 * np.ones_like(P), {}, "not probabilities of the likeliest"),
        (lambda P: P[:-1], {}, "600"),
        (lambda P: P, {"skip": True}, "skip"),
        (lambda P: P, {"sample_weight": np.ones(600)}, "sample_weight"),
        (lambda P: P, {"noise": "gaussian"}, "noise"),
        (lambda P: P, {"exact": True}, "exact"),
        (lambda P: [{"a": 0.5, 1: 0.2}] * len(P), {}, "texts and numbers"),
    ],
)
def test_what_cannot_be_meant(labels, options, words) -> None:  # type: ignore[no-untyped-def]
    _, X, P = samples(3, 6, 3)
    with pytest.raises(InputError, match=words):
        unrelu.recover(X, labels(P), answers="top-k", **options)


def test_the_estimator_predicts_probabilities() -> None:
    net, X, P = samples(3, 6, 3)
    fitted = unrelu.RectifiedNetworkRegressor(answers="top-k", random_state=0).fit(X, P)
    shown = centred(unrelu.Network(net.V, net.U[fitted.classes_], net.b, net.c[fitted.classes_]))
    assert np.allclose(fitted.predict(X), model(shown, "softmax")(X), rtol=1e-9)
