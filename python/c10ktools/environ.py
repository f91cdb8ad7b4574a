"""The WSGI environ (PEP 3333) of a request, for handshakes and pages alike."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest

if TYPE_CHECKING:
    from _c10k import Head

# A handshake has no body.
EMPTY_BODY = io.BytesIO()
_SHARED_CHARACTERS = 256
_ONLY_FOR_SERVERS = frozenset(
    ("wsgi.version", "wsgi.input", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once")
) | {"GATEWAY_INTERFACE"}


def wsgi_environ(head: Head, *, body: Any = EMPTY_BODY, script_name: str = "") -> dict[str, Any]:
    """The environ of a request.

    A header that comes twice is joined as RFC 9110, 5.3 allows. A header with an underscore in its name is left out:
    the environ could not tell it from one with a hyphen, and so it could pass for a header that a proxy sets.

    Args:
        head: a handshake or an exchange of the engine.
        body: what becomes ``wsgi.input``.
        script_name: where a proxy has mounted the project, such as ``"/shop"``.

    Example::

        >>> wsgi_environ(exchange)["HTTP_HOST"]
        'example.com'
    """
    prefix, path = script_name.encode().decode("latin-1"), unquote_to_bytes(head.raw_path).decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": prefix,
        "PATH_INFO": without_prefix(path, prefix),
        "QUERY_STRING": head.query_string.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{head.http_version}",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": head.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    # A Unix-domain socket has no addresses.
    name, port = head.server or ("localhost", None)
    environ["SERVER_NAME"], environ["SERVER_PORT"] = ("localhost", "80") if port is None else (name, str(port))
    address, peer_port = head.client or ("", 0)
    environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = address, str(peer_port)

    for name_bytes, value_bytes in head.headers:
        if b"_" in name_bytes:
            continue
        name = name_bytes.decode("latin-1").upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = "HTTP_" + name
        value = value_bytes.decode("latin-1")
        if name in environ:
            value = environ[name] + ("; " if name == "HTTP_COOKIE" else ",") + value
        # Environs live as long as their WebSockets: thousands share names, and values such as that of User-Agent.
        environ[sys.intern(name)] = sys.intern(value) if len(value) <= _SHARED_CHARACTERS else value
    return environ


def without_prefix(path: str, prefix: str) -> str:
    """The path below the place where a proxy has mounted the project. Most proxies send it like that already.

    Example::

        >>> without_prefix("/shop/rooms/", "/shop"), without_prefix("/rooms/", "/shop")
        ('/rooms/', '/rooms/')
    """
    return path[len(prefix) :] or "/" if f"{path}/".startswith(f"{prefix}/") else path


def trim_request(request: WSGIRequest) -> None:
    """Frees what nobody needs of a handshake's request once its view has been found: more than half of its memory.

    ``wsgi.input`` and its kin go, since there is no body; the patterns that did not match, which only the page for 404
    shows; and the storage of ``django.contrib.messages``, since a message would have to be in a cookie of the 101.

    Example::

        trim_request(request)       # request.META["wsgi.url_scheme"] is left
    """
    request.environ = request.META = {
        name: value for name, value in request.META.items() if name not in _ONLY_FOR_SERVERS
    }
    request._stream = EMPTY_BODY
    request.__dict__.pop("_messages", None)
    if request.resolver_match is not None:
        request.resolver_match.tried = None
