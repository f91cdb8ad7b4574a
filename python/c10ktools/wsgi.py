"""Serves pages through WSGI (PEP 3333): each request runs on a thread of a bounded pool."""

from __future__ import annotations

import functools
import io
import logging
import tempfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.db import connections

from . import access_log, conf
from .access_log import AccessLog
from .engine import ConnectionClosed
from .environ import wsgi_environ
from .headers import HeaderPairs, without_hop_by_hop
from .pool import Pool

if TYPE_CHECKING:
    from _c10k import Exchange

logger = logging.getLogger("django.request")

#: Bytes of a body of unknown length that are kept in memory; more go to a temporary file.
SPOOLED_BYTES = 1 << 20
#: Bytes that a file response reads at once.
FILE_BLOCK_BYTES = 1 << 16


class WsgiPages:
    """Answers the pages of a server by a WSGI application.

    Example::

        pages = WsgiPages(get_wsgi_application(), threads=32)
        pages.on_request(exchange)      # on the event loop; the answer follows
    """

    def __init__(
        self, application: Callable[..., Iterable[bytes]], *, threads: int | None = None, log: AccessLog = access_log
    ) -> None:
        """
        Args:
            application: such as ``django.core.wsgi.get_wsgi_application()``.
            threads: default is ``C10K_WSGI_THREADS``.
            log: gets each answer.
        """
        self.application, self._log = application, log
        self.pool = Pool("page", threads=threads or conf.get("C10K_WSGI_THREADS"), queue=conf.get("C10K_WSGI_QUEUE"))

    def on_request(self, exchange: Exchange) -> None:
        """Queues a request for a thread, or answers 503 if too many wait. Thread: the event loop's."""
        if not self.pool.submit(functools.partial(self._answer, exchange)):
            exchange.respond(503, [(b"content-type", b"text/plain"), (b"retry-after", b"1")], b"Too many requests.\n")
            self._log.log_answer(exchange, 503)

    def stop(self, timeout: float) -> bool:
        """Stops the threads. Returns whether all have ended within ``timeout`` seconds."""
        return self.pool.stop(timeout, last=connections.close_all)

    def _answer(self, exchange: Exchange) -> None:
        if exchange.gone:
            return
        answer = _Answer(exchange)
        try:
            with _request_body(exchange) as body:
                answer.run(self.application, body)
        except ConnectionClosed:
            # The client has gone, or the engine has refused its body.
            exchange.abort()
        except BaseException:  # also sys.exit() in a view
            logger.exception("The WSGI application failed: %s", exchange.raw_path.decode("latin-1"))
            exchange.abort()
        finally:
            self._log.log_answer(exchange, answer.status or 500, answer.size)


class _Answer:
    """One call of the application: ``start_response()``, the body, and how they are sent."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.status, self.size = 0, 0
        self._headers: HeaderPairs = []
        self._is_begun = False

    def run(self, application: Callable[..., Iterable[bytes]], body: io.IOBase) -> None:
        environ = wsgi_environ(self.exchange, body=body)
        if b"transfer-encoding" in dict(self.exchange.headers):
            # Django reads as many bytes as the environ says, and the head of such a request does not say.
            environ["CONTENT_LENGTH"] = str(body.seek(0, io.SEEK_END))
            body.seek(0)
        environ["wsgi.file_wrapper"] = _FileBlocks
        result = application(environ, self.start_response)
        try:
            if getattr(result, "streaming", None) is False:
                # One of Django's responses that is whole already.
                self._send_whole(b"".join(result))
            else:
                for piece in result:
                    self.write(piece)
                self._end()
        finally:
            if hasattr(result, "close"):
                result.close()

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """As PEP 3333 says. It may be called again, with ``exc_info``, until a piece of the body has been sent."""
        if self.status and exc_info is None:
            raise AssertionError("start_response() was called twice, without exc_info")
        if self._is_begun and exc_info is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        self.status = int(status[:3])
        self._headers = without_hop_by_hop(
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        )
        return self.write

    def write(self, data: bytes) -> None:
        """Sends a piece of the body, and waits while the client is behind."""
        if not self.status:
            raise AssertionError("the application sends a body before start_response()")
        # PEP 3333: the headers go out with the first piece that is not empty.
        if data and not self._is_begun:
            self._begin()
        if data and self.exchange.method != "HEAD":
            self.size += len(data)
            self.exchange.write_blocking(data)

    def _begin(self) -> None:
        self._is_begun = True
        self.exchange.start(self.status, self._headers)

    def _send_whole(self, body: bytes) -> None:
        if not any(name == b"content-length" for name, _ in self._headers) and self.status not in (204, 304):
            self._headers.append((b"content-length", str(len(body)).encode()))
        # The engine sends no body to a HEAD.
        self.size = len(body) if self.exchange.method != "HEAD" else 0
        self.exchange.respond(self.status, self._headers, body)

    def _end(self) -> None:
        if not self.status:
            raise AssertionError("the application has not called start_response()")
        if not self._is_begun:
            self._begin()
        self.exchange.finish()


class _RequestBody(io.RawIOBase):
    """The request's body as a file, read from the engine in pieces: the client is slowed down to the reader."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._piece:
            self._piece = memoryview(self._exchange.read_blocking())
        taken = self._piece[: len(buffer)]
        buffer[: len(taken)] = taken
        self._piece = self._piece[len(taken) :]
        return len(taken)


def _request_body(exchange: Exchange) -> io.IOBase:
    """``wsgi.input``. A body of unknown length is read whole, into a temporary file if it is large."""
    body = io.BufferedReader(_RequestBody(exchange), FILE_BLOCK_BYTES)
    if b"transfer-encoding" not in dict(exchange.headers):
        return body
    spooled = tempfile.SpooledTemporaryFile(SPOOLED_BYTES)
    while piece := body.read(FILE_BLOCK_BYTES):
        spooled.write(piece)
    spooled.seek(0)
    return spooled


class _FileBlocks:
    """``wsgi.file_wrapper``: iterates over a file in blocks."""

    def __init__(self, file: Any, block_bytes: int = FILE_BLOCK_BYTES) -> None:
        self._file = file
        # FileResponse asks for 4 KiB, which is little for a thread switch.
        self._block_bytes = max(block_bytes, FILE_BLOCK_BYTES)
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Any:
        return iter(functools.partial(self._file.read, self._block_bytes), b"")
