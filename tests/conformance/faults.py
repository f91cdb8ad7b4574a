#!/usr/bin/python3
"""Shows that the suite can fail: our server, made bad on its way to the suite, one fault at a time.

A fault changes the frames that the server sends, or those that it is sent, so that it seems to allow what it must not.
For each, the case named with it must fail; without any fault all of them pass.
"""

import contextlib
import dataclasses
import unittest
from unittest import mock

import run
import stream
import subjects
from deflate import Deflate, Terms
from support.frames import BINARY, CLOSE, PING, PONG, TEXT, FrameReader, encode, mask


def out(change):
    """A fault in each frame that the server sends: `change(frame)` returns the bytes that come instead."""
    return {"out": change}


def into(change):
    """A fault in the server's ears: `change(data)` returns the bytes that it hears instead, of what is sent at once."""
    return {"into": change}


def plain(frame, **changes):
    frame = dataclasses.replace(frame, **changes)
    return encode(frame.opcode, frame.payload, frame.final, frame.rsv)


def if_opcode(*opcodes):
    """A change for these frames only."""
    return lambda change: lambda frame: change(frame) if frame.opcode in opcodes else plain(frame)


of_data, of_pongs, of_closes = if_opcode(TEXT, BINARY), if_opcode(PONG), if_opcode(CLOSE)


def first_byte(change):
    return lambda data: bytes([change(data[0])]) + data[1:]


def unmasked(data):
    """A short frame's payload, and a function that puts another into its place."""
    key = data[2:6]
    return mask(data[6:], key), lambda payload: bytes([data[0], 0x80 | len(payload)]) + key + mask(payload, key)


def with_payload(change):
    def changed(data):
        payload, put = unmasked(data)
        return put(change(payload))
    return changed


def short_ping(data):
    """A ping of 126 bytes, as one of 125."""
    return data[:1] + b"\xfd" + data[4:8] + data[8:-1] if data[0] == 0x80 | PING else data


class HeldBack:
    """Hears a frame only once it is whole."""

    def __init__(self):
        self._data = b""

    def __call__(self, data):
        self._data += data
        whole = len(self._data) >= 2 and len(self._data) >= 6 + (self._data[1] & 0x7F)
        heard, self._data = (self._data, b"") if whole else (b"", self._data)
        return heard


class EchoLast:
    """Closes before it echoes."""

    def __init__(self):
        self._held = b""

    def __call__(self, frame):
        if frame.opcode == TEXT:
            self._held = plain(frame)
            return b""
        return plain(frame) + self._held


class Inflated:
    """Sends what was compressed without compression."""

    def __init__(self):
        self._deflate = Deflate(Terms(), "server")

    def __call__(self, frame):
        if not frame.rsv:
            return plain(frame)
        return plain(frame, rsv=0, payload=self._deflate.decompress(frame.payload))


class FullContext(Inflated):
    """Compresses with the largest window, and with context takeover."""

    terms = Terms()

    def __init__(self):
        super().__init__()
        self._other = Deflate(self.terms, "client")

    def __call__(self, frame):
        if not frame.rsv:
            return plain(frame)
        return plain(frame, payload=self._other.compress(self._deflate.decompress(frame.payload)))


class NoContext(FullContext):
    """Compresses each message by itself."""

    terms = Terms(server_no_context_takeover=True)


# The defect, the case that must find it, and the place where it is made.
FAULTS = {
    "cuts the last byte off an echo": ("1.2.2", out(of_data(lambda frame: plain(frame, payload=frame.payload[:-1])))),
    "echoes text as binary": ("1.1.2", out(of_data(lambda frame: plain(frame, opcode=BINARY)))),
    "echoes twice": ("1.1.1", out(of_data(lambda frame: 2 * plain(frame)))),
    "echoes nothing": ("1.1.2", out(of_data(lambda _: b""))),
    "masks what a server sends": ("1.1.2", out(lambda frame: encode(frame.opcode, frame.payload, key=b"mask"))),
    "writes lengths longer than they need to be": (
        "1.1.2", out(of_data(lambda frame: encode(frame.opcode, frame.payload, length_bytes=8)))),
    "sets a reserved bit": ("1.1.2", out(of_data(lambda frame: plain(frame, rsv=4)))),
    "sends text that is not UTF-8": ("1.1.2", out(of_data(lambda frame: plain(frame, payload=b"\xff")))),
    "sends messages that never end": ("1.1.2", out(of_data(lambda frame: plain(frame, final=False)))),
    "answers no ping": ("2.2", out(of_pongs(lambda _: b""))),
    "answers a ping without its payload": ("2.2", out(of_pongs(lambda frame: plain(frame, payload=b"")))),
    "sends a pong in fragments": ("2.2", out(of_pongs(lambda frame: plain(frame, final=False)))),
    "takes a ping of 126 bytes": ("2.5", into(short_ping)),
    "takes reserved bits": ("3.1", into(first_byte(lambda byte: byte & 0x8F))),
    "takes a reserved opcode": (
        "4.1.1", into(first_byte(lambda byte: byte & 0xF0 | TEXT if byte & 15 == 3 else byte))),
    "takes a ping in fragments": ("5.1", into(first_byte(lambda byte: 0x80 | byte if byte == PING else byte))),
    "takes text that is not UTF-8": ("6.3.1", into(with_payload(lambda text: text.replace(b"\xed\xa0\x80", b"???")))),
    "sees that text is not UTF-8 at the end of its frame": ("6.4.3", into(HeldBack)),
    "closes before it echoes": ("4.1.3", out(EchoLast)),
    "closes with another code": ("4.1.1", out(of_closes(lambda frame: plain(frame, payload=b"\x03\xe8")))),
    "closes with a code that may not be sent": (
        "7.1.1", out(of_closes(lambda frame: plain(frame, payload=b"\x03\xed")))),
    "ends without a close frame": ("3.1", out(of_closes(lambda _: b""))),
    "says more behind its close frame": ("7.1.3", out(of_closes(lambda frame: plain(frame) + b"\x8a\0"))),
    "takes a close frame of one byte": ("7.3.2", into(lambda data: b"\x88\x80mask" if data[0] == 0x88 else data)),
    "takes a close code that may not be sent": ("7.9.1", into(with_payload(lambda _: b"\x03\xe8"))),
    "compresses nothing": ("12.1.4", out(Inflated)),
    "never looks back, although that was agreed on": ("12.1.4", out(NoContext)),
    "looks back at a message before, although that was excluded": ("13.2.4", out(FullContext)),
    "looks back beyond the window": ("13.3.10", out(FullContext)),
}


class FaultyStream(stream.Stream):
    """The way between the suite and a good server. It is good, too, until begin()."""

    def __init__(self, connection):
        super().__init__(connection)
        self._into, self._out = lambda data: data, None
        self._reader = FrameReader(masked=False)

    def begin(self, fault):
        made = {way: change() if isinstance(change, type) else change for way, change in fault.items()}
        self._into, self._out = made.get("into", self._into), made.get("out")

    def send(self, data):
        super().send(self._into(data))

    def receive(self):
        data = super().receive()
        if self._out is None:
            return data
        self._reader.feed(data)
        changed = b""
        while frame := self._reader.next():
            changed += self._out(frame)
        return changed if changed or not data else self.receive()


class FaultyServer(subjects.OurServer):
    fault = {}

    def make_stream(self, connection):
        self._way = FaultyStream(connection)
        return self._way

    @contextlib.contextmanager
    def peer(self, case):
        with super().peer(case) as peer:
            self._way.begin(self.fault)
            yield peer


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = FaultyServer("epoll", tls=False)
        cls.cases = {}
        for _, cases in run.sections(depth=run.QUICK).values():
            cls.cases |= {case.number: case for case in cases}

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_the_cases_pass_without_a_fault(self):
        self.server.fault = {}
        for number in {number for number, _ in FAULTS.values()}:
            with self.subTest(number):
                self.assertEqual(run.hold(self.server, self.cases[number]), "")

    def test_each_fault_is_found(self):
        for what, (number, fault) in FAULTS.items():
            with self.subTest(what), mock.patch.object(stream, "PATIENCE", 1):  # some faults are silence
                self.server.fault = fault
                wrong = run.hold(self.server, self.cases[number])
                print(f"{what}: {number}: {wrong.splitlines()[0] if wrong else 'passes'}")
                self.assertNotEqual(wrong, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
