"""UTF-8 in text messages (RFC 6455, 8.1; RFC 3629): whatever the fragments, and refused where it stops being UTF-8.

The sequences are those that Markus Kuhn's UTF-8 decoder test walks through.
"""

from cases import STEPS, Conversation, ping, pong, say, text
from endpoint import Fails, Part
from support.frames import CONTINUATION, Frame

TITLE = "UTF-8"

_KOSME = "κ\u1f79σμε".encode()
_MIXED = "Hello-µ@ßöäüàá-UTF-8!!".encode()
_SURROGATE = _KOSME + b"\xed\xa0\x80" + b"edited"
_BEYOND = _KOSME + b"\xf4\x90\x80\x80" + b"edited"  # U+110000; wrong from the 90 on
_QUIET = 0.02  # seconds


def _fragments(parts):
    """One step for each fragment."""
    return [say(Frame(CONTINUATION if at else 1, part, at == len(parts) - 1)) for at, part in enumerate(parts)]


def _message(number, title, payload, parts):
    *first, last = _fragments(parts)
    return Conversation(number, title, (*first, say(*last.says, hears=text(payload))))


def _octets(payload):
    return [payload[at:at + 1] for at in range(len(payload))]


def _octet_fragments_of_bad():
    """Fragments of one octet; the surrogate is wrong from its second octet on."""
    steps = _fragments(_octets(_SURROGATE))
    bad = len(_KOSME) + 1
    return (*steps[:bad], say(*steps[bad].says, hears=Fails(1007)), *steps[bad + 1:])


def _fails_fast_in_fragments(good, bad, rest):
    return (say(text(good, final=False), ping(b"good"), hears=pong(b"good")),  # so far nothing is wrong
            say(Frame(CONTINUATION, bad, False), hears=Fails(1007)), say(Frame(CONTINUATION, rest)))


def _fails_fast_in_pieces(good, bad):
    frame, middle = text(_BEYOND), len(good) + len(bad)
    return (say(Part(frame, 0, len(good)), is_silent_for=_QUIET),
            say(Part(frame, len(good), middle), hears=Fails(1007)), say(Part(frame, middle, len(_BEYOND))))


_cut = len(_KOSME)
CASES = [
    _message("6.1.1", "an empty text", b"", [b""]),
    _message("6.1.2", "three empty fragments", b"", [b"", b"", b""]),
    _message("6.1.3", "three fragments, of which only the middle one has text", b"middle frame payload", [b"", b"middle frame payload", b""]),
    _message("6.2.1", "a text with characters of one and two octets", _MIXED, [_MIXED]),
    _message("6.2.2", "the same in two fragments, between two characters", _MIXED, [_MIXED[:15], _MIXED[15:]]),
    _message("6.2.3", "the same in fragments of one octet", _MIXED, _octets(_MIXED)),
    _message("6.2.4", "another with characters of two and three octets, in fragments of one octet", _KOSME,
             _octets(_KOSME)),
    Conversation("6.3.1", "a text with a surrogate", (say(text(_SURROGATE), hears=Fails(1007)),)),
    Conversation("6.3.2", "the same in fragments of one octet", _octet_fragments_of_bad()),
    Conversation("6.4.1", "three fragments, the second with a character beyond U+10FFFF",
                 _fails_fast_in_fragments(_KOSME, _BEYOND[_cut:_cut + 4], b"edited")),
    Conversation("6.4.2", "three fragments, the second with only the octet that makes it wrong",
                 _fails_fast_in_fragments(_BEYOND[:_cut + 1], _BEYOND[_cut + 1:_cut + 2], _BEYOND[_cut + 2:])),
    Conversation("6.4.3", "6.4.1 in one frame of three pieces", _fails_fast_in_pieces(_KOSME, _BEYOND[_cut:_cut + 4]),
                 ways=(STEPS,)),
    Conversation("6.4.4", "6.4.2 in one frame of three pieces",
                 _fails_fast_in_pieces(_BEYOND[:_cut + 1], _BEYOND[_cut + 1:_cut + 2]), ways=(STEPS,)),
]

_INCOMPLETE = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
               b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
_HIGH, _LOW = [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"], [b"\xed\xb0\x80", b"\xed\xbf\xbf"]


def _lonely(first, last):
    """Octets that begin a character, each followed by a space instead of its rest."""
    return b"".join(bytes([octet, 0x20]) for octet in range(first, last))


# By number: what they are, and the texts. Python's decoder says which are UTF-8.
_SEQUENCES = {
    5: ("characters of one to four octets", ["hello$world", "hello¢world", "hello€world", "hello\U00024b62world",
                                             _KOSME]),
    6: ("each beginning of a text", [_KOSME[:end] for end in range(1, len(_KOSME) + 1)]),
    7: ("first character of each length", ["\0", "\x80", "\u0800", "\U00010000"]),
    8: ("first of five and six octets", [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
    9: ("last character of each length", ["\x7f", "\u07ff", "\uffff", "\U0010ffff"]),
    10: ("last of four, five and six octets", [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf",
                                               b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
    11: ("around the gaps", ["\ud7ff", "\ue000", "\ufffd", "\U0010ffff", b"\xf4\x90\x80\x80"]),
    12: ("continuation octets alone", [b"\x80", b"\xbf", *[(b"\x80\xbf" * 3)[:size] for size in range(2, 7)],
                                       bytes(range(0x80, 0xBF))]),
    13: ("first octets alone", [_lonely(*octets) for octets in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7),
                                                                (0xF8, 0xFB), (0xFC, 0xFD))]),
    14: ("last octet missing", _INCOMPLETE),
    15: ("all of those in a row", [b"".join(_INCOMPLETE)]),
    16: ("octets that never occur", [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    17: ("a slash in too many octets", [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf",
                                        b"\xfc\x80\x80\x80\x80\xaf"]),
    18: ("the last that is too long", [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf",
                                       b"\xfc\x83\xbf\xbf\xbf\xbf"]),
    19: ("NUL in too many octets", [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
                                    b"\xfc\x80\x80\x80\x80\x80"]),
    20: ("one surrogate", [*_HIGH, b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"]),
    21: ("a pair of surrogates", [high + low for high in _HIGH for low in _LOW]),
    22: ("code points that are no characters", ["\ufffe", "\uffff", *[chr(plane << 16 | 0xFFFE | bit)
                                                                      for plane in range(1, 17) for bit in (0, 1)]]),
    23: ("specials", [chr(point) for point in range(0xFFF9, 0x10000)]),
}


def _is_utf8(payload):
    try:
        payload.decode()
        return True
    except UnicodeDecodeError:
        return False


for _family, (_title, _texts) in _SEQUENCES.items():
    for _number, _text in enumerate(_texts, 1):
        _payload = _text if isinstance(_text, bytes) else _text.encode()
        CASES.append(Conversation(
            f"6.{_family}.{_number}", f"{_title}: `{_payload[:12].hex(' ')}{' ...' if len(_payload) > 12 else ''}`",
            (say(text(_payload), hears=text(_payload) if _is_utf8(_payload) else Fails(1007)),)))
