"""Rational numbers in files: what is written comes back, and hostile text is refused."""

from __future__ import annotations

import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unrelu.errors import FileError, InputError, InputTypeError
from unrelu.formats.networks import Provenance, load, read, save, write_network
from unrelu.formats.numerals import MOST_DIGITS, MOST_EXPONENT, numeral, rational
from unrelu.formats.samples import read_samples, write_samples
from unrelu.network import Network
from unrelu.numerics.rationals import Rationals, as_fractions, rounded

ARRAYS = ("V", "U", "b", "c")
HUGE = 7**5000  # more digits than Python reads or writes at a time
quick = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table(rng: np.random.Generator, *shape: int) -> Rationals:
    """Fractions of all sizes, integers and zeros among them."""
    p, q = rng.integers(-(2**40), 2**40, shape), rng.integers(1, 9, shape)
    p[rng.random(shape) < 0.2] = 0
    return as_fractions("p", p) / as_fractions("q", q)


def rational_network(seed: int, d: int = 4, k: int = 3, m: int = 2) -> Network:
    rng = np.random.default_rng(seed)
    return Network(table(rng, k, d), table(rng, m, k), table(rng, k), table(rng, m))


def same(one: Rationals, other: Rationals) -> bool:
    """As exact numbers, and as Fractions."""
    return (
        one.shape == other.shape
        and one.dtype == other.dtype == object
        and all(type(number) is Fraction for number in one.ravel())
        and bool((one == other).all())
    )


def same_network(one: Network, other: Network) -> bool:
    return all(same(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def test_same_sees_what_floats_do_not() -> None:
    net = rational_network(0)
    V = net.V.copy()
    V[0, 0] += Fraction(1, 10**40)
    assert not same_network(net, Network(V, net.U, net.b, net.c))
    assert not same(np.array([1], dtype=object), np.array([Fraction(1)], dtype=object))
    assert not same(as_fractions("x", [1]), np.array([1.0]))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", Fraction(7)),
        ("-007", Fraction(-7)),
        ("+3/6", Fraction(1, 2)),
        ("-0/5", Fraction(0)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("-5.", Fraction(-5)),
        ("1e-3", Fraction(1, 1000)),
        ("-2.50E+2", Fraction(-250)),
        ("1e1000", Fraction(10**1000)),
    ],
)
def test_numerals_at_their_word(text: str, number: Fraction) -> None:
    assert rational(text) == number
    assert rational(numeral(number)) == number
    assert number != rational(text) + Fraction(1, 10**2000)


REFUSED = [
    *("", " ", ".", "-", "e5", "1e", "1/", "/2", "1/2/3", "1.5/2", "1/-2", "1/0.5", "1 2"),
    *("nan", "inf", "1_000", "0x10", "1,5", "٣", "½", "1e1001", "1e-1001", "1e999999999"),
    *("1e99999999999999999999", "1/0", "-0/000", "9" * (MOST_DIGITS + 1)),
    *("1/" + "3" * (MOST_DIGITS + 1), "0." + "3" * MOST_DIGITS, "1" * 10**7),
]


@pytest.mark.parametrize("text", REFUSED, ids=[text[:20] for text in REFUSED])
def test_what_is_no_numeral(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|an integer|other than zero|at most|powers"):
        rational(text)


@given(st.fractions())
def test_numerals_come_back(number: Fraction) -> None:
    assert rational(numeral(number)) == number


def test_pythons_own_limit_does_not_matter() -> None:
    number = Fraction(HUGE, 3)
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)  # the strictest there is
    try:
        assert rational(numeral(number)) == number
        assert rational("3" * 640) == (10**640 - 1) // 3
    finally:
        sys.set_int_max_str_digits(before)


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 5), st.integers(1, 5))
@quick
def test_a_rational_network_comes_back(tmp_path: Path, seed: int, d: int, k: int, m: int) -> None:
    net = rational_network(seed, d, k, m)
    save(net, tmp_path / "net.npz")
    again = load(tmp_path / "net.npz")
    assert again.rational
    assert same_network(again, net)


def test_weights_of_thousands_of_digits(tmp_path: Path) -> None:
    net = Network(np.array([[Fraction(HUGE, 3), Fraction(-1, HUGE)]]), [[1]])
    save(net, tmp_path / "net.npz")
    assert same_network(load(tmp_path / "net.npz"), net)
    longer = Network(np.array([[10**MOST_DIGITS]]), [[1]])
    with pytest.raises(FileError, match=f"V: got a number of {MOST_DIGITS + 1} digits"):
        save(longer, tmp_path / "net.npz")
    assert same_network(load(tmp_path / "net.npz"), net)  # the file that was there


def test_equal_rational_networks_give_equal_bytes(tmp_path: Path) -> None:
    net = rational_network(1)
    save(net, tmp_path / "a.npz")
    V = np.array([[Fraction(2 * w.numerator, 2 * w.denominator) for w in row] for row in net.V])
    save(Network(V, net.U, net.b, net.c), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_files_of_both_kinds_say_which(tmp_path: Path) -> None:
    """An older library reads the first, and says that it does not know the second's version."""
    net = rational_network(2)
    save(net.rounded(), tmp_path / "float.npz")
    save(net, tmp_path / "rational.npz")
    with np.load(tmp_path / "float.npz") as arrays:
        assert arrays["version"] == 1
    with np.load(tmp_path / "rational.npz", allow_pickle=False) as arrays:
        assert arrays["version"] == 2
        assert arrays["V"][0, 0].decode() == numeral(net.V[0, 0])
    assert not load(tmp_path / "float.npz").rational


def test_marks_are_kept_beside_rational_weights(tmp_path: Path) -> None:
    provenance = Provenance("failed", "sample 3 breaks the proof")
    write_network(rational_network(3), tmp_path / "net.npz", provenance)
    found = read(tmp_path / "net.npz")
    assert found.provenance == provenance
    assert same_network(found.network, rational_network(3))


def text(*entries: object) -> NDArray[np.bytes_]:
    return np.array(entries, dtype=np.bytes_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": text("1", "2/0", "3")}, r"b\[1\]: got '2/0', expected a denominator"),
        ({"b": text("1", "", "3")}, r"b\[1\]: got \"''\", expected an integer"),
        ({"b": text("1", "one", "3")}, r"b\[1\]: got 'one', expected an integer"),
        ({"b": text("1", b"\xff", "3")}, r"b\[1\]: got other text than ASCII"),
        ({"b": text("1", "1e999999999", "3")}, r"b\[1\]: got .*powers of ten"),
        (
            {"b": text("9" * 30_000, "2", "3")},
            r"b\[0\]: got '9{60}…', expected at most 20000 digits",
        ),
        ({"b": np.zeros(3, dtype="S0")}, r"b\[0\]: got .*expected an integer"),
        ({"b": np.array(["1", "2", "3"])}, "b: got <U1, expected numbers as byte strings"),
        ({"b": np.ones(3)}, "b: got float64, expected numbers as byte strings"),
        ({"b": text("1", "2")}, r"b: got shape \(2,\)"),
        ({"V": text("1", "2")}, "V: got 1 axes, expected 2"),
        ({"version": np.array(1)}, r"V: got data of type \|S\d+"),
    ],
)
def test_hostile_weights_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "net.npz"
    save(rational_network(4), path)
    with np.load(path) as arrays:
        changed = dict(arrays) | change
    np.savez(path, **changed)
    with pytest.raises(FileError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["n.onnx", "n.safetensors", "n.pt", "n.h5", "n.keras"])
def test_other_forms_hold_the_nearest_floats(tmp_path: Path, name: str) -> None:
    packages = {"onnx": "onnx", "safetensors": "safetensors", "h5": "h5py", "keras": "h5py"}
    if package := packages.get(name.split(".")[1]):
        pytest.importorskip(package)
    net = rational_network(5)
    save(net, tmp_path / name)
    again = load(tmp_path / name)
    assert not again.rational
    for array in ARRAYS:
        assert np.array_equal(getattr(again, array), rounded(getattr(net, array)))


def test_weights_beyond_floats_stay_in_npz(tmp_path: Path) -> None:
    net = Network([[10**400]], [[1]])
    save(net, tmp_path / "net.npz")
    with pytest.raises(InputError, match="V: got values that are not finite"):
        save(net, tmp_path / "net.pt")


@pytest.mark.parametrize("name", ["s.npz", "s.csv"])
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20), d=st.integers(1, 5), m=st.integers(1, 3))
@quick
def test_exact_samples_come_back(
    tmp_path: Path, name: str, seed: int, n: int, d: int, m: int
) -> None:
    rng = np.random.default_rng(seed)
    X, Y = table(rng, n, d), table(rng, n, m)
    write_samples(tmp_path / name, X, Y)
    X_read, Y_read = read_samples(tmp_path / name, exact=True)
    assert same(X_read, X)
    assert same(Y_read, Y)


@pytest.mark.parametrize("name", ["s.npz", "s.csv"])
def test_floats_beside_fractions_stay_what_they_are(tmp_path: Path, name: str) -> None:
    """0.1 in a .csv is a tenth, and the float 0.1 is not."""
    write_samples(tmp_path / name, np.array([[0.1]]), np.array([Fraction(1, 3)]))
    X, Y = read_samples(tmp_path / name, exact=True)
    assert X[0, 0] == Fraction(0.1) != Fraction(1, 10)
    assert Y[0, 0] == Fraction(1, 3)


@pytest.mark.parametrize(
    ("name", "labels"), [("s.npz", None), ("x.npy", "y.npy"), ("s.parquet", None)]
)
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint64, np.bool_])
def test_numbers_of_a_type_are_taken_at_their_word(
    tmp_path: Path, name: str, labels: str | None, kind: type[np.generic]
) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    X = np.array([[0.1, 2.0], [3.7, 1e15]]).astype(kind)
    second = labels and tmp_path / labels
    write_samples(tmp_path / name, X, X[:, :1], second)
    X_read, Y_read = read_samples(tmp_path / name, second, exact=True)
    assert same(X_read, as_fractions("X", X))
    assert same(Y_read, as_fractions("Y", X[:, :1]))


def test_text_of_any_kind_is_read_from_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", X=np.array([["1/3", "0.5"]]), Y=np.array([b"-2e1"]))
    np.save(tmp_path / "x.npy", np.array([["1/3", "0.5"]], dtype=">U9"))
    np.save(tmp_path / "y.npy", np.array([b"-2e1"]))
    for X, Y in (
        read_samples(tmp_path / "s.npz", exact=True),
        read_samples(tmp_path / "x.npy", tmp_path / "y.npy", exact=True),
    ):
        assert X.tolist() == [[Fraction(1, 3), Fraction(1, 2)]]
        assert Y.tolist() == [[Fraction(-20)]]


def test_csv_cells_at_their_word(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text('\ufeffx1,"y0" ,x0\r\n0.1, 1/3 ,-7\r\n\r\n"1e-3",6e0,4.\r\n', encoding="utf-8")
    X, Y = read_samples(path, exact=True)
    assert X.tolist() == [[-7, Fraction(1, 10)], [4, Fraction(1, 1000)]]
    assert Y.tolist() == [[Fraction(1, 3)], [6]]
    write_samples(path, X, Y)
    assert path.read_text() == "x0,x1,y0\n-7,1/10,1/3\n4,1/1000,6\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x0,y0\n1,1/0\n", "line 2, column y0: got '1/0', expected a denominator other than zero"),
        ("x0,y0\n1,2\n\n1e999999999,1\n", "line 4, column x0: got '1e999999999', expected powers"),
        ("x0,y0\nnan,1\n", "line 2, column x0: got 'nan', expected an integer, a decimal or"),
        ("x0,y0\n,1\n", "line 2, column x0: got"),
        ("x0,y0\n1,2,3\n", "line 2: got 3 cells, expected 2"),
        ("x0,y0\n", "a header and no samples"),
        ('x0,y0\n""\n', "got no samples"),
        ("x0,y0\n1," + "9" * 30_000 + "\n", "column y0: got '9{60}…', expected at most"),
        ("x0,y0\n1," + "9" * 200_000 + "\n", "s.csv: "),
        ("x0\n1\n", "column y0 is missing"),
    ],
)
def test_faults_in_exact_csv_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(content)
    with pytest.raises(FileError, match=message) as caught:
        read_samples(path, exact=True)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[np.nan]]), "X: got values that are not finite"),
        (np.array([["1/0"]]), r"X\[0, 0\]: got '1/0', expected a denominator"),
        (np.array([["１"]]), r"X\[0, 0\]: got other text than ASCII"),
        (np.frombuffer(b"\xff\xff\xff\x7f", dtype="<U1")[:, None], "got other text than ASCII"),
        (np.array([[1j]]), "X: got data of type complex128"),
        (np.array([[1]], dtype="M8[s]"), "X: got data of type datetime64"),
        (np.array([["1"], ["2"]]), "2 rows of X and 1 of Y"),
        (np.array("1"), r"X: got shape \(\)"),
    ],
)
def test_faults_in_exact_arrays_are_named(tmp_path: Path, X: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "s.npz", X=X, Y=np.array([[1]]))
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array([[1]]))
    for paths in (("s.npz",), ("x.npy", "y.npy")):
        with pytest.raises(FileError, match=message):
            read_samples(*(tmp_path / path for path in paths), exact=True)


def test_parquet_columns_at_their_word(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        "x0": arrow.array([Decimal("0.10"), Decimal("-2.00")], arrow.decimal128(5, 2)),
        "x1": arrow.array(["1/3", "1e2"]),
        "x2": arrow.array([1, 2**62]),
        "x3": arrow.array([0.1, 5e-324]),
        "x4": arrow.array(["7", "0.5"]).dictionary_encode(),
        "y0": arrow.array([True, False]),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "s.parquet")
    X, Y = read_samples(tmp_path / "s.parquet", exact=True)
    assert X[0].tolist() == [Fraction(1, 10), Fraction(1, 3), 1, Fraction(0.1), 7]
    assert X[1].tolist() == [-2, 100, 2**62, Fraction(1, 2**1074), Fraction(1, 2)]
    assert Y.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "values", [["1/0"], [None], [float("nan")], [[1]], [[1], [2]], [b"1"], [{"a": 1}]]
)
def test_parquet_columns_of_other_things(tmp_path: Path, values: list[object]) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "s.parquet"
    parquet.write_table(arrow.table({"x0": arrow.array(values), "y0": [1] * len(values)}), path)
    with pytest.raises(FileError, match=r"s\.parquet: column x0: got"):
        read_samples(path, exact=True)


def test_text_without_exact_says_how_to_read_it(tmp_path: Path) -> None:
    for name in ("s.npz", "s.csv"):
        write_samples(tmp_path / name, np.array([[Fraction(1, 3)]]), np.array([Fraction(2)]))
        with pytest.raises(FileError, match=r"got .*, expected .*--exact, reads fractions"):
            read_samples(tmp_path / name)
    (tmp_path / "s.csv").write_text("x0,y0\n1,four\n")
    with pytest.raises(FileError, match=r"got 'four', expected a number, true or false"):
        read_samples(tmp_path / "s.csv")


@pytest.mark.parametrize(("name", "labels"), [("x.npy", "y.npy"), ("s.parquet", None)])
def test_other_forms_keep_no_fractions(tmp_path: Path, name: str, labels: str | None) -> None:
    X = np.array([[Fraction(1, 3)]])
    with pytest.raises(FileError, match=r"keeps no fractions, expected one of .*npz"):
        write_samples(tmp_path / name, X, [1.0], labels and tmp_path / labels)
    assert not list(tmp_path.iterdir())


def test_objects_that_are_no_numbers_are_no_samples(tmp_path: Path) -> None:
    with pytest.raises(InputTypeError, match="X: got a NoneType, expected rational numbers"):
        write_samples(tmp_path / "s.npz", np.array([[None]]), np.array([1]))
    with pytest.raises(InputError, match="X: got nan"):
        write_samples(tmp_path / "s.csv", np.array([[float("nan")]], dtype=object), np.array([1]))
    assert not list(tmp_path.iterdir())


def test_a_small_file_stands_for_no_large_number() -> None:
    """The longest number that a text of a few characters stands for."""
    assert rational(f"1e{MOST_EXPONENT}").numerator.bit_length() < 4 * MOST_EXPONENT
