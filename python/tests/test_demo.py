"""The demo in Django, played by the programs in C++: the Game of Life, and the echo."""

import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import websockets
from django.test import SimpleTestCase

from server import PATIENCE, RunServer, needs_engine

PYTHON = pathlib.Path(__file__).resolve().parent.parent
MANAGE = pathlib.Path(os.environ.get("C10K_BUILD", PYTHON.parent / "build")) / "manage"
REFERENCE = PYTHON.parent / "tests" / "e2e" / "life_reference.py"
FULL = unittest.skipUnless(os.environ.get("C10K_FULL") == "1", "C10K_FULL=1 plays it")


@needs_engine
@unittest.skipUnless(MANAGE.exists(), "the programs in C++ are not built")
class Demo(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        environment = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONDONTWRITEBYTECODE": "1"}
        cls.server = RunServer("--noreload", project=PYTHON / "demo", in_place=True, environment=environment)
        cls.enterClassContext(cls.server)

    def run_program(self, *command):
        run = subprocess.run([*map(str, command)], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def test_pages_are_those_of_the_demo_in_cpp(self):
        for path, text in (("/", b"<title>Game of Life"), ("/test/", b"<title>Echo"), ("/test/wsgi/?text=a", b"<td>a</td>")):
            status, _, body = self.server.get(path)
            self.assertEqual(status, 200)
            self.assertIn(text, body)
        self.assertEqual(self.server.get("/static/gameoflife/viewer.js")[0], 200)

    def assert_ends_as_golly_says(self, size, steps):
        with tempfile.TemporaryDirectory() as folder:
            start, final = f"{folder}/start.rle", f"{folder}/final.rle"
            game = [MANAGE, "gameoflife", "-s", size, "-l", 0, "--seed", 7, "-u", self.server.url("")]
            self.run_program(*game, "-n", 0, "--dump", start)
            self.run_program(*game, "-n", steps, "--dump", final)
            self.run_program(sys.executable, REFERENCE, start, "--steps", steps, "--wrap", "--final", final)

    def test_the_game_of_life_ends_as_golly_says(self):
        self.assert_ends_as_golly_says(16, 20)

    @FULL
    def test_a_game_of_ten_thousand_cells_ends_as_golly_says(self):
        self.assert_ends_as_golly_says(100, 20)

    @FULL
    def test_a_late_watcher_of_a_large_game_gets_the_last_words_piece_by_piece(self):
        # Each cell speaks once, and waits.
        game = [MANAGE, "gameoflife", "-s", 70, "-l", 0.01, "-u", self.server.url("")]
        with subprocess.Popen([*map(str, game)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as players:
            try:
                self.server.wait_for("Telling workers to run")
                asyncio.run(self.watch_a_large_game(70 * 70))
            finally:
                players.kill()

    async def watch_a_large_game(self, cells):
        options = {"subprotocols": ["life.batch"], "open_timeout": PATIENCE, "close_timeout": PATIENCE}
        for _ in range(2):  # the first may have come while cells spoke
            async with websockets.connect(self.server.url("/watcher/"), **options) as watcher:
                self.assertEqual(await watcher.recv(), "size 70")
                heard, pieces = set(), []
                while len(heard) < cells:
                    pieces.append((await watcher.recv()).split("\n"))
                    heard.update(tuple(line.split(" ")[1:3]) for line in pieces[-1])
        self.assertEqual([len(piece) for piece in pieces], [4096, cells - 4096])

    def test_every_reply_of_the_echo_is_right(self):
        clients = ["--clients", 100, "--delay", "3s", "--url", self.server.url("/test/ws/")]
        self.assertIn("100 clients, peak 100, 0 failures", self.run_program(MANAGE, "testecho", *clients))

    def test_what_a_worker_does_wrong_is_told(self):
        asyncio.run(self.say_wrong_things())

    async def say_wrong_things(self):
        options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "ping_interval": None}
        for message in ("0 0", "x" * 65, b"0 0"):
            async with websockets.connect(self.server.url("/worker/"), **options) as worker:
                await worker.send(message)
                await worker.wait_closed()
                self.assertEqual(worker.close_code, 1008, message)
        async with websockets.connect(self.server.url("/reset/"), **options) as reset:
            await reset.send("4097")
            await reset.wait_closed()
            self.assertEqual(reset.close_code, 1008)

    def test_a_late_watcher_hears_the_last_word_of_every_cell(self):
        asyncio.run(self.watch_late())

    async def watch_late(self):
        options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "ping_interval": None}
        async with websockets.connect(self.server.url("/reset/"), **options) as reset:
            await reset.send("1")
            await reset.wait_closed()
        async with websockets.connect(self.server.url("/worker/"), **options) as worker:
            self.assertEqual(await worker.recv(), "sub")
            await worker.send("sub")
            self.assertEqual(await worker.recv(), "run")
            await worker.send("0 0 0 1")
            await worker.send("1 0 0 0")
            async with websockets.connect(self.server.url("/watcher/"), **options) as watcher:
                await worker.send("2 0 0 1")
                while not (await watcher.recv()).startswith("2 "):
                    pass
            async with websockets.connect(self.server.url("/watcher/"), subprotocols=["life.batch"], **options) as late:
                self.assertEqual([await late.recv(), await late.recv()], ["size 1", "2 0 0 1"])
