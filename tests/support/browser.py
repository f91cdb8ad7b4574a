"""A real browser: Debian's Chromium, without a screen."""

import contextlib
import pathlib
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from .waiting import PATIENCE

CHROMIUM = pathlib.Path("/usr/bin/chromium")
CHROMEDRIVER = pathlib.Path("/usr/bin/chromedriver")
FLAGS = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
         "disable-component-update", "disable-sync", "disable-dev-shm-usage", "no-proxy-server", "window-size=1000,800"]


@contextlib.contextmanager
def chromium(*flags):
    """A Chromium with a profile of its own: `with chromium() as browser:`."""
    for program in (CHROMIUM, CHROMEDRIVER):
        if not program.exists():
            raise RuntimeError(f"{program} is not there: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in [*FLAGS, f"user-data-dir={profile}", *flags]:
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(service=Service(str(CHROMEDRIVER)), options=options)
        try:
            browser.set_script_timeout(PATIENCE)
            yield browser
        finally:
            browser.quit()
