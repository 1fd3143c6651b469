"""The certificate: what samples show of a network, whoever found it. It alone sets a status.

Knows no method; trusts nothing but X, Y and the network. What is checked depends on the evidence:

labels without noise   every label is within what float arithmetic may have done to it; no other
                       network with as many units does as well (`evidence.exact_labels`).
noisy labels           what the network leaves shows no dependence on the inputs, so it may be
                       noise; the weights are determined (`evidence.noisy_labels`).
rational labels        every label is recomputed over the rationals, and the Jacobian's rank, too;
                       or a refutation holds (`evidence.rational_labels`).
class labels           of chosen inputs, `evidence.boundary_labels`; drawn by chance for given
                       ones, `evidence.class_labels`.
likeliest classes      and their probabilities, `evidence.shown_classes`.
hidden values          where the activation is unknown: they are exact (`evidence.hidden_values`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrelu.checks.finding import Finding
from unrelu.checks.hidden_values import HiddenValues
from unrelu.checks.proof import Proof
from unrelu.checks.refuted import Refutation
from unrelu.checks.unexplained import Unexplained
from unrelu.errors import InputError, InputTypeError
from unrelu.evidence.boundary_labels import BoundaryLabels
from unrelu.evidence.class_labels import DrawnLabels
from unrelu.evidence.evidence import Judgement, Question, question
from unrelu.evidence.exact_labels import ExactLabels
from unrelu.evidence.hidden_values import HiddenLabels, judge_hidden
from unrelu.evidence.labels import check_noise, judge_with
from unrelu.evidence.noisy_labels import NoisyLabels
from unrelu.evidence.rational_labels import RationalLabels, Refuted, judge_rational
from unrelu.evidence.shown_classes import ShownProbabilities
from unrelu.network import Network
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE
from unrelu.numerics.quiet import quiet
from unrelu.samples import ExactSamples, Samples
from unrelu.stored.blocks import Given
from unrelu.stored.doors import with_passes
from unrelu.stored.kinds import within
from unrelu.wording.lines import labelled
from unrelu.wording.plain import plain
from unrelu.wording.status import SENTENCES, Status
from unrelu.wording.streams import kind_of

ORDERED_ROWS = 5000
"""On which no hidden value may be out of order, where the activation is unknown."""


OfLabels = ExactLabels | NoisyLabels | RationalLabels | BoundaryLabels | DrawnLabels
Kinds = OfLabels | ShownProbabilities | Refuted | HiddenLabels


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class Certificate:
    """What was checked, measured and bounded for one network on one set of samples.

    network : in canonical form.
    biased : whether networks with biases compete with it; `skip`, whether those with a skip
        connection do. It is then unique but for the side on which each unit is active.
    n_samples, n_fresh : rows checked, and those among them never used to find the network.
    findings : what the checks have found; the first one decides the status.
    evidence : what was measured: of labels without noise (`ExactLabels`), noisy ones
        (`NoisyLabels`), samples over the rationals (`RationalLabels`, `Refuted`), hidden values
        (`HiddenLabels`), or class labels of chosen inputs (`BoundaryLabels`) or of given ones
        (`DrawnLabels`), or probabilities of the likeliest classes (`ShownProbabilities`). Its
        fields are those of the certificate, too, where they have a meaning.
    values : whether the labels were declared to be values, so that they are not tested for being
        class labels.
    """

    network: Network
    biased: bool
    skip: bool = False
    n_samples: int
    n_fresh: int
    findings: tuple[Finding, ...]
    evidence: Kinds
    values: bool = False

    @classmethod
    def of(cls, judgement: Judgement) -> Certificate:
        """The certificate of what a check of `unrelu.evidence` found."""
        asked, evidence = judgement.asked, judgement.evidence
        assert isinstance(evidence, Kinds)
        return cls(
            network=judgement.network,
            biased=asked.biased,
            skip=asked.skip,
            n_samples=judgement.n_samples,
            n_fresh=judgement.n_samples - max(judgement.fitted, len(asked.used)),
            findings=judgement.findings,
            evidence=evidence,
            values=asked.values,
        )

    def judgement(self, used: Index) -> Judgement:
        """What it was made of; `used`: the samples that served to find the network."""
        asked = Question(self.network, self.biased, self.skip, used, self.values)
        return Judgement(self.network, asked, self.n_samples, self.evidence, self.findings)

    @property
    def status(self) -> Status:
        status = self.findings[0].status
        assert status is not None, "the first finding decides"
        return status

    @property
    def code(self) -> str:
        """What decided the status, for programs: it stays the same when the words change."""
        return self.findings[0].code

    @property
    def explanation(self) -> str:
        """What was found, in words."""
        return self.findings[0].sentence

    @property
    def weak_units(self) -> Index:
        """Units that the samples do not pin down, or that something else may take the place of."""
        return self.findings[0].units

    @property
    def more_samples(self) -> int | None:
        """About how many more samples of the same kind would do; None if none or unknown."""
        return self.findings[0].more_samples

    # What the evidence holds, or what stands for it.

    def _measured(self, name: str, default: Any) -> Any:
        for part in (self.evidence, getattr(self.evidence, "rounded", None)):
            if hasattr(part, name):
                return getattr(part, name)
        return default

    @property
    def residual(self) -> float:
        """Largest |label − network| as a share of the labels' root mean square."""
        return float(self._measured("residual", math.nan))

    @property
    def residual_in_roundings(self) -> float:
        """A bound on the same in units of what rounding allows, sharp above 1."""
        return float(self._measured("residual_in_roundings", math.inf))

    @property
    def worst_sample(self) -> int:
        """The row where the residual is largest."""
        return int(self._measured("worst_sample", 0))

    @property
    def margin(self) -> float:
        """Smallest |v·x + b| in units of its rounding."""
        return float(self._measured("margin", math.nan))

    @property
    def on_kink(self) -> int:
        """Number of samples whose side of some unit is not certain."""
        return int(self._measured("on_kink", 0))

    @property
    def equations(self) -> int:
        """Independent label entries, as many as were counted."""
        return int(self._measured("equations", 0))

    @property
    def unknowns(self) -> int:
        """Free weights."""
        return int(self._measured("unknowns", 0))

    @property
    def surplus_needed(self) -> int:
        """By how many the equations must exceed the unknowns."""
        return int(self._measured("surplus_needed", 0))

    @property
    def weight_errors(self) -> Array:
        """(k,) how far the hidden weights of each unit may be off."""
        return np.asarray(self._measured("weight_errors", np.zeros(0)))

    @property
    def corrupted(self) -> Index:
        """(s, 2) row and output of the label entries left out as grossly wrong."""
        return np.asarray(self._measured("corrupted", np.zeros((0, 2), dtype=np.intp)))

    @property
    def precision(self) -> str:
        """What the labels are taken to be rounded to."""
        return str(self._measured("precision", DOUBLE.name))

    @property
    def unexplained(self) -> Unexplained | None:
        """What the network leaves of noisy labels."""
        return self.evidence.unexplained if isinstance(self.evidence, NoisyLabels) else None

    @property
    def proof(self) -> Proof | None:
        """What was found over the rationals."""
        return self.evidence.proof if isinstance(self.evidence, RationalLabels) else None

    @property
    def refutation(self) -> Refutation | None:
        """A proof that no network with this many units explains the samples."""
        return self.evidence.refutation if isinstance(self.evidence, Refuted) else None

    @property
    def hidden(self) -> HiddenValues | None:
        """What is known of hidden values and output weights, where the activation was unknown."""
        return self.evidence.hidden if isinstance(self.evidence, HiddenLabels) else None

    @quiet
    def recheck(self, X: Given, Y: Given) -> Certificate:
        """The same checks on these samples, none of them used to find the network."""
        asked = Question(self.network, self.biased, self.skip, values=self.values)
        return Certificate.of(self.evidence.recheck(asked, X, Y))

    def rows(self) -> list[tuple[str, str]]:
        """The certificate as labelled lines."""
        counts = f"{self.n_samples}, of them {self.n_fresh} not used to find the network"
        rows = [("verdict", self.explanation), *self.evidence.rows(("samples", counts))]
        if isinstance(self.evidence, ExactLabels):
            rows += self.evidence.weight_rows(self.weak_units)
        return rows

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words, without the network."""
        names = (
            *("biased", "skip", "n_samples", "n_fresh", "code", "explanation", "more_samples"),
            *(*_MEASURED, "proof", "refutation", "hidden", "unexplained"),
        )
        members = {name: plain(getattr(self, name)) for name in names}
        findings = [finding.to_dict() for finding in self.findings]
        return {"status": self.status.value, **members, "findings": findings}

    @property
    def sentence(self) -> str:
        """What the status means here."""
        if self.hidden is not None and self.status == Status.ESTIMATED:
            return "hidden values and output weights are exact, the rest is an estimate"
        if self.skip and self.status == Status.EXACT:
            return f"{SENTENCES[self.status]}, but for the sides of the units"
        return SENTENCES[self.status]

    def __str__(self) -> str:
        return labelled([("status", f"{self.status.value}: {self.sentence}"), *self.rows()])


_MEASURED = (
    *("residual", "residual_in_roundings", "worst_sample", "margin", "on_kink", "equations"),
    *("unknowns", "surplus_needed", "weight_errors", "weak_units", "corrupted", "precision"),
)


@with_passes
@quiet
def verify(
    net: Network,
    X: Given,
    Y: Given,
    *,
    exact: bool = False,
    bias: bool | None = None,
    skip: bool | None = None,
    noise: str = "auto",
    memory: float | None = None,
    client: Any = None,
) -> Certificate:
    """Does `net` explain these samples, and is it the only network that does?

    Parameters
    ----------
    net : the network to be checked; it is put into canonical form.
    X : (n, d) inputs; Y : (n, m) or (n,) labels.
    exact : take samples and weights, in whatever type, for what they are without any rounding, and
        check every label over the rationals: proved, or failed and which samples break the proof.
    bias, skip : whether networks with biases, and with a skip connection, compete with it; by
        default those that have what `net` has. With what `recover` was asked the status is that of
        its certificate.
    noise : what the labels may contain besides the outputs of the network, as in `recover`. "none":
        it has to explain them to rounding. "sparse": all but the entries that are grossly wrong,
        which the certificate lists. "gaussian", "independent", "poisson",
        "bernoulli": noise of that kind.
        "auto": nothing, or what the residuals look like. Of noisy labels the network is `estimated`
        if it is their estimate within its errors: a network that is far from the best fit, by
        standard errors, is `failed`, and so is one that leaves more than noise; if one more unit
        explains more than noise would, it is `undetermined`. Of fewer than a hundred samples that
        is not asked, nor in any case whether a search finds other networks that fit as well.
    memory : bytes that the numbers of noisy samples may take, as in `recover`: of more, a part is
        examined, drawn at random. The network of an estimate by least squares is then held against
        all of them in one pass; of counts and heavy tails, the part alone is looked at.
    client : of `dask.distributed`; None for the current one, if there is one. Passes over samples
        that are in files or dask collections then run on its workers, with the same bits.

    Raises
    ------
    InputError, InputTypeError as `recover` does, and when the widths do not fit.

    Uniqueness is meant among networks of the same activation; with a skip connection, but for the
    sides of the units. Where the activation is a `Curve`, hidden values and U are checked.

    Cost: one pass over the samples, O(n k (d + m)); on a subset of l rows, O(l k d²) for k <= m,
    else O(l p² + p³) for p = k d unknowns up to a few thousand, beyond that a few hundred products
    of O(l p).

    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> print(verify(net, X, net(X)).status.value)
    exact
    """
    del client  # see with_passes
    X, Y = within(X, Y, memory)
    if not isinstance(net, Network):
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network")
    asked = question(net, bias, skip)
    check_noise(noise, asked, exact)
    if net.activation.estimated:
        if exact:
            raise InputError("exact: got True for a network whose activation is a curve")
        samples = Samples.of(X, Y)
        asked = replace(asked, used=samples.spread(ORDERED_ROWS))
        return Certificate.of(judge_hidden(asked, samples, np.full(net.n_units, np.inf), ""))
    if exact:
        return Certificate.of(judge_rational(asked, ExactSamples.of(X, Y)))
    asked = replace(asked, network=net.rounded())
    return Certificate.of(judge_with(asked, Samples.of(X, Y), noise, memory=memory).judgement)
