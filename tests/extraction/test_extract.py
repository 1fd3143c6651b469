"""extract(): networks found by asking, budgets, kills, and models that are no such network."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.command_line import run
from support.planting import plant
from support.servers import served, table

import unrelu
from unrelu import FileError, InputError, InputTypeError, Network, OracleError, RecoveryError

Array = NDArray[np.float64]

EXACT = 1e-12
"""Error of weights in float64: rounding, times condition numbers of a hundred or so."""


class Killed(Exception):
    pass


class Counting:
    """An oracle that remembers which queries it has answered, and dies before one of them."""

    def __init__(
        self,
        net: Network,
        dies_after: int | None = None,
        dies_of: type[BaseException] = Killed,
    ) -> None:
        self.net, self.left, self.dies_of = net, dies_after, dies_of
        self.seen: Counter[bytes] = Counter()

    def __call__(self, X: Array) -> Array:
        if self.left is not None:
            if len(X) > self.left:
                raise self.dies_of
            self.left -= len(X)
        self.seen.update(row.tobytes() for row in X)
        return self.net(X)


def small(seed: int = 0, m: int = 1) -> Network:
    return plant(6, 4, m, 1, seed=seed, bias=0.5).truth


def with_hidden(seed: int) -> Network:
    """Two of ten units are active on less than 0.1% of Gaussian queries: ‖v‖ = 1 and b < −3.1."""
    net = plant(20, 10, 1, 1, seed=seed, bias=0.5).truth
    b = net.b.copy()
    b[:2] = -3.5, -5.0
    return Network(net.V, net.U, b, net.c)


@pytest.mark.parametrize(
    ("d", "k", "m", "most"),
    [(20, 5, 1, 1000), (20, 20, 1, 5000), (20, 10, 3, 1500), (1, 4, 1, 1000)],
)
@pytest.mark.parametrize("seed", range(3))
def test_networks_are_found_to_the_last_digits(
    d: int, k: int, m: int, most: int, seed: int
) -> None:
    truth = plant(d, k, m, 1, seed=seed, bias=0.5).truth
    oracle = Counting(truth)
    result = unrelu.extract(oracle, d, budget=most, rng=seed)
    assert result.status == "exact"
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < EXACT
    assert result.certificate.n_fresh >= 30
    assert result.stats["queries"] == len(oracle.seen) <= most
    assert max(oracle.seen.values()) == 1


@pytest.mark.parametrize("seed", range(3))
def test_units_that_random_queries_never_see(seed: int) -> None:
    truth = with_hidden(seed)
    X = np.random.default_rng(seed).standard_normal((20_000, 20))
    assert (truth.preactivations(X) > 0).mean(axis=0).min() < 1e-3  # or there is nothing to find
    result = unrelu.extract(truth, 20, budget=50_000, rng=seed)
    assert result.network is not None
    assert result.network.n_units == 10
    assert unrelu.match(result.network, truth).max_error < EXACT


def test_a_unit_that_is_nearly_always_on() -> None:
    net = small()
    truth = Network(net.V, net.U, [*net.b[:-1], 8.0], net.c)
    result = unrelu.extract(truth, 6, rng=0)
    assert result.network is not None
    assert unrelu.match(result.network, truth).max_error < EXACT


def test_without_biases() -> None:
    net = small()
    truth = Network(net.V, net.U)
    result = unrelu.extract(truth, 6, bias=False, rng=0)
    assert result.network is not None
    assert not result.network.b.any()
    assert unrelu.match(result.network, truth).max_error < EXACT


@pytest.mark.parametrize("seed", range(2))
def test_float32_models_are_found_to_float32_rounding(seed: int) -> None:
    truth = plant(10, 5, 2, 1, seed=seed, bias=0.5).truth
    V, U, b, c = (value.astype(np.float32) for value in (truth.V, truth.U, truth.b, truth.c))

    def oracle(X: NDArray[Any]) -> NDArray[Any]:
        rounded = X.astype(np.float32)
        assert np.array_equal(rounded, X) or X.dtype == np.float64
        return np.asarray(np.maximum(rounded @ V.T + b, 0) @ U.T + c)

    result = unrelu.extract(oracle, 10, rng=seed)
    assert result.network is not None
    assert result.stats["single_precision"] == 1
    assert unrelu.match(result.network, Network(V, U, b, c)).max_error < 1e-5


def test_the_same_seed_asks_the_same_queries() -> None:
    asked = []
    for seed in (0, 0, 1):
        oracle = Counting(small())
        unrelu.extract(oracle, 6, rng=seed)
        asked.append(list(oracle.seen))
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]


def same(a: Network | None, b: Network | None) -> bool:
    assert a is not None
    assert b is not None
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in "VUbc")


def test_killed_at_random_moments_and_resumed(tmp_path: Path) -> None:
    """Ten kills in one extraction, and it ends as if nothing had happened."""
    truth, rng = with_hidden(0), np.random.default_rng(0)
    whole = unrelu.extract(truth, 20, batch=16, rng=5)
    oracle = Counting(truth)
    kills = 0
    while True:
        oracle.left = int(rng.integers(1, 200)) if kills < 10 else None
        try:
            resumed = unrelu.extract(oracle, 20, journal=tmp_path / "j", batch=16, rng=5)
        except Killed:
            kills += 1
            continue
        break
    assert kills == 10
    assert same(resumed.network, whole.network)
    assert resumed.stats["queries"] == whole.stats["queries"] == len(oracle.seen)
    assert max(oracle.seen.values()) == 1
    # Resumed once more, without a seed of its own: nothing is left to ask.
    again = unrelu.extract(Counting(truth, 0), 20, journal=tmp_path / "j", batch=16)
    assert same(again.network, whole.network)
    assert again.stats["new_queries"] == 0


def test_killed_for_good_and_resumed(tmp_path: Path) -> None:
    """A process that the system ends in the middle of an answer."""
    net, journal, answered = tmp_path / "net.npz", tmp_path / "j", tmp_path / "answered"
    unrelu.save(small(), net)
    code = f"""
import os, signal, sys
import unrelu
net = unrelu.load({str(net)!r})
count = 0
def oracle(X):
    global count
    count += len(X)
    if sys.argv[1] == "die" and count > 150:
        os.kill(os.getpid(), signal.SIGKILL)
    with open({str(answered)!r}, "ab") as file:
        for row in X:
            file.write(row.tobytes())
    return net(X)
result = unrelu.extract(oracle, 6, journal={str(journal)!r}, batch=10, rng=1)
print(result.stats["queries"], result.stats["new_queries"])
"""
    killed = subprocess.run([sys.executable, "-c", code, "die"], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert journal.read_bytes().count(b"\n") > 100
    resumed = subprocess.run(
        [sys.executable, "-c", code, "live"], capture_output=True, text=True, check=True
    )
    queries, new = map(int, resumed.stdout.split())
    rows = np.frombuffer(answered.read_bytes()).reshape(-1, 6)
    assert len(np.unique(rows, axis=0)) == len(rows) == queries
    assert new < queries - 100


def test_an_interruption_ends_with_what_was_found(tmp_path: Path) -> None:
    truth = small()
    whole = unrelu.extract(truth, 6, batch=16, rng=0)
    for after in (0, 20, 60, 150, 220):
        oracle = Counting(truth, after, KeyboardInterrupt)
        journal = tmp_path / f"{after}"
        if after == 0:  # no answer, no result
            with pytest.raises(KeyboardInterrupt):
                unrelu.extract(oracle, 6, batch=16, journal=journal, rng=0)
            continue
        result = unrelu.extract(oracle, 6, batch=16, journal=journal, rng=0, throw=False)
        assert result.code == "interrupted"
        assert result.network is not None
        assert result.stats["queries"] == len(oracle.seen)
        oracle.left = None
        resumed = unrelu.extract(oracle, 6, batch=16, journal=journal, rng=0)
        assert same(resumed.network, whole.network)
        assert max(oracle.seen.values()) == 1


def test_a_time_limit_ends_with_what_was_found(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    result = unrelu.extract(small(), 6, time_limit=1e-9, journal=journal, rng=0, throw=False)
    assert result.code == "time-limit"
    assert result.network is not None
    assert unrelu.extract(small(), 6, journal=journal, rng=0).status == "exact"
    with pytest.raises(InputError, match="time_limit"):
        unrelu.extract(small(), 6, time_limit=0.0)


def test_progress() -> None:
    shown: list[unrelu.Progress] = []
    counts: list[int] = []
    result = unrelu.extract(small(), 6, rng=0, progress=shown.append, report=counts.append)
    assert [each.queries for each in shown] == counts == sorted(counts)
    assert counts[-1] == result.stats["queries"]
    assert shown[-1].units == 4
    assert all(0 <= each.queries <= each.budget for each in shown)
    stages = {name: n for name, n in result.stats.items() if name.startswith("queries for ")}
    assert sum(map(int, stages.values())) == counts[-1]
    assert {f"queries for {each.stage}" for each in shown} == set(stages)


def test_a_larger_budget_continues(tmp_path: Path) -> None:
    oracle = Counting(small())
    with pytest.raises(RecoveryError) as caught:
        unrelu.extract(oracle, 6, budget=100, journal=tmp_path / "j", rng=0)
    assert caught.value.result.code == "budget-spent"
    assert len(oracle.seen) <= 100
    result = unrelu.extract(oracle, 6, journal=tmp_path / "j", rng=0)
    assert result.status == "exact"
    assert max(oracle.seen.values()) == 1
    assert result.stats["queries"] == len(oracle.seen)


def test_the_only_network_of_random_queries_is_not_exact_before_a_line_was_searched() -> None:
    """The model may have units that no random query shows."""
    rng = np.random.default_rng(0)
    V, U, b, c = (rng.standard_normal(shape) for shape in ((2, 4), (2, 2), 2, 2))
    truth = Network(V, U, b, c)
    results = [unrelu.extract(truth, 4, budget=n, rng=0, throw=False) for n in (60, 5000)]
    assert (results[0].status, results[0].code) == ("undetermined", "no-lines")
    assert results[0].certificate.status == results[1].status == "exact"
    assert results[1].network is not None
    assert unrelu.match(results[1].network, truth).max_error < 1e-9


@pytest.mark.parametrize("budget", [16, 17, 40, 77, 130, 190, 250])
def test_no_budget_is_exceeded(budget: int) -> None:
    oracle = Counting(small())
    result = unrelu.extract(oracle, 6, budget=budget, rng=0, throw=False)
    assert len(oracle.seen) <= budget
    assert (result.status == "exact") == (budget == 250)
    if result.status.certain:
        assert result.certificate.n_fresh > 0


@pytest.mark.parametrize(
    "function",
    [
        lambda X: np.tanh(X).sum(axis=1),
        lambda X: np.maximum(np.maximum(X, 0) @ np.ones((4, 3)) - np.arange(3), 0).sum(axis=1),
        lambda X: (X.sum(axis=1) > 0).astype(float),
        pytest.param(lambda X: np.maximum(X, 0).sum(axis=1) ** 2, marks=pytest.mark.study),
        lambda X: np.maximum(X, 0).sum(axis=1) + X[:, 0],
        lambda X: X[:, 0],
    ],
)
def test_other_functions_are_never_called_exact(function: Any) -> None:
    result = unrelu.extract(function, 4, budget=1500, rng=0, throw=False)
    assert result.status in ("failed", "undetermined")


@pytest.mark.parametrize(("edge", "step"), [(4.5, 1.0), (30.0, 1.0), (4.5, 1e-7)])
def test_answers_on_lines_that_contradict_the_network_are_told(edge: float, step: float) -> None:
    """A model that is a network where random queries fall, and something else further out."""
    truth = small()

    def oracle(X: Array) -> Array:
        return np.asarray(truth(X) + step * (np.abs(X[:, :1]) > edge))

    result = unrelu.extract(oracle, 6, budget=5000, rng=0, throw=False)
    assert result.status == "failed"
    assert result.code == "lines-contradict"
    if edge > 10:  # it is what it seems within the reach
        result = unrelu.extract(oracle, 6, budget=5000, reach=0.02, rng=0, throw=False)
        assert result.status == "exact"


def test_noisy_answers_leave_an_estimate_at_best() -> None:
    truth, rng = small(), np.random.default_rng(0)

    def noisy(X: Array) -> Array:
        return truth(X) + 0.05 * rng.standard_normal((len(X), 1))

    result = unrelu.extract(noisy, 6, budget=2000, rng=0, throw=False)
    assert result.status in ("estimated", "undetermined", "failed")
    if result.status == "estimated":
        assert result.stderr is not None
        assert result.certificate.n_fresh >= 30


def test_number_of_units_told_wrongly() -> None:
    assert unrelu.extract(small(), 6, n_units=3, rng=0, throw=False).status == "failed"
    assert unrelu.extract(small(), 6, n_units=5, rng=0, throw=False).status == "undetermined"


@pytest.mark.parametrize(
    ("error", "arguments", "said"),
    [
        (InputTypeError, {"oracle": 3}, "expected a callable"),
        (InputTypeError, {"n_inputs": 2.0}, "expected a whole number"),
        (InputError, {"n_inputs": 0}, "expected 1 or more"),
        (InputError, {"budget": 15}, "expected 16 or more for 6 inputs"),
        (InputError, {"scale": 0.0}, "expected a positive number"),
        (InputError, {"scale": float("nan")}, "expected a positive number"),
        (InputError, {"batch": 0}, "expected 1 or more"),
        (InputError, {"rng": -1}, "non-negative"),
        (InputError, {"n_units": 0}, "expected 1 or more"),
        (OracleError, {"oracle": lambda X: X[:1]}, "got shape"),
        (OracleError, {"oracle": lambda X: np.full(len(X), np.nan)}, "expected finite"),
    ],
)
def test_wrong_use(error: type[Exception], arguments: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"oracle": small(), "n_inputs": 6, "rng": 0}
    with pytest.raises(error, match=said):
        unrelu.extract(**(given | arguments))


def test_a_journal_of_other_settings_is_refused(tmp_path: Path) -> None:
    unrelu.extract(small(), 6, journal=tmp_path / "j", rng=0)
    with pytest.raises(FileError, match="with seed = 0, expected 1"):
        unrelu.extract(small(), 6, journal=tmp_path / "j", rng=1)
    with pytest.raises(FileError, match="with scale"):
        unrelu.extract(small(), 6, journal=tmp_path / "j", scale=2.0)


# The command.


def recovered(path: Path, truth: Network) -> bool:
    return unrelu.match(unrelu.load(path), truth).max_error < EXACT


def test_the_command_asks_a_network_file(tmp_path: Path) -> None:
    unrelu.save(small(), tmp_path / "net.npz")
    out = tmp_path / "out.npz"
    done = run(
        "extract",
        tmp_path / "net.npz",
        "-o",
        out,
        "--seed",
        1,
        "--journal",
        tmp_path / "j",
        "--json",
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["status"] == "exact"
    assert told["stats"]["queries"] == (tmp_path / "j").read_bytes().count(b"\n") - 1
    assert recovered(out, small())


def test_the_command_asks_an_address(tmp_path: Path) -> None:
    def answer(body: bytes) -> Any:
        return table(small()(np.array(json.loads(body))))

    with served(answer) as (address, seen):
        done = run("extract", address, "-o", tmp_path / "out.npz", "--inputs", 6, "--seed", 1)
    assert done.exit_code == 0, done.output
    assert recovered(tmp_path / "out.npz", small())
    assert 10 < len(seen) < 100


def test_the_command_asks_a_program(tmp_path: Path) -> None:
    net = small()
    units = [net.V.tolist(), net.b.tolist(), net.U.tolist(), net.c.tolist()]
    code = f"""  # without NumPy, which takes longer to import than the answers
import sys
V, b, U, c = {units!r}
for line in sys.stdin:
    x = [float(entry) for entry in line.split(",")]
    h = [max(sum(map(float.__mul__, v, x)) + a, 0.0) for v, a in zip(V, b)]
    print(*(repr(sum(map(float.__mul__, u, h)) + a) for u, a in zip(U, c)))
"""
    (tmp_path / "ask.py").write_text(code.lstrip(), encoding="utf-8")
    program = f"'{sys.executable}' '{tmp_path / 'ask.py'}'"
    done = run(
        "extract", "--program", program, "-o", tmp_path / "out.npz", "--inputs", 6, "--seed", 1
    )
    assert done.exit_code == 0, done.output
    assert recovered(tmp_path / "out.npz", small())


def test_the_command_asks_an_onnx_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    truth = small(m=2)
    arrays = {"V": truth.V, "b": truth.b, "U": truth.U, "c": truth.c}
    double = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Gemm", ["x", "V", "b"], ["z"], transB=1),
            onnx.helper.make_node("Relu", ["z"], ["f"]),
            onnx.helper.make_node("Gemm", ["f", "U", "c"], ["y"], transB=1),
        ],
        "net",
        [onnx.helper.make_tensor_value_info("x", double, ["n", 6])],
        [onnx.helper.make_tensor_value_info("y", double, ["n", 2])],
        [onnx.numpy_helper.from_array(np.array(a), name) for name, a in arrays.items()],
    )
    opset = onnx.helper.make_opsetid("", 17)
    made = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.save(made, str(tmp_path / "net.onnx"))
    done = run("extract", tmp_path / "net.onnx", "-o", tmp_path / "out.npz", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert recovered(tmp_path / "out.npz", truth)


def test_the_command_marks_what_it_did_not_recover(tmp_path: Path) -> None:
    unrelu.save(small(), tmp_path / "net.npz")
    done = run(
        "extract", tmp_path / "net.npz", "-o", tmp_path / "out.npz", "--budget", 60, "--seed", 1
    )
    assert done.exit_code == 1
    assert "the budget is 60 queries" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "MODEL or a --program"),
        (["net.npz", "--program", "x"], "MODEL or a --program"),
        (["--program", "x"], "--inputs: got nothing"),
        (["model.txt", "--inputs", "3"], "model.txt"),
        (["ftp://there", "--inputs", "3"], "expected http"),
        (["missing.npz"], "missing.npz"),
    ],
)
def test_wrong_use_of_the_command(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run("extract", *arguments, "-o", tmp_path / "out.npz")
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_command_writes_what_it_found_when_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = Counting(small(), 100, KeyboardInterrupt)
    monkeypatch.setattr("unrelu.commands.extract._opened", lambda *_: (oracle, 6))
    done = run("extract", "any.npz", "-o", tmp_path / "out.npz", "--seed", 1, "--batch", 16)
    assert done.exit_code == 130
    assert (tmp_path / "out.npz").exists()
