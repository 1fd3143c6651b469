"""Optional packages: imported where they are first needed, or missed in words that help."""

from __future__ import annotations

import importlib
from types import ModuleType

from unrelu.errors import MissingExtraError


def require(module: str, extra: str, why: str) -> ModuleType:
    """Import an optional module, or say how to install it.

    Parameters
    ----------
    module : full name, "pyarrow.parquet". That module is returned, not its package.
    extra : the extra of this library that installs it, "parquet".
    why : what needs it, with its verb, ".parquet files need".

    Raises
    ------
    MissingExtraError, also where the package is there and does not import.

    >>> require("math", "parquet", "areas of circles need").pi
    3.141592653589793
    >>> require("pi_exact", "parquet", "areas of circles need")
    Traceback (most recent call last):
    unrelu.errors.MissingExtraError: areas of circles need pi_exact, which is not installed:
    pip install 'unrelu[parquet]'
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name in (package, module)
        trouble = "is not installed" if absent else f"cannot be imported ({error})"
        raise MissingExtraError(
            f"{why} {package}, which {trouble}: pip install 'unrelu[{extra}]'"
        ) from error
