"""Samples as they were given, and what may be asked of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.inputs.frames import beside
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import ExactSamples, Samples, weighed
from unrelu.search.answers import Unlinked
from unrelu.search.dependent_inputs import independent_columns
from unrelu.search.options import (
    dependent_inputs,
)
from unrelu.stored.blocks import Given


def independent(samples: Samples, bias: bool, some: bool) -> tuple[Samples, Index]:
    """Samples with columns that depend on no others, and which these are; with all of them where it
    is not `some` that are asked for."""
    if some and len(dependent_inputs(samples, bias)[0]):
        return independent_columns(samples, bias)
    return samples, np.arange(samples.d)


def given_samples(
    X: Given, Y: Given, exact: bool, behind: Unlinked | None
) -> tuple[Samples, ExactSamples | None]:
    """The samples as they were given, in floating point and, if they are exact, literally."""
    exactly = ExactSamples.of(X, Y) if exact else None
    given = Samples.of(X, Y) if exactly is None else exactly.rounded
    return given if behind is None else behind.as_precise(given), exactly


def weighed_samples(
    samples: Samples, exactly: ExactSamples | None, X: Given, sample_weight: ArrayLike | None
) -> tuple[Samples, ExactSamples | None, Array | None]:
    """Samples without those of weight zero, and the weights of the others."""
    if sample_weight is None:
        return samples, exactly, None
    weighted, kept = weighed(samples, beside("sample_weight", sample_weight, X))
    exactly = None if exactly is None else exactly.take(kept)
    return replace(weighted, weights=None), exactly, weighted.weights
