"""Reports to look at, one of each status, and what in a page would make a browser ask for more."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import numpy as np

from support.planting import plant
from unrelu import Network, recover
from unrelu.report.appraisal import Appraisal, appraise
from unrelu.report.page import html_page


@cache
def appraisals() -> dict[str, Appraisal]:
    """By status: a network recovered; one with noise; one with a unit that is always on and one
    that hardly ever is; one that did not make the labels."""
    problem = plant(12, 6, 2, 1500, seed=0, bias=0.3)
    X, Y, net = problem.X, problem.Y, problem.truth
    noisy = Y + 0.2 * np.random.default_rng(0).standard_normal(Y.shape)
    b = net.b.copy()
    b[2], b[4] = 9.0, -2.9
    far = Network(net.V, net.U, b, net.c)
    return {
        "exact": appraise(recover(X, Y, rng=0), X, Y),
        "estimated": appraise(recover(X, noisy, noise="gaussian", rng=0), X, noisy),
        "undetermined": appraise(far, X, far(X)),
        "failed": appraise(net, X, Y + 0.5 * X[:, :1] ** 2),
    }


def page(status: str) -> str:
    return html_page(
        appraisals()[status],
        title="network.npz against samples.npz",
        command="unrelu report network.npz samples.npz -o report.html",
    )


def references(text: str) -> list[str]:
    """Everything in a page that a browser would fetch from elsewhere, and scripts."""
    reader = _References()
    reader.feed(text)
    css = re.findall(r"""url\(\s*["']?([^"')]*)|@import\s+["']?([^"';]*)""", text)
    found = [*reader.found, *(address for pair in css for address in pair if address)]
    return [address for address in found if not address.startswith(("data:", "#"))]


class _References(HTMLParser):
    ATTRIBUTES = frozenset(
        {"src", "srcset", "href", "xlink:href", "poster", "data", "action", "background", "ping"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base"):
            self.found.append(f"<{tag}>")
        self.found += [value or "" for name, value in attrs if name in self.ATTRIBUTES]
        self.found += [f"{name}=" for name, _ in attrs if name.startswith("on")]


class Reader(HTMLParser):
    """The words of a page, its tags, and whether what is opened is closed."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        given = dict(attrs)
        if tag == "img" and not given.get("alt"):
            self.unnamed.append(tag)
        if tag == "svg" and not (given.get("aria-label") or given.get("aria-hidden")):
            self.unnamed.append(tag)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
