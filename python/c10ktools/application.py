"""Django as an application of the engine: each of its callbacks is answered by another module."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from . import conf
from .access_log import log_close
from .handshake import HandshakeHandler, Handshakes
from .lanes import Lanes
from .reporting import report_view_failure

if TYPE_CHECKING:
    from _c10k import Exchange, Handshake, WebSocket

engine_logger = logging.getLogger("c10k")


class Pages(Protocol):
    """What answers pages: ``WsgiPages``, or an ASGI application's server."""

    def on_request(self, exchange: Exchange) -> None: ...

    def stop(self, timeout: float) -> bool: ...


class DjangoApplication:
    """Serves a Django project: pages as ``pages`` does it, and the WebSockets of its URLconf.

    Thread: that of the event loop, on which the engine calls all of it.

    Example::

        application = DjangoApplication(WsgiPages(get_wsgi_application()))
        c10k.Runner(application, bind=[("127.0.0.1", 8000)], settings=conf.engine_settings()).run()
    """

    def __init__(self, pages: Pages) -> None:
        """
        Raises:
            ImproperlyConfigured, ImportError: a middleware of the settings cannot be loaded.
        """
        self.pages = pages
        self._handler = HandshakeHandler()

    async def startup(self) -> None:
        """Makes the pools. The engine awaits it before it listens."""
        self.lanes = Lanes(
            asyncio.get_running_loop(),
            count=conf.get("C10K_VIEW_LANES"),
            tidy_seconds=conf.get("C10K_LANE_TIDY_SECONDS"),
        )
        self.handshakes = Handshakes(self._handler, self.lanes)

    async def shutdown(self) -> None:
        """Stops the pools. The engine awaits it after its last connection."""
        # The loop has nothing else to do any more, and at the interpreter's exit no executor takes work: so it blocks.
        end = time.monotonic() + conf.get("C10K_STOP_SECONDS")
        for part in (self.pages, self.handshakes, *self.lanes):
            part.stop(max(0.0, end - time.monotonic()))

    def on_handshake(self, handshake: Handshake) -> None:
        self.handshakes.take(handshake)

    def on_request(self, exchange: Exchange) -> None:
        self.pages.on_request(exchange)

    def on_view_failed(self, ws: WebSocket, exception: BaseException) -> None:
        path = ws.request.path if ws.request is not None else f"{ws.task and ws.task.get_name()}"
        # Mail and error trackers may block.
        report = functools.partial(report_view_failure, exception, ws.request, path)
        if not self.handshakes.pool.submit(report):
            threading.Thread(target=report, name="c10k-report", daemon=True).start()

    def on_opened(self, ws: WebSocket) -> None:
        pass

    def on_closed(self, ws: WebSocket, code: int, reason: str) -> None:
        self.lanes.leave(ws)
        log_close(ws, code)

    def on_log(self, level: int, line: str) -> None:
        engine_logger.log(level, "%s", line)
