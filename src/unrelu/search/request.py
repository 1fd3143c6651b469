"""What is asked for from noisy samples, and searches for it that are kept and remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from unrelu.activations import Activation
from unrelu.fitting.candidate import Candidate
from unrelu.fitting.fittings import Fitting, fitting_of
from unrelu.fitting.selection import Effort
from unrelu.fitting.width import Chosen, choose
from unrelu.formats.checkpoint import Step
from unrelu.network import Network
from unrelu.noise import kinds
from unrelu.noise.found import Width
from unrelu.noise.kind import NoiseKind
from unrelu.samples import Samples
from unrelu.search import least_squares
from unrelu.search.watch import watch


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for from noisy samples, the kind of noise that was named, and the effort that
    has gone into the answer."""

    n_units: int | None
    bias: bool
    skip: bool
    activation: Activation
    alpha: float
    step: float
    rng: np.random.Generator
    kind: str = "auto"
    effort: Effort = field(default_factory=Effort)

    def search(
        self,
        samples: Samples,
        n_units: int | None,
        starts: int,
        *,
        near: Network | None = None,
        effort: Effort | None = None,
    ) -> Network:
        """A search by least squares, for so many units."""
        spent = effort or self.effort
        before = spent.starts, spent.operations

        def made() -> Step:
            spent.starts, spent.operations = before
            found = least_squares.search(
                samples,
                n_units=n_units,
                bias=self.bias,
                rng=self.rng,
                effort=spent,
                most_starts=starts,
                near=near,
                skip=self.skip,
                activation=self.activation,
                keep=lambda units, left, net: self.keep(samples, units, left, net),
            )
            cost = [spent.starts, spent.operations, spent.agreed]
            nets = of_networks(found, *spent.others)
            return nets | {"cost": np.array(cost, np.float64)}

        step = watch().step("least-squares", self.rng, made)
        starts_spent, operations, agreed = step["cost"].tolist()
        spent.starts, spent.operations, spent.agreed = int(starts_spent), operations, bool(agreed)
        first, *others = networks(step, self.activation, self.skip)
        spent.others = tuple(others)
        return first

    def choose(
        self,
        start: Network,
        fitting: Fitting,
        most: int,
        step: float,
        about: Network,
        *,
        thorough: bool = True,
    ) -> Chosen:
        """The number of units, by tests."""
        watch().enter("number of units")
        self.keep(fitting.samples, start.n_units, None, lambda: start)

        def made() -> Step:
            chosen = choose(
                *(start, fitting),
                alpha=self.alpha,
                most=most,
                rng=self.rng,
                step=step,
                about=about,
                thorough=thorough,
            )
            widths = [[each.units, each.gain, each.edge] for each in chosen.widths]
            done = {"widths": np.array(widths), "endless": np.array(chosen.endless)}
            done["left_open"] = np.array(chosen.open)
            return of_networks(chosen.network) | done

        done = watch().step("number of units", self.rng, made)
        widths = (Width(int(units), gain, edge) for units, gain, edge in done["widths"].tolist())
        net = networks(done, self.activation, self.skip)[0]
        return Chosen(net, tuple(widths), bool(done["endless"]), str(done.get("left_open", "")))

    def fitting(self, kind: NoiseKind, net: Network, samples: Samples) -> Fitting:
        return fitting_of(kind, net, samples, self.bias, self.skip, self.effort)

    def keep(
        self, samples: Samples, units: int, residual: float | None, net: Callable[[], Network]
    ) -> None:
        """Have a network kept that fits some of the samples, for a search that is ended. That there
        are no units takes tests to say."""
        if not units:
            return

        def candidate() -> Candidate:
            found = net()
            kind, reason = kinds.kind_left(self.kind, samples, found, self.bias)
            own = samples.as_they_stand() if kind.integer else samples
            noise = kinds.noise_left(kind, reason, own, found, self.bias, alpha=self.alpha)
            return Candidate(found, np.arange(samples.n), {}, noise=noise)

        watch().keep(units, residual, "least-squares", candidate)

    def again(self) -> Request:
        """The same, with nothing spent."""
        return replace(self, effort=Effort())


def of_networks(*nets: Network) -> Step:
    """Networks as arrays."""
    arrays: Step = {"networks": np.array(len(nets))}
    for number, net in enumerate(nets):
        parts = {"V": net.V, "U": net.U, "b": net.b, "c": net.c, "W": net.W}
        arrays |= {f"{name}{number}": part for name, part in parts.items()}
    return arrays


def networks(step: Step, activation: Activation, skip: bool) -> list[Network]:
    """The networks that are in these arrays."""

    def one(number: int) -> Network:
        V, U, b, c, W = (step[f"{name}{number}"] for name in "VUbcW")
        return Network(V, U, b, c, activation, W if skip else None)

    return [one(number) for number in range(int(step["networks"]))]
