"""`unrelu report`: what samples show of a network, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unrelu.commands import arguments
from unrelu.commands.arguments import FILE, NET_HELP, SAMPLES_HELP, loaded, shown_files
from unrelu.commands.results import described, remark_rows
from unrelu.commands.terminal import busy, exit_codes, keep, leave, write

if TYPE_CHECKING:
    from unrelu.formats.layout import Layout
    from unrelu.formats.reading import Reading


@click.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@arguments.samples
@arguments.exact
@arguments.columns
@click.option("-o", "--output", required=True, metavar="PAGE", help="The .html to write.")
@click.option(
    "--image-shape",
    metavar="HxW",
    help="""Height and width, such as 28x28, if the inputs are the pixels of an image; none if they
    are not. By default, a square number of inputs, 64 or more, is taken for an image.""",
)
@click.option(
    "--noise",
    type=click.Choice(["auto", "none"]),
    default="auto",
    show_default=True,
    help="none: labels must be explained to rounding. auto: NET may be an estimate.",
)
@click.option("--title", help="Title of the page. Default: the names of the files.")
@arguments.as_json
@exit_codes()
@arguments.reading
def report(
    net: str,
    samples: tuple[str, ...],
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

    The page is one HTML file that loads nothing: the verdict in words, the units, their weights as
    pictures, predictions, residuals, margins, and what is uncertain.
    """
    from unrelu.formats.samples import read_named
    from unrelu.report.images import image_shape as parse_shape
    from unrelu.report.page import html_page
    from unrelu.report.rendering import check_target, save_page

    check_target(output)
    for read in (net, *samples):
        keep(output, read)
    network = loaded(net, reading)
    parse_shape(image_shape, network.n_inputs)  # rejects a wrong shape before the long work
    files = " ".join(samples)
    options = " --exact" * exact + layout.options()
    options += f" --image-shape {image_shape}" if image_shape else ""
    options += f" --noise {noise}" if noise != "auto" else ""
    with busy(f"reading {shown_files(samples)}") as say:
        X, Y = read_named(samples, exact=exact, layout=layout)
        say(f"checking {len(X)} samples")
        from unrelu.report.appraisal import appraise

        found = appraise(network, X, Y, noise=noise)
        say(f"writing {output}")
        page = html_page(
            found,
            image_shape=image_shape,
            title=title or f"{net} against {shown_files(samples)}",
            command=f"unrelu report {net} {files} -o {output}{options}",
        )
        save_page(page, output)
    reason = found.explanation
    values = {
        "status": found.status.value,
        "reason": reason,
        "network": described(found.network, net),
        "file": output,
    }
    rows = [
        ("status", f"{found.status.value}: {found.sentence}"),
        ("verdict", reason),
        *remark_rows(network),
        ("written", output),
    ]
    write("unrelu report", rows, values, as_json=as_json)
    leave(found.status.certain)
