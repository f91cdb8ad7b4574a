"""The check of a handshake's ``Origin``. Browsers open WebSockets across sites with cookies, and Django's CSRF
protection lets every GET pass, so nothing else would stop another site's page from acting as its visitor."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_origin_allowed(request: HttpRequest) -> bool:
    """Whether the page that opens the WebSocket may do so.

    It may if the request has no ``Origin``, as programs other than browsers send it; if the origin is this host, by
    the same scheme; or if ``CSRF_TRUSTED_ORIGINS`` has it, in Django 3.2's form (``.example.com``) or the one since
    4.0 (``https://*.example.com``). Behind a proxy that ends TLS, set ``SECURE_PROXY_SSL_HEADER``.

    Raises:
        django.core.exceptions.DisallowedHost: the request's host is not in ``ALLOWED_HOSTS``; Django answers 400.

    Example::

        @csrf_exempt            # open to pages of all sites
        @websocket
        async def ticker(ws):
            ...
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        return True
    here = f"{'https' if request.is_secure() else 'http'}://{request.get_host()}"
    try:
        asked = _parts(origin)
        return asked is not None and (asked == _parts(here) or any(map(_Trust(*asked), settings.CSRF_TRUSTED_ORIGINS)))
    except ValueError:
        return False


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; ``None`` for what is no origin, such as ``null``. Raises ValueError for a bad port."""
    parts = urlsplit(origin)
    if not parts.scheme or not parts.hostname or parts.path not in ("", "/"):
        return None
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


class _Trust:
    """Whether an entry of ``CSRF_TRUSTED_ORIGINS`` covers an origin."""

    def __init__(self, scheme: str, host: str, port: int | None) -> None:
        self.scheme, self.host, self.port = scheme, host, port

    def __call__(self, entry: str) -> bool:
        scheme, separator, rest = entry.rpartition("://")
        trusted = urlsplit(f"//{rest}")
        port = trusted.port or _DEFAULT_PORTS.get(self.scheme)
        if (separator and scheme != self.scheme) or port != self.port:
            return False
        # is_same_domain() takes ".example.com" for the domain and all below it.
        return is_same_domain(self.host, (trusted.hostname or "").replace("*.", ".", 1))
