"""Output that is not UTF-8, not a terminal, not there, or not awaited."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.planting import plant

import unrelu
from unrelu import Recovery, assess, match, recover, save, solutions, verify
from unrelu.cli import main
from unrelu.formats.samples import write_samples
from unrelu.wording.lines import LINE
from unrelu.wording.streams import REPLACED, fitted

NARROW = ("ascii", "cp1252", "latin-1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, exact samples, noisy samples and too few of them, and a formula."""
    folder = tmp_path_factory.mktemp("plain")
    planted = plant(4, 3, 2, 300, seed=0, bias=0.5)
    X, Y = planted.X, planted.Y
    save(planted.truth, folder / "truth.npz")
    write_samples(folder / "exact.npz", X, Y)
    noise = 0.1 * np.random.default_rng(1).standard_normal(Y.shape)
    write_samples(folder / "noisy.npz", X, Y + noise)
    write_samples(folder / "few.npz", X[:7], Y[:7])
    (folder / "formula.cnf").write_text("p cnf 2 2\n1 2 0\n-1 2 0\n")
    return folder


def given() -> list[tuple[str, object]]:
    """One of each public result, with its name."""
    planted = plant(4, 3, 2, 300, seed=0, bias=0.5)
    X, Y = planted.X, planted.Y
    noisy = Y + 0.1 * np.random.default_rng(1).standard_normal(Y.shape)
    estimate = recover(X, noisy, 3, noise="gaussian", rng=0)
    failed = recover(X[:7], Y[:7], rng=0, throw=False)
    certificate = verify(planted.truth, X, Y)
    steps = np.arange(40.0)[:, None]
    bent = recover(steps, np.maximum(steps - 15, 0) + 0.1 * noisy[:40, :1], 1, rng=0, throw=False)
    none = solutions([[-2], [-1], [1], [3]], [[0], [0], [2], [5]], 1)
    assert estimate.network is not None
    return [
        ("estimate", estimate),
        ("bent", bent),
        ("breakpoint", bent.breakpoints[0]),
        ("status", estimate.status),
        ("noise", estimate.noise),
        ("uncertainty", estimate.uncertainty),
        ("assess", assess(estimate.network, X, noisy, biased=True)),
        ("failed", failed),
        ("error", unrelu.RecoveryError(failed)),
        ("certificate", certificate),
        ("network", planted.truth),
        ("match", match(estimate.network, planted.truth)),
        ("solutions", none),
        ("refutation", none.refutation),
        ("skip", recover(X, Y, skip=True, rng=0, throw=False)),
    ]


def test_every_result_can_be_printed_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    results = given()
    assert any(not str(result).isascii() for _, result in results)
    for encoding in NARROW:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            for _, result in results:
                print(result)
                if isinstance(result, Recovery):
                    assert max(map(len, str(result).splitlines())) <= LINE


def test_every_replacement_is_ascii_and_columns_stay_in_place() -> None:
    everything = "".join(REPLACED) + "x²³ é ∘ \udcff"
    assert fitted(everything, "ascii").isascii()
    assert fitted(everything, "cp1252").encode("cp1252")
    assert fitted("unit  ‖u‖     ±  v", "ascii").index("v") == len("unit  ‖u‖     ±  ")
    assert fitted(everything, None) == everything
    assert fitted("plain", "no such encoding")


def commands(folder: Path) -> list[list[str]]:
    out = str(folder / "out.npz")
    paths = {path.stem: str(path) for path in folder.iterdir()}
    return [
        ["sample", paths["truth"], "-o", out, "-n", "9", "--exact"],
        ["recover", paths["exact"], "-o", out],
        ["recover", paths["noisy"], "-o", out, "--units", "3", "--noise", "gaussian"],
        ["recover", paths["few"], "-o", out],
        ["extract", paths["truth"], "-o", out],
        ["verify", paths["truth"], paths["noisy"]],
        ["report", paths["truth"], paths["exact"], "-o", str(folder / "page.html")],
        ["match", paths["truth"], paths["truth"]],
        ["hardness", paths["formula"], "-o", out],
        ["hardness", "--help"],
        ["demo", "--help"],
    ]


@pytest.mark.parametrize("encoding", NARROW)
def test_every_command_in_other_encodings(folder: Path, encoding: str) -> None:
    """In one process each; an exception of any kind other than SystemExit would be our own bug."""
    for arguments in commands(folder):
        runner = CliRunner(charset=encoding)
        result = runner.invoke(main, arguments)
        assert result.exit_code in (0, 1), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), arguments
        assert result.stdout_bytes.decode(encoding)
        assert max(map(len, result.stdout.splitlines())) <= LINE


def test_piped_output_is_keys_and_values(folder: Path) -> None:
    for arguments in commands(folder)[:-2]:
        lines = CliRunner().invoke(main, arguments).stdout.splitlines()
        assert lines[0][0] != " "
        for line in lines:
            assert line.startswith("  ") or len(line.split("  ")) > 1, line


def unrelu_process(arguments: Sequence[str], **how: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "unrelu", *arguments], stderr=subprocess.PIPE, text=True, **how
    )


def test_in_a_real_process(folder: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    arguments = commands(folder)[2]
    with unrelu_process(arguments, env=environment, stdout=subprocess.PIPE) as process:
        reported, complaints = process.communicate()
    assert process.returncode == 0, complaints
    assert reported.isascii()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("which", [0, 9])
def test_a_full_disk_is_one_line_and_code_2(folder: Path, which: int) -> None:
    with (
        open("/dev/full", "w") as full,
        unrelu_process(commands(folder)[which], stdout=full) as process,
    ):
        _, complaints = process.communicate()
    assert process.returncode == 2
    assert complaints.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_verdict(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with unrelu_process(commands(folder)[0], stdout=write) as process:
        os.close(write)
        _, complaints = process.communicate()
    assert process.returncode == 2
    assert complaints == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_an_interruption_ends_with_130(folder: Path) -> None:
    """A program that never answers is waited for; it says when it is asked."""
    asked = folder / "asked"
    waits = folder / "waits.py"
    waits.write_text(
        f"import pathlib, sys, time\npathlib.Path({str(asked)!r}).touch()\nsys.stdin.read()\n"
        "time.sleep(600)\n"
    )
    program = f"{sys.executable} {waits}"
    arguments = ["extract", "--program", program, "--inputs", "3", "-o", str(folder / "x.npz")]
    with unrelu_process(arguments, stdout=subprocess.DEVNULL) as process:
        while not asked.exists() and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    assert process.returncode == 130, complaints
