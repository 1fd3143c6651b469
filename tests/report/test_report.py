"""The report: what it says, what it holds, and that it asks for nothing. How it looks is for
`test_report_browser`."""

from __future__ import annotations

import base64
import inspect
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.command_line import run
from support.planting import plant
from support.report_pages import Reader, appraisals, page, references

import unrelu.report.words
from unrelu import FileError, InputError, Network, Recovery, recover, save, write_report
from unrelu.formats.samples import write_samples
from unrelu.report import charts, images, phrases
from unrelu.report.appraisal import Appraisal, appraise
from unrelu.report.page import html_page
from unrelu.report.sections import MOST_OUTPUTS, MOST_PICTURES, MOST_ROWS
from unrelu.report.words import sentences, verdict
from unrelu.wording.remarks import Remark

STATUSES = ("exact", "estimated", "undetermined", "failed")


@pytest.mark.parametrize("status", STATUSES)
def test_a_page_is_whole_and_asks_for_nothing(status: str) -> None:
    text = page(status)
    read = Reader(text)
    assert references(text) == []
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert read.unnamed == []
    assert read.headings[0] == 1
    assert read.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(read.headings, read.headings[1:], strict=False))
    assert len(text.encode()) < 100_000
    assert not re.search(r"\b(nan|inf|array|dtype)\b", read.text)


@pytest.mark.parametrize(
    "addition",
    [
        '<img src="https://example.org/a.png">',
        '<img src="picture.png">',
        "<style>p { background: url(//example.org/a.png) }</style>",
        "<style>@import 'a.css';</style>",
        "<script>1</script>",
        '<p onclick="go()">',
    ],
)
def test_a_page_that_asks_for_more_is_seen(addition: str) -> None:
    assert references(page("exact").replace("</main>", addition + "</main>"))


def codes(appraisal: Appraisal) -> set[str]:
    """Of all sentences of the verdict."""
    words = verdict(appraisal)
    lists = ([words.summary], words.certain, words.uncertain, words.next)
    return {remark.code for remarks in lists for remark in remarks}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("exact", {"network-found", "explained", "unique", "fresh-samples", "use-it"}),
        ("estimated", {"estimate-with-errors", "noise-like-residuals", "directions", "four-times"}),
        ("undetermined", {"perhaps-not-unique", "units-in-doubt", "choose-inputs"}),
        ("failed", {"does-not-explain", "wrong-sample", "reason", "causes"}),
    ],
)
def test_every_status_has_its_own_sentences(status: str, expected: set[str]) -> None:
    appraisal = appraisals()[status]
    assert expected <= codes(appraisal)
    text = Reader(page(status)).text
    for part in (status.capitalize(), "What to do next", "How to reproduce"):
        assert part in text
    words = verdict(appraisal)
    for remark in (words.summary, *words.certain, *words.uncertain, *words.next):
        assert " ".join(str(remark).split()) in text
    assert ("Unit 1 is active on 100% of" in text) == (status == "undetermined")


def test_no_sentence_is_unused() -> None:
    source = inspect.getsource(unrelu.report.words)
    for code in sentences():
        assert f'"{code}":' in source, code


def test_the_table_shows_what_was_measured() -> None:
    appraisal = appraisals()["undetermined"]
    rows = re.findall(r'<tr>\s*<th scope="row">(.*?)</tr>', page("undetermined"), re.DOTALL)
    assert len(rows) == appraisal.network.n_units == 6
    for unit, row in enumerate(rows):
        assert phrases.number(float(np.linalg.norm(appraisal.network.U[:, unit])), 4) in row
        assert phrases.number(float(appraisal.nearest[unit]), 2) in row
        assert ("not determined" in row) == (unit in appraisal.certificate.weak_units)
    assert "always on" in "".join(rows)


def test_notes_are_repeated_word_for_word() -> None:
    problem = plant(10, 3, 1, 260, seed=2)
    noise = 0.3 * np.random.default_rng(2).standard_normal(problem.Y.shape)
    result = recover(problem.X, problem.Y + noise, 3, noise="gaussian", rng=0, throw=False)
    assert result.uncertainty is not None
    text = Reader(html_page(appraise(result, problem.X, problem.Y + noise))).text
    for note in result.uncertainty.notes:
        assert note.split(" (p ")[0][1:60] in text


def test_the_same_samples_give_the_same_page() -> None:
    problem = plant(6, 3, 2, 300, seed=1, bias=0.2)
    pages = [
        html_page(appraise(recover(problem.X, problem.Y, rng=0), problem.X, problem.Y))
        for _ in range(2)
    ]
    assert pages[0] == pages[1]


def test_what_comes_from_outside_is_escaped() -> None:
    appraisal = replace(
        appraisals()["failed"], remarks=(Remark("b", "<b>bold</b>"), Remark("c", "a & b"))
    )
    text = html_page(appraisal, title="<script>alert(1)</script>", command='"><img src=x>')
    assert references(text) == []
    assert "<b>" not in text
    assert "a &amp; b" in text


def test_images_are_drawn_where_inputs_are_pixels() -> None:
    problem = plant(64, 3, 3, 400, seed=3)
    appraisal = appraise(problem.truth, problem.X, problem.Y)
    guessed, given = html_page(appraisal), html_page(appraisal, image_shape=(4, 16))
    assert "a guess" in Reader(guessed).text
    assert "4 × 16 pixels" in Reader(given).text
    assert "guess" not in Reader(given).text
    assert html_page(appraisal, image_shape="none").count("<img") == 0
    drawn = re.findall(r'<img src="data:image/png;base64,([^"]*)"', guessed)
    assert len(drawn) == 3
    for unit, data in enumerate(drawn):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))
        assert pixels.shape == (8, 8, 4)
        weights = appraisal.network.V[unit].reshape(8, 8)
        assert (pixels[weights > 0.1, 0] > pixels[weights > 0.1, 2]).all()
        assert (pixels[weights < -0.1, 0] < pixels[weights < -0.1, 2]).all()
        opacity = pixels[..., 3] / 255
        assert np.abs(opacity - np.abs(weights) / np.abs(weights).max()).max() < 1 / images.STEPS


@pytest.mark.parametrize(
    ("given", "inputs", "words"),
    [
        ("5x5", 24, "expected a shape of 24 pixels"),
        ("square", 25, "HEIGHTxWIDTH such as 28x28"),
        ((5, 5, 1), 25, "HEIGHTxWIDTH"),
        ("-5x-5", 25, "expected a shape of 25 pixels"),
    ],
)
def test_shapes_that_cannot_be(given: str, inputs: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        images.image_shape(given, inputs)


def test_large_images_are_averaged_down() -> None:
    data = images.signed(np.ones((300, 40)))
    file = io.BytesIO(base64.b64decode(data.split(",")[1]))
    assert Image.open(file).size == (40, images.LARGEST_SIDE)


def test_more_of_everything_is_cut_and_said() -> None:
    rng = np.random.default_rng(4)
    k, m = MOST_ROWS + 30, MOST_OUTPUTS + 2
    net = Network(rng.standard_normal((k, 5)), rng.standard_normal((m, k)))
    X = rng.standard_normal((30, 5))
    appraisal = appraise(net, X, net(X) + 1.0)
    text = Reader(html_page(appraisal)).text
    assert "30 weaker units" in text
    assert f"The strongest {MOST_PICTURES} of {k} units" in text
    assert f"The first {MOST_OUTPUTS} of {m} outputs" in text


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    d=st.integers(1, 5),
    k=st.integers(0, 4),
    m=st.integers(1, 3),
    labels=st.sampled_from(["exact", "noisy", "shifted", "constant"]),
    scale=st.sampled_from([1e-12, 1.0, 1e12]),
)
def test_any_network_has_a_page(
    seed: int, d: int, k: int, m: int, labels: str, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    net = Network(
        rng.integers(-2, 3, (k, d)), scale * rng.standard_normal((m, k)), rng.integers(-2, 3, k)
    )
    X = rng.standard_normal((d + 1 + seed % 60, d))
    Y = net(X)
    if labels == "noisy":
        Y = Y + 0.1 * scale * rng.standard_normal(Y.shape)
    elif labels == "shifted":
        Y = Y + scale
    elif labels == "constant":
        Y = np.full_like(Y, scale)
    text = html_page(appraise(net, X, Y))
    assert not re.search(r"\b(nan|inf)\b", text.split("<body")[1])
    assert references(text) == []
    Reader(text)


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_without_units(outputs: int) -> None:
    X = np.random.default_rng(5).standard_normal((30, 3))
    Y = np.tile(np.arange(1.0, outputs + 1), (30, 1))
    result = recover(X, Y, throw=False)
    assert result.certificate.network.n_units == 0
    text = Reader(html_page(appraise(result, X, Y))).text
    assert ("constant" in codes(appraise(result, X, Y))) == (result.status == "exact")
    assert "The units" not in text


def test_gross_errors_are_left_out_in_words_and_charts() -> None:
    problem = plant(6, 2, 20, 400, seed=6)
    Y = problem.Y.copy()
    Y[3, 5] += 1000.0
    Y[100, 0] -= 1000.0
    text = html_page(appraise(recover(problem.X, Y, noise="sparse", rng=0), problem.X, Y))
    assert "all but 2 of 8,000 labels" in text
    assert "2 labels contradict" in text
    assert "10⁻¹⁵" in text.split("residual (label")[1][:30]


def test_what_no_sample_can_settle_is_not_promised() -> None:
    rng = np.random.default_rng(7)
    V = rng.standard_normal((3, 5))
    V[1] = -V[0]  # two units that face each other on one hyperplane
    net = Network(V, rng.standard_normal((2, 3)), [0.3, -0.3, 0.1])
    X = rng.standard_normal((400, 5))
    found = codes(appraise(net, X, net(X)))
    assert "other-samples" in found
    assert "more-samples" not in found


def test_too_few_samples_are_reported_how_many_more() -> None:
    problem = plant(10, 4, 2, 25, seed=1, bias=0.2)
    result = recover(problem.X, problem.Y, rng=0, noise="none", throw=False)
    assert result.status == "undetermined"
    text = Reader(html_page(appraise(result, problem.X, problem.Y))).text
    assert f"Take about {result.more_samples} more samples" in text


def test_a_network_through_random_labels_is_not_to_be_trusted() -> None:
    """30 labels of no meaning, and a network of 29 units along one direction through them."""
    rng = np.random.default_rng(0)
    X, y, v = rng.standard_normal((30, 20)), rng.standard_normal(30), rng.standard_normal(20)
    order = np.argsort(X @ v)
    at, y = (X @ v)[order], y[order]
    slopes = np.diff(y) / np.diff(at)
    jumps = np.diff(slopes, prepend=0.0)
    net = Network(np.tile(v, (29, 1)), [jumps], -at[:-1], y[:1])
    appraisal = appraise(net, X[order], net(X[order]))
    assert appraisal.status == "undetermined"
    assert codes(appraisal) >= {"few-equations", "trust-nothing"}
    assert "fits" not in codes(appraisal)


def test_many_dots_become_a_picture() -> None:
    x = np.linspace(0, 1, 50_000)
    few, many = (
        charts.scatter(x[::step], x[::step], ("x", "y"), "a line", side=320, line="equal")
        for step in (100, 1)
    )
    assert "<image" not in few
    assert few.count("h0") == 500
    assert "data:image/png" in many
    assert len(many) < 8_000


def test_constant_values_have_axes_too() -> None:
    for value in (0.0, 1e-16, -3.0):
        same = np.full(10, value)
        for chart in (
            charts.scatter(same, same, ("x", "y"), "dots", side=320),
            charts.histogram(same, ("x", "y"), "bars", side=320),
            charts.by_unit(same, ("x", "y"), "units", side=320, log=True),
        ):
            assert "nan" not in chart
            Reader(chart)


def test_write_report(tmp_path: Path) -> None:
    problem = plant(6, 3, 2, 300, seed=1, bias=0.2)
    file = tmp_path / "report.html"
    certificate = write_report(problem.truth, problem.X, problem.Y, file, title="Mine")
    assert certificate.status == "exact"
    assert "<title>Exact: Mine</title>" in file.read_text(encoding="utf-8")
    with pytest.raises(FileError, match=r"expected '\.html'"):
        write_report(problem.truth, problem.X, problem.Y, tmp_path / "report.pdf")
    with pytest.raises(FileError, match="there is no folder"):
        write_report(problem.truth, problem.X, problem.Y, tmp_path / "no" / "report.html")
    with pytest.raises(InputError, match="6 pixels"):
        write_report(problem.truth, problem.X, problem.Y, file, image_shape="3x3")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    problem = plant(9, 3, 3, 300, seed=1, bias=0.2)
    save(problem.truth, tmp_path / "net.npz")
    write_samples(tmp_path / "s.npz", problem.X, problem.Y)
    return tmp_path / "net.npz", tmp_path / "s.npz"


def test_on_the_command_line(tmp_path: Path, files: tuple[Path, Path]) -> None:
    target = tmp_path / "r.html"
    result = run("report", *files, "-o", target, "--image-shape", "3x3", "--json")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["status"] == "exact"
    assert values["file"] == str(target)
    text = Reader(target.read_text(encoding="utf-8")).text
    assert f"unrelu report {files[0]} {files[1]} -o {target} --image-shape 3x3" in text
    assert "3 × 3 pixels" in text
    assert "written" in run("report", *files, "-o", target).stdout


def test_recover_writes_one_too(tmp_path: Path, files: tuple[Path, Path]) -> None:
    target = tmp_path / "r.html"
    arguments = ("recover", files[1], "-o", tmp_path / "found.npz", "--seed", 0, "--report")
    result = run(*arguments, target)
    assert result.exit_code == 0, result.output
    text = Reader(target.read_text(encoding="utf-8")).text
    assert f"recovered from {files[1]}" in text
    assert "expected '.html'" in run(*arguments, tmp_path / "r.txt").stderr


def test_a_doubtful_network_leaves_with_1_and_a_page(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    save(Network([[1.0] * 9], [[1.0]] * 3), tmp_path / "wrong.npz")
    result = run("report", tmp_path / "wrong.npz", files[1], "-o", tmp_path / "r.html")
    assert result.exit_code == 1
    assert "Failed" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_wrong_use_on_the_command_line(tmp_path: Path, files: tuple[Path, Path]) -> None:
    for more, words in (
        (("-o", tmp_path / "r.txt"), "expected '.html'"),
        (("-o", tmp_path / "r.html", "--image-shape", "2x2"), "9 pixels"),
        (("-o", tmp_path / "r.html", "--noise", "loud"), "Invalid value for '--noise'"),
        ((), "Missing option '-o'"),
    ):
        result = run("report", *files, *more)
        assert result.exit_code == 2
        assert words in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"net.npz", "s.npz"}


@pytest.mark.parametrize("status", STATUSES)
def test_a_notebook_shows_a_card(status: str) -> None:
    appraisal = appraisals()[status]
    result = Recovery(
        appraisal.network,
        appraisal.certificate,
        appraisal.stats,
        appraisal.noise,
        appraisal.uncertainty,
        remarks=appraisal.about,
    )
    card = result._repr_html_()
    read = Reader(card)
    assert references(card) == []
    assert read.words[0] == status
    assert appraisal.explanation in read.text
    assert read.tags.count("table") == (2 if status == "estimated" else 1)
    assert len(card) < 20_000


def test_a_card_without_a_network() -> None:
    appraisal = appraisals()["failed"]
    card = Recovery(None, appraisal.certificate, {"method": "<none>"})._repr_html_()
    assert "None" in Reader(card).text
    assert "&lt;none&gt;" in card
