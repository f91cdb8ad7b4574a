"""Tests of WebSocket views: without a network and without the engine, or in a real browser (``LiveServerTestCase``).

    from django.test import TestCase
    from c10ktools.testing import WebSocketClient

    class RoomTest(TestCase):
        async def test_a_room_echoes(self):
            async with WebSocketClient().connect("/rooms/lobby/") as ws:
                await ws.send("Hello")
                self.assertEqual(await ws.receive(), "Hello")
"""

from .client import WebSocketClient, WebSocketRefused, WebSocketSession
from .live import LiveServerTestCase, LiveServerThread

__all__ = ["LiveServerTestCase", "LiveServerThread", "WebSocketClient", "WebSocketRefused", "WebSocketSession"]
