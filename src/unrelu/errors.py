"""Everything that unrelu raises.

A usage error is an error at the boundary: the message says what came, what was expected and what
to do. Mathematics that does not work out is a `Status` on the result, and becomes a
`RecoveryError` only when `recover(..., throw=True)` is asked to raise.

::

    UnreluError
    ├── InputError          (ValueError)    shapes, values, names that cannot be meant
    ├── InputTypeError      (TypeError)     complex, object or otherwise non-numeric data
    ├── FileError           (ValueError)    a file that holds no samples, or no network
    ├── MissingExtraError   (ImportError)   an optional dependency is not installed
    ├── OracleError         (RuntimeError)  a model that does not answer, or not with numbers
    └── RecoveryError       (RuntimeError)  nothing certain was recovered; carries the result
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from unrelu.wording.streams import printable


class UnreluError(Exception):
    """Root of the tree above."""

    def __str__(self) -> str:
        return printable(super().__str__())


class InputError(UnreluError, ValueError):
    """An argument has the right type and an impossible value."""


class InputTypeError(UnreluError, TypeError):
    """An argument is not of a type that could be meant."""


class FileError(UnreluError, ValueError):
    """A file could not be read as what it was said to be.

    code : what is in the way, in a word that stays the same from version to version: order-unclear,
        layout-unclear, several-outputs, layers, git-lfs-pointer, …; "unreadable" for all the rest.
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        super().__init__(message)
        self.code = code


class MissingExtraError(UnreluError, ImportError):
    """A feature needs a package that the lean installation leaves out."""


class OracleError(UnreluError, RuntimeError):
    """A model that was asked gave no answer, or one that is no table of finite numbers."""


class RecoveryError(UnreluError, RuntimeError):
    """`recover` ended undetermined or failed; `result` is the full `Recovery`. What is raised is
    the class of this name in `unrelu.result`, which knows the type of it."""

    result: Any


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
