"""Serves ASGI 3 applications: http and websocket of the specification 2.5, and lifespan.

    import c10k.asgi

    c10k.asgi.run(app, host="127.0.0.1", port=8000)

The command ``python3 -m c10k module:app`` does the same with workers, reloads and logs.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import _c10k

from .lifespan import Lifespan, StartupFailed
from .loop import Runner

__all__ = ["Application", "StartupFailed", "run"]

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

logger = logging.getLogger("c10k")
access_logger = logging.getLogger("c10k.access")


def _raw_path(head: _c10k.Head) -> str:
    """The path as it was sent, for logs: decoded, it could end a line."""
    return head.raw_path.decode("latin-1")


class Application:
    """An ASGI application as the engine calls it. Thread: the event loop's.

    Args:
        app: the ASGI application.
        lifespan: "auto", "on" or "off".
        root_path: the path at which a proxy has mounted it; scopes carry it.
        access_log: whether to log requests and WebSockets in ``c10k.access``.

    Raises:
        TypeError: the application cannot be called.

    Example::

        c10k.Runner(Application(app), bind=[("127.0.0.1", 8000)]).run()
    """

    def __init__(self, app: App, *, lifespan: str = "auto", root_path: str = "", access_log: bool = False) -> None:
        if not callable(app):
            raise TypeError(f"an ASGI application is callable, and {app!r} is not")
        self.app = app
        self.root_path = root_path
        self.lifespan = Lifespan(app, lifespan)
        self.state = self.lifespan.state
        self.logs_access = access_log
        self._views: Any = None
        # The scopes of all requests, and of all WebSockets, share these. Head.scope() fills in the rest.
        common: dict[str, Any] = {
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            **dict.fromkeys(("http_version", "scheme", "path", "raw_path", "query_string")),
            "root_path": root_path,
            **dict.fromkeys(("headers", "client", "server")),
            "state": self.state,
        }
        self._http_scope: dict[str, Any] = {"type": "http", "method": None, **common, "extensions": {}}
        self._websocket_scope: dict[str, Any] = {
            "type": "websocket", **common, "extensions": {"websocket.http.response": {}}
        }  # fmt: skip

    async def startup(self) -> None:
        """Starts the application. Raises StartupFailed."""
        await self.lifespan.startup()
        self._views = self._django_views()
        if self._views is not None:
            await self._views.startup()

    async def shutdown(self) -> None:
        """Ends the application."""
        if self._views is not None:
            await self._views.shutdown()
        await self.lifespan.shutdown()

    def _django_views(self) -> Any:
        """The WebSocket views of a Django project that has c10ktools among its apps."""
        if not _has_c10ktools():
            return None
        from c10ktools.application import Views

        return Views(script_name=self.root_path, log=_ViewLog(self.logs_access))

    # ---- What the engine calls

    def on_request(self, exchange: _c10k.Exchange) -> None:
        """Runs the application for a request."""
        exchange.run(self._serve_http(exchange))

    def on_handshake(self, handshake: _c10k.Handshake) -> None:
        """Runs the application for a WebSocket, unless a view of Django's URLconf takes it."""
        if self._views is None or not self._views.take_if_view(handshake, self.app):
            handshake.run(self._serve_websocket(handshake))

    def on_view_failed(self, ws: _c10k.WebSocket | None, failure: BaseException) -> None:
        """Logs what the application has raised for a WebSocket."""
        if self._views is not None and ws is not None and self._views.on_view_failed(ws, failure):
            return
        path = ws.request if ws is not None else "?"
        logger.error("Exception in the ASGI application: WebSocket %s", path, exc_info=failure)

    def on_opened(self, ws: _c10k.WebSocket) -> None:
        """Does nothing."""

    def on_closed(self, ws: _c10k.WebSocket, code: int, reason: str) -> None:
        """Logs the close of a view of Django's URLconf."""
        if self._views is not None:
            self._views.on_closed(ws, code)

    def on_log(self, level: int, line: str) -> None:
        """Logs a line of the engine in the logger ``c10k``."""
        logger.log(level, "%s", line)

    # ---- The application, once for each request and WebSocket

    async def _serve_http(self, exchange: _c10k.Exchange) -> None:
        http = _Http(exchange, self.logs_access)
        try:
            await self.app(exchange.scope(self._http_scope), http.receive, http.send)
        except BaseException as failure:
            http.on_failed(failure)
            if not isinstance(failure, Exception):  # it is cancelled
                raise
        else:
            if not http.is_complete:
                http.on_incomplete()

    async def _serve_websocket(self, handshake: _c10k.Handshake) -> None:
        websocket = _WebSocket(handshake, self.logs_access)
        scope = handshake.scope(self._websocket_scope)
        scope["subprotocols"] = handshake.subprotocols
        # A WebSocket may live for days: only the application decides what of its handshake stays.
        del handshake
        running = self.app(scope, websocket.receive, websocket.send)
        del scope
        await running
        if websocket.handshake is not None:
            websocket.on_unanswered()


def _has_c10ktools() -> bool:
    """Whether a Django project runs in this process that has c10ktools among its apps."""
    registry = sys.modules.get("django.apps")
    return registry is not None and registry.apps.ready and registry.apps.is_installed("c10ktools")


def django_engine_settings() -> dict[str, str]:
    """The setting C10K_ENGINE of that project, as the engine takes it.

    Raises:
        ValueError: a setting C10K_... is wrong.
    """
    if not _has_c10ktools():
        return {}
    from c10ktools.checks import require_right_settings
    from c10ktools.conf import engine_settings

    require_right_settings()
    return engine_settings()


class _Http:
    """One request: what ``receive`` and ``send`` of its application do."""

    __slots__ = (
        "exchange", "logs_access", "is_complete", "_missing", "_is_body_read", "_status", "_headers", "_is_started"
    )  # fmt: skip

    def __init__(self, exchange: _c10k.Exchange, logs_access: bool) -> None:
        self.exchange = exchange
        self.logs_access = logs_access
        self.is_complete = False
        self._missing: int | None = None  # bytes of the request's body; -1: nobody knows how many
        self._is_body_read = False
        self._status = 0
        self._headers: Any = ()
        self._is_started = False  # the head of a streamed answer is out

    async def receive(self) -> Message:
        if self._is_body_read:
            await self.exchange.closed()
            return {"type": "http.disconnect"}
        try:
            piece = await self.exchange.read()
        except _c10k.ConnectionClosed:
            self._is_body_read = True
            return {"type": "http.disconnect"}
        if piece:
            if self._missing is None:
                self._missing = _content_length(self.exchange.headers)
            if self._missing > 0:
                self._missing -= len(piece)
            self._is_body_read = self._missing == 0
        else:
            self._is_body_read = True
        return {"type": "http.request", "body": piece, "more_body": not self._is_body_read}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            if not self._status:
                raise RuntimeError("'http.response.start' comes before 'http.response.body'")
            body = message.get("body", b"")
            if message.get("more_body", False):
                await self._write(body)
            elif self._is_started:
                if body:
                    await self._write(body)
                self._finish()
            else:
                self._respond(body)
        elif kind == "http.response.start":
            if self._status:
                raise RuntimeError("'http.response.start' was sent already")
            self._headers = list(message.get("headers", ()))
            self._status = message["status"]
        else:
            raise RuntimeError(f"an application sends no {kind!r} in answer to a request")

    def _respond(self, body: bytes) -> None:
        if self.is_complete:
            raise RuntimeError("the response is complete: its last 'http.response.body' had no more_body")
        exchange = self.exchange
        if exchange.method == "HEAD" or self._status == 304:
            self._start(body)
            self._finish()
            return
        exchange.respond(self._status, self._headers, body if type(body) is bytes else bytes(body))
        self.is_complete = True
        if self.logs_access and not exchange.gone:
            self._log()

    def _start(self, whole: bytes = b"") -> None:
        if not self._is_started:
            if whole and _content_length(self._headers) < 0:
                self._headers = [*self._headers, (b"content-length", str(len(whole)).encode())]
            self.exchange.start(self._status, self._headers)
            self._is_started = True
            if self.logs_access:
                self._log()

    async def _write(self, body: bytes) -> None:
        if self.is_complete:
            raise RuntimeError("the response is complete: its last 'http.response.body' had no more_body")
        self._start()
        if body and self.exchange.method != "HEAD":
            await self.exchange.write(body if type(body) is bytes else bytes(body))

    def _finish(self) -> None:
        if self.is_complete:
            raise RuntimeError("the response is complete: its last 'http.response.body' had no more_body")
        self.exchange.finish()
        self.is_complete = True

    def on_failed(self, failure: BaseException) -> None:
        """The application has raised, or was cancelled. That a client goes is no failure."""
        is_about_client = isinstance(failure, _c10k.ConnectionClosed) and self.exchange.gone
        if isinstance(failure, Exception) and not is_about_client:
            exchange = self.exchange
            logger.error(
                "Exception in the ASGI application: %s %s", exchange.method, _raw_path(exchange), exc_info=failure
            )
        self._abort()

    def on_incomplete(self) -> None:
        """The application has returned too early."""
        exchange = self.exchange
        if not exchange.gone:
            what = "the end of its response" if self._is_started else "a response"
            logger.error("The ASGI application returned without %s: %s %s", what, exchange.method, _raw_path(exchange))
        self._abort()

    def _abort(self) -> None:
        if self.is_complete:
            return
        self.is_complete = True
        if not self.exchange.gone:
            self.exchange.abort()
            if self.logs_access and not self._is_started:
                self._status = 500
                self._log()

    def _log(self) -> None:
        exchange = self.exchange
        access_logger.info(
            '%s - "%s %s HTTP/%s" %d',
            _text_of(exchange.client), exchange.method, _target_of(exchange), exchange.http_version, self._status,
        )  # fmt: skip


class _WebSocket:
    """One WebSocket: what ``receive`` and ``send`` of its application do."""

    __slots__ = ("handshake", "_ws", "_is_connect_told", "_answered", "_denial", "_access")

    def __init__(self, handshake: _c10k.Handshake, logs_access: bool) -> None:
        self.handshake: _c10k.Handshake | None = handshake  # None once it is answered
        self._ws = handshake.websocket
        self._ws.request = _raw_path(handshake)
        self._is_connect_told = False
        self._answered: asyncio.Future[None] | None = None
        self._denial: tuple[int, Any, list[bytes]] | None = None
        self._access = logs_access

    async def receive(self) -> Message:
        if self.handshake is None:
            message = await self._ws.recv()
            if message.__class__ is str:
                return {"type": "websocket.receive", "text": message}
            if message is not None:
                return {"type": "websocket.receive", "bytes": message}
            return {"type": "websocket.disconnect", "code": self._ws.close_code or 1006, "reason": self._ws.close_reason}
        if not self._is_connect_told:
            self._is_connect_told = True
            return {"type": "websocket.connect"}
        if await self._is_answered(self.handshake):
            return await self.receive()
        return {"type": "websocket.disconnect", "code": self._ws.close_code or 1006, "reason": self._ws.close_reason}

    async def _is_answered(self, handshake: _c10k.Handshake) -> bool:
        """Waits until the application has answered the handshake, in another task, or its peer has left."""
        gone = asyncio.ensure_future(handshake.closed())
        self._answered = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((gone, self._answered), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        return self.handshake is None

    def _on_answered(self) -> None:
        self.handshake = None
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.send" and self.handshake is None:
            data = message.get("text")
            if data is None:
                data = message["bytes"]
            await self._ws.send(data)
        elif self.handshake is not None:
            self._answer(self.handshake, kind, message)
        elif kind == "websocket.close":
            self._ws.close(message.get("code", 1000), message.get("reason") or "")
        elif self._ws.closed:
            raise _c10k.ConnectionClosed("the WebSocket is closed")
        else:
            raise RuntimeError(f"an application sends no {kind!r} on an open WebSocket")

    def _answer(self, handshake: _c10k.Handshake, kind: str, message: Message) -> None:
        if kind == "websocket.accept":
            handshake.accept_now(subprotocol=message.get("subprotocol"), headers=message.get("headers", ()))
            self._on_answered()
            if self._access:
                _log_websocket(handshake, "[accepted]")
        elif kind == "websocket.close":
            self._refuse(handshake, 403, (), b"")
        elif kind == "websocket.http.response.start":
            self._denial = (message["status"], message.get("headers", ()), [])
        elif kind == "websocket.http.response.body" and self._denial is not None:
            status, headers, pieces = self._denial
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._refuse(handshake, status, headers, b"".join(pieces))
        else:
            raise RuntimeError(
                f"an application answers a handshake with 'websocket.accept', 'websocket.close' or "
                f"'websocket.http.response.start', not with {kind!r}"
            )

    def _refuse(self, handshake: _c10k.Handshake, status: int, headers: Any, body: bytes) -> None:
        handshake.refuse(status, headers, body)
        self._on_answered()
        if self._access:
            _log_websocket(handshake, str(status))

    def on_unanswered(self) -> None:
        """The application has ended without an answer to the handshake."""
        handshake = self.handshake
        if handshake is not None:
            logger.error(
                "The ASGI application returned without an answer to the handshake: WebSocket %s", _raw_path(handshake)
            )
            self._refuse(handshake, 500, ((b"content-type", b"text/plain"),), b"Internal Server Error\n")


def _content_length(headers: Any) -> int:
    """The value of Content-Length, or -1 if there is none."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value)
    return -1


def _log_websocket(head: _c10k.Head, answer: str) -> None:
    access_logger.info('%s - "WebSocket %s" %s', _text_of(head.client), _target_of(head), answer)


class _ViewLog:
    """WebSocket views of Django in the access log, as the WebSockets of ASGI applications."""

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on

    def log_answer(self, head: _c10k.Head, status: int, size: int = 0) -> None:
        if self._is_on:
            _log_websocket(head, "[accepted]" if status == 101 else str(status))

    def log_close(self, ws: _c10k.WebSocket, code: int) -> None:
        pass


def _text_of(client: tuple[str, int] | None) -> str:
    if client is None:
        return "unix"
    host, port = client
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _target_of(head: _c10k.Head) -> str:
    target = head.raw_path + b"?" + head.query_string if head.query_string else head.raw_path
    return target.decode("latin-1")


def run(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    lifespan: str = "auto",
    root_path: str = "",
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Serves an ASGI application in this process, until SIGINT or SIGTERM.

    Args:
        app: the ASGI application.
        host: an address, a name, ``*`` or ``unix:PATH``.
        port: 0 for any that is free.
        lifespan: "auto", "on" or "off".
        root_path: the path at which a proxy has mounted the application.
        settings: of the engine, as in ``c10k.conf``. Those of ``C10K_ENGINE`` in a Django project hold as well.

    Raises:
        OSError: it cannot listen.
        ValueError: a setting is wrong.
        StartupFailed: the application cannot start.

    Example::

        c10k.asgi.run(app, port=8080, settings={"compression": True})
    """
    application = Application(app, lifespan=lifespan, root_path=root_path)
    Runner(application, bind=[(host, port)], settings={**django_engine_settings(), **(settings or {})}).run()
