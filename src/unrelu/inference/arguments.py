"""What assess() asks of its arguments, and what it makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from unrelu.errors import InputError, InputTypeError
from unrelu.inference.fisher import Curved, Model, information, invert, moments
from unrelu.network import Network
from unrelu.network.unknowns import unknowns_of
from unrelu.noise.kind import Criterion
from unrelu.numerics.arrays import Array
from unrelu.numerics.whitening import Whitened, dependent_columns, whiten
from unrelu.samples import Samples
from unrelu.wording.streams import kind_of

FORMS = ("auto", "homoscedastic", "sandwich")

ROUNDS = 5
"""Of how well heights are known."""

MOST_UNKNOWNS = 6000
"""Unknowns up to which a (p, p) matrix is formed: 288 MB each, half a dozen at a time, and a
minute of one core. Both grow fast: twice as many are 1.2 GB each and ten minutes."""


def white_features(samples: Samples, biased: bool) -> Whitened:
    """The inputs, with a column of ones for biases, in white coordinates; of weighted samples,
    times the roots of the weights."""
    X = np.asarray(samples.X, dtype=np.float64)
    columns = np.column_stack([X, np.ones(len(X))]) if biased else X
    tolerance = len(X) * float(np.finfo(np.float64).eps)
    tested, others = X, "the others"
    if biased:
        tested, others = X - X.mean(axis=0), "the others and a constant"
        tested[:, np.ptp(X, axis=0) <= tolerance * np.abs(X).max(axis=0)] = 0.0
    dependent = dependent_columns(tested, tolerance)
    if len(dependent):
        raise InputError(
            f"X: got dependent inputs, expected independent ones: leave out column {dependent[0]}, "
            f"which is a combination of {others}"
        )
    return whiten(samples.root * columns)


def fitted_network(net: Network, samples: Samples, biased: bool, skip: bool) -> Network:
    """In float64 and canonical form, if it is one that may have been fitted to such samples."""
    if not isinstance(net, Network):
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network")
    if net.activation.estimated:
        raise InputError(
            "net: got a network whose activation is a curve, expected one with a formula: a curve "
            "is an estimate, with errors of its own"
        )
    if (net.n_inputs, net.n_outputs) != (samples.d, samples.m):
        raise InputError(
            f"X and Y: got {samples.d} inputs and {samples.m} outputs, expected the network's "
            f"{net.n_inputs} and {net.n_outputs}"
        )
    net = net.rounded().canonical()
    if not biased and (net.b.any() or net.c.any()):
        raise InputError("biased: got False for a network with biases, expected True")
    if net.skip and not skip:
        raise InputError("skip: got False for a network with a skip connection, expected True")
    if samples.weights is not None and not net.activation.piecewise_linear:
        # They are moved into the inputs, which takes √w f(z) = f(√w z).
        raise InputError(
            f"sample_weight: got one with activation {net.activation.name!r}, expected 'relu'"
        )
    return net


def checked_unknowns(net: Network, samples: Samples, biased: bool, skip: bool = False) -> int:
    """p, if that is few enough for the data and for a machine."""
    p = checked_size(net, samples, biased, skip)
    if p > MOST_UNKNOWNS:
        raise InputError(
            f"net: got {p} unknowns, expected at most {MOST_UNKNOWNS}: their covariance would be "
            f"{p} × {p} numbers, {8e-9 * p * p:.2g} GB, held several times over, and its inverse "
            f"{1e-12 * p**3:.2g} trillion operations; unit_errors() gives the standard errors of "
            "some units, by conjugate gradients"
        )
    return p


def checked_size(net: Network, samples: Samples, biased: bool, skip: bool = False) -> int:
    """p, if that is few enough for the data."""
    p, m = unknowns_of(net, biases=biased, skip=skip), net.n_outputs
    if not p:
        raise InputError(
            "net: got a network without units, biases and skip connection, expected something that "
            "was fitted"
        )
    if samples.n * m <= p:
        raise InputError(
            f"X and Y: got {samples.n} × {m} label entries for {p} unknowns, expected more: "
            "nothing is left over to tell the noise"
        )
    return p


def square_root(covariance: Array | None, m: int) -> Array:
    """Lower triangular; the identity for none."""
    if covariance is None:
        return np.eye(m)
    if covariance.shape != (m, m):
        raise InputError(f"covariance: got shape {covariance.shape}, expected ({m}, {m})")
    if not np.allclose(covariance, covariance.T, rtol=1e-8, atol=0.0):
        raise InputError("covariance: got a matrix that is not symmetric")
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError as error:
        raise InputError(
            "covariance: got a matrix that is not positive definite, expected a covariance of "
            "noise in every output"
        ) from error


def checked_criterion(
    samples: Samples,
    form: str,
    covariance: ArrayLike | None,
    weights: ArrayLike | None,
    scores: ArrayLike | None,
) -> Criterion:
    """What a fit has minimised, if it can have been that."""
    if form not in FORMS:
        raise InputError(f"form: got {form!r}, expected one of {', '.join(map(repr, FORMS))}")
    if samples.weights is not None and weights is not None:
        raise InputError(
            "sample_weight and weights: got both, expected one: multiply the weights of entries by "
            "those of their samples"
        )
    if covariance is not None and weights is not None:
        raise InputError(
            "covariance and weights: got both, expected one: a fit is weighted by one or the other"
        )
    slopes, psi = (
        _of_entries(name, value, samples)
        for name, value in (("weights", weights), ("scores", scores))
    )
    if psi is not None and slopes is None:
        raise InputError(
            "scores: got no weights with them, expected the slopes ρ''(r) of the loss as weights"
        )
    if psi is None and slopes is not None and (slopes < 0).any():
        raise InputError(
            "weights: got negative ones, expected inverse variances; slopes of a loss need scores"
        )
    metric = None if covariance is None else np.asarray(covariance, dtype=np.float64)
    return Criterion(form, metric, slopes, psi)


def _of_entries(name: str, value: ArrayLike | None, samples: Samples) -> Array | None:
    """One number for each label entry, (n, m)."""
    if value is None:
        return None
    array = np.asarray(value, dtype=np.float64)
    if array.shape == (samples.n,) and samples.m == 1:
        array = array[:, None]
    if array.shape != (samples.n, samples.m):
        raise InputError(
            f"{name}: got shape {array.shape}, expected ({samples.n}, {samples.m}): one for "
            "each label entry"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name}: got values that are not finite, expected real numbers")
    return array


def model_of(
    net: Network,
    white: Whitened,
    U: Array,
    biased: bool,
    skip: bool = False,
    height_errors: Array | float = 0.0,
    weighted: bool = False,
) -> Model:
    """In white coordinates: a = R (v, b), and v·δv = 0 becomes R⁻ᵀ(v, 0)·δa = 0.
    `height_errors` (k,): how well heights of units are known, which matters where the slope is
    infinite at 0.
    `weighted`: whether samples have weights, which is for the ReLU."""
    rows = np.column_stack([net.V, net.b]) if biased else net.V
    A, f = white.to_features(rows), net.activation
    normals = None
    if f.homogeneous:
        normals = np.column_stack([net.V, np.zeros(net.n_units)]) if biased else net.V
        normals = solve_triangular(white.factor, normals.T, trans="T").T
    if f.piecewise_linear:
        ones = white.factor[:, -1] if biased and weighted else None
        return Model(A, U, normals, biased, skip, ones=ones)
    return Model(A, U, normals, biased, units=Curved(f, height_errors if f.steep else None))


def heights_known(net: Network, white: Whitened, U: Array, biased: bool, residual: Array) -> Array:
    """(k,): standard errors of the heights of units, where slopes depend on them; else zero.

    Heights that are known less well have gentler chords, and then are known less well: from none
    at all, a few rounds settle that to some per cent."""
    height_errors = np.zeros(net.n_units)
    if not net.activation.steep:
        return height_errors
    n = len(residual)
    variance = float((residual**2).mean())
    for _ in range(ROUNDS):
        model = model_of(net, white, U, biased, height_errors=height_errors)
        k, t, _, _ = model.shape
        inverse = invert(model, information(model, moments(model, white.features)), n).matrix
        own = inverse[: k * t, : k * t].reshape(k, t, k, t)[np.arange(k), :, np.arange(k)]
        height_errors = np.sqrt(variance * np.trace(own, axis1=1, axis2=2))  # features are white
    return np.asarray(height_errors)
