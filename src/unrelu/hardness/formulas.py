"""Formulas in conjunctive normal form: reading, writing, and the form that is encoded."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from unrelu.errors import InputError, InputTypeError
from unrelu.wording.streams import kind_of

Clause = tuple[int, ...]
Value = TypeVar("Value")

LITERALS = 6
"""Number of literals in every clause of the not-all-equal form."""


@dataclass(frozen=True, init=False)
class Formula:
    """A formula in conjunctive normal form, with the variables 1 to `n_variables`.

    A clause is a tuple of literals: i for variable i, −i for its negation; the empty clause is
    false. Raises InputError for other literals, InputTypeError for literals that are not integers.

    >>> formula = Formula(2, [(1, 2), (-1,)])
    >>> formula.satisfied_by((False, True)), formula.satisfied_by((True, True))
    (True, False)
    """

    n_variables: int
    clauses: tuple[Clause, ...]

    def __init__(self, n_variables: int, clauses: Sequence[Sequence[int]]) -> None:
        n = _whole("n_variables", n_variables)
        if n < 0:
            raise InputError(f"n_variables: got {n}, expected 0 or more")
        checked = tuple(
            tuple(_literal(f"clause {i}", literal, n) for literal in _each(f"clause {i}", clause))
            for i, clause in enumerate(_each("clauses", clauses))
        )
        object.__setattr__(self, "n_variables", n)
        object.__setattr__(self, "clauses", checked)

    def satisfied_by(self, assignment: Sequence[bool]) -> bool:
        """Whether every clause has a true literal; assignment[i − 1] is the value of variable i."""
        values = assigned(assignment, self.n_variables)
        return all(any(is_true(literal, values) for literal in clause) for clause in self.clauses)


def parse_dimacs(text: str) -> Formula:
    """Parse a formula in DIMACS format: `p cnf VARIABLES CLAUSES`, then clauses, each ended by a 0.
    Lines that begin with c are comments; a line that begins with % ends the formula, as in the
    files of SATLIB.

    Raises InputError, with the line number, for anything else: another header, literals out of
    range, an unfinished clause, a number of clauses other than in the header.

    >>> parse_dimacs("c two clauses\\np cnf 2 2\\n1 -2 0\\n2 0\\n")
    Formula(n_variables=2, clauses=((1, -2), (2,)))
    """
    if not isinstance(text, str):
        raise InputTypeError(f"text: got {kind_of(text)}, expected a str in DIMACS format")
    lines = list(_lines(text))
    if not lines:
        raise InputError("got only comments, expected 'p cnf VARIABLES CLAUSES'")
    where, header = lines[0]
    found = re.fullmatch(r"p +cnf +(\d{1,18}) +(\d{1,18})", " ".join(header), re.ASCII)
    if found is None:
        raise InputError(
            f"line {where}: got {_shown(' '.join(header))}, expected 'p cnf VARIABLES CLAUSES'"
        )
    n_variables, n_clauses = map(int, found.groups())
    clauses: list[Clause] = []
    clause: list[int] = []
    for where, words in lines[1:]:
        for word in words:
            if not re.fullmatch(r"0|-?[1-9]\d{0,17}", word, re.ASCII):
                raise InputError(
                    f"line {where}: got {_shown(word)}, expected a literal from 1 to {n_variables} "
                    "or its negative, or the 0 that ends a clause"
                )
            literal = int(word)
            if literal == 0:
                clauses.append(tuple(clause))
                clause = []
            else:
                clause.append(_literal(f"line {where}", literal, n_variables))
    if clause:
        raise InputError(
            f"line {where}: got the end after {_shown(str(clause[-1]))}, expected a 0 that ends "
            "the last clause"
        )
    if len(clauses) != n_clauses:
        raise InputError(
            f"got {len(clauses)} clauses, expected {n_clauses}, as the header says: "
            "every clause ends in a 0"
        )
    return Formula(n_variables, clauses)


def to_dimacs(formula: Formula) -> str:
    """The formula in DIMACS format, one clause per line; the inverse of `parse_dimacs`.

    >>> print(to_dimacs(Formula(2, [(1, -2), (2,)])), end="")
    p cnf 2 2
    1 -2 0
    2 0
    """
    lines = [f"p cnf {formula.n_variables} {len(formula.clauses)}"]
    lines += [" ".join(map(str, (*clause, 0))) for clause in formula.clauses]
    return "\n".join(lines) + "\n"


def not_all_equal(short: Formula) -> tuple[Clause, ...]:
    """The not-all-equal form of a formula with at most five literals per clause: clauses of exactly
    six literals, with one more variable s, the last. Some assignment gives each of them a true and
    a false literal if and only if the formula is satisfiable.

    Each clause is padded with s. (if) Set s = false: a true literal of the clause and s differ.
    (only if) Negating every variable keeps a true and a false literal in every clause, so s can be
    assumed false; then the true literal is one of the clause. An empty clause becomes (s, …, s),
    which no assignment satisfies.

    Raises InputError for a longer clause.

    >>> not_all_equal(Formula(2, [(1, -2)]))
    ((1, -2, 3, 3, 3, 3),)
    """
    s = short.n_variables + 1
    for clause in short.clauses:
        if len(clause) >= LITERALS:
            raise InputError(
                f"clause: got {len(clause)} literals, expected at most {LITERALS - 1}: split it"
            )
    return tuple((*clause, *[s] * (LITERALS - len(clause))) for clause in short.clauses)


def split(formula: Formula) -> Formula:
    """The formula without repeated literals and with at most five literals per clause.

    A longer clause (l₁ … l_r) becomes (l₁ … l₄ z₁), (−z₁ l₅ l₆ l₇ z₂), …, with new variables z
    after all others: z_j means that a later literal is true. An assignment satisfies the clause if
    and only if some z satisfies these clauses together with it.
    """
    n, clauses = formula.n_variables, []
    for clause in formula.clauses:
        rest = tuple(dict.fromkeys(clause))
        while len(rest) >= LITERALS:
            n += 1
            clauses.append((*rest[: LITERALS - 2], n))
            rest = (-n, *rest[LITERALS - 2 :])
        clauses.append(rest)
    return Formula(n, clauses)


def extended(values: tuple[bool, ...], formula: Formula) -> list[bool]:
    """The assignment with values for the variables that `split` adds: true if the clause has no
    true literal so far. So every part of a true clause has a true literal."""
    extended = list(values)
    for clause in formula.clauses:
        rest = tuple(dict.fromkeys(clause))
        while len(rest) >= LITERALS:
            extended.append(not any(is_true(literal, extended) for literal in rest[: LITERALS - 2]))
            rest = (-len(extended), *rest[LITERALS - 2 :])
    return extended


def is_true(literal: int, values: Sequence[bool]) -> bool:
    return values[abs(literal) - 1] == (literal > 0)


def assigned(assignment: Sequence[bool], n_variables: int) -> tuple[bool, ...]:
    values = tuple(_each("assignment", assignment))
    for value in values:
        if not isinstance(value, bool | np.bool_):
            raise InputTypeError(
                f"assignment: got {value!r}, expected True or False for each variable"
            )
    if len(values) != n_variables:
        raise InputError(f"assignment: got {len(values)} values, expected {n_variables}")
    return tuple(bool(value) for value in values)


def _each(name: str, values: Iterable[Value]) -> Iterable[Value]:
    if not isinstance(values, Iterable):
        raise InputTypeError(f"{name}: got {values!r}, expected a sequence")
    return values


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputTypeError(f"{name}: got {value!r}, expected a whole number")
    return int(value)


def _literal(where: str, value: object, n_variables: int) -> int:
    literal = _whole(where, value)
    if not 1 <= abs(literal) <= n_variables:
        raise InputError(
            f"{where}: got the literal {literal}, expected one from 1 to {n_variables} or its "
            "negative"
        )
    return literal


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines other than comments and blank ones, as (number, words), up to a %."""
    lines = enumerate(text.split("\n"), 1)
    for where, line in lines:
        words = line.split()
        if words and words[0].startswith("%"):
            for after, trailer in lines:
                if trailer.split() not in ([], ["0"]):
                    raise InputError(
                        f"line {after}: got {_shown(trailer)} after a line with %, which ends the "
                        "formula; expected nothing more, or a single 0"
                    )
            return
        if words and not (words[0] == "c" or line.startswith("c")):
            yield where, words


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
