"""What a case is: its number, what is said, and what must be heard.

The subject echoes each message. A Conversation is the form of most cases: steps, each of which says something and names
what must be heard before anything else is said. It is held several times, because the answers must not depend on how
TCP cuts the bytes: step by step, all in one piece, and octet by octet. A Volley sends many or large messages. A
Negotiation is about the handshake, and a Leaving about our FIN.
"""

import collections
import dataclasses

from deflate import Deflate, Terms, agreed_by, answer_to
from endpoint import Closes, Fails, close_payload
from support.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, Violation

STEPS, WHOLE, OCTETS = "step by step", "in one piece", "octet by octet"
MOST_OCTETS = 2500  # beyond that nothing is sent octet by octet
COMPRESSES_FROM = 1024  # bytes from which a message that can be made smaller must be


def text(payload, **options):
    return Frame(TEXT, payload if isinstance(payload, bytes) else payload.encode(), **options)


def binary(payload, **options):
    return Frame(BINARY, payload, **options)


def ping(payload=b"", **options):
    return Frame(PING, payload, **options)


def pong(payload=b"", **options):
    return Frame(PONG, payload, **options)


def close(code=None, reason=b"", **options):
    return Frame(CLOSE, b"" if code is None else close_payload(code, reason), **options)


@dataclasses.dataclass(frozen=True)
class Step:
    says: list
    hears: list = ()
    is_silent_for: float = 0  # seconds in which nothing may come: too short to be wrong, long enough to find many

    @property
    def is_end(self):
        return any(isinstance(heard, (Closes, Fails)) for heard in self.hears)


def say(*says, hears=(), is_silent_for=0):
    return Step(list(says), list(hears) if isinstance(hears, (list, tuple)) else [hears], is_silent_for)


class Case:
    """How a case opens its WebSocket: with compression if it has Terms to offer to a server."""

    offers = ()
    wish = Terms()  # what is asked of a client
    is_quick = True

    def agreed(self, answer):
        """The Deflate, or None, that a server's Sec-WebSocket-Extensions lead to."""
        if self.offers:
            return Deflate(agreed_by(answer, self.offers), "server")
        if answer is not None:
            raise Violation(f"an extension that was not offered: {answer}")
        return None

    def answer(self, offers):
        """Our Sec-WebSocket-Extensions for a client's, and the Deflate; or None for both."""
        if not self.offers:
            return None, None
        terms = answer_to(offers, self.wish)
        return str(terms), Deflate(terms, "client")


@dataclasses.dataclass(frozen=True)
class Conversation(Case):
    """Steps; the usual close follows, by itself, if none of them ends the connection."""

    number: str
    title: str
    steps: tuple
    ways: tuple = (STEPS, WHOLE, OCTETS)
    chop: int = 0  # bytes in a piece
    offers: tuple = ()

    @property
    def _usual_close(self):
        return [] if any(step.is_end for step in self.steps) else [say(close(1000), hears=Closes(1000))]

    @property
    def expects(self):
        """What must be heard, in words."""
        return ", ".join(str(heard) for step in [*self.steps, *self._usual_close] for heard in step.hears)

    def rounds(self):
        """The ways to hold it."""
        says = [saying for step in self.steps for saying in step.says]
        is_long = sum(len(saying.encode(True)) for saying in says) > MOST_OCTETS
        return [way for way in self.ways if way != OCTETS or not is_long]

    def hold(self, peer, way):
        steps = self.steps
        if way != STEPS:
            steps = [Step([saying for step in steps for saying in step.says],
                          [heard for step in steps for heard in step.hears])]
        for step in [*steps, *self._usual_close]:
            peer.say(step.says, 1 if way == OCTETS else self.chop)
            if step.is_silent_for:
                peer.expect_silence(step.is_silent_for)
            for expected in step.hears:
                peer.expect(expected)
        peer.expect_end()


@dataclasses.dataclass(frozen=True)
class Volley(Case):
    """Messages, each of which comes back; a few are under way at the same time. Then the usual close."""

    number: str
    what: str
    opcode: int
    size: int  # bytes in a message
    messages: object  # messages(count): that many payloads
    count: int = 1
    fragment: int = 0  # bytes in a frame, or 0
    chop: int = 0      # bytes in a piece, or 0
    under_way: int = 16
    offers: tuple = ()
    wish: Terms = Terms()
    is_compressible: bool = False
    is_quick: bool = False

    expects = "each message, close 1000"

    @property
    def title(self):
        return f"{self.count} times {self.what}" if self.count > 1 else self.what

    def at_most(self, count, size):
        """The same with at most so many messages and, but for one, so many bytes."""
        return dataclasses.replace(self, count=min(self.count, count, max(1, size // max(1, self.size))))

    def rounds(self):
        return [""]

    def hold(self, peer, _way):
        expected = collections.deque()
        for payload in self.messages(self.count):
            peer.say_message(self.opcode, payload, self.fragment, self.chop)
            expected.append(Frame(self.opcode, payload))
            if len(expected) >= self.under_way:
                self._expect_echo(peer, expected.popleft())
        for message in expected:
            self._expect_echo(peer, message)
        if peer.deflate is not None and self.is_compressible:
            peer.deflate.check_use_of_context()
        peer.say([close(1000)])
        peer.expect(Closes(1000))
        peer.expect_end()

    def _expect_echo(self, peer, message):
        heard = peer.expect(message)
        if self.is_compressible and len(message.payload) >= COMPRESSES_FROM and not heard.compressed:
            raise Violation(f"{len(message.payload)} bytes that could be compressed and were not")


@dataclasses.dataclass(frozen=True)
class Negotiation(Case):
    """An extension that is no good: a server does without it, and a client whose server answers so goes away."""

    number: str
    title: str
    offers: tuple  # texts

    expects = "an opening without it; a client that goes"

    def agreed(self, answer):
        if answer is not None:
            raise Violation(f"an extension that must not be agreed on: {answer}")

    def answer(self, offers):
        return ", ".join(self.offers), None

    def rounds(self):
        return [""]

    def hold(self, peer, _way):
        if peer.subject == "client":
            peer.expect_refusal()
            return
        peer.say([text("Hello")])
        peer.expect(text("Hello"))
        peer.say([close(1000)])
        peer.expect(Closes(1000))
        peer.expect_end()


@dataclasses.dataclass(frozen=True)
class Leaving(Case):
    """Our side ends at once behind what is said; the subject ends its own in good order behind what must be heard."""

    number: str
    title: str
    says: tuple = ()
    hears: tuple = ()

    @property
    def expects(self):
        return ", ".join([*map(str, self.hears), "FIN"])

    def rounds(self):
        return [""]

    def hold(self, peer, _way):
        peer.say(self.says)
        peer.finish()
        for expected in self.hears:
            peer.expect(expected)
        peer.expect_fin()
        peer.check_no_reset()
