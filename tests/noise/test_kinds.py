"""The table of the kinds of noise, and what another kind in it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from support.noise_kinds import LAPLACE, known_variance
from support.planting import plant

from unrelu import InputError, Network, Status, match, recover
from unrelu.cli import main
from unrelu.noise.kind import FirstFit
from unrelu.noise.kinds import KINDS, estimated, of_values, recognised, suspected
from unrelu.samples import Samples

Array = NDArray[np.float64]
ROOT = Path(__file__).parents[2]


def test_kinds_have_their_names() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
    assert estimated() == ("gaussian", "independent", "poisson", "bernoulli")


def test_every_kind_is_explained_where_kinds_are_named() -> None:
    # Lines may end at a hyphen.
    help_text = "".join(CliRunner().invoke(main, ["recover", "--help"]).output.split())
    page = (ROOT / "docs/questions/noisy-labels.md").read_text(encoding="utf-8")
    for name, kind in of_values().items():
        assert f'"{name}"' in (recover.__doc__ or "")
        assert f"{name} ({kind.contains})".replace(" ", "") in help_text
        assert f'| `"{name}"` | {kind.contains} |' in page


def test_the_last_kind_that_recognises_its_noise_is_taken() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 3))
    truth = Network([[1.0, 0.0, 0.0]], [[4.0]], c=[1.0])
    counts = rng.poisson(truth(X)).astype(np.float64)
    samples = Samples.of(X, counts)
    found = suspected(samples, True)
    assert found is KINDS["poisson"]
    plain = Samples.of(X, truth(X) + rng.standard_normal((3000, 1)))
    assert suspected(plain, True) is None
    for which, heavy, expected in (
        (samples, False, "poisson"),
        (samples, True, "poisson"),
        (plain, True, "independent"),
        (plain, False, "gaussian"),
    ):
        kind, reason = recognised(FirstFit(which, truth, True, heavy=heavy))
        assert kind.name == expected
        assert (reason == "") == (expected == "gaussian")


def test_another_kind_is_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recovered with, has standard errors, and is named where kinds are."""
    monkeypatch.setitem(KINDS, LAPLACE.name, LAPLACE)
    problem = plant(4, 2, 2, 1500, seed=1, bias=0.5)
    noise = np.random.default_rng(0).laplace(scale=0.2, size=problem.Y.shape)
    Y = problem.Y + noise
    result = recover(problem.X, Y, noise="laplace", rng=0)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert result.noise is not None
    assert result.noise.kind == "laplace"
    assert result.network.n_units == 2
    assert result.stderr is not None
    plain = recover(problem.X, Y, 2, noise="gaussian", rng=0)
    assert plain.stderr is not None
    # A median is known twice as well as a mean of such noise: the variance is 2 scale².
    ratio = np.median(result.stderr.V / plain.stderr.V)
    assert 0.6 < ratio < 0.85
    error = match(result.network, problem.truth)
    expected = np.linalg.norm(result.stderr.V[error.permutation], axis=1)
    assert (error.hidden < 3 * expected).all()
    with pytest.raises(InputError, match=r"'auto', 'none', .*'laplace'"):
        recover(problem.X, Y, noise="cauchy")
    with pytest.raises(InputError, match="got 'laplace' with exact=True"):
        recover(problem.X, Y, noise="laplace", exact=True)


def test_noise_of_known_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples with little noise count for more: errors are those of the weighted fit."""
    problem = plant(4, 2, 1, 1000, seed=2, bias=0.5)
    rng = np.random.default_rng(1)
    size = rng.choice([0.03, 0.6], (1000, 1))
    Y = problem.Y + size * rng.standard_normal((1000, 1))
    kind = known_variance(size**2)
    monkeypatch.setitem(KINDS, kind.name, kind)
    result = recover(problem.X, Y, 2, noise=kind.name, rng=0)
    plain = recover(problem.X, Y, 2, noise="gaussian", rng=0, throw=False)
    assert result.status == Status.ESTIMATED
    assert result.network is not None
    assert result.stderr is not None
    assert plain.stderr is not None
    assert np.median(result.stderr.V) < 0.2 * np.median(plain.stderr.V)
    error = match(result.network, problem.truth)
    expected = np.linalg.norm(result.stderr.V[error.permutation], axis=1)
    assert (error.hidden < 3 * expected).all()
