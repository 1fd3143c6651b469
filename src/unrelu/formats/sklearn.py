"""Networks out of scikit-learn's MLPRegressor and MLPClassifier, and into an MLPRegressor."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.network import Network
from unrelu.wording.streams import kind_of

if TYPE_CHECKING:
    from sklearn.neural_network import MLPRegressor

LOG = logging.getLogger(__name__)


def from_sklearn(mlp: Any) -> Network:
    """The network of a fitted MLPRegressor or MLPClassifier with one hidden layer of ReLUs, or of
    a pipeline that ends in one.

    Of a regressor it gives what `predict` gives. Of a classifier it gives the values that the
    function named by `mlp.out_activation_` ("softmax", "logistic") turns into probabilities.
    StandardScaler, MinMaxScaler and MaxAbsScaler in front are folded into the hidden weights,
    which otherwise keep every bit.

    Raises InputTypeError for another object, InputError for one that is not fitted or of another
    architecture.

    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0)
    >>> from_sklearn(mlp.fit(X, abs(X[:, 0])))
    Network(1 input, 3 units, 1 output, relu, biases)
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline

    front: list[Any] = []
    if isinstance(mlp, Pipeline):
        *front, mlp = (step for _, step in mlp.steps)
    if not isinstance(mlp, MLPRegressor | MLPClassifier):
        raise InputTypeError(
            f"from_sklearn: got {kind_of(mlp)}, expected an MLPRegressor or MLPClassifier, "
            "or a pipeline that ends in one"
        )
    if not hasattr(mlp, "coefs_"):
        raise InputError(f"from_sklearn: got an unfitted {type(mlp).__name__}, fit it first")
    if len(mlp.coefs_) != 2:
        raise InputError(
            f"from_sklearn: got {len(mlp.coefs_)} layers, expected two: hidden_layer_sizes=(k,)"
        )
    if mlp.activation != "relu":
        raise InputError(f"from_sklearn: got activation {mlp.activation!r}, expected 'relu'")
    if mlp.out_activation_ != "identity":
        if isinstance(mlp, MLPRegressor):
            raise InputError(
                f"from_sklearn: got a regressor whose outputs pass through "
                f"{mlp.out_activation_!r}, expected 'identity'"
            )
        LOG.info("left off: %s", mlp.out_activation_)
    (V, U), (b, c) = mlp.coefs_, mlp.intercepts_
    V = V.T
    for scaler in reversed(front):
        if scaler not in (None, "passthrough"):
            factor, shift = _scaling(scaler)
            V, b = V * factor, b + (V * shift).sum(axis=1)
    return Network(V, U.T, b, c)


def _scaling(scaler: Any) -> tuple[Any, Any]:
    """Factor and shift of a fitted scaler: it makes factor x + shift of x."""
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    if isinstance(scaler, StandardScaler):
        factor = 1.0 if scaler.scale_ is None else 1 / scaler.scale_
        return factor, (
            0.0 if scaler.mean_ is None or not scaler.with_mean else -scaler.mean_
        ) * factor
    if isinstance(scaler, MinMaxScaler) and not scaler.clip:
        return scaler.scale_, scaler.min_
    if isinstance(scaler, MaxAbsScaler):
        return 1 / scaler.scale_, 0.0
    raise InputError(
        f"from_sklearn: got {kind_of(scaler)} in front of the network, expected scalers only"
    )


def to_sklearn(net: Network) -> MLPRegressor:
    """A fitted MLPRegressor that predicts what the network gives; y is one-dimensional where
    there is a single output. Weights of a rational network are rounded to float64.

    Raises InputError for a network without units, of another activation than the ReLU, or with a
    skip connection.

    >>> mlp = to_sklearn(Network([[1.0], [-1.0]], [[1.0, 1.0]]))
    >>> mlp.predict([[-3.0], [2.0]])
    array([3., 2.])
    """
    from sklearn.neural_network import MLPRegressor

    if not isinstance(net, Network):
        raise InputTypeError(f"to_sklearn: got {kind_of(net)}, expected a Network")
    if not net.n_units:
        raise InputError("to_sklearn: got a network without units, expected one at least")
    if not net.activation.piecewise_linear:
        raise InputError(
            f"to_sklearn: got activation {net.activation.name!r}, expected a ReLU network: "
            "MLPRegressor knows no other of the kind"
        )
    if net.skip:
        raise InputError(
            "to_sklearn: got a network with a skip connection, expected one without: MLPRegressor "
            "has none; net.without_skip() is the same function"
        )
    net = net.rounded()
    mlp = MLPRegressor(hidden_layer_sizes=(net.n_units,), activation="relu")
    mlp.coefs_ = [np.array(net.V.T), np.array(net.U.T)]
    mlp.intercepts_ = [np.array(net.b), np.array(net.c)]
    mlp.n_layers_, mlp.n_outputs_, mlp.out_activation_ = 3, net.n_outputs, "identity"
    mlp.n_features_in_, mlp.n_iter_, mlp.t_ = net.n_inputs, 0, 0
    return mlp
