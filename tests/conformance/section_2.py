"""Pings and pongs (RFC 6455, 5.5.2 and 5.5.3)."""

from cases import OCTETS, STEPS, WHOLE, Conversation, ping, pong, say
from endpoint import Fails

TITLE = "Pings and pongs"

_BYTES = bytes([0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF])  # no UTF-8
_LONG = b"\xfe" * 125
_TEN = tuple(say(ping(f"payload-{number}".encode()), hears=pong(f"payload-{number}".encode()))
             for number in range(10))

CASES = [
    Conversation("2.1", "a ping without a payload", (say(ping(), hears=pong()),)),
    Conversation("2.2", "a ping with text", (say(ping(b"Hello, world!"), hears=pong(b"Hello, world!")),)),
    Conversation("2.3", "a ping with bytes that are no text", (say(ping(_BYTES), hears=pong(_BYTES)),)),
    Conversation("2.4", "a ping with 125 bytes, the most there may be", (say(ping(_LONG), hears=pong(_LONG)),)),
    Conversation("2.5", "a ping with 126 bytes", (say(ping(_LONG + b"\xfe"), hears=Fails(1002)),)),
    Conversation("2.6", "a ping with 125 bytes, octet by octet", (say(ping(_LONG), hears=pong(_LONG)),),
                 ways=(OCTETS,)),
    Conversation("2.7", "a pong that answers nothing, without a payload", (say(pong()),)),
    Conversation("2.8", "a pong that answers nothing, with a payload", (say(pong(b"unsolicited pong payload")),)),
    Conversation("2.9", "a pong that answers nothing, then a ping",
                 (say(pong(b"unsolicited pong payload")), say(ping(b"ping payload"), hears=pong(b"ping payload")))),
    Conversation("2.10", "ten pings with different payloads", _TEN, ways=(STEPS, WHOLE)),
    Conversation("2.11", "ten pings with different payloads, octet by octet", _TEN, ways=(OCTETS,)),
]
