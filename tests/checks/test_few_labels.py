"""Few labels to an unknown: an estimate where the signal is clear, and none where noise does it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit
from support.planting import plant

from unrelu import Network, assess, match, recover
from unrelu.checks.few_labels import chance
from unrelu.network.unknowns import unknowns_of
from unrelu.samples import Samples

Array = NDArray[np.float64]


def line(seed: int, n: int, size: float) -> tuple[Array, Array]:
    """Slope 2 up to 6, then 14, as in many a question about segmented regression."""
    x = np.arange(1.0, n + 1)
    y = 3 + 2 * x + 12 * np.maximum(x - 6, 0)
    return x[:, None], y + size * np.random.default_rng(seed).standard_normal(n)


def test_fifteen_points_and_one_break() -> None:
    X, y = line(0, 15, 0.3)
    result = recover(X, y, 1, skip=True, rng=0)
    assert (result.status, result.code) == ("estimated", "noise")
    (found,) = result.breakpoints
    assert abs(found.position - 6) < 4 * found.stderr < 0.4
    # 15 labels, 4 unknowns.
    wide = stdtrit(11, 0.975) * found.stderr
    assert 1.6 * wide < found.high - found.low < 2 * wide * (1 + 1e-9)
    assert result.uncertainty is not None
    assert any(note.startswith("few samples") for note in result.uncertainty.notes)


@pytest.mark.study
def test_intervals_of_few_points_cover() -> None:
    inside = [0, 0]
    for seed in range(12):
        X, y = line(seed, 12, 1.0)
        (found,) = recover(X, y, 1, skip=True, rng=0).breakpoints
        wide = stdtrit(8, 0.975) * found.after_stderr[0]
        inside[0] += found.low <= 6 <= found.high
        inside[1] += abs(found.after[0] - 14) <= wide
    assert min(inside) >= 9  # 11.4 are expected


@pytest.mark.parametrize("shape", [(40, 1, 1, True), (40, 3, 2, False), (60, 5, 2, True)])
def test_noise_is_not_explained_by_units_that_were_asked_for(
    shape: tuple[int, int, int, bool],
) -> None:
    n, d, k, skip = shape
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
        result = recover(X, y, k, skip=skip, noise="gaussian", rng=0, throw=False)
        assert result.status != "estimated"
        # The errors are there all the same.
        assert result.code != "few-labels" or result.uncertainty is not None


def test_the_number_of_units_found_of_a_network_with_little_noise() -> None:
    planted = plant(6, 4, 1, 200, seed=3, bias=0.5)
    Y = np.round(planted.Y, 3)
    result = recover(planted.X, Y, rng=0, throw=False)
    assert result.status in ("estimated", "exact")
    assert result.network is not None
    off = match(result.network, planted.truth).hidden
    assert off.max() < 0.02
    if result.status == "exact":
        assert (off <= result.certificate.weight_errors).all()


def test_no_more_labels_than_unknowns() -> None:
    X, y = line(0, 9, 0.1)
    result = recover(np.column_stack([X, X**2, np.cos(X)]), y, 2, noise="gaussian", throw=False)
    assert result.status == "undetermined"
    assert result.code == "few-labels"


def test_the_bound_holds() -> None:
    """Fits of one break to noise in one dimension: no more of them are as good as it says."""
    bounds = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, y = np.arange(24.0)[:, None], rng.standard_normal(24)
        fits = []
        for at in np.linspace(1, 22, 211):
            design = np.column_stack([np.ones(24), X, np.maximum(X - at, 0)])
            (c, w, u), squares, _, _ = np.linalg.lstsq(design, y)
            fits.append((squares[0], Network([[1.0]], [[u]], [-at], [c], W=[[w]])))
        best = min(fits, key=lambda fit: fit[0])[1]
        bounds.append(chance(best, Samples.of(X, y), True, True, False))
    for level in (0.05, 0.2):
        assert np.mean(np.array(bounds) <= level) <= level + 2 * np.sqrt(level / 100)
    assert min(bounds) < 0.9  # the canary: it says something
    assert unknowns_of(best, biases=True, skip=True) == 4


def test_standard_errors_need_no_more_than_one_label_to_spare() -> None:
    X, y = line(0, 5, 0.1)
    net = Network([[1.0]], [[12.0]], [-4.0], [3.0], W=[[2.0]])
    assert assess(net, X, y, biased=True, skip=True).degrees_of_freedom == 1


def test_a_step_that_noise_alone_does_not_show() -> None:
    """The bound by counting is met with a probability of 0.8; the test of no unit refutes noise."""
    rng = np.random.default_rng(4)
    x = np.linspace(0, 10, 50)
    step = 4 - np.clip(x - 3.5, 0, 3) + 0.7 * rng.standard_normal(50)
    result = recover(x[:, None], step, skip=True, alpha=0.05, rng=0, throw=False)
    assert (result.status, result.code) == ("estimated", "noise")
    straight = 1 + x + 0.7 * rng.standard_normal(50)
    forced = recover(x[:, None], straight, 2, skip=True, alpha=0.05, rng=0, throw=False)
    assert (forced.status, forced.code) == ("undetermined", "may-be-noise")


def test_a_unit_that_was_asked_for_may_be_noise() -> None:
    """Of many samples, and more than one input."""
    rng = np.random.default_rng(0)
    X, noise = rng.standard_normal((300, 2)), rng.standard_normal(300)
    for labels in (noise, rng.exponential(size=300)):
        result = recover(X, labels, 1, noise="gaussian", rng=0, throw=False)
        assert (result.status, result.code) == ("undetermined", "may-be-noise")
    there = recover(X, np.maximum(X[:, 0], 0) + 0.5 * noise, 1, rng=0, throw=False)
    assert (there.status, there.code) == ("estimated", "noise")
