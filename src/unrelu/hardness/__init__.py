"""Hardness made executable: CNF formulas as samples, and fitting networks as assignments."""

from unrelu.hardness.formulas import Formula, not_all_equal, parse_dimacs, split, to_dimacs
from unrelu.hardness.reduction import Instance, decode, encode, fitting_network

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
