"""The Life page in a real browser, on a server that says what the tests want: support/viewer_double.py."""

import colorsys
import itertools
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from support.browser import chromium
from support.cases import main
from support.viewer_double import OLD, ViewerDouble, picture
from support.waiting import PATIENCE

WIDTHS = {1440: 900, 820: 1100, 390: 844}
GRID = {(row, col): (5 + (row + col) % 2, (row * col) % 3 == 0) for row in range(8) for col in range(8)}
GRID = {place: (step, int(alive)) for place, (step, alive) in GRID.items()}
OLDEST, YOUNGEST, ALIVE = 5, 6, sum(alive for _, alive in GRID.values())

# What the page must be able to tell apart: alive from dead, in the colours of any step or age. From light to dark.
CONTRASTS = {"wave": (3.4, 7.8), "relief": (3.5, 5.3), "age": (3.1, 3.2), "mono": (16, 15.9)}

# state: what the server says, the name, the detail, what the notice says, its buttons. `{url}` is the server's.
STATES = {
    "empty": ({"phase": "empty"}, "No cells yet", "0 sockets",
              "No cells yet\nThe server is waiting for 64 clients, one for each cell. Start them in another terminal:\n"
              "./manage gameoflife --size 8 --speed 10 --url {url}\nCopy\nThey appear here as they connect."),
    "gather": ({"phase": "gathering", "connected": 40, "subscribed": 0}, "Gathering", "40 of 64",
               "40 of 64 clients connected\nThe game begins when each cell has its client and each client has subscribed to "
               "its eight neighbours."),
    "run": ({}, "Running", "step 5", ""),
    "pause": ({"play": {"paused": True}}, "Paused", "slower cells catch up", ""),
    "held": ({"play": {"held": {"row": 2, "col": 3, "seconds": 3.2}}}, "Held", "cell 2 3 for 3 s",
             "Cell 2, 3 is paused. Its neighbours wait at step 7, theirs at 8, and so on.\nRelease"),
    "stalled": ({"left": {"count": 17, "cells": [[0, 1]]}}, "Waiting", "for 17 cells that left", ""),
    "over": ({"phase": "over", "connected": 0}, "Game over", "6 steps",
             "The game is over\nEvery cell reached the last step, 6, and closed its socket.\nPlay it again\nNew game…"),
    "gone": ({"phase": "gone", "connected": 0}, "The clients left", "at step 5",
             "The clients left\nThe program that ran the cells has stopped. Start it again:\n"
             "./manage gameoflife --size 8 --speed 10 --url {url}\nCopy"),
}


def setUpModule():
    global browser
    browser = unittest.enterModuleContext(chromium())


def luminance(pixel):
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (v / 255 for v in pixel)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class PageTestCase(unittest.TestCase):
    def serve(self, **options):
        return self.enterContext(ViewerDouble(**options))

    def setUp(self):
        self.look()
        self.addCleanup(browser.get, "about:blank")
        browser.get_log("browser")  # forgets what came before

    def look(self, width=1440, scheme="light", motion="no-preference"):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": False})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]})

    def open(self, server, query=""):
        before = server.opened
        browser.get(f"{server.http}/{query}")
        self.script("localStorage.clear()")
        server.wait_for_page(before)

    def script(self, code, *arguments):
        """Runs a function's body with the page's modules: view, game, cells, settings."""
        return browser.execute_script(f"""
            return Promise.all(['viewer', 'settings'].map((name) => import(`/static/gameoflife/${{name}}.js`)))
                .then(([{{view, game, cells}}, {{settings}}]) => {{ {code} }});""", *arguments)

    def wait(self, condition, what):
        return WebDriverWait(browser, PATIENCE, 0.02).until(lambda _: condition(), what)

    def text(self, selector):
        return browser.find_element(By.CSS_SELECTOR, selector).text

    def wait_for_text(self, selector, text):
        self.wait(lambda: self.text(selector) == text, f"{selector}: {text}, not {self.text(selector)}")

    def wait_for_state(self, state):
        self.wait(lambda: self.script("return game.state") == state, state)

    def wait_for_cells(self, cells, size=8):
        def shown():
            return self.script("return [Array.from(life.cells), Array.from(life.steps)]")

        places = list(itertools.product(range(size), repeat=2))
        expected = [[cells[place][1] if place in cells else 2 for place in places]]
        self.wait(lambda: shown()[0] == expected[0], "the cells' states")
        steps = shown()[1]
        self.assertEqual([steps[row * size + col] for row, col in places if (row, col) in cells],
                         [cells[place][0] for place in places if place in cells])

    def pixels(self, size=8):
        """The colour in the middle of each cell, once what the page knows is drawn."""
        return self.script("""
            const size = arguments[0], canvas = document.getElementById('grid');
            return new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
                const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                resolve(Array.from({length: size * size}, (_, at) => {
                    const x = Math.floor(view.left + (at % size + 0.55) * view.scale);
                    const y = Math.floor(view.top + (Math.floor(at / size) + 0.55) * view.scale);
                    return Array.from(data.slice((y * width + x) * 4, (y * width + x) * 4 + 3));
                }));
            })));""", size)

    def wait_until_nothing_is_sideways(self):
        """The layout follows a new width in the next frame."""
        self.wait(lambda: self.script("return document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll to")


class States(PageTestCase):
    def test_each_state_is_shown_in_its_words_at_every_width(self):
        server = self.serve()
        self.open(server)
        for state, (facts, name, detail, notice) in STATES.items():
            fresh = {"left": facts.get("left", {"count": 0, "cells": []}), "play": {"paused": False, "held": None, **facts.get("play", {})}}
            cells = {} if state in ("empty", "gather") else GRID
            server.cells = cells
            server.picture(cells)
            steps = server.steps_of(cells) if cells else {}
            server.tell(**{"phase": "running", "connected": 64, "subscribed": 64, **steps, **facts, **fresh})
            with self.subTest(state):
                self.wait_for_text("#status b", name)
                self.wait_for_text("#status span", detail)
                self.wait_for_text("#notice", notice.format(url=server.http.replace("http", "ws")))
                self.assertEqual(self.script("return document.getElementById('say').textContent"), name)
                for width in WIDTHS:
                    self.look(width)
                    self.wait_until_nothing_is_sideways()
        self.assertEqual([entry["message"] for entry in browser.get_log("browser")], [])

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
        browser.find_element(By.CSS_SELECTOR, "[data-do=release]").click()
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
        server.tell(phase="over", **server.steps_of(GRID), control={"program": False, "allowed": False, "why": "No program."})
        self.wait(lambda: "--size 8" in self.text("#notice .command"), "the command")
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "#notice [data-do]"), [])
        self.assertEqual(self.script("return game.command({pause: true})"), "No program.")


class Connections(PageTestCase):
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
            self.assertEqual(browser.execute_script("return window.seen"), [name, detail])
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
        self.assertEqual(browser.execute_script("return window.answer"), "The connection to the server was lost.")

    def test_an_answer_is_the_line_that_the_program_gave(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_state("run")
        self.assertIsNone(self.script("return game.command({pause: true})"))
        server.error = "the program does not answer"
        self.assertEqual(self.script("return game.command({pause: true})"), "the program does not answer")


class OldServers(PageTestCase):
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

    def test_a_gathering_is_told_by_life_gathering(self):
        server = self.serve(protocols=OLD)
        self.open(server)
        server.send("gathering 12 0")
        self.wait_for_text("#notice h2", "12 of 64 clients connected")
        server.send("size 5")
        self.wait(lambda: browser.title == "Game of Life (5x5)", "the title")

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


class Pictures(PageTestCase):
    def test_deltas_change_only_their_cells(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        self.wait_for_cells(GRID)
        changed = {(0, 0): (7, 0), (7, 7): (1_000_000, 1), (3, 3): None}
        server.picture(changed, flags=4)
        expected = {**GRID, **changed}
        del expected[3, 3]
        self.wait_for_cells(expected)
        self.wait(lambda: {"seen": 2} in server.received, "the last frame is seen")

    def test_a_frame_in_parts_is_seen_with_its_last_part(self):
        server = self.serve()
        self.open(server)
        half = {place: cell for place, cell in GRID.items() if place[0] < 4}
        server.tell(phase="running")
        server.picture(half, flags=1)
        self.wait_for_cells(half)
        self.assertNotIn({"seen": 1}, server.received)
        server.picture({place: cell for place, cell in GRID.items() if place not in half}, flags=4)
        self.wait_for_cells(GRID)
        self.wait(lambda: {"seen": 2} in server.received, "both parts are drawn")

    def test_a_message_that_is_no_picture_changes_nothing(self):
        server = self.serve()
        self.open(server)
        server.run(GRID)
        whole = picture(8, GRID, number=1)
        for bad in (b"", whole[:20], b"\x02" + whole[1:], picture(5000, GRID, number=1), picture(8, GRID, number=1, window=(4, 0, 8, 8)),
                    picture(8, {(9, 0): (1, 1)}, number=1, flags=4), whole[:16] + b"\0\0" + whole[18:]):
            server.send(bad)
        server.tell(messages=1)
        self.wait_for_text("#messages", "1")
        self.wait_for_cells(GRID)
        self.assertEqual(browser.get_log("browser"), [])

    def test_a_large_grid_comes_in_blocks_and_a_part_of_it_in_cells(self):
        server = self.serve(size=4096)
        self.open(server)
        self.wait(lambda: any("view" in message for message in server.received), "what the page wants")
        view = next(message["view"] for message in server.received if "view" in message)
        self.assertEqual(view, {"zoom": 3, "left": 0, "top": 0, "columns": 512, "rows": 512, "ages": False})
        server.picture({(1, 2): (9, 15), (1, 3): (9, 0)}, zoom=3)
        self.wait(lambda: self.script("return [life.cells[512 + 2], life.cells[512 + 3], life.steps[512 + 2]]") == [1, 0, 9],
                  "blocks")
        self.script("view.look(2048, 2048, 8)")
        self.wait(lambda: server.received[-1].get("view", {}).get("zoom") == 0, "what the page wants now")
        wanted = server.received[-1]["view"]
        seen = self.script("return view.visible()")
        self.assertLessEqual(wanted["left"], seen["left"])
        self.assertGreaterEqual(wanted["left"] + wanted["columns"], seen["right"])
        self.assertLess(wanted["columns"], 400)
        window = [wanted[name] for name in ("left", "top", "columns", "rows")]
        server.picture({(2048, 2048): (10, 1)}, window=window)
        at = (2048 - wanted["top"]) * wanted["columns"] + 2048 - wanted["left"]
        self.wait(lambda: self.script("return life.cells[arguments[0]]", at) == 1, "a cell")
        self.assertTrue(self.script("return !document.getElementById('map').hidden"))

    def test_wave_is_drawn_in_the_contracts_colours(self):
        server = self.serve()
        self.open(server)
        cells = {(row, col): (8 * row + col, (row + col) % 2) for row, col in GRID}
        server.run(cells)
        self.wait_for_cells(cells)
        for pixel, (step, alive) in zip(self.pixels(), cells.values()):
            wanted = colorsys.hls_to_rgb(step * 20 % 256 / 360, 0.25 if alive else 0.95, 1)
            for value, exact in zip(pixel, wanted):
                self.assertAlmostEqual(value, exact * 255, delta=1, msg=(step, alive))

    def test_alive_and_dead_are_told_apart_in_every_theme(self):
        server = self.serve(size=16)
        self.open(server)
        cells = {(row, col): (16 * row + col + 100, col % 2) for row in range(16) for col in range(16)}
        server.run(cells)
        self.wait_for_cells(cells, 16)
        for i, scheme in enumerate(("light", "dark")):
            self.look(scheme=scheme)
            for theme, least in CONTRASTS.items():
                self.script("settings.set('theme', arguments[0])", theme)
                if theme == "age":
                    self.wait(lambda: any(message.get("view", {}).get("ages") for message in server.received), "ages")
                    server.picture(cells, ages={place: (place[0] * 16 + place[1]) % 100 for place in cells})
                pixels = self.pixels(16)
                alive = {tuple(pixel) for pixel, cell in zip(pixels, cells.values()) if cell[1]}
                dead = {tuple(pixel) for pixel, cell in zip(pixels, cells.values()) if not cell[1]}
                with self.subTest(theme=theme, scheme=scheme):
                    found = min(contrast(one, other) for one in alive for other in dead)
                    self.assertGreaterEqual(found, least[i])


class Views(PageTestCase):
    def play(self, query="", **options):
        server = self.serve(**options)
        cells = {(row, col): (5, (row + col) % 2) for row in range(server.size) for col in range(server.size)}
        server.run(cells) if server.opened else server.cells.update(cells)
        server.status["game"].update(phase="running", connected=server.size**2, subscribed=server.size**2)
        server.status.update(server.steps_of(cells))
        self.open(server, query)
        self.wait_for_state("run")
        return server

    def test_a_shared_link_opens_the_same_view(self):
        self.play("?theme=age&zoom=40&x=3.5&y=2.25&cell=2,3")
        here = self.script("return import('/static/gameoflife/address.js').then(({addressOf}) => addressOf(view))")
        self.assertEqual(here.partition("?")[2], "theme=age&zoom=40&x=3.5&y=2.25&cell=2%2C3")
        self.assertEqual(self.script("return [view.scale, view.x, view.y, view.pinned, settings.theme]"),
                         [40, 3.5, 2.25, {"row": 2, "col": 3}, "age"])
        self.assertTrue(browser.find_element(By.CSS_SELECTOR, "#themes [value=age]").is_selected())
        self.assertIsNone(self.script("return localStorage.getItem('c10k.life')"))

    def test_a_bad_link_does_no_harm(self):
        self.play("?theme=__proto__&zoom=-1&x=nan&y=1e99&cell=99,x")
        self.assertEqual(self.script("return [view.fitted, view.pinned, settings.theme]"), [True, None, "wave"])

    def test_a_pinned_cell_shows_what_its_client_said(self):
        server = self.play()
        self.script("view.pin({row: 1, col: 2})")
        self.wait(lambda: {"cell": [1, 2]} in server.received, "the question")
        server.send('{"card": {"row": 1, "col": 2, "step": 5, "state": 1, "message": "5 1 2 1", "milliseconds": 45, "loop": 1,'
                    ' "socket": 1951, "peer": "127.0.0.2:40123", "connected": true}}')
        self.wait(lambda: "1,951, loop 1" in self.text("#card"), "the card")
        self.assertRegex(self.text("#card"), r"(?s)Cell 1, 2\nalive, pinned\nClose\n.*Step\n5\nSteps behind\n0\nWaits for\nnobody\n"
                                             r"Last message\n\d+ ms ago\nSocket\n1,951, loop 1\n5 1 2 1")
        browser.find_element(By.CSS_SELECTOR, "#card button").click()
        self.wait(lambda: server.received[-1] == {"cell": None}, "nothing is asked any more")
        self.assertIn("Point at a cell", self.text("#card"))

    def test_pointers_move_zoom_and_pin(self):
        self.play(size=32)
        self.touch([("touchStart", [(400, 400)]), ("touchEnd", [])])
        pinned = self.script("return view.pinned")
        self.assertEqual(pinned, self.script("return view.cellAt(400, 400 - document.getElementById('stage').offsetTop)"))
        scale = self.script("return view.scale")
        self.touch([("touchStart", [(600, 600), (650, 600)]), ("touchEnd", [])])
        self.touch([("touchStart", [(400, 400), (500, 400)]), ("touchMove", [(350, 400), (550, 400)]), ("touchEnd", [])])
        self.wait(lambda: self.script("return Math.round(view.scale)") == round(2 * scale), "twice as large")
        self.assertEqual(self.script("return view.pinned"), pinned)
        self.wait(lambda: browser.find_element(By.ID, "map").is_displayed(), "the map of what is larger than the stage")
        x = self.script("return view.x")
        self.touch([("touchStart", [(400, 400)]), ("touchMove", [(300, 400)]), ("touchEnd", [])])
        self.wait(lambda: abs(self.script("return view.x") - x - 100 / (2 * scale)) < 0.01, "the grid moves with the finger")
        corner = self.script("const {left, top} = document.getElementById('map').getBoundingClientRect(); return [left, top]")
        self.touch([("touchStart", [(corner[0] + 34, corner[1] + 102)]), ("touchEnd", [])])
        self.assertEqual(self.script("return [Math.round(view.x), Math.round(view.y)]"), [8, 24])
        browser.find_element(By.CSS_SELECTOR, "[data-do=fit]").click()
        self.assertEqual(self.script("return [view.fitted, view.scale]"), [True, scale])

    def touch(self, events):
        for kind, points in events:
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {
                "type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]})

    def test_a_wrapped_grid_goes_on_beyond_its_edges_and_a_flat_one_does_not(self):
        server = self.play()
        beyond = """
            const canvas = document.getElementById('grid');
            return new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(Array.from(
                canvas.getContext('2d').getImageData(view.left - 20, view.top + 20, 1, 1).data)))));"""
        paper = [246, 246, 243, 255]
        self.assertNotEqual(self.script(beyond), paper)
        self.script("settings.set('copies', false)")
        self.assertEqual(self.script(beyond), paper)
        self.script("settings.set('copies', true)")
        server.tell(wrapped=False)
        self.wait(lambda: self.script("return game.status.game.wrapped") is False, "the status")
        self.script("view.fit()")
        self.assertEqual(self.script(beyond), paper)
        server.stop()
        self.wait_for_state("down")
        self.assertEqual(self.script(beyond), paper)

    def test_less_motion_means_two_pictures_a_second(self):
        self.look(motion="reduce")
        server = self.play()
        self.script("""
            const draw = CanvasRenderingContext2D.prototype.fillRect, drawn = window.drawn = [];
            CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
                if (this.canvas.id === 'grid' && width === this.canvas.width && height === this.canvas.height) {
                    drawn.push(performance.now());
                }
                draw.call(this, x, y, width, height);
            };""")
        for step in range(6, 600):
            if self.script("return drawn.length") >= 3:
                break
            server.picture({place: (step, 0) for place in server.cells}, flags=4)
        drawn = self.script("return drawn")
        self.assertGreaterEqual(len(drawn), 3)
        self.assertGreaterEqual(drawn[2] - drawn[1], 450)


if __name__ == "__main__":
    main()
