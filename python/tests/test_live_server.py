"""LiveServerTestCase: the project on a real server, for a real client."""

import urllib.request

import websockets
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

from c10ktools.testing import LiveServerTestCase, LiveServerThread

from server import needs_engine


@needs_engine
class Live(LiveServerTestCase):
    def url(self, path):
        return self.live_server_url.replace("http", "ws") + path

    def test_pages_are_served(self):
        with urllib.request.urlopen(self.live_server_url + "/page/") as response:
            self.assertEqual(response.read(), b"A page")

    async def test_a_websocket_sees_what_the_test_writes_and_the_test_what_it_writes(self):
        users = get_user_model().objects
        await sync_to_async(users.create_user)("by-the-test")
        async with websockets.connect(self.url("/user-in-database/")) as ws:
            await ws.send("count")
            self.assertEqual(await ws.recv(), "1")
            await ws.send("create")
            self.assertEqual(await ws.recv(), "2")
        self.assertEqual(await sync_to_async(users.count)(), 2)


@needs_engine
class LiveStatic(StaticLiveServerTestCase):
    server_thread_class = LiveServerThread

    async def test_static_files_and_websockets_are_served(self):
        with urllib.request.urlopen(self.live_server_url + "/static/hello.txt") as response:
            self.assertEqual(response.read(), b"static\n")
        async with websockets.connect(self.live_server_url.replace("http", "ws") + "/echo/") as ws:
            await ws.send("hello")
            self.assertEqual(await ws.recv(), "hello")


@needs_engine
class LiveFailures(SimpleTestCase):
    def test_a_server_that_cannot_start_fails_the_test_case(self):
        with override_settings(C10K_ENGINE={"no_such": 1}), self.assertRaisesMessage(ValueError, "no_such"):
            Live.setUpClass()
        with override_settings(MIDDLEWARE=["no.such.Middleware"]), self.assertRaises((ImportError, ImproperlyConfigured)):
            Live.setUpClass()
