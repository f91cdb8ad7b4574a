"""Faults, over and over: the next game runs right, and the server's memory and descriptors come back."""

import asyncio
import tempfile

import life_reference
from support import life
from support.cases import ServerTestCase, main
from support.environment import WORKERS
from support.frames import PING, TEXT, frame
from support.process import Program, run
from support.waiting import eventually

SIZE = 16
STEPS = 20
REPETITIONS = 3
MEBIBYTE = 1024 * 1024


class Recovery(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.dump = f"{folder.name}/dump.rle"
        cls.descriptors = cls.server.descriptors()
        cls.expected = life_reference.plain_life(cls.play(0), STEPS, True)
        cls.play(STEPS)
        cls.assert_descriptors_are_back()
        cls.memory = cls.server.memory()

    @classmethod
    def play(cls, steps):
        """A whole game; returns the grid it ends with."""
        program = run("gameoflife", "--url", cls.server.ws, "--size", SIZE, "--seed", 4, "--speed", 0,
                      "--steps", steps, "--dump", cls.dump)
        if program.status != 0:
            raise AssertionError(program.output)
        return life_reference.read_rle(cls.dump)

    @classmethod
    def assert_descriptors_are_back(cls):
        eventually(lambda: cls.server.descriptors() == cls.descriptors, "the descriptors are back")

    def assert_recovered(self):
        self.assertEqual(life_reference.differences(self.expected, self.play(STEPS)), [])
        self.assert_descriptors_are_back()
        if not self.server.is_sanitized():
            # Each loop's receive buffers are used one after the other, and stay.
            limit = self.memory + self.memory // 10 + 2 * MEBIBYTE * int(WORKERS)
            eventually(lambda: self.server.memory() <= limit, f"the memory is back under {limit} bytes")

    def endless_game(self, size=SIZE):
        start = self.server.line_count
        game = Program("gameoflife", "--url", self.server.ws, "--size", size, "--speed", 0)
        self.addCleanup(game.kill)
        self.server.wait_for("Telling workers to run", start)
        return game

    def watcher(self, *fields):
        connection = self.connect()
        connection.open("/watcher/", *fields)
        return connection

    def test_from_players_that_are_killed(self):
        for _ in range(REPETITIONS):
            self.endless_game().kill()
            self.assert_recovered()

    async def test_from_two_resets_at_once(self):
        for _ in range(REPETITIONS):
            game = self.endless_game()
            codes = await asyncio.gather(*[life.reset(self.server.ws, size) for size in (8, 9)])
            self.assertEqual(codes, [(1000, "")] * 2)
            self.assertEqual(game.wait(), 1)
            self.assert_recovered()

    def test_from_a_reset_by_the_next_game(self):
        for _ in range(REPETITIONS):
            game = self.endless_game()
            self.assert_recovered()
            self.assertEqual(game.wait(), 1)

    def test_from_fifty_watchers_that_vanish_in_a_frame(self):
        for _ in range(REPETITIONS):
            game = self.endless_game()
            watchers = [self.watcher(*fields) for fields in [(), ("Sec-WebSocket-Protocol: life.batch",)] * 25]
            for watcher in watchers:
                watcher.frame()
                watcher.send(frame(TEXT, "x" * 100)[:50])
            for watcher in watchers:
                watcher.abort()
            game.kill()
            self.assert_recovered()

    def test_from_a_watcher_that_never_reads(self):
        for _ in range(REPETITIONS):
            deaf = [self.watcher(), self.watcher("Sec-WebSocket-Protocol: life.batch")]
            # Megabytes for each of them: more than the kernel takes.
            program = run("gameoflife", "--url", self.server.ws, "--size", 24, "--speed", 0, "--steps", 200)
            self.assertEqual(program.status, 0, program.output)
            for watcher in deaf:
                watcher.abort()
            self.assert_recovered()

    def test_from_workers_that_send_garbage(self):
        garbage = [frame(TEXT, "garbage"), b"\xff" * 50, frame(TEXT, b"\xff\xfe"),
                   frame(TEXT, "1 1") * 10_000, frame(PING, "x" * 100) * 10_000,
                   b"\x81\xff" + b"\x7f" * 8, frame(TEXT, "x" * 1000)[:500]]
        for _ in range(REPETITIONS):
            asyncio.run(life.reset(self.server.ws, 3))
            workers = [self.connect() for _ in range(7)]
            for worker, data in zip(workers, garbage):
                worker.open("/worker/")
                try:
                    worker.send(data)
                except OSError:
                    pass  # it has been thrown out meanwhile
            for worker in workers:
                worker.abort()
            self.assert_recovered()

    def test_from_handshakes_that_stop_half_way(self):
        for _ in range(REPETITIONS):
            connections = [self.connect() for _ in range(200)]
            for number, connection in enumerate(connections):
                handshake = connection.handshake_bytes("/worker/")
                connection.send(handshake[: len(handshake) * number // 200])
            for number, connection in enumerate(connections):
                connection.abort() if number % 2 else connection.close()
            self.assert_recovered()


if __name__ == "__main__":
    main()
