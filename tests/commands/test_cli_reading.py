"""Options that say how to read a NET, and what commands say of what was taken for granted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.command_line import run

from unrelu.formats.networks import load, save
from unrelu.network import Network

NORMAL = np.random.default_rng(0).standard_normal
W1, W2 = NORMAL((4, 4)), NORMAL((4, 4))
TRUTH = Network(W1.T, W2.T)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """Square weights kept as for x @ W, in a file that says neither that nor their order."""
    path = tmp_path / "net.npz"
    np.savez(path, P=W1, Q=W2)
    return path


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    X = np.random.default_rng(1).standard_normal((60, 4))
    path = tmp_path / "samples.npz"
    np.savez(path, X=X, Y=TRUTH(X))
    return path


HOW = ("--order", "P, Q", "--transposed")


def test_every_command_takes_the_options(tmp_path: Path, net: Path, samples: Path) -> None:
    truth, page = tmp_path / "truth.npz", tmp_path / "page.html"
    save(TRUTH, truth)
    for command in (
        ("verify", net, samples),
        ("report", net, samples, "-o", page),
        ("sample", net, "-o", tmp_path / "more.npz"),
        ("extract", net, "-o", tmp_path / "found.npz", "--seed", 0),
    ):
        assert run(*command).exit_code == 2
        result = run(*command, *HOW)
        assert result.exit_code == 0, result.output
        assert "ReLU is assumed" in result.stderr
    assert "ReLU is assumed" in page.read_text(encoding="utf-8")
    assert run("match", truth, truth, *HOW).exit_code == 0


def test_remarks_are_in_the_table_and_in_json(net: Path, samples: Path) -> None:
    table = run("verify", net, samples, *HOW).stdout
    assert "ReLU is assumed" in " ".join(table.split())
    answer = json.loads(run("verify", net, samples, *HOW, "--json").stdout)
    assert answer["status"] == "exact"
    assert set(answer["network"]["remarks"]) == {"activation-assumed"}


def test_wrong_options_are_usage_errors(net: Path, samples: Path) -> None:
    for how in (("--order", "P"), ("--order", "P,R"), (*HOW, "--net-output", "nowhere")):
        assert run("verify", net, samples, *how).exit_code == 2
    result = run("verify", net, samples, "--order", "P,Q", "--not-transposed")
    assert result.exit_code == 1, "another network, which does not explain the samples"


def test_what_python_is_told_is_logged(net: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = load(net, order=("P", "Q"), transposed=True)
    assert np.array_equal(found.V, TRUTH.V)
    assert len(caplog.records) == len(found.remarks) == 1
    for other in (found.canonical(), found.rounded(), found.without_skip()):
        assert other.remarks == found.remarks
