"""Close frames and what may stand in them (RFC 6455, 5.5.1 and 7)."""

from cases import Conversation, close, ping, say, text
from endpoint import Closes, Fails
from support.frames import CLOSE, CONTINUATION, Frame

TITLE = "Close handling"

_VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
_INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
_BAD_REASON = "κ\u1f79σμε".encode() + b"\xed\xa0\x80" + b"edited"
_LARGE = text((b"BAsd7&jh23" * 26215)[:256 * 1024])
_NORMAL = say(close(1000), hears=Closes(1000))

CASES = [
    Conversation("7.1.1", "text, then a close frame", (say(text("Hello World!"), hears=text("Hello World!")), _NORMAL)),
    Conversation("7.1.2", "two close frames: one answer", (_NORMAL, say(close(1000)))),
    Conversation("7.1.3", "a close frame, then a ping: no pong", (_NORMAL, say(ping()))),
    Conversation("7.1.4", "a close frame, then text: no echo", (_NORMAL, say(text("Hello World!")))),
    Conversation("7.1.5", "a fragment, a close frame, the last fragment: no echo",
                 (say(text("fragment1", final=False)), _NORMAL, say(Frame(CONTINUATION, b"fragment2")))),
    Conversation("7.1.6", "text of 256 KiB, a short one, a close frame, a ping: both come back first",
                 (say(_LARGE, hears=_LARGE), say(text("Hello World!"), hears=text("Hello World!")), _NORMAL, say(ping()))),
    Conversation("7.3.1", "a close frame without a payload", (say(close(), hears=Closes(None)),)),
    Conversation("7.3.2", "a close frame of one byte", (say(Frame(CLOSE, b"a"), hears=Fails(1002)),)),
    Conversation("7.3.3", "a close frame with a code only", (_NORMAL,)),
    Conversation("7.3.4", "a close frame with a reason", (say(close(1000, b"Hello World!"), hears=Closes(1000)),)),
    Conversation("7.3.5", "a close frame with a reason of 123 bytes, the most there may be",
                 (say(close(1000, b"*" * 123), hears=Closes(1000)),)),
    Conversation("7.3.6", "a close frame with a reason of 124 bytes",
                 (say(close(1000, b"*" * 124), hears=Fails(1002)),)),
    Conversation("7.5.1", "a close frame with a reason that is not UTF-8",
                 (say(close(1000, _BAD_REASON), hears=Fails(1007)),)),
    *[Conversation(f"7.7.{number}", f"a close frame with {code}", (say(close(code), hears=Closes(code)),))
      for number, code in enumerate(_VALID, 1)],
    *[Conversation(f"7.9.{number}", f"a close frame with {code}, which may not be sent",
                   (say(close(code), hears=Fails(1002)),))
      for number, code in enumerate(_INVALID, 1)],
    Conversation("7.13.1", "a close frame with 5000, which means nothing", (say(close(5000), hears=Fails(1002)),)),
    Conversation("7.13.2", "a close frame with 65535, which means nothing", (say(close(65535), hears=Fails(1002)),)),
]
