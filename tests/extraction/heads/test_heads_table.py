"""The table of heads, and what another head in it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.heads import planted

import unrelu
from unrelu import InputError, InputTypeError
from unrelu.cli import main
from unrelu.extraction.heads.head import Head
from unrelu.extraction.heads.linked import extract_behind
from unrelu.extraction.heads.recognising import straight
from unrelu.extraction.heads.table import HEADS
from unrelu.links.link import Link
from unrelu.links.table import LINKS

Array = NDArray[np.float64]
ROOT = Path(__file__).parents[3]


def test_heads_and_links_have_their_names() -> None:
    for name, head in HEADS.items():
        assert head.name == name
    for name, link in LINKS.items():
        assert link.name == name
    assert list(HEADS)[-1] == "values"


def test_every_head_is_explained_where_heads_are_named() -> None:
    help_text = " ".join(CliRunner().invoke(main, ["extract", "--help"]).output.split())
    page = (ROOT / "docs/guides/black-box.md").read_text(encoding="utf-8")
    for name, head in HEADS.items():
        assert f'| `"{name}"` | {head.about} |' in page
        assert f'"{name}"' in (unrelu.extract.__doc__ or "")
        assert f"{name} ({head.about})" in help_text


CUBE = Link(
    "cube",
    "cubes of the values",
    forward=lambda F: F**3,
    inverse=np.cbrt,
    error=lambda P, errors: errors / np.maximum(3 * np.cbrt(P) ** 2, 1e-300),
    target=np.cbrt,
    slope=lambda p: 3 * np.cbrt(p) ** 2,
)

TOY = Head(
    "cube",
    CUBE.about,
    possible=lambda _: True,
    recognise=lambda shown: straight(shown, CUBE),
    extract=extract_behind(CUBE),
    hides="cubes hide nothing",
)


def test_another_head_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recognised, recovered through, and named where heads are."""
    net = planted(1, d=4)
    monkeypatch.setattr("unrelu.extraction.heads.table.HEADS", {TOY.name: TOY, **HEADS})
    result = unrelu.extract(lambda X: net(X) ** 3, 4, rng=0, throw=False)
    assert result.stats["answers"] == "cube"
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, net).max_error < 1e-10
    assert unrelu.extract(net, 4, rng=0).stats["answers"] == "values"
    assert "cubes of the values" in CliRunner().invoke(main, ["extract", "--help"]).output
    with pytest.raises(InputError, match=r"'auto', 'cube', "):
        unrelu.extract(net, 4, answers="square")


def test_a_head_of_ones_own_needs_no_table() -> None:
    net = planted(2, d=4)
    plain = replace(HEADS["values"], name="mine")
    result = unrelu.extract(net, 4, answers=plain, rng=0)
    assert result.stats["answers"] == "mine"
    assert result.status == "exact"


def test_wrong_use() -> None:
    net = planted(0)
    with pytest.raises(InputError, match="expected one of 'auto', 'labels'"):
        unrelu.extract(net, 6, answers="nonsense")
    with pytest.raises(InputTypeError, match="expected a name or a Head"):
        unrelu.extract(net, 6, answers=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["softmax", "log-softmax", "sigmoid", "tanh"])
def test_answers_that_are_of_another_kind_are_told(name: str) -> None:
    net = planted(0, m=2, size=5.0)
    result = unrelu.extract(net, 6, answers=name, rng=0, throw=False)
    assert (result.status, result.code) == ("failed", "other-answers")
