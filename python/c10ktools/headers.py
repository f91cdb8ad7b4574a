"""The headers of Django's responses, as the engine takes them."""

from __future__ import annotations

from collections.abc import Iterable

from django.http.response import HttpResponseBase

HeaderPairs = list[tuple[bytes, bytes]]

# The connection's own (RFC 9110, 7.6.1). The engine writes them.
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


def header_pairs(response: HttpResponseBase) -> HeaderPairs:
    """All headers of a response, cookies included, without those of the connection.

    Args:
        response: any of Django's responses.

    Returns:
        Pairs of name, in lower case, and value.

    Example::

        >>> header_pairs(HttpResponse("Hello", content_type="text/plain"))
        [(b'content-type', b'text/plain')]
    """
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    pairs += [(b"set-cookie", cookie.OutputString().encode("latin-1")) for cookie in response.cookies.values()]
    return without_hop_by_hop(pairs)


def without_hop_by_hop(pairs: Iterable[tuple[bytes, bytes]]) -> HeaderPairs:
    """The pairs whose names, in lower case, are not the connection's own."""
    return [pair for pair in pairs if pair[0] not in _HOP_BY_HOP]


def handshake_header_pairs(response: HttpResponseBase) -> HeaderPairs:
    """The headers of a response that may stand on a 101: cookies, security and caching headers, a middleware's own.

    A 101 has no body, so headers that describe one are left out, and those of the handshake are the engine's.
    """
    return [
        (name, value)
        for name, value in header_pairs(response)
        if not name.startswith((b"content-", b"sec-websocket-"))
    ]
