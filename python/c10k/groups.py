"""Groups: one message to the many WebSockets of this process."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import _c10k

from . import loop

__all__ = ["Group"]

logger = logging.getLogger("c10k")


class Group:
    """The WebSockets of this process that have joined `name`. Two of the same name are the same group.

        room = Group("room")

        @websocket
        async def chat(ws):
            async with room.join(ws):
                async for message in ws:
                    room.send(message)

    A group may be made anywhere, also before the server runs. Groups reach one process: where no c10k server runs, as in a
    management command, a group has no members, and send() does nothing. So a signal handler may send whatever runs it.
    To reach other processes, such as several workers, put a channel layer of Django Channels between them.

    Raises TypeError for a name that is no str.
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

    def _group(self) -> _c10k.Group | None:
        """The engine's, or None if no engine runs in this process. Raises RuntimeError in a fork of one where it does."""
        server = loop.current_server() if loop._is_fork else loop._server
        if server is not None and (self._bound is None or self._server is not server):
            self._bound = _c10k.Group(server, self.name)
            self._server = server
        return self._bound if server is not None else None

    def join(self, ws: _c10k.WebSocket) -> AbstractAsyncContextManager[Group | _c10k.Group]:
        """Makes `ws` a member for the time of a block: `async with group.join(ws):`. Raises TypeError for anything else."""
        if isinstance(ws, _c10k.WebSocket):
            return _c10k.Group(loop.current_server(), self.name).join(ws)
        if not hasattr(ws, "to_client"):
            raise TypeError(f"join() takes a WebSocket, not {type(ws).__name__}")
        return _join_test_client(self, ws)

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Sends `data` to every member, and never waits. Thread: any.

        A member that stays too far behind is treated as the `slow_member` of its view says. One member gets the messages
        of one thread in their order. Raises TypeError for anything but str, bytes, bytearray and memoryview.
        """
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            hint = ": json.dumps() makes a str of it" if isinstance(data, (dict, list, tuple)) else ""
            raise TypeError(f"send() takes str or bytes, not {type(data).__name__}{hint}")
        members = self._test_clients()
        for ws in members:
            ws.send(data)
        if (group := self._group()) is not None:
            group.send(data)
        elif not members:
            logger.debug("%r has no members: no c10k server runs in this process.", self)

    def count(self) -> int:
        """How many members the group has now. Thread: any."""
        group = self._group()
        return len(_test_members.get(self.name, ())) + (group.count() if group is not None else 0)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the WebSockets of all members. Thread: any. Raises ValueError for a code that may not be sent."""
        for ws in self._test_clients():
            ws.close(code, reason)
        if (group := self._group()) is not None:
            group.close(code, reason)

    def _test_clients(self) -> list[Any]:
        """Those that have not been closed; the engine's groups skip the others as well."""
        return [ws for ws in list(_test_members.get(self.name, ())) if not ws.closed]


# The WebSockets of test clients, which no engine knows: the members of each group, in the order in which they joined.
_test_members: dict[str, dict[Any, None]] = {}


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
