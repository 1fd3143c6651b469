"""Commands that are ended early write what was found so far, marked as such."""

from __future__ import annotations

import json
import os
import signal
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from support.command_line import refused, run
from support.planting import plant

from unrelu.commands.terminal import Lines


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    made = plant(8, 4, 1, 80, seed=1, bias=0.5)
    np.savez(tmp_path / "s.npz", X=made.X, Y=made.Y)
    return tmp_path / "s.npz"


def test_a_time_limit_writes_the_best_so_far(tmp_path: Path, samples: Path) -> None:
    ticks = count()
    given = ("recover", samples, "-o", tmp_path / "n.npz", "--seed", 0, "--time-limit", 0.2)
    result = run(*given, "--json", clock=lambda: 1e-3 * next(ticks))
    assert result.exit_code == 1
    values = json.loads(result.stdout)
    assert values["status"] == "failed"
    assert "time limit" in values["reason"]
    assert (tmp_path / "n.npz").exists()


def test_a_signal_ends_as_an_interruption_does(
    tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_lines: Lines, words: str) -> None:
        if "units leave" in words:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Lines, "__call__", ended)
    before = signal.getsignal(signal.SIGTERM)
    kept = tmp_path / "search.npz"
    given = ("recover", samples, "-o", tmp_path / "n.npz", "--seed", 0, "--checkpoint", kept)
    result = run(*given)
    assert result.exit_code == 130
    assert "interrupted" in result.stdout
    assert (tmp_path / "n.npz").exists()
    assert signal.getsignal(signal.SIGTERM) is before
    assert kept.exists()
    monkeypatch.undo()
    assert run(*given).exit_code == 0
    assert not kept.exists()


def test_a_checkpoint_that_cannot_be_written_is_found_out_first(tmp_path: Path) -> None:
    given = ("recover", "none.npz", "-o", tmp_path / "n.npz", "--checkpoint")
    assert "there is no folder" in refused(*given, tmp_path / "no" / "c.npz")
    assert "got the file to be read" in refused(*given, "none.npz")


def test_lines_come_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    time = 0.0
    say = Lines(lambda: time)
    for time in (1.0, 9.0, 10.0, 11.0, 19.0, 21.0):
        say(f"at {time:g}")
    assert capsys.readouterr().err.split("\n") == ["at 10", "at 21", ""]
