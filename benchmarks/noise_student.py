"""Claim: on noisy labels recovery is as precise as a trained student of the same loss, or more,
in a fraction of the time.

The student is that of versus_student.py: a PyTorch network of the same width (which both are
told), float64, full batch, Adam and then L-BFGS in rounds until one gains less than a millionth;
the best training loss of five starts counts, or of as many as begin within the time per problem.
Its loss is what recover() minimises in the end: squares for Gaussian noise, the likelihood of
Student's t for Cauchy noise, of which the student is told the scale. Noise has the same size in
every output, so that plain squares are efficient. Same samples, the same number of threads.

Columns: problem d, k, m; n; biases; noise; seed; starts of the student; student_error,
unrelu_error: root mean square over the hidden rows (unit rows, after matching; inf with a unit
missing); errors: student / unrelu; student_s, unrelu_s: seconds (recover() with its standard
errors, the median of three runs after one that warms up); times: student / unrelu; one_start:
the same for the first start of the student alone, whatever it ended in.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from _noisy import row_errors
from _table import Table, parser
from support.planting import Planted, plant
from threadpoolctl import threadpool_limits
from versus_student import ROUND, Student

import unrelu

if TYPE_CHECKING:
    import torch

PROBLEMS = (
    # d, k, m, n, biases, noise, its size
    (20, 5, 5, 2000, False, "gaussian", 0.3),
    (20, 5, 2, 5000, True, "gaussian", 0.3),
    (20, 5, 5, 5000, True, "cauchy", 1.0),
)
STARTS = 5
GAINS = 1e-6
COLUMNS = (
    "problem",
    "n",
    "biases",
    "noise",
    "seed",
    "starts",
    "student_error",
    "unrelu_error",
    "errors",
    "student_s",
    "unrelu_s",
    "times",
    "one_start",
)


class NoisyStudent(Student):
    """With a loss that suits the noise; `scale_of_noise`, of a Cauchy distribution, or None."""

    def __init__(
        self, problem: Planted, n: int, bias: bool, seed: int, scale_of_noise: float | None
    ) -> None:
        super().__init__(problem, n, bias, seed)
        if scale_of_noise is not None:  # the mean and the size of Cauchy labels mean nothing
            Y = problem.Y[:n]
            self.mean = np.median(Y, axis=0) if bias else self.mean
            self.scale = float(np.median(np.abs(Y - self.mean))) / 0.6745
            self.Y = self.torch.from_numpy((Y - self.mean) / self.scale)
        self.width = None if scale_of_noise is None else scale_of_noise / self.scale

    def loss(self) -> torch.Tensor:
        if self.width is None:
            return super().loss()
        hidden = self.X @ self.weights[0].T
        if self.bias:
            hidden = hidden + self.weights[2]
        answer = self.torch.relu(hidden) @ self.weights[1].T
        if self.bias:
            answer = answer + self.weights[3]
        loss: torch.Tensor = self.torch.log1p(((answer - self.Y) / self.width) ** 2).mean()
        return loss

    def lbfgs(self, deadline: float) -> float:
        """Rounds until one gains next to nothing; the loss."""
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

        after, before = float(self.loss().detach()), float("inf")
        while after < (1 - GAINS) * before and time.perf_counter() < deadline:
            optimiser.step(closure)
            before, after = after, float(self.loss().detach())
        return after

    def network(self) -> unrelu.Network:
        arrays = [weight.detach().numpy().copy() for weight in self.weights]
        b, c = arrays[2:] if self.bias else (None, 0.0)
        c = np.asarray(c) * self.scale + self.mean
        return unrelu.Network(arrays[0], arrays[1] * self.scale, b, c)


def train(student: NoisyStudent, budget: float) -> tuple[unrelu.Network | None, int, float, float]:
    """The network of the best start, starts, seconds, and those of the first start."""
    began = time.perf_counter()
    best, least, starts, first = None, float("inf"), 0, 0.0
    while starts < STARTS and time.perf_counter() - began < budget:
        starts += 1
        student.restart()
        student.adam(began + 2 * budget)
        loss = student.lbfgs(began + 2 * budget)
        first = first or time.perf_counter() - began
        if loss < least:
            best, least = student.network(), loss
    return best, starts, time.perf_counter() - began, first


def main() -> None:
    options = parser(__doc__, seeds=3)
    options.add_argument("--budget", type=float, default=60.0, help="seconds per problem (60)")
    options.add_argument("--threads", type=int, default=1, help="for both (1)")
    given = options.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("this benchmark trains a student in PyTorch: pip install '.[benchmarks]'")
    torch.set_num_threads(given.threads)
    table = Table("noise_student", COLUMNS, quick=given.quick)
    with threadpool_limits(given.threads):
        for problem in PROBLEMS[:1] if given.quick else PROBLEMS:
            for seed in range(1 if given.quick else given.seeds):
                compare(table, problem, seed, 3.0 if given.quick else given.budget)


def compare(
    table: Table,
    problem: tuple[int, int, int, int, bool, str, float],
    seed: int,
    budget: float,
) -> None:
    d, k, m, n, bias, kind, share = problem
    planted = plant(d, k, m, n, seed=seed, bias=0.5 * bias)
    size = share * float(np.sqrt(planted.Y.var(axis=0).mean()))
    rng = np.random.default_rng([seed, 1])
    draw = rng.standard_cauchy if kind == "cauchy" else rng.standard_normal
    noisy = Planted(planted.X, planted.Y + size * draw(planted.Y.shape), planted.truth)
    ours, seconds = [], []
    for _ in range(4):
        start = time.perf_counter()
        result = unrelu.recover(noisy.X, noisy.Y, k, bias=bias, rng=seed, throw=False)
        seconds.append(time.perf_counter() - start)
        ours.append(result.network)
    student = NoisyStudent(noisy, n, bias, seed, size if kind == "cauchy" else None)
    theirs, starts, spent, first = train(student, budget)
    errors = [
        float(np.sqrt((row_errors(net, planted.truth) ** 2).mean())) for net in (theirs, ours[0])
    ]
    mine = float(np.median(seconds[1:]))
    table.add(
        {
            "problem": f"{d},{k},{m}",
            "n": n,
            "biases": "yes" if bias else "no",
            "noise": f"{kind} {share:g}",
            "seed": seed,
            "starts": starts,
            "student_error": errors[0],
            "unrelu_error": errors[1],
            "errors": errors[0] / errors[1],
            "student_s": spent,
            "unrelu_s": mine,
            "times": spent / mine,
            "one_start": first / mine,
        }
    )


if __name__ == "__main__":
    main()
