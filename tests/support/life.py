"""Both sides of the Game of Life, from the contract alone: workers for our server, and a relay for our workers."""

import asyncio
import itertools
import json

import websockets

from .foreign import soon, websocket
from .waiting import eventually


def neighbours(row, col, size, wrapped):
    """The cells around one."""
    offsets = [offset for offset in itertools.product((-1, 0, 1), repeat=2) if offset != (0, 0)]
    around = [(row + down, col + right) for down, right in offsets]
    if wrapped:
        return [(r % size, c % size) for r, c in around]
    return [(r, c) for r, c in around if 0 <= r < size and 0 <= c < size]


def glider(size):
    """A grid with a glider."""
    grid = [[0] * size for _ in range(size)]
    for row, col in [(0, 1), (1, 2), (2, 0), (2, 1), (2, 2)]:
        grid[row][col] = 1
    return grid


_worker_sockets = []


async def drop_workers():
    """Ends the connections of all workers that are left. asyncio would wait for the farewell of each."""
    for socket in _worker_sockets:
        socket.transport.abort()
    for socket in _worker_sockets:
        await soon(socket.wait_closed())
    _worker_sockets.clear()


class Worker:
    """One cell. Its steps are separate, so that a test can stop, or misbehave, between them."""

    def __init__(self, url, row, col, size, wrapped=True):
        self._url = f"{url}/worker/"
        self.row, self.col = row, col
        self.around = neighbours(row, col, size, wrapped and size >= 3)
        self.socket = None
        self.heard = []  # all updates, as they came

    async def connect(self):
        self.socket = await websocket(self._url, max_queue=None)
        _worker_sockets.append(self.socket)
        return self

    async def recv(self):
        return await soon(self.socket.recv())

    async def expect(self, text):
        message = await self.recv()
        if message != text:
            raise AssertionError(f"cell {self.row} {self.col} received {message!r} instead of {text!r}")

    async def subscribe(self):
        await self.expect("sub")
        for row, col in self.around:
            await self.socket.send(f"{row} {col}")
        await self.socket.send("sub")

    async def say(self, step, state):
        await self.socket.send(f"{step} {self.row} {self.col} {state}")

    async def play(self, state, steps):
        """From `run` on; returns the state of the last step."""
        await self.expect("run")
        early = []
        for step in range(steps):
            await self.say(step, state)
            alive, early = early, []
            while len(alive) < len(self.around):
                update = await self.recv()
                self.heard.append(update)
                at, row, col, value = map(int, update.split(" "))
                if (row, col) not in self.around or at not in (step, step + 1):
                    raise AssertionError(f"cell {self.row} {self.col} received {update!r} at step {step}")
                (alive if at == step else early).append(value)
            state = int(sum(alive) == 3 or (sum(alive) == 2 and state == 1))
        await self.say(steps, state)
        return state

    async def leave(self, code=1000):
        await self.socket.close(code)

    async def closed(self):
        """The code and the reason of the close, whatever messages come before it."""
        await soon(self.socket.wait_closed())
        return self.socket.close_code, self.socket.close_reason


async def reset(url, text):
    """Asks for a new game; returns the code and the reason of the close."""
    async with websocket(f"{url}/reset/") as socket:
        await socket.send(str(text))
        await soon(socket.wait_closed())
        return socket.close_code, socket.close_reason


async def connect_workers(url, size, wrapped=True):
    """A worker for each cell, connected one after the other."""
    cells = itertools.product(range(size), repeat=2)
    return [await Worker(url, row, col, size, wrapped).connect() for row, col in cells]


async def play(url, start, steps, wrapped=True):
    """A whole game in the server's present size; returns the grid of the last step, and the workers."""
    size = len(start)
    workers = await connect_workers(url, size, wrapped)
    await asyncio.gather(*[worker.subscribe() for worker in workers])
    states = await asyncio.gather(*[worker.play(start[worker.row][worker.col], steps) for worker in workers])
    await asyncio.gather(*[worker.leave() for worker in workers])
    return [states[row * size : (row + 1) * size] for row in range(size)], workers


class Watcher:
    """Takes what a watcher gets: all messages, and the updates in them."""

    def __init__(self, url, batched):
        self._url = f"{url}/watcher/"
        self._protocols = ["life.batch"] if batched else None
        self.socket = None
        self.messages = []

    async def __aenter__(self):
        self.socket = await websocket(self._url, subprotocols=self._protocols, max_size=None, max_queue=None)
        return self

    async def __aexit__(self, *failure):
        await self.socket.close()

    async def recv(self):
        message = await soon(self.socket.recv())
        self.messages.append(message)
        return message

    def lines(self):
        return [line for message in self.messages for line in message.split("\n")]

    def updates(self):
        return [tuple(map(int, line.split(" "))) for line in self.lines() if not line.startswith("size ")]

    async def take(self, count):
        """Receives until that many updates have come; returns them all."""
        while len(self.updates()) < count:
            await self.recv()
        return self.updates()


class Relay:
    """The server of the contract, without watchers; a handler for WebsocketsServer."""

    def __init__(self):
        self.size = 32
        self.updates = []
        self._new_game()

    def _new_game(self):
        self.workers = set()
        self.subscribers = {}
        self.subscribed = 0

    async def __call__(self, socket, path):
        if path == "/reset/":
            await self.reset(socket)
        elif path == "/worker/":
            await self.worker(socket)
        else:
            raise ValueError(f"no such path: {path}")

    async def reset(self, socket):
        self.size = int(await socket.recv())
        old = self.workers
        self._new_game()
        for worker in old:
            await worker.close(1012)

    async def worker(self, socket):
        self.workers.add(socket)
        if len(self.workers) == self.size**2:
            websockets.broadcast(self.workers, "sub")
        is_subscribed = False
        async for message in socket:
            words = message.split(" ")
            if message == "sub" and not is_subscribed:
                is_subscribed = True
                self.subscribed += 1
                if self.subscribed == self.size**2:
                    websockets.broadcast(self.workers, "run")
            elif len(words) == 2 and not is_subscribed:
                self.subscribers.setdefault((int(words[0]), int(words[1])), set()).add(socket)
            elif len(words) == 4 and self.subscribed == self.size**2:
                await self.relay(message, tuple(map(int, words)))
            else:
                raise ValueError(f"unexpected: {message!r}")

    async def relay(self, message, update):
        self.updates.append(update)
        websockets.broadcast(self.subscribers.get(update[1:3], ()), message)

    def last_words(self):
        """The last update of each cell: its step and its state."""
        return {(row, col): (step, state) for step, row, col, state in self.updates}


class ControlledRelay(Relay):
    """The same with `/control/`, over which a test tells the program what to do. Needs subprotocols=[CONTROL]."""

    CONTROL = "life.control"

    def __init__(self):
        super().__init__()
        self.controls = []  # all connections, the last one at the end
        self.told = []  # all that the program has said there
        self._ids = itertools.count()

    async def __call__(self, socket, path):
        if path == "/control/":
            await self.control(socket)
        else:
            await super().__call__(socket, path)

    async def reset(self, socket):
        for control in self.controls:
            await control.close(1012)
        await super().reset(socket)

    async def control(self, socket):
        self._loop = asyncio.get_running_loop()
        self.controls.append(socket)
        async for message in socket:
            self.told.append(json.loads(message))

    def said(self, name, start=0):
        """The values of all messages of that name."""
        return [message[name] for message in self.told[start:] if name in message]

    def plays(self, **expected):
        """Waits until the program says that it plays like this."""
        def found():
            last = self.said("play")[-1:]
            return last and all(last[0][name] == value for name, value in expected.items())

        eventually(found, f"it plays with {expected}")

    def send(self, text):
        asyncio.run_coroutine_threadsafe(self.controls[-1].send(text), self._loop).result()

    def ask(self, command):
        """Sends a command; returns what the program answers: its complaint, or None."""
        id = next(self._ids)
        self.send(json.dumps({"do": command, "id": id}))
        eventually(lambda: id in self.said("answer"), f"an answer to {command}")
        return next(message["error"] for message in self.told if message.get("answer") == id)
