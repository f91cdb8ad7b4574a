"""Rows 24, 25, 55, 56 and 74: peers that take their time, or have gone without a word. The server's times are short here."""

import pathlib
import socket
import tempfile
import time

from harness import KIBIBYTE, MEBIBYTE, SLACK, HostileServer, HostileTestCase, handshake_request
from support.cases import main
from support.environment import in_full
from support.frames import PING, PONG, TEXT, Frame, close_frame, frame

TCP_REPAIR = 19  # tcp(7): a socket closed in this state sends nothing


class SlowPeers(HostileTestCase):
    def closed_one_by_one(self, peers, keep_busy):
        """Waits until the server has ended all of them, while `keep_busy(peer)` goes on with each that is left."""
        left = set(peers)

        def none_is_left():
            for connection in list(left):
                if connection.has_ended():
                    left.discard(connection)
                else:
                    keep_busy(connection)
            return not left

        self.eventually(none_is_left, "the server ends them")

    def trickle(self, connection, byte=b"x"):
        try:
            connection.send(byte)
        except OSError:
            pass  # it was ended meanwhile

    def assert_lasts(self, since, seconds):
        """It did not end before its time; the kernel's and our clocks differ by a little."""
        self.assertGreater(time.monotonic() - since, seconds * 0.9)


class SlowRequests(SlowPeers):
    options = ("--set", "head_time=1s", "--set", "body_time=1s", "--set", "handshake_time=1s")

    def test_row_24_slow_heads_end_at_an_absolute_deadline(self):
        """A byte of a head now and then: 408 or the end at head_time, however the bytes come.

        With 5,000 (200) of them at once, handshakes that are good succeed.
        """
        began = time.monotonic()
        slow = [self.connect() for _ in range(in_full(5000, 200))]
        for connection in slow:
            connection.send(b"GET /body/ HTTP/1.1\r\nHost: localhost\r\nX: ")
        good = self.websocket()
        good.assert_echoes()
        self.closed_one_by_one(slow, self.trickle)
        self.assert_lasts(began, 1)

    def test_row_24_a_slow_head_is_told_408(self):
        """The deadline is answered with 408, then FIN."""
        started = []
        for start in [b"G", b"GET /body/ HTTP/1.1", b"GET /body/ HTTP/1.1\r\nHost: localhost\r\n", handshake_request()[:-1]]:
            connection = self.connect()
            connection.send(start)
            started.append(connection)
        for connection in started:
            answer = connection.answer()
            self.assertEqual((answer.status, answer.headers["Connection"]), (408, "close"))
            self.assertEqual(connection.rest(), b"")

    def test_row_25_silent_connections_are_ended(self):
        """Connect and send nothing: the end at head_time."""
        began = time.monotonic()
        silent = [self.connect() for _ in range(in_full(1000, 100))]
        self.closed_one_by_one(silent, lambda connection: None)
        self.assert_lasts(began, 1)

    def test_row_25_slow_bodies_end_at_an_absolute_deadline(self):
        """A byte of a body now and then, sized or in chunks: 408 and the end at body_time."""
        post = b"POST /body/ HTTP/1.1\r\nHost: localhost\r\n"
        began = time.monotonic()
        slow = [self.connect() for _ in range(in_full(500, 50))]
        for number, connection in enumerate(slow):
            connection.send(post + (b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" if number % 2
                                    else b"Content-Length: 1000000\r\n\r\n"))
        self.closed_one_by_one(slow, self.trickle)
        self.assert_lasts(began, 1)
        connection = self.connect()
        connection.send(post + b"Content-Length: 5\r\n\r\n1")
        self.assertEqual(connection.answer().status, 408)
        self.assertEqual(connection.rest(), b"")


class SlowReaders(SlowPeers):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "file.bin").write_bytes(bytes(15 * MEBIBYTE))
        cls.start(HostileServer("--set", f"static_folders={folder.name}", "--set", "write_time=2s", "--set",
                                f"min_response_rate={MEBIBYTE}"))

    def test_row_74_readers_of_a_large_file_hold_a_piece_each(self):
        """60 that ask for a file of 15 MiB and read a byte now and then: no copies, and min_response_rate ends them."""
        with self.server.memory_within(60 * 256 * KIBIBYTE + SLACK):
            slow = []
            for _ in range(60):
                connection = self.connect()
                connection.request("GET /static/file.bin")
                slow.append(connection)

            def read(connection):
                if connection.is_readable():
                    connection.socket.recv(1)

            self.eventually(lambda: [read(connection) for connection in slow] and self.server.sockets() == 1,
                            "the server ends them")
        ended = self.server.strikes("min_response_rate") + self.server.strikes("write_time")
        self.assertEqual(ended, 60)


class SlowMessages(SlowPeers):
    options = ("--set", "message_time=1s")

    def test_row_74_messages_that_never_end_are_closed(self):
        """A fragment, or a byte of a frame, now and then: 1008 at message_time."""
        for start, more in [(b"\x01\x81\0\0\0\0x", b"\0\x81\0\0\0\0x"), (b"\x01\x80\0\0\0\0", b"\0\x80\0\0\0\0"),
                            (b"\x81\xfe\x80\0\0\0\0\0", b"x")]:
            connection = self.websocket()
            began = time.monotonic()
            connection.send(start)
            self.eventually(lambda: self.trickle(connection, more) or connection.is_readable(), "the close")
            self.assertEqual(connection.closed()[0], 1008)
            self.assert_lasts(began, 1)
            connection.close()
        self.assertEqual(self.server.strikes("message_time"), 3)


class HalfOpen(SlowPeers):
    # The bystander, and a peer that is to stay, have all of ping_timeout to answer, however busy the machine is.
    options = ("--set", "ping_interval=1s", "--set", "ping_timeout=4s")

    def lost(self):
        return int(self.server.page("/ends/1006/"))

    def test_row_55_peers_that_do_not_answer_pings_are_dropped(self):
        """A peer that is stopped answers nothing: after ping interval and timeout it is gone, 1006 to the view."""
        lost = self.lost()
        count = in_full(1000, 100)
        began = time.monotonic()
        stopped = [self.websocket() for _ in range(count)]
        self.eventually(lambda: self.server.sockets() == 1, "the stopped peers are dropped")
        self.assert_lasts(began, 5)
        self.assertEqual(self.lost(), lost + count)
        for connection in stopped:
            self.assertEqual(connection.frame(), Frame(PING, b""))
            connection.close()

    def test_row_74_peers_that_read_byte_by_byte_are_dropped(self):
        """A WebSocket that is sent more than it takes, and takes a byte now and then: an outbox each, then ping_timeout."""
        before = self.server.strikes("ping_timeout")
        with self.server.memory_within(20 * 256 * KIBIBYTE + SLACK):
            slow = [self.websocket("/pour/") for _ in range(20)]

            def read(connection):
                if connection.is_readable():
                    connection.socket.recv(1)

            self.eventually(lambda: [read(connection) for connection in slow] and self.server.sockets() == 1,
                            "the server drops them")
        self.assertEqual(self.server.strikes("ping_timeout"), before + 20)

    def test_row_55_peers_that_answer_stay(self):
        """One that answers pings, and nothing else, is kept."""
        patient = self.websocket()
        for _ in range(3):
            self.eventually(patient.is_readable, "a ping")
            received = patient.frame()
            self.assertEqual(received.opcode, PING)
            patient.send(frame(PONG, received.payload))
        patient.assert_echoes()

    def test_row_55_peers_that_vanish_are_dropped(self):
        """A peer that is gone without FIN or reset, as behind a cut cable: dropped, 1006 to the view."""
        lost = self.lost()
        vanishing = [self.websocket() for _ in range(20)]
        self.eventually(lambda: self.server.sockets() == 21, "all are there")
        for connection in vanishing:
            try:
                connection.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                self.skipTest("a socket can only be closed silently with the right to administer the network")
            connection.close()
        self.assertEqual(self.server.sockets(), 21)  # it has not noticed
        self.eventually(lambda: self.server.sockets() == 1, "those that vanished are dropped")
        self.assertEqual(self.lost(), lost + 20)


class UnansweredCloses(SlowPeers):
    options = ("--set", "close_time=1s")

    def test_row_56_peers_that_never_answer_a_close_are_dropped(self):
        """Our close is not answered, or answered without FIN: TCP ends in close_time, even if the peer talks on."""
        began = time.monotonic()
        silent = []
        for answer in [b"", close_frame(1000), frame(TEXT, "x"), frame(PING, "x"), b"\x81"]:
            connection = self.websocket("/close/1000/")
            connection.send(frame(TEXT, "bye"))
            self.assertEqual(connection.closed(), (1000, "bye"))
            connection.send(answer)
            silent.append(connection)
        chatty = self.websocket("/close/1000/")
        chatty.send(frame(TEXT, "bye"))
        self.eventually(lambda: self.trickle(chatty, frame(TEXT, "x")) or self.server.sockets() == 1,
                        "all of them are dropped")
        self.assert_lasts(began, 1)

    def test_row_56_peers_that_take_nothing_are_dropped(self):
        """A peer that does not even take the close frame, or does not end TCP after a protocol error: the same."""
        deaf = self.websocket("/pour/")
        deaf.send(b"\xff" * 100)
        failed = [self.websocket() for _ in range(20)]
        for connection in failed:
            connection.send(frame(TEXT, b"\xff"))
        self.eventually(lambda: self.server.sockets() == 1, "all of them are dropped")


if __name__ == "__main__":
    main()
