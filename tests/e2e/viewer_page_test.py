"""What the Life page draws, and how it is moved: pictures, colours, pointers, the map, shared links."""

import colorsys

from selenium.webdriver.common.by import By

from support.cases import main
from support.viewer_double import picture
from support.viewer_page import GRID, ViewerTestCase, start_browser

# How far apart alive and dead must be, in the colours of any two steps or ages: in light, in dark.
CONTRASTS = {"wave": (3.4, 7.8), "relief": (3.5, 5.3), "age": (3.1, 3.2), "mono": (16, 15.9)}


def setUpModule():
    start_browser()


def luminance(pixel):
    """As WCAG computes it."""
    parts = [value / 255 for value in pixel]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class Pictures(ViewerTestCase):
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
        too_large, beyond_the_edge = picture(5000, GRID, number=1), picture(8, GRID, number=1, window=(4, 0, 8, 8))
        other_row, no_size = picture(8, {(9, 0): (1, 1)}, number=1, flags=4), whole[:16] + b"\0\0" + whole[18:]
        for bad in (b"", whole[:20], b"\x02" + whole[1:], too_large, beyond_the_edge, other_row, no_size):
            server.send(bad)
        server.tell(messages=1)
        self.wait_for_text("#messages", "1")
        self.wait_for_cells(GRID)
        self.assertEqual(self.browser.get_log("browser"), [])

    def test_a_large_grid_comes_in_blocks_and_a_part_of_it_in_cells(self):
        server = self.serve(size=4096)
        self.open(server)
        self.wait(lambda: any("view" in message for message in server.received), "what the page wants")
        view = next(message["view"] for message in server.received if "view" in message)
        self.assertEqual(view, {"zoom": 3, "left": 0, "top": 0, "columns": 512, "rows": 512, "ages": False})
        server.picture({(1, 2): (9, 15), (1, 3): (9, 0)}, zoom=3)
        blocks = "return [life.cells[512 + 2], life.cells[512 + 3], life.steps[512 + 2]]"
        self.wait(lambda: self.script(blocks) == [1, 0, 9], "blocks")
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

    def test_a_change_of_the_scheme_is_shown_whenever_it_comes(self):
        server = self.serve()
        self.open(server)
        self.script("""return import('/static/gameoflife/themes.js').then(({night}) => {
            window.reading = setInterval(() => night.matches);
        })""")
        try:
            for scheme in 6 * ("dark", "light"):
                self.look(scheme=scheme)
                self.wait(lambda: self.script("return cells.palette.colours[0]").startswith("oklch") == (scheme == "dark"), scheme)
        finally:
            self.script("clearInterval(window.reading)")


class Views(ViewerTestCase):
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
        self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "#themes [value=age]").is_selected())
        self.assertIsNone(self.script("return localStorage.getItem('c10k.life')"))

    def test_a_bad_link_does_no_harm(self):
        self.play("?theme=__proto__&zoom=-1&x=nan&y=1e99&cell=99,x")
        self.assertEqual(self.script("return [view.fitted, view.pinned, settings.theme]"), [True, None, "wave"])

    def test_a_pinned_cell_shows_what_its_client_said(self):
        server = self.play()
        self.script("view.pin({row: 1, col: 2})")
        self.wait(lambda: {"cell": [1, 2]} in server.received, "the question")
        server.send('{"card": {"row": 1, "col": 2, "step": 5, "state": 1, "message": "5 1 2 1", "milliseconds": 45,'
                    ' "loop": 1, "socket": 1951, "peer": "127.0.0.2:40123", "connected": true}}')
        self.wait(lambda: "1,951, loop 1" in self.text("#card"), "the card")
        self.assertRegex(self.text("#card"), r"(?s)Cell 1, 2\nalive, pinned\nClose\n.*Step\n5\nSteps behind\n0\n"
                                             r"Waits for\nnobody\nLast message\n\d+ ms ago\nSocket\n1,951, loop 1\n"
                                             r"5 1 2 1")
        self.browser.find_element(By.CSS_SELECTOR, "#card button").click()
        self.wait(lambda: server.received[-1] == {"cell": None}, "nothing is asked any more")
        self.assertIn("Point at a cell", self.text("#card"))

    def test_pointers_move_zoom_and_pin(self):
        self.play(size=32)
        self.touch([("touchStart", [(400, 400)]), ("touchEnd", [])])
        pinned = self.script("return view.pinned")
        at = "return view.cellAt(400, 400 - document.getElementById('stage').offsetTop)"
        self.assertEqual(pinned, self.script(at))
        scale = self.script("return view.scale")
        self.touch([("touchStart", [(600, 600), (650, 600)]), ("touchEnd", [])])
        apart, further = [(400, 400), (500, 400)], [(350, 400), (550, 400)]
        self.touch([("touchStart", apart), ("touchMove", further), ("touchEnd", [])])
        self.wait(lambda: self.script("return Math.round(view.scale)") == round(2 * scale), "twice as large")
        self.assertEqual(self.script("return view.pinned"), pinned)
        self.wait(lambda: self.browser.find_element(By.ID, "map").is_displayed(), "the map")
        x = self.script("return view.x")
        self.touch([("touchStart", [(400, 400)]), ("touchMove", [(300, 400)]), ("touchEnd", [])])
        moved = x + 100 / (2 * scale)
        self.wait(lambda: abs(self.script("return view.x") - moved) < 0.01, "the grid moves with the finger")
        corner = self.browser.find_element(By.ID, "map").rect
        self.touch([("touchStart", [(corner["x"] + 34, corner["y"] + 102)]), ("touchEnd", [])])
        self.assertEqual(self.script("return [Math.round(view.x), Math.round(view.y)]"), [8, 24])
        self.browser.find_element(By.CSS_SELECTOR, "[data-do=fit]").click()
        self.assertEqual(self.script("return [view.fitted, view.scale]"), [True, scale])

    def touch(self, events):
        for kind, points in events:
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {
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
