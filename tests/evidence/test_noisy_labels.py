"""verify() of networks on noisy labels: the estimate passes, and what is wrong does not."""

from __future__ import annotations

import numpy as np
import pytest
from support.planting import plant
from test_agreement import disagreements

from unrelu import Network, Status, recover, verify
from unrelu.activations import Power
from unrelu.evidence.noisy_labels import NoisyLabels
from unrelu.noise.kinds import KINDS, estimated
from unrelu.numerics.arrays import Array

LAWS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.standard_t(2, shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape) - 1,
}


def planted(
    seed: int, n: int = 400, *, law: str = "normal", size: float = 0.1
) -> tuple[Network, Array, Array]:
    """A network, inputs, and labels with noise."""
    problem = plant(4, 3, 2, n, seed=seed, bias=0.5)
    rng = np.random.default_rng([seed, 1])
    return problem.truth, problem.X, problem.Y + size * LAWS[law](rng, problem.Y.shape)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(4))
def test_what_generated_the_labels_is_an_estimate(law: str, seed: int) -> None:
    truth, X, Y = planted(seed, law=law)
    certificate = verify(truth, X, Y)
    assert (certificate.status, certificate.code) == ("estimated", "noise")
    assert np.isfinite(certificate.weight_errors).all()


@pytest.mark.parametrize("seed", range(3))
def test_an_estimate_of_as_many_other_samples_is_one(seed: int) -> None:
    truth, X, Y = planted(seed)
    rng = np.random.default_rng([seed, 2])
    others = rng.standard_normal(X.shape)
    found = recover(others, truth(others) + 0.1 * rng.standard_normal(Y.shape), 3, rng=0)
    judged = verify(found.certificate.network, X, Y)
    assert judged.status == found.certificate.recheck(X, Y).status == Status.ESTIMATED
    again = found.certificate.recheck(X, Y).evidence
    assert isinstance(again, NoisyLabels)
    assert again.fitted == len(others)


@pytest.mark.parametrize(
    ("part", "law"), [*zip("VUbc", 4 * ["normal"], strict=True), ("V", "heavy"), ("U", "heavy")]
)
def test_many_standard_errors_off_is_too_far(part: str, law: str) -> None:
    """By four errors in each weight, and by thirty in one: some check objects."""
    _, X, Y = planted(0, 800, law=law)
    found = recover(X, Y, 3, rng=0)
    assert found.network is not None
    assert found.stderr is not None
    errors = getattr(found.stderr, part)
    rng = np.random.default_rng(0)
    for off in (4 * np.sign(rng.standard_normal(errors.shape)), np.zeros(errors.shape)):
        if not off.any():
            off.flat[0] = 30.0
        parts = {name: getattr(found.network, name) for name in "VUbc"}
        parts[part] = parts[part] + off * errors
        if part == "V":  # the length of a row is no weight
            parts["V"] = parts["V"] / np.linalg.norm(parts["V"], axis=1, keepdims=True)
        certificate = verify(Network(**parts), X, Y)
        assert certificate.status == Status.FAILED, part
    close = {name: getattr(found.network, name) for name in "VUbc"}
    close[part] = close[part] + 0.5 * errors
    assert verify(Network(**close), X, Y).status == Status.ESTIMATED


def test_how_far_it_is_off_is_reported() -> None:
    truth, X, Y = planted(0, 800)
    certificate = verify(Network(truth.V, truth.U, truth.b, truth.c + 0.03), X, Y)
    assert (certificate.status, certificate.code) == ("failed", "far-from-estimate")
    assert isinstance(certificate.evidence, NoisyLabels)
    assert f"{certificate.evidence.distance:.2g} standard errors" in certificate.explanation


@pytest.mark.parametrize("seed", range(6))
def test_a_unit_that_is_missing(seed: int) -> None:
    """Of noisy labels and of exact ones: no network without it is an estimate."""
    for size in (0.0, 0.05):
        truth, X, Y = planted(seed, 300, size=size)
        for unit in range(3):
            kept = np.arange(3) != unit
            fewer = Network(truth.V[kept], truth.U[:, kept], truth.b[kept], truth.c)
            assert not verify(fewer, X, Y).status.certain


def test_one_unit_more_is_looked_for() -> None:
    """Also where the best fit of too few units leaves what looks like noise otherwise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6))
    V = np.vstack([np.eye(6)[:2], np.ones(6) / np.sqrt(6)])
    truth = Network(V, [[1.0, 1.0, 0.35]], [0.0, 0.0, -1.0])
    Y = truth(X) + 0.1 * rng.standard_normal((300, 1))
    fewer = recover(X, Y, 2, rng=0, throw=False)
    assert (fewer.certificate.status, fewer.certificate.code) == ("undetermined", "more-units")
    assert not disagreements(fewer, X, Y)


@pytest.mark.parametrize("seed", range(40))
def test_no_wrong_network_is_an_estimate_of_exact_labels(seed: int) -> None:
    """By perturbations of any size above rounding, of all weights or of those of one kind."""
    rng = np.random.default_rng(seed)
    d, k, m = (int(rng.integers(1, most)) for most in (7, 6, 5))
    n = int(10 ** rng.uniform(1.2, 2.7)) + d
    V, U, b = rng.standard_normal((k, d)), rng.standard_normal((m, k)), rng.standard_normal(k)
    X, eps = rng.standard_normal((n, d)), 10 ** rng.uniform(-11, 0)
    Y = Network(V, U, b)(X)
    off = [eps * rng.standard_normal(part.shape) for part in (V, U, b, np.zeros(m))]
    kept = np.ones(4) if seed % 5 == 4 else np.eye(4)[seed % 5]
    V, U, b, c = (w + kept[i] * off[i] for i, w in enumerate((V, U, b, np.zeros(m))))
    assert not verify(Network(V, U, b, c), X, Y).status.certain


@pytest.mark.parametrize("noise", [*(name for name in estimated() if name != "bernoulli"), "auto"])
def test_of_every_kind_of_noise_in_values(noise: str) -> None:
    """Labels of "bernoulli" have a file of their own."""
    rng = np.random.default_rng(0)
    truth = Network(rng.standard_normal((2, 3)), 5 * rng.random((2, 2)), rng.random(2), [2.0, 3.0])
    X = rng.standard_normal((500, 3))
    counts = noise in KINDS and KINDS[noise].integer
    Y = rng.poisson(truth(X)) if counts else truth(X) + rng.standard_t(3, (500, 2))
    found = recover(X, Y, noise=noise, rng=0)
    assert verify(truth, X, Y, noise=noise).status == found.status == Status.ESTIMATED
    assert not disagreements(found, X, Y, noise)


def test_with_a_skip_connection_and_of_another_activation() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 3))
    linear = Network(rng.standard_normal((2, 3)), rng.standard_normal((2, 2)), W=np.ones((2, 3)))
    square = Network(rng.standard_normal((2, 3)), rng.standard_normal((2, 2)), activation=Power(2))
    for truth, options in ((linear, {"skip": True}), (square, {"activation": Power(2)})):
        Y = truth(X) + 0.1 * rng.standard_normal((600, 2))
        found = recover(X, Y, 2, rng=0, **options)
        assert found.status == Status.ESTIMATED
        assert not disagreements(found, X, Y)
    assert verify(linear, X, linear(X) + 0.1 * rng.standard_normal((600, 2))).status == "estimated"


def test_errors_are_those_of_recover() -> None:
    truth, X, Y = planted(0)
    found = recover(X, Y, rng=0)
    assert np.allclose(
        verify(found.certificate.network, X, Y).weight_errors,
        found.certificate.weight_errors,
        rtol=1e-6,
    )
    assert truth.n_units == found.certificate.network.n_units


def test_too_many_unknowns_for_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, X, Y = planted(0)
    monkeypatch.setattr("unrelu.inference.arguments.MOST_UNKNOWNS", 10)
    certificate = verify(truth, X, Y)
    assert certificate.status == Status.ESTIMATED
    assert not np.isfinite(certificate.weight_errors).any()
