"""What a call of recover() may leave to the labels: skip="auto" and n_units="cv"."""

from __future__ import annotations

from unrelu.errors import InputError
from unrelu.inputs.options import check_flag
from unrelu.links.identity import VALUES
from unrelu.search.methods import AUTO

EITHER = "auto"
CROSS_VALIDATED = "cv"


def left_open(skip: bool | str) -> tuple[bool, bool]:
    """Whether it is left open, and whether there is a linear function where it is not. Raises
    InputError, InputTypeError for anything but "auto", True and False."""
    if not isinstance(skip, str):
        check_flag("skip", skip)
        return False, bool(skip)
    if skip != EITHER:
        raise InputError(f"skip: got {skip!r}, expected True, False or {EITHER!r}")
    return True, False


def told_or_validated(
    n_units: int | str | None, method: str, exact: bool, answers: object
) -> tuple[bool, int | None]:
    """Whether the number of units is to be found by cross-validation, and the number, if it is
    told. Raises InputError where there is nothing to be predicted."""
    if n_units != CROSS_VALIDATED:
        return False, n_units  # type: ignore[return-value]  # other words are refused with it
    if method != AUTO.name or exact or answers != VALUES.name:
        raise InputError(
            f"n_units: got 'cv' with method={method!r}, exact={exact}, answers={answers!r}, "
            "expected method='auto', exact=False and answers='values' with it"
        )
    return True, None
