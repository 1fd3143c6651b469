"""Kernels on another library's arrays give what they give in NumPy, and say what they cannot."""

from __future__ import annotations

from collections.abc import Callable

import array_api_strict
import numpy as np
import pytest
from numpy.typing import NDArray
from support.planting import plant

from unrelu import recover
from unrelu.errors import InputError, InputTypeError
from unrelu.fitting.problem import Problem
from unrelu.fitting.reduction import reduce, search
from unrelu.fitting.variable_projection import Fit, Separable
from unrelu.numerics import devices
from unrelu.numerics.devices import NUMPY, Device, computing_on, device_for, named
from unrelu.samples import Samples

Array = NDArray[np.float64]

STRICT = Device("strict", array_api_strict)
SINGLE = Device("single", array_api_strict, double=False)


def on_torch() -> Device:
    pytest.importorskip("torch", exc_type=ImportError)
    return named("cpu")


DEVICES: dict[str, Callable[[], Device]] = {"strict": lambda: STRICT, "torch": on_torch}
MODELS: dict[str, Callable[[Problem, Device], Separable]] = {
    "loose": lambda problem, device: problem.loose.on(device),
    "strict": lambda problem, device: problem.strict.on(device),
    "coarse": lambda problem, device: problem.coarse(device),
}


@pytest.fixture
def no_product_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "LARGE", 0)


def problem(larger: float = 1.0) -> Problem:
    planted = plant(6, 4, 2, 500, seed=0, bias=0.4)
    return Problem(Samples.of(planted.X, larger * planted.Y), np.arange(500), True)


def difference(here: Separable, there: Separable, step: Array, point: Array) -> float:
    """The largest of all that the protocol of a descent asks for, over its size."""

    def asked(model: Separable) -> list[Array]:
        fit: Fit = model.evaluate(point)
        rows = step.astype(model.dtype)
        found = [np.array(fit.cost), model.descent(fit), model.normal(fit, rows)]
        return [*found, model.scale(fit), model.importance(fit), fit.output]

    pairs = zip(asked(here), asked(there), strict=True)
    return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", MODELS)
def test_kernels_agree_with_numpy(model: str, device: str) -> None:
    make, there, samples = MODELS[model], DEVICES[device](), problem()
    point, step = np.random.default_rng(0).standard_normal((2, 5, 7))
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    here = make(samples, NUMPY)
    bound = 500 * np.finfo(here.dtype).eps * np.sqrt(point.size)  # sums of 500, and a Gram matrix
    assert difference(here, make(samples, there), step, point) <= bound
    canary = make(problem(larger=1.01), there)
    assert difference(here, canary, step, point) > bound


@pytest.mark.parametrize("device", DEVICES)
def test_a_search_on_a_device_finds_the_units(device: str) -> None:
    samples, there = problem(), DEVICES[device]()
    points = np.random.default_rng(1).standard_normal((7, 7))
    fit = search(samples.coarse(there), points, 1e-3)
    assert type(fit.point) is np.ndarray
    model = samples.loose.on(there)
    found = reduce(model, model.evaluate(fit.point.astype(np.float64)), 10 * samples.floor)
    assert found.width == 4
    assert samples.loose.relative(samples.loose.evaluate(found.point)) <= 100 * samples.floor


@pytest.mark.usefixtures("no_product_is_small")
@pytest.mark.parametrize("device", [STRICT, SINGLE], ids=lambda device: device.name)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_network_found_on_a_device_has_the_same_status(device: Device, noise: float) -> None:
    planted = plant(4, 3, 1, 250, seed=0, bias=0.4)
    Y = planted.Y + noise * np.random.default_rng(0).standard_normal(planted.Y.shape)
    with computing_on(device):
        found = recover(planted.X, Y, 3, rng=0)
    here = recover(planted.X, Y, 3, rng=0)
    assert found.status == here.status == ("estimated" if noise else "exact")
    assert found.network is not None
    assert here.network is not None
    left, right = found.network(planted.X), here.network(planted.X)
    scale = np.abs(right).max()
    assert np.abs(left - right).max() <= (1e-3 * noise if noise else 1e-12) * scale


def test_small_products_stay_in_numpy() -> None:
    with computing_on(STRICT):
        assert device_for(1e3) is NUMPY
        assert device_for(1e9) is STRICT
    assert device_for(1e9) is NUMPY


def test_models_go_only_where_their_precision_is() -> None:
    samples = problem()
    assert samples.loose.on(SINGLE) is samples.loose
    assert samples.loose.on(STRICT) is not samples.loose
    there = samples.loose.on(STRICT)
    assert there.on(STRICT) is there


@pytest.mark.parametrize(
    ("device", "error"),
    [("tpu", InputError), ("cuda:x", InputError), ("", InputError), (3, InputTypeError)],
)
def test_other_names_are_refused(device: object, error: type[Exception]) -> None:
    X = np.random.default_rng(0).standard_normal((50, 2))
    with pytest.raises(error, match="device: got"):
        recover(X, X[:, 0], device=device)  # type: ignore[arg-type]
