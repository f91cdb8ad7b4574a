"""A WebSocket in memory: what a view gets in a test, with the behaviour of the engine's."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Coroutine
from typing import Any

from django.http import HttpRequest

from ..engine import ConnectionClosed

Message = str | bytes

# Those that an endpoint may send (RFC 6455, 7.4).
_SENDABLE = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


def check_close_code(code: int) -> None:
    """Raises ValueError if a close frame may not carry ``code``."""
    if code not in _SENDABLE and not 3000 <= code <= 4999:
        raise ValueError(f"the close code {code} may not be sent")


def as_message(data: Any) -> Message:
    """``data`` as a message: a str for text, bytes for all that is binary. Raises TypeError for anything else."""
    if isinstance(data, str):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    hint = ": json.dumps() makes a str of it" if isinstance(data, (dict, list, tuple)) else ""
    raise TypeError(f"a message is str, bytes, bytearray or memoryview, not {type(data).__name__}{hint}")


class Inbox:
    """Messages on their way to one side, in order, and then the end."""

    def __init__(self) -> None:
        self._messages: collections.deque[Message] = collections.deque()
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def get(self) -> Message | None:
        """The next message, or ``None`` at the end."""
        while not self._messages:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._messages.popleft()


class _Sent(Coroutine[Any, Any, None]):
    """What ``send()`` returns. Memory has room for everything, so awaiting it only lets others run.

    As the engine's, it may become a task, and nobody needs to await it.
    """

    def __init__(self) -> None:
        self._has_begun = False

    def send(self, value: Any) -> None:
        if self._has_begun:
            raise StopIteration
        self._has_begun = True

    def throw(self, *error: Any) -> None:
        raise error[0]

    def close(self) -> None:
        pass

    def __await__(self) -> Any:
        yield


class MemoryWebSocket:
    """The view's side. Both sides and all views of a test share one event loop.

    Thread: ``send()`` and ``close()`` may be called on any, the rest on the loop's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.request: HttpRequest | None = None
        self.task: asyncio.Task[None] | None = None
        self.subprotocol: str | None = None
        self.closed = False
        self.close_code: int | None = None
        self.close_reason = ""
        self.receiving = False
        self.to_view, self.to_client = Inbox(), Inbox()
        self._closed = asyncio.Event()
        self._loop = loop

    def send(self, data: str | bytes | bytearray | memoryview) -> Awaitable[None]:
        """Queues a message. Raises TypeError for other types, and ConnectionClosed after the close."""
        message = as_message(data)
        if self.closed:
            raise ConnectionClosed("the WebSocket is closed")
        self._on_loop(self.to_client.put, message)
        return _Sent()

    async def recv(self) -> Message | None:
        """The client's next message, or ``None`` when the WebSocket is closed. Raises RuntimeError in a second task."""
        if self.receiving:
            raise RuntimeError("recv(): another recv() is pending")
        self.receiving = True
        try:
            return await self.to_view.get()
        finally:
            self.receiving = False

    def __aiter__(self) -> MemoryWebSocket:
        return self

    async def __anext__(self) -> Message:
        if (message := await self.recv()) is None:
            raise StopAsyncIteration
        return message

    async def wait_closed(self) -> None:
        """Waits until the WebSocket is closed, by either side."""
        await self._closed.wait()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes it. Does nothing if it is closed. Raises ValueError for a code that may not be sent."""
        check_close_code(code)
        self.note_close(code, reason)

    def note_close(self, code: int, reason: str) -> None:
        """Ends both directions, whichever side has begun."""
        if self.closed:
            return
        self.closed, self.close_code, self.close_reason = True, code, reason
        self._on_loop(self.to_view.end)
        self._on_loop(self.to_client.end)
        self._on_loop(self._closed.set)

    def _on_loop(self, function: Any, *args: Any) -> None:
        if asyncio._get_running_loop() is self._loop:
            function(*args)
        else:
            self._loop.call_soon_threadsafe(function, *args)
