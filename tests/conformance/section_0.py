"""Cases that the public list lacks: masks on the wrong side, odd lengths, odd and bad compressed messages, characters
that are cut by fragments, and a peer that is the first to end its side."""

import itertools
import zlib

from cases import Conversation, Leaving, Negotiation, Volley, binary, close, ping, pong, say, text
from deflate import TAIL, Terms
from endpoint import Fails
from support.frames import BINARY, CONTINUATION, TEXT, Frame

TITLE = "Ours, not in the public list"

_WRONG_MASKS = {
    "text": text("Hello", wrong_mask=True), "empty text": text("", wrong_mask=True),
    "binary": binary(b"\x00\xff", wrong_mask=True), "a ping": ping(b"x", wrong_mask=True),
    "a pong": pong(wrong_mask=True), "a close frame": close(1000, wrong_mask=True),
}
_LENGTHS = {
    "5 bytes, length in 16 bits": text("Hello", length_bytes=2),
    "5 bytes, length in 64 bits": text("Hello", length_bytes=8),
    "no bytes, length in 16 bits": binary(b"", length_bytes=2),
    "126 bytes, length in 64 bits": binary(bytes(126), length_bytes=8),
    "65535 bytes, length in 64 bits": binary(bytes(65535), length_bytes=8),
}

RSV1 = 4
_OFFER = (Terms(client_max_window_bits=0),)


def _deflated(payload, level=6, end=zlib.Z_SYNC_FLUSH):
    compressor = zlib.compressobj(level, wbits=-9)
    return (compressor.compress(payload) + compressor.flush(end)).removesuffix(TAIL)


def _compressed(number, title, *steps):
    return Conversation(number, title, steps, offers=_OFFER)


def _echoed(number, title, payload, message=b"Hello, Hello"):
    return _compressed(number, title, say(text(payload, rsv=RSV1), hears=text(message)))


def _failing(number, title, code, *frames):
    return _compressed(number, title, say(*frames, hears=Fails(code)))


_HELLO = _deflated(b"Hello, Hello")
_START, _MORE, _END = text(_HELLO[:3], rsv=RSV1, final=False), Frame(CONTINUATION, b"", False), Frame(0, _HELLO[3:])

_LINE = "0123456789 κόσμε €uro \U0001f9c0 ".encode()


def _characters(size):
    """So many bytes of text."""
    whole = _LINE * (size // len(_LINE))
    return whole + b"." * (size - len(whole))


# Good for neither an offer nor an answer (RFC 7692, 7.1).
_EXTENSIONS = [
    "permessage-deflate; unknown", "permessage-deflate; unknown=1", "permessage-deflate; server_max_window_bits",
    *[f"permessage-deflate; {side}_max_window_bits={bits}" for side in ("server", "client")
      for bits in (0, 7, 16, "010", "x")],
    "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=1",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", "permessage-bzip2", "constructor",
]

CASES = [
    *[Conversation(f"0.1.{number}", f"{what}: from a client without a mask, from a server with one",
                   (say(frame, hears=Fails(1002)),))
      for number, (what, frame) in enumerate(_WRONG_MASKS.items(), 1)],
    Conversation("0.1.7", "text in two fragments, the second with the mask on the wrong side",
                 (say(text("Hel", final=False)),
                  say(Frame(CONTINUATION, b"lo", wrong_mask=True), hears=Fails(1002)))),
    Conversation("0.1.8", "text, then text with the mask on the wrong side",
                 (say(text("one"), hears=text("one")), say(text("two", wrong_mask=True), hears=Fails(1002)))),
    *[Conversation(f"0.2.{number}", what, (say(frame, hears=Fails(1002)),))
      for number, (what, frame) in enumerate(_LENGTHS.items(), 1)],
    _echoed("0.3.1", "a compressed text", _HELLO),
    _compressed("0.3.2", "a compressed text in three fragments, the second empty",
                say(_START), say(_MORE), say(_END, hears=text("Hello, Hello"))),
    _compressed("0.3.3", "a compressed text in two fragments with a ping between them",
                say(_START), say(ping(b"within"), hears=pong(b"within")), say(_END, hears=text("Hello, Hello"))),
    _echoed("0.3.4", "a compressed text that ends with a final block (RFC 7692, 7.2.3.4)",
            _deflated(b"Hello, Hello", end=zlib.Z_FINISH) + b"\0"),
    _echoed("0.3.5", "a compressed text in a block without compression (7.2.3.3)", _deflated(b"Hello, Hello", level=0)),
    _echoed("0.3.6", "a compressed text in two blocks (7.2.3.5)", _deflated(b"Hello, ") + TAIL + _deflated(b"Hello")),
    _echoed("0.3.7", "a compressed text that is empty (7.2.3.6)", b"\0", message=b""),
    _compressed("0.3.8", "a text without compression between two with it",
                say(text(_HELLO, rsv=RSV1), hears=text("Hello, Hello")), say(text("Hi"), hears=text("Hi")),
                say(text(_HELLO, rsv=RSV1), hears=text("Hello, Hello"))),
    _failing("0.4.1", "compression in a continuation", 1002, _START, Frame(CONTINUATION, _HELLO[3:], rsv=RSV1)),
    _failing("0.4.2", "compression in a ping", 1002, ping(b"x", rsv=RSV1)),
    _failing("0.4.3", "compression in a close frame", 1002, close(1000, rsv=RSV1)),
    _failing("0.4.4", "RSV2 beside compression", 1002, text(_HELLO, rsv=RSV1 | 2)),
    _failing("0.4.5", "RSV3 without compression, where it was agreed on", 1002, text("Hello", rsv=1)),
    _failing("0.4.6", "a block of a type that does not exist", 1007, text(b"\x07" + bytes(20), rsv=RSV1)),
    _failing("0.4.7", "a reference to before the beginning", 1007, text(b"\x02\x02\0\0", rsv=RSV1)),
    _failing("0.4.8", "a compressed text that is not UTF-8", 1007, text(_deflated(b"\xed\xa0\x80"), rsv=RSV1)),
    _failing("0.4.9", "a compressed text that ends inside a character", 1007, text(_deflated(b"\xce"), rsv=RSV1)),
    *[Negotiation(f"0.5.{number}", f"the extension `{text}`", (text,)) for number, text in enumerate(_EXTENSIONS, 1)],
    Volley("0.6.1", "text of 4 MiB with characters of 1 to 4 octets in fragments of 64 bytes", TEXT, 4 << 20,
           lambda count: itertools.repeat(_characters(4 << 20), count), fragment=64, is_quick=True),
    Volley("0.6.2", "text of 1 MiB with characters of 1 to 4 octets in pieces of 997", TEXT, 1 << 20,
           lambda count: itertools.repeat(_characters(1 << 20), count), chop=997, is_quick=True),
    Volley("0.6.3", "binary messages of 1 KiB, each another", BINARY, 1024,
           lambda count: (b"%06d" % number + bytes(range(256)) * 4 for number in range(count)), count=1000,
           is_quick=True),
    Conversation("0.6.4", "a ping with RSV 6", (say(ping(b"Hello, world!", rsv=6), hears=Fails(1002)),)),
    Leaving("0.7.1", "a close frame, and FIN at once (RFC 6455, 7.1.1)", says=(close(1000),), hears=(close(1000),)),
    Leaving("0.7.2", "FIN without a close frame (7.1.4)"),
]
