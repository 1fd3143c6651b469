"""Does a fit ask for one unit more?

Would the best further unit explain as much of what the fit leaves if that were noise? The same
search (`one_unit`) is made on copies of the residuals in which no unit is left: so the test assumes
nothing of the law of the noise or of the inputs, nor of how thorough the search is. Copies are

permuted     rows of the residuals, each with another sample's inputs;
turned       each row with a random sign: noise may be larger where some inputs are;
drawn        for counts, whose law is known from their mean: counts from the fitted means.

A unit must explain more than in copies of two kinds, for noise may be skewed, and it may be of
unequal size; the permuted copies miss the second, the turned ones the first, and the drawn ones
the errors of the fit. Of counts without any unit the law is known.
Rows with the same inputs, and rows whose residuals depend in their order, stay together. Of a few
distinct inputs there are too few orders for that: their samples are taken to be as many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from unrelu.fitting.fittings import Fitting
from unrelu.fitting.one_unit import NEAR_NOTHING, STARTS, best_unit
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, divisors
from unrelu.numerics.order import block_length
from unrelu.numerics.whitening import Whitened, whiten, with_constant

PLAIN = 3.0
"""Times the largest gain in noise from which on a unit needs no further test."""

FEW_COPIES = 20
"""Copies after which a gain beyond PLAIN times the largest is certain: among copies the gain
of the best unit, a maximum over all directions, hardly varies by so much."""

BATCHES = 5, 5, 10
"""Copies that advance together, at first: most tests end after the first few."""

MOST_ENTRIES = 2e7
"""Numbers that a batch of copies may take."""

LEVEL, LEAST_COPIES = 3, 99
"""Copies of a kind for the level of noise, and for a test."""

UNEQUAL = 100
"""Samples from which on it shows whether noise is larger where some inputs are."""

FEW_INPUTS = 4
"""Distinct inputs up to which their orders are too few for a test: 24, of which two each leave what
a unit explains along a line as it is."""

TANGENT = 0.25
"""Share of the samples up to which the fit's own freedom, k D columns, is projected off: then a
further unit is not credited with what the others, moved a little, explain as well."""


@dataclass(frozen=True)
class Tested:
    """One width against one more: the gain of the best further unit, the gain in noise that it
    must exceed, both in noise variances; how many units it takes to exceed it, zero if none do;
    rows (units, D) of these; and whether noise explains as much too rarely to say that there is no
    further unit, where that has been asked."""

    gain: float
    edge: float
    more: int
    rows: Array
    open: bool = False


@dataclass(frozen=True, eq=False)
class _Searched:
    gains: Array
    rows: tuple[Array, ...]


class _Copies:
    """Copies of what a network leaves, of one kind, made as they are asked for: gains of the best
    further unit in them."""

    def __init__(self, make: Callable[[], Array], gains: Callable[[Array], Array]) -> None:
        self._make, self._gains = make, gains
        self._found: list[Array] = []

    def first(self, count: int) -> Array:
        """(ways, count)."""
        missing = count - sum(found.shape[1] for found in self._found)
        if missing > 0:
            self._found.append(self._gains(np.stack([self._make() for _ in range(missing)])))
        return np.column_stack(self._found)[:, :count]


@dataclass(frozen=True, eq=False)
class Residuals:
    """The residuals of a network, by rows, with a basis of what the fit explains already and the
    kinds of copies without a further unit."""

    net: Network
    residual: Array
    base: Array
    kinds: tuple[_Copies, ...]


@dataclass(frozen=True, eq=False)
class Test:
    """What does not change between the tests of one search.

    Samples with the same inputs are one row here, unless distinct inputs are very few: `group` (n,)
    is its number, `first` is one of its samples, `roots` (rows,) the root of how much they weigh
    together, `shares` (n, 1) what of it is a sample's. `white`: the inputs of the rows, times
    roots; `length` of the blocks of rows that stay together, in the `order` in which they may
    depend. `quick`: the edge is extrapolated from FEW_COPIES.
    """

    white: Whitened
    group: Index
    shares: Array
    roots: Array
    first: Index
    order: Index
    length: int
    fitting: Fitting
    alpha: float
    rng: np.random.Generator
    quick: bool

    @classmethod
    def of(
        cls,
        fitting: Fitting,
        net: Network,
        *,
        alpha: float,
        rng: np.random.Generator,
        quick: bool = False,
    ) -> Test:
        X = fitting.X
        root = np.broadcast_to(fitting.samples.root, (len(X), 1))[:, 0]
        _, first, group = np.unique(X, axis=0, return_index=True, return_inverse=True)
        same, unknowns = group.reshape(-1), X.shape[1] + fitting.bias + 1
        # As many as a constant and one unit have unknowns would show nothing of that unit.
        few = unknowns < len(first) <= FEW_INPUTS
        if few or len(first) == len(X):  # each sample is a row: in the order in which they came
            first, group = np.arange(len(X)), np.arange(len(X))
        group = group.reshape(-1)
        roots = np.sqrt(np.bincount(group, weights=root**2))
        inputs = with_constant(X[first], fitting.bias)
        along = X.shape[1] == 1 and not few
        order = np.argsort(X[first, 0] if along else first, kind="stable")
        test = cls(
            white=whiten(inputs * roots[:, None]),
            group=group,
            shares=(root / roots[group])[:, None],
            roots=roots,
            first=first,
            order=order,
            length=1,
            fitting=fitting,
            alpha=alpha,
            rng=rng,
            quick=quick,
        )
        residual = test.residual(net)
        if few:  # what a network does not explain, which is no noise, is the same for equal inputs
            residual = residual - _means(residual, same)
        return replace(test, length=block_length(residual[order]))

    def residual(self, net: Network) -> Array:
        """Of the rows. What is no larger than the rounding of the labels depends on the inputs, but
        shows no unit."""
        left = np.abs(self.fitting.left(net))
        beyond = left > self.fitting.samples.resolution()
        return self.grouped(np.where(beyond, self.fitting.standardised(net), 0.0))

    def grouped(self, residual: Array) -> Array:
        """Residuals of distinct inputs: the sum of those of its samples, of the same variance."""
        if len(self.first) == len(residual):
            return residual
        sums = np.zeros((len(self.first), residual.shape[1]))
        np.add.at(sums, self.group, self.shares * residual)
        return sums

    def base(self, net: Network) -> Array:
        """An orthonormal basis of what the fit explains already, to first order in its weights
        where they are few beside the samples; of a constant in any case, since noise of an unknown
        law may have any."""
        Z = self.white.features
        columns = [self.roots[:, None], *[Z] * self.fitting.skip]
        heights = net.preactivations(self.fitting.X[self.first]) * self.roots[:, None]
        if net.n_units * Z.shape[1] <= TANGENT * len(Z):
            columns += [Z * (heights[:, [j]] > 0) for j in range(net.n_units)]
        elif net.n_units:
            columns.append(np.maximum(heights, 0.0))
        return _orthonormal(np.column_stack(columns))

    def residuals_of(self, net: Network) -> Residuals:
        """The residuals of a network, to be tested."""
        residual, base = self.residual(net), self.base(net)

        def gains(copies: Array) -> Array:
            return self._search(base, copies).gains

        kinds = tuple(_Copies(make, gains) for make in self.kinds(net, residual))
        return Residuals(net, residual, base, kinds)

    def best(self, net: Network) -> Array:
        """The best further unit (1, D)."""
        return np.asarray(self._further(self.residuals_of(net)).rows[0][0])

    def _further(self, left: Residuals) -> _Searched:
        return self._search(left.base, left.residual[None])

    def gain(self, left: Residuals) -> float:
        """Of the best further unit."""
        return float(self._further(left).gains[0, 0])

    def level(self, left: Residuals) -> float:
        """What the best further unit explains of noise."""
        narrow = self.white.features.shape[1] <= 2  # then the gain, a maximum over few, varies much
        count = FEW_COPIES if narrow else LEVEL
        return max(float(kind.first(count)[0].max()) for kind in left.kinds)

    def kinds(self, net: Network, residual: Array) -> Iterator[Callable[[], Array]]:
        """Makers of copies of grouped residuals without any further unit."""
        n, blocks = len(residual), -(-len(residual) // self.length)
        inverse = np.argsort(self.order)

        def permuted() -> Array:
            places = np.arange(n)
            full = places[: n - n % self.length].reshape(-1, self.length)
            places[: full.size] = full[self.rng.permutation(len(full))].ravel()
            return np.asarray(residual[self.order][np.roll(places, self.rng.integers(n))][inverse])

        def turned() -> Array:
            signs = np.repeat(self.rng.choice([-1.0, 1.0], blocks), self.length)[:n]
            return np.asarray(residual * signs[inverse][:, None])

        def drawn() -> Array:
            copy = self.fitting.drawn(net, self.rng)
            assert copy is not None, "the law is known"
            return self.grouped(copy)

        counts = self.fitting.drawn(net, self.rng) is not None
        yield drawn if counts else permuted
        if n >= UNEQUAL and not (counts and not net.n_units):
            yield turned

    def __call__(self, left: Residuals) -> Tested:
        """Does the network ask for more units?"""
        found = self._further(left)
        gains = found.gains[:, 0]
        if self.quick and len(gains) == 1:
            edge = max(_extreme(kind.first(FEW_COPIES)[0], self.alpha) for kind in left.kinds)
            return Tested(float(gains[0]), edge, int(gains[0] > edge), found.rows[0][0])
        light = self.fitting.light_tailed(left.net)
        copies = max(LEAST_COPIES, math.ceil(1 / self.alpha) - 1)
        allowed = math.floor(self.alpha * (copies + 1)) - 1
        edges, best, passed, alone = np.zeros(len(gains)), 0, True, True
        for kind in left.kinds:
            for count in _counts(copies, left.residual.size * STARTS, at_once=len(gains) > 1):
                there = kind.first(count)
                scores = _scores(there, there)
                own = _scores(gains[:, None], there)[:, 0]
                passed = int((scores.max(axis=0) >= own.max()).sum()) <= allowed
                plain = light and (gains > PLAIN * there.max(axis=1)).any()
                if not passed or (there.shape[1] >= FEW_COPIES and plain):
                    break
            # Where a single unit is enough, whether there is a second is left to the next test.
            alone = alone and int((scores.max(axis=0) >= own[0]).sum()) <= allowed
            best = 0 if alone else int(own.argmax())
            last = min(allowed, there.shape[1] - 1)
            edges = np.maximum(edges, np.sort(there, axis=1)[:, -1 - last])
            if not passed:
                break
        more = (best + 1) * passed
        return Tested(float(gains[best]), float(edges[best]), more, found.rows[best][0])

    def _search(self, base: Array, residuals: Array) -> _Searched:
        """Of residuals (B, n, m): gains (ways, B) in units of the variance that is left."""
        best, (_, n, m) = best_unit(self.white.features, base, residuals, self.rng), residuals.shape
        freedom = max(1.0, (n - base.shape[1]) * m - self.white.features.shape[1] - m)
        left = np.maximum(best.total - best.drops, 1e-9 * best.total + np.finfo(np.float64).tiny)
        return _Searched(best.drops * freedom / left, best.rows)

    def with_units(self, net: Network, rows: Array) -> Network:
        """The network with further units along these directions, outputs by least squares."""
        weights = self.white.to_rows(rows)
        d = self.fitting.X.shape[1]
        V, b = weights[:, :d], weights[:, d] if self.fitting.bias else np.zeros(len(rows))
        hidden = net.activation(self.fitting.X @ V.T + b)
        U = np.linalg.lstsq(hidden * self.fitting.samples.root, self.fitting.left(net))[0].T
        return Network(
            np.vstack([net.V, V]),
            np.hstack([net.U, U]),
            np.append(net.b, b),
            net.c,
            net.activation,
            net.W if self.fitting.skip else None,
        )


def _means(residual: Array, group: Index) -> Array:
    """(n, m), of each sample's group."""
    sums = np.zeros((group.max() + 1, residual.shape[1]))
    np.add.at(sums, group, residual)
    return np.asarray((sums / np.bincount(group)[:, None])[group])


def _orthonormal(columns: Array) -> Array:
    """A basis of their span, to 1e-7 or so: by the Gram matrix, for there are hundreds."""
    columns = columns / np.maximum(np.linalg.norm(columns, axis=0), np.finfo(np.float64).tiny)
    sizes, vectors = np.linalg.eigh(columns.T @ columns)
    kept = sizes > NEAR_NOTHING * sizes[-1]
    return np.asarray(columns @ (vectors[:, kept] / np.sqrt(sizes[kept])))


def _scores(gains: Array, copies: Array) -> Array:
    """Gains (w, B) of one unit and of two on one scale, that of their logarithms in copies."""
    if len(gains) == 1:
        return gains
    tiny = np.finfo(np.float64).tiny
    logs, those = np.log(gains + tiny), np.log(copies + tiny)
    spread = divisors(those.std(axis=1, keepdims=True))
    return np.asarray((logs - those.mean(axis=1, keepdims=True)) / spread)


def _extreme(gains: Array, alpha: float) -> float:
    """What less than a share `alpha` of largest gains exceeds, by Gumbel's law of their logarithms.
    Measured, of twenty copies of 5 to 20 inputs, at 1%: 1.2 to 1.7 times what it is by four
    hundred. Of labels that units do not explain, those that go beyond that predict better."""
    logs = np.log(np.maximum(gains, np.finfo(np.float64).tiny))
    deviations = -(math.log(-math.log1p(-alpha)) + np.euler_gamma) * math.sqrt(6) / math.pi
    return float(np.exp(logs.mean() + deviations * logs.std(ddof=1)))


def _counts(copies: int, entries: int, *, at_once: bool) -> Iterator[int]:
    """How many copies there are after each batch in which so many advance; `at_once`: they are
    quick, or are wanted all for their scale."""
    largest = max(1, int(MOST_ENTRIES / entries))
    sizes = [] if at_once else [min(size, largest) for size in BATCHES]
    count = 0
    while count < copies:
        count = min(copies, count + (sizes.pop(0) if sizes else largest))
        yield count
