"""Groups: one message to the many WebSockets of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import _c10k

from .loop import current_server

__all__ = ["Group"]


class Group:
    """The WebSockets of this process that have joined `name`. Two of the same name are the same group.

        room = Group("room")

        @websocket
        async def chat(ws):
            async with room.join(ws):
                async for message in ws:
                    room.send(message)

    A group may be made anywhere, also before the server runs; send(), count() and close() raise RuntimeError where no
    c10k server runs. Groups reach one process. With several workers, use a channel layer of Django Channels between them.
    """

    __slots__ = ("name", "_bound", "_server")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a group is a str, not {type(name).__name__}")
        self.name = name
        self._bound: _c10k.Group | None = None
        self._server: _c10k.Server | None = None

    def __repr__(self) -> str:
        return f"Group({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def _group(self) -> _c10k.Group:
        server = current_server()
        if self._bound is None or self._server is not server:
            self._bound = _c10k.Group(server, self.name)
            self._server = server
        return self._bound

    def join(self, ws: _c10k.WebSocket) -> AbstractAsyncContextManager[Group | _c10k.Group]:
        """Makes `ws` a member for the time of a block: `async with group.join(ws):`."""
        if isinstance(ws, _c10k.WebSocket):
            return self._group().join(ws)
        return _join_test_client(self, ws)

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Sends `data` to every member, and never waits. Thread: any.

        A member that stays too far behind is treated as the `slow_member` of its view says. One member gets the messages
        of one thread in their order. Raises TypeError for anything but str, bytes, bytearray and memoryview.
        """
        for ws in _test_members.get(self.name, ()):
            ws.send(data)
        if not _test_members or _c10k_runs():
            self._group().send(data)

    def count(self) -> int:
        """How many members the group has now. Thread: any."""
        in_tests = len(_test_members.get(self.name, ()))
        return in_tests + (self._group().count() if not _test_members or _c10k_runs() else 0)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the WebSockets of all members. Thread: any. Raises ValueError for a code that may not be sent."""
        for ws in list(_test_members.get(self.name, ())):
            ws.close(code, reason)
        if not _test_members or _c10k_runs():
            self._group().close(code, reason)


# The WebSockets of test clients, which no engine knows: the members of each group, in the order in which they joined.
_test_members: dict[str, dict[Any, None]] = {}


def _c10k_runs() -> bool:
    from . import loop

    return loop._server is not None


@asynccontextmanager
async def _join_test_client(group: Group, ws: Any) -> AsyncIterator[Group]:
    members = _test_members.setdefault(group.name, {})
    members[ws] = None
    try:
        yield group
    finally:
        del members[ws]
        if not members:
            del _test_members[group.name]
