"""recover(exact=True) and verify(exact=True): no error at all, or which samples break the proof."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrelu import (
    InputError,
    InputTypeError,
    Network,
    RecoveryError,
    Status,
    recover,
    solutions,
    verify,
)
from unrelu.checks.proof import prove
from unrelu.complete.lifting import lift
from unrelu.numerics.rationals import Rationals, as_fractions, rounded
from unrelu.numerics.simplest import simplest
from unrelu.samples import ExactSamples


def whole(rng: np.random.Generator, size: int, *shape: int) -> Rationals:
    return as_fractions("whole", rng.integers(-size, size + 1, shape))


def whole_network(
    rng: np.random.Generator, d: int, k: int, m: int, size: int, *, bias: bool = False
) -> Network:
    """Whole weights up to `size`, biases of the size of v·x for x up to `size`."""
    V, U = whole(rng, size, k, d), whole(rng, size, m, k)
    if not bias:
        return Network(V, U)
    return Network(V, U, whole(rng, size**2, k), whole(rng, size**2, m))


def rows(net: Network) -> set[tuple[Fraction, ...]]:
    form = net.canonical()
    return {(*v, b, *u) for v, b, u in zip(form.V, form.b, form.U.T, strict=True)}


def same(net: Network, truth: Network) -> bool:
    """Not to rounding: over the rationals."""
    c, true_c = net.canonical().c, truth.canonical().c
    return net.rational and rows(net) == rows(truth) and c.tolist() == true_c.tolist()


def test_the_comparison_sees_one_part_in_a_thousand_digits() -> None:
    truth = whole_network(np.random.default_rng(0), 3, 2, 2, 9)
    U = truth.U.copy()
    U[0, 0] += Fraction(1, 10**1000)
    assert same(truth, Network(truth.V * Fraction(7), truth.U / Fraction(7)))
    assert not same(truth, Network(truth.V, U))
    assert not same(truth.rounded(), truth)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("d", "k", "m", "n"),
    [pytest.param(20, 5, 5, 300, marks=pytest.mark.study), (6, 4, 1, 400), (3, 4, 2, 300)],
)
def test_the_true_weights_without_any_error(d: int, k: int, m: int, n: int, bias: bool) -> None:
    rng = np.random.default_rng(d)
    truth = whole_network(rng, d, k, m, 2**20, bias=bias)
    X = whole(rng, 2**20, n, d)
    result = recover(X, truth(X), bias=bias, exact=True, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert same(result.network, truth)
    proof = result.certificate.proof
    assert proof is not None
    assert proof.holds
    assert proof.pinned
    assert proof.n_samples == n
    assert float(result.stats["seconds_rational"]) > 0
    again = result.certificate.recheck(X, truth(X))
    assert again.status == Status.PROVED
    assert str(again).startswith("status")
    assert "over the rationals" in str(result)
    assert result.certificate.to_dict()["proof"] is not None


@pytest.mark.parametrize("kind", ["dyadic", "denominators", "hundreds of digits"])
def test_all_kinds_of_rationals(kind: str) -> None:
    rng = np.random.default_rng(3)
    d, k, m, n = 4, 3, 3, 120
    X: Rationals = as_fractions("X", rng.standard_normal((n, d)))
    V: Rationals = as_fractions("V", rng.standard_normal((k, d)))
    if kind == "denominators":
        X = whole(rng, 99, n, d) / (whole(rng, 49, n, d) + Fraction(50))
        V = whole(rng, 99, k, d) / (whole(rng, 49, k, d) + Fraction(50))
    elif kind == "hundreds of digits":
        V = (whole(rng, 2**31, k, d) * Fraction(3) ** 400 + Fraction(1)) / Fraction(7) ** 250
        V = V / np.abs(V).max()
    truth = Network(V, whole(rng, 9, m, k))
    result = recover(X, truth(X), bias=False, exact=True, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert same(result.network, truth)


def test_samples_on_a_kink_are_no_obstacle() -> None:
    rng = np.random.default_rng(4)
    truth = whole_network(rng, 3, 2, 3, 3, bias=True)
    X = whole(rng, 6, 400, 3)
    result = recover(X, truth(X), exact=True, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert same(result.network, truth)
    assert result.certificate.proof is not None
    Z = X @ truth.V.T + truth.b
    assert result.certificate.proof.on_kink == (Z == 0).any(axis=1).sum() > 0


@pytest.mark.parametrize(
    "off",
    [
        Fraction(1, 10**40),
        Fraction(1, 1000),
        pytest.param(Fraction(10**7), marks=pytest.mark.study),
    ],
)
def test_samples_that_break_the_proof_are_named(off: Fraction) -> None:
    rng = np.random.default_rng(5)
    truth = whole_network(rng, 4, 2, 4, 99)
    X = whole(rng, 99, 150, 4)
    Y = truth(X)
    Y[17, 2] += off
    Y[93, 0] -= off
    result = recover(X, Y, bias=False, exact=True, rng=0, throw=False)
    if off > 1000:  # gross errors may be explained by units that only these samples see
        assert result.status in (Status.FAILED, Status.UNDETERMINED)
        return
    assert result.status == Status.FAILED
    assert result.certificate.proof is not None
    assert result.certificate.proof.broken.tolist() == [17, 93]
    assert result.certificate.code == "proof-broken"
    assert result.network is not None
    assert same(result.network, truth)
    with pytest.raises(RecoveryError, match="break the proof"):
        recover(X, Y, bias=False, exact=True, rng=0)
    judged = verify(truth, X, Y, exact=True)
    assert judged.status == Status.FAILED
    assert judged.proof is not None
    assert judged.proof.broken.tolist() == [17, 93]
    assert verify(truth, X, truth(X), exact=True).status == Status.PROVED


def test_rounded_labels_are_never_proved() -> None:
    rng = np.random.default_rng(6)
    truth = whole_network(rng, 5, 3, 3, 2**20)
    X = whole(rng, 2**20, 200, 5)
    Y = rounded(truth(X))
    assert recover(rounded(X), Y, bias=False, rng=0).status == Status.EXACT
    result = recover(X, Y, bias=False, exact=True, rng=0, throw=False)
    assert result.status == Status.FAILED
    assert result.code == "not-over-the-rationals"


def test_one_bit_of_one_weight_is_no_proof() -> None:
    rng = np.random.default_rng(7)
    truth = whole_network(rng, 4, 2, 2, 9)
    X = whole(rng, 9, 150, 4)
    U = truth.U.copy()
    U[0, 0] += Fraction(1, 2**500)
    judged = verify(Network(truth.V, U), X, truth(X), exact=True)
    assert judged.status == Status.FAILED
    assert judged.proof is not None
    assert not judged.proof.holds


def test_what_the_samples_do_not_pin_down_is_not_proved() -> None:
    rng = np.random.default_rng(8)
    truth = whole_network(rng, 5, 2, 2, 9)
    X = whole(rng, 9, 200, 5)
    few = np.flatnonzero((X @ truth.V[0] > 0).astype(bool))[:3]
    X = np.vstack([X[(X @ truth.V[0] <= 0).astype(bool)], X[few]])
    assert not prove(truth, ExactSamples.of(X, truth(X)), bias=False).pinned
    assert verify(truth, X, truth(X), exact=True).status == Status.UNDETERMINED
    result = recover(X, truth(X), bias=False, exact=True, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED


@pytest.mark.parametrize("m", [1, 3])
def test_rank_over_the_rationals_is_that_of_the_jacobian(m: int) -> None:
    """With fewer outputs than units the whole Jacobian is looked at, else a part for each unit."""
    rng = np.random.default_rng(9)
    truth = whole_network(rng, 3, 3, m, 50, bias=True)
    X = whole(rng, 50, 200, 3)
    assert prove(truth, ExactSamples.of(X, truth(X)), bias=True).pinned
    # Units 0 and 1 on one line and nothing else to tell them apart: output weights may move.
    twice = Network(truth.V[[0, 0, 2]], truth.U, truth.b[[0, 0, 2]], truth.c)
    assert not prove(twice, ExactSamples.of(X, twice(X)), bias=True).pinned


def test_lifting_says_why_it_does_not() -> None:
    rng = np.random.default_rng(10)
    truth = whole_network(rng, 3, 2, 2, 9)
    X = whole(rng, 9, 100, 3)
    samples = ExactSamples.of(X, truth(X))
    found = lift(truth.rounded(), samples, False, rng)
    assert found.network is not None
    assert same(found.network, truth)
    noisy = ExactSamples.of(X, truth(X) + as_fractions("E", rng.standard_normal((100, 2)) * 1e-14))
    assert lift(truth.rounded(), noisy, False, rng).contradicted
    assert lift(truth.rounded(), samples.take(np.arange(4)), False, rng).network is None


def test_options() -> None:
    rng = np.random.default_rng(11)
    X, Y = rng.integers(-9, 9, (60, 2)), rng.integers(-9, 9, (60, 1))
    with pytest.raises(InputError, match="exact=True"):
        recover(X, Y, exact=True, noise="gaussian")
    with pytest.raises(InputTypeError, match="exact: got"):
        recover(X, Y, exact="yes")  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="Y: got"):
        recover(X, Y.astype(str), exact=True)


@given(
    p=st.integers(-(10**9), 10**9),
    q=st.integers(1, 10**9),
    width=st.fractions(0, Fraction(1, 10**6)),
)
def test_the_simplest_fraction(p: int, q: int, width: Fraction) -> None:
    value = Fraction(p, q)
    found = simplest(value - width, value + width)
    assert abs(found - value) <= width
    assert found.denominator <= q
    if 2 * q * q * width < 1:  # Legendre: none as simple within half of that
        assert simplest(value - width / 2, value + width / 2) == value or found.denominator < q
    for denominator in range(1, min(found.denominator, 50)):
        least = -((-(value - width) * denominator) // 1)
        assert least > (value + width) * denominator


@pytest.mark.parametrize("exact", [False, True])
def test_the_corners_of_a_cube_have_more_than_one_network(exact: bool) -> None:
    """Signs of the inputs make sides of units agree that chance would not."""
    X = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    V = np.round(2**40 * np.random.default_rng(9).standard_normal((3, 3))) / 2**40
    truth = Network(as_fractions("V", V), as_fractions("U", np.eye(3)))
    Y = truth(as_fractions("X", X))
    result = recover(X, Y if exact else rounded(Y), bias=False, exact=exact, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert result.code == ("several-networks" if exact else "not-pinned")


@pytest.mark.parametrize("method", ["auto", "facets", "enumeration"])
def test_the_only_network_and_none_at_all(method: str) -> None:
    rng = np.random.default_rng(12)
    truth = whole_network(rng, 3, 3, 3, 9)
    X = whole(rng, 9, 30, 3)
    Y = truth(X)
    result = recover(X, Y, 3, bias=False, exact=True, method=method, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert same(result.network, truth)
    assert result.code == "unique"

    assert result.stats["method"] in (method, "row-space")

    Y[3] = Y[3] * Fraction(3, 2) + Fraction(1, 100)  # of the same rank
    result = recover(X, Y, 3, bias=False, exact=True, method=method, rng=0, throw=False)
    assert result.status == Status.FAILED
    assert result.code == ("none-found" if method == "enumeration" else "none-exists")
    assert result.stats["method"] == ("facets" if method == "auto" else method)
    assert result.certificate.recheck(X, Y).status == Status.FAILED
    refutation = result.certificate.refutation
    assert (refutation is None) == (method == "enumeration")
    if refutation is not None:
        assert refutation.recheck(X, Y)
        assert not refutation.recheck(X, truth(X))
        assert result.certificate.to_dict()["refutation"] == refutation.to_dict()


def test_two_networks_are_no_proof_of_either() -> None:
    """Whatever the corners of a square say, two units say it in two ways."""
    X = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    truth = Network(as_fractions("V", [[1, 1], [1, -1]]), as_fractions("U", np.eye(2)))
    for method in ("auto", "facets", "enumeration"):
        result = recover(X, truth(X), 2, bias=False, exact=True, method=method, rng=0, throw=False)
        assert result.status in (Status.UNDETERMINED, Status.PROVED)
        several = solutions(X, truth(X), 2, count=True).count
        assert (result.status == Status.PROVED) <= (several == 1)


@pytest.mark.parametrize("method", ["auto", "facets", "enumeration"])
@pytest.mark.parametrize("bias", [False, True])
def test_constant_labels(method: str, bias: bool) -> None:
    X, Y = whole(np.random.default_rng(0), 9, 30, 2), as_fractions("Y", np.full((30, 1), 3 * bias))
    result = recover(X, Y, bias=bias, exact=True, method=method, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert result.network.n_units == 0
    assert result.network.c.tolist() == [3 * bias]
    Y[4] += Fraction(1, 10**30)  # to rounding they are constant still
    result = recover(X, Y, bias=bias, exact=True, method=method, rng=0, throw=False)
    assert result.status != Status.PROVED


@pytest.mark.parametrize("method", ["auto", "facets", "mixed-integer"])
def test_fewer_units_than_asked_for_are_not_proved(method: str) -> None:
    if method == "mixed-integer":
        pytest.importorskip("pyscipopt")
    X = whole(np.random.default_rng(0), 9, 40, 2)
    Y = Network(as_fractions("V", [[1, -1]]), as_fractions("U", [[2]]))(X)
    assert recover(X, Y, 1, bias=False, exact=True, rng=0).status == Status.PROVED
    result = recover(X, Y, 2, bias=False, exact=True, method=method, rng=0, throw=False)
    assert result.status == Status.UNDETERMINED
    assert result.code == "fewer-units"


@pytest.mark.parametrize("n_units", [None, 1])
def test_few_samples_whose_only_network_a_search_shows(n_units: int | None) -> None:
    """Too few equations for what `exact` rests on."""
    X = whole(np.random.default_rng(0), 5, 20, 2)
    truth = Network(as_fractions("V", [[1, -1]]), as_fractions("U", [[1]]))
    rounded_ = recover(rounded(X), rounded(truth(X)), n_units, bias=False, rng=0, throw=False)
    assert rounded_.status == Status.UNDETERMINED
    result = recover(X, truth(X), n_units, bias=False, exact=True, rng=0)
    assert result.status == Status.PROVED
    assert result.network is not None
    assert same(result.network, truth)
    assert result.code == "unique"


@pytest.mark.parametrize(("n", "bias"), [(300, True), (3000, True), (300, False)])
@pytest.mark.study
def test_one_wrong_label_is_named_and_is_no_unit(n: int, bias: bool) -> None:
    """A unit that is active on one sample would explain whatever its label says."""
    rng = np.random.default_rng(13)
    truth = whole_network(rng, 8, 4, 4, 99, bias=bias)
    X = whole(rng, 99, n, 8)
    Y = truth(X)
    Y[3, 0] += 1
    result = recover(X, Y, bias=bias, exact=True, rng=0, throw=False)
    assert not result.status.certain
    assert "sample 3" in result.explanation


def test_hardly_any_samples_end_in_words() -> None:
    """Half of them determine no unit, and are not searched."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.integers(-3, 4, (5, 2))
        Y = np.maximum(X @ rng.integers(-2, 3, (2, 2)), 0) @ rng.integers(-2, 3, (2, 2))
        try:
            result = recover(X, Y, 2, exact=True, rng=0, throw=False)
        except InputError:  # dependent inputs, by chance
            continue
        if result.status == Status.PROVED:
            assert result.network is not None
            assert (result.network(as_fractions("X", X)) == Y).all()
