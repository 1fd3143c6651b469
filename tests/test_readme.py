"""The README's example does what the README says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from unrelu.preparation import NOISE

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_is_shown() -> None:
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", README, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    # The last digits are the machine's own: errors are held to a bound instead.
    number = re.compile(r"\d\.\d\de[-+]\d\d")
    assert number.sub("#", said.getvalue()) == number.sub("#", shown)
    errors = [float(error) for error in number.findall(said.getvalue())]
    assert len(errors) == 4
    assert max(errors) <= 1e-13


def test_the_extraction_example_prints_what_is_shown() -> None:
    section = README[README.index("## From a black box") :]
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", section, re.DOTALL)
    assert match is not None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(match[1], {})
    assert said.getvalue() == match[2]


def test_the_noisy_example_prints_what_is_shown() -> None:
    section = README[README.index("## Noisy labels") :]
    match = re.search(r"```python\n(.*?)```\n```\n(.*?)```", section, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    said, names = io.StringIO(), dict[str, Any]()
    with contextlib.redirect_stdout(said):
        exec(code, names)
    # Rounding may move the last digit shown, and with it the width of a column.
    number = re.compile(r"<?-?\d[\d.]*(e[-+]\d+)?")
    words, true_words = (
        " ".join(number.sub("#", text).split()) for text in (said.getvalue(), shown)
    )
    assert words == true_words
    numbers, true_numbers = (
        [float(found.group().strip("<.")) for found in number.finditer(text)]
        for text in (said.getvalue(), shown)
    )
    assert np.allclose(numbers, true_numbers, rtol=0.11, atol=0.02)
    found, secret = names["result"].network, names["secret"].canonical()
    errors = names["result"].stderr
    for name in ("V", "U", "b", "c"):
        off = np.abs(getattr(found, name) - getattr(secret, name))
        assert (off <= 5 * getattr(errors, name)).all()


def test_every_kind_of_noise_is_explained() -> None:
    for kind in NOISE:
        assert f'`"{kind}"`' in README


def test_every_status_is_explained() -> None:
    from unrelu import Status

    for status in Status:
        assert f"`{status.value}`" in README
