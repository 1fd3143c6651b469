"""`unrelu report`: what samples show of a network, as a page."""

from __future__ import annotations

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
    loaded,
    reading,
    remarked,
)
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write_json, write_table

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.formats.reading import Reading


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@exact
@columns
@click.option("-o", "--output", required=True, metavar="PAGE", help="The .html to write.")
@click.option(
    "--image-shape",
    metavar="HxW",
    help="""Where inputs are the pixels of an image, its height and width, such as 28x28; none
    where they are not. A square number of inputs, from 64 on, is taken for an image.""",
)
@click.option(
    "--noise",
    type=click.Choice(["auto", "none"]),
    default="auto",
    show_default=True,
    help="none: labels must be explained to rounding. auto: NET may be an estimate.",
)
@click.option("--title", help="Above the verdict; the names of the files otherwise.")
@as_json
@exit_codes()
@reading
def report(
    net: str,
    samples: str,
    labels: str | None,
    exact: bool,
    layout: Layout,
    output: str,
    image_shape: str | None,
    noise: str,
    title: str | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Write what SAMPLES show of NET as a page to read.

    One HTML file that loads nothing: the verdict in words, the units, their weights as pictures,
    predictions, residuals, margins, and what is uncertain.
    """
    from unrelu.formats.samples import read_named
    from unrelu.report.page import check_target, html_page, save_page

    check_target(output)
    for read in (net, samples, labels):
        keep(output, read)
    network = loaded(net, reading)
    if image_shape is not None:
        from unrelu.report.images import image_shape as shape_of

        shape_of(image_shape, network.n_inputs)  # a misspelt one is told before the long work
    files = " ".join(filter(None, (samples, labels)))
    with busy(f"reading {samples}") as say:
        X, Y = read_named(samples, labels, exact=exact, layout=layout)
        say(f"checking {len(X)} samples")
        from unrelu.report.appraisal import appraise

        told = appraise(network, X, Y, noise=noise)
        say(f"writing {output}")
        save_page(
            html_page(
                told,
                image_shape=image_shape,
                title=title or f"{net} against {files}",
                command=f"unrelu report {net} {files} -o {output}"
                + (" --exact" if exact else "")
                + layout.options()
                + (f" --image-shape {image_shape}" if image_shape else "")
                + (f" --noise {noise}" if noise != "auto" else ""),
            ),
            output,
        )
    if as_json:
        write_json(
            {
                "status": told.status.value,
                "reason": told.certificate.explanation,
                "network": described(told.network, net),
                "file": output,
            }
        )
    else:
        write_table(
            "unrelu report",
            [
                ("status", f"{told.status.value}: {told.certificate.sentence}"),
                ("verdict", told.certificate.explanation),
                *remarked(network),
                ("written", output),
            ],
        )
    leave(told.status.certain)
