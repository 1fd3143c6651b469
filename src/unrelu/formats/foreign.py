"""Kinds of files that are found among models and cannot be read, so that errors can name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unrelu.errors import FileError


@dataclass(frozen=True)
class ForeignKind:
    """A kind of file from which no network can be read.

    code : its name, stable across versions.
    what : its description in messages.
    advice : what to do.
    starts : first bytes, which no readable form has.
    suffixes : endings of names, for files whose content does not show the kind.
    """

    code: str
    what: str
    advice: str
    starts: tuple[bytes, ...] = ()
    suffixes: tuple[str, ...] = ()


NOT_FETCHED = "which stands for a file that was not fetched"
TF2ONNX = "convert it with `python -m tf2onnx.convert`"
EXPORT = "export the model it was made from to ONNX"

ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")

PACKED = ForeignKind(
    "packed",
    "a packed file",
    "unpack it first",
    starts=(
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"\x28\xb5\x2f\xfd",
        b"Rar!",
    ),
)
EMPTY = ForeignKind("empty", "an empty file", "fetch or write it again")
PAGE = ForeignKind(
    "web-page",
    "a web page, perhaps the one around the download",
    "fetch the file itself (the raw one, on GitHub)",
)
JOBLIB = ForeignKind(
    "sklearn-pickle",
    "a packed pickle, as joblib writes scikit-learn models",
    "if you trust it, load it yourself and take unrelu.from_sklearn(model)",
)
LITE = ForeignKind("tensorflow-lite", "a TensorFlow Lite model", TF2ONNX, suffixes=(".tflite",))
CHECKPOINT = ForeignKind(
    "tensorflow-checkpoint",
    "a part of a TensorFlow checkpoint",
    "load it in TensorFlow and save the model as .keras or .h5",
    suffixes=(".index", ".meta"),
)

KINDS = (
    ForeignKind(
        "git-lfs-pointer",
        f"a Git LFS pointer, {NOT_FETCHED}",
        "fetch it with `git lfs pull`",
        starts=(b"version https://git-lfs", b"version https://hawser"),
    ),
    ForeignKind(
        "git-annex-pointer",
        f"a git-annex pointer, {NOT_FETCHED}",
        "fetch it with `git annex get`",
        starts=(b"/annex/objects/", b"../.git/annex"),
    ),
    PACKED,
    ForeignKind(
        "single-array",
        "a single NumPy array",
        "write all weights with numpy.savez(path, W1=…, b1=…, W2=…, b2=…)",
        starts=(b"\x93NUMPY",),
    ),
    LITE,
    CHECKPOINT,
    ForeignKind(
        "tensorflow-graph",
        "a TensorFlow graph",
        f"save the model as .keras or .h5, or {TF2ONNX}",
        suffixes=(".pb", ".pbtxt"),
    ),
    ForeignKind(
        "gguf", "a GGUF file of a language model", "it has more than two layers", starts=(b"GGUF",)
    ),
    ForeignKind(
        "picture",
        "a picture or a document",
        "name a file that holds the weights",
        starts=(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF"),
    ),
    ForeignKind(
        "r-data",
        "an R workspace",
        "write the weights to an .npz, or a .onnx",
        starts=(b"RDX2\n", b"RDX3\n"),
        suffixes=(".rds", ".rdata"),
    ),
    ForeignKind(
        "flax",
        "a flax checkpoint",
        "write the arrays with numpy.savez(path, **arrays)",
        suffixes=(".msgpack",),
    ),
    ForeignKind(
        "paddle",
        "a PaddlePaddle model",
        "convert it with paddle2onnx",
        suffixes=(".pdparams", ".pdmodel"),
    ),
    ForeignKind(
        "caffe", "a Caffe model", "convert it to ONNX", suffixes=(".caffemodel", ".prototxt")
    ),
    ForeignKind("mxnet", "an MXNet model", "export it to ONNX", suffixes=(".params",)),
    ForeignKind("core-ml", "a Core ML model", EXPORT, suffixes=(".mlmodel",)),
    ForeignKind("openvino", "an OpenVINO model", EXPORT, suffixes=(".xml",)),
    ForeignKind(
        "text",
        "a text, perhaps the architecture of a model",
        "name the file with its weights",
        suffixes=(".json", ".yaml", ".yml", ".txt", ".py", ".ipynb", ".md"),
    ),
    ForeignKind(
        "table",
        "a table, perhaps of samples",
        "name a file that holds a network",
        suffixes=(".csv", ".tsv", ".parquet"),
    ),
)

FOLDERS = (
    (
        ("saved_model.pb", "saved_model.pbtxt"),
        "a TensorFlow SavedModel folder",
        f"save the model as .keras or .h5, or {TF2ONNX}",
    ),
    (("data.pkl",), "the unpacked parts of a PyTorch file", "pack them again with torch.save"),
    (
        ("model.weights.h5", "config.json"),
        "the unpacked parts of a .keras file",
        "pack them again, as a .zip with the ending .keras",
    ),
    (
        ("pytorch_model.bin", "model.safetensors", "model.onnx"),
        "a folder that holds a model",
        "name the model file in it",
    ),
    (("checkpoint",), "a folder of TensorFlow checkpoints", "save the model as .keras or .h5"),
)


def refuse_foreign(path: Path) -> None:
    """Raise FileError for a folder, and for a file whose first bytes show that it has no readable
    form. Raises OSError if there is no such file."""
    if path.is_dir():
        for names, what, advice in FOLDERS:
            if any((path / name).exists() for name in names):
                raise FileError(f"got {what}, expected a model file: {advice}", "folder")
        raise FileError("got a folder, expected a model file", "folder")
    with open(path, "rb") as file:
        start = file.read(300)
    found = next((kind for kind in KINDS if start.startswith(kind.starts)), None)
    if not start:
        found = EMPTY
    elif start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        found = PAGE
    elif start[4:8] == b"TFL3":
        found = LITE
    elif start[257:262] == b"ustar":
        found = PACKED
    if found is PACKED or start.startswith(ZLIB):
        pickled = path.suffix.lower() in (".joblib", ".pkl", ".pickle") or ".pkl." in path.name
        found = JOBLIB if pickled else found
    if found is not None:
        raise refusal(found)


def named_foreign(path: Path) -> ForeignKind | None:
    """The kind of a file by its name, if it is one of these kinds."""
    if path.name.lower().rpartition(".")[2].startswith("data-0"):
        return CHECKPOINT
    return next((kind for kind in KINDS if path.suffix.lower() in kind.suffixes), None)


def refusal(kind: ForeignKind) -> FileError:
    """The error for a file of this kind."""
    return FileError(f"got {kind.what}: {kind.advice}", kind.code)
