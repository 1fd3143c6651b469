"""Published recipes on planted problems: how many are recovered, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from support.planting import Planted, noisy_labels
from unrelu import Recovery, Status, match, recover

EPS = np.finfo(np.float64).eps


def right(result: Recovery, problem: Planted) -> bool:
    """Exact, and no weight further from the truth than the certificate says; or
    not exact. An exact wrong network is an error at once."""
    if result.status != Status.EXACT:
        return False
    assert result.network is not None
    error = match(result.network, problem.truth)
    bound = result.certificate.weight_errors.max() + 16 * EPS
    assert bound <= 1e-9
    assert error.hidden.max() <= bound, "exact, but another network"
    assert error.max_error <= 100 * bound, "exact, but another network"
    return True


def recovered(
    method: str, problems: Iterable[Planted], n_units: int | None = None, *, bias: bool = False
) -> int:
    """How many of the problems a recipe recovers; seeds are their numbers."""
    results = (
        (
            recover(
                problem.X,
                problem.Y,
                n_units,
                bias=bias,
                method=method,
                noise="none",
                rng=seed,
                throw=False,
            ),
            problem,
        )
        for seed, problem in enumerate(problems)
    )
    return sum(right(result, problem) for result, problem in results)


def refused(
    method: str, problem: Planted, n_units: int | None = None, *, noise: str = "none"
) -> Recovery:
    """The answer of a recipe to a problem that it must not solve: always failed, never silent."""
    result = recover(
        problem.X, problem.Y, n_units, bias=False, method=method, noise=noise, rng=0, throw=False
    )
    assert (result.status, result.code) == ("failed", "method-does-not-apply"), str(result)
    return result


def refusal(
    method: str, problem: Planted, n_units: int | None = None, *, noise: str = "none"
) -> str:
    """Which assumption a recipe says that such a problem breaks."""
    return refused(method, problem, n_units, noise=noise).findings[0].sentence


def noisy(problem: Planted, size: float, seed: int) -> Planted:
    """Normal noise of standard deviation `size` times that of each output."""
    return replace(problem, Y=noisy_labels(problem, size, seed=seed + 1000))
