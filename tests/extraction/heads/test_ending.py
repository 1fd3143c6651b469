"""The end of an extraction while it computes, and asks nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.heads import decimals, model, planted, top

import unrelu
from unrelu.extraction.heads.table import HEADS

Array = NDArray[np.float64]
TICK = 1e-3


def _answers(head: str, noise: np.random.Generator) -> unrelu.extraction.queries.Oracle:
    """Those of a model that takes long to be recovered."""
    net = planted(0, 6, 4, m=3, size=0.5)
    if head == "labels":
        return lambda X: net(X).argmax(axis=1)
    if head == "values":
        return lambda X: net(X) + 1e-3 * noise.standard_normal((len(X), 3))
    if head == "top-k":
        return lambda X: top(model(net, "softmax")(X), 2)
    return model(net, "values" if head == "rounded" else head, decimals(4))


def _clock(monkeypatch: pytest.MonkeyPatch, *, interrupts: float = np.inf) -> SimpleNamespace:
    """A clock that ticks whenever it is looked at, and interrupts at some time."""
    clock = SimpleNamespace(now=0.0)

    def monotonic() -> float:
        clock.now += TICK
        if clock.now >= interrupts:
            clock.now = -1e9
            raise KeyboardInterrupt
        return float(clock.now)

    for module in ("unrelu.numerics.deadline", "unrelu.extraction.queries"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=monotonic))
    return clock


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("limit", [0.1, 0.7])
def test_computations_end_at_the_time_limit(
    head: str, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _clock(monkeypatch)
    oracle = _answers(head, np.random.default_rng(0))
    result = unrelu.extract(oracle, 6, answers=head, time_limit=limit, rng=0, throw=False)
    assert clock.now < limit + 20 * TICK
    assert (result.code == "time-limit") == (result.status not in ("exact", "proved"))
    assert clock.now > limit or result.status == "exact"


@pytest.mark.parametrize("head", HEADS)
def test_nothing_is_asked_after_an_interruption(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, noise = _clock(monkeypatch, interrupts=0.1), np.random.default_rng(0)
    oracle = _answers(head, noise)
    late: list[Array] = []

    def answer(X: Array) -> Array:
        late.extend(X if clock.now < 0 else ())
        return np.asarray(oracle(X))

    limit = 1e6  # so that the clock is looked at with every query, too
    result = unrelu.extract(answer, 6, answers=head, time_limit=limit, rng=0, throw=False)
    assert result.code == "interrupted"
    assert not late
