"""Files that are something else are named for what they are."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from unrelu.errors import FileError
from unrelu.formats.forms import FORMS
from unrelu.formats.networks import load

SUFFIXES = [suffix for form in FORMS for suffix in form.suffixes]

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 99\n"


def code(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize(
    "suffix", [*(suffix for form in FORMS for suffix in form.suffixes), ".bin", ""]
)
def test_pointers_pages_and_nothing_are_told_under_any_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    for data, reported in (
        (POINTER, "git-lfs-pointer"),
        (b"\n <!DOCTYPE html><html>", "web-page"),
        (b"", "empty"),
        (b"\x1f\x8b" + bytes(50), "packed"),
        (b"/annex/objects/MD5E-s1--x\n", "git-annex-pointer"),
        (bytes(257) + b"ustar" + bytes(50), "packed"),
        (b"\x1c\0\0\0TFL3" + bytes(50), "tensorflow-lite"),
        (b"\x93NUMPY" + bytes(50), "single-array"),
    ):
        path.write_bytes(data)
        assert code(path) == reported


@pytest.mark.parametrize(
    ("name", "data", "reported"),
    [
        ("saved_model.pb", b"\x08\x01", "tensorflow-graph"),
        ("model.json", b"{}", "text"),
        ("model.msgpack", b"\x82", "flax"),
        ("ckpt.data-00000-of-00001", b"\x01", "tensorflow-checkpoint"),
        ("net.zip", b"PK\x05\x06" + bytes(18), "packed"),
        ("model.joblib", b"\x78\x9c" + bytes(50), "sklearn-pickle"),
        ("model.pkl.xz", b"\xfd7zXZ\0" + bytes(50), "sklearn-pickle"),
        ("gone.bin", None, "unreadable"),
    ],
)
def test_names_tell_where_the_content_does_not(
    tmp_path: Path, name: str, data: bytes | None, reported: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    assert code(path) == reported


def test_models_that_are_asked_are_recognised_too(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from unrelu.oracles.onnx_file import open_onnx

    path = tmp_path / "net.onnx"
    path.write_bytes(POINTER)
    for each, reported in ((path, "git-lfs-pointer"), (tmp_path, "folder")):
        with pytest.raises(FileError) as caught:
            open_onnx(each)
        assert caught.value.code == reported


def test_folders_are_named(tmp_path: Path) -> None:
    assert code(tmp_path) == "folder"
    for name in ("saved_model.pb", "data.pkl", "model.safetensors"):
        (tmp_path / "model.pt").mkdir(exist_ok=True)
        (tmp_path / "model.pt" / name).write_bytes(b"x")
        assert code(tmp_path / "model.pt") == "folder"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".model", ".pt"])
def test_pickles_of_scikit_learn_are_told_and_not_run(
    tmp_path: Path, protocol: int, suffix: str
) -> None:
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    path = tmp_path / f"model{suffix}"
    model = make_pipeline(StandardScaler(), MLPRegressor((4,)))
    path.write_bytes(pickle.dumps(model, protocol))
    if protocol > 1 or suffix in (".pkl", ".joblib", ".pt"):
        assert code(path) == "sklearn-pickle"
    path.write_bytes(pickle.dumps({"W1": np.ones((2, 2))}, protocol))
    if protocol > 1 or suffix in (".pkl", ".joblib", ".pt"):
        assert code(path) in ("pickled-arrays", "pickled-objects")
