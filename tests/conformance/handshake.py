"""The opening handshake (RFC 6455, 4), either side, and that on a stream of HTTP/2 (RFC 8441, 5)."""

import base64
import binascii
import os
import re

from support.frames import Violation
from support.handshake import accept_of, request, switch

MAX_HEAD_BYTES = 65536


def receive_head(stream):
    """The first line, the fields by their small names, and the bytes that came behind."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        arrived = stream.receive()
        if not arrived:
            raise Violation(f"the connection ended inside the handshake: {bytes(data)!r}")
        data += arrived
        if len(data) > MAX_HEAD_BYTES:
            raise Violation("the head of the handshake has no end")
    head, _, rest = bytes(data).partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for text in lines:
        match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", text)
        if match is None:
            raise Violation(f"a field of the handshake that is none: {text!r}")
        name = match[1].lower()
        fields[name] = f"{fields[name]}, {match[2]}" if name in fields else match[2]
    return line, fields, rest


def require(fields, name, is_right):
    if not is_right(fields.get(name, "")):
        raise Violation(f"a handshake with {name}: {fields.get(name)!r}")


def has_token(token):
    return lambda text: token in [member.strip().lower() for member in text.split(",")]


def ask(stream, host, path, offers):
    """Asks a server for a WebSocket. Returns its Sec-WebSocket-Extensions, or None, and what came behind."""
    key = base64.b64encode(os.urandom(16)).decode()
    extensions = [f"Sec-WebSocket-Extensions: {', '.join(offers)}"] if offers else []
    stream.send(request(host, path, *extensions, key=key))
    line, fields, rest = receive_head(stream)
    if not re.fullmatch(r"HTTP/1\.1 101( .*)?", line):
        raise Violation(f"the handshake was answered with {line!r}")
    require(fields, "upgrade", lambda text: text.lower() == "websocket")
    require(fields, "connection", has_token("upgrade"))
    require(fields, "sec-websocket-accept", lambda text: text == accept_of(key.encode()).decode())
    require(fields, "sec-websocket-protocol", lambda text: not text)
    return fields.get("sec-websocket-extensions"), rest


def take(stream):
    """A client's handshake: its key, its Sec-WebSocket-Extensions or None, and what came behind."""
    line, fields, rest = receive_head(stream)
    if not re.fullmatch(r"GET /\S* HTTP/1\.1", line):
        raise Violation(f"a handshake that begins with {line!r}")
    require(fields, "host", bool)
    require(fields, "upgrade", has_token("websocket"))
    require(fields, "connection", has_token("upgrade"))
    require(fields, "sec-websocket-version", lambda text: text == "13")
    require(fields, "sec-websocket-key", is_key)
    if rest:
        raise Violation("bytes behind a handshake that has not been answered")
    return fields["sec-websocket-key"], fields.get("sec-websocket-extensions")


def is_key(text):
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except binascii.Error:
        return False


def agree(stream, key, extension):
    """Opens the client's WebSocket."""
    stream.send(switch(key.encode(), *([f"Sec-WebSocket-Extensions: {extension}".encode()] if extension else [])))


def refuse(stream):
    stream.send(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


# ---- On a stream of HTTP/2

# :method, :protocol, :authority and :status stand for them (RFC 8441, 5).
OF_HTTP1 = ("connection", "upgrade", "host", "sec-websocket-key", "sec-websocket-accept")


def require_none_of_http1(fields):
    for name in OF_HTTP1:
        if name in fields:
            raise Violation(f"a handshake over HTTP/2 with {name}: {fields[name]!r}")


def ask_on_stream(connection, host, path, offers):
    """Asks a server for a WebSocket. Returns its stream, and its Sec-WebSocket-Extensions or None."""
    extensions = [("sec-websocket-extensions", ", ".join(offers))] if offers else []
    stream = connection.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path),
                              (":authority", host), ("sec-websocket-version", "13"), *extensions])
    fields = stream.receive_head()
    require(fields, ":status", lambda text: text == "200")
    require_none_of_http1(fields)
    require(fields, "sec-websocket-protocol", lambda text: not text)
    return stream, fields.get("sec-websocket-extensions")


def take_on_stream(stream):
    """A client's handshake, which has come: its Sec-WebSocket-Extensions or None."""
    fields = stream.head
    require(fields, ":method", lambda text: text == "CONNECT")
    require(fields, ":protocol", lambda text: text == "websocket")
    require(fields, ":scheme", lambda text: text == "http")
    require(fields, ":path", lambda text: text.startswith("/"))
    require(fields, ":authority", bool)
    require(fields, "sec-websocket-version", lambda text: text == "13")
    require_none_of_http1(fields)
    if stream.arrived or stream.has_ended:
        raise Violation("something behind a handshake that has not been answered")
    return fields.get("sec-websocket-extensions")


def agree_on_stream(stream, extension):
    """Opens the client's WebSocket."""
    stream.send_head([(":status", "200"), *([("sec-websocket-extensions", extension)] if extension else [])])


def refuse_stream(stream):
    stream.send_head([(":status", "410")], ends=True)
