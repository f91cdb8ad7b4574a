"""The suite's side of one WebSocket: says what a case wants and hears what the subject makes of it."""

import collections
import dataclasses

from support.frames import (CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, FrameReader, Violation, close_payload, encode,
                            random_key, shown)

SILENCE = 0.005  # seconds in which a client that ends TCP before its server would have done so


def is_close_code(code):
    """Whether an endpoint may send it (RFC 6455, 7.4, and what IANA has registered since)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


@dataclasses.dataclass(frozen=True)
class Closes:
    """Expected: the answer to our close frame, with the same code, or with none if None."""

    code: int

    def __str__(self):
        return f"close {self.code}" if self.code else "a close frame without a code"


@dataclasses.dataclass(frozen=True)
class Fails:
    """Expected: a close frame with this code because of what we did, and FIN behind it, without any more from us."""

    code: int

    def __str__(self):
        return f"close {self.code}, then FIN"


@dataclasses.dataclass(frozen=True)
class Heard:
    """A whole message, or a control frame."""

    opcode: int
    payload: bytes
    compressed: bool = False

    def __str__(self):
        if self.opcode == CLOSE and self.payload:
            return f"close {int.from_bytes(self.payload[:2], 'big')} {shown(self.payload[2:])}"
        return str(Frame(self.opcode, self.payload))


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


def fragments(opcode, payload, size, rsv, key_of):
    """The bytes of a message in frames of `size` bytes and a shorter last one, which is empty if they divide it.

    In one frame if `size` is 0 or the message is no longer. So does the public suite.
    """
    size = size if size and len(payload) > size else len(payload) + 1
    return b"".join(
        encode(CONTINUATION if at else opcode, payload[at:at + size], at + size > len(payload), 0 if at else rsv,
               key_of())
        for at in range(0, len(payload) + 1, size))


class Keys:
    """The masks of a client, over all its connections."""

    last = None

    @classmethod
    def check(cls, key):
        if key == cls.last:
            raise Violation(f"two frames in a row with the mask {key.hex()}")
        cls.last = key


class Endpoint:
    """`subject` is "server" or "client"; `deflate` a Deflate if compression was agreed on."""

    def __init__(self, stream, subject, rest=b"", deflate=None):
        self.history = collections.deque(maxlen=12)  # what was said and heard, in words
        self.deflate = deflate
        self._stream = stream
        self.subject = subject
        self._masks = subject == "server"
        self._reader = FrameReader(masked=subject == "client")
        self._reader.feed(rest)
        self._message = None  # the opcode, whether it is compressed, and the parts of one that arrives in fragments
        self._end = None      # the Closes or Fails that came

    # ---- What we say

    def say(self, sayings, chop=0):
        """Sends Frames and Parts in one piece, or in pieces of `chop` bytes."""
        for saying in sayings:
            self.history.append(f"-> {saying}")
        self.send(b"".join(saying.encode(self._masks) for saying in sayings), chop)

    def say_message(self, opcode, payload, fragment=0, chop=0):
        """Sends a message, in compressed form if that was agreed on, in fragments of at most `fragment` bytes."""
        self.history.append(f"-> {Frame(opcode, payload)}")
        rsv = 0
        if self.deflate is not None:
            payload, rsv = self.deflate.compress(payload), 4
        self.send(fragments(opcode, payload, fragment, rsv, random_key if self._masks else lambda: None), chop)

    def send(self, data, chop=0):
        if not chop:
            self._stream.send(data)
            return
        for at in range(0, len(data), chop):
            self._stream.send(data[at:at + chop])

    # ---- What we hear

    def expect(self, expected):
        """The next thing heard must be `expected`: a message or pong as a Frame, Closes or Fails."""
        heard = self._hear()
        if not self._is(heard, expected):
            raise Violation(f"expected {expected}, heard {heard or 'FIN'}")
        if isinstance(expected, (Closes, Fails)):
            self._end = expected
            if self.subject == "server" or isinstance(expected, Fails):
                self.expect_fin()
            elif not self._stream.is_silent(SILENCE):
                self.expect_fin()
                raise Violation("a client that ended TCP before its server did")
        return heard

    def expect_end(self):
        """After the close: TCP ends as it should (7.1.1), with nothing more and without a reset."""
        if isinstance(self._end, Fails):
            self.say([Frame(CLOSE, close_payload(self._end.code))])  # the subject must not answer that with a reset
        self.finish()
        self.expect_fin()
        self.check_no_reset()

    def expect_refusal(self):
        """A client that does not take the answer to its handshake goes, and says nothing."""
        self._stream.receive_refusal()

    def finish(self):
        """Ends our side."""
        self.history.append("-> FIN")
        self._stream.finish()

    def check_no_reset(self):
        self._stream.check_no_reset()

    def expect_silence(self, seconds):
        if not self._stream.is_silent(seconds):
            raise Violation(f"expected nothing, heard {self._hear() or 'FIN'}")

    def expect_fin(self):
        data = self._stream.receive() if self._reader.is_empty() else b"more"
        if data:
            raise Violation(f"more than expected: {bytes(data[:40])!r}")

    @staticmethod
    def _is(heard, expected):
        if heard is None:
            return False
        if isinstance(expected, (Closes, Fails)):
            code = int.from_bytes(heard.payload[:2], "big") if heard.payload else None
            return heard.opcode == CLOSE and code == expected.code
        return (heard.opcode, heard.payload) == (expected.opcode, expected.payload)

    def _hear(self):
        """The next message, pong or close frame; None at FIN."""
        while True:
            frame = self._reader.next()
            if frame is None:
                data = self._stream.receive()
                if not data:
                    if not self._reader.is_empty() or self._message is not None:
                        raise Violation("FIN inside a message")
                    return None
                self._reader.feed(data)
                continue
            if frame.key is not None:
                Keys.check(frame.key)
            heard = self._control(frame) if frame.opcode >= CLOSE else self._data(frame)
            if heard is not None:
                self.history.append(f"<- {heard}")
                return heard

    def _control(self, frame):
        if frame.rsv:
            raise Violation("reserved bits in a control frame")
        if frame.opcode == PING:
            self._stream.send(encode(PONG, frame.payload, key=random_key() if self._masks else None))
            return None
        if frame.opcode == CLOSE and frame.payload:
            code = int.from_bytes(frame.payload[:2], "big")
            if len(frame.payload) == 1 or not is_close_code(code):
                raise Violation(f"a close frame with {frame.payload!r}")
            self._check_text(frame.payload[2:])
        return Heard(frame.opcode, frame.payload)

    def _data(self, frame):
        is_first = frame.opcode != CONTINUATION
        if is_first != (self._message is None):
            raise Violation("a new message inside another" if is_first else "a continuation of nothing")
        if frame.rsv not in ((0, 4) if is_first and self.deflate else (0,)):
            raise Violation(f"reserved bits {frame.rsv:03b} in a {'first' if is_first else 'further'} frame")
        if is_first:
            self._message = (frame.opcode, frame.rsv == 4, [])
        opcode, is_compressed, parts = self._message
        parts.append(frame.payload)
        if not frame.final:
            return None
        self._message = None
        payload = b"".join(parts)
        if is_compressed:
            payload = self.deflate.decompress(payload)
        if opcode == TEXT:
            self._check_text(payload)
        return Heard(opcode, payload, is_compressed)

    @staticmethod
    def _check_text(payload):
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise Violation(f"text that is not UTF-8: {shown(payload)}") from None
