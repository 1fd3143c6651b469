"""The report in a real browser, as wide as a telephone and as a screen. Skipped where there is
neither chromium nor a driver for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.browser import binaries, browser, requested, show
from support.planting import plant
from support.report_pages import appraisals, page

from unrelu import Recovery
from unrelu.report.appraisal import appraise
from unrelu.report.page import html_page

pytestmark = pytest.mark.skipif(
    binaries() is None,
    reason="needs chromium and chromedriver on the PATH (Debian: chromium, chromium-driver)",
)

WIDTHS = (400, 1400)

READABLE = 12
"""Pixels: the smallest text."""

CONTRAST = 4.5
"""What the accessibility guidelines (WCAG 2, level AA) ask of text of any size."""

LOOK = """
const words = [...document.querySelectorAll("body *")].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
    && e.closest("[aria-hidden=true], .visually-hidden, style") === null);
const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
const light = c => {
    const [r, g, b] = c.map(v => v / 255).map(v =>
        v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = e => {
    for (let at = e; at; at = at.parentElement) {
        const c = parse(getComputedStyle(at).backgroundColor);
        if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
};
const contrast = e => {
    const style = getComputedStyle(e), inSvg = e.namespaceURI.endsWith("svg");
    const [a, b] = [light(parse(inSvg ? style.fill : style.color)), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
const box = document.querySelector("h1")?.getBoundingClientRect();
const boxed = e => e.closest(".scroll") === null;
return {
    title: document.title,
    verdict: box ? [box.width, box.height, box.top, document.querySelector("h1").innerText] : null,
    pictures: [...document.images].map(i => i.naturalWidth * i.naturalHeight),
    drawn: [...document.querySelectorAll("svg image")].map(i => i.getBBox().width),
    resources: performance.getEntriesByType("resource").map(r => r.name)
        .filter(name => !name.startsWith("data:")),
    overflow: document.scrollingElement.scrollWidth - window.innerWidth,
    outside: [...document.querySelectorAll("main *, header *")].filter(boxed)
        .filter(e => !e.classList.contains("visually-hidden"))
        .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 80)),
    smallest: Math.min(...words.map(e => parseFloat(getComputedStyle(e).fontSize))),
    pale: words.map(e => [contrast(e), e.outerHTML.slice(0, 80)]).sort((a, b) => a[0] - b[0])[0],
};
"""


def problems(driver: Any, file: Path, width: int, *, dark: bool = False) -> list[str]:
    """What is wrong with a page, in words; nothing, if all is well."""
    show(driver, file, width, dark=dark)
    seen = driver.execute_script(LOOK)
    found = []
    if not seen["title"]:
        found.append("no title")
    if seen["verdict"] is None or min(seen["verdict"][:2]) <= 0 or seen["verdict"][2] > 300:
        found.append("no verdict to be seen at once")
    if not all([*seen["pictures"], *seen["drawn"]]):
        found.append("a picture is empty")
    if seen["resources"]:
        found.append(f"resources: {seen['resources']}")
    if others := [url for url in requested(driver) if url != file.as_uri()]:
        found.append(f"requested: {others}")
    if seen["overflow"] > 0 or seen["outside"]:
        found.append(f"too wide by {seen['overflow']}: {seen['outside'][:3]}")
    if seen["smallest"] < READABLE:
        found.append(f"text of {seen['smallest']} px")
    if seen["pale"][0] < CONTRAST:
        found.append(f"contrast {seen['pale']}")
    if errors := driver.get_log("browser"):
        found.append(f"console: {errors}")
    return found


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium.common.exceptions import WebDriverException

    with ExitStack() as stack:
        try:
            opened = stack.enter_context(browser(tmp_path_factory.mktemp("profile")))
        except WebDriverException as error:  # such as a stub that only tells how to install one
            pytest.skip(f"the browser on the PATH does not start: {error.msg}")
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of each status, one with images, and one with the units of a large network."""
    made = tmp_path_factory.mktemp("pages")
    pages = {status: page(status) for status in appraisals()}
    problem = plant(64, 12, 10, 600, seed=3, bias=0.2)
    pages["images"] = html_page(appraise(problem.truth, problem.X, problem.Y))
    problem = plant(300, 40, 1, 2500, seed=4)
    pages["large"] = html_page(
        appraise(problem.truth, problem.X, problem.Y + 1.0, noise="none"),
        title="a-very-long-name-" * 12,
        command="unrelu report " + "a-very-long-name-" * 12,
    )
    for name, text in pages.items():
        (made / f"{name}.html").write_text(text, encoding="utf-8")
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name", ["exact", "estimated", "undetermined", "failed", "images", "large"]
)
def test_it_reads_well(driver: Any, folder: Path, name: str, width: int) -> None:
    file = folder / f"{name}.html"
    assert problems(driver, file, width) == []
    assert problems(driver, file, width, dark=True) == []


def test_it_shows_what_it_should(driver: Any, folder: Path) -> None:
    show(driver, folder / "images.html", 1400)
    seen = driver.execute_script(LOOK)
    assert seen["pictures"] == [64] * 12
    assert seen["drawn"]
    assert "Exact" in seen["verdict"][3]


def test_wide_tables_scroll_in_their_box(driver: Any, folder: Path) -> None:
    show(driver, folder / "estimated.html", 400)
    inner, outer = driver.execute_script(
        'const box = document.querySelector(".scroll"); return [box.scrollWidth, box.clientWidth]'
    )
    assert inner > outer > 300


@pytest.mark.parametrize(
    ("addition", "complaint"),
    [
        ('<img alt="out there" src="http://127.0.0.1:9/picture.png">', "requested"),
        ('<img alt="empty" src="data:image/png;base64,AAAA">', "a picture is empty"),
        ('<table style="min-width:1500px"><tr><td>wide</td></tr></table>', "too wide"),
        ('<p style="font-size:9px">small</p>', "text of 9 px"),
        ('<p style="color:#aaaaaa">pale</p>', "contrast"),
        ("<style>h1 { display: none !important }</style>", "no verdict"),
        ("<script>throw new Error('broken')</script>", "console"),
    ],
)
def test_what_is_wrong_is_seen(
    driver: Any, folder: Path, tmp_path: Path, addition: str, complaint: str
) -> None:
    """The checks fail on a page with one thing wrong, its own defence taken away."""
    text = (folder / "exact.html").read_text(encoding="utf-8")
    start = text.index("<meta http-equiv")
    text = text[:start] + text[text.index("\n", start) :]
    file = tmp_path / "wrong.html"
    file.write_text(text.replace("</main>", addition + "</main>"), encoding="utf-8")
    assert any(complaint in problem for problem in problems(driver, file, 1400))


def test_its_own_defence_holds(driver: Any, folder: Path, tmp_path: Path) -> None:
    """Whatever slipped into the page: the browser is told to fetch nothing and to run nothing."""
    text = (folder / "exact.html").read_text(encoding="utf-8")
    more = '<img src="http://127.0.0.1:9/a.png"><script>document.title = "changed"</script>'
    file = tmp_path / "more.html"
    file.write_text(text.replace("</main>", more + "</main>"), encoding="utf-8")
    show(driver, file, 1400)
    assert driver.title.startswith("Exact")
    assert [url for url in requested(driver) if url != file.as_uri()] == []


@pytest.mark.parametrize("dark", [False, True])
def test_cards_read_well_on_either_paper(driver: Any, tmp_path: Path, dark: bool) -> None:
    """As a notebook shows them: in a page whose colours they do not choose."""
    paper, ink = ("#111", "#ddd") if dark else ("#fff", "#222")
    cards = [
        Recovery(t.network, t.certificate, t.stats, t.noise, t.uncertainty)._repr_html_()
        for t in appraisals().values()
    ]
    file = tmp_path / "notebook.html"
    file.write_text(
        '<!doctype html><meta charset="utf-8"><title>notebook</title>'
        f'<body style="background:{paper};color:{ink};font:14px sans-serif"><h1>Result</h1>'
        + "".join(cards),
        encoding="utf-8",
    )
    for width in WIDTHS:
        assert problems(driver, file, width) == []


def test_a_page_prints(driver: Any, folder: Path) -> None:
    show(driver, folder / "images.html", 1400)
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert len(printed["data"]) > 10_000
