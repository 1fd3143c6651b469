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

from typing import TYPE_CHECKING

from unrelu.wording.streams import printable

if TYPE_CHECKING:
    from unrelu.result import Recovery


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
    """`recover` ended undetermined or failed; `result` is the full `Recovery`."""

    def __init__(self, result: Recovery) -> None:
        super().__init__(f"{result.status}. {result.certificate.explanation}")
        self.result = result

    def __reduce__(self) -> tuple[type[RecoveryError], tuple[Recovery]]:
        return RecoveryError, (self.result,)
