"""Whole results in files: every kind comes back equal, and damage is a FileError."""

from __future__ import annotations

import dataclasses
import json
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.planting import plant

import unrelu
from unrelu import (
    FileError,
    InputTypeError,
    Network,
    Recovery,
    Status,
    load,
    load_result,
    recover,
    save,
)
from unrelu.activations import Rectified
from unrelu.formats.networks import read
from unrelu.formats.results import DOCUMENT, VERSION, types
from unrelu.numerics.equality import same

DATA = Path(__file__).parents[1] / "data"


def results() -> dict[str, Recovery]:
    """One of each kind."""
    planted = plant(4, 3, 3, 400, seed=0, bias=0.5)
    X, Y = planted.X, planted.Y
    rng = np.random.default_rng(1)
    noisy = Y + 0.1 * rng.standard_normal(Y.shape)
    tails = Y + 0.1 * rng.standard_t(2, Y.shape)
    curved = plant(4, 2, 3, 400, seed=0, bias=0.5, activation="power(0.5)")
    rooted = curved.Y + 0.05 * rng.standard_normal(Y.shape)
    third = np.array([[Fraction(1, 3), Fraction(2)], [Fraction(-1), Fraction(1, 7)]])
    rational = Network(third, np.array([[1, 2], [3, Fraction(1, 5)]]))
    points = rng.integers(-50, 50, (60, 2))
    linear = plant(4, 3, 3, 400, seed=0, bias=0.5, skip=1)
    return {
        "exact": recover(X, Y, rng=None),
        "estimated": recover(X, noisy, rng=0),
        "heavy tails": recover(X, tails, noise="independent", rng=0),
        "another activation": recover(
            curved.X, rooted, 2, activation="power(0.5)", noise="gaussian", rng=0, throw=False
        ),
        "unknown activation": recover(curved.X, curved.Y, activation="unknown", rng=0),
        "proved": recover(points, rational(points), exact=True, rng=0),
        "refuted": recover(
            [[-2], [-1], [1], [3]],
            [[0], [0], [2], [5]],
            1,
            bias=False,
            exact=True,
            method="facets",
            rng=0,
            throw=False,
        ),
        "failed": recover(X, rng.standard_normal(400), rng=0, throw=False),
        "undetermined": recover(X[:8], Y[:8], rng=0, throw=False),
        "skip": recover(linear.X, linear.Y, skip=True, rng=0),
        "extracted": unrelu.extract(planted.truth, 4, rng=0),
    }


@pytest.fixture(scope="module")
def every() -> dict[str, Recovery]:
    return results()


def test_every_kind_comes_back_equal(every: dict[str, Recovery], tmp_path: Path) -> None:
    assert {result.status for result in every.values()} == set(Status)
    for name, result in every.items():
        result.save(tmp_path / "result.npz")
        again = load_result(tmp_path / "result.npz")
        assert again == result, name
        assert hash(again) == hash(result)
        assert str(again) == str(result)
        for part in ("status", "network", "certificate", "uncertainty", "noise", "stats", "hidden"):
            assert same(getattr(again, part), getattr(result, part)), (name, part)
        assert again.code == result.code
        assert pickle.loads(pickle.dumps(result)) == result


def test_what_comes_back_works(every: dict[str, Recovery], tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((20, 4))
    for name in ("estimated", "heavy tails", "another activation"):
        every[name].save(tmp_path / "result.npz")
        before, after = every[name].uncertainty, load_result(tmp_path / "result.npz").uncertainty
        assert before is not None
        assert after is not None
        assert after.predict(X) == before.predict(X)
        assert after.intervals() == before.intervals()


def test_the_same_result_gives_the_same_bytes(every: dict[str, Recovery], tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        every["estimated"].save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_equality_sees_a_last_bit(every: dict[str, Recovery]) -> None:
    result = every["estimated"]
    assert result.noise is not None
    covariance = result.noise.covariance.copy()
    covariance[0, 0] = np.nextafter(covariance[0, 0], 1.0)
    noise = dataclasses.replace(result.noise, covariance=covariance)
    assert noise != result.noise
    assert dataclasses.replace(result, noise=noise) != result
    assert dataclasses.replace(result, stats={**result.stats, "rows": 1}) != result
    assert result != every["exact"]
    assert result.certificate.__eq__(result) is NotImplemented
    assert same((float("nan"), 1), (float("nan"), 1))
    assert not same((1.0,), (1.0, 2.0))
    assert not same({"a": 1}, {"b": 1})
    assert not same(np.ones(2), 1.0)
    assert same(np.array([Fraction(1, 3)]), np.array([Fraction(1, 3)]))
    assert not same(np.array([Fraction(1, 3)]), np.array([Fraction(2, 3)]))


def test_seeds_repeat_results() -> None:
    planted = plant(4, 3, 3, 200, seed=0, bias=0.5)
    drawn = recover(planted.X, planted.Y)
    assert drawn.stats["seed"] != recover(planted.X, planted.Y).stats["seed"]
    seed = drawn.stats["seed"]
    assert isinstance(seed, int)
    assert recover(planted.X, planted.Y, rng=seed).network == drawn.network
    assert recover(planted.X, planted.Y, rng=7).stats["seed"] == 7
    assert "seed" not in recover(planted.X, planted.Y, rng=np.random.default_rng(7)).stats
    model = unrelu.RectifiedNetworkRegressor().fit(planted.X, planted.Y)
    assert isinstance(model.result_.stats["seed"], int)
    asked = unrelu.extract(planted.truth, 4)
    again = unrelu.extract(planted.truth, 4, rng=asked.stats["seed"])  # type: ignore[arg-type]
    assert again.network == asked.network
    assert unrelu.solutions([[1], [2], [-1]], [[1], [2], [0]], 1).stats["seed"] >= 0


def test_names_that_hold_something_else(every: dict[str, Recovery], tmp_path: Path) -> None:
    result, path = every["exact"], tmp_path / "result.npz"
    with pytest.raises(InputTypeError, match=r"result\.save"):
        save(result, path)  # type: ignore[arg-type]
    for name in ("net.onnx", "net.pt"):
        with pytest.raises(FileError, match=r"unrelu\.save\(result\.network"):
            result.save(tmp_path / name)
    with pytest.raises(FileError, match="no folder"):
        result.save(tmp_path / "none" / "result.npz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileError, match="cannot be read"):
        load_result(path)
    assert result.network is not None
    save(result.network, path)
    with pytest.raises(FileError, match=r"unrelu\.load"):
        load_result(path)
    path.write_bytes(b"PK and nothing else")
    with pytest.raises(FileError, match="damaged"):
        load_result(path)


def test_networks_are_read_from_whole_results(every: dict[str, Recovery], tmp_path: Path) -> None:
    for name in ("exact", "proved", "undetermined"):
        every[name].save(tmp_path / "result.npz")
        found = read(tmp_path / "result.npz")
        assert found.network == every[name].network
        assert (found.provenance is None) == every[name].status.certain
    dataclasses.replace(every["failed"], network=None).save(tmp_path / "result.npz")
    with pytest.raises(FileError, match="holds no network"):
        load(tmp_path / "result.npz")


def test_functions_of_ones_own_have_no_room(every: dict[str, Recovery], tmp_path: Path) -> None:
    net = every["exact"].network
    assert net is not None
    own = Network(net.V, net.U, net.b, net.c, Rectified(np.tanh, np.arctanh))
    with pytest.raises(FileError, match="function of your own"):
        dataclasses.replace(every["exact"], network=own).save(tmp_path / "result.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [0, 1])
def test_damage_is_an_error_or_harmless(
    every: dict[str, Recovery], tmp_path: Path, seed: int
) -> None:
    path, rng = tmp_path / "result.npz", np.random.default_rng(seed)
    result = every[("proved", "exact")[seed]]
    result.save(path)
    sound = path.read_bytes()
    refused = 0
    for i in range(150):
        broken = bytearray(sound)
        if i % 3:
            broken[rng.integers(len(broken))] ^= int(rng.integers(1, 256))
        else:
            del broken[rng.integers(len(broken)) :]
        path.write_bytes(broken)
        try:
            again = load_result(path)
        except FileError as error:
            refused += 1
            assert str(path) in str(error)
        else:  # what zip files say twice, or of no importance
            assert again == result
    assert refused > 100


def rewritten(path: Path, old: str, new: str) -> None:
    """The document with one text in place of another, as somebody could write it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = members[DOCUMENT].decode()
    assert old in text
    members[DOCUMENT] = text.replace(old, new, 1).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version": 2', '"version": 99'),
        ('"format": "unrelu result"', '"format": "another"'),
        ('"type": "Certificate"', '"type": "Popen"'),
        ('"type": "Recovery"', '"type": "Proof"'),
        ('"status": "exact"\n', '"status": "perfect"\n'),
        ('"array": "network.V"', '"array": "network.none"'),
        ('"array": "network.V"', '"array": "network.U"'),
        ('"fields": {', '"fields": 3, "rest": {'),
        ('"activation": "relu"', '"activation": "eval"'),
        ('"n_samples": 400', '"of_a_newer_version": 400'),
    ],
)
def test_documents_that_are_none(
    every: dict[str, Recovery], tmp_path: Path, old: str, new: str
) -> None:
    every["exact"].save(tmp_path / "result.npz")
    rewritten(tmp_path / "result.npz", old, new)
    with pytest.raises(FileError):
        load_result(tmp_path / "result.npz")


def test_fields_of_a_newer_library_are_left_out(every: dict[str, Recovery], tmp_path: Path) -> None:
    path = tmp_path / "result.npz"
    every["exact"].save(path)
    rewritten(path, '"biased"', '"of_a_newer_version": {"map": {}}, "biased"')
    rewritten(path, '"skip": false', '"another": false')
    assert load_result(path) == every["exact"]


def test_every_type_of_a_field_has_a_name_in_files() -> None:
    known = types(Recovery)
    assert {"Certificate", "Network", "Refutation", "Model", "Width", "Curve"} <= known.keys()
    assert "Samples" not in known
    assert known["Recovery"] is Recovery


@pytest.mark.parametrize("path", sorted(DATA.glob("result-*.npz")), ids=lambda path: path.stem)
def test_files_of_older_versions_are_read(path: Path) -> None:
    """Written once, and never again: they stand for those that users keep."""
    result = load_result(path)
    reported = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert result.status.value == reported["status"]
    assert result.code == reported["code"]
    assert result.network is not None
    for name in ("V", "U", "b", "c"):
        assert [str(entry) for entry in getattr(result.network, name).ravel()] == reported[name]
    if reported["stderr"] is not None:
        assert result.stderr is not None
        assert [str(entry) for entry in result.stderr.V.ravel()] == reported["stderr"]
    assert result.stats["seed"] == reported["seed"]


def test_there_are_such_files() -> None:
    for version in (1, VERSION):
        assert len(list(DATA.glob(f"result-{version}-*.npz"))) >= 4
