"""What the end-to-end tests share: our programs as processes, and a TCP connection that says exactly what it is told.

Every wait ends with what it waits for, or fails after PATIENCE seconds: that is a hang, not a measure. A wait for a build
goes on as long as the build does: PATIENCE counts from its last progress, however busy the machine is. The programs die with
the test that started them, whatever ends it.
"""

import asyncio
import atexit
import base64
import collections
import contextlib
import faulthandler
import functools
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("C10K_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
MANAGE = pathlib.Path(os.environ.get("C10K_MANAGE", SOURCE / "build/manage"))
PATIENCE = 30  # seconds

# On what the programs run unless a test says otherwise: ctest runs the tests on each of them.
BACKEND = os.environ.get("C10K_TEST_BACKEND", "auto")
WORKERS = os.environ.get("C10K_TEST_WORKERS", "1")
TLS = os.environ.get("C10K_TEST_TLS") == "1"  # whether servers and connections speak TLS where a test does not say
SKIPPED = 77  # an exit status that ctest knows
ON_LOOPS = {"runserver", "serve", "gameoflife", "testecho"}  # the commands that take --backend and --workers

def _skip_what_is_not_for_here():
    if os.environ.get("C10K_TEST_WHEN") == "full" and not os.environ.get("C10K_FULL"):
        print("this runs with C10K_FULL=1 (./test --full)")
        sys.exit(SKIPPED)
    if BACKEND == "io_uring":
        said = subprocess.run([MANAGE, "check", "--json"], stdout=subprocess.PIPE, check=False).stdout
        if refusal := json.loads(said)["machine"]["io_uring"]["refusal"]:
            print(refusal)
            sys.exit(SKIPPED)


_skip_what_is_not_for_here()

_running = set()


def _kill_all():
    for program in list(_running):
        program.kill()


atexit.register(_kill_all)


def build_progress(pid):
    """Something that changes as long as what the process has started builds: its processes, and their time on the CPU.

    A program that serves is no part of it: that works for those who ask whether the build is done.
    """
    processes = {}
    children = collections.defaultdict(list)
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            child = int(stat.parent.name)
            fields = stat.read_text().rsplit(")", 1)[1].split()  # proc_pid_stat(5), from the third on
            children[int(fields[1])].append(child)
            processes[child] = fields[11:15] + fields[19:20]
    found = {}
    left = list(children[pid])
    while left:
        child = left.pop()
        with contextlib.suppress(OSError):
            if b"--noreload" not in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                found[child] = processes[child]
                left += children[child]
    return found


class Patience:
    """Ends `seconds` after the build that process `pid` has started made its last progress, or, without one, after now."""

    INTERVAL = 1  # seconds between two looks at the processes

    def __init__(self, seconds=PATIENCE, pid=None):
        self.seconds = seconds
        self._pid = pid
        self._progress = None
        self._looked = self._deadline = time.monotonic()
        self._deadline += seconds

    def left(self):
        """How many seconds there are to wait; none or less when it has ended."""
        now = time.monotonic()
        if self._pid is not None and (now > self._looked + self.INTERVAL or now > self._deadline):
            self._looked = now
            progress = build_progress(self._pid)
            if progress and progress != self._progress:
                self._progress = progress
                self._deadline = now + self.seconds
        return self._deadline - now


def eventually(condition, what, patience=PATIENCE, builder=None):
    """Waits until `condition()` is true, for `patience` seconds, and returns what it returned. A build that the process
    `builder` has started may take longer."""
    wait = Patience(patience, builder)
    while True:
        result = condition()
        if result:
            return result
        if wait.left() <= 0:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.02)


class Program:
    """`manage ARGUMENTS...` as a process, or `program`. Its lines are read as they come: it never waits for us."""

    def __init__(self, *arguments, env=None, cwd=None, stdout=subprocess.PIPE, program=None):
        self._folder = None
        if cwd is None:  # empty, so that no settings file is found by chance
            self._folder = tempfile.TemporaryDirectory()
            cwd = self._folder.name
        if arguments and arguments[0] in ON_LOOPS:
            given = " ".join(map(str, arguments))
            for option, value in (("--backend", BACKEND), ("--workers", WORKERS)):
                if option not in given:
                    arguments = (*arguments, option, value)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("C10K_")}
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(program or MANAGE), *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, env={**clean, **(env or {})},
            start_new_session=True,
        )
        _running.add(self)
        self.pid = self.process.pid
        self.stdout = []
        self.stderr = []
        self._lines = []  # of both, in the order of arrival
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, own), daemon=True)
            for pipe, own in ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))
            if pipe is not None
        ]
        self._open_pipes = len(self._readers)
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, own):
        for raw in pipe:
            line = raw.decode(errors="replace").rstrip("\n")
            with self._news:
                own.append(line)
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._open_pipes -= 1
            self._news.notify_all()

    @property
    def output(self):
        """All that it has printed."""
        with self._news:
            return "\n".join(self._lines)

    @property
    def line_count(self):
        """How many lines it has printed: a start for wait_for()."""
        with self._news:
            return len(self._lines)

    def wait_for(self, pattern, start=0, patience=PATIENCE):
        """The match of the first line from line `start` on that `pattern` is found in."""
        patience = Patience(patience, self.pid)
        with self._news:
            while True:
                for line in self._lines[start:]:
                    if match := re.search(pattern, line):
                        return match
                start = max(start, len(self._lines))
                left = patience.left()
                if self._open_pipes == 0 or left <= 0:
                    raise AssertionError(f"{pattern!r} was not printed:\n" + "\n".join(self._lines))
                self._news.wait(min(left, Patience.INTERVAL))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """Its exit status, once it has ended and all its lines are here."""
        patience = Patience(timeout, self.pid)
        status = None
        while status is None:
            try:
                status = self.process.wait(max(0, min(patience.left(), Patience.INTERVAL)))
            except subprocess.TimeoutExpired:
                if patience.left() <= 0:
                    self.kill()
                    raise AssertionError(f"it did not end within {timeout} s:\n{self.output}") from None
        self._forget()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _forget(self):
        for reader in self._readers:
            reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self._folder is not None:
            self._folder.cleanup()
        _running.discard(self)

    def memory(self):
        """Its share of the machine's memory, in bytes."""
        return self._memory("Pss")

    def own_memory(self):
        """The same without the pages of files: their share changes with every other program that maps the same files."""
        return self._memory("Pss_Anon")

    def _memory(self, kind):
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def is_sanitized(self):
        """Whether it was built with a sanitizer: they do not give memory back."""
        return re.search("lib[at]san", pathlib.Path(f"/proc/{self.pid}/maps").read_text()) is not None


def run(*arguments, timeout=PATIENCE, **options):
    """Runs `manage ARGUMENTS...` to its end. Returns the program, and its exit status as `status`."""
    program = Program(*arguments, **options)
    program.status = program.wait(timeout)
    return program


class Certificate:
    """What `manage certificate NAMES...` makes, in a folder that goes with the test program."""

    def __init__(self, *names):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.folder)
        self.certificate, self.key, self.ca = (self.folder / f"{name}.pem" for name in ("certificate", "key", "ca"))
        made = run("certificate", *names, "--folder", self.folder)
        if made.status != 0:
            raise AssertionError(made.output)

    @property
    def options(self):
        """Of a server that shows it."""
        return ("--set", f"tls_certificate={self.certificate}", "--set", f"tls_key={self.key}")

    @functools.cached_property
    def client(self):
        """An ssl context that trusts it."""
        return ssl.create_default_context(cafile=self.ca)

    @functools.cached_property
    def server(self):
        """An ssl context that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@functools.cache
def certificate():
    """The one of all servers that need not have their own."""
    return Certificate()


class Server(Program):
    """`manage runserver` on a free port of 127.0.0.1, ready to answer."""

    def __init__(self, *options, port=0, **process_options):
        if TLS:
            options = (*options, *certificate().options)
        super().__init__("runserver", f"127.0.0.1:{port}", "--noreload", *options, **process_options)
        scheme, port = self.wait_for(r"(https?)://127\.0\.0\.1:(\d+)/").groups()
        self.port = int(port)
        self.host = f"127.0.0.1:{self.port}"
        self.http = f"{scheme}://{self.host}"
        self.ws = self.http.replace("http", "ws", 1)

    def stop(self):
        """Asks it to end, and returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()


class AsyncTestCase(unittest.IsolatedAsyncioTestCase):
    """Tests that may be coroutines."""

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # unittest sets it, and asyncio is ten times slower with it


class ServerTestCase(AsyncTestCase):
    """Tests that share one server, which must outlive them all and then end in good order."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def connect(self):
        connection = Connection(self.server.port)
        self.addCleanup(connection.close)
        return connection


Answer = collections.namedtuple("Answer", "status headers body")
Frame = collections.namedtuple("Frame", "final rsv opcode payload")

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3


def frame(opcode, payload=b"", final=True, rsv=0, masked=True, length_bytes=None):
    """A frame's bytes (RFC 6455, 5.2). `length_bytes` 2 or 8 asks for a longer length field than it needs."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = final << 7 | rsv << 4 | opcode
    mask_bit = masked << 7
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    if length_bytes == 0:
        head = struct.pack("!BB", first, mask_bit | size)
    elif length_bytes == 2:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    mask = b"\x12\x34\x56\x78"
    repeated = (mask * (size // 4 + 1))[:size]
    mixed = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
    return head + mask + mixed


def close_frame(code, reason=b"", **options):
    return frame(CLOSE, struct.pack("!H", code) + reason, **options)


def switch(key, *fields):
    """A server's answer to a handshake with that key (RFC 6455, 4.2.2)."""
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
             b"Sec-WebSocket-Accept: " + accept, *fields, b"", b""]
    return b"\r\n".join(lines)


class Connection:
    """A TCP connection to a server on 127.0.0.1, with TLS or without."""

    def __init__(self, port, tls=None):
        self.host = f"127.0.0.1:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if TLS if tls is None else tls:
            self.socket = certificate().client.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self._file = self.socket.makefile("rb")

    def close(self):
        self._file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def finish_sending(self):
        socket.socket.shutdown(self.socket, socket.SHUT_WR)  # that of ssl forgets the keys

    def abort(self):
        """Ends it with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

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
            size = int(headers["Content-Length"])
            body = self._file.read(size)
            if len(body) != size:
                raise EOFError("the body is cut")
        return Answer(status, headers, body)

    def rest(self):
        """All that comes until the server ends the connection; b"" if it has ended already."""
        try:
            return self._file.read()
        except ConnectionResetError:
            raise AssertionError("the server reset the connection instead of ending it") from None

    # ---- WebSocket

    def handshake_bytes(self, path, *fields):
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {self.host}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *fields, "", "",
        ]
        return "\r\n".join(lines).encode()

    def open(self, path, *fields):
        """Opens a WebSocket; returns the answer to the handshake, which must be 101."""
        self.send(self.handshake_bytes(path, *fields))
        return self.opened()

    def opened(self):
        answer = self.answer(head_only=True)
        if answer.status != 101 or answer.headers["Sec-WebSocket-Accept"] != ACCEPT:
            raise AssertionError(f"the handshake failed: {answer}")
        return answer

    def _exactly(self, size):
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError("the server ended the connection")
        return data

    def frame(self):
        """The next frame. A server's frames are not masked, and their lengths as short as can be."""
        first, second = self._exactly(2)
        if second & 0x80:
            raise AssertionError("the server masked a frame")
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
            shortest = 126
        elif size == 127:
            (size,) = struct.unpack("!Q", self._exactly(8))
            shortest = 65536
        else:
            shortest = 0
        if size < shortest:
            raise AssertionError("the length is longer than it needs to be")
        return Frame(bool(first & 0x80), first >> 4 & 7, first & 15, self._exactly(size))

    def text(self):
        """The next frame's text."""
        received = self.frame()
        if received[:3] != (True, 0, TEXT):
            raise AssertionError(f"not a text message: {received}")
        return received.payload.decode()

    def closed(self):
        """The code and the reason of the close frame that comes next, and nothing else."""
        received = self.frame()
        if received[:3] != (True, 0, CLOSE):
            raise AssertionError(f"not a close frame: {received}")
        if not received.payload:
            return 1005, ""
        return struct.unpack("!H", received.payload[:2])[0], received.payload[2:].decode()


def main(longest=280):
    """Runs the tests of the calling file. One that hangs for all that shows where, after `longest` seconds."""
    if not MANAGE.exists():
        sys.exit(f"{MANAGE} is not there: build it, or say in C10K_MANAGE where it is")
    faulthandler.dump_traceback_later(longest, exit=True)
    unittest.main(verbosity=2)
