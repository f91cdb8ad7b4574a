"""Reserved bits without an extension that defines them (RFC 6455, 5.2)."""

from cases import OCTETS, STEPS, WHOLE, Conversation, binary, close, ping, say, text
from endpoint import Fails

TITLE = "Reserved bits"

_BYTES = bytes([0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF])


def _after_text(rsv):
    """A good message is answered, the bad one ends the connection, and the ping comes too late."""
    return (say(text("Hello, world!"), hears=text("Hello, world!")),
            say(text("Hello, world!", rsv=rsv), hears=Fails(1002)), say(ping()))


CASES = [
    Conversation("3.1", "text with RSV 1", (say(text("Hello, world!", rsv=1), hears=Fails(1002)),)),
    Conversation("3.2", "text, then text with RSV 2, then a ping, in one piece", _after_text(2), ways=(WHOLE,)),
    Conversation("3.3", "text, then text with RSV 3, then a ping, frame by frame", _after_text(3), ways=(STEPS,)),
    Conversation("3.4", "text, then text with RSV 4, then a ping, octet by octet", _after_text(4), ways=(OCTETS,)),
    Conversation("3.5", "binary with RSV 5", (say(binary(_BYTES, rsv=5), hears=Fails(1002)),)),
    # The public list calls it a ping, and sends this; a ping is 0.6.4.
    Conversation("3.6", "binary with RSV 6", (say(binary(b"Hello, world!", rsv=6), hears=Fails(1002)),)),
    Conversation("3.7", "a close frame with RSV 7", (say(close(rsv=7), hears=Fails(1002)),)),
]
