"""Labels without noise."""

from unrelu.noise.kind import NoiseKind

NONE = NoiseKind(
    "none",
    "rounding: they are explained to that, or the status is `failed`",
    exact=True,
    stand_in="gaussian",
)
