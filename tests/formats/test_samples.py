"""Samples in files: every form gives the values back, and says clearly what it cannot read."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unrelu.errors import FileError, InputError, InputTypeError, MissingExtraError
from unrelu.formats.layout import Layout
from unrelu.formats.samples import read_named, read_samples, read_weighted, write_samples
from unrelu.inputs.frames import Named

AnyArray = NDArray[np.generic]

FORMS = [
    ("s.npz", None),
    ("x.npy", "y.npy"),
    ("s.csv", None),
    ("s.tsv.gz", None),
    ("s.parquet", None),
]
by_form = pytest.mark.parametrize(("name", "labels"), FORMS)


def drawn(seed: int, n: int = 9, d: int = 3, m: int = 2) -> tuple[AnyArray, AnyArray]:
    """Numbers of very different sizes, so that every digit counts."""
    rng = np.random.default_rng(seed)
    spread = 10.0 ** rng.integers(-300, 300, (n, d + m))
    both = rng.standard_normal((n, d + m)) * spread
    return both[:, :d], both[:, d:]


def paths(folder: Path, name: str, labels: str | None) -> tuple[Path, Path | None]:
    return folder / name, None if labels is None else folder / labels


def identical(one: AnyArray, other: AnyArray) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other)


def test_identical_sees_a_last_bit_and_a_type() -> None:
    one = np.array([[1.0]])
    assert not identical(one, np.nextafter(one, 2.0))
    assert not identical(one, one.astype(np.float32))


@by_form
@given(seed=st.integers(0, 2**32), n=st.integers(1, 40), d=st.integers(1, 12), m=st.integers(1, 4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_is_bit_exact(
    tmp_path: Path, name: str, labels: str | None, seed: int, n: int, d: int, m: int
) -> None:
    X, Y = drawn(seed, n, d, m)
    x, y = paths(tmp_path, name, labels)
    write_samples(x, X, Y, y)
    X_read, Y_read = read_samples(x, y)
    assert identical(X_read, X)
    assert identical(Y_read, Y)
    del X_read, Y_read  # the next example writes over the files that these map


@by_form
@pytest.mark.parametrize("kind", [np.float32, np.int64, np.bool_])
def test_the_stored_type_is_kept(
    tmp_path: Path, name: str, labels: str | None, kind: type[np.generic]
) -> None:
    X = (np.random.default_rng(0).standard_normal((5, 2)) * 10).astype(kind)
    Y = np.arange(5.0)
    x, y = paths(tmp_path, name, labels)
    write_samples(x, X, Y, y)
    X_read, Y_read = read_samples(x, y)
    expected = X.astype(np.float64) if name.endswith((".csv", ".gz")) else X
    assert identical(X_read, expected)
    assert identical(Y_read, Y[:, None])


@by_form
def test_only_whole_files_are_left_behind(tmp_path: Path, name: str, labels: str | None) -> None:
    write_samples(tmp_path / name, *drawn(0), labels and tmp_path / labels)
    assert {path.name for path in tmp_path.iterdir()} == {name, labels} - {None}


def test_a_pair_is_mapped_not_read(tmp_path: Path) -> None:
    write_samples(tmp_path / "x.npy", *drawn(1), tmp_path / "y.npy")
    assert all(
        isinstance(array, np.memmap) and not array.flags.writeable
        for array in read_samples(tmp_path / "x.npy", tmp_path / "y.npy")
    )


def test_csv_columns_may_come_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text('\ufeffx1,"y0" ,x0\r\n2, 3 ,1\r\n\r\n"5",6e0,4\r\n', encoding="utf-8")
    X, Y = read_samples(path)
    assert X.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert Y.tolist() == [[3.0], [6.0]]


def test_csv_orders_columns_by_number_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    names = [*sorted(f"x{i}" for i in range(12)), "y0"]
    path.write_text(",".join(names) + "\n" + ",".join([n[1:] for n in names]) + "\n")
    assert read_samples(path)[0].tolist() == [list(range(12))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got no header"),
        ("\n1,2\n", "got no header"),
        ("x0,y0\n", "a header and no samples"),
        ("x0,y0\n\n\n", "a header and no samples"),
        ("x0,x1,x2,x4,y0\n1,2,3,4,5\n", "column x3 is missing"),
        ("x0,x1\n1,2\n", "column y0 is missing"),
        ("y0,y1\n1,2\n", "column x0 is missing"),
        ("x1,y0\n1,2\n", "column x0 is missing"),
        ("x0,x0,y0\n1,2,3\n", "column x0 twice"),
        ("x0,y0,time\n1,2,3\n", "got a column 'time'"),
        ("1,2\n3,4\n", "got no header but numbers"),
        ("x0;y0\n1,5;2\n", "line 2, column x0: got '1,5', expected a number; decimals"),
        ("x00,y0\n1,2\n", "got a column 'x00'"),
        ("x0,y0\n1,2\n3,four\n", "line 3, column y0: got 'four', expected a number"),
        ("x0,y0\n1,2\n\n3,-\n", "line 4, column y0: got '-', expected a number"),
        ("x0,y0\n1,2\n3,4,5\n", "line 3: got 3 cells, expected 2"),
        ("x0,y0\n1,2\n3\n", "line 3: got 1 cell, expected 2"),
        ("x0,y0\n1,2,3\n4,5,6\n", "line 2: got 3 cells, expected 2"),
        ("x0,y0\n# 1,2\n", "line 2, column x0: got '# 1'"),
    ],
)
def test_csv_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=message) as caught:
        read_samples(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
def test_what_is_between_cells_is_seen(tmp_path: Path, between: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text("\n".join(between.join(line) for line in (["x0", "x1", "y0"], "123", "456")))
    X, Y = read_samples(path)
    assert X.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert Y.tolist() == [[3.0], [6.0]]


NAMED = 'id;age;"height; cm";score\na;20;170;1\nb;30;180;2.5\n'


@pytest.mark.parametrize(
    ("layout", "inputs", "outputs"),
    [
        (Layout(("age", "height*"), ("score",)), ("age", "height; cm"), ("score",)),
        (Layout(("h*", "age"), ("s?ore",)), ("height; cm", "age"), ("score",)),
        (Layout(("age", "height; cm"), ("score",), "semicolon"), ("age", "height; cm"), ("score",)),
    ],
)
def test_columns_by_name(
    tmp_path: Path, layout: Layout, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    path = tmp_path / "s.csv"
    path.write_text(NAMED)
    for exact in (False, True):
        X, Y = read_named(path, exact=exact, layout=layout)
        assert isinstance(X, Named)
        assert isinstance(Y, Named)
        assert X.columns == inputs
        assert Y.columns == outputs
        assert sorted(np.asarray(X, dtype=float)[1]) == [30, 180]
        assert np.asarray(Y, dtype=float).tolist() == [[1.0], [2.5]]


def test_the_other_columns_are_the_other_side(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("age,height,score\n20,170,1\n")
    for layout in (Layout(y=("score",)), Layout(x=("age", "height"))):
        X, Y = read_named(path, layout=layout)
        assert np.asarray(X).tolist() == [[20, 170]]
        assert np.asarray(Y).tolist() == [[1]]
    path.write_text(",age,height,score\n0,20,170,1\n")  # the index that pandas writes
    assert np.asarray(read_named(path, layout=Layout(y=("score",)))[0]).tolist() == [[20, 170]]
    path.write_text("20,170,1\n30,180,2\n")
    X, Y = read_named(path, layout=Layout(y=("2",)))
    assert np.asarray(X).tolist() == [[20, 170], [30, 180]]


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (Layout(y=("price",)), "--y-columns: got 'price', expected columns of id, age"),
        (Layout(x=("age",), y=("age",)), "column 'age' as input and output"),
        (Layout(y=("*",)), "no column left for the inputs"),
        (Layout(y=("score",)), "line 2, column id: got 'a', expected a number"),
        (Layout(delimiter="ab"), "'ab' for the delimiter"),
        (Layout(x=("age",), y=("score",), delimiter=","), "expected columns of id;age"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, layout: Layout, words: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(NAMED)
    with pytest.raises(FileError, match=words):
        read_named(path, layout=layout)


def test_flags_dates_and_gaps_of_text(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(
        "when,smoker,age,score\n"
        "1970-01-02,True,20,1\n"
        "1970-01-03 00:01,FALSE,,2\n"
        "1970-01-03T01:00+01:00,true,30,NA\n"
    )
    X, Y = read_named(path, layout=Layout(y=("score",)))
    day = 86400.0
    inputs = np.array([[day, 1, 20], [2 * day + 60, 0, np.nan], [2 * day, 1, 30]])
    assert np.array_equal(np.asarray(X), inputs, equal_nan=True)
    assert np.array_equal(np.asarray(Y), np.array([[1], [2], [np.nan]]), equal_nan=True)
    assert isinstance(X, Named)
    assert [remark.code for remark in X.remarks] == ["dates-as-seconds"]
    X, Y = read_named(path, layout=Layout(y=("score",), drop_missing=True))
    assert np.asarray(X).tolist() == [[day, 1, 20]]
    assert np.asarray(Y).tolist() == [[1]]
    assert isinstance(X, Named)
    assert [remark.code for remark in X.remarks] == ["dates-as-seconds", "rows-left-out"]
    assert "age (1), score (1)" in X.remarks[1].text


@pytest.mark.parametrize(
    ("cells", "got"),
    [
        (["1", "2", "true"], "line 4, column a: got 'true'"),
        (["true", "1"], "line 3, column a: got '1'"),
        (["2024-01-02", "2024-01"], "line 3, column a: got '2024-01'"),
        (["1", "1_000"], "line 3, column a: got '1_000'"),
        (["", "31/12/2024"], "line 3, column a: got '31/12/2024'.*2024-12-31"),
    ],
)
def test_a_column_of_text_is_of_one_kind(tmp_path: Path, cells: list[str], got: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text("\n".join(["a,b", *(f"{cell},0" for cell in cells)]) + "\n")
    with pytest.raises(FileError, match=got):
        read_named(path, layout=Layout(y=("b",)))


@pytest.mark.parametrize("name", ["s.npz", "s.parquet"])
def test_samples_with_missing_values_are_left_out(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    X, Y = np.arange(10.0).reshape(5, 2), np.arange(5.0)[:, None]
    X[1, 0] = Y[3, 0] = np.nan
    write_samples(tmp_path / name, X, Y)
    kept = np.array([0, 2, 4])
    read = read_named(tmp_path / name, layout=Layout(drop_missing=True))
    assert np.array_equal(np.asarray(read[0]), X[kept])
    assert np.array_equal(np.asarray(read[1]), Y[kept])
    write_samples(tmp_path / name, X + np.nan, Y)
    with pytest.raises(FileError, match="without missing values"):
        read_named(tmp_path / name, layout=Layout(drop_missing=True))


def test_weights_stay_with_their_samples(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("age,score,times\n20,1,1\n,2,2\n30,3,0\n40,4,4\n50,5,\n")
    layout = Layout(x=("age",), y=("score",), weights="times", drop_missing=True)
    X, Y, weights = read_weighted(path, exact=False, layout=layout)
    assert np.asarray(X).tolist() == [[20], [40]]
    assert np.asarray(Y).tolist() == [[1], [4]]
    assert weights is not None
    assert weights.tolist() == [1, 4]


def test_arrays_have_no_columns(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.npz", *drawn(0))
    with pytest.raises(FileError, match="arrays have none"):
        read_named(tmp_path / "s.npz", layout=Layout(y=("score",)))


def test_columns_of_parquet_and_their_dates(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, times = tmp_path / "s.parquet", np.array([0, 60], dtype="datetime64[s]")
    parquet.write_table(pyarrow.table({"when": times, "score": [1.0, 2.0]}), path)
    X, Y = read_named(path, layout=Layout(y=("score",)))
    assert np.asarray(X).tolist() == [[0.0], [60.0]]
    assert isinstance(X, Named)
    assert [remark.code for remark in X.remarks] == ["dates-as-seconds"]
    assert np.asarray(Y).tolist() == [[1.0], [2.0]]


def test_gaps_of_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, times = tmp_path / "s.parquet", np.array([0, 60, "NaT"], dtype="datetime64[s]")
    columns = {"when": times, "flag": [True, None, False], "score": [1.0, 2.0, 3.0]}
    parquet.write_table(pyarrow.table(columns), path)
    X, _ = read_named(path, layout=Layout(y=("score",)))
    expected = np.array([[0, 1], [60, np.nan], [np.nan, 0]])
    assert np.array_equal(np.asarray(X), expected, equal_nan=True)
    X, _ = read_named(path, layout=Layout(y=("score",), drop_missing=True))
    assert np.asarray(X).tolist() == [[0, 1]]


@pytest.mark.parametrize("first", ["2024-01-01", "true", "NA", "1/3"])
def test_a_first_line_of_values_is_no_header(tmp_path: Path, first: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{first},1\n{first},2\n")
    exact = first == "1/3"
    _, Y = read_named(path, layout=Layout(y=("1",)), exact=exact)
    assert np.asarray(Y, dtype=float).tolist() == [[1], [2]]


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress(b"x0,y0\n" + b"0,0\n" * 2_000_000))
    with pytest.raises(FileError, match="unpacks to more"):
        read_samples(path)


def test_csv_of_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    for content in (b"x0,y0\n1,\xff\n", b"\xff\xfe\x00", b"x0,y0\n1,\x00\n"):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"s\.csv"):
            read_samples(path)


def test_parquet_faults_are_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "s.parquet"
    for columns, message in (
        ({"x0": [1.0], "x2": [1.0], "y0": [1.0]}, "column x1 is missing"),
        ({"x0": ["a"], "y0": [1.0]}, "column x0: got string, expected real numbers"),
        ({"x0": [1.0], "y0": [1.0], "id": [1]}, "got a column 'id'"),
    ):
        parquet.write_table(pyarrow.table(columns), path)
        with pytest.raises(FileError, match=message):
            read_samples(path)
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FileError, match=r"s\.parquet: damaged"):
        read_samples(path)


def test_parquet_without_pyarrow_tells_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for use in (
        lambda: read_samples(tmp_path / "s.parquet"),
        lambda: write_samples(tmp_path / "s.parquet", *drawn(0)),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'unrelu\[parquet\]'"):
            use()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.ones((3, 2))}, r"got arrays X, expected X, Y: Y missing"),
        ({"X": np.ones((3, 2)), "Y": np.ones((4, 1))}, "got 3 rows of X and 4 of Y"),
        ({"X": np.ones(3), "Y": np.ones(3)}, r"X: got shape \(3,\)"),
        ({"X": np.ones((3, 2)), "Y": np.ones((3, 1, 1))}, r"Y: got shape \(3, 1, 1\)"),
        ({"X": np.ones((3, 2), dtype=complex), "Y": np.ones(3)}, "X: got complex128"),
        ({"X": np.array([["a"]]), "Y": np.ones(1)}, "X: got <U1"),
    ],
)
def test_archives_without_samples_are_refused(
    tmp_path: Path, arrays: dict[str, AnyArray], message: str
) -> None:
    np.savez(tmp_path / "s.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=message):
        read_samples(tmp_path / "s.npz")


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("s.txt", None, r"got a name ending in '\.txt'"),
        ("x.npy", None, "give the labels too"),
        ("x.npy", "y.npz", "the second of a pair"),
        ("s.npz", "y.npy", "is too many"),
        ("none.npz", None, "cannot be read: No such file"),
        ("none.csv", None, "cannot be read: No such file"),
        ("none.parquet", None, "cannot be read: No such file"),
        ("none.npy", "none.npy", "cannot be read: No such file"),
    ],
)
def test_unusable_names_are_refused(
    tmp_path: Path, name: str, labels: str | None, message: str
) -> None:
    with pytest.raises(FileError, match=message):
        read_samples(*paths(tmp_path, name, labels))


def test_what_is_no_table_is_not_written(tmp_path: Path) -> None:
    X, Y = drawn(0)
    path = tmp_path / "s.npz"
    with pytest.raises(InputError, match="as many of both"):
        write_samples(path, X, Y[:-1])
    with pytest.raises(InputError, match="one row per sample"):
        write_samples(path, X[0], Y)
    with pytest.raises(InputTypeError, match="complex128"):
        write_samples(path, X.astype(complex), Y)
    with pytest.raises(FileError, match="the same file"):
        write_samples(tmp_path / "x.npy", X, Y, tmp_path / "x.npy")
    assert not list(tmp_path.iterdir())


def test_an_archive_is_not_one_of_a_pair(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", X=np.ones((2, 2)))
    (tmp_path / "s.npz").rename(tmp_path / "x.npy")
    with pytest.raises(FileError, match="archive of arrays"):
        read_samples(tmp_path / "x.npy", tmp_path / "x.npy")


def flipped(rng: np.random.Generator, sound: bytes) -> bytes:
    broken = bytearray(sound)
    broken[rng.integers(len(broken))] = rng.integers(256)
    return bytes(broken)


def truncated(rng: np.random.Generator, sound: bytes) -> bytes:
    return sound[: rng.integers(len(sound))]


@pytest.mark.parametrize("damage", [flipped, truncated])
@by_form
def test_damage_gives_a_clean_error_or_a_table(
    tmp_path: Path,
    name: str,
    labels: str | None,
    damage: Callable[[np.random.Generator, bytes], bytes],
) -> None:
    x, y = paths(tmp_path, name, labels)
    write_samples(x, *drawn(2), y)
    sound = x.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(100):
        # A new file each time: writing into one that is mapped would pull it from under the map.
        x.unlink()
        x.write_bytes(damage(rng, sound))
        try:
            X, Y = read_samples(x, y)
        except FileError as error:
            assert str(x) in str(error)
        else:
            assert X.ndim == Y.ndim == 2
            assert len(X) == len(Y)
            if name.endswith(".npz"):
                assert identical(X, drawn(2)[0])
