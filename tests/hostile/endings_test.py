"""Rows 57, 58, 62, 65, 67 and 83: connections, views and servers that end in every way there is."""

import os
import select
import signal
import socket
import unittest

from harness import MEBIBYTE, HostileServer, HostileTestCase
from support.cases import main
from support.environment import WORKERS, in_full
from support.frames import BINARY, CLOSE, TEXT, close_frame, frame
from support.tcp import RawClient
from support.waiting import PATIENCE, eventually

BIG = frame(BINARY, b"b" * MEBIBYTE)


class Endings(HostileTestCase):
    def ends(self, code):
        """How many views have been told that code, in all."""
        return int(self.server.page(f"/ends/{code}/"))

    def views(self):
        return int(self.server.page("/views/"))

    def assert_lost(self, end, count=10):
        """The view is told 1006 once for each connection that `end` ends, and the socket is freed."""
        before = self.ends(1006)
        for _ in range(count):
            connection = self.websocket()
            connection.assert_echoes()
            end(connection)
        self.eventually(lambda: self.server.sockets() == 1 and self.views() == 1, "sockets and views are gone")
        self.assertEqual(self.ends(1006), before + count)

    def test_row_57_fin_without_close_is_1006_once(self):
        """FIN between frames and inside one: 1006 to the view, once; the server ends its half too."""
        def finish(data):
            def end(connection):
                connection.send(data)
                connection.shutdown_write()
                connection.rest()
                connection.close()
            return end

        self.assert_lost(finish(b""))
        for cut in (1, 3, 5, 50):
            self.assert_lost(finish(frame(TEXT, "x" * 200)[:cut]))
        self.assert_lost(finish(frame(TEXT, "x", final=False)))

    def test_row_57_a_reset_inside_a_frame_is_1006_once(self):
        """RST between frames, inside one and while a message comes back: 1006 to the view, once."""
        def reset(data):
            def end(connection):
                connection.send(data)
                connection.abort()
            return end

        self.assert_lost(reset(b""))
        for cut in (1, 3, 5, 50):
            self.assert_lost(reset(frame(TEXT, "x" * 200)[:cut]))
        self.assert_lost(reset(BIG))

    def test_row_57_a_half_closed_peer_gets_what_it_was_owed(self):
        """Data, then FIN: the data is answered or dropped, then the end; what comes behind a FIN is no concern."""
        def end(connection):
            connection.send(frame(TEXT, "one") + frame(TEXT, "two"))
            connection.shutdown_write()
            self.assertIn(connection.rest(), (b"", b"\x81\x03one", b"\x81\x03one\x81\x03two"))
            connection.close()

        self.assert_lost(end)

    def test_row_83_a_close_of_a_group_that_may_not_be_sent_is_told_to_its_caller(self):
        """Group::close with a code or a reason that no frame may carry, with members on all loops: it throws, and they
        stay. Then one that may be sent reaches them all."""
        members = [self.websocket("/member/close/") for _ in range(8 * WORKERS)]

        def close_all(code, reason):
            closer = self.websocket(f"/publish/close/{code}/")
            closer.send(frame(BINARY, reason))
            outcome = closer.frame().payload.decode()
            closer.close()
            return outcome

        for code in (0, 1005, 1006, 1015, 2999):
            self.assertEqual(close_all(code, b""), f"close(): a close frame may not carry the code {code}")
        self.assertEqual(close_all(1000, b"\xff"), "close(): a close reason must be UTF-8")
        publisher = self.websocket("/publish/")
        publisher.send(frame(TEXT, "still there"))
        for member in members:
            self.assertEqual(member.frame().payload, b"still there")
        self.assertEqual(close_all(4000, b"x" * 200), "closed")
        for member in members:
            self.assertEqual(member.frame().payload, b"\x0f\xa0" + b"x" * 123)

    def test_row_58_clients_killed_inside_a_frame_leave_nothing(self):
        """Client processes are killed inside frames of 10,000 (500) connections: sockets, views and memory are back."""
        def killed_client():
            pid = os.fork()
            if pid == 0:
                try:
                    connections = [RawClient(self.server.port) for _ in range(50)]
                    for connection in connections:
                        connection.open("/echo/")
                        connection.send(frame(TEXT, "x" * 100_000)[:50_000])
                finally:
                    os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(pid, 0)

        def many(count):
            for _ in range(count // 50):
                killed_client()
            self.eventually(lambda: self.views() == 1, "the views have ended")
            self.eventually(lambda: self.server.sockets() == 1, "the sockets are closed")

        many(100)
        before = self.server.memory()
        descriptors = self.server.descriptors()
        many(in_full(10_000, 500))
        self.assertEqual(self.server.descriptors(), descriptors)
        if not self.server.is_sanitized():
            limit = before + before // 10 + 2 * MEBIBYTE
            self.eventually(lambda: self.server.memory() <= limit, f"the memory is back under {limit}")

    def test_row_65_a_view_that_throws_is_1011(self):
        """Its own peer hears 1011, the log tells the route; others notice nothing."""
        start = self.server.line_count
        crowd = [self.websocket("/fail/") for _ in range(20)]
        for connection in crowd:
            connection.send(frame(TEXT, "x"))
        for connection in crowd:
            self.assertEqual(connection.closed()[0], 1011)
            connection.send(close_frame(1011))
            self.assertEqual(connection.rest(), b"")
        self.server.wait_for("the view fails, as it should", start)

    def test_row_65_a_view_that_blocks_holds_only_its_loop(self):
        """Who lives on its loop waits, is served afterwards and loses nothing; other loops go on."""
        crowd = {}
        for _ in range(32):
            connection = self.websocket()
            crowd[connection.socket] = connection
        blocking = self.block_a_loop()
        try:
            for connection in crowd.values():
                connection.send(frame(TEXT, "meanwhile"))
            if WORKERS > 1:  # of 32, some live elsewhere
                for ready in select.select(list(crowd), [], [], PATIENCE)[0] or self.fail("all loops are held"):
                    self.assertEqual(crowd.pop(ready).message(), b"meanwhile")
            self.assertEqual(select.select([blocking.socket], [], [], 0)[0], [])
        finally:
            self.server.signal(signal.SIGUSR1)
        self.assertEqual(blocking.message(), b"x")
        for connection in crowd.values():
            self.assertEqual(connection.message(), b"meanwhile")

    def test_row_65_sending_after_close_does_nothing(self):
        """send() and close() after close(): the peer sees the first close and nothing else, and nothing is logged."""
        start = self.server.line_count
        for _ in range(10):
            connection = self.websocket("/late/")
            connection.send(frame(TEXT, "x") + frame(TEXT, "y"))
            self.assertEqual(connection.closed(), (3000, "over"))
            connection.send(frame(TEXT, "z") + close_frame(3000))
            self.assertEqual(connection.rest(), b"")
        self.eventually(lambda: self.views() == 1, "the views have ended")
        self.assertNotRegex("\n".join(self.server.output.splitlines()[start:]), "(?i)error|exception|failed")

    def test_row_67_a_reset_while_it_sends_has_no_effect(self):
        """Peers that reset while megabytes go out to them (EPIPE, ECONNRESET): that view ends with 1006."""
        before = self.ends(1006)
        crowd = [self.websocket("/pour/") for _ in range(50)]
        for number, connection in enumerate(crowd):
            connection.frame()
            if number % 2:
                connection.abort()
            else:
                connection.close()  # with bytes unread: a reset too
        self.eventually(lambda: self.views() == 1, "the views have ended")
        self.assertEqual(self.ends(1006), before + 50)

    def test_row_67_sigpipe_has_no_effect(self):
        """SIGPIPE is nothing to a server."""
        for _ in range(10):
            self.server.signal(signal.SIGPIPE)
            self.bystander.assert_echoes()


class Shutdown(unittest.TestCase):
    def server(self, *options):
        server = HostileServer("--set", "shutdown_time=60m", *options)  # whoever holds the whole grace hangs here
        self.addCleanup(server.kill)
        return server

    def websocket(self, server, path="/echo/"):
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.open(path)
        return connection

    def test_row_62_sigterm_at_load_flushes_and_closes_all_with_1001(self):
        """SIGTERM with 1,000 (100) connections under way: no new one, what was sent arrives, 1001 to all, exit 0.

        The end comes when the last has gone, not when the grace is over.
        """
        server = self.server()
        crowd = [self.websocket(server) for _ in range(in_full(1000, 100))]
        for connection in crowd:
            connection.send(BIG)
        heads = [connection.exactly(2) for connection in crowd]  # the view has sent it, the kernel has not all of it
        server.signal(signal.SIGTERM)
        eventually(lambda: self.is_refused(server.port), "nobody listens any more")
        self.assertTrue(server.is_running())  # it still owes us a lot
        for connection, head in zip(crowd, heads):
            self.assertEqual(head + connection.exactly(MEBIBYTE + 8), b"\x82\x7f" + MEBIBYTE.to_bytes(8, "big")
                             + b"b" * MEBIBYTE)
            received = connection.frame()
            self.assertEqual((received.opcode, received.payload[:2]), (CLOSE, b"\x03\xe9"))
            connection.send(close_frame(1001))
            self.assertEqual(connection.rest(), b"")
            connection.close()
        self.assertEqual(server.wait(), 0, server.output)

    def test_row_62_connections_that_are_idle_or_half_way_do_not_hold_the_end(self):
        """SIGTERM with connections that said nothing, half a request, half a frame, and one that never answers."""
        server = self.server("--set", "close_time=1s")
        silent = RawClient(server.port)
        half = RawClient(server.port)
        half.send(b"GET /views/ HTTP/1.1\r\nHost: loc")
        kept = RawClient(server.port)
        kept.request("GET /views/")
        kept.answer()
        for connection in (silent, half, kept):
            self.addCleanup(connection.close)
        mute = self.websocket(server)
        mute.assert_echoes()
        mute.send(frame(TEXT, "x" * 100)[:50])
        server.signal(signal.SIGTERM)
        self.assertEqual(mute.closed()[0], 1001)
        self.assertEqual(server.wait(), 0, server.output)  # ours are all still open

    def test_row_62_a_crowd_that_never_answers_the_close_does_not_hold_the_end(self):
        """SIGTERM with 1,000 WebSockets whose peers say nothing any more: close_time ends them, or shutdown_time."""
        for name in ("close_time", "shutdown_time"):
            with self.subTest(name):
                server = HostileServer("--set", "close_time=60m", "--set", "shutdown_time=60m", "--set", f"{name}=1s")
                self.addCleanup(server.kill)
                crowd = [self.websocket(server) for _ in range(1000)]
                server.signal(signal.SIGTERM)
                for connection in crowd:
                    self.assertEqual(connection.closed()[0], 1001)
                self.assertEqual(server.wait(), 0, server.output)  # theirs are all still open
                for connection in crowd:
                    connection.close()

    def test_row_63_a_killed_server_is_replaced_at_once(self):
        """SIGKILL with connections open: another binds the port at once and serves; who was connected learns of it."""
        killed = self.server()
        crowd = [self.websocket(killed) for _ in range(50)]
        for connection in crowd:
            connection.send(BIG[:1000])
        killed.kill()
        server = HostileServer("--set", "shutdown_time=60m", port=killed.port)
        self.addCleanup(server.kill)
        self.websocket(server).assert_echoes()
        for connection in crowd:  # with io_uring the kernel closes them when it comes to it
            eventually(connection.has_ended, "the connection has ended")
            connection.close()
        for connection in [self.websocket(server) for _ in range(50)]:
            connection.assert_echoes()

    def is_refused(self, port):
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # it was in the queue of the listener that closed


if __name__ == "__main__":
    main()
