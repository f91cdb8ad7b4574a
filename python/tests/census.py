"""Counts what a server keeps, and clients that come and go in every way: together they show what is never given back."""

from __future__ import annotations

import asyncio
import collections
import ctypes
import gc
import json
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable

from raw_client import CLOSE, RawWebSocket, frame, handshake, reset


def census() -> dict[str, int]:
    """What this process holds: blocks of Python, bytes of C++, objects by type, descriptors and threads."""
    for _ in range(3):
        gc.collect()
    found = collections.Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {
        "blocks": sys.getallocatedblocks(),
        "references": getattr(sys, "gettotalrefcount", lambda: 0)(),
        "malloc": _malloc_bytes(),
        "rss": pages * os.sysconf("SC_PAGESIZE"),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        **{name: count for name, count in found.items()},
    }


def connections() -> int:
    """How many the server of this process has. Thread: any."""
    from c10k import current_server

    return int(re.search(r"^c10k_connections_open (\d+)", current_server().metrics(), re.MULTILINE)[1])


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def _malloc_bytes() -> int:
    """Bytes that malloc() has given out; 0 under a sanitizer, which has a malloc() of its own."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Mallinfo
    info = mallinfo()
    return info.uordblks + info.hblkhd


class Traffic:
    """Clients of one server. Each kind of visit is a method; `paths` says which kinds there are, and where they go.

    Args:
        port: of the server, on 127.0.0.1.
        paths: kinds, and the path that each of them visits.
        census: the path that answers with the census as JSON.
    """

    def __init__(self, port: int, paths: dict[str, str], census: str) -> None:
        self.port, self.paths, self.census_path = port, paths, census
        self.visits = 0

    async def round(self, count: int) -> dict[str, int]:
        """So many visits of each kind, 50 at a time. Returns the census afterwards."""
        for kind, path in self.paths.items():
            visit: Callable[[str], Awaitable[None]] = getattr(self, kind)
            for begin in range(0, count, 50):
                await asyncio.gather(*(visit(path) for _ in range(begin, min(begin + 50, count))))
            self.visits += count
        return await self.census()

    async def census(self) -> dict[str, int]:
        """The server's, once it has forgotten its clients: when two look the same."""
        last: dict[str, int] = {}
        while True:
            answer = await self.request(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % self.census_path.encode())
            now = json.loads(answer.partition(b"\r\n\r\n")[2])
            if now["connections"] == 1 and abs(now["blocks"] - last.get("blocks", 0)) < 10:
                return now
            last = now
            await asyncio.sleep(0.02)

    # ---- WebSockets

    async def closed_by_client(self, path: str) -> None:
        ws = await self._open(path)
        ws.send("hello")
        await ws.recv()
        ws.writer.write(frame(CLOSE, b"\x03\xe8"))
        await ws.reader.read()
        ws.writer.close()

    async def closed_by_view(self, path: str) -> None:
        await (await self._open(path)).end()

    async def ended_by_exception(self, path: str) -> None:
        assert await (await self._open(path)).end() == 1011

    async def refused(self, path: str) -> None:
        assert b" 101 " not in (await self.request(handshake(path)))[:20]

    async def reset(self, path: str) -> None:
        ws = await self._open(path)
        ws.send("hello")
        await ws.recv()
        ws.reset()

    async def reset_in_the_handshake(self, path: str) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(handshake(path))
        await asyncio.sleep(0)
        reset(writer)

    async def _open(self, path: str) -> RawWebSocket:
        return await RawWebSocket.open("127.0.0.1", self.port, path)

    # ---- Requests

    async def page(self, path: str) -> None:
        assert (await self.request(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())).startswith(b"HTTP/1.1 200")

    async def upload(self, path: str) -> None:
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" % path.encode()
        assert (await self.request(head + b"x" * 100_000)).startswith(b"HTTP/1.1 200")

    async def reset_in_the_upload(self, path: str) -> None:
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" % path.encode()
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head + b"x" * 50_000)
        await writer.drain()
        reset(writer)

    async def reset_in_the_answer(self, path: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        await reader.read(10)
        reset(writer)

    async def request(self, head: bytes) -> bytes:
        """The whole answer. The connection is closed behind it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if b"Upgrade" not in head else head)
            answer = await reader.readuntil(b"\r\n\r\n")
            size = next((int(line[15:]) for line in answer.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
            return answer + await reader.readexactly(size)
        finally:
            writer.close()


#: What a server may hold more: at first, and after each visit on average. The latter is less than one object of one kind
#: of visits. malloc() keeps some freed memory for its threads, and calls it given out; each thread of a pool that starts
#: late brings megabytes of pages.
ALLOWED = {"blocks": (30, 0.01), "references": (100, 0.05), "malloc": (30_000, 1), "rss": (32_000_000, 20)}


#: A leak shows each time. What a busy machine does late does not.
ATTEMPTS = 4


async def check_slope(test, traffic: Traffic, *, rounds: int, count: int, late: int = 0) -> None:
    """Fails if the server holds more after so many rounds of traffic than before them, and again after as many more.

    Free lists and caches fill up in a round before. Afterwards no more than `late` objects of a type may come, and ten
    times as many blocks: pools of threads need them, and Python's cache of attributes, which has room for 4,096 names.
    """
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        test.skipTest("a sanitizer keeps what is freed")
    first = await traffic.round(count)
    for _ in range(ATTEMPTS):
        begin = traffic.visits
        for _ in range(rounds):
            last = await traffic.round(count)
        visits = traffic.visits - begin
        grown = {name: last[name] - first.get(name, 0) for name in last if last[name] > first.get(name, 0)}
        if "C10K_FULL" in os.environ:
            print(f"{visits} visits: {grown}", file=sys.stderr)
        leaked = {name: growth for name, growth in grown.items() if growth > allowed(name, visits, late)}
        if not leaked:
            return
        first = last
    test.fail(f"{leaked} have come in each {visits} visits, the last time: {grown}")


def allowed(name: str, visits: int, late: int) -> float:
    """How much of `name` may come in so many visits."""
    once, each = ALLOWED.get(name, (late, 0))
    return once + late * {"blocks": 10, "malloc": 10_000}.get(name, 0) + each * visits
