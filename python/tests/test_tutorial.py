"""The tutorial's chat: its own tests, and a visit from outside."""

import asyncio
import os
import pathlib
import subprocess
import sys

import websockets
from django.test import SimpleTestCase

from server import PATIENCE, RunServer, needs_engine

CHAT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "chat"


@needs_engine
class Chat(SimpleTestCase):
    def test_its_own_tests_pass(self):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DJANGO_SETTINGS_MODULE": "settings"}
        run = subprocess.run(
            [sys.executable, "-B", "manage.py", "test"], cwd=CHAT, env=environment, capture_output=True, text=True
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("Ran 1 test", run.stderr)

    def test_everybody_in_a_room_hears_a_message(self):
        with RunServer("--noreload", project=CHAT, environment={"DJANGO_SETTINGS_MODULE": "settings"}) as server:
            status, _, body = server.get("/lobby/")
            self.assertEqual(status, 200)
            self.assertIn(b"<h1>lobby</h1>", body)
            self.assertEqual(server.get("/static/room.js")[0], 200)
            asyncio.run(self.talk(server))

    async def talk(self, server):
        options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "ping_interval": None}
        url = server.url("/lobby/ws/")
        async with websockets.connect(url, **options) as ann:
            self.assertEqual(await ann.recv(), "Somebody came: 1 are here.")
            async with websockets.connect(url, **options) as bob:
                self.assertEqual(await bob.recv(), "Somebody came: 2 are here.")
                self.assertEqual(await ann.recv(), "Somebody came: 2 are here.")
                await bob.send("hello")
                self.assertEqual([await ann.recv(), await bob.recv()], ["hello", "hello"])
