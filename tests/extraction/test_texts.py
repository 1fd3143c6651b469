"""Class labels that are texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.labelled import labelled

import unrelu
from unrelu import OracleError

Array = NDArray[np.float64]

NAMES = np.array(["cat", "ant", "bee"])


@pytest.mark.parametrize("form", [list, np.array, lambda names: names.astype(object)[:, None]])
def test_texts_are_labels(form: object, tmp_path: Path) -> None:
    truth = labelled(6, 3, 1, 1)

    def numbers(X: Array) -> Array:
        return (truth(X)[:, 0] > 0).astype(float)

    def texts(X: Array) -> object:
        return form(np.array(["no", "yes"])[numbers(X).astype(int)])  # type: ignore[operator]

    plain = unrelu.extract(numbers, 6, answers="labels", rng=0)
    found = unrelu.extract(texts, 6, rng=0)
    assert found.stats["answers"] == "labels"
    assert found.status == plain.status == "exact"
    evidence = found.certificate.evidence
    assert getattr(evidence, "names", ()) == ("no", "yes")
    assert plain.network is not None
    assert found.network is not None
    assert unrelu.match(found.network, plain.network).max_error < 1e-9
    found.save(tmp_path / "result.npz")
    loaded = unrelu.load_result(tmp_path / "result.npz")
    assert loaded == found
    X = np.random.default_rng(1).standard_normal((500, 6))
    assert loaded.certificate.recheck(X, np.asarray(texts(X)).reshape(-1)).status != "failed"
    other = np.where(numbers(X) > 0, "no", "yes")
    assert loaded.certificate.recheck(X, other).status == "failed"


def test_outputs_are_in_the_order_of_the_texts_and_a_journal_keeps_them(tmp_path: Path) -> None:
    truth, asked = labelled(6, 3, 3, 3), [0]

    def oracle(X: Array) -> Array:
        asked[0] += len(X)
        return np.asarray(NAMES[truth(X).argmax(axis=1)])

    journal = tmp_path / "journal"
    short = unrelu.extract(oracle, 6, budget=500, journal=journal, rng=0, throw=False)
    assert not short.status.certain
    whole = unrelu.extract(oracle, 6, journal=journal, rng=0, throw=False)
    assert asked[0] == whole.stats["queries"]
    names = getattr(whole.certificate.evidence, "names", ())
    assert names == tuple(sorted(NAMES))
    assert whole.network is not None
    X = np.random.default_rng(1).standard_normal((1000, 6))
    predicted = np.array(names)[whole.network(X).argmax(axis=1)]
    assert (predicted == NAMES[truth(X).argmax(axis=1)]).all()
    with pytest.raises(OracleError, match="class labels"):
        unrelu.extract(oracle, 6, answers="values", journal=journal, rng=0)


def test_texts_are_no_values() -> None:
    def oracle(X: Array) -> Array:
        return NAMES[(X[:, 0] > 0).astype(int)]  # type: ignore[no-any-return]

    with pytest.raises(OracleError, match="expected real numbers"):
        unrelu.extract(oracle, 6, answers="values", rng=0)

    asked = [0]

    def mixed(X: Array) -> Array:
        asked[0] += 1
        return oracle(X) if asked[0] < 3 else np.zeros(len(X))

    with pytest.raises(OracleError, match="texts and numbers"):
        unrelu.extract(mixed, 6, rng=0)


def test_many_texts_are_no_labels() -> None:
    def oracle(X: Array) -> Array:
        return np.array([f"{x:.6f}" for x in X[:, 0]])

    result = unrelu.extract(oracle, 6, rng=0, throw=False)
    assert (result.status, result.findings[0].code) == ("failed", "other-answers")
