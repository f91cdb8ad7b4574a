"""A page and a program in control of the Game of Life, from docs/reference/life-protocols.md alone."""

import json
import struct

from . import environment
from .foreign import soon, websocket
from .process import ManageServer

KEY, AGES, LAST_PART = 1, 2, 4
WHOLE = {"zoom": 0, "left": 0, "top": 0, "columns": 4096, "rows": 4096}


class Picture:
    """What the messages of frames make of a grid: step and state of each cell by row and column; with zoom, step and shade."""

    def __init__(self):
        self.cells, self.ages = {}, {}
        self.frame = 0
        self.is_whole = True
        self.keys = 0

    def take(self, message):
        """Returns the cells of the message."""
        kind, flags, self.zoom, width, frame, base, self.size, *self.viewport = struct.unpack_from("<BBBBIQ5H", message)
        if kind != 1 or frame != self.frame + self.is_whole:
            raise AssertionError(f"kind {kind}, frame {frame} after {self.frame}")
        self.frame = frame
        if flags & KEY:
            self.cells.clear()
            self.ages.clear()
            self.keys += 1
        self.is_whole = flags & LAST_PART != 0
        news, at = {}, 26
        while at < len(message):
            row, col, count = struct.unpack_from("<3H", message, at)
            values = struct.unpack_from(f"<{count}{' BH I'[width]}", message, at + 6)
            at += 6 + count * width
            for number, value in enumerate(values):
                if value:
                    ahead, state = divmod(value - 1, 16 if self.zoom else 2)
                    news[row, col + number] = base + ahead, state
            if flags & AGES:
                self.ages.update(((row, col + number), message[at + number]) for number in range(count))
                at += count
        if at != len(message):
            raise AssertionError("the last run goes beyond the message")
        self.cells.update(news)
        return news


class Crowd(ManageServer):
    """The server with a game of so many cells that nobody plays (tests/demos/crowd): each says its step in turn."""

    def __init__(self, size, words=0):
        settings = ["--set", f"crowd_size={size}", "--set", f"crowd_words={words}"]
        super().__init__(*settings, program=environment.BUILD / "life_crowd")


class Page:
    """A page that watches: it answers each frame, unless it is told not to."""

    def __init__(self, url):
        self._url = f"{url}/watcher/"
        self.picture = Picture()
        self.frames = 0
        self.seen = []  # the cells of each message
        self.status = self.card = None
        self.texts = 0
        self.answers = {}
        self.answers_frames = True

    async def __aenter__(self):
        self.socket = await websocket(self._url, subprotocols=["life.viewer"], max_size=None, max_queue=None)
        return self

    async def __aexit__(self, *failure):
        await self.socket.close()

    async def say(self, **said):
        await self.socket.send(json.dumps(said))

    async def view(self, **changes):
        await self.say(view={**WHOLE, **changes})

    async def until(self, condition):
        while not condition():
            await self.take(await soon(self.socket.recv()))

    async def take(self, message):
        if isinstance(message, bytes):
            self.seen.append(self.picture.take(message))
            if self.picture.is_whole:
                self.frames += 1
                if self.answers_frames:
                    await self.say(seen=self.picture.frame)
            return
        said = json.loads(message)
        self.texts += 1
        self.status = said.get("status", self.status)
        self.card = said.get("card", self.card)
        if "answer" in said:
            self.answers[said["answer"]] = said["error"]

    async def take_all_that_is_there(self):
        """All that the server had sent when it heard of this."""
        await soon(await self.socket.ping())
        while self.socket.messages:
            await self.take(await self.socket.recv())

    async def sees(self, cells):
        """Waits until the picture has these cells."""
        await self.until(lambda: self.picture.is_whole and self.picture.cells == cells)

    async def tells(self, *path_and_value):
        """Waits for a status in which `path` leads to the value: tells("game", "phase", "over")."""
        *path, value = path_and_value

        def is_told():
            found = self.status
            for name in path:
                found = found and found[name]
            return self.status is not None and found == value

        await self.until(is_told)

    async def do(self, number=1, **command):
        """The answer to a command."""
        self.answers.pop(number, None)
        await self.say(do=command, id=number)
        await self.until(lambda: number in self.answers)
        return self.answers[number]

    async def closed(self):
        await soon(self.socket.wait_closed())
        return self.socket.close_code, self.socket.close_reason


class ControlProgram:
    """A program in control, which does nothing by itself."""

    PLAY = {"paused": False, "speed": 10.0, "held": None, "stays": True, "jitter": 0.0, "pattern": None}

    def __init__(self, url):
        self._url = f"{url}/control/"

    async def __aenter__(self):
        self.socket = await websocket(self._url, subprotocols=["life.control"])
        return self

    async def __aexit__(self, *failure):
        await self.socket.close()

    async def say(self, **said):
        await self.socket.send(json.dumps(said))

    async def recv(self):
        return json.loads(await soon(self.socket.recv()))

    async def closed(self):
        await soon(self.socket.wait_closed())
        return self.socket.close_code, self.socket.close_reason
