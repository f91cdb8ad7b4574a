"""Rows 28 and 54, and what is limited besides: connections, bodies, static files and slow members of a group."""

import pathlib
import select
import signal
import tempfile
import unittest

from harness import KIBIBYTE, MEBIBYTE, SLACK, HostileServer, HostileTestCase, handshake_request
from support.cases import main
from support.environment import WORKERS
from support.frames import CLOSE, PING, PONG, TEXT, frame
from support.tcp import RawClient
from support.waiting import PATIENCE

OUTBOX = 512 * KIBIBYTE
MESSAGE = "x" * 2 * KIBIBYTE
STALLED = 20
# Twice what an outbox may have, what is sent, and what a client's kernel takes without being asked.
MESSAGES = (2 * OUTBOX + 2 * 128 * KIBIBYTE + 6 * MEBIBYTE) // len(MESSAGE)


class StaticFiles(HostileTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.content = bytes(range(256)) * 4 * KIBIBYTE
        (pathlib.Path(folder.name) / "file.bin").write_bytes(cls.content)
        cls.start(HostileServer("--set", f"static_folders={folder.name}"))

    def test_row_28_a_thousand_overlapping_ranges_are_no_copies(self):
        """GET with 1,000 overlapping ranges: 200 with the file once (RFC 9110, 14.2: a server may ignore them), or 416."""
        for ranges in ["0-," * 1000 + "0-", ",".join(f"{start}-" for start in range(1000)), "-1," * 1000 + "-1"]:
            connection = self.connect()
            with self.server.memory_within(4 * len(self.content) + SLACK):
                connection.request("GET /static/file.bin", f"Range: bytes={ranges}")
                answer = connection.answer()
            self.assertEqual((answer.status, answer.body), (200, self.content))


class SlowSubscribers(HostileTestCase):
    """Of a group that is sent twice as much as each may leave untaken."""

    options = ("--set", f"slow_bytes={OUTBOX}", "--set", f"slow_limit_bytes={OUTBOX}")

    def broadcast(self, policy):
        """Members that do not read, and one that does, and gets all. Returns those that do not."""
        stalled = [self.websocket(f"/member/{policy}/") for _ in range(STALLED)]
        reader = self.websocket(f"/member/{policy}/")
        publisher = self.websocket("/publish/")
        with self.server.memory_within(STALLED * (OUTBOX + len(MESSAGE)) * 1.25 + SLACK):
            for number in range(MESSAGES):
                publisher.send(frame(TEXT, f"{number:5}{MESSAGE}"))
                self.assertEqual(reader.message()[:5], b"%5d" % number)
        return stalled

    def numbers(self, connection):
        """What one that did not read has got, up to the message after all of that."""
        publisher = self.websocket("/publish/")
        numbers = []
        while True:
            publisher.send(frame(TEXT, "  end"))  # which is skipped, too, as long as there is no room for it
            received = connection.message()[:5]
            if received == b"  end":
                return numbers
            numbers.append(int(received))

    def test_row_54_slow_subscribers_are_cut(self):
        """Those who do not read are closed with 1013 when they have slow_limit_bytes to take; it is counted."""
        before = self.server.strikes("slow_limit_bytes")
        for connection in self.broadcast("close"):
            while (received := connection.frame()).opcode == TEXT:
                pass
            self.assertEqual((received.opcode, received.payload[:2]), (CLOSE, b"\x03\xf5"))
        self.assertEqual(self.server.strikes("slow_limit_bytes"), before + STALLED)

    def test_row_54_slow_subscribers_are_skipped(self):
        """Where the route says so they get the beginning, or the latest, and what they miss is counted."""
        for policy in ("newest", "oldest"):
            before = self.server.metric("c10k_messages_dropped_total")
            stalled = self.broadcast(policy)
            self.assertGreater(self.server.metric("c10k_messages_dropped_total"), before + STALLED)
            for connection in stalled:
                numbers = self.numbers(connection)
                self.assertEqual(numbers, sorted(set(numbers)))
                if policy == "newest":
                    beginning = list(range(OUTBOX // len(MESSAGE) // 2))
                    self.assertEqual(numbers[:len(beginning)], beginning)
                else:
                    self.assertEqual(numbers[-1], MESSAGES - 1)
            self.doCleanups()
            self.eventually(lambda: self.server.sockets() == 1, "the members have gone")


@unittest.skipIf(WORKERS == 1, "one loop sends nothing to others")
class BusyLoops(HostileTestCase):
    options = ("--set", f"mailbox_bytes={256 * KIBIBYTE}")

    def test_row_65_a_view_that_blocks_lets_no_messages_gather(self):
        """What a group sends to a loop that is held is bounded: its members are told 1013, or miss some, as they like."""
        close = [self.websocket("/member/close/") for _ in range(48)]
        newest = [self.websocket("/member/newest/") for _ in range(48)]
        publishers = {}
        for _ in range(16):
            connection = self.websocket("/publish/")
            publishers[connection.socket] = connection
        blocking = self.block_a_loop()
        try:
            for connection in publishers.values():
                connection.send(frame(PING, ""))
            ready, _, _ = select.select(list(publishers), [], [], PATIENCE)
            publisher = publishers[ready[0]]  # which lives elsewhere
            self.assertEqual(publisher.frame().opcode, PONG)
            sent = MEBIBYTE // len(MESSAGE)
            publisher.send(frame(TEXT, MESSAGE) * sent + frame(PING, ""))
            self.assertEqual(publisher.frame().opcode, PONG)  # all but an inbox of it is on its way
        finally:
            self.server.signal(signal.SIGUSR1)
        self.assertEqual(blocking.message(), b"x")
        self.eventually(lambda: self.server.strikes("mailbox_bytes") >= 1, "messages were lost, and counted")

        ends = [self.rest(publisher, connection) for connection in close]
        self.assertIn((CLOSE, 1013), ends)
        self.assertIn((TEXT, sent), ends)  # on the publisher's own loop nothing was lost
        counts = [self.rest(publisher, connection) for connection in newest]
        self.assertEqual({opcode for opcode, _ in counts}, {TEXT})
        self.assertLess(min(count for _, count in counts), sent)

    @staticmethod
    def rest(publisher, connection):
        """How it ends: closed, with what code, or with how many messages up to one that is sent now."""
        publisher.send(frame(TEXT, "end"))
        count = 0
        while (received := connection.frame()).opcode == TEXT and received.payload != b"end":
            count += 1
        return received.opcode, count if received.opcode == TEXT else int.from_bytes(received.payload[:2], "big")


class Connections(HostileTestCase):
    options = ("--set", "max_connections=20", "--set", "max_newcomers=10", "--set", "min_body_rate=100000", "--set",
               "body_grace=500ms", "--set", "head_time=4s")

    def test_row_66_more_than_max_connections_are_told_503(self):
        """With as many open as may be, 503 and the end; and again served when one has gone. It is counted."""
        crowd = [self.websocket() for _ in range(19)]
        for _ in range(50):
            refused = self.connect()
            refused.send(handshake_request())
            self.assertEqual(refused.answer().status, 503)
            self.assertEqual(refused.rest(), b"")
            refused.close()
        crowd.pop().close()

        def is_served():
            connection = RawClient(self.server.port)
            connection.send(handshake_request())
            status = connection.answer(head_only=True).status
            connection.close()
            return status == 101

        self.eventually(is_served, "there is room again")
        for connection in crowd:
            connection.assert_echoes()
            connection.close()
        self.eventually(lambda: self.server.sockets() == 1, "all have gone")
        self.assertGreaterEqual(self.server.strikes("max_connections"), 50)

    def test_row_24_the_oldest_newcomer_goes_first(self):
        """CVE-2007-6750: connections that never ask cannot keep out those who do, for longer than they are young."""
        for _ in range(40):
            self.connect().send(b"GET / HTTP/1.1\r\nHost: loc")
        for _ in range(5):
            connection = self.websocket()
            connection.assert_echoes()
            connection.close()
        self.assertGreaterEqual(self.server.strikes("max_newcomers"), 20)

    def test_row_25_a_body_has_a_least_rate(self):
        """A body slower than min_body_rate: 408 soon after its grace, long before body_time."""
        connection = self.connect()
        connection.send(b"POST /body/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        self.assertEqual(connection.answer().status, 408)
        self.assertEqual(self.server.strikes("min_body_rate"), 1)


if __name__ == "__main__":
    main()
