"""A client and a server on raw sockets, which say exactly what they are told."""

import collections
import contextlib
import http.client
import re
import select
import socket
import ssl
import struct
import threading

from . import environment, handshake
from .frames import BINARY, CLOSE, PING, PONG, TEXT, frame, read_frame
from .tls import certificate
from .waiting import PATIENCE

Answer = collections.namedtuple("Answer", "status headers body")


@contextlib.contextmanager
def reserved_port():
    """A port, of both IPv4 and IPv6, that no other program is given meanwhile: for a server that must be told its port.

    The kernel gives a port that is bound to nobody who asks for any. It lets a server with SO_REUSEADDR bind it too, as long
    as nobody listens; until then, clients are refused.
    """
    with socket.socket(socket.AF_INET6) as holder:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("::", 0))
        yield holder.getsockname()[1]


class RawClient:
    """A TCP connection to a server on 127.0.0.1, with TLS or without."""

    def __init__(self, port, tls=None):
        self.host = f"127.0.0.1:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if environment.TLS if tls is None else tls:
            self.socket = certificate().client.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self._file = self.socket.makefile("rb")

    def close(self):
        self._file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_parts(self, parts):
        for part in parts:
            self.send(part)

    def shutdown_write(self):
        socket.socket.shutdown(self.socket, socket.SHUT_WR)  # that of ssl forgets the keys

    def abort(self):
        """Ends it with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

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

    def exactly(self, size):
        """The next `size` bytes."""
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError("the server ended the connection")
        return data

    def rest(self):
        """All that comes until the server ends the connection; b"" if it has ended already."""
        try:
            return self._file.read()
        except ConnectionResetError:
            raise AssertionError("the server reset the connection instead of ending it") from None

    # ---- HTTP

    def request(self, line, *fields, body=b"", host=True):
        """Sends a request: its first line without the version, its fields as lines."""
        lines = [f"{line} HTTP/1.1", *([f"Host: {self.host}"] if host else []), *fields, "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)

    def answer(self, head_only=False):
        """The next response, whole."""
        status_line = self._file.readline()
        if not status_line:
            raise EOFError("the server ended the connection without a response")
        match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n", status_line)
        if match is None:
            raise AssertionError(f"not a status line: {status_line!r}")
        status = int(match[1])
        headers = http.client.parse_headers(self._file)
        body = b""
        if not head_only and status >= 200 and status not in (204, 304):
            body = self.exactly(int(headers["Content-Length"]))
        return Answer(status, headers, body)

    # ---- WebSocket

    def handshake_bytes(self, path, *fields):
        return handshake.request(self.host, path, *fields)

    def open(self, path, *fields):
        """Opens a WebSocket; returns the answer to the handshake, which must be 101."""
        self.send(self.handshake_bytes(path, *fields))
        return self.opened()

    def opened(self):
        answer = self.answer(head_only=True)
        if answer.status != 101 or answer.headers["Sec-WebSocket-Accept"] != handshake.ACCEPT:
            raise AssertionError(f"the handshake failed: {answer}")
        return answer

    def frame(self):
        """The next Frame."""
        return read_frame(self.exactly, masked=False)

    def text(self):
        """The next frame's text."""
        return self._whole(TEXT).payload.decode()

    def closed(self):
        """The code and the reason of the close frame that comes next, and nothing else."""
        payload = self._whole(CLOSE).payload
        return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (1005, "")

    def message(self):
        """The payload of the next message. Pings are answered meanwhile, so that the server has nothing against us."""
        while (received := self._whole(TEXT, BINARY, PING)).opcode == PING:
            self.send(frame(PONG, received.payload))
        return received.payload

    def assert_echoes(self, text="anybody there?"):
        self.send(frame(TEXT, text))
        if self.message() != text.encode():
            raise AssertionError("another echo than what was sent")

    def _whole(self, *opcodes):
        """The next frame, which must be a whole message of one of these kinds, without an extension."""
        received = self.frame()
        if received.opcode not in opcodes or not received.final or received.rsv:
            raise AssertionError(f"not what was expected: {received}")
        return received


class AcceptedClient:
    """One client of a RawServer, which has sent its handshake and waits for the answer."""

    def __init__(self, connection):
        connection.settimeout(PATIENCE)
        self._connection = connection
        self._file = connection.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                raise EOFError("no whole handshake came")
            self.head += line
        self.path = self.head.split(b" ")[1].decode()
        self.key = re.search(rb"(?i)^sec-websocket-key: *(\S+)", self.head, re.MULTILINE)[1]

    def send(self, data):
        self._connection.sendall(data)

    def switch(self, *fields):
        self.send(handshake.switch(self.key, *fields))

    def frame(self):
        """Its next Frame."""
        return read_frame(self._exactly, masked=True)

    def close_code(self):
        """The code of its close frame, whatever comes before; 1006 if there is none."""
        with contextlib.suppress(EOFError):
            while True:
                received = self.frame()
                if received.opcode == CLOSE:
                    return int.from_bytes(received.payload[:2], "big")
        return 1006

    def finish(self):
        """Ends TCP first, as a server does after a clean close."""
        self._connection.shutdown(socket.SHUT_WR)
        self.wait_for_end()

    def wait_for_end(self):
        """Waits for the client to end TCP, as it must after a failure."""
        while self._file.read(65536):
            pass

    def _exactly(self, size):
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError("the client ended the connection")
        return data


class RawServer:
    """Accepts connections, and has `serve(client, number)` talk to each AcceptedClient, in a thread:
    `with RawServer(serve) as server:` connect to `server.url`. Raises at its end what a serve() raised."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.url = "ws://127.0.0.1:%d" % self._listener.getsockname()[1]
        self._threads = []
        self.failures = []  # of those that talked
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()
        if self.failures and failure[0] is None:
            raise self.failures[0]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._talk, args=(connection, len(self._threads)), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection, number):
        with connection:
            try:
                self._serve(AcceptedClient(connection), number)
            except (EOFError, OSError):
                pass  # the client has gone: it may
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append(failure)
