"""The Game of Life's server: it relays what cells say to the cells that asked for it, and knows no rule."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from django.shortcuts import render

from c10k import Group
from c10ktools.http import websocket

LARGEST = 4096
LONGEST_MESSAGE = 64  # bytes
BATCH_SECONDS = 0.025
BATCH_BYTES = 256 * 1024
CELLS_AT_ONCE = 4096  # whose last words make a message


class Mistake(Exception):
    """A worker has said something wrong. The text is for its close."""


class Game:
    """One game: its workers gather, subscribe to their neighbours, and run."""

    number = 0

    def __init__(self, size: int) -> None:
        Game.number += 1
        self.size = size
        self.name = f"life {Game.number}"
        self.workers = Group(f"{self.name} workers")
        self.connected = 0
        self.subscribed = 0
        self.is_full = False
        self.runs = False
        self.last_words: dict[tuple[int, int], str] = {}
        self._cells: dict[tuple[int, int], Group] = {}

    @property
    def cells(self) -> int:
        return self.size * self.size

    def cell(self, row: int, col: int) -> Group:
        """Those who want to hear of a cell."""
        group = self._cells.get((row, col))
        if group is None:
            group = self._cells[row, col] = Group(f"{self.name} {row} {col}")
        return group

    def numbers(self, words: list[str], count: int) -> list[int]:
        """``ROW COL`` or ``STEP ROW COL STATE``."""
        if len(words) != count or not all(word.isascii() and word.isdigit() for word in words):
            raise Mistake("expected ROW COL" if count == 2 else "expected STEP ROW COL STATE")
        numbers = [int(word) for word in words]
        if any(number >= self.size for number in (numbers if count == 2 else numbers[1:3])):
            raise Mistake("outside the grid")
        return numbers


game = Game(32)


# ---- Workers


@websocket
async def worker(ws):
    playing = game
    if playing.connected == playing.cells or playing.is_full:
        ws.close(1013, "game is full")
        return
    playing.connected += 1
    is_subscribed = False
    try:
        async with playing.workers.join(ws), AsyncExitStack() as memberships:
            count = playing.workers.count()
            _say(count, "connected")
            if count == playing.cells and not playing.is_full:
                playing.is_full = True
                print("Telling workers to subscribe", flush=True)
                playing.workers.send("sub")
            if not await _subscribe(ws, playing, memberships):
                return
            is_subscribed = True
            playing.subscribed += 1
            _say(playing.subscribed, "subscribed")
            if playing.subscribed == playing.cells and not playing.runs:
                playing.runs = True
                print("Telling workers to run", flush=True)
                playing.workers.send("run")
            async for message in ws:
                _relay(playing, message)
    except Mistake as mistake:
        ws.close(1008, str(mistake))
    finally:
        _leave(playing, is_subscribed)


async def _subscribe(ws, playing: Game, memberships: AsyncExitStack) -> bool:
    """Takes the cells that a worker wants to hear of. Returns whether it has said ``sub``."""
    async for message in ws:
        text = _text_of(message)
        if not playing.is_full:
            raise Mistake("not told to subscribe yet")
        if text == "sub":
            return True
        row, col = playing.numbers(text.split(" "), 2)
        await memberships.enter_async_context(playing.cell(row, col).join(ws))
    return False


def _relay(playing: Game, message) -> None:
    text = _text_of(message)
    words = text.split(" ")
    if not playing.runs:
        raise Mistake("not told to run yet")
    _, row, col, state = playing.numbers(words, 4)
    if state > 1:
        raise Mistake("a state is 0 or 1")
    playing.cell(row, col).send(text)
    playing.last_words[row, col] = text
    if playing is game:
        WATCHERS.send(text)
        batch.add(text)


def _leave(playing: Game, is_subscribed: bool) -> None:
    global game
    playing.connected -= 1
    if is_subscribed and not playing.runs:
        playing.subscribed -= 1
    if not playing.runs and not playing.connected:
        playing.is_full = False
    if playing is game and playing.runs and playing.connected == 0:
        game = Game(playing.size)


def _text_of(message) -> str:
    if not isinstance(message, str) or len(message) > LONGEST_MESSAGE:
        raise Mistake(f"expected a text of at most {LONGEST_MESSAGE} bytes")
    return message


def _say(count: int, what: str) -> None:
    if count % 100 == 0:
        print(f"  {count} workers {what}", flush=True)


# ---- Watchers and resets

WATCHERS = Group("life watchers")
BATCH_WATCHERS = Group("life watchers, batched")


class Batch:
    """Gathers updates for watchers that take many in one message."""

    def __init__(self) -> None:
        self._updates: list[str] = []
        self._bytes = 0

    def add(self, update: str) -> None:
        if not self._updates:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self.send)
        self._updates.append(update)
        self._bytes += len(update) + 1
        if self._bytes >= BATCH_BYTES:
            self.send()

    def send(self) -> None:
        if self._updates:
            BATCH_WATCHERS.send("\n".join(self._updates))
            self._updates, self._bytes = [], 0


batch = Batch()


def index(request):
    return render(request, "gameoflife/index.html", {"size": game.size})


@websocket(subprotocols=["life.batch"])
async def watcher(ws):
    if ws.subprotocol is None:
        async with WATCHERS.join(ws):
            await ws.recv()  # a watcher has nothing to say: any message ends the view
        return
    batch.send()  # what is older than the last words is for the others
    ws.send(f"size {game.size}")
    async with BATCH_WATCHERS.join(ws):
        playing = game
        cells = list(playing.last_words)
        for start in range(0, len(cells), CELLS_AT_ONCE):
            if playing is not game:
                break  # all that the next game has said came through the batch
            batch.send()
            # Waits until the watcher has taken it.
            await ws.send("\n".join(playing.last_words[cell] for cell in cells[start : start + CELLS_AT_ONCE]))
        await ws.recv()


@websocket
async def reset(ws):
    global game
    text = await ws.recv()
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST):
        ws.close(1008, f"a size from 1 to {LARGEST}")
        return
    batch.send()
    former, game = game, Game(int(text))
    former.is_full = True
    former.workers.close(1012, "reset")
    BATCH_WATCHERS.send(f"size {game.size}")
    while former.connected:
        await asyncio.sleep(0.001)
