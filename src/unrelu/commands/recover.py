"""`unrelu recover`: samples to a network, and optionally a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import (
    FILE,
    NET_HELP,
    SAMPLES_HELP,
    positive,
    shown_files,
    table_option,
)
from unrelu.commands.results import save_recovered, write_recovery
from unrelu.commands.terminal import busy, exit_codes, keep

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.inputs.smooth import Smooth


def _methods() -> dict[str, str]:
    from unrelu.search.methods import names

    return dict.fromkeys(names(), "")


def _noise() -> dict[str, str]:
    from unrelu.noise.kinds import of_values

    auto = {"auto": "none or, if no network explains the labels, what the residuals suggest"}
    return auto | {name: kind.contains for name, kind in of_values().items()}


def _activations() -> dict[str, str]:
    from unrelu.activations.table import KINDS

    spelt = (kind.spelling().partition("' ") for kind in KINDS)
    known = {name.strip("'"): meaning for name, _, meaning in spelt}
    return known | {"unknown": "labels without noise, at least as many outputs as units"}


def _forms() -> dict[str, str]:
    from unrelu.search.options import FORMS

    return dict.fromkeys(FORMS, "")


def _answers() -> dict[str, str]:
    from unrelu.search.options import answers

    return answers()


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@arguments.samples
@arguments.output
@arguments.units
@arguments.bias
@click.option("--skip", is_flag=True, help="Fit a skip connection from inputs to outputs.")
@click.option("--auto-skip", is_flag=True, help="Fit one where the labels want it.")
@table_option(
    "--method", _methods, help="A search or a published recipe; auto tries what is suitable."
)
@table_option("--noise", _noise, help="What the labels contain besides outputs of a network.")
@table_option(
    "--activation",
    _activations,
    help="Of the hidden units; --noise sparse requires relu.",
    default="relu",
)
@table_option(
    "--answers",
    _answers,
    help="What the labels are of the values of the network.",
    default="values",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.001, 0.5),
    default=0.01,
    show_default=True,
    metavar="RATE",
    help="False-alarm rate: how often noisy samples may give too many units by chance.",
)
@click.option(
    "--smooth",
    metavar="SHAPE",
    help="""Inputs are a grid of this shape, such as 10x10 pixels or 5x20 (frames by pixels), over
    which hidden weights are smooth. The evidence chooses how smooth, or that they are not.""",
)
@table_option(
    "--form",
    _forms,
    help="""Of the standard errors. homoscedastic: the noise is the same in every sample. sandwich:
    it may depend on the sample. auto: sandwich if the residuals show that it does.""",
)
@click.option(
    "--weights",
    metavar="COLUMN",
    help="""Column of a table, or array of a .npz, with a weight for each sample. The variance of
    its noise is assumed proportional to 1/weight.""",
)
@arguments.exact
@arguments.columns
@arguments.running
@click.option(
    "--device",
    metavar="NAME",
    help="Run large products of the search on cpu, cuda or mps of PyTorch.",
)
@positive("--time-limit", None, help="Seconds after which the best network so far is written.")
@click.option(
    "--checkpoint",
    type=FILE,
    metavar="PATH",
    help="""Record the steps of a long search in this file; the same command then resumes from it.
    It is deleted when the search has come to its end.""",
)
@arguments.seed("rng")
@click.option("--report", "page", metavar="PAGE", help="Also write a report, an .html.")
@click.option(
    "--plot",
    "picture",
    metavar="PICTURE",
    help="Also draw the fit, as a .png, .svg or .pdf: breakpoints, effects, residuals.",
)
@click.option("--summary", is_flag=True, help="Print the summary of a regression instead.")
@arguments.as_json
@exit_codes()
def recover(
    samples: tuple[str, ...],
    output: str,
    weights: str | None,
    layout: Layout,
    page: str | None,
    picture: str | None,
    summary: bool,
    auto_skip: bool,
    smooth: str | None,
    as_json: bool,
    running: dict[str, Any],
    **options: Any,
) -> None:
    """Recover the network behind SAMPLES and write it to NET."""
    from unrelu.formats.samples import read_weighted

    if auto_skip and options["skip"]:
        raise click.UsageError("--auto-skip: got --skip as well, expected one of them")
    options["skip"] = "auto" if auto_skip else options["skip"]
    options["prior"] = None if smooth is None else _smooth(smooth)
    _check_files(samples, output, page, options)
    if picture is not None:
        _check_picture(picture, options["answers"], *samples, output, *([page] if page else []))
    with busy(f"reading {shown_files(samples)}") as say:
        layout = replace(layout, weights=weights)
        X, Y, sample_weight = read_weighted(samples, exact=options["exact"], layout=layout)
        say(f"recovering a network from {len(X)} samples")
        from unrelu.recover import recover as recovered
        from unrelu.stored.clients import connected

        options |= {"sample_weight": sample_weight, "memory": running.pop("memory")}
        options["progress"] = lambda now: say(f"recovering: {now}")
        with connected(**running) as client:
            result = recovered(X, Y, client=client, throw=False, **options)
    save_recovered(result, output)
    if result.network is not None and result.network.rational and not output.endswith(".npz"):
        click.echo(f"{output}: weights rounded to float64; a .npz keeps them exactly", err=True)
    if page is not None or picture is not None:
        X, Y = _values(X, Y, options["answers"])
    if page is not None:
        from unrelu.report.appraisal import appraise
        from unrelu.report.page import html_page
        from unrelu.report.rendering import save_page

        title = f"{output}, recovered from {shown_files(samples)}"
        save_page(html_page(appraise(result, X, Y), title=title), page)
    if picture is not None and result.network is not None:
        from unrelu.pictures.files import save_picture

        save_picture(result.plot(X, Y), picture)
    drawn = None if result.network is None else picture
    files = [name for name in (output, page, drawn) if name is not None]
    write_recovery("unrelu recover", result, output, files, as_json=as_json, summary=summary)


def _smooth(shape: str) -> Smooth:
    """The prior of an option such as 10x10."""
    from unrelu.inputs.smooth import Smooth

    try:
        return Smooth(tuple(int(size) for size in shape.lower().split("x")))
    except ValueError:
        raise click.UsageError(
            f"--smooth: got {shape!r}, expected whole numbers such as 10x10"
        ) from None


def _check_picture(picture: str, answers: str, *others: str) -> None:
    """Raise the error of a picture that cannot be drawn, before anything is computed."""
    from unrelu.pictures.files import check_target

    if answers in ("labels", "top-k"):
        raise click.UsageError(
            f"--plot: got --answers {answers}, expected other answers: pictures show values"
        )
    check_target(picture)
    keep(picture, *others)


def _values(X: Any, Y: Any, answers: str) -> tuple[Any, Any]:
    """The samples that a network was recovered from."""
    import numpy as np

    from unrelu.links.behind import values_behind
    from unrelu.links.identity import VALUES
    from unrelu.links.table import LINKS

    if answers == VALUES.name:
        return X, Y
    behind = values_behind(LINKS[answers], np.asarray(Y, np.float64).reshape(len(X), -1))
    return np.asarray(X)[behind.rows], behind.values


def _check_files(
    samples: tuple[str, ...], output: str, page: str | None, options: dict[str, Any]
) -> None:
    """Raise the error of an output that cannot be written, before anything is computed."""
    from unrelu.formats.networks import check_activation, check_target

    check_target(output)
    check_activation(options["activation"], output)
    if options["skip"] and not output.lower().endswith(".npz"):
        raise click.UsageError(
            f"--skip: got output {output}, expected a .npz: no other form can store a skip "
            "connection"
        )
    keep(output, *samples)
    if (checkpoint := options["checkpoint"]) is not None:
        from unrelu.formats.atomic_write import check_writable

        check_writable(Path(checkpoint))
        keep(checkpoint, *samples, output, page)
    if page is None:
        return
    if (answers := options["answers"]) in ("labels", "top-k"):
        raise click.UsageError(
            f"--report: got --answers {answers}, expected other answers: pages show values, and "
            "these show none"
        )
    if options["activation"] == "unknown":
        raise click.UsageError(
            "--report: got --activation unknown, expected a known one; unrelu.draw_curve draws the "
            "curve of an unknown one"
        )
    from unrelu.report.rendering import check_target as check_page

    check_page(page)
    keep(page, *samples, output)
