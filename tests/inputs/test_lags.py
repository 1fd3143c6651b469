"""Windows of frames."""

from __future__ import annotations

import numpy as np
import pytest

from unrelu import InputError, lagged


def test_windows_share_the_memory_of_frames() -> None:
    frames = np.random.default_rng(0).standard_normal((50, 3))
    windows = lagged(frames, 4)
    assert windows.shape == (47, 12)
    assert np.shares_memory(windows, frames)
    assert not windows.flags.writeable
    for row in (0, 46):
        assert (windows[row] == frames[row : row + 4].ravel()).all()


@pytest.mark.parametrize("lags", [0, 6])
def test_as_many_lags_as_there_are_frames(lags: int) -> None:
    with pytest.raises(InputError, match="lags"):
        lagged(np.ones((5, 2)), lags)
    with pytest.raises(InputError, match="frames"):
        lagged(np.ones(5), 2)
