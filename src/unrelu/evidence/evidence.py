"""What every kind of evidence provides, and the question that it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.checks.kinds_of_labels import kind_of_labels, steps
from unrelu.errors import InputError
from unrelu.inputs.frames import tables
from unrelu.inputs.options import check_flag
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.samples import ExactSamples, Samples
from unrelu.stored.blocks import Given
from unrelu.stored.kinds import stored
from unrelu.wording.status import Status
from unrelu.wording.streams import counted


@dataclass(frozen=True, eq=False)
class Question:
    """Which network is to be certified, and among which: `biased`, `skip`: whether networks with
    biases, and with a skip connection, compete with it. `used`: the samples that served to find
    it. `values`: the labels are known to be values, and not, say, class labels."""

    network: Network
    biased: bool
    skip: bool = False
    used: Index = field(default_factory=lambda: np.arange(0))
    values: bool = False

    def check_widths(self, samples: Samples) -> None:
        """Raises InputError where the samples are not for this network."""
        for what, got, expected in (
            ("input", samples.d, self.network.n_inputs),
            ("output", samples.m, self.network.n_outputs),
        ):
            if got != expected:
                raise InputError(f"samples have {counted(got, what)}, the network has {expected}")


def question(net: Network, bias: bool | None, skip: bool | None) -> Question:
    """Whether networks with biases, and with a skip connection, compete with it; None: if it has
    them."""
    has_biases = bool(net.b.any() or net.c.any())
    for name, value, has in (("bias", bias, has_biases), ("skip", skip, net.skip)):
        if value is not None:
            check_flag(name, value)
        if value is False and has:
            raise InputError(f"{name}: got False, expected True or None: the network has one")
    return Question(net, has_biases if bias is None else bias, net.skip if skip is None else skip)


class Evidence(ABC):
    """What was measured of a network on samples; every kind is a frozen dataclass. `explained`:
    whether labels have to be explained to rounding, none of them left out."""

    @property
    def explained(self) -> bool:
        return True

    @abstractmethod
    def recheck(self, asked: Question, X: Given, Y: Given) -> Judgement:
        """The same checks of the network on these samples, none of them used to find it."""

    @abstractmethod
    def rows(self, counts: tuple[str, str]) -> list[tuple[str, str]]:
        """The evidence as labelled lines; `counts` is that of the samples."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """A network in canonical form, what was measured, and what was found, the decisive first.
    `fitted`: samples that served to find the network, where there are more than `asked.used`."""

    network: Network
    asked: Question
    n_samples: int
    evidence: Evidence
    findings: tuple[Finding, ...]
    fitted: int = 0


def kind_found(
    network: Network, status: Status | None, evidence: Evidence, samples: Samples
) -> Finding | None:
    """What the labels are, if they are no values: tested where they are not explained to rounding,
    and, for steps, where the network that explains them is not the only one."""
    if status == Status.FAILED or not evidence.explained:
        return kind_of_labels(samples, network)
    return steps(samples) if status == Status.UNDETERMINED else None


def with_kind_of_labels(judgement: Judgement, samples: Samples) -> Judgement:
    """The judgement in view of `kind_found`, unless the labels are known to be values."""
    if judgement.asked.values:
        return judgement
    status = judgement.findings[0].status
    kind = kind_found(judgement.network, status, judgement.evidence, samples)
    return judgement if kind is None else replace(judgement, findings=(kind, *judgement.findings))


def in_floats(X: Given, Y: Given) -> Samples:
    """The samples, rounded if they are Fractions: not everything asked of those ends over ℚ."""
    if stored("X", X) is not None or stored("Y", Y) is not None:
        return Samples.of(X, Y)
    X, Y, _ = tables(X, Y)
    if "O" in (np.asarray(X).dtype.kind, np.asarray(Y).dtype.kind):
        return ExactSamples.of(X, Y).rounded
    return Samples.of(X, Y)


def errors_known(errors: Array, undetermined: Index) -> bool:
    """Whether standard errors were computed at all: infinite ones then name the units."""
    return not len(errors) or len(undetermined) > 0 or bool(np.isfinite(errors).any())


def equations_row(equations: int, unknowns: int, more: str = "") -> tuple[str, str]:
    return "equations", f"{equations} for {counted(unknowns, 'unknown')}{more}"
