"""Rows 59, 60 and 66: the server runs out of descriptors, accepting fails, and more come than it can take."""

import pathlib
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import unittest

from harness import HostileServer, HostileTestCase, handshake_request
from support.cases import main
from support.environment import TLS, WORKERS, in_full
from support.waiting import PATIENCE, eventually

WINDOW = 2  # seconds that are watched


@unittest.skipIf(TLS, "this client waits for its handshake_request, and nobody shakes hands before the accept")
class Exhaustion(HostileTestCase):
    """64 descriptors, of which the server keeps 16 for itself."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "some.txt").write_text("some text")
        cls.start(HostileServer("--set", f"static_folders={folder.name}", prefix=("prlimit", "--nofile=64:64")))

    def test_row_59_exhausted_descriptors_hurt_nobody_who_is_served(self):
        """Accept loops that spin: 200 clients for 64 descriptors: old ones are served, little CPU, at most a log line
        a second; it recovers.

        Others wait, or are refused. With io_uring 64 descriptors are room for as many tables of 64 direct ones: in full
        mode there are so many more clients.
        """
        old = [self.websocket() for _ in range(5)]
        self.waiting = {}
        self.poll = select.epoll()
        self.addCleanup(self.poll.close)
        for _ in range(200 if self.server.backend == "epoll" else in_full(64 * 64 + 100, 200)):
            connection = self.connect()
            connection.send(handshake_request())
            self.waiting[connection.socket.fileno()] = connection
            self.poll.register(connection.socket, select.EPOLLIN)
        served = self.take_served()
        if self.server.backend == "epoll":
            self.assertGreater(len(self.waiting), 100)

        start = self.server.line_count
        cpu = self.server.cpu()
        began = time.monotonic()
        while (left := began + WINDOW - time.monotonic()) > 0:
            served += self.answered(self.poll.poll(left))
        watched = time.monotonic() - began
        if not self.server.is_sanitized():
            self.assertLess(self.server.cpu() - cpu, 0.05 * watched)
        complaints = [line for line in self.server.output.splitlines()[start:] if "WebSockets:" not in line]
        self.assertLessEqual(len(complaints), WORKERS * (watched + 1), complaints)
        for connection in [*old, *served]:
            connection.assert_echoes()

        # A connection that ends makes room for one that waits, until the server has served all.
        while self.waiting:
            for connection in served:
                connection.close()
            served = self.take_served()
        for connection in old:
            connection.assert_echoes()
        for connection in served:
            connection.close()
        self.eventually(lambda: self.server.sockets() == 1 + len(old), "the crowd has gone")
        self.websocket().assert_echoes()

    def test_row_59_who_is_served_gets_its_files_when_descriptors_are_exhausted(self):
        """Static files go on for those who have a connection, while newcomers wait or are refused."""
        old = self.connect()
        crowd = []
        start = self.server.line_count
        for _ in range(200 if self.server.backend == "epoll" else in_full(64 * 64 + 100, 200)):
            newcomer = self.connect()
            newcomer.send(handshake_request())
            crowd.append(newcomer)
            self.assert_has_file(old)
        if self.server.backend == "epoll":
            self.server.wait_for("cannot accept", start)
            self.assertGreater(sum(not newcomer.is_readable() for newcomer in crowd), 100)
        for _ in range(20):
            self.assert_has_file(old)
            self.bystander.assert_echoes()
        for newcomer in crowd:
            newcomer.close()
        self.eventually(lambda: self.server.sockets() == 2, "the crowd has gone")
        self.websocket().assert_echoes()

    def assert_has_file(self, connection):
        connection.request("GET /static/some.txt")
        answer = connection.answer()
        self.assertEqual((answer.status, answer.body), (200, b"some text"))

    def take_served(self):
        """Waits for the next who are served, and for those who come within a while."""
        served = []
        while self.waiting:
            ready = self.poll.poll(0.5 if served else PATIENCE)
            more = self.answered(ready)
            if served and not more:
                break
            self.assertTrue(ready, "nobody is served any more")
            served += more
        return served

    def answered(self, ready):
        """Those of them who are served. They wait no longer, nor do those who were refused."""
        served = []
        for descriptor, _ in ready:
            connection = self.waiting.pop(descriptor)
            self.poll.unregister(descriptor)
            try:
                connection.opened()
                served.append(connection)
            except (ConnectionResetError, EOFError):
                connection.close()
        return served


class FailingCalls(HostileTestCase):
    def setUp(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not there: apt-get install strace")
        super().setUp()

    def trace_with_failures(self, call, error):
        """strace, which lets the first three such calls of the server fail."""
        tracer = subprocess.Popen(
            ["strace", "-f", "-q", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=1..3",
             "-p", str(self.server.pid)], stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        for clean_up in (tracer.stderr.close, tracer.wait, tracer.kill):  # the last comes first
            self.addCleanup(clean_up)

        def is_traced():
            if tracer.poll() is not None:
                self.skipTest("strace may not attach to the server here: " + tracer.stderr.read().strip())
            status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
            return re.search(r"^TracerPid:\s+(\d+)", status, re.MULTILINE)[1] != "0"

        eventually(is_traced, "strace has attached")
        return tracer

    def assert_survives(self, call, error):
        """With calls that fail so, everybody is served at last."""
        tracer = self.trace_with_failures(call, error)
        crowd = [self.connect() for _ in range(10)]
        for connection in crowd:
            connection.send(handshake_request())
        for connection in crowd:
            connection.opened()
            connection.assert_echoes()
            connection.close()
        tracer.terminate()
        self.assertRegex(tracer.stderr.read(), rf"{error} .*\(INJECTED\)")

    def test_row_60_errors_of_accept_are_survived(self):
        """ENFILE, ENOBUFS, ECONNABORTED, EINTR and others from accept: tried again, and everybody is served."""
        if self.server.backend != "epoll":
            self.skipTest(f"the {self.server.backend} backend accepts without a call that could be made to fail")
        for error in ["ECONNABORTED", "EINTR", "ENFILE", "EMFILE", "ENOBUFS", "ENOMEM", "EPROTO", "EPERM"]:
            with self.subTest(error=error):
                self.assert_survives("accept4", error)

    def test_row_60_interrupted_waits_are_survived(self):
        """EINTR from the call that waits for events: tried again."""
        call = {"epoll": "epoll_wait", "io_uring": "io_uring_enter"}[self.server.backend]
        self.assert_survives(call, "EINTR")


@unittest.skipIf(TLS, "this client has no time for TLS")
class StormTestCase(HostileTestCase):
    def storm(self, count):
        """Begins so many connects without waiting for one. Returns when each began, by its socket."""
        began = {}
        for _ in range(count):
            raw = socket.socket()
            raw.setblocking(False)
            self.addCleanup(raw.close)
            began[raw] = time.monotonic()
            raw.connect_ex(("127.0.0.1", self.server.port))
        return began

    def serve(self, began):
        """Each that is connected sends a handshake_request, which must be answered. Returns how long each waited, in seconds."""
        poll = select.epoll()
        self.addCleanup(poll.close)
        left = {raw.fileno(): raw for raw in began}
        for descriptor in left:
            poll.register(descriptor, select.EPOLLOUT)
        times = []
        while left:
            events = poll.poll(PATIENCE)
            self.assertTrue(events, f"{len(left)} are not served")
            for descriptor, event in events:
                raw = left[descriptor]
                if event & select.EPOLLIN:
                    self.assertEqual(raw.recv(12), b"HTTP/1.1 101")
                    times.append(time.monotonic() - began[raw])
                    poll.unregister(descriptor)
                    del left[descriptor]
                else:
                    self.assertEqual(raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
                    raw.send(handshake_request())
                    poll.modify(descriptor, select.EPOLLIN)
        return times


class Storm(StormTestCase):
    def test_row_66_a_storm_of_connects_is_served(self):
        """10,000 (2,000) connects as fast as can be: every one is served; their times are reported."""
        times = self.serve(self.storm(in_full(10_000, 2_000)))
        cuts = statistics.quantiles(times, n=100)
        print(f"{len(times)} connects: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms", flush=True)


class FullBacklog(StormTestCase):
    options = ("--set", "backlog=16")

    def test_row_66_a_full_backlog_is_survived(self):
        """More connects than the kernel may complete, while the server stands still: all are served at last."""
        self.server.signal(signal.SIGSTOP)
        began = self.storm(50)
        self.server.signal(signal.SIGCONT)
        self.serve(began)


if __name__ == "__main__":
    main()
