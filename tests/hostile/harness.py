"""What the hostile tests share: their server, and a test case with a bystander.

A test has the number of its row in its name, says what must happen in its docstring, and holds only if a bystander
who was connected before it is served all the while, the server lives, and no socket is left behind.
"""

import re
import unittest

from support import environment, process, waiting
from support.frames import TEXT, frame
from support.handshake import KEY
from support.tcp import RawClient

SERVER = environment.BUILD / "hostile_server"

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024
MAX = MEBIBYTE  # bytes in a message, unless a server is told otherwise
# The memory of allocators and of the kernel's counters, and of each loop's buffer for input.
SLACK = (2 + environment.WORKERS) * MEBIBYTE
if environment.TLS:
    SLACK += 500 * 64 * KIBIBYTE  # up to 500 connections at once, each with its keys


class HostileServer(process.ManageServer):
    """`hostile_server runserver` (server.cpp) on a free port, ready to answer."""

    def __init__(self, *options, port=0, prefix=()):
        super().__init__(*options, port=port, prefix=prefix, program=SERVER)

    @property
    def backend(self):
        """The backend that it says it has."""
        return re.search(r"with the (\w+) backend", self.output)[1]


GOOD_FIELDS = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
               "Sec-WebSocket-Version": "13"}


def handshake_request(changes=None, *more, line="GET /echo/ HTTP/1.1"):
    """A handshake's bytes. `changes` has other values for fields, or None for one that is left out."""
    fields = {**GOOD_FIELDS, **(changes or {})}
    lines = [line, *[f"{name}: {value}" for name, value in fields.items() if value is not None], *more, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def cuts(data):
    """The bytes in parts: whole, one by one, and in two halves. Long ones not one by one, but by the thousand."""
    size = 1 if len(data) <= 2000 else 1000
    half = len(data) // 2
    return [[data], [data[at:at + size] for at in range(0, len(data), size)], [data[:half], data[half:]]]


class HostileTestCase(unittest.TestCase):
    """Tests that share a server, each with a bystander."""

    options = ()  # of the server

    @classmethod
    def setUpClass(cls):
        cls.start(HostileServer(*cls.options))

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
        self.bystander = RawClient(self.server.port)
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

        return waiting.eventually(check, what)

    def block_a_loop(self):
        """A connection whose view holds its loop until SIGUSR1, and answers "x" then."""
        start = self.server.line_count
        blocking = self.websocket("/block/")
        blocking.send(frame(TEXT, "x"))
        self.server.wait_for("a view blocks its loop", start)
        return blocking

    def connect(self):
        client = RawClient(self.server.port)
        self.addCleanup(client.close)
        return client

    def websocket(self, path="/echo/"):
        client = self.connect()
        client.open(path)
        return client

    def offer(self, client, data):
        """Sends as much of `data` as the server takes, and returns how many bytes that is.

        It has stopped reading if nothing goes in for half a second in which the bystander talks.
        """
        sent = 0
        refusals = 0
        while sent < len(data) and refusals < 50:
            if client.is_writable(0.01):
                sent += client.socket.send(memoryview(data)[sent:sent + 256 * KIBIBYTE])
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
            client = self.connect()
            client.send_parts(parts)
            results.append((client.answer(head_only=True), client))
        statuses = {answer.status for answer, _ in results}
        self.assertEqual(len(statuses), 1, f"{statuses} for {data[:200]}")
        return results

    def assert_answer(self, data, *statuses):
        """They get one of these statuses."""
        for answer, client in self.answers(data):
            self.assertIn(answer.status, statuses, data[:200])
            client.close()

    def assert_refused(self, data, *statuses):
        """They get one response, of one of these statuses, and the end of the connection: no second response."""
        for answer, client in self.answers(data):
            self.assertIn(answer.status, statuses, data[:200])
            body = client.rest()
            self.assertEqual(len(body), int(answer.headers["Content-Length"]), data[:200])
            client.close()

    # ---- WebSocket

    def assert_fails(self, code, data):
        """However the bytes are cut: a close frame with that code, then FIN and no reset (the server reads on)."""
        if len(data) > 300:
            split = cuts(data)
        else:
            split = [[data[:at], data[at:]] for at in range(len(data))]
        for parts in split:
            client = self.websocket()
            client.send_parts(parts)
            received = client.closed()
            self.assertEqual(received[0], code, (data[:40], received))
            self.assertEqual(client.rest(), b"", data[:40])
            client.close()
