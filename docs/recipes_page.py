"""The page of the published recipes: from their table, and from what has been measured."""

from __future__ import annotations

import csv
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from docstrings import inline, inline_code
from theorems import THEOREMS

from unrelu.search.methods import COMPLETE, RECIPES, Method

INTRODUCTION = """\
The default of ``recover`` is none of these, and usually needs fewer samples than any of them. Each
can be selected by its name, to reproduce, compare or teach it, and runs as published wherever that
works. If one of its assumptions does not hold, it says which. The certificate judges its networks
like any others.

.. code-block:: python

   result = unrelu.recover(X, Y, n_units=3, method="one-sparse", bias=False)
"""

SIDE_BY_SIDE = """\
The number of samples that each method needs. It is doubled until nine of ten seeds are recovered:
exactly or, with noise, every direction to 0.1 rad; integers with ``exact=True``, over the
rationals. Unless stated otherwise, the problems have 5 Gaussian inputs, Gaussian weights and the
ReLU; the number of units is given. **Bold** means that the problem satisfies the assumptions of the
recipe; – means that the recipe refuses it, or does not find the network with {most:,} samples (200
for integers). Few samples do not show that inputs are not Gaussian, and an exact last step corrects
errors. So some networks are found although an assumption is violated, and refused with more
samples. {wrong} ``make bench NAME=recipes`` repeats the measurement.
"""

COMPLETE_SEARCHES = """\
These searches are complete: for any inputs, with ``exact=True`` over the rationals, they find a
network or prove that there is none, or report that they did not finish.
"""

THE_THEOREMS = """\
Where the results of the paper are in the code. Theorem 2 and Lemma 55 state what is impossible; the
functions construct the samples that show it.
"""

PAPER = (
    "A. Bakshi, R. Jayaram, D. P. Woodruff, *Learning Two Layer Rectified Neural Networks in "
    "Polynomial Time*, COLT 2019, `arXiv:1811.01885 <https://arxiv.org/abs/1811.01885>`_"
)

Row = dict[str, str]


def recipes_page(results: Path) -> str:
    """reStructuredText; `results` is the CSV that benchmarks/recipes.py writes."""
    with results.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = [
        heading("The published recipes", "="),
        INTRODUCTION,
        f"The paper is {PAPER}; all numbers of theorems and algorithms are its.\n",
        heading("What each needs"),
        *described(RECIPES),
        heading("Complete searches"),
        COMPLETE_SEARCHES,
        *described(COMPLETE),
        heading("Side by side"),
        *side_by_side(rows),
        heading("The theorems"),
        THE_THEOREMS,
        *table(
            ("", "statement", "function", "test"),
            [(t.number, t.says, code(t.function), code(t.test)) for t in THEOREMS],
            (12, 38, 25, 25),
        ),
    ]
    return "\n".join(parts) + "\n"


def described(recipes: Sequence[Method]) -> list[str]:
    """A section for each; recipes of one module share a section."""
    parts = []
    for name in dict.fromkeys(function(recipe).__module__ for recipe in recipes):
        own = [recipe for recipe in recipes if function(recipe).__module__ == name]
        parts.append(heading(own[0].name, "~"))
        for recipe in own:
            takes = " or ".join(
                code(kind) for kind in ("none", *(recipe.noise if recipe.recipe else ()))
            )
            which = f"{code(recipe.name)}: " if len(own) > 1 else ""
            what = f"{inline(recipe.theorem)}. *Needs:* {inline(recipe.assumptions)}."
            parts.append(
                f"{'- ' * bool(which)}{which}{what} *Noise:* {takes}.{activations(recipe)}"
            )
            parts += [] if which else [""]
        parts += ["", inline(where_it_stops(own[0])) + "\n"]
    return parts


def activations(recipe: Method) -> str:
    if not recipe.relu_only:
        return f" *Activations:* known ones{', with noise powers only' * bool(recipe.noise)}."
    why = f": {inline(recipe.relu_only)}" if recipe.recipe else ""
    return f" *Activations:* the ReLU{why}."


def function(recipe: Method) -> Callable[..., object]:
    return recipe.find.func if isinstance(recipe.find, partial) else recipe.find


def where_it_stops(recipe: Method) -> str:
    """The paragraph of its docstring that says so, or of that of its module."""
    find = function(recipe)
    for owner in (find, sys.modules[find.__module__]):
        for paragraph in (inspect.getdoc(owner) or "").split("\n\n"):
            if found := re.search(r"Where it stops.*", " ".join(paragraph.split())):
                return found.group()
    return ""


def side_by_side(rows: Sequence[Row]) -> list[str]:
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    found = {(row["method"], row["problem"]): row for row in rows}
    most = max(int(row["samples"]) for row in rows if row["inside"] == "no")
    false = sum(int(row["false_exact"]) for row in rows)
    wrong = "No network called exact was wrong."
    if false:
        wrong = f"Of the networks called exact, {false} {'was' if false == 1 else 'were'} wrong."
    parts = [
        SIDE_BY_SIDE.format(most=most, wrong=wrong),
        *(f"{number}. {inline(problem)}" for number, problem in enumerate(problems, start=1)),
        "",
    ]
    body = [
        (code(method), *(samples_needed(found.get((method, problem))) for problem in problems))
        for method in methods
    ]
    numbers = [str(number) for number in range(1, len(problems) + 1)]
    parts += table(("", *numbers), body, (20, *[8] * len(problems)))
    for number, problem in enumerate(problems, start=1):
        own = [row for row in rows if row["problem"] == problem]
        parts += [heading(f"{number}. {problem}", "~"), *table(*one_problem(own))]
    return parts


def samples_needed(row: Row | None) -> str:
    if row is None or row["enough"] != "yes":
        return "**–**" if row is not None and row["inside"] == "yes" else "–"
    samples = f"{int(row['samples']):,}"
    return f"**{samples}**" if row["inside"] == "yes" else samples


def one_problem(
    rows: Sequence[Row],
) -> tuple[tuple[str, ...], list[tuple[str, ...]], tuple[int, ...]]:
    """Methods inside their assumptions first; methods with equal rows together."""
    order = sorted(rows, key=lambda row: (row["inside"] != "yes", row["enough"] != "yes"))
    together: dict[tuple[str, ...], list[str]] = {}
    for row in order:
        measured = row["enough"] == "yes" or row["inside"] == "yes"
        cells = (
            row["inside"],
            samples_needed(row).strip("*"),
            row["recovered"],
            rounded(row["error"]),
            rounded(row["seconds"]),
        )
        key = (*(cells if measured else (row["inside"], "–", "–", "–", "–")), row["verdict"])
        together.setdefault(key, []).append(row["method"])
    body = [
        (", ".join(code(name) for name in names), *key[:-1], inline(key[-1]))
        for key, names in together.items()
    ]
    columns = ("method", "inside", "samples", "recovered", "error", "seconds", "verdict")
    return columns, body, (20, 8, 9, 11, 9, 9, 34)


def rounded(number: str) -> str:
    """To two digits."""
    return "–" if number == "-" else f"{float(number):.2g}"


def heading(text: str, line: str = "-") -> str:
    return f"{text}\n{line * len(text)}\n"


def code(text: str) -> str:
    return inline_code(text)


def table(
    columns: Sequence[str], body: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    for row in (columns, *body):
        lines += [f"   * - {row[0]}", *(f"     - {cell}" for cell in row[1:])]
    return [*lines, ""]
