"""The page of an extraction: what was asked, found and left open, and nothing loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.command_line import run
from support.planting import plant
from support.report_pages import Reader, references

import unrelu
from unrelu import FileError, InputError, InputTypeError, Recovery, write_extraction_report
from unrelu.report.extraction import COUNTS, extraction_page


@cache
def extracted(budget: int = 100_000) -> Recovery:
    truth = plant(64, 3, 2, 1, seed=0, bias=0.5).truth
    return unrelu.extract(truth, 64, budget=budget, rng=0, throw=False)


@pytest.mark.parametrize("budget", [100_000, 500])
def test_the_page_is_whole_and_loads_nothing(budget: int) -> None:
    result = extracted(budget)
    text = extraction_page(result)
    read = Reader(text)
    assert references(text) == []
    assert not read.unnamed
    assert read.headings[0] == 1
    assert result.status.value.capitalize() in read.text
    assert f"{result.stats['queries']:,} queries" in read.text
    for finding in result.findings:
        assert finding.status == "exact" or finding.sentence[1:20] in read.text
    assert text.count("<img") == result.certificate.network.n_units
    assert text == extraction_page(result)


def test_all_queries_are_in_the_table() -> None:
    result = extracted()
    read = Reader(extraction_page(result)).text
    counts = {name: n for name, n in result.stats.items() if name.startswith(COUNTS)}
    assert sum(map(int, counts.values())) == result.stats["queries"]
    for name in counts:
        assert name.removeprefix(COUNTS) in read


def test_the_least_number_of_queries_is_that_of_the_unknown_weights() -> None:
    # 3 (64 + 2) + 2 weights, of which 3 are free by scale, in answers of 2 numbers.
    unknowns = 3 * (64 + 1 + 2) + 2 - 3
    assert f"fewer than {-(-unknowns // 2)} queries" in Reader(extraction_page(extracted())).text
    assert "fewer than" not in Reader(extraction_page(extracted(500))).text


def test_what_is_no_extraction_is_refused(tmp_path: Path) -> None:
    problem = plant(3, 2, 2, 200, seed=0)
    passive = unrelu.recover(problem.X, problem.Y, rng=0)
    with pytest.raises(InputTypeError, match="extract"):
        write_extraction_report(passive, tmp_path / "page.html")
    with pytest.raises(InputTypeError, match="result"):
        write_extraction_report(problem.truth, tmp_path / "page.html")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="image shape"):
        write_extraction_report(extracted(), tmp_path / "page.html", image_shape="5x5")
    with pytest.raises(FileError):
        write_extraction_report(extracted(), tmp_path / "page.txt")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    unrelu.save(unrelu.Network(rng.standard_normal((2, 3)), np.ones((1, 2))), tmp_path / "net.npz")
    page = tmp_path / "page.html"
    done = run("extract", tmp_path / "net.npz", "-o", tmp_path / "out.npz", "--report", page)
    assert done.exit_code == 0, done.output
    assert "What was asked" in Reader(page.read_text(encoding="utf-8")).text
    assert "page.html" in "".join(done.stdout.split())  # long paths go on in the next line
    refused = run("extract", tmp_path / "net.npz", "-o", tmp_path / "o.npz", "--report", "page.txt")
    assert refused.exit_code == 2
    assert not (tmp_path / "o.npz").exists()
