"""Hardness made executable: CNF formulas as samples, fitting networks as assignments, and the pair
of the lower bound.
"""

from unrelu.hardness.formulas import Formula as Formula
from unrelu.hardness.formulas import not_all_equal as not_all_equal
from unrelu.hardness.formulas import parse_dimacs as parse_dimacs
from unrelu.hardness.formulas import split as split
from unrelu.hardness.formulas import to_dimacs as to_dimacs
from unrelu.hardness.reduction import Instance as Instance
from unrelu.hardness.reduction import decode as decode
from unrelu.hardness.reduction import encode as encode
from unrelu.hardness.reduction import fitting_network as fitting_network

__all__ = [
    "Formula",
    "Instance",
    "decode",
    "encode",
    "fitting_network",
    "not_all_equal",
    "parse_dimacs",
    "split",
    "to_dimacs",
]
