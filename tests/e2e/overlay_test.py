"""The overlay of live reload in a real browser: each state, on a page whose own styles are hostile.

The test writes the reload status that runserver would write; reload_browser_test.py has the builds.
"""

import json
import os
import pathlib
import tempfile
import time
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import pictures
from support.browser import axe, chromium, emulate, looks, sideways, wait_for
from support.cases import main
from support.process import ManageServer

SCREENSHOTS = os.environ.get("C10K_SCREENSHOTS")

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<title>Tea room</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { --ink: red; --raised: red; font-size: 40px; }
* { letter-spacing: 9px !important; text-transform: uppercase !important; font-family: serif !important; color: lime !important; }
body ~ div, div { display: none !important; opacity: 0 !important; transform: rotate(45deg) !important; }
dialog, button, .sheet, .pill, pre, code { visibility: hidden !important; }
main { display: block; position: relative; z-index: 2147483647; background: silver; min-height: 1500px; }
</style>
</head>
<body><main><h1>Tea room</h1><label>Message <input id="typed"></label></main></body>
</html>
"""

SOURCE_LINES = ["    Group room = services_.groups.named(\"chat\", name);", "    while (const auto message = co_await socket.recv()) {",
                "        co_await socket.send(json{{\"text\", mesage->view()}}.dump());", "    }", "}"]
MISTAKE = {
    "heading": "The build failed",
    "lead": "2 errors in `chat/chat.cpp`. The last good build goes on serving; clients notice nothing.",
    "problems": [
        {"place": "chat/chat.cpp:45:39", "text": "‘mesage’ was not declared in this scope", "tag": "error 1 of 2",
         "file": "/srv/chatty/chat/chat.cpp", "hint_title": "", "hint": "",
         "excerpt": {"first": 43, "lines": SOURCE_LINES, "line": 45, "begin": 43, "end": 49,
                     "remark": "did you mean ‘message’?"}},
        {"place": "chat/chat.cpp:47:1", "text": "array used as <initializer>", "tag": "error 2 of 2",
         "file": "/srv/chatty/chat/chat.cpp", "hint_title": "What it means", "hint": "Give it a name: `const json reply`.",
         "excerpt": {"first": 45, "lines": SOURCE_LINES[2:], "line": 47, "begin": 0, "end": 1, "remark": ""}},
    ],
    "frames": [], "facts": [], "output": "one\ntwo\n", "foot": "Fix it and save: this goes away by itself.",
}
CRASH = {
    **MISTAKE, "heading": "The program crashed", "lead": "It had served for 1.2 s.",
    "problems": [{**MISTAKE["problems"][0], "tag": "SIGSEGV", "text": "read of address 0x10"}],
    "frames": [{"function": "Store::append(std::string_view)", "place": "chat/store.cpp:23", "is_own": True},
               {"function": "3 frames of c10k", "place": "task, loop", "is_own": False}],
    "facts": [{"title": "Request", "rows": [["Line", "`GET /rooms/tea/history/?limit=20`"], ["Peer", "127.0.0.1:51344"]]}],
}
NOTHING = {**MISTAKE, "heading": "", "lead": "", "problems": [], "output": "", "foot": ""}


class Board:
    """The reload status, as runserver writes it."""

    def __init__(self):
        self.descriptor = os.memfd_create("status", 0)
        self._edition = 0
        self._state = {"program": 1, "pages": 0, "styles": 0, "took_ms": 0, "explanation": NOTHING}
        self.write()

    def write(self, **news):
        self._state = {name: value for name, value in {**self._state, **news}.items() if value is not None}
        self._edition += 1
        text = f"{self._edition}\n{json.dumps(self._state)}\n{self._edition}".encode()
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))


def setUpModule():
    global browser, board, server, folder
    folder = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory()))
    (folder / "echo").mkdir()
    (folder / "echo/index.html").write_text(PAGE)
    board = Board()
    environment = {"C10K_RELOAD_BOARD": str(board.descriptor), "C10K_RELOAD_PROGRAM": "1", "C10K_RELOAD_SOURCE": str(folder)}
    server = ManageServer("--set", f"template_folders={folder}", "--set", "debug=true", env=environment,
                          descriptors=(board.descriptor,))
    unittest.addModuleCleanup(server.kill)
    browser = unittest.enterModuleContext(chromium())


class OverlayTestCase(unittest.TestCase):
    def setUp(self):
        board.write(explanation=NOTHING, building=None)
        emulate(browser)
        browser.get(f"{server.http}/test/")

    def wait(self, condition, what):
        return wait_for(browser, condition, what)

    def shadow(self, selector):
        """The elements inside the overlay."""
        return browser.execute_script(
            "return [...document.getElementById('c10k-reload')?.shadowRoot.querySelectorAll(arguments[0]) ?? []]", selector)

    def shown(self, selector, text=""):
        """Waits for the first of them that can be seen, with this text."""
        def look():
            found = [element for element in self.shadow(selector) if element.is_displayed() and text in element.text]
            return found[0] if found else None
        return self.wait(look, f"{selector} {text}")

    def press(self, *keys):
        ActionChains(browser).send_keys(*keys).perform()

    def show(self, explanation):
        board.write(explanation=explanation)
        return self.shown(".sheet", explanation["heading"])

    def focused(self):
        return browser.execute_script("return document.getElementById('c10k-reload')?.shadowRoot.activeElement?.textContent")

    def keep(self, name):
        if SCREENSHOTS:
            browser.save_screenshot(str(pathlib.Path(SCREENSHOTS, f"{name}.png")))


class Sheet(OverlayTestCase):
    def test_shows_each_mistake_with_its_lines_over_any_page(self):
        sheet = self.show(MISTAKE)
        for words in ["2 errors in chat/chat.cpp. The last good build goes on serving", "error 1 of 2", "chat/chat.cpp:45",
                      "↑ did you mean ‘message’?", "array used as <initializer>", "What it means", "Full compiler output, 2 lines",
                      "Fix it and save: this goes away by itself."]:
            self.assertIn(words, sheet.text)
        self.assertEqual([mark.text for mark in self.shadow(".lines u")], ["mesage", "}"])
        self.assertEqual(self.shadow(".where a")[0].get_attribute("href"),
                         "vscode://file/srv/chatty/chat/chat.cpp:45:44")
        style = browser.execute_script("const s = getComputedStyle(arguments[0]); return [s.letterSpacing, s.textTransform, "
                                       "s.color, s.visibility]", self.shadow(".sheet .lead")[0])
        self.assertEqual(style, ["normal", "none", "rgb(87, 94, 101)", "visible"])
        self.assertTrue(browser.execute_script(
            "return document.elementFromPoint(innerWidth / 2, 60).id === 'c10k-reload'"), "nothing lies above it")

    def test_fits_every_window_and_has_no_fault(self):
        for name, explanation in (("compile", MISTAKE), ("crash", CRASH)):
            self.show(explanation)
            for look in looks(browser):
                with self.subTest(state=name, look=look):
                    self.assertEqual(axe(browser, "#c10k-reload", "dialog"), [])
                    self.assertLessEqual(sideways(browser), 0)
                    self.assertLessEqual(browser.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth",
                                                                self.shadow("dialog")[0]), 0)
                    if look in ("1440 light", "390 dark"):
                        self.assertEqual(pictures.fault(browser, f"overlay-{name}-{look.replace(' ', '-')}"), "")
                    self.keep(f"overlay-{name}-{look.replace(' ', '-')}")

    def test_leaves_the_page_and_what_was_typed_as_they_are(self):
        field = browser.find_element(By.ID, "typed")
        field.send_keys("still here aft")
        before = browser.execute_script("return document.body.outerHTML")
        self.show(MISTAKE)
        self.press("x")  # no key of the overlay, and the page is inert
        board.write(explanation=NOTHING)
        self.wait(lambda: self.shadow(".sheet") == [], "it goes away")
        self.assertEqual(browser.execute_script("return document.body.outerHTML"), before)
        self.press("er")
        self.assertEqual(field.get_attribute("value"), "still here after")

    def test_works_by_keyboard(self):
        self.show(MISTAKE)
        links = self.shadow(".where a")
        for key, index in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
            self.press(key)
            self.assertTrue(browser.execute_script("return arguments[0].getRootNode().activeElement === arguments[0]", links[index]))
        browser.execute_script("for (const link of arguments[0]) link.addEventListener('click', (event) => {"
                               " event.preventDefault(); window.opened = link.href; })", links)
        self.press("j", "o")
        self.assertIn("chat.cpp:47:1", browser.execute_script("return window.opened"))
        browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        self.press("c")
        self.shown("button.copy", "Copied")
        copied = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])")
        self.assertIn("chat/chat.cpp:45:39\n‘mesage’ was not declared in this scope", copied)

        self.press(Keys.ESCAPE)
        pill = self.shown(".pill", "The build failed")
        self.assertIn("2 errors in chat/chat.cpp", pill.text)
        self.assertEqual(axe(browser, "#c10k-reload", ".pill"), [])
        self.keep("overlay-hidden")
        board.write(styles=board._state["styles"] + 1)  # other news leave it hidden
        self.shown(".pill button", "Show").click()
        self.shown(".sheet", "The build failed")

    def test_hidden_comes_back_if_the_next_build_has_failed_too(self):
        self.show(MISTAKE)
        self.press(Keys.ESCAPE)
        self.shown(".pill", "The build failed")
        board.write(building={"file": "chat/chat.cpp", "done": 1, "total": 3, "began_ms": 0, "usual_ms": 0})
        self.shown(".pill", "Building")
        board.write(building=None)
        self.shown(".sheet", "The build failed")


class Pill(OverlayTestCase):
    def test_tells_how_far_a_build_is(self):
        began = int(1000 * time.monotonic()) - 2000
        board.write(building={"file": "chat/chat.cpp", "done": 1, "total": 3, "began_ms": began, "usual_ms": 4600})
        pill = self.shown(".pill", "Building")
        self.assertIn("chat/chat.cpp, 2 of 3", pill.text)
        self.assertRegex(pill.text, r"\d+\.\d of about 4\.6 s")
        self.assertEqual(axe(browser, "#c10k-reload", ".pill"), [])
        self.keep("overlay-building")
        browser.find_element(By.ID, "typed").send_keys("it is in nobody's way")
        board.write(building=None)
        self.wait(lambda: self.shadow(".pill") == [], "it goes away")

    def test_says_how_long_the_page_took_to_follow(self):
        board.write(pages=board._state["pages"] + 1, took_ms=4400)
        pill = self.shown(".pill", "Reloaded")
        self.assertRegex(pill.text, r"saved to seen in \d+\.\d s")
        self.keep("overlay-done")


class Failures(OverlayTestCase):
    def test_a_request_of_the_page_that_fails_is_explained_on_it(self):
        template = folder / "echo/forms.html"
        template.write_text("<ul>\n    {{#messages}}\n    <li>{{user}}</li>\n    {{/members}}\n</ul>\n")
        browser.execute_script("fetch('/test/wsgi/?text=x')")
        sheet = self.shown(".sheet", "A template has an error")
        for words in ["echo/forms.html:4", "‘members’ is closed here but was never opened; ‘messages’ is open since line 2",
                      "GET /test/wsgi/?text=x", "Templates need no build."]:
            self.assertIn(words, sheet.text)
        self.assertEqual([mark.text for mark in self.shadow(".lines u")], ["{{/members}}"])
        self.assertEqual(axe(browser, "#c10k-reload", "dialog"), [])
        self.keep("overlay-template")

    def test_a_page_that_fails_itself_explains_itself(self):
        (folder / "echo/forms.html").write_text("<p>{{nothing}}</p>\n")
        browser.get(f"{server.http}/test/wsgi/?text=x")
        sheet = browser.find_element(By.CSS_SELECTOR, "main.sheet")
        self.assertIn("uses the name 'nothing'", sheet.text)
        self.assertIn("echo/forms.html:1", sheet.text)
        self.wait(lambda: sheet.find_elements(By.CSS_SELECTOR, "button.copy"), "the script has added the button")
        for look in looks(browser):
            with self.subTest(look=look):
                self.assertEqual(axe(browser), [])
                self.assertLessEqual(sideways(browser), 0)
                self.keep(f"debug-500-{look.replace(' ', '-')}")
        self.assertEqual(self.shadow(".sheet"), [], "no overlay says the same again")


if __name__ == "__main__":
    main()
