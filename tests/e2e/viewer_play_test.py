"""Playing from the Life page with the real server and the real program: what the page asks for is what the cells do."""

import signal

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import life_reference
from support.cases import main
from support.process import ManageServer, Program
from support.viewer_player import WIDE, PlayerTestCase, start_browser
from support.waiting import eventually

SIZE = 16
SEED = 2013


def setUpModule():
    start_browser()


class RealGameTestCase(PlayerTestCase):
    @staticmethod
    def serve():
        """The server of the game; django_browser_test.py has another one."""
        return ManageServer("--set", "life_control=loopback", "--set", "ping_interval=1h")

    def setUp(self):
        self.server = self.serve()
        self.addCleanup(self.server.kill)
        self.game = Program("gameoflife", "--url", self.server.ws, "--size", SIZE, "--seed", SEED, "--speed", 20,
                            "--jitter", 0.3)
        self.addCleanup(self.game.kill)
        self.addCleanup(self.browser.get, "about:blank")
        self.show(WIDE)
        self.browser.get_log("browser")
        self.browser.get(self.server.http)
        eventually(lambda: self.script("return life.cells.length === arguments[0] && life.steps.some((step) => step > 0)",
                                       SIZE**2), "the game")

    # ---- What the page shows

    def grid(self):
        """The cells' states, row by row, and their steps."""
        size, cells, steps = self.script("return [life.size, Array.from(life.cells), Array.from(life.steps)]")
        return [cells[at : at + size] for at in range(0, size**2, size)], steps

    def step_of_all(self):
        """The step that all cells have, or None."""
        steps = set(self.grid()[1])
        return steps.pop() if len(steps) == 1 else None

    def pause(self):
        """Pauses, and returns the generation's number. A game that is about to begin takes no commands yet, and says so."""
        def paused():
            if "wait until it runs" in self.element("toast").get_property("textContent"):
                self.script("document.getElementById('toast').textContent = ''")
                self.press(Keys.ENTER)
            return self.element("status").get_attribute("data-state") == "pause"

        self.leave()
        self.press(Keys.ENTER)
        eventually(paused, "a pause")
        eventually(lambda: self.element("status").text == f"Paused\nat step {self.step_of_all()}", "one generation")
        return self.step_of_all()

    def assert_grew_from(self, start, step):
        """What is shown is that generation, counted from `start`."""
        self.assertEqual(self.grid()[0], life_reference.plain_life(start, step, True))

    def start(self, source, choose):
        """Starts a game from the dialog; returns the cells that the dialog showed."""
        self.leave()
        self.press("n")
        eventually(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#new-list button"), "the patterns")
        self.browser.find_element(By.CSS_SELECTOR, f"[name=new-from][value={source}]").click()
        choose()
        start = life_reference.parse_rle(self.copied(self.element("new-copy").click))
        self.element("new-start").click()
        eventually(lambda: not self.is_open("new-game"),
                   lambda: f"the game begins, not: {self.element('new-cost').text}")
        return start


class Play(RealGameTestCase):
    def test_a_pause_shows_one_generation_and_space_adds_one(self):
        start = self.script(f"""
            return import('/static/gameoflife/soup.js').then(({{soup}}) => Array.from(soup({SIZE}, 0.25, {SEED})));""")
        self.press("r")  # the start that --seed has made
        step = self.pause()
        grid = [start[at : at + SIZE] for at in range(0, SIZE**2, SIZE)]
        self.assert_grew_from(grid, step)
        for later in (1, 2):
            self.press(Keys.SPACE)
            eventually(lambda: self.step_of_all() == step + later, "one step")
            self.assert_grew_from(grid, step + later)

    def test_each_way_of_starting_plays_what_the_dialog_showed(self):
        def choose(pattern):
            self.browser.find_element(By.CSS_SELECTOR, f"[data-pattern={pattern}]").click()

        def paste():
            self.script("""
                const field = document.getElementById('new-text');
                field.value = '..O\\nOOO\\n.O.';
                field.dispatchEvent(new Event('input', {bubbles: true}));""")

        def draw():
            self.element("new-clear").click()
            self.script("document.getElementById('new-board').focus()")
            self.press(*[Keys.SPACE, Keys.ARROW_RIGHT] * 3)

        def random():
            self.element("new-density").send_keys(Keys.ARROW_RIGHT)

        for source, act in (("list", lambda: choose("glider")), ("paste", paste), ("soup", random), ("draw", draw)):
            before = self.script("return life.received")
            start = self.start(source, act)
            self.assertEqual(len(start), SIZE)
            eventually(lambda: self.script("return life.received") > before, "the new game")
            self.assert_grew_from(start, self.pause())
            self.press(Keys.ENTER)
            self.wait_for_state("run")

    def test_a_held_cell_makes_the_others_wait_a_step_later_with_each_ring(self):
        self.press("i", "h")
        self.wait_for_state("held")
        row, col = self.viewer("[view.pinned.row, view.pinned.col]")

        def ring(at):
            return max(min(abs(a - b), SIZE - abs(a - b)) for a, b in ((at // SIZE, row), (at % SIZE, col)))

        def waits():
            steps = self.grid()[1]
            held = steps[row * SIZE + col]
            return [step - held for step in steps] == [ring(at) for at in range(SIZE**2)]

        eventually(waits, "each ring is one step ahead of the one inside it")
        self.assertIn(f"Cell {row}, {col} is paused.", self.element("notice").text)
        before = max(self.grid()[1])
        self.press("h")
        self.wait_for_state("run")
        eventually(lambda: min(self.grid()[1]) > before, "all go on")

    def test_a_larger_game_is_begun_with_more_clients_and_the_page_follows(self):
        def larger():
            Select(self.element("new-size")).select_by_visible_text("32 × 32")
            self.browser.find_element(By.CSS_SELECTOR, "[data-pattern=pulsar]").click()
            self.assertEqual(self.element("new-cost").text, f"{32**2 - SIZE**2} more clients connect.")

        start = self.start("list", larger)
        eventually(lambda: self.browser.title == "Game of Life (32x32)", "the size")
        eventually(lambda: self.script("return life.cells.length === 1024 && life.cells.every((cell) => cell < 2)"), "all")
        self.assert_grew_from(start, self.pause())

    def test_the_end_of_the_program_takes_the_dock_away(self):
        self.assertTrue(self.button("step").is_displayed())
        self.game.signal(signal.SIGINT)
        self.wait_for_state("gone")
        self.assertFalse(self.element("dock").is_displayed())


class Watching(RealGameTestCase):
    @staticmethod
    def serve():
        return ManageServer("--set", "life_control=off", "--set", "ping_interval=1h")

    def test_a_server_that_lets_nobody_play_says_so_and_relays_nothing(self):
        eventually(lambda: "Watching" in self.element("dock").text, "the dock says so")
        for key in (Keys.ENTER, "s", "n"):
            self.press(key)
            self.toast(self.viewer("game.why"))
        self.assertFalse(self.is_open("new-game"))
        before = max(self.grid()[1])
        eventually(lambda: min(self.grid()[1]) > before, "the game goes on")
        self.assertEqual(self.viewer("game.command({pause: true})"), self.viewer("game.why"))


if __name__ == "__main__":
    main()
