"""Passes on a cluster: the same bits for any number of workers, and however rows are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import distributed
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import InputError, InputTypeError, Network
from unrelu.numerics.deadline import DeadlinePassed, ending_at
from unrelu.numerics.folding import CELL, Sums, added
from unrelu.samples import Samples
from unrelu.search.resuming import BESIDE
from unrelu.stored import cluster, journal
from unrelu.stored.clients import computing_on, connected, current
from unrelu.stored.passes import joined, summed, taken

Array = NDArray[np.float64]
FROM_ARRAY: Any = da.from_array
LOCAL: Any = distributed.LocalCluster
CLIENT: Any = distributed.Client
N = 5 * CELL + 100
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((N, 2)), rng.standard_normal((N, 1))


def products(start: int, X: Array, Y: Array) -> Sums:
    return {"xy": X.T @ Y, "rows": np.array(len(X)), "last": np.array(float(start))}


def small_client(workers: int) -> Any:
    """In this process: quick to start, and no other way for the passes."""
    local = LOCAL(n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=":0")
    return CLIENT(local, set_as_default=False)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with small_client(2) as client:
        yield client
        client.cluster.close()


def same(a: Sums, b: Sums) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def mapped(array: Array, path: Path) -> Any:
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("workers", [1, 3, 7])
def test_any_number_of_workers(workers: int, tmp_path: Path) -> None:
    expected = summed(X, Y, products)
    assert not same(expected, {**expected, "xy": X.T @ Y + 1e-10})  # a canary
    with small_client(workers) as client, computing_on(client):
        assert same(summed(mapped(X, tmp_path / "X.npy"), Y, products), expected)
        client.cluster.close()


def test_any_storage(client: Any, tmp_path: Path) -> None:
    expected = summed(X, Y, products)
    file = h5py.File(tmp_path / "X.h5", "w")
    stores: list[Any] = [
        mapped(X, tmp_path / "X.npy"),
        FROM_ARRAY(X, chunks=(7000, 1)),
        FROM_ARRAY(X, chunks=(N, 2)),
        file.create_dataset("rows", data=X, chunks=(1000, 2)),
    ]
    with computing_on(client):
        for store in stores:
            for labels in (Y, FROM_ARRAY(Y, chunks=(9000, 1))):
                samples = Samples.of(store, labels)
                assert same(samples.summed(products), expected)
    file.close()


def test_what_is_in_the_cluster_already(client: Any) -> None:
    with computing_on(client), client.as_current():
        held = FROM_ARRAY(X, chunks=(20_000, 2)).persist()
        assert same(Samples.of(held, Y).summed(products), summed(X, Y, products))


def test_rows_of_memory_maps_that_begin_elsewhere(client: Any, tmp_path: Path) -> None:
    whole = mapped(X, tmp_path / "X.npy")
    with computing_on(client):
        assert same(summed(whole[300:], Y[300:], products), summed(X[300:], Y[300:], products))
        assert same(summed(whole[::2], Y[::2], products), summed(X[::2], Y[::2], products))


def test_rows_are_picked_out_by_workers(client: Any, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).permutation(N)[:500]
    with computing_on(client):
        found = taken(mapped(X, tmp_path / "X.npy"), Y, rows)
    assert np.array_equal(found[0], X[rows])
    assert np.array_equal(found[1], Y[rows])
    assert joined({"a": X[:1]}, {"a": X[1:3]})["a"].tolist() == X[:3].tolist()


def test_verdicts_are_the_same(client: Any, tmp_path: Path) -> None:
    net = Network([[0.6, 0.8], [1.0, 0.0]], [[1.0, -2.0]], b=[0.2, -0.1])
    labels = net(X)
    expected = unrelu.verify(net, X, labels)
    stored = mapped(X, tmp_path / "X.npy"), mapped(labels, tmp_path / "Y.npy")
    assert expected.status == "exact"
    assert unrelu.verify(net, *stored, client=client) == expected
    found = unrelu.recover(*stored, rng=0, memory=1e6, client=client)
    assert found.network == unrelu.recover(X, labels, rng=0, memory=1e6).network
    assert current() is None


class Broken:
    """A measure that fails in a cell, once it is told to."""

    def __init__(self) -> None:
        self.fails = True
        self.seen: list[int] = []

    def __call__(self, start: int, X: Array, Y: Array) -> Sums:
        self.seen.append(start)
        if self.fails and start == 3 * CELL:
            raise RuntimeError("cut off")
        return products(start, X, Y)

    def __reduce__(self) -> Any:
        return Broken, ()


def test_a_pass_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "EVERY", 0.0)
    monkeypatch.setattr("unrelu.stored.passes.AT_ONCE", 1)
    expected, measure = summed(X, Y, products), Broken()
    with journal.kept_in(tmp_path, X, Y, "these"):
        with pytest.raises(RuntimeError, match="cut off"):
            summed(X, Y, measure)
        measure.fails, measure.seen = False, []
        assert same(summed(X, Y, measure), expected)
        assert measure.seen == [start * CELL for start in (3, 4, 5)]
        measure.seen = []
        assert same(summed(X, Y, measure), expected)
        assert measure.seen == []
        assert not same(summed(X + 1, Y, measure), expected)  # of other samples nothing is kept
    assert len(list(tmp_path.glob("*.npz"))) == 1


def test_passes_are_kept_of_the_same_samples_alone(tmp_path: Path) -> None:
    others = Y.copy()
    others[CELL : CELL + 5] += 1.0  # neither the first row nor the last
    with journal.kept_in(tmp_path, X, Y, "these"):
        first = summed(X, Y, products)
        assert not same(summed(X, others, products), first)
    with journal.kept_in(tmp_path, X, others, "others"):
        assert not same(summed(X, others, products), first)
    (tmp_path / "notes.txt").write_text("of the user")
    journal.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_becomes_of_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network([[0.6, 0.8], [1.0, 0.0]], [[1.0, -2.0]], b=[0.2, -0.1])
    stored, kept = mapped(X, tmp_path / "X.npy"), tmp_path / "kept"
    folder = Path(f"{kept}{BESIDE}")

    write = journal.Journal.write

    def interrupted(self: journal.Journal, tree: Any, **_: bool) -> None:
        write(self, tree, at_once=True)
        if self.path is not None:
            raise KeyboardInterrupt

    asked: dict[str, Any] = {"n_units": 2, "rng": 0, "memory": 1e6, "checkpoint": kept}
    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "write", interrupted)
        with pytest.raises(unrelu.RecoveryError) as ended:  # not checked on all samples
            unrelu.recover(stored, net(X), **asked)
    assert ended.value.result.code == "interrupted"
    assert kept.exists()
    assert list(folder.glob("*.npz"))
    wrong = net(X)
    wrong[CELL : CELL + 5] += 1.0
    with pytest.raises(InputError, match="checkpoint"):
        unrelu.recover(stored, wrong, **asked)
    assert list(folder.glob("*.npz"))
    kept.rename(tmp_path / "before")  # what is beside it stays
    asked["throw"] = False
    with monkeypatch.context() as patch:
        patch.setattr("unrelu.search.resuming.forget", lambda _: None)
        assert unrelu.recover(stored, wrong, **asked).status != "exact"
    (tmp_path / "before").rename(kept)
    assert unrelu.recover(stored, net(X), **asked).status == "exact"
    assert not kept.exists()
    assert not folder.exists()


def test_a_pass_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrelu.stored.passes.AT_ONCE", 1)
    measure = Broken()
    measure.fails = False
    with pytest.raises(DeadlinePassed), ending_at(-np.inf):
        summed(X, Y, measure)
    assert measure.seen == [0]


def test_a_file_that_took_the_place_of_another(client: Any, tmp_path: Path) -> None:
    with computing_on(client):
        assert same(summed(mapped(X, tmp_path / "X.npy"), Y, products), summed(X, Y, products))
        mapped(X + 1, tmp_path / "new.npy")
        (tmp_path / "new.npy").replace(tmp_path / "X.npy")
        store: Any = np.load(tmp_path / "X.npy", mmap_mode="r")
        assert same(summed(store, Y, products), summed(X + 1, Y, products))


def test_groups_are_made_again_after_their_workers_were_killed(client: Any, tmp_path: Path) -> None:
    from distributed.scheduler import KilledWorker

    store, failures = mapped(X, tmp_path / "X.npy"), [KilledWorker("task", None, 3)] * 3  # type: ignore[arg-type]

    class Future:
        def __init__(self, future: Any) -> None:
            self.future = future

        def result(self) -> Any:
            if failures:
                raise failures.pop()
            return self.future.result()

    class Unlucky:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def submit(self, function: Any, *args: Any, **rest: Any) -> Any:
            future = client.submit(function, *args, **rest)
            return Future(future) if function is cluster._summed else future

    with computing_on(Unlucky()):
        assert same(summed(store, Y, products), summed(X, Y, products))
    assert not failures


def test_what_is_no_client() -> None:
    with pytest.raises(InputTypeError, match="client"):
        unrelu.verify(Network([[1.0, 0.0]], [[1.0]]), X, Y, client="tcp://here")
    with pytest.raises(InputError, match="workers"), connected("tcp://127.0.0.1:1", 2):
        pass
    with connected(None, None) as nobody:
        assert nobody is None
    assert added({"a": np.ones(1)}, {"a": np.ones(1)})["a"] == 2
