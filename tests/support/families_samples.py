"""Families of cases by what was done to the samples: labels spoilt, inputs of awkward laws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.false_certainty import Array, Case, Family
from support.families_networks import asked, case, drawn, enough, network, sizes
from support.planting import LAWS, Law, gaussian
from unrelu import Network

Rng = np.random.Generator


def _planted(rng: Rng) -> tuple[Network, Array, dict[str, Any]]:
    """A network, ample inputs, and options of `recover`."""
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    return net, gaussian(rng, enough(rng, d, k, m), d), asked(rng, k)


def _made(net: Network, X: NDArray[Any], Y: NDArray[Any], options: dict[str, Any]) -> Case:
    return Case(X, Y, net, drawn(gaussian, net.n_inputs), options)


def noise(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    Y = net(X)
    size = 10.0 ** rng.uniform(-14, -1) * np.abs(Y).max()
    return _made(net, X, Y + size * rng.standard_normal(Y.shape), options)


def labels_through_float32(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    case = _made(net, X, net(X).astype(np.float32).astype(np.float64), options)
    return replace(case, rounding=float(np.finfo(np.float32).eps))


def inputs_through_float32(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    return _made(net, X.astype(np.float32).astype(np.float64), net(X), options)


def in_float32(rng: Rng) -> Case:
    """Labels of the rounded inputs, or of those before rounding."""
    net, X, options = _planted(rng)
    short = X.astype(np.float32)
    Y = net(short if rng.random() < 0.5 else X)
    return _made(net, short, Y.astype(np.float32), options)


def one_of_two_in_float32(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    if rng.random() < 0.5:
        return _made(net, X, net(X).astype(np.float32), options)
    short = X.astype(np.float32)
    return _made(net, short, net(short), options)


def labels_in_decimals(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    Y, decimals = net(X), int(rng.integers(1, 15))
    rounding = 10.0**-decimals / float(np.sqrt((Y**2).mean(axis=0)).min())
    return replace(_made(net, X, np.round(Y, decimals), options), rounding=rounding)


def permuted_labels(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    return _made(net, X, rng.permutation(net(X)), options)


def two_labels_swapped(rng: Rng) -> Case:
    net, X, options = _planted(rng)
    Y = net(X)
    pair = rng.choice(len(X), 2, replace=False)
    Y[pair] = Y[pair[::-1]]
    return _made(net, X, Y, options)


def corrupted_labels(rng: Rng) -> Case:
    """One or a few, anywhere, by any amount; often all on one side of a hyperplane."""
    net, X, options = _planted(rng)
    Y = net(X)
    count = int(rng.integers(1, net.n_inputs + 3))
    rows = rng.choice(len(X), count, replace=False)
    if rng.random() < 0.5:
        rows = np.argsort(X @ rng.standard_normal(net.n_inputs))[-count:]
    size = 10.0 ** rng.uniform(-12, 0) * np.abs(Y).max()
    Y[rows, rng.integers(net.n_outputs)] += size * rng.standard_normal(count)
    return _made(net, X, Y, options)


def duplicated_rows(rng: Rng) -> Case:
    """Few distinct samples, many times over; sometimes with a jitter, in the last bits or more."""
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    X = np.repeat(gaussian(rng, int(rng.integers(d + 2, 6 * d + 10)), d), 8, axis=0)
    jitter = 10.0 ** rng.uniform(-16, -4) * (rng.random() < 0.7)
    X *= 1 + jitter * rng.standard_normal(X.shape)
    order = rng.permutation(len(X))
    return _made(net, X[order], net(X[order]), asked(rng, k))


def dependent_inputs(rng: Rng) -> Case:
    """A column is a combination of others, or nearly."""
    d, k, m = int(rng.integers(2, 7)), int(rng.integers(1, 5)), int(rng.integers(1, 5))
    net, off = network(rng, d, k, m), float(rng.choice([0.0, 0.0, 1e-14, 1e-10, 1e-6]))
    mix = rng.standard_normal(d - 1)

    def law(rng: Rng, n: int, d: int) -> Array:
        X = gaussian(rng, n, d)
        X[:, -1] = X[:, :-1] @ mix + off * X[:, -1]
        return X

    X = law(rng, enough(rng, d, k, m), d)
    return Case(X, net(X), net, drawn(law, d), asked(rng, k))


def too_few_samples(rng: Rng) -> Case:
    d, k, m = sizes(rng, most=10)
    net = network(rng, d, k, m)
    most = max(d + 3, int(1.2 * (k * (d + m) + m) / m))
    return case(rng, net, int(rng.integers(d + 1, most + 1)), **asked(rng, k))


def integer_grid(rng: Rng) -> Case:
    """Small integers, kinks that go through many samples."""
    d, k, m = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(1, 5))
    V, U = rng.integers(-2, 3, (k, d)), rng.integers(-3, 4, (m, k))
    net = Network(V, U, rng.integers(-2, 3, k) / rng.choice([1, 2]), rng.integers(-2, 3, m))
    reach = int(rng.integers(1, 6))

    def law(rng: Rng, n: int, d: int) -> Array:
        return rng.integers(-reach, reach + 1, (n, d)).astype(np.float64)

    X = law(rng, enough(rng, d, 2 * k, m), d)
    return Case(X, net(X), net, drawn(law, d), asked(rng, net.canonical().n_units or 1))


def corners(rng: Rng) -> Case:
    """Corners of a cube and small integers: many networks coincide there by accident."""
    d, k, m = int(rng.integers(1, 7)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    V, U = rng.integers(-1, 2, (k, d)), rng.integers(-2, 3, (m, k))
    bias, low = bool(rng.random() < 0.7), int(rng.integers(-1, 1))
    net = Network(V, U, bias * rng.integers(-2, 3, k), bias * rng.integers(-1, 2, m))

    def law(rng: Rng, n: int, d: int) -> Array:
        return rng.choice([float(low), 1.0], (n, d))

    X = law(rng, enough(rng, d, 2 * k, m), d)
    options = asked(rng, net.canonical().n_units or 1) | {"bias": bias}
    return Case(X, net(X), net, drawn(law, d), options)


def scaled_columns(rng: Rng) -> Case:
    """Inputs and outputs in units of 1e-6 to 1e6, noise from none to plain."""
    d, k, m = sizes(rng)
    scale, out = 10.0 ** rng.uniform(-6, 6, d), 10.0 ** rng.uniform(-6, 6, m)
    net = network(rng, d, k, m)
    net = Network(net.V / scale, net.U * out[:, None], net.b, net.c * out)

    def law(rng: Rng, n: int, d: int) -> Array:
        return np.asarray(gaussian(rng, n, d) * scale)

    X = law(rng, enough(rng, d, k, m), d)
    Y = net(X)
    if rng.random() < 0.5:
        size = 10.0 ** rng.uniform(-13, -6) * np.abs(Y).max(axis=0)
        Y += size * rng.standard_normal(Y.shape)
    return Case(X, Y, net, drawn(law, d), asked(rng, k))


def any_scale(rng: Rng) -> Case:
    """X and Y as a whole, from absurdly small to absurdly large."""
    d, k, m = sizes(rng)
    x, y = 10.0 ** rng.uniform(-33, 33), 10.0 ** rng.uniform(-33, 33)
    net = network(rng, d, k, m)
    net = Network(net.V, net.U * (y / x), net.b * x, net.c * y)

    def law(rng: Rng, n: int, d: int) -> Array:
        return np.asarray(gaussian(rng, n, d) * x)

    X = law(rng, enough(rng, d, k, m), d)
    return Case(X, net(X), net, drawn(law, d), asked(rng, k))


def _from_law(law: Law, bias: float = 0.5) -> Family:
    def family(rng: Rng) -> Case:
        d, k, m = sizes(rng)
        net = network(rng, d, k, m, bias=bias)
        X = law(rng, enough(rng, d, k, m), d)
        options = asked(rng, k) | ({} if bias else {"bias": False})
        return Case(X, net(X), net, drawn(law, d), options)

    return family


def _cauchy(rng: Rng, n: int, d: int) -> Array:
    return rng.standard_t(1, (n, d))


def _log_normal(rng: Rng, n: int, d: int) -> Array:
    return rng.standard_normal((n, d)) * np.exp(2 * rng.standard_normal((n, 1)))


def _far_away(rng: Rng, n: int, d: int) -> Array:
    return 1e4 + rng.standard_normal((n, d))


def _orthant(rng: Rng, n: int, d: int) -> Array:
    return np.abs(rng.standard_normal((n, d)))


def _mostly_zero(rng: Rng, n: int, d: int) -> Array:
    return rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.2)


def _one_hot(rng: Rng, n: int, d: int) -> Array:
    """One input at a time: a unit never sees how its weights add up."""
    return np.asarray(np.eye(d)[rng.integers(0, d, n)] * rng.standard_normal((n, 1)))


def _sphere(rng: Rng, n: int, d: int) -> Array:
    X = rng.standard_normal((n, d))
    return np.asarray(X / np.linalg.norm(X, axis=1, keepdims=True))


def _two_clusters(rng: Rng, n: int, d: int) -> Array:
    return rng.standard_normal((n, d)) + 20.0 * rng.choice([-1.0, 1.0], (n, 1))


def _half_integers(rng: Rng, n: int, d: int) -> Array:
    return np.round(2 * rng.standard_normal((n, d))) / 2


def rays(rng: Rng) -> Case:
    """Inputs on few rays; without biases each ray is one equation."""
    d, k, m = sizes(rng)
    bias = bool(rng.random() < 0.5)
    net = network(rng, d, k, m, bias=0.5 * bias)
    directions = rng.standard_normal((int(rng.integers(d + 1, 4 * d + 6)), d))

    def law(rng: Rng, n: int, _: int) -> Array:
        chosen = directions[rng.integers(0, len(directions), n)]
        return np.asarray(chosen * rng.exponential(1.0, (n, 1)))

    X = law(rng, enough(rng, d, 2 * k, m), d)
    return Case(X, net(X), net, drawn(law, d), asked(rng, k) | {"bias": bias})


FAMILIES: dict[str, Family] = {
    "noise": noise,
    "labels through float32": labels_through_float32,
    "inputs through float32": inputs_through_float32,
    "in float32": in_float32,
    "one of two in float32": one_of_two_in_float32,
    "labels in decimals": labels_in_decimals,
    "permuted labels": permuted_labels,
    "two labels swapped": two_labels_swapped,
    "corrupted labels": corrupted_labels,
    "duplicated rows": duplicated_rows,
    "dependent inputs": dependent_inputs,
    "too few samples": too_few_samples,
    "integer grid": integer_grid,
    "corners of a cube": corners,
    "scaled columns": scaled_columns,
    "any scale": any_scale,
    "rays": rays,
    "Cauchy inputs": _from_law(_cauchy),
    "log-normal lengths": _from_law(_log_normal),
    "far from the origin": _from_law(_far_away),
    "positive orthant": _from_law(_orthant),
    "positive orthant, no bias": _from_law(_orthant, bias=0.0),
    "sparse inputs": _from_law(_mostly_zero),
    "one-hot inputs": _from_law(_one_hot),
    "sphere": _from_law(_sphere),
    "two clusters": _from_law(_two_clusters),
    "half integers": _from_law(_half_integers),
} | {f"{name} inputs": _from_law(LAWS[name], bias=0.0) for name in ("signs", "uniform")}
