"""The command line: the library's own words, with files in place of arrays.

Everything beyond click is imported by the command that needs it, so that help comes at once.
Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 not
recovered (what there is has still been written, marked as such), 2 wrong use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unrelu import __version__
from unrelu.cli_extract import extract
from unrelu.completion import FILE, SHELLS, options_of_recover, script
from unrelu.terminal import busy, exit_codes, keep, leave, write_json, write_table

if TYPE_CHECKING:
    from unrelu.network import Network

SAMPLES_HELP = """
SAMPLES is a .npz with arrays X and Y, a .csv or .parquet with columns x0, x1, … and y0, y1, …,
or a pair of .npy files, X first: X.npy Y.npy.
"""

NET_HELP = """
NET is a .npz, .onnx, .safetensors, PyTorch state_dict (.pt, .pth, .state_dict) or Keras model
(.h5, .keras).
"""

drop_head = click.option(
    "--drop-head",
    is_flag=True,
    help="Leave off what follows the second layer of a model: a Softmax, say.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="unrelu")
def main() -> None:
    """Recover the weights of two-layer ReLU networks from samples.

    Exit code 0: done. 1: not recovered; the best network and the reason are written all the
    same. 2: wrong use. `unrelu completion --help` says how the shell learns these commands.
    """


main.add_command(extract)


@main.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=Path,
    default="unrelu-demo",
    show_default=True,
    metavar="FOLDER",
    help="Where the networks, samples and picture go.",
)
@click.option(
    "--units",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Hidden units of the network that is trained; `recover` is not told.",
)
@click.option(
    "--queries",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="Random inputs that the network is asked about.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@as_json
@exit_codes()
def demo(folder: Path, units: int, queries: int, seed: int, as_json: bool) -> None:
    """Train a network on digits, query it, recover its weights.

    A scikit-learn network learns to read handwritten digits. Its weights are then recovered
    from its answers to random inputs, and compared with the true ones.
    """
    with busy("loading scikit-learn") as say:
        from unrelu.demo import run

        result = run(folder, units=units, queries=queries, seed=seed, say=say)
    if as_json:
        write_json(
            {
                "status": result.recovery.status.value,
                "summary": dict(result.rows),
                "stats": result.recovery.stats,
                "files": [str(path) for path in result.files],
            }
        )
    else:
        write_table("unrelu demo", [*result.rows, ("written", ", ".join(map(str, result.files)))])
    leave(result.recovery.status.certain)


@main.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@click.option("-o", "--output", type=FILE, required=True, metavar="NET", help="The file to write.")
@click.option("--units", type=int, help="Number of hidden units, if it is known.")
@click.option("--bias/--no-bias", default=True, help="Look for biases, or know there are none.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    shell_complete=options_of_recover,
    help="A single method, by name.",
)
@click.option(
    "--noise",
    default="auto",
    show_default=True,
    shell_complete=options_of_recover,
    help="""What the labels may be off by. none: rounding. gaussian: mean-zero noise of finite
    variance. independent: anything that does not depend on the inputs, outliers too. poisson:
    noise of counts. sparse: gross errors in a few entries. auto: none, and where that explains
    nothing, what the residuals look like.""",
)
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
    method: str,
    noise: str,
    seed: int | None,
    page: str | None,
    as_json: bool,
) -> None:
    """Recover the network behind SAMPLES and write it to NET."""
    from unrelu.formats.networks import Mark, check_target, save_marked
    from unrelu.formats.samples import read_samples

    check_target(output)
    keep(output, samples, labels)
    if page is not None:
        from unrelu.report.page import check_target as check_page

        check_page(page)
        keep(page, samples, labels, output)
    with busy(f"reading {samples}") as say:
        X, Y = read_samples(samples, labels)
        say(f"recovering a network from {len(X)} samples")
        from unrelu.recover import recover as recovered

        result = recovered(
            X, Y, n_units=units, bias=bias, method=method, noise=noise, rng=seed, throw=False
        )
    reason = result.certificate.explanation
    mark = None if result.status.certain else Mark(result.status.value, reason)
    save_marked(result.network, output, mark)
    if page is not None:
        from unrelu.appraisal import appraise
        from unrelu.report.page import html_page, save_page

        title = f"{output}, recovered from {samples}"
        save_page(html_page(appraise(result, X, Y), title=title), page)
    if as_json:
        write_json(
            {
                "status": result.status.value,
                "reason": reason,
                "network": _described(result.network, output),
                "certificate": result.certificate.to_dict(),
                "noise": result.noise and result.noise.to_dict(),
                "uncertainty": result.uncertainty and result.uncertainty.to_dict(),
                "stats": result.stats,
            }
        )
    else:
        written = output if page is None else f"{output}, {page}"
        write_table("unrelu recover", [*result.rows(), ("written", written)])
    if mark is not None:
        click.echo(f"not recovered: {reason}", err=True)
    leave(result.status.certain)


@main.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@drop_head
@as_json
@exit_codes()
def verify(net: str, samples: str, labels: str | None, drop_head: bool, as_json: bool) -> None:
    """Check whether NET explains SAMPLES, and no other network does."""
    from unrelu.formats.samples import read_samples

    network = _loaded(net, drop_head)
    with busy(f"reading {samples}") as say:
        X, Y = read_samples(samples, labels)
        say(f"checking {len(X)} samples")
        from unrelu.certificate import verify as verified

        certificate = verified(network, X, Y)
    if as_json:
        write_json(
            {
                "status": certificate.status.value,
                "reason": certificate.explanation,
                "network": _described(network, net),
                "certificate": certificate.to_dict(),
            }
        )
    else:
        rows = [("status", str(certificate.status)), ("network", repr(network))]
        write_table("unrelu verify", rows + certificate.rows())
    leave(certificate.status.certain)


@main.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.argument("samples", type=FILE)
@click.argument("labels", type=FILE, required=False)
@drop_head
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
def report(
    net: str,
    samples: str,
    labels: str | None,
    output: str,
    image_shape: str | None,
    noise: str,
    title: str | None,
    drop_head: bool,
    as_json: bool,
) -> None:
    """Write what SAMPLES show of NET as a page to read.

    One HTML file that loads nothing: the verdict in words, the units, their weights as pictures,
    predictions, residuals, margins, and what is uncertain.
    """
    from unrelu.formats.samples import read_samples
    from unrelu.report.page import check_target, html_page, save_page

    check_target(output)
    for read in (net, samples, labels):
        keep(output, read)
    network = _loaded(net, drop_head)
    if image_shape is not None:
        from unrelu.report.images import image_shape as shape_of

        shape_of(image_shape, network.n_inputs)  # a misspelt one is told before the long work
    files = " ".join(filter(None, (samples, labels)))
    with busy(f"reading {samples}") as say:
        X, Y = read_samples(samples, labels)
        say(f"checking {len(X)} samples")
        from unrelu.appraisal import appraise

        told = appraise(network, X, Y, noise=noise)
        say(f"writing {output}")
        save_page(
            html_page(
                told,
                image_shape=image_shape,
                title=title or f"{net} against {files}",
                command=f"unrelu report {net} {files} -o {output}"
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
                "network": _described(told.network, net),
                "file": output,
            }
        )
    else:
        write_table(
            "unrelu report",
            [
                ("status", str(told.status)),
                ("verdict", told.certificate.explanation),
                ("written", output),
            ],
        )
    leave(told.status.certain)


@main.command(epilog=NET_HELP)
@click.argument("net", type=FILE)
@click.argument("truth", type=FILE)
@drop_head
@as_json
@exit_codes()
def match(net: str, truth: str, drop_head: bool, as_json: bool) -> None:
    """Compare NET with TRUTH unit by unit.

    Both are brought into canonical form first: scaling and order of the units do not count.
    """
    networks = _loaded(net, drop_head), _loaded(truth, drop_head)
    from unrelu.network import match as matched

    result = matched(*networks)
    if as_json:
        write_json(
            {
                "max_error": result.max_error,
                "per_unit": result.per_unit,
                "permutation": result.permutation,
                "missing": result.missing,
                "extra": result.extra,
                "output_bias": result.output_bias,
            }
        )
    else:
        click.echo(str(result))


@main.command(epilog=SAMPLES_HELP + NET_HELP)
@click.argument("net", type=FILE)
@click.option(
    "-n",
    "--samples",
    "n",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many.",
)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="SAMPLES", help="The file to write."
)
@click.option(
    "--labels", type=FILE, metavar="Y.npy", help="The second file, when SAMPLES is a .npy."
)
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Standard deviation of the inputs.",
)
@click.option(
    "--noise",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SIZE",
    help="Gaussian noise on the labels: its standard deviation as a share of theirs.",
)
@click.option("--seed", type=click.IntRange(0), help="The same seed gives the same bits.")
@drop_head
@as_json
@exit_codes()
def sample(
    net: str,
    n: int,
    output: str,
    labels: str | None,
    scale: float,
    noise: float,
    seed: int | None,
    drop_head: bool,
    as_json: bool,
) -> None:
    """Draw Gaussian inputs, label them with NET, write both to SAMPLES."""
    from unrelu.formats.samples import check_target, write_samples

    check_target(output, labels)
    for written in (output, labels):
        keep(written, net)
    network = _loaded(net, drop_head)
    import numpy as np

    with busy(f"drawing {n} samples") as say:
        rng = np.random.default_rng(seed)
        X = scale * rng.standard_normal((n, network.n_inputs))
        Y = network(X)
        if noise:
            Y = Y + noise * Y.std(axis=0) * rng.standard_normal(Y.shape)
        say(f"writing {output}")
        write_samples(output, X, Y, labels)
    files = [output] if labels is None else [output, labels]
    if as_json:
        write_json(
            {"samples": n, "inputs": network.n_inputs, "outputs": network.n_outputs, "files": files}
        )
    else:
        click.echo(
            f"{n} samples of {network.n_inputs} inputs and {network.n_outputs} outputs written "
            f"to {' and '.join(files)}"
        )


@main.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Write what SHELL needs to complete commands.

    With it, the tab key completes commands, options and names of files.

    \b
    bash (4.4 or newer), in ~/.bashrc:
        eval "$(unrelu completion bash)"
    zsh, in ~/.zshrc, after compinit:
        eval "$(unrelu completion zsh)"
    fish, once:
        unrelu completion fish > ~/.config/fish/completions/unrelu.fish
    """
    click.echo(script(main, "unrelu", shell))


def _loaded(path: str, drop_head: bool) -> Network:
    """The network of a file, with a word on standard error if it is marked as uncertain, or if
    something was left off."""
    from unrelu.formats.networks import read

    found = read(path, drop_head=drop_head)
    if found.mark is not None:
        click.echo(f"{path}: written as {found.mark.status}: {found.mark.reason}", err=True)
    if found.head is not None:
        click.echo(f"{path}: left off: {found.head}", err=True)
    return found.network


def _described(network: Network | None, path: str) -> dict[str, object] | None:
    if network is None:
        return None
    return {
        "file": path,
        "inputs": network.n_inputs,
        "units": network.n_units,
        "outputs": network.n_outputs,
        "activation": network.activation.name,
    }
