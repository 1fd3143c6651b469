"""The scikit-learn estimator: its own checks, and the ways it is used there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.planting import Planted, plant

from unrelu import (
    InputError,
    InputTypeError,
    Network,
    RecoveryError,
    RectifiedNetworkRegressor,
    Status,
    match,
    recover,
    verify,
)

Array = NDArray[np.float64]

EXACT = 400 * 100 * np.finfo(np.float64).eps
"""400 samples, weights of condition number below 100: what rounding can do at worst."""


@pytest.fixture
def exact() -> Planted:
    return plant(5, 3, 2, 400, seed=0, bias=0.5)


@pytest.fixture
def noisy() -> Planted:
    """Noise of a tenth of what a unit adds to the labels."""
    planted = plant(5, 3, 2, 400, seed=0, bias=0.5)
    noise = 0.1 * np.random.default_rng(1).standard_normal(planted.Y.shape)
    return Planted(planted.X, planted.Y + noise, planted.truth)


def not_for_us(_: RectifiedNetworkRegressor) -> dict[str, str]:
    """27 samples that count, of 30 inputs, are refused."""
    name = "check_sample_weight_equivalence_on_dense_data"
    return {name: "a network needs more samples than inputs"}


# Most checks fit data without any network behind it, and the estimator says so.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [RectifiedNetworkRegressor()], expected_failed_checks=not_for_us
)
def test_scikit_learn_checks(
    estimator: RectifiedNetworkRegressor, check: Callable[[RectifiedNetworkRegressor], None]
) -> None:
    check(estimator)


@pytest.mark.study
def test_the_check_that_needs_another_environment() -> None:
    """scikit-learn skips it unless a variable is set before scipy is imported."""
    code = """
from sklearn.utils.estimator_checks import estimator_checks_generator
from unrelu import RectifiedNetworkRegressor
checks = estimator_checks_generator(RectifiedNetworkRegressor(), mark=None)
wanted = [(model, check) for model, check in checks if "array_api" in str(check)]
assert len(wanted) == 1
for model, check in wanted:
    check(model)
"""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def test_it_is_recover(exact: Planted) -> None:
    model = RectifiedNetworkRegressor(random_state=0).fit(exact.X, exact.Y)
    result = recover(exact.X, exact.Y, rng=0)
    assert model.result_.status == Status.EXACT
    for name in ("V", "U", "b", "c"):
        assert np.array_equal(getattr(model.network_, name), getattr(result.network, name))
    assert match(model.network_, exact.truth).max_error <= EXACT
    assert model.score(exact.X, exact.Y) == 1.0


def test_predictions_have_the_shape_of_the_labels(exact: Planted) -> None:
    for Y in (exact.Y, exact.Y[:, :1], exact.Y[:, 0]):
        model = RectifiedNetworkRegressor(random_state=0).fit(exact.X, Y)
        assert model.predict(exact.X).shape == Y.shape
        assert np.abs(model.predict(exact.X) - Y).max() <= EXACT


def test_weights_in_the_layout_of_mlp_regressors(exact: Planted) -> None:
    model = RectifiedNetworkRegressor(random_state=0).fit(exact.X, exact.Y)
    (V, U), (b, c) = model.coefs_, model.intercepts_
    labels = np.maximum(exact.X @ V + b, 0.0) @ U + c
    assert np.allclose(labels, model.predict(exact.X), rtol=0, atol=EXACT)


def test_transform_gives_the_hidden_values(exact: Planted) -> None:
    model = RectifiedNetworkRegressor(random_state=0).fit(exact.X, exact.Y)
    hidden = model.transform(exact.X)
    assert hidden.shape == (400, 3)
    assert np.array_equal(hidden, np.maximum(exact.X @ model.network_.V.T + model.network_.b, 0))

    names = [f"rectifiednetworkregressor{unit}" for unit in range(3)]
    assert list(model.get_feature_names_out()) == names
    frame = model.set_output(transform="pandas").transform(exact.X)
    assert list(frame.columns) == names

    read_out = make_pipeline(clone(model).set_output(transform="default"), LinearRegression())
    assert read_out.fit(exact.X, exact.Y).score(exact.X, exact.Y) > 1 - EXACT


def test_nothing_happens_before_fit(exact: Planted) -> None:
    nonsense = RectifiedNetworkRegressor(n_units=-3, noise="loud")  # said when it is used
    for use in (nonsense.predict, nonsense.transform):
        with pytest.raises(NotFittedError):
            use(exact.X)
    with pytest.raises(InputError, match="n_units: got -3"):
        nonsense.fit(exact.X, exact.Y)
    with pytest.raises(InputTypeError, match="rng: got a str"):
        RectifiedNetworkRegressor(random_state="chance").fit(exact.X, exact.Y)  # type: ignore[arg-type]


def test_seeds_and_generators(noisy: Planted) -> None:
    def weights(random_state: object) -> Array:
        model = RectifiedNetworkRegressor(3, random_state=random_state)  # type: ignore[arg-type]
        return model.fit(noisy.X, noisy.Y).network_.V

    assert np.array_equal(weights(1), weights(1))
    assert np.array_equal(weights(np.random.default_rng(1)), weights(1))
    older = [weights(np.random.RandomState(1)) for _ in range(2)]
    assert np.array_equal(older[0], older[1])


def test_a_clone_is_not_fitted_and_a_pickle_is(noisy: Planted) -> None:
    model = RectifiedNetworkRegressor(3, noise="gaussian", random_state=0).fit(noisy.X, noisy.Y)
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "network_")
    back = pickle.loads(pickle.dumps(model))
    assert np.array_equal(back.predict(noisy.X), model.predict(noisy.X))
    assert str(back.result_) == str(model.result_)


def test_standard_deviations(noisy: Planted, exact: Planted) -> None:
    model = RectifiedNetworkRegressor(random_state=0).fit(noisy.X, noisy.Y)
    assert model.result_.status == Status.ESTIMATED
    fresh = np.random.default_rng(2).standard_normal((1000, 5))
    labels, off = model.predict(fresh, return_std=True)
    assert labels.shape == off.shape == (1000, 2)
    # Errors of one network at many inputs are not independent: only their size can be held.
    ratio = np.sqrt((((labels - noisy.truth(fresh)) / off) ** 2).mean())
    assert 0.5 < ratio < 2.0

    single = RectifiedNetworkRegressor(random_state=0).fit(noisy.X, noisy.Y[:, 0])
    assert [part.shape for part in single.predict(fresh, return_std=True)] == [(1000,), (1000,)]

    model.fit(exact.X, exact.Y)
    labels, off = model.predict(fresh, return_std=True)
    assert not off.any()
    assert off.shape == labels.shape


def test_without_a_network_the_mean_is_predicted_and_a_warning_given() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    y = np.abs(X[:, 0])
    with pytest.warns(ConvergenceWarning, match="failed"):
        model = RectifiedNetworkRegressor(0, random_state=0).fit(X, y)
    assert model.result_.code == "depends-on-inputs"
    assert np.allclose(model.predict(X), y.mean())
    assert model.transform(X).shape == (300, 0)
    with pytest.raises(InputError, match="return_std: got True, expected False"):
        model.predict(X, return_std=True)
    with pytest.raises(RecoveryError) as caught:
        clone(model).set_params(throw=True).fit(X, y)
    assert caught.value.result.status == Status.FAILED


def test_weights_and_forms() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (200, 1))
    y = np.abs(x[:, 0] - 4) + rng.standard_normal(200)
    weights = rng.uniform(0, 1, 200)
    model = RectifiedNetworkRegressor(1, skip=True, form="sandwich", random_state=0)
    model.fit(x, y, sample_weight=weights)
    same = recover(x, y, 1, skip=True, form="sandwich", sample_weight=weights, rng=0)
    assert same.network is not None
    assert np.array_equal(model.network_.b, same.network.b)
    assert model.result_.uncertainty is not None
    assert model.result_.uncertainty.form == "sandwich"
    plain = clone(model).fit(x, y)
    assert not np.allclose(plain.network_.b, model.network_.b)


def test_noise_alone_is_a_mean_with_its_error() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)), rng.standard_normal(60)
    model = RectifiedNetworkRegressor(random_state=0).fit(X, y)
    assert model.result_.code == "no-unit"
    mean, error = model.predict(X, return_std=True)
    assert np.allclose(mean, y.mean())
    assert np.allclose(error, y.std(ddof=1) / np.sqrt(60))


def test_a_wider_network_than_asked_for_is_refused(exact: Planted) -> None:
    model = RectifiedNetworkRegressor(2, random_state=0)
    with pytest.raises(RecoveryError, match="no network of 2 units explains") as caught:
        model.fit(exact.X, exact.Y)
    assert caught.value.result.network is not None
    assert caught.value.result.network.n_units == 3
    assert not hasattr(model, "network_")


def test_labels_that_never_change() -> None:
    X = np.random.default_rng(0).standard_normal((50, 3))
    model = RectifiedNetworkRegressor().fit(X, np.full(50, 7.0))
    assert model.network_.n_units == 0
    assert np.array_equal(model.predict(X), np.full(50, 7.0))


def test_in_a_pipeline(exact: Planted) -> None:
    stretched = exact.X * [2.0**-10, 1.0, 2.0**10, 8.0, 0.125]  # which loses no digits
    model = make_pipeline(StandardScaler(), RectifiedNetworkRegressor(random_state=0))
    model.fit(stretched, exact.Y)
    assert model[-1].result_.status == Status.EXACT
    assert np.abs(model.predict(stretched) - exact.Y).max() <= EXACT


def test_cross_validation(noisy: Planted) -> None:
    scores = cross_val_score(RectifiedNetworkRegressor(3, random_state=0), noisy.X, noisy.Y, cv=4)
    noise = 0.1**2 / noisy.Y.var(axis=0).mean()
    assert (scores > 1 - 3 * noise).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_grid_search_finds_the_number_of_units(noisy: Planted, exact: Planted) -> None:
    for samples in (noisy, exact):
        search = GridSearchCV(RectifiedNetworkRegressor(random_state=0), {"n_units": [2, 3]}, cv=2)
        with warnings.catch_warnings():
            # Exact labels leave no network of fewer units: those fits fail, and scikit-learn
            # says so.
            warnings.simplefilter("ignore", FitFailedWarning)
            warnings.filterwarnings("ignore", "One or more of the test scores", UserWarning)
            search.fit(samples.X, samples.Y)
        scores = search.cv_results_["mean_test_score"]
        if samples is exact:
            assert np.isnan(scores).tolist() == [True, False]
            assert search.best_params_ == {"n_units": 3}
        else:
            assert not np.isnan(scores).any()
            assert search.best_params_["n_units"] >= 3
        assert search.best_estimator_.network_.n_units == 3


def test_frames_in_and_names_kept(exact: Planted) -> None:
    frame = pd.DataFrame(exact.X, columns=list("abcde"))
    labels = pd.DataFrame(exact.Y, columns=["left", "right"])
    model = RectifiedNetworkRegressor(random_state=0).fit(frame, labels)
    assert list(model.feature_names_in_) == list("abcde")
    assert model.n_features_in_ == 5
    assert np.abs(model.predict(frame) - exact.Y).max() <= EXACT
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("edcba")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(exact.X)
    series = RectifiedNetworkRegressor(random_state=0).fit(frame, labels["left"])
    assert series.predict(frame).shape == (400,)


def test_inputs_that_say_nothing_new_have_no_weight(exact: Planted) -> None:
    X = np.column_stack([exact.X, exact.X[:, 0] - exact.X[:, 3], np.full(400, 2.0)])
    with pytest.warns(ConvergenceWarning, match=r"columns [0-5], 6 of X are") as reported:
        model = RectifiedNetworkRegressor(random_state=0).fit(X, exact.Y)
    assert len(reported) == 1
    # They explain every sample, and so would others: never "exact".
    assert model.result_.status == model.result_.certificate.status == Status.UNDETERMINED
    assert model.result_.certificate.network is model.network_ is model.result_.network
    assert model.network_.V.shape == (3, 7)
    assert (model.network_.V == 0).all(axis=0).sum() == 2
    assert np.abs(model.predict(X) - exact.Y).max() <= EXACT
    assert not verify(model.network_, X, exact.Y).status.certain
    assert model.result_.code == "dependent-inputs"
    with pytest.raises(RecoveryError, match="constant or a combination of others"):
        clone(model).set_params(throw=True).fit(X, exact.Y)


@pytest.mark.parametrize(
    ("shape", "code"), [((5, 10), "few-samples"), ((1, 1), "few-samples"), ((50, 3), "")]
)
def test_samples_that_can_show_no_unit_leave_the_mean(shape: tuple[int, int], code: str) -> None:
    """As linear models, which do not raise there either."""
    X = np.random.default_rng(0).standard_normal(shape) if code else np.ones(shape)
    y = np.arange(float(len(X)))
    with pytest.warns(ConvergenceWarning):
        model = RectifiedNetworkRegressor(random_state=0).fit(X, y)
    assert model.result_.code == (code or "inputs-constant")
    assert model.result_.status == Status.UNDETERMINED
    assert np.abs(model.predict(X) - y.mean()).max() <= 4 * np.finfo(np.float64).eps * len(y)


def test_missing_values_are_named() -> None:
    frame = pd.DataFrame({"dose": [1.0, np.nan, 3.0, 4.0], "age": [3.0, 1.0, 4.0, 1.0]})
    with pytest.raises(InputError, match=r"NaN.*dose \(1\)"):
        RectifiedNetworkRegressor().fit(frame, [1.0, 2.0, 3.0, 4.0])


def test_intervals_for_new_labels(noisy: Planted) -> None:
    model = RectifiedNetworkRegressor(3, random_state=0).fit(noisy.X, noisy.Y)
    rng = np.random.default_rng(5)
    X = rng.standard_normal((2000, 5))
    Y = noisy.truth(X) + 0.1 * rng.standard_normal((2000, 2))
    ends = model.predict_interval(X, 0.9)
    assert ends.shape == (2000, 2, 2)
    held = ((ends[..., 0] <= Y) & (ends[..., 1] >= Y)).mean()
    # The size of the noise is known to 1/sqrt(2 n), which moves the share by 0.012; the share of
    # 4,000 labels has a standard deviation of 0.0047.
    assert abs(held - 0.9) <= 3 * np.hypot(0.012, 0.0047)
    assert np.isclose(model.bic_ - model.aic_, (np.log(400) - 2) * (2 + 2 + 21 + 1), atol=1e-9)


def test_exact_networks_have_no_intervals_but_their_labels(exact: Planted) -> None:
    model = RectifiedNetworkRegressor(random_state=0).fit(exact.X, exact.Y)
    ends = model.predict_interval(exact.X)
    assert (ends[..., 0] == ends[..., 1]).all()
    with pytest.raises(AttributeError):
        _ = model.aic_


def test_a_linear_part_where_the_data_want_one() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    line = 2 * X[:, 0] + 1
    hinge = np.maximum(X[:, 1], 0)
    noise = 0.1 * rng.standard_normal(300)
    found = {
        name: RectifiedNetworkRegressor(random_state=0).fit(X, y + noise)
        for name, y in (("line", line), ("hinge", hinge), ("both", line + hinge))
    }
    assert {name: (one.network_.n_units, one.network_.skip) for name, one in found.items()} == {
        "line": (0, True),
        "hinge": (1, False),
        "both": (1, True),
    }
    assert all(one.result_.status == Status.ESTIMATED for one in found.values())


def test_summary_and_plot_are_those_of_the_result(noisy: Planted) -> None:
    model = RectifiedNetworkRegressor(3, random_state=0).fit(noisy.X, noisy.Y)
    assert model.summary() == model.result_.summary()
    assert len(model.plot(noisy.X, noisy.Y).axes) == len(model.plot().axes) + 1  # residuals


def test_one_hot_columns() -> None:
    rng = np.random.default_rng(0)
    truth = Network(rng.standard_normal((3, 4)), [[1.0, -2.0, 1.5]], [0.3, -0.2, 0.1])
    frame = pd.DataFrame(rng.standard_normal((500, 3)), columns=list("abc"))
    frame["kind"] = rng.choice(["red", "green", "blue"], 500)
    y = truth(np.column_stack([frame[list("abc")], frame["kind"] == "red"]))[:, 0]
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind"]), remainder="passthrough"
    )
    model = make_pipeline(encode, RectifiedNetworkRegressor(random_state=0))
    model.set_output(transform="pandas")
    with pytest.warns(ConvergenceWarning, match="column onehotencoder__kind_[a-z]+ of X is const"):
        model.fit(frame[:400], y[:400])
    assert model[-1].network_.n_units == 3
    assert model.score(frame[400:], y[400:]) > 1 - EXACT


def test_one_hot_columns_in_full_have_an_estimate() -> None:
    """The same predictions and errors as with one of them left out."""
    rng = np.random.default_rng(1)
    kind, x = rng.integers(0, 4, 600), rng.uniform(0, 10, 600)
    y = np.array([0, 1, 2, -1.0])[kind] + 1.5 * np.maximum(x - 5, 0)
    y += 0.2 * rng.standard_normal(600)
    full = np.column_stack([np.eye(4)[kind], x])
    models = [
        RectifiedNetworkRegressor(skip=True, random_state=0).fit(X, y) for X in (full, full[:, 1:])
    ]
    assert models[0].result_.status == models[1].result_.status == Status.ESTIMATED
    assert models[0].result_.code == "dependent-inputs"
    one, other = (
        model.predict(X, return_std=True)
        for model, X in zip(models, (full, full[:, 1:]), strict=True)
    )
    for part in (0, 1):
        assert np.abs(one[part] - other[part]).max() < 0.3 * other[1].max()
    uncertainty = models[0].result_.uncertainty
    assert uncertainty is not None
    assert uncertainty.network.W.shape == uncertainty.stderr.W.shape == (1, 5)
    (found,) = models[0].breakpoints_
    assert found.input == 4
    assert abs(found.position - 5) < 4 * found.stderr
    again = uncertainty.breakpoints(4)
    assert again[-1].stderr == pytest.approx(found.stderr, rel=1e-6)
    assert uncertainty.breakpoints(0)


def test_a_score_that_is_worth_having() -> None:
    """Not the data it is for, and still no worse than a straight line."""
    X, y = make_regression(n_samples=300, n_features=6, noise=5.0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = RectifiedNetworkRegressor(random_state=0).fit(X[:200], y[:200])
    line = LinearRegression().fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > line.score(X[200:], y[200:]) - 0.02
