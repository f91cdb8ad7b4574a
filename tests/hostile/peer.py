"""What the hostile tests share: their server as a process, a peer that says exactly what it is told, and measures.

A test has the number of its row in its name, says what must happen in its docstring, and holds only if a bystander
who was connected before it is served all the while, the server lives, and no socket is left behind.

C10K_TEST_BACKEND and C10K_TEST_WORKERS choose the server's backend and loops, and with C10K_TEST_TLS=1 all speak TLS.
C10K_FULL=1 takes the row's whole numbers.
"""

import contextlib
import os
import pathlib
import re
import select
import socket
import ssl
import sys
import time
import unittest
from unittest import mock

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import support  # noqa: E402
from support import (BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, close_frame, eventually, frame)  # noqa: E402,F401

SERVER = os.environ.get("C10K_HOSTILE_SERVER", str(support.SOURCE / "build/hostile_server"))
BACKEND = os.environ.get("C10K_TEST_BACKEND", "")
WORKERS = int(os.environ.get("C10K_TEST_WORKERS") or 1)
FULL = os.environ.get("C10K_FULL") == "1"

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024
MAX = MEBIBYTE  # bytes in a message, unless a server is told otherwise
# What allocators and the kernel's counters take for themselves, and each loop for the buffer that it receives into.
SLACK = (2 + WORKERS) * MEBIBYTE
if support.TLS:
    SLACK += 500 * 64 * KIBIBYTE  # up to 500 connections at once, each with its keys


def in_full(many, few):
    """The row's number in full mode, and fewer otherwise."""
    return many if FULL else few


class Server(support.Program):
    """`hostile_server runserver` on a free port, ready to answer."""

    def __init__(self, *options, port=0, prefix=()):
        program, *arguments = [*prefix, SERVER, "runserver", f"127.0.0.1:{port}", "--noreload",
                               "--workers", WORKERS, *(["--backend", BACKEND] if BACKEND else []),
                               *(support.certificate().options if support.TLS else []), *options]
        with mock.patch.object(support, "MANAGE", program):
            super().__init__(*arguments)
        self.port = int(self.wait_for(r"https?://127\.0\.0\.1:(\d+)/")[1])

    @property
    def backend(self):
        """The backend that it says it has."""
        return re.search(r"with the (\w+) backend", self.output)[1]

    def stop(self):
        self.signal(15)
        return self.wait()

    def is_running(self):
        return self.process.poll() is None

    def cpu(self):
        """The CPU time that it has used, in seconds."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def sockets(self):
        """How many connections it holds open. A listener is none, nor is one whose inode is 0: that is the kernel's.

        One that was reset is not among them, even if it has not been closed: descriptors() has it.
        """
        count = 0
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            is_listener = fields[3] == "0A"
            count += int(fields[1][-4:], 16) == self.port and not is_listener and fields[9] != "0"
        return count

    def descriptors(self):
        """How many files it has open: its own descriptors, and io_uring's direct ones instead of the rings."""
        count = 0
        for descriptor in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                is_ring = os.readlink(f"/proc/{self.pid}/fd/{descriptor}") == "anon_inode:[io_uring]"
                count += self._direct_descriptors(descriptor) if is_ring else 1
        return count

    def _direct_descriptors(self, ring):
        while True:
            text = pathlib.Path(f"/proc/{self.pid}/fdinfo/{ring}").read_text()
            if table := re.search(r"^UserFiles:.*\n((?: +\d+: .*\n)*)", text, re.MULTILINE):
                return table[1].count("\n")
            # The ring was busy, and this part is left out then.

    def _status(self, name):
        return int(re.search(rf"^{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/status").read_text(),
                             re.MULTILINE)[1]) * KIBIBYTE

    @contextlib.contextmanager
    def memory_within(self, bound):
        """At its peak it holds at most `bound` bytes more than now."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # forgets the old peak: proc(5)
        before = self._status("VmRSS")
        yield
        grown = self._status("VmHWM") - before
        if not self.is_sanitized() and grown > bound:
            raise AssertionError(f"the server grew by {grown} bytes, more than {bound}")

    def page(self, path):
        """The text of one of its pages."""
        connection = Peer(self.port)
        try:
            connection.request(f"GET {path}", "Connection: close")
            return connection.answer().body.decode()
        finally:
            connection.close()

    def metric(self, sample):
        """What it has counted: "c10k_connections_open", or with a label, c10k_limit_strikes_total{limit="head_time"}."""
        return int(re.search(rf"^{re.escape(sample)} (\d+)$", self.page("/metrics"), re.MULTILINE)[1])

    def strikes(self, limit):
        """How often that limit has struck."""
        return self.metric(f'c10k_limit_strikes_total{{limit="{limit}"}}')


GOOD_FIELDS = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
               "Sec-WebSocket-Version": "13"}


def handshake(changes=None, *more, line="GET /echo/ HTTP/1.1"):
    """A handshake's bytes. `changes` has other values for fields, or None for one that is left out."""
    fields = {**GOOD_FIELDS, **(changes or {})}
    lines = [line, *[f"{name}: {value}" for name, value in fields.items() if value is not None], *more, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def cuts(data):
    """The bytes in parts: whole, one by one, and in two halves. Long ones not one by one, but by the thousand."""
    size = 1 if len(data) <= 2000 else 1000
    half = len(data) // 2
    return [[data], [data[at:at + size] for at in range(0, len(data), size)], [data[:half], data[half:]]]


class Peer(support.Connection):
    """A client that is not ours."""

    def __init__(self, port, tls=None):
        super().__init__(port, tls)
        self.heard = 0  # bytes of messages

    def send_parts(self, parts):
        for part in parts:
            self.send(part)

    def is_writable(self, seconds=0.0):
        return self._is_ready(select.POLLOUT, seconds)

    def is_readable(self):
        decrypted = self.socket.pending() if isinstance(self.socket, ssl.SSLSocket) else 0
        return decrypted > 0 or self._is_ready(select.POLLIN, 0)

    def _is_ready(self, event, seconds):
        poll = select.poll()
        poll.register(self.socket, event)
        return bool(poll.poll(seconds * 1000))

    def has_ended(self):
        """Whether the server has ended or reset the connection. What it has sent before that is thrown away."""
        try:
            while self.is_readable():
                if not self.socket.recv(65536):
                    return True
        except ConnectionResetError:
            return True
        return False

    def message(self):
        """The payload of the next message. Pings are answered meanwhile, so that the server has nothing against us."""
        while True:
            received = self.frame()
            if received.opcode == PING:
                self.send(frame(PONG, received.payload))
            elif received.opcode in (TEXT, BINARY) and received.final and received.rsv == 0:
                return received.payload
            else:
                raise AssertionError(f"not a message: {received}")

    def assert_echoes(self, text="anybody there?"):
        self.send(frame(TEXT, text))
        if self.message() != text.encode():
            raise AssertionError("another echo than what was sent")


class HostileTestCase(unittest.TestCase):
    """Tests that share a server, each with a bystander."""

    options = ()  # of the server

    @classmethod
    def setUpClass(cls):
        cls.start(Server(*cls.options))

    @classmethod
    def start(cls, server):
        cls.server = server
        cls.descriptors = server.descriptors()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def setUp(self):
        self.bystander = Peer(self.server.port)
        self.bystander.open("/echo/")

    def tearDown(self):
        self.doCleanups()
        try:
            self.bystander.assert_echoes()
            self.assertTrue(self.server.is_running())
            self.eventually(lambda: self.server.sockets() == 1, "only the bystander is left")
            self.eventually(lambda: self.server.descriptors() == self.descriptors + 1, "and its descriptor")
        finally:
            self.bystander.close()

    def eventually(self, condition, what):
        """Waits for it while the bystander talks."""
        def check():
            self.bystander.assert_echoes()
            return condition()

        return eventually(check, what)

    def block_a_loop(self):
        """A connection whose view holds its loop until SIGUSR1, and answers "x" then."""
        start = self.server.line_count
        blocking = self.websocket("/block/")
        blocking.send(frame(TEXT, "x"))
        self.server.wait_for("a view blocks its loop", start)
        return blocking

    def connect(self):
        peer = Peer(self.server.port)
        self.addCleanup(peer.close)
        return peer

    def websocket(self, path="/echo/"):
        peer = self.connect()
        peer.open(path)
        return peer

    def offer(self, peer, data):
        """Sends as much of `data` as the server takes, and returns how many bytes that is.

        It has stopped reading if nothing goes in for half a second in which the bystander talks.
        """
        sent = 0
        refusals = 0
        while sent < len(data) and refusals < 50:
            if peer.is_writable(0.01):
                sent += peer.socket.send(memoryview(data)[sent:sent + 256 * KIBIBYTE])
                refusals = 0
            else:
                self.bystander.assert_echoes()
                refusals += 1
        return sent

    # ---- HTTP

    def answers(self, data):
        """The answer to these bytes, which must have the same status however they are cut; and its connection."""
        results = []
        for parts in cuts(data):
            peer = self.connect()
            peer.send_parts(parts)
            results.append((peer.answer(head_only=True), peer))
        statuses = {answer.status for answer, _ in results}
        self.assertEqual(len(statuses), 1, f"{statuses} for {data[:200]}")
        return results

    def assert_answer(self, data, *statuses):
        """They get one of these statuses."""
        for answer, peer in self.answers(data):
            self.assertIn(answer.status, statuses, data[:200])
            peer.close()

    def assert_refused(self, data, *statuses):
        """They get one response, of one of these statuses, and the end of the connection: no second response."""
        for answer, peer in self.answers(data):
            self.assertIn(answer.status, statuses, data[:200])
            body = peer.rest()
            self.assertEqual(len(body), int(answer.headers["Content-Length"]), data[:200])
            peer.close()

    # ---- WebSocket

    def assert_fails(self, code, data):
        """However the bytes are cut: a close frame with that code, then FIN and no reset (the server reads on)."""
        if len(data) > 300:
            split = cuts(data)
        else:
            split = [[data[:at], data[at:]] for at in range(len(data))]
        for parts in split:
            peer = self.websocket()
            peer.send_parts(parts)
            received = peer.closed()
            self.assertEqual(received[0], code, (data[:40], received))
            self.assertEqual(peer.rest(), b"", data[:40])
            peer.close()


def main():
    """Runs the tests of the calling file."""
    if not os.path.exists(SERVER):
        sys.exit(f"{SERVER} is not there: build it, or say in C10K_HOSTILE_SERVER where it is")
    support.main()
