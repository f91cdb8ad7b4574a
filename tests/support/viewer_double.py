"""A server of the Life page that does what a test says: it speaks life.viewer, or only what older servers did.

    with ViewerDouble(size=8) as server:
        browser.get(server.http)
        server.tell(phase="running", connected=64)
        server.picture({(0, 0): (3, 1)})

Everything that pages send is in `received`, as objects in the order of their arrival.
"""

import asyncio
import contextlib
import copy
import http
import json
import mimetypes
import re
import struct
import threading

import websockets

from .environment import SOURCE
from .waiting import PATIENCE, eventually

DEMOS = SOURCE / "demos"
APPS = (DEMOS, DEMOS / "echo", DEMOS / "gameoflife")
PARTIAL = re.compile(r"\{\{>\s*([\w/]+)\s*\}\}")
KEY, AGES, LAST = 1, 2, 4
OLD = ("life.gathering", "life.batch")


def page(size):
    """The page as the demo renders it."""
    def read(name):
        [path] = [path for app in APPS if (path := app / "templates" / f"{name}.html").exists()]
        return PARTIAL.sub(lambda match: read(match[1]), path.read_text())

    return read("gameoflife/index").replace("{{size}}", str(size))


def picture(size, cells, *, number, flags=KEY | LAST, zoom=0, window=None, ages=None):
    """A picture of life.viewer: `cells` maps (row, column), in blocks, to (step, state or shade), or to None."""
    side = -(-size // 2**zoom)
    per = 2 if zoom == 0 else 16
    base = min((cell[0] for cell in cells.values() if cell), default=0)
    values = {place: 0 if cell is None else 1 + per * (cell[0] - base) + cell[1] for place, cell in cells.items()}
    width = next(width for width in (1, 2, 4) if max(values.values(), default=0) < 256**width)
    flags |= AGES if ages is not None else 0
    out = [struct.pack("<BBBBIQ5H", 1, flags, zoom, width, number, base, size, *(window or (0, 0, side, side)))]
    for run in runs(values):
        out.append(struct.pack("<3H", *run[0], len(run)))
        out += [values[place].to_bytes(width, "little") for place in run]
        out += [bytes([ages.get(place, 0)]) for place in run] if ages is not None else []
    return b"".join(out)


def runs(places):
    """Places in lists of those that stand beside each other in a row."""
    found = []
    for row, column in sorted(places):
        if found and found[-1][-1] == (row, column - 1):
            found[-1].append((row, column))
        else:
            found.append([(row, column)])
    return found


class ViewerDouble:
    """`protocols` are those that it knows, the best first; () is a server from before subprotocols."""

    def __init__(self, size=8, protocols=("life.viewer",), port=0):
        self.size = size
        self.port = port
        self.protocols = protocols
        self.received = []
        self.opened = 0           # connections, so far
        self.error = None         # what a command is answered with
        self.is_silent = False    # or whether it has no answer
        self.greets = True        # a new page gets the status and the picture at once
        self._frames = 0
        self._sockets = set()
        self.cells = {}
        self.status = {
            "game": {"number": 1, "size": size, "phase": "empty", "connected": 0, "subscribed": 0, "wrapped": True,
                     "limit": None},
            "step": {"oldest": None, "youngest": None}, "population": 0,
            "histogram": {"first": 0, "alive": [], "dead": []}, "messages": 0,
            "left": {"count": 0, "cells": []},
            "control": {"program": True, "allowed": True, "why": ""},
            "play": {"paused": False, "speed": 10, "held": None, "stays": True, "jitter": 0, "pattern": None},
        }

    # ---- Life cycle

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_):
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def listen(self):
        """Serves, at the port it had before."""
        self._server = self._do(self._serve())
        self.port = self._server.sockets[0].getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"

    def stop(self, code=1001):
        """Goes away, as a program that ends: nobody can reach it any more."""
        self._server.close()
        self.close(code)
        self._do(self._server.wait_closed())

    async def _serve(self):
        return await websockets.serve(self._speak, "127.0.0.1", self.port, process_request=self._answer,
                                      subprotocols=self.protocols or None, max_size=2**21, ping_interval=None)

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    # ---- What a test says

    def tell(self, **facts):
        """Changes the status by the names of its members or of those of `game`, and sends it."""
        status = copy.deepcopy(self.status)
        for name, value in facts.items():
            part = status["game"] if name in status["game"] else status
            part[name] = {**part[name], **value} if isinstance(value, dict) and isinstance(part[name], dict) else value
        self.status = status
        self.send(json.dumps({"status": status}))

    def run(self, cells, **facts):
        """A running game of these cells, (row, column): (step, state)."""
        self.cells = dict(cells)
        self.tell(phase="running", connected=self.size**2, subscribed=self.size**2, **self.steps_of(cells), **facts)
        self.picture(cells)

    @staticmethod
    def steps_of(cells):
        steps = [step for step, _ in cells.values()]
        first, last = min(steps), max(steps)
        count = {state: [sum(cell == (step, state) for cell in cells.values()) for step in range(first, last + 1)]
                 for state in (0, 1)}
        return {"step": {"oldest": first, "youngest": last}, "population": sum(count[1]),
                "histogram": {"first": first, "alive": count[1], "dead": count[0]}}

    def picture(self, cells, **options):
        self._frames += 1
        self.send(picture(self.size, cells, number=self._frames, **options))

    def send(self, message):
        async def send():
            for socket in list(self._sockets):
                await socket.send(message)

        self._do(send())

    def close(self, code, reason=""):
        async def close():
            for socket in list(self._sockets):
                await socket.close(code, reason)

        self._do(close())

    def wait_for_page(self, before=0):
        eventually(lambda: self.opened > before and self._sockets, "the page connects")

    # ---- What it does by itself

    async def _speak(self, socket):
        self.opened += 1
        with contextlib.suppress(websockets.ConnectionClosed):
            await self._greet(socket)
            self._sockets.add(socket)
            async for message in socket:
                await self._take(socket, json.loads(message))
        self._sockets.discard(socket)

    async def _greet(self, socket):
        if socket.subprotocol == "life.viewer":
            if self.greets:
                await socket.send(json.dumps({"status": self.status}))
                await socket.send(picture(self.size, self.cells, number=0))
        elif socket.subprotocol is not None:
            await socket.send(f"size {self.size}")

    async def _take(self, socket, message):
        self.received.append(message)
        if "id" in message and not self.is_silent:
            await socket.send(json.dumps({"answer": message["id"], "error": self.error}))

    async def _answer(self, path, headers):
        path = path.partition("?")[0]
        if headers.get("Upgrade"):
            return None
        body = self._body(path)
        status = http.HTTPStatus.OK if body is not None else http.HTTPStatus.NOT_FOUND
        kind = "text/html" if path == "/" else mimetypes.guess_type(path)[0] or "application/octet-stream"
        return status, {"Content-Type": kind, "Cache-Control": "no-store"}, body or b""

    def _body(self, path):
        if path == "/":
            return page(self.size).encode()
        if path.startswith("/static/gameoflife/patterns/"):
            path = path.removeprefix("/static/gameoflife")
            return (DEMOS / "gameoflife" / path[1:]).read_bytes()
        found = [file for app in APPS if path.startswith("/static/") and (file := app / path[1:]).is_file()]
        return found[0].read_bytes() if found else None
