"""permessage-deflate as it is offered by default (RFC 7692): 1000 messages of several kinds, sizes and fragments."""

import payloads
from cases import Volley
from deflate import Terms
from support.frames import BINARY, TEXT

TITLE = "Compression"

KIB = 1024
DEFAULT = Terms(client_max_window_bits=0)
# Bytes in a message, and in a frame, or 0 for one frame.
SIZES = [*[(size, 0) for size in (16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB)],
         *[(size * KIB, 256) for size in (8, 16, 32, 64, 128)],
         *[(128 * KIB, fragment) for fragment in (KIB, 4 * KIB, 32 * KIB)]]
QUICK = {1, 4, 10, 11, 18}  # the numbers of sizes that also run in short


def volleys(family, what, opcode, data, is_compressible=True, offers=(DEFAULT,), wish=Terms()):
    """The eighteen cases of one kind of data and one agreement."""
    return [
        Volley(f"{family}.{number}", f"{size} bytes of {what}"
               f"{f', in fragments of {fragment}' if fragment else ''}", opcode, size, payloads.slices(data, size),
               count=1000, fragment=fragment, offers=offers, wish=wish, is_compressible=is_compressible,
               is_quick=number in QUICK)
        for number, (size, fragment) in enumerate(SIZES, 1)]


CASES = [
    *volleys("12.1", "JSON as text", TEXT, payloads.json_text()),
    *volleys("12.2", "a picture", BINARY, payloads.picture()),
    *volleys("12.3", "prose as binary", BINARY, payloads.prose()),
    *volleys("12.4", "HTML as text", TEXT, payloads.page()),
    *volleys("12.5", "a document that is compressed already", BINARY, payloads.document(), is_compressible=False),
]
