"""Networks in files: what is written comes back, and nothing else is taken for a network."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.comparing import identical
from support.planting import gaussian_network

from unrelu.errors import FileError
from unrelu.formats.networks import Provenance, load, read, save, write_network
from unrelu.network import Network


def contents(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 5), st.integers(1, 5))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_is_bit_exact(tmp_path: Path, seed: int, d: int, k: int, m: int) -> None:
    net = gaussian_network(d, k, m, seed=seed)
    save(net, tmp_path / "net.npz")
    assert identical(load(tmp_path / "net.npz"), net)


def test_equal_networks_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save(gaussian_network(seed=1), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}  # no time of writing


def test_marks_are_kept_and_do_not_hinder_loading(tmp_path: Path) -> None:
    provenance = Provenance("undetermined", "unit 2 is active on 3 samples — too few")
    write_network(gaussian_network(seed=2), tmp_path / "net.npz", provenance)
    found = read(tmp_path / "net.npz")
    assert found.provenance == provenance
    assert identical(found.network, gaussian_network(seed=2))
    assert identical(load(tmp_path / "net.npz"), gaussian_network(seed=2))

    save(gaussian_network(seed=2), tmp_path / "net.npz")
    assert read(tmp_path / "net.npz").provenance is None


def test_a_mark_without_a_network_says_why_there_is_none(tmp_path: Path) -> None:
    write_network(None, tmp_path / "net.npz", Provenance("failed", "the labels are noise"))
    with pytest.raises(FileError, match=r"net\.npz: holds no network.*the labels are noise"):
        load(tmp_path / "net.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"V": None}, r"got arrays .*expected .*V.*: V missing"),
        ({"version": np.array(5)}, "got format version 5, expected 1 or 2 or 3 or 4; a newer"),
        ({"version": np.array(2)}, "V: got float64, expected numbers as byte strings"),
        ({"version": np.array("one")}, "version: got .*expected a single integer"),
        ({"version": np.array([1, 1])}, "version: got .* shape"),
        ({"activation": np.array("sine")}, "activation: got 'sine', expected one of 'relu'"),
        ({"activation": np.array(1.0)}, "activation: got .*expected a single text"),
        ({"status": np.array(3)}, "status: got"),
        ({"U": np.ones((2, 5))}, r"U: got shape \(2, 5\)"),
        ({"b": np.ones(7)}, r"b: got shape \(7,\), expected \(3,\)"),
        ({"V": np.ones(4)}, "V: got 1 axes, expected 2"),
        ({"V": np.full((3, 4), np.nan)}, "V: got values that are not finite"),
        ({"V": np.ones((3, 4), dtype=complex)}, "V: got data of type complex128"),
        ({"V": np.array([["a"]])}, "V: got data of type <U1"),
    ],
)
def test_malformed_archives_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], message: str
) -> None:
    path = tmp_path / "net.npz"
    save(gaussian_network(seed=3), path)
    arrays = contents(path) | change
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, **kept)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_pickled_objects_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    save(gaussian_network(seed=3), path)
    arrays = contents(path) | {"V": np.array([[None]], dtype=object)}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=r"net\.npz"):
        load(path)


@pytest.mark.parametrize("content", [b"\0", b"PK", b"not a zip at all"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"not an npz file"):
        load(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.npz: cannot be read: No such file"):
        load(tmp_path / "none.npz")


def test_an_array_shorter_than_its_member_is_refused(tmp_path: Path) -> None:
    """Otherwise the end of the member is never reached, and its checksum never compared."""
    path = tmp_path / "net.npz"
    save(gaussian_network(seed=4), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["b.npy"] += b"\0" * 8
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileError, match="b is longer"):
        load(path)


def test_damage_gives_a_clean_error_or_the_same_network(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    save(gaussian_network(seed=5), path)
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        broken = bytearray(sound)
        for _ in range(rng.integers(1, 3)):
            broken[rng.integers(len(broken))] = rng.integers(256)
        if rng.random() < 0.25:
            del broken[rng.integers(len(broken)) :]
        path.write_bytes(broken)
        try:
            assert identical(load(path), gaussian_network(seed=5))  # the damage was in a date, say
        except FileError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("name", ["net.bin", "net"])
def test_only_known_suffixes_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match=r"expected one of \.npz, \.onnx"):
        save(gaussian_network(seed=6), tmp_path / name)


def test_a_plain_archive_of_weights_is_read(tmp_path: Path) -> None:
    net, path = gaussian_network(seed=9), tmp_path / "net.npz"
    np.savez(path, V=net.V, b=net.b, U=net.U, c=net.c)
    assert identical(load(path), net)
    np.savez_compressed(path, V=net.V.astype(np.float32), U=net.U)
    assert identical(load(path), Network(net.V.astype(np.float32), net.U))
    np.savez(path, V=np.ones((10**9, 0)), U=np.ones((1, 10**9 % 7)))
    with pytest.raises(FileError, match="got V, float64 of shape"):
        load(path)


def test_arrays_that_claim_too_much_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    net, path = gaussian_network(seed=10), tmp_path / "net.npz"
    header = io.BytesIO()
    claim = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**8)}
    np.lib.format.write_array_header_1_0(header, claim)
    save(net, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["V.npy"] = header.getvalue() + bytes(1000)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileError, match=r"V declares 8\d{14} bytes, its member has 1128"):
        load(path)

    members["V.npy"] = header.getvalue() + bytes(1 << 24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileError, match=r"V\.npy would unpack .* more than 200 times"):
        load(path)


def test_impossible_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no folder"):
        save(gaussian_network(seed=6), tmp_path / "nowhere" / "net.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(FileError, match="not a regular file"):
        save(gaussian_network(seed=6), tmp_path / "folder.npz")


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.npz"
    save(gaussian_network(seed=7), path)

    def full_disk(file: object, **_arrays: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(FileError, match="No space left on device"):
        save(gaussian_network(seed=8), path)
    assert identical(load(path), gaussian_network(seed=7))
    assert [each.name for each in tmp_path.iterdir()] == ["net.npz"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    save(gaussian_network(seed=9), target)
    link.symlink_to(target)
    save(gaussian_network(seed=10), link)
    assert link.is_symlink()
    assert identical(load(target), gaussian_network(seed=10))
