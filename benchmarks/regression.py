"""Claim: as a regressor with its defaults the library predicts within 0.02 of R² of the best of
gradient boosting, a multilayer perceptron and ridge regression, or better, on most of twelve data
sets; its intervals hold new labels as often as they say.

Data: `_regression_data.py`. Three quarters of the rows are fitted, the others predicted; inputs of
the perceptron and of ridge are standardised, and so are the perceptron's labels; ridge's penalty is
cross-validated. Of one input, pwlf (with the number of segments that BIC prefers of one to five)
and piecewise-regression (its own choice of up to four breakpoints) run beside.

Columns: data; n, d: rows and inputs in all; noise: its size, where planted; seed of the data or of
the split; model; r2 of the predicted labels; coverage: share of these within 95% intervals of new
labels, of models that have them; status and units, of this library; seconds of processor time, and
as a multiple of an SVD of a 2,000 × 2,000 matrix in the same run.

    python benchmarks/regression.py [--only housing,engel]
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from _regression_data import SETS, Data
from _table import Table, parser
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unrelu import InputError, RectifiedNetworkRegressor

Array = NDArray[np.float64]

COLUMNS = (
    *("data", "n", "d", "noise", "seed", "model", "r2", "coverage", "status", "units"),
    *("seconds", "svds"),
)


def perceptron() -> Any:
    net = MLPRegressor(hidden_layer_sizes=(100,), max_iter=2000, random_state=0)
    return TransformedTargetRegressor(
        make_pipeline(StandardScaler(), net), transformer=StandardScaler()
    )


MODELS: dict[str, Callable[[], Any]] = {
    "unrelu": lambda: RectifiedNetworkRegressor(random_state=0),
    "boosting": lambda: GradientBoostingRegressor(random_state=0),
    "perceptron": perceptron,
    "ridge": lambda: make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
}


class Pwlf:
    """Segments by BIC."""

    def fit(self, X: Array, y: Array) -> Pwlf:
        import pwlf

        fits = []
        for segments in range(1, 6):
            fit = pwlf.PiecewiseLinFit(X[:, 0], y, seed=0)
            fit.fit(segments)
            left = float(((y - fit.predict(X[:, 0])) ** 2).sum())
            fits.append((len(y) * np.log(left / len(y)) + 2 * segments * np.log(len(y)), fit))
        self._fit = min(fits, key=lambda each: each[0])[1]
        return self

    def predict(self, X: Array) -> Array:
        return np.asarray(self._fit.predict(X[:, 0]))


class PiecewiseRegression:
    """Its own choice of the number of breakpoints, by BIC."""

    def fit(self, X: Array, y: Array) -> PiecewiseRegression:
        import piecewise_regression

        x, labels = X[:, 0].tolist(), y.tolist()
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a table
            chosen = piecewise_regression.ModelSelection(x, labels, max_breakpoints=4)
        known = [each for each in chosen.model_summaries if each["converged"]]
        best = min(known, key=lambda each: each["bic"])
        self._fit, self._line = None, None
        if best["n_breakpoints"]:
            count = best["n_breakpoints"]
            self._fit = piecewise_regression.Fit(x, labels, n_breakpoints=count)
        if self._fit is None or not self._fit.best_muggeo:
            self._fit, self._line = None, np.polyfit(X[:, 0], y, 1)
        return self

    def predict(self, X: Array) -> Array:
        if self._line is not None:
            return np.asarray(np.polyval(self._line, X[:, 0]))
        return np.asarray(self._fit.predict(X[:, 0].tolist()))


def models(data: Data) -> Iterator[tuple[str, Any]]:
    for name, make in MODELS.items():
        yield name, make()
    if data.X.shape[1] == 1:
        yield "pwlf", Pwlf()
        yield "piecewise-regression", PiecewiseRegression()


def split(data: Data, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = rng.permutation(len(data.y))
    return order[: 3 * len(order) // 4], order[3 * len(order) // 4 :]


def run(data: Data, seed: int, reference: float, table: Table) -> None:
    fitted, held_out = split(data, np.random.default_rng(seed))
    X, y = data.X[held_out], data.y[held_out]
    for name, model in models(data):
        start = time.process_time()
        model.fit(data.X[fitted], data.y[fitted])
        seconds = time.process_time() - start
        left = y - model.predict(X)
        coverage: float | str = ""
        status: str = ""
        units: int | str = ""
        if isinstance(model, RectifiedNetworkRegressor):
            status, units = model.result_.status.value, model.network_.n_units
            try:
                low, high = model.predict_interval(X).T
                coverage = float(((low <= y) & (y <= high)).mean())
            except InputError:  # it has no errors
                pass
        table.add(
            {
                "data": data.name,
                "n": len(data.y),
                "d": data.X.shape[1],
                "noise": data.about,
                "seed": seed,
                "model": name,
                "r2": 1 - float((left**2).sum() / ((y - y.mean()) ** 2).sum()),
                "coverage": coverage,
                "status": status,
                "units": units,
                "seconds": seconds,
                "svds": seconds / reference,
            }
        )


def svd_seconds() -> float:
    matrix = np.random.default_rng(0).standard_normal((2000, 2000))
    start = time.process_time()
    np.linalg.svd(matrix)
    return time.process_time() - start


def main() -> None:
    arguments = parser(__doc__, seeds=3)
    arguments.add_argument("--only", default="", help="names of data sets, with commas")
    options = arguments.parse_args()
    warnings.simplefilter("ignore")
    only = options.only.split(",") if options.only else [make.__name__ for make in SETS]
    if options.quick:
        only = ["engel"]
    reference = svd_seconds()
    table = Table("regression", COLUMNS, quick=options.quick or bool(options.only))
    for seed in range(1 if options.quick else options.seeds):
        for make in SETS:
            if make.__name__ in only:
                run(make(np.random.default_rng(seed)), seed, reference, table)


if __name__ == "__main__":
    main()
