"""A client and a server of another library, python3-websockets."""

import asyncio
import logging
import threading

import websockets

from .waiting import PATIENCE

# Of handlers that end with an exception: some are wrong on purpose, and what our clients then say is what is tested.
_quiet = logging.getLogger("foreign")
_quiet.setLevel(logging.CRITICAL)


def websocket(url, **options):
    """A client, without its own keepalive, and with answers in time or none."""
    return websockets.connect(url, ping_interval=None, open_timeout=PATIENCE, close_timeout=PATIENCE, **options)


async def soon(awaitable):
    """What `awaitable` gives, unless it hangs."""
    return await asyncio.wait_for(awaitable, PATIENCE)


class WebsocketsServer:
    """A server on a thread of its own, for our clients: `with WebsocketsServer(handler) as url:`."""

    def __init__(self, handler, **options):
        self._handler = handler
        self._options = {"ping_interval": None, "logger": _quiet, **options}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise AssertionError("the server of this test did not start")
        return self.url

    def __exit__(self, *failure):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._end = asyncio.Event()
        async with websockets.serve(self._handler, "127.0.0.1", 0, backlog=1000, **self._options) as server:
            self.url = "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._end.wait()
