"""Whole games of our workers on our server, compared with Golly's. C10K_FULL=1 plays the big ones too."""

import os
import re
import signal
import tempfile
import unittest

import life_reference
from support import life
from support.cases import ServerTestCase, main
from support.foreign import WebsocketsServer
from support.process import ManageServer, Program, run
from support.waiting import PATIENCE, eventually

FULL = os.environ.get("C10K_FULL") == "1"


class LifeTestCase(ServerTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def play(self, *options, timeout=PATIENCE):
        """A game as fast as it can be; returns the program and the grid it ends with."""
        dump = f"{self.folder}/dump.rle"
        program = run("gameoflife", "--url", self.server.ws, "--speed", 0, "--dump", dump, *options,
                      timeout=timeout)
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(program.stderr, [])
        return program, life_reference.read_rle(dump)

    def assert_right(self, size, steps, *options, timeout=PATIENCE):
        """The game's end is what Golly makes of its start."""
        wrapped = "--no-wrap" not in options
        options = ["--size", size, *options]
        _, start = self.play("--steps", 0, *options, timeout=timeout)
        _, final = self.play("--steps", steps, *options, timeout=timeout)
        self.assertGreater(sum(map(sum, start)), 0)
        self.assertEqual(len(final), size)
        expected = life_reference.reference(start, size, steps, wrapped)
        self.assertNotEqual(start, expected)
        self.assertEqual(life_reference.differences(expected, final), [])


class Games(LifeTestCase):
    def test_a_random_torus(self):
        self.assert_right(32, 50, "--seed", 1)

    def test_a_glider_gun_on_a_flat_grid(self):
        self.assert_right(40, 60, "--pattern", "gosper", "--no-wrap")

    def test_small_grids(self):
        for size, options in [(3, []), (4, []), (5, ["--no-wrap"])]:
            with self.subTest(size=size):
                self.assert_right(size, 3, "--seed", 6, *options)

    def test_one_cell_dies(self):
        pattern = f"{self.folder}/dot.cells"
        with open(pattern, "w") as file:
            file.write("O\n")
        for steps, state in [(0, 1), (1, 0), (5, 0)]:
            _, grid = self.play("--size", 1, "--no-wrap", "--pattern", pattern, "--steps", steps)
            self.assertEqual(grid, [[state]])

    def test_the_seed_makes_a_start_repeatable(self):
        first, start = self.play("--size", 8, "--steps", 0)
        seed = re.search(r"seed (\d+)", first.output)[1]
        _, same = self.play("--size", 8, "--steps", 0, "--seed", seed)
        _, other = self.play("--size", 8, "--steps", 0, "--seed", int(seed) + 1)
        self.assertEqual(start, same)
        self.assertNotEqual(start, other)

    def test_a_pattern_lies_in_the_middle_or_at_the_top_left(self):
        block = f"{self.folder}/block.cells"
        with open(block, "w") as file:
            file.write("OO\nOO\n")
        for options, corner in [([], 3), (["--no-center"], 0)]:
            _, grid = self.play("--size", 8, "--pattern", block, "--steps", 2, *options)
            alive = [(row, col) for row in range(8) for col in range(8) if grid[row][col]]
            self.assertEqual(alive, [(corner + row, corner + col) for row in (0, 1) for col in (0, 1)])

    def test_the_speed_is_kept(self):
        program = run("gameoflife", "--url", self.server.ws, "--size", 3, "--steps", 10, "--speed", 10)
        self.assertEqual(program.status, 0, program.output)
        self.assertGreaterEqual(float(re.search(r"10 steps of 9 cells in ([\d.]+) s", program.output)[1]), 0.9)

    @unittest.skipUnless(FULL, "C10K_FULL=1 plays it")
    def test_the_whole_glider_gun(self):
        self.assert_right(64, 200, "--pattern", "gosper", "--no-wrap", timeout=200)

    @unittest.skipUnless(FULL, "C10K_FULL=1 plays it")
    def test_ten_thousand_workers(self):
        self.assert_right(100, 200, "--seed", 1, timeout=200)


class Ends(LifeTestCase):
    def start_endless_game(self, size=16):
        start = self.server.line_count
        program = Program("gameoflife", "--url", self.server.ws, "--size", size, "--speed", 0)
        self.server.wait_for("Telling workers to run", start)
        return program

    def test_after_sigkill_the_next_game_runs_right(self):
        for _ in range(3):
            self.start_endless_game().kill()
            self.assert_right(16, 10, "--seed", 2)

    def test_a_signal_closes_all_sockets_with_1001(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                codes = []

                class Counting(life.Relay):
                    async def worker(self, socket):
                        try:
                            await super().worker(socket)
                        finally:
                            codes.append(socket.close_code)

                relay = Counting()
                with WebsocketsServer(relay) as url:
                    program = Program("gameoflife", "--url", url, "--size", 4, "--speed", 20)
                    eventually(lambda: relay.updates, "the game runs")
                    program.signal(number)
                    self.assertEqual(program.wait(), 130)
                self.assertEqual(codes, [1001] * 16)

    def test_a_reset_by_another_ends_it_with_the_cell_and_the_reason(self):
        program = self.start_endless_game()
        other = run("gameoflife", "--url", self.server.ws, "--size", 8, "--steps", 5, "--speed", 0)
        self.assertEqual(other.status, 0, other.output)
        self.assertEqual(program.wait(), 1)
        self.assertEqual(len(program.stderr), 1, program.output)
        self.assertRegex(program.stderr[0], r"cell \d+ \d+ .*1012")

    def test_the_servers_end_is_told(self):
        server = ManageServer()
        program = Program("gameoflife", "--url", server.ws, "--size", 8, "--speed", 0)
        server.wait_for("Telling workers to run")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(program.wait(), 1)
        self.assertEqual(len(program.stderr), 1, program.output)
        self.assertRegex(program.stderr[0], r"cell \d+ \d+ .*1001")


if __name__ == "__main__":
    main()
