"""Directions of hyperplanes from how slopes change across known ones."""

from __future__ import annotations

import numpy as np
from support.labelled import labelled

from unrelu.extraction.hard_labels.segments import Bend, Segment
from unrelu.extraction.hard_labels.slope_jumps import directions
from unrelu.network import Network
from unrelu.numerics.arrays import Array

WIDTH = 1e-12


def polyline(net: Network, start: Array, plane: Array) -> list[Bend]:
    """The boundary of one output from a point of it on, in a plane (2, d): exact bends, with the
    full normals of all pieces."""
    bends: list[Bend] = []
    segment, tangent, ahead = None, np.zeros(net.n_inputs), np.zeros(net.n_inputs)
    x = start
    for _ in range(8):
        active = net.preactivations(x[None] + 1e-9 * tangent)[0] > 0
        G = (active * net.U[0]) @ net.V
        inside = plane.T @ (plane @ G)
        normal = inside / np.linalg.norm(inside)
        turned = plane.T @ (np.array([[0.0, -1.0], [1.0, 0.0]]) @ (plane @ normal))
        tangent = turned if turned @ ahead >= 0 else -turned
        number = np.arange(0)
        new = Segment(x + tangent, tangent, normal, (1, 0), 1.0, number, WIDTH)
        new.full, new.error = G / np.linalg.norm(G), WIDTH
        if segment is not None:
            bends.append(Bend(x, WIDTH, segment, new))
        speed = net.V @ tangent
        times = -(net.preactivations(x[None])[0]) / np.where(speed == 0, 1.0, speed)
        times[times < 1e-6] = np.inf
        if not np.isfinite(times.min()):
            break
        crossed = times.argmin()
        ahead = np.sign(speed[crossed]) * net.V[crossed]
        segment, x = new, x + times[crossed] * tangent
    return bends


def test_directions_of_unknown_hyperplanes() -> None:
    net, rng = labelled(6, 5, 1, 3), np.random.default_rng(0)
    start = rng.standard_normal(6)
    for _ in range(60):
        active = (net.preactivations(start[None])[0] > 0) * net.U[0]
        G = active @ net.V
        start = start - float(net(start[None])[0, 0]) / (G @ G) * G
    assert abs(net(start[None])[0, 0]) < 1e-12
    bends: list[Bend] = []
    for _ in range(20):
        plane = np.linalg.qr(rng.standard_normal((6, 2)))[0].T
        bends += polyline(net, start, plane)
    points = np.array([bend.point for bend in bends])
    unit = np.abs(points @ net.V.T + net.b).argmin(axis=1)
    known = np.array([0, 1, 2])
    on = np.where(np.isin(unit, known), unit, -1)
    found = directions(bends, net.V[known], np.full(3, WIDTH), on)
    assert len(found) >= 2
    for number, direction in found.items():
        v = net.V[unit[number]]
        off = np.linalg.norm(direction.v - (direction.v @ v) * v)
        assert off <= direction.error < 1e-8
    wrong = directions(bends, net.V[known[::-1]], np.full(3, WIDTH), on)
    offs = [abs(abs(d.v @ net.V[unit[i]]) - 1) for i, d in wrong.items()]
    assert not offs or max(offs) > 1e-8
