"""Reports an exception of a WebSocket view as Django reports one of a page: signal, log, mail to the admins."""

from __future__ import annotations

import logging
from types import TracebackType

from django.core.signals import got_request_exception
from django.http import HttpRequest

logger = logging.getLogger("django.request")


def report_result(result: object, request: HttpRequest | None) -> None:
    """Warns of what a view has returned, such as a redirect: its WebSocket is open, so nobody gets a response.

    Args:
        result: of the view.
        request: the handshake's request; ``None`` if the view does not keep it.

    Example::

        report_result(await view(ws), ws.request)
    """
    if result is None:
        return
    match = request.resolver_match if request is not None else None
    logger.warning(
        "The WebSocket view %s returned %s, which nobody gets: it returns None. To refuse a client, answer in a decorator"
        " above @websocket; to tell it why, ws.close(code, reason).",
        match._func_path if match is not None else "?", type(result).__name__, extra={"request": request},
    )  # fmt: skip


def report_view_failure(exception: BaseException, request: HttpRequest | None, path: str | None = None) -> None:
    """Sends ``got_request_exception`` and logs the traceback in ``django.request``.

    Receivers and mail handlers may block, so call it on a thread of a pool.

    Args:
        exception: what the view raised.
        request: the handshake's request; ``None`` if the view does not keep it.
        path: of the request. Without it, the view is named.

    Example::

        try:
            await view(ws)
        except Exception as error:
            await asyncio.to_thread(report_view_failure, error, ws.request, "/ws/")
    """
    traceback = exception.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__", "").startswith("c10ktools."):
        traceback = traceback.tb_next
    try:
        raise exception
    except BaseException:
        # Receivers ask sys.exc_info(). They and the log see the view's frames, not ours.
        exception.__traceback__ = traceback
        extra: dict[str, object] = {"status_code": 500}
        if request is not None:
            extra["request"] = request
        try:
            got_request_exception.send(sender=report_view_failure, request=request)
        except Exception:
            logger.exception("A receiver of got_request_exception failed.")
        logger.error("WebSocket view failed: %s", path or _name_of(traceback), exc_info=exception, extra=extra)


def _name_of(traceback: TracebackType | None) -> str:
    """The view of a traceback that begins in it. Reports of one view have one name, by which trackers group them."""
    if traceback is None:
        return "?"
    frame = traceback.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
