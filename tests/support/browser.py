"""Pages looked at in a real browser, for the tests and for the pictures in the documentation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVERS = ("chromedriver",)

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which chromium refuses to do without when root runs it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
)


def binaries() -> tuple[str, str] | None:
    """Paths of a browser and its driver, or None where either is missing."""
    found = [next(filter(None, map(shutil.which, names)), None) for names in (BROWSERS, DRIVERS)]
    browser, driver = found
    return (browser, driver) if browser and driver else None


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A headless browser with a fresh profile, which writes down all it requests."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    paths = binaries()
    assert paths is not None
    options = ChromeOptions()
    options.binary_location = paths[0]
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options=options, service=Service(paths[1]))
    try:
        yield driver
    finally:
        driver.quit()


def show(driver: Any, page: Path, width: int, *, dark: bool = False) -> None:
    """Open a page in a window of that width, as a screen would show it."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    for log in ("performance", "browser"):
        driver.get_log(log)  # what went before is not of this page
    driver.get(page.as_uri())


def requested(driver: Any) -> list[str]:
    """Addresses that pages requested since one was opened, its own included. Left out are data
    within it, what it forbids itself to fetch, and what the browser's own pages want."""
    entries = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    forbidden = {
        entry["params"]["requestId"]
        for entry in entries
        if entry["method"] == "Network.loadingFailed"
        and entry["params"].get("blockedReason") == "csp"
    }
    sent = [e["params"] for e in entries if e["method"] == "Network.requestWillBeSent"]
    return [
        params["request"]["url"]
        for params in sent
        if params["requestId"] not in forbidden
        and not params["request"]["url"].startswith("data:")
        and not params["documentURL"].startswith("chrome")
    ]
