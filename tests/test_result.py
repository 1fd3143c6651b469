"""What a result says of itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.planting import plant

import unrelu
from unrelu import Recovery, errors, recover
from unrelu.noise.found import Noise, Width
from unrelu.wording.lines import LINE, labelled


@pytest.fixture(scope="module")
def estimate() -> Recovery:
    problem = plant(4, 2, 2, 800, seed=1, bias=0.3)
    noise = 0.2 * np.random.default_rng(1).standard_normal(problem.Y.shape)
    return recover(problem.X, problem.Y + noise, noise="gaussian", rng=0)


def test_an_estimate_says_what_noise_it_found_and_how_far_it_is_off(estimate: Recovery) -> None:
    text = str(estimate)
    for words in (
        "estimated: ",
        "\nnoise             gaussian",
        "\nnoise size        standard deviation 0.",
        "units weighed     the last of 2 explains",
        "it is there; the last of 3",
        "it does not stand out",
        "v ± rad",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= LINE
    html = estimate._repr_html_()
    assert html.count("<tr>") == len(estimate.rows()) - 1  # the status is above the table
    assert "<td" in html.split("v ± rad")[1]


def test_notes_come_with_the_estimate() -> None:
    problem = plant(10, 3, 1, 260, seed=2)
    noise = 0.3 * np.random.default_rng(2).standard_normal(problem.Y.shape)
    result = recover(problem.X, problem.Y + noise, 3, noise="gaussian", rng=0, throw=False)
    assert result.uncertainty is not None
    assert result.uncertainty.notes
    shown = [text for name, text in result.rows() if name == "note"]
    assert shown == list(result.uncertainty.notes)


def test_an_estimate_as_plain_values(estimate: Recovery) -> None:
    assert estimate.noise is not None
    assert estimate.uncertainty is not None
    for values in (estimate.noise.to_dict(), estimate.uncertainty.to_dict()):
        assert json.loads(json.dumps(values)) == values
    assert estimate.noise.to_dict()["kind"] == "gaussian"


def test_heavy_tails_and_reasons_are_reported() -> None:
    noise = Noise(
        "independent", "its tails are heavy", np.eye(1), (Width(1, 0.5, 9.0),), freedom=3.0
    )
    assert noise.rows(1) == [
        ("noise", "independent: its tails are heavy"),
        (
            "noise size",
            "standard deviation 1, and tails of Student's t with 3 degrees of freedom",
        ),
        (
            "units weighed",
            (
                "the last of 1 explains 0.5 noise variances, noise alone would explain up to 9: "
                "it does not stand out"
            ),
        ),
    ]


def test_long_lines_go_on_below_their_beginning() -> None:
    lines = labelled([("a", "word " * 40), ("long", "")]).splitlines()
    assert lines[0].startswith("a     word")
    assert lines[1].startswith("      word")
    assert max(map(len, lines)) <= LINE


def test_an_unsuccessful_recovery_is_caught_under_either_name() -> None:
    X = np.random.default_rng(0).standard_normal((30, 2))
    for error in (unrelu.RecoveryError, errors.RecoveryError):
        with pytest.raises(error) as caught:
            unrelu.recover(X, np.sin(9 * X[:, 0]), noise="none", rng=0)
        assert caught.value.result.status in ("failed", "undetermined")
