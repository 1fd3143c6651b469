"""Gross errors, and no noise besides: `search.gross_errors` finds the network behind them."""

from unrelu.noise.kind import NoiseKind

SPARSE = NoiseKind(
    "sparse",
    "gross errors in fewer than a third of the entries, and nothing else",
    gross=True,
    stand_in="independent",
)
