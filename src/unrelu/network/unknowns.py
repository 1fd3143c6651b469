"""How many unknowns a network has: its free weights, with or without the scale of each unit."""

from __future__ import annotations

from unrelu.network.network import Network


def count_unknowns(
    units: int,
    inputs: int,
    outputs: int,
    *,
    biases: bool,
    skip: bool = False,
    scales: bool = False,
) -> int:
    """Free weights of a network with this many units, inputs and outputs.

    biases : whether there are b and c; skip : whether there is W; scales : whether the length of
    a row of V is an unknown. Where f(a z) = a^c f(z) it is not: it may move into U.

    Outputs that are combinations of others add nothing: `outputs` may be the rank of U, to count
    what the independent ones depend on.

    >>> count_unknowns(1, 3, 1, biases=False), count_unknowns(1, 3, 1, biases=True)
    (3, 5)
    """
    hidden = inputs + biases - (not scales)
    return units * (hidden + outputs) + outputs * (biases + skip * inputs)


def unknowns_of(net: Network, *, biases: bool, skip: bool, outputs: int | None = None) -> int:
    """Those of all networks like this one; `biases`, `skip`, `outputs` as in `count_unknowns`."""
    return count_unknowns(
        net.n_units,
        net.n_inputs,
        net.n_outputs if outputs is None else outputs,
        biases=biases,
        skip=skip,
        scales=not net.activation.homogeneous,
    )
