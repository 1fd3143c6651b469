"""Estimates whose checks were ended: a recheck makes them."""

from __future__ import annotations

import numpy as np
import pytest
from support.drawn_labels import drawn_samples, planted_logits
from support.planting import plant

from unrelu import Network, Status, recover, verify
from unrelu.certificate import Certificate
from unrelu.evidence.class_labels import DrawnLabels, judge_classes
from unrelu.evidence.evidence import Question
from unrelu.evidence.noisy_labels import noise_of
from unrelu.evidence.unchecked import noisy_unchecked
from unrelu.samples import Samples


@pytest.mark.parametrize("units", [2, 3])
def test_noisy_labels(units: int) -> None:
    made = plant(4, 2, 1, 300, seed=0, bias=0.5)
    Y = made.Y + 0.1 * np.random.default_rng(1).standard_normal(made.Y.shape)
    net = recover(made.X, Y, units, rng=0, noise="gaussian", throw=False).certificate.network
    asked, samples = Question(net, True), Samples.of(made.X, Y)
    noise, _ = noise_of(asked, samples, "gaussian")
    unchecked = Certificate.of(noisy_unchecked(asked, samples, noise))
    assert unchecked.code == "not-checked"
    again, verified = unchecked.recheck(made.X, Y), verify(net, made.X, Y, noise="gaussian")
    assert (again.status, again.code) == (verified.status, verified.code)
    assert np.allclose(again.weight_errors, verified.weight_errors, rtol=1e-6)
    assert (again.status == Status.ESTIMATED) <= np.isfinite(again.weight_errors).all()
    assert units > 2 or again.status == Status.ESTIMATED


def test_class_labels() -> None:
    truth = planted_logits(0, d=3, k=2, classes=2)
    X, labels = drawn_samples(truth, 1000, 0)
    found = recover(X, labels, answers="labels", rng=0).certificate
    net: Network = found.network
    assert isinstance(found.evidence, DrawnLabels)
    samples = Samples.of(X, np.asarray(labels, float).reshape(-1, 1), few=True)
    asked = Question(net, found.biased, found.skip)
    judged = judge_classes(asked, samples, found.evidence.classes, alpha=0.01, tested=False)
    unchecked = Certificate.of(judged.judgement)
    assert unchecked.code == "not-checked"
    again = unchecked.recheck(X, labels)
    assert again.status == Status.ESTIMATED
    assert np.allclose(again.weight_errors, found.weight_errors, rtol=1e-6)
