"""Samples as they were given, and what may be asked of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.activations import Activation
from unrelu.inputs.frames import beside
from unrelu.links.identity import VALUES
from unrelu.noise.kind import NoiseKind
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.precision import Precision
from unrelu.samples import ExactSamples, Samples, weighed
from unrelu.search.answers import Unlinked
from unrelu.search.dependent_inputs import independent_columns
from unrelu.search.method import Method
from unrelu.search.options import check_activation, check_no_units, check_skip, dependent_inputs
from unrelu.search.skip_left_open import may_be_there
from unrelu.stored.blocks import Given


def independent(
    samples: Samples, bias: bool, activation: Activation | None, method: Method, exact: bool
) -> tuple[Samples, Samples, Index]:
    """All samples; those with columns that depend on no others, and which these are. Where the
    activation is not known, a single method or `exact` is asked for, all columns are kept, and
    dependent ones are refused later."""
    some = activation is not None and not (method.alone or exact)
    if some and len(dependent_inputs(samples, bias)[0]):
        return samples, *independent_columns(samples, bias)
    return samples, samples, np.arange(samples.d)


def given_samples(
    X: Given, Y: Given, exact: bool, behind: Unlinked | None, noise: NoiseKind
) -> tuple[Samples, Precision, ExactSamples | None]:
    """The samples as they are searched, and the precision of their labels, which they have only
    where rounding is all there is besides a network, or surely so; and the samples literally, if
    they are exact."""
    exactly = ExactSamples.of(X, Y) if exact else None
    given = Samples.of(X, Y) if exactly is None else exactly.rounded
    given = given if behind is None else behind.as_precise(given)
    rounded = noise.exact or (given.precision.sure and noise.answers == VALUES.name)
    precision = (behind and behind.precision) or given.precision
    return given if rounded else given.as_they_stand(), precision, exactly


def check_network(
    activation: Activation | None,
    n_units: int | None,
    bias: bool,
    skip: bool,
    either: bool,
    method: Method,
    noise: NoiseKind,
    exact: bool,
    outputs: int,
) -> bool:
    """What may be asked of a network together; whether a skip connection is left open, where
    `either` asks for that."""
    check_activation(activation, n_units, method, noise, exact, outputs)
    check_skip(skip, activation, method, noise, exact)
    values = noise.answers == VALUES.name
    either = either and values and may_be_there(activation, method, noise, exact)
    check_no_units(n_units, bias, method, exact, skip or either)
    return either


def weighed_samples(
    samples: Samples, exactly: ExactSamples | None, X: Given, sample_weight: ArrayLike | None
) -> tuple[Samples, ExactSamples | None, Array | None]:
    """Samples without those of weight zero, and the weights of the others."""
    if sample_weight is None:
        return samples, exactly, None
    weighted, kept = weighed(samples, beside("sample_weight", sample_weight, X))
    exactly = None if exactly is None else exactly.take(kept)
    return replace(weighted, weights=None), exactly, weighted.weights
