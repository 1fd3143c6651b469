"""A method as a value: what it is called, where it comes from, and what it may be combined with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unrelu.activations import Activation
from unrelu.fitting.candidate import Candidate

FOR_THE_RELU = "it is for the ReLU"


@dataclass(frozen=True)
class Method:
    """A method, and what it may be combined with.

    theorem : where it comes from, in the numbers of BJW (Bakshi, Jayaram and Woodruff, COLT 2019).
    assumptions : what it needs, as a clause.
    find : of a recipe, find(samples, *, n_units: int | None, bias: bool, noise: bool, rng): with
        `bias` the network competes with those that have biases; with `noise` the labels are not to
        be explained to rounding, and the candidate has a noise; `activation`, where it takes others
        than the ReLU.
    propose : of a search, (task, passes, rng, known) → a candidate for labels without noise, or
        None where it does not apply, or finds nothing; `known`: a network that another search has
        found.
    noise : the kinds of noise it takes, beyond none. Other methods than recipes take none, but look
        for gross errors first where they are asked to.
    relu_only : why it takes no other activation, where it does not. unknown : whether it does
        without knowing the activation. skip : whether it looks for a skip connection.
    recipe : whether it is a published algorithm, after which no other method is tried. complete :
        whether, with exact=True, it finds a network or proves that there is none, or says that it
        has not decided. rational : whether it is for exact=True only. one_output, needs_units :
        what it is for. gross : whether it is for gross errors.
    varies : whether it may end in fewer units if it is run again.
    alone : whether no other method follows it.
    """

    name: str
    theorem: str
    assumptions: str
    find: Callable[..., Any]
    noise: tuple[str, ...] = ("sparse",)
    relu_only: str = FOR_THE_RELU
    unknown: bool = False
    skip: bool = False
    recipe: bool = True
    complete: bool = False
    rational: bool = False
    one_output: bool = False
    needs_units: bool = False
    gross: bool = False
    propose: Callable[..., Candidate | None] | None = None
    varies: bool = False
    alone: bool = True

    def takes(self, activation: Activation | None) -> bool:
        """Whether it takes this activation; None for one that is not known."""
        if activation is None:
            return self.unknown
        return not self.relu_only or activation.piecewise_linear
