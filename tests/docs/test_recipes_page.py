"""The page of the recipes: what it is made from is there, is complete, and holds nothing wrong."""

from __future__ import annotations

import ast
import csv
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from unrelu.search.methods import COMPLETE, RECIPES

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "recipes.csv"
PROVED = [*(f"Theorem {number}" for number in range(1, 8)), "Corollary 53", "Lemma 55"]


def from_docs(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module(name)


def rows() -> list[dict[str, str]]:
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def benchmark_of_recipes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/recipes.py, under a name of its own."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    name = "benchmark_of_recipes"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def is_function(where: str) -> bool:
    """module:name"""
    module, _, name = where.partition(":")
    return importlib.util.find_spec(module) is not None and callable(
        getattr(importlib.import_module(module), name, None)
    )


def is_test(where: str) -> bool:
    """file::name"""
    file, _, name = where.partition("::")
    if not (ROOT / file).exists() or not name.startswith("test_"):
        return False
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_every_theorem_has_a_function_and_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    theorems = from_docs("theorems", monkeypatch).THEOREMS
    assert [theorem.number for theorem in theorems] == PROVED
    for theorem in theorems:
        assert is_function(theorem.function), theorem
        assert is_test(theorem.test), theorem


def test_what_does_not_exist_is_noticed() -> None:
    assert is_function("unrelu.recipes.one_sparse:find")
    assert not is_function("unrelu.recipes.one_sparse:found")
    assert not is_function("unrelu.nowhere:find")
    here = "tests/docs/test_recipes_page.py"
    assert is_test(f"{here}::test_what_does_not_exist_is_noticed")
    assert not is_test(f"{here}::test_nothing")
    assert not is_test(f"{here}::is_test")
    assert not is_test("tests/test_nowhere.py::test_nothing")


def test_every_method_was_measured_on_every_problem(benchmark_of_recipes: ModuleType) -> None:
    measured = rows()
    assert {problem.name for problem in benchmark_of_recipes.PROBLEMS} == {
        row["problem"] for row in measured
    }
    problems = list(dict.fromkeys(row["problem"] for row in measured))
    pairs = {(row["problem"], row["method"]) for row in measured}
    assert len(pairs) == len(measured)
    assert pairs == {
        (problem, method) for problem in problems for method in benchmark_of_recipes.MEASURED
    }


def test_inside_their_assumptions_recipes_recover_and_no_answer_was_wrong() -> None:
    measured = rows()
    assert all(row["false_exact"] == "0" for row in measured)
    inside = [row for row in measured if row["inside"] == "yes"]
    assert all(row["enough"] == "yes" for row in inside if row["method"] == "auto")
    assert {row["method"] for row in inside if row["enough"] == "yes"} >= {
        recipe.name for recipe in (*RECIPES, *COMPLETE)
    }
    for recipe in (*RECIPES, *COMPLETE):  # each has something to be told apart by
        own = [row for row in measured if row["method"] == recipe.name]
        assert any(row["inside"] == "no" and row["enough"] == "no" for row in own)


def test_the_page_has_every_recipe_and_where_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = from_docs("recipes_page", monkeypatch)
    page = maker.recipes_page(RESULTS)
    for recipe in (*RECIPES, *COMPLETE):
        assert f"``{recipe.name}``" in page
        assert maker.where_it_stops(recipe).startswith("Where it stops")
        assert maker.inline(recipe.assumptions) in page
    for number in PROVED:
        assert f"* - {number}\n" in page
    for problem in {row["problem"] for row in rows()}:
        assert problem in page


def test_a_row_is_measured(benchmark_of_recipes: ModuleType) -> None:
    bench = benchmark_of_recipes
    for problem in bench.PROBLEMS:
        assert set(problem.inside) <= set(bench.MEASURED)
    found = bench.measure(bench.PROBLEMS[5], "one-sparse", (50, 800), 3)
    assert (found["samples"], found["enough"], found["verdict"]) == (800, "yes", "exact")
    refused = bench.measure(bench.PROBLEMS[7], "one-sparse", (50, 800), 3)
    assert (refused["samples"], refused["enough"]) == (50, "no")
    assert refused["verdict"] == "not for labels with noise 'gaussian'"
    proved = bench.measure(bench.PROBLEMS[-2], "enumeration", (25,), 2)
    assert (proved["enough"], proved["verdict"]) == ("yes", "proved")
    curved = bench.measure(bench.PROBLEMS[10], "symmetric", (25,), 2)
    assert curved["verdict"] == "not for activation 'power(2)': it rests on f(z) − f(−z) = z"
    assert bench.shortened("method='x' does not apply: no; then") == "no"
