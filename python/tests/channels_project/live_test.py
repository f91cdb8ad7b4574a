"""What a Channels project has in its own tests: run by Django's test runner."""

import asyncio
import urllib.request

import websockets
from channels.testing import ChannelsLiveServerTestCase
from django.contrib.auth import get_user_model

from c10k.testing import ServerProcess


class LiveTest(ChannelsLiveServerTestCase):
    ProtocolServerProcess = ServerProcess

    def test_the_server_sees_the_database_of_the_test(self):
        get_user_model().objects.create(username="anna")

        async def users():
            async with websockets.connect(self.live_server_ws_url + "/count", origin=self.live_server_url) as peer:
                return await peer.recv()

        self.assertIn('"users": 1', asyncio.run(users()))

    def test_pages_are_served(self):
        with urllib.request.urlopen(self.live_server_url + "/enter/berta") as answer:
            self.assertEqual(answer.read(), b"berta is in")
        self.assertEqual(get_user_model().objects.get().username, "berta")
