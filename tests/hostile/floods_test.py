"""Rows 43 to 46: much of what costs nothing to send, and peers that do not take what they asked for."""

from harness import MEBIBYTE, SLACK, HostileTestCase
from support.cases import main
from support.frames import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, frame


class Floods(HostileTestCase):
    def test_row_43_empty_continuations_cost_nothing(self):
        """100,000 empty continuations, which are within max_fragments: the message at last; less than 8 MiB."""
        connection = self.websocket()
        with self.server.memory_within(8 * MEBIBYTE):
            connection.send(frame(TEXT, "x", final=False))
            for _ in range(100):
                connection.send(frame(CONTINUATION, b"", final=False) * 1000)
            connection.send(frame(CONTINUATION, "y"))
            received = connection.frame()
        self.assertEqual((received.opcode, received.payload), (TEXT, b"xy"))

    def test_row_43_the_most_fragments_and_one_more(self):
        """131,072 fragments are the message, 131,073 are 1008; less than 8 MiB for either."""
        for last, payload in ((131_071, b"x"), (131_072, None)):
            connection = self.websocket()
            with self.server.memory_within(8 * MEBIBYTE):
                connection.send(frame(TEXT, "x", final=False))
                connection.send(frame(CONTINUATION, b"", final=False) * (last - 1))
                connection.send(frame(CONTINUATION, b""))
                if payload is None:
                    self.assertEqual(connection.closed(), (1008, "too many fragments"))
                else:
                    self.assertEqual(connection.message(), payload)

    def test_row_44_fragments_without_end_are_1008(self):
        """CVE-2026-48779: fragments of one byte or none, 131,073 of them: 1008, and all is freed."""
        struck = self.server.strikes("max_fragments")
        for payload in ("", "x"):
            connection = self.websocket()
            connection.send(frame(BINARY, payload, final=False))
            connection.send(frame(CONTINUATION, payload, final=False) * 131_072)
            self.assertEqual(connection.closed(), (1008, "too many fragments"))
        self.assertEqual(self.server.strikes("max_fragments"), struck + 2)

    def test_row_44_fragments_of_one_byte_cost_less_than_two_more(self):
        """131,000 fragments of one byte without a last one, on 20 connections: the bytes and less than 2 more for each."""
        fragments = 131_000
        crowd = [self.websocket() for _ in range(20)]
        with self.server.memory_within(len(crowd) * fragments * 3 + SLACK):
            for connection in crowd:
                connection.send(frame(BINARY, "x", final=False))
                for _ in range(131):
                    connection.send(frame(CONTINUATION, "x", final=False) * 1000)
                connection.send(frame(PING, "are they all there?"))
            for connection in crowd:
                self.assertEqual(connection.frame().opcode, PONG)
        crowd[0].send(frame(CONTINUATION, "y"))
        self.assertEqual(crowd[0].message(), b"x" * (fragments + 1) + b"y")

    def test_row_45_pings_whose_pongs_are_not_read(self):
        """300,000 (the row has 30,000) pings without reading: reading stops, or the last is answered; less than 8 MiB."""
        connection = self.websocket()
        ping = frame(PING, "p" * 125)
        with self.server.memory_within(8 * MEBIBYTE):
            sent = self.offer(connection, ping * 300_000)
        self.assertGreater(sent, 0)
        # Then all that was taken is answered.
        for _ in range(sent // len(ping)):
            self.assertEqual(connection.frame(), Frame(PONG, b"p" * 125))
        connection.send((ping + frame(TEXT, "done"))[sent % len(ping):])
        self.assertIn(connection.frame().payload, (b"p" * 125, b"done"))

    def test_row_46_an_echo_that_is_not_read(self):
        """64 MiB offered to an echo whose answers are not read: reading stops, less than 16 MiB; nothing is lost."""
        connection = self.websocket()
        message = frame(BINARY, bytes(range(256)) * 256)
        with self.server.memory_within(16 * MEBIBYTE):
            sent = self.offer(connection, message * 1024)
            self.assertLess(sent, len(message) * 1024)
        for _ in range(sent // len(message)):
            self.assertEqual(connection.message(), bytes(range(256)) * 256)
        connection.send(message[sent % len(message):])
        self.assertEqual(connection.message(), bytes(range(256)) * 256)

    def test_row_46_a_view_that_does_not_read(self):
        """64 MiB in small messages offered to a view that takes none: reading stops, less than 16 MiB."""
        connection = self.websocket("/ignore/")
        with self.server.memory_within(16 * MEBIBYTE):
            sent = self.offer(connection, frame(TEXT, "x" * 100) * (64 * MEBIBYTE // 106))
        self.assertLess(sent, 64 * MEBIBYTE - 106)
        connection.abort()  # a FIN would wait for the view behind all that

    def test_row_46_answers_to_requests_that_are_not_read(self):
        """Pipelined requests without end whose answers are not read: reading stops, less than 16 MiB."""
        connection = self.connect()
        with self.server.memory_within(16 * MEBIBYTE):
            sent = self.offer(connection, b"GET /nothing/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500_000)
        self.assertLess(sent, 500_000 * 45)


if __name__ == "__main__":
    main()
