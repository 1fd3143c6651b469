"""How many unknowns a network has, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import Network
from unrelu.network.unknowns import count_unknowns, unknowns_of


@pytest.mark.parametrize("activation", ["relu", "power(2)", "expm1"])
@pytest.mark.parametrize("biases", [False, True])
def test_it_is_the_number_of_weights_less_the_scales(activation: str, biases: bool) -> None:
    net = Network(np.ones((3, 4)), np.ones((2, 3)), activation=activation)
    weights = net.V.size + net.U.size + biases * (net.b.size + net.c.size)
    scales = 0 if activation == "expm1" else net.n_units
    assert unknowns_of(net, biases=biases, skip=False) == weights - scales


def test_a_skip_connection_adds_its_matrix() -> None:
    without, added = (count_unknowns(3, 4, 2, biases=True, skip=skip) for skip in (False, True))
    assert added - without == 2 * 4


def test_outputs_that_are_combinations_add_nothing() -> None:
    net = Network(np.ones((3, 4)), np.ones((5, 3)))
    assert unknowns_of(net, biases=True, skip=True, outputs=1) == count_unknowns(
        3, 4, 1, biases=True, skip=True
    )
