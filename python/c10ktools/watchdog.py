"""Names the view that keeps the event loop from its other work: "view room blocked the loop for 800 ms"."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import NamedTuple

logger = logging.getLogger("c10k")

# Frames of these are not the project's.
_NOT_THE_PROJECT = ("asyncio", "asgiref", "c10k", "c10ktools", "selectors", "threading", "django.core", "django.utils")


class Place(NamedTuple):
    """Where a loop is blocked."""

    name: str
    file: str
    line: int


class Watchdog(threading.Thread):
    """Looks at the loop's thread some times a second, and logs what blocked it when it goes on.

    Example::

        watchdog = Watchdog(lambda: server.turns, sleeps_in=Selector.select.__code__, seconds=0.25)
        watchdog.start()        # on the loop's thread
        watchdog.stop()
    """

    def __init__(self, turns: Callable[[], int], *, sleeps_in: CodeType, seconds: float) -> None:
        """
        Args:
            turns: returns a number that grows with each turn of the loop of the calling thread.
            sleeps_in: the function in which that loop waits for events; at its top, the thread is not blocked.
            seconds: how long a turn may last.
        """
        super().__init__(name="c10k-watchdog", daemon=True)
        self._turns, self._sleeps_in, self._seconds = turns, sleeps_in, seconds
        self._watched = threading.get_ident()
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """Ends the thread soon."""
        self._is_stopped.set()

    def run(self) -> None:
        turn, since, blocked = self._turns(), time.monotonic(), None
        while not self._is_stopped.wait(self._seconds / 4):
            place, now = self._look(), time.monotonic()
            if place is not None and self._turns() == turn:
                if now - since >= self._seconds:
                    blocked = blocked or place
                continue
            if blocked is not None:
                self.report(blocked, now - since)
            turn, since, blocked = self._turns(), now, None

    def report(self, place: Place, seconds: float) -> None:
        """Logs a warning."""
        logger.warning(
            'View %s blocked the loop for %d ms (File "%s", line %d). Meanwhile no other view ran: await'
            " sync_to_async() for what blocks.",
            place.name, seconds * 1000, place.file, place.line,
        )  # fmt: skip

    def _look(self) -> Place | None:
        frame = sys._current_frames().get(self._watched)
        return None if frame is None or frame.f_code is self._sleeps_in else find_view(frame)


def find_view(frame: FrameType) -> Place | None:
    """The view, task or callback of the project that a thread is in, and the line that it has reached.

    Args:
        frame: the innermost of the thread.

    Returns:
        ``None`` if no code of the project is running.
    """
    frames = []
    each: FrameType | None = frame
    while each is not None:
        if not _is_foreign(each):
            frames.append(each)
        each = each.f_back
    # A view is the outermost coroutine; a callback has none.
    outermost = next((each for each in reversed(frames) if each.f_code.co_flags & inspect.CO_COROUTINE), None)
    outermost = outermost or (frames[-1] if frames else None)
    if outermost is None:
        return None
    file = outermost.f_code.co_filename
    line = next(each.f_lineno for each in frames if each.f_code.co_filename == file)
    return Place(outermost.f_code.co_qualname, file, line)


def _is_foreign(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    return any(module == name or module.startswith(name + ".") for name in _NOT_THE_PROJECT)
