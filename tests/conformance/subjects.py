"""Who is tested: our server or our client as a process, or somebody else's."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

import handshake
from frames import Violation
from peer import Peer
from stream import PATIENCE, Stream

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("C10K_BUILD", SOURCE / "build"))
SERVER = BUILD / "conformance_server"
CLIENT = BUILD / "conformance_client"
HOST = "127.0.0.1"
SETTINGS = {"max_message_bytes": 64 << 20, "ping_interval": "60m", "verbosity": 0}


def refusal_of_io_uring():
    """Why there is none here, or ""."""
    said = subprocess.run([SERVER, "check", "--json"], stdout=subprocess.PIPE, check=False).stdout
    return json.loads(said)["machine"]["io_uring"]["refusal"]


class Program:
    """A process that dies with us, and the last it printed."""

    def __init__(self, arguments):
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, arguments)], text=True,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._news = threading.Condition()
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self._lines = [*self._lines[-200:], line.rstrip()]
                self._news.notify_all()

    def find(self, pattern):
        """The match in a line that it has printed or will print."""
        def match():
            return next((found for line in self._lines if (found := re.search(pattern, line))), None)
        with self._news:
            self._news.wait_for(match, PATIENCE)
            return match() or self._never(pattern)

    def _never(self, pattern):
        raise SystemExit("\n".join([f"it never printed {pattern!r}:", *self._lines]))

    def is_running(self):
        return self._process.poll() is None

    def printed(self):
        return "\n".join(self._lines)

    def stop(self):
        """Asks it to end. Returns its exit status."""
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        return status


class Certificate:
    """A new one for this machine, that signs itself."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self._folder.name) / "certificate.pem"
        self.key = pathlib.Path(self._folder.name) / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}",
                        "-keyout", self.key, "-out", self.file], check=True, capture_output=True)

    def context_of_server(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context

    def context_of_client(self):
        return ssl.create_default_context(cafile=self.file)


class ForeignServer:
    """A server that is already there, at `url`."""

    def __init__(self, url, context=None):
        self._url = urllib.parse.urlsplit(url)
        self._context = context
        if self._url.scheme == "wss" and context is None:
            self._context = ssl._create_unverified_context()

    def make_stream(self, connection):
        return Stream(connection)

    @contextlib.contextmanager
    def peer(self, case):
        """A WebSocket to it, as the case needs it."""
        port = self._url.port or (443 if self._context else 80)
        try:
            stream = self.make_stream(socket.create_connection((self._url.hostname, port), PATIENCE))
        except OSError as error:
            raise Violation(f"no connection: {error}") from None
        with contextlib.closing(stream):
            if self._context is not None:
                stream.start_tls(self._context, server_side=False, name=self._url.hostname)
            answer, rest = handshake.ask(stream, self._url.netloc, self._url.path or "/", list(map(str, case.offers)))
            yield Peer(stream, "server", rest, case.agreed(answer))

    def revive(self):
        """Makes it ready for the next case. Returns what there is to say about that."""
        return ""

    def stop(self):
        """Returns what is wrong with its end, or ""."""
        return ""


class Server(ForeignServer):
    """Ours."""

    def __init__(self, backend, tls):
        self._certificate = Certificate() if tls else None
        self._arguments = [SERVER, "runserver", f"{HOST}:0", "--noreload", "--backend", backend]
        settings = dict(SETTINGS)
        if tls:
            settings |= {"tls_certificate": self._certificate.file, "tls_key": self._certificate.key}
        for name, value in settings.items():
            self._arguments += ["--set", f"{name}={value}"]
        self._start()

    def _start(self):
        self._program = Program(self._arguments)
        port = self._program.find(rf"https?://{re.escape(HOST)}:(\d+)/")[1]
        context = self._certificate.context_of_client() if self._certificate else None
        super().__init__(f"{'wss' if context else 'ws'}://{HOST}:{port}/echo/", context)

    def revive(self):
        if self._program.is_running():
            return ""
        former = self._program
        status = former.wait()
        self._start()
        return f"the server has ended with {status}:\n{former.printed()}"

    def stop(self):
        status = self._program.stop()
        return f"the server ended with {status}:\n{self._program.printed()}" if status else ""


class ForeignClient:
    """A client that connects to the URL behind its `command`, and echoes, again and again, until it is refused."""

    def __init__(self, command, tls=False):
        self._certificate = Certificate() if tls else None
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.1)
        scheme = "wss" if tls else "ws"
        url = f"{scheme}://{HOST}:{self._listener.getsockname()[1]}/"
        self._arguments = [*command, url, *self.options()]
        self._program = Program(self._arguments)

    def options(self):
        return []

    @contextlib.contextmanager
    def peer(self, case):
        """Its next WebSocket, as the case needs it."""
        with contextlib.closing(self._accept()) as stream:
            key, offers = handshake.take(stream)
            answer, deflate = case.answer(offers)
            handshake.agree(stream, key, answer)
            yield Peer(stream, "client", b"", deflate)

    def _accept(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                stream = Stream(self._listener.accept()[0])
                break
            except TimeoutError:
                if not self._program.is_running():  # it goes when a handshake fails
                    self._start_anew()
                elif time.monotonic() > deadline:
                    raise Violation("the client did not connect") from None
        if self._certificate is not None:
            stream.start_tls(self._certificate.context_of_server(), server_side=True)
        return stream

    def _start_anew(self):
        former = self._program
        status = former.wait()
        self._program = Program(self._arguments)
        if status:
            raise Violation(f"the client has ended with {status}:\n{former.printed()}")

    def revive(self):
        try:
            if not self._program.is_running():
                self._start_anew()
        except Violation as ending:
            return str(ending)
        return ""

    def stop(self):
        with contextlib.suppress(Violation), contextlib.closing(self._accept()) as stream:
            handshake.take(stream)
            handshake.refuse(stream)
        status = self._program.wait()
        self._listener.close()
        return f"the client ended with {status}:\n{self._program.printed()}" if status else ""


class Client(ForeignClient):
    """Ours."""

    def __init__(self, backend, tls):
        super().__init__([CLIENT, "talk", "--backend", backend], tls)

    def options(self):
        return ["--ca-file", self._certificate.file] if self._certificate else []


def make(role, backend, tls):
    return Server(backend, tls) if role == "server" else Client(backend, tls)


def foreign(url, command):
    return ForeignServer(url) if url else ForeignClient(shlex.split(command))
