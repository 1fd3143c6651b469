"""Rational networks and exact samples on the command line, and wherever networks are taken."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.command_line import answer, refused, run

from unrelu import (
    Certificate,
    InputError,
    InputTypeError,
    Network,
    OracleError,
    Recovery,
    Status,
    assess,
    extract,
    load,
    match,
    recover,
    save,
    to_sklearn,
    verify,
    write_report,
)
from unrelu.formats.networks import read
from unrelu.formats.samples import read_samples, write_samples
from unrelu.numerics.rationals import Rationals, as_fractions, rounded
from unrelu.report.appraisal import appraise
from unrelu.report.text import json_text
from unrelu.report.words import verdict

EPS = float(np.finfo(np.float64).eps)


def rational_network(biased: bool = True) -> Network:
    """4 inputs, 3 units, 3 outputs; weights with denominators, no unit close to another."""
    V = as_fractions("V", [[3, -1, 0, 2], [1, 4, -2, 0], [-2, 1, 3, 1]]) / Fraction(7)
    U = as_fractions("U", [[5, 1, -1], [0, 3, 2], [2, -2, 4]]) / Fraction(3)
    b, c = as_fractions("b", [1, 0, -1]) / Fraction(5), as_fractions("c", [0, 2, 1])
    return Network(V, U, b, c) if biased else Network(V, U)


@dataclass(frozen=True, eq=False)
class Exact:
    truth: Network
    X: Rationals
    Y: Rationals
    found: Recovery


@pytest.fixture(scope="module")
def exact() -> Exact:
    truth = rational_network()
    X = as_fractions("X", np.random.default_rng(0).integers(-(2**20), 2**20, (150, 4)))
    X = X / Fraction(2**20)
    return Exact(truth, X, truth(X), recover(X, truth(X), exact=True, rng=0))


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    save(rational_network(), tmp_path / "t.npz")
    return tmp_path / "t.npz"


def equal(one: Network, other: Network) -> bool:
    """The same function, over ℚ."""
    one, other = one.canonical(), other.canonical()
    return all(
        getattr(one, name).shape == getattr(other, name).shape
        and bool((getattr(one, name) == getattr(other, name)).all())
        for name in ("V", "U", "b", "c")
    )


def test_equal_sees_what_floats_do_not() -> None:
    net = rational_network()
    assert equal(net, Network(Fraction(3) * net.V, net.U / Fraction(3), 3 * net.b, net.c))
    assert not equal(net, Network(net.V, net.U, net.b, net.c + Fraction(1, 10**40)))


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_sample_recover_verify_match(tmp_path: Path, truth: Path, suffix: str) -> None:
    samples, net = tmp_path / f"s.{suffix}", tmp_path / "net.npz"
    reported = run("sample", truth, "-o", samples, "--exact", "-n", 150, "--seed", 0)
    assert reported.exit_code == 0, reported.output
    assert reported.output.splitlines()[:2] == ["samples  150", "inputs   4, multiples of 2^-20"]
    X, Y = read_samples(samples, exact=True)
    assert (rational_network()(X) == Y).all()

    result = run("recover", samples, "-o", net, "--exact", "--seed", 0)
    assert result.exit_code == 0, result.output
    assert "proved" in result.stdout
    assert "seconds rational" in result.stdout  # the time spent in exact arithmetic
    assert read(net).provenance is None
    assert equal(load(net), rational_network())

    result = run("verify", net, samples, "--exact")
    assert result.exit_code == 0, result.output
    assert "proved" in result.stdout
    assert answer("match", net, truth)["max_error"] <= 8 * EPS


def test_json_of_exact_results(tmp_path: Path, truth: Path) -> None:
    samples, net = tmp_path / "s.npz", tmp_path / "net.npz"
    values = answer("sample", truth, "-o", samples, "--exact", "-n", 150, "--seed", 0)
    assert values["exact"] is True
    assert values["step"] == f"1/{2**20}"
    for words in (
        ("recover", samples, "-o", net, "--exact", "--seed", 0),
        ("verify", net, samples, "--exact"),
    ):
        values = answer(*words)
        assert values["status"] == "proved"
        assert values["network"]["rational"] is True
        assert values["certificate"]["proof"]["broken"] == []
    assert values["certificate"]["proof"]["n_samples"] == 150


def test_json_text_of_fractions_and_long_integers() -> None:
    values = {"w": np.array([[Fraction(1, 3), Fraction(2)]]), "p": 7**5000, "n": 3, "b": True}
    given = json.loads(json_text(values))
    assert given["w"] == [["1/3", "2"]]
    assert len(given["p"]) > 4000
    assert given["n"] == 3
    assert given["b"] is True


@pytest.mark.parametrize(("scale", "k"), [(1.0, 20), (0.75, 21), (1000.0, 11), (1e-300, 1017)])
def test_exact_inputs_lie_on_the_grid_that_is_reported(
    tmp_path: Path, truth: Path, scale: float, k: int
) -> None:
    samples, drawn = tmp_path / "s.npz", tmp_path / "drawn.npz"
    options = ("-n", 500, "--seed", 1, "--scale", scale)
    values = answer("sample", truth, "-o", samples, "--exact", *options)
    step = Fraction(values["step"])
    assert step == Fraction(1, 2**k)
    assert step * 2**20 <= scale < step * 2**21
    X, Y = read_samples(samples, exact=True)
    assert all((x / step).denominator == 1 for x in X.ravel())
    assert (rational_network()(X) == Y).all()
    # The same draws as without --exact, rounded.
    answer("sample", truth, "-o", drawn, *options)
    off = as_fractions("X", read_samples(drawn)[0]) - X
    assert max(abs(x) for x in off.ravel()) <= step / 2 * (1 + Fraction(1, 2**20))


def test_a_float_network_is_taken_at_its_word(tmp_path: Path) -> None:
    net = Network([[0.1, 1.0]], [[1 / 3]])
    save(net, tmp_path / "t.npz")
    answer("sample", tmp_path / "t.npz", "-o", tmp_path / "s.npz", "--exact", "-n", 20)
    X, Y = read_samples(tmp_path / "s.npz", exact=True)
    heights = X[:, 0] * Fraction(0.1) + X[:, 1]
    assert (Y[:, 0] == Fraction(1 / 3) * heights * (heights > 0)).all()
    assert not (Y[:, 0] == Fraction(1, 3) * heights * (heights > 0)).all()


def test_a_wrong_label_is_named(tmp_path: Path, exact: Exact) -> None:
    Y = exact.Y.copy()
    Y[7, 1] += Fraction(1, 10**30)
    samples, net, page = tmp_path / "s.csv", tmp_path / "net.npz", tmp_path / "p.html"
    write_samples(samples, exact.X, Y)
    result = run("recover", samples, "-o", net, "--exact", "--seed", 0, "--report", page)
    assert result.exit_code == 1, result.output
    assert "sample 7" in result.stdout
    provenance = read(net).provenance
    assert provenance is not None
    assert "sample 7" in provenance.reason
    assert "1 sample contradicts it" in page.read_text(encoding="utf-8")
    assert "sample 7" in run("verify", net, samples, "--exact").stdout
    save(exact.truth, net)
    assert answer("verify", net, samples, "--exact", code=1)["certificate"]["proof"]["broken"] == [
        7
    ]


def test_other_forms_round_and_say_so(tmp_path: Path, truth: Path) -> None:
    samples, net = tmp_path / "s.npz", tmp_path / "net.pt"
    answer("sample", truth, "-o", samples, "--exact", "-n", 150, "--seed", 0)
    result = run("recover", samples, "-o", net, "--exact", "--seed", 0)
    assert result.exit_code == 0, result.output
    assert "net.pt: weights rounded to float64; a .npz keeps them exactly" in result.stderr
    assert not load(net).rational
    # Rounded weights explain no exact labels, and are not said to.
    assert answer("verify", net, samples, "--exact", code=1)["status"] == "failed"


def test_wrong_use(tmp_path: Path, truth: Path) -> None:
    out = tmp_path / "s.npz"
    assert "--noise: got 0.1 with --exact" in refused(
        "sample", truth, "-o", out, "--exact", "--noise", 0.1
    )
    assert ".parquet keeps no fractions" in refused(
        "sample", truth, "-o", tmp_path / "s.parquet", "--exact"
    )
    assert not out.exists()
    answer("sample", truth, "-o", out, "--exact", "-n", 50)
    net = tmp_path / "net.npz"
    for command in (("recover", out, "-o", net), ("verify", truth, out)):
        assert "--exact, reads fractions" in refused(*command)
    assert "noise: got 'gaussian' with exact=True" in refused(
        "recover", out, "-o", net, "--exact", "--noise", "gaussian"
    )
    assert not net.exists()


def test_commands_take_rational_networks(tmp_path: Path, truth: Path, exact: Exact) -> None:
    floats, page = tmp_path / "f.npz", tmp_path / "p.html"
    answer("sample", truth, "-o", floats, "-n", 200, "--seed", 1)
    X, Y = read_samples(floats)
    assert X.dtype == Y.dtype == np.float64
    assert answer("verify", truth, floats)["status"] == "exact"
    assert answer("report", truth, floats, "-o", page)["status"] == "exact"
    assert answer("extract", truth, "-o", tmp_path / "e.npz", "--seed", 0)["status"] == "exact"
    write_samples(tmp_path / "s.csv", exact.X, exact.Y)
    assert answer("report", truth, tmp_path / "s.csv", "--exact", "-o", page)["status"] == "proved"
    assert "<title>" in page.read_text(encoding="utf-8")


def test_a_proof_in_words(exact: Exact) -> None:
    for given in (
        appraise(exact.found, exact.X, exact.Y),
        appraise(exact.found, rounded(exact.X), rounded(exact.Y)),
        appraise(exact.truth, exact.X, exact.Y),
    ):
        assert given.status == Status.PROVED
        assert not given.network.rational
        assert np.abs(np.linalg.norm(given.network.V, axis=1) - 1).max() < 8 * EPS
        words = verdict(given)
        assert words.title == "Proved"
        assert [remark.code for remark in words.certain[:3]] == ["recomputed", "unique", "rational"]
    plain = appraise(exact.truth, rounded(exact.X), rounded(exact.Y))
    assert plain.status == Status.EXACT
    assert verdict(plain).title == "Exact"


def test_a_report_of_a_recovery_returns_its_own_certificate(tmp_path: Path, exact: Exact) -> None:
    certificate = write_report(exact.found, exact.X, exact.Y, tmp_path / "p.html")
    assert certificate is exact.found.certificate
    assert certificate.network.rational


def test_results_over_the_rationals_show_and_travel(exact: Exact) -> None:
    assert exact.found.status == Status.PROVED
    assert equal(exact.found.certificate.network, exact.truth)
    assert "rational" in str(exact.found)
    assert "<" in exact.found._repr_html_()
    again = pickle.loads(pickle.dumps(exact.found))
    assert equal(again.network, exact.truth)
    json.loads(json_text(exact.found.certificate.to_dict()))


def test_where_floats_are_needed_weights_are_rounded(exact: Exact) -> None:
    net, X = exact.truth, rounded(exact.X)
    assert net.preactivations(X).dtype == np.float64
    heights = net.preactivations(exact.X)
    # Four products and sums of numbers below one.
    assert np.abs(net.preactivations(X) - rounded(heights)).max() <= 8 * EPS
    assert verify(net, X, net(X)).status == Status.EXACT
    assert match(net, net.rounded()).max_error <= 8 * EPS
    assert np.array_equal(to_sklearn(net).predict(X), to_sklearn(net.rounded()).predict(X))
    assert extract(net, 4, rng=0).status == Status.EXACT
    rng = np.random.default_rng(1)
    Y = net(X) + 0.1 * rng.standard_normal((len(X), 3))
    errors, plain = (assess(each, X, Y, biased=True) for each in (net, net.rounded()))
    assert np.array_equal(errors.stderr.V, plain.stderr.V)


def test_what_takes_floats_alone_says_so(exact: Exact) -> None:
    refusing: list[tuple[Callable[[], object], type[Exception], str]] = [
        (lambda: verify(exact.truth, exact.X, exact.Y), InputTypeError, "with exact=True"),
        (lambda: recover(exact.X, exact.Y), InputTypeError, "with exact=True"),
        (
            lambda: assess(exact.truth, exact.X, exact.Y, biased=True),
            InputTypeError,
            "X: got data of type object",
        ),
        (
            lambda: extract(lambda X: exact.truth(as_fractions("X", X)), 4, rng=0),
            OracleError,
            "answers: got data of type object",
        ),
        (lambda: match(wide(), wide()), InputError, "V: got values that are not finite"),
        (lambda: to_sklearn(wide()), InputError, "V: got values that are not finite"),
    ]
    for call, error, words in refusing:
        with pytest.raises(error, match=words):
            call()


def wide() -> Network:
    return Network(np.array([[10**400, 1]]), [[1]])


def test_labels_that_agree_prove_no_weights_that_they_do_not_show(exact: Exact) -> None:
    """Unit 0 is active on d samples alone, one too few for its d + 1 weights."""
    net = exact.truth
    active = np.flatnonzero(exact.X @ net.V[0] + net.b[0] > 0)
    kept = np.setdiff1d(np.arange(len(exact.X)), active[4:])
    X = exact.X[kept]
    certificate = verify(net, X, net(X), exact=True)
    assert certificate.proof is not None
    assert certificate.proof.holds
    assert certificate.status == Status.UNDETERMINED
    seen = [(X @ unit + b > 0).sum() for unit, b in zip(*hidden(certificate), strict=True)]
    assert certificate.weak_units.tolist() == [int(np.argmin(seen))]
    given = appraise(net, X, net(X))
    assert given.status == Status.UNDETERMINED
    assert verdict(given).title == "Undetermined"


def hidden(certificate: Certificate) -> tuple[Rationals, Rationals]:
    return certificate.network.V, certificate.network.b


def test_units_of_equal_size_are_not_mistaken_for_each_other() -> None:
    """Canonical form sorts them by rows that begin with 1, in floating point by unit rows."""
    net = Network(np.array([[1, 2], [2, 1]], dtype=object), np.eye(2, dtype=int))
    X = np.random.default_rng(0).integers(-50, 50, (200, 2))
    side = X @ [1, 2]
    X = X[(side < 0) | (np.arange(200) == np.argmax(side > 0))]  # unit (1, 2) is active once
    certificate = verify(net, X, net(X), exact=True)
    assert certificate.status == Status.UNDETERMINED
    (weak,) = certificate.weak_units
    assert (X @ certificate.network.V[weak] > 0).sum() == 1
