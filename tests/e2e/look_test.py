"""How the demos' pages of text and the error pages look: in every width, light and dark, and to axe-core.

With C10K_SCREENSHOTS=FOLDER the pages' pictures are kept there.
"""

import os
import pathlib
import unittest

from selenium.webdriver.common.by import By

from support import pictures
from support.browser import axe, chromium, emulate, looks, sideways, wait_for
from support.cases import main
from support.process import ManageServer

SCREENSHOTS = os.environ.get("C10K_SCREENSHOTS")
LONG = "x" * 300


def setUpModule():
    global browser, server, debugging
    server = ManageServer()
    unittest.addModuleCleanup(server.kill)
    debugging = ManageServer("--set", "debug=true")
    unittest.addModuleCleanup(debugging.kill)
    browser = unittest.enterModuleContext(chromium())


class Look(unittest.TestCase):
    def assert_looks_right(self, name, url, words):
        browser.get(url)
        self.assertIn(words, browser.find_element(By.TAG_NAME, "body").text)
        for look in looks(browser):
            with self.subTest(page=name, look=look):
                self.assertEqual(axe(browser), [])
                self.assertLessEqual(sideways(browser), 0)
                if look in ("1440 light", "390 dark"):
                    self.assertEqual(pictures.fault(browser, f"{name}-{look.replace(' ', '-')}"), "")
                if SCREENSHOTS:
                    browser.save_screenshot(str(pathlib.Path(SCREENSHOTS, f"{name}-{look.replace(' ', '-')}.png")))

    def test_of_the_echo_page(self):
        self.assert_looks_right("echo", f"{server.http}/test/", "The server says hello")

    def test_of_the_forms_with_long_text(self):
        self.assert_looks_right("forms", f"{server.http}/test/wsgi/?text={LONG}&{LONG}=1", LONG)

    def test_of_the_life_page_without_cells(self):
        browser.get(f"{server.http}/")
        wait_for(browser, lambda: "No cells yet" in browser.find_element(By.TAG_NAME, "body").text, "the page says that there are none")
        for look in looks(browser):
            with self.subTest(look=look):
                self.assertEqual(axe(browser), [])
                self.assertLessEqual(sideways(browser), 0)

    def test_of_error_pages_for_everybody(self):
        self.assert_looks_right("error-404", f"{server.http}/{LONG}/", "404 Not Found\nThere is nothing at this address.")
        self.assert_looks_right("error-426", f"{server.http}/test/ws/", "426 Upgrade Required")

    def test_of_error_pages_for_developers(self):
        self.assert_looks_right("debug-404", f"{debugging.http}/{LONG}/", "These routes were tried")
        self.assert_looks_right("debug-426", f"{debugging.http}/test/ws/", "This is the address of a WebSocket")

    def test_the_header_says_where_one_is(self):
        emulate(browser, 390)
        for path, name in (("/", "Life"), ("/test/", "Echo"), ("/test/wsgi/", "Forms")):
            browser.get(f"{server.http}{path}")
            here = browser.find_elements(By.CSS_SELECTOR, "header.site [aria-current]")
            self.assertEqual([link.text for link in here], [name])
            self.assertEqual(browser.find_element(By.CSS_SELECTOR, "header.site").size["height"], 48)
        emulate(browser)
        self.assertEqual(browser.find_element(By.CSS_SELECTOR, "header.site").size["height"], 52)


if __name__ == "__main__":
    main()
