"""Families of cases by what made the labels: networks of every awkward kind, and other things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support.false_certainty import Array, Case, Draw, Family
from support.planting import Law, gaussian
from unrelu import Network

Rng = np.random.Generator


def sizes(rng: Rng, most: int = 6) -> tuple[int, int, int]:
    """d, k, m."""
    return int(rng.integers(1, most + 1)), int(rng.integers(1, 6)), int(rng.integers(1, 6))


def enough(rng: Rng, d: int, k: int, m: int) -> int:
    """Samples: between what is just too few and ample."""
    unknowns = k * (d + m) + m
    return min(300, 15 + int(rng.uniform(1.5, 6.0) * max(2.5 * (d + 1), unknowns / m)))


def network(rng: Rng, d: int, k: int, m: int, bias: float = 0.5) -> Network:
    """Unit hidden rows, Gaussian weights; output biases whenever there are hidden ones."""
    V = rng.standard_normal((k, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    c = rng.standard_normal(m) if bias else np.zeros(m)
    return Network(V, rng.standard_normal((m, k)), bias * rng.standard_normal(k), c)


def drawn(law: Law, d: int) -> Draw:
    return lambda rng, n: law(rng, n, d)


def asked(rng: Rng, k: int) -> dict[str, Any]:
    """The number of units is given in half of the cases."""
    return {"n_units": k} if rng.random() < 0.5 else {}


def case(rng: Rng, net: Network, n: int, *, unique: bool = True, **options: Any) -> Case:
    """Gaussian inputs, labels as the network makes them."""
    X = gaussian(rng, n, net.n_inputs)
    return Case(X, net(X), net, drawn(gaussian, net.n_inputs), options, unique)


def with_units(net: Network, V: Array, U: Array, b: Array) -> Network:
    return Network(np.vstack([net.V, V]), np.hstack([net.U, U]), np.r_[net.b, b], net.c)


def plain(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    return case(rng, network(rng, d, k, m), enough(rng, d, k, m), **asked(rng, k))


def more_units_than_inputs(rng: Rng) -> Case:
    d, k, m = int(rng.integers(1, 4)), int(rng.integers(4, 8)), int(rng.integers(1, 8))
    return case(rng, network(rng, d, k, m), enough(rng, d, 2 * k, m), **asked(rng, k))


def one_unit_wider(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    return case(rng, network(rng, d, k + 1, m), enough(rng, d, k + 1, m), n_units=k)


def one_unit_narrower(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    return case(rng, network(rng, d, k, m), enough(rng, d, k, m), n_units=k + 1)


def no_bias_looked_for_anyway(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    return case(rng, network(rng, d, k, m, bias=0.0), enough(rng, d, k, m), **asked(rng, k))


def no_bias(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net = network(rng, d, k, m, bias=0.0)
    return case(rng, net, enough(rng, d, k, m), bias=False, **asked(rng, k))


def bias_not_looked_for(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net = network(rng, d, k, m, bias=10.0 ** rng.uniform(-9, 0))
    return case(rng, net, enough(rng, d, k, m), bias=False, **asked(rng, k))


def never_active(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net, idle = network(rng, d, k, m), network(rng, d, 1, m)
    net = with_units(net, idle.V, idle.U, np.array([-50.0]))
    return case(rng, net, enough(rng, d, k, m), **asked(rng, k + 1))


def always_active(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net, linear = network(rng, d, k, m), network(rng, d, 1, m)
    net = with_units(net, linear.V, linear.U, np.array([50.0]))
    return case(rng, net, enough(rng, d, k + 1, m), unique=False, **asked(rng, k + 1))


def barely_active(rng: Rng) -> Case:
    """One unit is active on a handful of samples."""
    d, k, m = sizes(rng)
    net, rare = network(rng, d, k, m), network(rng, d, 1, m)
    X = gaussian(rng, enough(rng, d, k + 1, m), d)
    heights = np.sort(X @ rare.V[0])[::-1]
    count = int(rng.integers(1, d + 4))
    net = with_units(net, rare.V, rare.U, np.array([-heights[count - 1 : count + 1].mean()]))
    return Case(X, net(X), net, drawn(gaussian, d), asked(rng, k + 1))


def barely_inactive(rng: Rng) -> Case:
    """One unit is inactive on a handful of samples."""
    d, k, m = sizes(rng)
    net, rare = network(rng, d, k, m), network(rng, d, 1, m)
    X = gaussian(rng, enough(rng, d, k + 1, m), d)
    heights = np.sort(X @ rare.V[0])
    count = int(rng.integers(1, d + 4))
    net = with_units(net, rare.V, rare.U, np.array([-heights[count - 1 : count + 1].mean()]))
    return Case(X, net(X), net, drawn(gaussian, d), asked(rng, k + 1))


def identical_units(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    net = with_units(net, net.V[:1], rng.standard_normal((m, 1)), net.b[:1])
    return case(rng, net, enough(rng, d, k + 1, m), **asked(rng, k))


def opposite_units(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    bias = bool(rng.random() < 0.5)
    net = network(rng, d, k, m, bias=0.5 * bias)
    net = with_units(net, -net.V[:1], rng.standard_normal((m, 1)), -net.b[:1])
    return case(rng, net, enough(rng, d, k + 1, m), bias=bias, **asked(rng, k + 1))


def nearly_identical_units(rng: Rng) -> Case:
    """From far below to far above the distance that samples can tell."""
    d, k, m = sizes(rng)
    net, apart = network(rng, d, k, m), 10.0 ** rng.uniform(-15, -1)
    V = net.V[:1] + apart * rng.standard_normal((1, d))
    U = net.U[:, :1] if rng.random() < 0.5 else rng.standard_normal((m, 1))
    net = with_units(net, V, U, net.b[:1] + apart * rng.standard_normal(1))
    return case(rng, net, enough(rng, d, k + 1, m), **asked(rng, k + 1))


def faint_unit(rng: Rng) -> Case:
    """Output weights of one unit from far below rounding to visible."""
    d, k, m = sizes(rng)
    net = network(rng, d, k + 1, m)
    U = net.U.copy()
    U[:, -1] *= 10.0 ** rng.uniform(-18, -3)
    net = Network(net.V, U, net.b, net.c)
    return case(rng, net, enough(rng, d, k + 1, m), **asked(rng, k + 1))


def sizes_of_units_apart(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    net = Network(net.V, net.U * 10.0 ** rng.uniform(-8, 8, k), net.b, net.c)
    return case(rng, net, enough(rng, d, k, m), **asked(rng, k))


def large_biases(rng: Rng) -> Case:
    """Many units are seen by few samples."""
    d, k, m = sizes(rng)
    return case(rng, network(rng, d, k, m, bias=2.0), enough(rng, d, k, m), **asked(rng, k))


def kept_by_rank_one(rng: Rng) -> Case:
    """All output weights are parallel: as many outputs as you like, one equation a sample."""
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    U = np.outer(rng.standard_normal(m), rng.standard_normal(k))
    net = Network(net.V, U, net.b, net.c)
    return case(rng, net, enough(rng, d, k, m), **asked(rng, k))


def three_layers(rng: Rng) -> Case:
    """Every unit of the second layer switches, well inside the samples. Fresh inputs are of the
    linear pieces that a sample shows: of the others there is no trace."""
    d, k, m = sizes(rng)
    n = enough(rng, d, 2 * k, m)
    first = network(rng, d, k + 1, 3)
    X = gaussian(rng, n, d)
    W = np.vstack([np.ones(3), rng.standard_normal((1, 3))])
    middle = -np.median(first(X) @ W.T, axis=0)
    second = Network(W, rng.standard_normal((m, 2)), middle)

    def both(X: Array) -> Array:
        return second(first(X))

    def pieces(X: Array) -> list[bytes]:
        sides = np.hstack([first.preactivations(X), second.preactivations(first(X))]) > 0
        return [row.tobytes() for row in sides]

    shown = set(pieces(X))

    def draw(rng: Rng, n: int) -> Array:
        fresh = gaussian(rng, n, d)
        return fresh[[piece in shown for piece in pieces(fresh)]]

    return Case(X, both(X), both, draw, asked(rng, k))


def skip_connection(rng: Rng) -> Case:
    """x·w u is also f(x·w + β) − f(−x·w − β) for every β."""
    d, k, m = sizes(rng)
    net, w = network(rng, d, k, m), rng.standard_normal((1, d))
    u = rng.standard_normal((m, 1))
    net = with_units(net, np.vstack([w, -w]), np.hstack([u, -u]), np.zeros(2))
    return case(rng, net, enough(rng, d, k + 2, m), unique=False, **asked(rng, k + 2))


def leaky_units(rng: Rng) -> Case:
    """f(z) − a f(−z): a network twice as wide, of opposite pairs."""
    d, k, m = sizes(rng)
    bias = bool(rng.random() < 0.5)
    net, leak = network(rng, d, k, m, bias=0.5 * bias), rng.uniform(0.01, 0.5)
    net = with_units(net, -net.V, -leak * net.U, -net.b)
    return case(rng, net, enough(rng, d, 2 * k, m), bias=bias, **asked(rng, k))


def _activated(f: Callable[[Array], Array]) -> Family:
    def family(rng: Rng) -> Case:
        d, k, m = sizes(rng)
        net = network(rng, d, k, m)
        X = gaussian(rng, enough(rng, d, k, m), d)

        def labels(X: Array) -> Array:
            return np.asarray(f(net.preactivations(X)) @ net.U.T + net.c)

        return Case(X, labels(X), labels, drawn(gaussian, d), asked(rng, k))

    return family


def zero_and_repeated_outputs(rng: Rng) -> Case:
    d, k, m = sizes(rng)
    net = network(rng, d, k, m)
    kinds = rng.integers(0, 4, 4)
    extra = [[0 * net.U[0], net.U[0], 3 * net.U[0], net.U.sum(axis=0)][kind] for kind in kinds]
    biases = [[0.0, net.c[0], 3 * net.c[0], net.c.sum()][kind] for kind in kinds]
    net = Network(net.V, np.vstack([net.U, *extra]), net.b, np.r_[net.c, biases])
    n = enough(rng, d, k, m) if rng.random() < 0.5 else int(rng.integers(d + 2, 4 * d + 8))
    return case(rng, net, n, **asked(rng, k))


def constant_labels(rng: Rng) -> Case:
    d, _, m = sizes(rng)
    c = rng.standard_normal(m) * rng.integers(0, 2)
    net = Network(np.zeros((0, d)), np.zeros((m, 0)), c=c)
    options: dict[str, Any] = {"bias": bool(rng.random() < 0.8)}
    return case(rng, net, int(rng.integers(d + 1, 60)), **options)


def linear_labels(rng: Rng) -> Case:
    d, _, m = sizes(rng)
    W = rng.standard_normal((m, d))
    V = np.vstack([np.eye(d), -np.eye(d)])
    net = Network(V, np.hstack([W, -W]), c=rng.standard_normal(m))
    return case(rng, net, enough(rng, d, 1, m), unique=False)


FAMILIES: dict[str, Family] = {
    "plain": plain,
    "more units than inputs": more_units_than_inputs,
    "one unit wider than asked": one_unit_wider,
    "one unit narrower than asked": one_unit_narrower,
    "no bias, looked for": no_bias_looked_for_anyway,
    "no bias": no_bias,
    "bias, not looked for": bias_not_looked_for,
    "unit never active": never_active,
    "unit always active": always_active,
    "unit barely active": barely_active,
    "unit barely inactive": barely_inactive,
    "identical units": identical_units,
    "opposite units": opposite_units,
    "nearly identical units": nearly_identical_units,
    "faint unit": faint_unit,
    "sizes of units apart": sizes_of_units_apart,
    "large biases": large_biases,
    "parallel output weights": kept_by_rank_one,
    "three layers": three_layers,
    "skip connection": skip_connection,
    "leaky units": leaky_units,
    "tanh units": _activated(np.tanh),
    "squared units": _activated(lambda Z: np.maximum(Z, 0.0) ** 2),
    "softplus units": _activated(lambda Z: np.logaddexp(0.0, 8 * Z) / 8),
    "zero and repeated outputs": zero_and_repeated_outputs,
    "constant labels": constant_labels,
    "linear labels": linear_labels,
}
