"""Rows 29 to 42, 47 and 68: frames that are wrong, and right ones that come in bad pieces (RFC 6455, 5 to 7)."""

import struct

from harness import KIBIBYTE, MAX, MEBIBYTE, SLACK, HostileTestCase
from support.cases import main
from support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame

# Not UTF-8 (RFC 3629): overlong, surrogates, beyond U+10FFFF, bytes that begin nothing, and what is cut.
BAD_TEXTS = [b"\xff", b"\xfe", b"\x80", b"a\xbf", b"\xc0\xaf", b"\xc1\x81", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
             b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80",
             b"\xc3(", b"\xe2\x82(", b"\xe2(\xa1", b"\xf0\x9f\x98(", "κόσμε".encode() + b"\xed\xa0\x80edited",
             b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"]
GOOD_TEXT = "κόσμε \N{CHEESE WEDGE} \U0010ffff \ud7ff\ue000 \0"


class Frames(HostileTestCase):
    def test_row_29_an_unmasked_frame_is_1002(self):
        """Frames of a client that are not masked: 1002 (5.1)."""
        for data in [frame(TEXT, "x", masked=False), frame(BINARY, b"", masked=False), frame(PING, "x", masked=False),
                     close_frame(1000, masked=False), frame(CONTINUATION, "x", masked=False)]:
            self.assert_fails(1002, data)

    def test_row_30_a_reserved_bit_is_1002(self):
        """RSV1, 2 or 3 without an extension: 1002 (5.2)."""
        for rsv in range(1, 8):
            for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
                self.assert_fails(1002, frame(opcode, b"\x03\xe8", rsv=rsv))
            self.assert_fails(1002, frame(TEXT, "x", final=False) + frame(CONTINUATION, "x", rsv=rsv))

    def test_row_31_a_reserved_opcode_is_1002(self):
        """Opcodes 3 to 7 and 11 to 15: 1002 (5.2)."""
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]:
            self.assert_fails(1002, frame(opcode, "x"))
            self.assert_fails(1002, frame(opcode, "x", final=False))

    def test_row_32_a_long_or_fragmented_control_frame_is_1002(self):
        """Control frames with more than 125 bytes, or in fragments: 1002 (5.5)."""
        for opcode in (CLOSE, PING, PONG):
            self.assert_fails(1002, frame(opcode, b"\x03\xe8", final=False))
            self.assert_fails(1002, frame(opcode, b"\x03\xe8" + b"x" * 124))
            self.assert_fails(1002, frame(opcode, b"\x03\xe8" + b"x" * 70_000)[:20])
            self.assert_fails(1002, frame(TEXT, "x", final=False) + frame(opcode, b"\x03\xe8", final=False))

    def test_row_33_fragments_out_of_order_are_1002(self):
        """A continuation of nothing, and a new message inside another: 1002 (5.4)."""
        for data in [frame(CONTINUATION, "x"), frame(CONTINUATION, "x", final=False), frame(CONTINUATION, b""),
                     frame(TEXT, "x", final=False) + frame(TEXT, "y"),
                     frame(TEXT, "x", final=False) + frame(BINARY, "y", final=False),
                     frame(TEXT, b"", final=False) + frame(CONTINUATION, b"", final=False) + frame(TEXT, b"")]:
            self.assert_fails(1002, data)

    def test_row_34_lengths_of_another_world_are_1002_or_1009_at_the_header(self):
        """CVE-2020-27813, CVE-2026-50161, CVE-2026-43678, CVE-2026-1528, CVE-2026-54466: the top bit, 2^64-4, 2^63-1.

        1002 or 1009 at the header, and nothing is allocated.
        """
        with self.server.memory_within(SLACK):
            for size, code in [(1 << 63, 1002), ((1 << 64) - 4, 1002), ((1 << 64) - 1, 1002), ((1 << 63) - 1, 1009),
                               (1 << 32, 1009), ((1 << 32) + 5, 1009), (1 << 62, 1009)]:
                for first in (0x81, 0x82, 0x01):
                    self.assert_fails(code, struct.pack("!BBQ", first, 0xFF, size))

    def test_row_35_a_message_too_big_is_1009_at_the_header(self):
        """One byte more than the limit is announced and nothing sent: 1009 at the header.

        Nothing is allocated for it, nor for 500 announcements that are allowed.
        """
        self.assert_fails(1009, struct.pack("!BBQ", 0x81, 0xFF, MAX + 1))
        self.assert_fails(1009, struct.pack("!BBQ", 0x82, 0xFF, MAX + 1) + b"mask" + b"x" * 1000)
        with self.server.memory_within(SLACK):
            for _ in range(500):
                self.websocket().send(struct.pack("!BBQ", 0x81, 0xFF, MAX) + b"mask" + b"x")
            self.bystander.assert_echoes()

    def test_row_36_fragments_too_big_together_are_1009(self):
        """Fragments whose sum is more than the limit: 1009, and no more than the limit is held."""
        with self.server.memory_within(3 * MAX + SLACK):  # while it grows, the old block and the new
            for parts in [[MAX, 1], [MAX // 2] * 3, [1, MAX], [100_000] * 11]:
                self.assert_fails(1009, b"".join(
                    frame(CONTINUATION if number else BINARY, bytes(size), final=False)
                    for number, size in enumerate(parts)))
        self.assert_fails(1009, frame(TEXT, "x", final=False) + struct.pack("!BBQ", 0x80, 0xFF, MAX))
        largest = self.websocket()
        largest.send(frame(BINARY, b"x" * (MAX - 1), final=False) + frame(CONTINUATION, b"x"))
        self.assertEqual(largest.message(), b"x" * MAX)

    def test_row_37_a_length_longer_than_needed_is_1002(self):
        """16 or 64 bits for a length that needs fewer: 1002 (5.2)."""
        for payload, length_bytes in [(b"", 2), (b"x", 2), (b"x" * 125, 2), (b"", 8), (b"x" * 126, 8)]:
            self.assert_fails(1002, frame(TEXT, payload, length_bytes=length_bytes))
        self.assert_fails(1002, frame(TEXT, b"x" * 65535, length_bytes=8)[:20])
        self.assert_fails(1002, frame(PING, b"x", length_bytes=2))

    def test_row_38_invalid_utf8_split_anywhere_is_1007(self):
        """Text that is not UTF-8, in whatever fragments and segments: 1007 (8.1)."""
        for bad in BAD_TEXTS:
            self.assert_fails(1007, frame(TEXT, bad))
            for at in range(len(bad)):
                self.assert_fails(1007, frame(TEXT, bad[:at], final=False) + frame(CONTINUATION, bad[at:]))

    def test_row_38_invalid_utf8_fails_inside_the_fragment(self):
        """The bad byte is enough: the rest of its frame and of its message need not come."""
        for bad in [b"ok\xff", b"\xce\xba\xed\xa0", b"\xf4\x90", b"\xc0", b"\xe2\x82("]:
            self.assert_fails(1007, frame(TEXT, bad + b"x" * 1000)[:8 + len(bad)])
            self.assert_fails(1007, frame(TEXT, b"x", final=False) + frame(CONTINUATION, bad + b"x", final=False))

    def test_row_38_valid_utf8_split_anywhere_is_echoed(self):
        """Code points may be cut by fragments and segments; binary messages may hold anything."""
        text = GOOD_TEXT.encode()
        for at in range(len(text) + 1):
            connection = self.websocket()
            connection.send(frame(TEXT, text[:at], final=False) + frame(PING, "!"))
            self.assertEqual(connection.frame().opcode, PONG)
            connection.send(frame(CONTINUATION, text[at:]))
            self.assertEqual(connection.message(), text)
            connection.close()
        connection = self.websocket()
        for bad in BAD_TEXTS:
            connection.send(frame(BINARY, bad))
            self.assertEqual(connection.message(), bad)

    def test_row_39_close_frames_that_may_not_be_sent_are_1002_or_1007(self):
        """One byte, codes that nobody may send: 1002. A reason that is not UTF-8: 1007 (5.5.1, 7.4)."""
        for byte in (b"\x00", b"\x03", b"\xff"):
            self.assert_fails(1002, frame(CLOSE, byte))
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]:
            self.assert_fails(1002, close_frame(code))
            self.assert_fails(1002, close_frame(code, b"reason"))
        for bad in BAD_TEXTS:
            self.assert_fails(1007, close_frame(1000, bad))

    def assert_closes(self, data, *codes):
        """A close with one of these codes; then the server ends TCP, although we have not."""
        for parts in [[data], *[[data[:at], data[at:]] for at in range(1, min(len(data), 40))]]:
            connection = self.websocket()
            connection.send_parts(parts)
            self.assertIn(connection.closed()[0], codes, data)
            self.assertEqual(connection.rest(), b"", data)
            connection.close()

    def test_row_40_a_close_is_echoed_and_the_server_ends_tcp_first(self):
        """Closes with each code that may be sent, with a reason, and empty: the same code back, then FIN (7.1.1)."""
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]:
            self.assert_closes(close_frame(code), code)
        self.assert_closes(close_frame(1000, "b\N{LATIN SMALL LETTER Y WITH DIAERESIS}e".encode()), 1000)
        self.assert_closes(close_frame(4000, b"x" * 123), 4000)
        self.assert_closes(frame(CLOSE), 1000, 1005)

    def test_row_41_what_follows_a_close_is_ignored(self):
        """Data after the close, however wrong, gets no answer; a close inside a message is a close."""
        for more in [frame(TEXT, "x"), frame(PING, "x"), close_frame(1001), b"\xff" * 1000,
                     b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", frame(TEXT, "x")[:3], frame(BINARY, bytes(MAX))]:
            self.assert_closes(close_frame(1000) + more, 1000)
        self.assert_closes(frame(TEXT, "x", final=False) + close_frame(1000), 1000, 1002)
        self.assert_closes(frame(TEXT, b"\xe2\x82", final=False) + close_frame(1000), 1000, 1002)

    def test_row_42_the_close_frame_arrives_whatever_is_sent_behind_the_error(self):
        """The close frame with its code, then FIN; what the peer goes on sending is read, so that no reset eats both."""
        for code, error in [(1002, frame(TEXT, "x", masked=False)), (1002, frame(3, "x")),
                            (1002, frame(CONTINUATION, "x")), (1002, frame(PING, "x", final=False)),
                            (1007, frame(TEXT, b"\xff")), (1002, close_frame(1005)),
                            (1009, struct.pack("!BBQ", 0x81, 0xFF, MAX + 1) + b"mask")]:
            with self.subTest(code=code, error=error):
                connection = self.websocket()
                connection.send(error + b"x" * MEBIBYTE)
                connection.send(b"x" * 100 * KIBIBYTE)
                self.assertEqual(connection.closed()[0], code)
                connection.send(b"x" * 100 * KIBIBYTE)
                self.assertEqual(connection.rest(), b"")

    def test_row_47_single_bytes_and_every_split_give_the_same(self):
        """A conversation in segments of one byte, and in two at every point: the same answers."""
        data = b"".join([
            frame(TEXT, "a"), frame(TEXT, b""), frame(BINARY, bytes(range(256))), frame(TEXT, "é" * 40, final=False),
            frame(PING, "in between"), frame(CONTINUATION, b"", final=False), frame(CONTINUATION, "!"),
            frame(PONG, "unasked"), frame(PING, b""), frame(BINARY, b"x" * 130)])
        whole = self.conversation([data])
        self.assertEqual([received.payload for received in whole],
                         [b"a", b"", bytes(range(256)), ("é" * 40 + "!").encode(), b"x" * 130, b"in between", b""])
        self.assertEqual(self.conversation([bytes([byte]) for byte in data]), whole)
        for at in range(1, len(data)):
            self.assertEqual(self.conversation([data[:at], data[at:]]), whole, at)

    def conversation(self, parts):
        """The five messages and two pongs that come back. Where a pong stands among messages is the server's choice."""
        connection = self.websocket()
        connection.send_parts(parts)
        frames = [connection.frame() for _ in range(7)]
        for byte in close_frame(3000, b"bye"):
            connection.send(bytes([byte]))
        self.assertEqual(connection.closed()[0], 3000)
        self.assertEqual(connection.rest(), b"")
        connection.close()
        return sorted(frames, key=lambda received: received.opcode == PONG)

    def test_row_47_a_large_message_in_small_segments(self):
        """100 KB in segments of 7 bytes."""
        connection = self.websocket()
        data = frame(TEXT, "0123456789" * 10_000)
        for at in range(0, len(data), 7):
            connection.send(data[at:at + 7])
        self.assertEqual(connection.message(), b"0123456789" * 10_000)

    def test_row_68_a_close_frame_has_its_code_and_reason_and_nothing_else(self):
        """Uninitialised memory: reasons of every length, cut to the 123 bytes that fit: the bytes are these and no
        others (no old memory)."""
        for size in [*range(0, 126), 130, 1000]:
            connection = self.websocket("/close/4000/")
            connection.send(frame(TEXT, "y" * size))
            shown = min(size, 123)
            expected = bytes([0x88, 2 + shown]) + struct.pack("!H", 4000) + b"y" * shown
            self.assertEqual(connection.exactly(len(expected)), expected)
            connection.send(close_frame(4000))
            self.assertEqual(connection.rest(), b"")
            connection.close()


if __name__ == "__main__":
    main()
