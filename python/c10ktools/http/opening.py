"""The end of a handshake's way through Django's chain: checks it, and leaves the view to be started after the 101."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from .origin import is_origin_allowed
from .start import SLOT_KEY, Options, Start, StartSlot

WebSocketFunction = Callable[..., Coroutine[Any, Any, None]]

logger = logging.getLogger("django.security.csrf")


class Upgrade(HttpResponse):
    """The 101 that the chain answers. Middleware may set cookies and headers on it.

    It is a plain HttpResponse with a Content-Type and an empty body, because middleware expects these of each
    response. The server sends neither.
    """

    def __init__(self) -> None:
        super().__init__(status=101, content_type="text/plain")


def is_websocket(request: HttpRequest) -> bool:
    """Whether a request is the handshake of a WebSocket (RFC 6455, 4.2.1).

    Example::

        def room(request, name):
            if is_websocket(request):
                return talk(request, name)  # decorated with @websocket
            return render(request, "room.html")
    """
    return request.method == "GET" and request.META.get("HTTP_UPGRADE", "").lower() == "websocket"


def open_websocket(
    request: HttpRequest, view: WebSocketFunction, args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
) -> HttpResponse:
    """Answers a handshake: 101, and ``view(ws, *args, **kwargs)`` is left in the request's environ to be started.

    Returns:
        ``Upgrade``, or 426 for a request that is no handshake, 400 for one that a proxy has mangled, or 501 if another
        server than c10k runs Django.

    Raises:
        django.core.exceptions.PermissionDenied: the Origin is not allowed.
        TypeError: the view does not take these arguments; Django answers 500 and shows where.
    """
    if not is_websocket(request):
        # The server adds the header "Upgrade", which WSGI reserves for it.
        return HttpResponse("Here is a WebSocket, not a page.\n", status=426, content_type="text/plain; charset=utf-8")
    slot: StartSlot | None = request.META.get(SLOT_KEY)
    if slot is None and (missing := _missing_headers(request)):
        text = f"The handshake of a WebSocket lacks {missing}. A proxy in front of c10k has to pass it on.\n"
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    if slot is None:
        text = (
            "This server cannot open WebSockets. Run Django on c10k: manage.py runserver, or python3 -m c10k; in tests,"
            " c10ktools.testing.LiveServerTestCase.\n"
        )
        return HttpResponse(text, status=501, content_type="text/plain; charset=utf-8")
    if not _is_exempt(request, view) and not is_origin_allowed(request):
        reason = f"The origin {request.META['HTTP_ORIGIN']} is neither this host nor in CSRF_TRUSTED_ORIGINS."
        logger.warning("Forbidden (%s): %s", reason, request.path, extra={"status_code": 403, "request": request})
        raise PermissionDenied(reason)
    load_user(request)
    slot.put(Start(view(slot.websocket(), *args, **kwargs), request, options))
    return Upgrade()


def _missing_headers(request: HttpRequest) -> str:
    """What the request lacks of a handshake (RFC 6455, 4.2.1), such as ``Connection: Upgrade``."""
    options = request.META.get("HTTP_CONNECTION", "").lower().split(",")
    missing = [] if "upgrade" in map(str.strip, options) else ["Connection: Upgrade"]
    missing += [] if "HTTP_SEC_WEBSOCKET_KEY" in request.META else ["Sec-WebSocket-Key"]
    return " and ".join(missing)


def _is_exempt(request: HttpRequest, view: WebSocketFunction) -> bool:
    """Whether ``csrf_exempt`` is on the view or around its decorators."""
    match = request.resolver_match
    return getattr(view, "csrf_exempt", False) or getattr(match and match.func, "csrf_exempt", False)


def load_user(request: HttpRequest) -> None:
    """Loads the session and the user now: the coroutine cannot, since both would ask the database synchronously.

    For the session middleware it looks as if the view had not touched the session, so it adds no ``Vary: Cookie``.
    """
    session = getattr(request, "session", None)
    if session is None:
        return
    accessed = session.accessed
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        session._session
    getattr(getattr(request, "user", None), "pk", None)
    session.accessed = accessed
