"""The command line: words, exit codes, and what goes where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from support.command_line import answer, refused, run
from support.model_files import drawn, plain_onnx

from unrelu import Network, load, save
from unrelu.cli import main
from unrelu.formats.networks import Provenance, read, write_network
from unrelu.formats.samples import read_samples, write_samples

EXACT = 800 * 100 * np.finfo(np.float64).eps
"""At most 800 samples, weights of condition number below 100: what rounding can do at worst."""


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """A well-conditioned network with 6 inputs, 3 units and 3 outputs, in a file."""
    rng = np.random.default_rng(1)
    V = np.linalg.qr(rng.standard_normal((6, 3)))[0].T
    U = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    save(Network(V, U, 0.1 * rng.standard_normal(3), rng.standard_normal(3)), tmp_path / "t.npz")
    return tmp_path / "t.npz"


@pytest.fixture
def samples(tmp_path: Path, truth: Path) -> Path:
    X = np.random.default_rng(2).standard_normal((200, 6))
    write_samples(tmp_path / "s.npz", X, load(truth)(X))
    return tmp_path / "s.npz"


@pytest.fixture
def too_few(tmp_path: Path, truth: Path) -> Path:
    """Eight samples: no unit can be active on the seven that would fix its weights and leave
    enough for the others."""
    X = np.random.default_rng(3).standard_normal((8, 6))
    write_samples(tmp_path / "few.npz", X, load(truth)(X))
    return tmp_path / "few.npz"


def test_recover_verify_match(tmp_path: Path, truth: Path, samples: Path) -> None:
    net = tmp_path / "net.npz"
    result = run("recover", samples, "-o", net, "--seed", 0)
    assert result.exit_code == 0, result.output
    assert "exact" in result.stdout
    assert result.stderr == ""
    assert read(net).provenance is None

    result = run("verify", net, samples)
    assert result.exit_code == 0, result.output
    assert "exact" in result.stdout

    result = run("match", net, truth)
    assert result.exit_code == 0
    assert "3 of 3 units paired" in result.stdout
    assert answer("match", net, truth)["max_error"] < EXACT


def test_json_says_what_the_table_says(tmp_path: Path, samples: Path) -> None:
    net = tmp_path / "net.npz"
    values = answer("recover", samples, "-o", net, "--seed", 0)
    assert values["status"] == "exact"
    assert values["network"] == {
        "file": str(net),
        "inputs": 6,
        "units": 3,
        "outputs": 3,
        "activation": "relu",
        "rational": False,
        "skip": False,
        "remarks": {},
    }
    assert values["certificate"]
    assert values["stats"]
    assert answer("verify", net, samples)["status"] == "exact"


@pytest.fixture
def noisy(tmp_path: Path, truth: Path) -> Path:
    """A thousand samples with noise of a tenth of the labels' spread."""
    file = tmp_path / "noisy.npz"
    assert answer("sample", truth, "-o", file, "--noise", 0.1, "--seed", 4)["samples"] == 1000
    return file


def test_sample_adds_noise(tmp_path: Path, truth: Path, noisy: Path) -> None:
    answer("sample", truth, "-o", tmp_path / "clean.npz", "--seed", 4)
    X, Y = read_samples(tmp_path / "clean.npz")
    same, shaken = read_samples(noisy)
    assert np.array_equal(X, same)
    share = (np.asarray(shaken) - Y).std(axis=0) / np.asarray(Y).std(axis=0)
    # The standard deviation of 1000 Gaussian numbers is known to 1/√2000.
    assert np.abs(share / 0.1 - 1).max() < 5 / np.sqrt(2000)


def test_an_estimate_in_words(tmp_path: Path, noisy: Path) -> None:
    result = run("recover", noisy, "-o", tmp_path / "net.npz", "--noise", "gaussian", "--seed", 0)
    assert result.exit_code == 0, result.output
    for words in ("estimated: ", "\nnoise ", "gaussian", "noise size", "units weighed", "v ± rad"):
        assert words in result.stdout


def test_an_estimate_for_machines(tmp_path: Path, truth: Path, noisy: Path) -> None:
    net = tmp_path / "net.npz"
    values = answer("recover", noisy, "-o", net, "--seed", 0)
    assert values["status"] == "estimated"
    assert values["noise"]["kind"] == "gaussian"
    assert values["noise"]["freedom"] is None
    assert [set(width) for width in values["noise"]["widths"]] == [{"units", "gain", "edge"}] * 2
    given = values["uncertainty"]
    assert len(given["units"]) == 3
    assert given["form"] == "homoscedastic"
    assert isinstance(given["notes"], list)
    found, true = load(net), load(truth).canonical()
    for name, errors in given["stderr"].items():
        assert np.shape(errors) == getattr(found, name).shape
    largest = max(np.max(errors) for errors in given["stderr"].values())
    assert answer("match", net, truth)["max_error"] < 5 * np.sqrt(6) * largest
    assert len(found.V) == len(true.V)


def test_what_is_exact_has_no_noise(tmp_path: Path, samples: Path) -> None:
    values = answer("recover", samples, "-o", tmp_path / "net.npz", "--seed", 0)
    assert values["noise"] is None
    assert values["uncertainty"] is None


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, samples: Path) -> None:
    for name in ("a.npz", "b.npz"):
        answer("recover", samples, "-o", tmp_path / name, "--seed", 7)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_options_reach_recover(tmp_path: Path, samples: Path) -> None:
    net = tmp_path / "net.npz"
    answer("recover", samples, "-o", net, "--units", 3, "--noise", "none", "--seed", 0)
    assert load(net).n_units == 3
    assert "method" in refused("recover", samples, "-o", net, "--method", "guess")
    assert "noise" in refused("recover", samples, "-o", net, "--noise", "loud")


def test_too_few_samples_leave_with_1_and_a_marked_file(tmp_path: Path, too_few: Path) -> None:
    net = tmp_path / "net.npz"
    result = run("recover", too_few, "-o", net, "--seed", 0, "--json")
    assert result.exit_code == 1, result.output
    values = json.loads(result.stdout)
    assert values["status"] in ("undetermined", "failed")
    assert f"not recovered: {values['reason']}" in result.stderr
    with np.load(net) as arrays:
        assert str(arrays["status"]) == values["status"]
        assert str(arrays["reason"]) == values["reason"]


def test_a_wrong_network_is_not_verified(tmp_path: Path, truth: Path, samples: Path) -> None:
    net = load(truth)
    U = net.U.copy()
    U[0, 0] += 1e-6
    save(Network(net.V, U, net.b, net.c), tmp_path / "wrong.npz")
    result = run("verify", tmp_path / "wrong.npz", samples, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "failed"


def test_a_mark_is_mentioned_when_its_network_is_used(tmp_path: Path, truth: Path) -> None:
    net = tmp_path / "net.npz"
    write_network(load(truth), net, Provenance("undetermined", "too few samples"))
    result = run("match", net, truth)
    assert result.exit_code == 0
    assert "written as undetermined: too few samples" in result.stderr


@pytest.mark.parametrize(
    ("name", "labels"),
    [("out.npz", None), ("out.csv", None), ("out.parquet", None), ("x.npy", "y.npy")],
)
def test_sample_writes_every_form(
    tmp_path: Path, truth: Path, name: str, labels: str | None
) -> None:
    second = [] if labels is None else ["--labels", tmp_path / labels]
    values = answer("sample", truth, "-n", 50, "-o", tmp_path / name, *second, "--seed", 3)
    assert values["samples"] == 50
    X, Y = read_samples(tmp_path / name, labels and tmp_path / labels)
    assert np.array_equal(X, np.random.default_rng(3).standard_normal((50, 6)))
    assert np.array_equal(Y, load(truth)(np.asarray(X)))


def test_sample_scales_inputs(tmp_path: Path, truth: Path) -> None:
    for name, scale in (("a.npz", 1), ("b.npz", 4)):
        run("sample", truth, "-o", tmp_path / name, "--scale", scale, "--seed", 0)
    assert np.array_equal(
        4 * read_samples(tmp_path / "a.npz")[0], read_samples(tmp_path / "b.npz")[0]
    )
    assert len(read_samples(tmp_path / "a.npz")[0]) == 1000


def test_match_tells_of_missing_units(tmp_path: Path, truth: Path) -> None:
    net = load(truth)
    save(Network(net.V[:2], net.U[:, :2], net.b[:2], net.c), tmp_path / "small.npz")
    assert "2 of 3 units paired" in run("match", tmp_path / "small.npz", truth).stdout
    values = answer("match", tmp_path / "small.npz", truth)
    assert values["max_error"] is None
    assert len(values["missing"]) == 1


def test_every_command_takes_model_files(tmp_path: Path, truth: Path, samples: Path) -> None:
    pytest.importorskip("onnx")
    for name in ("net.pt", "net.onnx"):
        net = tmp_path / name
        assert run("recover", samples, "-o", net, "--seed", 0).exit_code == 0
        assert run("verify", net, samples).exit_code == 0
        assert answer("match", net, truth)["max_error"] <= EXACT
        assert run("sample", net, "-n", 5, "-o", tmp_path / "s5.npz").exit_code == 0


def test_heads_are_left_off_on_request(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    net, plain = tmp_path / "softmax.onnx", tmp_path / "plain.npz"
    net.write_bytes(plain_onnx(drawn(0), front=False, head="Softmax").SerializeToString())
    save(drawn(0), plain)
    assert "got a Softmax behind the second layer" in refused("match", net, plain)
    result = run("match", net, plain, "--drop-head")
    assert result.exit_code == 0
    assert "left off: Softmax" in result.stderr
    assert "5 of 5 units paired" in result.stdout


def test_wrong_use_is_one_line_and_leaves_nothing(tmp_path: Path, truth: Path) -> None:
    net = tmp_path / "net.npz"
    table = tmp_path / "s.csv"
    table.write_text("x0,y0\n" + "1,2\n" * 5 + "3,inf\n")
    for arguments, words in (
        (("recover", tmp_path / "none.npz", "-o", net), "none.npz: cannot be read"),
        (("recover", tmp_path / "s.txt", "-o", net), "ending in '.txt'"),
        (("recover", tmp_path / "x.npy", "-o", net), "give the labels too"),
        (("recover", table, "-o", net), "in row 5"),
        (("recover", table, "-o", tmp_path / "net.txt"), "expected one of .npz, .onnx"),
        (("recover", table, "-o", tmp_path / "no" / "net.npz"), "there is no folder"),
        (("recover", table), "Missing option '-o'"),
        (("verify", table, table), "got a table"),
        (("match", truth, tmp_path / "none.npz"), "none.npz: cannot be read"),
        (("sample", truth, "-o", tmp_path / "s.txt"), "ending in '.txt'"),
        (("sample", truth, "-o", tmp_path / "s.npz", "-n", 0), "Invalid value for '-n'"),
        (("demo", "-o", table), "s.csv"),
        (("dance",), "No such command"),
    ):
        assert words in refused(*arguments)
    assert {path.name for path in tmp_path.iterdir()} == {"s.csv", "t.npz"}


def test_networks_that_do_not_fit_are_wrong_use(tmp_path: Path, truth: Path, samples: Path) -> None:
    save(Network([[1.0]], [[1.0]]), tmp_path / "small.npz")
    assert "n_inputs differ: 1 against 6" in refused("match", tmp_path / "small.npz", truth)
    refused("verify", tmp_path / "small.npz", samples)


def test_output_is_checked_before_anything_is_computed(tmp_path: Path) -> None:
    assert "there is no folder" in refused("recover", "none.npz", "-o", tmp_path / "no" / "n.npz")


def test_an_interruption_is_not_taken_for_a_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unrelu.formats.samples.read_weighted", interrupted)
    assert run("recover", "s.npz", "-o", tmp_path / "net.npz").exit_code == 130


def test_every_command_has_help() -> None:
    assert set(main.commands) == {
        "completion",
        "demo",
        "extract",
        "hardness",
        "match",
        "recover",
        "report",
        "sample",
        "verify",
    }
    for name, command in main.commands.items():
        result = run(name, "--help")
        assert result.exit_code == 0
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in result.stdout
    assert run("--version").stdout.startswith("unrelu, version 0")


def test_as_a_module(tmp_path: Path, truth: Path) -> None:
    def unrelu(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unrelu", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    finished = unrelu("sample", truth, "-n", 5, "-o", tmp_path / "s.csv")
    assert finished.returncode == 0
    assert finished.stdout.startswith("samples  5\n")
    assert finished.stderr == ""

    finished = unrelu("match", truth, tmp_path / "none.npz")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1


def test_demo_recovers_what_it_trained(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "demo"
    values = answer("demo", "-o", folder, "--units", 5, "--queries", 800)
    assert values["status"] == "exact"
    assert values["summary"]["units found"] == "5 of 5"
    assert {path.name for path in folder.iterdir()} == {Path(path).name for path in values["files"]}
    assert (folder / "units.png").read_bytes().startswith(b"\x89PNG")
    assert answer("match", folder / "network.npz", folder / "truth.npz")["max_error"] < EXACT
    assert answer("verify", folder / "network.npz", folder / "samples.npz")["status"] == "exact"


def test_demo_with_too_few_queries_says_so(tmp_path: Path) -> None:
    result = run("demo", "-o", tmp_path, "--units", 5, "--queries", 70)
    assert result.exit_code == 1, result.output
    assert "reason" in result.stdout
    with np.load(tmp_path / "network.npz") as arrays:
        assert str(arrays["status"]) in ("undetermined", "failed")
