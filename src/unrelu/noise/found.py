"""The noise that a fit has left, and the numbers of units that were weighed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from unrelu.numerics.arrays import Array
from unrelu.numerics.equality import by_value
from unrelu.wording.streams import printable

HOPELESS = "hopeless"
WIDER = "wider"


@dataclass(frozen=True)
class Width:
    """What the test of a number of units has shown: `gain`, how much the last of so many units
    explains of what the others leave, and `edge`, how much one would explain if that were noise,
    save for a share alpha of all cases; both in units of the noise variance. It is there if its
    gain is beyond the edge, and if all before it are."""

    units: int
    gain: float
    edge: float

    def __str__(self) -> str:
        stays = "is there" if self.gain > self.edge else "does not stand out"
        return (
            f"the last of {self.units} explains {self.gain:.3g} noise variances, noise alone "
            f"would explain up to {self.edge:.3g}: it {stays}"
        )


@by_value
@dataclass(frozen=True, eq=False)
class Noise:
    """The noise that a fit has left.

    kind : "gaussian", "independent", "poisson" or "bernoulli", as in `recover`; `reason` says why
        that one was chosen, where the samples were asked.
    covariance : (m, m), of the noise of one sample; of heavy tails, the squared scales.
    widths : the numbers of units weighed, where it was not given.
    growth : noise variance by samples that the search did not see over that by those it saw, at
        least: below one, if this is noise.
    freedom : degrees of freedom of the Student t distribution of heavy tails, else infinite.
    dispersion : (m,), of noise whose variance is proportional to the mean: the variance of a label
        over its mean, one for Poisson counts. Else empty.
    alpha : the false-alarm rate at which the number of units was chosen, where it was not given.
    search : what the search could not settle: "disagree", no two of its starts ended in the same
        network; "endless", every further unit goes on explaining more than noise would; "more", so
        does one unit more than the number asked for; "hopeless", it made one start, which left what
        is plainly no noise; "open", one unit more explains about as much as noise hardly ever
        would; "wider", a search has found more units that explain more than further ones do of
        noise, though the test asks for none; or "". Where searches disagree, `common` is how many
        units of the network another one has found as well.
    """

    kind: str
    reason: str
    covariance: Array
    widths: tuple[Width, ...] = ()
    growth: float = 1.0
    freedom: float = math.inf
    dispersion: tuple[float, ...] = ()
    alpha: float = 0.01
    search: str = ""
    common: int = 0

    def __str__(self) -> str:
        return printable(repr(self))

    def rows(self, units: int) -> list[tuple[str, str]]:
        """The noise as labelled lines; of the widths, those next to the number of `units` found."""
        kind = self.kind if not self.reason else f"{self.kind}: {self.reason}"
        sizes = np.sqrt(np.diag(self.covariance))
        size = f"standard deviation {sizes.min():.3g}"
        if len(sizes) > 1:
            size += f" to {sizes.max():.3g}, by output"
        if math.isfinite(self.freedom):
            size += f", and tails of Student's t with {self.freedom:g} degrees of freedom"
        if self.dispersion:
            spread = [f"{each:.3g}" for each in (min(self.dispersion), max(self.dispersion))]
            size += f"; variance over mean {' to '.join(dict.fromkeys(spread))}"
        rows = [("noise", kind), ("noise size", size)]
        next_to = [width for width in self.widths if width.units in (units, units + 1)]
        if next_to:
            rows.append(("units weighed", "; ".join(map(str, next_to))))
        return rows

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, lists and words."""
        return {
            "kind": self.kind,
            "reason": self.reason,
            "covariance": self.covariance.tolist(),
            "growth": self.growth,
            "freedom": self.freedom,
            "dispersion": list(self.dispersion),
            "alpha": self.alpha,
            "search": self.search,
            "common": self.common,
            "widths": [asdict(width) for width in self.widths],
        }
