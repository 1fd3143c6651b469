"""Checkpoints: what was added is there again, in order, with the state of the generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unrelu.errors import FileError, InputError
from unrelu.formats.checkpoint import Checkpoint, Step, seed_of


def drawn(rng: np.random.Generator) -> Step:
    return {"x": rng.standard_normal(3)}


def never() -> Step:
    raise AssertionError("the step is in the file")


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_steps_and_the_state_of_the_generator_are_kept(tmp_path: Path, bits: type) -> None:
    path, rng = tmp_path / "c.npz", np.random.Generator(bits(1))
    first = Checkpoint(path, {"seed": 1})
    done = first.step("a", rng, lambda: drawn(rng))
    first.write()
    following = rng.standard_normal(2)
    again, other = Checkpoint(path, {"seed": 1}), np.random.Generator(bits(5))
    assert again.resumed == 1
    assert np.array_equal(again.step("a", other, never)["x"], done["x"])
    assert np.array_equal(other.standard_normal(2), following)
    assert seed_of(path) == 1


def test_a_step_that_is_another_one_is_made_again(tmp_path: Path) -> None:
    path, rng = tmp_path / "c.npz", np.random.default_rng(0)
    first = Checkpoint(path, {})
    first.step("a", rng, lambda: {"x": np.ones(1)})
    first.step("b", rng, lambda: {"x": np.ones(1)})
    first.write()
    again = Checkpoint(path, {})
    assert again.step("c", rng, lambda: {"x": np.zeros(1)})["x"] == 0.0
    assert again.resumed == 0, "what followed the other step is not used"


def test_other_settings_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    Checkpoint(path, {"n_units": 3})
    with pytest.raises(InputError, match="n_units"):
        Checkpoint(path, {"n_units": 4})
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(FileError, match="damaged"):
            Checkpoint(path, {"n_units": 3})
    Checkpoint(tmp_path / "d.npz", {}).remove()
    assert not (tmp_path / "d.npz").exists()
