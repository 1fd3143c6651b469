"""Operations of Keras and TensorFlow that are not layers: keras.ops.relu, tf.maximum, …"""

from __future__ import annotations

import re
from typing import Any

from unrelu.formats.piecewise_linear import (
    OPERATIONS,
    Line,
    constant,
    largest,
    leaking,
    minus,
    smallest,
    where,
)

Config = dict[str, Any]

MERGING = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"}
"""Layers that do the same to what they merge."""

ALIASES = {
    "abs": "absolute",
    "truediv": "divide",
    "true_divide": "divide",
    "clip_by_value": "clip",
}

TENSORFLOW = {"", "nn", "math", "__operators__", "compat.v1"}
"""Where TensorFlow has these operations; the rest of the name is the same everywhere."""


def clip(options: Config, z: Line, low: Line | None = None, high: Line | None = None) -> Line:
    low = low or constant(float(options["x_min"]))
    high = high or constant(float(options["x_max"]))
    z = largest(z, low)
    return z if (high.flat() >= 1e30).all() else smallest(z, high)


def threshold(options: Config, z: Line) -> Line:
    over = minus(z, constant(float(options["threshold"]))).sign() > 0
    return where(over, z, constant(float(options["default_value"])))


def leaky_relu(options: Config, z: Line, slope: Line | None = None) -> Line:
    return leaking(z, slope or constant(float(options.get("negative_slope", 0.2))))


WITH_OPTIONS = {"clip": clip, "threshold": threshold, "leaky_relu": leaky_relu}


def operation_of(layer: Config) -> str | None:
    """The plain name of an operation that takes the place of a layer; None for a layer."""
    kind, config, module = str(layer["class_name"]), layer.get("config", {}), layer.get("module")
    if kind == "TFOpLambda":
        place, _, name = str(config.get("function")).rpartition(".")
        if place not in TENSORFLOW:
            return None
    elif module is None and kind not in MERGING and {"trainable", "dtype"} & set(config):
        return None  # a custom layer, in a form without its module
    elif module is None or re.match(r"keras\.((.*\.)?ops\b|layers$)", str(module)):
        name = snake_case(kind)
    else:
        return None
    name = ALIASES.get(name, name)
    return name if name in OPERATIONS or name in WITH_OPTIONS else None


def result(operation: str, options: Config, given: list[Line]) -> Line:
    """The result of an operation."""
    if operation in WITH_OPTIONS:
        return WITH_OPTIONS[operation](options, *given)
    return OPERATIONS[operation](*given)


def snake_case(name: str) -> str:
    """BatchNormalization -> batch_normalization, as Keras names the weights of a layer."""
    name = re.sub(r"\W+", "", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
