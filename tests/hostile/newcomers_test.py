"""Row 75: crowds of newcomers, ten times as many as max_newcomers allows, honest ones and slow ones."""

import contextlib
import selectors
import socket
import threading

from harness import KIBIBYTE, SLACK, HostileTestCase, handshake_request
from support.cases import main
from support.environment import TLS, WORKERS
from support.tcp import RawClient

MOST = 40
CROWD = 10 * MOST
HEAD_TIME = 12  # seconds: on a busy machine, the half of it that is left when the first are late has to do


class Crowd:
    """Clients that send part of a handshake_request and never the rest; those that are ended come back at once, for ever."""

    def __init__(self, port, addresses, size=CROWD):
        self.port = port
        self.addresses = addresses
        self.returned = 0
        self._selector = selectors.DefaultSelector()
        self._left = threading.Event()
        for number in range(size):
            self._connect(number)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def leave(self):
        self._left.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _connect(self, number):
        connection = socket.socket()
        connection.setblocking(False)
        connection.bind((self.addresses[number % len(self.addresses)], 0))
        connection.connect_ex(("127.0.0.1", self.port))
        self._selector.register(connection, selectors.EVENT_WRITE, number)

    def _run(self):
        while not self._left.is_set():
            for key, events in self._selector.select(0.1):
                connection, number = key.fileobj, key.data
                try:
                    if events & selectors.EVENT_WRITE:
                        connection.send(handshake_request()[:-1])
                        self._selector.modify(connection, selectors.EVENT_READ, number)
                        continue
                    if connection.recv(4096):
                        continue
                except OSError:
                    pass
                self._selector.unregister(connection)
                connection.close()
                self.returned += 1
                self._connect(number)


class PendingConnections(HostileTestCase):
    options = ("--set", f"max_newcomers={MOST}", "--set", f"head_time={HEAD_TIME}s")

    @contextlib.contextmanager
    def crowd(self, addresses):
        crowd = Crowd(self.server.port, addresses)
        try:
            yield crowd
        finally:
            crowd.leave()

    def assert_served(self, crowd):
        """A good client waits for its turn, in which each of the crowd has come back about once on each loop, not longer."""
        returned = crowd.returned
        good = RawClient(self.server.port)
        try:
            good.open("/echo/")
            self.assertLess(crowd.returned - returned, (WORKERS + 1) * CROWD)
            good.assert_echoes()
        finally:
            good.close()

    def assert_good_ones_are_served(self, addresses):
        with self.server.memory_within(CROWD * 16 * KIBIBYTE + SLACK), self.crowd(addresses) as crowd:
            self.assert_served(crowd)  # who comes together with the crowd
            self.eventually(lambda: crowd.returned > CROWD, "all of them have come back")
            for _ in range(3):
                self.assert_served(crowd)

    def test_row_75_a_slow_crowd_from_one_address_keeps_nobody_out(self):
        """Ten times as many slow peers as may be, from one address, that reconnect for ever."""
        self.assert_good_ones_are_served(["127.0.1.1"])

    def test_row_75_a_slow_crowd_from_250_addresses_keeps_nobody_out(self):
        """The same from 250 addresses."""
        self.assert_good_ones_are_served([f"127.0.1.{last}" for last in range(1, 251)])


class HonestPendingConnections(HostileTestCase):
    options = ("--set", f"max_newcomers={MOST}")

    def test_row_75_an_honest_crowd_is_slowed_down_and_not_ended(self):
        """Ten times as many honest peers as may be: all get their 101, also those that ask a while after they connect."""
        # Over TLS a client speaks when it connects: the next one would wait for one that waits for it.
        for waits in (False,) if TLS else (False, True):
            honest = []
            for _ in range(CROWD):
                connection = self.connect()
                if not waits:
                    connection.send(handshake_request())
                honest.append(connection)
            for connection in honest:
                if waits:
                    connection.send(handshake_request())
            for connection in honest:
                self.assertEqual(connection.answer(head_only=True).status, 101)
            for connection in honest:
                connection.close()
            self.eventually(lambda: self.server.sockets() == 1, "all have gone")
        self.assertEqual(self.server.strikes("max_newcomers"), 0)


if __name__ == "__main__":
    main()
