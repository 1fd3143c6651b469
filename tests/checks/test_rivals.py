"""Networks with other sides that explain the same samples: they are found, or counted as likely."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from unrelu import Network, Status, recover, verify
from unrelu.checks.rivals import rival
from unrelu.numerics.rationals import Rationals, as_fractions
from unrelu.samples import Samples


def network(V: ArrayLike, U: ArrayLike, b: ArrayLike = 0, c: ArrayLike = 0) -> Network:
    exact_V, exact_U = as_fractions("V", V), as_fractions("U", U)
    biases = np.zeros(len(exact_V), dtype=int), np.zeros(len(exact_U), dtype=int)
    return Network(
        exact_V, exact_U, as_fractions("b", biases[0]) + b, as_fractions("c", biases[1]) + c
    )


def split(rng: np.random.Generator, n: int = 150) -> tuple[Rationals, Network, Network]:
    """Two units that share the samples between them, and a third that can turn round: the others
    take up f(z) − f(−z) = z."""
    X = rng.integers(-6, 7, (n, 3))
    X[:, 0] = rng.choice([-1, 1], n) * rng.integers(20, 40, n)
    V = np.array([[30, 5, -7], [-35, 11, 3], [0, 3, 1]])
    turned = np.array([V[0] + V[2], V[1] + V[2], -V[2]])
    U = np.ones((1, 3), dtype=int)
    return as_fractions("X", X), network(V, U), network(turned, U)


def test_a_linear_part_that_two_units_share() -> None:
    X, one, other = split(np.random.default_rng(0))
    assert (one(X) == other(X)).all()
    for net in (one, other):
        for x in (X, X.astype(float)):
            model = net if x is X else net.rounded()
            judged = verify(model, x, model(x), exact=x is X)
            assert (judged.status, judged.code) == (Status.UNDETERMINED, "rival")


def test_no_rival_where_samples_tell() -> None:
    """The same, but for a sample between the two units."""
    X, one, other = split(np.random.default_rng(0))
    between = as_fractions("X", [[0, 6, 1], [0, -5, 4], [1, 7, -2], [1, -3, -5]])
    X = np.vstack([X, between])
    assert (one(X) != other(X)).any()
    assert verify(one, X, one(X), exact=True).status == Status.PROVED
    net = one.rounded().canonical()
    samples = Samples.of(X.astype(float), net(X.astype(float)))
    assert rival(net, samples, False) is None


@pytest.mark.parametrize("size", [1, 10**10])
def test_one_sample_between_two_kinks(size: int) -> None:
    """Both units off there, or both on, with another constant."""
    x = np.array([-12, -9, -7, -5, -3, 0, 3, 4, 6, 9, 13])[:, None] * size
    x = as_fractions("X", np.vstack([x, [[-4], [5]]]))
    u = as_fractions("U", [[1210062843921, 373264962590]])
    one = network([[-1], [3]], u, [-1, -2], [-3])
    w = [-u[0, 0], 3 * u[0, 1]]
    assert w[0] < 0 < w[1]
    other = network(
        [[w[0]], [w[1]]], [[1, 1]], [2 * u[0, 1], u[0, 0]], [-3 - u[0, 0] - 2 * u[0, 1]]
    )
    assert (one(x) == other(x)).all()
    assert verify(one, x, one(x), exact=True).status == Status.UNDETERMINED
    result = recover(x, one(x), exact=True, rng=0, throw=False)
    assert not result.status.certain


def test_coarse_inputs_coincide_whatever_the_labels() -> None:
    """Two networks of generic output weights on eight inputs in pairs x, −x."""
    X = [[-2, 3, -1], [-2, 3, 3], [-1, 2, 1], [0, 0, -3], [0, 0, 3], [1, -2, -1], [2, -3, -3]]
    exact = as_fractions("X", [*X, [2, -3, 1]])
    one = network([[1, 3, 3], [-1, -3, -3]], [[956841361226, 365931715697]])
    assert verify(one, exact, one(exact), exact=True).status == Status.UNDETERMINED


def test_two_sets_of_samples_that_change_sides_together() -> None:
    """Both units are on for five samples, which tell their sum; one alone for two, the other for
    one. The other network has unit 1 alone on the five, and both on the two."""
    none = [[-49, 72, -8], [-48, 71, -8], [-47, 72, -9]]
    both = [[-1, -25, -1], [-1, -23, 0], [0, -24, -1], [0, -23, -1], [0, -23, 0]]
    one, other = [[70, -90, -490], [7, -7, -47]], [[25, 7, 72]]
    X = np.array([*none, *both, *one, *other])
    U = np.array([[969972056395, 126233436006]])
    net = network([[-3, -3, -6], [0, -21, 14]], U)
    for x in (as_fractions("X", X), X * 10 ** np.arange(11)[:, None]):
        judged = verify(net, x, net(as_fractions("X", x)), exact=True)
        assert judged.status == Status.UNDETERMINED
