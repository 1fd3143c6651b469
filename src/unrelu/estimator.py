"""RectifiedNetworkRegressor: `recover` as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from unrelu.activations import Activation
from unrelu.errors import InputError
from unrelu.evidence.shown_classes import ShownProbabilities
from unrelu.inference.breakpoints import Breakpoint, check_level
from unrelu.inference.goodness import Goodness
from unrelu.inference.new_labels import label_intervals
from unrelu.inputs.classes import class_labels
from unrelu.inputs.frames import beside, plain, tables
from unrelu.inputs.missing import check_nothing_missing
from unrelu.inputs.smooth import Smooth
from unrelu.links.identity import VALUES
from unrelu.links.table import LINKS
from unrelu.network import Network
from unrelu.noise.labels import LABELS
from unrelu.numerics.arrays import AnyArray, Array
from unrelu.recover import recover
from unrelu.result import Recovery, RecoveryError
from unrelu.samples import Samples
from unrelu.search.no_network import no_unit_shows, refused
from unrelu.stored.blocks import Given
from unrelu.stored.kinds import whole
from unrelu.wording.status import Status
from unrelu.wording.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RectifiedNetworkRegressor(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    MultiOutputMixin,
    RegressorMixin,
    BaseEstimator,
):
    """The two-layer rectified network behind samples, Y = f(X Vᵀ + b) Uᵀ + c + noise.

    `fit` calls `unrelu.recover`, and `result_` is what it returns: check `result_.status` before
    interpreting the weights. `predict` gives labels, `transform` the values of the hidden units,
    f(X Vᵀ + b).

    Parameters
    ----------
    n_units : number of hidden units, if known. Otherwise it is found from the samples, by tests; or
        "cv": by cross-validation, for the sake of predictions.
    skip : whether a linear function of the inputs is part of the network; "auto": where the labels
        want one.
    activation, bias, method, noise, form, answers, alpha, prior : as in `unrelu.recover`; a prior
        asks for skip=False.
    time_limit : seconds after which `fit` ends with the best network so far, as in
        `unrelu.recover`.
    throw : raise `RecoveryError` if the network is not certain, that is, if the status is
        "undetermined" or "failed". By default the closest network is kept (in the worst case one
        without units, which predicts the mean label), and a `ConvergenceWarning` of scikit-learn
        says why it should not be trusted.
    random_state : seed, `numpy.random.Generator` or `RandomState` for the random starts. The same
        seed gives the same bits, those of `recover(..., rng=seed)`.

    Attributes
    ----------
    result_ : `Recovery`, with status, certificate, noise and uncertainty.
    network_ : `Network`, in canonical form: unit rows of V, units by falling ‖u‖.
    coefs_, intercepts_ : [Vᵀ, Uᵀ] and [b, c], as in `MLPRegressor`; missing for a network with a
        skip connection, which also has W (`network_.W`).
    classes_ : (m,) classes in the order of their probabilities, for answers="labels" and "top-k".
    breakpoints_ : `result_.breakpoints`, where the slope changes along an input.
    aic_, bic_ : information criteria, see `result_.goodness`; missing for labels without noise.
    n_features_in_, feature_names_in_ : number of inputs, and their names if they have any.

    Raises
    ------
    InputError, InputTypeError (a ValueError and a TypeError) in `fit`, for invalid data and
    options, such as fewer samples than inputs. RecoveryError, whatever `throw` is, if only a
    network of more than `n_units` units was found: a search over `n_units` counts that as a failed
    fit.

    Assumptions and cost: those of `recover`. If inputs are constant or linear combinations of
    others, such as a full set of one-hot columns, some have weight zero: noisy labels still have an
    estimate, and predictions their errors; labels without noise are at best "undetermined".

    >>> X = np.random.default_rng(0).standard_normal((100, 2))
    >>> model = RectifiedNetworkRegressor(bias=False, random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.result_.status.value, model.network_.n_units
    ('exact', 2)
    >>> bool(abs(model.predict([[-3.0, 5.0]]) - 3.0) < 1e-12)
    True
    """

    classes_: AnyArray
    result_: Recovery
    network_: Network

    def __init__(
        self,
        n_units: int | str | None = None,
        *,
        activation: str | Activation = "relu",
        bias: bool = True,
        skip: bool | str = "auto",
        method: str = "auto",
        noise: str = "auto",
        form: str = "auto",
        answers: str = "values",
        alpha: float = 0.01,
        prior: Smooth | None = None,
        time_limit: float | None = None,
        throw: bool = False,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
    ) -> None:
        self.n_units = n_units
        self.activation = activation
        self.bias = bias
        self.skip = skip
        self.method = method
        self.noise = noise
        self.form = form
        self.answers = answers
        self.alpha = alpha
        self.prior = prior
        self.time_limit = time_limit
        self.throw = throw
        self.random_state = random_state

    def fit(
        self, X: Given, y: Given, sample_weight: ArrayLike | None = None
    ) -> RectifiedNetworkRegressor:
        """Recover the network behind inputs X (n, d) and labels y (n,) or (n, m), with sample
        weights (n,) as in `unrelu.recover`. What is in a store (`unrelu.Blocks`, dask and the like)
        is read as a whole, up to 1 GB."""
        X, y = whole("X", X), whole("y", y)
        of_classes = self.answers == LABELS.answers
        found = class_labels(X, y) if of_classes else None
        numbers, labels, names = tables(X, y if found is None else found.codes)
        check_nothing_missing(numbers, names.inputs)
        checked: tuple[Any, Any] = validate_data(
            self,
            _framed(X, numbers),
            labels,
            multi_output=True,
            y_numeric=True,
        )
        inputs, labels = checked
        weights: Any = None
        if sample_weight is not None:
            weights = beside("sample_weight", sample_weight, X)
            weights = _check_sample_weight(weights, inputs)
        result = self._found(_framed(X, inputs), inputs, y if of_classes else labels, weights)
        uncertainty = result.uncertainty and replace(result.uncertainty, names=names)
        result = replace(result, names=names, uncertainty=uncertainty)
        network = result.network
        told = None if isinstance(self.n_units, str) else self.n_units
        if network is None or network.n_units > (told or network.n_units):
            raise RecoveryError(result)
        if not result.status.certain:
            if self.throw:
                raise RecoveryError(result)
            warnings.warn(str(RecoveryError(result)), ConvergenceWarning, stacklevel=2)
        self.result_ = result
        self.network_ = network
        self._n_features_out = network.n_units
        self._one_label = labels.ndim == 1 and not of_classes
        if found is not None:
            self.classes_ = np.array(found.classes)
        if isinstance(evidence := result.certificate.evidence, ShownProbabilities):
            self.classes_ = np.array(evidence.names or evidence.classes)
        return self

    def _found(self, X: Any, inputs: Array, y: Any, weights: Any) -> Recovery:
        """What `recover` finds; where samples cannot show a unit, the mean label, and why."""
        nothing = no_unit_shows(inputs, weights)
        if nothing is not None and self.answers == VALUES.name:
            count = slice(None) if weights is None else weights > 0
            few = Samples.of(inputs[count], np.asarray(y, np.float64)[count], few=True)
            return refused(few, self.bias, nothing)
        return recover(
            X,
            y,
            self.n_units,
            activation=self.activation,
            bias=self.bias,
            skip=self.skip,
            alpha=self.alpha,
            prior=self.prior,
            method=self.method,
            noise=self.noise,
            form=self.form,
            answers=self.answers,
            sample_weight=weights,
            time_limit=self.time_limit,
            rng=_seed(self.random_state),
            throw=False,
        )

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Labels of the rows of X, (n,) or (n, m) as in `fit`; of class labels, the probabilities
        of all classes (n, classes), in the order of `classes_`.

        With `return_std`, also their standard errors, without the noise of a new label: those of
        `result_.uncertainty` for an estimate, zero for an exact network. Raises InputError for a
        network that is neither.
        """
        inputs = self._checked(X)
        labels = self._as_fitted(self._answers(self.network_(inputs)))
        if not return_std:
            return labels
        if self.answers != VALUES.name:
            raise InputError(
                f"return_std: got True with answers={self.answers!r}, expected False: standard "
                "errors are those of values; result_.uncertainty.predict has them"
            )
        status, uncertainty = self.result_.status, self.result_.uncertainty
        if status.certain and uncertainty is not None:
            return labels, self._as_fitted(uncertainty.predict(inputs).stderr)
        if status in (Status.EXACT, Status.PROVED):
            return labels, np.zeros_like(labels)
        raise InputError(
            f"return_std: got True, expected False: this network is {status.value}, without "
            f"reliable standard errors: {self.result_.explanation}"
        )

    def predict_interval(self, X: ArrayLike, level: float = 0.95) -> Array:
        """Intervals that hold a new label at each row of X with probability `level`: (n, 2), the
        lower and the upper ends, or (n, m, 2) of several outputs. They have the errors of the
        weights and the noise that was found; of an exact network, both ends are its labels. After a
        fit with sample weights, the new labels are those of samples of mean weight.

        Raises InputError for a network without reliable standard errors, for answers other than
        values, and for a level outside (0, 1).
        """
        labels, _ = self.predict(X, return_std=True)
        check_level(level)
        errors, noise = self.result_.uncertainty, self.result_.noise
        if errors is None or noise is None:
            return np.stack([labels, labels], axis=-1)
        ends = label_intervals(errors, noise, self._checked(X), level)
        return np.stack([self._as_fitted(end) for end in ends], axis=-1)

    def summary(self, level: float = 0.95) -> Summary:
        """`result_.summary(level)`: the fit as regressions are summarised."""
        check_is_fitted(self)
        return self.result_.summary(level)

    def plot(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, level: float = 0.95
    ) -> Figure:
        """`result_.plot(X, y, level)`: the fit as a figure of matplotlib, with samples where they
        are given."""
        check_is_fitted(self)
        return self.result_.plot(X, y, level)

    def transform(self, X: ArrayLike) -> Array:
        """The values of the hidden units for the rows of X: f(X Vᵀ + b), shape (n, k)."""
        inputs = self._checked(X)
        return self.network_.activation(self.network_.preactivations(inputs))

    @property
    def aic_(self) -> float:
        return self._goodness.aic

    @property
    def bic_(self) -> float:
        return self._goodness.bic

    @property
    def _goodness(self) -> Goodness:
        if self.result_.goodness is None:
            raise AttributeError("aic_, bic_: the labels are explained without noise")
        return self.result_.goodness

    @property
    def breakpoints_(self) -> tuple[Breakpoint, ...]:
        return self.result_.breakpoints

    @property
    def coefs_(self) -> list[Array]:
        if self.network_.skip:
            raise AttributeError("coefs_: the network has a skip connection: see network_.W")
        return [self.network_.V.T, self.network_.U.T]

    @property
    def intercepts_(self) -> list[Array]:
        if self.network_.skip:
            raise AttributeError("intercepts_: the network has a skip connection: see network_")
        return [self.network_.b, self.network_.c]

    def _answers(self, F: Array) -> Array:
        if self.answers in LINKS:
            return LINKS[self.answers].forward(F)
        return LINKS["softmax"].forward(F if F.shape[1] > 1 else np.column_stack([0 * F, F]))

    def _checked(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        X = whole("X", X)
        inputs = _framed(X, plain("X", X))
        return np.asarray(validate_data(self, inputs, reset=False), dtype=np.float64)

    def _as_fitted(self, Y: Array) -> Array:
        return Y[:, 0] if self._one_label else Y


def _framed(given: Any, numbers: ArrayLike) -> Any:
    """The numbers of a pandas DataFrame as a DataFrame, from which scikit-learn takes the names;
    others unchanged."""
    if not (hasattr(given, "iloc") and hasattr(given, "columns")):
        return given if hasattr(given, "columns") else numbers
    return type(given)(numbers, index=given.index, columns=given.columns)


def _seed(
    random_state: int | np.random.Generator | np.random.RandomState | None,
) -> int | np.random.Generator | None:
    """A RandomState, NumPy's legacy generator, seeds one of the new kind."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    return random_state
