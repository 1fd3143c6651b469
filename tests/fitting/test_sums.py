"""All weights at once, from answers at sums of points, in float32."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.rounding import planted_single, single

import unrelu
from unrelu import Network
from unrelu.fitting.sums import SIDE, Sums, fitted, inputs, row_errors

Array = NDArray[np.float64]


def asked(net: Network, seed: int = 0, blocks: int = 6, scale: float = 1.0) -> Sums:
    values, rng = single(net), np.random.default_rng(seed)
    d = net.n_inputs
    return Sums.asked(lambda X: np.asarray(values(X), np.float64), blocks, d, scale, rng)


def nearby(net: Network, off: float) -> Network:
    noise = np.random.default_rng(1).standard_normal(net.V.shape)
    lengths = np.linalg.norm(net.V, axis=1, keepdims=True)
    return Network(net.V + off * lengths * noise / np.sqrt(net.n_inputs), net.U, net.b, net.c)


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_sums_are_exact_in_single_precision(scale: float) -> None:
    sums = asked(planted_single(20, 5, 2, seed=0, decades=0.0), scale=scale)
    X = np.vstack([inputs(first, second) for first, second, _ in sums])
    assert np.array_equal(X, X.astype(np.float32))
    assert X.shape == (6 * SIDE**2, 20)
    assert 0.9 * scale < X.std() < 1.1 * scale


@pytest.mark.parametrize("bias", [True, False])
def test_all_weights_to_what_rounding_leaves(bias: bool) -> None:
    net = planted_single(60, 20, 3, seed=0, decades=0.0)
    net = net if bias else Network(net.V, net.U)
    sums = asked(net)
    found = fitted(nearby(net, 0.03), sums, bias=bias).canonical()
    rounding = float(
        np.sqrt(
            np.mean([((found(inputs(p, q)) - Y.reshape(-1, 3)) ** 2).mean() for p, q, Y in sums])
        )
    )
    assert rounding < 2.0**-24 * float(np.abs(sums.answers).max())
    errors = row_errors(found, sums, rounding, bias, np.random.default_rng(0))
    off = unrelu.match(found, net.canonical()).hidden
    # 60 coordinates each, and rounding is not quite independent of the inputs.
    assert (off < 3 * errors).all()
    assert (off > errors / 3).all()
    moved = unrelu.match(nearby(net, 1e-5), net.canonical()).hidden  # the canary
    assert (moved > 3 * errors).any()
    assert bias or not found.b.any()


def test_with_a_skip_connection_sides_do_not_matter() -> None:
    """u f(z) = u f(−z) + u z: from units turned round, the fit finds what is linear besides."""
    net = planted_single(60, 20, 3, seed=0, decades=0.0)
    sums = asked(net)
    start = nearby(net, 0.03)
    lengths = np.linalg.norm(start.V, axis=1)
    V, b, U = start.V / lengths[:, None], start.b / lengths, start.U * lengths
    turned = np.where(np.arange(20) % 2, -1.0, 1.0)
    start = Network(V * turned[:, None], U, b * turned, net.c, W=np.zeros((3, 60)))
    found = fitted(start, sums, bias=True, affine=True)
    X, rounding = inputs(*[part[0] for part in (sums.first, sums.second)]), 2.0**-24
    assert np.abs(found(X) - net(X)).max() < 10 * rounding * np.abs(sums.answers).max()
    other = turned < 0
    assert np.abs(found.W - net.U[:, other] @ net.V[other]).max() < 1e-4 * np.abs(found.W).max()
    plain = fitted(start, sums, bias=True)  # the canary
    assert np.abs(plain(X) - net(X)).max() > 0.1


def test_networks_so_far_are_handed_on() -> None:
    net = planted_single(60, 20, 3, seed=0, decades=0.0)
    sums = asked(net)
    kept: list[Network] = []
    found = fitted(nearby(net, 0.03), sums, bias=True, keep=kept.append, steps=2)
    assert len(kept) == 2
    assert np.array_equal(kept[-1].V, found.V)
