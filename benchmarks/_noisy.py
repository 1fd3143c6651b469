"""Noise to add, the bound that no estimator can beat, and the fit that starts at the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import _table  # noqa: F401  (puts src and tests on the path)
import numpy as np
from numpy.typing import NDArray
from support.planting import Planted

import unrelu
from unrelu.fitting.problem import Problem
from unrelu.inference import fisher
from unrelu.inference.arguments import heights_known, model_of, white_features
from unrelu.inference.units import Spread
from unrelu.network.unknowns import unknowns_of
from unrelu.numerics.levenberg import minimise
from unrelu.samples import Samples

Array = NDArray[np.float64]
PARTS = ("V", "U", "b", "c")
NO_DESCENT = 1e-3
"""Three steps that together gain less than so many noise variances end a fit."""


@dataclass(frozen=True, eq=False)
class Noisy:
    """A planted problem with noise of known standard deviation (m,) in each output."""

    X: Array
    Y: Array
    truth: unrelu.Network
    sizes: Array
    bias: bool

    @property
    def unknowns(self) -> int:
        return unknowns_of(self.truth, biases=self.bias, skip=False)

    def squares(self, net: unrelu.Network) -> float:
        """Residual sum of squares, each output in units of its noise variance."""
        return float((((self.Y - net(self.X)) / self.sizes) ** 2).sum())


def gaussian(planted: Planted, share: float, *, bias: bool, seed: int) -> Noisy:
    """White Gaussian noise of `share` times the size of each output about its mean."""
    sizes = share * signal(planted.Y)
    noise = sizes * np.random.default_rng([seed, 1]).standard_normal(planted.Y.shape)
    return Noisy(planted.X, planted.Y + noise, planted.truth, sizes, bias)


def signal(Y: Array) -> Array:
    """(m,): root mean square of every output about its mean."""
    return np.asarray(Y.std(axis=0))


def bound(problem: Noisy) -> Array:
    """(k,): least possible mean square error of each unit row v, by the Cramér–Rao bound for
    Gaussian noise: from the information at the truth, in coordinates that keep ‖v‖ = 1 where f is
    homogeneous. For √z, whose information is infinite, what `assess` takes it for."""
    net, samples = problem.truth.canonical(), Samples.of(problem.X, problem.Y)
    white = white_features(samples, problem.bias)
    U = net.U / problem.sizes[:, None]
    noise = np.random.default_rng(0).standard_normal(problem.Y.shape)  # of variance one
    doubt = heights_known(net, white, U, problem.bias, noise)
    model = model_of(net, white, U, problem.bias, doubt)
    information = fisher.information(model, fisher.moments(model, white.features))
    inverse = fisher.invert(model, information, samples.n)
    assert not inverse.null.size, "the samples do not determine the truth"
    spread, d = Spread.of(model, white.factor, inverse.matrix), net.n_inputs
    own = [np.trace(spread.of_rows(j, j)[:d, :d]) for j in range(net.n_units)]
    order = unrelu.match(net, problem.truth).permutation
    return np.array(own)[order]


def from_truth(problem: Noisy, start: unrelu.Network | None = None) -> unrelu.Network:
    """The minimum of the sum of squares next to the truth, or to another start, in the metric of
    the noise as it is."""
    start = problem.truth if start is None else start
    samples = Samples.of(problem.X, problem.Y)
    metric = np.diag(1 / problem.sizes)
    activation = problem.truth.activation
    whole = Problem(samples, np.arange(samples.n), problem.bias, metric, activation)
    model = whole.strict

    def settled(norms: list[float]) -> bool:
        return len(norms) > 3 and norms[-4] ** 2 - norms[-1] ** 2 < NO_DESCENT

    first = model.evaluate(whole.points(start.V, start.b))
    fit, _ = minimise(model, first, size=model.size, steps=300, enough=settled)
    return whole.network(*whole.hyperplanes(fit.point)).canonical()


def row_errors(net: unrelu.Network | None, truth: unrelu.Network) -> Array:
    """(k,): ‖v − v*‖ of unit rows after matching; infinite for units without a partner."""
    if net is None or not net.n_units:
        return np.full(truth.n_units, np.inf)
    return unrelu.match(net, truth).hidden


def covered(result: unrelu.Recovery, truth: unrelu.Network, *, bias: bool) -> Array:
    """Which of the weights of the truth are within their 95% intervals, all in one vector; none
    with a unit missing or too many."""
    parts = PARTS if bias else PARTS[:2]
    truth = truth.canonical()
    whole = result.uncertainty is not None and result.uncertainty.network.n_units == truth.n_units
    if not whole or result.uncertainty is None:
        return np.zeros(sum(getattr(truth, part).size for part in parts), dtype=bool)
    order = unrelu.match(result.uncertainty.network, truth).permutation
    ends = [flat(net, order, parts) for net in result.uncertainty.intervals(0.95)]
    value = flat(truth, np.arange(truth.n_units), parts)
    return np.asarray((ends[0] <= value) & (value <= ends[1]))


def flat(net: unrelu.Network, order: NDArray[np.intp], parts: Sequence[str]) -> Array:
    arrays = {"V": net.V[order], "U": net.U[:, order], "b": net.b[order], "c": net.c}
    return np.concatenate([arrays[part].ravel() for part in parts])


Law = Callable[[np.random.Generator, tuple[int, int]], Array]
"""Noise (n, m) for labels of size one."""


def cauchy(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.standard_cauchy(shape)


def student2(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.standard_t(2, shape)


def outliers(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Gaussian of 0.3, and one entry in a hundred a hundred times the signal."""
    noise = 0.3 * rng.standard_normal(shape)
    wrong = rng.random(shape) < 0.01
    return np.asarray(noise + 100 * wrong * rng.choice([-1.0, 1.0], shape))


def trend(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Nothing random between the samples: sines and a drift along their order, mixed into the
    outputs."""
    n, m = shape
    time = np.linspace(-1, 1, n)
    waves = [np.sin(np.pi * (f + 0.5) * time + f) for f in range(1, m)]
    shapes = np.column_stack([np.sqrt(1.5) * time, *waves]) * np.sqrt(2)
    return np.asarray(shapes @ rng.standard_normal((m, m)) / np.sqrt(m))


def correlated(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Gaussian, of covariance 1 within outputs and 0.9 between them."""
    own, common = rng.standard_normal(shape), rng.standard_normal((shape[0], 1))
    return np.asarray(np.sqrt(0.1) * own + np.sqrt(0.9) * common)
