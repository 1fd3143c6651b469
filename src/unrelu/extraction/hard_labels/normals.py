"""How the boundary leans at one of its points: slopes along given directions, and the normal."""

from __future__ import annotations

import numpy as np

from unrelu.extraction.hard_labels.asking import Asking
from unrelu.extraction.hard_labels.boundary import Boundary, bisect, separates
from unrelu.numerics.arrays import Array, Index

STEEP, STEEPER, STEEPEST = 4.0, 4.0, 64.0
"""Slopes that are looked for at first, the factor if that is too little, and the largest."""

SHORTER, TRIES = 0.2, 14
"""Factor of the length of an arm that meets a bend, and attempts."""

COARSE = 2.0**-13
"""Share of the first bracket to which a slope is found before the opposite arm is tried."""

SAFE = 64.0
"""The same in errors of points."""

LEAST = 1e-9
"""Share of an arm's length by which the boundary may be off at the end of the opposite arm."""


LEANING, SMALL, HALVINGS = 0.5, 1e-3, 6
"""Share of directions that are too steep at first, above which the normal is estimated before; the
length of arms for that, relative to the others, and bisections."""


class Lost(Exception):
    """The boundary is not straight here, however near one looks."""


class Steep(Exception):
    """Most of the slopes are large: the direction `normal` is far from the normal."""


def slopes(
    found: Boundary,
    base: Array,
    normal: Array,
    directions: Array,
    arm: float,
    classes: tuple[int, int],
    width: float,
    scattered: bool = False,
    leaning: float = np.inf,
    steep: float = STEEP,
) -> Asking[tuple[Array, Array, Index]]:
    """(c, r, numbers): the boundary passes through base ± r_i (e_i + c_i normal), for each of the
    unit `directions` e_i, which are orthogonal to `normal`, a direction towards the first class.

    The end of one arm is bisected, that of the opposite one is checked by two questions: between
    two bends the boundary is straight. Raises Lost if it is not so for arms of any length, and
    Steep if more than this share of the slopes, `leaning`, is large."""
    count = len(directions)
    first, second = classes
    numbers = np.zeros(count, np.intp)
    slope, length, steeps = np.zeros(count), np.full(count, arm), np.full(count, steep)
    open_rows = np.arange(count)
    for _ in range(TRIES):
        if not len(open_rows):
            return slope, length, numbers
        r, h = length[open_rows, None], steeps[open_rows, None]
        X = base + r * directions[open_rows]
        answers = yield np.vstack([X + h * r * normal, X - h * r * normal])
        n = len(open_rows)
        enclosed = (answers[:n] == first) & (answers[n:] == second)
        rows = open_rows[enclosed]
        straight, some = yield from _both_arms(
            *(found, base, normal, directions[rows], length[rows], steeps[rows], classes),
            *(width, scattered),
        )
        good = np.isfinite(straight)
        slope[rows[good]], numbers[rows[good]] = straight[good], some
        bent = rows[~good]
        length[bent] *= SHORTER
        missed = open_rows[~enclosed]
        if len(missed) > leaning * count:
            raise Steep
        steeps[missed] *= STEEPER
        over = missed[steeps[missed] > STEEPEST]
        length[over] *= SHORTER
        steeps[over] = steep
        open_rows = np.sort(np.concatenate([bent, missed]))
    raise Lost


def _both_arms(
    found: Boundary,
    base: Array,
    normal: Array,
    directions: Array,
    length: Array,
    steep: Array,
    classes: tuple[int, int],
    width: float,
    scattered: bool,
) -> Asking[tuple[Array, Index]]:
    """Slopes (q,), NaN where the opposite arm does not end on the boundary, and the numbers of the
    points of the others."""
    slope, numbers = np.full(len(directions), np.nan), np.arange(0)
    rows = np.arange(len(directions))
    r = length[:, None]
    inner = base + r * (directions + steep[:, None] * normal)
    outer = base + r * (directions - steep[:, None] * normal)
    pair = np.tile(np.array(classes), (len(rows), 1))
    for share in (COARSE, 0.0):
        if not len(rows):
            break
        target = width
        if share:
            size = np.abs(inner).max(axis=1)
            target = max(width, float((share * steep * length / size).min()))
        inner, outer, pair = yield from bisect(inner, outer, pair, target)
        middle = (inner + outer) / 2
        c = (middle - base) @ normal / length[rows]
        opposite = base - length[rows, None] * (directions[rows] + c[:, None] * normal)
        off = np.maximum(LEAST, 4 * share * steep[rows]) * length[rows]
        off = np.maximum(off, SAFE * width * np.abs(middle).max(axis=1))[:, None]
        answers = yield np.vstack([opposite + off * normal, opposite - off * normal])
        n = len(rows)
        good = (answers[:n] == classes[0]) & (answers[n:] == classes[1])
        good &= pair[:, 1] == classes[1]
        rows, inner, outer, pair, c = rows[good], inner[good], outer[good], pair[good], c[good]
    if len(rows):
        slope[rows] = c
        numbers = found.add(inner, outer, pair, scattered)
    return slope, numbers


def full_normal(
    found: Boundary,
    near: Array,
    tangent: Array,
    normal: Array,
    room: float,
    classes: tuple[int, int],
    width: float,
    rng: np.random.Generator,
    off: float = 0.0,
) -> Asking[tuple[Array, float]]:
    """The unit normal of the boundary at a point `near` it, at most `off` away, towards the first
    class, and about how far it is off. In the plane of `tangent` and `normal` it is `normal`;
    `room`: distance to the next bend in that plane."""
    d = len(near)
    aside = max(1e-5 * room, 8 * width * float(np.abs(near).max()), off) * normal
    if not (yield from separates(near[None], aside, *classes)):
        raise Lost
    pair: Index = np.array([classes])
    inner, outer, pair = yield from bisect((near + aside)[None], (near - aside)[None], pair, width)
    base = (inner[0] + outer[0]) / 2
    found.add(inner, outer, pair, False)
    others = np.linalg.svd(np.stack([tangent, normal]))[2][2:]
    turn = np.linalg.qr(rng.standard_normal((d - 2, d - 2)))[0]
    directions = np.vstack([tangent, turn @ others])
    arms = found, base, normal, directions, room, classes, width
    try:
        c, r, _ = yield from slopes(*arms, leaning=LEANING)
    except Steep:
        normal = yield from _estimated(base, normal, directions, SMALL * room, classes)
        turn = np.linalg.svd(normal[None])[2][1:]
        directions = np.linalg.qr(rng.standard_normal((d - 1, d - 1)))[0] @ turn
        c, r, _ = yield from slopes(found, base, normal, directions, room, classes, width)
    full = normal - c @ directions
    size = float(np.linalg.norm(full))
    off = width * (1 + np.abs(base).max()) / r
    return full / size, float(np.linalg.norm(off)) / size


def _estimated(
    base: Array, normal: Array, directions: Array, arm: float, classes: tuple[int, int]
) -> Asking[Array]:
    """The unit normal to a few percent, from slopes up to STEEPEST at the ends of short arms."""
    slope, half = np.zeros(len(directions)), STEEPEST
    ends = base + arm * directions
    for _ in range(HALVINGS + int(np.log2(STEEPEST))):
        answers = yield ends + arm * slope[:, None] * normal
        half /= 2
        slope += np.where(answers == classes[0], -half, half)
    full = normal - slope @ directions
    return np.asarray(full / np.linalg.norm(full))
