"""Row 72: the program was not scheduled for longer than any timeout. What has come meanwhile is read before a timer ends a peer."""

import contextlib
import pathlib
import signal
import threading
import unittest

from harness import HostileServer
from support.cases import main
from support.frames import PING, PONG, TEXT, close_frame, frame
from support.tcp import RawClient
from support.waiting import eventually

# Longer than each of the limits below: the pause is the fault, and nothing is awaited by it.
PAUSE = 4.0
LIMITS = ("--set", "ping_interval=1s", "--set", "ping_timeout=3s", "--set", "head_time=3s", "--set", "body_time=3s",
          "--set", "close_time=3s")


class Pauses(unittest.TestCase):
    def setUp(self):
        self.server = HostileServer(*LIMITS)
        self.addCleanup(self.server.stop)

    def connect(self):
        connection = RawClient(self.server.port)
        self.addCleanup(connection.close)
        return connection

    def stands_still(self):
        threads = pathlib.Path(f"/proc/{self.server.pid}/task").glob("*/stat")
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)

    @contextlib.contextmanager
    def stopped(self):
        """The server stands still, and what is done here comes while it does."""
        self.server.signal(signal.SIGSTOP)
        eventually(self.stands_still, "every thread of the server is stopped")
        try:
            yield
            threading.Event().wait(PAUSE)
        finally:
            self.server.signal(signal.SIGCONT)

    def test_row_72_pongs_that_came_during_the_pause_count(self):
        peers = [self.connect() for _ in range(200)]
        for each in peers:
            each.open("/echo/")
        pings = []
        for each in peers:
            received = each.frame()
            self.assertEqual(received.opcode, PING)
            pings.append(received.payload)
        with self.stopped():
            for each, ping in zip(peers, pings):
                each.send(frame(PONG, ping))
        for each in peers:
            each.assert_echoes()
        self.assertEqual(self.server.strikes("ping_timeout"), 0)

    def test_row_72_requests_and_closes_that_came_during_the_pause_count(self):
        head, body, closing = self.connect(), self.connect(), self.connect()
        closing.open("/close/1000/")
        closing.send(frame(TEXT, "enough"))
        self.assertEqual(closing.closed()[0], 1000)
        head.send(f"GET /views/ HTTP/1.1\r\nHost: {head.host}\r\n".encode())
        body.request("POST /body/", "Content-Length: 4", body=b"12")
        self.server.page("/views/")  # the server has read what came before
        with self.stopped():
            head.send(b"\r\n")
            body.send(b"34")
            closing.send(close_frame(1000))
        self.assertEqual(head.answer().status, 200)
        self.assertEqual(body.answer().body, b"4")
        self.assertEqual(closing.rest(), b"")
        for limit in ("head_time", "body_time", "close_time"):
            self.assertEqual(self.server.strikes(limit), 0, limit)


if __name__ == "__main__":
    main()
