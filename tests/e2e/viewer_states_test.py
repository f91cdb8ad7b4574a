"""How the Life page says how the game stands, and what it does when the server goes, or is an old one."""

from selenium.webdriver.common.by import By

from support.cases import main
from support.viewer_double import OLD
from support.viewer_page import GRID, WIDTHS, ViewerTestCase, start_browser

OLDEST, YOUNGEST, ALIVE = 5, 6, sum(alive for _, alive in GRID.values())

# state: what the server says, the name, the detail, what the notice says, its buttons. `{url}` is the server's.
STATES = {
    "empty": ({"phase": "empty"}, "No cells yet", "0 sockets",
              "No cells yet\nThe server is waiting for 64 clients, one for each cell. Start them in another terminal:\n"
              "./manage gameoflife --size 8 --speed 10 --url {url}\nCopy\nThey appear here as they connect."),
    "gather": ({"phase": "gathering", "connected": 40, "subscribed": 0}, "Gathering", "40 of 64",
               "40 of 64 clients connected\nThe game begins when each cell has its client and each client has "
               "subscribed to its eight neighbours."),
    "run": ({}, "Running", "step 5", ""),
    "pause": ({"play": {"paused": True}}, "Paused", "slower cells catch up", ""),
    "held": ({"play": {"held": {"row": 2, "col": 3, "seconds": 3.2}}}, "Held", "cell 2 3 for 3 s",
             "Cell 2, 3 is paused. Its neighbours wait at step 7, theirs at 8, and so on.\nRelease"),
    "stalled": ({"left": {"count": 17, "cells": [[0, 1]]}}, "Waiting", "for 17 cells that left", ""),
    "over": ({"phase": "over", "connected": 0}, "Game over", "6 steps",
             "The game is over\nEvery cell reached the last step, 6, and closed its socket.\nPlay it again\n"
             "New game…"),
    "gone": ({"phase": "gone", "connected": 0}, "The clients left", "at step 5",
             "The clients left\nThe program that ran the cells has stopped. Start it again:\n"
             "./manage gameoflife --size 8 --speed 10 --url {url}\nCopy"),
}


def tell(server, state):
    """Brings the page into one of STATES."""
    facts = STATES[state][0]
    fresh = {"left": {"count": 0, "cells": [], **facts.get("left", {})},
             "play": {"paused": False, "held": None, **facts.get("play", {})}}
    server.cells = {} if state in ("empty", "gather") else GRID
    server.picture(server.cells)
    steps = server.steps_of(server.cells) if server.cells else {}
    server.tell(**{"phase": "running", "connected": 64, "subscribed": 64, **steps, **facts, **fresh})


def setUpModule():
    start_browser()


class States(ViewerTestCase):
    def test_each_state_is_shown_in_its_words_at_every_width(self):
        server = self.serve()
        self.open(server)
        for state, (_, name, detail, notice) in STATES.items():
            tell(server, state)
            with self.subTest(state):
                self.wait_for_text("#status b", name)
                self.wait_for_text("#status span", detail)
                self.wait_for_text("#notice", notice.format(url=server.http.replace("http", "ws")))
                self.assertEqual(self.script("return document.getElementById('say').textContent"), name)
                for width in WIDTHS:
                    self.look(width)
                    self.wait_until_nothing_is_sideways()
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])

    def test_a_pause_ends_in_one_generation(self):
        server = self.serve()
        self.open(server)
        server.run(GRID, play={"paused": True})
        self.wait_for_text("#status span", "slower cells catch up")
        server.run({place: (YOUNGEST, 1) for place in GRID})
        self.wait_for_text("#status span", "at step 6")
        self.wait_for_text("#spread", "all at one step")

    def test_a_gathering_game_fills_the_grid_and_then_counts_subscriptions(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_cells(GRID)
        server.tell(phase="gathering", connected=24)
        self.wait_for_state("gather")
        tint, sunken = (223, 238, 234), (236, 236, 232)
        self.assertEqual([tuple(pixel) for pixel in self.pixels()], [tint] * 24 + [sunken] * 40)
        server.tell(phase="gathering", connected=64, subscribed=48)
        self.wait_for_text("#notice h2", "48 of 64 clients subscribed")
        self.assertEqual(self.script("return document.querySelector('progress').value"), 0.75)

    def test_a_held_cell_is_let_go(self):
        server = self.serve()
        self.open(server)
        server.run(GRID, play={"held": {"row": 2, "col": 3, "seconds": 1}})
        self.wait_for_state("held")
        self.browser.find_element(By.CSS_SELECTOR, "[data-do=release]").click()
        self.wait(lambda: {"do": {"release": True}, "id": 1} in server.received, "the command")

    def test_cells_that_left_are_hatched(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_cells(GRID)
        before = self.pixels()
        server.tell(left={"count": 1, "cells": [[0, 1]]})
        self.wait_for_text("#status span", "for a cell that left")
        after = self.pixels()
        self.assertEqual([at for at in range(64) if before[at] != after[at]], [1])

    def test_clients_that_stay_wait_for_the_next_game(self):
        server = self.serve()
        self.open(server)
        server.run({place: (6, 1) for place in GRID}, limit=6)
        self.wait(lambda: "The clients wait for the next game." in self.text("#notice"), "what they wait for")
        self.assertEqual(self.text("#sockets"), "64")

    def test_figures_are_spoken_when_that_is_wanted(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_text("#population", str(ALIVE))
        self.script("settings.set('speak', true)")
        spoken = self.script("return document.getElementById('say').textContent")
        self.assertEqual(spoken, f"64 sockets, step 5, 0.0 steps a second, population {ALIVE}.")

    def test_a_game_that_nobody_can_play_again_says_how_to_start_one(self):
        server = self.serve()
        self.open(server)
        control = {"program": False, "allowed": False, "why": "No program."}
        server.tell(phase="over", **server.steps_of(GRID), control=control)
        self.wait(lambda: "--size 8" in self.text("#notice .command"), "the command")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "#notice [data-do]"), [])
        self.assertEqual(self.script("return game.command({pause: true})"), "No program.")


class Connections(ViewerTestCase):
    def test_a_lost_server_leaves_the_picture_and_comes_back_to_the_same_view(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_cells(GRID)
        self.script("settings.set('theme', 'relief'); view.look(2, 3, 90); view.pin({row: 2, col: 3});")
        place = self.script("return [view.scale, view.x, view.y, view.pinned]")
        server.stop()
        self.wait_for_text("#status b", "Server unreachable")
        self.assertRegex(self.text("#status span"), r"^trying again in \d+ s$")
        self.assertEqual(self.text("#sockets-of"), "last heard")
        self.assertTrue(self.script("return document.body.classList.contains('stale')"))
        self.wait_for_cells(GRID)
        server.listen()
        self.wait_for_text("#status b", "Running")
        self.assertEqual(self.script("return [view.scale, view.x, view.y, view.pinned]"), place)
        self.assertEqual(self.script("return settings.theme"), "relief")
        self.assertFalse(self.script("return document.body.classList.contains('stale')"))

    def test_the_close_code_says_why(self):
        server = self.serve()
        for code, name, detail in [(1012, "Server restarting", "back in a moment (1012)"),
                                   (1013, "This page fell behind", "catching up (1013)")]:
            server.greets = True
            self.open(server)
            server.run(GRID)
            self.wait_for_state("run")
            seen = self.script("""
                window.seen = new Promise((resolve) => new MutationObserver(() => {
                    const status = document.getElementById('status');
                    if (status.dataset.state !== 'run') {
                        resolve([status.firstChild.textContent, status.lastChild.textContent]);
                    }
                }).observe(document.getElementById('status'), {attributes: true}));
                return true;""")
            before = server.opened
            server.close(code)
            self.assertTrue(seen)
            self.assertEqual(self.browser.execute_script("return window.seen"), [name, detail])
            server.wait_for_page(before)
            self.wait_for_state("run")

    def test_a_command_that_loses_its_server_has_an_answer(self):
        server = self.serve()
        server.is_silent = True
        self.open(server)
        server.run(GRID)
        self.wait_for_state("run")
        self.script("window.answer = game.command({pause: true}); return null;")
        self.wait(lambda: {"do": {"pause": True}, "id": 1} in server.received, "the command")
        server.close(1012)
        self.assertEqual(self.browser.execute_script("return window.answer"), "The connection to the server was lost.")

    def test_an_answer_is_the_line_that_the_program_gave(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_state("run")
        self.assertIsNone(self.script("return game.command({pause: true})"))
        server.error = "the program does not answer"
        self.assertEqual(self.script("return game.command({pause: true})"), "the program does not answer")


class OldServers(ViewerTestCase):
    def test_a_server_that_knows_only_lines_gets_the_whole_grid_shown(self):
        for protocols in (OLD, ()):
            with self.subTest(protocols):
                server = self.serve(protocols=protocols)
                self.open(server)
                self.wait_for_text("#status b", "No cells yet")
                lines = [f"{step} {row} {col} {alive}" for (row, col), (step, alive) in GRID.items()]
                for message in ["\n".join(lines)] if protocols else lines:
                    server.send(message)
                self.wait_for_cells(GRID)
                self.wait_for_text("#status b", "Running")
                self.wait_for_text("#status span", f"step {OLDEST}")
                self.wait_for_text("#population", str(ALIVE))
                self.assertEqual(self.text("#spread"), "spread 1 step")
                self.assertEqual(self.text("#rates dt"), "Updates/s")
                self.assertIn("takes no commands", self.text("#missing"))
                self.assertFalse(self.script("return game.canControl"))
                self.assertIn("takes no commands", self.script("return game.command({pause: true})"))
                self.assertEqual(server.received, [])

    def test_cells_of_a_server_that_is_gone_are_not_those_of_the_next(self):
        server = self.serve(protocols=OLD)
        self.open(server)
        server.send("3 0 0 1")
        self.wait_for_text("#status b", "Running")
        server.stop()
        self.wait_for_state("down")
        self.wait_for_cells({(0, 0): (3, 1)})
        server.listen()
        self.wait_for_text("#status b", "No cells yet")
        self.wait_for_cells({})

    def test_a_gathering_is_told_by_life_gathering(self):
        server = self.serve(protocols=OLD)
        self.open(server)
        server.send("gathering 12 0")
        self.wait_for_text("#notice h2", "12 of 64 clients connected")
        server.send("size 5")
        self.wait(lambda: self.browser.title == "Game of Life (5x5)", "the title")

    def test_a_cell_that_goes_back_begins_a_new_game(self):
        server = self.serve(protocols=OLD)
        self.open(server)
        server.send("\n".join(f"9 {row} {col} 0" for row, col in GRID))
        self.wait_for_text("#status span", "step 9")
        server.send("\n".join(f"0 {row} {col} 1" for row, col in GRID))
        self.wait_for_text("#status span", "step 0")
        self.wait_for_text("#legend-last", "13")
        self.script("view.pin({row: 0, col: 0})")
        self.assertIn("Steps behind\n0\n", self.text("#card"))


if __name__ == "__main__":
    main()
