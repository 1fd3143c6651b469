"""`unrelu recover`: samples to a network, and optionally a report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from unrelu.commands.arguments import (
    FILE,
    NET_HELP,
    SAMPLES_HELP,
    as_json,
    columns,
    described,
    exact,
    options_of_recover,
)
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write_json, write_table

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@click.option("-o", "--output", type=FILE, required=True, metavar="NET", help="The file to write.")
@click.option("--units", type=int, help="Number of hidden units, if it is known.")
@click.option("--bias/--no-bias", default=True, help="Look for biases, or know there are none.")
@click.option("--skip", is_flag=True, help="Look for a skip connection, inputs to outputs, too.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    shell_complete=options_of_recover,
    help="""A single method, by name: row-space, hyperplanes, facets, mixed-integer or, with
    --exact, enumeration; or a published recipe: ica, tensor, projection-signs, symmetric,
    one-sparse, halfspace, sparse-noise.""",
)
@click.option(
    "--noise",
    default="auto",
    show_default=True,
    shell_complete=options_of_recover,
    help="""What the labels contain besides outputs of a network. none: rounding. gaussian:
    mean-zero noise of finite variance. independent: anything that does not depend on the inputs,
    outliers too. poisson: noise of counts. sparse: gross errors in a few entries. auto: none, and
    where that explains nothing, what the residuals look like.""",
)
@click.option(
    "--activation",
    default="relu",
    show_default=True,
    metavar="NAME",
    help="""Of the hidden units: relu, power(2) or another exponent, expm1, exp-square; or unknown.
    Others than relu are not for --noise sparse; unknown is for labels without noise and at least as
    many outputs as units.""",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.001, 0.5),
    default=0.01,
    show_default=True,
    metavar="RATE",
    help="How often the number of units of noisy samples may be too large by chance.",
)
@click.option(
    "--form",
    default="auto",
    show_default=True,
    shell_complete=options_of_recover,
    help="""Of the standard errors: homoscedastic, for noise that is the same in every sample;
    sandwich, for noise that may depend on the sample; auto: the second where residuals show it.""",
)
@click.option(
    "--weights",
    metavar="COLUMN",
    help="""The column of a table, or the array of a .npz, that holds a weight for each sample: the
    variance of its noise is taken to be proportional to 1/weight.""",
)
@exact
@columns
@click.option("--seed", type=click.IntRange(0), help="The same seed gives the same bits.")
@click.option("--report", "page", metavar="PAGE", help="Write a report too, an .html.")
@as_json
@exit_codes()
def recover(
    samples: str,
    labels: str | None,
    output: str,
    units: int | None,
    bias: bool,
    skip: bool,
    alpha: float,
    method: str,
    noise: str,
    activation: str,
    form: str,
    weights: str | None,
    exact: bool,
    layout: Layout,
    seed: int | None,
    page: str | None,
    as_json: bool,
) -> None:
    """Recover the network behind SAMPLES and write it to NET."""
    from unrelu.formats.networks import Mark, check_activation, check_target, save_marked
    from unrelu.formats.samples import read_weighted

    check_target(output)
    check_activation(activation, output)
    if skip and not output.lower().endswith(".npz"):
        raise click.UsageError(
            f"--skip: got {output} to write, expected a .npz: other forms have no room for a skip "
            "connection"
        )
    keep(output, samples, labels)
    if page is not None:
        if activation == "unknown":
            raise click.UsageError(
                "--report: got --activation unknown, expected a known one: unrelu.draw_curve draws "
                "the curve of an unknown one"
            )
        from unrelu.report.page import check_target as check_page

        check_page(page)
        keep(page, samples, labels, output)
    with busy(f"reading {samples}") as say:
        layout = replace(layout, weights=weights)
        X, Y, sample_weight = read_weighted(samples, labels, exact=exact, layout=layout)
        say(f"recovering a network from {len(X)} samples")
        from unrelu.inputs.names import UNNAMED
        from unrelu.recover import recover as recovered

        result = recovered(
            X,
            Y,
            n_units=units,
            bias=bias,
            skip=skip,
            alpha=alpha,
            method=method,
            noise=noise,
            activation=activation,
            form=form,
            sample_weight=sample_weight,
            exact=exact,
            rng=seed,
            throw=False,
        )
    reason = result.certificate.explanation
    mark = None if result.status.certain else Mark(result.status.value, reason)
    save_marked(result.network, output, mark)
    if result.network is not None and result.network.rational and not output.endswith(".npz"):
        click.echo(f"{output}: weights rounded to float64; a .npz keeps them exactly", err=True)
    if page is not None:
        from unrelu.report.appraisal import appraise
        from unrelu.report.page import html_page, save_page

        title = f"{output}, recovered from {samples}"
        save_page(html_page(appraise(result, X, Y), title=title), page)
    if as_json:
        write_json(
            {
                "status": result.status.value,
                "reason": reason,
                "network": described(result.network, output),
                "certificate": result.certificate.to_dict(),
                "columns": result.names.to_dict() if result.names != UNNAMED else None,
                "noise": result.noise and result.noise.to_dict(),
                "uncertainty": result.uncertainty and result.uncertainty.to_dict(),
                "breakpoints": [each.to_dict() for each in result.breakpoints],
                "stats": result.stats,
            }
        )
    else:
        written = output if page is None else f"{output}, {page}"
        write_table("unrelu recover", [*result.rows(), ("written", written)])
    if mark is not None:
        click.echo(f"not recovered: {reason}", err=True)
    leave(result.status.certain)
