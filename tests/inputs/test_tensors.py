"""Tensors and modules are taken, and told by what they can do: torch is not needed for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import InputTypeError, Network, OracleError
from unrelu.inputs.tensors import as_array, is_module, is_tensor
from unrelu.numerics.quiet import quiet

Array = NDArray[Any]

TRUTH = Network([[1.0, -0.5], [0.25, 2.0]], [[1.0, -1.0]], [0.3, -0.2], [0.1])
X = np.random.default_rng(0).standard_normal((60, 2))


class FakeType:
    def __init__(self, name: str) -> None:
        self.name, self.is_floating_point = name, "float" in name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class FakeTensor:
    """As much of a tensor as is asked for; NumPy cannot read it before it is detached."""

    def __init__(self, array: Array, *, grad: bool = True, kind: str = "float64") -> None:
        self.array, self.grad, self.dtype = array, grad, FakeType(kind)

    def detach(self) -> FakeTensor:
        return FakeTensor(self.array, grad=False, kind=str(self.dtype).removeprefix("torch."))

    def cpu(self) -> FakeTensor:
        return self

    def float(self) -> FakeTensor:
        return FakeTensor(self.array, grad=self.grad, kind="float32")

    def new_tensor(self, values: Array) -> FakeTensor:
        return FakeTensor(np.asarray(values, dtype=self.array.dtype), grad=False)

    def numpy(self) -> Array:
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if "bfloat16" in str(self.dtype):
            raise TypeError("Got unsupported ScalarType BFloat16")
        if self.array.dtype == np.object_:
            raise TypeError("can't convert Sparse layout tensor to numpy")
        return self.array

    def __array__(self, *_: Any, **__: Any) -> Array:
        return self.numpy()


class FakeModule:
    """A module with dropout, which shows while it is in training mode."""

    def __init__(self, *, single: bool = False, weights: bool = True) -> None:
        self.training, self.single, self.weights = True, single, weights

    def parameters(self) -> Iterator[FakeTensor]:
        if self.weights:
            yield FakeTensor(np.zeros(1, dtype=int), kind="int64")
            yield FakeTensor(np.zeros(1, np.float32 if self.single else np.float64))

    def modules(self) -> list[FakeModule]:
        return [self]

    def eval(self) -> None:
        self.training = False

    def forward(self, x: Any) -> Any:
        assert not self.training
        assert isinstance(x, FakeTensor) == self.weights
        values = x.array if isinstance(x, FakeTensor) else x
        if self.single:
            assert values.dtype == np.float32
        return FakeTensor(TRUTH(values).astype(values.dtype))

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


def test_tensors_that_require_gradients_are_samples_and_weights() -> None:
    with pytest.raises(RuntimeError):
        np.asarray(FakeTensor(X))
    result = unrelu.recover(FakeTensor(X), FakeTensor(TRUTH(X)), rng=0)
    assert result.status == "exact"
    V, U, b, c = (FakeTensor(w) for w in (TRUTH.V, TRUTH.U, TRUTH.b, TRUTH.c))
    net = Network(V, U, b, c)
    assert np.array_equal(net(FakeTensor(X)), TRUTH(X))
    assert unrelu.verify(net, FakeTensor(X), FakeTensor(TRUTH(X))).status == "exact"
    fitted = unrelu.RectifiedNetworkRegressor(random_state=0).fit(
        FakeTensor(X),
        FakeTensor(TRUTH(X)[:, 0]),
    )
    assert np.allclose(fitted.predict(FakeTensor(X)), TRUTH(X)[:, 0])


def test_rows_may_be_tensors_each() -> None:
    rows, labels = [FakeTensor(row) for row in X], tuple(FakeTensor(row) for row in TRUTH(X))
    assert unrelu.verify(TRUTH, rows, labels).status == "exact"


def test_half_precision_of_torch_becomes_single() -> None:
    values = np.array([1.5, -2.0], np.float32)
    assert np.array_equal(as_array(FakeTensor(values, kind="bfloat16")), values)


def test_a_tensor_that_is_no_array_is_reported() -> None:
    sparse = FakeTensor(np.array([None]))
    with pytest.raises(InputTypeError, match="Sparse"):
        unrelu.recover(sparse, X)
    with pytest.raises(OracleError, match="Sparse"):
        unrelu.extract(lambda _: sparse, 2, rng=0)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("weights", [False, True])
def test_modules_are_asked_as_they_compute(single: bool, weights: bool) -> None:
    module = FakeModule(single=single and weights, weights=weights)
    result = unrelu.extract(module, 2, budget=2000, rng=0)
    assert result.network is not None
    assert unrelu.match(result.network, TRUTH).max_error < (1e-4 if module.single else 1e-12)
    assert result.stats["single_precision"] == int(module.single)
    assert module.training  # as it was


def test_other_things_are_neither_tensors_nor_modules() -> None:
    for value in (X, 1.0, [1], None, "text", TRUTH, unrelu):
        assert not is_tensor(value)
        assert not is_module(value)
        assert as_array(value) is value


def test_torch_itself() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `benchmarks`)")
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1)
    )
    V, b, U, c = (each.detach().numpy() for each in model.state_dict().values())
    for kind, error in ((torch.float32, 1e-3), (torch.float64, 1e-10)):
        result = unrelu.extract(model.to(kind), 2, budget=3000, rng=0, throw=False)
        assert result.network is not None
        assert unrelu.match(result.network, Network(V, U, b, c)).max_error < error
        assert all(part.training for part in model.modules())
        assert all(weight.grad is None for weight in model.parameters())
    inputs = torch.randn(200, 2, dtype=torch.float64, requires_grad=True)
    assert unrelu.recover(inputs, model.eval()(inputs), rng=0).status == "exact"
    half = torch.tensor([[1.5]], dtype=torch.bfloat16, requires_grad=True)
    assert Network(half, half).V[0, 0] == 1.5
    with pytest.raises(InputTypeError):
        Network(torch.eye(2).to_sparse(), [[1.0, 1.0]])


# Warnings.


def test_a_quiet_door_lets_no_warning_out_and_keeps_what_was_asked_for() -> None:
    @quiet
    def overflow() -> Any:
        inner.append(np.geterr()["over"])
        return np.array([1e300]) * 1e300

    inner: list[str] = []
    with np.errstate(over="warn"):
        assert np.isinf(overflow())
        assert np.geterr()["over"] == "warn"
    assert inner == ["ignore"]
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        overflow()


def test_no_warning_of_numpy_leaves_the_front_doors() -> None:
    """Sizes at the ends of what is taken, where products overflow and vanish."""
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        for size in (1e-28, 1e-10, 1e28):
            net = Network(rng.standard_normal((2, 1)) * 1e30, [[1e30, -1.0]], [1e20, -1.0])
            inputs = rng.standard_normal((40, 1)) * size
            labels = np.clip(net(inputs), -1e29, 1e29)
            unrelu.verify(net, inputs, labels)
            result = unrelu.recover(inputs, labels, rng=0, throw=False)
            assert str(result)
        assert np.isinf(Network([[1e60]], [[1e60]])(np.array([[1e250]]))).all()


def test_an_oracle_that_overflows_far_out_is_asked_in_silence() -> None:
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        with pytest.raises(OracleError, match="got inf"):
            unrelu.extract(lambda X: np.exp(1e3 * X), 1, rng=0)


def test_the_relu_itself_is_extracted_in_silence() -> None:
    result = unrelu.extract(lambda X: np.maximum(X, 0), 1, rng=0)
    assert result.status == "exact"
