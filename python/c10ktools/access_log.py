"""The access log: a line for each page and each WebSocket, in the logger ``django.server``, as Django's own server."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _c10k import Head, WebSocket

logger = logging.getLogger("django.server")


class AccessLog(Protocol):
    """Where WebSockets are logged. This module is one: its functions log as Django's own server."""

    def log_answer(self, head: Head, status: int, size: int = 0) -> None: ...

    def log_close(self, ws: WebSocket, code: int) -> None: ...


def log_answer(head: Head, status: int, size: int = 0) -> None:
    """Logs an answered request. Thread: any.

    Args:
        head: the request.
        status: of the answer; 101 for a WebSocket that opens.
        size: bytes of the body.

    Example::

        >>> log_answer(exchange, 404, 179)
        [27/Nov/2026 20:15:01] "GET /nowhere/ HTTP/1.1" 404 179
    """
    target = head.raw_path.decode("latin-1")
    if head.query_string:
        target += "?" + head.query_string.decode("latin-1")
    _log(f"{head.method} {target} HTTP/{head.http_version}", status, str(size))


def log_close(ws: WebSocket, code: int) -> None:
    """Logs a WebSocket that has closed, with its close code in place of a status. Thread: the event loop's."""
    path = ws.request.get_full_path() if ws.request is not None else "?"
    # The code of a failed view or of a broken protocol is logged like a status of the same kind.
    kind = 500 if code == 1011 else 400 if code in (1002, 1003, 1007, 1008, 1009) else 200
    _log(f"WEBSOCKET {path}", kind, "-", shown=code)


def _log(line: str, status: int, size: str, *, shown: int | None = None) -> None:
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    extra = {"status_code": status, "server_time": time.strftime("%d/%b/%Y %H:%M:%S")}
    logger.log(level, '"%s" %s %s', line, shown or status, size, extra=extra)
