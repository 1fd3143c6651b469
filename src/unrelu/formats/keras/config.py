"""A Keras model's configuration and weights as a chain of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import FileError
from unrelu.formats.folding import MOST_STEPS, Linear, Nonlinear, Scale, Step, leaky, unexpected
from unrelu.formats.keras.graph import BENT, along_the_graph
from unrelu.formats.keras.hdf5 import Hdf5
from unrelu.formats.keras.operations import Config, snake_case
from unrelu.formats.naming import shortened
from unrelu.formats.piecewise_linear import steps_of
from unrelu.formats.reading import one_output
from unrelu.numerics.arrays import Array
from unrelu.wording.streams import counted

SKIPPED = {
    *("InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout"),
    *("AlphaDropout", "ActivityRegularization", "Identity"),
}
"""Layers that do nothing once a model is trained."""

Shape = tuple[int, ...] | None
"""Of one sample; None where it is not known."""

ROOTS = ("layers", "_layer_checkpoint_dependencies")
"""Where Keras 3 keeps the weights of its layers."""


def keras_chain(model: Config, held: Hdf5, output: str | None) -> list[Step]:
    """The steps from the model's input to its output, or to the one that is named."""
    layers = _in_order(model, output)
    if len(layers) > MOST_STEPS:
        raise FileError(f"got {len(layers)} layers, expected a few")
    steps: list[Step] = []
    # Input shapes of later layers are arguments that Keras ignores.
    shape = _input_shape(layers[0]) if layers else None
    dense = 0
    for layer, weights in zip(layers, _weights(layers, held), strict=True):
        kind, config = str(layer["class_name"]), layer.get("config", {})
        if shape is None and not dense:
            shape = _built_shape(layer)
        if kind in SKIPPED:
            continue
        if kind in SHAPING:
            shape = SHAPING[kind](config, shape)
        elif kind in SCALING:
            steps.append(SCALING[kind](config, weights, shape))
        elif kind == BENT:
            steps += steps_of(config["line"], config["name"], dense)
        elif kind == "Dense":
            steps += _dense(config, weights, shape, dense)
            dense += 1
            shape = (weights[0].shape[1],)
        elif kind == "Activation":
            steps += _activation(config["activation"])
        elif not dense:
            raise unexpected(kind, 0)
        else:
            steps += _activation({"class_name": kind, "config": config}, weights)
    return steps


def _flattened(config: Config, shape: Shape) -> Shape:
    if config.get("data_format") == "channels_first" and (shape is None or len(shape) > 1):
        raise FileError("Flatten with channels_first moves the channels, expected channels_last")
    return None if shape is None else (math.prod(shape),)


def _reshaped(config: Config, shape: Shape) -> Shape:
    target = tuple(int(n) for n in config["target_shape"])
    if shape is not None and target.count(-1) == 1:
        rest = max(1, math.prod(n for n in target if n != -1))
        target = tuple(math.prod(shape) // rest if n == -1 else n for n in target)
    if shape is not None and math.prod(target) != math.prod(shape):
        raise FileError(f"Reshape to {target}: one sample has shape {shape}")
    return None if -1 in target else target


def _dense(config: Config, weights: list[Array], shape: Shape, number: int) -> list[Step]:
    if shape is not None and len(shape) != 1:
        raise FileError(
            f"Dense layer {number + 1} is applied along samples of shape {shape}, "
            "expected them flattened"
        )
    expected = 2 if config.get("use_bias", config.get("bias", True)) else 1  # `bias` in Keras 1
    if len(weights) != expected or weights[0].ndim != 2 or not weights[0].size:
        shapes = ", ".join(str(weight.shape) for weight in weights) or "none"
        raise FileError(
            f"Dense layer {number + 1}: got weights of shapes {shapes}, expected a kernel"
            f"{' and a bias' if expected == 2 else ''}"
        )
    if shape is not None and shape[0] != weights[0].shape[0]:
        raise FileError(
            f"Dense layer {number + 1}: got a kernel of shape {weights[0].shape} for "
            f"{shape[0]} inputs"
        )
    if config.get("lora_rank") or config.get("quantization_config"):
        raise FileError(f"Dense layer {number + 1} is quantized or has LoRA weights")
    step = Linear(weights[0].T, weights[1] if expected == 2 else None)
    return [step, *_activation(config.get("activation"))]


def _activation(given: Any, weights: Sequence[Array] = ()) -> list[Step]:
    """The step of an activation by its name or its configuration; none for a linear one."""
    name, options = given, dict[str, Any]()
    if isinstance(given, dict):
        name, config = given.get("class_name"), given.get("config")
        if name == "function":
            name = config
        elif isinstance(config, dict):
            options = config
    if name in (None, "linear"):
        return []
    name = str(name)
    kind = name.lower().replace("_", "")
    # A bounded or a shifted ReLU is another activation.
    bent = [key for key in ("max_value", "threshold", "theta") if _number(options.get(key) or 0)]
    if bent:
        return [Nonlinear(f"{name} with {bent[0]}")]
    if kind == "relu" or (kind == "thresholdedrelu" and "theta" in options):
        return [leaky(name, _number(options.get("negative_slope") or 0))]
    if kind == "leakyrelu":
        default = 0.3 if isinstance(given, dict) and name != "leaky_relu" else 0.2
        slope = options.get("negative_slope", options.get("alpha", default))
        return [leaky(name, _number(slope))]
    if kind == "prelu" and len(weights) == 1:
        return [leaky(name, weights[0])]
    return [Nonlinear(name)]


def _number(value: Any) -> float:
    """A number, or an array with one as versions of Keras have written them."""
    if isinstance(value, dict):
        return _number(value.get("value", value.get("config")))
    return float(np.asarray(value, dtype=np.float64).reshape(()))


def _rescaling(config: Config, _: list[Array], shape: Shape) -> Scale:
    values = _numbers(config["scale"]), _numbers(config.get("offset", 0.0))
    return Scale(*(_spread(value, shape) for value in values))


def _normalization(config: Config, weights: list[Array], shape: Shape) -> Scale:
    if config.get("invert"):
        raise FileError("got an inverted Normalization, expected one that standardizes")
    if config.get("mean") is not None:
        mean, variance = _numbers(config["mean"]), _numbers(config["variance"])
    elif len(weights) >= 2:
        mean, variance = weights[0], weights[1]
    else:
        raise FileError("got a Normalization without its mean and variance")
    deviation = np.maximum(np.sqrt(_spread(variance, shape)), 1e-7)  # as Keras does
    factor = 1 / deviation
    return Scale(factor, -_spread(mean, shape) * factor)


def _batch_normalization(config: Config, weights: list[Array], shape: Shape) -> Scale:
    names = [name for name in ("scale", "center") if config.get(name, True)]
    if len(weights) != 2 + len(names) or len({weight.shape for weight in weights}) != 1:
        raise FileError(f"got a BatchNormalization with {counted(len(weights), 'array')}")
    if shape is not None and len(shape) != 1:
        raise FileError("got a BatchNormalization over channels, expected flat samples")
    *learned, mean, variance = weights
    gamma = learned[0] if "scale" in names else np.ones_like(mean)
    beta = learned[-1] if "center" in names else np.zeros_like(mean)
    factor = gamma / np.sqrt(variance + float(config.get("epsilon", 1e-3)))
    return Scale(factor, beta - mean * factor)


SHAPING: dict[str, Callable[[Config, Shape], Shape]] = {
    "Flatten": _flattened,
    "Reshape": _reshaped,
}
"""Layers that only arrange the values of a sample."""

SCALING: dict[str, Callable[[Config, list[Array], Shape], Scale]] = {
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "BatchNormalization": _batch_normalization,
}
"""Layers that scale and shift values."""


def _numbers(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)


def _spread(value: Array, shape: Shape) -> Array:
    """A constant as one number, or as one for each value of a flattened sample."""
    if value.size == 1 or shape is None:
        return value.reshape(-1)
    if math.prod(shape) > LARGEST:
        raise FileError(f"got samples of shape {shape}, more than a file has weights for")
    if value.ndim > len(shape):
        value = value.reshape(value.shape[-len(shape) :])
    return np.broadcast_to(value, shape).reshape(-1)


LARGEST = 1 << 24
"""Inputs: more would take a first layer of gigabytes."""


def _in_order(model: Config, output: str | None) -> list[Config]:
    """The layers as data passes them. Raises FileError for anything but a single path."""
    kind, config = str(model["class_name"]), model["config"]
    if kind not in ("Sequential", "Functional", "Model"):
        raise FileError(
            f"got a model of class {shortened(kind)}, expected a Sequential or Functional one"
        )
    layers: list[Any] = config if isinstance(config, list) else config["layers"]
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("class_name"), str):
            raise FileError("got a layer without a class")
    if kind == "Sequential":
        if output is not None and layers:
            one_output([str(layers[-1].get("config", {}).get("name"))], output)
        return layers
    return along_the_graph(config, layers, output)


def _input_shape(layer: Config) -> Shape:
    """The shape of one sample, where the first layer declares it."""
    config = layer.get("config", {})
    declared = config.get("batch_shape"), config.get("batch_input_shape")
    return _shape(declared[0]) or _shape(declared[1]) or _built_shape(layer)


def _built_shape(layer: Config) -> Shape:
    """The shape of one sample that a layer was built for."""
    built = layer.get("build_config")
    return _shape(built.get("input_shape")) if isinstance(built, dict) else None


def _shape(given: Any) -> Shape:
    if isinstance(given, list) and len(given) > 1 and all(given[1:]):
        return tuple(int(n) for n in given[1:])
    return None


def _weights(layers: Sequence[Config], held: Hdf5) -> Iterator[list[Array]]:
    """The arrays of each layer, in Keras 2's layout or Keras 3's."""
    counts: dict[str, int] = {}
    for layer in layers:
        if layer["class_name"] == BENT:
            yield []
            continue
        kind = snake_case(str(layer["class_name"]))
        number = counts[kind] = counts.get(kind, -1) + 1
        name = str(layer.get("config", {}).get("name", ""))
        yield _of_layer(held, name, kind if number == 0 else f"{kind}_{number}")


def _of_layer(held: Hdf5, name: str, numbered: str) -> list[Array]:
    for base in (f"model_weights/{name}/", f"{name}/"):
        listed = held.attributes.get(base, {}).get("weight_names")
        if isinstance(listed, list):
            return [_floats(held.arrays[base + each]) for each in listed]
    for root in ROOTS:
        found: list[Array] = []
        while (path := f"{root}/{numbered}/vars/{len(found)}") in held.arrays:
            found.append(_floats(held.arrays[path]))
        if found:
            return found
    return []


def _floats(array: NDArray[Any]) -> Array:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"got weights of type {array.dtype}, expected real numbers")
    return array.astype(np.float64)
