"""Lanes: the threads for the synchronous code that WebSocket views start, such as calls of the ORM.

asgiref runs ``sync_to_async()`` of all coroutines on one thread, unless each has a ``ThreadSensitiveContext``; then it
starts a thread for each, and ten thousand connections have ten thousand threads and database connections. So there is
a fixed number of contexts, and each view belongs to one of them for as long as it runs.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import DatabaseError, close_old_connections, connections

from .pool import Pool, PoolExecutor

if TYPE_CHECKING:
    from _c10k import WebSocket


class Lane(ThreadSensitiveContext):
    """A thread, with its connection to each database, for the views that belong to it.

    It tends its connections as Django does between requests. A view may read a query in many small steps, so a lane
    closes connections that are too old only while each of its views waits in ``recv()``; those that broke, at once.

    Thread: that of the event loop.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, tidy_seconds: float) -> None:
        super().__init__()
        self.websockets: set[WebSocket] = set()
        self.loop, self.tidy_seconds = loop, tidy_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._context = contextvars.Context()
        self._context.run(SyncToAsync.thread_sensitive_context.set, self)  # type: ignore[arg-type]
        # asgiref would make an executor of its own, whose threads the interpreter joins at exit.
        self.executor = _LaneExecutor(self, Pool(name, threads=1))
        SyncToAsync.context_to_thread_executor[self] = self.executor  # type: ignore[assignment]

    def new_context(self) -> contextvars.Context:
        """A context in which nothing is set but this lane. All of them share the memory for that. Thread: any."""
        return self._context.copy()

    def note_use(self) -> None:
        """Something was queued for the lane's thread: it may leave a connection open."""
        if self._timer is None:
            self._timer = self.loop.call_later(self.tidy_seconds, self.tidy)

    def tidy(self) -> None:
        """Closes connections that are too old, if no view can be using one; else tries again later."""
        self._timer = None
        # Handshake threads add views meanwhile: a copy does not mind.
        if self.executor.pool.unfinished() == 0 and all(ws.receiving for ws in tuple(self.websockets)):
            self.executor.pool.submit(close_old_connections)
        else:
            self.note_use()

    def stop(self, timeout: float) -> bool:
        """Stops the thread, which then closes its connections. Returns whether it has ended in time."""
        if self._timer is not None:
            self._timer.cancel()
        return self.executor.pool.stop(timeout, last=connections.close_all)


class _LaneExecutor(PoolExecutor):
    """What asgiref runs a lane's synchronous code on."""

    def __init__(self, lane: Lane, pool: Pool) -> None:
        super().__init__(pool)
        # asgiref keeps executors in a dictionary with weak keys, which a strong reference here would keep alive.
        self._lane = weakref.ref(lane)

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future = super().submit(_run_and_mend, fn, *args, **kwargs)
        if (lane := self._lane()) is not None:
            lane.note_use()
        return future


def _run_and_mend(fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
    """Calls ``fn``, and then drops connections that a DatabaseError has shown to be broken."""
    try:
        return fn(*args, **kwargs)
    finally:
        for connection in connections.all():
            if connection.errors_occurred and not connection.in_atomic_block:
                if connection.is_usable():
                    connection.errors_occurred = False
                else:
                    connection.close()


class Lanes:
    """All lanes of a server.

    Example::

        lanes = Lanes(loop, count=4, tidy_seconds=1.0)
        lane = lanes.enter(ws)     # before the view starts
        lanes.leave(ws)            # when it has ended

    Thread: that of the event loop, where a method does not say otherwise.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, count: int, tidy_seconds: float) -> None:
        self._lanes = [Lane(f"lane-{number}", loop, tidy_seconds) for number in range(1, count + 1)]

    def enter(self, ws: WebSocket) -> Lane:
        """Gives a view the lane that has the fewest. Thread: any."""
        lane = min(self._lanes, key=lambda each: len(each.websockets))
        lane.websockets.add(ws)
        return lane

    def leave(self, ws: WebSocket) -> None:
        """Takes a view out of its lane, as soon as it has ended. Does nothing if it is in none."""
        if ws.task is None or ws.task.done():
            self.discard(ws)
        else:
            # The WebSocket is closed, and the view has not noticed yet: it may still use its lane.
            ws.task.add_done_callback(lambda _: self.discard(ws))

    def discard(self, ws: WebSocket) -> None:
        """Takes a view out of its lane that never starts. Thread: any."""
        for lane in self._lanes:
            lane.websockets.discard(ws)

    def has(self, ws: WebSocket) -> bool:
        """Whether a view is in a lane: it has been started, and its WebSocket has not been closed for long."""
        return any(ws in lane.websockets for lane in self._lanes)

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes)
