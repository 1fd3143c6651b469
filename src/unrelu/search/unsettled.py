"""What a search of noisy labels could not settle: whether other units would do as well, or whether
it fitted noise. It depends on how it was searched, so it is a remark beside the certificate."""

from __future__ import annotations

import math

from unrelu.certificate import Certificate
from unrelu.checks.finding import Finding, failed, undetermined
from unrelu.evidence.noisy_labels import FEW
from unrelu.fitting.likelihood_ratio import OPEN
from unrelu.noise.found import HOPELESS, WIDER, Noise
from unrelu.wording.status import Status
from unrelu.wording.streams import counted

GROWTH = 1.2
"""Growth of the residual variance, on samples kept aside, from which on it is no noise: what an
over-fitted unit adds is a few per cent."""


def unsettled(certificate: Certificate, noise: Noise, *, given: bool) -> tuple[Finding, ...]:
    """The first thing that the search has left open, unless the certificate objects already.
    `given`: whether the number of units was."""
    if certificate.status == Status.FAILED or certificate.code in (*FEW, "few-samples-off"):
        return ()
    units = certificate.network.n_units
    left, network = certificate.unexplained, f"network of {counted(units, 'unit')}"
    assert left is not None, "of noisy labels"
    share = f"{100 * left.share:.3g}% of the labels' spread"
    if not given and left.chance > noise.alpha:
        found = undetermined(
            "few-labels",
            f"{certificate.equations} labels for the {certificate.unknowns} unknowns of "
            f"{counted(units, 'unit')}: with a probability of up to {left.chance:.2g}, noise alone "
            "is explained as well",
        )
    elif noise.search == "endless":
        return of_search(noise, units)
    elif noise.growth > GROWTH and certificate.code != "rounding":  # that is the same everywhere
        found = failed(
            "grows-on-fresh-samples",
            "something other than noise, which so few units, or so few samples, do not show: the "
            f"best {network} leaves {share}, but {math.sqrt(noise.growth):.2g} times as much on "
            "samples kept aside",
        )
    elif noise.search == "more" and certificate.status == Status.ESTIMATED:
        found = undetermined(
            "more-units",
            f"there are more than the {units} units that were asked for, or another kind of model "
            "made these labels: one more explains more than noise would",
        )
    elif noise.search == "open" and certificate.status == Status.ESTIMATED:
        found = undetermined(
            "more-units-open",
            f"whether there is one unit more than these {units} is left open: noise would explain "
            f"as much in fewer than {OPEN:.0%} of all cases, though not in fewer than "
            f"{noise.alpha:.2g}; a larger alpha, or more samples, would decide, and n_units does "
            "where it is known",
        )
    elif noise.search == WIDER and certificate.status == Status.ESTIMATED:
        found = undetermined(
            "more-units-searched",
            f"whether there are more than these {units} units is left open: the search came by a "
            "network of more, which explains more than noise is taken to add, though the test asks "
            "for none; more samples would decide, and n_units does where it is known",
        )
    else:
        return of_search(noise, units)
    return (found,)


def of_search(noise: Noise, units: int) -> tuple[Finding, ...]:
    """What is left open by a search of any kind of labels."""
    if noise.search == "endless":
        found = failed(
            "endless",
            "a smooth function, or another kind of model: each further unit, after the "
            f"{units} of this network, goes on explaining more than chance would; it may predict "
            "well all the same",
        )
    elif noise.search == "disagree":
        found = undetermined(
            "searches-disagree",
            f"no two searches ended in the same network of {counted(units, 'unit')}, so others may "
            f"do as well; {noise.common} of its units came out of another search, too: more "
            "samples, or n_units where it is known, would help",
        )
    elif noise.search == HOPELESS:
        found = undetermined(
            "one-search",
            f"only one search was made, which left what looked like no noise: another network of "
            f"{counted(units, 'unit')} may do as well; a search with n_units={units} makes more",
        )
    else:
        return ()
    return (found,)
