"""Networks of one input: each kink, and each two neighbours, looked for in all places.

Descents end in the minimum next to where they start. Along one input the others can be looked
through: with all other kinks held, what a kink would explain at every place is known at once
(`one_kink`), and so is what two explain in all pairs of places. Where a fit from the best of them
is better, it takes the place of the network, until none is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from unrelu.fitting.fittings import Fitting, LeastSquares
from unrelu.fitting.one_kink import Kinks, spanned
from unrelu.network import Network
from unrelu.numerics.arrays import Array, divisors

PLACES, PLACES_OF_PAIRS = 400, 80
"""Places along the input that are looked at, and for pairs."""

MOST_SAMPLES = 20_000
"""Samples beyond which a network stays as it is: it comes from a fit to a part of them that has
been looked through."""

SLACK = 4.0
"""Noise variances by which a start may be worse than the fit that it is to improve: it is not at
its minimum yet."""

MOST_SWEEPS = 10
LEAST_GAIN = 0.03
"""Noise variances that a fit gains at least, to be better."""


def swept(net: Network, fitting: Fitting) -> Network:
    """The best network of as many units that kinks moved far lead to; the same one for several
    inputs, many samples, several outputs with a loss of their own, and without biases.
    O(k (n k + T²)) for each sweep, T `PLACES_OF_PAIRS`, and a descent for each start."""
    one = net.n_inputs == 1 and len(fitting.X) <= MOST_SAMPLES
    one = one and (isinstance(fitting, LeastSquares) or net.n_outputs == 1)
    if not one or not net.n_units or not net.activation.piecewise_linear or not fitting.bias:
        return net
    for _ in range(MOST_SWEEPS):
        starts = (fitting.fit(start) for start in _starts(net, fitting))
        better = [each for each in starts if each.n_units == net.n_units]
        best = max(better, key=lambda each: fitting.gain(net, each), default=net)
        if not fitting.gain(net, best) > LEAST_GAIN:
            break
        net = best
    return net


def _starts(net: Network, fitting: Fitting) -> Iterator[Network]:
    """Networks with one kink or two neighbours elsewhere, which may fit better once they are
    fitted."""
    scene = _Scene(net, fitting)
    for unit in range(net.n_units):
        yield from scene.moved(unit)
    order = np.argsort(scene.positions)
    for two in pairwise(order):
        yield from scene.moved_together(*two)


class _Scene:
    """The samples along the input, its middle taken off, in units of its range; the kinks there."""

    def __init__(self, net: Network, fitting: Fitting) -> None:
        self.net, self.fitting = net, fitting
        x = fitting.X[:, 0]
        self.middle, self.size = 0.5 * (x.min() + x.max()), float(np.ptp(x)) or 1.0
        self.x = (x - self.middle) / self.size
        self.root, self.labels = _working(net, fitting)
        self.signs = np.where(net.V[:, 0] < 0, -1.0, 1.0)
        self.positions = (-net.b / net.V[:, 0] - self.middle) / self.size
        left = self.labels - self._base([]) @ (self._base([]).T @ self.labels)
        self.enough = float(np.vdot(left, left)) * (1 + SLACK / len(x))

    def moved(self, unit: int) -> Iterator[Network]:
        """The best place for one kink, other than between the samples where it is."""
        base = self._base([unit])
        for sign in (1.0, -1.0)[: 1 if self.fitting.skip else 2]:
            kinks = Kinks.of(self.x, self.root, base, self._places(PLACES), sign)
            left = kinks.left(self.labels)
            drops = (kinks.along(left) ** 2).sum(axis=1)
            here = self._side(kinks.places) == self._side(self.positions[unit])
            drops[here & (sign == self.signs[unit] or self.fitting.skip)] = 0.0
            best = int(drops.argmax())
            if float(np.vdot(left, left)) - drops[best] < self.enough:
                yield self._with([unit], [kinks.places[best]], [sign])

    def moved_together(self, first: int, second: int) -> Iterator[Network]:
        """The best pair of places for two kinks, on the sides that they have."""
        base, places = self._base([first, second]), self._places(PLACES_OF_PAIRS)
        units = [
            Kinks.of(self.x, self.root, base, places, self.signs[each]) for each in (first, second)
        ]
        left = units[0].left(self.labels)
        columns = [_columns(kinks, self.x, self.root) for kinks in units]
        a, b = (each.T @ left for each in columns)
        cosine = columns[0].T @ columns[1]
        apart = np.triu(np.abs(cosine) < 1 - 1e-6, 1)
        both = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * cosine * (a @ b.T)
        drops = np.where(apart, both / np.where(apart, 1 - cosine**2, 1.0), 0.0)
        best = np.unravel_index(int(drops.argmax()), drops.shape)
        here = self._side(self.positions[[first, second]])
        if np.array_equal(self._side(places[list(best)]), here):
            return
        if float(np.vdot(left, left)) - drops[best] < self.enough:
            signs = [self.signs[first], self.signs[second]]
            yield self._with([first, second], list(places[list(best)]), signs)

    def _base(self, units: list[int]) -> Array:
        """What explains the labels besides these units."""
        columns = [np.ones_like(self.x), *[self.x] * self.fitting.skip]
        for other in np.setdiff1d(np.arange(self.net.n_units), units):
            heights = self.signs[other] * (self.x - self.positions[other])
            columns += [np.maximum(heights, 0.0)]
        return spanned(self.root[:, None] * np.column_stack(columns))

    def _places(self, count: int) -> Array:
        """Samples and the middles between them, or so many of these."""
        within = np.unique(self.x)
        places = np.sort(np.concatenate([within[1:-1], 0.5 * (within[1:] + within[:-1])]))
        if len(places) > count:
            places = places[np.linspace(0, len(places) - 1, count).astype(np.intp)]
        return places

    def _side(self, places: Array) -> Array:
        """How many samples lie below."""
        return np.asarray(np.searchsorted(np.sort(self.x), places))

    def _with(self, units: list[int], places: list[float], signs: list[float]) -> Network:
        net, V, b = self.net, self.net.V.copy(), self.net.b.copy()
        for unit, place, sign in zip(units, places, signs, strict=True):
            V[unit] = sign
            b[unit] = -sign * (self.middle + self.size * place)
        return Network(V, net.U, b, net.c, net.activation, net.W if self.fitting.skip else None)


def _working(net: Network, fitting: Fitting) -> tuple[Array, Array]:
    """Roots of weights (n,), and labels (n, m) times these, whose least squares are those of the
    fitting, near the network: its working labels."""
    if isinstance(fitting, LeastSquares):
        root = np.ones(len(fitting.X)) * fitting.samples.root[:, 0]
        return root, root[:, None] * (fitting.Y - fitting.centre) @ fitting.metric
    predicted, weights = net(fitting.X), fitting.weights(net)
    root = np.sqrt(weights[:, 0])
    return root, root[:, None] * (predicted + fitting.scores(net) / divisors(weights))


def _columns(kinks: Kinks, x: Array, root: Array) -> Array:
    """(n, T): the unit columns of the kinks outside of the basis."""
    columns = kinks.left(root[:, None] * np.maximum(kinks.sign * (x[:, None] - kinks.places), 0.0))
    sizes = np.sqrt(kinks.outside)
    return np.asarray(columns / np.where(sizes > 0, sizes, np.inf))
