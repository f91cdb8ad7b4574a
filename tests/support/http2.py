"""An HTTP/2 client on a raw socket: it sends any bytes, and reads frames."""

import collections
import socket
import struct

from hpack import Decoder

from .waiting import PATIENCE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)

(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8

Frame = collections.namedtuple("Frame", "type flags stream payload")


def frame(kind, flags=0, stream=0, payload=b""):
    """The bytes of a frame. Nothing is checked: `stream` may have the reserved bit, `payload` any length."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def ping(payload=b"12345678", flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", code))


def data(stream, payload=b"", flags=END_STREAM):
    return frame(DATA, flags, stream, payload)


def headers(stream, block, flags=END_STREAM | END_HEADERS):
    return frame(HEADERS, flags, stream, block)


def text(value):
    """A string of HPACK without Huffman coding (RFC 7541, 5.2), shorter than 127 octets."""
    value = value.encode("latin-1")
    return bytes([len(value)]) + value


def block(*fields):
    """A header block in which each field is a literal without indexing: the same in each state of the dynamic table."""
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields)


class Closed(Exception):
    """The server has closed the connection."""


class RawHttp2:
    """A connection. It has said nothing yet."""

    def __init__(self, port, host="127.0.0.1"):
        self._socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._decoder = Decoder()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._socket.close()

    def send(self, *pieces):
        self._socket.sendall(b"".join(pieces))

    def read_frame(self):
        """The next frame. Throws Closed at the end, and TimeoutError if there is none."""
        length = int.from_bytes(self._peek(9)[:3], "big")
        whole = self._peek(9 + length)
        del self._received[:9 + length]
        kind, flags, stream = struct.unpack(">BBI", whole[3:9])
        return Frame(kind, flags, stream, whole[9:])

    def fields(self, answer):
        """The decoded fields of a HEADERS frame that has the whole block. To be called for each, in order."""
        return dict(self._decoder.decode(answer.payload))

    def _peek(self, count):
        while len(self._received) < count:
            try:
                piece = self._socket.recv(65536)
            except ConnectionError as error:
                raise Closed from error
            if not piece:
                raise Closed
            self._received += piece
        return bytes(self._received[:count])
