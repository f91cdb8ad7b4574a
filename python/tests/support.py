"""What several tests need: a URLconf of one view, and the engine's part of a handshake, in memory."""

import asyncio
import types

from django.urls import path

from c10ktools.handshake import HandshakeHandler, Handshakes
from c10ktools.lanes import Lanes
from c10ktools.testing.memory import MemoryWebSocket


def urls(view):
    """A URLconf with one view, at the root."""
    module = types.ModuleType("urlconf")
    module.urlpatterns = [path("", view)]
    return module


class MemoryHandshake:
    """A handshake as the engine gives it to Python, whose answer a test awaits.

    After a 101 it drives the view as the engine does: as the loop's current task, in the context that it was given.
    """

    def __init__(self, path="/", *, headers=(), subprotocols=(), query=b"", raw_path=None, gone=False):
        self.method, self.path, self.scheme, self.http_version = "GET", path, "http", "1.1"
        self.raw_path, self.query_string = raw_path if raw_path is not None else path.encode(), query
        self.headers = [
            (b"host", b"testserver"), (b"upgrade", b"websocket"), (b"connection", b"Upgrade"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"sec-websocket-version", b"13"), *headers,
        ]
        self.client, self.server, self.subprotocols = ("127.0.0.1", 4711), ("127.0.0.1", 8000), list(subprotocols)
        self.gone = gone
        self.loop = asyncio.get_running_loop()
        self.websocket = MemoryWebSocket(self.loop)
        # (status, headers), once it is answered.
        self.answer = self.loop.create_future()
        self.body, self.accepted, self.on_end = b"", None, lambda ws: None

    def accept(self, coroutine, *, context, subprotocol=None, headers=(), slow_member="close"):
        if self.gone:
            coroutine.close()
            return False
        self.accepted = {"subprotocol": subprotocol, "slow_member": slow_member}
        self.loop.call_soon_threadsafe(self._start, coroutine, context, list(headers))
        return True

    def refuse(self, status, headers=(), body=b""):
        self.body = body
        self.loop.call_soon_threadsafe(self.answer.set_result, (status, list(headers)))
        return not self.gone

    def header(self, name):
        """All values of a header of the answer."""
        return [value.decode() for each, value in self.answer.result()[1] if each == name]

    def _start(self, coroutine, context, headers):
        self.answer.set_result((101, headers))
        ws = self.websocket
        ws.task = self.loop.create_task(coroutine, context=context)
        ws.task.add_done_callback(lambda _: (ws.note_close(1000, ""), self.on_end(ws)))


class Server:
    """Django's side of the engine, as ``c10ktools.application`` builds it, with as many lanes as a test wants.

        async with Server(lanes=2) as server:
            handshake = await server.open("/echo/")
            handshake.websocket.to_view.put("Hello")
            self.assertEqual(await handshake.websocket.to_client.get(), "Hello")
    """

    def __init__(self, *, lanes=2, tidy_seconds=0.01):
        self._options = {"count": lanes, "tidy_seconds": tidy_seconds}
        self._opened = []

    async def __aenter__(self):
        self.lanes = Lanes(asyncio.get_running_loop(), **self._options)
        self.handshakes = Handshakes(HandshakeHandler(), self.lanes)
        return self

    async def __aexit__(self, *_):
        for handshake in self._opened:
            handshake.websocket.note_close(1001, "")
            if handshake.websocket.task:
                await asyncio.wait([handshake.websocket.task])
        await asyncio.to_thread(self.handshakes.stop, 5)
        for lane in self.lanes:
            await asyncio.to_thread(lane.stop, 5)

    def take(self, path="/", **options):
        """Begins a handshake."""
        handshake = MemoryHandshake(path, **options)
        handshake.on_end = self.lanes.leave
        self._opened.append(handshake)
        self.handshakes.take(handshake)
        return handshake

    async def open(self, path="/", **options):
        """A handshake that has been answered."""
        handshake = self.take(path, **options)
        await handshake.answer
        return handshake
