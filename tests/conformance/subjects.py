"""Who is tested: our server or our client as a process, or somebody else's."""

import contextlib
import os
import re
import shlex
import socket
import ssl
import time
import urllib.parse

import handshake
from endpoint import Endpoint
from http2_stream import Http2Connection
from stream import Stream
from support import environment
from support.frames import Violation
from support.process import Program
from support.tls import Certificate
from support.waiting import PATIENCE

SERVER = environment.BUILD / "conformance_server"
CLIENT = environment.BUILD / "conformance_client"
HOST = "127.0.0.1"
SETTINGS = {"max_message_bytes": 64 << 20, "ping_interval": "60m", "verbosity": 0}


class ForeignServer:
    """A server that is already there, at `url`."""

    def __init__(self, url, context=None):
        self._url = urllib.parse.urlsplit(url)
        self._context = context
        if self._url.scheme == "wss" and context is None:
            self._context = ssl._create_unverified_context()

    def make_stream(self, connection):
        return Stream(connection)

    def connect(self):
        port = self._url.port or (443 if self._context else 80)
        try:
            return socket.create_connection((self._url.hostname, port), PATIENCE)
        except OSError as error:
            raise Violation(f"no connection: {error}") from None

    @contextlib.contextmanager
    def peer(self, case):
        """A WebSocket to it, as the case needs it."""
        with contextlib.closing(self.make_stream(self.connect())) as stream:
            if self._context is not None:
                stream.start_tls(self._context, server_side=False, name=self._url.hostname)
            answer, rest = handshake.ask(stream, self._url.netloc, self._url.path or "/", list(map(str, case.offers)))
            yield Endpoint(stream, "server", rest, case.agreed(answer))

    def revive(self):
        """Makes it ready for the next case. Returns what there is to say about that."""
        return ""

    def stop(self):
        """Returns what is wrong with its end, or ""."""
        return ""


class OurServer(ForeignServer):
    def __init__(self, backend, tls=False, **settings):
        self._certificate = Certificate(program=SERVER) if tls else None
        self._options = ["--backend", backend, *(self._certificate.options if tls else [])]
        for name, value in {**SETTINGS, **settings}.items():
            self._options += ["--set", f"{name}={value}"]
        self._start()

    def _start(self):
        self._program = Program("runserver", f"{HOST}:0", "--noreload", *self._options, program=SERVER)
        port = self._program.wait_for(rf"https?://{re.escape(HOST)}:(\d+)/")[1]
        context = self._certificate.client if self._certificate else None
        super().__init__(f"{'wss' if context else 'ws'}://{HOST}:{port}/echo/", context)

    def revive(self):
        if self._program.is_running():
            return ""
        former = self._program
        status = former.wait()
        self._start()
        return f"the server has ended with {status}:\n{former.output}"

    def stop(self):
        status = self._program.stop()
        return f"the server ended with {status}:\n{self._program.output}" if status else ""


class OurHttp2Server(OurServer):
    """Its WebSockets are streams of one connection, until something goes wrong."""

    def __init__(self, backend):
        super().__init__(backend, http2="on")
        self._connection = None

    @contextlib.contextmanager
    def peer(self, case):
        if self._connection is None:
            self._connection = Http2Connection(self.connect(), is_client=True)
        stream, answer = handshake.ask_on_stream(self._connection, self._url.netloc, self._url.path,
                                                 list(map(str, case.offers)))
        with contextlib.closing(stream):
            yield Endpoint(stream, "server", b"", case.agreed(answer))

    def revive(self):
        self._hang_up()
        return super().revive()

    def stop(self):
        self._hang_up()
        return super().stop()

    def _hang_up(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class ForeignClient:
    """A client that connects to the URL behind its `command`, and echoes, again and again, until it is refused."""

    def __init__(self, command, tls=False):
        self._certificate = Certificate(program=CLIENT) if tls else None
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.1)
        scheme = "wss" if tls else "ws"
        url = f"{scheme}://{HOST}:{self._listener.getsockname()[1]}/"
        self._arguments = [*command, url, *self.options()]
        self._start()

    def _start(self):
        program, *arguments = self._arguments
        self._program = Program(*arguments, program=program, cwd=os.getcwd())

    def options(self):
        return []

    @contextlib.contextmanager
    def peer(self, case):
        """Its next WebSocket, as the case needs it."""
        with contextlib.closing(self._accept()) as stream:
            key, offers = handshake.take(stream)
            answer, deflate = case.answer(offers)
            handshake.agree(stream, key, answer)
            yield Endpoint(stream, "client", b"", deflate)

    def _accept(self):
        stream = Stream(self.accept_connection())
        if self._certificate is not None:
            stream.start_tls(self._certificate.server, server_side=True)
        return stream

    def accept_connection(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._listener.accept()[0]
            except TimeoutError:
                if not self._program.is_running():  # it goes when a handshake fails
                    self._start_anew()
                elif time.monotonic() > deadline:
                    raise Violation("the client did not connect") from None

    def _start_anew(self):
        former = self._program
        status = former.wait()
        self._start()
        if status:
            raise Violation(f"the client has ended with {status}:\n{former.output}")

    def revive(self):
        try:
            if not self._program.is_running():
                self._start_anew()
        except Violation as ending:
            return str(ending)
        return ""

    def stop(self):
        with contextlib.suppress(Violation):
            self.refuse()
        status = self._program.wait()
        self._listener.close()
        return f"the client ended with {status}:\n{self._program.output}" if status else ""

    def refuse(self):
        """Refuses its next WebSocket, so that it ends."""
        with contextlib.closing(self._accept()) as stream:
            handshake.take(stream)
            handshake.refuse(stream)


class OurClient(ForeignClient):
    def __init__(self, backend, tls):
        super().__init__([CLIENT, "talk", "--backend", backend], tls)

    def options(self):
        return ["--ca-file", self._certificate.ca] if self._certificate else []


class OurHttp2Client(OurClient):
    """Its WebSockets are streams, each of the connection that there is, or of the next one."""

    def __init__(self, backend):
        super().__init__(backend, tls=False)
        self._connection = None

    def options(self):
        return ["--http2"]

    @contextlib.contextmanager
    def peer(self, case):
        with contextlib.closing(self._next_stream()) as stream:
            answer, deflate = case.answer(handshake.take_on_stream(stream))
            handshake.agree_on_stream(stream, answer)
            yield Endpoint(stream, "client", b"", deflate)

    def refuse(self):
        with contextlib.closing(self._next_stream()) as stream:
            handshake.take_on_stream(stream)
            handshake.refuse_stream(stream)

    def _next_stream(self):
        while True:
            if self._connection is None:
                self._connection = Http2Connection(self.accept_connection(), is_client=False)
            if (stream := self._connection.next_request()) is not None:
                return stream
            self._hang_up()

    def _hang_up(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def revive(self):
        self._hang_up()
        return super().revive()

    def stop(self):
        wrong = super().stop()
        self._hang_up()
        return wrong


def make(role, backend, transport):
    if transport == "http2":
        return OurHttp2Server(backend) if role == "server" else OurHttp2Client(backend)
    return (OurServer if role == "server" else OurClient)(backend, transport == "tls")


def foreign(url, command):
    return ForeignServer(url) if url else ForeignClient(shlex.split(command))
