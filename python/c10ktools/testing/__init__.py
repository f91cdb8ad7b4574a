"""Tests of WebSocket views, without a network and without the engine.

    from django.test import TestCase
    from c10ktools.testing import WebSocketClient

    class RoomTest(TestCase):
        async def test_a_room_echoes(self):
            async with WebSocketClient().connect("/rooms/lobby/") as ws:
                await ws.send("Hello")
                self.assertEqual(await ws.receive(), "Hello")
"""

from .client import WebSocketClient, WebSocketRefused, WebSocketSession

__all__ = ["WebSocketClient", "WebSocketRefused", "WebSocketSession"]
