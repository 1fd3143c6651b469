"""Standard errors against simulated fits, where noise leaves the side of many samples open."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from support.planting import Planted, plant

from unrelu.fitting.problem import Problem
from unrelu.fitting.selection import unit_edge
from unrelu.inference import calibration
from unrelu.inference.assessment import assess
from unrelu.inference.calibration import Fitted, likely, shrinkage
from unrelu.inference.uncertainty import Uncertainty
from unrelu.network import Network
from unrelu.numerics.levenberg import minimise
from unrelu.numerics.whitening import whiten
from unrelu.samples import Samples

Array = NDArray[np.float64]

REPEATED = 30

CHANCE = 1e-4
"""That the bound of coverage is missed by chance, were the intervals exact; seeds are fixed."""

BLURRED = plant(4, 2, 1, 300, seed=1)
NOISE = 0.7


def fitted(problem: Planted, seed: int, size: float = NOISE) -> tuple[Network, Array]:
    """Least squares next to the truth, and the labels that it was fitted to."""
    Y = problem.Y + size * np.random.default_rng(seed).standard_normal(problem.Y.shape)
    samples, truth = Samples.of(problem.X, Y), problem.truth
    whole = Problem(samples, np.arange(samples.n), False)
    model = whole.strict

    def settled(norms: list[float]) -> bool:
        return len(norms) > 3 and norms[-4] - norms[-1] < 1e-9 * norms[-1]

    start = model.evaluate(whole.points(truth.V, truth.b))
    fit, _ = minimise(model, start, size=model.size, steps=100, enough=settled)
    return whole.network(*whole.hyperplanes(fit.point)).canonical(), Y


def blurred(**options: object) -> Uncertainty:
    net, Y = fitted(BLURRED, 0)
    return assess(net, BLURRED.X, Y, biased=False, **options)  # type: ignore[arg-type]


def flat(net: Network) -> Array:
    return np.concatenate([net.V.ravel(), net.U.ravel()])


def note(found: Uncertainty) -> str:
    return next(note for note in found.notes if "side of the kink" in note)


@pytest.fixture(scope="module")
def coverage() -> tuple[Array, Array]:
    """Share of fits in which the 95% interval of each weight covers: calibrated, and not."""
    truth, shares = flat(BLURRED.truth.canonical()), []
    for seed in range(REPEATED):
        net, Y = fitted(BLURRED, seed)
        hits = []
        for simulate in (True, False):
            found = assess(net, BLURRED.X, Y, biased=False, simulate=simulate)
            low, high = (flat(end) for end in found.intervals(0.95))
            hits.append((low <= truth) & (truth <= high))
        shares.append(hits)
    calibrated, plain = np.mean(shares, axis=0)
    return calibrated, plain


def covers(shares: Array) -> bool:
    """Whether no weight is covered more rarely than 95% intervals would by chance."""
    return bool(shares.min() >= binom.ppf(CHANCE / len(shares), REPEATED, 0.95) / REPEATED)


@pytest.mark.study
def test_calibrated_errors_cover(coverage: tuple[Array, Array]) -> None:
    assert covers(coverage[0]), coverage[0]


@pytest.mark.study
def test_those_of_known_patterns_do_not(coverage: tuple[Array, Array]) -> None:
    """The canary of `covers`, and the reason to simulate."""
    assert not covers(coverage[1]), coverage[1]


def test_the_same_fit_has_the_same_errors() -> None:
    one, other = blurred(), blurred()
    assert np.array_equal(flat(one.stderr), flat(other.stderr))
    assert one.notes == other.notes


def test_errors_are_multiplied_by_what_the_note_says() -> None:
    """Of (v, b) and of u by one factor for each unit, in intervals and in predictions alike."""
    found, plain = blurred(), blurred(simulate=False)
    assert found.factors is not None
    assert plain.factors is None
    rows, columns = found.factors.rows, found.factors.columns
    assert np.allclose(found.stderr.V, rows[:, None] * plain.stderr.V, rtol=1e-12, atol=0)
    assert np.allclose(found.stderr.U, columns * plain.stderr.U, rtol=1e-12, atol=0)
    least, most = found.factors.units().min(), found.factors.units().max()
    assert 1 <= least < most
    assert f"{least:.2f} to {most:.2f} times" in note(found)
    assert note(plain).endswith("are too small")
    scale = found.factors.unknowns(3, 1, found.network.n_units)
    assert np.allclose(found.covariance, scale[:, None] * plain.covariance * scale, rtol=1e-12)
    wider = found.predict(BLURRED.X).stderr.mean() / plain.predict(BLURRED.X).stderr.mean()
    assert wider > 1


def test_the_sandwich_is_calibrated_by_signs() -> None:
    """Noise the same for all samples: both forms have the same factors, each of which is known to
    1/√(2 · 16) or better."""
    one, other = blurred().factors, blurred(form="sandwich").factors
    assert one is not None
    assert other is not None
    assert np.abs(np.log(one.units() / other.units())).max() < 4 * np.sqrt(2 / 32)


def test_no_simulation_where_there_is_no_doubt() -> None:
    problem = plant(4, 2, 1, 300, seed=1)
    net, Y = fitted(problem, 0, 0.02)
    found = assess(net, problem.X, Y, biased=False)
    plain = assess(net, problem.X, Y, biased=False, simulate=False)
    assert found.factors is None
    assert np.array_equal(flat(found.stderr), flat(plain.stderr))


def test_what_is_too_dear_or_weighted_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    weighted = blurred(weights=np.ones(300))
    assert weighted.factors is None
    assert note(weighted).endswith("are too small")
    monkeypatch.setattr(calibration, "MOST_OPERATIONS", 1.0)
    dear = blurred()
    assert dear.factors is None
    assert note(dear).endswith("are too small")


def test_units_that_noise_explains_are_not_simulated_from() -> None:
    edge = unit_edge(20, 3)
    kept = shrinkage(edge * np.array([0.5, 0.999, 1.001, 2.0, 1e3, np.inf]), 3, 20)
    assert not kept[:2].any()
    assert (np.diff(kept[1:]) > 0).all()
    # θ² is about y less m + D, D so large that nothing is left at the edge.
    assert kept[4] ** 2 == pytest.approx(1, abs=2e-3)
    assert kept[5] == pytest.approx(1, abs=1e-9)


def test_two_units_in_place_of_one_are_simulated_from_one() -> None:
    problem = plant(5, 2, 3, 200, seed=0, bias=0.3)
    truth = problem.truth.canonical()
    order, share = [0, 0, 1], np.array([0.7, 0.3, 1.0])
    double = Network(truth.V[order], truth.U[:, order] * share, truth.b[order], truth.c)
    white = whiten(np.column_stack([problem.X, np.ones(200)]))
    fit = Fitted(double, white, np.eye(3), True)
    base = likely(fit, np.full(3, np.inf), [(0, 1)])
    assert not base.U[:, 1].any()
    # An infinite Wald statistic counts as 10¹²: strengths are kept to some 10⁻¹¹.
    assert np.abs(base(problem.X) - problem.Y).max() < 1e-9 * np.abs(problem.Y).max()
    # The canary: without the pair it is another network.
    assert np.abs(likely(fit, np.zeros(3), [(0, 1)])(problem.X) - problem.Y).max() > 0.1
