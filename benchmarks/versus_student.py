"""Claim: recovery is at least 50 times faster than training a student, if training works at all.

The student is the usual alternative: a PyTorch network of the same width (which it is
given, and recover() is not), float64, full batch. Each start: labels standardised, weights drawn
at the usual scale, Adam with a one-cycle learning rate up to 0.02 for 2000 steps, then L-BFGS
(strong Wolfe line search) in rounds of 100 iterations while the loss falls by a tenth a round;
a start that stalls above rounding is given up and the next one drawn. It stops when its largest
hidden row error against the truth, which a user could not see, is below 1e-6, or when the time
per problem is spent. Same samples, same process, the same number of threads for both; recover()
is the median of three runs after one that warms up. One thread by default: the matrices are so
small that the student is slower with two.

Columns: problem d, k, m; n; biases; seed; starts of the student; best_row_error of the student;
student_s ("> t": stopped there without success); unrelu_s; unrelu_row_error; ratio student /
unrelu (a lower bound after ">").
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _table import Table, parser
from _trials import attempt
from support.planting import Planted, plant
from threadpoolctl import threadpool_limits

import unrelu

if TYPE_CHECKING:
    import torch

PROBLEMS = (
    # d, k, m, n, biases
    (20, 5, 5, 500, False),
    (20, 5, 1, 300, True),
    (40, 10, 10, 400, False),
    (100, 20, 20, 1000, False),
    (100, 20, 20, 2000, True),
)
GOAL = 1e-6
ADAM_STEPS = 2000
LEARNING_RATE = 0.02
ROUND = 100


@dataclass(frozen=True)
class Trained:
    starts: int
    error: float
    seconds: float


class Student:
    """x -> f(x Vᵀ + b) Uᵀ + c on standardised labels; without biases, b = c = 0 stay."""

    def __init__(self, problem: Planted, n: int, bias: bool, seed: int) -> None:
        import torch

        self.torch, self.truth, self.bias = torch, problem.truth, bias
        Y = problem.Y[:n]
        self.mean = Y.mean(axis=0) if bias else np.zeros(Y.shape[1])
        self.scale = float(np.sqrt(((Y - self.mean) ** 2).mean()))
        self.X = torch.from_numpy(problem.X[:n].copy())
        self.Y = torch.from_numpy((Y - self.mean) / self.scale)
        self.generator = torch.Generator().manual_seed(seed)
        self.weights: list[torch.Tensor] = []

    def restart(self) -> None:
        """He initialisation; hidden biases spread like the projections of the inputs."""
        (k, d), m = self.truth.V.shape, self.truth.n_outputs

        def normal(*shape: int) -> torch.Tensor:
            return self.torch.randn(*shape, generator=self.generator, dtype=self.torch.float64)

        self.weights = [normal(k, d) * (2 / d) ** 0.5, normal(m, k) * (1 / k) ** 0.5]
        if self.bias:
            self.weights += [0.5 * normal(k), self.torch.zeros(m, dtype=self.torch.float64)]
        for weight in self.weights:
            weight.requires_grad_(True)

    def loss(self) -> torch.Tensor:
        hidden = self.X @ self.weights[0].T
        if self.bias:
            hidden = hidden + self.weights[2]
        answer = self.torch.relu(hidden) @ self.weights[1].T
        if self.bias:
            answer = answer + self.weights[3]
        loss: torch.Tensor = ((answer - self.Y) ** 2).mean()
        return loss

    def error(self) -> float:
        """Largest hidden row error; infinite with a unit missing or merged."""
        arrays = [weight.detach().numpy() for weight in self.weights]
        if not all(np.isfinite(array).all() for array in arrays):
            return float("inf")
        b, c = arrays[2:] if self.bias else (None, 0.0)
        c = np.asarray(c) * self.scale + self.mean
        net = unrelu.Network(arrays[0], arrays[1] * self.scale, b, c)
        aligned = unrelu.match(net, self.truth)
        whole = not len(aligned.missing) and not len(aligned.extra)
        return float(aligned.hidden.max()) if whole else float("inf")

    def adam(self, deadline: float) -> None:
        torch = self.torch
        adam = torch.optim.Adam(self.weights, lr=LEARNING_RATE)
        cycle = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, total_steps=ADAM_STEPS)
        for _ in range(ADAM_STEPS):
            if time.perf_counter() > deadline:
                return
            adam.zero_grad()
            self.loss().backward()
            adam.step()
            cycle.step()

    def lbfgs(self, deadline: float) -> float:
        """Rounds until the goal or a stall; the error reached."""
        optimiser = self.torch.optim.LBFGS(
            self.weights,
            max_iter=ROUND,
            history_size=50,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            loss = self.loss()
            loss.backward()
            return loss

        before, error = float("inf"), self.error()
        while time.perf_counter() < deadline:
            optimiser.step(closure)
            after, error = float(self.loss().detach()), self.error()
            if error < GOAL or not after < 0.9 * before:
                break
            before = after
        return error


def train(problem: Planted, n: int, bias: bool, *, seed: int, budget: float) -> Trained:
    student = Student(problem, n, bias, seed)
    start = time.perf_counter()
    starts, best = 0, float("inf")
    while best >= GOAL and time.perf_counter() - start < budget:
        starts += 1
        student.restart()
        student.adam(start + budget)
        best = min(best, student.lbfgs(start + budget))
    return Trained(starts, best, time.perf_counter() - start)


def main() -> None:
    options = parser(__doc__, seeds=3)
    options.add_argument("--budget", type=float, default=120.0, help="seconds per problem (120)")
    options.add_argument("--threads", type=int, default=1, help="for both (1)")
    given = options.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("this benchmark trains a student in PyTorch: pip install '.[benchmarks]'")
    torch.set_num_threads(given.threads)
    with threadpool_limits(given.threads):
        compare(given.seeds, given.budget, quick=given.quick)


def compare(seeds: int, budget: float, *, quick: bool) -> None:
    if quick:
        budget = min(budget, 8.0)
    table = Table(
        "versus_student",
        [
            "problem",
            "n",
            "biases",
            "seed",
            "starts",
            "best_row_error",
            "student_s",
            "unrelu_s",
            "unrelu_row_error",
            "ratio",
        ],
        quick=quick,
    )
    for d, k, m, n, bias in PROBLEMS[: 2 if quick else None]:
        for seed in range(1 if quick else seeds):
            problem = plant(d, k, m, n + 1000, seed=seed, bias=0.5 if bias else 0.0)
            ours = [attempt(problem, n, seed=seed, bias=bias) for _ in range(4)][1:]
            seconds = float(np.median([trial.seconds for trial in ours]))
            theirs = train(problem, n, bias, seed=seed, budget=budget)
            sign = "" if theirs.error < GOAL else "> "
            table.add(
                {
                    "problem": f"{d},{k},{m}",
                    "n": n,
                    "biases": "yes" if bias else "no",
                    "seed": seed,
                    "starts": theirs.starts,
                    "best_row_error": theirs.error,
                    "student_s": f"{sign}{theirs.seconds:.3g}",
                    "unrelu_s": seconds,
                    "unrelu_row_error": max(trial.row_error for trial in ours),
                    "ratio": f"{sign}{theirs.seconds / seconds:.3g}",
                }
            )
    draw(table)


def draw(table: Table) -> None:
    from matplotlib.axes import Axes

    def paint(axes: Axes) -> None:
        names = [
            f"{row['problem']}{', biases' if row['biases'] == 'yes' else ''}, seed {row['seed']}"
            for row in table.rows
        ]
        places = np.arange(len(names))
        reached = np.array([">" not in str(row["student_s"]) for row in table.rows])
        times = np.array([float(str(row["student_s"]).lstrip("> ")) for row in table.rows])
        for chosen, face, label in (
            (reached, "C1", "student"),
            (~reached, "none", "student, stopped without success"),
        ):
            if chosen.any():
                axes.plot(times[chosen], places[chosen], "o", color="C1", mfc=face, label=label)
        ours = [float(row["unrelu_s"]) for row in table.rows]
        axes.plot(ours, places, "s", color="C0", label="unrelu")
        axes.set_xscale("log")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlabel("seconds")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)

    table.draw(paint)


if __name__ == "__main__":
    main()
