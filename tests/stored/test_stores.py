"""Samples in stores: the same bits as from arrays, and no more rows in memory than needed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import h5py
import numpy as np
import pandas as pd
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.planting import plant

import unrelu
from unrelu import InputError, InputTypeError
from unrelu.stored.kinds import STORES, stored
from unrelu.stored.rows import StoredRows

Array = NDArray[np.float64]
FROM_PANDAS: Any = dd.from_pandas
FROM_ARRAY: Any = da.from_array
CONCAT: Any = dd.concat


@dataclass
class Parts:
    """Rows of an array in blocks of these lengths; `read` counts how often each is read."""

    array: Any
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        self.read = [0] * len(self.lengths)

    def block_rows(self) -> tuple[int, ...]:
        return self.lengths

    def read_block(self, number: int) -> Any:
        self.read[number] += 1
        start = sum(self.lengths[:number])
        return self.array[start : start + self.lengths[number]]


def in_hdf5(array: Array, folder: Path) -> Any:
    file = h5py.File(folder / f"{array.shape[1]}.h5", "w")
    return file.create_dataset("rows", data=array, chunks=(100, 1))


def in_zarr(array: Array, folder: Path) -> Any:
    made = zarr.create_array(
        store=folder / str(array.shape[1]), shape=array.shape, chunks=(77, 2), dtype=array.dtype
    )
    made[:] = array
    return made


def in_frame(array: Array, _: Path) -> Any:
    names = [f"column {number}" for number in range(array.shape[1])]
    return FROM_PANDAS(pd.DataFrame(array, columns=names), npartitions=3)


def of_unknown_lengths(array: Array, _: Path) -> Any:
    return FROM_PANDAS(pd.DataFrame(array), npartitions=3).to_dask_array()


MADE: dict[str, Callable[[Array, Path], Any]] = {
    "dask array": lambda array, _: FROM_ARRAY(array, chunks=(170, 2)),
    "dask array of unknown lengths": of_unknown_lengths,
    "dask DataFrame": in_frame,
    "HDF5": in_hdf5,
    "zarr": in_zarr,
    "blocks": lambda array, _: Parts(array, (200, 0, len(array) - 200)),
}


@pytest.mark.parametrize("kind", MADE)
def test_the_same_bits_as_from_arrays(kind: str, tmp_path: Path) -> None:
    planted = plant(5, 3, 3, 1, seed=1, bias=0.5)
    X = np.random.default_rng(0).standard_normal((600, 5))
    Y = planted.truth(X)
    expected = unrelu.recover(X, Y, rng=0)
    made = MADE[kind]
    result = unrelu.recover(made(X, tmp_path), made(Y, tmp_path), rng=0)
    assert result.status == "exact"
    assert result.network == expected.network
    assert result.certificate == expected.certificate
    assert unrelu.verify(planted.truth, made(X, tmp_path / ".."), Y).status == "exact"
    assert result.certificate.recheck(X, made(Y, tmp_path / "..")).status == "exact"
    if kind == "dask DataFrame":
        assert result.names.inputs[:2] == ("column 0", "column 1")


def test_noisy_labels_too() -> None:
    X = np.random.default_rng(0).standard_normal((600, 3))
    Y = np.abs(X[:, :1]) + 0.1 * np.random.default_rng(1).standard_normal((600, 1))
    expected = unrelu.recover(X, Y, 2, rng=0)
    in_store = unrelu.recover(Parts(X, (100, 500)), Parts(Y, (300, 300)), 2, rng=0)
    assert in_store.network == expected.network
    assert in_store.uncertainty == expected.uncertainty


ROWS = np.arange(60.0).reshape(20, 3)


@given(
    cuts=st.lists(st.integers(0, 20), max_size=6),
    key=st.one_of(
        st.slices(20),
        st.integers(-20, 19),
        st.lists(st.integers(-20, 19), max_size=9).map(lambda each: np.array(each, dtype=int)),
        st.lists(st.booleans(), min_size=20, max_size=20).map(np.array),
    ),
    columns=st.one_of(st.none(), st.integers(0, 2), st.just(np.array([2, 0])), st.slices(3)),
)
def test_rows_are_indexed_like_those_of_an_array(cuts: list[int], key: Any, columns: Any) -> None:
    edges = [0, *sorted(cuts), 20]
    rows = StoredRows(Parts(ROWS, tuple(np.diff(edges).tolist())), "X")
    index = key if columns is None or isinstance(key, np.ndarray) else (key, columns)
    assert np.array_equal(rows[index], ROWS[index])
    assert rows.shape == (20, 3)
    assert len(rows) == 20


def test_each_block_is_read_once_for_scattered_rows() -> None:
    parts = Parts(ROWS, (5, 5, 5, 5))
    rows = StoredRows(parts, "X")
    assert rows.shape == (20, 3)  # read from the first block
    scattered = np.random.default_rng(0).permutation(20)
    assert np.array_equal(rows[scattered], ROWS[scattered])
    assert parts.read == [2, 1, 1, 1]
    rows[::4], rows[::4]
    assert parts.read == [3, 2, 2, 2]


def test_all_rows_at_once_are_bounded() -> None:
    rows = StoredRows(Parts(ROWS, (10, 10)), "X")
    assert np.array_equal(np.asarray(rows), ROWS)
    with pytest.raises(InputError, match="memory"):
        np.asarray(replace(rows, memory=100))


def test_what_was_read_is_not_sent_to_others() -> None:
    rows = StoredRows(Parts(ROWS, (10, 10)), "X")
    assert np.array_equal(rows[3], ROWS[3])
    again = pickle.loads(pickle.dumps(rows))
    assert len(pickle.dumps(rows)) < 2000
    assert np.array_equal(again[::2], ROWS[::2])


@pytest.mark.parametrize(
    ("blocks", "error", "words"),
    [
        (Parts(ROWS.astype(str), (10, 10)), InputTypeError, "X"),
        (Parts(np.zeros((0, 3)), (0,)), InputError, "no rows"),
        (Parts(ROWS[:15], (10, 10)), InputError, "block 1"),
    ],
)
def test_what_is_no_table_of_numbers(blocks: Parts, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        np.asarray(StoredRows(blocks, "X"))


def test_blocks_of_different_widths() -> None:
    class Ragged(Parts):
        def read_block(self, number: int) -> Any:
            return super().read_block(number)[:, number:]

    with pytest.raises(InputError, match="2 columns in block 1, expected 3"):
        np.asarray(StoredRows(Ragged(ROWS, (10, 10)), "X"))
    with pytest.raises(InputError, match="3 dimensions"):
        unrelu.verify(plant(5, 2, 1, 1, seed=0).truth, da.zeros((4, 5, 6)), ROWS)


def test_blocks_of_different_types() -> None:
    class Mixed(Parts):
        def read_block(self, number: int) -> Any:
            block = super().read_block(number)
            return block.astype(self.kinds[number])

        kinds: tuple[Any, ...] = (int, np.float64)

    whole_first = Mixed(ROWS + 0.0, (10, 10))
    assert np.array_equal(np.asarray(StoredRows(whole_first, "X")), ROWS)
    single = Mixed(ROWS, (10, 10))
    single.kinds = (np.float64, np.float32)
    with pytest.raises(InputError, match="float32 in block 1, expected float64"):
        np.asarray(StoredRows(single, "X"))
    single.kinds = (np.float64, np.float64)
    with pytest.raises(IndexError):
        StoredRows(single, "X")[np.array([0, 20])]


def test_columns_of_blocks_that_are_tables_are_in_one_order() -> None:
    class Tables(Parts):
        def read_block(self, number: int) -> Any:
            frame = pd.DataFrame(super().read_block(number), columns=list("abc"))
            return frame if number == 0 else frame[list("cba")]

    with pytest.raises(InputError, match="block 1"):
        np.asarray(StoredRows(Tables(ROWS, (10, 10)), "X"))


def test_other_objects_are_no_stores() -> None:
    for value in (ROWS, ROWS.tolist(), pd.DataFrame(ROWS), None, Parts):
        assert stored("X", value) is None
    assert len(STORES) == 5


def test_what_is_missing_is_named_by_its_block() -> None:
    class Tables(Parts):
        def read_block(self, number: int) -> Any:
            return pd.DataFrame(super().read_block(number), columns=list("abc"), dtype="Float64")

    gone = ROWS.copy()
    gone[17, 1] = np.nan
    with pytest.raises(InputError, match=r"rows from 10 on.*first in row 7"):
        StoredRows(Tables(gone, (10, 10)), "X")[:]


def test_a_series_without_a_name_has_none() -> None:
    series = FROM_PANDAS(pd.Series(ROWS[:, 0]), npartitions=2)
    rows = stored("Y", series)
    assert rows is not None
    assert (rows.columns, rows.shape) == ((), (20, 1))


def test_fractions_in_a_store() -> None:
    thirds = np.array([[Fraction(i, 3), Fraction(i * i, 7)] for i in range(9)], dtype=object)
    labels = np.array([[max(Fraction(0), row[0] - 1)] for row in thirds], dtype=object)
    net = unrelu.Network([[1.0, 0.0]], [[1.0]], b=[-1.0])
    store: Any = Parts(thirds, (4, 5))
    assert unrelu.verify(net, store, labels, exact=True) == unrelu.verify(
        net, thirds, labels, exact=True
    )
    with pytest.raises(InputTypeError, match="object"):
        unrelu.verify(net, store, labels)


def test_the_estimator_reads_a_store_as_a_whole() -> None:
    X = np.random.default_rng(0).standard_normal((200, 2))
    y = np.maximum(X[:, 0], 0.0)
    again: Any = Parts(X, (100, 100))
    found = unrelu.RectifiedNetworkRegressor(random_state=0).fit(Parts(X, (50, 150)), y)
    assert np.allclose(found.predict(again), y)


def test_row_labels_of_tables_in_parts_are_compared() -> None:
    planted = plant(5, 3, 3, 300, seed=1, bias=0.5)
    X, Y = pd.DataFrame(planted.X), pd.DataFrame(planted.Y)
    same, turned = FROM_PANDAS(X, npartitions=3), Y.iloc[::-1]
    assert unrelu.recover(same, FROM_PANDAS(Y, npartitions=2), rng=0).status == "exact"
    for other in (turned, Y.set_axis([*range(299), 777])):
        in_parts = FROM_PANDAS(other, npartitions=2, sort=False)
        with pytest.raises(unrelu.InputError, match="index"):
            unrelu.recover(same, in_parts, rng=0)
    named = X.set_axis([f"row {number}" for number in range(300)])
    of_Y = Y.set_axis(named.index)
    frames = (FROM_PANDAS(each, npartitions=2, sort=False) for each in (named, of_Y))
    assert unrelu.recover(*frames, rng=0).status == "exact"


def test_labels_that_count_from_zero_in_each_part_say_nothing() -> None:
    planted = plant(5, 3, 3, 300, seed=1, bias=0.5)
    Y = FROM_PANDAS(pd.DataFrame(planted.Y), npartitions=2)
    files = [pd.DataFrame(planted.X[start : start + 100]) for start in (0, 100, 200)]
    X = CONCAT([FROM_PANDAS(each, npartitions=1) for each in files])
    assert unrelu.recover(X, Y, rng=0).status == "exact"
