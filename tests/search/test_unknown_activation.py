"""Networks whose activation is unknown: F and U exactly, directions and the curve estimated; and
everything that must not be called exact."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import unrelu
from unrelu.activations import Curve
from unrelu.checks.hidden_values import check_hidden, hidden_values
from unrelu.evidence.evidence import Question
from unrelu.evidence.hidden_values import judge_hidden
from unrelu.numerics.interior import middle
from unrelu.numerics.rank import left_inverse
from unrelu.numerics.registration import register
from unrelu.samples import Samples

Array = NDArray[np.float64]
Phi = Callable[[Array], Array]

PHI: dict[str, Phi] = {
    "z": lambda z: z,
    "z^2": lambda z: z**2,
    "sqrt": np.sqrt,
    "e^z-1": np.expm1,
    "1-e^-z": lambda z: -np.expm1(-z),
    "tanh": np.tanh,
    "1+z": lambda z: 1 + z,
    "falling": lambda z: np.exp(-z),
}


@dataclass(frozen=True, eq=False)
class Secret:
    X: Array
    Y: Array
    F: Array
    V: Array
    U: Array


def plant(
    phi: Phi | list[Phi],
    *,
    d: int = 8,
    k: int = 4,
    m: int = 4,
    n: int = 300,
    seed: int = 0,
    bias: float = 0.0,
    lengths: float = 0.0,
) -> Secret:
    """Unit hidden rows, times e^(uniform in ±lengths)."""
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((k, d))
    V *= np.exp(rng.uniform(-lengths, lengths, (k, 1))) / np.linalg.norm(V, axis=1, keepdims=True)
    U, X = rng.standard_normal((m, k)), rng.standard_normal((n, d))
    b = bias * rng.standard_normal(k)
    c = rng.standard_normal(m) * (bias > 0)
    Z = X @ V.T + b
    phis = phi if isinstance(phi, list) else [phi] * k
    positive = np.maximum(Z, np.finfo(np.float64).tiny)
    F = np.where(Z > 0, np.column_stack([f(z) for f, z in zip(phis, positive.T, strict=True)]), 0.0)
    return Secret(X, F @ U.T + c, F, V, U)


def aligned(result: unrelu.Recovery, truth: Secret) -> tuple[float, float, Array]:
    """Largest error of F and of U as a share of the largest entry, after scaling, and angles."""
    net = result.network
    assert net is not None
    assert result.hidden is not None
    true = truth.V / np.linalg.norm(truth.V, axis=1, keepdims=True)
    found = net.V / np.linalg.norm(net.V, axis=1, keepdims=True)
    _, order = linear_sum_assignment(-true @ found.T)
    hidden = result.hidden[:, order]
    scale = (hidden * truth.F).sum(axis=0) / (hidden**2).sum(axis=0)
    off = np.abs(hidden * scale - truth.F).max() / truth.F.max()
    out = np.abs(net.U[:, order] / scale - truth.U).max() / np.abs(truth.U).max()
    return float(off), float(out), np.linalg.norm(found[order] - true, axis=1)


def blind(X: Array, Y: Array, *, bias: bool = False, rng: int = 1) -> unrelu.Recovery:
    return unrelu.recover(X, Y, activation="unknown", bias=bias, rng=rng, throw=False)


@pytest.mark.parametrize("name", PHI)
def test_hidden_values_are_exact_whatever_the_activation(name: str) -> None:
    truth = plant(PHI[name])
    result = blind(truth.X, truth.Y)
    assert result.status == "estimated", result.explanation
    knows = result.certificate.hidden
    assert knows is not None
    off, out, angles = aligned(result, truth)
    assert off < 1e-12
    assert out < 1e-12
    assert max(off, out) < knows.errors.max()
    assert result.hidden is not None
    assert (result.hidden == 0).sum() == (truth.F == 0).sum()
    # The error that is said is a root mean square; five of it is never seen.
    assert (angles < 5 * result.certificate.weight_errors.max()).all()
    assert angles.max() < 0.02


def test_the_alignment_notices_what_is_wrong() -> None:
    truth = plant(np.tanh)
    result = blind(truth.X, truth.Y)
    assert result.hidden is not None
    slightly = replace(result, hidden=result.hidden + 1e-6 * np.roll(result.hidden, 1, axis=1))
    off, _, _ = aligned(slightly, truth)
    assert off > 1e-8


def test_biases() -> None:
    truth = plant(np.tanh, n=600, bias=0.3)
    result = blind(truth.X, truth.Y, bias=True)
    assert result.status == "estimated", result.explanation
    off, out, angles = aligned(result, truth)
    assert max(off, out) < 1e-12
    assert angles.max() < 0.01


def test_the_curve_and_the_lengths() -> None:
    """Of e^z − 1 the lengths of hidden weights show, up to a common one."""
    truth = plant(np.expm1, n=1500, lengths=0.5, d=5, k=3, m=3)
    result = blind(truth.X, truth.Y)
    net = result.network
    assert net is not None
    lengths = np.linalg.norm(truth.V, axis=1)
    common = np.exp(np.log(lengths).mean())
    found = np.linalg.norm(net.V, axis=1)
    assert np.abs(np.sort(found) - np.sort(lengths / common)).max() < 0.01
    assert np.exp(np.log(found).mean()) == pytest.approx(1)
    z = np.linspace(0.2, 2.0, 20)
    ratio = net.activation(z) / np.expm1(common * z)
    assert np.abs(ratio / ratio.mean() - 1).max() < 0.02
    assert "lengths of hidden weights are estimated" in result.explanation


def test_a_steep_curve_is_known_to_its_end() -> None:
    truth = plant(lambda z: np.expm1(2 * z), n=500)
    net = blind(truth.X, truth.Y).network
    assert net is not None
    left = np.linalg.norm(net(truth.X) - truth.Y) / np.linalg.norm(truth.Y)
    assert left < 0.03  # straight on from a mean of the last few: 0.14


def test_powers_do_not_show_lengths() -> None:
    truth = plant(np.sqrt, n=600, lengths=0.5)
    result = blind(truth.X, truth.Y)
    assert result.network is not None
    assert np.allclose(np.linalg.norm(result.network.V, axis=1), 1)
    assert "taken to have the same length" in result.explanation


def test_units_need_not_share_the_activation() -> None:
    truth = plant([np.tanh, np.expm1, np.sqrt, lambda z: 1 + z], n=600)
    result = blind(truth.X, truth.Y)
    assert result.status == "estimated"
    off, out, _ = aligned(result, truth)
    assert max(off, out) < 1e-12
    assert "do not share one curve" in result.explanation


def test_same_seed_same_bits_and_scales() -> None:
    truth = plant(np.tanh)
    first, second = (blind(truth.X, truth.Y) for _ in range(2))
    assert first.hidden is not None
    assert second.hidden is not None
    assert np.array_equal(first.hidden, second.hidden)
    larger = blind(truth.X * 1024, truth.Y * 2.0**-20)
    off, _, _ = aligned(larger, truth)
    assert off < 1e-12


def more_units_than_rank() -> tuple[Array, Array]:
    truth = plant(np.tanh, k=5, m=3, n=500)
    return truth.X, truth.Y


def noisy() -> tuple[Array, Array]:
    truth = plant(np.tanh)
    return truth.X, truth.Y + 1e-8 * np.random.default_rng(1).standard_normal(truth.Y.shape)


def not_one_to_one() -> tuple[Array, Array]:
    truth = plant(lambda z: np.minimum(z, 0.5))
    return truth.X, truth.Y


def not_monotone() -> tuple[Array, Array]:
    truth = plant(lambda z: z * np.exp(-2 * z))
    return truth.X, truth.Y


def not_rectified() -> tuple[Array, Array]:
    truth = plant(np.tanh)
    return truth.X, np.tanh(truth.X @ truth.V.T) @ truth.U.T


def too_few() -> tuple[Array, Array]:
    truth = plant(np.tanh, n=24)
    return truth.X, truth.Y


def nested() -> tuple[Array, Array]:
    """Where one is off so is the other: of the first, any multiple of the second may be taken."""
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((400, 4)), rng.standard_normal(4)
    Z = np.column_stack([X @ v, X @ v - 0.5])
    return X, np.maximum(Z, 0) ** 2 @ rng.standard_normal((2, 2))


def coarse() -> tuple[Array, Array]:
    """Whole numbers: sums of units cancel by accident as often as not."""
    rng = np.random.default_rng(0)
    X = rng.integers(-2, 3, (300, 3)).astype(float)
    return X, np.maximum(X @ rng.integers(-2, 3, (3, 3)), 0) @ rng.integers(-2, 3, (3, 3))


WRONG = [
    more_units_than_rank,
    noisy,
    not_one_to_one,
    not_monotone,
    pytest.param(not_rectified, marks=pytest.mark.study),
    too_few,
    nested,
    coarse,
]


@pytest.mark.parametrize("samples", WRONG)
def test_not_called_exact(samples: Callable[[], tuple[Array, Array]]) -> None:
    X, Y = samples()
    for bias in (False, True):
        result = blind(X, Y, bias=bias)
        assert result.status in ("undetermined", "failed")
        assert result.hidden is None
        assert result.explanation
    with pytest.raises(unrelu.RecoveryError):
        unrelu.recover(X, Y, activation="unknown", rng=0)


def test_wrong_hidden_values_are_refused() -> None:
    """The judge knows U and c alone. A U that mixes units, however little, or by a positive share,
    or another c, is not the answer."""
    truth = plant(np.tanh)
    samples = Samples.of(truth.X, truth.Y)
    net = blind(truth.X, truth.Y).network
    assert net is not None
    rows = np.arange(samples.n)

    def objection(U: Array, V: Array = net.V) -> str:
        other = unrelu.Network(V, U, activation=net.activation)
        errors = np.full(len(V), np.inf)
        return check_hidden(other, samples, False, strict=rows, errors=errors).objection

    assert objection(net.U) == ""
    for size in (1e-8, 1e-3, -0.5):
        mixed = np.eye(4)
        mixed[0, 1] = size
        assert objection(net.U @ mixed)
    assert objection(-net.U)
    assert objection(net.U, net.V[[1, 0, 2, 3]])
    assert objection(net.U[:, :3], net.V[:3])


def test_sum_of_two_units_is_no_unit() -> None:
    """Labels of rank one, made of two units: often zero, and elsewhere positive."""
    truth = plant(np.tanh, k=2, m=1, n=500)
    Y = truth.F.sum(axis=1)
    assert (Y == 0).sum() > 50
    assert blind(truth.X, Y).status != "estimated"


def test_recheck_and_verify() -> None:
    truth, other = plant(np.tanh), plant(np.tanh)
    result = blind(truth.X, truth.Y)
    assert result.network is not None
    assert result.hidden is not None
    again = result.certificate.recheck(truth.X, truth.Y)
    assert again.status == "estimated"
    rng = np.random.default_rng(5)
    X = rng.standard_normal((500, 8))
    fresh = np.where(X @ truth.V.T > 0, np.tanh(X @ truth.V.T), 0.0) @ truth.U.T
    assert result.certificate.recheck(X, fresh).status == "estimated"
    assert result.certificate.recheck(X, fresh + 1e-6).status == "undetermined"
    assert unrelu.verify(result.network, other.X, other.Y).status == "estimated"
    assert unrelu.verify(result.network, X[::-1], fresh).status == "undetermined"
    samples = Samples.of(truth.X, truth.Y)
    assert np.array_equal(hidden_values(result.network, samples), result.hidden)
    assert result.certificate.to_dict()["hidden"]
    assert "exact" in str(result)
    assert "exact" in result._repr_html_()
    asked = Question(result.network, False, used=np.arange(samples.n))
    assert judge_hidden(asked, samples, np.full(4, np.inf), "").findings


def test_options() -> None:
    truth = plant(np.tanh)
    for wrong in ({"method": "facets"}, {"noise": "gaussian"}, {"exact": True}):
        with pytest.raises(unrelu.InputError, match="activation 'unknown'"):
            unrelu.recover(truth.X, truth.Y, activation="unknown", **wrong)
    with pytest.raises(unrelu.InputError, match="expected 'unknown'"):
        unrelu.recover(truth.X, truth.Y, activation=Curve([0, 1], [0, 1]))
    three = unrelu.recover(truth.X, truth.Y, 3, activation="unknown", rng=0, throw=False)
    assert (three.status, three.code) == ("failed", "more-units")
    constant = blind(truth.X, np.zeros(len(truth.X)))
    assert constant.status == "failed"
    assert constant.network is None


def test_curve() -> None:
    curve = Curve([0, 1, 3], [0, 2, 4])
    z = np.array([-1.0, 0.0, 0.5, 2.0, 5.0])
    assert np.array_equal(curve(z), [0, 0, 1, 3, 6])
    assert np.array_equal(curve.slope(z), [0, 0, 2, 1, 1])
    assert np.allclose(curve.inverse(curve(z[2:])), z[2:])
    assert np.array_equal(curve.scaled(2, 3)(2 * z), 3 * curve(z))
    falling = Curve([0, 1], [2, 1])
    assert np.array_equal(falling(z), [0, 0, 1.5, 1, 1])
    assert np.allclose(falling.inverse(np.array([1.5])), 0.5)
    assert np.isnan(curve(np.array([np.nan]))[0])
    assert curve == Curve([0.0, 1.0, 3.0], [0.0, 2.0, 4.0]) == pickle.loads(pickle.dumps(curve))
    assert hash(curve) == hash(Curve([0.0, 1.0, 3.0], [0.0, 2.0, 4.0]))
    assert curve != falling
    assert curve != "curve"
    assert "3 knots" in repr(curve)
    for knots, values in (
        ([0, 1], [1, 1]),
        ([0, 1, 2], [0, 2, 1]),
        ([1, 2], [1, 2]),
        ([0, 0], [1, 2]),
        ([0, 1], [1, 0]),
        ([0, 1], [-1, 0]),
        ([0], [1]),
        ([0, 1], [0, np.inf]),
        ([[0, 1]], [[0, 1]]),
    ):
        with pytest.raises(unrelu.InputError):
            Curve(knots, values)
    with pytest.raises(unrelu.InputTypeError):
        Curve(["0", "1"], [0, 1])


def test_networks_with_a_curve(tmp_path: Path) -> None:
    curve = Curve([0, 1, 3], [0, 2, 4])
    net = unrelu.Network([[2.0], [-1.0], [2.0]], [[1.0, 1.0, 1.0]], activation=curve)
    assert np.allclose(net([[1.0]]), 2 * curve(np.array([2.0])))
    assert np.allclose(net.canonical()([[1.0], [-2.0]]), net([[1.0], [-2.0]]))
    assert net.canonical().n_units == 2
    unrelu.save(net, tmp_path / "net.npz")
    again = unrelu.load(tmp_path / "net.npz")
    assert again.activation == curve
    assert np.array_equal(again.V, net.V)
    assert unrelu.match(net, again).max_error == 0


def test_a_curve_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    truth = plant(np.tanh)
    net = blind(truth.X, truth.Y).network
    assert net is not None
    for name in ("net.pt", "net.onnx"):
        with pytest.raises(unrelu.UnreluError, match="curve"):
            unrelu.save(net, tmp_path / name)
    with pytest.raises(unrelu.InputError, match="curve"):
        unrelu.to_sklearn(net)
    with pytest.raises(unrelu.InputError, match="curve"):
        unrelu.assess(net, truth.X, truth.Y, biased=False)
    with pytest.raises(unrelu.InputError, match="curve"):
        unrelu.write_report(net, truth.X, truth.Y, tmp_path / "page.html")
    with pytest.raises(unrelu.InputError, match="curve"):
        unrelu.verify(net, truth.X, truth.Y, exact=True)
    with pytest.raises(unrelu.InputError, match="curve"):
        unrelu.Network(np.array([[Fraction(1)]]), [[1]], activation=net.activation)


def test_a_curve_predicts_without_errors_to_rely_on() -> None:
    truth = plant(np.tanh)
    model = unrelu.RectifiedNetworkRegressor(activation="unknown", bias=False, random_state=1)
    model.fit(truth.X, truth.Y)
    assert model.result_.status == unrelu.Status.ESTIMATED
    assert np.abs(model.predict(truth.X) - truth.Y).max() > 0  # so it is not known without error
    with pytest.raises(unrelu.InputError, match="without reliable standard errors"):
        model.predict(truth.X, return_std=True)


def test_drawing() -> None:
    truth = plant(np.tanh)
    result = blind(truth.X, truth.Y)
    figure = unrelu.draw_curve(result, truth.X)
    figure.canvas.draw()
    assert len(figure.axes[0].lines) == 4 + 2
    with pytest.raises(unrelu.InputError, match="expected"):
        unrelu.draw_curve(result, truth.X[:10])
    with pytest.raises(unrelu.InputError, match="without hidden values"):
        unrelu.draw_curve(replace(result, hidden=None), truth.X)
    with pytest.raises(unrelu.InputError, match="not finite"):
        unrelu.draw_curve(result, truth.X * np.nan)
    with pytest.raises(unrelu.InputTypeError, match="expected real numbers"):
        unrelu.draw_curve(result, truth.X.astype(str))
    with pytest.raises(unrelu.InputTypeError):
        unrelu.draw_curve(truth, truth.X)  # type: ignore[arg-type]


def test_middle_of_a_cone() -> None:
    """A square cone about (1, 0, 0), and one that is empty."""
    rows = np.array([[1.0, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1]])
    found = middle(rows)
    assert found is not None
    assert np.allclose(found.direction, [1, 0, 0])
    assert np.allclose(found.factor.T @ found.direction, 0)
    assert middle(np.vstack([rows, [-1.0, 0, 0]])) is None
    assert middle(np.zeros((2, 3))) is None


def test_a_narrow_cone_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    v = rng.standard_normal(5)
    v /= np.linalg.norm(v)
    points = rng.standard_normal((2000, 5))
    rows = np.diff(points[np.argsort(points @ v)], axis=0)
    found = middle(rows[rng.permutation(len(rows))])
    assert found is not None
    assert (rows @ found.direction > 0).all()
    assert np.linalg.norm(found.direction - v) < 5 * found.error < 1e-4


def test_registration() -> None:
    """Pieces of log(1 + e^x) moved by known shifts; of a straight line none are seen."""
    rng = np.random.default_rng(0)
    shifts, lifts = np.array([-0.6, 0.1, 0.5]), np.array([1.0, -2.0, 1.0])
    pieces, lines = [], []
    for s, lift in zip(shifts, lifts, strict=True):
        x = rng.uniform(-3, 3, 300)
        pieces.append((x, np.log1p(np.exp(x + s)) + lift, np.full(300, 1e-3)))
        lines.append((x, 2 * (x + s) + lift, np.full(300, 1e-3)))
    found = register(pieces)
    assert np.abs(found.x - shifts).max() < 5 * found.errors.max() < 0.1
    assert np.abs(found.y - lifts).max() < 0.1
    assert np.array_equal(register(lines).x, np.zeros(3))


def test_left_inverse_is_good_to_rounding() -> None:
    rng = np.random.default_rng(0)
    U = rng.standard_normal((9, 6)) * np.logspace(0, 4, 6)
    inverse = left_inverse(U)
    assert np.abs(inverse @ U - np.eye(6)).max() < 1e-12
