"""recover(method="facets"): planted networks, and inputs as bad as they come."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.planting import Planted, conditioned, plant

from unrelu import InputError, Network, Recovery, Status, match, recover, verify
from unrelu.complete import facets
from unrelu.numerics.rationals import as_fractions

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def solve(X: Array, Y: Array, *, bias: bool, n_units: int | None = None) -> Recovery:
    return recover(X, Y, n_units, bias=bias, method="facets", rng=0, throw=False)


def seen(net: Network, X: Array) -> Network:
    """The units that some sample switches on; one without weights is part of the output bias."""
    flat = ~net.V.any(axis=1)
    on = (net.preactivations(X) > 1e-12).any(axis=0) & ~flat
    c = net.c + net.U[:, flat] @ np.maximum(net.b[flat], 0.0)
    return Network(net.V[on], net.U[:, on], net.b[on], c).canonical()


def assert_exact(result: Recovery, problem: Planted) -> None:
    """Exact, and no weight further off than the certificate says."""
    assert result.status == Status.EXACT, str(result)
    assert result.network is not None
    aligned = match(result.network, seen(problem.truth, problem.X))
    bound = result.certificate.weight_errors.max(initial=0.0) + 16 * EPS
    assert bound <= 1e-10
    assert not len(aligned.missing)
    assert not len(aligned.extra)
    assert aligned.hidden.max(initial=0.0) <= bound
    assert aligned.max_error <= 1e3 * bound


def test_assert_exact_canary() -> None:
    problem = plant(4, 3, 3, 60, seed=0)
    result = solve(problem.X, problem.Y, bias=False)
    assert_exact(result, problem)
    V = problem.truth.V.copy()
    V[0, 0] += 1e-9
    with pytest.raises(AssertionError):
        assert_exact(result, Planted(problem.X, problem.Y, Network(V, problem.truth.U)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("d", "k", "m", "n"),
    [(3, 1, 1, 30), (3, 1, 4, 30), (4, 2, 2, 40), (5, 3, 5, 60), (10, 5, 5, 500), (10, 7, 7, 100)],
)
def test_planted(d: int, k: int, m: int, n: int, seed: int) -> None:
    problem = plant(d, k, m, n, seed=seed)
    result = solve(problem.X, problem.Y, bias=False)
    assert_exact(result, problem)
    assert result.stats["method"] == "facets"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("d", "k", "m", "n"), [(3, 1, 1, 60), (4, 2, 3, 100), (5, 4, 4, 200), (8, 5, 5, 800)]
)
def test_planted_with_biases(d: int, k: int, m: int, n: int, seed: int) -> None:
    problem = plant(d, k, m, n, seed=seed, bias=0.3)
    assert_exact(solve(problem.X, problem.Y, bias=True), problem)


@pytest.mark.parametrize("kappa", [1e2, 1e4])
@pytest.mark.parametrize("seed", range(3))
def test_ill_conditioned_hidden_weights(kappa: float, seed: int) -> None:
    problem = plant(8, 4, 4, 80, seed=seed, V=conditioned(8, 4, kappa, seed))
    result = solve(problem.X, problem.Y, bias=False)
    if verify(problem.truth, problem.X, problem.Y).status == Status.EXACT:
        assert_exact(result, problem)
    assert result.status != Status.FAILED


def _inputs(kind: str, n: int, d: int, rng: np.random.Generator) -> Array:
    X = rng.standard_normal((n, d))
    if kind == "grid":
        return rng.integers(-2, 3, (n, d)).astype(float)
    if kind == "signs":
        return rng.choice([-1.0, 1.0], (n, d))
    if kind == "clustered":
        return X[rng.integers(0, 4, n)] + 1e-3 * rng.standard_normal((n, d))
    if kind == "heavy tails":
        return rng.standard_cauchy((n, d))
    if kind == "collinear":
        on_line = np.outer(rng.standard_normal(n), np.ones(d))
        return on_line + np.eye(d)[rng.integers(0, d, n)] * rng.integers(0, 2, (n, 1))
    if kind == "repeated":
        return X[rng.integers(0, n // 2, n)]
    if kind == "multiples":
        return np.vstack([X, 2 * X, -X])[rng.permutation(3 * n)[:n]]
    assert kind == "one-sided"
    return np.abs(X)


KINDS = (
    "grid",
    "signs",
    "clustered",
    "heavy tails",
    "collinear",
    "repeated",
    "multiples",
    "one-sided",
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    d=st.integers(2, 4),
    k=st.integers(1, 4),
    surplus=st.integers(0, 2),
    whole=st.booleans(),
    bias=st.booleans(),
)
def test_worst_case_inputs(
    kind: str, seed: int, d: int, k: int, surplus: int, whole: bool, bias: bool
) -> None:
    """A network of the rank's units explains the labels, so it, or another one, is found; and what
    is called exact is the one that was planted."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2 * (d + k), 8 * (d + k)))
    X = _inputs(kind, n, d, rng)
    V, b = rng.standard_normal((k, d)), rng.standard_normal(k) * bias
    if whole:
        V, b = np.round(2 * V), np.round(2 * b)
    truth = Network(
        V, rng.standard_normal((k + surplus, k)), b, rng.standard_normal(k + surplus) * bias
    )
    Y = truth(X)
    try:
        result = solve(X, Y, bias=bias)
    except InputError:  # inputs that do not span their space
        return
    if result.stats["label_rank"] == seen(truth, X).n_units:
        assert result.status != Status.FAILED, str(result)
    if result.status == Status.EXACT:
        assert_exact(result, Planted(X, Y, truth))


@pytest.mark.parametrize("bias", [False, True])
def test_units_active_on_all_or_no_samples(bias: bool) -> None:
    """One that is active everywhere is a linear function, and where it ends is not known; one that
    is active nowhere does not show."""
    rng = np.random.default_rng(0)
    X = np.abs(rng.standard_normal((60, 3)))
    V = np.array([[1.0, 2, 1], [-1, -1, -1], [1, -1, 0.5]])
    truth = Network(V, rng.standard_normal((3, 3)), np.zeros(3), rng.standard_normal(3) * bias)
    result = solve(X, truth(X), bias=bias)
    assert result.status == Status.UNDETERMINED
    assert result.network is not None
    assert result.network.n_units == 2
    assert verify(result.network, X, truth(X)).residual_in_roundings <= 1


@pytest.mark.parametrize("inactive", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_units_that_are_no_extreme_ray(inactive: int, seed: int) -> None:
    """A unit inactive on fewer samples than there are other units is on a larger face."""
    rng = np.random.default_rng(seed)
    X, V = rng.standard_normal((80, 3)), rng.standard_normal((4, 3))
    b = 0.3 * rng.standard_normal(4)
    b[0] = -np.sort(X @ V[0])[inactive - 1 : inactive + 1].mean()
    truth = Network(V, rng.standard_normal((4, 4)), b, rng.standard_normal(4))
    result = solve(X, truth(X), bias=True)
    assert result.network is not None
    assert int(result.stats["units_on_rays"]) < 4
    assert int(result.stats["faces"]) > 1
    assert_exact(result, Planted(X, truth(X), truth))


def test_faces_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X, V = rng.standard_normal((80, 3)), rng.standard_normal((4, 3))
    b = np.array([-np.sort(X @ V[0])[:2].mean(), 0.1, 0.2, -0.1])
    Y = Network(V, np.eye(4), b)(X)
    monkeypatch.setattr(facets, "MOST_FACES", 2)
    result = solve(X, Y, bias=True)
    assert result.status == Status.FAILED
    assert "there are more" in result.explanation


CUBE = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))


def _rival(one: Network) -> Network:
    """Over ℚ, another network of three units with the labels of `one`, with U = I, on the cube:
    one unit is replaced by f(X v) = F w, with w the null vector of two of the label rows."""
    X = as_fractions("X", CUBE)
    F = one(X)
    for i, j in itertools.combinations(range(8), 2):
        w = np.cross(F[i], F[j])
        w = w if (F @ w).sum() > 0 else -w
        active = np.flatnonzero(F @ w > 0)[:3]
        if not w.all() or len(active) < 3 or np.linalg.matrix_rank(CUBE[active]) < 3:
            continue
        inverse = np.round(4 * np.linalg.inv(CUBE[active]))  # det is ±4
        v = as_fractions("inverse", inverse) @ (F @ w)[active] / 4
        U = np.array([[1 / w[0], -w[1] / w[0], -w[2] / w[0]], [0, 1, 0], [0, 0, 1]], dtype=object)
        two = Network(np.vstack([v, one.V[1:]]), U)
        if (two(X) == F).all():
            return two
    raise AssertionError("there is one")


def test_two_networks_that_explain_the_same_samples() -> None:
    """The search finds both, and the certificate looks at the other one, too."""
    V = np.round(2**40 * np.random.default_rng(9).standard_normal((3, 3))) / 2**40
    one = Network(as_fractions("V", V), as_fractions("U", np.eye(3)))
    two, exact_X = _rival(one), as_fractions("X", CUBE)
    assert (one(exact_X) == two(exact_X)).all()
    assert match(one.rounded(), two.rounded()).hidden.max() > 0.1
    Y = one.rounded()(CUBE)
    assert verify(one.rounded(), CUBE, Y).status == Status.UNDETERMINED
    for exact in (False, True):
        result = recover(CUBE, Y, bias=False, method="facets", exact=exact, rng=0, throw=False)
        assert result.status == Status.UNDETERMINED
        assert result.code == ("several-networks" if exact else "not-pinned")


def test_two_networks_canary() -> None:
    """The same inputs do not make every network one of several."""
    V = np.array([[3.0, 1, 1], [-1, 3, 1], [1, -1, 3]])
    result = solve(CUBE, Network(V, np.eye(3))(CUBE), bias=False)
    assert result.code != "several-networks"


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["sine", "one unit more", "noise", "negative part", "squares"])
def test_labels_of_no_such_network(kind: str, bias: bool) -> None:
    problem = plant(4, 3, 3, 120, seed=1, bias=0.3 * bias)
    X, Y = problem.X, problem.Y.copy()
    if kind == "sine":
        Y = np.sin(X[:, :3])
    if kind == "one unit more":  # four units seen through three outputs
        Y = plant(4, 4, 3, 120, seed=1, bias=0.3 * bias).Y
    if kind == "noise":
        Y += 1e-9 * np.random.default_rng(0).standard_normal(Y.shape)
    if kind == "negative part":
        Y[:, 0] = np.where(X[:, 0] > 0, X[:, 0], 0.1 * X[:, 1])
    if kind == "squares":
        Y = np.maximum(X[:, :3], 0.0) ** 2
    result = solve(X, Y, bias=bias)
    assert result.status == Status.FAILED, str(result)
    assert solve(X, problem.Y, bias=bias).status == Status.EXACT, "the same without is one"


@pytest.mark.parametrize("bias", [False, True])
def test_one_label_off(bias: bool) -> None:
    problem = plant(4, 3, 3, 120, seed=2, bias=0.3 * bias)
    Y = problem.Y.copy()
    row = int(np.abs(Y).max(axis=1).argmax())
    Y[row] *= 1 + 1e-7
    assert solve(problem.X, Y, bias=bias).status == Status.FAILED


def test_more_or_fewer_units_than_rank() -> None:
    problem = plant(4, 3, 3, 120, seed=3)
    more = solve(problem.X, problem.Y, bias=False, n_units=4)
    assert more.status == Status.UNDETERMINED
    fewer = solve(problem.X, problem.Y, bias=False, n_units=2)
    assert (fewer.status, fewer.code) == (Status.FAILED, "more-units")


def test_too_many_facets_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from unrelu.numerics import cones

    problem = plant(10, 7, 7, 60, seed=0)
    monkeypatch.setattr(cones, "MOST_SIMPLICES", 10)
    result = solve(problem.X, problem.Y, bias=False)
    assert result.status == Status.FAILED
    assert "too many facets" in result.explanation


def test_order_and_scale_do_not_matter() -> None:
    problem = plant(5, 4, 4, 80, seed=4)
    plain = solve(problem.X, problem.Y, bias=False).network
    turned = solve(1e6 * problem.X[::-1], 1e-6 * problem.Y[::-1, ::-1], bias=False).network
    assert plain is not None
    assert turned is not None
    back = Network(1e6 * turned.V, 1e6 * turned.U[::-1])
    assert match(plain, back).hidden.max() <= 1e-13


def test_float32_labels() -> None:
    problem = plant(4, 3, 3, 200, seed=5)
    result = solve(problem.X, problem.Y.astype(np.float32), bias=False)
    assert result.network is not None
    assert match(result.network, problem.truth).hidden.max() < 1e-5
    assert result.status in (Status.EXACT, Status.UNDETERMINED)
