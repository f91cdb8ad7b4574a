"""Frames (RFC 6455, 5.2): made as told, however wrong, and read without any leniency."""

import collections
import dataclasses
import os
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
MOST_IN_CONTROL = 125


class Violation(Exception):
    """The subject did what it must not do, or did not do what it must."""


def mask(payload, key):
    """Masks or unmasks (5.3)."""
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")).to_bytes(size, "little")


def encode(opcode, payload, final=True, rsv=0, key=None, length_bytes=None):
    """A frame's bytes. `length_bytes` 0, 2 or 8 chooses the form of the length instead of the shortest."""
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


def fragments(opcode, payload, size, rsv, key_of):
    """The bytes of a message in frames of `size` bytes and a shorter last one, which is empty if they divide it.

    In one frame if `size` is 0 or the message is no longer. So does the public suite.
    """
    size = size if size and len(payload) > size else len(payload) + 1
    return b"".join(
        encode(CONTINUATION if at else opcode, payload[at:at + size], at + size > len(payload), 0 if at else rsv,
               key_of())
        for at in range(0, len(payload) + 1, size))


def random_key():
    return os.urandom(4)


def shown(payload):
    """A payload, as a person reads it."""
    if len(payload) > 40:
        return f"{len(payload)} bytes {payload[:20]!r}..."
    try:
        return repr(payload.decode())
    except UnicodeDecodeError:
        return payload.hex(" ")


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame that the suite sends, or a message or pong that it expects."""

    opcode: int
    payload: bytes = b""
    final: bool = True
    rsv: int = 0
    length_bytes: int = None
    wrong_mask: bool = False  # masked if it must not be, and not masked if it must
    key: bytes = dataclasses.field(default_factory=random_key, repr=False, compare=False)

    def encode(self, masked):
        key = self.key if masked != self.wrong_mask else None
        return encode(self.opcode, self.payload, self.final, self.rsv, key, self.length_bytes)

    def __str__(self):
        extras = [text for text, is_so in ((f"rsv {self.rsv}", self.rsv), ("not final", not self.final)) if is_so]
        return " ".join([NAMES.get(self.opcode, f"opcode {self.opcode}"), *extras, shown(self.payload)])


@dataclasses.dataclass(frozen=True)
class Part:
    """Some of a frame's bytes: to the end of payload byte `end`, from there where payload byte `start` begins."""

    frame: Frame
    start: int
    end: int

    def encode(self, masked):
        data = self.frame.encode(masked)
        head = len(data) - len(self.frame.payload)
        return data[head + self.start if self.start else 0:head + self.end]

    def __str__(self):
        return f"payload bytes {self.start} to {self.end} of {self.frame}"


Received = collections.namedtuple("Received", "opcode payload final rsv key")


class FrameReader:
    """Takes the subject's bytes as they come and gives its frames."""

    def __init__(self, masked):
        self._masked = masked  # whether they must be
        self._bytes = bytearray()

    def feed(self, data):
        self._bytes += data

    def is_empty(self):
        return not self._bytes

    def next(self):
        """The next frame, or None if there is no whole one. Throws Violation."""
        data = self._bytes
        if len(data) < 2:
            return None
        first, second = data[0], data[1]
        opcode, final = first & 15, bool(first & 0x80)
        if opcode not in NAMES:
            raise Violation(f"a frame with the reserved opcode {opcode}")
        if bool(second & 0x80) != self._masked:
            raise Violation("a frame of a client without a mask" if self._masked else "a masked frame of a server")
        size, at = second & 0x7F, 2
        if opcode >= CLOSE and (size > MOST_IN_CONTROL or not final):
            raise Violation(f"a {NAMES[opcode]} frame that is too long or in fragments")
        if size >= 126:
            form, shortest, at = ("!H", 126, 4) if size == 126 else ("!Q", 65536, 10)
            if len(data) < at:
                return None
            (size,) = struct.unpack_from(form, data, 2)
            if size < shortest or size >> 63:
                raise Violation(f"the length {size} not in its shortest form")
        if self._masked:
            at += 4
        if len(data) < at + size:
            return None
        payload, key = bytes(data[at:at + size]), None
        if self._masked:
            key = bytes(data[at - 4:at])
            payload = mask(payload, key)
        del data[:at + size]
        return Received(opcode, payload, final, first >> 4 & 7, key)
