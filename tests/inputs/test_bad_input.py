"""Usage errors: a clean error that says what came, what was expected, what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.planting import plant

from unrelu import (
    InputError,
    InputTypeError,
    Network,
    RecoveryError,
    Status,
    UnreluError,
    match,
    recover,
    verify,
)

PROBLEM = plant(3, 2, 2, 80, seed=0, bias=0.5)
X, Y, TRUTH = PROBLEM.X, PROBLEM.Y, PROBLEM.truth


def spoilt(array: np.ndarray[Any, Any], row: int, column: int, value: float) -> Any:
    array = array.copy()
    array[row, column] = value
    return array


def with_column(column: int, values: Any) -> Any:
    array = X.copy()
    array[:, column] = values
    return array


# What comes, and what the message has to say of it, in this order.
SHAPES: dict[str, tuple[Any, Any, str]] = {
    "X a vector": (X[:, 0], Y, r"got shapes \(80,\) and \(80, 2\), expected \(n_samples, n_inputs"),
    "X a number": (1.0, Y, r"got shapes \(\) and .*one row per sample"),
    "X with three axes": (X[None], Y, r"got shapes \(1, 80, 3\).*one row per sample"),
    "Y a number": (X, 1.0, r"got shapes \(80, 3\) and \(\).*one row per sample"),
    "Y with three axes": (X, Y[None], r"got shapes \(80, 3\) and \(1, 80, 2\).*one row per sample"),
    "a row short": (X[:-1], Y, "got 79 and 80 rows, expected as many labels as inputs"),
    "samples as columns": (X.T, X.T, "got 3 rows for 80 inputs.*needs 81 samples"),
    "no inputs": (X[:, :0], Y, r"got shapes \(80, 0\).*expected at least one input"),
    "no outputs": (X, Y[:, :0], r"and \(80, 0\), expected at least one input and one output"),
    "no rows": (X[:0], Y[:0], "got 0 rows for 3 inputs.*needs 4 samples on its active side"),
    "too few rows": (X[:3], Y[:3], "got 3 rows for 3 inputs.*needs 4 samples on its active side"),
    "ragged X": ([[1.0, 2.0], [3.0]], Y, "X: got a ragged sequence, expected a table of numbers"),
    "ragged Y": (X, [[1.0], [1.0, 2.0]], "Y: got a ragged sequence, expected a table of numbers"),
}

VALUES: dict[str, tuple[Any, Any, str]] = {
    "NaN": (spoilt(X, 5, 1, np.nan), Y, r"X: got no value \(NaN\) in x1 \(1\) of 80 rows"),
    "infinity": (
        X,
        spoilt(Y, 7, 0, np.inf),
        "Y: got inf in row 7, column 0; expected .*drop",
    ),
    "minus infinity": (spoilt(X, 0, 0, -np.inf), Y, "X: got -inf in row 0, column 0; expected fin"),
    "absurdly large X": (X * 1e160, Y, "X: got .*e.1.* in row 0, column 0; expected .*rescale"),
    "absurdly large Y": (X, Y * 1e300, "Y: got .*e.30.* in row 0, column 0; expected .*rescale"),
    "one absurd entry": (spoilt(X, 9, 2, 1e200), Y, r"X: got 1e\+200 in row 9, column 2; expected"),
}

TYPES: dict[str, tuple[Any, Any, str]] = {
    "complex": (X + 0j, Y, "X: got data of type complex128, expected real numbers"),
    "complex Y": (X, Y + 0j, "Y: got data of type complex128, expected real numbers"),
    "objects": (X.astype(object), Y, "X: got data of type object, expected real numbers"),
    "text": (X, Y.astype(str), "Y: got data of type <U.*, expected real numbers"),
    "bytes": (b"samples", Y, "X: got data of type .*, expected real numbers"),
    "spans": (np.ones((80, 3), "timedelta64[Y]"), Y, "X: got durations in timedelta64.*, expected"),
    "fields": (np.zeros(80, [("x0", float)]), Y, "X: got data of type .*, expected real numbers"),
    "None": (None, Y, "X: got data of type object, expected real numbers"),
    "a dictionary": (X, {"y0": Y[:, 0]}, "Y: got data of type object, expected real numbers"),
}


@pytest.mark.parametrize("what", [*SHAPES, *VALUES, *TYPES])
def test_samples_that_cannot_be_meant(what: str) -> None:
    for table, kind in ((SHAPES, InputError), (VALUES, InputError), (TYPES, InputTypeError)):
        if what in table:
            inputs, labels, message = table[what]
            with pytest.raises(kind, match=message):
                recover(inputs, labels)
            with pytest.raises(kind, match=message):
                verify(TRUTH, inputs, labels)


DEPENDENT: dict[str, tuple[Any, str]] = {
    "constant": (with_column(1, 3.0), "column 1 is constant.*leave it out, or use bias=False"),
    "zero": (with_column(2, 0.0), "column 2 .*leave it out"),
    "absurdly small": (X * 1e-160, "column.* nowhere above .*leave it out, or rescale it"),
    "combination": (
        with_column(2, X[:, 0] - 2 * X[:, 1]),
        "columns? 2 .*linear combination.*leave it out, or project",
    ),
    "combination with a constant": (
        with_column(0, 1 - X[:, 1]),
        "columns? [01] .*linear combination.*a constant.*leave it out, or project",
    ),
    "repeated": (with_column(1, X[:, 0]), "columns? [01] .*linear combination.*leave it out"),
}


@pytest.mark.parametrize("what", DEPENDENT)
@pytest.mark.parametrize("method", ["hyperplanes", "row-space"])
def test_inputs_that_do_not_span_their_space(what: str, method: str) -> None:
    inputs, message = DEPENDENT[what]
    with pytest.raises(InputError, match="got dependent inputs, expected independent ones: "):
        recover(inputs, Y, method=method)
    with pytest.raises(InputError, match=message):
        recover(inputs, Y, method=method)


@pytest.mark.parametrize("what", sorted(set(DEPENDENT) - {"absurdly small"}))
def test_inputs_that_say_nothing_new_have_no_weight(what: str) -> None:
    """Every sample is explained, and not by this network alone."""
    inputs, _ = DEPENDENT[what]
    result = recover(inputs, TRUTH(inputs), rng=0, throw=False)
    assert (result.status, result.code) == (Status.UNDETERMINED, "dependent-inputs")
    assert result.network is not None
    assert (result.network.V == 0).all(axis=0).sum() == 1
    assert np.abs(result.network(inputs) - TRUTH(inputs)).max() <= 1e-9
    with pytest.raises(InputError, match="got dependent inputs"):
        recover(np.ones((40, 2)), np.arange(40.0))


def test_what_is_dependent_only_with_biases() -> None:
    for inputs in (with_column(1, 3.0), with_column(0, 1 - X[:, 1])):
        truth = Network(TRUTH.V, TRUTH.U)
        result = recover(inputs, truth(inputs), bias=False, rng=0, throw=False)
        assert result.status in (Status.EXACT, Status.UNDETERMINED)


@pytest.mark.parametrize("what", DEPENDENT)
def test_verify_is_not_certain_about_dependent_inputs(what: str) -> None:
    """The truth explains them, and so do other networks."""
    inputs, _ = DEPENDENT[what]
    assert verify(TRUTH, inputs, TRUTH(inputs)).status != Status.EXACT


OPTIONS: dict[str, tuple[dict[str, Any], type[UnreluError], str]] = {
    "fewer": ({"n_units": -3}, InputError, "n_units: got -3, expected 0 or more, or None"),
    "half a unit": ({"n_units": 2.5}, InputTypeError, "n_units: got a float, expected a whole num"),
    "units as text": ({"n_units": "3"}, InputTypeError, "n_units: got a str, expected a whole"),
    "units as truth": ({"n_units": True}, InputTypeError, "n_units: got a bool, expected a whole"),
    "method": (
        {"method": "tensors"},
        InputError,
        "method: got 'tensors', expected one of 'auto', ",
    ),
    "no method": ({"method": None}, InputError, "method: got None, expected one of 'auto', "),
    "noise": ({"noise": "loud"}, InputError, "noise: got 'loud', expected one of 'auto', "),
    "activation": (
        {"activation": "tan"},
        InputError,
        "activation: got 'tan', expected one of",
    ),
    "a function": ({"activation": np.tanh}, InputTypeError, "activation: got a ufunc, expected a "),
    "bias as text": ({"bias": "no"}, InputTypeError, "bias: got a str, expected True or False"),
    "no bias": ({"bias": None}, InputTypeError, "bias: got a NoneType, expected True or False"),
    "seed as text": ({"rng": "one"}, InputTypeError, "rng: got .*, expected "),
    "seed below zero": ({"rng": -1}, InputError, "rng: got -1, expected "),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_options_that_cannot_be_meant(what: str) -> None:
    options, kind, message = OPTIONS[what]
    with pytest.raises(kind, match=message):
        recover(X, Y, **options)


WEIGHTS: dict[str, tuple[dict[str, Any], type[UnreluError], str]] = {
    "V a vector": ({"V": TRUTH.V[0]}, InputError, "V: got 1 axes, expected 2"),
    "U a vector": ({"U": TRUTH.U[0]}, InputError, "U: got 1 axes, expected 2"),
    "U a column short": (
        {"U": TRUTH.U[:, :1]},
        InputError,
        r"U: got shape \(2, 1\), expected \(n_outputs, 2\): one column for each of the 2 rows of V",
    ),
    "b too short": ({"b": [1.0]}, InputError, r"b: got shape \(1,\), expected \(2,\): one per hid"),
    "b a table": ({"b": [[1.0, 2.0]]}, InputError, "b: got 2 axes, expected 1"),
    "c too short": ({"c": [1.0]}, InputError, r"c: got shape \(1,\), expected \(2,\): one per out"),
    "NaN": ({"V": TRUTH.V * np.nan}, InputError, "V: got values that are not finite"),
    "infinity": ({"b": [np.inf, 0.0]}, InputError, "b: got values that are not finite"),
    "complex": (
        {"U": TRUTH.U + 0j},
        InputTypeError,
        "U: got data of type complex128, expected",
    ),
    "text": (
        {"V": [["a", "b", "c"]] * 2},
        InputTypeError,
        "V: got data of type <U1, expected",
    ),
    "objects": (
        {"V": np.full(TRUTH.V.shape, "1", dtype=object)},
        InputTypeError,
        "V: got a str, expected rational numbers",
    ),
    "ragged": ({"V": [[1.0, 2.0], [3.0]]}, InputError, "V: got a ragged sequence, expected "),
    "activation": ({"activation": "step"}, InputError, "activation: got 'step', expected one of"),
    "no name": ({"activation": 3}, InputTypeError, "activation: got an int, expected a name"),
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_that_cannot_be_meant(what: str) -> None:
    given, kind, message = WEIGHTS[what]
    with pytest.raises(kind, match=message):
        Network(**({"V": TRUTH.V, "U": TRUTH.U} | given))


INPUTS: dict[str, tuple[Any, type[UnreluError], str]] = {
    "one row": (
        X[0],
        InputError,
        r"X: got shape \(3,\), expected \(n_samples, 3\): one row per",
    ),
    "a column short": (X[:, :2], InputError, r"X: got shape \(80, 2\), expected \(n_samples, 3\)"),
    "three axes": (X[None], InputError, r"X: got shape \(1, 80, 3\), expected \(n_samples, 3\)"),
    "ragged": ([[1.0], [1.0, 2.0]], InputError, "X: got a ragged sequence, expected "),
    "text": (X.astype(str), InputTypeError, "X: got data of type <U.*, expected real numbers"),
    "complex": (X + 0j, InputTypeError, "X: got data of type complex128, expected real numbers"),
}


@pytest.mark.parametrize("what", INPUTS)
def test_inputs_that_a_network_cannot_take(what: str) -> None:
    inputs, kind, message = INPUTS[what]
    with pytest.raises(kind, match=message):
        TRUTH(inputs)


def test_networks_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="samples have 2 inputs, the network has 3"):
        verify(TRUTH, X[:, :2], Y)
    with pytest.raises(InputError, match="samples have 1 output, the network has 2"):
        verify(TRUTH, X, Y[:, 0])
    narrow = Network(TRUTH.V[:, :2], TRUTH.U)
    with pytest.raises(InputError, match="match: n_inputs differ: 3 against 2"):
        match(TRUTH, narrow)
    with pytest.raises(InputError, match="match: n_outputs differ: 1 against 2"):
        match(Network(TRUTH.V, TRUTH.U[:1]), TRUTH)


@pytest.mark.parametrize("other", [None, 3, "net.npz", (TRUTH.V, TRUTH.U)])
def test_what_is_no_network(other: Any) -> None:
    for call in (
        lambda: verify(other, X, Y),
        lambda: match(other, TRUTH),
        lambda: match(TRUTH, other),
    ):
        with pytest.raises(InputTypeError, match=r"got an? .*, expected a Network"):
            call()


def test_networks_of_absurd_size_are_judged_without_warnings() -> None:
    """Products of their weights overflow; their labels do not explain anything."""
    for scale in (1e60, 1e90, 1e160, 1e300):
        for weights in (
            (TRUTH.V * scale, TRUTH.U),
            (TRUTH.V, TRUTH.U * scale),
            (TRUTH.V * scale, TRUTH.U * scale),
            (TRUTH.V, TRUTH.U, [scale, 0.0]),
        ):
            try:
                status = verify(Network(*weights), X, Y).status
            except InputError as error:
                assert "got" in str(error)
                assert "expected" in str(error)
            else:
                assert status == Status.FAILED


def test_every_kind_of_number_is_taken() -> None:
    grid = np.random.default_rng(0).integers(-9, 10, (200, 3))
    net = Network([[1, 2, 0], [0, 1, -3]], [[1, 0], [0, 2]], b=[0.5, -0.25])
    for kind in ("i1", "i4", "i8", "f2", "f4", "f8", "longdouble", ">f8"):
        assert recover(grid.astype(kind), net(grid), rng=0).status == Status.EXACT, kind
    assert recover(grid.tolist(), net(grid).tolist(), rng=0).status == Status.EXACT
    assert recover(np.asfortranarray(grid), net(grid)[::1], rng=0).status == Status.EXACT
    signs = grid > 0
    assert verify(net, signs, net(signs)).status != Status.FAILED


def test_mathematics_that_fails_is_no_wrong_use() -> None:
    """Samples without a network behind them: a status, or an error that carries it."""
    labels = np.sin(3 * X).sum(axis=1)
    with pytest.raises(RecoveryError) as caught:
        recover(X, labels, 2, noise="none", rng=0)
    assert not isinstance(caught.value, ValueError | TypeError)
    again = recover(X, labels, 2, noise="none", rng=0, throw=False)
    assert caught.value.result.status == again.status
    assert recover(X[:4], Y[:4], rng=0, throw=False).status == Status.UNDETERMINED
    for n in (5, 8):
        result = recover(X[:n], Y[:n], rng=0, throw=False)
        assert result.status == Status.UNDETERMINED
        assert result.more_samples is not None
    assert recover(X, Y, 10**9, rng=0, throw=False).status == Status.UNDETERMINED
