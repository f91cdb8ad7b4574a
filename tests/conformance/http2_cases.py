"""The cases of HTTP/2 (RFC 9113), HPACK (RFC 7541) and WebSockets over it (RFC 8441): what is said, and what must follow.

Each number is the section whose rule the case is about. Stream 1 is the one that each expectation of a stream is about.
"""

import dataclasses

from support.http2 import (
    ACK, COMPRESSION_ERROR, CONTINUATION, ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, END_HEADERS, END_STREAM,
    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HAS_PRIORITY, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, PADDED,
    PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, data,
    frame, headers, ping, reset, settings, text, window_update)


NAMES = {
    PROTOCOL_ERROR: "PROTOCOL_ERROR", FLOW_CONTROL_ERROR: "FLOW_CONTROL_ERROR", STREAM_CLOSED: "STREAM_CLOSED",
    FRAME_SIZE_ERROR: "FRAME_SIZE_ERROR", COMPRESSION_ERROR: "COMPRESSION_ERROR",
}


def _names(codes):
    return " or ".join(NAMES[code] for code in codes)


@dataclasses.dataclass(frozen=True)
class Fails:
    """The connection ends with GOAWAY and one of these codes."""

    codes: tuple

    def __str__(self):
        return f"ends the connection: {_names(self.codes)}"


@dataclasses.dataclass(frozen=True)
class Resets:
    """Stream 1 ends with one of these codes, or the whole connection does (RFC 9113, 5.4.2).

    A malformed request may also get an answer of 4xx (8.1.1).
    """

    codes: tuple
    or_refuses: bool = False

    def __str__(self):
        return f"resets the stream: {_names(self.codes)}{', or answers 4xx' if self.or_refuses else ''}"


@dataclasses.dataclass(frozen=True)
class Answers:
    """Stream 1 gets a HEADERS frame with a status."""

    def __str__(self):
        return "answers"


@dataclasses.dataclass(frozen=True)
class Sends:
    """Stream 1 gets DATA, the first frame of it with so many octets."""

    octets: int

    def __str__(self):
        return f"sends DATA of {self.octets} octets"


@dataclasses.dataclass(frozen=True)
class Lives:
    """Nothing happens: the connection answers a PING. `or_fails` are codes that are right as well.

    With `or_ends` it may also end without an error.
    """

    or_fails: tuple = ()
    or_ends: bool = False

    def __str__(self):
        return "goes on" + (f", or {_names(self.or_fails)}" if self.or_fails else ", or ends" if self.or_ends else "")


@dataclasses.dataclass(frozen=True)
class Ends:
    """The connection ends, with or without GOAWAY."""

    def __str__(self):
        return "ends the connection"


@dataclasses.dataclass(frozen=True)
class Case:
    number: str
    title: str
    says: bytes  # behind the preface and a SETTINGS frame, unless it has a preface of its own
    expects: object
    opens: bytes = PREFACE + settings()
    needs_connect: bool = False  # only for servers that announce SETTINGS_ENABLE_CONNECT_PROTOCOL


METHOD, SCHEME, PATH, AUTHORITY = (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost")
REQUEST = (METHOD, SCHEME, PATH, AUTHORITY)
GET = block(*REQUEST)
POST = block((":method", "POST"), *REQUEST[1:])
EXTENDED = ((":method", "CONNECT"), (":protocol", "websocket"), SCHEME, PATH, AUTHORITY)
SOCKET = ("sec-websocket-version", "13")

PROTOCOL, SIZE, FLOW, COMPRESSION = (PROTOCOL_ERROR,), (FRAME_SIZE_ERROR,), (FLOW_CONTROL_ERROR,), (COMPRESSION_ERROR,)
GONE = (STREAM_CLOSED,)
OPEN = headers(1, POST, END_HEADERS)  # a request whose body has not ended
WHOLE = headers(1, GET)
HELD = PREFACE + settings((INITIAL_WINDOW_SIZE, 0))  # no answer can end
MOST = 0x7FFFFFFF
WINDOW = 65535


def _part(stream, fragment, flags=0):
    return frame(CONTINUATION, flags, stream, fragment)


def _malformed(number, title, *fields, **options):
    return Case(number, title, headers(1, block(*fields)), Resets(PROTOCOL, or_refuses=True), **options)


def _field(number, title, name, value="x"):
    return _malformed(number, title, *REQUEST, (name, value))


STARTING = (
    Case("3.4/1", "the preface and a request", WHOLE, Answers()),
    Case("3.4/2", "another preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + settings(), Ends(), opens=b""),
    Case("3.4/3", "a preface, and PING instead of SETTINGS", ping(), Fails(PROTOCOL), opens=PREFACE),
)

FRAMES = (
    Case("4.1/1", "a frame of an unknown type", frame(0xEE, payload=b"12345678"), Lives()),
    Case("4.1/2", "a frame with flags that have no meaning", ping(b"undefine", flags=0xFE), Lives()),
    Case("4.1/3", "a frame with the reserved bit", ping(b"reserved", stream=1 << 31), Lives()),
    Case("4.2/1", "DATA of 16,384 octets", OPEN + data(1, bytes(16384)), Answers()),
    Case("4.2/2", "DATA of 16,385 octets", OPEN + data(1, bytes(16385)), Resets(SIZE)),
    Case("4.2/3", "HEADERS of 16,385 octets", headers(1, GET + bytes(16385 - len(GET))), Fails(SIZE)),
    Case("4.2/4", "SETTINGS of 16,386 octets", frame(SETTINGS, payload=bytes(16386)), Fails(SIZE)),
    Case("4.3/1", "a block that ends within a field", headers(1, GET + b"\0\x05ab"), Fails(COMPRESSION)),
    Case("4.3/2", "PRIORITY within a block",
         headers(1, GET, END_STREAM) + frame(PRIORITY, 0, 1, bytes(5)) + _part(1, b"", END_HEADERS), Fails(PROTOCOL)),
    Case("4.3/3", "HEADERS of another stream within a block", headers(1, GET, END_STREAM) + headers(3, GET),
         Fails(PROTOCOL)),
)

STATES = (
    Case("5.1/1", "idle: DATA", data(1, b"x"), Fails((PROTOCOL_ERROR, STREAM_CLOSED))),
    Case("5.1/2", "idle: RST_STREAM", reset(1), Fails(PROTOCOL)),
    Case("5.1/3", "idle: WINDOW_UPDATE", window_update(1, 100), Fails(PROTOCOL)),
    Case("5.1/4", "idle: CONTINUATION", _part(1, GET, END_HEADERS), Fails(PROTOCOL)),
    Case("5.1/5", "half-closed: DATA", WHOLE + data(1, b"x"), Resets(GONE), opens=HELD),
    Case("5.1/6", "half-closed: HEADERS", WHOLE + headers(1, GET), Resets(GONE), opens=HELD),
    Case("5.1/7", "half-closed: CONTINUATION", WHOLE + _part(1, GET, END_HEADERS),
         Fails((PROTOCOL_ERROR, STREAM_CLOSED)), opens=HELD),
    Case("5.1/8", "half-closed: WINDOW_UPDATE, PRIORITY and RST_STREAM",
         WHOLE + window_update(1, 1) + frame(PRIORITY, 0, 1, bytes(5)) + reset(1), Lives(), opens=HELD),
    Case("5.1/9", "closed by RST_STREAM: DATA", OPEN + reset(1) + data(1, b"x"), Lives(or_fails=GONE), opens=HELD),
    Case("5.1/10", "closed by RST_STREAM: HEADERS", OPEN + reset(1) + headers(1, GET), Lives(or_fails=GONE),
         opens=HELD),
    Case("5.1/11", "closed by RST_STREAM: CONTINUATION", OPEN + reset(1) + _part(1, GET, END_HEADERS),
         Fails((PROTOCOL_ERROR, STREAM_CLOSED)), opens=HELD),
    Case("5.1/12", "closed: PRIORITY", OPEN + reset(1) + frame(PRIORITY, 0, 1, bytes(5)), Lives(), opens=HELD),
    Case("5.1.1/1", "a stream with an even number", headers(2, GET), Fails(PROTOCOL)),
    Case("5.1.1/2", "a stream with a smaller number", headers(5, GET) + headers(3, GET),
         Fails((PROTOCOL_ERROR, STREAM_CLOSED)), opens=HELD),
    Case("5.4.1/1", "a PING of 6 octets: GOAWAY, then the end", ping(b"123456"), Fails(SIZE)),
    Case("5.5/1", "a frame of an extension", frame(0x16, payload=b"extension"), Lives()),
    Case("5.5/2", "a frame of an extension within a block",
         headers(1, GET, END_STREAM) + frame(0x16, payload=b"x") + _part(1, b"", END_HEADERS), Fails(PROTOCOL)),
)

KINDS = (
    Case("6.1/1", "DATA of stream 0", data(0, b"x"), Fails(PROTOCOL)),
    Case("6.1/2", "DATA with padding", OPEN + data(1, b"\x06test" + bytes(6), END_STREAM | PADDED), Answers()),
    Case("6.1/3", "DATA with as much padding as payload", OPEN + data(1, b"\x06test" + b"x", END_STREAM | PADDED),
         Fails(PROTOCOL)),
    Case("6.1/4", "DATA that is padded and empty", OPEN + data(1, b"", END_STREAM | PADDED),
         Fails((FRAME_SIZE_ERROR, PROTOCOL_ERROR))),
    Case("6.2/1", "HEADERS of stream 0", headers(0, GET), Fails(PROTOCOL)),
    Case("6.2/2", "HEADERS with padding and priority",
         headers(1, b"\x03" + bytes(4) + b"\x0f" + GET + bytes(3), END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY),
         Answers()),
    Case("6.2/3", "HEADERS with more padding than payload",
         headers(1, b"\xff" + GET[:40], END_STREAM | END_HEADERS | PADDED), Fails(PROTOCOL)),
    Case("6.2/4", "HEADERS too short for its priority", headers(1, b"ab", END_STREAM | END_HEADERS | HAS_PRIORITY),
         Fails((FRAME_SIZE_ERROR, PROTOCOL_ERROR))),
    Case("6.3/1", "PRIORITY of stream 0", frame(PRIORITY, 0, 0, bytes(5)), Fails(PROTOCOL)),
    Case("6.3/2", "PRIORITY of 4 octets", OPEN + frame(PRIORITY, 0, 1, bytes(4)), Resets(SIZE), opens=HELD),
    Case("6.3/3", "PRIORITY of an idle stream", frame(PRIORITY, 0, 7, bytes(5)) + WHOLE, Answers()),
    Case("6.4/1", "RST_STREAM of stream 0", reset(0), Fails(PROTOCOL)),
    Case("6.4/2", "RST_STREAM of 3 octets", OPEN + frame(RST_STREAM, 0, 1, bytes(3)), Fails(SIZE), opens=HELD),
    Case("6.5/1", "SETTINGS with ACK and payload", frame(SETTINGS, ACK, 0, bytes(6)), Fails(SIZE)),
    Case("6.5/2", "SETTINGS of stream 1", frame(SETTINGS, 0, 1, bytes(6)), Fails(PROTOCOL)),
    Case("6.5/3", "SETTINGS of 3 octets", frame(SETTINGS, 0, 0, bytes(3)), Fails(SIZE)),
    Case("6.5.2/1", "ENABLE_PUSH of 2", settings((ENABLE_PUSH, 2)), Fails(PROTOCOL)),
    Case("6.5.2/2", "INITIAL_WINDOW_SIZE of 2^31", settings((INITIAL_WINDOW_SIZE, 1 << 31)), Fails(FLOW)),
    Case("6.5.2/3", "MAX_FRAME_SIZE of 16,383", settings((MAX_FRAME_SIZE, 16383)), Fails(PROTOCOL)),
    Case("6.5.2/4", "MAX_FRAME_SIZE of 2^24", settings((MAX_FRAME_SIZE, 1 << 24)), Fails(PROTOCOL)),
    Case("6.5.2/5", "a setting that nobody knows", settings((0xFF, 1)), Lives()),
    Case("6.5.3/1", "INITIAL_WINDOW_SIZE twice in a frame",
         settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)) + WHOLE, Sends(1)),
    Case("6.6/1", "PUSH_PROMISE of a client", WHOLE + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET),
         Fails(PROTOCOL), opens=HELD),
    Case("6.7/1", "PING with ACK that nobody waits for", ping(b"unwanted", ACK), Lives()),
    Case("6.7/2", "PING of stream 1", ping(stream=1), Fails(PROTOCOL)),
    Case("6.7/3", "PING of 9 octets", ping(b"123456789"), Fails(SIZE)),
    Case("6.8/1", "GOAWAY of stream 1", frame(GOAWAY, 0, 1, bytes(8)), Fails(PROTOCOL)),
    Case("6.8/2", "GOAWAY of 7 octets", frame(GOAWAY, 0, 0, bytes(7)), Fails(SIZE)),
    Case("6.9/1", "WINDOW_UPDATE of 0 for the connection", window_update(0, 0), Fails(PROTOCOL)),
    Case("6.9/2", "WINDOW_UPDATE of 0 for a stream", OPEN + window_update(1, 0), Resets(PROTOCOL), opens=HELD),
    Case("6.9/3", "WINDOW_UPDATE of 3 octets", frame(WINDOW_UPDATE, 0, 0, bytes(3)), Fails(SIZE)),
    Case("6.9.1/1", "a window of one octet", WHOLE, Sends(1), opens=PREFACE + settings((INITIAL_WINDOW_SIZE, 1))),
    Case("6.9.1/2", "a window of the connection above 2^31 - 1", window_update(0, MOST) * 2, Fails(FLOW)),
    Case("6.9.1/3", "a window of a stream above 2^31 - 1", OPEN + window_update(1, MOST) * 2, Resets(FLOW),
         opens=HELD),
    Case("6.9.2/1", "a window that opens by SETTINGS", WHOLE + settings((INITIAL_WINDOW_SIZE, 1)), Sends(1),
         opens=HELD),
    Case("6.9.2/2", "a window that was below zero",
         WHOLE + settings((INITIAL_WINDOW_SIZE, 2)) + settings((INITIAL_WINDOW_SIZE, 0)) + window_update(1, 3),
         Answers(), opens=PREFACE + settings((INITIAL_WINDOW_SIZE, 3))),
    Case("6.9.2/3", "a window of a stream above 2^31 - 1 by SETTINGS",
         OPEN + window_update(1, MOST - WINDOW) + settings((INITIAL_WINDOW_SIZE, WINDOW + 1)), Fails(FLOW),
         opens=PREFACE + settings((INITIAL_WINDOW_SIZE, WINDOW)) + window_update(0, 1)),
    Case("6.10/1", "a block in three frames",
         headers(1, GET[:5], END_STREAM) + _part(1, GET[5:11]) + _part(1, GET[11:], END_HEADERS), Answers()),
    Case("6.10/2", "DATA within a block", headers(1, GET[:5], 0) + _part(1, GET[5:]) + data(1, b"x"), Fails(PROTOCOL)),
    Case("6.10/3", "CONTINUATION of stream 0", headers(1, GET, END_STREAM) + _part(0, b"", END_HEADERS),
         Fails(PROTOCOL)),
    Case("6.10/4", "CONTINUATION of another stream", headers(1, GET, END_STREAM) + _part(3, b"", END_HEADERS),
         Fails(PROTOCOL)),
    Case("6.10/5", "CONTINUATION behind DATA", OPEN + data(1, b"x", 0) + _part(1, b"", END_HEADERS), Fails(PROTOCOL),
         opens=HELD),
    Case("7/1", "GOAWAY with an unknown code", frame(GOAWAY, 0, 0, bytes(4) + b"\0\0\0\xff"), Lives(or_ends=True)),
    Case("7/2", "RST_STREAM with an unknown code", OPEN + reset(1, 0xFF), Lives(), opens=HELD),
)

REQUESTS = (
    Case("8.1/1", "a second HEADERS that does not end the stream", OPEN + headers(1, block(("x-a", "1")), END_HEADERS),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    Case("8.1/2", "trailers", OPEN + data(1, b"body", 0) + headers(1, block(("x-a", "1"))), Answers()),
    Case("8.1.1/1", "content-length and another length of DATA",
         headers(1, POST + block(("content-length", "1")), END_HEADERS) + data(1, b"test"),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    Case("8.1.1/2", "content-length and another length of two DATA",
         headers(1, POST + block(("content-length", "9")), END_HEADERS) + data(1, b"test", 0) + data(1, b"test"),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    Case("8.1.1/3", "content-length and no DATA", headers(1, POST + block(("content-length", "4"))),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    Case("8.1.1/4", "two values of content-length",
         headers(1, POST + block(("content-length", "4"), ("content-length", "5")), END_HEADERS) + data(1, b"test"),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    _field("8.2/1", "a name in upper case", "X-TEST"),
    _field("8.2.1/1", "a name with a space", "x test"),
    _field("8.2.1/2", "a name with a colon", "x:test"),
    _field("8.2.1/3", "an empty name", ""),
    _field("8.2.1/4", "a name with an octet above 127", "x-\xff"),
    _field("8.2.1/5", "a value with NUL", "x-test", "a\0b"),
    _field("8.2.1/6", "a value with LF", "x-test", "a\nb: c"),
    _field("8.2.1/7", "a value with CR", "x-test", "a\rb"),
    _field("8.2.1/8", "a value that begins with a space", "x-test", " a"),
    _field("8.2.1/9", "a value that ends with a tab", "x-test", "a\t"),
    _field("8.2.2/1", "Connection", "connection", "keep-alive"),
    _field("8.2.2/2", "Transfer-Encoding", "transfer-encoding", "chunked"),
    _field("8.2.2/3", "Upgrade", "upgrade", "websocket"),
    _field("8.2.2/4", "Keep-Alive", "keep-alive", "timeout=5"),
    _field("8.2.2/5", "Proxy-Connection", "proxy-connection", "keep-alive"),
    _field("8.2.2/6", "TE with another value than trailers", "te", "trailers, deflate"),
    Case("8.2.2/7", "TE: trailers", headers(1, GET + block(("te", "trailers"))), Answers()),
    Case("8.2.3/1", "Cookie in crumbs", headers(1, GET + block(("cookie", "a=b"), ("cookie", "c=d"))), Answers()),
    _field("8.3/1", "an unknown pseudo-field", ":test"),
    _field("8.3/2", "a pseudo-field of answers", ":status", "200"),
    _malformed("8.3/3", "a pseudo-field behind a field", METHOD, SCHEME, ("x-test", "ok"), PATH, AUTHORITY),
    Case("8.3/4", "a pseudo-field in trailers", OPEN + data(1, b"x", 0) + headers(1, block(METHOD)),
         Resets(PROTOCOL, or_refuses=True), opens=HELD),
    _malformed("8.3.1/1", "an empty :path", METHOD, SCHEME, (":path", ""), AUTHORITY),
    _malformed("8.3.1/2", "no :method", SCHEME, PATH, AUTHORITY),
    _malformed("8.3.1/3", "no :scheme", METHOD, PATH, AUTHORITY),
    _malformed("8.3.1/4", "no :path", METHOD, SCHEME, AUTHORITY),
    _malformed("8.3.1/5", "two :method", METHOD, *REQUEST),
    _malformed("8.3.1/6", "two :scheme", *REQUEST, SCHEME),
    _malformed("8.3.1/7", "two :path", *REQUEST, PATH),
    _malformed("8.3.1/8", "two :authority", *REQUEST, AUTHORITY),
    _malformed("8.5/1", "CONNECT with :path", (":method", "CONNECT"), PATH, AUTHORITY),
    _malformed("8.5/2", "CONNECT without :authority", (":method", "CONNECT")),
)


def _hpack(number, title, fragment):
    return Case(f"HPACK {number}", title, headers(1, fragment), Fails(COMPRESSION))


HPACK = (
    _hpack("2.3.3/1", "an index beyond both tables", GET + b"\xc6"),
    _hpack("2.3.3/2", "an index of a name beyond both tables", GET + b"\x7f\x07" + text("empty")),
    _hpack("4.2/1", "a change of the table's size behind a field", GET + b"\x21"),
    _hpack("5.1/1", "an integer without end", GET + b"\xff" + b"\xff" * 20 + b"\x01"),
    _hpack("5.2/1", "Huffman padding of more than 7 bits", GET + b"\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"),
    _hpack("5.2/2", "Huffman padding of zeros", GET + b"\0\x85\xf2\xb2\x4a\x87\xff\x83\x49\x50\x90"),
    _hpack("5.2/3", "Huffman with EOS",
           GET + b"\0\x85\xf2\xb2\x4a\x87\xff\x87\xff\xff\xff\xff\xff\xff\xff"),
    _hpack("5.2/4", "a string longer than its block", GET + b"\0\x7f\x80\x80\x01"),
    _hpack("6.1/1", "index 0", GET + b"\x80"),
    _hpack("6.3/1", "a table larger than SETTINGS allow", b"\x3f\xe1\xff\xff\x03" + GET),
    Case("HPACK 4.2/2", "a table of 0, then a request", headers(1, b"\x20" + GET), Answers()),
)


def _extended(number, title, *fields):
    return _malformed(f"RFC 8441 {number}", title, *fields, SOCKET, needs_connect=True)


WEBSOCKETS = (
    Case("RFC 8441 3/1", "ENABLE_CONNECT_PROTOCOL of 2", settings((ENABLE_CONNECT_PROTOCOL, 2)),
         Lives(or_fails=PROTOCOL)),
    _extended("4/1", ":protocol without CONNECT", METHOD, (":protocol", "websocket"), *REQUEST[1:]),
    _extended("4/2", ":protocol without :scheme", *EXTENDED[:2], PATH, AUTHORITY),
    _extended("4/3", ":protocol without :path", *EXTENDED[:3], AUTHORITY),
    _extended("4/4", ":protocol twice", *EXTENDED[:2], *EXTENDED[1:]),
    _extended("5/1", "CONNECT with Upgrade", *EXTENDED, ("upgrade", "websocket")),
    Case("RFC 8441 4/5", "CONNECT with an unknown :protocol",
         headers(1, block(EXTENDED[0], (":protocol", "gopher"), *EXTENDED[2:]), END_HEADERS), Answers(),
         needs_connect=True),
)

SECTIONS = {
    "Starting HTTP/2": STARTING,
    "Frames": FRAMES,
    "Streams": STATES,
    "Kinds of frames, and error codes": KINDS,
    "Requests": REQUESTS,
    "HPACK": HPACK,
    "WebSockets": WEBSOCKETS,
}
