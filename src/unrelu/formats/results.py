"""Whole results in files: what `recover` returned, to the last bit.

Such a file is an .npz, that is, a zip archive of arrays in .npy form, with one more member. It
contains no pickles, and nothing in it is run.

    format.npy    the text "unrelu result"
    version.npy   the number of the form: 2
    result.json   {"format": "unrelu result", "version": 2, "library": …, "status": "exact",
                   "explanation": …, "result": VALUE}
    NAME.npy      an array, named after its place: certificate.network.V

A VALUE is null, true, false, an integer, a decimal (of a float64, with as many digits as give the
same bits back), a text, a list of VALUEs, or an object with one of these keys:

    {"array": NAME}                    the array of that name
    {"fractions": NAME}                an array of fractions, there as texts p/q
    {"fraction": "p/q"}                a single one
    {"float": "nan"}                   or "inf" or "-inf", which JSON does not know
    {"map": {KEY: VALUE, …}}           a mapping
    {"status": "exact"}                a Status
    {"activation": "power(2)"}         an activation, by its name
    {"type": NAME, "fields": {…}}      a value of the library, field by field: NAME is "Recovery",
                                       "Certificate", "Network", …, fields are those documented
                                       there

Unknown fields are ignored, and missing ones have their defaults. The value that is read equals
(`==`) the one that was written, as `unrelu.numerics.equality` defines it.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, get_args, get_type_hints

import numpy as np

from unrelu.activations import Activation, Curve, resolve
from unrelu.errors import FileError
from unrelu.formats.archive import array_of, errors_named, read_member, write_member
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.forms import form_named
from unrelu.formats.npz import FORMAT
from unrelu.formats.numerals import numeral, numerals, rational, rationals
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray
from unrelu.wording.status import Status
from unrelu.wording.streams import kind_of
from unrelu.wording.version import __version__

T = TypeVar("T")
Upgrade = Callable[[Any], Any]
AnyPath = str | os.PathLike[str]

VERSION = 2
DOCUMENT = "result.json"


class Result(Protocol):
    """What is saved: a dataclass with these properties."""

    @property
    def status(self) -> Status: ...

    @property
    def explanation(self) -> str: ...


def save_result(result: Result, path: AnyPath) -> None:
    """Write a result, completely or not at all; equal results give equal bytes.

    Raises FileError if the file cannot be written, and for a result whose activation is a function
    of your own.
    """
    path = Path(path)
    form = form_named(path)
    if form is not None and not form.keeps_all:
        raise FileError(
            f"{path}: got a name of a model file for a whole result, expected one in .npz; "
            f"unrelu.save(result.network, {path.name!r}) writes the network alone"
        )
    arrays: dict[str, AnyArray] = {"format": np.array(FORMAT), "version": np.array(VERSION)}
    value = _encoded(path, "", result, arrays)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "library": __version__,
        "status": result.status.value,
        "explanation": result.explanation,
        "result": value,
    }
    text = json.dumps(head, allow_nan=False, indent=1)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            written = io.BytesIO()
            np.lib.format.write_array(written, array, allow_pickle=False)
            write_member(archive, f"{name}.npy", written.getvalue())
        write_member(archive, DOCUMENT, text.encode())


def read_result(path: AnyPath, root: type[T], older: Mapping[int, Upgrade]) -> T:
    """The result of type `root` that `save_result` wrote, see `unrelu.load_result`. `older`: for
    each older version of the form, the function that converts its document to this version."""
    with errors_named(Path(path), "a saved result"), zipfile.ZipFile(path) as archive:
        head = _head(archive)
        result = head["result"]
        if head["version"] != VERSION:
            if head["version"] not in older:
                raise FileError(
                    f"got {FORMAT!r}, version {head['version']!r}, expected version "
                    f"{VERSION} or an older one; a newer unrelu may read it"
                )
            result = older[head["version"]](result)
        value = _decoded(Source(archive, types(cast("Hashable", root))), result)
    if not isinstance(value, root):
        raise FileError(f"{path}: got {kind_of(value)}, expected a whole result")
    return value


def network_of_result(path: AnyPath) -> tuple[Network | None, Status, str]:
    """The network of a saved result of any version, its status and its explanation. The caller
    names the file in errors (`errors_named`)."""
    with zipfile.ZipFile(path) as archive:
        head = _head(archive)
        parts = head["result"]["fields"]
        network = _decoded(Source(archive, types(Network)), parts["network"])
        if head["version"] == 1:
            explanation = parts["certificate"]["fields"]["explanation"]
            return network, Status(parts["status"]["status"]), explanation
        return network, Status(head["status"]), head["explanation"]


def _head(archive: zipfile.ZipFile) -> Any:
    if DOCUMENT not in archive.namelist():
        raise FileError(
            "holds no whole result, expected one that result.save(path) wrote; "
            "unrelu.load reads networks"
        )
    head = json.loads(read_member(archive, DOCUMENT))
    if head["format"] != FORMAT:
        raise FileError(f"got {head['format']!r}, expected {FORMAT!r}")
    return head


@cache
def types(root: Hashable) -> Mapping[str, type]:
    """The dataclasses that a value of type `root` may hold, itself among them, by their names in
    files: those that its fields are declared to be, and theirs; and the activation that has
    arrays, where a field is declared to be any activation."""
    found: dict[str, type] = {}
    waiting: list[Any] = [root, Curve]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type) and is_dataclass(kind) and found.get(kind.__name__) is not kind:
            assert kind.__name__ not in found, "names in files are unique"
            found[kind.__name__] = kind
            waiting += get_type_hints(kind).values()
    return found


def _encoded(path: Path, place: str, value: object, arrays: dict[str, AnyArray]) -> object:
    """A value as JSON; its arrays are added to `arrays`, under the name of their place."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):  # the status, which is the only one
        return {"status": value.value}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Fraction):
        return {"fraction": numeral(value)}
    if isinstance(value, np.ndarray):
        kind = "fractions" if value.dtype.kind == "O" else "array"
        arrays[place] = numerals(f"{path}: {place}", value) if kind == "fractions" else value
        return {kind: place}

    def inner(name: object, part: object) -> object:
        return _encoded(path, f"{place}.{name}".removeprefix("."), part, arrays)

    if isinstance(value, tuple | list):
        return [inner(i, part) for i, part in enumerate(value)]
    if isinstance(value, Mapping):
        return {"map": {str(key): inner(key, part) for key, part in value.items()}}
    if isinstance(value, Activation) and not value.in_files:
        raise FileError(
            f"{path}: the activation is a function of your own, which no file can store: save the "
            "arrays of the network, and rebuild it with the function"
        )
    if isinstance(value, Activation) and not isinstance(value, Curve):
        return {"activation": value.name}
    kind = type(value).__name__
    assert is_dataclass(value), f"{kind} at {place} is not one of the types in files"
    return {"type": kind, "fields": {name: inner(name, part) for name, part in _parts(value)}}


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    """The fields of a value without functions, which are only used as defaults."""
    for item in fields(value):
        part = getattr(value, item.name)
        if not (part is item.default and callable(part)):
            yield item.name, part


@dataclass(frozen=True)
class Source:
    """An archive that is read, and the types that its values may have."""

    archive: zipfile.ZipFile
    types: Mapping[str, type]


def _decoded(source: Source, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(source, part) for part in value)
    if not isinstance(value, dict):
        return value
    if "type" in value:
        return _made(source, value["type"], value["fields"])
    ((kind, given),) = value.items()
    return _READ[kind](source, given)


def _made(source: Source, name: str, given: Mapping[str, Any]) -> Any:
    if name not in source.types:
        raise ValueError(f"a value of type {name!r}, which a newer unrelu may know")
    cls = source.types[name]
    known = [item.name for item in fields(cls)]
    return cls(**{name: _decoded(source, given[name]) for name in known if name in given})


_READ: Mapping[str, Callable[[Source, Any], Any]] = {
    "array": lambda source, name: array_of(source.archive, name),
    "fractions": lambda source, name: rationals(name, array_of(source.archive, name)),
    "fraction": lambda _, text: rational(text),
    "float": lambda _, text: float(text),
    "map": lambda source, pairs: {k: _decoded(source, part) for k, part in pairs.items()},
    "status": lambda _, name: Status(name),
    "activation": lambda _, name: resolve(name),
}
