"""recover(): samples in, network and certificate out. Prepare, propose, certify, report."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unrelu.activations import RELU, Activation, resolve
from unrelu.inputs.classes import ClassLabels, check_left, class_labels
from unrelu.inputs.smooth import Smooth
from unrelu.links.link import Link
from unrelu.noise.kind import NoiseKind
from unrelu.noise.labels import LABELS
from unrelu.numerics.arrays import Array
from unrelu.numerics.quiet import quiet
from unrelu.numerics.threads import one_thread
from unrelu.result import Recovery, RecoveryError
from unrelu.samples import ExactSamples
from unrelu.search.answers import unlinked
from unrelu.search.class_labels import find as find_from_labels
from unrelu.search.cross_validation import search_cross_validated
from unrelu.search.given import check_network, given_samples, independent, weighed_samples
from unrelu.search.judging import Outcome
from unrelu.search.left_open import left_open, told_or_validated
from unrelu.search.options import (
    check_of_classes,
    check_options,
    check_samples,
    check_top_k,
    check_weights,
    link_of,
)
from unrelu.search.part import search_part
from unrelu.search.plan import run_plan
from unrelu.search.rational import run_rational_plan
from unrelu.search.recovery import described, recovery_of
from unrelu.search.resuming import resumable, seeded_again
from unrelu.search.row_space import label_rank
from unrelu.search.skip_left_open import search_both
from unrelu.search.smoothed import checked_prior, smoothed
from unrelu.search.task import Task
from unrelu.search.top_classes import ANSWERS as TOP_K
from unrelu.search.top_classes import recover_shown
from unrelu.search.watch import watched
from unrelu.stored.blocks import Given
from unrelu.stored.doors import with_passes
from unrelu.stored.kinds import within
from unrelu.wording.progress import SearchReport

MANY_ENTRIES = 1e6
"""Entries of X from which on the products are worth several threads."""


@with_passes
@quiet
def recover(
    X: Given,
    Y: Given,
    n_units: int | str | None = None,
    *,
    activation: str | Activation = "relu",
    bias: bool = True,
    method: str = "auto",
    noise: str = "auto",
    exact: bool = False,
    skip: bool | str = False,
    form: str = "auto",
    answers: str | Link = "values",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.01,
    prior: Smooth | None = None,
    memory: float | None = None,
    client: Any = None,
    device: str | None = None,
    time_limit: float | None = None,
    progress: SearchReport | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    rng: int | np.random.Generator | None = None,
    throw: bool = True,
) -> Recovery:
    """Find V, U, b, c with Y = f(X Vᵀ + b) Uᵀ + c, and say how certain they are; with a skip
    connection, W of a term X Wᵀ, too.

    Parameters
    ----------
    X : (n, d) inputs, of any distribution. Columns that are constant or a combination of the
        others, as one-hot columns in full are, have weight zero, and the certificate says so
        (method "auto"; else they are refused).
    Y : (n, m) or (n,) labels.
        Both may be tables of pandas, polars or pyarrow, or a single column of one: names of columns
        are kept and shown, dates count as seconds since 1970, and where both have an index, rows
        of the same label belong together.
    n_units : number of hidden units, where known; 0 for none, that is for c and, with a skip
        connection, W alone. Found from the samples otherwise: the number that tests show (`alpha`);
        or, with "cv", the number that predicts best in five-fold cross-validation, where labels
        have noise (method "auto", values).
    activation : "relu"; or a name or an object of `unrelu.activations`: powers, rectified
        exponentials, functions of your own; or "unknown": nothing is assumed of it but that it is
        zero for z <= 0, and positive and one-to-one beyond. All but the ReLU take the methods
        "auto" and "row-space", known ones some recipes (below) and all noise but "sparse" ("auto":
        none, or Gaussian), and whole powers `exact`; with fewer outputs than units, networks of
        your own functions are found, but called undetermined. "unknown" is for labels without
        noise, of rank k (so at least as many outputs as units): hidden values (`Recovery.hidden`)
        and U are exact up to the scale of each unit, directions and the activation (a `Curve`) are
        estimated.
    bias : look for b and c. Without, only networks with b = c = 0 are considered.
    method : "auto", or a single one.
        "row-space"    from random hyperplanes, one unit at a time; needs rank(Y) = k.
        "hyperplanes"  any number of outputs.
        "facets"       through every facet of the cone of labels, without chance, for inputs of
                       any kind; needs rank(Y) = k, up to eight or so.
        "mixed-integer"  a complete search by SCIP (the extra of the same name) for n_units units
                       and one output, a minute long at most: for a few dozen samples.
        "enumeration"  every sign pattern, with `exact`; needs rank(Y) = k, up to three or so.
        With `exact`, the last three are complete: they find a network or prove that there is none,
        or say that they were not done; with rank(Y) = k also whether it is the only one (see
        `solutions`).
        The others are published recipes. One whose assumptions do not hold ends failed, and says
        which:
        "ica"          orthonormal V, Gaussian inputs (BJW Algorithm 4).
        "tensor"       Gaussian inputs: the moment tensor of the lowest order that shows units
                       (Algorithms 5 and 6). "tensor-2", "tensor-3" and "tensor-4" name the order;
                       with "-power" at the end ("tensor-power", "tensor-2-power") the tensor
                       power method decomposes it instead of a joint diagonalisation.
        "projection-signs"  the same with the signs by projections (Algorithm 7), for noisy labels.
        "symmetric"    inputs as likely as their negatives (Corollary 53).
        "one-sparse"   any number of outputs, from samples on which a unit is alone (Algorithm 8).
        "halfspace"    any noise that does not depend on Gaussian inputs, up to three units
                       (Algorithm 9).
        "sparse-noise"  gross errors in a few labels, fewer units than outputs (Theorem 7).
        "ica", "tensor" and "projection-signs" take other activations, too.
        With noise="gaussian" "tensor", "projection-signs", "symmetric" and "halfspace" want
        n_units, and give an estimate of their own.
    noise : what the labels may contain besides the outputs of a network.
        "none"         rounding only: they are explained to that, or not at all.
        "gaussian"     mean-zero noise of finite variance, any covariance between the outputs.
        "independent"  anything that does not depend on X: heavy tails, outliers.
        "poisson"      noise whose variance is proportional to the mean, as that of counts.
        "bernoulli"    labels 0 and 1, whether anything was counted: 1 with the probability that
                       counts of the network's mean are not 0, 1 - exp(-value).
        "sparse"       gross errors in fewer than a third of the entries, nothing else, which
                       the certificate lists.
        "auto"         "none"; where nothing explains the labels to rounding, and what is left does
                       not depend on the inputs, "gaussian", or what the residuals look like.
    exact : take X and Y for what they are, without any rounding: integers, Fractions, Decimals,
        floats as dyadic numbers. The network found is rational, and every label is recomputed
        over the rationals; or the certificate says which samples break the proof. For labels
        without noise, "auto", "none" or "sparse".
    skip : look for a skip connection, a term X Wᵀ. On which side a unit is active is then open, for
        u f(z) = u f(−z) + u z: the network is one of 2ᵏ that are the same function, the canonical
        one (see `Network.canonical`); where labels need no skip connection, one without. For the
        ReLU, the methods "auto", "row-space" and "hyperplanes", and all noise but "sparse".
        "auto": networks without one are searched first, and others where that answer is not
        certain, or fewer units would do with one; the better answer is returned, of two estimates
        that of the smaller BIC.
    form : of the standard errors of an estimate: "homoscedastic" (the noise is the same in every
        sample), "sandwich" (it may depend on the sample in any way), or "auto": the sandwich where
        residuals show plainly that it does and there are ten labels to an unknown. Heavy tails
        have the sandwich, and so do counts unless "homoscedastic" is asked for.
    answers : what Y is of the values F of the network: "values", or "sigmoid", "tanh", "softmax"
        or "log-softmax" of them, "rectified" (max(F, 0)) or "clipped" (to [0, 1]). Such answers are
        inverted where they are not saturated; others are left out, as a finding says. Rounded ones
        have noise in their values, and leave an estimate at best. Of a softmax the outputs of the
        network are known up to a function that is common to all; those that sum to zero are found.
        "labels": Y are class labels, each drawn with the probabilities of a softmax of the values:
        integers, booleans or texts (n,), in the order of their values, or one-hot columns
        (n, classes). The network is the maximum of that likelihood, `estimated` at best. Of two
        classes it has one output, the logit of the second; of more, one output for each class, that
        of the first zero. For the ReLU, methods and noise "auto".
        Or a `Link` of `unrelu.links` of your own.
    sample_weight : (n,) from zero on; the variance of the noise of a sample is taken to be
        proportional to 1/weight, and scaling all of them changes nothing. Samples of weight zero
        are left out. Labels without noise are explained or not, whatever their weights. For noisy
        labels of ReLU networks and method "auto".
    alpha : how often the number of units of noisy labels, where it is not told, may be one too
        many by chance: the false-alarm rate of the whole search, over all widths, directions and
        starts, between 0.001 and 0.5. `result.noise.widths` has the tests.
    prior : an `unrelu.Smooth`: hidden weights are smooth over a grid of inputs. Its length is
        chosen by evidence, and `result.smoothness` has it; where no smoothness is likelier, the fit
        is that without it. Standard errors and intervals are those of the posterior. The number of
        units, where it is not told, is that of the search without it. For labels with noise
        "gaussian", "poisson" or "bernoulli", ReLUs, no skip connection, and method "auto".
    memory : bytes that the numbers of samples may take; None for 1e9 where X or Y is in a store
        (`unrelu.Blocks`), which is then read block by block, and for any number otherwise. Of more
        samples, a part is searched, drawn at random. Exact labels are held against all samples.
        An estimate by least squares is fitted to all in three passes, unless they speak against
        it; another one is that of the part, as the finding "part-of-samples" says.
    client : of `dask.distributed`; None for the current one, if there is one. Passes over samples
        that are in files or dask collections then run on its workers, with the same bits.
    device : "cpu", "cuda", "mps", of PyTorch (the extra gpu): large products of searches by least
        squares run there, in single precision far from rounding; "mps" has no other, and leaves the
        last steps to NumPy. None for NumPy alone. Checks are in NumPy, whatever was found where.
    time_limit : seconds after which the search ends with the best network so far. Its status is
        what its checks show; of noisy labels it is "undetermined" at best, unless all tests of the
        number of units were done. A remark says that time was up ("time-limit"). Where nothing
        explains the labels, random starts go on until then. So does Ctrl-C end it ("interrupted").
    progress : called with a `SearchProgress` at every stage, every better network, and once a
        second: stage, units and residual of the best network so far, seconds.
    checkpoint : a file in which a long search records its steps, every five seconds or more. The
        same call resumes from it, and ends with the same bits as without an interruption. It is
        deleted when the search has come to its end.
    rng : seed or generator for the random starts; the same seed gives the same bits. None draws a
        seed, which `stats["seed"]` tells, or takes that of the checkpoint.
    throw : raise `RecoveryError`, with the result on it, unless the network is certain.

    Returns
    -------
    Recovery, with the network in canonical form. Its status is
    proved         with `exact`: every sample is explained without any error, and no other weights
                   near these do; no other network with this many units fits, as a search of all of
                   them shows where it is quick (the certificate says so), or as with "exact";
    exact          every sample is explained to rounding, and no other network with this many units
                   fits;
    estimated      the labels are noisy; `noise` says how, `uncertainty` how far the network is off;
    undetermined   the samples do not pin the network down; the certificate says where;
    failed         no such network was found; the certificate says how far the best one is off.

    Raises
    ------
    InputError, InputTypeError for data and names that cannot be meant, and the checkpoint of other
    samples or another question; FileError for one that cannot be used; RecoveryError.

    Assumptions: none on the law of X, nor on the conditioning of V beyond float arithmetic. The
    samples must show each unit: about d + 1 of them on its active side. Few outputs (m < k) want
    some 4 equations n m per unknown k (d + m).

    Cost: O(k) starts of O(l (d² + d k) + d³) on l = 4 (d + k) + 200 rows when rank(Y) = k, a few
    thousand products of O(l k (d + m)) on l = 6 k (d + m) / m rows otherwise; one pass over all
    rows. A rarely active unit makes it more rows. With `exact`, a least-squares solution in all
    unknowns, and some products of rationals over all rows.

    Source: the problem is that of Bakshi, Jayaram and Woodruff (COLT 2019), Theorems 1 to 3.

    >>> from unrelu import Network
    >>> rng = np.random.default_rng(1)
    >>> truth = Network(rng.standard_normal((3, 4)), rng.standard_normal((2, 3)))
    >>> X = rng.standard_normal((200, 4))
    >>> result = recover(X, truth(X), rng=0)
    >>> result.status == "exact", result.network.n_units
    (True, 3)
    """
    del client, device  # see with_passes
    with watched(time_limit, progress, checkpoint) as seen:
        validated, n_units = told_or_validated(n_units, method, exact, answers)
        way, kind = check_options(n_units, bias, method, noise, exact, form, alpha)
        X, Y = within(X, Y, memory)
        known, behind, labels = None if activation == "unknown" else resolve(activation), None, None
        if link := link_of(answers, exact):
            behind = unlinked(link, X, Y, kind, sample_weight)
            X, Y, sample_weight, kind = behind.X, behind.values, behind.weights, behind.noise
        either, linear = left_open(skip)
        if answers == TOP_K:
            check_top_k(known, way, kind, bias, linear, sample_weight)
            return _thrown(recover_shown(X, Y, n_units, bias=bias, rng=rng), throw)
        if answers == LABELS.answers:
            labels, kind, Y = _of_classes(X, Y, known, way, kind, bias, linear)
        samples, precision, exactly = given_samples(X, Y, exact, behind, kind)
        either = check_network(known, n_units, bias, linear, either, way, kind, exact, samples.m)
        samples, exactly, weights = weighed_samples(samples, exactly, X, sample_weight)
        check_weights(weights, known, way, kind)
        full, samples, kept = independent(samples, bias, known, way, exact)
        check_samples(samples, bias, way, kind)
        rng, seed = seeded_again(rng, checkpoint)
        with one_thread(samples.n * samples.d < MANY_ENTRIES):
            task = Task(
                *(samples, label_rank(samples, bias, rng, skip=linear), n_units, bias, way, kind),
                *(known or RELU, linear, weights, form),
                *(precision, alpha, known is None, behind is not None or kind.integer),
                *(memory, checked_prior(prior, full, known, way, kind, skip, memory), kept),
            )
            asked = dict[str, bool | str](exact=exact, skip=str(skip), validated=validated)
            with resumable(checkpoint, task, asked, rng, seed):
                search = partial(_searched, exactly=exactly, labels=labels, rng=rng)
                task, found = _chosen(task, search, rng, either=either, validated=validated)
            result = recovery_of(found, task, exact, seed, seen.started)
        return _thrown(described(result, behind, full, kept), throw)


def _of_classes(X: Given, Y: Given, *options: Any) -> tuple[ClassLabels, NoiseKind, Array]:
    """Class labels, their kind of noise, and their indicators without those of the first class.
    `options`: as in `check_of_classes`."""
    check_of_classes(LABELS.answers, *options)
    labels = class_labels(X, Y)
    return labels, LABELS, labels.indicators[:, 1:]


def _chosen(
    task: Task,
    search: Callable[[Task], Outcome],
    rng: np.random.Generator,
    *,
    either: bool,
    validated: bool,
) -> tuple[Task, Outcome]:
    """The task with a skip connection or without, and with a number of units, where these are
    chosen; and its outcome, with the prior where there is one."""
    if validated:
        task, found = search_cross_validated(task, search, either, rng)
    else:
        task, found = search_both(task, search, rng) if either else (task, search(task))
    return task, found if task.smooth is None else smoothed(task, found)


def _searched(
    task: Task,
    exactly: ExactSamples | None,
    labels: ClassLabels | None,
    rng: np.random.Generator,
) -> Outcome:
    if labels is not None:
        check_left(labels, np.asarray(task.samples.Y, np.float64))
        return find_from_labels(task, labels.classes, rng)
    if exactly is not None:
        return run_rational_plan(task, exactly, rng)
    return search_part(task, rng) if task.too_many else run_plan(task, rng)


def _thrown(result: Recovery, throw: bool) -> Recovery:
    if throw and not result.status.certain:
        raise RecoveryError(result)
    return result
