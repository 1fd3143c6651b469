"""The transports and the journal, with everything that can go wrong between two machines."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.servers import Reply, served, table

import unrelu
from unrelu.cli import main
from unrelu.errors import FileError, InputError, OracleError
from unrelu.extraction.journal import Journal, key_of, seed_of
from unrelu.extraction.queries import BudgetSpent, Queries, checked
from unrelu.oracles.onnx_file import open_onnx
from unrelu.oracles.program import Program
from unrelu.oracles.web import WebModel

Array = NDArray[np.float64]

X = np.array([[0.1, 1 / 3], [-2.5e-7, 4.0], [1.0, -1e5]])
SUMS = X.sum(axis=1, keepdims=True)


def sums(body: bytes) -> Reply:
    return table(np.array(json.loads(body)).sum(axis=1, keepdims=True))


def model(address: str, **options: Any) -> tuple[WebModel, list[float]]:
    """Waits are written down instead of waited for."""
    waits: list[float] = []
    return WebModel(address, sleep=waits.append, **options), waits


def fails(status: int, **headers: str) -> Callable[[bytes], Reply]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, named, b"no")


def test_numbers_survive_the_way_to_a_server_and_back() -> None:
    with served(lambda body: table(np.array(json.loads(body)))) as (address, _):
        ask, _ = model(address)
        assert np.array_equal(np.array(ask(X)), X)
        single: NDArray[Any] = X.astype(np.float32)
        assert np.array_equal(np.array(ask(single)), single)


def test_passing_failures_are_tried_again_and_waits_double() -> None:
    with served(fails(503), fails(500), fails(429), sums) as (address, seen):
        ask, waits = model(address)
        assert np.allclose(ask(X), SUMS)
    assert len(seen) == 4
    assert waits == [0.5, 1.0, 2.0]


def test_a_server_that_names_its_wait_gets_it() -> None:
    with served(fails(429, Retry_After="7"), sums) as (address, _):
        ask, waits = model(address)
        assert np.allclose(ask(X), SUMS)
    assert waits == [7.0]
    date = "Thu, 01 Jan 1970 00:00:00 GMT"  # long over
    with served(fails(503, Retry_After=date), fails(503, Retry_After="soon"), sums) as (address, _):
        ask, waits = model(address)
        ask(X)
    assert waits == [0.0, 1.0]


def test_a_wait_of_a_day_is_a_refusal() -> None:
    with served(fails(429, Retry_After="86400")) as (address, _):
        ask, waits = model(address)
        with pytest.raises(OracleError, match="asks to wait 86400 seconds"):
            ask(X)
    assert waits == []


def test_lasting_failures_are_not_tried_again() -> None:
    with served(fails(404)) as (address, seen):
        ask, _ = model(address)
        with pytest.raises(OracleError, match="status 404"):
            ask(X)
    assert len(seen) == 1


def test_retries_come_to_an_end() -> None:
    with served(fails(503)) as (address, seen):
        ask, waits = model(address, retries=3)
        with pytest.raises(OracleError, match=r"status 503.*after 4 attempts"):
            ask(X)
    assert len(seen) == 4
    assert len(waits) == 3


def test_no_server() -> None:
    with served(sums) as (address, _):
        pass
    ask, _ = model(address, retries=1)
    with pytest.raises(OracleError, match="no answer"):
        ask(X)


def test_a_server_that_never_answers_times_out() -> None:
    held = threading.Event()

    def hold(body: bytes) -> Reply:
        held.wait(30)
        return sums(body)

    with served(hold) as (address, _):
        ask, _ = model(address, timeout=0.05, retries=1)
        try:
            with pytest.raises(OracleError, match=r"timed out.*after 2 attempts"):
                ask(X)
        finally:
            held.set()


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    def torn(_: bytes) -> Reply:
        return 200, {"Content-Length": "1000"}, b"[[1.0"

    with served(torn, sums) as (address, seen):
        ask, waits = model(address)
        assert np.allclose(ask(X), SUMS)
    assert len(seen) == 2
    assert waits == [0.5]


def test_an_answer_that_takes_too_long_in_all_times_out() -> None:
    ticks = count(step=10)
    with served(sums) as (address, _):
        ask, _ = model(address, timeout=5.0, retries=1, clock=lambda: float(next(ticks)))
        with pytest.raises(OracleError, match=r"timed out.*after 2 attempts"):
            ask(X)


@pytest.mark.parametrize("status", [302, 307])
def test_redirections_are_not_followed_but_reported(status: int) -> None:
    with served(fails(status, Location="/there"), sums) as (address, seen):
        ask, _ = model(address)
        with pytest.raises(OracleError, match="give the address /there itself"):
            ask(X)
    assert len(seen) == 1


def test_requests_keep_their_distance() -> None:
    now = [0.0]
    with served(sums) as (address, _):
        ask = WebModel(
            address,
            per_second=4,
            sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
            clock=lambda: now[0],
        )
        for _ in range(5):
            ask(X)
    assert now[0] == 1.0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", b'{"outputs": [1]}', b"3", b"[" * 9999]
)
def test_answers_that_are_no_array(body: bytes) -> None:
    with served(lambda _: (200, {}, body)) as (address, _):
        ask, _ = model(address)
        with pytest.raises(OracleError, match="expected"):
            ask(X)


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        ([[1.0], [2.0]], "got shape"),
        ([[1.0], [2.0], []], "ragged"),
        ([[], [], []], "got shape"),
        ([[[1.0]], [[2.0]], [[3.0]]], "got shape"),
        ([["a"], ["b"], ["c"]], "data of type"),
        ([[None], [1.0], [2.0]], "data of type"),
        ([[1.0], [float("nan")], [2.0]], "got nan for query 1, output 0"),
        ([[1.0], [float("-inf")], [2.0]], "got -inf"),
        ([[1.0], [1e40], [2.0]], "got 1e"),
    ],
)
def test_answers_of_the_wrong_kind(answer: Any, reported: str) -> None:
    with served(lambda _: (200, {}, json.dumps(answer).encode())) as (address, _):
        ask, _ = model(address)
        with pytest.raises(OracleError, match=reported):
            Queries(ask, 2, budget=10, batch=10)(X)


def test_one_output_may_come_without_brackets_and_their_number_may_not_change() -> None:
    assert checked([1.0, 2.0], 2, None).shape == (2, 1)
    with pytest.raises(OracleError, match=r"expected \(2, 3\)"):
        checked([1.0, 2.0], 2, 3)


@pytest.mark.parametrize("address", ["ftp://there", "there", "file:///etc/passwd"])
def test_addresses_are_of_the_web(address: str) -> None:
    with pytest.raises(InputError, match="expected http"):
        WebModel(address)


# What servers want, and how they answer.

ROWS = [[0.5], [1.5], [2.5]]
TENSOR = {"name": "y", "shape": [3, 1], "datatype": "FP64", "data": [0.5, 1.5, 2.5]}


@pytest.mark.parametrize(
    "answer",
    [
        ROWS,
        [0.5, 1.5, 2.5],
        {"predictions": ROWS},
        {"predictions": [0.5, 1.5, 2.5], "model": "net", "took": 0.1},
        {"outputs": {"y": ROWS}},
        {"outputs": [TENSOR], "model_name": "net"},
        {"predictions": [{"y": [0.5]}, {"y": [1.5]}, {"y": [2.5]}]},
        [{"y": 0.5}, {"y": 1.5}, {"y": 2.5}],
        {"data": {"names": ["y"], "ndarray": ROWS}, "meta": {}},
        {"result": {"outputs": ROWS, "ids": ["a", "b", "c"]}},
    ],
)
def test_answers_in_objects_are_understood(answer: Any) -> None:
    with served(lambda _: (200, {}, json.dumps(answer).encode())) as (address, _):
        ask, _ = model(address)
        got = np.array(ask(X), dtype=float).reshape(3, -1)
        assert np.array_equal(got, ROWS)


@pytest.mark.parametrize(
    "answer",
    [
        {"labels": [0, 1, 1], "scores": ROWS},
        {"predictions": [{"a": 1, "b": 2}] * 3},
        {"predictions": ROWS[:2]},
        {"error": "no such model"},
        {},
        "fine",
        None,
        {"outputs": [TENSOR | {"shape": [7, 2]}]},
    ],
)
def test_answers_that_do_not_say_where_the_rows_are(answer: Any) -> None:
    with served(lambda _: (200, {}, json.dumps(answer).encode())) as (address, _):
        ask, _ = model(address)
        with pytest.raises(OracleError) as caught:
            ask(X)
    reported = str(caught.value)
    assert "--json-path" in reported
    for key in answer if isinstance(answer, dict) else ():
        assert key in reported


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("scores", {"labels": [0, 1, 1], "scores": ROWS}),
        ("$.outputs[1].data", {"outputs": [{"data": [1]}, {"data": ROWS}]}),
        ("predictions.*.b", {"predictions": [{"a": 9, "b": row} for row in ROWS]}),
        ("predictions[*].b[0]", {"predictions": [{"a": 9, "b": [row, 9]} for row in ROWS]}),
        ("0.y", [{"y": ROWS}]),
        ("a b.1", {"a b": {"1": ROWS}}),
    ],
)
def test_a_path_leads_to_the_rows(path: str, answer: Any) -> None:
    with served(lambda _: (200, {}, json.dumps(answer).encode())) as (address, _):
        ask, _ = model(address, json_path=path)
        assert np.array_equal(ask(X), ROWS)
        wrong, _ = model(address, json_path=f"{path}.nowhere")
        with pytest.raises(OracleError, match="nowhere"):
            wrong(X)


@pytest.mark.parametrize("path", ["a..b", "a[", "a]b", "[-1]", ".", "a[b]"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(InputError, match="json_path"):
        WebModel("http://127.0.0.1/", json_path=path)


def test_a_single_query_may_be_answered_without_a_list_around() -> None:
    for answer, expected in (
        ({"y": [0.5]}, [[0.5]]),
        ({"y": 0.5}, [[0.5]]),
        ({"y": [0.5, 1.5]}, [[0.5, 1.5]]),
        ({"y": [[0.5, 1.5]]}, [[0.5, 1.5]]),
    ):
        body = json.dumps(answer).encode()
        with served(lambda _, body=body: (200, {}, body)) as (address, _):  # type: ignore[misc]
            ask, _ = model(address, json_path="y")
            got = Queries(ask, 2, budget=1, batch=1)(X[:1])[1]
            assert np.array_equal(got, expected)


def test_queries_are_sent_under_a_key_and_with_headers() -> None:
    with served(lambda body: table(np.array(json.loads(body)["instances"]))) as (address, seen):
        ask, _ = model(address, request_key="instances", headers={"Authorization": "Bearer s3cret"})
        assert np.array_equal(np.array(ask(X)), X)
        assert "s3cret" not in repr(ask)
    assert list(json.loads(seen[0])) == ["instances"]


@pytest.mark.parametrize(
    ("name", "value"), [("A\nB", "x"), ("A", "x\r\nB: y"), ("", "x"), ("A b", "x"), ("A", "→")]
)
def test_headers_that_are_none_and_secrets_that_stay_so(name: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        WebModel(
            "http://127.0.0.1/",
            headers={name: f"s3cret{value}"} if value == "→" or "\n" in value else {name: value},
        )
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "reported"),
    [
        (401, b'{"detail": "Not authenticated"}', "Not authenticated"),
        (
            403,
            b"<html><style>p {}</style><p>Forbidden for <b>you</b></p></html>",
            "Forbidden for you",
        ),
        (
            422,
            b'{"detail": [{"loc": ["body", "rows"], "msg": "field required", "type": "missing"}]}',
            "body.rows: field required",
        ),
        (400, b'{"error": {"message": "expected 3\\ncolumns"}}', "expected 3 columns"),
        (404, b"Servable not found", "Servable not found"),
        (415, b'{"code": 7}', '"code": 7'),
        (500, b'{"error": "\x1b[31mboom"}', "boom"),
        (422, b"\xff\xfe", "status 422"),
        (422, b"", "status 422"),
    ],
)
def test_errors_carry_the_servers_own_words(status: int, body: bytes, reported: str) -> None:
    with served(lambda _: (status, {}, body)) as (address, _):
        ask, _ = model(address, retries=0)
        with pytest.raises(OracleError) as caught:
            ask(X)
    message = str(caught.value)
    assert reported in message
    assert f"status {status}" in message
    assert "\x1b" not in message
    assert ("--header" in message) == (status in (401, 403))
    assert ("--request-key" in message) == (status in (400, 415, 422))


def test_a_server_cannot_fill_the_screen() -> None:
    with served(lambda _: (422, {}, json.dumps({"detail": "x" * 10**6}).encode())) as (address, _):
        ask, _ = model(address)
        with pytest.raises(OracleError) as caught:
            ask(X)
    assert len(str(caught.value)) < 1000


def test_the_command_asks_with_headers_keys_and_paths(tmp_path: Path) -> None:
    net = unrelu.Network([[1.0, -0.5], [0.25, 2.0]], [[1.0, -1.0]], [0.3, -0.2])

    def answer(body: bytes) -> Reply:
        rows = np.array(json.loads(body)["instances"], dtype=float)
        reported = {"took": 1, "outputs": [{"y": net(rows).tolist()}, {"y": rows.tolist()}]}
        return 200, {}, json.dumps(reported).encode()

    out = str(tmp_path / "net.npz")
    with served(answer) as (address, _):
        options = ["--header", "X-Key: s3cret", "--request-key", "instances"]
        options += ["--json-path", "outputs[0].y", "--inputs", "2", "--seed", "0"]
        done = CliRunner().invoke(main, ["extract", address, "-o", out, *options])
    assert done.exit_code == 0, done.output
    assert unrelu.match(unrelu.load(out), net).max_error < 1e-12
    for options in (["--header", "no colon"], ["--json-path", "a..b"]):
        done = CliRunner().invoke(main, ["extract", address, "-o", out, *options, "--inputs", "2"])
        assert done.exit_code == 2
    for options in (["--header", "A: b"], ["--json-path", "a"], ["--request-key", "a"]):
        done = CliRunner().invoke(main, ["extract", out, "-o", str(tmp_path / "b.npz"), *options])
        assert done.exit_code == 2


def test_the_oracles_are_public() -> None:
    for name in unrelu.oracles.__all__:
        assert getattr(unrelu.oracles, name).__doc__
    with pytest.raises(AttributeError):
        unrelu.oracles.nothing  # noqa: B018


# Programs.


def program(code: str, **options: Any) -> Program:
    return Program.of([sys.executable, "-c", "import sys, time\n" + code], **options)


SUM_LINES = "print(sum(map(float, line.split(','))))"


@pytest.mark.parametrize(
    "code",
    [
        f"for line in sys.stdin: {SUM_LINES}",
        f"for line in sys.stdin.readlines(): {SUM_LINES}",
        f"for line in sys.stdin: {SUM_LINES}; sys.stdout.flush()",
    ],
)
def test_programs_may_answer_at_once_or_at_the_end(code: str) -> None:
    assert np.array_equal(program(code)(X), SUMS)


def test_a_program_may_write_more_than_a_pipe_holds() -> None:
    many = np.tile(X, (20_000, 1))
    assert len(program("for line in sys.stdin: print(line, end='')")(many)) == len(many)


@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("sys.exit('went wrong')", "ended with code 1: went wrong"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with code -9"),
        ("print('1.0')", "got 1 line for 3 queries"),
        ("print('y0'); [print(1) for line in sys.stdin]", "got 4 lines for 3 queries"),
        ("[print('one') for line in sys.stdin]", "got 'one', expected numbers"),
        ("[print('1;2') for line in sys.stdin]", "expected numbers"),
        ("sys.stdout.buffer.write(b'\\xff\\n' * 3)", "expected numbers"),
    ],
)
def test_programs_that_fail(code: str, reported: str) -> None:
    with pytest.raises(OracleError, match=reported):
        program(code)(X)


def test_a_stuck_program_is_ended() -> None:
    with pytest.raises(OracleError, match=r"did not end within 0\.2 seconds"):
        program("sys.stdin.read(); time.sleep(600)", timeout=0.2)(X)


def test_programs_that_are_none() -> None:
    with pytest.raises(OracleError, match="cannot be started"):
        Program.of("no-such-program-anywhere")(X)
    with pytest.raises(InputError, match="got nothing"):
        Program.of("")
    with pytest.raises(InputError, match="No closing quotation"):
        Program.of("python '")


# ONNX files.


def onnx_sum(path: Path, shape: list[Any], elem: str = "FLOAT") -> Path:
    """Sums over all but the first axis."""
    onnx = pytest.importorskip("onnx")
    kind = getattr(onnx.TensorProto, elem)
    axes = onnx.helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [1])
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Flatten", ["x"], ["flat"]),
            onnx.helper.make_node("ReduceSum", ["flat", "axes"], ["y"]),
        ],
        "sum",
        [onnx.helper.make_tensor_value_info("x", kind, shape)],
        [onnx.helper.make_tensor_value_info("y", kind, [shape[0], 1])],
        [axes],
    )
    made = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(made, str(path))
    return path


@pytest.mark.parametrize("shape", [["n", 2], [1, 2], [2, 2], ["n", 1, 2, 1], ["n", "d"]])
def test_onnx_inputs_of_any_shape_and_batch(tmp_path: Path, shape: list[Any]) -> None:
    pytest.importorskip("onnxruntime")
    opened = open_onnx(onnx_sum(tmp_path / "sum.onnx", shape, "DOUBLE"))
    assert opened.n_inputs == (None if "d" in shape else 2)
    assert np.allclose(opened(X), SUMS, rtol=1e-15)


def test_onnx_files_that_cannot_be_asked(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "no.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(FileError, match="cannot be run"):
        open_onnx(tmp_path / "no.onnx")
    with pytest.raises(FileError, match="no such file"):
        open_onnx(tmp_path / "missing.onnx")
    with pytest.raises(FileError, match=r"takes tensor\(int64\)"):
        open_onnx(onnx_sum(tmp_path / "int.onnx", ["n", 2], "INT64"))
    opened = open_onnx(onnx_sum(tmp_path / "sum.onnx", ["n", 3]))
    with pytest.raises(OracleError, match=r"sum\.onnx"):
        opened(X)


# Queries and the journal.

SETTINGS = {"n_inputs": 2, "seed": 3}


def test_nothing_is_asked_twice_and_the_budget_holds() -> None:
    seen: list[Array] = []

    def oracle(rows: Array) -> Array:
        seen.append(rows)
        return np.asarray(rows.sum(axis=1))

    ask = Queries(oracle, 2, budget=4, batch=2)
    got, Y = ask(np.vstack([X, X[:1]]))
    assert np.array_equal(Y[:3], SUMS)
    assert np.array_equal(got[3], got[0])
    assert [len(rows) for rows in seen] == [2, 1]
    ask(X)
    assert (ask.asked, ask.left, ask.rounds) == (3, 1, 1)
    with pytest.raises(BudgetSpent):
        ask(X + 1)
    assert len(seen) == 2


def test_oracles_may_spoil_their_inputs() -> None:
    def oracle(rows: Array) -> Array:
        rows *= 0
        return np.ones(len(rows))

    given = X.copy()
    Queries(oracle, 2, budget=9, batch=9)(given)
    assert np.array_equal(given, X)


def keys(rows: Array) -> list[str]:
    return [key_of(row) for row in rows]


def test_a_journal_gives_back_every_bit(tmp_path: Path) -> None:
    Y = np.array([[0.1, -0.0], [1 / 3, 5e-324], [1e300, -7.0]])
    journal = Journal(tmp_path / "j", SETTINGS)
    journal.add(keys(X), Y)
    journal.close()
    again = Journal(tmp_path / "j", SETTINGS)
    assert np.array_equal([again.answers[key] for key in keys(X)], Y)
    assert key_of(np.array([0.0])) == key_of(np.array([-0.0]))
    assert key_of(np.array([0.1])) != key_of(np.array([np.nextafter(0.1, 1)]))
    again.close()
    assert seed_of(tmp_path / "j") == 3
    assert seed_of(tmp_path / "none") is None


def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, SETTINGS)
    journal.add(keys(X), SUMS)
    journal.close()
    whole = path.read_bytes()
    ends = [place for place, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        again = Journal(path, SETTINGS)
        assert len(again.answers) == max(0, sum(end <= cut for end in ends) - 1)
        again.add(keys(X), SUMS)
        again.close()
        final = Journal(path, SETTINGS)
        assert np.array_equal([final.answers[key] for key in keys(X)], SUMS)
        final.close()


def test_other_peoples_journals_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path, SETTINGS).close()
    with pytest.raises(FileError, match="with seed = 3, expected 4"):
        Journal(path, {"n_inputs": 2, "seed": 4})
    for content in (b"x0,y0\n1,2\n", b"[]\n", b"\xff\n", b'{"unrelu journal": 99}\n'):
        path.write_bytes(content)
        with pytest.raises(FileError, match="not the journal"):
            Journal(path, SETTINGS)
        assert path.read_bytes() == content
    with pytest.raises(FileError, match="cannot be written"):
        Journal(tmp_path / "no folder" / "j", SETTINGS)


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b'["key", NaN]\n', b'["key", ["a"]]\n', b"[1, 2]\n"]
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "j"
    Journal(path, SETTINGS).close()
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(FileError, match="line 2: got no answer"):
        Journal(path, SETTINGS)


def test_two_extractions_cannot_share_a_journal(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    first = Journal(tmp_path / "j", SETTINGS)
    with pytest.raises(FileError, match="another extraction"):
        Journal(tmp_path / "j", SETTINGS)
    first.close()
    Journal(tmp_path / "j", SETTINGS).close()
