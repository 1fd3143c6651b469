"""Formulas as samples: two units explain them if and only if the formula is satisfiable."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pysat.solvers import Minisat22
from support.command_line import run
from support.two_unit_search import FREE, GIVEN, explaining

from unrelu import InputError, InputTypeError, Network, load, save
from unrelu.formats.samples import read_samples
from unrelu.hardness import (
    Formula,
    Instance,
    decode,
    encode,
    fitting_network,
    not_all_equal,
    parse_dimacs,
    split,
    to_dimacs,
)
from unrelu.numerics.rationals import as_fractions

Array = NDArray[np.float64]


def solved(formula: Formula) -> tuple[bool, ...] | None:
    """An assignment that satisfies the formula, by a SAT solver; None if there is none."""
    if () in formula.clauses:  # which the solver does not take
        return None
    with Minisat22(bootstrap_with=[list(clause) for clause in formula.clauses]) as solver:
        if not solver.solve():
            return None
        true = {literal for literal in solver.get_model() if literal > 0}
    return tuple(i in true for i in range(1, formula.n_variables + 1))


def network_for(instance: Instance) -> Array | None:
    """Hidden weights that explain the samples, found or excluded without the reduction."""
    return explaining(instance.X, instance.Y, FREE if instance.free else GIVEN)


def explains_exactly(network: Network, instance: Instance) -> bool:
    """In fractions, from the floats that the network holds."""
    V = np.array([[Fraction(value) for value in row] for row in network.V], object)
    u = np.array([Fraction(value) for value in network.U[0]], object)
    labels = np.maximum(instance.X.astype(object) @ V.T, 0) @ u
    return bool((labels == instance.Y[:, 0].astype(object)).all())


def drawn(rng: np.random.Generator, n: int, clauses: int, longest: int) -> Formula:
    """Clauses of 1 to `longest` literals, of three in the middle; repeated literals, and pairs of
    opposite ones, may occur."""
    lengths = np.clip(rng.normal(2.5, longest / 4, clauses), 1, longest).astype(int)
    chosen = (rng.integers(1, n + 1, length) * rng.choice([-1, 1], length) for length in lengths)
    return Formula(n, [tuple(clause.tolist()) for clause in chosen])


def check_both_ways(formula: Formula, free: bool) -> bool:
    """Whether it is satisfiable; the solver and the search for a network agree on that, and each
    one's answer is turned into the other's."""
    instance = encode(formula, free)
    assignment, V = solved(formula), network_for(instance)
    assert (assignment is None) == (V is None), to_dimacs(formula)
    if assignment is None or V is None:
        return False
    assert formula.satisfied_by(decode(V, instance))
    network = fitting_network(assignment, instance)
    assert explains_exactly(network, instance)
    assert decode(network, instance) == assignment
    return True


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("n", [0, 1, pytest.param(2, marks=pytest.mark.study)])
def test_all_formulas_of_a_tiny_size(n: int, free: bool) -> None:
    """Every set of clauses; those that hold a literal and its negation, and the empty clause, up
    to one variable only."""
    literals = [*range(1, n + 1), *range(-n, 0)]
    clauses = list(chain(*(combinations(literals, size) for size in range(2 * n + 1))))
    if n == 2:
        clauses = [clause for clause in clauses if len({*map(abs, clause)}) == len(clause) > 0]
    sets = chain(*(combinations(clauses, size) for size in range(len(clauses) + 1)))
    satisfiable = [check_both_ways(Formula(n, chosen), free) for chosen in sets]
    assert len(satisfiable) == 2 ** len(clauses)
    assert 0 < sum(satisfiable) < len(satisfiable)


@pytest.mark.parametrize("free", [False, True])
def test_random_formulas_near_the_threshold(free: bool) -> None:
    rng = np.random.default_rng(5 + free)
    satisfiable = []
    for _ in range(80):
        n = int(rng.integers(2, 5))
        formula = drawn(rng, n, int(rng.integers(n, 3 * n + 1)), 5)
        satisfiable.append(check_both_ways(formula, free))
    assert 25 < sum(satisfiable) < 55


@pytest.mark.parametrize("last", [-6, 6])
def test_a_clause_that_is_split(last: int) -> None:
    """One of six literals, five of them false: the formula hangs on the last."""
    formula = Formula(6, [(1, 2, 3, 4, 5, 6), *((-i,) for i in range(1, 6)), (last,)])
    assert max(map(len, split(formula).clauses)) == 5
    assert check_both_ways(formula, free=False) == (last > 0)


def test_larger_formulas_of_which_the_solver_knows() -> None:
    """Assignment → network → assignment, as the network comes out of `recover` or of a file."""
    rng = np.random.default_rng(11)
    satisfiable = 0
    for number in range(120):
        n = int(rng.integers(1, 31))
        formula = drawn(rng, n, int(rng.integers(0, 3 * n + 1)), 9)
        instance, assignment = encode(formula, free=number % 2 == 0), solved(formula)
        equal = encode_is_not_all_equal(formula)
        assert (assignment is None) == (not equal)
        if assignment is None:
            continue
        satisfiable += 1
        network = fitting_network(assignment, instance)
        assert explains_exactly(network, instance)
        a, b = rng.uniform(0.1, 10.0, 2)
        turned = Network(network.V[::-1] / [[a], [b]], [[a, b]])
        for form in (network, network.V, network.canonical(), turned, turned.canonical()):
            assert decode(form, instance) == assignment
        fractions = [[Fraction(value) for value in row] for row in network.V]
        rational = Network(
            as_fractions("V", network.V), np.array([[Fraction(2, 3), Fraction(1, 7)]])
        )
        assert decode(fractions, instance) == assignment
        with pytest.raises(InputError, match="does not explain the samples"):
            decode(rational, instance)
        scaled = Network(rational.V / rational.U.T, rational.U).canonical()
        assert scaled.rational
        assert decode(scaled, instance) == assignment
    assert 40 < satisfiable < 112


def encode_is_not_all_equal(formula: Formula) -> bool:
    """Whether some assignment gives each clause of the not-all-equal form a true and a false
    literal: twice as many ordinary clauses."""
    short = split(formula)
    clauses = not_all_equal(short)
    assert {len(clause) for clause in clauses} <= {6}
    opposite = [tuple(-literal for literal in clause) for clause in clauses]
    return solved(Formula(short.n_variables + 1, [*clauses, *opposite])) is not None


@given(seed=st.integers(0, 10_000))
def test_labels_off_by_less_than_the_precision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    formula = drawn(rng, 5, 8, 7)
    assignment, instance = solved(formula), encode(formula)
    if assignment is None:
        return
    V = fitting_network(assignment, instance).V
    shaken = V + rng.uniform(-1, 1, V.shape) / 22 / 2.01  # both units, with entries up to 2
    near = V + 0.5 / 22 * rng.choice([-1, 1], V.shape) * (np.arange(V.shape[1]) < V.shape[1] - 2)
    assert decode(near, instance) == assignment
    try:
        assert formula.satisfied_by(decode(shaken, instance))
    except InputError as error:
        assert "does not explain the samples" in str(error)
    with pytest.raises(InputError, match="does not explain the samples"):
        decode(V * (1 + 1.01 / 22), instance)


def test_no_other_precision_would_do() -> None:
    """With labels off by 1/22, two units explain the samples of a formula that is just false."""
    δ = Fraction(1, 22)
    instance = encode(Formula(0, [()]))
    V = [[δ - 1, 1 + δ, (δ - 1) / 2], [1 - δ, -(1 + δ) / 2, Fraction(1)]]
    labels = np.maximum(instance.X.astype(object) @ np.array(V).T, 0).sum(axis=1)
    assert max(abs(labels - instance.Y[:, 0])) == δ
    with pytest.raises(InputError, match="does not explain the samples"):
        decode(V, instance)


# ── canaries ──────────────────────────────────────────────────────────────────────────────────────

CONTRADICTION = Formula(2, [(1, 2), (1, -2), (-1, 2), (-1, -2)])


def test_a_clause_left_out_is_noticed() -> None:
    """Without any one of its clause samples the contradiction has a fit, which `decode` refuses."""
    instance = encode(CONTRADICTION)
    assert network_for(instance) is None
    zero = np.flatnonzero(instance.Y[:, 0] == 0)
    assert len(zero) == 4
    for row in zero:
        X, Y = (np.delete(array, row, axis=0) for array in (instance.X, instance.Y))
        broken = replace(instance, X=X, Y=Y)
        V = network_for(broken)
        assert V is not None
        with pytest.raises(InputError, match="does not satisfy the formula"):
            decode(V, broken)


def test_a_variable_left_out_is_noticed() -> None:
    """Without −e₁, w₁ may be 0, and escapes its clauses: v = (1, 1), w = (0, −1) with v_s = 1."""
    instance = encode(CONTRADICTION)
    assert instance.X[1].tolist() == [-1, 0, 0, 0, 0]
    X, Y = (np.delete(array, 1, axis=0) for array in (instance.X, instance.Y))
    broken = replace(instance, X=X, Y=Y)
    V = network_for(broken)
    assert V is not None
    with pytest.raises(InputError, match="does not satisfy the formula"):
        decode(V, broken)


def test_another_label_is_noticed() -> None:
    instance = encode(Formula(2, [(1, 2), (-1,)]))
    network = fitting_network((False, True), instance)
    assert explains_exactly(network, instance)
    for row in range(len(instance.Y)):
        Y = instance.Y.copy()
        Y[row] = 1 - Y[row]
        assert not explains_exactly(network, replace(instance, Y=Y))
        with pytest.raises(InputError, match=f"for sample {row}, expected {Y[row, 0]}"):
            decode(network, replace(instance, Y=Y))
    nearly = Network(network.V * (1 + 2.0**-40), network.U)
    assert not explains_exactly(nearly, instance)


def test_the_search_finds_what_is_planted() -> None:
    """Samples of small whole numbers and labels of two planted units: there is a fit; and none
    where a label is out of reach."""
    rng = np.random.default_rng(3)
    for u in FREE * 10:
        X, V = rng.integers(-2, 3, (8, 2)), rng.integers(-2, 3, (2, 2))
        Y = np.maximum(X @ V.T, 0) @ u
        found = explaining(X, Y, [u])
        assert found is not None
        assert np.abs(np.maximum(X @ found.T, 0) @ u - Y).max() < 1e-3
        X, Y = np.vstack([X, [0, 0]]), np.append(Y, 1)
        assert explaining(X, Y, FREE) is None
    assert explaining([[1.0], [-1.0]], [1, -1], [(1, -1)]) is not None
    assert explaining([[1.0], [-1.0]], [1, -1], GIVEN) is None
    assert explaining([[1.0], [2.0], [-1.0]], [1, 3, 0], FREE) is None  # not homogeneous


# ── formulas ──────────────────────────────────────────────────────────────────────────────────────


@given(seed=st.integers(0, 10_000), n=st.integers(1, 20), clauses=st.integers(0, 20))
def test_dimacs_there_and_back(seed: int, n: int, clauses: int) -> None:
    formula = drawn(np.random.default_rng(seed), n, clauses, 9)
    formula = Formula(n, [*formula.clauses, ()])
    assert parse_dimacs(to_dimacs(formula)) == formula
    words = to_dimacs(formula).split("\n", 1)
    assert (
        parse_dimacs("c said\n" + words[0] + "\nc more\n" + words[1].replace(" ", "\n")) == formula
    )


def test_files_of_satlib() -> None:
    text = "c from a generator\nc\np cnf  3 2 \n 1 -3 0\n2\n3 -1 0\n%\n0\n\n"
    assert parse_dimacs(text) == Formula(3, [(1, -3), (2, 3, -1)])
    assert parse_dimacs(text.replace("\n", "\r\n")) == parse_dimacs(text)
    assert parse_dimacs("c of\x85\u2028 another age\n" + text) == parse_dimacs(text)
    assert parse_dimacs("p cnf 0 0") == Formula(0, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got only comments"),
        ("c nothing\n", "got only comments"),
        ("1 2 0\n", "line 1: got '1 2 0', expected 'p cnf VARIABLES CLAUSES'"),
        ("p sat 2 1\n1 0", "line 1: got 'p sat 2 1'"),
        ("p cnf 2\n1 0", "line 1: got 'p cnf 2'"),
        ("p cnf -2 1\n1 0", "got 'p cnf -2 1'"),
        ("p cnf 2 1 1\n1 0", "got 'p cnf 2 1 1'"),
        ("p cnf 2 1\n3 0", "line 2: got the literal 3, expected one from 1 to 2"),
        ("p cnf 2 1\n\n-3 0", "line 3: got the literal -3"),
        ("p cnf 2 1\n1 x 0", "line 2: got 'x', expected a literal from 1 to 2"),
        ("p cnf 2 1\n1.0 0", "got '1.0'"),
        ("p cnf 2 1\n-0", "got '-0'"),
        ("p cnf 2 1\n1_0 0", "got '1_0'"),
        ("p cnf 2 1\n" + 5000 * "9" + " 0", "got '9999"),
        ("p cnf 2 1\n1 2", "line 2: got the end after '2', expected a 0"),
        ("p cnf 2 1\n1 2\n%\n0\n", "line 2: got the end after '2'"),
        ("p cnf 2 2\n1 2 0", "got 1 clauses, expected 2"),
        ("p cnf 2 1\n1 2 0 0", "got 2 clauses, expected 1"),
        ("p cnf 2 1\n1 2 0\np cnf 2 1\n", "line 3: got 'p'"),
        ("p cnf 2 1\n1 0\n%\n0\n2 0\n", "line 5: got '2 0' after a line with %"),
    ],
)
def test_other_texts_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_dimacs(text)
    assert words in str(caught.value)


@given(st.text("pcnf 012-%\n", max_size=40))
@example("p cnf 1 1\n%\n")
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "p cnf 2 1\n" + text):
        try:
            formula = parse_dimacs(whole)
        except InputError:
            continue
        assert parse_dimacs(to_dimacs(formula)) == formula


def test_what_is_no_formula() -> None:
    for n, clauses, words in (
        (-1, [], "n_variables: got -1"),
        (2, [(1,), (0,)], "clause 1: got the literal 0"),
        (2, [(3,)], "clause 0: got the literal 3"),
    ):
        with pytest.raises(InputError, match=words):
            Formula(n, clauses)
    for wrong in (1.0, True, "1"):
        with pytest.raises(InputTypeError, match="expected a whole number"):
            Formula(2, [(wrong,)])  # type: ignore[list-item]
    none: list[Any] = [1, [1, 2]]
    for other in none:
        with pytest.raises(InputTypeError, match="expected a sequence"):
            Formula(2, other)
    with pytest.raises(InputTypeError, match="got a str, expected a Formula"):
        encode("p cnf 0 0")  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="got a bytes, expected a str"):
        parse_dimacs(b"p cnf 0 0")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got 6 literals, expected at most 5"):
        not_all_equal(Formula(6, [(1, 2, 3, 4, 5, 6)]))
    with pytest.raises(
        InputError, match=r"got 20000 variables and 1 clauses, which take 40008 sam"
    ):
        encode(Formula(20_000, [(1,)]))


def test_samples_come_once_and_cannot_be_changed() -> None:
    once, twice = Formula(3, [(1, 2, 3)]), Formula(3, [(1, 2, 3), (3, 1, 2), (1, 1, 2, 3)])
    assert np.array_equal(encode(once).X, encode(twice).X)
    for array in (encode(once).X, encode(once).Y, encode(once).U):
        assert array is not None
        assert array.dtype == np.int64
        assert not array.flags.writeable
    assert encode(once, free=True).U is None


# ── networks that are none of ours ────────────────────────────────────────────────────────────────


def test_networks_that_do_not_explain_the_samples() -> None:
    instance = encode(Formula(2, [(1, 2), (-1,)]))
    fit = fitting_network((False, True), instance)
    wrong = fit.V.copy()
    wrong[:, 0] *= -1
    spoilt = fit.V.copy()
    spoilt[1, 3] = np.nan
    for network, words in (
        (wrong, "got the label 1 for sample 12, expected 0"),
        (np.zeros((2, 5)), "got the label 0 for sample 0, expected 1"),
        (spoilt, "got the label nan"),
        (fit.V * 1e300 * 1e8, "got the label"),
        (fit.V[:, :4], r"got shape \(2, 4\), expected \(2, 5\)"),
        (fit.V[0], r"got shape \(5,\)"),
        ([[1.0], [1.0, 2.0]], "ragged"),
        (Network(fit.V, [[1.0, -1.0]]), "expected positive ones"),
        (Network(fit.V, [[1.0, 0.0]]), "expected positive ones"),
        (Network(fit.V[:1], [[1.0]]), "got 1 unit and 1 output, expected 2 and 1"),
        (Network(fit.V, np.ones((2, 2))), "got 2 units and 2 outputs"),
    ):
        with pytest.raises(InputError, match=words):
            decode(network, instance)
    nearly = Network(fit.V, fit.U, b=[1e-15, -1e-15], c=[1e-15])  # as `recover` may find it
    assert decode(nearly, instance) == (False, True)
    with pytest.raises(InputError, match="got the label 0 for sample 0"):
        decode(Network(0 * fit.V, fit.U, b=[0.5, 0.5]), instance)
    for other in ([["a"] * 5] * 2, fit.V + 0j, [[None] * 5] * 2):
        with pytest.raises(InputTypeError, match=r"expected (rational|real) numbers"):
            decode(other, instance)  # type: ignore[arg-type]


def test_a_network_of_another_formula() -> None:
    """It decodes if it happens to satisfy this one, and is refused otherwise."""
    formulas = [Formula(3, [(1, 2, 3), (a, b)]) for a in (1, -1) for b in (2, -2)]
    for theirs in formulas:
        assignment = solved(theirs)
        assert assignment is not None
        network = fitting_network(assignment, encode(theirs))
        for ours in formulas:
            if ours.satisfied_by(assignment):
                assert decode(network, encode(ours)) == assignment
            else:
                with pytest.raises(InputError, match="does not explain"):
                    decode(network, encode(ours))


def test_assignments_that_do_not_satisfy() -> None:
    instance = encode(Formula(2, [(1, 2), (-1,)]))
    with pytest.raises(InputError, match=r"the clause \(-1,\) is false"):
        fitting_network((True, True), instance)
    with pytest.raises(InputError, match="got 1 values, expected 2"):
        fitting_network((True,), instance)
    with pytest.raises(InputTypeError, match="got -1, expected True or False"):
        fitting_network((-1, 2), instance)  # type: ignore[arg-type]


# ── the command ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def formula(tmp_path: Path) -> Path:
    path = tmp_path / "formula.cnf"
    path.write_text(to_dimacs(Formula(3, [(1, 2), (-1,), (2, 3)])), encoding="utf-8")
    return path


@pytest.mark.parametrize("free", [False, True])
def test_from_file_to_file_and_back(tmp_path: Path, formula: Path, free: bool) -> None:
    samples, net = tmp_path / "s.npz", tmp_path / "net.npz"
    result = run("hardness", formula, "-o", samples, *(["--free"] if free else []))
    assert result.exit_code == 0, result.output
    assert "3 variables and 3 clauses" in result.stdout
    assert ("any output weights" if free else "output weights of 1") in result.stdout
    instance = encode(parse_dimacs(formula.read_text()), free)
    X, Y = read_samples(samples)
    assert np.array_equal(X, instance.X)
    assert np.array_equal(Y, instance.Y)

    save(fitting_network((False, True, False), instance).canonical(), net)
    result = run("hardness", formula, "--decode", net)
    assert result.exit_code == 0, result.output
    assert result.stdout == "s SATISFIABLE\nv -1 2 -3 0\n"
    assert json.loads(run("hardness", formula, "--decode", net, "--json").stdout) == {
        "satisfiable": True,
        "assignment": [-1, 2, -3],
    }


def test_json_of_samples(tmp_path: Path, formula: Path) -> None:
    files = [tmp_path / "X.npy", tmp_path / "Y.npy"]
    result = run("hardness", formula, "-o", files[0], "--labels", files[1], "--json")
    assert json.loads(result.stdout) == {
        "variables": 3,
        "clauses": 3,
        "samples": 16,
        "inputs": 6,
        "free": False,
        "files": [str(file) for file in files],
    }


def test_a_network_that_is_no_answer_leaves_with_1(tmp_path: Path, formula: Path) -> None:
    net = tmp_path / "net.npz"
    save(Network(np.ones((2, 6)), [[1.0, 1.0]]), net)
    result = run("hardness", formula, "--decode", net)
    assert result.exit_code == 1
    assert result.stdout == "s UNKNOWN\n"
    assert "does not explain the samples" in result.stderr
    result = run("hardness", formula, "--decode", net, "--json")
    assert result.exit_code == 1
    values = json.loads(result.stdout)
    assert values["satisfiable"] is None
    assert "does not explain" in values["reason"]


def test_wrong_use(tmp_path: Path, formula: Path) -> None:
    net, other = tmp_path / "net.npz", tmp_path / "other.cnf"
    save(Network(np.ones((2, 9)), [[1.0, 1.0]]), net)
    other.write_text("p cnf 1 1\n1\n")
    binary = tmp_path / "binary.cnf"
    binary.write_bytes(b"\xff\xfe\x00")
    samples = tmp_path / "s.npz"
    for arguments, words in (
        ((formula,), "expected -o SAMPLES or --decode NET"),
        ((formula, "-o", samples, "--decode", net), "expected -o SAMPLES or --decode NET"),
        ((formula, "--free", "--decode", net), "--free"),
        ((formula, "--labels", samples, "--decode", net), "--labels"),
        ((formula, "-o", tmp_path / "s.txt"), "ending in '.txt'"),
        ((formula, "-o", formula), "expected samples in"),
        ((tmp_path / "none.cnf", "-o", samples), "none.cnf: cannot be read"),
        ((other, "-o", samples), "other.cnf: line 2: got the end after '1'"),
        ((binary, "-o", samples), "binary.cnf: line 1: got '��\\x00', expected 'p cnf"),
        ((formula, "--decode", net), "got 9 inputs, expected 6, or 7"),
        ((formula, "--decode", formula), "got a file of unknown content"),
    ):
        result = run("hardness", *arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert words in result.stderr.splitlines()[-1]
    assert not samples.exists()
    assert load(net).n_inputs == 9
