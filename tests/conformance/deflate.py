"""permessage-deflate (RFC 7692) with zlib: what may be offered and answered, and messages as they were agreed on."""

import dataclasses
import re
import zlib

from support.frames import Violation

TAIL = b"\x00\x00\xff\xff"
PROBE = b"\x00\x01\x00\xfe\xff?"  # a block of one byte
MOST_BITS = 15
EXACT = 16384  # bytes of a connection that are inflated one by one: so zlib refuses each distance beyond the window
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
WINDOWS = ("server_max_window_bits", "client_max_window_bits")


@dataclasses.dataclass(frozen=True)
class Terms:
    """Parameters of one offer or of an answer."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = None
    client_max_window_bits: int = None  # in an offer, 0 stands for the parameter without a value

    def __str__(self):
        parts = ["permessage-deflate", *[name for name in FLAGS if getattr(self, name)]]
        for name in WINDOWS:
            bits = getattr(self, name)
            if bits is not None:
                parts.append(f"{name}={bits}" if bits else name)
        return "; ".join(parts)


def parse(text):
    """The Terms of one element of Sec-WebSocket-Extensions (RFC 7692, 7). Throws Violation."""
    name, *parameters = [part.strip() for part in text.split(";")]
    if name != "permessage-deflate":
        raise Violation(f"the extension {name!r}")
    found = {}
    for parameter in parameters:
        name, has_value, value = parameter.partition("=")
        if name in found:
            raise Violation(f"{name} twice")
        if name in FLAGS and not has_value:
            found[name] = True
        elif name in WINDOWS and re.fullmatch(r"[89]|1[0-5]", value):
            found[name] = int(value)
        elif name == "client_max_window_bits" and not has_value:
            found[name] = 0
        else:
            raise Violation(f"the parameter {parameter!r}")
    return Terms(**found)


def agreed_by(answer, offers):
    """The Terms of a server's answer to `offers`, of which the first must have been taken (RFC 7692, 5.1 and 7.1)."""
    if answer is None:
        raise Violation("permessage-deflate was not agreed on")
    terms, offer = parse(answer), offers[0]
    if terms.client_max_window_bits == 0:
        raise Violation("client_max_window_bits without a value in an answer")
    if offer.server_no_context_takeover and not terms.server_no_context_takeover:
        raise Violation("server_no_context_takeover was asked for and not agreed on")
    if offer.server_max_window_bits and (terms.server_max_window_bits or MOST_BITS) > offer.server_max_window_bits:
        raise Violation(f"server_max_window_bits={offer.server_max_window_bits} was asked for, not {terms}")
    if terms.client_max_window_bits and offer.client_max_window_bits is None:
        raise Violation("client_max_window_bits that was not offered")
    if terms.client_max_window_bits and terms.client_max_window_bits > (offer.client_max_window_bits or MOST_BITS):
        raise Violation("client_max_window_bits beyond those offered")
    return terms


def answer_to(offers, wish):
    """The Terms of our answer to a client's offers: those of its first, and `wish`, which asks more of it."""
    if offers is None:
        raise Violation("permessage-deflate was not offered")
    offer = [parse(text) for text in offers.split(",")][0]
    bits = wish.client_max_window_bits
    if bits is not None and offer.client_max_window_bits is None:
        raise Violation("client_max_window_bits was not offered")
    return Terms(
        offer.server_no_context_takeover,
        offer.client_no_context_takeover or wish.client_no_context_takeover,
        offer.server_max_window_bits,
        bits and min(bits, offer.client_max_window_bits or MOST_BITS))


class Deflate:
    """Both directions of one connection."""

    def __init__(self, terms, subject):
        theirs, ours = ("server", "client") if subject == "server" else ("client", "server")
        self._own_bits = getattr(terms, f"{ours}_max_window_bits") or MOST_BITS
        self._own_takeover = not getattr(terms, f"{ours}_no_context_takeover")
        self._bits = getattr(terms, f"{theirs}_max_window_bits") or MOST_BITS
        self._takeover = not getattr(terms, f"{theirs}_no_context_takeover")
        self._compressor = self._decompressor = None
        self._exact_left = EXACT if self._bits < MOST_BITS else 0
        self._messages = 0
        self._has_used_context = False

    def compress(self, message):
        if self._compressor is None or not self._own_takeover:
            # zlib has no raw window of 8 bits. Without compression there is nothing to look back at.
            level, bits = (1, self._own_bits) if self._own_bits > 8 else (0, 9)
            self._compressor = zlib.compressobj(level, zlib.DEFLATED, -bits)
        data = self._compressor.compress(message) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data[:-len(TAIL)]

    def decompress(self, payload):
        """The message in a compressed payload. Throws Violation unless the agreed window and context are enough."""
        data = payload + TAIL
        self._messages += 1
        if self._messages > 1 and self._takeover and not self._has_used_context:
            self._has_used_context = not self._stands_alone(data)
        if self._decompressor is None or not self._takeover:
            self._decompressor = zlib.decompressobj(-self._bits)
        try:
            return self._inflate(data)
        except zlib.error as error:
            raise Violation(f"a message that cannot be inflated with a window of {self._bits} bits "
                            f"{'with' if self._takeover else 'without'} context takeover: {error}") from None

    def check_use_of_context(self):
        """Whoever may look back, and says so in the handshake, does."""
        if self._takeover and self._messages > 1 and not self._has_used_context:
            raise Violation("context takeover was agreed on, and no message looks back at one before it")

    def _inflate(self, data):
        message, inflater = bytearray(), self._decompressor
        while self._exact_left > 0 and data:
            octet = inflater.decompress(data, 1)
            data = inflater.unconsumed_tail
            message += octet
            self._exact_left -= 1
            if not octet:
                break
        message += inflater.decompress(data)
        if inflater.eof:
            raise Violation("a final deflate block, after which this suite reads nothing")
        if inflater.copy().decompress(PROBE) != PROBE[-1:]:
            raise Violation("a compressed message that does not end where a block begins")
        return bytes(message)

    def _stands_alone(self, data):
        try:
            zlib.decompressobj(-MOST_BITS).decompress(data)
            return True
        except zlib.error:
            return False
