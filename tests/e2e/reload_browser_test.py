"""A page that is open in a real browser while its program is being changed: it shows what was saved by itself.

With C10K_SCREENSHOTS=FOLDER the page's pictures are kept there.
"""

import os
import pathlib
import time
import unittest

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from support.browser import chromium
from support.cases import main
from support.waiting import eventually
from support.watched import Project, Watched

SCREENSHOTS = os.environ.get("C10K_SCREENSHOTS")


def setUpModule():
    global browser, project, server
    project = Project()
    unittest.addModuleCleanup(project.remove)
    server = Watched(project)
    unittest.addModuleCleanup(server.stop)
    browser = unittest.enterModuleContext(chromium())


def heading():
    return browser.find_element(By.TAG_NAME, "h1")


class OpenPage(unittest.TestCase):
    def setUp(self):
        browser.get(f"http://127.0.0.1:{server.port}/")
        self.mark()

    def mark(self):
        """Leaves something that a page loads away when it is loaded again."""
        browser.execute_script("window.isTheSame = true")

    def is_the_same(self):
        return browser.execute_script("return window.isTheSame === true")

    def change(self, what, name, old, new, condition):
        """Saves a change, and waits until it is seen."""
        project.replace(name, old, new)
        saved = time.monotonic()
        eventually(lambda: self.holds(condition), what, builder=server.pid)
        print(f"{what}: seen {time.monotonic() - saved:.2f} s after it was saved")
        if SCREENSHOTS:
            browser.save_screenshot(str(pathlib.Path(SCREENSHOTS, f"{what.replace(' ', '-')}.png")))

    @staticmethod
    def holds(condition):
        try:
            return condition()
        except WebDriverException:  # the page is being loaded
            return False

    def colour(self):
        return heading().value_of_css_property("color")

    def overlay(self):
        return browser.execute_script(
            "return document.getElementById('c10k-reload')?.shadowRoot.querySelector('.sheet')?.innerText ?? ''")

    def test_the_page_follows_each_change(self):
        self.change("1 style", "static/site.css", "1, 2, 3", "200, 0, 0", lambda: self.colour() == "rgba(200, 0, 0, 1)")
        self.assertTrue(self.is_the_same(), "a style sheet is no reason to load the page again")

        self.change("2 template", "templates/index.html", "Hello", "Good day", lambda: heading().text == "Good day")
        self.assertFalse(self.is_the_same())
        self.assertEqual(self.colour(), "rgba(200, 0, 0, 1)")

        self.mark()
        text = lambda: browser.find_element(By.ID, "version").text
        self.change("3 view", "manage.cpp", '"one"', '"two"', lambda: text() == "two")

        self.mark()
        self.change("4 broken view", "manage.cpp", '"two"', "two", lambda: "The build failed" in self.overlay())
        for words in ["manage.cpp:23:", "‘two’ was not declared", "return services.templates.render(request",
                      "The last good build goes on serving", "Full compiler output"]:
            self.assertIn(words, self.overlay())
        self.assertTrue(self.is_the_same(), "what was typed into the page is still there")

        self.change("5 mended view", "manage.cpp", "two}", '"three"}', lambda: text() == "three")
        self.assertEqual(self.overlay(), "")

        browser.execute_script('fetch("/crash/").catch(() => {})')
        eventually(lambda: self.holds(lambda: "The program crashed" in self.overlay()), "the crash is shown")
        for words in ["SIGABRT", "manage.cpp:25", "Response crash(Request&) { std::abort(); }", "Site::crash(Request&)"]:
            self.assertIn(words, self.overlay())
        self.change("6 after a crash", "manage.cpp", '"three"', '"four"', lambda: text() == "four")


if __name__ == "__main__":
    main(longest=1700)
