"""What holds for all tests."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

# No test may depend on the speed of a machine, and hypothesis would fail those that seem slow.
settings.register_profile("unrelu", deadline=None)
settings.load_profile("unrelu")


@pytest.fixture(autouse=True)
def floating_point_errors_are_seen() -> Iterator[None]:
    """The library's front doors keep NumPy's warnings from users; in tests they are wanted, as
    errors. Whoever asks NumPy to call a function, as here, gets that from the library, too."""

    def reported(kind: str, _: int) -> None:
        warnings.warn(f"{kind} encountered", RuntimeWarning, stacklevel=2)

    with np.errstate(call=reported, over="call", invalid="call", divide="call"):
        yield
