"""Pictures of reports for the documentation, as a browser shows them: docs/images/report-*.png.

    python docs/screenshots.py

Needs what the tests need, with chromium and its driver.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent / "tests")]

from support.browser import browser, show  # noqa: E402
from support.report_pages import appraisals, page  # noqa: E402

from unrelu import recover  # noqa: E402
from unrelu.commands.digits import IMAGE, train  # noqa: E402
from unrelu.report.appraisal import appraise  # noqa: E402
from unrelu.report.page import html_page  # noqa: E402

COLOURS = 256
"""A palette takes a third of the bytes, and looks the same."""

SHOTS = {  # width, how much of the height, scale
    "wide": (1400, 3400, 0.7),
    "narrow": (400, 1500, 1.0),
}


def digits() -> str:
    """The network of `unrelu demo`, whose units are images."""
    rng = np.random.default_rng(0)
    trained = train(32, rng)
    X = rng.standard_normal((4000, trained.truth.n_inputs))
    Y = trained.ask(X)
    appraisal = appraise(recover(X, Y, rng=0), X, Y)
    return html_page(
        appraisal,
        image_shape=IMAGE,
        title="network.npz against samples.npz",
        command="unrelu report network.npz samples.npz -o report.html --image-shape 8x8",
    )


def main() -> None:
    pages = {status: page(status) for status in appraisals()}
    pages["exact"] = digits()
    (HERE / "images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder, "profile")) as driver:
        for name, text in pages.items():
            file = Path(folder, f"{name}.html")
            file.write_text(text, encoding="utf-8")
            for kind, (width, height, scale) in SHOTS.items():
                save(driver, file, width, height, scale, f"report-{name}-{kind}")
        save(driver, Path(folder, "exact.html"), *SHOTS["wide"], "report-exact-dark", dark=True)


def save(
    driver: Any,
    file: Path,
    width: int,
    height: int,
    scale: float,
    name: str,
    *,
    dark: bool = False,
) -> None:
    show(driver, file, width, dark=dark)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    target = HERE / "images" / f"{name}.png"
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target.relative_to(HERE.parent)}  {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
