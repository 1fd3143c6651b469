"""Stretches of lines on which rounded answers show the values of a network exactly.

Where a rounded answer steps from one level to the next, the value behind it is at a threshold.
Bisection finds that place to the last bit of the inputs, so each step is an exact equation.

On a stretch of a line that crosses no hyperplane all values are affine, F(x + s g) = α + s β. Two
steps of every output, one near each end, determine α and β: two samples (x + s g, F) with all
outputs, as if the answers had not been rounded. A link g(F) between values and answers does not
matter: a threshold p of output a says that z_a(α + s β) = target(p), and these equations are solved
by Gauss–Newton.

An estimate of the network says where there is such a stretch, and about where its steps are. It
needs to be right to half a step. A step then costs log₂(step / rounding) queries: about 40 for
three decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unrelu.links.link import Link
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index, Mask
from unrelu.numerics.grids import Grid, thresholds

Ask = Callable[[Array], tuple[Array, Array]]

ENDS = np.array([1 / 6, 5 / 6])
"""Where on a stretch steps are looked for, each within a sixth of its length."""

MARGIN = 0.05
"""Share of a cell at each end that is left out, since the estimate knows its ends only roughly."""

BRACKET = 0.75
"""Half the width of the widest bracket of a step, in steps: the next ones are outside of it."""

WIDER = 64.0
"""By how much a bracket is widened that does not contain its step."""

LONGEST = 2.0
"""Longest stretch, in usual sizes of an input."""

CLEAR = 0.05
"""Least clarity of answers at a step: beyond, they are saturated."""

NEWTON_STEPS = 20
FLAT = 1e-9
"""Singular values of the equations of a stretch, relative to the largest, that are those of values
a link does not show."""

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Stretches:
    """n stretches of lines start + s direction, (n, d) each, and where steps are expected: places s
    and half-widths of brackets (n, 2, m), with the levels next to the thresholds, and whether
    answers rise there."""

    start: Array
    direction: Array
    place: Array
    half: Array
    widest: Array
    lower: Array
    upper: Array
    rising: Mask
    used: Mask

    def __len__(self) -> int:
        return len(self.start)

    def take(self, some: Index | Mask) -> Stretches:
        return Stretches(*(array[some] for array in vars(self).values()))

    def beyond(self, ask: Ask, s: Array, steps: Index) -> Mask:
        """Whether answers at s (q,) are beyond the thresholds of the steps of these flat numbers
        (q,), in the direction of the stretch."""
        i, e, a = np.unravel_index(steps, self.place.shape)
        if not len(steps):
            return np.zeros(0, dtype=bool)
        Y = ask(self.start[i] + s[:, None] * self.direction[i])[1][np.arange(len(s)), a]
        middle = 0.5 * (self.lower[i, e, a] + self.upper[i, e, a])
        return np.asarray((middle < Y) == self.rising[i, e, a])

    def crossed(self, net: Network) -> Mask:
        """Which stretches a hyperplane of the network crosses, from the first step to the last. It
        does not matter for a single output: its samples are the steps themselves."""
        if self.place.shape[2] == 1:
            return np.zeros(len(self), dtype=bool)
        ends = (self.place.min(axis=(1, 2)), self.place.max(axis=(1, 2)))
        first, last = (
            net.preactivations(self.start + s[:, None] * self.direction) > 0 for s in ends
        )
        return np.asarray((first != last).any(axis=1))

    def narrowed(self, share: float) -> Stretches:
        """With brackets of this share of the widest."""
        return replace(self, half=share * self.widest)


def predicted(
    net: Network, link: Link, grid: Grid, X: Array, scale: float, rng: np.random.Generator
) -> Stretches:
    """The stretches through points X (n, d), in random directions, on which the network predicts
    two steps of each output; fewer than n."""
    n, m = len(X), net.n_outputs
    G = rng.standard_normal(X.shape)
    G /= np.linalg.norm(G, axis=1, keepdims=True)
    low, high = _cells(net, X, G, LONGEST * scale)
    s = (low[:, None] + np.array(ENDS) * (high - low)[:, None])[..., None] * np.ones(m)
    room = ((high - low) / 6)[:, None, None]
    h = 1e-3 * room
    answers, beyond = (_diagonal(link, net, X, G, s + shift) for shift in (np.zeros_like(h), h))
    slope = (beyond - answers) / h
    lower, upper = grid.between(answers)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = s + (0.5 * (lower + upper) - answers) / slope
        half = BRACKET * (upper - lower) / np.abs(slope)
    inside = np.abs(place - s) + half <= room  # not so for NaN
    used = np.ones(s.shape, dtype=bool)
    if link.centred:  # the largest probability, which loses no digits in 1 − Σ of the others
        used[np.arange(n), :, link.clarity(answers).min(axis=1).argmin(axis=1)] = False
    inside &= (lower > link.low) & (upper < link.high) & (link.clarity(answers) > CLEAR)
    good = np.asarray((inside | ~used).all(axis=(1, 2)))
    place, half = np.where(used, place, s), np.where(used, half, 0.0)
    return Stretches(X, G, place, half, half, lower, upper, slope > 0, used).take(good)


def joined(parts: Sequence[Stretches]) -> Stretches:
    """All stretches of the parts, of which there is at least one."""
    fields = zip(*(vars(part).values() for part in parts), strict=True)
    return Stretches(*(np.concatenate(arrays) for arrays in fields))


def _cells(net: Network, X: Array, G: Array, longest: float) -> tuple[Array, Array]:
    """The ends (n,) of the cells of X along G, less a margin."""
    heights, rates = net.preactivations(X), G @ net.V.T
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(rates == 0, np.inf, -heights / rates)
    high = np.where(at > 0, at, np.inf).min(axis=1, initial=longest)
    low = np.where(at <= 0, at, -np.inf).max(axis=1, initial=-longest)
    margin = MARGIN * (high - low)
    return low + margin, high - margin


def _diagonal(link: Link, net: Network, X: Array, G: Array, s: Array) -> Array:
    """Predicted answers (n, 2, m) of the outputs at places s (n, 2, m) of their own."""
    n, ends, m = s.shape
    points = X[:, None, None] + s[..., None] * G[:, None, None]
    P = link.forward(net(points.reshape(-1, X.shape[1]))).reshape(n, ends, m, m)
    return np.asarray(np.einsum("neaa->nea", P))


def bisected(ask: Ask, stretches: Stretches, link: Link, scale: float) -> Stretches:
    """The stretches whose steps are where they were expected, with their places as exactly as the
    rounding of values and inputs allows. A step takes two queries, and then one for each bit."""
    stretches = _bracketed(ask, stretches)
    if not len(stretches):
        return stretches
    place, half = stretches.place.copy(), stretches.half.copy()
    middle = 0.5 * (stretches.lower + stretches.upper)
    usual = max(float(np.sqrt((link.target(middle[stretches.used]) ** 2).mean())), EPS)
    widest = np.where(stretches.used, stretches.widest, 1.0)
    rate = 2 * BRACKET * (stretches.upper - stretches.lower) / link.slope(middle) / widest
    size = max(scale, float(np.abs(stretches.start).max()))
    finest = np.maximum(0.5 * EPS * size, EPS * usual / rate)
    while (open_ := np.flatnonzero(half > finest)).size:
        half.ravel()[open_] /= 2
        forward = np.where(stretches.beyond(ask, place.ravel()[open_], open_), -1.0, 1.0)
        place.ravel()[open_] += forward * half.ravel()[open_]
    return replace(stretches, place=place, half=half)


def _bracketed(ask: Ask, stretches: Stretches) -> Stretches:
    """The stretches that have all their steps within `widest` of the expected places, with brackets
    as narrow as was expected, or wider. A stretch is given up as soon as it misses a step."""
    shape = stretches.place.shape
    half, found = stretches.half.ravel().copy(), ~stretches.used.ravel()
    lost = np.zeros(shape[0], dtype=bool)
    owner = np.unravel_index(np.arange(found.size), shape)[0]
    place, widest = stretches.place.ravel(), stretches.widest.ravel()
    while (open_ := np.flatnonzero(~found & ~lost[owner])).size:
        inside = ~stretches.beyond(ask, place[open_] - half[open_], open_)
        inside[inside] = stretches.beyond(ask, (place + half)[open_[inside]], open_[inside])
        found[open_[inside]] = True
        missed = open_[~inside]
        lost[owner[missed[half[missed] >= widest[missed]]]] = True
        half[missed] = np.minimum(WIDER * half[missed], widest[missed])
    return replace(stretches, half=half.reshape(shape)).take(~lost)


def solved(stretches: Stretches, net: Network, link: Link, rule: str) -> tuple[Array, Array]:
    """Two samples from each stretch: X (2 n, d) and canonical values F (2 n, m)."""
    n, _, m = stretches.place.shape
    if not n:
        return stretches.start, np.zeros((0, m))
    target = link.target(thresholds(stretches.lower, stretches.upper, rule))
    near, far = stretches.place[:, 0].mean(axis=1), stretches.place[:, 1].mean(axis=1)
    share = (stretches.place - near[:, None, None]) / (far - near)[:, None, None]
    X = np.stack([stretches.start + s[:, None] * stretches.direction for s in (near, far)], axis=1)
    F = net(X.reshape(2 * n, -1)).reshape(n, 2, m)
    if link.centred:
        F -= F.mean(axis=2, keepdims=True)
    weights = np.stack([1 - share, share], axis=-1).reshape(n, 2 * m, 2)
    outputs, used = np.tile(np.arange(m), 2 * n), stretches.used.reshape(n, 2 * m)
    for _ in range(NEWTON_STEPS):
        values = weights @ F
        z, gradient = link.entry(values.reshape(-1, m), outputs)
        left = np.where(used, target.reshape(n, -1) - z.reshape(n, -1), 0.0)
        gradient = np.where(used[:, :, None], gradient.reshape(n, 2 * m, m), 0.0)[:, :, None]
        J = (weights[..., None] * gradient).reshape(n, 2 * m, 2 * m)
        step = (np.linalg.pinv(J, rcond=FLAT) @ left[..., None]).reshape(n, 2, m)
        F += step
        if np.abs(step).max() <= 2 * EPS * np.abs(F).max():
            break
    return X.reshape(2 * n, -1), F.reshape(2 * n, m)
