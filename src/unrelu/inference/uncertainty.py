"""Standard errors, intervals and predictions of a fitted network.

With J_i the Jacobian (m, p) of the labels of sample i in the canonical weights (‖v_j‖ = 1 and all
patterns held), the covariance of the weights is H⁻¹ G H⁻¹, H and G sums over the samples by what
the fit minimised and by what is assumed of the noise: the list is in `numerics.covariance`. A fit
weighted by the inverse of a noise covariance Ω is one of least squares in Ω^(−1/2) times the
outputs.

That patterns move with the weights counts where many samples are nearer to a kink than it is known.
The errors are then calibrated by simulated fits, see `calibration`, and a note says by how much;
for activations other than the ReLU it only says so. Where the slope of f is infinite at 0, as that
of √z is, the information would be, too: a sample next to the kink then counts with the slope of a
chord, as long as its height is uncertain.
What they leave out is that another minimum, of other units, may be as good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import stdtrit

from unrelu.errors import InputError
from unrelu.inference import fisher, notes
from unrelu.inference.along import ErrorsAlong
from unrelu.inference.arguments import (
    check_weighted,
    checked_unknowns,
    fitted_network,
    heights_known,
    model_of,
    of_entries,
    square_root,
    white_features,
)
from unrelu.inference.breakpoints import Breakpoint, along_input
from unrelu.inference.calibration import Factors, Fitted, affordable, calibrate
from unrelu.inference.covariance import in_outputs, least_squares, weighted
from unrelu.inference.units import (
    Spread,
    UnitEstimate,
    alike,
    estimate_units,
    near_kink,
    standard_errors,
    tied,
    unit_lines,
)
from unrelu.inference.weight_tables import weight_lines, weight_table
from unrelu.inputs.frames import beside, plain
from unrelu.inputs.names import UNNAMED, Names
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.quiet import quiet
from unrelu.samples import Samples, weighed
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
    units : per unit what is to know of it.
    undetermined : units of which some change changes no label; their errors leave it out.
    notes : what there is to doubt, in words.
    factors : by which the errors were multiplied, if they were calibrated by simulated fits.
    model, factor, covariance : the unknowns and their covariance (p, p), from which predictions
        are made: [x 1] = zᵀ factor, and the rest as in `numerics.fisher`.
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

    def intervals(self, level: float = 0.95) -> tuple[Network, Network]:
        """Lower and upper ends for every weight, each interval alone of the given level (Student
        t). Those of `undetermined` units are too short, as is said in `notes`."""
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
        if not 0 < level < 1:
            raise InputError(f"level: got {level}, expected a number between 0 and 1, such as 0.95")
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


@quiet
def assess(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    biased: bool,
    form: str = "homoscedastic",
    covariance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    simulate: bool = True,
    skip: bool = False,
    held: ArrayLike = (),
) -> Uncertainty:
    """Standard errors of the weights of `net`, fitted to Y ≈ f(XVᵀ + b)Uᵀ + c + noise.

    Parameters
    ----------
    net : the fitted network, put into canonical form; `biased` says whether its b and c were
        fitted (else they are zero).
    X, Y : (n, d) and (n, m) or (n,), the samples it was fitted to, in full.
    form : how the noise may depend on the sample: "homoscedastic" (not at all), "sandwich" (in any
        way), or "auto": the second, where the residuals show plainly that it does and there are ten
        labels to an unknown; with few samples the sandwich is the less reliable.
    covariance : (m, m), if the fit minimised Σ r_iᵀ covariance⁻¹ r_i; its scale is of no matter.
    weights : (n, m), if the fit minimised Σ w_io r_io², such as inverse variances.
    scores : (n, m), with weights, if the fit minimised Σ ρ(r_io) for some loss ρ: scores ρ'(r)
        and weights ρ''(r) (both times the same constant). The form is then "sandwich".
    sample_weight : (n,), if the fit minimised Σ w_i ‖r_i‖², or the same in the metric of the
        covariance: the variance of the noise of a sample is taken to be proportional to 1/w.
        Samples of weight zero are left out. `Uncertainty.noise` is that of the mean weight. For
        ReLU networks, and without weights and scores, which are to hold all weights there are.
    simulate : whether errors may be calibrated by simulated fits. It is done where patterns are
        unsure, for fits of ReLU networks without weights, and if it takes no more than a minute.
    skip : whether W of a term X Wᵀ was fitted, too (else it is zero). Errors are then those of the
        canonical sides of the units.
    held : units whose hidden weights have been set to zero where nothing is known of them: that
        they are not at the minimum then is no reason for doubt.

    With no covariance, weights and scores: least squares. The formulas: `numerics.covariance`.

    Raises
    ------
    InputError for shapes that do not fit, linearly dependent inputs, no more labels than
    unknowns, or more than `MOST_UNKNOWNS` unknowns.

    Assumes that `net` is at the minimum (a note says so if it is not) and that patterns are
    right on nearly all samples. Cost O(n p² + p³), p = k (d − 1 + m) + (k + m if biased), and
    m d with a skip connection, k where f is not homogeneous; memory that of the samples and a few
    (p, p).

    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.5], [-0.5], [3.0], [6.0]])
    >>> assess(Network([[1.0]], [[3.0]]), X, Y, biased=False).stderr.U ** 2     # 0.5 / 3 / 5
    array([[0.0333...]])
    """
    samples = Samples.of(X, Y)
    if sample_weight is not None:
        samples, _ = weighed(samples, beside("sample_weight", sample_weight, X))
    net = fitted_network(net, samples, biased, form)
    if samples.weights is not None:
        check_weighted(net.activation, weights)
    if covariance is not None and weights is not None:
        raise InputError(
            "covariance and weights: got both, expected one: a fit is weighted by one or the other"
        )
    root = square_root(covariance, samples.m)
    psi, slopes = of_entries(samples, weights, scores)
    if net.skip and not skip:
        raise InputError("skip: got False for a network with a skip connection, expected True")
    unknowns = checked_unknowns(net, samples, biased, skip)

    white = white_features(samples, biased)
    Z, mean = white.features, net(samples.X)
    residual = samples.left(mean)
    # Outputs in the coordinates in which the fit was one of plain least squares.
    apart = solve_triangular(root, residual.T, lower=True).T
    U = solve_triangular(root, net.U, lower=True)
    normal = apart if slopes is None else np.sqrt(np.maximum(slopes, 0.0)) * apart
    changing = "" if psi is not None else notes.changing_noise(normal, mean, Z)
    many = samples.n * samples.m >= notes.MANY * unknowns
    sandwich = form == "sandwich" or psi is not None or (form == "auto" and many and changing != "")
    doubt = heights_known(net, white, U, biased, apart)
    weighing = samples.weights is not None
    model = model_of(net, white, U, biased, skip, doubt, weighing)
    if slopes is None:
        found, pull = least_squares(model, Z, apart, sandwich=sandwich), apart
    else:
        found = weighted(model, Z, apart, slopes, psi, sandwich=sandwich)
        pull = slopes * apart if psi is None else psi
    step = found.inverse.matrix @ fisher.gradient(model, Z, pull)
    free = np.ones(model.unknowns, dtype=bool)
    cut = np.asarray(held, dtype=np.intp)
    free[: model.hidden_unknowns].reshape(model.shape[:2])[cut] = False
    off = notes.off_minimum(step[free], np.diag(found.covariance)[free])

    model = model_of(net, white, net.U, biased, skip, doubt, weighing)
    full = in_outputs(model, found.covariance, root)
    lost = fisher.undetermined(model, found.inverse)

    def read(full: Array) -> tuple[Spread, Network, tuple[UnitEstimate, ...]]:
        spread = Spread.of(model, white.factor, full)
        stderr = standard_errors(net, spread, biased, cut)
        return spread, stderr, estimate_units(net, spread, stderr, samples, found.tail, lost, cut)

    spread, stderr, units = read(full)
    factors = None
    fitted = Fitted(net, white, root, biased, skip, weighing)
    unsure = len(notes.unsure(near_kink(units), lost, net.n_inputs)) > 0
    plain = net.activation.piecewise_linear and slopes is None
    if simulate and plain and unsure and affordable(fitted):
        factors = calibrate(
            fitted,
            spread,
            stderr,
            np.array([unit.wald for unit in units]),
            alike(net, spread),
            found.noise,
            apart * np.sqrt(samples.n / found.tail) if sandwich else None,
        )
        scale = factors.unknowns(*model.shape[1:])
        full = scale[:, None] * full * scale
        spread, stderr, units = read(full)
    noise = root @ found.noise @ root.T
    angles = np.array([unit.angle_error for unit in units])
    shares = np.array([unit.active for unit in units])
    kinks = []
    if net.activation.kinked:
        by = None if factors is None else factors.units()
        kinks = notes.near_kinks(near_kink(units), lost, by)
    said = [
        *notes.few_samples(samples.n * samples.m, unknowns),
        *notes.undetermined(lost, shares),
        *notes.vague(angles, shares, lost),
        *kinks,
        *notes.pairs_alike(near := alike(net, spread)),
        *notes.pairs_tied([pair for pair in tied(spread) if pair not in near]),
        *notes.idle(np.array([unit.p_value for unit in units]), lost),
    ]
    exact = notes.no_noise(residual, mean, samples.eps)
    said += exact or off
    if psi is not None and not exact:
        said += notes.skewed_noise(residual, biased)
    if psi is None and not exact:
        said += notes.uneven_noise(noise, covariance is not None or slopes is not None)
        said += notes.allowed_for(changing, sandwich)
    return Uncertainty(
        network=net,
        form="sandwich" if sandwich else "homoscedastic",
        noise=noise,
        degrees_of_freedom=samples.n * samples.m - unknowns,
        stderr=stderr,
        units=units,
        undetermined=lost,
        notes=tuple(said),
        factors=factors,
        n_samples=samples.n,
        biased=biased,
        tail=found.tail,
        model=model,
        factor=white.factor,
        covariance=full,
        names=samples.names,
    )
