"""The attack on "exact" at a coarse rounding: rivals are constructed, and held against the claim.

A case is a small network whose units are nearly the same, nearly opposite, nearly cancel or are
hardly seen, and labels that are known to a few digits. An answer "exact" says that every network
of so many units that fits to rounding has hidden weights within the stated errors. Here such
networks are looked for by means of their own (dense Levenberg–Marquardt in all weights, from many
starts), and one that fits and lies farther away makes the answer false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, permutations

import numpy as np
from numpy.typing import NDArray

from unrelu import Certificate, Network, Status, verify
from unrelu.checks.explained import explain, rounding_of
from unrelu.samples import Samples

Array = NDArray[np.float64]
Rng = np.random.Generator

STEPS = 12
"""Of Levenberg–Marquardt, from each start."""

MOST_ALLOWED = 4.0
"""Times what rounding allows the network that it may allow a rival."""

LEEWAY = 1.05
"""Times the stated errors from which on a rival counts as farther away."""


@dataclass(frozen=True, eq=False)
class Case:
    """A network and the samples that it made."""

    truth: Network
    X: NDArray[np.floating]
    Y: NDArray[np.floating]


# Networks.


def plain(rng: Rng, d: int, k: int, m: int) -> Network:
    """Weights of one decimal, or generic ones."""
    V, U = rng.standard_normal((k, d)), rng.standard_normal((m, k))
    b, c = rng.standard_normal(k) / 2, rng.standard_normal(m) / 2
    if rng.random() < 0.5:
        V, U, b, c = (np.round(part, 1) for part in (V, U, b, c))
    V[~V.any(axis=1), 0] = 1.0
    U[0, ~U.any(axis=0)] = 1.0
    return Network(V, U, b * (rng.random() < 0.8), c)


def _second(rng: Rng, net: Network, side: float, apart: float, u: Array) -> Network:
    """Unit 1 on (side 1) or opposite (−1) to unit 0, up to `apart`, with output weights u."""
    V, b, U = net.V.copy(), net.b.copy(), net.U.copy()
    V[1] = side * V[0] + apart * rng.standard_normal(net.n_inputs)
    b[1] = side * b[0] + apart * rng.standard_normal() * (rng.random() < 0.8)
    U[:, 1] = u
    return Network(V, U, b, net.c)


def _close(rng: Rng) -> float:
    return 0.0 if rng.random() < 0.3 else float(10.0 ** rng.uniform(-7, 0))


def facing(rng: Rng, d: int, k: int, m: int) -> Network:
    net = plain(rng, d, k, m)
    scale = rng.choice([1.0, 2.0, 0.5]) * rng.choice([-1.0, 1.0])
    u = net.U[:, 1] if rng.random() < 0.5 else scale * net.U[:, 0]
    return _second(rng, net, -1.0, _close(rng), u)


def parallel(rng: Rng, d: int, k: int, m: int) -> Network:
    net = plain(rng, d, k, m)
    return _second(rng, net, 1.0, _close(rng), net.U[:, 1])


def cancelling(rng: Rng, d: int, k: int, m: int) -> Network:
    """Equal and opposite but for a little, facing or not."""
    net = plain(rng, d, k, m)
    u = -net.U[:, 0] * (1 + _close(rng) * rng.standard_normal())
    return _second(rng, net, rng.choice([-1.0, 1.0]), _close(rng), u)


def weak(rng: Rng, d: int, k: int, m: int) -> Network:
    """A unit whose output weights are small, or of which the samples see little."""
    net = plain(rng, d, k, m)
    U, b = net.U.copy(), net.b.copy()
    if rng.random() < 0.5:
        U[:, 0] *= 10.0 ** rng.uniform(-6, -0.5)
    else:
        b[0] = rng.choice([-1.0, 1.0]) * np.linalg.norm(net.V[0]) * rng.uniform(1.5, 3.5)
    return Network(net.V, U, b, net.c)


def turning(rng: Rng, d: int, k: int, m: int) -> Network:
    """Σ u_j v_j = 0 over some units, up to a little."""
    net = plain(rng, d, k, m)
    V, U = net.V.copy(), net.U.copy()
    if k > 2 and rng.random() < 0.5:
        U[:, :3] = np.outer(U[:, 0], rng.choice([-1.0, 1.0, 2.0], 3))
        V[2] = -(U[0, 0] * V[0] + U[0, 1] * V[1]) / (U[0, 2] or 1.0)
    else:
        V[1] = rng.choice([-2.0, -1.0, 1.0]) * V[0]
        U[:, 1] = -U[:, 0] * (V[0] @ V[0]) / (V[0] @ V[1])
    V += _close(rng) * rng.standard_normal(V.shape)
    V[~V.any(axis=1), 0] = 1.0
    return Network(V, U, net.b, net.c)


NETWORKS: dict[str, Callable[[Rng, int, int, int], Network]] = {
    "plain": plain,
    "facing": facing,
    "parallel": parallel,
    "cancelling": cancelling,
    "weak": weak,
    "turning": turning,
}


# Roundings.


def _through(kind: type[np.floating]) -> Callable[[Rng, Network, Array], tuple[Network, Case]]:
    def made(rng: Rng, net: Network, X: Array) -> tuple[Network, Case]:
        V, U, b, c = (part.astype(kind) for part in (net.V, net.U, net.b, net.c))
        net = Network(V.astype(float), U.astype(float), b.astype(float), c.astype(float))
        short = X.astype(kind)
        if rng.random() < 0.5:  # computed in these numbers, or rounded to them
            Y = np.maximum(short @ V.T + b, kind(0)) @ U.T + c
        else:
            Y = net(short).astype(kind)
        if rng.random() < 0.5:
            return net, Case(net, short.astype(np.float64), Y.astype(np.float64))
        return net, Case(net, short, Y)

    return made


def _decimals(rng: Rng, net: Network, X: Array) -> tuple[Network, Case]:
    return net, Case(net, X, np.round(net(X), int(rng.integers(3, 7))))


ROUNDINGS = {
    "float32": _through(np.float32),
    "float16": _through(np.float16),
    "decimals": _decimals,
}


def drawn(network: str, rounding: str, seed: int) -> Case:
    """The case that a seed stands for."""
    rng = np.random.default_rng([seed, *network.encode(), *rounding.encode()])
    d, k, m = int(rng.integers(1, 4)), int(rng.integers(2, 5)), int(rng.integers(1, 5))
    net = NETWORKS[network](rng, d, k, m)
    n = int(rng.choice([40, 80, 150, 400]))
    X = rng.standard_normal((n, d))
    if rng.random() < 0.2:
        X = np.round(X, 1)
    elif rng.random() < 0.1:
        X = np.abs(X)
    if rng.random() < 0.2:  # none between units 0 and 1
        heights = net.preactivations(X)[:, :2]
        X = X[(heights[:, 0] > 0) == (heights[:, 1] <= 0)] if rng.random() < 0.5 else X
        if len(X) <= 4 * (d + k):
            X = rng.standard_normal((n, d))
    return ROUNDINGS[rounding](rng, net, X)[1]


# Rivals.


@dataclass(frozen=True)
class Outcome:
    """`status` of the true network; `explained`, whether it is at all; `rivals` tried; of those
    that fit, the largest distance over the stated error of the unit; `why`, where the answer is
    false."""

    status: str
    explained: bool
    rivals: int
    reach: float
    why: str


def attack(case: Case, seed: int) -> Outcome:
    """Judge the truth; where it is exact, look for a rival that the errors do not cover."""
    certificate, samples = verify(case.truth, case.X, case.Y), Samples.of(case.X, case.Y)
    unknown = samples.precision.name == "float64"  # too few levels to tell rounding from counts
    explained = certificate.code != "not-explained" or unknown
    if certificate.status != Status.EXACT or not certificate.biased:  # rivals have biases
        return Outcome(certificate.status.value, explained, 0, 0.0, "")
    rng = np.random.default_rng(seed)
    if certificate.precision == "float64":
        samples = samples.as_they_stand()
    tried: int = 0
    reach: float = 0.0
    for name, start in _starts(certificate, samples, rng):
        tried += 1
        other = _settled(start, samples)
        for rival in (other, start):
            if not fits(rival, certificate.network, samples):
                continue
            farther = distance(rival, certificate)
            reach = max(reach, farther)
            if farther > LEEWAY:
                return Outcome("exact", True, tried, reach, f"{name}: {farther:.3g} errors away")
    return Outcome("exact", True, tried, reach, "")


def fits(rival: Network, net: Network, samples: Samples) -> bool:
    """Whether a network explains all samples to rounding; not one whose own sums are so large that
    their rounding hides the difference, which takes more than a few times what `net` is allowed."""
    if explain(rival, samples).in_roundings > 1:
        return False
    X = np.asarray(samples.X, np.float64)
    own, usual = rounding_of(rival, samples).at(X), rounding_of(net, samples).at(X)
    return float(np.median(own / usual)) <= MOST_ALLOWED


def distance(other: Network, certificate: Certificate) -> float:
    """Largest error of a unit's (v, b) over what is stated; infinite where a unit has none."""
    net, other = certificate.network, other.canonical()
    if other.n_units != net.n_units:
        return np.inf if other.n_units < net.n_units else 0.0
    if not net.n_units:
        return 0.0
    apart = np.maximum(
        np.linalg.norm(other.V[:, None] - net.V[None], axis=2),
        np.abs(other.b[:, None] - net.b) / np.maximum(1.0, np.abs(net.b)),
    )
    ratio = apart / certificate.weight_errors
    order = ratio.argmin(axis=0)
    if len(np.unique(order)) < net.n_units:
        return np.inf
    return float(ratio[order, np.arange(net.n_units)].max())


def _starts(certificate: Certificate, samples: Samples, rng: Rng) -> Iterator[tuple[str, Network]]:
    """Networks of as many units, or one fewer, from which a rival may be near."""
    net, X = certificate.network, np.asarray(samples.X, np.float64)
    k, d = net.n_units, net.n_inputs
    yield from along(net, samples)
    for j in range(k):
        kept = np.delete(np.arange(k), j)
        fewer = Network(net.V[kept], net.U[:, kept], net.b[kept], net.c)
        F = np.maximum(fewer.preactivations(X), 0.0)
        columns = np.column_stack([F, X, np.ones(len(X))])
        weights = np.linalg.lstsq(columns, np.asarray(samples.Y, np.float64))[0].T
        left, sizes, right = np.linalg.svd(weights[:, k - 1 : k - 1 + d])
        low = float((X @ right[0]).min())
        yield (
            f"unit {j} always on",
            Network(
                np.vstack([fewer.V, right[0]]),
                np.column_stack([weights[:, : k - 1], left[:, 0] * sizes[0]]),
                np.append(fewer.b, 0.1 - low),
                weights[:, -1] - left[:, 0] * sizes[0] * (0.1 - low),
            ),
        )
        yield f"without unit {j}", Network(fewer.V, weights[:, : k - 1], fewer.b, weights[:, -1])
    for size in range(1, k + 1):
        for turned in combinations(range(k), size):
            signs = np.ones(k)
            signs[list(turned)] = -1.0
            c = net.c + net.U[:, list(turned)] @ net.b[list(turned)]
            yield f"{turned} turned", Network(net.V * signs[:, None], net.U, net.b * signs, c)
    for i, j in permutations(range(k), 2):  # facing, with no sample between them
        signs, V, b = np.ones(k), net.V.copy(), net.b.copy()
        V[i], b[i] = -V[j], -b[j]
        for turned in chain.from_iterable(combinations(set(range(k)) - {i, j}, r) for r in (0, 1)):
            signs[:] = 1.0
            signs[list(turned)] = -1.0
            yield f"{i} facing {j}, {turned} turned", Network(V * signs[:, None], net.U, b * signs)
    for far in (1e-4, 1e-2, 0.3):
        V, U, b = (part + far * rng.standard_normal(part.shape) for part in (net.V, net.U, net.b))
        yield f"moved by {far:g}", Network(V, U, b, net.c)


def along(net: Network, samples: Samples) -> Iterator[tuple[str, Network]]:
    """As far as rounding allows, both ways along what it shows least, on the same sides."""
    residual, J = _linearised(net, samples)
    _, values, directions = np.linalg.svd(J, full_matrices=False)
    for i in np.flatnonzero(values > 1e-9 * values[0])[-4:]:
        slope = J @ directions[i]
        seen = np.abs(slope) > 0
        for sign in (-1.0, 1.0):
            room = (1 - np.sign(sign * slope) * residual)[seen] / np.abs(slope[seen])
            step = 0.99 * sign * float(room.min())
            yield f"along {i - len(values)}", _added(net, step * directions[i])


def _settled(net: Network, samples: Samples) -> Network:
    """Levenberg–Marquardt on labels in units of their rounding, in all weights."""
    damping = 1e-3
    residual, J = _linearised(net, samples)
    cost = float(residual @ residual)
    for step in range(STEPS):
        if np.abs(residual).max() < 0.1 or (step == 3 and cost > 1e9 * len(residual)):
            break
        size = np.linalg.norm(J, axis=0)
        size = np.where(size > 0, size, 1.0)
        A = J / size
        gram = A.T @ A
        while damping < 1e6:
            gram_damped = gram + damping * np.eye(len(gram))
            move = np.linalg.solve(gram_damped, -A.T @ residual) / size
            trial = _added(net, move)
            trial_residual, trial_J = _linearised(trial, samples)
            trial_cost = float(trial_residual @ trial_residual)
            if trial_cost < cost:
                break
            damping *= 8
        else:
            break
        stalled = trial_cost > 0.999 * cost
        net, residual, J, cost = trial, trial_residual, trial_J, trial_cost
        damping = max(damping / 10, 1e-12)
        if stalled:
            break
    return net


def _linearised(net: Network, samples: Samples) -> tuple[Array, Array]:
    """Residuals in roundings, and their derivatives by V, b, U and c."""
    X, Y = np.asarray(samples.X, np.float64), np.asarray(samples.Y, np.float64)
    allowed = rounding_of(net, samples).at(X)
    Z = net.preactivations(X)
    on, F = (Z > 0).astype(np.float64), np.maximum(Z, 0.0)
    n, m, k, d = len(X), net.n_outputs, net.n_units, net.n_inputs
    by_V = np.einsum("ij,oj,id->iojd", on, net.U, X).reshape(n * m, k * d)
    by_b = np.einsum("ij,oj->ioj", on, net.U).reshape(n * m, k)
    by_U = np.einsum("ij,op->iopj", F, np.eye(m)).reshape(n * m, m * k)
    J = np.hstack([by_V, by_b, by_U, np.tile(np.eye(m), (n, 1))])
    residual = (F @ net.U.T + net.c - Y) / allowed
    return residual.ravel(), J / allowed.reshape(-1, 1)


def _added(net: Network, step: Array) -> Network:
    k, d, m = net.n_units, net.n_inputs, net.n_outputs
    V, b, U, c = np.split(step, np.cumsum([k * d, k, m * k]))
    return Network(net.V + V.reshape(k, d), net.U + U.reshape(m, k), net.b + b, net.c + c)
