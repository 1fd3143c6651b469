"""A network and its samples as one self-contained page: no scripts, no requests."""

from __future__ import annotations

import os

from numpy.typing import ArrayLike

from unrelu.certificate import Certificate
from unrelu.network import Network
from unrelu.numerics.quiet import quiet
from unrelu.report import images, sections, words
from unrelu.report.appraisal import Appraisal, appraise
from unrelu.report.phrases import counted
from unrelu.report.rendering import check_target, render, save_page
from unrelu.result import Recovery


@quiet
def write_report(
    net: Network | Recovery,
    X: ArrayLike,
    Y: ArrayLike,
    path: str | os.PathLike[str],
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
    noise: str = "auto",
) -> Certificate:
    """Write what the samples show of a network as an HTML page, and return the certificate.

    Parameters
    ----------
    net : a network, which is verified; or a `Recovery` from these very samples.
    X : (n, d) inputs; Y : (n, m) or (n,) labels.
    path : the .html to write; it appears complete or not at all.
    image_shape : (height, width) or "28x28", if the inputs are the pixels of an image; "none" if
        they are not. By default, a square number of inputs, 64 or more, is taken for an image.
    title : of the page.
    noise : as in `appraise`.

    Raises
    ------
    InputError, InputTypeError as `appraise` does, and for a shape that does not fit; FileError.

    The page contains the verdict in words, the units, their weights as pictures, predictions,
    residuals and margins. It loads nothing, so it can be mailed, printed and archived. The same
    samples give the same page. Cost: that of `verify`, and about a second.

    >>> import tempfile
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> net = Network(rng.standard_normal((2, 3)), np.eye(2))
    >>> X = rng.standard_normal((100, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_report(net, X, net(X), f"{folder}/report.html").status.value)
    exact
    """
    check_target(path)
    found = net.network if isinstance(net, Recovery) else net
    if isinstance(found, Network):
        images.image_shape(image_shape, found.n_inputs)  # before anything is computed
    appraisal = appraise(net, X, Y, noise=noise)
    save_page(html_page(appraisal, image_shape=image_shape, title=title), path)
    return net.certificate if isinstance(net, Recovery) else appraisal.certificate


def html_page(
    appraisal: Appraisal,
    *,
    image_shape: str | tuple[int, int] | None = None,
    title: str | None = None,
    command: str | None = None,
) -> str:
    """The page of an appraisal. `command`: what to type to get the same page again."""
    net, uncertainty = appraisal.network, appraisal.uncertainty
    shape, guessed = images.image_shape(image_shape, net.n_inputs)
    units = sections.units_shown(appraisal)
    return render(
        "page.html",
        appraisal.status,
        title or f"A network of {counted(net.n_units, 'unit')}",
        appraisal=appraisal,
        net=net,
        certificate=appraisal.certificate,
        words=words.verdict(appraisal),
        noisy=uncertainty is not None,
        table=[sections.unit_row(appraisal, unit) for unit in units],
        hidden=net.n_units - len(units),
        shape=shape,
        guessed=guessed,
        pictures=sections.unit_pictures(net, appraisal.names, shape),
        skip=sections.skip_pictures(appraisal),
        agreement=sections.agreement(appraisal),
        outputs=sections.output_charts(appraisal),
        margins=sections.margins(appraisal),
        doubted=sections.units_in_doubt(appraisal),
        notes=uncertainty.notes if uncertainty else (),
        details=sections.details(appraisal),
        by_name=sections.weights_by_name(appraisal, units),
        command=command,
    )
