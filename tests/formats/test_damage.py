"""Model files with damage of every kind give a network or a clean error, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.damaged_files import CALLS, mutated
from support.model_files import drawn, named_tensors, sound_files, state_dict, state_dict_pickle

from unrelu.errors import FileError
from unrelu.formats.networks import load
from unrelu.network import Network

FILES = {
    "npz": 100,
    "plain npz": 100,
    "rational npz": 300,
    "onnx": 300,
    "safetensors": 200,
    "state_dict": 200,
    "legacy state_dict": 200,
    "checkpoint": 200,
    "legacy checkpoint": 200,
    "nnet": 300,
    "mat": 8,
    "h5": 8,
    "keras": 5,
}
"""As many as take a second or two; HDF5 and MATLAB files are read in a process of
their own."""


@pytest.mark.parametrize("form", FILES)
def test_mutated_files_give_a_network_or_a_clean_error(tmp_path: Path, form: str) -> None:
    """A short run of benchmarks/mutated_files.py."""
    for package in ("onnx", "safetensors", "h5py"):
        pytest.importorskip(package)
    suffix, files = sound_files(tmp_path)[form]
    rng, path, refused = np.random.default_rng(0), tmp_path / f"net{suffix}", 0
    for data in files:
        path.write_bytes(data)
        assert isinstance(load(path), Network)
    for _ in range(FILES[form]):
        path.write_bytes(mutated(form, files, rng))
        try:
            assert isinstance(load(path), Network)
        except FileError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > FILES[form] // 4


def test_every_instruction_put_anywhere_into_a_pickle_is_survived(tmp_path: Path) -> None:
    """Where one of them were run, this process would end."""
    tensors = named_tensors(drawn(0))
    sound, path = state_dict_pickle(tensors), tmp_path / "net.pt"
    for call in CALLS:
        for at in (2, len(sound) // 2, len(sound) - 1):
            path.write_bytes(state_dict(tensors, sound[:at] + call + sound[at:]))
            try:
                assert isinstance(load(path), Network)
            except FileError as error:
                assert str(path) in str(error)
