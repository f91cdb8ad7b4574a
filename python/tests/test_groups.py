"""Groups of Django's side: in tests without a network, and where no server runs."""

import asyncio
import subprocess
import sys

from django.contrib.auth import get_user_model
from django.db.models.signals import post_save
from django.test import SimpleTestCase, TestCase, override_settings

from c10ktools.http import websocket
from c10ktools.testing import WebSocketClient

from server import needs_engine
from support import urls


@needs_engine
class Groups(TestCase):
    """A group in this process, which has no server."""

    def setUp(self):
        from c10k import Group

        self.room = Group("room")

    async def member(self, ws):
        async with self.room.join(ws):
            ws.send("joined")
            await ws.recv()

    def view(self):
        return override_settings(ROOT_URLCONF=urls(websocket(self.member)))

    def test_without_a_server_a_group_has_no_members(self):
        self.assertIsNone(self.room.send("to nobody"))
        self.assertEqual(self.room.count(), 0)
        self.room.close(1000)

    def test_wrong_types_are_the_callers_mistake_without_a_server_as_well(self):
        for wrong in (1, None, {"text": "x"}):
            with self.assertRaisesMessage(TypeError, f"send() takes str or bytes, not {type(wrong).__name__}"):
                self.room.send(wrong)
        with self.assertRaisesMessage(TypeError, "join() takes a WebSocket, not str"):
            self.room.join("room")

    def test_a_signal_handler_may_send_when_nobody_listens(self):
        self.connect_signal()
        get_user_model().objects.create_user("ann")

    async def test_a_signal_handler_reaches_the_clients_of_a_test(self):
        self.connect_signal()
        with self.view():
            async with WebSocketClient().connect("/") as first, WebSocketClient().connect("/") as second:
                self.assertEqual([await first.receive(), await second.receive()], ["joined", "joined"])
                self.assertEqual(self.room.count(), 2)
                await asyncio.to_thread(self.room.send, "from a thread")
                for ws in (first, second):
                    self.assertEqual(await ws.receive(), "from a thread")
                await WebSocketClient().aforce_login(await self.create_user("bob"))
                for ws in (first, second):
                    self.assertEqual(await ws.receive(), "bob came")

    async def test_a_member_that_is_closed_and_has_not_left_gets_nothing(self):
        closed = asyncio.Event()

        async def lingers(ws):
            async with self.room.join(ws):
                ws.close()
                self.room.send("to nobody")
                closed.set()

        with override_settings(ROOT_URLCONF=urls(websocket(lingers))):
            async with WebSocketClient().connect("/") as ws:
                self.assertIsNone(await ws.receive())
        self.assertTrue(closed.is_set())

    def connect_signal(self):
        def on_saved(instance, **kwargs):
            self.room.send(f"{instance.username} came")

        post_save.connect(on_saved, sender=get_user_model())
        self.addCleanup(post_save.disconnect, on_saved, sender=get_user_model())

    async def create_user(self, name):
        from asgiref.sync import sync_to_async

        return await sync_to_async(get_user_model().objects.create_user)(name)


@needs_engine
class Elsewhere(SimpleTestCase):
    """A process that serves nothing, such as a management command."""

    def test_sending_is_harmless_and_told_at_debug(self):
        program = (
            "import logging; logging.basicConfig(level='DEBUG'); import c10k; g = c10k.Group('room');"
            "g.send('x'); g.close(); print(g.count())"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual(done.stdout, "0\n", done.stderr)
        self.assertIn("Group('room') has no members: no c10k server runs in this process.", done.stderr)
