"""Families of cases built so that a wrong network explains every sample."""

from __future__ import annotations

import numpy as np

from support.false_certainty import Array, Case, Family
from support.families_networks import asked, case, drawn, network
from support.planting import gaussian
from unrelu import Network

Rng = np.random.Generator


def edge(rng: Rng) -> Case:
    """d = 1: two units share the last samples; one unit through these explains them, too."""
    X = np.sort(rng.standard_normal((200, 1)), axis=0)
    x = X[:, 0]
    V, U = np.ones((4, 1)), np.array([[1.0, -2.0, 1.0, 1.0]])
    net = Network(V, U, [0.5, -0.3, -x[-3:-1].mean(), -x[-2:].mean()], [0.2])
    return Case(X, net(X), net, drawn(gaussian, 1), asked(rng, 4))


def edge_in_space(rng: Rng) -> Case:
    """A unit active on D to D + 2 samples, and a second one, parallel to it, on fewer."""
    d, k = int(rng.integers(2, 5)), 2
    X, v = rng.standard_normal((300, d)), np.eye(d)[:1]
    net, z = network(rng, d, k, 1), np.sort(X[:, 0])[::-1]
    outer = d + 1 + int(rng.integers(0, 3))
    inner = int(rng.integers(1, outer))
    net = Network(
        np.vstack([net.V, v, v]),
        np.hstack([net.U, [[1.0, 0.3]]]),
        np.r_[net.b, -z[outer - 1 : outer + 1].mean(), -z[inner - 1 : inner + 1].mean()],
        net.c,
    )
    return Case(X, net(X), net, drawn(gaussian, d), asked(rng, k + 2))


def edge_corrupted(rng: Rng) -> Case:
    """The outermost labels are wrong, and an extra unit there explains them."""
    d = int(rng.integers(1, 4))
    net = network(rng, d, 2, 1)
    X = rng.standard_normal((200, d))
    X = X[np.argsort(X @ rng.standard_normal(d))]
    Y = net(X)
    count = int(rng.integers(1, d + 3))
    Y[-count:] += 0.3 * rng.standard_normal((count, 1))
    return Case(X, Y, net, drawn(gaussian, d), asked(rng, 2))


def orientation(rng: Rng) -> Case:
    """Σ u_j v_jᵀ = 0 over some units: all of these may change sides together."""
    d, others = int(rng.integers(2, 5)), int(rng.integers(0, 3))
    T = rng.standard_normal((int(rng.integers(2, 4)), d))
    T = np.vstack([T, -T.sum(axis=0), rng.standard_normal((others, d))])
    k, lengths = len(T), np.linalg.norm(T, axis=1)
    u = rng.standard_normal((int(rng.integers(1, 3)), 1)) * lengths
    if others:
        u[:, -others:] = rng.standard_normal((len(u), others))
    net = Network(T / lengths[:, None], u, 0.3 * rng.standard_normal(k), [0.0] * len(u))
    return case(rng, net, 300, unique=False, **asked(rng, k))


def few_true_equations(rng: Rng) -> Case:
    """Hardly more samples than inputs; outputs without information, or copies of rows with a
    jitter in the last bit, pretend to be equations."""
    d, n = int(rng.integers(2, 5)), int(rng.integers(4, 9))
    net = network(rng, d, 1, 1)
    X = rng.standard_normal((n + d, d))
    kind = rng.integers(3)
    if kind == 0:
        X = np.repeat(X, 8, axis=0)
        X *= 1 + 1e-15 * rng.standard_normal(X.shape)
    else:
        w = np.arange(1.0, 9.0) if kind == 1 else np.eye(8)[0]
        net = Network(net.V, net.U * w[:, None], net.b, net.c * w)
    return Case(X, net(X), net, drawn(gaussian, d), {"n_units": 1})


def noise_on_scaled_columns(rng: Rng) -> Case:
    """Columns of 1e6 and 1e-6; the noise is small against ‖x‖ alone."""
    scale = np.array([1e6, 1e-6])
    net = network(rng, 2, 3, 1)
    net = Network(net.V / scale, net.U, net.b, net.c)

    def law(rng: Rng, n: int, d: int) -> Array:
        return np.asarray(gaussian(rng, n, d) * scale)

    X = law(rng, 300, 2)
    Y = net(X)
    Y += 10.0 ** rng.uniform(-12, -6) * np.abs(Y).max() * rng.standard_normal(Y.shape)
    return Case(X, Y, net, drawn(law, 2), asked(rng, 3))


def huge_unit(rng: Rng) -> Case:
    """Where the huge unit is off, the small one is plain to see."""
    d = int(rng.integers(2, 5))
    V = network(rng, d, 2, 1).V
    small = 10.0 ** rng.uniform(-10, -4)
    net = Network(V, [[1e8, small]], [-1.2, 0.3])
    return case(rng, net, 300, **asked(rng, 2))


def lemma_55(rng: Rng) -> Case:
    """BJW Lemma 55: the networks for a and 2a are the same where |x₁| > 2a|x₂|; so is one unit
    when that is all there is to see."""
    a, shut = rng.uniform(0.1, 0.5), bool(rng.random() < 0.5)
    net = Network([[1, a], [1, -a]], [[0.5, 0.5]])

    def law(rng: Rng, n: int, _: int) -> Array:
        X = rng.standard_normal((n, 2))
        if shut:
            X[:, 1] = 0.99 * X[:, 0] * rng.uniform(-1, 1, n) / (2 * a)
        return X

    X = law(rng, 300, 2)
    options = {"bias": bool(rng.random() < 0.3)} | asked(rng, 2)
    return Case(X, net(X), net, drawn(law, 2), options)


def small_inputs(rng: Rng) -> Case:
    """A unit that is always active, on inputs small against 1."""
    x, d = 10.0 ** rng.uniform(-14, 0), int(rng.integers(1, 5))
    net = network(rng, d, 2, 1)
    net = Network(net.V, net.U, [0.1 * x, 12 * x])

    def law(rng: Rng, n: int, d: int) -> Array:
        return np.asarray(gaussian(rng, n, d) * x)

    X = law(rng, 300, d)
    return Case(X, net(X), net, drawn(law, d), asked(rng, 2), unique=False)


def rarely_used_input(rng: Rng) -> Case:
    """A column that is zero in nearly every row."""

    def law(rng: Rng, n: int, d: int) -> Array:
        X = gaussian(rng, n, d)
        X[:, -1] *= rng.random(n) < 0.005
        return X

    net = network(rng, 3, 2, 2)
    X = law(rng, 20_000, 3)
    return Case(X, net(X), net, drawn(law, 3), asked(rng, 2))


def shared_hyperplane(rng: Rng) -> Case:
    """Kinks that several units have in common up to rounding, on different sides."""
    d, m = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    net = network(rng, d, 2, m, bias=0.3)
    turn = np.array([1.0, -1.0])[rng.integers(0, 2, 2)][:, None]
    off = 10.0 ** rng.uniform(-17, -6, 2)
    net = Network(
        np.vstack([net.V, turn * net.V]),
        np.hstack([net.U, rng.standard_normal((m, 2))]),
        np.r_[net.b, turn[:, 0] * net.b + off],
        net.c,
    )
    return case(rng, net, 250, **asked(rng, 4))


def gap_in_the_inputs(rng: Rng) -> Case:
    """d = 1: the kinks lie where there are no samples; of several there only the sum shows."""
    inside = int(rng.integers(1, 4))
    signs = rng.choice([-1.0, 1.0], inside)
    b = -signs * rng.uniform(-0.4, 0.4, inside)
    net = Network(
        np.r_[signs, 1.0, -1.0][:, None],
        rng.standard_normal((1, inside + 2)),
        np.r_[b, -1.0, -1.2],
        [0.3],
    )

    def law(rng: Rng, n: int, _: int) -> Array:
        return np.asarray((0.5 + np.abs(rng.standard_normal((n, 1)))) * rng.choice([-1, 1], (n, 1)))

    X = law(rng, 200, 1)
    return Case(X, net(X), net, drawn(law, 1), asked(rng, inside + 2), unique=inside == 1)


def pairs_for_linear_units(rng: Rng) -> Case:
    """Units that are active on every sample add a linear function of the inputs. On a kink that
    is there anyway an opposite pair adds one, too: as many units, other networks."""
    d, m, bias = int(rng.integers(1, 4)), int(rng.integers(2, 5)), bool(rng.random() < 0.5)
    linear = 1 if bias else d
    kinks = network(rng, d, linear + int(rng.integers(0, 2)), m, bias=0.5 * bias)
    V = np.abs(rng.standard_normal((linear, d)))
    net = Network(
        np.vstack([V, kinks.V]),
        rng.standard_normal((m, linear + kinks.n_units)),
        np.r_[np.full(linear, 50.0 * bias), kinks.b],
        kinks.c,
    )

    def law(rng: Rng, n: int, d: int) -> Array:
        X = gaussian(rng, n, d)
        return X if bias else np.abs(X)

    X = law(rng, 200, d)
    options = asked(rng, net.n_units) | {"bias": bias}
    return Case(X, net(X), net, drawn(law, d), options, unique=not bias and d == 1)


FAMILIES: dict[str, Family] = {
    "pairs for linear units": pairs_for_linear_units,
    "edge": edge,
    "edge in space": edge_in_space,
    "edge corrupted": edge_corrupted,
    "orientation": orientation,
    "few true equations": few_true_equations,
    "noise on scaled columns": noise_on_scaled_columns,
    "huge unit": huge_unit,
    "Lemma 55": lemma_55,
    "small inputs": small_inputs,
    "rarely used input": rarely_used_input,
    "shared hyperplane": shared_hyperplane,
    "gap in the inputs": gap_in_the_inputs,
}
