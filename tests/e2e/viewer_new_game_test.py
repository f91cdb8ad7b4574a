"""The dialog for a new game, in a real browser: each way of starting one, and the pattern reader behind it."""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import life_reference
from support.cases import main
from support.environment import SOURCE
from support.viewer_player import NARROW, PlayerTestCase, start_browser
from support.waiting import eventually

PATTERNS = SOURCE / "demos/gameoflife/patterns"


def setUpModule():
    start_browser()


class NewGame(PlayerTestCase):
    size = 32

    def open_dialog(self, source="list"):
        self.leave()
        self.press("n")
        eventually(lambda: self.is_open("new-game"), "the dialog")
        eventually(lambda: self.browser.find_elements(By.CSS_SELECTOR, "#new-list button"), "the patterns")
        if source != "list":
            self.browser.find_element(By.CSS_SELECTOR, f"[name=new-from][value={source}]").click()

    def paste(self, text):
        self.script("""
            const field = document.getElementById('new-text');
            field.value = arguments[0];
            field.dispatchEvent(new Event('input', {bubbles: true}));""", text)

    def start(self):
        self.element("new-start").click()
        eventually(lambda: not self.is_open("new-game"), "the dialog goes")
        [command] = self.commands()
        self.server.received.clear()
        return command["new"]

    def drawn(self, new):
        """The living cells that a command draws, and the size that its RLE has."""
        grid = life_reference.parse_rle(new["rle"])
        self.assertEqual((len(grid), len(grid[0])), (new["size"], new["size"]))
        return {(row, column) for row, cells in enumerate(grid) for column, cell in enumerate(cells) if cell}

    def test_all_shipped_patterns_are_offered_as_their_files_have_them(self):
        known = self.script("""
            return import('/static/gameoflife/patterns.js').then(({patterns}) => patterns());""")
        self.assertEqual(sorted(pattern["id"] for pattern in known), sorted(file.stem for file in PATTERNS.iterdir()))
        for pattern in known:
            self.assertTrue(pattern["name"] and pattern["about"].endswith("."), pattern)
            self.assertLessEqual(max(row for row, _ in pattern["alive"]), pattern["height"] - 1)
        gosper = next(pattern for pattern in known if pattern["id"] == "gosper")
        self.assertEqual((gosper["width"], gosper["height"], len(gosper["alive"])), (36, 9, 36))
        acorn = next(pattern for pattern in known if pattern["id"] == "acorn")
        self.assertEqual(sorted(acorn["alive"]), [[0, 1], [1, 3], [2, 0], [2, 1], [2, 4], [2, 5], [2, 6]])

    def test_a_pattern_from_the_list_starts_by_its_name(self):
        self.open_dialog()
        self.assertTrue(self.element("new-start").get_property("disabled"))  # the gun needs more than 32 columns
        self.assertEqual(self.element("new-cost").text, "The pattern is 36 × 9 cells. A grid of 64 × 64 holds it.")
        self.element("new-larger").click()
        self.assertEqual(self.element("new-cost").text, "3,072 more clients connect.")
        self.assertEqual(self.start(), {"size": 64, "wrapped": True, "pattern": "gosper"})
        self.open_dialog()
        self.browser.find_element(By.CSS_SELECTOR, "[data-pattern=galaxy]").click()
        self.assertEqual(self.element("new-alive").text, "48 cells alive")
        self.assertEqual(self.element("new-cost").text, "The same 1,024 clients play it: no socket opens or closes.")
        self.assertEqual(self.start(), {"size": 32, "wrapped": True, "pattern": "galaxy"})

    def test_a_pasted_pattern_starts_in_the_middle_and_its_errors_name_the_place(self):
        self.open_dialog("paste")
        for text, complaint in {
            "x = 3, y = 3\nbo$2bz$3o!": "Line 2, column 6: “z” is not valid RLE: it has counts, b, o, $ and !.",
            "#C\nx = 3, y = 3, rule = B36/S23\no!": "Line 2, column 22: the rule is B36/S23, but this game plays B3/S23 only.",
            ".O.\n..O\nO?O": "Line 3, column 2: “?” is no cell: those are . and O.",
            "#Life 1.06\n0 0\n1 x": "Line 3, column 1: expected two whole numbers, X and Y.",
            "x = 3, y = 3\nbo$2bo$3": "Line 2, column 9: the pattern ends in the middle of a run; paste all of it.",
            "bo$2bo$3!": "Line 1, column 9: a count before !, where nothing is left to repeat.",
            "99999o!": "Line 1, column 4: a count is from 1 to 4096.",
            "x = 70, y = 40\n70o$38$70o!": "The pattern is 70 × 40 cells. A grid of 100 × 100 holds it.",
        }.items():
            self.paste(text)
            self.assertEqual(self.element("new-says").text, complaint)
            self.assertEqual(self.element("new-text").get_attribute("aria-invalid"), "true")
            self.assertTrue(self.element("new-start").get_property("disabled"))
        self.element("new-larger").click()
        self.assertEqual(Select(self.element("new-size")).first_selected_option.text, "100 × 100")
        Select(self.element("new-size")).select_by_visible_text("32 × 32")
        glider = {(14, 15), (15, 16), (16, 14), (16, 15), (16, 16)}
        for text in ("#N Glider\r\nx = 3, y = 3, rule = B3/S23:T64,64\r\nbo$2b\no$3o!", "bo$2bo$3o!", "!Name: Glider\n.O.\n..O\nOOO\n",
                     "#Life 1.06\n0 -1\n1 0\n-1 1\n0 1\n1 1\n", "#Life 1.05\n#P -1 -1\n.*.\n..*\n***\n"):
            if not self.is_open("new-game"):
                self.open_dialog("paste")
            self.paste(text)
            self.assertEqual(self.element("new-says").text, "It fits.")
            self.assertEqual(self.drawn(self.start()), glider)

    def test_a_random_start_has_a_density_and_a_seed(self):
        self.open_dialog("soup")
        seed = self.element("new-seed")
        seed.send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE)
        self.assertTrue(self.element("new-start").get_property("disabled"))
        seed.send_keys("2013")
        self.element("new-density").send_keys(Keys.ARROW_RIGHT)
        self.assertEqual(self.element("new-part").text, "30 %")
        self.assertEqual(self.start(), {"size": 32, "wrapped": True, "random": {"density": 0.3, "seed": 2013}})

    def test_a_drawing_starts_as_the_pointer_and_the_keyboard_have_made_it(self):
        self.leave()
        self.press("d")
        eventually(lambda: self.is_open("new-game"), "the dialog")
        self.assertEqual(self.focused(), "new-board")
        self.press(Keys.SPACE, Keys.ARROW_RIGHT, Keys.SPACE, Keys.ARROW_DOWN, Keys.SPACE, Keys.SPACE)
        self.assertEqual(self.element("new-say").get_attribute("textContent"), "Row 17, column 17, dead")
        board, cell = self.element("new-board"), self.script("return document.getElementById('new-board').clientWidth") / 32
        at = {"x": (4.5 - 16) * cell, "y": (2.5 - 16) * cell}  # from the middle
        (ActionChains(self.browser).move_to_element_with_offset(board, at["x"], at["y"]).click_and_hold()
         .move_by_offset(4 * cell, 0).release().perform())
        self.assertEqual(self.element("new-alive").text, "7 cells alive")
        self.assertEqual(self.drawn(self.start()), {(16, 16), (16, 17)} | {(2, column) for column in range(4, 9)})

    def test_a_drawing_goes_on_from_what_the_page_shows(self):
        self.open_dialog("draw")
        self.element("new-now").click()
        self.script("document.getElementById('new-board').focus()")
        self.press(Keys.SPACE)  # in the middle
        self.assertEqual(self.drawn(self.start()), {(3, column) for column in range(32)} | {(16, 16)})

    def test_a_finger_draws(self):
        self.show(NARROW)
        self.open_dialog("draw")
        box = self.script("const {x, y, width} = document.getElementById('new-board').getBoundingClientRect();"
                          "return {x, y, cell: width / 32};")
        point = lambda row, column: {"x": box["x"] + (column + 0.5) * box["cell"], "y": box["y"] + (row + 0.5) * box["cell"]}
        for kind, points in (("touchStart", [point(1, 1)]), ("touchMove", [point(1, 6)]), ("touchEnd", [])):
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.assertEqual(self.drawn(self.start()), {(1, column) for column in range(1, 7)})

    def test_the_board_is_turned_cleared_copied_and_tried(self):
        self.open_dialog("paste")
        self.paste("...\nOOO\n...")
        self.element("new-turn").click()
        self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "[name=new-from][value=draw]").is_selected())
        copied = self.drawn({"rle": self.copied(self.element("new-copy").click), "size": 32})
        self.assertEqual(len(copied), 3)
        self.assertEqual(len({column for _, column in copied}), 1)  # upright now
        self.element("new-try").click()
        self.assertEqual(self.element("new-try").get_attribute("aria-pressed"), "true")
        self.assertEqual(self.element("new-alive").text, "preview, computed in this page")
        self.element("new-try").click()
        self.assertEqual(self.drawn(self.start()), copied)  # the start, and not what the preview showed
        self.open_dialog("draw")
        self.element("new-clear").click()
        self.assertEqual(self.drawn(self.start()), set())

    def test_a_preview_makes_the_steps_of_conways_game(self):
        start = [[int((7 * row + 3 * column * column) % 5 == 0) for column in range(12)] for row in range(12)]
        for wrapped in (True, False):
            after = self.script("""
                const [rows, wrapped] = arguments;
                return import('/static/gameoflife/board.js').then(({next}) => {
                    let cells = Uint8Array.from(rows.flat());
                    for (let step = 0; step < 5; ++step) {
                        cells = next(cells, 12, wrapped);
                    }
                    return Array.from(cells);
                });""", start, wrapped)
            self.assertEqual(after, [int(cell) for row in life_reference.plain_life(start, 5, wrapped) for cell in row])

    def test_a_refused_game_keeps_the_dialog_and_says_why(self):
        self.open_dialog("paste")
        self.server.error = "the program does not answer"
        self.element("new-start").click()
        eventually(lambda: self.element("new-cost").text == "the program does not answer", "why")
        self.assertTrue(self.is_open("new-game"))
        self.assertEqual(self.focused(), "new-start")
        self.server.error = None
        self.server.received.clear()
        self.start()

    def test_a_dialog_keeps_the_focus_and_gives_it_back(self):
        for opener, dialog in (("games", "new-game"), ("draw", "new-game"), ("help", "help")):
            self.button(opener).click()
            eventually(lambda: self.is_open(dialog), dialog)
            outside = {"play", "step", "share", "grid", "in", "full"}
            self.assertEqual(outside & set(self.tab_through(40)), set())
            self.script(f"document.querySelector('#{dialog} button').focus()")  # from the browser's own buttons
            self.press(Keys.ESCAPE)
            self.assertFalse(self.is_open(dialog))
            self.assertEqual(self.focused(), opener)

    def test_a_game_is_started_with_the_keyboard_alone(self):
        self.leave()
        self.press("n", Keys.ARROW_RIGHT)  # from Patterns to Paste
        self.press(Keys.TAB, Keys.CONTROL, "a", Keys.NULL, "bo$2bo$3o!")
        for _ in range(20):
            if self.focused() == "new-start":
                break
            self.press(Keys.TAB)
        self.press(Keys.ENTER)
        eventually(self.commands, "the command")
        self.assertEqual(len(self.drawn(self.commands()[0]["new"])), 5)

    def test_targets_are_large_enough_for_a_finger(self):
        self.show(NARROW)
        small = """
            return [...document.querySelectorAll(arguments[0])].filter((node) => node.checkVisibility())
                .map((node) => [node.id || node.textContent || node.dataset.do, node.getBoundingClientRect().height])
                .filter(([, height]) => height < 44);"""
        self.assertEqual(self.script(small, "#dock button, #dock input, #tools button"), [])
        for source in ("list", "paste", "soup", "draw"):
            self.open_dialog(source)
            self.assertEqual(self.script(small, "#new-game :is(button, select, textarea, .choice label, .pane input)"), [])
            self.assertLessEqual(self.script("return document.getElementById('new-game').scrollWidth"), NARROW[0])
            self.press(Keys.ESCAPE)


if __name__ == "__main__":
    main()
