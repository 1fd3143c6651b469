"""Claim: a model that is not what it seems is never recovered as "exact" with another function.

`extract` is given 3,000 models of the families below, with `answers="auto"`, few inputs, units and
outputs, and a budget of a few thousand queries. A result of status exact or proved is false if the
network, with the head that was recognised, does not give the answers of the model on at least a
hundredth of 2,000 fresh inputs: values to 1e-6 of their size (1e-3 for float32, a step where
answers are rounded), or the same labels. Where it does not on fewer, that is rare. Where a model
answers differently each time, exact is always false.

three layers      a second hidden layer
activation        tanh, softplus, GELU, sine, squares, or ReLU capped at one, for the ReLU
leaky, skip       leaky units; a linear part beside the units
noise             Gaussian noise of 1e-12 to 0.1 of the values; noise on some answers only
drift             answers that change with the number of queries, slowly or at once
coarse inside     computed in float16, float32 or bfloat16, answered in float64
coarse inputs     inputs rounded to float16, to two decimals, or cut off at two
cached            the answer of an earlier query nearby; answers of a batch in another order
rounded           to decimals, to a step, towards zero; whole numbers
heads             sigmoid, softmax, log-softmax, tanh, clipped, rectified; and two of them composed
temperature       softmax of values divided by a constant, or with one class left out
labels            sign or argmax; with a rule for ties, a third class for "not sure", random labels
trees             regression trees and nearest neighbours, as values and as labels
patched           another network in a region of a tenth of the inputs
pairs             maxima, products and quotients of two networks
bump              a bump in a small region, of values in double or single precision
top-k             softmax, the two or three likeliest classes shown: as they are, times 0.9, mixed
                  with a constant, with noise, or with a sine added to an output
sine              a sine of 1e-9 to 0.01 of the values

Columns: family; cases; statuses; false: exact with another function; rare; errors: exceptions, of
which OracleError is one for answers that are not finite; queries: median; max_s.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _table import Table, parser
from numpy.typing import NDArray

import unrelu

Array = NDArray[np.float64]
Model = Callable[[Array], Array]

FRESH, RARE = 2000, 0.01
COLUMNS = (
    *("family", "cases", "exact", "estimated", "undetermined", "failed", "false", "rare", "errors"),
    *("queries", "max_s"),
)


def softmax(Z: Array) -> Array:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return np.asarray(E / E.sum(axis=1, keepdims=True))


def log_softmax(Z: Array) -> Array:
    Z = Z - Z.max(axis=1, keepdims=True)
    return np.asarray(Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))


def sigmoid(Z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-Z)))


HEADS: dict[str, Model] = {
    "values": lambda Z: Z,
    "softmax": softmax,
    "log-softmax": log_softmax,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "clipped": lambda Z: np.clip(Z, 0, 1),
    "rectified": lambda Z: np.maximum(Z, 0),
}


def planted(rng: np.random.Generator, m: int | None = None) -> unrelu.Network:
    d, k, m = int(rng.integers(2, 7)), int(rng.integers(1, 5)), m or int(rng.integers(1, 4))
    V, U = rng.standard_normal((k, d)), rng.standard_normal((m, k))
    return unrelu.Network(V, U, 0.5 * rng.standard_normal(k), 0.5 * rng.standard_normal(m))


def three_layers(rng: np.random.Generator) -> tuple[Model, int]:
    first = planted(rng, 3)
    last = unrelu.Network(rng.standard_normal((2, 3)), rng.standard_normal((1, 2)), [0.2, -0.1])
    return lambda X: last(first(X)), first.n_inputs


ACTIVATIONS: tuple[Model, ...] = (
    np.tanh,
    lambda Z: np.log1p(np.exp(-np.abs(Z))) + np.maximum(Z, 0),
    lambda Z: Z * sigmoid(1.702 * Z),
    np.sin,
    lambda Z: np.maximum(Z, 0) ** 2,
    lambda Z: np.clip(Z, 0, 1),
)


def activation(rng: np.random.Generator) -> tuple[Model, int]:
    net, f = planted(rng), ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    return lambda X: f(X @ net.V.T + net.b) @ net.U.T + net.c, net.n_inputs


def leaky_or_skip(rng: np.random.Generator) -> tuple[Model, int]:
    net, slope = planted(rng), float(rng.choice([0.01, 0.2]))
    W = rng.standard_normal((net.n_outputs, net.n_inputs)) * rng.choice([1e-6, 1.0])
    if rng.integers(2):
        return lambda X: net(X) + X @ W.T, net.n_inputs
    return lambda X: _leaky(X @ net.V.T + net.b, slope) @ net.U.T + net.c, net.n_inputs


def _leaky(Z: Array, slope: float) -> Array:
    return np.where(Z > 0, Z, slope * Z)


def noise(rng: np.random.Generator) -> tuple[Model, int]:
    net, size = planted(rng), 10.0 ** rng.uniform(-12, -1)
    share = float(rng.choice([1.0, 0.05]))

    def model(X: Array) -> Array:
        Y = net(X)
        hit = rng.random((len(Y), 1)) < share
        return np.asarray(Y + hit * size * rng.standard_normal(Y.shape))

    return model, net.n_inputs


def drift(rng: np.random.Generator) -> tuple[Model, int]:
    net, rate = planted(rng), 10.0 ** rng.uniform(-9, -4)
    sudden, after, asked = bool(rng.integers(2)), int(rng.integers(5, 60)), 0

    def model(X: Array) -> Array:
        nonlocal asked
        counts = asked + np.arange(len(X))[:, None]
        asked += len(X)
        return net(X) * (1 + (100 * rate * (counts > after) if sudden else rate * counts))

    return model, net.n_inputs


def _bfloat16(A: Array) -> Array:
    bits = A.astype(np.float32).view(np.uint32)
    return ((bits + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


ROUNDINGS: tuple[Model, ...] = (
    lambda A: A.astype(np.float16).astype(np.float64),
    lambda A: A.astype(np.float32).astype(np.float64),
    _bfloat16,
)


def coarse_inside(rng: np.random.Generator) -> tuple[Model, int]:
    net, rounded = planted(rng), ROUNDINGS[rng.integers(3)]
    tail = 1.0 if rng.integers(2) else np.pi / 3  # answers that do not look like float16

    def model(X: Array) -> Array:
        Z = rounded(rounded(X) @ rounded(net.V).T + rounded(net.b))
        return rounded(np.maximum(Z, 0) @ rounded(net.U).T + net.c) * tail

    return model, net.n_inputs


def coarse_inputs(rng: np.random.Generator) -> tuple[Model, int]:
    net = planted(rng)
    change: Model = (
        ROUNDINGS[0],
        lambda X: np.asarray(np.round(X, 2)),
        lambda X: np.clip(X, -2, 2),
    )[rng.integers(3)]
    return lambda X: net(change(X)), net.n_inputs


def cached(rng: np.random.Generator) -> tuple[Model, int]:
    net, shuffled = planted(rng), bool(rng.integers(2))
    radius, seen = 10.0 ** rng.uniform(-8, -0.5), []  # type: ignore[var-annotated]

    def model(X: Array) -> Array:
        if shuffled:
            return net(X)[rng.permutation(len(X))]
        Y = net(X)
        for i, x in enumerate(X):
            near = [y for q, y in seen[-200:] if np.abs(q - x).max() < radius]
            Y[i] = near[0] if near else Y[i]
            seen.append((x, Y[i].copy()))
        return Y

    return model, net.n_inputs


def rounded(rng: np.random.Generator) -> tuple[Model, int]:
    net, kind = planted(rng), int(rng.integers(5))
    places, step = int(rng.integers(1, 6)), float(rng.choice([1 / 255, 0.05, 0.37]))
    modes: tuple[Model, ...] = (
        lambda Y: np.asarray(np.round(Y, places)),
        lambda Y: np.asarray(np.round(Y / step) * step),
        lambda Y: np.asarray(np.trunc(Y / step) * step),
        lambda Y: np.asarray(np.floor(20 * Y)),
        lambda Y: np.asarray(np.where(rng.random(Y.shape) < 0.5, np.floor(9 * Y), np.ceil(9 * Y))),
    )
    return lambda X: modes[kind](net(X)), net.n_inputs


def heads(rng: np.random.Generator) -> tuple[Model, int]:
    net, names = planted(rng, int(rng.integers(1, 5))), list(HEADS)
    first, second = (HEADS[names[i]] for i in rng.integers(len(names), size=2))
    places = int(rng.integers(3, 7))
    end: Model = (lambda Y: Y, lambda Y: np.asarray(np.round(Y, places)))[rng.integers(2)]
    both = bool(rng.integers(2))
    return lambda X: end(second(first(net(X))) if both else first(net(X))), net.n_inputs


def temperature(rng: np.random.Generator) -> tuple[Model, int]:
    net, heat = planted(rng, int(rng.integers(2, 5))), float(rng.uniform(0.3, 4))
    left_out, places = bool(rng.integers(2)), int(rng.integers(3, 12))

    def model(X: Array) -> Array:
        P = softmax(net(X) / heat)
        return np.asarray(np.round(P[:, 1:] if left_out else P, places))

    return model, net.n_inputs


def labels(rng: np.random.Generator) -> tuple[Model, int]:
    net, kind = planted(rng, int(rng.integers(1, 5))), int(rng.integers(4))
    level, wrong = float(rng.normal()), float(rng.choice([0.001, 0.05]))

    def model(X: Array) -> Array:
        Z = net(X)
        if Z.shape[1] == 1:
            label = (Z[:, 0] > level * (kind == 1)).astype(float)
        else:
            label = Z.argmax(axis=1).astype(float)
        if kind == 2:  # not sure
            top = np.sort(Z, axis=1)
            unsure = np.abs(Z[:, 0]) < 0.3 if Z.shape[1] == 1 else top[:, -1] - top[:, -2] < 0.3
            label[unsure] = -1.0
        if kind == 3:
            swapped = rng.random(len(label)) < wrong
            label[swapped] = label[rng.permutation(len(label))][swapped]
        return label

    return model, net.n_inputs


def trees(rng: np.random.Generator) -> tuple[Model, int]:
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.tree import DecisionTreeRegressor

    net, as_labels = planted(rng, 1), bool(rng.integers(2))
    X = rng.standard_normal((200, net.n_inputs))
    Y = net(X)[:, 0] > 0 if as_labels else net(X)[:, 0]
    kinds = (DecisionTreeRegressor(max_depth=4, random_state=0), KNeighborsRegressor(3))
    fitted = kinds[rng.integers(2)].fit(X, Y.astype(float))

    def model(X: Array) -> Array:
        answers = np.asarray(fitted.predict(X), dtype=np.float64)
        return (answers > 0.5).astype(float) if as_labels else answers

    return model, net.n_inputs


def patched(rng: np.random.Generator) -> tuple[Model, int]:
    net = planted(rng, 1)
    side, as_labels = rng.standard_normal(net.n_inputs), bool(rng.integers(2))
    other = unrelu.Network(rng.standard_normal((2, net.n_inputs)), rng.standard_normal((1, 2)))

    def model(X: Array) -> Array:
        Y = np.where((X @ side > 1.28 * np.linalg.norm(side))[:, None], other(X), net(X))
        return (Y > 0).astype(float) if as_labels else Y

    return model, net.n_inputs


def pairs(rng: np.random.Generator) -> tuple[Model, int]:
    net, kind = planted(rng, 2), int(rng.integers(3))
    joined: Model = (
        lambda Z: Z.max(axis=1),
        lambda Z: Z[:, 0] * Z[:, 1],
        lambda Z: Z[:, 0] / (1 + np.abs(Z[:, 1])),
    )[kind]
    return lambda X: joined(net(X)), net.n_inputs


def bump(rng: np.random.Generator) -> tuple[Model, int]:
    net = planted(rng, 1)
    centre = rng.standard_normal(net.n_inputs)
    half, height = float(rng.uniform(0.2, 1.0)), 10.0 ** rng.uniform(-3, 0)
    last = np.float32 if rng.integers(2) else np.float64

    def model(X: Array) -> NDArray[np.floating]:
        away = np.abs(X - centre).max(axis=1, keepdims=True)
        return (net(X) + height * np.maximum(1 - away / half, 0)).astype(last)

    return model, net.n_inputs


def sine(rng: np.random.Generator) -> tuple[Model, int]:
    net, size = planted(rng), 10.0 ** rng.uniform(-9, -2)
    side = rng.standard_normal((net.n_inputs, net.n_outputs))
    return lambda X: net(X) + size * np.sin(X @ side), net.n_inputs


def top_k(rng: np.random.Generator) -> tuple[Model, int]:
    net, kind = planted(rng, int(rng.integers(3, 6))), int(rng.integers(5))
    shown, size = int(rng.integers(2, 4)), 10.0 ** rng.uniform(-9, -2)

    def model(X: Array) -> Array:
        Z = net(X)
        Z[:, 0] += size * np.sin(X[:, 0]) * (kind == 4)
        P = softmax(Z + size * rng.standard_normal(Z.shape) * (kind == 3))
        P = 0.9 * P if kind == 1 else (1 - size) * P + size / P.shape[1] if kind == 2 else P
        return np.where(np.sort(P, axis=1)[:, -shown][:, None] <= P, P, 0.0)

    return model, net.n_inputs


FAMILIES: dict[str, Callable[[np.random.Generator], tuple[Model, int]]] = {
    "three layers": three_layers,
    "activation": activation,
    "leaky, skip": leaky_or_skip,
    "noise": noise,
    "drift": drift,
    "coarse inside": coarse_inside,
    "coarse inputs": coarse_inputs,
    "cached": cached,
    "rounded": rounded,
    "heads": heads,
    "temperature": temperature,
    "labels": labels,
    "trees": trees,
    "patched": patched,
    "pairs": pairs,
    "bump": bump,
    "sine": sine,
    "top-k": top_k,
}


def differs(result: unrelu.Recovery, model: Model, d: int, rng: np.random.Generator) -> float:
    """The share of inputs on which the network of a certain result is not the model."""
    X = rng.standard_normal((FRESH, d)).astype(np.float32).astype(np.float64)
    answers = np.asarray(model(X), dtype=np.float64).reshape(FRESH, -1)
    again = np.asarray(model(X), dtype=np.float64).reshape(FRESH, -1)
    size = float(np.sqrt((answers**2).mean()))
    if np.abs(answers - again).max() > 1e-7 * size:
        return 1.0
    assert result.network is not None
    head, Z = str(result.stats["answers"]), result.network(X)
    if head == "labels":
        values = np.unique(answers)
        found = (Z[:, 0] > 0).astype(int) if Z.shape[1] == 1 else Z.argmax(axis=1)
        if len(values) > max(2, Z.shape[1]):
            return 1.0
        return min(
            float((values[np.minimum(order[found], len(values) - 1)] != answers[:, 0]).mean())
            for order in _orders(max(2, Z.shape[1]))
        )
    if head == "top-k":
        classes = getattr(result.certificate.evidence, "classes", np.arange(0))
        P, expected = answers[:, classes], softmax(Z)
        if (answers.sum(axis=1) < 1 - 1e-12).any() and len(classes) == answers.shape[1]:
            return float((np.abs(P - expected) > 1e-6 * P).any(axis=1, where=P > 0).mean())
        ratios = np.where(P > 0, P / P.max(axis=1, keepdims=True), 0.0)
        expected = expected / expected[np.arange(FRESH), P.argmax(axis=1)][:, None]
        return float((np.abs(ratios - expected) > 1e-6 * ratios).any(axis=1, where=P > 0).mean())
    expected = HEADS.get(head, HEADS["values"])(Z)
    if expected.shape != answers.shape:
        return 1.0
    single = bool((answers.astype(np.float32) == answers).all())
    allowed = (1e-3 if single else 1e-6) * size + 1.1 * _step(answers)
    return float((np.abs(expected - answers).max(axis=1) > allowed).mean())


def _step(answers: Array) -> float:
    """To which answers are rounded."""
    steps = np.diff(np.unique(answers))
    step = float(np.median(steps)) if len(steps) and len(steps) < answers.size / 2 else 0.0
    places = (p for p in range(1, 13) if np.array_equal(np.round(answers, p), answers))
    return max(step, 10.0 ** -next(places, 99))


def _orders(m: int) -> list[NDArray[np.intp]]:
    """Labels may be numbered in another order than the outputs."""
    from itertools import permutations

    return [np.array(order) for order in permutations(range(m))]


@dataclass(frozen=True)
class Outcome:
    """What became of one model; `wrong`: the share of inputs on which a certain result is not the
    model; `error`: what was raised, if anything was."""

    status: str = ""
    answers: str = ""
    queries: int = 0
    seconds: float = 0.0
    wrong: float = 0.0
    error: str = ""


def attempt(name: str, seed: int, budget: int) -> Outcome:
    number = list(FAMILIES).index(name)
    model, d = FAMILIES[name](np.random.default_rng([seed, number]))
    started = time.perf_counter()
    try:
        result = unrelu.extract(model, d, budget=budget, rng=seed, throw=False)
    except Exception as error:
        return Outcome(error=f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - started
    if result.code == "interrupted":
        raise KeyboardInterrupt
    certain = result.status in ("exact", "proved")
    wrong = differs(result, model, d, np.random.default_rng(seed)) if certain else 0.0
    answers, queries = str(result.stats["answers"]), int(result.stats["queries"])
    return Outcome(result.status.value, answers, queries, seconds, wrong)


def row(name: str, outcomes: list[Outcome]) -> dict[str, str | int | float]:
    ended = [outcome for outcome in outcomes if not outcome.error]
    statuses = Counter(outcome.status for outcome in ended)
    return {
        "family": f"{name:<14}",
        "cases": len(outcomes),
        **{status: statuses[status] for status in COLUMNS[2:6]},
        "false": sum(outcome.wrong >= RARE for outcome in ended),
        "rare": sum(0 < outcome.wrong < RARE for outcome in ended),
        "errors": len(outcomes) - len(ended),
        "queries": float(np.median([outcome.queries for outcome in ended])) if ended else 0.0,
        "max_s": max((outcome.seconds for outcome in ended), default=0.0),
    }


def main() -> None:
    options = parser(__doc__, seeds=167)
    options.add_argument("--first", type=int, default=0, help="the first seed (0)")
    options.add_argument("--families", nargs="+", choices=FAMILIES, help="only these")
    options.add_argument("--budget", type=int, default=6000, help="queries (6000)")
    options.add_argument("--part", default="", help="end of the name of the table")
    given = options.parse_args()
    seeds = range(given.first, given.first + (3 if given.quick else given.seeds))
    outcomes: dict[str, list[Outcome]] = {name: [] for name in given.families or FAMILIES}
    try:  # seed by seed: whoever stops it has a table of all families
        for seed in seeds:
            for name, of in outcomes.items():
                of.append(outcome := attempt(name, seed, given.budget))
                if outcome.error or outcome.wrong:
                    what = outcome.error or f"{outcome.answers}: wrong on {outcome.wrong:.2%}"
                    print(f"  {name}, seed {seed}: {what}", flush=True)
    except KeyboardInterrupt:
        print("stopped")
    table = Table(f"false_models{given.part}", COLUMNS, quick=given.quick)
    for name, of in outcomes.items():
        table.add(row(name, of))


if __name__ == "__main__":
    main()
