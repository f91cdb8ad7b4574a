"""Takes WebSocket handshakes through Django: middleware, URLconf, decorators and view, as for any request.

The chain is synchronous and may block, so handshakes wait in a queue for one of a few threads. Each runs there once,
from beginning to end, in an empty context; the view's coroutine then runs on the event loop.
"""

from __future__ import annotations

import contextvars
import functools
import logging
from typing import TYPE_CHECKING, Any

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.core.signals import request_started
from django.db import connections
from django.http import HttpResponse, HttpResponseBadRequest
from django.urls import set_script_prefix
from django.utils import timezone, translation

from . import access_log, conf
from .access_log import AccessLog
from .environ import trim_request, wsgi_environ
from .headers import handshake_header_pairs, header_pairs
from .http.start import SLOT_KEY, Start, StartSlot
from .pool import Pool

if TYPE_CHECKING:
    from _c10k import Handshake

    from .lanes import Lanes

logger = logging.getLogger("django.request")


class HandshakeHandler(BaseHandler):
    """Django's chain for handshakes, as ``WSGIHandler`` is for pages.

    Example::

        handler = HandshakeHandler()
        response, start = handler.handle(environ, StartSlot(lambda: websocket))
    """

    def __init__(self) -> None:
        """
        Raises:
            ImproperlyConfigured, ImportError: a middleware of the settings cannot be loaded.
        """
        super().__init__()
        self.load_middleware()

    def handle(self, environ: dict[str, Any], slot: StartSlot) -> tuple[HttpResponse, Start | None]:
        """Runs the chain. The caller closes the response, on the same thread.

        Args:
            environ: the WSGI environ. It gets ``slot`` under ``SLOT_KEY``.

        Returns:
            A 101 and what to start, or any other response and ``None``.

        Raises:
            Exception: with ``DEBUG_PROPAGATE_EXCEPTIONS``, what a view raises.
        """
        environ[SLOT_KEY] = slot
        try:
            request, response = self._respond(environ)
        finally:
            # The slot has done its work: without it the request, which the view keeps, is smaller.
            del environ[SLOT_KEY]
            start = slot.take()
        if start is not None and response.status_code != 101:
            # A middleware has answered in place of the view.
            start.discard()
            start = None
        elif start is None and response.status_code == 101:
            path = environ["PATH_INFO"]
            logger.error("A view answered 101, but no @websocket: %s", path, extra={"request": request})
            response = HttpResponse("Internal Server Error\n", status=500, content_type="text/plain")
        if start is not None:
            trim_request(request)
        return response, start

    def _respond(self, environ: dict[str, Any]) -> tuple[WSGIRequest | None, Any]:
        # asgiref before 3.7 keeps these with the thread, where the handshake before may have left its own.
        translation.deactivate()
        timezone.deactivate()
        set_script_prefix(get_script_name(environ))
        request_started.send(sender=type(self), environ=environ)
        try:
            request = WSGIRequest(environ)
        except UnicodeDecodeError:
            logger.warning("Bad Request (UnicodeDecodeError)", exc_info=True, extra={"status_code": 400})
            return None, HttpResponseBadRequest()
        return request, self.get_response(request)


class Handshakes:
    """Answers the handshakes of a server.

    Example::

        handshakes = Handshakes(HandshakeHandler(), lanes)
        handshakes.take(handshake)      # in on_handshake()
    """

    def __init__(
        self,
        handler: HandshakeHandler,
        lanes: Lanes | None,
        *,
        script_name: str = "",
        log: AccessLog = access_log,
    ) -> None:
        """
        Args:
            handler: the chain.
            lanes: where views run their synchronous code; ``None`` leaves it to asgiref.
            script_name: where a proxy has mounted the project.
            log: gets each answer.
        """
        self.handler, self.lanes, self.script_name, self._log = handler, lanes, script_name, log
        threads, queue = conf.get("C10K_HANDSHAKE_THREADS"), conf.get("C10K_HANDSHAKE_QUEUE")
        self.pool = Pool("handshake", threads=threads, queue=queue)

    def take(self, handshake: Handshake) -> None:
        """Queues a handshake for a thread, or refuses it with 503 if too many wait. Thread: the event loop's."""
        if not self.pool.submit(functools.partial(self._answer, handshake)):
            handshake.refuse(503, [(b"content-type", b"text/plain"), (b"retry-after", b"1")], b"Too many handshakes.\n")
            self._log.log_answer(handshake, 503)

    def stop(self, timeout: float) -> bool:
        """Stops the threads. Returns whether all have ended within ``timeout`` seconds."""
        return self.pool.stop(timeout, last=connections.close_all)

    def _answer(self, handshake: Handshake) -> None:
        if handshake.gone:
            return
        try:
            # Empty, so that nothing of one handshake is left for the next one on this thread.
            contextvars.Context().run(self._answer_in_context, handshake)
        except BaseException:  # also sys.exit() in a view
            logger.exception("The handshake of a WebSocket failed: %s", handshake.raw_path.decode("latin-1"))
            handshake.refuse(500, [(b"content-type", b"text/plain")], b"Internal Server Error\n")
            self._log.log_answer(handshake, 500)

    def _answer_in_context(self, handshake: Handshake) -> None:
        slot = StartSlot(lambda: handshake.websocket)
        response, start = self.handler.handle(wsgi_environ(handshake, script_name=self.script_name), slot)
        if start is None:
            # It may stream, and reading it may need the database: read before close().
            body = b"".join(response)
            response.close()
            handshake.refuse(response.status_code, header_pairs(response), body)
            self._log.log_answer(handshake, response.status_code, len(body))
            return
        try:
            response.close()
            accepted = self._accept(handshake, response, start)
        except BaseException:
            self._forget(handshake, start)
            raise
        if accepted:
            self._log.log_answer(handshake, 101)
        else:
            self._forget(handshake, start)

    def _accept(self, handshake: Handshake, response: HttpResponse, start: Start) -> bool:
        ws, options = handshake.websocket, start.options
        ws.request = start.kept_request
        start.enter(self.lanes.enter(ws) if self.lanes else None)
        return handshake.accept(
            start.coroutine,
            context=start.context,
            subprotocol=choose_subprotocol(options.subprotocols, handshake.subprotocols),
            headers=handshake_header_pairs(response),
            slow_member=options.slow_member or conf.get("C10K_SLOW_MEMBER"),
        )

    def _forget(self, handshake: Handshake, start: Start) -> None:
        """Undoes what was done for a client that has gone meanwhile."""
        start.discard()
        if self.lanes:
            self.lanes.discard(handshake.websocket)


def choose_subprotocol(ours: tuple[str, ...], theirs: list[str]) -> str | None:
    """The first of ours that the client speaks as well (RFC 6455, 4.2.2).

    Example::

        >>> choose_subprotocol(("chat.v2", "chat.v1"), ["chat.v1"])
        'chat.v1'
    """
    return next((name for name in ours if name in theirs), None)
