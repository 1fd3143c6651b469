"""The forms of files, each a line in a table: of networks (`FORMS`) and of samples (`SAMPLES`).

A new form is a module with the functions that read and write it, and a line here. What is allowed,
the errors for what is not, and the lists in the help of commands come from the tables. Functions
that read and write are given as texts, "module:function", and imported when they are used.
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrelu.errors import FileError, require
from unrelu.formats.foreign import PACKED, named_foreign, refusal

PICKLES = (".pkl", ".pickle", ".joblib", ".sav")
"""Suffixes of pickles, mostly of scikit-learn models; the reader of state_dicts reports them."""


@dataclass(frozen=True)
class Beginning:
    """What identifies a form if the suffix does not: the path, the first bytes, and the names of
    the members of a zip archive."""

    path: Path
    start: bytes
    members: tuple[str, ...] | None = None

    def has(self, ending: str) -> bool:
        """Whether it is an archive with such a member."""
        return any(name.endswith(ending) for name in self.members or ())


@dataclass(frozen=True)
class Form:
    """A form of file for networks.

    name : its name in messages.
    title : what it is, in a few words.
    suffixes : with their dots.
    read : "module:function" of `(path, reading) -> Contents`.
    write : of `(path, network or None, provenance) -> None`; None where it is only read.
    recognises : whether a file with another suffix is of this form.
    package, extra : what it needs, and the extra of this library that installs it.
    options : fields of `Reading` that apply to such a file.
    keeps_all : whether every network can be written: fractions, activations other than the ReLU, a
        skip connection, no units. Other forms take float64 weights of ReLU networks.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: str
    write: str | None = None
    recognises: Callable[[Beginning], bool] = lambda _: False
    package: str | None = None
    extra: str = ""
    options: tuple[str, ...] = ()
    keeps_all: bool = False


@dataclass(frozen=True)
class SampleForm:
    """A form of file for samples.

    name, title, suffixes : as of a `Form`.
    read : "module:function" of `(paths, layout, exact=…) -> (X, Y)`, the paths one, or two of a
        pair.
    write : of `(paths, X, Y) -> None`; None where it is only read.
    pair : whether X and Y have a file each. parts : whether it is in several files, or a folder.
    table : whether its columns have names, by which a `Layout` may choose them.
    exact : whether Fractions can be written.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: str
    write: str | None = None
    pair: bool = False
    parts: bool = False
    table: bool = False
    exact: bool = False


WEIGHTS_ALONE = ("order", "transposed", "output")
"""Options for what arrays and their names do not show."""

FORMS: tuple[Form, ...] = (
    Form(
        "npz",
        "our own, or arrays of any names",
        (".npz",),
        read="unrelu.formats.npz:read_npz",
        write="unrelu.formats.npz:write_npz",
        recognises=lambda file: file.has(".npy") and not (file.has("data.pkl") or _is_keras(file)),
        options=("drop_head", *WEIGHTS_ALONE),
        keeps_all=True,
    ),
    Form(
        "onnx",
        "ONNX",
        (".onnx",),
        read="unrelu.formats.onnx.files:read_onnx",
        write="unrelu.formats.onnx.files:write_onnx",
        # It begins with the number of its version, which is weak evidence.
        recognises=lambda file: file.start[:1] == b"\x08" and named_foreign(file.path) is None,
        package="onnx",
        extra="onnx",
        options=("drop_head", "output"),
    ),
    Form(
        "safetensors",
        "safetensors",
        (".safetensors",),
        read="unrelu.formats.safetensors:read_safetensors",
        write="unrelu.formats.safetensors:write_safetensors",
        recognises=lambda file: file.start[8:9] == b"{",
        package="safetensors",
        extra="safetensors",
        options=WEIGHTS_ALONE,
    ),
    Form(
        "state_dict",
        "PyTorch state_dicts and checkpoints",
        (".pt", ".pth", ".state_dict"),
        read="unrelu.formats.torch.state_dict:read_state_dict",
        write="unrelu.formats.torch.state_dict:write_state_dict",
        recognises=lambda file: (
            file.has("data.pkl")
            or file.start[:1] == b"\x80"
            or (file.members is None and file.path.suffix.lower() in PICKLES)
        ),
        options=WEIGHTS_ALONE,
    ),
    Form(
        "keras",
        "Keras",
        (".keras", ".h5", ".hdf5"),
        read="unrelu.formats.keras.files:read_keras",
        write="unrelu.formats.keras.files:write_keras",
        recognises=lambda file: _is_keras(file) or file.start.startswith(b"\x89HDF\r\n\x1a\n"),
        package="h5py",
        extra="keras",
        options=("drop_head", *WEIGHTS_ALONE),
    ),
    Form(
        "nnet",
        "networks of verification, as of ACAS Xu",
        (".nnet",),
        read="unrelu.formats.nnet:read_nnet",
    ),
    Form(
        "mat",
        "MATLAB controllers",
        (".mat",),
        read="unrelu.formats.mat:read_mat",
        recognises=lambda file: file.start.startswith(b"MATLAB 5.0"),
        options=("drop_head", *WEIGHTS_ALONE),
    ),
)

SAMPLES: tuple[SampleForm, ...] = (
    SampleForm(
        "npz",
        "arrays X and Y",
        (".npz",),
        read="unrelu.formats.sample_arrays:read_npz",
        write="unrelu.formats.sample_arrays:write_npz",
        exact=True,
    ),
    SampleForm(
        "npy",
        "a pair of files, X first: X.npy Y.npy",
        (".npy",),
        read="unrelu.formats.sample_arrays:read_npy",
        write="unrelu.formats.sample_arrays:write_npy",
        pair=True,
    ),
    SampleForm(
        "text",
        "a table of text",
        (".csv", ".tsv", ".csv.gz", ".tsv.gz"),
        read="unrelu.formats.text_tables:read_csv",
        write="unrelu.formats.text_tables:write_csv",
        table=True,
        exact=True,
    ),
    SampleForm(
        "parquet",
        "a table",
        (".parquet",),
        read="unrelu.formats.parquet:read_parquet",
        write="unrelu.formats.parquet:write_parquet",
        table=True,
    ),
    SampleForm(
        "parquet parts",
        "several .parquet files, or a folder of them, larger than memory",
        (),
        read="unrelu.formats.parquet_parts:read_parts",
        parts=True,
        table=True,
    ),
)


def function(place: str) -> Callable[..., Any]:
    """The function at "module:function"; its module is imported when it is needed."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def suffixes(forms: Iterable[Form | SampleForm]) -> str:
    """The suffixes of some forms, as messages list them."""
    return ", ".join(suffix for form in forms for suffix in form.suffixes)


def described(forms: Iterable[Form | SampleForm]) -> str:
    """Suffixes and titles of some forms, as the help of commands lists them."""
    return "; ".join(
        f"{', '.join(form.suffixes)} ({form.title})" if form.suffixes else form.title
        for form in forms
    )


def taking(option: str) -> str:
    """The suffixes of the forms that an option applies to."""
    return suffixes(form for form in FORMS if option in form.options)


def keeping() -> str:
    """The suffixes of the forms that keep every network."""
    return suffixes(form for form in FORMS if form.keeps_all)


def form_named(path: Path) -> Form | None:
    """The form that the suffix of a path names."""
    return next((form for form in FORMS if path.suffix.lower() in form.suffixes), None)


def form_to_write(path: Path) -> Form:
    """The form that the suffix of a path names. Raises FileError if networks are not written in
    it, and MissingExtraError if it needs a package that is not installed."""
    form = form_named(path)
    if form is None or form.write is None:
        written = [form for form in FORMS if form.write is not None]
        raise FileError(
            f"{path}: got a name ending in {path.suffix!r}, expected one of {suffixes(written)}, "
            "the forms in which networks are written"
        )
    if form.package is not None:
        require(form.package, form.extra, f"{path}: {form.suffixes[0]} files need")
    return form


def form_of_file(path: Path) -> Form:
    """The form of an existing file: by its suffix, otherwise by its content. Raises FileError for
    files of no known form."""
    if (named := form_named(path)) is not None:
        return named
    with open(path, "rb") as file:
        beginning = Beginning(path, file.read(16))
        if beginning.start.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                beginning = Beginning(path, beginning.start, tuple(archive.namelist()))
    for form in FORMS:
        if form.recognises(beginning):
            return form
    foreign = named_foreign(path) if beginning.members is None else PACKED
    if foreign is not None:
        raise refusal(foreign)
    raise FileError(
        f"got a file of unknown content, expected a network in one of {suffixes(FORMS)}"
    )


def sample_form(paths: tuple[Path, ...]) -> SampleForm:
    """The form that the suffixes of the paths name. Raises FileError for other suffixes, and for
    the wrong number of files."""
    path = paths[0]
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = "".join(path.suffixes[-2:]).lower()
    if path.is_dir() or (len(paths) > 1 and all(_is_part(each) for each in paths)):
        return next(form for form in SAMPLES if form.parts)
    form = next((form for form in SAMPLES if suffix in form.suffixes), None)
    if form is None:
        raise FileError(
            f"{path}: got a name ending in {path.suffix!r}, expected samples in one of "
            f"{suffixes(SAMPLES)}"
        )
    if form.pair and len(paths) == 1:
        raise FileError(
            f"{path}: holds one array, expected a pair: give the labels too (Y{suffix})"
        )
    if form.pair and paths[1].suffix.lower() != suffix:
        raise FileError(f"{paths[1]}: expected the second of a pair of {suffix} files")
    if not form.pair and len(paths) > 1:
        pairs = suffixes(form for form in SAMPLES if form.pair)
        raise FileError(
            f"{path}: holds inputs and labels; the second file {paths[1]} is too many (pairs are "
            f"for {pairs})"
        )
    return form


def _is_part(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _is_keras(file: Beginning) -> bool:
    return "config.json" in (file.members or ())
