"""A status is the certificate's alone, whoever asks and whoever found the network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.families import FAMILIES, made

import unrelu
from unrelu import Network, Recovery, Status, recover, verify
from unrelu.checks.case import Case, Check
from unrelu.checks.finding import Finding
from unrelu.evidence import exact_labels
from unrelu.evidence.exact_labels import ExactLabels
from unrelu.evidence.noisy_labels import NoisyLabels

METHODS = ("auto", "row-space", "hyperplanes", "facets", "ica", "one-sparse")


def disagreements(result: Recovery, X: np.ndarray, Y: np.ndarray, noise: str = "auto") -> list[str]:
    """Who says another thing than the result's own certificate."""
    certificate = result.certificate
    others = {"recheck": certificate.recheck(X, Y)}
    if isinstance(certificate.evidence, ExactLabels | NoisyLabels) and result.network is not None:
        biased, skip = certificate.biased, certificate.skip
        others["verify"] = verify(result.network, X, Y, bias=biased, skip=skip, noise=noise)
    return [
        f"{who}: {other.status.value} ({other.code}), not {certificate.status.value}"
        f" ({certificate.code})"
        for who, other in others.items()
        if (other.status, other.code) != (certificate.status, certificate.code)
    ]


@settings(max_examples=6, derandomize=True)
@given(name=st.sampled_from(sorted(FAMILIES)), seed=st.integers(0, 10_000))
@example(name="noise", seed=1)
@example(name="far from the origin", seed=2203)
@example(name="two labels swapped", seed=500)
@example(name="corners of a cube", seed=2203)
def test_recover_verify_and_recheck_agree(name: str, seed: int) -> None:
    case = made(name, seed)
    try:
        result = recover(case.X, case.Y, rng=seed, throw=False, **case.options)
    except unrelu.InputError:
        return
    assert not disagreements(result, case.X, case.Y)


def cube(activation: str) -> tuple[np.ndarray, np.ndarray]:
    """All corners of a cube, which have more structure than chance allows for."""
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    V = np.random.default_rng(9).standard_normal((3, 3))
    return X, Network(V, np.eye(3), activation=activation)(X)


@pytest.mark.parametrize("activation", ["relu", "power(2)"])
def test_the_corners_of_a_cube(activation: str) -> None:
    """Other networks are looked for whoever asks."""
    X, Y = cube(activation)
    for method in ("auto", "row-space", "ica") if activation != "relu" else METHODS:
        result = recover(
            *(X, Y, 3), activation=activation, method=method, bias=False, rng=0, throw=False
        )
        assert result.certificate.status in ("undetermined", "failed")
        assert not disagreements(result, X, Y, "auto" if method == "auto" else "none")


@pytest.mark.parametrize("seed", range(6))
def test_methods_agree_on_the_same_network(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((3, 3)))
    X = rng.standard_normal((12 + 8 * seed, 4))
    own = verify(truth, X, truth(X))
    for method in METHODS:
        result = recover(X, truth(X), method=method, bias=False, rng=0, throw=False)
        found = result.network
        if found is not None and unrelu.match(found, truth).max_error < 1e-9:
            assert result.certificate.status == own.status, method
        assert not disagreements(result, X, truth(X), "auto" if method == "auto" else "none")


def test_a_canary() -> None:
    """Samples that contradict the network are another answer."""
    rng = np.random.default_rng(0)
    truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((3, 3)))
    X = rng.standard_normal((200, 4))
    result = recover(X, truth(X), rng=0)
    assert len(disagreements(result, X, truth(X) + (X[:, :1] > 0))) == 2


def test_what_verify_is_asked() -> None:
    net = Network([[1.0, 0.5], [0.2, -1.0]], [[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]])
    X = np.random.default_rng(0).standard_normal((200, 2))
    assert verify(net, X, net(X)).status == verify(net, X, net(X), bias=True).status == "exact"
    assert verify(net, X, net(X), skip=True).skip
    wrong = net(X)
    wrong[:20, 0] += 100 * np.exp(X[:20, 0])
    assert verify(net, X, wrong, noise="none").status == "failed"
    for noise in ("auto", "sparse"):
        assert len(verify(net, X, wrong, noise=noise).corrupted) == 20
    for options in ({"bias": "yes"}, {"noise": "pink"}, {"noise": "sparse", "skip": True}):
        with pytest.raises((unrelu.InputError, unrelu.InputTypeError)):
            verify(net, X, wrong, **options)
    with pytest.raises(unrelu.InputError, match="bias"):
        verify(Network(net.V, net.U, [1.0, 0.0]), X, wrong, bias=False)


def test_a_check_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy one decides for everybody who asks."""

    def odd_samples(case: Case) -> Finding | None:
        reported = "an odd number of samples"
        return Finding("odd", Status.UNDETERMINED, reported) if case.samples.n % 2 else None

    net = Network([[1.0, 0.5], [0.2, -1.0]], [[1.0, 2.0], [0.5, -1.0]])
    X = np.random.default_rng(0).standard_normal((201, 2))
    monkeypatch.setattr(exact_labels, "CHECKS", (*exact_labels.CHECKS, Check(odd_samples)))
    result = recover(X, net(X), bias=False, rng=0, throw=False)
    assert (result.status, result.code) == ("undetermined", "odd")
    assert not disagreements(result, X, net(X))
    assert verify(net, X[1:], net(X[1:])).status == "exact"


def test_what_verify_says_it_says_again() -> None:
    rng = np.random.default_rng(0)
    net = Network(rng.standard_normal((3, 2)), rng.standard_normal((3, 3)), rng.standard_normal(3))
    X = rng.standard_normal((200, 2))
    for inputs in (X, np.round(X, 5)):
        certificate = verify(net, inputs, net(X))
        assert certificate.recheck(inputs, net(X)).status == certificate.status


def test_constant_labels_of_dependent_inputs() -> None:
    X = np.random.default_rng(0).standard_normal((200, 2))
    inputs = np.column_stack([X, X[:, 0]])
    result = recover(inputs, np.ones((200, 2)), rng=0, throw=False)
    assert not disagreements(result, inputs, np.ones((200, 2)))


def test_decimals_without_noise() -> None:
    """Labels that contain rounding and nothing else are judged at it, whoever asks."""
    rng = np.random.default_rng(4)
    net = Network(rng.standard_normal((2, 3)), rng.standard_normal((2, 2)), rng.standard_normal(2))
    X = rng.standard_normal((200, 3))
    labels = np.round(net(X), 3)
    result = recover(X, labels, 2, noise="none", rng=0, throw=False)
    assert result.status != "failed"
    assert not disagreements(result, X, labels)


def test_more_samples_of_dependent_inputs_are_not_promised() -> None:
    rng = np.random.default_rng(0)
    inputs = np.column_stack([np.eye(3)[rng.integers(0, 3, 300)], rng.standard_normal((300, 2))])
    net = Network(rng.standard_normal((3, 5)), rng.standard_normal((3, 3)), rng.standard_normal(3))
    found = recover(inputs, net(inputs), rng=0, throw=False).certificate
    for asked in (verify(net, inputs, net(inputs)), found.recheck(inputs, net(inputs))):
        assert (asked.code, asked.more_samples) == ("dependent-inputs", None)
    few = rng.standard_normal((6, 5))  # too few, and not dependent
    assert verify(net, few, net(few)).code != "dependent-inputs"


def test_units_that_cancel_are_rechecked_at_the_same_rounding() -> None:
    rng = np.random.default_rng(0)
    net = Network(rng.standard_normal((3, 4)), rng.standard_normal((2, 3)), rng.standard_normal(3))
    big = 1e8 * net.U[:, :1]
    padded = Network(
        np.vstack([net.V, net.V[:1], net.V[:1]]),
        np.hstack([net.U, big, -big]),
        np.append(net.b, [net.b[0], net.b[0]]),
    )
    X = rng.standard_normal((400, 4))
    certificate = verify(padded, X, padded(X))
    assert certificate.recheck(X, padded(X)).status == certificate.status
    assert isinstance(certificate.evidence, ExactLabels)
    assert certificate.evidence.rounding > 0  # and it says so
