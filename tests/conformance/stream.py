"""A TCP connection, plain or under TLS, whose every end can be told from every other."""

import select
import socket
import ssl

from support.frames import Violation
from support.waiting import PATIENCE

AT_ONCE = 1 << 18


class Stream:
    """Sends bytes whole and takes bytes as they come, in turns: no peer can block it by not reading."""

    def __init__(self, connection):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._poll = select.poll()
        self._arrived = bytearray()
        self._has_ended = False
        self._tls = None  # or an ssl.SSLObject between two buffers

    def start_tls(self, context, server_side, name=None):
        """Runs the TLS handshake."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side, name)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._write(self._out.read())
                if not (data := self._read_socket(PATIENCE)):
                    raise Violation("TCP ended inside the TLS handshake") from None
                self._in.write(data)
            except ssl.SSLError as error:
                raise Violation(f"the TLS handshake failed: {error}") from None
        self._write(self._out.read())
        self._decrypt()  # what came behind it

    def close(self):
        self._socket.close()

    def send(self, data):
        if self._tls is not None:
            self._tls.write(data)
            data = self._out.read()
        self._write(data)

    def receive(self):
        """What has come, and waits for it; b"" once the subject has ended the connection in good order."""
        while not self._arrived and not self._has_ended:
            self._take(PATIENCE)
        if not self._arrived and self._tls is not None and self._read_socket(PATIENCE):
            raise Violation("bytes behind TLS's close_notify")
        data, self._arrived = self._arrived, bytearray()
        return data

    def receive_refusal(self):
        """Waits until the subject, which does not take the answer to its handshake, has ended the connection."""
        if data := self.receive():
            raise Violation(f"more than expected: {bytes(data[:40])!r}")

    def is_silent(self, seconds):
        """Whether neither bytes nor the end come for so long."""
        if self._arrived or self._has_ended:
            return False
        self._poll.register(self._socket, select.POLLIN)
        if not self._poll.poll(seconds * 1000):
            return True
        self._take(0)  # TLS may have things of its own to say
        return not self._arrived and not self._has_ended

    def finish(self):
        """Ends our side."""
        if self._tls is not None:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # the subject's side may still be open
            self._write(self._out.read())
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            raise Violation("the connection was reset") from None

    def check_no_reset(self):
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Violation("the connection was reset")

    # ---- TCP

    def _write(self, data):
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left):]
            except BlockingIOError:
                self._poll.register(self._socket, select.POLLOUT if self._has_ended else select.POLLIN | select.POLLOUT)
                ready = self._poll.poll(PATIENCE * 1000)
                if not ready:
                    raise Violation(f"for {PATIENCE} s it took none of what was sent") from None
                if ready[0][1] & select.POLLIN and not self._has_ended:
                    self._take(0)
            except (BrokenPipeError, ConnectionResetError):
                raise Violation("the connection was reset while more was sent") from None

    def _take(self, seconds):
        data = self._read_socket(seconds)
        if self._tls is None:
            self._arrived += data
            self._has_ended = not data
            return
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        self._decrypt()

    def _read_socket(self, seconds):
        while True:
            try:
                return self._socket.recv(AT_ONCE)
            except BlockingIOError:
                self._poll.register(self._socket, select.POLLIN)
                if not self._poll.poll(seconds * 1000):
                    raise Violation(f"nothing came for {PATIENCE} s") from None
            except ConnectionResetError:
                raise Violation("the connection was reset") from None

    def _decrypt(self):
        try:
            while not self._has_ended:
                data = self._tls.read(AT_ONCE)
                self._arrived += data
                self._has_ended = not data  # close_notify
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # close_notify after ours
            self._has_ended = True
        except ssl.SSLEOFError:
            raise Violation("FIN without TLS's close_notify") from None
        except ssl.SSLError as error:
            raise Violation(f"TLS failed: {error}") from None
