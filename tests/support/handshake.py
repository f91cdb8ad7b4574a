"""The opening handshake (RFC 6455, 4): what either side sends."""

import base64
import hashlib

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 4.2.2


def accept_of(key):
    """What a server answers to a client's key (4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def request(host, path, *fields, key=KEY):
    """A client's request. Each of `fields` is a line more."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *fields, "", ""]
    return "\r\n".join(lines).encode()


def switch(key, *fields):
    """A server's answer to a request with that key, in bytes as all fields. Each of these is a line more."""
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
             b"Sec-WebSocket-Accept: " + accept_of(key), *fields, b"", b""]
    return b"\r\n".join(lines)
