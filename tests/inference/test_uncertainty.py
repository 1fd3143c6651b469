"""assess(): standard errors, intervals and predictions, against repeated noise."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from support.planting import plant

from unrelu.errors import InputError, InputTypeError
from unrelu.inference.assessment import assess
from unrelu.inference.uncertainty import Uncertainty
from unrelu.network import Network

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
PARTS = ("V", "U", "b", "c")
Noise = Callable[[np.random.Generator, Array], Array]


def small(n: int = 600, *, seed: int = 0) -> tuple[Array, Network]:
    """d = 3, k = 2, m = 2, with biases; of the units, one is clearly stronger."""
    truth = Network(
        [[0.6, 0.8, 0.0], [0.0, -0.6, 0.8]], [[2.0, 0.3], [-1.0, 1.0]], [0.2, -0.3], [0.5, -0.5]
    )
    return np.random.default_rng(seed).standard_normal((n, 3)), truth.canonical()


def fit(net: Network, X: Array, Y: Array, weights: Array, *, biased: bool = True) -> Network:
    """Gauss–Newton steps on the whole Jacobian, the scale of units left to the pseudo-inverse;
    kinks keep them from converging fully."""
    k, m = net.n_units, net.n_outputs
    Z = np.column_stack([X, np.ones(len(X))]) if biased else X
    A, W = np.column_stack([net.V, net.b])[:, : Z.shape[1]], np.column_stack([net.U, net.c])
    q = k + biased
    W, root = W[:, :q], np.sqrt(weights)
    for _ in range(4):
        active = (Z @ A.T > 0).astype(float)
        H = np.column_stack([(Z @ A.T) * active, np.ones(len(Z))])[:, :q]
        J = np.zeros((len(Z), m, A.size + m * q))
        J[..., : A.size] = np.einsum("oj,ij,iD->iojD", W[:, :k], active, Z).reshape(len(Z), m, -1)
        for o in range(m):
            J[:, o, A.size + o * q : A.size + (o + 1) * q] = H
        J *= root[:, :, None]
        rest = (root * (Y - H @ W.T)).ravel()
        flat = J.reshape(-1, J.shape[2])
        step = np.linalg.pinv(flat.T @ flat, rcond=1e-9, hermitian=True) @ (flat.T @ rest)
        A, W = A + step[: A.size].reshape(A.shape), W + step[A.size :].reshape(W.shape)
    V, b = A[:, : X.shape[1]], A[:, -1] if biased else None
    return Network(V, W[:, :k], b, W[:, k] if biased else None).canonical()


def flat(net: Network) -> Array:
    return np.concatenate([getattr(net, part).ravel() for part in PARTS])


def noisy(n: int = 600, size: float = 0.2, *, seed: int = 0) -> tuple[Network, Array, Array]:
    """A network fitted by least squares and its samples."""
    X, truth = small(n, seed=seed)
    Y = truth(X) + size * np.random.default_rng(seed + 1).standard_normal((n, 2))
    return fit(truth, X, Y, np.ones_like(Y)), X, Y


def same(one: Uncertainty, other: Uncertainty, tolerance: float) -> bool:
    a, b = flat(one.stderr), flat(other.stderr)
    return bool((np.abs(a - b) <= tolerance * np.abs(a)).all())


REPEATED = 200

CHANCE = 1e-4
"""That one of the comparisons of a test fails by chance, were the errors exact; seeds are fixed."""


def covered(noise: Noise, **options: object) -> tuple[Array, Array]:
    """Share of intervals of level 0.9 that cover, per weight and for three predictions."""
    X, truth = small()
    elsewhere = np.array([[1.0, 1.0, 1.0], [-2.0, 0.0, 1.0], [0.0, 3.0, -1.0]])
    weights, hits, predicted = np.ones((len(X), 2)), [], []
    for seed in range(REPEATED):
        rng = np.random.default_rng(1000 + seed)
        Y = truth(X) + noise(rng, X)
        found = fit(truth, X, Y, weights)
        u = assess(found, X, Y, biased=True, **options)  # type: ignore[arg-type]
        low, high = u.intervals(0.9)
        hits.append((flat(low) <= flat(truth)) & (flat(truth) <= flat(high)))
        p = u.predict(elsewhere, 0.9)
        predicted.append(((p.low <= truth(elsewhere)) & (truth(elsewhere) <= p.high)).ravel())
    return np.mean(hits, axis=0), np.mean(predicted, axis=0)


def within(shares: Array, repeated: int = REPEATED) -> bool:
    """Whether they are shares of intervals of level 0.9; linearisation costs up to 0.01."""
    chance = CHANCE / len(shares) / 2
    low = binom.ppf(chance, repeated, 0.89) / repeated
    high = binom.ppf(1 - chance, repeated, 0.91) / repeated
    return bool(low <= shares.min() and shares.max() <= high)


def even(rng: np.random.Generator, X: Array) -> Array:
    """Correlated outputs of different noise, the same for all samples."""
    return np.asarray(rng.standard_normal((len(X), 2)) @ [[0.3, 0.2], [0.0, 0.05]])


def uneven(rng: np.random.Generator, X: Array) -> Array:
    """Independent noise that grows far from the origin."""
    size = 0.03 * (X**2).sum(axis=1, keepdims=True)
    return np.asarray(size * rng.standard_normal((len(X), 2)))


@pytest.mark.parametrize("form", ["homoscedastic", "sandwich"])
def test_intervals_cover(form: str) -> None:
    weights, predictions = covered(even, form=form)
    assert within(weights), weights
    assert within(predictions), predictions


def test_sandwich_covers_where_noise_differs_between_samples() -> None:
    weights, predictions = covered(uneven, form="sandwich")
    assert within(weights), weights
    assert within(predictions), predictions


def robust(X: Array, truth: Network, Y: Array, turn: float) -> tuple[Network, Array]:
    """Huber's loss, quadratic up to `turn`, by reweighting."""
    net = truth
    for _ in range(4):
        rest = np.abs(Y - net(X))
        net = fit(net, X, Y, np.minimum(1.0, turn / np.maximum(rest, EPS)))
    return net, Y - net(X)


def test_a_robust_loss_covers() -> None:
    """Cauchy noise, of which least squares knows nothing."""
    X, truth = small()
    hits = []
    for seed in range(REPEATED // 2):
        Y = truth(X) + 0.1 * np.random.default_rng(seed).standard_cauchy((len(X), 2))
        net, rest = robust(X, truth, Y, 0.2)
        slopes = (np.abs(rest) <= 0.2).astype(float)
        u = assess(net, X, Y, biased=True, weights=slopes, scores=np.clip(rest, -0.2, 0.2))
        low, high = u.intervals(0.9)
        hits.append((flat(low) <= flat(truth)) & (flat(truth) <= flat(high)))
    assert within(np.mean(hits, axis=0), len(hits))


def test_homoscedastic_does_not() -> None:
    """The canary of `within`: the same data, the wrong form."""
    weights, _ = covered(uneven)
    assert not within(weights)


def test_the_formula_for_one_output_and_one_noise() -> None:
    """σ̂² (JᵀJ)⁻¹, through a whole Jacobian: a unit in the plane, v = (cos φ, sin φ)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    truth = Network([[0.6, 0.8]], [[2.0]])
    Y = truth(X) + 0.1 * rng.standard_normal((300, 1))
    net = fit(truth, X, Y, np.ones_like(Y), biased=False)
    v, u = net.V[0], net.U[0, 0]
    active = X @ v > 0
    J = np.column_stack([u * active * (X @ [-v[1], v[0]]), active * (X @ v)])
    rest = (Y - net(X)).ravel()
    covariance = rest @ rest / (300 - 2) * np.linalg.inv(J.T @ J)
    found = assess(net, X, Y, biased=False)
    assert found.degrees_of_freedom == 298
    assert found.noise[0, 0] == pytest.approx(rest @ rest / 298, rel=1e-12)
    assert found.units[0].angle_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-10)
    assert found.units[0].strength_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-10)
    assert found.stderr.V[0] == pytest.approx(
        np.abs([v[1], v[0]]) * np.sqrt(covariance[0, 0]), rel=1e-10
    )
    assert not found.stderr.b.any()
    assert not found.stderr.c.any()


@pytest.mark.parametrize("form", ["homoscedastic", "sandwich"])
def test_scales_of_inputs_and_labels(form: str) -> None:
    net, X, Y = noisy()
    plain = assess(net, X, Y, biased=True, form=form)
    scaled = assess(
        Network(net.V, 1e6 * net.U, net.b, 1e6 * net.c), X, 1e6 * Y, biased=True, form=form
    )
    moved = Network(plain.stderr.V, 1e6 * plain.stderr.U, plain.stderr.b, 1e6 * plain.stderr.c)
    assert np.allclose(flat(scaled.stderr), flat(moved), rtol=1e-9, atol=0)
    wide = assess(
        Network(net.V, net.U / 1e4, 1e4 * net.b, net.c), 1e4 * X, Y, biased=True, form=form
    )
    assert np.allclose(wide.stderr.V, plain.stderr.V, rtol=1e-9, atol=0)
    assert np.allclose(wide.stderr.b, 1e4 * plain.stderr.b, rtol=1e-9, atol=0)
    # Inputs in different units are another gauge of V, but predict the same.
    stretch = np.array([1e-3, 1.0, 1e3])
    other = assess(
        Network(net.V / stretch, net.U, net.b, net.c), X * stretch, Y, biased=True, form=form
    )
    assert np.allclose(
        other.predict(X[:20] * stretch).stderr, plain.predict(X[:20]).stderr, rtol=1e-8, atol=0
    )
    # An offset of the inputs moves into the biases.
    away = Network(net.V, net.U, net.b - net.V.sum(axis=1) * 100, net.c)
    shifted = assess(away, X + 100, Y, biased=True, form=form)
    assert np.allclose(shifted.stderr.V, plain.stderr.V, rtol=1e-8, atol=0)
    # Order of the samples.
    turned = assess(net, X[::-1], Y[::-1], biased=True, form=form)
    assert same(turned, plain, 1e-10)


def test_weighted_by_a_covariance_or_by_weights() -> None:
    """Diagonal covariance and constant weights are the same fit; scales are of no matter."""
    net, X, Y = noisy()
    plain = assess(net, X, Y, biased=True)
    assert same(assess(net, X, Y, biased=True, covariance=7 * np.eye(2)), plain, 1e-9)
    variances = np.array([1.0, 4.0])
    by_covariance = assess(net, X, Y, biased=True, covariance=np.diag(variances), form="sandwich")
    weights = np.ones_like(Y) / variances
    by_weights = assess(net, X, Y, biased=True, weights=weights, form="sandwich")
    assert same(by_covariance, by_weights, 1e-9)
    assert not same(by_covariance, plain, 1e-2)
    by_scores = assess(net, X, Y, biased=True, weights=weights, scores=weights * (Y - net(X)))
    assert by_scores.form == "sandwich"
    assert same(by_scores, by_weights, 1e-12)


def test_the_right_weights_have_the_smaller_errors() -> None:
    """Outputs of very different noise: a fit weighted with it knows the hidden weights better,
    and both say how well; each error is right to a few times 1/√(2n)."""
    X, truth = small()
    rng = np.random.default_rng(3)
    Y = truth(X) + rng.standard_normal((600, 2)) * [1.0, 0.05]
    plain = assess(fit(truth, X, Y, np.ones_like(Y)), X, Y, biased=True)
    assert any("noise differs between outputs" in note for note in plain.notes)
    best = np.diag([1.0, 0.05]) ** 2
    weighted = assess(
        fit(truth, X, Y, np.ones_like(Y) / np.diag(best)), X, Y, biased=True, covariance=best
    )
    assert not any("noise differs" in note for note in weighted.notes)
    assert weighted.units[0].angle_error < 0.5 * plain.units[0].angle_error
    assert np.abs(np.sqrt(np.diag(weighted.noise)) / [1.0, 0.05] - 1).max() < 4 / np.sqrt(1200)
    known = assess(truth, X, Y, biased=True, weights=np.ones_like(Y) / np.diag(best))
    assert np.abs(flat(known.stderr) / flat(weighted.stderr) - 1).max() < 0.15


def test_predictions_are_of_one_piece() -> None:
    net, X, Y = noisy()
    u = assess(net, X, Y, biased=True)
    p = u.predict(X[:50], level=0.8)
    assert p.mean == pytest.approx(net(X[:50]), rel=1e-12)
    assert p.stderr**2 == pytest.approx(np.einsum("ioo->io", u.output_covariance(X[:50])), rel=1e-9)
    assert (p.high - p.mean) == pytest.approx(1.2836 * p.stderr, rel=1e-3)
    # Where no unit is active the output is c, and so is its error.
    silent = X[(net.preactivations(X) < 0).all(axis=1)]
    assert u.predict(silent).stderr == pytest.approx(
        np.tile(u.stderr.c, (len(silent), 1)), rel=1e-9
    )


def test_a_unit_that_is_hardly_active_is_named() -> None:
    X, truth = small()
    V, U = np.vstack([truth.V, [1.0, 0.0, 0.0]]), np.column_stack([truth.U, [0.5, 0.5]])
    edge = np.sort(X[:, 0])
    rng = np.random.default_rng(0)
    for beyond, undetermined in ((2, True), (4, False)):
        b = np.append(truth.b, -0.5 * (edge[-beyond - 1] + edge[-beyond]))
        net = Network(V, U, b, truth.c).canonical()
        unit = net.n_units - 1
        Y = net(X) + 0.3 * rng.standard_normal((600, 2))
        found = assess(net, X, Y, biased=True)
        assert found.undetermined.tolist() == ([unit] if undetermined else [])
        reported = "not determined" if undetermined else "barely determined"
        (note,) = [note for note in found.notes if reported in note]
        assert note.startswith(f"unit {unit} is")
        assert f"active on {100 * beyond / 600:.2g}% of the samples" in note
        assert np.isfinite(flat(found.stderr)).all()
        assert [row["determined"] for row in found.table()] == [True, True, not undetermined]
        assert ("?" in str(found)) == undetermined
        assert found.units[unit].active == pytest.approx(beyond / 600)


def test_two_units_in_place_of_one() -> None:
    X, truth = small()
    rng = np.random.default_rng(0)
    Y = truth(X) + 0.3 * rng.standard_normal((600, 2))
    turned = truth.V[0] + 0.02 * np.array([0.8, -0.6, 0.0])
    double = Network(
        np.vstack([truth.V, turned]),
        np.column_stack([truth.U[:, 0] * 0.7, truth.U[:, 1], truth.U[:, 0] * 0.3]),
        np.append(truth.b, truth.b[0]),
        truth.c,
    ).canonical()
    found = assess(double, X, Y, biased=True)
    pair = np.flatnonzero(np.abs(double.V @ truth.V[0]) > 0.99)
    assert any(note.startswith(f"units {pair[0]} and {pair[1]} cannot") for note in found.notes)
    assert not any("cannot be told apart" in note for note in assess(*noisy(), biased=True).notes)


def test_a_unit_that_does_nothing() -> None:
    X, truth = small()
    rng = np.random.default_rng(0)
    Y = truth(X) + 0.3 * rng.standard_normal((600, 2))
    idle = Network(
        np.vstack([truth.V, [1.0, 0.0, 0.0]]),
        np.column_stack([truth.U, [0.01, 0.0]]),
        np.append(truth.b, 0.0),
        truth.c,
    ).canonical()
    found = assess(idle, X, Y, biased=True)
    assert any(note.startswith("unit 2: output weights not sign") for note in found.notes)
    assert found.units[2].p_value > 0.5
    assert max(unit.p_value for unit in found.units[:2]) < 1e-20


@pytest.mark.parametrize("seed", range(5))
def test_nothing_to_doubt(seed: int) -> None:
    assert assess(*noisy(seed=seed), biased=True).notes == ()


@pytest.mark.study
def test_kinks_that_noise_blurs() -> None:
    """One output and much noise: the errors are too small, as they say themselves."""
    for size, blurred in ((0.02, False), (0.5, True)):
        shares, missed = [], []
        for seed in range(20):
            rng = np.random.default_rng(seed)
            problem = plant(4, 2, 1, 300, seed=1, bias=0.3)
            X, truth = problem.X, problem.truth.canonical()
            Y = problem.Y + size * rng.standard_normal(problem.Y.shape)
            net = fit(truth, X, Y, np.ones_like(Y))
            found = assess(net, X, Y, biased=True)
            shares.append(max(unit.near_kink for unit in found.units))
            reported = any("which side of the kink" in note for note in found.notes)
            assert reported == (shares[-1] > 0.15)
            angles = np.array([unit.angle_error for unit in found.units])
            missed.append(((net.V - truth.V) ** 2).sum(axis=1) / angles**2)
        assert (np.mean(shares) > 0.15) == blurred
        # The mean of 40 squares, at worst of variance 2 each, is within 4 √(2/40) of 1.
        assert (np.mean(missed) > 1 + 4 * np.sqrt(2 / 40)) == blurred


def test_noise_that_changes_is_seen() -> None:
    X, truth = small()
    rng = np.random.default_rng(0)
    unit = rng.standard_normal((600, 2))
    mean = truth(X)
    for noise, reported in (
        (0.1 * (0.2 + np.abs(mean)) * unit, "noise changes with the mean"),
        (uneven(rng, X), "noise"),
    ):
        Y = mean + noise
        net = fit(truth, X, Y, np.ones_like(Y))
        (note,) = [
            note for note in assess(net, X, Y, biased=True).notes if note.startswith(reported)
        ]
        assert 'use form="sandwich"' in note
        (note,) = [
            note
            for note in assess(net, X, Y, biased=True, form="sandwich").notes
            if note.startswith(reported)
        ]
        assert "allow for that" in note
        assert "do not" not in note


def test_few_samples_and_a_fit_that_is_none() -> None:
    X, truth = small(40)
    Y = truth(X) + 0.01 * np.random.default_rng(0).standard_normal((40, 2))
    net = fit(truth, X, Y, np.ones_like(Y))
    (note,) = [note for note in assess(net, X, Y, biased=True).notes if "few samples" in note]
    assert "80 label entries for 12 unknowns" in note
    off = Network(net.V, 1.05 * net.U, net.b, net.c)
    assert any("polish first" in note for note in assess(off, X, Y, biased=True).notes)
    assert not any("polish first" in note for note in assess(net, X, Y, biased=True).notes)


@pytest.mark.parametrize("n", [7, 9, 14, 25, 60])
def test_few_samples_have_an_answer(n: int) -> None:
    """Down to one degree of freedom; noise is pooled where there is too little of it."""
    X, truth = small(n, seed=2)
    Y = truth(X) + 0.01 * np.random.default_rng(0).standard_normal((n, 2))
    found = assess(truth, X, Y, biased=True)
    assert found.degrees_of_freedom == 2 * n - 12
    assert np.isfinite(found.predict(X).high).all()
    if n < 16:
        assert found.noise[0, 0] == found.noise[1, 1]


def test_without_noise() -> None:
    X, truth = small()
    found = assess(truth, X, truth(X), biased=True)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("the labels are explained to rounding")


@pytest.mark.parametrize(("d", "k", "m", "bias"), [(1, 2, 1, 0.5), (1, 1, 2, 0.0), (4, 6, 1, 0.3)])
def test_other_shapes(d: int, k: int, m: int, bias: float) -> None:
    problem = plant(d, k, m, 400, seed=1, bias=bias)
    Y = problem.Y + 0.01 * np.random.default_rng(0).standard_normal(problem.Y.shape)
    for form in ("homoscedastic", "sandwich"):
        found = assess(problem.truth, problem.X, Y, biased=bool(bias), form=form)
        assert found.degrees_of_freedom == 400 * m - k * (d - 1 + m) - bool(bias) * (k + m)
        assert found.stderr.V.shape == (k, d)
        assert found.predict(problem.X).mean.shape == (400, m)


def test_reading() -> None:
    net, X, Y = noisy()
    found = assess(net, X, Y[:, :], biased=True)
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-3].split() == [
        "unit",
        "‖u‖",
        "±",
        "v",
        "±",
        "rad",
        "bias",
        "±",
        "active",
        "Wald",
        "u=0",
        "p",
    ]
    assert [row["unit"] for row in found.table()] == [0, 1]
    assert found.table()[0]["strength"] == pytest.approx(np.linalg.norm(found.network.U[:, 0]))
    assert dict(found.rows())["standard errors"] == "homoscedastic"
    again = pickle.loads(pickle.dumps(found))
    assert str(again) == str(found)

    problem = plant(10, 40, 3, 1000, seed=0, bias=0.5)
    Y = problem.Y + np.random.default_rng(0).standard_normal(problem.Y.shape)
    many = assess(problem.truth, problem.X, Y, biased=True)
    lines = str(many).splitlines()
    assert lines[-1].split(maxsplit=1) == ["…", "and 10 more"]
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("note 1") for line in lines)


def test_wrong_use() -> None:
    net, X, Y = noisy(50)
    ones = np.ones_like(Y)
    wrong: list[tuple[dict[str, object], str]] = [
        ({"form": "robust"}, "form: got 'robust'"),
        ({"biased": False}, "biased: got False for a network with biases"),
        ({"covariance": np.eye(3)}, r"covariance: got shape \(3, 3\), expected \(2, 2\)"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "not positive definite"),
        ({"covariance": [[1.0, 0.2], [0.1, 1.0]]}, "not symmetric"),
        ({"covariance": np.eye(2), "weights": ones}, "got both"),
        ({"scores": ones}, "got no weights with them"),
        ({"weights": ones[:9]}, r"weights: got shape \(9, 2\), expected \(50, 2\)"),
        ({"weights": -ones}, "weights: got negative ones"),
        ({"weights": ones * np.nan}, "weights: got values that are not finite"),
    ]
    for options, message in wrong:
        with pytest.raises(InputError, match=message):
            assess(net, X, Y, **({"biased": True} | options))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected the network's 3 and 2"):
        assess(net, X, Y[:, :1], biased=True)
    with pytest.raises(InputError, match="6 × 2 label entries for 12 unknowns"):
        assess(net, X[:6], Y[:6], biased=True)
    with pytest.raises(InputError, match="leave out column 0, which is a comb"):
        assess(net, X * [0, 1, 1] + [1, 0, 0], Y, biased=True)
    with pytest.raises(InputError, match="without units, biases and skip"):
        assess(Network(net.V, 0 * net.U), X, Y, biased=False)
    with pytest.raises(InputTypeError, match="expected a Network"):
        assess("net", X, Y, biased=True)  # type: ignore[arg-type]
    big = plant(200, 40, 1, 9000, seed=0)
    with pytest.raises(InputError, match="got 8000 unknowns, expected at most 6000"):
        assess(big.truth, big.X, big.Y, biased=False)
    found = assess(net, X, Y, biased=True)
    with pytest.raises(InputError, match="level: got 95"):
        found.intervals(95)
    with pytest.raises(InputError, match="X: got shape"):
        found.predict(X[:, :2])
    with pytest.raises(InputError, match="X: got values that are not finite"):
        found.predict(X * np.inf)
