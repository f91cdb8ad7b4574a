"""The gameoflife program and its control connection, on a relay of another library; and what --verify finds."""

import re
import signal
import tempfile
import unittest

import life_reference
from support import life
from support.cases import ServerTestCase, main
from support.foreign import WebsocketsServer
from support.process import Program, run
from support.waiting import eventually

SIZE = 5
OPTIONS = ["--size", SIZE, "--seed", 3, "--verify"]


class Control(unittest.TestCase):
    def setUp(self):
        self.relay = life.ControlledRelay()
        server = WebsocketsServer(self.relay, subprotocols=[self.relay.CONTROL])
        self.url = self.enterContext(server)

    def start(self, *options):
        program = Program("gameoflife", "--url", self.url, *OPTIONS, *options)
        self.addCleanup(program.kill)
        eventually(lambda: self.relay.said("play") and self.relay.updates, "the game runs")
        return program

    def generation(self):
        """Waits until all cells are at the same step; returns that, and the grid."""
        def steps():
            words = self.relay.last_words()
            return len(words) == self.relay.size**2 and {step for step, _ in words.values()}

        eventually(lambda: steps() and len(steps()) == 1, "all cells are at the same step")
        size = self.relay.size
        words = self.relay.last_words()
        return steps().pop(), [[words[row, col][1] for col in range(size)] for row in range(size)]

    def assert_ends(self, program):
        program.signal(signal.SIGINT)
        self.assertEqual(program.wait(), 130, program.output)
        self.assertEqual(program.stderr, [])

    def test_it_pauses_at_one_generation_and_goes_on_step_by_step(self):
        program = self.start("--speed", 100, "--jitter", 1)
        self.assertEqual(self.relay.said("hello"), [{"size": SIZE, "wrapped": True, "limit": None}])
        self.assertEqual(self.relay.said("play")[0], {"paused": False, "speed": 100, "held": None, "stays": True,
                                                      "jitter": 1, "pattern": None})
        self.assertIsNone(self.relay.ask({"pause": True}))
        self.relay.plays(paused=True)
        step, grid = self.generation()
        first = {(row, col): state for step, row, col, state in self.relay.updates if step == 0}
        start = [[first[row, col] for col in range(SIZE)] for row in range(SIZE)]
        self.assertEqual(grid, life_reference.plain_life(start, step, wrapped=True))
        self.assertIsNone(self.relay.ask({"step": 3}))
        eventually(lambda: len(self.relay.updates) == (step + 4) * SIZE**2, "three steps more of each cell")
        self.assertEqual(self.generation(), (step + 3, life_reference.plain_life(grid, 3, wrapped=True)))
        self.assertIsNone(self.relay.ask({"speed": 0}))
        self.assertIsNone(self.relay.ask({"play": True}))
        self.relay.plays(paused=False, speed=0)
        eventually(lambda: len(self.relay.updates) > (step + 20) * SIZE**2, "the game goes on")
        self.assert_ends(program)

    def test_a_held_cell_keeps_its_step_until_it_is_released(self):
        program = self.start("--speed", 50)
        self.assertIsNone(self.relay.ask({"hold": [2, 1]}))
        self.relay.plays(held={"row": 2, "col": 1, "seconds": 0})
        # On this grid no cell is more than two away, so each waits at most two steps further on.
        def lead():
            words = self.relay.last_words()
            return {cell: step - words[2, 1][0] for cell, (step, _) in words.items()}

        expected = {(row, col): max(min(abs(row - 2), 5 - abs(row - 2)), min(abs(col - 1), 5 - abs(col - 1)))
                    for row in range(SIZE) for col in range(SIZE)}
        eventually(lambda: lead() == expected, "the waiting has spread over the grid")
        heard = len(self.relay.updates)
        eventually(lambda: self.relay.said("play")[-1]["held"]["seconds"] >= 1, "how long it has been held is told")
        self.assertEqual(len(self.relay.updates), heard)
        self.assertIsNone(self.relay.ask({"release": True}))
        eventually(lambda: len(self.relay.updates) > heard + SIZE**2, "all go on")
        self.assert_ends(program)

    def test_a_new_game_on_the_same_grid_is_played_over_the_same_connections(self):
        program = self.start("--speed", 50, "--workers", 2)
        workers = set(self.relay.workers)
        for command, population in [({"new": {"size": SIZE, "rle": "x = 3, y = 3\nbo$2bo$3o!"}}, 5), ({"again": True}, 5),
                                    ({"new": {"random": {"density": 1}, "speed": 0}}, SIZE**2),
                                    ({"new": {"pattern": "blinker"}}, 3)]:
            self.assertIsNone(self.relay.ask({"pause": True}))
            self.relay.plays(paused=True)
            self.generation()
            self.relay.updates.clear()
            self.assertIsNone(self.relay.ask(command))
            eventually(lambda: len(self.relay.updates) > 5 * SIZE**2, f"some steps of {command}")
            first = {(row, col): state for step, row, col, state in self.relay.updates if step == 0}
            self.assertEqual((len(first), sum(first.values())), (SIZE**2, population))
        self.relay.plays(pattern="blinker", speed=0)
        self.assertEqual(self.relay.workers, workers)
        self.assertEqual(len(self.relay.controls), 1)
        self.assert_ends(program)

    def test_a_new_game_on_another_grid_begins_with_a_reset(self):
        program = self.start("--speed", 50)
        self.assertIsNone(self.relay.ask({"new": {"size": 4, "wrapped": False, "pattern": "glider", "speed": 20}}))
        eventually(lambda: self.relay.size == 4, "the reset")
        eventually(lambda: len(self.relay.controls) == 2, "control of the new game")
        eventually(lambda: len(self.relay.said("hello")) == 2, "what game it is")
        self.assertEqual(self.relay.said("hello")[1], {"size": 4, "wrapped": False, "limit": None})
        self.relay.plays(pattern="glider", speed=20)
        begun = len(self.relay.updates)
        eventually(lambda: len(self.relay.updates) > begun + 16 * 3, "it is played")
        self.assert_ends(program)

    def test_after_the_last_step_it_ends_or_stays_for_another_game(self):
        program = self.start("--steps", 3, "--speed", 0)
        self.assertEqual(program.wait(), 0, program.output)
        self.relay.told.clear()
        self.relay.updates.clear()
        with tempfile.NamedTemporaryFile() as dump:
            program = self.start("--steps", 3, "--speed", 0, "--stay", "--dump", dump.name)
            for games in (1, 2, 3):
                eventually(lambda: len(self.relay.updates) == games * 4 * SIZE**2, f"the end of game {games}")
                step, grid = self.generation()
                self.assertEqual(step, 3)
                eventually(lambda: "over" in (self.relay.ask({"pause": True}) or ""), "it knows that the game is over")
                self.assertEqual(life_reference.read_rle(dump.name), grid)
                self.assertIsNone(self.relay.ask({"again": True}))
        self.assertTrue(self.relay.said("play")[0]["stays"])
        self.assert_ends(program)

    def test_a_command_that_it_cannot_follow_is_answered_with_what_to_do(self):
        program = self.start("--speed", 50, "--backend", "epoll")  # which needs an open file for each cell
        for command, words in [(None, "send one of play, pause"), ([], "send one of play, pause"),
                               ({"dance": True}, "send one of play, pause"),
                               ({"step": 1}, "pause it first"), ({"hold": [5, 0]}, "from 0 to 4"),
                               ({"new": {"size": 4096, "random": {}}}, "take a smaller size"),
                               ({"new": {"pattern": "gosper"}}, "take a size of at least 36"),
                               ({"new": {"pattern": "/etc/passwd"}}, "no shipped pattern")]:
            with self.subTest(command=command):
                self.assertIn(words, self.relay.ask(command))
        # What is no command at all closes the connection; the program comes back, and the game never noticed.
        for number, text in enumerate(['{"do": {"pause": true}}', "[" * 100_000], 1):
            self.relay.send(text)
            eventually(lambda: self.relay.controls[number - 1].close_code == 1008, "the connection is closed")
            eventually(lambda: len(self.relay.said("hello")) > number, "the program comes back")
        self.assertEqual(len(self.relay.controls), 3)
        self.assertIsNone(self.relay.ask({"pause": True}))
        self.assert_ends(program)


class WithoutControl(unittest.TestCase):
    def test_it_plays_on_with_a_server_that_has_no_control_or_refuses_it(self):
        async def refuse(path, headers):
            return (404, [], b"") if path == "/control/" else None

        for options in ({}, {"process_request": refuse}):
            with self.subTest(options=options), WebsocketsServer(life.Relay(), **options) as url:
                program = run("gameoflife", "--url", url, *OPTIONS, "--steps", 5, "--speed", 0)
                self.assertEqual(program.status, 0, program.output)
                self.assertEqual(program.stderr, [])
                about = [line for line in program.stdout if "control" in line]
                self.assertEqual(len(about), 1, program.output)
                self.assertRegex(about[0], "^Pages cannot control this game ")


class LyingRelay(life.Relay):
    """Tells the neighbours of one cell something else than what it has said, once."""

    def __init__(self, step, cell):
        super().__init__()
        self.lie = (step, *cell)

    async def relay(self, message, update):
        if update[:3] == self.lie:
            message = message[:-1] + str(1 - update[3])
        await super().relay(message, update)


class Verify(ServerTestCase):
    BLOCK = "x = 2, y = 2\n2o$2o!\n"

    def play(self, url, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".rle") as pattern:
            pattern.write(self.BLOCK)
            pattern.flush()
            return run("gameoflife", "--url", url, "--size", 6, "--pattern", pattern.name, "--steps", 50,
                       "--verify", *options)

    def test_a_right_game_is_found_right(self):
        hashes = set()
        for options in (["--speed", 0], ["--speed", 0, "--workers", 2], ["--no-wrap", "--speed", 200, "--jitter", 1]):
            program = self.play(self.server.ws, *options)
            self.assertEqual(program.status, 0, program.output)
            hashes.add(re.search(r"All states were right: 50 steps, hash of the last (\w+)", program.output)[1])
        self.assertEqual(len(hashes), 1)  # a block stays a block

    def test_a_falsified_update_is_found_with_the_first_cell_that_it_led_astray(self):
        # A block in the middle. Cell 1 2 lies above it; said to be alive, it makes cell 1 3 the first to be born wrongly.
        with WebsocketsServer(LyingRelay(17, (1, 2))) as url:
            program = self.play(url, "--speed", 0)
        self.assertEqual(program.status, 1, program.output)
        self.assertEqual(len(program.stderr), 1, program.output)
        self.assertIn("cell 1 3 is wrong at step 18: it sent 1, the rule says 0", program.stderr[0])


if __name__ == "__main__":
    main()
