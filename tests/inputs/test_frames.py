"""Tables of pandas and pyarrow: every type of number, names, labels of rows, dates."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from unrelu import (
    InputError,
    InputTypeError,
    Network,
    Recovery,
    RectifiedNetworkRegressor,
    Status,
    assess,
    load_result,
    recover,
    solutions,
    verify,
    write_report,
)
from unrelu.cli import main
from unrelu.inputs.frames import tables

N = 300


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, N),
            "smoker": rng.random(N) > 0.5,
            "height": rng.normal(1.7, 0.1, N),
        }
    )


@pytest.fixture(scope="module")
def risk(frame: pd.DataFrame) -> pd.Series[float]:
    net = Network([[0.05, 0.5, 1.0], [-0.04, 0.0, 2.0]], [[1.0, -0.7]], [-4.0, -1.0], [0.5])
    noise = 0.05 * np.random.default_rng(1).standard_normal(N)
    return pd.Series(net(frame)[:, 0] + noise, name="risk")


@pytest.fixture(scope="module")
def found(frame: pd.DataFrame, risk: pd.Series[float]) -> Recovery:
    return recover(frame, risk, 2, noise="gaussian", rng=0)


def test_every_kind_of_column_gives_the_same(
    frame: pd.DataFrame, risk: pd.Series[float], found: Recovery
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    plain = recover(frame.to_numpy(float), risk.to_numpy(), 2, noise="gaussian", rng=0)
    assert plain.network == found.network
    assert plain.names.inputs == ()
    for table in (
        frame.convert_dtypes(),
        frame.convert_dtypes(dtype_backend="pyarrow"),
        frame.astype(object),
        frame.astype({"age": "Int16", "smoker": "boolean", "height": "Float64"}),
        frame.astype({"smoker": pd.SparseDtype(bool)}),
        pyarrow.Table.from_pandas(frame),
    ):
        result = recover(table, risk, 2, noise="gaussian", rng=0)
        assert result.network == found.network
        assert result.names.inputs == ("age", "smoker", "height")
        assert result.names.outputs == ("risk",)


def test_names_are_shown(
    frame: pd.DataFrame, risk: pd.Series[float], found: Recovery, tmp_path: Path
) -> None:
    assert found.uncertainty is not None
    for name in (*frame.columns, "risk"):
        assert name in str(found)
        assert name in str(found.uncertainty)
        assert name in found._repr_html_()
    lines = found.uncertainty.weights()
    assert {line["input"] for line in lines} == {*frame.columns, None}
    assert {line["output"] for line in lines} == {"risk", None}
    ages = [line for line in lines if line["input"] == "age"]
    assert [line["estimate"] for line in ages] == found.uncertainty.network.V[:, 0].tolist()
    assert all(line["low"] < line["estimate"] < line["high"] for line in ages)  # type: ignore[operator]
    assert len(lines) == 2 * (3 + 1 + 1) + 1
    write_report(found, frame, risk, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "from smoker" in page
    assert "to risk" in page
    found.save(tmp_path / "result.npz")
    assert load_result(tmp_path / "result.npz") == found


def test_names_of_many_columns_leave_the_table_out() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((200, 15))).add_prefix("input_number_")
    y = np.maximum(X.iloc[:, 0], 0) + 0.1 * rng.standard_normal(200)
    result = recover(X, y, 1, noise="gaussian", rng=0, throw=False)
    assert result.uncertainty is not None
    assert result.uncertainty.weight_rows() == []
    assert "input_number_11 and 3 more" in " ".join(str(result).split())


def test_predictions_want_the_same_columns(frame: pd.DataFrame, found: Recovery) -> None:
    assert found.uncertainty is not None
    stated = found.uncertainty.predict(frame)
    assert stated == found.uncertainty.predict(frame.to_numpy(float))
    assert found.network is not None
    assert np.array_equal(found.network(frame), stated.mean)
    with pytest.raises(InputError, match="expected age, smoker, height in this order"):
        found.uncertainty.predict(frame[["height", "age", "smoker"]])


def test_rows_of_the_same_label_belong_together(
    frame: pd.DataFrame, risk: pd.Series[float], found: Recovery
) -> None:
    order = np.random.default_rng(3).permutation(N)
    result = recover(frame, risk.iloc[order], 2, noise="gaussian", rng=0)
    assert result.network == found.network
    assert [remark.code for remark in result.names.remarks] == ["rows-aligned"]
    model = RectifiedNetworkRegressor(2, noise="gaussian", random_state=0)
    assert model.fit(frame, risk.iloc[order]).network_ == found.network
    # Where only one of them has labels, there are none to go by.
    with pytest.raises(InputError, match="got 300 and 295 rows"):
        recover(frame, risk.to_numpy()[5:])


def test_weights_of_rows_go_by_label(frame: pd.DataFrame, risk: pd.Series[float]) -> None:
    weights = pd.Series(np.linspace(1, 2, N)).astype("Float64")
    order = np.random.default_rng(3).permutation(N)
    results = [
        recover(frame, risk, 2, noise="gaussian", sample_weight=given, rng=0)
        for given in (weights, weights.iloc[order], weights.to_numpy(float))
    ]
    assert results[0] == dataclasses.replace(results[1], stats=results[0].stats)
    assert results[0].network == results[2].network
    assert results[0].names.inputs == ("age", "smoker", "height")
    with pytest.raises(InputError, match="sample_weight"):
        recover(frame, risk, sample_weight=weights.iloc[1:])


@pytest.mark.parametrize(
    "changed",
    [
        lambda y: y.iloc[5:],
        lambda y: y.set_axis(range(1, N + 1)),
        lambda y: y.set_axis([f"row {i}" for i in range(N)]),
        lambda y: y.set_axis([0] * N),
        lambda y: pd.concat([y, y]),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    frame: pd.DataFrame, risk: pd.Series[float], changed: Callable[[Any], Any]
) -> None:
    with pytest.raises(InputError):
        recover(frame, changed(risk))


def test_what_is_no_number_is_named(frame: pd.DataFrame, risk: pd.Series[float]) -> None:
    gap = frame.astype(object).copy()
    gap.loc[7, "age"] = None
    for table, error, words in (
        (
            frame.assign(height=frame.height.where(frame.index != 7)),
            InputError,
            r"height \(1\) of 300 rows",
        ),
        (gap, InputError, "column 'age': got no value in 1 row, first in row 7"),
        (gap.convert_dtypes(), InputError, "column 'age': got no value"),
        (frame.assign(kind="red"), InputTypeError, "column 'kind': got a str"),
        (frame.assign(kind=pd.Categorical([1, 2] * 150)), InputTypeError, "column 'kind'.*categor"),
        (frame.assign(kind=pd.Period("2024")), InputTypeError, "column 'kind'"),
        (frame.assign(kind=1j), InputTypeError, "column 'kind'.*complex128"),
    ):
        with pytest.raises(error, match=words):
            recover(table, risk)
    twice = frame.assign(twice=2 * frame.age)
    with pytest.raises(InputError, match=r"column (age|twice) is a linear"):
        recover(twice, risk, method="hyperplanes")
    reported = recover(twice, risk, rng=0, throw=False).certificate
    assert reported.code == "dependent-inputs"
    assert "column age of X" in reported.explanation or "column twice of X" in reported.explanation
    with pytest.raises(InputError, match="output risk"):
        recover(frame, risk - 100, noise="poisson")
    for use in (
        lambda: verify(Network([[1.0, 0, 0]], [[1.0]]), frame.assign(age="a"), risk),
        lambda: Network([[1.0, 0, 0]], [[1.0]])(frame.assign(age="a")),
        lambda: RectifiedNetworkRegressor().fit(frame.assign(age="a"), risk),
    ):
        with pytest.raises(InputTypeError, match="column 'age'"):
            use()


START = pd.date_range("2024-03-01", periods=N, freq="h")


@pytest.mark.parametrize(
    ("times", "code"),
    [
        (pd.Series(START, name="when"), "dates-as-seconds"),
        (pd.Series(START.tz_localize("UTC"), name="when"), "dates-as-seconds"),
        (pd.Series(START, name="when").astype("timestamp[us][pyarrow]"), "dates-as-seconds"),
        (pd.Series(START.to_pydatetime(), dtype=object, name="when"), "dates-as-seconds"),
        (pd.Series(START - START[0], name="when"), "durations-as-seconds"),
        ((START - START[0]).to_numpy()[:, None], "durations-as-seconds"),
    ],
)
def test_times_are_seconds(times: Any, code: str) -> None:
    hours = np.arange(N)
    result = recover(times, np.maximum(hours - 100.0, 0), 1, rng=0)
    assert [remark.code for remark in result.names.remarks] == [code]
    net = result.network
    assert net is not None
    zero = START[0].timestamp() if code == "dates-as-seconds" else 0.0
    # Of a time since 1970, float64 knows 2e-7 s.
    assert abs(-net.b[0] / net.V[0, 0] - zero - 3600 * 100) < 1e-2
    if isinstance(times, pd.Series):
        assert remark_in(result)
        model = RectifiedNetworkRegressor(1, random_state=0)
        model.fit(times.to_frame(), np.maximum(hours - 100.0, 0))
        assert model.network_ == net
        assert model.predict(times.to_frame()).shape == (N,)


def remark_in(result: Recovery) -> bool:
    return "seconds" in dict(result.rows())["remark"]


def test_times_in_other_units_and_without_value() -> None:
    days = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]")
    months = np.array(["2024-01", "2024-02"], dtype="datetime64[M]")
    for array, difference in ((days, 86400.0), (months, 31 * 86400.0)):
        X, _, _ = tables(array[:, None], [1.0, 2.0])
        assert np.diff(np.asarray(X), axis=0) == difference
    X, _, _ = tables(pd.DataFrame({"t": [datetime.timedelta(minutes=1)]}), [1], exact=True)
    assert np.asarray(X).tolist() == [[Fraction(60)]]
    with pytest.raises(InputError, match="NaT"):
        tables(np.array([["NaT"]], dtype="datetime64[s]"), [1.0])
    with pytest.raises(InputError, match="no value in 1 row"):
        tables(pd.DataFrame({"t": [pd.NaT, START[0]]}), [1.0, 2.0])
    with pytest.raises(InputTypeError, match="fixed length"):
        tables(np.array([[1]], dtype="timedelta64[Y]"), [1.0])


def test_frames_that_are_meant_exactly() -> None:
    X = pd.DataFrame({"a": range(-10, 10), "b": [Decimal("0.1"), Fraction(1, 3)] * 10})
    X["c"] = [True, False, False, True] * 5
    truth = Network(np.array([[1, -2, Fraction(1, 2)]]), [[3]])
    Y = pd.Series(truth(X)[:, 0], name="y")
    result = recover(X, Y, 1, bias=False, exact=True, rng=0, throw=False)
    assert result.network is not None
    assert (result.network(X)[:, 0] == Y).all()
    assert result.names.inputs == ("a", "b", "c")
    assert result.certificate.recheck(X, Y).n_samples == 20
    assert solutions(X, Y, 1).networks


def test_columns_numbered_or_on_levels() -> None:
    X = np.random.default_rng(0).standard_normal((50, 2))
    numbered, years = pd.DataFrame(X), pd.DataFrame(X, columns=[1990, 1991])
    levels = pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("left", "eye"), ("right", "eye")]))
    assert tables(numbered, X[:, 0])[2].inputs == ()
    assert tables(years, X[:, 0])[2].inputs == ("1990", "1991")
    assert tables(levels, X[:, 0])[2].inputs == ("left eye", "right eye")
    twice = pd.DataFrame(X, columns=["a", "a"])
    assert np.array_equal(np.asarray(tables(twice, X[:, 0])[0]), X)


def test_assessed_by_name(frame: pd.DataFrame, risk: pd.Series[float], found: Recovery) -> None:
    assert found.network is not None
    stated = assess(found.network, frame, risk, biased=True)
    assert stated.names.inputs == ("age", "smoker", "height")
    assert stated.weights()[0]["input"] == "age"


def test_columns_on_the_command_line(
    frame: pd.DataFrame, risk: pd.Series[float], tmp_path: Path
) -> None:
    table, net = tmp_path / "table.csv.gz", tmp_path / "net.npz"
    frame.assign(risk=risk, kind="red").astype({"smoker": int}).to_csv(table, sep=";", index=False)
    page = tmp_path / "page.html"
    columns = ["--x-columns", "age,smoker,hei*", "--y-columns", "risk"]
    options = ["--units", 2, "--noise", "gaussian", "--seed", 0, "--report", page]

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    reported = run("recover", table, "-o", net, *columns, *options)
    assert "age, smoker, height" in reported
    assert "from smoker" in page.read_text(encoding="utf-8")
    assert "risk" in run("recover", table, "-o", net, *columns, *options, "--json")
    run("report", net, table, "-o", page, *columns)
    assert "from smoker" in page.read_text(encoding="utf-8")
    refused = CliRunner().invoke(main, ["verify", str(net), str(table), *columns[2:]])
    assert refused.exit_code == 2
    assert "'red'" in refused.stderr
    reported = CliRunner().invoke(main, ["verify", str(net), str(table), *columns]).stdout
    assert Status.ESTIMATED.value in reported
