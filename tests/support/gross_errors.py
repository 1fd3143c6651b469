"""Labels with gross errors, and what is to be said of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from support.planting import Planted
from unrelu import Recovery, Status, match

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]
EPS = float(np.finfo(np.float64).eps)


def errors(problem: Planted, share: float, kind: str, seed: int) -> tuple[Array, Marks]:
    """Labels with that share of the entries or rows replaced or added to, 100 times the signal,
    and the marks."""
    rng = np.random.default_rng(seed)
    n, m = problem.Y.shape
    marks = np.broadcast_to(rng.random((n, m if kind == "entries" else 1)) < share, (n, m))
    gross = 100 * np.sqrt((problem.Y**2).mean()) * rng.standard_normal((n, m))
    gross += np.where(rng.random((n, m)) < 0.5, problem.Y, 0.0)
    return np.where(marks, gross, problem.Y), marks


def assert_named(result: Recovery, problem: Planted, marks: Marks) -> None:
    """Exact, every weight within ten of the certificate's own estimates, every wrong entry named
    and no other."""
    assert result.status == Status.EXACT, str(result)
    assert result.network is not None
    bound = result.certificate.weight_errors.max() + 16 * EPS
    assert bound <= 1e-10
    error = match(result.network, problem.truth)
    assert error.hidden.max() <= bound
    assert error.max_error <= 100 * bound
    assert np.array_equal(result.certificate.corrupted, np.argwhere(marks))
