"""What rounding leaves open is open: rivals to rounding are found, and exact answers hold.

benchmarks/rounded_rivals.py is the long version of the attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant
from support.rounded_rivals import NETWORKS, ROUNDINGS, along, attack, distance, drawn

from unrelu import Network, Status, extract, recover, verify
from unrelu.checks.redundant_units import redundant_units, smaller_network
from unrelu.evidence.exact_labels import ExactLabels
from unrelu.samples import Samples

Array = NDArray[np.float64]
SEEDS = range(3)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_no_exact_network_has_a_rival(network: str, rounding: str) -> None:
    for seed in SEEDS:
        outcome = attack(drawn(network, rounding, seed), seed)
        assert outcome.explained, seed
        assert not outcome.why, f"seed {seed}: {outcome.why}"


def test_a_unit_that_could_face_another() -> None:
    """A unit moved to face another, with no sample between them, and a third one turned round: of
    50,000 attacks this was the one that found a rival."""
    case = drawn("facing", "float32", 11637)
    certificate = verify(case.truth, case.X, case.Y)
    assert (certificate.status, certificate.code) == (Status.UNDETERMINED, "rival")


@pytest.mark.parametrize("kind", [("weak", "float16", 22010), ("cancelling", "float16", 20851)])
def test_a_true_network_is_explained(kind: tuple[str, str, int]) -> None:
    """Labels all of one size, whose last bit is the eighth decimal; and an output that is hardly
    more than the rounding of what cancels in it."""
    case = drawn(*kind)
    assert verify(case.truth, case.X, case.Y).code != "not-explained"


def test_the_attack_has_something_to_attack() -> None:
    exact = [attack(drawn("plain", "float32", seed), seed).status == "exact" for seed in range(20)]
    assert sum(exact) >= 8


def test_the_attack_sees_a_rival() -> None:
    """A canary: with errors stated a hundred times too small, rivals lie outside."""
    case = drawn("plain", "float32", 3)
    certificate = verify(case.truth, case.X, case.Y)
    assert certificate.status == Status.EXACT
    assert isinstance(certificate.evidence, ExactLabels)
    errors = certificate.weight_errors / 100
    boast = replace(certificate, evidence=replace(certificate.evidence, weight_errors=errors))
    rivals = [rival for _, rival in along(certificate.network, Samples.of(case.X, case.Y))]
    assert max(distance(rival, boast) for rival in rivals) > 1
    assert max(distance(rival, certificate) for rival in rivals) <= 1


FACING = Network([[1, 1], [-1, -1]], [[2, -1], [-1, 1], [1, -1]])


def in_float32(net: Network, X: NDArray[np.floating]) -> NDArray[np.float32]:
    V, U, b, c = (part.astype(np.float32) for part in (net.V, net.U, net.b, net.c))
    return np.asarray(np.maximum(np.float32(X) @ V.T + b, 0) @ U.T + c, dtype=np.float32)


def test_a_facing_pair_in_float32() -> None:
    """One unit and one that is active on every sample explain the samples as well."""
    X = np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32)
    for near in (0.0, 1e-7):
        net = Network(np.array([[1, 1], [-1, -1 + near]]), FACING.U)
        Y = in_float32(net, X)
        for labels in (Y, Y.astype(np.float64)):
            found = recover(X, labels, rng=0, throw=False)
            assert found.status == Status.UNDETERMINED
            assert found.code == "facing-pair"
    found = extract(lambda X: in_float32(FACING, X), 2, rng=0, throw=False)
    assert found.code == "facing-pair"


@pytest.mark.parametrize("seed", range(6))
def test_facing_pairs_of_one_decimal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    v = np.round(rng.uniform(0.2, 2, d), 1)
    net = Network(np.array([v, -v]), np.round(rng.uniform(0.2, 2, (m, 2)), 1), [0.3, -0.3])
    X = rng.standard_normal((500, d)).astype(np.float32)
    Y = in_float32(net, X)
    assert not recover(X, Y, rng=0, throw=False).status.certain
    assert recover(X, np.round(Y.astype(float), 4), rng=0, throw=False).status != Status.EXACT


def test_a_pair_that_samples_tell_apart_stays_exact() -> None:
    net = Network(np.array([[1, 1], [-1, -0.9]]), FACING.U, [0.1, 0.2])
    X = np.random.default_rng(1).standard_normal((2000, 2)).astype(np.float32)
    certificate = verify(net, X, in_float32(net, X))
    assert certificate.status == Status.EXACT


@pytest.mark.parametrize(("d", "k", "m"), [(20, 5, 5), (10, 10, 1), (8, 20, 3), (30, 15, 15)])
def test_float32_networks_of_usual_size_are_exact(d: int, k: int, m: int) -> None:
    problem = plant(d, k, m, 3000, seed=0, bias=0.5)
    X = problem.X.astype(np.float32)
    certificate = verify(problem.truth, X, problem.truth(X).astype(np.float32))
    assert certificate.status == Status.EXACT
    assert certificate.weight_errors.max() <= 1e-3


def test_stated_errors_hold_at_the_edge_of_rounding() -> None:
    """Labels as far off as rounding may leave them, all on the side that moves a unit most."""
    problem = plant(3, 2, 2, 300, seed=2, bias=0.5)
    net = problem.truth.canonical()
    X = problem.X.astype(np.float32)
    certificate = verify(net, X, net(X).astype(np.float32))
    assert certificate.status == Status.EXACT
    error = float(certificate.weight_errors.min())
    far = net.V + 20 * error * np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert verify(Network(far, net.U, net.b, net.c), X, net(X).astype("f4")).code != "unique"


def test_a_unit_too_many_is_left_out() -> None:
    """Two units that stand for one, and one that stands for rounding."""
    problem = plant(3, 3, 2, 600, seed=3, bias=0.5)
    truth = problem.truth
    X = problem.X.astype(np.float32)
    samples = Samples.of(X, truth(X).astype(np.float32))
    V = np.vstack([truth.V, truth.V[0] + 1e-6, [[1.0, 0.0, 0.0]]])
    U = np.column_stack([truth.U, truth.U[:, 0] / 2, [1e-8, 1e-8]])
    U[:, 0] /= 2
    wide = Network(V, U, np.append(truth.b, [truth.b[0], 0.2]), truth.c).canonical()
    assert wide.n_units == 5
    fewer = smaller_network(wide, samples, True, np.arange(5))
    assert fewer is not None
    assert fewer.n_units == 3
    assert smaller_network(truth.canonical(), samples, True, np.arange(3)) is None
    assert redundant_units(truth.canonical(), samples, True) is None
