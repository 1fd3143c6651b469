"""unrelu: recover the weights of two-layer ReLU networks from samples.

The public names, nothing else. Each is imported from its module when it is first asked for, so
that `import unrelu` is quick and `unrelu --help` quicker.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from unrelu.wording.version import __version__ as __version__

if TYPE_CHECKING:
    from unrelu import activations, hardness, lower_bound, oracles
    from unrelu.certificate import Certificate, verify
    from unrelu.checks.refuted import Refutation
    from unrelu.errors import (
        FileError,
        InputError,
        InputTypeError,
        MissingExtraError,
        OracleError,
        UnreluError,
    )
    from unrelu.estimator import RectifiedNetworkRegressor
    from unrelu.extract import extract
    from unrelu.formats.networks import load, save
    from unrelu.formats.sklearn import from_sklearn, to_sklearn
    from unrelu.inference.assessment import assess
    from unrelu.inference.breakpoints import Breakpoint
    from unrelu.inference.goodness import Goodness
    from unrelu.inference.output_curve import OutputCurve, output_curve
    from unrelu.inference.posterior import Smoothness
    from unrelu.inference.some_weights import UnitErrors, unit_errors
    from unrelu.inference.uncertainty import Prediction, Uncertainty
    from unrelu.inputs.lags import lagged
    from unrelu.inputs.smooth import Smooth
    from unrelu.network import Network
    from unrelu.network.matching import Match, match
    from unrelu.noise.found import Noise
    from unrelu.recover import recover
    from unrelu.report.curves import draw_curve
    from unrelu.report.extraction import write_extraction_report
    from unrelu.report.page import write_report
    from unrelu.result import Recovery, RecoveryError, load_result
    from unrelu.solutions import Solutions, solutions
    from unrelu.stored.blocks import Blocks
    from unrelu.wording.progress import Progress, SearchProgress
    from unrelu.wording.remarks import Remark
    from unrelu.wording.status import Status
    from unrelu.wording.summary import Summary

__all__ = [
    "Blocks",
    "Breakpoint",
    "Certificate",
    "FileError",
    "Goodness",
    "InputError",
    "InputTypeError",
    "Match",
    "MissingExtraError",
    "Network",
    "Noise",
    "OracleError",
    "OutputCurve",
    "Prediction",
    "Progress",
    "Recovery",
    "RecoveryError",
    "RectifiedNetworkRegressor",
    "Refutation",
    "Remark",
    "SearchProgress",
    "Smooth",
    "Smoothness",
    "Solutions",
    "Status",
    "Summary",
    "Uncertainty",
    "UnitErrors",
    "UnreluError",
    "activations",
    "assess",
    "draw_curve",
    "extract",
    "from_sklearn",
    "hardness",
    "lagged",
    "load",
    "load_result",
    "lower_bound",
    "match",
    "oracles",
    "output_curve",
    "recover",
    "save",
    "solutions",
    "to_sklearn",
    "unit_errors",
    "verify",
    "write_extraction_report",
    "write_report",
]

_HOMES = {
    "inference.breakpoints": ("Breakpoint",),
    "certificate": ("Certificate", "verify"),
    "checks.refuted": ("Refutation",),
    "errors": (
        "FileError",
        "InputError",
        "InputTypeError",
        "MissingExtraError",
        "OracleError",
        "UnreluError",
    ),
    "estimator": ("RectifiedNetworkRegressor",),
    "extract": ("extract",),
    "formats.networks": ("load", "save"),
    "formats.sklearn": ("from_sklearn", "to_sklearn"),
    "network.matching": ("Match", "match"),
    "network": ("Network",),
    "inputs.lags": ("lagged",),
    "inputs.smooth": ("Smooth",),
    "inference.posterior": ("Smoothness",),
    "inference.goodness": ("Goodness",),
    "inference.output_curve": ("OutputCurve", "output_curve"),
    "recover": ("recover",),
    "wording.remarks": ("Remark",),
    "report.curves": ("draw_curve",),
    "report.page": ("write_report",),
    "report.extraction": ("write_extraction_report",),
    "noise.found": ("Noise",),
    "result": ("Recovery", "RecoveryError", "load_result"),
    "solutions": ("Solutions", "solutions"),
    "stored.blocks": ("Blocks",),
    "wording.progress": ("Progress", "SearchProgress"),
    "wording.status": ("Status",),
    "wording.summary": ("Summary",),
    "inference.assessment": ("assess",),
    "inference.some_weights": ("UnitErrors", "unit_errors"),
    "inference.uncertainty": ("Prediction", "Uncertainty"),
}
_MODULES = ("activations", "hardness", "lower_bound", "oracles")
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"unrelu.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'unrelu' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"unrelu.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """`unrelu.recover`, `extract` and `solutions` are functions, and modules have the same names:
    importing such a module would otherwise bind itself here in the function's place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("recover", "extract", "solutions") and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
