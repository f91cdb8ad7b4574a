"""Django as an application of the engine: each of its callbacks is answered by another module."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.handlers.asgi import ASGIHandler
from django.urls import Resolver404, resolve
from django.utils import translation

from . import access_log, conf
from .access_log import AccessLog
from .environ import without_prefix
from .handshake import HandshakeHandler, Handshakes
from .lanes import Lanes
from .reporting import report_result, report_view_failure

if TYPE_CHECKING:
    from _c10k import Exchange, Handshake, WebSocket

engine_logger = logging.getLogger("c10k")


class Pages(Protocol):
    """What answers pages, such as ``WsgiPages``."""

    def on_request(self, exchange: Exchange) -> None: ...

    def stop(self, timeout: float) -> bool: ...


class Views:
    """The WebSocket views of the project's URLconf, on the engine that runs them.

    Thread: that of the event loop.

    Example::

        views = Views()
        await views.startup()
        views.take(handshake)       # in on_handshake()
        await views.shutdown()
    """

    def __init__(self, *, script_name: str = "", log: AccessLog = access_log) -> None:
        """
        Args:
            script_name: where a proxy has mounted the project.
            log: gets each answer to a handshake, and each close.

        Raises:
            ImproperlyConfigured, ImportError: a middleware of the settings cannot be loaded.
        """
        self._handler = HandshakeHandler()
        self._script_name, self._log = script_name, log

    async def startup(self) -> None:
        """Makes the pools. Await it before the engine listens."""
        self.lanes = Lanes(
            asyncio.get_running_loop(),
            count=conf.get("C10K_VIEW_LANES"),
            tidy_seconds=conf.get("C10K_LANE_TIDY_SECONDS"),
        )
        self.handshakes = Handshakes(self._handler, self.lanes, script_name=self._script_name, log=self._log)

    async def shutdown(self, *others: Pages) -> None:
        """Stops the pools, and those of ``others``. Await it after the engine's last connection."""
        # The loop has nothing else to do any more, and at the interpreter's exit no executor takes work: so it blocks.
        end = time.monotonic() + conf.get("C10K_STOP_SECONDS")
        for part in (*others, self.handshakes, *self.lanes):
            part.stop(max(0.0, end - time.monotonic()))

    def take(self, handshake: Handshake) -> None:
        """Answers a handshake as Django does: the view's 101, or 404, 403 and so on."""
        self.handshakes.take(handshake)

    def take_if_view(self, handshake: Handshake, application: Any) -> bool:
        """Takes a handshake unless it is for an ASGI application.

        Args:
            application: of ``ASGI_APPLICATION``. Django's own has no WebSockets, so all are for the URLconf. Any other,
                such as a router of Channels, gets those whose path leads to no WebSocket view.

        Returns:
            Whether it has taken it.
        """
        while isinstance(application, ASGIStaticFilesHandler):
            application = application.application
        if not isinstance(application, ASGIHandler):
            if not _leads_to_view(without_prefix(handshake.path, self._script_name)):
                return False
        self.take(handshake)
        return True

    def on_view_failed(self, ws: WebSocket, exception: BaseException) -> bool:
        """Reports an exception. Returns whether the WebSocket is one of these views'."""
        if not self.lanes.has(ws):
            return False
        path = ws.request.path if ws.request is not None else None
        # Mail and error trackers may block.
        report = functools.partial(report_view_failure, exception, ws.request, path)
        if not self.handshakes.pool.submit(report):
            threading.Thread(target=report, name="c10k-report", daemon=True).start()
        return True

    def on_closed(self, ws: WebSocket, code: int) -> bool:
        """Logs the close. Returns whether the WebSocket is one of these views'."""
        if not self.lanes.has(ws):
            return False
        self.lanes.leave(ws)
        self._log.log_close(ws, code)
        task = ws.task
        if task is not None and task.done() and not task.cancelled() and task.exception() is None:
            report_result(task.result(), ws.request)
        return True


def _leads_to_view(path: str) -> bool:
    # As LocaleMiddleware does it, in whose absence there are no patterns with a language.
    language = translation.get_language_from_path(path) if settings.USE_I18N else None
    with translation.override(language or settings.LANGUAGE_CODE):
        try:
            return getattr(resolve(path).func, "accepts_websocket", False)
        except Resolver404:
            return False


class DjangoApplication:
    """Serves a Django project: pages as ``pages`` does it, and the WebSockets of its URLconf.

    Thread: that of the event loop, on which the engine calls all of it.

    Example::

        application = DjangoApplication(WsgiPages(get_wsgi_application()))
        c10k.Runner(application, bind=[("127.0.0.1", 8000)], settings=conf.engine_settings()).run()
    """

    def __init__(self, pages: Pages, *, log: AccessLog = access_log) -> None:
        """
        Args:
            pages: answers all that is no handshake.
            log: as of ``Views``.

        Raises:
            ImproperlyConfigured, ImportError: a middleware of the settings cannot be loaded.
        """
        self.pages, self.views = pages, Views(log=log)

    async def startup(self) -> None:
        await self.views.startup()

    async def shutdown(self) -> None:
        await self.views.shutdown(self.pages)

    def on_handshake(self, handshake: Handshake) -> None:
        self.views.take(handshake)

    def on_request(self, exchange: Exchange) -> None:
        self.pages.on_request(exchange)

    def on_view_failed(self, ws: WebSocket | None, failure: BaseException) -> None:
        if ws is not None:  # all of its coroutines are those of WebSockets
            self.views.on_view_failed(ws, failure)

    def on_opened(self, ws: WebSocket) -> None:
        pass

    def on_closed(self, ws: WebSocket, code: int, reason: str) -> None:
        self.views.on_closed(ws, code)

    def on_log(self, level: int, line: str) -> None:
        engine_logger.log(level, "%s", line)
