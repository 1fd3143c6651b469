"""Weights and densities as images within a page (data URIs)."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError
from unrelu.numerics.arrays import Array

Levels = NDArray[np.uint8]

Shape = tuple[int, int]

WARM, COLD = (206, 88, 32), (28, 114, 190)
"""Positive and negative: vermilion and blue, distinguishable with every common kind of colour
blindness. Zero is transparent, so that it has the colour of the page."""

STEPS = 60
"""Shades of either colour: more than the eye can distinguish, few enough for a small file."""

LEAST_GUESSED = 64
"""The smallest square number of inputs that is taken for an image: 8 × 8 pixels."""

LARGEST_SIDE = 64
"""Pixels; larger images are averaged down to this."""


def image_shape(given: str | Shape | None, inputs: int) -> tuple[Shape | None, bool]:
    """(height, width) if the inputs are the pixels of an image, else None; and whether that is a
    guess.

    given : "28x28" or (28, 28); "none" for inputs that are not an image; None to guess.

    >>> image_shape("4x8", 32), image_shape(None, 784), image_shape(None, 20)
    (((4, 8), False), ((28, 28), True), (None, False))
    """
    if given is None:
        side = math.isqrt(inputs)
        guessed = side * side == inputs >= LEAST_GUESSED
        return ((side, side), True) if guessed else (None, False)
    if given == "none":
        return None, False
    parts = given.lower().replace("×", "x").split("x") if isinstance(given, str) else given
    try:
        height, width = (int(part) for part in parts)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"image shape: got {given!r}, expected HEIGHTxWIDTH such as 28x28, or none"
        ) from error
    if height < 1 or width < 1 or height * width != inputs:
        raise InputError(
            f"image shape: got {height}x{width}, expected a shape of {inputs} pixels: one for "
            "each input"
        )
    return (height, width), False


def signed(values: Array) -> str:
    """A table of numbers as an image with a pixel for each, scaled by the largest: warm if
    positive, cold if negative. Returns a data URI."""
    from PIL import Image

    if max(values.shape) > LARGEST_SIDE:
        height, width = (min(side, LARGEST_SIDE) for side in values.shape)
        image = Image.fromarray(values.astype(np.float32))
        values = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float64)
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    shades = np.rint(values * (STEPS / largest)).astype(int) + STEPS
    strength = np.abs(np.arange(2 * STEPS + 1) - STEPS) / STEPS
    colours = [COLD] * STEPS + [WARM] * (STEPS + 1)
    return _png(shades.astype(np.uint8), colours, strength)


def density(counts: Array) -> str:
    """A table of counts as an image, darker for more, on a logarithmic scale. Returns a data
    URI."""
    most = float(counts.max(initial=0.0)) or 1.0
    shades = np.where(counts > 0, 1 + np.rint(STEPS * np.log1p(counts) / np.log1p(most)), 0)
    strength = np.concatenate([[0.0], np.linspace(0.22, 1.0, STEPS + 1)])
    return _png(shades.astype(np.uint8), [COLD] * (STEPS + 2), strength)


def _png(shades: Levels, colours: list[tuple[int, int, int]], opacity: Array) -> str:
    from PIL import Image

    height, width = shades.shape
    image = Image.frombytes("P", (width, height), np.ascontiguousarray(shades).tobytes())
    image.putpalette([part for colour in colours for part in colour])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=np.rint(255 * opacity).astype(np.uint8).tobytes())
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
