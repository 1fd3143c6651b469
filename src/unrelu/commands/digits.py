"""A network trained on handwritten digits, recovered from its outputs for random inputs.

scikit-learn trains a network with one hidden layer on its bundled digits (8 × 8 pixels). After
that, the network is only queried: random inputs go in, ten numbers come out. From these `recover`
has to find every weight; it knows neither the images nor the number of hidden units.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unrelu.commands.results import save_recovered
from unrelu.errors import FileError, InputError
from unrelu.formats.atomic_write import atomic_write
from unrelu.formats.networks import save
from unrelu.formats.samples import write_samples
from unrelu.network import Network
from unrelu.network.matching import Match, match
from unrelu.numerics.arrays import Array
from unrelu.recover import recover
from unrelu.report.pairs import unit_pairs
from unrelu.result import Recovery

IMAGE = (8, 8)
EPOCHS = 60
SAME_UNIT = 1e-6
"""Distance of unit hidden weights below which a recovered unit counts as the true one."""

TEST_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Digits:
    """The trained network: `ask` gives its outputs, `truth` has its weights. The images, with their
    labels, are a test set."""

    ask: Callable[[Array], Array]
    truth: Network
    images: Array
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demonstration found, as a recovery and as labelled lines."""

    recovery: Recovery
    rows: list[tuple[str, str]]
    files: list[Path]


def run(
    folder: Path,
    *,
    units: int,
    queries: int,
    seed: int,
    say: Callable[[str], None],
) -> Demo:
    """Train, query, recover and compare; write networks, samples and a picture into `folder`.

    `say` is called with each step as text. Raises FileError if the folder cannot be written.
    """
    if units < 1:
        raise InputError(f"units: got {units}, expected at least 1")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: is not a writable folder: {error.strerror}") from error
    rng = np.random.default_rng(seed)

    say(f"training a network of {units} hidden units on handwritten digits")
    digits = train(units, rng)

    say(f"querying it at {queries} random inputs")
    X = rng.standard_normal((queries, digits.truth.n_inputs))
    Y = digits.ask(X)

    say("recovering its weights from the answers")
    start = time.perf_counter()
    recovery = recover(X, Y, rng=rng, throw=False)
    seconds = time.perf_counter() - start

    say("writing files and a picture")
    found = recovery.network
    aligned = None if found is None else match(found, digits.truth)
    rows = [
        ("trained network", f"{digits.truth.n_inputs} pixels, {units} hidden units, 10 outputs"),
        ("samples used", f"{queries} Gaussian inputs and the network's answers"),
        *_compared(digits, found, aligned),
        ("seconds", f"{seconds:.1f}"),
        ("status", str(recovery.status)),
    ]
    if not recovery.status.certain:
        rows.append(("reason", recovery.explanation))

    files = [folder / name for name in ("network.npz", "truth.npz", "samples.npz", "units.png")]
    save_recovered(recovery, files[0])
    save(digits.truth, files[1])
    write_samples(files[2], X, Y)
    title = f"The {units} hidden units of a network that reads digits, from {queries:,} queries"
    figure = unit_pairs(*_rows_side_by_side(digits.truth, found, aligned), IMAGE, title)
    with atomic_write(files[3]) as file:
        figure.savefig(file, format="png", dpi=150)
    return Demo(recovery, rows, files)


def train(units: int, rng: np.random.Generator) -> Digits:
    """Train a regressor with ten indicator outputs for a few dozen epochs."""
    from sklearn.datasets import load_digits
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    images, labels = load_digits(return_X_y=True)
    images = images / 16.0
    order = rng.permutation(len(images))
    split = round(TEST_SHARE * len(images))
    test, training = order[:split], order[split:]
    regressor = MLPRegressor(
        hidden_layer_sizes=(units,),
        activation="relu",
        alpha=0.0,  # weight decay switches units off, which leaves fewer to find
        learning_rate_init=0.005,
        max_iter=EPOCHS,
        random_state=int(rng.integers(2**31)),
    )
    with warnings.catch_warnings():
        # Stopped on purpose: a demonstration needs a trained network, not the best one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regressor.fit(images[training], np.eye(10)[labels[training]])
    (V, U), (b, c) = regressor.coefs_, regressor.intercepts_
    return Digits(regressor.predict, Network(V.T, U.T, b, c), images[test], labels[test])


def _compared(
    digits: Digits, found: Network | None, aligned: Match | None
) -> list[tuple[str, str]]:
    units = digits.truth.canonical().n_units
    if found is None or aligned is None:
        return [("units found", f"0 of {units}")]
    answers = digits.ask(digits.images)
    difference = np.abs(found(digits.images) - answers).max()
    read, reread = (
        100 * np.mean(outputs.argmax(axis=1) == digits.labels)
        for outputs in (answers, found(digits.images))
    )
    there = aligned.hidden < SAME_UNIT
    worst = max(aligned.per_unit[there].max(initial=0.0), aligned.output_bias)
    too_many = f", {len(aligned.extra)} too many" if len(aligned.extra) else ""
    return [
        ("units found", f"{there.sum()} of {units}{too_many}"),
        ("largest weight error", f"{worst:.1e} among the units found"),
        (
            "largest output difference",
            f"{difference:.1e} on {len(digits.images)} test images never used",
        ),
        ("digits read correctly", f"{read:.1f} % by the original, {reread:.1f} % by the copy"),
    ]


def _rows_side_by_side(
    truth: Network, found: Network | None, aligned: Match | None
) -> tuple[Array, Array]:
    """Unit-norm hidden weights of the truth and of the matched units; NaN for a missing unit."""
    true = truth.canonical().V
    side = np.full_like(true, np.nan)
    if found is not None and aligned is not None:
        there = aligned.permutation >= 0
        side[there] = found.canonical().V[aligned.permutation[there]]
    return true, side
