"""The lifespan of an ASGI application: it starts before the server listens, and ends after its last connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["Lifespan", "StartupFailed"]

logger = logging.getLogger("c10k")


class StartupFailed(Exception):
    """The application said ``lifespan.startup.failed``, or raised before it had started. The log has the reason."""


class Lifespan:
    """Runs the application for its ``lifespan`` scope.

    Args:
        app: the ASGI application.
        mode: "on" requires the application to support it, "auto" goes on without if it raises, "off" does not ask.

    Example::

        lifespan = Lifespan(app, "auto")
        await lifespan.startup()
        ...
        await lifespan.shutdown()
    """

    def __init__(self, app: Callable[..., Awaitable[None]], mode: str = "auto") -> None:
        if mode not in ("auto", "on", "off"):
            raise ValueError(f"lifespan is 'auto', 'on' or 'off', not {mode!r}")
        #: What the application keeps for its requests, each of which gets a copy.
        self.state: dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._task: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        self._failure: str | None = None

    async def startup(self) -> None:
        """Returns when the application has started, or has no lifespan.

        Raises:
            StartupFailed: it cannot start.
        """
        if self._mode == "off":
            return
        self._events.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._run(), name="lifespan")
        await self._started.wait()
        if self._failure is not None:
            raise StartupFailed(self._failure)

    async def shutdown(self) -> None:
        """Returns when the application has ended. A failure is logged."""
        if self._task is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await self._ended.wait()
        self._task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._events.get, self._send)
            if not self._started.is_set() and self._mode == "on":
                self._fail("the application returned without an answer to lifespan.startup")
        except Exception as error:
            self._on_raised(error)
        finally:
            self._started.set()
            self._ended.set()

    def _on_raised(self, error: Exception) -> None:
        if self._started.is_set():
            logger.error("The application's lifespan failed.", exc_info=error)
        elif self._mode == "auto":
            logger.info("The application has no startup and no shutdown (%s: %s)", type(error).__name__, error)
        else:
            logger.error("The application's startup failed.", exc_info=error)
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, why: str) -> None:
        self._failure = why or "it gave no reason"
        self._started.set()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._started.set()
        elif kind == "lifespan.startup.failed":
            self._fail(str(message.get("message", "")))
        elif kind == "lifespan.shutdown.complete":
            self._ended.set()
        elif kind == "lifespan.shutdown.failed":
            logger.error("The application's shutdown failed: %s", message.get("message", "it gave no reason"))
            self._ended.set()
        else:
            raise RuntimeError(f"an application sends no {kind!r} in its lifespan")
