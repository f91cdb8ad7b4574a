"""The Life page in a real browser, played on a server that notes the commands: viewer_double.py."""

import contextlib
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from .browser import chromium
from .viewer_double import ViewerDouble
from .waiting import eventually

WIDE, MIDDLE, NARROW = (1440, 900), (820, 1180), (390, 844)  # one of each layout


def start_browser():
    """For all tests of a module."""
    use_browser(unittest.enterModuleContext(chromium()))


def use_browser(browser):
    PlayerTestCase.browser = browser
    browser.execute_cdp_cmd("Browser.grantPermissions",
                            {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})


class PlayerTestCase(unittest.TestCase):
    """Tests of a page whose game runs on a double. `setUpModule` calls start_browser()."""

    size = 8  # of the grid

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.server = stack.enter_context(ViewerDouble(size=self.size))
        stack.callback(lambda: self.browser.get("about:blank"))
        self.server.run({(row, column): (20 + row // 4, int(row == 3)) for row in range(self.size)
                         for column in range(self.size)})
        self.show(WIDE)
        self.browser.get_log("browser")
        self.open()

    def tearDown(self):
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])

    def show(self, size):
        width, height = size
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def open(self, query=""):
        self.browser.get(self.server.http + query)
        self.wait_for_state("run")
        eventually(lambda: self.script("return life.cells.every((cell) => cell < 2)"), "the picture")

    # ---- What the page shows

    def wait_for_state(self, state):
        eventually(lambda: self.element("status").get_attribute("data-state") == state, state)

    def wait_for_speed(self, text):
        eventually(lambda: self.browser.find_element(By.CSS_SELECTOR, "#dock output").text == text, text)

    def script(self, code, *values):
        return self.browser.execute_script(code, *values)

    def viewer(self, expression):
        """The value of an expression about the page's `view`, `game`, `settings`."""
        return self.script(f"""
            return Promise.all(['viewer', 'settings'].map((name) => import(`/static/gameoflife/${{name}}.js`)))
                .then(([{{view, game}}, {{settings}}]) => {expression});""")

    def element(self, id):
        return self.browser.find_element(By.ID, id)

    def button(self, action):
        return self.browser.find_element(By.CSS_SELECTOR, f"[data-do={action}]")

    def toast(self, text):
        """The page has shown a line; on a busy machine it may have gone again."""
        eventually(lambda: self.element("toast").get_property("textContent") == text, text)
        self.script("document.getElementById('toast').textContent = ''")

    def copied(self, press):
        """What is on the clipboard once `press()` has put something there."""
        self.script("return navigator.clipboard.writeText('nothing')")
        press()
        read = "return navigator.clipboard.readText()"
        eventually(lambda: self.script(read) != "nothing", "something is copied")
        return self.script(read)

    def is_open(self, dialog):
        return self.element(dialog).get_property("open")

    NAME = "(node) => node.id || node.dataset.do || node.textContent"

    def focused(self):
        return self.script(f"return ({self.NAME})(document.activeElement)")

    def tab_through(self, count):
        """What gets the focus, one after the other, when somebody presses Tab that often."""
        self.script(f"""
            window.focused = [];
            document.addEventListener('focusin', ({{target}}) => focused.push(({self.NAME})(target)));""")
        self.press(*[Keys.TAB] * count)
        return self.script("return focused")

    # ---- What a reader does

    def press(self, *keys):
        """Keys for the page, or for the element that has the focus."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def press_shift(self, key):
        ActionChains(self.browser).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    def leave(self):
        """Takes the focus from whatever has it."""
        self.script("document.activeElement.blur()")

    # ---- What the server got

    def commands(self):
        return [message["do"] for message in self.server.received if "do" in message]

    def wait_for(self, *commands):
        """The page has sent exactly these."""
        eventually(lambda: len(self.commands()) >= len(commands), lambda: f"{commands}, not {self.commands()}")
        self.assertEqual(self.commands(), list(commands))
        self.server.received.clear()

    def assert_nothing_was_sent(self):
        """What comes now is the first command."""
        self.script("document.querySelector('[data-do=step]').click()")
        self.wait_for({"pause": True})
