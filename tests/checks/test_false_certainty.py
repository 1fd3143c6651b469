"""The hunt for false certainty, in small; benchmarks/false_certainty.py is the long one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.false_certainty import Case, hunt, lies, unseen
from support.families import FAMILIES, made
from support.planting import gaussian, plant

from unrelu import Network, Recovery, recover

SEEDS = range(1)


LONG = {"bias, not looked for"}
"""Families that take long."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.study] if name in LONG else []) for name in FAMILIES],
)
def test_no_exact_answer_is_a_lie(name: str) -> None:
    for seed in SEEDS:
        outcome = hunt(made(name, seed), seed)
        assert not outcome.false, f"made({name!r}, {seed}): {outcome.reported}"
        assert outcome.verdict != "crash", f"made({name!r}, {seed}): {outcome.reported}"


def test_the_hunt_has_something_to_lose() -> None:
    """Plain samples are recovered: the library is not silent because it dares nothing."""
    outcomes = [hunt(made("plain", seed), seed) for seed in range(10)]
    assert sum(outcome.verdict == "exact" for outcome in outcomes) >= 7


def _recovered() -> tuple[Recovery, Case]:
    problem = plant(4, 3, 2, 120, seed=0, bias=0.5)
    case = Case(problem.X, problem.Y, problem.truth, lambda rng, n: gaussian(rng, n, 4))
    return recover(case.X, case.Y, rng=0), case


def _why(result: Recovery, case: Case) -> str:
    return lies(result, case, np.random.default_rng(0)).why


@pytest.mark.parametrize("name", ["V", "U", "b", "c"])
def test_canary_a_slightly_wrong_network(name: str) -> None:
    """A billionth of change in any weight, or a unit too few or too many, is a lie."""
    result, case = _recovered()
    assert _why(result, case) == ""
    net = result.network
    assert net is not None
    parts = {part: getattr(net, part).copy() for part in ("V", "U", "b", "c")}
    for entry in range(parts[name].size):
        changed = {part: value.copy() for part, value in parts.items()}
        changed[name].flat[entry] += 1e-9
        assert "differs" in _why(replace(result, network=Network(**changed)), case)


def test_canary_units() -> None:
    result, case = _recovered()
    net = result.network
    assert net is not None
    fewer = Network(net.V[:2], net.U[:, :2], net.b[:2], net.c)
    assert "differs" in _why(replace(result, network=fewer), case)
    far = np.array([[1.0, 0.0, 0.0, 0.0]])
    more = Network(
        np.vstack([net.V, far]), np.hstack([net.U, [[1.0], [1.0]]]), np.r_[net.b, -3.0], net.c
    )
    assert "differs" in _why(replace(result, network=more), case)


def test_canary_answers_that_no_samples_determine() -> None:
    result, case = _recovered()
    assert "other networks" in _why(result, replace(case, unique=False))
    assert "no network" in _why(result, replace(case, truth=None))
    idle = Network(
        np.vstack([result.certificate.network.V, np.eye(4)[:1]]),
        np.hstack([result.certificate.network.U, [[1.0], [1.0]]]),
        np.r_[result.certificate.network.b, -50.0],
        result.certificate.network.c,
    )
    given = replace(case, truth=idle, options={"n_units": 4})
    assert "3 units of 4" in _why(result, given)


def test_what_leaves_no_trace() -> None:
    _, case = _recovered()
    truth = case.truth
    assert isinstance(truth, Network)
    assert not unseen(truth, case.X)
    idle = Network(truth.V, truth.U, np.r_[truth.b[:2], -50.0], truth.c)
    assert unseen(idle, case.X)
    V = np.vstack([truth.V, truth.V[:1] + 1e-9])
    double = Network(V, truth.U[:, [0, 1, 2, 0]], truth.b[[0, 1, 2, 0]], truth.c)
    assert unseen(double, case.X)
    apart = Network(V, np.hstack([truth.U, [[1.0], [-1.0]]]), truth.b[[0, 1, 2, 0]], truth.c)
    assert not unseen(apart, case.X)
