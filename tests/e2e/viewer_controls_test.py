"""Playing from the Life page, in a real browser: the dock, the keys, the share link."""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.cases import main
from support.viewer_player import MIDDLE, NARROW, WIDE, PlayerTestCase, start_browser
from support.waiting import eventually

WHY = "To play from this page, start the server with --set life_control=loopback."

PLAYING = {
    Keys.ENTER: {"pause": True},
    Keys.SPACE: {"pause": True},
    "-": {"speed": 5},
    "+": {"speed": 20},
    "=": {"speed": 20},
    "r": {"again": True},
}
SHOWING = ["f", "[", "]", Keys.ARROW_LEFT, Keys.ARROW_UP, "i", "c", "x", "w", "t", "l", "?", Keys.ESCAPE]


def setUpModule():
    start_browser()


class Playing(PlayerTestCase):
    def test_each_key_sends_its_command(self):
        for key, command in PLAYING.items():
            self.press(key)
            self.wait_for(command)
            self.server.tell(play={"speed": 10})
            self.wait_for_speed("10 steps/s")
        self.press("s")
        eventually(self.commands, "a random start")
        [new] = [command["new"] for command in self.commands()]
        self.assertEqual((new["size"], new["wrapped"], new["random"]["density"]), (self.size, True, 0.25))
        self.assertGreaterEqual(new["random"]["seed"], 0)
        self.server.received.clear()
        self.server.tell(play={"paused": True})
        self.wait_for_state("pause")
        self.press(Keys.ENTER)
        self.wait_for({"play": True})
        self.press(Keys.SPACE, Keys.SPACE)
        self.wait_for({"step": 1}, {"step": 1})
        self.press_shift("r")
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
        self.server.tell(play={"paused": False})
        self.wait_for_state("run")
        self.assert_nothing_was_sent()

    def test_a_cell_is_held_and_let_go_by_the_same_key(self):
        self.press("h")
        self.toast("Pin a cell first: click it, or press I and move with the arrows.")
        self.press("i", Keys.ARROW_RIGHT, Keys.ARROW_DOWN, "h")
        self.wait_for({"hold": [5, 5]})
        self.server.tell(play={"held": {"row": 5, "col": 5, "seconds": 0.5}})
        self.wait_for_state("held")
        self.press("h")
        self.wait_for({"release": True})

    def test_the_end_of_a_game_makes_play_mean_again(self):
        self.server.tell(phase="over", connected=0)
        self.wait_for_state("over")
        self.assertEqual(self.button("play").accessible_name, "Play")
        self.press(Keys.ENTER)
        self.wait_for({"again": True})

    def test_the_dock_sends_what_its_keys_send_at_each_width(self):
        for size in (WIDE, MIDDLE, NARROW):
            self.show(size)
            self.assertEqual(self.button("play").accessible_name, "Pause")
            self.button("play").click()
            self.wait_for({"pause": True})
            self.button("step").click()
            self.wait_for({"pause": True})
            self.button("soup").click()
            eventually(self.commands, "a random start")
            self.server.received.clear()
            slider = self.browser.find_element(By.CSS_SELECTOR, "#dock input")
            slider.send_keys(Keys.ARROW_LEFT)
            self.wait_for({"speed": 5})
            self.assertEqual(self.browser.find_element(By.CSS_SELECTOR, "#dock output").text, "5 steps/s")  # at once
            self.assertEqual(slider.get_attribute("aria-valuetext"), "5 steps/s")
            slider.send_keys(Keys.END)
            self.wait_for({"speed": 0})
            self.assertEqual(slider.get_attribute("aria-valuetext"), "no limit")
            self.server.tell(play={"speed": 10})
            self.wait_for_speed("10 steps/s")  # what the program says
            self.assertEqual(self.browser.switch_to.active_element, slider)
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), size[0])

    def test_a_refusal_is_shown_and_the_speed_goes_back(self):
        self.server.error = "the program does not answer"
        self.press("+")
        self.toast("the program does not answer")
        self.wait_for_speed("10 steps/s")

    def test_a_watcher_cannot_play(self):
        self.server.tell(control={"allowed": False, "why": WHY})
        eventually(lambda: "Watching" in self.element("dock").text, "the dock says so")
        self.assertIn("The game is controlled from its terminal.", self.element("dock").text)
        self.button("why").click()
        self.toast(WHY)
        for key in [*PLAYING, "s", "n", "d", "h"]:
            self.leave()
            self.press(key)
            self.toast(WHY)
        self.assertFalse(self.is_open("new-game"))
        self.server.tell(control={"allowed": True, "why": ""})
        eventually(lambda: self.button("step").is_displayed(), "the dock is back")
        self.assert_nothing_was_sent()


class Keyboard(PlayerTestCase):
    def test_keys_change_what_is_seen(self):
        self.press("]")
        zoomed = self.viewer("view.scale")
        self.assertFalse(self.viewer("view.fitted"))
        self.press("[")
        self.assertLess(self.viewer("view.scale"), zoomed)
        x = self.viewer("view.x")
        self.press(Keys.ARROW_RIGHT)
        self.assertGreater(self.viewer("view.x"), x)
        self.press("f")
        self.assertTrue(self.viewer("view.fitted"))
        self.press("i", Keys.ARROW_RIGHT)
        self.assertEqual(self.viewer("view.pinned"), {"row": 4, "col": 5})
        self.assertEqual(self.element("say").get_attribute("textContent"), "Cell 4, 5, dead")
        self.press(Keys.ARROW_UP)
        self.assertEqual(self.element("say").get_attribute("textContent"), "Cell 3, 5, alive")
        self.press(Keys.ESCAPE)
        self.assertIsNone(self.viewer("view.pinned"))
        before = self.viewer("[settings.theme, settings.lines, settings.copies, settings.speak]")
        self.press("c", "x", "w", "t")
        after = self.viewer("[settings.theme, settings.lines, settings.copies, settings.speak]")
        self.assertEqual([now == then for now, then in zip(after, before)], [False] * 4)
        self.assertIn("population 8", self.element("say").get_attribute("textContent"))
        self.press("?")
        self.assertTrue(self.is_open("help"))
        self.press(Keys.ESCAPE)
        self.assertFalse(self.is_open("help"))
        self.script("localStorage.clear()")

    def test_full_screen_shows_the_picture_and_what_plays_it(self):
        self.press_shift("f")
        eventually(lambda: self.script("return document.fullscreenElement !== null"), "full screen")
        self.assertFalse(self.browser.find_element(By.CSS_SELECTOR, ".panel").is_displayed())
        self.button("step").click()
        self.wait_for({"pause": True})
        self.leave()
        self.press_shift("f")
        eventually(lambda: self.script("return document.fullscreenElement === null"), "the page again")
        self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, ".panel").is_displayed())

    def test_every_key_can_be_turned_off(self):
        self.press("?")
        self.element("keys-on").click()
        self.press(Keys.ESCAPE)
        for again in range(2):
            self.leave()
            before = self.viewer("[settings.theme, settings.lines, settings.copies, settings.speak, view.scale, view.x]")
            self.press(*PLAYING, "s", "n", "d", "h", *SHOWING)
            self.assertEqual([self.is_open(dialog) for dialog in ("help", "new-game")], [False, False])
            self.assertEqual(
                self.viewer("[settings.theme, settings.lines, settings.copies, settings.speak, view.scale, view.x]"), before)
            self.assertIsNone(self.viewer("view.pinned"))
            self.assert_nothing_was_sent()
            if not again:
                self.open()  # it is stored
        self.element("grid").click()  # pins a cell
        pinned = self.viewer("view.pinned")
        self.press(Keys.ARROW_RIGHT)  # the grid's own keys stay
        self.assertEqual(self.viewer("view.pinned.col"), (pinned["col"] + 1) % self.size)
        self.button("help").click()
        self.element("keys-on").click()
        self.press(Keys.ESCAPE)
        self.leave()
        self.press("r")
        self.wait_for({"again": True})
        self.script("localStorage.clear()")

    def test_the_help_lists_every_key_of_the_table(self):
        self.button("help").click()
        shown = [key.text for key in self.browser.find_elements(By.CSS_SELECTOR, "#keys dd")]
        table = self.script("return import('/static/gameoflife/keys.js').then(({KEYS}) => KEYS.map(({keys}) => keys))")
        self.assertEqual(["".join(text.split()) for text in shown], ["".join("".join(keys).split()) for keys in table])
        promised = "Enter Space − + R N D S H F [ ] ← ↑ ↓ → I Esc C X W T L Shift+F ?".split()
        self.assertEqual(sorted(key.replace(" ", "+") for keys in table for key in keys), sorted(promised))

    def test_keys_belong_to_the_element_that_has_the_focus(self):
        self.server.tell(play={"paused": True})
        self.wait_for_state("pause")
        self.script("document.querySelector('[data-do=step]').focus()")
        self.press(Keys.ENTER)
        self.wait_for({"step": 1})
        self.script("document.querySelector('[data-do=play]').focus()")
        self.press(Keys.SPACE)
        self.wait_for({"play": True})
        self.server.tell(play={"paused": False})
        self.wait_for_state("run")
        self.script("document.querySelector('#themes input').focus()")
        self.press(Keys.SPACE, Keys.ARROW_RIGHT)
        self.assertEqual(self.viewer("view.fitted"), True)  # the arrow chose a theme
        self.leave()
        self.press("n")
        eventually(lambda: self.is_open("new-game"), "the dialog")
        self.browser.find_element(By.CSS_SELECTOR, "[name=new-from][value=paste]").click()
        text = self.element("new-text")
        text.clear()
        text.send_keys("rns")
        self.assertEqual(text.get_property("value"), "rns")
        self.press(Keys.ESCAPE)
        self.script("localStorage.clear()")
        self.assert_nothing_was_sent()

    def test_tab_goes_through_all_in_the_order_in_which_it_is_seen(self):
        for size, before_grid in ((WIDE, True), (NARROW, False)):
            self.show(size)
            self.open()
            seen = self.tab_through(30)
            dock = [seen.index(name) for name in ("play", "step", "games", "draw", "soup")]
            self.assertEqual(dock, sorted(dock))
            self.assertEqual(dock[0] < seen.index("grid"), before_grid, seen)
            self.assertLess(seen.index("share"), seen.index("grid"))


class Sharing(PlayerTestCase):
    size = 32

    def test_a_link_opens_the_same_view(self):
        self.press("c", "]", "]", Keys.ARROW_RIGHT, "i")
        seen = "[settings.theme, view.scale.toFixed(1), view.x.toFixed(1), view.y.toFixed(1), view.pinned]"
        before = self.viewer(seen)
        link = self.copied(lambda: self.press("l"))
        self.toast("Link to this view copied.")
        self.assertTrue(link.startswith(f"{self.server.http}/?"), link)
        self.script("localStorage.clear()")
        self.open(link.removeprefix(self.server.http))
        self.assertEqual(self.viewer(seen), before)


if __name__ == "__main__":
    main()
