"""How the Life page looks in each state and with each dialog: to axe-core, and beside pictures that somebody has looked at."""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import pictures
from support.browser import axe, sideways
from support.cases import main
from support.viewer_page import GRID, ViewerTestCase, start_browser
from viewer_states_test import STATES, tell

LOOKS = [(1440, "light"), (820, "dark"), (390, "dark")]  # each layout, and both schemes
PANES = ("list", "paste", "soup", "draw")


def setUpModule():
    start_browser()


class Look(ViewerTestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.open(self.server)

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def wait_for_open(self, dialog, is_open):
        self.wait(lambda: self.script(f"return document.getElementById('{dialog}').open") == is_open, f"{dialog}: {is_open}")

    def assert_looks_right(self, name):
        """In each of LOOKS. Motion is reduced, so that nothing fades while it is looked at."""
        for width, scheme in LOOKS:
            with self.subTest(name=name, width=width, scheme=scheme):
                self.look(width, scheme, "reduce")
                self.wait_until_nothing_is_sideways()
                self.pixels()  # the page has drawn what it knows
                self.assertEqual(axe(self.browser), [])
                self.assertLessEqual(sideways(self.browser), 0)
                self.assertEqual(pictures.fault(self.browser, f"life-{name}-{width}-{scheme}"), "")

    def test_of_each_state(self):
        for state, (_, name, *_) in STATES.items():
            tell(self.server, state)
            self.wait_for_text("#status b", name)
            self.assert_looks_right(state)

    def test_of_a_page_that_only_watches_and_of_one_without_its_server(self):
        tell(self.server, "run")
        self.server.tell(control={"program": False, "allowed": False, "why": "No program."})
        self.wait_for_text("#dock b", "Watching")
        self.assert_looks_right("watching")
        self.server.stop()
        self.wait_for_text("#status b", "Server unreachable")
        self.assert_looks_right("down")

    def test_of_a_pinned_cell(self):
        tell(self.server, "run")
        self.wait_for_cells(GRID)
        self.script("view.pin({row: 2, col: 3})")
        self.assert_looks_right("pinned")

    def test_of_the_answer_to_a_command(self):
        tell(self.server, "run")
        self.wait_for_state("run")
        self.server.error = "the speed must be at most 1000000000 steps per second"
        for width, scheme in LOOKS:
            self.look(width, scheme, "reduce")
            self.script("document.querySelector('[data-do=step]').click()")
            self.wait_for_text("#toast", self.server.error)
            self.assertEqual(axe(self.browser, "#toast"), [])

    def test_of_each_dialog(self):
        tell(self.server, "run")
        self.wait_for_state("run")
        self.press("?")
        self.wait_for_open("help", True)
        self.assert_looks_right("help")
        self.press(Keys.ESCAPE)
        self.wait_for_open("help", False)
        self.press("n")
        self.wait_for_open("new-game", True)
        self.script("""
            const seed = document.getElementById('new-seed');
            seed.value = 7;
            seed.dispatchEvent(new Event('input'));""")
        for pane in PANES:
            self.browser.find_element(By.CSS_SELECTOR, f"[name=new-from][value={pane}]").click()
            self.assert_looks_right(f"new-{pane}")


if __name__ == "__main__":
    main()
