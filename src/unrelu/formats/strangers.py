"""Files that are found among models and are none that can be read, named for what they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unrelu.errors import FileError


@dataclass(frozen=True)
class Stranger:
    """A kind of file that holds no network for us: its stable name, what it is, what to do."""

    code: str
    what: str
    advice: str


LFS = Stranger(
    "git-lfs-pointer",
    "a Git LFS pointer, which stands for a file that was not fetched",
    "fetch it with `git lfs pull`",
)
ANNEX = Stranger(
    "git-annex-pointer",
    "a git-annex pointer, which stands for a file that was not fetched",
    "fetch it with `git annex get`",
)
PAGE = Stranger(
    "web-page",
    "a web page, perhaps the one around the download",
    "fetch the file itself (the raw one, on GitHub)",
)
EMPTY = Stranger("empty", "an empty file", "fetch or write it again")
PACKED = Stranger("packed", "a packed file", "unpack it first")
JOBLIB = Stranger(
    "sklearn-pickle",
    "a packed pickle, as joblib writes scikit-learn models",
    "if you trust it, load it yourself and take unrelu.from_sklearn(model)",
)
ARRAY = Stranger(
    "single-array",
    "a single NumPy array",
    "write all weights with numpy.savez(path, W1=…, b1=…, W2=…, b2=…)",
)
LITE = Stranger(
    "tensorflow-lite", "a TensorFlow Lite model", "convert it with `python -m tf2onnx.convert`"
)
GRAPH = Stranger(
    "tensorflow-graph",
    "a TensorFlow graph",
    "save the model as .keras or .h5, or convert it with `python -m tf2onnx.convert`",
)
GGUF = Stranger("gguf", "a GGUF file of a language model", "it has more than two layers")
PICTURE = Stranger("picture", "a picture or a document", "name a file that holds the weights")
R_DATA = Stranger("r-data", "an R workspace", "write the weights to an .npz, or a .onnx")
FLAX = Stranger("flax", "a flax checkpoint", "write the arrays with numpy.savez(path, **arrays)")
PADDLE = Stranger("paddle", "a PaddlePaddle model", "convert it with paddle2onnx")
CAFFE = Stranger("caffe", "a Caffe model", "convert it to ONNX")
MXNET = Stranger("mxnet", "an MXNet model", "export it to ONNX")
CORE_ML = Stranger("core-ml", "a Core ML model", "export the model it was made from to ONNX")
OPEN_VINO = Stranger("openvino", "an OpenVINO model", "export the model it was made from to ONNX")
CHECKPOINT = Stranger(
    "tensorflow-checkpoint",
    "a part of a TensorFlow checkpoint",
    "load it in TensorFlow and save the model as .keras or .h5",
)
ARCHITECTURE = Stranger(
    "text", "a text, perhaps the architecture of a model", "name the file with its weights"
)

TABLE = Stranger("table", "a table, perhaps of samples", "name a file that holds a network")

STARTS: tuple[tuple[bytes, Stranger], ...] = (
    (b"version https://git-lfs", LFS),
    (b"version https://hawser", LFS),
    (b"/annex/objects/", ANNEX),
    (b"../.git/annex", ANNEX),
    (b"\x1f\x8b", PACKED),
    (b"BZh", PACKED),
    (b"\xfd7zXZ\0", PACKED),
    (b"7z\xbc\xaf\x27\x1c", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (b"Rar!", PACKED),
    (b"\x93NUMPY", ARRAY),
    (b"GGUF", GGUF),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF8", PICTURE),
    (b"%PDF", PICTURE),
    (b"RDX2\n", R_DATA),
    (b"RDX3\n", R_DATA),
)
"""First bytes that no form of ours begins with."""

ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")

SUFFIXES = {
    ".tflite": LITE,
    ".pb": GRAPH,
    ".pbtxt": GRAPH,
    ".index": CHECKPOINT,
    ".meta": CHECKPOINT,
    ".msgpack": FLAX,
    ".pdparams": PADDLE,
    ".pdmodel": PADDLE,
    ".caffemodel": CAFFE,
    ".prototxt": CAFFE,
    ".params": MXNET,
    ".mlmodel": CORE_ML,
    ".xml": OPEN_VINO,
    ".rds": R_DATA,
    ".rdata": R_DATA,
    ".json": ARCHITECTURE,
    ".yaml": ARCHITECTURE,
    ".yml": ARCHITECTURE,
    ".txt": ARCHITECTURE,
    ".py": ARCHITECTURE,
    ".ipynb": ARCHITECTURE,
    ".md": ARCHITECTURE,
    ".csv": TABLE,
    ".tsv": TABLE,
    ".parquet": TABLE,
}
"""What names end in where the content says nothing."""

FOLDERS = (
    (
        ("saved_model.pb", "saved_model.pbtxt"),
        "a TensorFlow SavedModel folder",
        "save the model as .keras or .h5, or convert it with `python -m tf2onnx.convert`",
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


def refuse_strangers(path: Path) -> None:
    """Raise FileError for a folder, and for a file whose first bytes say that it is none of our
    forms. Raises OSError where there is no such file."""
    if path.is_dir():
        for names, what, advice in FOLDERS:
            if any((path / name).exists() for name in names):
                raise FileError(f"{path}: got {what}, expected a model file: {advice}", "folder")
        raise FileError(f"{path}: got a folder, expected a model file", "folder")
    with open(path, "rb") as file:
        start = file.read(300)
    found = next((kind for begin, kind in STARTS if start.startswith(begin)), None)
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
        raise refusal(path, found)


def refuse_by_name(path: Path) -> None:
    """Raise FileError for a name that says what the content does not: it is none of our forms."""
    found = SUFFIXES.get(path.suffix.lower())
    if path.name.lower().rpartition(".")[2].startswith("data-0"):
        found = CHECKPOINT
    if found is not None:
        raise refusal(path, found)


def refusal(path: Path, kind: Stranger) -> FileError:
    """What to raise for a file of this kind."""
    return FileError(f"{path}: got {kind.what}: {kind.advice}", kind.code)
