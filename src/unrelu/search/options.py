"""The checks of the arguments of recover()."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from unrelu.activations import Activation
from unrelu.errors import InputError, InputTypeError
from unrelu.fitting.problem import choose_rows
from unrelu.inference.arguments import FORMS as FORMS
from unrelu.inputs.options import check_flag, check_units
from unrelu.links.identity import VALUES
from unrelu.links.link import Link
from unrelu.links.table import LINKS
from unrelu.noise import kinds
from unrelu.noise.kind import NoiseKind
from unrelu.noise.kinds import estimated, of_values
from unrelu.noise.labels import LABELS
from unrelu.noise.none import NONE
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.whitening import dependent_columns
from unrelu.samples import SMALLEST, Samples
from unrelu.search import methods
from unrelu.search.method import Method
from unrelu.search.methods import METHODS, names
from unrelu.search.top_classes import ABOUT as ABOUT_TOP_K
from unrelu.search.top_classes import ANSWERS as TOP_K

Row = TypeVar("Row")

ABOUT_LABELS = "class labels, each drawn with the probabilities of a softmax of the values"


def noises() -> tuple[str, ...]:
    """What `noise` may be."""
    return (kinds.AUTO.name, *of_values())


def check_options(
    n_units: int | None,
    bias: bool,
    method: str,
    noise: str,
    exact: bool,
    form: str = "auto",
    alpha: float = 0.01,
) -> tuple[Method, NoiseKind]:
    """Each option by itself, and n_units and noise with the method; the rows of the tables that
    are meant."""
    check_flag("bias", bias)
    check_flag("exact", exact)
    if n_units is not None:
        check_units(n_units, " or None", ", or None for unknown", least=0)
    row = look_up("method", method, lambda: METHODS, methods.AUTO)
    kind = look_up("noise", noise, of_values, kinds.AUTO)
    _check_one_of("form", form, FORMS)
    _check_alpha(alpha)
    if row.rational and not exact:
        raise InputError(f"method: got {method!r}, expected exact=True with it: it is rational")
    taken = (kinds.AUTO.name, NONE.name, *row.noise)
    if row.alone and noise not in taken:
        raise combined(
            *("method", method, f"noise={noise!r}", names(lambda other: noise in other.noise)),
            f"{method!r} is for labels with {' or '.join(map(repr, taken[1:]))}",
        )
    if row.needs_units and n_units is None:
        raise InputError(f"n_units: got None with method={method!r}, expected their number")
    if exact and kind.estimated:
        raise InputError(
            f"noise: got {noise!r} with exact=True, expected 'auto', 'none' or 'sparse': what is "
            "noisy cannot be explained without any error"
        )
    return row, kind


def answers() -> dict[str, str]:
    """What `answers` may be, and what Y then is."""
    linked = {name: link.about for name, link in LINKS.items()}
    return linked | {LABELS.answers: ABOUT_LABELS, TOP_K: ABOUT_TOP_K}


def link_of(given: str | Link, exact: bool) -> Link | None:
    """The function of the values of a network that labels are; None for values, and for class
    labels, from which none can be computed."""
    if not isinstance(given, Link) and given not in LINKS:
        _check_one_of("answers", given, tuple(answers()))
    name = given.name if isinstance(given, Link) else given
    if exact and name != VALUES.name:
        raise InputError(
            f"answers: got {name!r} with exact=True, expected {VALUES.name!r}: the values behind "
            "others are not rational"
        )
    link = given if isinstance(given, Link) else LINKS.get(given)
    return None if link is VALUES else link


def check_of_classes(
    answers: str,
    activation: Activation | None,
    method: Method,
    noise: NoiseKind,
    bias: bool,
    skip: bool,
) -> None:
    """What works for class labels, and for the probabilities of the likeliest classes."""
    other = f"answers={answers!r}"
    if activation is None or not activation.reversible:
        raise combined("activation", _name(activation), other, ("relu",))
    if method.alone:
        raise combined("method", method.name, other, (methods.AUTO.name,))
    if noise.given:
        raise combined("noise", noise.name, other, (kinds.AUTO.name,))
    check_flag("skip", skip)
    check_flag("bias", bias)


def check_top_k(
    activation: Activation | None,
    way: Method,
    kind: NoiseKind,
    bias: bool,
    skip: bool,
    sample_weight: object,
) -> None:
    """What works for the probabilities of the likeliest classes."""
    check_of_classes(TOP_K, activation, way, kind, bias, skip)
    other = f"answers={TOP_K!r}"
    if skip:
        raise combined("skip", skip, other, (False,))
    if sample_weight is not None:
        raise InputError(f"sample_weight: got weights with {other}, expected None")


def look_up(option: str, name: str, table: Callable[[], Mapping[str, Row]], auto: Row) -> Row:
    """The row of a table that has this name; `auto` where it is to be found out."""
    if name == "auto":
        return auto
    rows = table()
    _check_one_of(option, name, ("auto", *rows))
    return rows[name]


def _check_one_of(option: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f"{option}: got {value!r}, expected one of {', '.join(map(repr, known))}")


def combined(
    option: str, value: object, other: str, expected: Sequence[object], why: str = ""
) -> InputError:
    """The error for two options that do not go together."""
    shown = ", ".join(map(repr, expected))
    one_of = "one of " if len(expected) > 1 else ""
    why = f": {why}" if why else ""
    return InputError(f"{option}: got {value!r} with {other}, expected {one_of}{shown}{why}")


def _check_alpha(alpha: object) -> None:
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.integer, np.floating)):
        raise InputTypeError(f"alpha: got a {type(alpha).__name__}, expected a number")
    if not 0.001 <= alpha <= 0.5:
        raise InputError(f"alpha: got {alpha}, expected a rate between 0.001 and 0.5")


def check_activation(
    activation: Activation | None,
    n_units: int | None,
    method: Method,
    noise: NoiseKind,
    exact: bool,
    outputs: int,
) -> None:
    """What works for activations other than the ReLU; None for one that is not known."""
    if activation is not None and activation.piecewise_linear:
        return
    if activation is not None and activation.estimated:
        raise InputError(
            "activation: got a Curve, expected 'unknown', or an activation with a formula: a "
            "curve is an estimate, which explains no labels exactly"
        )
    other = f"activation {_name(activation)!r}"
    if not method.takes(activation):
        known = activation is not None and method.recipe
        expected = ("relu",) if known else names(lambda row: row.takes(activation))
        why = method.relu_only or "it has to know the activation"
        raise combined("method", method.name, other, expected, why)
    taken = (kinds.AUTO.name, NONE.name, *(() if activation is None else estimated()))
    if not method.recipe and noise.name not in taken:
        raise combined("noise", noise.name, other, taken, "other noise is for the ReLU")
    if exact and (activation is None or not activation.rational):
        why = (
            "it takes the ReLU or a power with a whole exponent, which make fractions of fractions"
        )
        raise combined("exact", True, other, (False,), why)
    if activation is None and n_units is not None and n_units > outputs:
        raise InputError(
            f"n_units: got {n_units} for {outputs} outputs with {other}, expected {outputs} at "
            "most: networks of more units than outputs are found for known activations"
        )


def _name(activation: Activation | None) -> str:
    return "unknown" if activation is None else activation.name


def check_skip(
    skip: bool, activation: Activation | None, method: Method, noise: NoiseKind, exact: bool
) -> None:
    """What works with a skip connection."""
    check_flag("skip", skip)
    if not skip:
        return
    if activation is None or not activation.reversible:
        raise combined("activation", _name(activation), "skip=True", ("relu",))
    if not method.skip:
        raise combined("method", method.name, "skip=True", names(lambda row: row.skip))
    if noise.gross:
        taken = (kinds.AUTO.name, NONE.name, *estimated())
        raise combined("noise", noise.name, "skip=True", taken)
    if exact:
        raise InputError(
            "exact: got True with skip=True, expected False: networks with a skip connection are "
            "searched for in floating point; unrelu.verify(..., exact=True) checks rational ones"
        )


def check_no_units(
    n_units: int | None, bias: bool, method: Method, exact: bool, skip: bool
) -> None:
    """What is left to be fitted without any unit: c, and W with a skip connection."""
    if n_units != 0:
        return
    if not bias and not skip:
        raise InputError(
            "n_units: got 0 with bias=False and skip=False, expected 1 or more: nothing is left to "
            "be fitted"
        )
    if method.alone or exact:
        other = "exact=True" if exact else f"method={method.name!r}"
        raise InputError(f"n_units: got 0 with {other}, expected 1 or more: that looks for units")


def check_weights(
    weights: Array | None, activation: Activation | None, method: Method, noise: NoiseKind
) -> None:
    """What weights of samples are for, if they are not all the same."""
    if weights is None or not noise.noisy or activation is None:
        return
    if not activation.piecewise_linear:
        raise InputError(
            f"sample_weight: got one with activation {activation.name!r}, expected 'relu', or "
            "noise='none', which needs no weights"
        )
    if method.recipe:
        raise InputError(
            f"sample_weight: got one with method={method.name!r}, expected 'auto': published "
            "recipes weigh all samples alike"
        )


def check_samples(samples: Samples, bias: bool, method: Method, noise: NoiseKind) -> None:
    """What a method and a kind of noise ask of the samples."""
    check_independent(samples, bias)
    check_one_output(method, samples)
    if noise.given:
        noise.check(samples)


def check_one_output(method: Method, samples: Samples) -> None:
    """Output weights that are free scale to ±1 only where each unit has one."""
    if method.one_output and samples.m > 1:
        raise InputError(
            f"method: got {method.name!r} for {samples.m} outputs, expected one output; "
            "unrelu.solutions searches for several whose output weights U are given"
        )


def check_independent(samples: Samples, bias: bool) -> None:
    """Inputs must span their space, else directions without data could be anything. A column of
    ones is fine when there is no bias to confuse it with."""
    dependent, why = dependent_inputs(samples, bias)
    if not len(dependent):
        return
    several = len(dependent) > 1
    which = ", ".join(map(samples.names.input, dependent[:6].tolist()))
    what = f"column{'s' if several else ''} {which}"
    raise InputError(
        f"X: got dependent inputs, expected independent ones: {what} {'are' if several else 'is'} "
        f"{why}"
    )


def dependent_inputs(samples: Samples, bias: bool) -> tuple[Index, str]:
    """Columns of X that are zero or constant or, if there are none of those, combinations of the
    others; and which of these they are, in words. A few rows are looked at, and all of them, in
    two passes, when those do not suffice."""
    rows = choose_rows(samples, 16 * (samples.d + 1), np.random.default_rng(0))
    if not len(_dependent(samples.take(rows), bias)[0]):
        return np.arange(0), ""
    return _dependent(samples, bias)


def _dependent(samples: Samples, bias: bool) -> tuple[Index, str]:
    """Columns that are zero, constant or combinations of the others, and what they are.

    All rows are folded into one triangle, block by block; it has the same column norms and the
    same dependences as the (with biases, centred) rows."""
    low, mean, high = samples.ranges()
    size = np.maximum(np.abs(low), np.abs(high))
    tolerance = samples.n * float(np.finfo(np.float64).eps)
    small = np.flatnonzero(~(size > SMALLEST))
    if len(small):
        return small, f"nowhere above {SMALLEST:g}: leave it out, or rescale it"
    constant = np.flatnonzero(high - low <= tolerance * size)
    if bias and len(constant):
        return constant, "constant, as a bias is: leave it out, or use bias=False"
    triangle: Array = np.zeros((0, samples.d))
    for _, X, _ in samples.blocks():
        rows = np.vstack([triangle, X - mean if bias else X])
        triangle = np.asarray(np.linalg.qr(rows, mode="r"))
    others = "the others and a constant" if bias else "the others"
    why = (
        f"a linear combination of {others}, so nothing can be known of its weights: leave it out, "
        "or project the inputs on their principal components"
    )
    return dependent_columns(triangle, tolerance), why
