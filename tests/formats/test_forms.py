"""The tables of forms: what is read and written, and what is said about it, follows from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import toy_forms
from support.planting import gaussian_network

import unrelu
from unrelu.cli import main
from unrelu.formats import forms, networks, samples
from unrelu.formats.reading import Reading

ROOT = Path(__file__).parents[2]
EVERY: tuple[forms.Form | forms.SampleForm, ...] = (*forms.FORMS, *forms.SAMPLES)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form of networks and one of samples, each added as a line."""
    monkeypatch.setattr(forms, "FORMS", (*forms.FORMS, toy_forms.NETWORKS))
    monkeypatch.setattr(forms, "SAMPLES", (*forms.SAMPLES, toy_forms.SAMPLES))


@pytest.mark.usefixtures("toy")
def test_a_form_is_a_file_and_a_line(tmp_path: Path) -> None:
    net = gaussian_network(seed=1)
    path = tmp_path / "net.toy"
    unrelu.save(net, path)
    assert unrelu.load(path) == net
    assert unrelu.load(path.rename(tmp_path / "net")) == net  # by its content
    with pytest.raises(unrelu.FileError, match=r"skip connection, which only \.npz keeps"):
        unrelu.save(unrelu.Network([[1.0]], [[1.0]], W=[[1.0]]), path)
    with pytest.raises(unrelu.FileError, match=r"expected one of .*\.toy"):
        unrelu.save(net, tmp_path / "net.txt")
    with pytest.raises(unrelu.FileError, match="for a whole result"):
        unrelu.recover([[1.0], [2.0], [4.0]], [0.0, 0.0, 0.0], throw=False).save(path)


@pytest.mark.usefixtures("toy")
def test_commands_take_a_form_that_was_added(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("net.toy", "s.toys", "found.toy")]
    unrelu.save(gaussian_network(seed=2), files[0])
    main(["sample", files[0], "-n", "300", "-o", files[1], "--seed", "1"], standalone_mode=False)
    main(["recover", files[1], "-o", files[2], "--seed", "1"], standalone_mode=False)
    assert unrelu.match(unrelu.load(files[2]), unrelu.load(files[0])).max_error < 1e-9
    with pytest.raises(unrelu.FileError, match="keeps no fractions"):
        samples.check_target(files[1], exact=True)
    with pytest.raises(unrelu.FileError, match="too many"):
        samples.check_target(files[1], files[1])


def test_help_lists_every_form() -> None:
    code = """
from support import toy_forms
from unrelu.formats import forms
forms.FORMS += (toy_forms.NETWORKS,)
forms.SAMPLES += (toy_forms.SAMPLES,)
from unrelu.cli import main
main(["verify", "--help"], standalone_mode=False)
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "tests"
    ).stdout
    words = shown.replace(",", " ").replace("(", " ").split()
    for form in (*EVERY, toy_forms.NETWORKS, toy_forms.SAMPLES):
        assert set(form.suffixes) <= set(words), form.name


def test_docstrings_list_every_form() -> None:
    for form in forms.FORMS:
        assert all(suffix in (networks.__doc__ or "") for suffix in form.suffixes), form.name
        assert form.write is None or form.suffixes[0] in (unrelu.save.__doc__ or "")
    for table in forms.SAMPLES:
        shown = table.suffixes[0] if table.suffixes else "FOLDER"
        assert shown in (samples.__doc__ or ""), table.name


def test_the_guide_lists_every_form() -> None:
    guide = (ROOT / "docs/guides/model-files.md").read_text(encoding="utf-8")
    for form in forms.FORMS:
        kinds = " ".join(f"`{suffix}`" for suffix in form.suffixes)
        kinds += "" if form.write else ", read only"
        needs = f"`unrelu[{form.extra}]`" if form.extra else ""
        assert f"| {form.title} | {kinds} | {needs} |".replace("|  |", "| |") in guide, form.name


def test_every_suffix_names_one_form() -> None:
    for table in (forms.FORMS, forms.SAMPLES):
        suffixes = [suffix for form in table for suffix in form.suffixes]
        assert len(set(suffixes)) == len(suffixes)


def test_options_are_fields_of_a_reading() -> None:
    fields = set(Reading.__dataclass_fields__)
    assert {option for form in forms.FORMS for option in form.options} == fields


def test_functions_of_the_table_are_there() -> None:
    for form in EVERY:
        assert all(callable(forms.function(place)) for place in (form.read, form.write) if place)
