"""How far a fitted network may be off: standard errors, intervals and predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import stdtrit

from unrelu.errors import InputError
from unrelu.inference import fisher
from unrelu.inference.along import ErrorsAlong
from unrelu.inference.breakpoints import Breakpoint, along_input, check_level
from unrelu.inference.calibration import Factors
from unrelu.inference.kink_profiles import KinkProfile
from unrelu.inference.units import Spread, UnitEstimate, unit_lines
from unrelu.inference.weight_tables import weight_lines, weight_table
from unrelu.inputs.frames import plain
from unrelu.inputs.names import UNNAMED, Names
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.wording.lines import labelled

OUTPUTS_SHOWN, INPUTS_SHOWN = 8, 8

PREDICTED_TOGETHER = 1 << 14
"""Rows whose features are held at once."""


@by_value
@dataclass(frozen=True, eq=False)
class Prediction:
    """Noiseless outputs at some inputs, each (n, m): estimate, standard error, and the ends of
    the interval of the given level for each single output."""

    mean: Array
    stderr: Array
    low: Array
    high: Array
    level: float


@by_value
@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How far a fitted network may be off.

    network : in canonical form; `stderr` has the standard errors of its weights in its shape
        (zero for biases that are not there).
    form : "homoscedastic" or "sandwich", see `numerics.covariance`.
    noise : (m, m) covariance of the noise of one sample, corrected for the unknowns; of a
        robust fit, gross errors included.
    degrees_of_freedom : n m − p.
    units : the estimate of each unit.
    undetermined : units of which some change changes no label; their errors leave it out.
    notes : reasons for caution, in sentences.
    factors : by which the errors were multiplied, if they were calibrated: by simulated fits or,
        with one input, by the likelihood of the breakpoints (`kinks`).
    model, factor, covariance : the unknowns and their covariance (p, p), from which predictions
        are made: [x 1] = zᵀ factor, and the rest as in `inference.fisher`.
    """

    network: Network
    form: str
    noise: Array
    degrees_of_freedom: int
    stderr: Network
    units: tuple[UnitEstimate, ...]
    undetermined: Index
    notes: tuple[str, ...]
    factors: Factors | None
    n_samples: int
    biased: bool
    tail: float = field(repr=False)
    """Degrees of freedom of the t distribution that intervals are taken from."""
    model: fisher.Model = field(repr=False)
    factor: Array = field(repr=False)
    covariance: Array = field(repr=False)
    names: Names = UNNAMED
    kept: Index | None = None
    """Columns of X that have weights, where others were left out; else None."""
    kinks: tuple[KinkProfile, ...] = ()
    """Of one input, where breakpoints may lie, by the likelihood; of units that have none, less."""

    def intervals(self, level: float = 0.95) -> tuple[Network, Network]:
        """Lower and upper ends for every weight, each interval alone of the given level (Student
        t). Those of `undetermined` units are too short, as `notes` say."""
        q = self._quantile(level)
        net, error = self.network, self.stderr

        def end(q: float) -> Network:
            V, U = net.V + q * error.V, net.U + q * error.U
            b, c, W = net.b + q * error.b, net.c + q * error.c, net.W + q * error.W
            return Network(V, U, b, c, net.activation, W)

        return end(-q), end(q)

    def predict(self, X: ArrayLike, level: float = 0.95) -> Prediction:
        """The noiseless output at the rows of X (n, d), with standard errors and intervals.

        O(n p²) operations, memory of the result and a block. Raises InputError for another
        width or a level outside (0, 1).
        """
        q = self._quantile(level)
        X = self._finite(X)
        mean = self.network(X)
        stderr = np.empty_like(mean)
        for rows, Z in self._features(X):
            stderr[rows] = fisher.output_variance(self.model, Z, self.covariance)
        np.sqrt(stderr, out=stderr)
        return Prediction(mean, stderr, mean - q * stderr, mean + q * stderr, level)

    def output_covariance(self, X: ArrayLike) -> Array:
        """(n, m, m): covariance of the estimated noiseless outputs at each row of X. O(n p²)."""
        X, m = self._finite(X), self.network.n_outputs
        result = np.empty((len(self.network(X)), m, m))
        for rows, Z in self._features(X):
            result[rows] = fisher.output_covariance(self.model, Z, self.covariance)
        return result

    def breakpoints(
        self, along: int = 0, at: ArrayLike | None = None, level: float = 0.95
    ) -> tuple[Breakpoint, ...]:
        """The breakpoints along input number `along` from a point `at` (d,), by default, where
        biases were fitted, that of the means: see `Recovery.breakpoints_along`."""
        if at is None:
            kept = slice(None) if self.kept is None else self.kept
            at = np.zeros(self.network.n_inputs)
            if self.biased:
                means = (self.factor.T @ self.factor)[:-1, -1]
                at[kept] = means / float(self.factor[:, -1] @ self.factor[:, -1])
        return along_input(self.network, self, along, at, level=level)

    def errors_along(self, along: int) -> ErrorsAlong:
        """The errors behind `breakpoints`."""
        spread = Spread.of(self.model, self.factor, self.covariance)
        towards = self.network.V[:, along]
        return ErrorsAlong.of(spread, towards, along, self.undetermined, self.kept)

    def table(self) -> list[dict[str, float]]:
        """`units` as plain numbers."""
        return [dict(vars(unit)) for unit in self.units]

    def weights(self, level: float = 0.95) -> list[dict[str, object]]:
        """Every weight with its standard error and interval, one to a line: which `kind` it is
        ("hidden weight", "hidden bias", "output weight", "output bias", "skip weight"), of which
        `unit`, `input` and `output` (by name where the samples had names, else by number; None
        where it has none), `estimate`, `stderr`, `low` and `high`. For `pandas.DataFrame`, say."""
        low, high = self.intervals(level)
        return list(weight_table(self.network, self.stderr, low, high, self.names))

    def rows(self) -> list[tuple[str, str]]:
        """All but the units as labelled lines."""
        p, entries = self.model.unknowns, self.n_samples * self.network.n_outputs
        sizes = np.sqrt(np.diag(self.noise))
        span = f"{sizes.min():.3g}"
        if len(sizes) > 1:
            span += f" to {sizes.max():.3g} between outputs"
        return [
            ("network", repr(self.network)),
            ("standard errors", self.form),
            ("noise", span),
            ("degrees of freedom", f"{self.degrees_of_freedom}: {entries} labels, {p} unknowns"),
            *((f"note {i}", note) for i, note in enumerate(self.notes, 1)),
        ]

    def unit_rows(self) -> list[tuple[str, str]]:
        """The units as labelled lines, the first of them the heads of the columns."""
        return unit_lines(self.units, self.biased)

    def linear_rows(self) -> list[tuple[str, str]]:
        """c and the row of W of each output, with standard errors, as labelled lines: of a network
        with a skip connection or without units."""
        net, error = self.network, self.stderr
        if net.n_units and not self.model.linear:
            return []
        inputs = self.names.inputs or [f"x{i}" for i in range(net.n_inputs)]
        rows = []
        for o in range(min(net.n_outputs, OUTPUTS_SHOWN)):
            parts = [f"constant {net.c[o]:.5g} ± {error.c[o]:.2g}"] * self.biased
            if self.model.linear:
                slopes = zip(inputs, net.W[o], error.W[o], strict=True)
                parts += [f"{name} {w:.5g} ± {off:.2g}" for name, w, off in slopes]
            more = len(parts) - INPUTS_SHOWN
            shown = ", ".join(parts[:INPUTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
            label = "" if net.n_outputs == 1 else f" of {self.names.output(o)}"
            rows.append((f"linear term{label}", shown))
        return rows

    def weight_rows(self) -> list[tuple[str, str]]:
        """The weights by name as labelled lines, where there are names and room for them."""
        return weight_lines(self.network, self.stderr, self.names)

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words; of the networks, the standard errors alone."""
        error, names = self.stderr, ["V", "U", "b", "c"] + ["W"] * self.model.linear
        return {
            "form": self.form,
            "degrees_of_freedom": self.degrees_of_freedom,
            "units": self.table(),
            "undetermined": self.undetermined.tolist(),
            "notes": list(self.notes),
            "stderr": {name: getattr(error, name).tolist() for name in names},
        }

    def __str__(self) -> str:
        tables = [self.rows(), [*self.unit_rows(), *self.linear_rows()], self.weight_rows()]
        return "\n\n".join(labelled(rows) for rows in tables if rows)

    def _quantile(self, level: float) -> float:
        check_level(level)
        return float(stdtrit(self.tail, 0.5 + 0.5 * level))

    def _finite(self, X: ArrayLike) -> NDArray[Any]:
        """As an array; its type and shape are for the network to check."""
        array = np.asarray(plain("X", X, expected=self.names.inputs))
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError("X: got values that are not finite, expected real numbers")
        return array

    def _features(self, X: NDArray[Any]) -> Iterator[tuple[slice, Array]]:
        """Rows of X, checked by the network before, in the coordinates of the model."""
        for start in range(0, len(X), PREDICTED_TOGETHER):
            rows = slice(start, start + PREDICTED_TOGETHER)
            block = np.asarray(X[rows], dtype=np.float64)
            block = block if self.kept is None else block[:, self.kept]
            if self.biased:
                block = np.column_stack([block, np.ones(len(block))])
            yield rows, solve_triangular(self.factor, block.T, trans="T").T
