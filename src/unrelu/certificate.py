"""Checks a network against samples. Knows no method; trusts nothing but X, Y and the network.

What is checked:

explained    every label is within what float arithmetic may have done to it.
pinned       the canonical Jacobian has full rank, and errors of the size of the residual move no
             hidden weight by more than a quarter of its digits; the samples on either side of
             each unit leave equations over when all unknowns are paid for.
surplus      the samples are more equations than the network has unknowns, by so many that a
             network with some other sign pattern would not pass by chance.
sides        no other choice of the side on which each unit is active gives the same function. With
             a skip connection every choice does, and the certificate is but for that.

For noisy labels, which nothing explains to rounding:

independent  what the network leaves does not depend on the inputs, so it may be noise.
pinned       the information matrix of the weights has full rank.

For samples that are meant exactly, on top of all but the rounding:

proof        every label is recomputed over the rationals, and the Jacobian's rank, too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from unrelu.checks import verdict
from unrelu.checks.explained import Explained, by_inputs, explain
from unrelu.checks.hidden_values import HiddenValues, check_hidden
from unrelu.checks.proof import Proof, prove
from unrelu.checks.refuted import Refutation
from unrelu.checks.unexplained import Unexplained, largest_residual, unexplained
from unrelu.checks.uniqueness import of_curved, of_relu
from unrelu.checks.verdict import listed
from unrelu.errors import InputError, InputTypeError
from unrelu.inputs.frames import tables
from unrelu.network import Network
from unrelu.network.unknowns import count_unknowns, unknowns_of
from unrelu.numerics.arrays import Array, Index
from unrelu.numerics.equality import by_value
from unrelu.numerics.precision import DOUBLE
from unrelu.numerics.quiet import quiet
from unrelu.numerics.rationals import as_fractions
from unrelu.samples import ExactSamples, Samples
from unrelu.wording.lines import labelled
from unrelu.wording.status import SENTENCES, Status
from unrelu.wording.streams import counted, kind_of

AS_THEY_STAND = 1e-9
"""Residual, as a share of the labels, from which on float64 labels are not explained for sure."""

ORDERED_ROWS = 5000
"""On which no hidden value may be out of order, where the activation is unknown."""


@by_value
@dataclass(frozen=True, eq=False, kw_only=True)
class Certificate:
    """What was checked, measured and bounded for one network on one set of samples.

    network : in canonical form.
    biased : whether networks with biases compete with it; `skip`, whether those with a skip
        connection do. It is then unique but for the side on which each unit is active.
    status : exact, undetermined or failed; `explanation` says it in words, and `code` names what
        decided it, for programs: it stays the same when the words change.
    n_samples, n_fresh : rows checked, and those among them never used to find the network.
    residual : largest |label − network| as a share of the labels' root mean square.
    residual_in_roundings : a bound on the same in units of what rounding allows, sharp above 1;
        explained up to 1.
    worst_sample : the row where that is largest.
    margin : smallest |v·x + b| in units of its rounding; a sample below 1 has no certain side.
    on_kink : number of samples below that.
    equations, unknowns, surplus_needed : independent label entries (as many as were counted),
        free weights, and by how many the first must exceed the second.
    weight_errors : (k,) of each unit's hidden weights and bias (unit rows), how far any network of
        so many units that explains the samples to rounding may be off.
    weak_units : units that the samples do not pin down.
    corrupted : (s, 2) row and output of the label entries left out as grossly wrong, where that
        was allowed; every statement above is about the others. None where so many, or such ones,
        may not be left out: then it is about all.
    more_samples : about how many more samples of the same kind would do; None if none or unknown.
    unexplained : what the network leaves of noisy labels; None where they had to be explained to
        rounding. `weight_errors` are then standard errors, in radians; with one input, of
        breakpoints, in standard deviations of the input.
    proof : what was found over the rationals, where they were asked for; the network then is a
        rational one.
    refutation : a proof over the rationals that no network with this many units explains the
        samples; `network` then is the constant one.
    hidden : what is known of hidden values and output weights, where the activation was unknown;
        `residual` is then what the estimated network leaves, `weight_errors` are of directions.
    precision : what the labels are taken to be rounded to: their type, what their values show
        (float32 numbers in float64 arrays or text, decimals), or "float64" where the network
        explains them as they stand.
    """

    network: Network
    biased: bool
    status: Status
    explanation: str
    code: str
    n_samples: int
    n_fresh: int
    residual: float
    residual_in_roundings: float = np.inf
    worst_sample: int
    margin: float = np.nan
    on_kink: int = 0
    equations: int
    unknowns: int
    surplus_needed: int = 0
    weight_errors: Array
    weak_units: Index = field(default_factory=lambda: np.arange(0))
    more_samples: int | None = None
    corrupted: Index = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))
    unexplained: Unexplained | None = None
    proof: Proof | None = None
    refutation: Refutation | None = None
    hidden: HiddenValues | None = None
    skip: bool = False
    precision: str = DOUBLE.name

    @quiet
    def recheck(self, X: ArrayLike, Y: ArrayLike) -> Certificate:
        """The same checks on these samples, none of them used to find the network."""
        if self.refutation is not None and self.refutation.recheck(X, Y):
            return self
        if self.hidden is not None:
            fresh = _in_floats(X, Y)
            _check_widths(self.network, fresh)
            return judge_unknown(
                self.network, fresh, np.arange(0), self.biased, self.weight_errors, ""
            )
        if self.proof is not None or self.refutation is not None:
            return judge_exactly(
                self.network, ExactSamples.of(X, Y), np.arange(0), self.biased, self.skip
            )
        if self.unexplained is not None:
            fresh, before = _in_floats(X, Y), self.unexplained
            _check_widths(self.network, fresh)
            left = unexplained(self.network, fresh, self.biased, before.clipped)
            left = replace(left, growth=before.growth, search=before.search, common=before.common)
            errors, weak = self.weight_errors, self.weak_units
            return judge_estimate(
                self.network, fresh, np.arange(0), self.biased, left, errors, weak, self.skip
            )
        gross, fresh = len(self.corrupted) > 0, _in_floats(X, Y)
        return judge(self.network, fresh, np.arange(0), self.biased, gross=gross, skip=self.skip)

    def rows(self) -> list[tuple[str, str]]:
        """The certificate as labelled lines."""
        rows = [("verdict", self.explanation)]
        if self.refutation is not None:
            return [*rows, ("samples", str(self.n_samples))]
        seen = ("samples", f"{self.n_samples}, of them {self.n_fresh} not used to find the network")
        if self.precision != DOUBLE.name:
            rows.append(("labels rounded to", self.precision))
        if self.unexplained is not None:
            equations = ("equations", f"{self.equations} for {counted(self.unknowns, 'unknown')}")
            return [*rows, *self.unexplained.rows(), seen, equations]
        if self.hidden is not None:
            rows += self.hidden.rows()
            if np.isfinite(self.weight_errors).all():
                rows.append(("directions good to", f"{self.weight_errors.max():.1e} radians"))
            return [
                *rows,
                ("largest residual", f"{self.residual:.1e} of the labels, with the curve"),
                seen,
            ]
        rows += [
            (
                "largest residual",
                (
                    f"{self.residual:.1e} of the labels, at most {self.residual_in_roundings:.2g} "
                    f"of what rounding allows, in sample {self.worst_sample}"
                ),
            ),
            seen,
            (
                "nearest to a kink",
                f"{self.margin:.1e} roundings, {counted(self.on_kink, 'sample')} on one",
            ),
            (
                "equations",
                (
                    f"{self.equations} for {counted(self.unknowns, 'unknown')}, "
                    f"{self.surplus_needed} to spare needed"
                ),
            ),
        ]
        if self.proof is not None:
            rows.insert(1, ("over the rationals", str(self.proof)))
        elif len(self.weight_errors):
            rows.append(("hidden weights good to", f"{self.weight_errors.max():.1e}"))
        if len(self.weak_units):
            rows.append(("not pinned down", listed(self.weak_units)))
        if len(self.corrupted):
            shown = ", ".join(f"({row}, {output})" for row, output in self.corrupted[:4].tolist())
            more = ", …" if len(self.corrupted) > 4 else ""
            rows.append(("corrupted entries", f"{len(self.corrupted)}: {shown}{more}"))
        return rows

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words, without the network."""
        plain: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value = value.tolist()
            if isinstance(value, HiddenValues):
                value = value.to_dict()
            if isinstance(value, Refutation):
                value = value.to_dict()
            if isinstance(value, Proof):
                value = asdict(value) | {"broken": value.broken.tolist()}
            if isinstance(value, Unexplained):
                value = asdict(value)
            plain[item.name] = value.value if isinstance(value, Status) else value
        del plain["network"]
        return plain

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


@quiet
def verify(net: Network, X: ArrayLike, Y: ArrayLike, *, exact: bool = False) -> Certificate:
    """Does `net` explain these samples, and is it the only network that does?

    Parameters
    ----------
    net : the network to be judged; it is put into canonical form.
    X : (n, d) inputs; Y : (n, m) or (n,) labels.
    exact : take samples and weights, in whatever type, for what they are without any rounding, and
        check every label over the rationals: proved, or failed and which samples break the proof.

    Raises
    ------
    InputError, InputTypeError as `recover` does, and when the widths do not fit.

    Uniqueness is meant among networks of the same kind: of the same activation, with biases or a
    skip connection when `net` has any, without otherwise; with a skip connection, but for the sides
    of the units. Where the activation is a `Curve`, hidden values and U are judged.

    Cost: one pass over the samples, O(n k (d + m)); on a subset of l rows, O(l k d²) for k <= m,
    else O(l p² + p³) for p = k d unknowns up to a few thousand, beyond that a few hundred products
    of O(l p).

    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> print(verify(net, X, net(X)).status.value)
    exact
    """
    if not isinstance(net, Network):
        raise InputTypeError(f"net: got {kind_of(net)}, expected a Network")
    biased = bool(net.b.any() or net.c.any())
    if net.activation.estimated:
        if exact:
            raise InputError("exact: got True for a network whose activation is a curve")
        samples = Samples.of(X, Y)
        held = samples.spread(ORDERED_ROWS)
        return judge_unknown(net, samples, held, biased, np.full(net.n_units, np.inf), "")
    if exact:
        return judge_exactly(net, ExactSamples.of(X, Y), np.arange(0), biased, net.skip)
    samples, net = Samples.of(X, Y), net.rounded()
    certificate = judge(net, samples, np.arange(0), biased, skip=net.skip)
    if certificate.code == "not-explained":
        # Units that merge may cancel, and leave the rounding of what has gone.
        own = samples.levels()[-1]
        if explain(net, own).in_roundings <= 1:
            coarser = own.rounded_to(own.eps * 1.01 * certificate.residual_in_roundings)
            return judge(net, coarser, np.arange(0), biased, skip=net.skip)
        inputs = by_inputs(net, own)
        if inputs is not None:
            said = (
                f"the inputs have {inputs.name}: if the model was asked before they were rounded, "
                f"that explains every sample; as they stand, {certificate.explanation}"
            )
            return replace(
                certificate, status=Status.UNDETERMINED, code="inputs-rounded", explanation=said
            )
    return certificate


def judge(
    net: Network,
    samples: Samples,
    used: Index,
    biased: bool,
    explained: Explained | None = None,
    *,
    gross: bool = False,
    limit: float | None = None,
    skip: bool = False,
) -> Certificate:
    """`verify` for checked samples, of which the rows `used` served to find the network; `biased`
    says whether networks with biases compete. `explained` saves the pass over the samples, where
    it has been made for this very network. `gross`: entries that the network does not explain
    may be left out, within the limits of `checks.gross`. `limit`: by how much rounding may have
    moved a hidden weight. `skip`: whether networks with a skip connection compete."""
    assert skip or not net.skip, "a network with a skip connection has others as competitors"
    _check_widths(net, samples)
    net = net.rounded().canonical()
    if not gross:
        samples, explained = _at_their_rounding(net, samples, explained)
    limit = samples.eps**0.75 if limit is None else limit
    if net.activation.piecewise_linear:
        found = of_relu(net, samples, biased, explained, limit, gross, skip)
    else:
        assert not gross, "gross errors are looked for in labels of ReLU networks"
        found = of_curved(net, samples, biased, explained, limit)
    said, explained = found.said, found.explained
    return Certificate(
        network=net,
        biased=biased,
        status=said.status,
        explanation=said.explanation,
        code=said.code,
        n_samples=samples.n,
        n_fresh=samples.n - len(used),
        residual=explained.residual,
        residual_in_roundings=explained.in_roundings,
        worst_sample=explained.worst_sample,
        margin=explained.margin,
        on_kink=explained.on_kink,
        equations=found.equations,
        unknowns=found.unknowns,
        surplus_needed=found.needed,
        weight_errors=found.errors,
        weak_units=said.weak_units,
        more_samples=said.more_samples,
        corrupted=found.corrupted,
        skip=skip,
        precision=samples.precision.name,
    )


def _at_their_rounding(
    net: Network, samples: Samples, explained: Explained | None
) -> tuple[Samples, Explained | None]:
    """The samples at the finest rounding at which the network explains them, or at the coarsest:
    labels that have few digits may be rounded, or have no more."""
    *finer, own = samples.levels()
    if not finer:
        return own, explained
    if explained is None or own.eps != samples.eps:
        explained = explain(net, own)
    for level in finer if explained.residual < AS_THEY_STAND else ():
        found = explain(net, level)
        if found.in_roundings <= 1:
            return level, found
    return own, explained


def judge_exactly(
    net: Network, samples: ExactSamples, used: Index, biased: bool, skip: bool = False
) -> Certificate:
    """The certificate of a network and samples that are both meant without any rounding.

    That it is the only one with this many units rests on what `judge` makes of the same in floating
    point, but for how well the weights are known: they are, where the proof pins them."""
    _check_widths(net, samples.rounded)
    given = (net.V, net.U, net.b, net.c, net.W)
    V, U, b, c, W = (as_fractions("net", weights) for weights in given)
    exact = Network(V, U, b, c, net.activation, W).canonical()
    proof = prove(exact, samples, biased, skip)
    limit = np.inf if proof.pinned else None
    certificate = judge(exact.rounded(), samples.rounded, used, biased, limit=limit, skip=skip)
    status, said, code = certificate.status, certificate.explanation, certificate.code
    if not proof.holds:
        status, said, code = Status.FAILED, f"{proof}; to rounding, {said}", "proof-broken"
    elif status == Status.EXACT and proof.pinned:
        status = Status.PROVED
        said = said.replace("explained to rounding", "explained without any error")
    exact = _as_numbered(exact, certificate.network)
    return replace(
        certificate, network=exact, status=status, explanation=said, code=code, proof=proof
    )


def _as_numbered(exact: Network, floats: Network) -> Network:
    """The units of a rational canonical network in the order of the same in floating point, where
    rounding decides between units of the same ‖u‖: a certificate speaks of units by number."""
    rounded = exact.rounded()
    if rounded.n_units != floats.n_units or not floats.n_units:
        return exact  # units that rounding has merged or lost
    rows = np.column_stack([rounded.V, rounded.b])
    rows /= np.linalg.norm(rounded.V, axis=1)[:, None]
    apart = np.abs(rows[:, None] - np.column_stack([floats.V, floats.b])).max(axis=2)
    order = apart.argmin(axis=0)
    if len(np.unique(order)) < len(order):
        return exact
    V, U, b = exact.V[order], exact.U[:, order], exact.b[order]
    return Network(V, U, b, exact.c, exact.activation, exact.W)


def judge_estimate(
    net: Network,
    samples: Samples,
    used: Index,
    biased: bool,
    left: Unexplained,
    errors: Array,
    weak: Index,
    skip: bool = False,
    told: bool = True,
) -> Certificate:
    """The certificate of a fit to noisy labels of which it leaves `left`, and whose hidden weights
    have standard `errors` (k,) in radians; `weak` units have a part that no label depends on.
    `told`: whether the number of units was known before."""
    _check_widths(net, samples)
    net = net.canonical()
    unknowns = unknowns_of(net, biases=biased, skip=skip)
    said = verdict.estimate(net, samples, left, unknowns, errors, weak, told)
    return Certificate(
        network=net,
        biased=biased,
        status=said.status,
        explanation=said.explanation,
        code=said.code,
        n_samples=samples.n,
        n_fresh=samples.n - len(used),
        residual=left.largest,
        worst_sample=left.worst_sample,
        equations=samples.n * samples.m,
        unknowns=unknowns,
        weight_errors=errors,
        weak_units=said.weak_units,
        more_samples=said.more_samples,
        unexplained=left,
        skip=skip,
    )


def judge_unknown(
    net: Network,
    samples: Samples,
    used: Index,
    biased: bool,
    errors: Array,
    scales: str,
) -> Certificate:
    """The certificate of a network whose activation, a curve, is an estimate, as are its hidden
    weights, with directions good to `errors` (k,) radians; of hidden values and output weights it
    is asked whether they are exact. `scales` says what is known of the ‖v_j‖."""
    _check_widths(net, samples)
    residual, worst = largest_residual(net, samples)
    hidden = check_hidden(net, samples, biased, strict=used, errors=errors) if net.n_units else None
    said = verdict.of_hidden(net, hidden, errors, scales)
    return Certificate(
        network=net,
        biased=biased,
        status=said.status,
        explanation=said.explanation,
        code=said.code,
        n_samples=samples.n,
        n_fresh=samples.n - len(used),
        residual=residual,
        worst_sample=worst,
        equations=samples.n * samples.m,
        # The lengths of the v_j go into the curve as far as they are known at all: see `scales`.
        unknowns=count_unknowns(net.n_units, samples.d, samples.m, biases=biased),
        weight_errors=errors,
        hidden=hidden,
    )


def _in_floats(X: ArrayLike, Y: ArrayLike) -> Samples:
    """The samples, rounded if they are Fractions: not everything asked of those ends over ℚ."""
    X, Y, _ = tables(X, Y)
    if "O" in (np.asarray(X).dtype.kind, np.asarray(Y).dtype.kind):
        return ExactSamples.of(X, Y).rounded
    return Samples.of(X, Y)


def _check_widths(net: Network, samples: Samples) -> None:
    for what, got, expected in (
        ("input", samples.d, net.n_inputs),
        ("output", samples.m, net.n_outputs),
    ):
        if got != expected:
            raise InputError(f"samples have {counted(got, what)}, the network has {expected}")
