"""More points of boundaries: of classes that have few, and between classes that have none."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.hard_labels.asking import run
from unrelu.extraction.hard_labels.boundary import bisect
from unrelu.extraction.hard_labels.state import State
from unrelu.numerics.arrays import Array, Index

BORDER, BORDER_WIDTH = 8, 2.0**-9
"""Chords between two classes that seem to have no border, and how far they are bisected at first.
"""

WALK, WALK_WIDTH = 8, 2.0**-6
"""Chords, one after the other, along which inputs of a class are led apart, and how far their ends
are bisected."""


def fill(state: State) -> None:
    """More points of classes that have few, on chords inside them."""
    state.classes.queries.stage = "points of rare classes"
    wanted = int(state.density * (len(state.planes.rows) + 12))
    for number in range(len(state.classes)):
        for _ in range(20):
            pairs = state.found.pairs[state.found.scattered]
            missing = wanted - int((pairs == number).any(axis=1).sum())
            if missing <= 0:
                break
            _chords_inside(state, number, missing)
    _border_pairs(state)


def _chords_inside(state: State, number: int, missing: int) -> None:
    """Points at both ends of chords, from inputs of the class that is `number`. Where the first
    such points did not do, these inputs are led further apart beforehand: a class that is rare is
    known from one corner of it, where units may be off that are active elsewhere."""
    inside = state.classes.inside[number]
    E = inside[state.rng.integers(len(inside), size=min(16, -(-missing // 2)))]
    for _ in range(WALK if state.density > 1 else 0):
        middle = _between(state, _chords(state, number, E, WALK_WIDTH)[0])
        E = np.where((state.classes(middle) == number)[:, None], middle, E)
    P, ends = _chords(state, number, E, state.finest)
    state.found.add(*ends, True)
    middle = _between(state, P)
    state.classes.remember(middle, state.classes(middle))


def _chords(
    state: State, number: int, E: Array, width: float
) -> tuple[Array, tuple[Array, Array, Index]]:
    """Ends (2 n, d) of chords through inputs E (n, d) of a class, within it; and those of them that
    border on other classes, enclosed to a relative `width`, as `bisect` returns them."""
    D = state.rng.standard_normal(E.shape) * state.scale * state.rng.choice([1.0, 3.0]) - E
    P, both = np.vstack([E + D, E - D]), np.vstack([E, E])
    kinds = state.classes(P)
    out = np.flatnonzero(kinds != number)
    pair = np.column_stack([np.full(len(out), number), kinds[out]])
    ends = run(bisect(both[out], P[out], pair, width), state.classes)
    P[out] = ends[0]
    return P, ends


def _between(state: State, P: Array) -> Array:
    """A point (n, d) of each chord, of its ends (2 n, d)."""
    n = len(P) // 2
    share = state.rng.random((n, 1))
    return np.asarray(share * P[:n] + (1 - share) * P[n:])


def _border_pairs(state: State) -> None:
    """Points between classes that none was found between, if they have a border: without, the
    scales of outputs are known apart only."""
    m = len(state.classes)
    have = {tuple(sorted(pair)) for pair in state.found.pairs.tolist()}
    missing = [(a, b) for a in range(m) for b in range(a) if (b, a) not in have]
    chords = []
    for a, b in missing:
        one, other = state.classes.inside[a], state.classes.inside[b]
        for _ in range(BORDER):
            i, j = state.rng.integers(len(one)), state.rng.integers(len(other))
            chords.append((one[i], other[j], a, b))
    if not chords:
        return
    inner, outer = np.array([chord[0] for chord in chords]), np.array([c[1] for c in chords])
    pairs = np.array([chord[2:] for chord in chords], dtype=np.intp)
    inner, outer, pairs = run(bisect(inner, outer, pairs, BORDER_WIDTH), state.classes)
    fresh = [i for i, pair in enumerate(pairs.tolist()) if tuple(sorted(pair)) not in have]
    enclosed = run(bisect(inner[fresh], outer[fresh], pairs[fresh], state.finest), state.classes)
    state.found.add(*enclosed, True)
