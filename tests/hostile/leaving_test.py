"""Row 84: clients that leave while the server has nothing to write: by FIN, by a reset, or without a word."""

import socket

from harness import HostileTestCase
from support.cases import main
from support.environment import in_full
from support.tcp import RawClient

TCP_REPAIR = 19  # tcp(7): a socket closed in this state sends nothing


class Waiting(HostileTestCase):
    """Each kind of view waits for what never comes; none of them is left behind."""

    def events(self):
        """A client that has got the first event of a stream."""
        connection = self.connect()
        connection.request("GET /events/")
        received = b""
        while b"data: first" not in received:
            received += connection.socket.recv(4096)
        return connection

    def poll(self):
        connection = self.connect()
        connection.request("GET /poll/")
        return connection

    def waiting(self):
        return self.websocket("/waiting/")

    def views(self):
        return int(self.server.page("/views/"))

    def assert_stopped(self, leave, kinds):
        for kind in kinds:
            count = in_full(300, 20)
            connections = [kind() for _ in range(count)]
            self.eventually(lambda: self.views() == count + 1, "all views run")  # one is the bystander's
            for connection in connections:
                leave(connection)
            self.eventually(lambda: self.views() == 1, f"the views of {kind.__name__} are stopped")
            for connection in connections:
                connection.close()
            self.eventually(lambda: self.server.sockets() == 1, "and their connections are gone")


class Leaving(Waiting):
    options = ("--set", "half_closed_time=500ms")

    def test_row_84_by_close(self):
        """close(), with nothing left to read."""
        self.assert_stopped(RawClient.close, [self.events, self.poll, self.waiting])

    def test_row_84_by_fin_alone(self):
        """FIN, and the client stays to read: its stream and its poll end after half_closed_time."""
        self.assert_stopped(RawClient.shutdown_write, [self.events, self.poll, self.waiting])

    def test_row_84_by_fin_behind_more_requests_than_are_kept(self):
        """FIN behind half a megabyte of requests that wait for the first one's answer."""
        count = in_full(100, 10)
        connections = []
        for _ in range(count):
            connection = self.poll()
            connection.send(b"GET /views/ HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"x" * 8000) * 64)
            connections.append(connection)
        self.eventually(lambda: self.views() == count + 1, "all views run")
        for connection in connections:
            connection.shutdown_write()
        self.eventually(lambda: self.views() == 1, "the polls are stopped")

    def test_row_84_by_reset(self):
        """A reset, which is noticed at once."""
        self.assert_stopped(RawClient.abort, [self.events, self.poll, self.waiting])


class Vanishing(Waiting):
    # As soon as the kernel can; it takes no less than each of these.
    options = ("--set", "keepalive_time=2s", "--set", "write_time=1s", "--set", "ping_interval=1s", "--set",
               "ping_timeout=4s")

    def test_row_84_without_a_word(self):
        """As behind a cut cable: the kernel asks, and after keepalive_time the view is stopped."""

        def vanish(connection):
            try:
                connection.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                self.skipTest("a socket can only be closed silently with the right to administer the network")
            connection.close()

        self.assert_stopped(vanish, [self.events, self.poll])


if __name__ == "__main__":
    main()
