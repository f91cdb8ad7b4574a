"""Rows 23, 26 and 27 at a port that speaks TLS: other protocols, handshakes that stall or are cut, and old ways."""

import socket
import ssl
import subprocess
import time
from unittest import mock

from harness import KIBIBYTE, SLACK, HostileTestCase, handshake_request
from support import environment
from support.cases import main
from support.environment import in_full
from support.frames import frame
from support.tcp import RawClient
from support.tls import certificate
from support.waiting import PATIENCE, eventually

# The memory that a connection may take before its handshake is done: OpenSSL's state, and its buffers for a record each way.
MOST_OF_A_HANDSHAKE = 64 * KIBIBYTE


def bare_client(version):
    """A context that agrees to one version only, be it as old as it may."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate().ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


def in_records(message, size):
    """The bytes of a handshake in records of at most `size` bytes."""
    parts = [message[at:at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


class Handshake:
    """A client's part of a handshake, by hand: the records that it sends, one at a time."""

    def __init__(self, version):
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = bare_client(version).wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self._unsent = b""

    def receive(self, data):
        self._incoming.write(data)

    def write(self, data):
        """The record with `data`, once the handshake is done."""
        self._session.write(data)
        return self._outgoing.read()

    def read(self):
        """The bytes that the server has sent so far, or b""."""
        try:
            return self._session.read(KIBIBYTE)
        except ssl.SSLWantReadError:
            return b""

    def record(self):
        """The next record; b"" if the server has to speak first, None if there is no more."""
        if not self._unsent:
            try:
                self._session.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            self._unsent = self._outgoing.read()
            if not self._unsent:
                return None if done else b""
        size = 5 + int.from_bytes(self._unsent[3:5], "big")
        first, self._unsent = self._unsent[:size], self._unsent[size:]
        return first


class TlsTestCase(HostileTestCase):
    options = ("--set", "head_time=1s")

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(mock.patch.object(environment, "TLS", True))
        super().setUpClass()

    def connect_plainly(self):
        connection = RawClient(self.server.port, tls=False)
        self.addCleanup(connection.close)
        return connection


class LastWords(TlsTestCase):
    """A peer that is gone when the server says close_notify: the write fails inside of what ends the connection."""

    def test_row_71_a_reset_behind_the_close_of_a_websocket_ends_only_that(self):
        for _ in range(in_full(2000, 300)):
            connection = self.websocket("/close/1000/")
            connection.send(frame(1, b"close"))
            self.assertEqual(connection.frame().opcode, 8)
            connection.send(frame(8, (1000).to_bytes(2, "big")))
            connection.abort()
        self.websocket().assert_echoes()

    def test_row_71_a_client_that_does_not_wait_for_its_answer_ends_only_its_connection(self):
        for _ in range(in_full(10000, 1000)):
            connection = self.connect()
            connection.request("GET /views/")
            connection.answer()  # and the tickets of TLS with it: unread, they would make a reset of the close
            connection.request("GET /later/", "Connection: close")
            connection.close()  # the answer is reset, and the server's next word fails
        self.websocket().assert_echoes()


class OtherProtocols(TlsTestCase):
    def test_row_23_http_on_the_tls_port_is_told_400(self):
        """Plain HTTP, whole or byte by byte: 400 that says what to do, then the end."""
        for request in [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n",
                        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        handshake_request()]:
            for parts in [[request], [request[:1], request[1:]], [bytes([byte]) for byte in request]]:
                connection = self.connect_plainly()
                connection.send_parts(parts)
                answer = connection.answer()
                self.assertEqual((answer.status, answer.headers["Connection"]), (400, "close"))
                self.assertIn(b"https://", answer.body)
                self.assertEqual(connection.rest(), b"")
                connection.close()

    def test_row_23_a_long_request_does_not_lose_its_answer(self):
        """What follows the first byte is read and thrown away: no reset eats the 400."""
        connection = self.connect_plainly()
        connection.send(b"POST / HTTP/1.1\r\n" + b"x" * (4 << 20))
        self.assertEqual(connection.answer().status, 400)
        self.assertEqual(connection.rest(), b"")

    def test_row_23_other_bytes_are_ended(self):
        """SSH, SSL 2, zeros, noise, a WebSocket frame: at most an alert, then the end."""
        for data in [b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", b"\x00" * 100, bytes(range(128, 256)),
                     b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x17\x03\x03\x00\x01x",
                     b"\x15\x03\x03\x00\x02\x01\x00" * 10, b"\x14\x03\x03\x00\x01\x01" * 100, frame(1, "x")]:
            with self.subTest(data=data[:20]):
                connection = self.connect_plainly()
                connection.send(data)
                self.assertLess(len(connection.rest()), 100)
                connection.close()


class HandshakesTestCase(TlsTestCase):
    def begin(self, version, records, part):
        """A connection that has sent so many whole records, and `part` of the next. None if there are not so many."""
        connection = self.connect_plainly()
        handshake = Handshake(version)
        while True:
            record = handshake.record()
            if record is None:
                connection.close()
                return None
            if record == b"":
                handshake.receive(connection.socket.recv(65536))
            elif records == 0:
                connection.send(record[:int(len(record) * part)])
                return connection
            else:
                connection.send(record)
                records -= 1

    def stops(self):
        """Every place to stop at: the version, the whole records, and the part of the next."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            records = 0
            while connection := self.begin(version, records, 0):
                connection.close()
                yield version, records, 0
                yield version, records, 0.5
                records += 1
            self.assertGreaterEqual(records, 3)


class Handshakes(HandshakesTestCase):
    def test_row_26_stalled_handshakes_end_at_head_time(self):
        """Stalled at each record, in front of it and inside: the end at head_time, and good ones are served meanwhile."""
        stops = list(self.stops())
        count = in_full(100, 5)
        with self.server.memory_within(len(stops) * count * MOST_OF_A_HANDSHAKE + SLACK):
            began = time.monotonic()
            stalled = [self.begin(*stop) for stop in stops for _ in range(count)]
            self.websocket().assert_echoes()
            left = set(stalled)

            def none_is_left():
                left.difference_update([connection for connection in left if connection.has_ended()])
                return not left

            self.eventually(none_is_left, "the server ends them")
        self.assertGreater(time.monotonic() - began, 0.9)

    def test_row_26_a_long_hello_is_not_held(self):
        """A ClientHello of 128 KiB that comes nearly whole, on many connections: the end at its header."""
        record = bytes.fromhex("16 0301 4000")
        message = bytes.fromhex("01 01ff00 0303") + bytes(7 * 0x4000)
        hello = b"".join(record + message[at:at + 0x4000] for at in range(0, 7 * 0x4000, 0x4000))
        count = in_full(1000, 200)
        with self.server.memory_within(count * MOST_OF_A_HANDSHAKE + SLACK):
            long = [self.connect_plainly() for _ in range(count)]
            for connection in long:
                connection.send(hello)
            for connection in long:
                self.assertLess(len(connection.rest()), 100)

    def test_row_26_a_hello_in_small_records_is_served(self):
        """RFC 8446, 5.1: a message may be cut into records anywhere, also after its first byte."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for size in (1, 2, 3, 4, 5, 100):
                with self.subTest(version=version, size=size):
                    handshake = Handshake(version)
                    connection = self.connect_plainly()
                    connection.send(in_records(handshake.record()[5:], size))
                    while (record := handshake.record()) is not None:
                        if record == b"":
                            received = connection.socket.recv(65536)
                            self.assertNotEqual(received, b"")
                            handshake.receive(received)
                        connection.send(record)
                    connection.send(handshake.write(b"GET /views/ HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                    while not (answer := handshake.read()):
                        handshake.receive(connection.socket.recv(65536))
                    self.assertRegex(answer, rb"^HTTP/1\.1 200 ")
                    connection.close()

    def test_row_26_a_hello_that_is_interrupted_ends(self):
        """Alerts, data, changes of keys, empty records, before the hello or inside: at most an alert, then the end."""
        hello = Handshake(ssl.TLSVersion.TLSv1_3).record()[5:]
        for other in (b"\x15\x03\x03\x00\x02\x01\x00", b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\x00\x01x",
                      b"\x16\x03\x03\x00\x00"):
            for before in (0, 1, 50):
                with self.subTest(other=other, before=before):
                    connection = self.connect_plainly()
                    connection.send(in_records(hello[:before], 1) + other + in_records(hello[before:], 1))
                    self.assertLess(len(connection.rest()), 100)
                    connection.close()

    def test_row_26_bytes_one_by_one_make_a_handshake(self):
        """Segments of one byte: slow, and good."""
        handshake = Handshake(ssl.TLSVersion.TLSv1_3)
        connection = self.connect_plainly()
        while (record := handshake.record()) is not None:
            if record == b"":
                handshake.receive(connection.socket.recv(65536))
            for byte in record:
                connection.send(bytes([byte]))
        connection.close()


class CutHandshakes(HandshakesTestCase):
    options = ("--set", "head_time=60s")  # longer than any patience

    def test_row_26_cut_handshakes_end_at_once(self):
        """Ended or reset at each record: nothing is left of them, long before their time."""
        for version, records, part in self.stops():
            for end in (RawClient.close, RawClient.abort):
                end(self.begin(version, records, part))
        eventually(lambda: self.server.sockets() == 1, "only the bystander is left")

    def test_row_26_a_long_hello_in_small_records_is_not_held(self):
        """A ClientHello of 65,280 bytes that begins in records of 1 to 3 bytes: the end where its length shows."""
        message = bytes.fromhex("01 00ff00 0303") + bytes(0x4000)
        count = in_full(1000, 200)
        for size in (1, 2, 3):
            hello = in_records(message[:12], size) + in_records(message[12:], 0x4000)
            with self.subTest(size=size), self.server.memory_within(count * MOST_OF_A_HANDSHAKE + SLACK):
                long = [self.connect_plainly() for _ in range(count)]
                for connection in long:
                    connection.send(hello)
                for connection in long:
                    self.assertLess(len(connection.rest()), 100)


class OldWays(TlsTestCase):
    def test_row_27_old_versions_are_refused(self):
        """TLS 1.0 and 1.1: an alert says so. 1.2 and 1.3 are served."""
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaisesRegex(ssl.SSLError, "(?i)alert.protocol.version"), self.raw() as raw:
                bare_client(version).wrap_socket(raw, server_hostname="127.0.0.1")
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with bare_client(version).wrap_socket(self.raw(), server_hostname="127.0.0.1") as connection:
                self.assertEqual(connection.version(), name)
                self.assertIsNone(connection.compression())

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.server.port), PATIENCE)

    def test_row_27_renegotiation_is_refused(self):
        """A client that asks for a new handshake in TLS 1.2 gets none."""
        client = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-tls1_2", "-CAfile",
             certificate().ca], input=b"R\n", capture_output=True, timeout=PATIENCE, check=False)
        output = (client.stdout + client.stderr).decode()
        self.assertIn("RENEGOTIATING", output)
        self.assertRegex(output, "(?i)no.renegotiation")
        self.assertNotEqual(client.returncode, 0)


if __name__ == "__main__":
    main()
