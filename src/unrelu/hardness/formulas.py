"""Formulas in conjunctive normal form: read, written, and brought to the form that is encoded."""

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
"""In every clause of the not-all-equal form."""


@dataclass(frozen=True, init=False)
class Formula:
    """A formula in conjunctive normal form, with the variables 1 to `n_variables`.

    A clause is a tuple of literals: i for variable i, −i for its negation; the empty one is false.
    Raises InputError for other literals, InputTypeError for what is no whole number.

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
        """Whether every clause holds a true literal; assignment[i − 1] is that of variable i."""
        values = assigned(assignment, self.n_variables)
        return all(any(is_true(literal, values) for literal in clause) for clause in self.clauses)


def parse_dimacs(text: str) -> Formula:
    """The formula of a text in DIMACS form: `p cnf VARIABLES CLAUSES`, then clauses, each closed
    by a 0; lines that begin with c are comments; a line that begins with % ends the formula, as in
    the files of SATLIB.

    Raises InputError, with the number of the line, for anything else: another header, literals
    out of range, a clause that is not closed, another number of clauses than announced.

    >>> parse_dimacs("c two clauses\\np cnf 2 2\\n1 -2 0\\n2 0\\n")
    Formula(n_variables=2, clauses=((1, -2), (2,)))
    """
    if not isinstance(text, str):
        raise InputTypeError(f"text: got {kind_of(text)}, expected a str in DIMACS form")
    lines = list(_lines(text))
    if not lines:
        raise InputError("got no line beside comments, expected 'p cnf VARIABLES CLAUSES'")
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
                    "or its negative, or the 0 that closes a clause"
                )
            literal = int(word)
            if literal == 0:
                clauses.append(tuple(clause))
                clause = []
            else:
                clause.append(_literal(f"line {where}", literal, n_variables))
    if clause:
        raise InputError(
            f"line {where}: got the end after {_shown(str(clause[-1]))}, expected a 0 that closes "
            "the last clause"
        )
    if len(clauses) != n_clauses:
        raise InputError(
            f"got {len(clauses)} clauses, expected {n_clauses}, as the header says: "
            "every clause ends in a 0"
        )
    return Formula(n_variables, clauses)


def to_dimacs(formula: Formula) -> str:
    """The formula in DIMACS form, a clause to a line; `parse_dimacs` gives it back.

    >>> print(to_dimacs(Formula(2, [(1, -2), (2,)])), end="")
    p cnf 2 2
    1 -2 0
    2 0
    """
    lines = [f"p cnf {formula.n_variables} {len(formula.clauses)}"]
    lines += [" ".join(map(str, (*clause, 0))) for clause in formula.clauses]
    return "\n".join(lines) + "\n"


def not_all_equal(short: Formula) -> tuple[Clause, ...]:
    """Clauses of exactly six literals that a formula with at most five to a clause turns into, one
    variable more (s, the last): some assignment gives each a true and a false literal if and only
    if the formula is satisfiable.

    Each clause is filled up with s. (if) Add s = false: the clause's own true literal and s
    differ. (only if) Negating every variable keeps a true and a false literal in every clause, so
    let s be false; then the true one is the clause's own. An empty clause becomes (s, …, s), which
    nothing satisfies.

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
    """The formula with repeated literals left out and at most five literals to a clause.

    A longer clause (l₁ … l_r) becomes (l₁ … l₄ z₁), (−z₁ l₅ l₆ l₇ z₂), …, with fresh variables z
    that come after all others: z_j says that a literal further on is true. An assignment satisfies
    the clause if and only if these can be satisfied with it by some z.
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
    """The assignment with the variables that `split` adds: true where a clause holds no true
    literal so far. Of a clause that is true, then, no part is left without."""
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
    """Lines that say something, as (number, words), up to a %."""
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
