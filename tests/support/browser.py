"""A real browser: Debian's Chromium, without a screen."""

import contextlib
import pathlib
import tempfile
import unittest

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from .environment import SOURCE
from .waiting import PATIENCE

CHROMIUM = pathlib.Path("/usr/bin/chromium")
CHROMEDRIVER = pathlib.Path("/usr/bin/chromedriver")
FLAGS = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
         "disable-component-update", "disable-sync", "disable-dev-shm-usage", "no-proxy-server", "window-size=1000,800"]

WIDTHS = (1440, 820, 390)  # of a screen, a tablet and a phone
SCHEMES = ("light", "dark")
AXE = SOURCE / "build-npm/node_modules/axe-core/axe.min.js"  # ./test fetches it


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


def wait_for(browser, condition, what):
    """Waits until `condition()` is true, and returns what it returned. The page may replace an element while it looks.

    `what` is a text, or a function that makes one of what the page shows when the wait has been in vain.
    """
    changing = (NoSuchElementException, StaleElementReferenceException)
    try:
        return WebDriverWait(browser, PATIENCE, 0.02, changing).until(lambda _: condition())
    except TimeoutException as failure:
        raise AssertionError(f"not within {PATIENCE} s: {what() if callable(what) else what}") from failure


def emulate(browser, width=1440, scheme="light", motion="no-preference"):
    """Makes the window as wide as a screen, a tablet or a phone, and the reader somebody who likes it light or dark."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def looks(browser, widths=WIDTHS, schemes=SCHEMES):
    """Shows the page in each width and scheme in turn: `for look in looks(browser):`."""
    for width in widths:
        for scheme in schemes:
            emulate(browser, width, scheme)
            yield f"{width} {scheme}"


def axe(browser, *within):
    """What axe-core finds wrong with the page as it is now, shadow roots with it: a list of texts, empty if nothing is.

    `within` limits it to an element: its selector, or the selector of a shadow root's host and one inside that.
    """
    if not AXE.exists():
        raise unittest.SkipTest(f"{AXE} is not there: ./test fetches it with npm")
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(AXE.read_text())
    found = browser.execute_async_script("""
        const done = arguments[arguments.length - 1];
        const [selectors] = arguments;
        const within = selectors.length > 1 ? {include: {fromShadowDom: selectors}} : selectors[0] ?? document;
        axe.run(within, {resultTypes: ["violations"]})
            .then((results) => done(results.violations), (error) => done(String(error)));
        """, within)
    if isinstance(found, str):
        raise AssertionError(f"axe-core failed: {found}")
    return [f"{fault['id']}: {node['target']} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


def sideways(browser):
    """By how many pixels the page can be scrolled sideways, which no page of ours can."""
    return browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
