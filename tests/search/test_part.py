"""Samples beyond the memory allowed: a part is searched, and held against all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import InputError, InputTypeError

Array = NDArray[np.float64]
N, MEMORY = 30_000, 1e6


class Stored:
    """Rows of an array in blocks of `rows`."""

    def __init__(self, array: Array, rows: int) -> None:
        self.array, self.rows = array, rows

    def block_rows(self) -> list[int]:
        return [min(self.rows, N - at) for at in range(0, N, self.rows)]

    def read_block(self, number: int) -> Array:
        return self.array[number * self.rows : (number + 1) * self.rows]


def samples(m: int = 3, noise: float = 0.0) -> tuple[unrelu.Network, Array, Array]:
    truth = plant(4, 3, m, 1, seed=2, bias=0.5).truth
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, 4))
    return truth, X, truth(X) + noise * rng.standard_normal((N, m))


@pytest.mark.parametrize("m", [3, 1])
def test_exact_labels_are_held_against_all(m: int) -> None:
    truth, X, Y = samples(m)
    result = unrelu.recover(X, Y, memory=MEMORY, rng=0)
    assert result.status == "exact"
    assert result.certificate.n_samples == N
    assert result.certificate.n_fresh > 0.8 * N
    assert unrelu.match(result.certificate.network, truth).max_error < 1e-12


def test_samples_that_the_part_does_not_show() -> None:
    """A unit that is active on some 20 of 30,000 samples, and hardly on any of the first part."""
    truth, X, _ = samples()
    rare = unrelu.Network(
        np.vstack([truth.V, [1.0, 0, 0, 0]]),
        np.hstack([truth.U, [[1.0], [2.0], [-1.0]]]),
        np.append(truth.b, -3.2),
        truth.c,
    )
    active = int((X[:, 0] > 3.2).sum())
    assert 2 * 5 < active < 40
    result = unrelu.recover(X, rare(X), memory=MEMORY, rng=0)
    assert (result.status, result.certificate.n_samples) == ("exact", N)
    assert unrelu.match(result.certificate.network, rare).max_error < 1e-9


@pytest.mark.parametrize(("noise", "status"), [(0.0, "exact"), (0.3, "estimated")])
def test_rows_beyond_memory_never_become_an_array(noise: float, status: str) -> None:
    truth, X, _ = samples()
    wide = np.hstack([X, np.random.default_rng(1).standard_normal((N, 6))])
    Y = truth(X) + noise * np.random.default_rng(2).standard_normal((N, 3))
    assert 8 * wide.size > MEMORY
    stored: tuple[Any, Any] = Stored(wide, 4000), Stored(Y, 7000)
    result = unrelu.recover(*stored, memory=MEMORY, rng=0)
    assert result.status == status
    with pytest.raises(InputError, match="memory"):  # a canary: exact arithmetic needs all rows
        unrelu.recover(*stored, memory=MEMORY, exact=True)


def test_the_estimate_is_that_of_all_samples() -> None:
    truth, X, Y = samples(noise=0.3)
    result = unrelu.recover(X, Y, memory=MEMORY, rng=0)
    assert (result.status, result.code) == ("estimated", "noise")
    assert "part-of-samples" in [finding.code for finding in result.findings]
    assert result.uncertainty is not None
    assert result.uncertainty.n_samples == result.certificate.n_samples == N
    assert result.certificate.n_fresh == 0
    aligned = unrelu.match(result.certificate.network, truth)
    errors = [unit.angle_error for unit in result.uncertainty.units]
    assert (aligned.per_unit < 5 * max(errors)).all()


@pytest.mark.parametrize(("what", "code"), [("repeated", "repeated"), ("product", "more-units")])
def test_what_speaks_against_all_is_said(what: str, code: str) -> None:
    X, noise = np.split(np.random.default_rng(0).standard_normal((2 * N, 3)), [2], axis=1)
    Y = np.maximum(X @ [[0.6], [0.8]], 0.0) + 0.3 * noise
    if what == "repeated":
        X, Y = (np.tile(each[: N // 5], (10, 1)) for each in (X, Y))
    else:
        Y[:, 0] += 0.01 * X[:, 0] * X[:, 1]
    result = unrelu.recover(X, Y, 1, bias=False, memory=MEMORY, rng=0, throw=False)
    assert code in [finding.code for finding in result.findings]
    assert result.status == "undetermined"
    assert result.uncertainty is not None
    assert result.uncertainty.n_samples == result.certificate.n_samples < N


def test_arrays_are_searched_as_a_whole_unless_memory_is_given() -> None:
    _, X, Y = samples(noise=0.3)
    result = unrelu.recover(X, Y, 3, rng=0)
    assert result.certificate.n_samples == N
    assert "part-of-samples" not in [finding.code for finding in result.findings]


def test_stores_give_the_same_bits_however_they_are_cut() -> None:
    _, X, Y = samples(noise=0.3)
    expected = unrelu.recover(X, Y, 3, memory=MEMORY, rng=0)
    for rows in (700, 29_999):
        stored: tuple[Any, Any] = Stored(X, rows), Stored(Y, 5000)
        result = unrelu.recover(*stored, 3, memory=MEMORY, rng=0)
        assert result.network == expected.network
        assert result.uncertainty == expected.uncertainty


def test_other_noise_is_estimated_from_the_part() -> None:
    _, X, _ = samples()
    counts = np.random.default_rng(1).poisson(np.exp(0.5) + np.maximum(X[:, :1], 0.0))
    result = unrelu.recover(X, counts, 1, memory=MEMORY, noise="poisson", rng=0)
    assert result.status == "estimated"
    assert result.certificate.n_samples < N
    assert "part-of-samples" in [finding.code for finding in result.findings]


@pytest.mark.study
def test_rounded_labels_are_held_against_all_at_their_rounding() -> None:
    truth, X, Y = samples()
    result = unrelu.recover(X, Y.round(3), memory=MEMORY, rng=0, throw=False)
    assert result.status in ("exact", "estimated")
    assert result.certificate.n_samples == N
    assert unrelu.match(result.certificate.network, truth).max_error < 1e-2


def test_gross_errors_are_found_in_all() -> None:
    truth, X, Y = samples()
    Y[777, 0] += 3.0
    Y[12_345, [1, 2]] -= [2.0, 1.0]
    result = unrelu.recover(X, Y, memory=MEMORY, noise="sparse", rng=0, throw=False)
    assert result.status == "exact"
    assert result.certificate.n_samples == N
    assert len(result.certificate.corrupted) == 3
    assert unrelu.match(result.certificate.network, truth).max_error < 1e-9


@pytest.mark.study
def test_outputs_without_noise_of_their_own() -> None:
    _, X, Y = samples(m=1, noise=0.3)
    for labels in (np.hstack([Y, 0 * Y]), np.hstack([Y, Y])):
        result = unrelu.recover(X, labels, memory=MEMORY, rng=0, throw=False)
        assert result.status in ("estimated", "undetermined")


def test_what_memory_cannot_be() -> None:
    _, X, Y = samples()
    cases = ((10, InputError), (-1, InputError), (np.inf, InputError), ("1 GB", InputTypeError))
    for memory, error in cases:
        with pytest.raises(error, match="memory"):
            unrelu.recover(X, Y, memory=memory)  # type: ignore[arg-type]
