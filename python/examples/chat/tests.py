"""Tests of the chat, without a network: manage.py test"""

from django.test import SimpleTestCase

from c10ktools.testing import WebSocketClient


class RoomTest(SimpleTestCase):
    async def test_everybody_in_a_room_hears_a_message(self):
        ann, bob = WebSocketClient(), WebSocketClient()
        async with ann.connect("/lobby/ws/") as first, bob.connect("/lobby/ws/") as second:
            await first.receive(), await first.receive(), await second.receive()  # somebody came
            await first.send("hello")
            self.assertEqual(await second.receive(), "hello")
