"""Row 85: bodies that their views read while they arrive, from clients that send them slowly, not at all, or wrongly."""

import contextlib

from harness import KIBIBYTE, MEBIBYTE, SLACK, HostileTestCase
from support.cases import main
from support.environment import in_full

BUFFER = 16 * KIBIBYTE
# What the kernel may hand over in one read, beyond a buffer that is not full.
ONE_READ = 256 * KIBIBYTE


class Bodies(HostileTestCase):
    options = ("--set", f"body_buffer_bytes={BUFFER}", "--set", "body_time=1s", "--set", "body_grace=1s", "--set",
               "half_closed_time=500ms")

    def post(self, path, length, *fields, body=b""):
        connection = self.connect()
        connection.request(f"POST {path}", f"Content-Length: {length}" if length else "Transfer-Encoding: chunked", *fields,
                           body=body)
        return connection

    def views(self):
        return int(self.server.page("/views/")) - 1  # without the bystander's

    def test_row_85_large_bodies_cost_a_buffer(self):
        """100 (20) MiB, in one length or in chunks: a small part of them is in memory."""
        piece = b"x" * MEBIBYTE
        pieces = in_full(100, 20)
        with self.server.memory_within(SLACK + 8 * MEBIBYTE):
            sized = self.post("/upload/", pieces * MEBIBYTE)
            for _ in range(pieces):
                sized.send(piece)
            self.assertEqual(sized.answer().body, b"%d" % (pieces * MEBIBYTE))
            chunked = self.post("/upload/", None)
            for _ in range(pieces):
                chunked.send(b"%x\r\n" % MEBIBYTE + piece + b"\r\n")
            chunked.send(b"0\r\n\r\n")
            self.assertEqual(chunked.answer().body, b"%d" % (pieces * MEBIBYTE))

    def test_row_85_slow_bodies_are_told_408(self):
        """A byte now and then, or nothing: 408 and FIN, sized or in chunks."""
        slow = [self.post("/upload/", length, body=body)
                for length, body in [(1000, b""), (1000, b"x"), (None, b""), (None, b"5\r\nab"), (None, b"5\r\nabcde\r\n")]]
        for connection in slow:
            self.assertEqual(connection.answer().status, 408)
            self.assertEqual(connection.rest(), b"")

    def test_row_85_a_view_that_does_not_read_holds_its_client_back(self):
        """The server takes the buffer, one read and what the kernel holds; the view is stopped by the client's reset."""
        connection = self.post("/upload/unread/", 100 * MEBIBYTE)
        with self.server.memory_within(SLACK + BUFFER + ONE_READ):
            taken = self.offer(connection, bytes(64 * MEBIBYTE))
        self.assertLess(taken, 32 * MEBIBYTE)
        self.assertEqual(self.views(), 1)
        connection.abort()
        self.eventually(lambda: self.views() == 0, "the view is stopped")

    def test_row_85_clients_that_go_in_the_middle_leave_nothing(self):
        """By a reset, a close or FIN, to views that read and to one that does not."""
        count = in_full(300, 30)
        for path in ["/upload/", "/upload/unread/"]:
            for leave in ["abort", "close", "shutdown_write"]:
                connections = [self.post(path, 10_000, body=b"half") for _ in range(count)]
                self.eventually(lambda: self.views() == count, "all views run")
                for connection in connections:
                    getattr(connection, leave)()
                self.eventually(lambda: self.views() == 0, f"{path} after {leave}")
                for connection in connections:
                    connection.close()

    def test_row_85_early_answers_arrive_and_nothing_is_smuggled(self):
        """To bodies that are short, long, broken or never sent; what comes behind is a body, never a request."""
        smuggled = b"GET /views/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        short = self.post("/upload/refused/", len(smuggled))
        self.assertEqual(short.answer().status, 403)
        short.send(smuggled)
        short.request("POST /upload/", "Content-Length: 5", body=b"hello")
        self.assertEqual(short.answer().body, b"5")
        for length, fields, body in [(100 * MEBIBYTE, [], smuggled), (None, [], b"x\r\n" + smuggled),
                                     (len(smuggled), ["Expect: 100-continue"], b"")]:
            connection = self.post("/upload/refused/", length, *fields, body=body)
            answer = connection.answer()
            self.assertEqual(answer.status, 403)
            with contextlib.suppress(OSError):
                connection.send(smuggled)
            self.assertEqual(connection.rest(), b"")

    def test_row_85_a_client_that_sends_a_long_body_first_gets_its_early_answer(self):
        """10 MiB before it reads: the server reads on for a while, so that no reset overtakes the answer."""
        connection = self.post("/upload/refused/", 10 * MEBIBYTE)
        connection.send(bytes(10 * MEBIBYTE))
        self.assertEqual(connection.answer().status, 403)

    def test_row_85_broken_chunks_are_told_400(self):
        """In the middle of a body that a view reads: 400, FIN, and no second answer."""
        for broken in [b"-1\r\n", b"5\r\nhello!\r\n", b"5;\x00\r\n", b"0\r\nno field\r\n\r\n", b"1" * 17 + b"\r\n"]:
            connection = self.post("/upload/", None, body=b"5\r\nhello\r\n" + broken + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(connection.answer().status, 400, broken)
            self.assertEqual(connection.rest(), b"")

    def test_row_85_continue_comes_when_the_view_reads(self):
        """And not before: a view that does not read sends none."""
        connection = self.post("/upload/", 5, "Expect: 100-continue")
        self.assertEqual(connection.answer().status, 100)
        connection.send(b"hello")
        self.assertEqual(connection.answer().body, b"5")
        silent = self.post("/upload/unread/", 5, "Expect: 100-continue")
        self.eventually(lambda: self.views() == 1, "the view runs")
        self.assertFalse(silent.is_readable())

    def test_row_85_half_bodies_of_many_clients_cost_a_buffer_each(self):
        """10,000 (500) that send more and more of a megabyte each to views that never read, then go."""
        count = in_full(10_000, 500)
        piece = bytes(2 * BUFFER)
        connections = [self.post("/upload/unread/", MEBIBYTE) for _ in range(count)]
        self.eventually(lambda: self.views() == count, "all views run")
        try:
            with self.server.memory_within(SLACK + count * (len(piece) + BUFFER)):
                for _ in range(3):
                    for connection in connections:
                        connection.send(piece)
                    self.bystander.assert_echoes()
        finally:
            for connection in connections:
                connection.abort()
        self.eventually(lambda: self.views() == 0, "all are stopped")


if __name__ == "__main__":
    main()
