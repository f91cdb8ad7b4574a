"""The pages in a real browser: Debian's Chromium, without a screen."""

import re
import signal
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import frames
from support.browser import chromium, wait_for
from support.cases import main
from support.frames import frame
from support.process import ManageServer, Program, run
from support.tcp import RawClient


def setUpModule():
    global browser
    browser = unittest.enterModuleContext(chromium())


class PageTestCase(unittest.TestCase):
    @staticmethod
    def serve(**options):
        """The server of the pages; django_browser_test.py has another one."""
        # Raw workers answer no pings, and a busy machine's browser may take its time.
        return ManageServer("--set", "ping_interval=1h", **options)

    @classmethod
    def setUpClass(cls):
        cls.server = cls.serve()

    @classmethod
    def tearDownClass(cls):
        browser.get("about:blank")
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def open(self, path):
        browser.get_log("browser")  # forgets what came before
        browser.get(f"{self.server.http}{path}")

    def assert_no_complaints(self):
        """The page's console is empty."""
        self.assertEqual([entry["message"] for entry in browser.get_log("browser")], [])

    def wait(self, condition, what):
        return wait_for(browser, condition, what)

    def element(self, id):
        return browser.find_element(By.ID, id)

    def wait_for_text(self, id, text):
        """The page shows its numbers a moment after it has them."""
        self.wait(lambda: self.element(id).text == text, f"{id} {text}")

    def script(self, code):
        return browser.execute_script(code)


class Viewer(PageTestCase):
    def play(self, size, *options):
        start = self.server.line_count
        game = Program("gameoflife", "--url", self.server.ws, "--size", size, *options)
        self.addCleanup(game.kill)
        self.server.wait_for("Telling workers to run", start)
        return game

    def wait_until_heard(self):
        """The server has told the page how the game stands."""
        lost = ("connecting", "down", "restart", "behind")
        self.wait(lambda: self.element("status").get_attribute("data-state") not in lost, "the server's first words")

    def test_cells_change_while_a_game_runs(self):
        self.open("/")
        self.wait_until_heard()
        game = self.play(12, "--seed", 1, "--speed", 20, "--pattern", "glider")
        self.wait(lambda: browser.title == "Game of Life (12x12)", "the title tells the size")
        self.wait(lambda: self.script("return life.steps.every(step => step >= 3)"), "all cells are heard from")
        before = self.script("return Array.from(life.cells)")
        self.assertEqual(len(before), 144)
        self.wait(lambda: self.script("return Array.from(life.cells)") != before, "cells change")
        self.wait_for_text("sockets", "144")
        self.wait_for_text("population", "5")  # a glider
        self.wait(lambda: float(self.element("speed").text) > 1, "the speed is shown")
        game.signal(signal.SIGINT)
        game.wait()
        self.assert_no_complaints()

    def test_the_end_of_a_game_is_shown_to_the_cell_in_its_colours(self):
        self.open("/")
        self.wait_until_heard()
        game = self.play(8, "--seed", 3, "--speed", 0, "--steps", 7)
        self.assertEqual(game.wait(), 0, game.output)
        self.wait(lambda: self.script("return life.size === 8 && life.steps.every(step => step === 7)"),
                  "the last step")
        shown = self.script("""
            const canvas = document.getElementById('grid');
            const side = document.createElement('canvas').getContext('2d');
            const colour = (state) => {
                side.fillStyle = `hsl(${7 * 20 % 256}, 100%, ${state === 1 ? 25 : 95}%)`;
                side.fillRect(0, 0, 1, 1);
                return String(side.getImageData(0, 0, 1, 1).data);
            };
            return new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
                const pixels = new Set();
                const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                for (let i = 0; i < data.length; i += 4) {
                    pixels.add(String(data.slice(i, i + 4)));
                }
                resolve({alive: pixels.has(colour(1)), dead: pixels.has(colour(0))});
            })));""")
        population = self.script("return life.cells.filter(cell => cell === 1).length")
        self.assertEqual(shown, {"alive": population > 0, "dead": True})
        self.wait_for_text("population", str(population))

    def test_the_page_says_how_a_game_ended(self):
        self.open("/")
        self.wait_until_heard()
        game = self.play(4, "--seed", 1, "--speed", 0, "--steps", 9)
        self.assertEqual(game.wait(), 0, game.output)
        self.wait_for_text("status", "Game over\n9 steps")
        self.assertIn("Every cell reached the last step, 9", self.element("notice").text)
        game = self.play(4, "--seed", 1, "--speed", 20)
        self.wait(lambda: self.element("status").text.startswith("Running\nstep "), "the next game")
        game.kill()
        self.wait(lambda: self.element("status").text.startswith("The clients left\nat step "), "its end")
        self.wait_for_notice("./manage gameoflife --size 4")
        self.wait_for_text("sockets", "0")

    def test_a_page_that_is_opened_late_shows_the_whole_grid(self):
        self.play(12, "--seed", 1, "--speed", 0.01)  # each cell has spoken, and waits
        shown = []
        for _ in range(2):
            self.open("/")
            self.wait(lambda: self.script("return life.size === 12 && life.cells.every(cell => cell < 2)"), "all cells")
            shown.append(self.script("return Array.from(life.cells)"))
        self.assertEqual(shown[0], shown[1])
        self.assertIn(1, shown[0])
        self.wait_for_text("sockets", "144")
        self.assert_no_complaints()

    def test_a_reset_to_another_size_changes_the_title(self):
        self.play(6, "--seed", 1, "--speed", 20)
        self.open("/")
        self.assertEqual(browser.title, "Game of Life (6x6)")
        self.wait(lambda: self.script("return life.steps.some(step => step >= 2)"), "the game is shown")
        self.play(9, "--seed", 1, "--speed", 20)
        self.wait(lambda: browser.title == "Game of Life (9x9)", "the new title")
        self.wait(lambda: self.script("return life.cells.length === 81 && life.cells.every(cell => cell < 2)"),
                  "the new game")
        self.assert_no_complaints()

    def test_a_restart_of_the_server_is_told_and_survived(self):
        self.open("/")
        self.wait_until_heard()
        self.assertEqual(self.server.stop(), 0)
        told = re.compile(r"Server unreachable\ntrying again in \d+ s")
        self.wait(lambda: told.fullmatch(self.element("status").text), "when it tries again")
        type(self).server = self.serve(port=self.server.port)
        self.wait_until_heard()
        self.play(5, "--seed", 1, "--speed", 20)
        self.wait(lambda: browser.title == "Game of Life (5x5)", "the new server's game")
        self.wait(lambda: self.script("return life.steps.every(step => step >= 2)"), "cells change")

    def test_a_game_that_gathers_says_how_many_workers_have_come(self):
        def come(path):
            connection = RawClient(self.server.port)
            self.addCleanup(connection.close)
            connection.open(path)
            return connection

        reset = come("/reset/")
        reset.send(frame(frames.TEXT, "3"))
        self.assertEqual(reset.closed()[0], 1000)
        workers = [come("/worker/") for _ in range(2)]
        self.open("/")
        self.wait_for_notice("2 of 9 clients connected")
        workers += [come("/worker/") for _ in range(7)]
        self.wait_for_notice("0 of 9 clients subscribed")
        for worker in workers:
            self.assertEqual(worker.text(), "sub")
            worker.send(frame(frames.TEXT, "sub"))
        for worker in workers:
            self.assertEqual(worker.text(), "run")
        workers[0].send(frame(frames.TEXT, "0 0 0 1"))
        self.wait(lambda: not self.element("notice").is_displayed(), "the game")

    def wait_for_notice(self, words):
        self.wait(lambda: words in self.element("notice").text, words)

    def test_the_page_says_how_to_start_a_game_as_long_as_none_runs(self):
        closing = run("gameoflife", "--url", self.server.ws, "--size", 3, "--steps", 0)  # a game that is over
        self.assertEqual(closing.status, 0, closing.output)
        self.open("/")
        self.wait_for_notice(f"./manage gameoflife --size 3 --speed 10 --url {self.server.ws}")
        self.play(3, "--seed", 1, "--speed", 20)
        self.wait(lambda: not self.element("notice").is_displayed(), "the notice goes")


class Echo(PageTestCase):
    def messages(self):
        return [item.text for item in browser.find_elements(By.CSS_SELECTOR, "ul#messages li")]

    def test_talks_until_the_connection_is_closed(self):
        self.open("/test/")
        self.wait(lambda: self.messages() == ["Connection open.", "Hello!"], "the greeting")
        expected = ["Connection open.", "Hello!"]
        texts = ["Spam?", "<b>Käse</b> & \"more\"", "<script>document.title = 'stolen'</script>"]
        for number, text in enumerate(texts, 1):
            self.element("text").send_keys(text)
            self.element("text").send_keys(Keys.ENTER)
            expected.append(f"{number}. {text}")
            self.wait(lambda: self.messages()[: len(expected)] == expected, f"the answer to {text}")
        self.wait(lambda: self.messages() == [*expected, "Goodbye!", "Connection closed."], "the farewell")
        self.assertEqual(browser.title, "Echo")
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "ul#messages li *"), [])
        self.assertFalse(self.element("text").is_enabled())
        self.assert_no_complaints()

    def test_starts_again(self):
        self.open("/test/")
        for text in "abc":
            self.element("text").send_keys(text, Keys.ENTER)
        self.wait(lambda: self.messages()[-1:] == ["Connection closed."], "the end")
        self.element("again").find_element(By.TAG_NAME, "a").click()
        self.wait(lambda: self.messages() == ["Connection open.", "Hello!"], "a new greeting")


class Forms(PageTestCase):
    TEXT = "<script>document.title = 'stolen'</script> & 'quotes' \"both\" ünï + %41"

    def rows(self, table):
        return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
                for row in self.element(table).find_elements(By.CSS_SELECTOR, "tbody tr")]

    def submit(self, form):
        self.element(f"{form}-text").send_keys(self.TEXT)
        old = browser.find_element(By.TAG_NAME, "html")
        self.element(form).find_element(By.TAG_NAME, "button").click()
        self.wait(lambda: browser.find_element(By.TAG_NAME, "html") != old and self.element("method").text,
                  "the answer")

    def assert_text_stays_text(self, shown):
        self.assertEqual(shown, [["text", self.TEXT]])
        self.assertEqual(browser.title, "Forms")
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "td *"), [])
        self.assert_no_complaints()

    def test_get(self):
        self.open("/test/wsgi/")
        self.submit("get")
        self.assertEqual(self.element("method").text, "GET")
        self.assertEqual(self.rows("form"), [["No fields"]])
        self.assert_text_stays_text(self.rows("query"))

    def test_post(self):
        self.open("/test/wsgi/")
        self.submit("post")
        self.assertEqual(self.element("method").text, "POST")
        self.assertEqual(self.rows("query"), [["No fields"]])
        self.assert_text_stays_text(self.rows("form"))


class Links(PageTestCase):
    def test_the_header_leads_to_every_page_and_marks_the_one_shown(self):
        self.open("/")
        for name, title in [("Echo", "Echo"), ("Forms", "Forms"), ("Life", "Game of Life (32x32)")]:
            browser.find_element(By.LINK_TEXT, name).click()
            self.wait(lambda: browser.title == title, title)
            self.wait(lambda: browser.find_element(By.LINK_TEXT, name).get_attribute("aria-current") == "page",
                      "the mark")


class Origins(PageTestCase):
    def test_a_foreign_page_cannot_open_our_sockets(self):
        other = self.serve()  # another port is another origin
        self.open("/test/")
        self.assertEqual(self.script(f"""
            return new Promise((resolve) => {{
                const socket = new WebSocket('{other.ws}/test/ws/');
                socket.onopen = () => resolve('open');
                socket.onerror = () => resolve('failed');
            }});"""), "failed")
        self.assertEqual(other.stop(), 0)


if __name__ == "__main__":
    main()
