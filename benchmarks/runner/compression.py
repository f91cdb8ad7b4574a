"""What compression costs and saves: memory of connections that have used it, CPU and bytes of a message."""

import random
import socket
import struct
import time
import zlib

from . import rounds, tables
from .idle import SETTLING_SECONDS, pss_bytes
from .plan import CALM
from .programs import PinnedServer, free_port

FEW = 200
MANY = 2_000
MESSAGES = 5_000
IN_FLIGHT = 16
MEMBERS = 100
SENT_TO_ALL = 200
TAIL = b"\x00\x00\xff\xff"

# The settings of the server's routes.
VARIANTS = {
    "plain": {},
    "no context": {"compression_window_bits": 12},
    **{
        f"context, {bits} bits": {"compression_window_bits": bits, "compression_context_takeover": "on"}
        for bits in range(9, 16)
    },
}


def texts(count):
    """Updates of some 1,000 bytes in JSON, as servers send them."""
    chosen = random.Random(7692)
    names = ["alice", "bob", "carol", "dave", "eve"]
    for number in range(count):
        rows = ", ".join(
            f'{{"id": {chosen.randrange(100_000)}, "name": "{chosen.choice(names)}", "x": {chosen.random() * 100:.1f}, '
            f'"alive": {chosen.choice(["true", "false"])}}}'
            for _ in range(17)
        )
        yield f'{{"step": {number}, "rows": [{rows}]}}'.encode()


class Client:
    """A WebSocket. It masks with zeros, which costs the server the same."""

    def __init__(self, port, path, is_compressed):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" if is_compressed else ""
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n".encode()
        )
        self._agreed = {}
        while line := self._file.readline().strip().decode():
            if line.startswith("Sec-WebSocket-Extensions: "):
                parameters = [parameter.strip().partition("=") for parameter in line.split(":")[1].split(";")]
                self._agreed = {name: value for name, _, value in parameters}
        if is_compressed != bool(self._agreed):
            raise RuntimeError(f"the server has agreed on {self._agreed}")

    def frames(self, messages):
        """The frames of these messages, which are to be sent in this order."""
        compressor = None
        for message in messages:
            first = 0x81
            if self._agreed:
                if compressor is None or "client_no_context_takeover" in self._agreed:
                    bits = int(self._agreed.get("client_max_window_bits", 15))
                    compressor = zlib.compressobj(1, zlib.DEFLATED, -bits)
                message = (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
                first = 0xC1
            head = struct.pack("!BB", first, 0x80 | len(message)) if len(message) < 126 else struct.pack(
                "!BBH", first, 0xFE, len(message)
            )
            yield head + bytes(4) + message

    def send(self, data):
        self._socket.sendall(data)

    def receive(self):
        """The payload of the next frame, as it came."""
        first, size = self._file.read(2)
        if size == 126:
            (size,) = struct.unpack("!H", self._file.read(2))
        if bool(first & 0x40) != bool(self._agreed):
            raise RuntimeError("compressed, or not, against what was agreed on")
        return self._file.read(size)

    def close(self):
        self._file.close()
        self._socket.close()


def cpu_seconds(pid):
    return time.clock_gettime((~pid << 3) | 2)


def crowd(count, port, path, is_compressed):
    """So many clients, each of which has sent a message and heard the answer."""
    (text,) = texts(1)
    clients = []
    for _ in range(count):
        client = Client(port, path, is_compressed)
        client.send(b"".join(client.frames([text])))
        client.receive()
        clients.append(client)
    return clients


def close_all(clients):
    for client in clients:
        client.close()
    time.sleep(SETTLING_SECONDS)


def memory_per_connection(server, port, is_compressed):
    few = crowd(FEW, port, "/echo/", is_compressed)
    time.sleep(SETTLING_SECONDS)
    before = pss_bytes(server.pid)
    many = crowd(MANY, port, "/echo/", is_compressed)
    time.sleep(SETTLING_SECONDS)
    grown = pss_bytes(server.pid) - before
    close_all(few + many)
    return grown / MANY


def echo(server, port, is_compressed):
    """CPU microseconds of an echo, and the bytes of the answer."""
    client = Client(port, "/echo/", is_compressed)
    frames = list(client.frames(texts(MESSAGES)))
    received = 0
    before = cpu_seconds(server.pid)
    for at in range(0, MESSAGES, IN_FLIGHT):
        burst = frames[at : at + IN_FLIGHT]
        client.send(b"".join(burst))
        received += sum(len(client.receive()) for _ in burst)
    used = cpu_seconds(server.pid) - before
    close_all([client])
    return used / MESSAGES * 1e6, received / MESSAGES


def broadcast(server, port, is_compressed):
    """CPU microseconds of a delivery."""
    members = [Client(port, "/broadcast/", is_compressed) for _ in range(MEMBERS)]
    frames = list(members[0].frames(texts(SENT_TO_ALL + 1)))

    def send(frame):
        members[0].send(frame)
        for member in members:
            member.receive()

    send(frames[0])  # all are there
    before = cpu_seconds(server.pid)
    for frame in frames[1:]:
        send(frame)
    used = cpu_seconds(server.pid) - before
    close_all(members)
    return used / SENT_TO_ALL / MEMBERS * 1e6


def run_once(options, settings):
    is_compressed = bool(settings)
    chosen = {"compression": "on" if is_compressed else "off", "compression_from_bytes": 0, **settings}
    port = free_port()
    command = [options.program("server"), "runserver", port, "--noreload", "-v", "0", "--backend", "epoll", *CALM]
    for name, value in chosen.items():
        command += ["--set", f"{name}={value}"]
    with PinnedServer(options.server_core, command, port) as server:
        own_bytes = memory_per_connection(server, port, is_compressed)
        echo_us, message_bytes = echo(server, port, is_compressed)
        return {
            "own_bytes": own_bytes,
            "message_bytes": message_bytes,
            "echo_us": echo_us,
            "delivery_us": broadcast(server, port, is_compressed),
        }


def run(machine, options):
    contenders = [(name, lambda settings=settings: run_once(options, settings)) for name, settings in VARIANTS.items()]
    runs = rounds.measure(machine, options, contenders)
    print("## Compression: messages of 1,000 bytes in JSON\n")
    columns = {
        "own_bytes": "own bytes per idle connection",
        "message_bytes": "bytes of a message",
        "echo_us": "CPU us per echo",
        "delivery_us": f"CPU us per delivery to {MEMBERS}",
    }
    rows = [
        [name, *(tables.spread([run[key] for run in runs[name]]) for key in columns)] for name in VARIANTS if name in runs
    ]
    tables.print_table(["", *columns.values()], rows)
    rounds.report_complaints(runs)
    return runs
