"""How finely labels are known is read off them, and they are judged at that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.planting import plant

from unrelu import Network, Status, extract, match, recover, save, verify
from unrelu.cli import main
from unrelu.numerics.precision import DOUBLE, precision_of, read_off
from unrelu.samples import Samples

Array = NDArray[np.float64]


def labels(seed: int = 0, n: int = 400) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal((n, 3)) * [0.1, 1.0, 10.0])


def as_text(values: NDArray[np.floating]) -> Array:
    return np.array([[float(str(value)) for value in row] for row in values])


def bfloat16(values: Array) -> Array:
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_short_floats_are_told_from_their_values(kind: type[np.floating]) -> None:
    short = labels().astype(kind)
    name, eps = np.dtype(kind).name, float(np.finfo(kind).eps)
    for found in (
        precision_of(labels(), short),
        precision_of(labels(), short.astype(np.float64)),
        precision_of(labels(), as_text(short)),
        precision_of(labels().astype(kind), labels()),
    ):
        assert (found.name, found.eps, found.step) == (name, eps, 0.0)
    assert read_off(bfloat16(labels())).name == "bfloat16"


@pytest.mark.parametrize("decimals", range(1, 9))
def test_decimals_are_reported(decimals: int) -> None:
    found = read_off(np.round(labels(), decimals))
    assert found.step == 10.0**-decimals
    assert found.read_off
    assert not found.sure


def test_decimals_up_to_two_are_not_taken_for_short_floats() -> None:
    """There, floats of half precision print with three decimals, but have more below one half."""
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 2, (256, 1))
    assert read_off(np.round(values, 3)).name == "3 decimals"
    assert read_off(as_text(values.astype(np.float16))).name == "float16"


def test_numbers_that_are_few_are_not_taken_for_rounded() -> None:
    rng = np.random.default_rng(1)
    assert read_off(rng.integers(-50, 50, (400, 1)).astype(np.float64)).name == "whole numbers"
    for plain in (
        labels(),
        rng.integers(-3, 4, (400, 1)).astype(np.float64),  # counts, or names of classes
        np.zeros((400, 2)),
        np.full((400, 1), 0.5),
        rng.choice([0.25, 0.5, 1.0], (400, 1)),
        labels(n=2),
    ):
        assert read_off(plain) == DOUBLE
    assert precision_of(labels(), rng.integers(0, 2, (400, 1)).astype(bool)) == DOUBLE


def test_labels_of_few_digits_that_are_meant_as_they_stand() -> None:
    """Weights and inputs of one decimal give labels of few: exact as they stand, and at no
    coarser rounding."""
    rng = np.random.default_rng(2)
    net = Network([[1.0, -0.5], [0.5, 2.0]], [[2.0, 1.0]], [0.5, -1.0], [0.5])
    X = np.round(rng.standard_normal((500, 2)), 1)
    Y = np.round(net(X), 6)  # but for the rounding of sums
    assert read_off(Y).name == "2 decimals"
    certificate = verify(net, X, Y)
    assert certificate.status == Status.EXACT
    assert certificate.precision == "float64"
    off = Network(net.V, net.U, net.b, net.c + 1e-9)
    assert verify(off, X, Y).precision == "2 decimals"
    assert recover(X, Y, rng=0).certificate.precision == "float64"


def float32_model(d: int = 5, m: int = 3, k: int = 6) -> tuple[Network, Array, Array]:
    """A network, inputs, and what it answers when all is computed in float32."""
    rng = np.random.default_rng(3)
    V, U, b, c = (rng.standard_normal(s).astype("f4") for s in ((k, d), (m, k), (k,), (m,)))
    X = rng.standard_normal((800, d)).astype("f4")
    Y = np.maximum(X @ V.T + b, 0) @ U.T + c
    net = Network(V.astype(float), U.astype(float), b.astype(float), c.astype(float))
    return net, X, Y


def test_answers_of_a_float32_model_in_float64_arrays_and_as_text() -> None:
    net, X, Y = float32_model()
    for x, y in ((X, Y), (X.astype(float), Y.astype(float)), (as_text(X), as_text(Y))):
        certificate = verify(net, x, y)
        assert certificate.status == Status.EXACT
        assert certificate.precision == "float32"
        found = recover(x, y, rng=0)
        assert found.status == Status.EXACT
        assert found.network is not None
        assert match(found.network, net).max_error <= 1e-4
        assert dict(found.certificate.rows())["labels rounded to"] == "float32"


def test_a_log_in_a_text_file(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    net, X, Y = float32_model(d=2, m=1, k=3)
    save(net, "net.npz")
    rows = ["x0,x1,y0", *(",".join(map(str, row)) for row in np.hstack([X, Y]))]
    with open("log.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    answer = CliRunner().invoke(main, ["verify", "net.npz", "log.csv"])
    assert answer.exit_code == 0, answer.output


def test_units_that_cancel_leave_the_rounding_of_what_has_gone() -> None:
    V = np.array([[1.0], [1.0 + 2**-18]], dtype=np.float32)
    U = np.array([[1000.0, -1000.0], [1.0, 2.0]], dtype=np.float32)
    X = np.random.default_rng(4).standard_normal((300, 1)).astype(np.float32)
    Y = np.maximum(X @ V.T, 0) @ U.T
    net = Network(V.astype(float), U.astype(float))
    assert verify(net, X, Y).status != Status.FAILED


def test_rounded_inputs_are_reported() -> None:
    problem = plant(3, 3, 2, 400, seed=5, bias=0.5)
    certificate = verify(problem.truth, np.round(problem.X, 4), problem.Y)
    assert certificate.status == Status.UNDETERMINED
    assert certificate.code == "inputs-rounded"
    off = Network(problem.truth.V, problem.truth.U, problem.truth.b, problem.truth.c + 0.01)
    assert verify(off, np.round(problem.X, 4), problem.Y).status == Status.FAILED


def test_labels_in_decimals() -> None:
    """The true network is never refused; what is recovered is exact or an estimate, and its errors
    hold."""
    problem = plant(3, 4, 2, 800, seed=6, bias=0.5)
    for decimals in (3, 5):
        Y = np.round(problem.Y, decimals)
        certificate = verify(problem.truth, problem.X, Y)
        assert certificate.status in (Status.EXACT, Status.UNDETERMINED)
        assert certificate.precision == f"{decimals} decimals"
        found = recover(problem.X, Y, rng=0)
        assert found.network is not None
        assert found.network.n_units == 4
        assert found.code in ("unique", "rounding")
        assert found.certificate.precision == f"{decimals} decimals"
        off = match(found.network, problem.truth).hidden.max()
        assert off <= 5 * found.certificate.weight_errors.max()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("d", "k"), [(1, 3), (2, 4), (4, 6)])
def test_small_float32_networks_get_no_unit_more(d: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    V, b = rng.standard_normal((k, d)) / np.sqrt(d), rng.standard_normal(k) / 2
    U, c = rng.standard_normal((1, k)), rng.standard_normal(1)
    V, b, U, c = (part.astype("f4") for part in (V, b, U, c))

    def model(X: Array) -> NDArray[np.float32]:
        return np.asarray(np.maximum(np.float32(X) @ V.T + b, 0) @ U.T + c)

    found = extract(model, d, budget=20_000, rng=0, throw=False)
    assert found.status == Status.EXACT
    assert found.network is not None
    assert found.network.n_units == k
    X = np.random.default_rng(7).standard_normal((2000, d)).astype("f4")
    passive = recover(X, model(X), rng=0, throw=False)
    assert passive.network is not None
    assert passive.network.n_units <= k


def test_samples_keep_their_precision() -> None:
    _, X, Y = float32_model()
    samples = Samples.of(X.astype(float), Y.astype(float))
    assert samples.take(np.arange(5)).precision == samples.precision
    fine, own = samples.levels()
    assert fine.precision == DOUBLE
    assert own.eps == samples.eps == np.finfo(np.float32).eps
    assert Samples.of(X, Y).levels()[1].eps == samples.eps
    assert replace(samples, precision=DOUBLE).as_they_stand().eps == samples.eps
