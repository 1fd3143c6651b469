"""Packages that only some forms of file need: imported when one is met, or told how to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from unrelu.errors import MissingExtraError


def require(module: str, extra: str, why: str) -> ModuleType:
    """The module, or a MissingExtraError that says which extra brings it;
    `why` names what needs it, with its verb."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{why} {package}, which is not installed: pip install 'unrelu[{extra}]'"
        ) from error
