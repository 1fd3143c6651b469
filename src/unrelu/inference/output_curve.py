"""Counts whose mean is a monotone curve of a network: of a neuron that saturates, or has a
threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from unrelu.errors import InputError, InputTypeError
from unrelu.fitting.fittings import Reweighted
from unrelu.fitting.monotone import Behind, Monotone, basis
from unrelu.fitting.selection import unit_edge
from unrelu.inputs.options import check_flag, check_units
from unrelu.network import Network
from unrelu.network.jacobian import Jacobian
from unrelu.noise.poisson import POISSON
from unrelu.numerics.arrays import Array
from unrelu.numerics.whitening import with_constant
from unrelu.samples import Samples
from unrelu.wording.streams import kind_of

CENTRAL = 0.025, 0.975
"""Quantiles of the drive that the curve is shown between."""

SHOWN = 101
"""Places where it is shown."""

NORMAL = 1.96
"""Standard errors to each side of the band."""

COPIES = 20
"""Copies of the counts for the band."""

RANK = 1e-10
"""Share of the largest eigenvalue of the information below which one is rounding."""


@dataclass(frozen=True, eq=False)
class OutputCurve:
    """Counts with mean g(F), F the output of a network and g a monotone curve.

    network : of the drive F. Scale and origin of F are chosen: its mean and standard deviation over
        the samples are those of the mean counts g(F), so a straight line is g(F) = F.
    drive, mean : (101,) values of F, over the central 95% of the samples, and g there; lower,
        upper : a band about it, by counts drawn from the fit. It knows the errors of weights and
        slopes, and not those of the form of the curve, which is smooth between six knots: of cells
        that saturate it held the true curve at about three in four places.
    p : p-value of the straight line against the curve: how often counts drawn about a straight line
        would be fitted so much better by a curve.
    """

    network: Network
    drive: Array
    mean: Array
    lower: Array
    upper: Array
    p: float
    curve: Monotone

    def __call__(self, X: ArrayLike) -> Array:
        """Mean counts (n, 1) at inputs (n, d)."""
        drive = self.network(np.asarray(X, np.float64))
        return np.asarray(np.maximum(self.curve(drive[:, 0]), 0.0)[:, None])


def output_curve(
    network: Network, X: ArrayLike, Y: ArrayLike, *, n_units: int | None = None, bias: bool = True
) -> OutputCurve:
    """The likeliest monotone curve behind a network, and the network that is likeliest with it.

        y ~ Poisson(g(F(x))),   F(x) = Σ_j u_j f(v_j·x + b_j) + c.

    Curve and weights are fitted in turns, from those of `network`, which `recover` has found: where
    it says `curved-output`, directions of units are nearly right, and output weights are not.

    Parameters
    ----------
    network : of ReLUs, one output, and no skip connection, where the fit starts.
    X : (n, d) inputs. Y : (n,) or (n, 1) counts.
    n_units : units to keep. None for those that explain more than the best one would of noise:
        others may have stood for what the curve explains.
    bias : whether hidden units have biases, as in `recover`.

    Raises InputError for several outputs, labels that are no counts, and other networks;
    InputTypeError for what is no network, number or flag.

    Assumptions: the curve is smooth between six knots; the band is that of counts drawn
    from the fit, to which networks are fitted to first order. Cost: some ten fits, and O(n p²).

    Source: I-splines (Ramsay 1988); linear-nonlinear cascades with a common output nonlinearity
    (Shah et al., eLife 2020).

    >>> rng = np.random.default_rng(0)
    >>> truth = Network(np.eye(3)[:2], [[1.0, 1.0]])
    >>> X = rng.standard_normal((4000, 3))
    >>> Y = rng.poisson(3 * np.tanh(truth(X)))
    >>> found = output_curve(truth, X, Y)
    >>> found.p < 1e-6, found.network.n_units
    (True, 2)
    """
    if not isinstance(network, Network):
        raise InputTypeError(f"network: got {kind_of(network)}, expected a Network")
    check_flag("bias", bias)
    if n_units is not None:
        check_units(n_units, " or None", ", or None for those that are needed")
    samples = Samples.of(X, Y).as_they_stand()
    _check(network, samples, n_units, bias)
    fitting = Reweighted(
        POISSON,
        samples,
        bias=bias,
        skip=False,
        activation=network.activation,
        loss_at=Behind.of,
    )
    net = _reduced(fitting.fit(network), fitting, n_units)
    loss = _loss(net, fitting)
    net, curve = _scaled(net, loss.curve, fitting.X)
    F = net(fitting.X)[:, 0]
    first, last = (float(np.quantile(F, share)) for share in CENTRAL)
    drive = np.linspace(first, last, SHOWN)
    lower, upper = _band(net, curve, fitting, drive, np.random.default_rng(0))
    mean = np.maximum(curve(drive), 0.0)
    return OutputCurve(net, drive, mean, lower, upper, _p(net, fitting), curve)


def _check(net: Network, samples: Samples, n_units: int | None, bias: bool) -> None:
    if samples.m != 1 or net.n_outputs != 1:
        raise InputError(f"Y: got {samples.m} outputs, expected one: each has its own curve")
    if net.n_inputs != samples.d:
        raise InputError(f"network: got {net.n_inputs} inputs, expected {samples.d}")
    if not net.n_units or net.skip or not net.activation.piecewise_linear:
        raise InputError("network: got another, expected ReLUs and no skip connection")
    if not bias and net.b.any():
        raise InputError("bias: got False for a network with hidden biases, expected True")
    if n_units is not None and n_units > net.n_units:
        raise InputError(f"n_units: got {n_units}, expected 1 to {net.n_units}")
    Y = np.asarray(samples.Y, np.float64)
    if Y.min() < 0 or (Y % 1).any() or not Y.any():
        raise InputError("Y: got other labels, expected counts, not all of them zero")


def _loss(net: Network, fitting: Reweighted) -> Behind:
    loss = fitting.loss(net)
    assert isinstance(loss, Behind), "the loss of this fitting"
    return loss


def _reduced(net: Network, fitting: Reweighted, n_units: int | None) -> Network:
    """Without units that explain no more than the best one would of noise."""
    edge = unit_edge(fitting.samples.d + fitting.bias, 1)
    while net.n_units > (n_units or 1):
        least = int(np.argmin(fitting.importance(net)))
        fewer = fitting.fit(fitting.without(net, least))
        if n_units is None and _gain(fewer, net, fitting) > edge:
            break
        net = fewer
    return net


def _gain(smaller: Network, larger: Network, fitting: Reweighted) -> float:
    """In noise variances, each with the curve of its own."""
    scales = _loss(larger, fitting).counts
    costs = [
        scales.cost(fitting.Y, _loss(net, fitting).mean(net(fitting.X)))
        for net in (smaller, larger)
    ]
    return costs[0] - costs[1]


def _scaled(net: Network, curve: Monotone, X: Array) -> tuple[Network, Monotone]:
    """With the mean and the standard deviation of mean counts, of which the curve takes on the
    inverse."""
    scale, shift, curve = _standing(curve, net(X)[:, 0])
    scaled = Network(net.V, scale * net.U, net.b, scale * net.c + shift, net.activation)
    return scaled, curve


def _standing(curve: Monotone, F: Array) -> tuple[float, float, Monotone]:
    """Scale and shift that a drive has to be given for its mean and spread to be those of the
    counts, and the curve of that drive."""
    mean = curve(F)
    scale = float(mean.std() / (F.std() or 1.0)) or 1.0
    shift = float(mean.mean() - scale * F.mean())
    return scale, shift, Monotone(scale * curve.knots + shift, curve.slopes / scale, curve.start)


def _band(
    net: Network, curve: Monotone, fitting: Reweighted, drive: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Ends of the band of the curve at values of the drive, by counts drawn from the fit. To each
    copy the network is fitted to first order, with the mean and the spread of the drive held, and
    the curve anew: where weights are many, the drive follows its noise, which bends the curve as
    well as it scatters it. What copies are off by in the mean widens the band."""
    F, mean = net(fitting.X), curve(net(fitting.X)[:, 0])[:, None]
    step = _step(net, curve, fitting, F[:, 0])
    scales, copies = _loss(net, fitting).counts, []
    for _ in range(COPIES):
        drawn = POISSON.drawn(fitting.samples, mean, rng)
        assert drawn is not None, "they are counts"
        again = F + step(scales.scores(drawn[0], mean)[:, 0])[:, None]
        loss = Behind.of(replace(fitting.samples, Y=drawn[0]), again)
        copies.append(_standing(loss.curve, again[:, 0])[2](drive))
    each, middle = np.array(copies), curve(drive)
    off, spread = each.mean(axis=0) - middle, NORMAL * each.std(axis=0, ddof=1)
    lower = middle - np.maximum(off, 0.0) - spread
    return np.maximum(lower, 0.0), middle - np.minimum(off, 0.0) + spread


def _step(net: Network, curve: Monotone, fitting: Reweighted, F: Array) -> Callable[[Array], Array]:
    """From scores (n,) of the mean counts, the change (n,) of the drive that they ask for."""
    Z = with_constant(fitting.X, fitting.bias)
    active = np.asarray(net.preactivations(fitting.X) > 0, np.float64)
    J = Jacobian(Z, active, net.U)
    hidden = J.features().reshape(len(Z), -1) * np.repeat(net.U[0], Z.shape[1])
    held = np.column_stack([np.ones(len(F)), F])
    hidden -= held @ np.linalg.lstsq(held, hidden)[0]
    columns = np.column_stack([hidden * curve.slope(F)[:, None], basis(curve.knots, F)])
    weights = _loss(net, fitting).counts.weights(fitting.Y, curve(F)[:, None])[:, 0]
    sizes, vectors = np.linalg.eigh((columns.T * weights) @ columns)
    kept = sizes > RANK * sizes.max(initial=0.0)
    inverse = (vectors[:, kept] / sizes[kept]) @ vectors[:, kept].T
    return lambda scores: hidden @ (inverse @ (columns.T @ scores))[: hidden.shape[1]]


def _p(net: Network, fitting: Reweighted) -> float:
    """Of the likelihood ratio of the curve and the best straight line of the same drive."""
    loss, F = _loss(net, fitting), net(fitting.X)
    weights = loss.counts.weights(fitting.Y, loss.mean(F))
    line = np.column_stack([np.ones(len(F)), F[:, 0]])
    root = np.sqrt(weights)
    best = line @ np.linalg.lstsq(line * root, fitting.Y * root)[0]
    gain = loss.counts.cost(fitting.Y, best) - loss.counts.cost(fitting.Y, loss.mean(F))
    return float(chdtrc(max(1, len(loss.curve.knots) - 1), max(gain, 0.0)))
