"""Rows 20 to 22 and 48 to 53: permessage-deflate (RFC 7692), against Python's zlib."""

import random
import zlib

from harness import KIBIBYTE, MAX, MEBIBYTE, HostileTestCase, cuts, handshake_request
from support.cases import main
from support.environment import in_full
from support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame

COMPRESSED = 4  # RSV1
TAIL = b"\x00\x00\xff\xff"
HELLO = b"\xf2\x48\xcd\xc9\xc9\x07\x00"  # RFC 7692, 7.2.3.1
PATHS = ["/deflate/", "/deflate/forgetting/"]
BOUND = 4 * MEBIBYTE + 3 * MAX


class Compressor:
    """Makes the payloads of one side."""

    def __init__(self, bits=15, level=6):
        self._zlib = zlib.compressobj(level, zlib.DEFLATED, -bits)

    def message(self, payload):
        data = self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(TAIL)


class Decompressor:
    """Inflates the payloads of one side. With step=1 it has no more of them than its window."""

    def __init__(self, bits=15, step=0):
        self._zlib = zlib.decompressobj(-bits)
        self._step = step  # what lies in a larger buffer could be referred to beyond the window

    def message(self, payload):
        message, rest = [], payload + TAIL
        while rest:
            message.append(self._zlib.decompress(rest, self._step))
            rest = self._zlib.unconsumed_tail
        return b"".join(message)


def compressed(payload):
    """A message's payload, made by a compressor that knows nothing before it."""
    return Compressor(level=9).message(payload)


def text_of(size, seed=0):
    """Words that repeat, near and far."""
    chosen = random.Random(seed)
    words = [f"word{chosen.randrange(1000)} " for _ in range(50)]
    text = ""
    while len(text) < size:
        text += chosen.choice(words)
    return text[:size].encode()


# 64 MiB in 64 KiB.
BOMB = compressed(bytes(64 * MEBIBYTE))


class Deflate(HostileTestCase):
    def deflating(self, path=PATHS[0], offer="permessage-deflate"):
        """A WebSocket that compresses, and what the server has answered."""
        connection = self.connect()
        answer = connection.open(path, f"Sec-WebSocket-Extensions: {offer}")
        connection.agreed = answer.headers["Sec-WebSocket-Extensions"]
        self.assertTrue(connection.agreed.startswith("permessage-deflate"), connection.agreed)
        return connection

    def assert_fails_deflated(self, code, data):
        """However the bytes are cut, with context and without: a close frame with that code, then FIN and no reset."""
        for path in PATHS:
            for parts in cuts(data):
                connection = self.deflating(path)
                connection.send_parts(parts)
                received = connection.closed()
                self.assertEqual(received[0], code, (data[:40], received))
                self.assertEqual(connection.rest(), b"", data[:40])
                connection.close()

    # ---- The handshake_request

    def test_row_20_extensions_cost_little(self):
        """Fields made to be matched slowly (CVE-2020-7663, CVE-2021-32640): 101, 400 or 431 in less than 50 ms of CPU."""
        for value in ['a;b="' + "\\c" * 3500, "permessage-deflate" + "; client_max_window_bits" * 300,
                      "permessage-deflate;" + " " * 7000 + "x", "a" + ";b=1" * 1700, "," * 7000, "a," * 3500,
                      'a; b="' + '\\"' * 3000 + '"', "permessage-deflate; unknown, " * 250]:
            with self.subTest(value=value[:40]):
                data = handshake_request(None, f"Sec-WebSocket-Extensions: {value}", line="GET /deflate/ HTTP/1.1")
                before = self.server.cpu()
                self.assert_answer(data, 101, 400, 431)
                if not self.server.is_sanitized():
                    self.assertLess(self.server.cpu() - before, 3 * 0.050)  # it was sent three times

    def assert_agrees(self, offers, expected):
        data = handshake_request(None, *[f"Sec-WebSocket-Extensions: {offer}" for offer in offers],
                                 line="GET /deflate/ HTTP/1.1")
        for answer, connection in self.answers(data):
            self.assertEqual(answer.status, 101, offers)
            self.assertEqual(answer.headers["Sec-WebSocket-Extensions"], expected, offers)
            connection.assert_echoes("")
            connection.close()

    def test_row_21_unknown_extensions_are_passed_over(self):
        """Extensions that nobody knows, before or behind the one that is known, on one line or on several."""
        for offers in (["constructor"], ["__proto__; a=1"], ["x-webkit-deflate-frame"], ["Permessage-Deflate"]):
            self.assert_agrees(offers, None)
        for offers in (["constructor, permessage-deflate"], ["permessage-deflate, mux; a"],
                       ["toString", "permessage-deflate"], [" ,, permessage-deflate ,"]):
            self.assert_agrees(offers, "permessage-deflate")

    def test_row_22_bad_offers_are_declined(self):
        """Window bits out of 8 to 15 (CVE-2026-2229), parameters twice, unknown or with values they do not have."""
        for parameters in ["server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=010",
                           "server_max_window_bits", "client_max_window_bits=7", "client_max_window_bits=16",
                           "client_max_window_bits=08", "client_max_window_bits=4294967304",
                           "server_max_window_bits=-9", "server_max_window_bits=10; server_max_window_bits=10",
                           "client_no_context_takeover; client_no_context_takeover", "server_no_context_takeover=1",
                           "unknown", "unknown=1", "client_max_window_bits; mux"]:
            with self.subTest(parameters=parameters):
                bad = f"permessage-deflate; {parameters}"
                self.assert_agrees([bad], None)
                good = "permessage-deflate; client_max_window_bits=9"  # to fall back to
                self.assert_agrees([f"{bad}, {good}"], good)
                self.assert_agrees([bad, good], good)

    # ---- Frames

    def test_row_48_reserved_bits_are_1002(self):
        """RSV1 on a continuation or a control frame, RSV2, RSV3, and RSV1 on reserved opcodes: 1002."""
        begun = frame(TEXT, HELLO, final=False, rsv=COMPRESSED)
        for data in [begun + frame(CONTINUATION, HELLO, rsv=COMPRESSED), frame(PING, "x", rsv=COMPRESSED),
                     frame(PONG, "x", rsv=COMPRESSED), frame(CLOSE, b"\x03\xe8", rsv=COMPRESSED),
                     frame(TEXT, "x", rsv=2), frame(TEXT, "x", rsv=1), frame(TEXT, HELLO, rsv=COMPRESSED | 2),
                     frame(TEXT, HELLO, rsv=COMPRESSED | 1), frame(3, HELLO, rsv=COMPRESSED),
                     frame(CONTINUATION, HELLO, rsv=COMPRESSED), begun + begun]:
            with self.subTest(data=data):
                self.assert_fails_deflated(1002, data)
        connection = self.connect()  # and all of it if compression was not agreed on
        connection.open("/deflate/")
        connection.send(frame(TEXT, HELLO, rsv=COMPRESSED))
        self.assertEqual(connection.closed()[0], 1002)

    def test_row_49_corrupt_data_is_1007(self):
        """What is no deflate, ends too soon, goes on behind its end, or refers to what was never there: 1007."""
        for payload in [b"", b"\xff\xff\xff", b"\x07", b"\x06", HELLO[:4], HELLO[:-1], HELLO + TAIL, HELLO + b"\xff",
                        b"\xf2\x00\x11\x00\x00", zlib.compress(b"with a header"), b"this is no deflate",
                        b"\x00\x05\x00\x00\x00Hello"]:
            with self.subTest(payload=payload):
                self.assert_fails_deflated(1007, frame(BINARY, payload, rsv=COMPRESSED))
        noise = random.Random(7692)
        for _ in range(in_full(2000, 50)):
            connection = self.deflating(noise.choice(PATHS))
            connection.send(frame(BINARY, noise.randbytes(noise.randrange(1, 200)), rsv=COMPRESSED) + close_frame(1000))
            received = connection.frame()
            while received.opcode == BINARY:  # which by chance it is
                received = connection.frame()
            self.assertIn(received.payload[:2], (b"\x03\xef", b"\x03\xe8"))
            connection.close()

    def test_row_49_corrupt_data_fails_inside_the_fragment(self):
        """Nothing more than the bad byte has to come."""
        connection = self.deflating()
        connection.send(frame(BINARY, b"\x07" + bytes(1000), final=False, rsv=COMPRESSED)[:8 + 1])
        self.assertEqual(connection.closed()[0], 1007)

    # ---- Bombs (CVE-2018-1000518, CVE-2026-1526)

    def assert_too_big(self, parts):
        for path in PATHS:
            connection = self.deflating(path)
            with self.server.memory_within(BOUND):
                connection.send_parts(parts)
                self.assertEqual(connection.closed()[0], 1009)
            connection.close()

    def test_row_50_one_byte_too_many_is_1009(self):
        """The largest message comes back; one byte more is 1009, and so is the header of a frame that is of no use."""
        for path in PATHS:
            connection = self.deflating(path)
            with self.server.memory_within(BOUND):
                connection.send(frame(BINARY, compressed(bytes(MAX)), rsv=COMPRESSED))
                self.assertEqual(Decompressor().message(connection.frame().payload), bytes(MAX))
        self.assert_too_big([frame(BINARY, compressed(bytes(MAX + 1)), rsv=COMPRESSED)])
        self.assert_too_big([frame(BINARY, bytes(2 * MAX), rsv=COMPRESSED)[:14]])

    def test_row_50_a_bomb_is_1009(self):
        """64 MiB in 64 KiB, whole or cut: 1009, and never more than 4 MiB and three messages (CVE-2018-1000518)."""
        self.assertLess(len(BOMB), 70 * KIBIBYTE)
        for parts in cuts(frame(BINARY, BOMB, rsv=COMPRESSED)):
            self.assert_too_big(parts)

    def test_row_50_a_bomb_in_fragments_is_1009(self):
        """The same in fragments of 100 bytes (CVE-2026-1526)."""
        parts = [BOMB[at:at + 100] for at in range(0, len(BOMB), 100)]
        self.assert_too_big([frame(BINARY, parts[0], final=False, rsv=COMPRESSED),
                             *[frame(CONTINUATION, part, final=False) for part in parts[1:]]])

    def test_row_50_bombs_in_many_messages_are_taken_one_by_one(self):
        """64 messages of the largest size in 64 KiB at once: an echo of each, and never more than 4 MiB and three."""
        for path in PATHS:
            connection = self.deflating(path)
            message = frame(BINARY, compressed(bytes(MAX)), rsv=COMPRESSED)
            decompressor = Decompressor()
            with self.server.memory_within(BOUND):
                connection.send(message * 64)
                for _ in range(64):
                    inflated = decompressor.message(connection.frame().payload)
                    self.assertEqual(inflated, bytes(MAX))
            connection.close()

    def test_row_50_bombs_that_nobody_takes_wait(self):
        """The same to a view that takes none, and to an echo whose answers are not read: the rest is not inflated."""
        message = frame(BINARY, compressed(bytes(MAX)), rsv=COMPRESSED)
        connection = self.deflating("/deflate/ignore/")
        with self.server.memory_within(BOUND):
            self.offer(connection, message * 4096)
        connection.abort()
        noise = Compressor()  # whose echo is as large as it was
        connection = self.deflating()
        with self.server.memory_within(BOUND + 16 * MEBIBYTE):
            self.offer(connection, b"".join(
                frame(BINARY, noise.message(random.Random(seed % 8).randbytes(MAX)), rsv=COMPRESSED)
                for seed in range(16)))
        connection.abort()

    def test_row_50_unfinished_messages_cost_a_window_each(self):
        """200 connections inside a compressed message: less than 64 KiB for each."""
        crowd = [self.deflating(PATHS[1], "permessage-deflate; client_max_window_bits") for _ in range(200)]
        begun = frame(BINARY, Compressor(12).message(text_of(8 * KIBIBYTE))[:-20], final=False, rsv=COMPRESSED)
        with self.server.memory_within(len(crowd) * 64 * KIBIBYTE):
            for connection in crowd:
                connection.send(begun + frame(PING, "have you got it?"))
            for connection in crowd:
                self.assertEqual(connection.frame().opcode, PONG)
        for connection in crowd:
            connection.abort()

    # ---- Messages

    def test_row_51_bad_utf8_inside_is_1007(self):
        """Compressed text that is not UTF-8, wherever it is cut: 1007, inside the fragment."""
        for text in [b"caf\xe9", b"\xed\xa0\x80", b"a" * 1000 + b"\xff", b"\xf4\x90\x80\x80"]:
            self.assert_fails_deflated(1007, frame(TEXT, compressed(text), rsv=COMPRESSED))
        self.assert_fails_deflated(1007, frame(TEXT, compressed(b"a\xe2\x82"), rsv=COMPRESSED))
        connection = self.deflating()
        payload = Compressor().message(b"\xff" + random.Random(1).randbytes(1000))
        connection.send(frame(TEXT, payload[:100], final=False, rsv=COMPRESSED))
        self.assertEqual(connection.closed()[0], 1007)

    def test_row_52_every_kind_of_block_is_echoed(self):
        """A final block, stored blocks, an empty message, blocks of fixed and of own codes, three fragments."""
        final = zlib.compressobj(9, zlib.DEFLATED, -15)
        text = text_of(5000)
        for payload, message in [
            (HELLO, b"Hello"), (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello"), (b"\x00", b""),
            (b"\x00\x05\x00\xfa\xffHello\x00", b"Hello"), (b"\xf2\x48\x05" + TAIL.join([b"\x00", b"\xca\xc9\xc9\x07\x00"]),
                                                          b"Hello"),
            (final.compress(text) + final.flush(zlib.Z_FINISH) + b"\x00", text), (Compressor(level=0).message(text), text),
            (Compressor(level=1).message(text), text), (compressed(text), text), (compressed(b""), b""),
        ]:
            third = len(payload) // 3
            fragments = (frame(TEXT, payload[:third], final=False, rsv=COMPRESSED) +
                         frame(CONTINUATION, payload[third:2 * third], final=False) + frame(PING, "between") +
                         frame(CONTINUATION, payload[2 * third:]))
            for path in PATHS:
                for data in [frame(TEXT, payload, rsv=COMPRESSED), fragments]:
                    for parts in cuts(data):
                        connection = self.deflating(path)
                        connection.send_parts(parts)
                        received = connection.frame()
                        if received.opcode == PONG:
                            received = connection.frame()
                        echo = Decompressor().message(received.payload) if received.rsv else received.payload
                        self.assertEqual((received.opcode, echo), (TEXT, message))
                        connection.close()

    def test_row_53_windows_are_honoured(self):
        """With every window that a client may ask for, a zlib with that window can inflate what comes."""
        for bits in range(8, 16):
            connection = self.deflating(PATHS[0], f"permessage-deflate; server_max_window_bits={bits}; "
                                                  f"client_max_window_bits={bits}")
            own = f"; client_max_window_bits={bits}" if bits < 15 else ""
            self.assertEqual(connection.agreed, f"permessage-deflate; server_max_window_bits={bits}{own}")
            compressor, decompressor = Compressor(max(bits, 9), 0 if bits == 8 else 6), Decompressor(bits, step=1)
            for number in range(20):
                text = text_of(500 * number, number % 3)
                connection.send(frame(TEXT, compressor.message(text), rsv=COMPRESSED))
                received = connection.frame()
                echo = decompressor.message(received.payload) if received.rsv else received.payload
                self.assertEqual(echo, text, (bits, number))
            connection.close()

    def test_row_53_context_takeover_is_honoured(self):
        """The server refers to earlier messages only if that was agreed on, and each side is agreed on by itself."""
        text = text_of(3000)
        for path, offer, keeps in [
            (PATHS[0], "permessage-deflate", True),
            (PATHS[0], "permessage-deflate; client_no_context_takeover", True),
            (PATHS[0], "permessage-deflate; server_no_context_takeover", False),
            (PATHS[1], "permessage-deflate", False),
        ]:
            connection = self.deflating(path, offer)
            compressor = Compressor()
            takes = "client_no_context_takeover" not in connection.agreed
            self.assertEqual("server_no_context_takeover" not in connection.agreed, keeps)
            kept = Decompressor()
            sizes = []
            for _ in range(5):
                payload = compressor.message(text) if takes else compressed(text)
                connection.send(frame(TEXT, payload, rsv=COMPRESSED))
                received = connection.frame()
                sizes.append(len(received.payload))
                self.assertEqual((kept if keeps else Decompressor()).message(received.payload), text)
            self.assertEqual(sizes[1] < sizes[0] // 4, keeps, sizes)
            connection.close()
        connection = self.deflating(PATHS[1])  # whose client has to forget
        compressor = Compressor()
        connection.send(frame(TEXT, compressor.message(text), rsv=COMPRESSED))
        connection.frame()
        connection.send(frame(TEXT, compressor.message(text), rsv=COMPRESSED))
        self.assertEqual(connection.closed()[0], 1007)


if __name__ == "__main__":
    main()
