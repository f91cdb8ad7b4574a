"""Frames (RFC 6455, 5.2): made as told, however wrong, and read without any leniency."""

import dataclasses
import os
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
MAX_CONTROL_PAYLOAD = 125
SAME_KEY = b"\x12\x34\x56\x78"  # masks where a test does not care


class Violation(AssertionError):
    """A peer did what the RFC forbids, or did not do what it demands."""


# ---- Making


def mask(payload, key):
    """Masks or unmasks (5.3)."""
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")).to_bytes(size, "little")


def encode(opcode, payload=b"", final=True, rsv=0, key=None, length_bytes=None):
    """A frame's bytes, masked with `key` if there is one. `length_bytes` 0, 2 or 8 chooses the form of the length instead
    of the shortest."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    first = final << 7 | rsv << 4 | opcode
    masked = 0x80 if key else 0
    if length_bytes == 0:
        head = bytes((first, masked | size))
    elif length_bytes == 2:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    return head + key + mask(payload, key) if key else head + payload


def frame(opcode, payload=b"", masked=True, **options):
    """A frame as a client sends it. encode() knows the options."""
    return encode(opcode, payload, key=SAME_KEY if masked else None, **options)


def unmasked(opcode, payload=b"", **options):
    """A frame as a server sends it."""
    return encode(opcode, payload, **options)


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


def close_frame(code, reason=b"", **options):
    return frame(CLOSE, close_payload(code, reason), **options)


def random_key():
    return os.urandom(4)


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame to send, or one that has come. How it is masked makes no difference between two."""

    opcode: int
    payload: bytes = b""
    final: bool = True
    rsv: int = 0
    length_bytes: int = None
    wrong_mask: bool = False  # masked if it must not be, and not masked if it must
    key: bytes = dataclasses.field(default_factory=random_key, repr=False, compare=False)  # None: it came unmasked

    def encode(self, masked):
        key = self.key if masked != self.wrong_mask else None
        return encode(self.opcode, self.payload, self.final, self.rsv, key, self.length_bytes)

    def __str__(self):
        extras = [text for text, is_so in ((f"rsv {self.rsv}", self.rsv), ("not final", not self.final)) if is_so]
        return " ".join([NAMES.get(self.opcode, f"opcode {self.opcode}"), *extras, shown(self.payload)])


def shown(payload):
    """A payload, as a person reads it."""
    if len(payload) > 40:
        return f"{len(payload)} bytes {payload[:20]!r}..."
    try:
        return repr(payload.decode())
    except UnicodeDecodeError:
        return payload.hex(" ")


# ---- Reading


def read_frame(read, masked):
    """The next Frame. `read(size)` gives the peer's next `size` bytes or raises; `masked` tells whether it must mask.
    Raises Violation."""
    first, second = read(2)
    opcode, final = first & 15, bool(first & 0x80)
    if opcode not in NAMES:
        raise Violation(f"a frame with the reserved opcode {opcode}")
    if bool(second & 0x80) != masked:
        raise Violation("a frame of a client without a mask" if masked else "a masked frame of a server")
    size = second & 0x7F
    if opcode >= CLOSE and (size > MAX_CONTROL_PAYLOAD or not final):
        raise Violation(f"a {NAMES[opcode]} frame that is too long or in fragments")
    if size >= 126:
        form, length_bytes, shortest = ("!H", 2, 126) if size == 126 else ("!Q", 8, 65536)
        (size,) = struct.unpack(form, read(length_bytes))
        if size < shortest or size >> 63:
            raise Violation(f"the length {size} not in its shortest form")
    key = read(4) if masked else None
    payload = read(size)
    return Frame(opcode, mask(payload, key) if masked else payload, final, first >> 4 & 7, key=key)


class _Incomplete(Exception):
    """More bytes are needed."""


class FrameReader:
    """Takes a peer's bytes as they come and gives its frames."""

    def __init__(self, masked):
        self._masked = masked  # whether they must be
        self._bytes = bytearray()

    def feed(self, data):
        self._bytes += data

    def is_empty(self):
        return not self._bytes

    def next(self):
        """The next Frame, or None if there is no whole one. Raises Violation."""
        at = 0

        def read(size):
            nonlocal at
            if len(self._bytes) < at + size:
                raise _Incomplete
            at += size
            return bytes(self._bytes[at - size:at])

        try:
            found = read_frame(read, self._masked)
        except _Incomplete:
            return None
        del self._bytes[:at]
        return found
