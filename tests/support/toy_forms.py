"""A form of networks and one of samples, as somebody would add them: a text of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.contents import Contents, Provenance
from unrelu.formats.forms import Form, SampleForm
from unrelu.formats.layout import Layout
from unrelu.formats.reading import Reading
from unrelu.network import Network
from unrelu.numerics.arrays import AnyArray

NETWORKS = Form(
    "toy",
    "weights as a text",
    (".toy",),
    read="support.toy_forms:read_network",
    write="support.toy_forms:write_network",
    recognises=lambda file: file.start.startswith(b"toy"),
)

SAMPLES = SampleForm(
    "toy",
    "samples as a text",
    (".toys",),
    read="support.toy_forms:read_samples",
    write="support.toy_forms:write_samples",
)


def read_network(path: Path, _: Reading) -> Contents:
    V, U, b, c = json.loads(path.read_text().removeprefix("toy"))
    return Contents(Network(V, U, b, c))


def write_network(path: Path, net: Network | None, _: Provenance | None) -> None:
    assert net is not None
    weights = [array.tolist() for array in (net.V, net.U, net.b, net.c)]
    with atomic_write(path) as file:
        file.write(f"toy{json.dumps(weights)}".encode())


def read_samples(paths: tuple[Path, ...], _: Layout, *, exact: bool) -> tuple[AnyArray, AnyArray]:
    assert not exact
    X, Y = json.loads(paths[0].read_text())
    return np.array(X), np.array(Y)


def write_samples(paths: tuple[Path, ...], X: AnyArray, Y: AnyArray) -> None:
    with atomic_write(paths[0]) as file:
        file.write(json.dumps([X.tolist(), Y.tolist()]).encode())
