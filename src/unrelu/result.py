"""What `recover` returns, and what its one-word verdicts mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from unrelu import errors
from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding
from unrelu.errors import InputError
from unrelu.formats.results import read_result, save_result
from unrelu.formats.results_v1 import upgraded
from unrelu.inference.breakpoints import Breakpoint, along_input, of_units
from unrelu.inference.goodness import Goodness
from unrelu.inference.posterior import Smoothness
from unrelu.inference.summary import summarised
from unrelu.inference.uncertainty import Uncertainty
from unrelu.inputs.names import UNNAMED, Names
from unrelu.network import Network
from unrelu.noise.found import Noise
from unrelu.numerics.arrays import Array
from unrelu.numerics.equality import by_value
from unrelu.pictures.fit import Fit, draw_fit, inputs_shown
from unrelu.stored.blocks import Given
from unrelu.wording.card import card
from unrelu.wording.lines import labelled
from unrelu.wording.status import SENTENCES, Status
from unrelu.wording.streams import counted
from unrelu.wording.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BREAKPOINTS_SHOWN = 12


def remark(code: str, sentence: str) -> tuple[Finding, ...]:
    """A remark from which nothing follows, if there is one."""
    return (Finding(code, None, sentence),) if sentence else ()


def findings_of(remarks: Sequence[Finding], certificate: Certificate) -> tuple[Finding, ...]:
    """Remarks with a status, what the certificate has found, and the other remarks."""
    deciding = (each for each in remarks if each.status is not None)
    return (*deciding, *certificate.findings, *(each for each in remarks if each.status is None))


def status_of(remarks: Sequence[Finding], certificate: Certificate) -> Status:
    """That of the first finding."""
    status = findings_of(remarks, certificate)[0].status
    assert status is not None, "a certificate has a status"
    return status


def more_samples(remarks: Sequence[Finding], certificate: Certificate) -> int | None:
    """The first number that a finding names."""
    found = findings_of(remarks, certificate)
    return next((each.more_samples for each in found if each.more_samples is not None), None)


def explained(remarks: Sequence[Finding], certificate: Certificate) -> str:
    """All findings in one sentence or two. Where the network is no answer, those of the checks are
    stated of the closest network."""
    before = "; ".join(each.sentence for each in remarks if each.status is not None)
    after = "".join(f"; {each.sentence}" for each in remarks if each.status is None)
    finding = certificate.explanation
    if before and not certificate.network.n_units and certificate.status == Status.FAILED:
        return f"{before}{after}"
    if before and certificate.status == Status.FAILED:
        units = counted(certificate.network.n_units, "unit")
        return f"{before}. Of the closest network, with {units}: {finding}{after}"
    return f"{before}. Of the network found: {finding}{after}" if before else f"{finding}{after}"


@by_value
@dataclass(frozen=True, eq=False)
class Recovery:
    """The answer of `recover`.

    network : the network found in canonical form, or None when there is not even a candidate.
    certificate : what was checked, measured and bounded; its `recheck(X, Y)` does it again.
    stats : plain numbers and words: method, starts, seconds, rows used; and seed, the whole number
        that `rng` was, or that was drawn for `rng=None`: with it the same bits come out again.
    noise : which noise was found, when the labels are not explained to rounding.
    uncertainty : standard errors, intervals and predictions with errors, for an estimate.
    goodness : R², log-likelihood, AIC and BIC, when noise was found.
    ranges : (3, d) smallest value, mean and largest value of each input.
    hidden : (n, k) hidden values of the samples, one column per unit of the network, where the
        activation was unknown and they are known exactly; `network.activation` is then the curve.
    names : of the columns of X and Y, where they had names, and what was made of those that held
        dates.
    remarks : findings about the question asked, beside the certificate: fewer or more
        units than were asked for, a method that does not apply, a budget that is spent.
    smoothness : of the prior of hidden weights, where one was given: its lengths, and the evidence.
    """

    network: Network | None
    certificate: Certificate
    stats: Mapping[str, float | int | str]
    noise: Noise | None = None
    uncertainty: Uncertainty | None = None
    goodness: Goodness | None = None
    hidden: Array | None = None
    ranges: Array | None = None
    names: Names = UNNAMED
    remarks: tuple[Finding, ...] = ()
    smoothness: Smoothness | None = None

    @property
    def status(self) -> Status:
        """That of the certificate, unless it does not answer the question: then that of the first
        remark that says so."""
        return status_of(self.remarks, self.certificate)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, about the question and by the checks; the first one decides."""
        return findings_of(self.remarks, self.certificate)

    @property
    def code(self) -> str:
        """What decided the status, for programs: it stays the same when the words change."""
        return self.findings[0].code

    @property
    def more_samples(self) -> int | None:
        """About how many more samples of the same kind would do; None if none or unknown."""
        return more_samples(self.remarks, self.certificate)

    @property
    def explanation(self) -> str:
        """What was found, in words."""
        return explained(self.remarks, self.certificate)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole result to an .npz, which `unrelu.load_result` gives back.

        Certificate, network, uncertainty, noise, stats, hidden values: all of it is equal (`==`)
        after reading, every array bit for bit. `unrelu.save(result.network, path)` writes the
        network alone, in any form. Raises FileError where the file cannot be written, and for an
        activation that is a function of your own.
        """
        save_result(self, path)

    @property
    def sentence(self) -> str:
        """What the status means here."""
        decided = self.status == self.certificate.status
        return self.certificate.sentence if decided else SENTENCES[self.status]

    @property
    def stderr(self) -> Network | None:
        """Standard errors in the shape of the network when noise was found, else None."""
        return None if self.uncertainty is None else self.uncertainty.stderr

    @property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """Where the function found changes its slope, inside the data, from the smallest on:
        position, standard error, 95% interval, and the slopes on both sides with theirs.

        Of several inputs: the breakpoints of units whose hidden weights lie along one of them, as
        far as the labels tell, by input. None for other activations than the ReLU.
        `breakpoints_along` has those of all units along any line, and other levels.

        >>> from unrelu import recover
        >>> x = np.linspace(0, 10, 40)[:, None]
        >>> found = recover(x, 2 + np.maximum(x - 3.5, 0), rng=0).breakpoints[0]
        >>> round(found.position, 9), found.before.round(9), found.after.round(9)
        (3.5, array([0.]), array([1.]))
        """
        if self.network is None or self.ranges is None:
            return ()
        if not self.network.activation.piecewise_linear:
            return ()
        return of_units(self.network, self.uncertainty, self.ranges, certain=self._exact)

    def breakpoints_along(
        self, along: int | str = 0, at: ArrayLike | None = None, level: float = 0.95
    ) -> tuple[Breakpoint, ...]:
        """All breakpoints along input `along`, by number or name, wherever they lie, from a point
        `at` (d,): by default that of the means. Intervals are of the given level.

        Raises InputError where there is no ReLU network, and for an input, shape or level that
        cannot be meant.
        """
        if self.network is None:
            raise InputError("breakpoints: got a result without a network")
        if isinstance(along, str):
            if along not in self.names.inputs:
                known = ", ".join(self.names.inputs) or "inputs by number: they came without names"
                raise InputError(f"along: got {along!r}, expected one of {known}")
            along = self.names.inputs.index(along)
        if at is None:
            at = np.zeros(self.network.n_inputs) if self.ranges is None else self.ranges[1]
        return along_input(
            self.network, self.uncertainty, along, at, level=level, certain=self._exact
        )

    def summary(self, level: float = 0.95) -> Summary:
        """The fit as regressions are summarised: `print` it, or take `as_html()` or `frame()`
        (a pandas DataFrame of every weight with its standard error and interval).

        level : of the intervals. Raises InputError where there is no network, and for a level
        outside (0, 1).

        >>> from unrelu import recover
        >>> x = np.linspace(0, 10, 40)
        >>> y = 2 + np.maximum(x - 3.5, 0) + 0.1 * np.random.default_rng(0).standard_normal(40)
        >>> summary = recover(x[:, None], y, rng=0).summary()
        >>> [table.head[0] for table in summary.tables], summary.tables[1].rows[0][1]
        (['linear part', 'breakpoints'], '3.516 ± 0.037')
        """
        if self.network is None:
            raise InputError("summary: got a result without a network")
        return summarised(
            *(self.status, self.explanation, self.network, self.uncertainty, self.goodness),
            *(self.noise, self.breakpoints, self.names, level),
        )

    def plot(self, X: Given | None = None, Y: Given | None = None, level: float = 0.95) -> Figure:
        """A picture of the fit, over the range of its inputs: of one input, the function with its
        band and its breakpoints with their intervals; of several, the directions of the kinks, the
        first output along each of the inputs that matter most to it, the others at their means,
        and, with samples X (n, d) and Y (n, m), what is left of these.

        level : of the bands and intervals, each for a single value.

        Returns a matplotlib Figure, made without pyplot: a notebook displays it, and `savefig`
        saves it. Raises InputError where there is no network or it does not know its samples'
        range, and for X and Y that do not fit.
        """
        if self.network is None or self.ranges is None:
            raise InputError("plot: got a result without a network and the range of its inputs")
        low, _, high = self.ranges
        shown = inputs_shown(self.network, self.ranges)
        found = [
            each
            for along in (shown if self.network.activation.piecewise_linear else ())
            for each in self.breakpoints_along(along, level=level)
        ]
        kinks = [each for each in found if low[each.input] < each.position < high[each.input]]
        fit = Fit(self.network, self.uncertainty, kinks, self.ranges, self.names, level)
        return draw_fit(fit, X, Y)

    @property
    def _exact(self) -> bool:
        return self.status in (Status.PROVED, Status.EXACT)

    def breakpoint_rows(self) -> list[tuple[str, str]]:
        """The breakpoints as labelled lines."""
        if self.network is None:
            return []
        found, one = self.breakpoints, self.network.n_inputs == 1
        inputs = self.names.inputs or [f"x{i}" for i in range(self.network.n_inputs)]
        shown = [
            (
                f"breakpoint {i}" if one else f"breakpoint of {inputs[each.input]}",
                each.text(date=self.names.is_date(each.input)),
            )
            for i, each in enumerate(found[:BREAKPOINTS_SHOWN], 1)
        ]
        more = len(found) - len(shown)
        return [*shown, *([("breakpoints", f"and {more} more")] if more else [])]

    def rows(self) -> list[tuple[str, str]]:
        """The result as labelled lines, the one source of every rendering."""
        rows = [
            ("status", f"{self.status.value}: {self.sentence}"),
            ("network", repr(self.network)),
            *self.names.rows(),
        ]
        rows += [("verdict", self.explanation), *self.certificate.rows()[1:]]
        if self.noise is not None:
            rows += self.noise.rows(self.network.n_units if self.network else 0)
        if self.uncertainty is not None:
            rows += self.uncertainty.unit_rows() + self.uncertainty.weight_rows()
            rows += self.uncertainty.linear_rows()
        if self.smoothness is not None:
            rows += self.smoothness.rows()
        rows += self.breakpoint_rows()
        if self.uncertainty is not None:
            rows += [("note", note) for note in self.uncertainty.notes]
        rows += [
            (name.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value))
            for name, value in self.stats.items()
        ]
        return rows

    def __str__(self) -> str:
        return labelled(self.rows())

    def _repr_html_(self) -> str:
        """What a notebook shows: the lines of `rows`, but the units as a table."""
        rows, units = self.rows()[1:], []
        if self.uncertainty is not None:
            lines = [row for row in self.uncertainty.unit_rows() if row[0] != "…"]
            elsewhere = [*lines, *self.uncertainty.weight_rows()]
            rows = [row for row in rows if row not in elsewhere]
            units = [[name, *re.split(" {2,}", text.strip())] for name, text in lines]
        return card(self.status.value, self.sentence, rows, units)


class RecoveryError(errors.RecoveryError):
    """`recover` ended undetermined or failed; `result` is the full `Recovery`."""

    result: Recovery

    def __init__(self, result: Recovery) -> None:
        super().__init__(f"{result.status}. {result.explanation}")
        self.result = result

    def __reduce__(self) -> tuple[type[RecoveryError], tuple[Recovery]]:
        return RecoveryError, (self.result,)


def load_result(path: str | os.PathLike[str]) -> Recovery:
    """The result that `Recovery.save` wrote, equal to it in every number.

    Raises FileError for everything else, and for a version of the form that this library does not
    know. Nothing in the file is run.

    >>> import tempfile
    >>> from unrelu import recover
    >>> X = np.random.default_rng(0).standard_normal((100, 2))
    >>> result = recover(X, np.abs(X[:, 0]), bias=False, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/result.npz")
    ...     again = load_result(f"{folder}/result.npz")
    >>> again == result, again.stats["seed"]
    (True, 0)
    """
    return read_result(path, Recovery, {1: upgraded})
