"""Claim: with fewer outputs than units, the complete search finds a planted network of n = 40,
d = k = 4, m = 1, output weights free, in less than 60 s, and decides the samples of formulas of 6
variables and 12 clauses, in both directions.

Gaussian inputs and weights (planted, biased), a label of them moved by a tenth (altered), formulas
with clauses of two or three literals, every other one satisfiable; a time limit of 60 s. Every
answer is compared with what is known: residuals, and a SAT solver.

search: `full`; `patterns only`, without going from a node's pattern to those of least-squares
solutions; `big-M`, given the true output weights: SCIP with a binary variable for each pair, and as
bound twice the largest hidden value of the truth, which nobody could know.

Columns: problem; n; d; k; search; trials; found; none; undecided; wrong: answers that are not true;
median_s, worst_s: wall-clock; median_nodes, worst_nodes: of SCIP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _table import Table, parser
from pysat.solvers import Solver
from support.planting import Planted, plant

from unrelu.complete import mixed_integer
from unrelu.errors import require
from unrelu.hardness import Formula, encode
from unrelu.samples import Samples

COLUMNS = ("problem", "n", "d", "k", "search", "trials", "found", "none", "undecided", "wrong")
COLUMNS += ("median_s", "worst_s", "median_nodes", "worst_nodes")
LIMIT = 60.0


@dataclass(frozen=True)
class Trial:
    outcome: str
    wrong: bool
    seconds: float
    nodes: float


def searched(
    X: np.ndarray, Y: np.ndarray, k: int, bias: bool, U: np.ndarray | None, seed: int, right: str
) -> Trial:
    rng = np.random.default_rng(seed)
    result = mixed_integer.search(Samples.of(X, Y), k, bias=bias, U=U, time_limit=LIMIT, rng=rng)
    wrong = result.outcome not in (right, "undecided")
    if result.network is not None:
        off = np.abs(result.network(X) - Y.reshape(len(Y), -1)).max()
        wrong = wrong or bool(off > 1e-12 * np.abs(Y).max())
    return Trial(result.outcome, wrong, result.stats["seconds"], result.stats["nodes"])


def big_m(problem: Planted, seed: int) -> Trial:
    scip = require("pyscipopt", "mixed-integer", "this benchmark needs")
    X, y, truth = problem.X, problem.Y[:, 0], problem.truth
    V, u = truth.V * np.abs(truth.U.T), np.sign(truth.U[0])
    bound = 2 * float(np.abs(X @ V.T).max())
    model = scip.Model()
    model.hideOutput()
    model.setParams({"limits/time": LIMIT, "randomization/randomseedshift": seed})
    v = [[model.addVar(lb=None) for _ in row] for row in V]
    for x, label in zip(X.tolist(), y.tolist(), strict=True):
        F = [model.addVar(lb=0.0) for _ in v]
        for f, weights in zip(F, v, strict=True):
            on, z = model.addVar(vtype="B"), scip.quicksum(map(lambda a, w: a * w, x, weights))
            model.addCons(f >= z)
            model.addCons(f <= bound * on)
            model.addCons(f - z <= bound * (1 - on))
        model.addCons(scip.quicksum(s * f for s, f in zip(u.tolist(), F, strict=True)) == label)
    started = time.perf_counter()
    model.optimize()
    outcome = {"optimal": "found", "infeasible": "none"}.get(model.getStatus(), "undecided")
    seconds = time.perf_counter() - started
    return Trial(outcome, outcome == "none", seconds, model.getNTotalNodes())


def planted(n: int, d: int, k: int, bias: float, off: float) -> Callable[[int], Trial]:
    def trial(seed: int) -> Trial:
        problem = plant(d, k, 1, n, seed=seed, bias=bias)
        Y = problem.Y.copy()
        row = int(np.abs(Y).argmax())
        active = problem.truth.preactivations(problem.X) > 0
        others = np.delete((active[..., None] * problem.X[:, None, :]).reshape(n, -1), row, axis=0)
        if off and np.linalg.matrix_rank(others) < k * d:  # they would follow the moved label
            return trial(seed + 1000)
        Y[row] += off
        return searched(problem.X, Y, k, bias > 0, None, seed, "none" if off else "found")

    return trial


def formula(free: bool) -> Callable[[int], Trial]:
    def trial(seed: int) -> Trial:
        rng = np.random.default_rng(seed)
        right = ("found", "none")[seed % 2]
        answer = ""
        while answer != right:
            width = int(rng.integers(2, 4))
            variables = [rng.choice(6, width, replace=False) + 1 for _ in range(12)]
            clauses = [tuple((v * rng.choice([-1, 1], width)).tolist()) for v in variables]
            with Solver(bootstrap_with=[list(clause) for clause in clauses]) as solver:
                answer = "found" if solver.solve() else "none"
        made = encode(Formula(6, clauses), free)
        return searched(made.X, made.Y, 2, False, made.U, seed, right)

    return trial


def main() -> None:
    given = parser(__doc__, seeds=10).parse_args()
    table = Table("mixed_integer", COLUMNS, quick=given.quick)
    seeds = 2 if given.quick else given.seeds

    def row(
        problem: str, n: int, d: int, k: int, search: str, trial: Callable[[int], Trial]
    ) -> None:
        steps = mixed_integer.STEPS
        mixed_integer.STEPS = 0 if search == "patterns only" else steps
        few = 3 if search == "big-M" else seeds  # it only waits for the end
        trials = [trial(seed) for seed in range(min(few, seeds))]
        mixed_integer.STEPS = steps
        outcomes = [each.outcome for each in trials]
        seconds, nodes = [each.seconds for each in trials], [each.nodes for each in trials]
        shared = {"problem": problem, "n": n, "d": d, "k": k, "search": search}
        counts = {name: outcomes.count(name) for name in ("found", "none", "undecided")}
        table.add(
            {
                **shared,
                **counts,
                "trials": len(trials),
                "wrong": sum(each.wrong for each in trials),
                "median_s": float(np.median(seconds)),
                "worst_s": max(seconds),
                "median_nodes": int(np.median(nodes)),
                "worst_nodes": int(max(nodes)),
            }
        )

    if given.quick:
        row("planted", 20, 3, 3, "full", planted(20, 3, 3, 0.0, 0.0))
        row("altered", 20, 3, 3, "full", planted(20, 3, 3, 0.0, 0.1))
        row("formula, U given", 25, 9, 2, "full", formula(False))
        return
    row("planted", 40, 4, 4, "full", planted(40, 4, 4, 0.0, 0.0))
    row("formula, U given", 31, 9, 2, "full", formula(False))
    row("formula, U free", 33, 10, 2, "full", formula(True))
    row("altered", 20, 3, 3, "full", planted(20, 3, 3, 0.0, 0.1))
    row("biased", 40, 4, 4, "full", planted(40, 4, 4, 1.0, 0.0))
    row("planted", 80, 6, 6, "full", planted(80, 6, 6, 0.0, 0.0))
    row("planted", 40, 4, 4, "patterns only", planted(40, 4, 4, 0.0, 0.0))
    row("planted", 40, 4, 4, "big-M", lambda seed: big_m(plant(4, 4, 1, 40, seed=seed), seed))


if __name__ == "__main__":
    main()
