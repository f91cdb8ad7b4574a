"""The Life page in a real browser, on a server that says what a test wants: viewer_double.py."""

import itertools
import unittest

from selenium.webdriver.common.by import By

from .browser import chromium, wait_for
from .viewer_double import ViewerDouble

WIDTHS = {1440: 900, 820: 1100, 390: 844}  # of each layout, with a height

# A game of 8 x 8 cells that are at two steps.
GRID = {(row, col): (5 + (row + col) % 2, int(row * col % 3 == 0)) for row in range(8) for col in range(8)}


def start_browser():
    """For all tests of a module."""
    ViewerTestCase.browser = unittest.enterModuleContext(chromium())


class ViewerTestCase(unittest.TestCase):
    """Tests of the page. `setUpModule` calls start_browser()."""

    def serve(self, **options):
        return self.enterContext(ViewerDouble(**options))

    def setUp(self):
        self.look()
        self.addCleanup(self.browser.get, "about:blank")
        self.browser.get_log("browser")  # forgets what came before

    def look(self, width=1440, scheme="light", motion="no-preference"):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]})

    def open(self, server, query=""):
        before = server.opened
        self.browser.get(f"{server.http}/{query}")
        self.script("localStorage.clear()")
        server.wait_for_page(before)

    def script(self, code, *arguments):
        """Runs a function's body with the page's modules: view, game, cells, settings."""
        return self.browser.execute_script(f"""
            return Promise.all(['viewer', 'settings'].map((name) => import(`/static/gameoflife/${{name}}.js`)))
                .then(([{{view, game, cells}}, {{settings}}]) => {{ {code} }});""", *arguments)

    def wait(self, condition, what):
        return wait_for(self.browser, condition, what)

    def text(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def wait_for_text(self, selector, text):
        self.wait(lambda: self.text(selector) == text, lambda: f"{selector}: {text}, not {self.text(selector)}")

    def wait_for_state(self, state):
        self.wait(lambda: self.script("return game.state") == state, state)

    def wait_for_cells(self, cells, size=8):
        def shown():
            return self.script("return [Array.from(life.cells), Array.from(life.steps)]")

        places = list(itertools.product(range(size), repeat=2))
        expected = [[cells[place][1] if place in cells else 2 for place in places]]
        self.wait(lambda: shown()[0] == expected[0], "the cells' states")
        steps = shown()[1]
        self.assertEqual([steps[row * size + col] for row, col in places if (row, col) in cells],
                         [cells[place][0] for place in places if place in cells])

    def pixels(self, size=8):
        """The colour in the middle of each cell, once what the page knows is drawn."""
        return self.script("""
            const size = arguments[0], canvas = document.getElementById('grid');
            return new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
                const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                resolve(Array.from({length: size * size}, (_, at) => {
                    const x = Math.floor(view.left + (at % size + 0.55) * view.scale);
                    const y = Math.floor(view.top + (Math.floor(at / size) + 0.55) * view.scale);
                    return Array.from(data.slice((y * width + x) * 4, (y * width + x) * 4 + 3));
                }));
            })));""", size)

    def wait_until_nothing_is_sideways(self):
        """The layout follows a new width in the next frame."""
        fits = "return document.documentElement.scrollWidth <= innerWidth"
        self.wait(lambda: self.script(fits), "nothing to scroll to")
