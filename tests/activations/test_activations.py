"""Activations other than the ReLU: what they are, what is recovered, certified and refused."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import unrelu
from unrelu import InputError, InputTypeError, Network, Status
from unrelu.activations import Activation, Expm1, ExpSquare, Power, Rectified, ReLU, resolve
from unrelu.network.jacobian import Jacobian
from unrelu.network.unitwise_least_squares import unitwise_least_squares
from unrelu.numerics.whitening import whiten
from unrelu.report.appraisal import appraise

Array = NDArray[np.float64]


def saturating(z: Array) -> Array:
    return np.asarray(-np.expm1(-z))


def unsaturating(y: Array) -> Array:
    return np.asarray(-np.log1p(-y))


TANH = Rectified(np.tanh, np.arctanh)
SATURATING = Rectified(saturating, unsaturating)
KNOWN: list[Activation] = [Power(0.5), Power(2), Power(3), Power(1.5), Expm1(), ExpSquare()]
ALL = [*KNOWN, TANH, SATURATING]


def planted(
    f: Activation, d: int, k: int, m: int, n: int, seed: int, bias: float = 0.0
) -> tuple[Array, Array, Network]:
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((k, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    c = rng.standard_normal(m) if bias else None
    truth = Network(V, rng.standard_normal((m, k)), bias * rng.standard_normal(k), c, f)
    X = rng.standard_normal((n, d))
    return X, truth(X), truth


def name(f: Activation) -> str:
    """Without addresses of functions, which differ between processes."""
    return "tanh" if f == TANH else "saturating" if f == SATURATING else f.name


def match(result: unrelu.Recovery, truth: Network) -> unrelu.Match:
    assert result.network is not None
    return unrelu.match(result.network, truth)


# What an activation is


@pytest.mark.parametrize("f", ALL, ids=name)
def test_function_slope_and_inverse_belong_together(f: Activation) -> None:
    z = np.linspace(0.05, 3.0, 60)
    assert (f(-z) == 0).all()
    assert (f.slope(-z) == 0).all()
    assert f(np.zeros(1)) == 0
    np.testing.assert_allclose(f.inverse(f(z)), z, rtol=1e-12)
    step = 1e-5
    np.testing.assert_allclose(f.slope(z), (f(z + step) - f(z - step)) / (2 * step), rtol=1e-7)
    assert np.isnan(f(np.array([np.nan]))).all()
    if f.degree is not None:
        np.testing.assert_allclose(f(2 * z), 2**f.degree * f(z), rtol=1e-13)


@pytest.mark.parametrize("f", KNOWN, ids=name)
def test_known_ones_have_names_and_are_values(f: Activation) -> None:
    assert resolve(f.name) == f
    assert pickle.loads(pickle.dumps(f)) == f
    assert f != ReLU()
    assert hash(f) == hash(resolve(f.name))


def test_the_first_power_is_the_relu() -> None:
    assert resolve(Power(1)) == resolve("power(1)") == ReLU()
    assert Network([[1.0]], [[1.0]], activation=Power(1)).activation == ReLU()


@pytest.mark.parametrize(
    "unknown", ["tanh", "power", "power(0)", "power(-1)", "power(e)", "power(inf)"]
)
def test_unknown_names_are_refused(unknown: str) -> None:
    with pytest.raises(InputError, match="expected one of 'relu', 'power"):
        resolve(unknown)


def test_exponents_that_cannot_be_meant_are_refused() -> None:
    for c in (0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="expected a positive number"):
            Power(c)
    for wrong in ("2", None, True):
        with pytest.raises(InputTypeError, match="expected a positive number"):
            Power(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phi", "inverse", "reported"),
    [
        (lambda z: z**2, lambda y: y, "phi_inverse: got .* back"),
        (lambda z: z - 1, lambda y: y + 1, "expected positive"),
        (lambda z: z * (9 - z), lambda y: y, "expected increasing"),
        (lambda z: np.exp(-z), lambda y: -np.log(y), "expected increasing"),
        (np.floor, np.floor, "expected positive"),
        (lambda z: 3 * z, lambda y: y / 3, "multiple of z"),
        (np.cumsum, lambda y: np.diff(y, prepend=0.0), "entry by entry"),
        (lambda z: z.sum(), lambda y: y, "as many real numbers"),
        (lambda z: 1 / (z - z), lambda y: y, "finite number"),
        (lambda z: z.no_such_thing, lambda y: y, "AttributeError"),
        (lambda z: z + 1j, lambda y: y, "as many real numbers"),
    ],
)
def test_functions_are_vetted(phi: object, inverse: object, reported: str) -> None:
    with pytest.raises(InputError, match=reported):
        Rectified(phi, inverse)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="expected a function"):
        Rectified(phi, 3)  # type: ignore[arg-type]


def test_own_functions_equality_pickling_and_degree() -> None:
    again = Rectified(saturating, unsaturating)
    assert again == SATURATING
    assert hash(again) == hash(SATURATING)
    assert again != TANH
    assert pickle.loads(pickle.dumps(SATURATING)) == SATURATING
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(Rectified(lambda z: z**2, np.sqrt))
    assert TANH.degree is None
    square = Rectified(lambda z: 5 * z**2, lambda y: np.sqrt(y / 5))
    assert square.degree == pytest.approx(2, abs=1e-12)
    assert "tanh" in repr(TANH)


# Networks


@pytest.mark.parametrize("f", ALL, ids=name)
def test_the_canonical_form_is_the_same_function(f: Activation) -> None:
    X, _Y, truth = planted(f, 4, 3, 2, 50, seed=0, bias=0.5)
    stretched = Network(2 * truth.V, truth.U, 2 * truth.b, truth.c, f)
    for net in (truth, stretched):
        scale = np.abs(net(X)).max()
        assert np.abs(net.canonical()(X) - net(X)).max() <= 1e-13 * scale
    lengths = np.linalg.norm(stretched.canonical().V, axis=1)
    expected = 1.0 if f.degree is not None else 2.0
    np.testing.assert_allclose(lengths, expected, rtol=1e-14)
    twice = Network(
        np.vstack([truth.V, truth.V[:1]]),
        np.column_stack([truth.U, truth.U[:, 0]]),
        np.append(truth.b, truth.b[0]),
        truth.c,
        f,
    )
    assert twice.canonical().n_units == 3
    other = Network(np.vstack([truth.V, 2 * truth.V[:1]]), np.ones((2, 4)), activation=f)
    assert other.canonical().n_units == (3 if f.degree is not None else 4)


def test_a_unit_without_hidden_weights_goes_into_the_constant() -> None:
    net = Network([[0.0], [1.0]], [[2.0, 1.0]], [3.0, 0.0], activation=Power(2)).canonical()
    assert net.n_units == 1
    assert net.c == [18.0]


def test_rational_networks_of_whole_powers_are_exact() -> None:
    third = Fraction(1, 3)
    V, U = np.array([[third, 2], [0, -1]], dtype=object), np.array([[1, third]], dtype=object)
    net = Network(V, U, [0, 1], np.array([third]), activation=Power(3))
    x = np.array([[Fraction(3), third], [Fraction(0), Fraction(-1)]], dtype=object)
    expected = [third + (1 + 2 * third) ** 3 + third * (1 - third) ** 3, third + third * 8]
    assert list(net(x)[:, 0]) == expected
    assert list(net.canonical()(x)[:, 0]) == expected
    for f in (Power(0.5), Expm1(), TANH):
        with pytest.raises(InputError, match="values that are no fractions"):
            Network(V, U, activation=f)


def test_match_wants_the_same_activation() -> None:
    a, b = (Network([[1.0]], [[1.0]], activation=f) for f in (Power(2), Power(3)))
    with pytest.raises(InputError, match="expected the same"):
        unrelu.match(a, b)


# Recovery


@pytest.mark.parametrize("bias", [0.0, 0.4])
@pytest.mark.parametrize("f", ALL, ids=name)
def test_networks_are_recovered_to_rounding(f: Activation, bias: float) -> None:
    X, Y, truth = planted(f, 8, 4, 5, 160, seed=1, bias=bias)
    result = unrelu.recover(X, Y, activation=f, bias=bool(bias), rng=0)
    assert result.status == Status.EXACT
    found = match(result, truth)
    assert found.max_error < 1e-12
    assert (found.hidden <= 10 * result.certificate.weight_errors.max()).all()
    assert unrelu.verify(truth, X, Y).status == Status.EXACT
    again = unrelu.recover(X, Y, activation=f, bias=bool(bias), rng=0)
    assert match(again, truth).hidden.tolist() == found.hidden.tolist()


@pytest.mark.parametrize("f", [Power(0.5), Power(2), Expm1()], ids=name)
def test_scales_of_inputs_and_outputs_do_not_matter(f: Activation) -> None:
    X, _, truth = planted(f, 6, 3, 3, 150, seed=2)
    scales = np.logspace(-4, 3, 6)
    moved = Network(truth.V / scales, truth.U * np.array([[1e3], [1.0], [1e-5]]), activation=f)
    result = unrelu.recover(X * scales, moved(X * scales), activation=f, bias=False, rng=0)
    assert result.status == Status.EXACT
    assert match(result, moved).max_error < 1e-10


def test_other_laws_of_the_inputs() -> None:
    rng = np.random.default_rng(3)
    _, _, truth = planted(Power(2), 8, 3, 3, 1, seed=3)
    for X in (rng.uniform(-1, 1, (200, 8)), rng.standard_t(3, (200, 8))):
        result = unrelu.recover(X, truth(X), activation="power(2)", bias=False, rng=0)
        assert result.status == Status.EXACT
        assert match(result, truth).max_error < 1e-12


def test_the_estimator_takes_activations() -> None:
    X, Y, _truth = planted(Expm1(), 5, 2, 2, 100, seed=4)
    model = unrelu.RectifiedNetworkRegressor(activation="expm1", bias=False, random_state=0)
    model.fit(X, Y)
    assert model.result_.status == Status.EXACT
    np.testing.assert_allclose(model.predict(X), Y, rtol=1e-10, atol=1e-12)
    assert model.transform(X).shape == (100, 2)


# What must not be called exact


@pytest.mark.parametrize(("made", "asked"), [("relu", "expm1"), ("power(2)", "exp-square")])
def test_a_scale_near_zero_is_not_pinned(made: str, asked: str) -> None:
    """e^z − 1 is z where z is small: labels of the one are those of the other, to rounding, with
    any scale that is small enough."""
    X, Y, truth = planted(resolve(made), 5, 2, 2, 150, seed=5)
    tiny = 1e-9 if made == "power(2)" else 1e-17
    wrong = Network(tiny * truth.V, truth.U / tiny ** resolve(made).degree, activation=asked)  # type: ignore[operator]
    assert unrelu.verify(wrong, X, Y).status != Status.EXACT
    assert unrelu.verify(truth, X, Y).status == Status.EXACT
    result = unrelu.recover(
        X, Y, activation=asked, bias=False, rng=0, method="row-space", throw=False
    )
    assert result.status not in (Status.EXACT, Status.PROVED)


@pytest.mark.parametrize("f", ALL, ids=name)
def test_wrong_networks_are_not_exact(f: Activation) -> None:
    X, Y, truth = planted(f, 5, 3, 3, 120, seed=6, bias=0.3)
    rng = np.random.default_rng(6)
    turned = truth.V + 1e-9 * rng.standard_normal(truth.V.shape)
    assert unrelu.verify(Network(turned, truth.U, truth.b, truth.c, f), X, Y).status == "failed"
    other = TANH if f != TANH else SATURATING
    wrong = Network(truth.V, truth.U, truth.b, truth.c, other)
    assert unrelu.verify(wrong, X, Y).status == "failed"
    asked = unrelu.recover(X, Y, activation=other, rng=0, method="row-space", throw=False)
    assert asked.status not in (Status.EXACT, Status.PROVED)


def test_units_seen_by_too_few_samples_are_not_pinned() -> None:
    """As many active samples as unknowns fit any unit."""
    for f in (Power(2), Power(0.5), Expm1()):
        X, _, truth = planted(f, 6, 2, 2, 300, seed=7)
        active = truth.preactivations(X)[:, 0] > 0
        kept = np.concatenate([np.flatnonzero(active)[:6], np.flatnonzero(~active)])
        X = X[np.sort(kept)]
        certificate = unrelu.verify(truth, X, truth(X))
        assert certificate.status == Status.UNDETERMINED
        result = unrelu.recover(
            X, truth(X), activation=f, bias=False, rng=0, method="row-space", throw=False
        )
        assert result.status not in (Status.EXACT, Status.PROVED)


def test_a_jump_with_biases_is_not_pinned() -> None:
    """u e^z for z > 0: b and u trade against each other until a sample changes sides."""
    f = Rectified(np.exp, np.log)
    X, Y, truth = planted(f, 4, 2, 2, 150, seed=8, bias=0.3)
    assert unrelu.verify(truth, X, Y).status == Status.UNDETERMINED
    result = unrelu.recover(X, Y, activation=f, rng=0, method="row-space", throw=False)
    assert result.status not in (Status.EXACT, Status.PROVED)


def test_dependent_hidden_values_are_not_pinned() -> None:
    """With z + z², three scales of one unit span the same two functions as any others."""
    f = Rectified(lambda z: z + z**2, lambda y: 2 * y / (1 + np.sqrt(1 + 4 * y)))
    rng = np.random.default_rng(9)
    v = rng.standard_normal(4)
    net = Network(np.vstack([v, 2 * v, 3 * v]), rng.standard_normal((3, 3)), activation=f)
    X = rng.standard_normal((200, 4))
    assert unrelu.verify(net, X, net(X)).status == Status.UNDETERMINED
    two = Network(net.V[:2], net.U[:, :2], activation=f)
    assert unrelu.verify(two, X, two(X)).status == Status.UNDETERMINED


def test_few_samples_on_a_lattice_are_left_open() -> None:
    """Other networks may agree on the corners of a cube, and are not all looked for."""
    X = np.array(np.meshgrid(*[[-1.0, 1.0]] * 7)).reshape(7, -1).T
    rng = np.random.default_rng(18)
    truth = Network(rng.standard_normal((2, 7)), rng.standard_normal((2, 2)), activation=Power(2))
    result = unrelu.recover(X, truth(X), activation=Power(2), bias=False, rng=0, throw=False)
    assert (result.status, result.code) == ("undetermined", "several-networks")
    assert match(result, truth).max_error < 1e-12


def test_more_units_than_outputs() -> None:
    X, Y, truth = planted(Power(2), 5, 3, 1, 300, seed=10)
    assert unrelu.verify(truth, X, Y).status == Status.EXACT
    result = unrelu.recover(X, Y, activation=Power(2), bias=False, rng=0)
    assert result.status == Status.EXACT
    assert match(result, truth).max_error < 1e-12
    rows = unrelu.recover(
        X, Y, activation=Power(2), bias=False, rng=0, method="row-space", throw=False
    )
    assert rows.status == Status.FAILED
    assert "rank of the labels, 1" in rows.explanation


def test_squares_that_cancel_are_left_open() -> None:
    """z₁² + z₂² − z₃² − z₄² = 0 for two right angles in one plane: with these weights all four
    units of either set may be turned round."""
    V = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-0.8, 0.6]])
    U = np.array([[1.0, 1.0, -1.0, -1.0]])
    X = np.random.default_rng(19).standard_normal((400, 2))
    net, turned = (Network(s * V, s * U, activation=Power(2)) for s in (1, -1))
    assert np.abs(net(X) - turned(X)).max() < 1e-13 * np.abs(net(X)).max() + 1e-13
    for other in (net, turned):
        certificate = unrelu.verify(other, X, net(X))
        assert (certificate.status, certificate.code) == ("undetermined", "outputs-dependent")
    generic = Network(V[[0, 1, 3]], np.array([[1.0, 2.0, -1.5]]), activation=Power(2))
    assert unrelu.verify(generic, X, generic(X)).status == Status.EXACT


def test_units_told_apart_by_few_samples_are_left_open() -> None:
    """z₁² + z₂² where both are active is z₁'² + z₂'² for any other right angle: only samples where
    one is active tell, and a single one tells nothing."""
    rng = np.random.default_rng(20)
    V, U = np.eye(2), np.ones((1, 2))
    net = Network(V, U, activation=Power(2))
    both = np.abs(rng.standard_normal((200, 2)))
    off = -np.abs(rng.standard_normal((100, 2)))
    for count, status in ((1, Status.UNDETERMINED), (40, Status.EXACT)):
        single = np.abs(rng.standard_normal((count, 2))) * [1.0, -1.0]
        X = np.vstack([both, off, single])
        assert unrelu.verify(net, X, net(X)).status == status


def test_more_kinks_are_left_open() -> None:
    """φ(z) = z + max(z − 1, 0): kinks at 0, ½, 1 and 3/2 are those of two pairs of units."""
    f = Rectified(lambda z: z + np.maximum(z - 1, 0), lambda y: np.minimum(y, (y + 1) / 2))
    one = Network([[1.0], [1.0]], [[1.0, 1.0]], [0.0, -0.5], activation=f)
    two = Network([[2.0], [2.0]], [[0.5, 0.5]], [0.0, -2.0], activation=f)
    X = np.random.default_rng(22).uniform(-2, 4, (300, 1))
    assert np.abs(one(X) - two(X)).max() < 1e-14
    for net in (one, two):
        assert unrelu.verify(net, X, net(X)).status == Status.UNDETERMINED


def test_few_values_and_too_many_unknowns_are_left_open() -> None:
    rng = np.random.default_rng(21)
    X = rng.integers(-3, 4, (500, 6)).astype(np.float64)
    net = Network(rng.standard_normal((3, 6)), rng.standard_normal((1, 3)), activation=Power(2))
    assert unrelu.verify(net, X, net(X)).code == "outputs-dependent"
    X = rng.standard_normal((3000, 60))
    net = Network(rng.standard_normal((8, 60)), rng.standard_normal((1, 8)), activation=Power(2))
    assert unrelu.verify(net, X, net(X)).code == "outputs-dependent"


@pytest.mark.study
def test_noise_is_not_explained() -> None:
    X, Y, _ = planted(Expm1(), 5, 2, 2, 100, seed=11)
    noisy = Y + 1e-6 * np.random.default_rng(0).standard_normal(Y.shape)
    for method in ("row-space", "auto"):
        result = unrelu.recover(
            X, noisy, 2, activation="expm1", rng=0, noise="none", method=method, throw=False
        )
        assert result.status == Status.FAILED


# Over the rationals


def test_whole_powers_are_proved() -> None:
    rng = np.random.default_rng(12)
    V, U = rng.integers(-9, 10, (2, 3)), rng.integers(-9, 10, (2, 2))
    net = Network(V.astype(object), U.astype(object), activation=Power(2))
    X = rng.integers(-1000, 1000, (120, 3))
    Y = net(X.astype(object))
    certificate = unrelu.verify(net, X, Y, exact=True)
    assert certificate.status == Status.PROVED
    assert certificate.proof is not None
    assert certificate.proof.pinned
    Y[7, 1] += Fraction(1, 10**9)
    off = unrelu.verify(net, X, Y, exact=True)
    assert off.status == Status.FAILED
    assert off.proof is not None
    assert list(off.proof.broken) == [7]


# What is refused


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"method": "hyperplanes"}, "method: got 'hyperplanes'"),
        ({"method": "facets"}, "method: got 'facets'.*'tensor'.*: it is for the ReLU"),
        (
            {"method": "tensor", "activation": "unknown"},
            "method: got 'tensor'.*it has to know the activation",
        ),
        ({"noise": "independent", "activation": "unknown"}, "noise: got 'independent'"),
        ({"noise": "poisson", "method": "row-space"}, "method: got 'row-space' with"),
        ({"noise": "sparse"}, "noise: got 'sparse'"),
        ({"noise": "gaussian", "method": "row-space"}, "method: got 'row-space' with"),
        ({"noise": "gaussian", "activation": "unknown"}, "noise: got 'gaussian'"),
        ({"n_units": 4, "activation": "unknown"}, "n_units: got 4 for 3 outputs"),
        ({"exact": True, "activation": "unknown"}, "exact: got True"),
        ({"exact": True, "activation": "power(0.5)"}, "exact: got True"),
    ],
)
def test_what_is_for_the_relu_is_refused(options: dict[str, object], reported: str) -> None:
    X, Y, _ = planted(Power(2), 4, 2, 3, 60, seed=13)
    with pytest.raises(InputError, match=reported):
        unrelu.recover(X, Y, **{"activation": "power(2)", **options})  # type: ignore[arg-type]


def test_other_doors_are_closed_with_a_reason() -> None:
    X, Y, net = planted(Expm1(), 4, 2, 3, 60, seed=14)
    with pytest.raises(InputError, match="expected a ReLU network"):
        unrelu.to_sklearn(net)
    with pytest.raises(InputError, match="expected 'relu'"):
        unrelu.extract(net, 4, activation="expm1")
    with pytest.raises(InputError, match="no fractions"):
        unrelu.verify(net, X, Y, exact=True)


def test_files(tmp_path: Path) -> None:
    for f in KNOWN:
        _, _, net = planted(f, 4, 2, 3, 1, seed=15, bias=0.3)
        unrelu.save(net, tmp_path / "net.npz")
        back = unrelu.load(tmp_path / "net.npz")
        assert back.activation == f
        assert (back.V == net.V).all()
        assert (back.b == net.b).all()
        for other in ("net.pt", "net.onnx", "net.safetensors", "net.keras"):
            with pytest.raises(unrelu.FileError, match=r"only \.npz keeps"):
                unrelu.save(net, tmp_path / other)
            assert not (tmp_path / other).exists()
    with pytest.raises(unrelu.FileError, match="function of your own"):
        unrelu.save(Network([[1.0]], [[1.0]], activation=TANH), tmp_path / "own.npz")
    assert not (tmp_path / "own.npz").exists()


def test_a_report_is_written(tmp_path: Path) -> None:
    X, Y, net = planted(Power(2), 4, 2, 3, 90, seed=16)
    unrelu.write_report(net, X, Y, tmp_path / "page.html")
    assert "power(2)" in repr(net)
    assert (tmp_path / "page.html").stat().st_size > 1000
    result = unrelu.recover(X, Y, activation=Power(2), bias=False, rng=0)
    unrelu.write_report(result, X, Y, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<dd>power(2)</dd>" in page
    assert "in proportion to the distance" not in page


def test_a_report_of_a_scale_that_is_part_of_the_unit(tmp_path: Path) -> None:
    X, Y, net = planted(Expm1(), 4, 2, 3, 90, seed=16)
    given = appraise(net, X, Y)
    assert given.status == Status.EXACT
    v = given.network.V
    distances = np.abs(X @ v.T).min(axis=0) / np.linalg.norm(v, axis=1)
    assert np.allclose(given.nearest, distances, rtol=1e-12)
    unrelu.write_report(net, X, Y, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "length one" not in page
    assert "part of the unit" in " ".join(page.split())


# The numbers under it


def test_own_labels_find_the_step_and_what_is_undetermined() -> None:
    rng = np.random.default_rng(17)
    Z, A = whiten(rng.standard_normal((80, 4))).features, rng.standard_normal((2, 4))
    f, step = Expm1(), 1e-6 * rng.standard_normal((2, 4))
    F, slopes = f(Z @ A.T), f.slope(Z @ A.T)
    own = slopes * (Z @ step.T) + F @ rng.standard_normal((2, 2))
    H, U = np.column_stack([F, np.ones(80)]), np.eye(2)
    fit = unitwise_least_squares(Jacobian(Z, slopes, U, H), own, np.ones(80))
    assert fit.determined.all()
    assert np.abs(fit.steps - step).max() < 1e-12
    double = Jacobian(Z, slopes[:, [0, 0]], U, H[:, [0, 0, 2]])
    twin = unitwise_least_squares(double, own, np.ones(80))
    assert not twin.determined.any()
