"""Differences of outputs as equations."""

from __future__ import annotations

import numpy as np
import pytest
from support.heads import centred, planted

from unrelu import Network
from unrelu.network.contrasts import Contrasts, gauge_equations, moved
from unrelu.network.decision_boundary import Factor
from unrelu.network.shown_classes import ShownClasses

EPS = float(np.finfo(np.float64).eps)


def _contrasts(net: Network, n: int = 400) -> Contrasts:
    rng = np.random.default_rng(0)
    X, m = rng.standard_normal((n, net.n_inputs)), net.n_outputs
    a = rng.integers(m, size=n)
    pairs = np.column_stack([a, (a + rng.integers(1, m, size=n)) % m])
    F, each = net(X), np.arange(n)
    values = F[each, pairs[:, 0]] - F[each, pairs[:, 1]]
    return Contrasts(X, pairs, values, np.full(n, EPS))


def _unit(net: Network) -> Network:
    """With rows (v, b) of length one, and outputs that sum to zero."""
    size = np.linalg.norm(np.column_stack([net.V, net.b]), axis=1)
    return centred(Network(net.V / size[:, None], net.U * size, net.b / size, net.c))


@pytest.mark.parametrize("biased", [True, False])
def test_the_jacobian_is_the_derivative(biased: bool) -> None:
    net, h = _unit(planted(1, m=3)), 1e-7
    if not biased:
        net = Network(net.V, net.U)
    contrasts, rng = _contrasts(net), np.random.default_rng(1)
    J = contrasts.jacobian(net, biased)
    step, E = np.asarray(rng.standard_normal(J.shape[1])), gauge_equations(net, biased)
    step = step - np.linalg.pinv(E) @ (E @ step)
    change = (contrasts.residuals(moved(net, h * step, biased)) - contrasts.residuals(net)) / h
    assert np.abs(change - J @ step).max() < 1e-5 * np.abs(change).max()


def test_a_fit_is_unique_up_to_the_gauge() -> None:
    net = _unit(planted(1, m=3))
    contrasts = _contrasts(net)
    factor = Factor.of_equations(
        contrasts.jacobian(net, True), np.zeros(len(contrasts)), gauge_equations(net, True)
    )
    assert factor is not None
    assert factor.regular
    step = 1e-4 * np.random.default_rng(0).standard_normal(len(factor.seen))
    found = contrasts.fitted(moved(net, step, True), True)
    assert np.abs(contrasts.residuals(found)).max() < 1e3 * EPS
    assert np.abs(found.U - net.U).max() < 1e3 * EPS * factor.errors().max()
    gauged = Factor.of_equations(
        contrasts.jacobian(net, True), np.zeros(len(contrasts)), gauge_equations(net, True)[1:]
    )
    assert gauged is None or not gauged.regular


def test_thinned_has_as_many_of_each_pair() -> None:
    contrasts = _contrasts(planted(1, m=3))
    few = contrasts.thinned(30)
    _, counts = np.unique(np.sort(few.pairs, axis=1), axis=0, return_counts=True)
    assert counts.tolist() == [10, 10, 10]


def test_probabilities_give_differences() -> None:
    net = planted(1, m=4)
    X = np.random.default_rng(0).standard_normal((300, 6))
    F = net(X)
    P = np.exp(F) / np.exp(F).sum(axis=1, keepdims=True)
    three = np.where(P.min(axis=1, keepdims=True) < P, P, 0.0)
    shown = ShownClasses.of_columns(three)
    contrasts = shown.contrasts(X, EPS)
    assert len(contrasts) > 2 * len(X)  # the one that is missing is known
    off = np.abs(contrasts.residuals(net))
    assert (off < 4 * contrasts.errors + 20 * EPS).all()
    assert not shown.refusal()
    wrong = ShownClasses.of_columns(np.where(P.max(axis=1, keepdims=True) > P, P, 0.0))
    assert wrong.refusal()
    renormalised = three / three.sum(axis=1, keepdims=True)
    assert ShownClasses.of_columns(renormalised).renormalised
    assert len(ShownClasses.of_columns(renormalised).contrasts(X, EPS)) == 2 * len(X)
