"""Searches that are ended early say what they have found, and no more than that; and go on later.

The time is that of a clock which moves on by a millisecond whenever it is looked at, so that these
tests do not depend on how fast a machine is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.planting import Planted, plant

import unrelu
from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats import checkpoint
from unrelu.numerics.arrays import Array
from unrelu.numerics.deadline import told_by
from unrelu.search import hyperplanes
from unrelu.wording.progress import SearchProgress
from unrelu.wording.status import Status

STEP = 1e-3


class Clock:
    """Moves on whenever it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return STEP * self.looks


def exact() -> Planted:
    """Two equations to an unknown: it takes several starts."""
    return plant(8, 4, 1, 80, seed=1, bias=0.5)


def noisy() -> Planted:
    made = plant(6, 2, 1, 300, seed=1, bias=0.5)
    noise = 0.3 * np.random.default_rng(2).standard_normal(made.Y.shape)
    return Planted(made.X, made.Y + noise, made.truth)


def classes() -> tuple[Array, np.ndarray]:
    made = plant(3, 1, 1, 200, seed=1)
    chance = 1 / (1 + np.exp(-3 * made.Y[:, 0]))
    return made.X, (np.random.default_rng(0).random(200) < chance).astype(int)


def looks(**asked: Any) -> int:
    """How often the clock is looked at in a whole search."""
    clock = Clock()
    with told_by(clock):
        unrelu.recover(**asked, rng=0, throw=False, time_limit=1e6)
    return clock.looks


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("draw", [exact, noisy])
def test_a_time_limit_is_kept_and_claims_no_more_than_was_tested(
    draw: Callable[[], Planted], share: float
) -> None:
    made = draw()
    limit = share * STEP * looks(X=made.X, Y=made.Y, noise="gaussian" if draw is noisy else "none")
    clock = Clock()
    with told_by(clock):
        result = unrelu.recover(
            *(made.X, made.Y),
            noise="gaussian" if draw is noisy else "none",
            rng=0,
            throw=False,
            time_limit=limit,
        )
    assert STEP * clock.looks <= 1.1 * limit + 30 * STEP  # its last passes
    ended = [each for each in result.findings if each.code == "time-limit"]
    assert len(ended) == 1
    assert result.network is not None
    assert result.status in (Status.FAILED, Status.UNDETERMINED)
    assert result.code == "time-limit"
    later = result.certificate.recheck(made.X, made.Y)
    assert later.code != "not-checked"


def test_without_time_not_even_one_unit_is_claimed() -> None:
    made = exact()
    with told_by(Clock()):
        result = unrelu.recover(made.X, made.Y, rng=0, throw=False, time_limit=STEP)
    assert (result.code, result.status) == ("time-limit", Status.FAILED)
    assert result.network is not None
    assert result.network.n_units == 0


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    made = exact()
    with told_by(Clock()):
        limited = unrelu.recover(made.X, made.Y, rng=0, time_limit=1e6)
    free = unrelu.recover(made.X, made.Y, rng=0)
    assert limited.network == free.network
    assert limited.status == free.status == Status.EXACT
    assert not [each for each in limited.findings if each.code == "time-limit"]


def test_class_labels_end_too() -> None:
    X, Y = classes()
    for limit in (STEP, 100 * STEP, 400 * STEP):
        clock = Clock()
        with told_by(clock):
            result = unrelu.recover(X, Y, answers="labels", rng=0, throw=False, time_limit=limit)
        assert result.code == "time-limit"
        assert result.status in (Status.UNDETERMINED, Status.FAILED)
        assert not [each for each in result.findings if each.code == "no-unit"]
        assert STEP * clock.looks <= 1.1 * limit + 30 * STEP


@pytest.mark.parametrize(("limit", "error"), [(0.0, InputError), ("1", InputTypeError)])
def test_limits_that_cannot_be_meant(limit: Any, error: type[Exception]) -> None:
    made = exact()
    with pytest.raises(error, match="time_limit"):
        unrelu.recover(made.X, made.Y, time_limit=limit)


def test_time_that_is_left_goes_into_further_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stages = exact(), list[str]()
    monkeypatch.setattr(hyperplanes, "MOST_STARTS", 2)
    asked: dict[str, Any] = {"noise": "none", "rng": 0, "throw": False}
    short = unrelu.recover(made.X, made.Y, **asked)
    with told_by(Clock()):
        longer = unrelu.recover(
            *(made.X, made.Y),
            time_limit=1e3,
            progress=lambda now: stages.append(now.stage),
            **asked,
        )
    assert short.status != Status.EXACT
    assert "further starts" in stages
    assert longer.status == Status.EXACT
    assert longer.network is not None
    assert unrelu.match(longer.network, made.truth).hidden.max() < 1e-9


class Interrupting:
    """A progress callback that interrupts at its n-th call."""

    def __init__(self, calls: int) -> None:
        self.calls, self.seen = calls, list[SearchProgress]()

    def __call__(self, now: SearchProgress) -> None:
        self.seen.append(now)
        if len(self.seen) == self.calls:
            raise KeyboardInterrupt


def test_an_interruption_ends_in_the_best_so_far() -> None:
    made = exact()
    seen = Interrupting(6)
    result = unrelu.recover(made.X, made.Y, noise="none", rng=0, throw=False, progress=seen)
    assert (result.code, result.status) == ("interrupted", Status.FAILED)
    assert result.network is not None
    best = [now.units for now in seen.seen if now.units is not None]
    assert result.network.n_units in (0, *best)
    with pytest.raises(unrelu.RecoveryError):
        unrelu.recover(made.X, made.Y, noise="none", rng=0, progress=Interrupting(6))


def test_the_stages_are_reported() -> None:
    made = noisy()
    seen = Interrupting(10**9)
    unrelu.recover(made.X, made.Y, noise="gaussian", rng=0, throw=False, progress=seen)
    stages = [now.stage for now in seen.seen]
    assert "least squares" in stages
    assert stages.index("least squares") < stages.index("number of units")
    assert all(b.seconds >= a.seconds for a, b in zip(seen.seen, seen.seen[1:], strict=False))


@pytest.mark.parametrize(
    "asked", [pytest.param({"n_units": "cv"}, marks=pytest.mark.study), {"skip": "auto"}]
)
def test_an_estimate_is_kept_when_a_second_search_is_ended(asked: dict[str, Any]) -> None:
    made, seen = noisy(), Interrupting(10**9)
    asked = {"X": made.X, "Y": made.Y, "noise": "gaussian", "rng": 0, "throw": False, **asked}
    with told_by(Clock()):
        unrelu.recover(**asked, progress=seen)
    last = max(at for at, now in enumerate(seen.seen, 1) if now.stage == "least squares")
    with told_by(Clock()):
        result = unrelu.recover(**asked, progress=Interrupting(last))
    one = unrelu.recover(made.X, made.Y, noise="gaussian", rng=0)
    assert result.status == one.status == Status.ESTIMATED
    assert result.network == one.network
    assert [each.code for each in result.findings].count("interrupted") == 1


def test_a_part_that_is_not_held_against_all_is_not_certain() -> None:
    made = plant(3, 1, 1, 60_000, seed=1, bias=0.5)

    def interrupt(now: SearchProgress) -> None:
        if now.stage == "check on all samples":
            raise KeyboardInterrupt

    result = unrelu.recover(made.X, made.Y, memory=1e6, rng=0, throw=False, progress=interrupt)
    assert (result.status, result.code) == (Status.UNDETERMINED, "interrupted")
    assert result.certificate.code == "not-checked"
    assert result.network is not None
    assert result.certificate.recheck(made.X, made.Y).status == Status.EXACT


# Checkpoints.


@pytest.fixture
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", -1.0)
    monkeypatch.setattr(checkpoint, "SHARE", 0.0)


@pytest.mark.usefixtures("written_at_once")
@pytest.mark.parametrize("draw", [exact, noisy])
def test_a_search_that_is_resumed_ends_with_the_same_bits(
    draw: Callable[[], Planted], tmp_path: Path
) -> None:
    made, path = draw(), tmp_path / "search.npz"
    asked: dict[str, Any] = {"noise": "gaussian" if draw is noisy else "none", "throw": False}
    whole = unrelu.recover(made.X, made.Y, rng=0, **asked)
    resumed = 0
    for calls in (5, 7, 9):
        unrelu.recover(
            *(made.X, made.Y), rng=0, checkpoint=path, progress=Interrupting(calls), **asked
        )
        resumed += path.exists()
    again = unrelu.recover(made.X, made.Y, checkpoint=path, **asked)
    assert resumed == 3
    assert again.network == whole.network
    assert again.certificate == whole.certificate
    assert again.stats["seed"] == 0
    assert not path.exists(), "nothing is left to be resumed"


@pytest.mark.usefixtures("written_at_once")
def test_steps_that_are_done_are_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, path = exact(), tmp_path / "search.npz"
    asked: dict[str, Any] = {"noise": "none", "throw": False, "checkpoint": path}
    unrelu.recover(made.X, made.Y, rng=0, progress=Interrupting(8), **asked)
    done = np.load(path)["0/point"]
    points: list[Array] = []
    real = hyperplanes._fit_and_reduce

    def counted(problem: Any, given: Array, target: float) -> Any:
        fit = real(problem, given, target)
        points.append(fit[0].point)
        return fit

    monkeypatch.setattr(hyperplanes, "_fit_and_reduce", counted)
    unrelu.recover(made.X, made.Y, **asked)
    assert points
    assert not any(np.array_equal(each, done) for each in points)


@pytest.mark.parametrize(
    "change", [{"n_units": 3}, {"bias": False}, {"noise": "gaussian"}, {"rng": 1}, {"X": 2.0}]
)
def test_the_checkpoint_of_another_search_is_refused(
    change: dict[str, Any], tmp_path: Path
) -> None:
    made, path = exact(), tmp_path / "search.npz"
    asked: dict[str, Any] = {"X": made.X, "Y": made.Y, "noise": "none", "rng": 0}
    unrelu.recover(**asked, checkpoint=path, throw=False, progress=Interrupting(5))
    before = path.read_bytes()
    other = asked | change
    other["X"] = made.X * float(change.get("X", 1.0))
    with pytest.raises(InputError, match="checkpoint"):
        unrelu.recover(**other, checkpoint=path, throw=False)
    assert path.read_bytes() == before


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    made, path = exact(), tmp_path / "notes.txt"
    path.write_text("not one")
    with pytest.raises(FileError, match="checkpoint"):
        unrelu.recover(made.X, made.Y, checkpoint=path)
    assert path.read_text() == "not one"
    with pytest.raises(FileError, match="no folder"):
        unrelu.recover(made.X, made.Y, checkpoint=tmp_path / "none" / "search.npz")
