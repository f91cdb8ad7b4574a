"""The Game of Life's server: it relays what cells say to the cells that asked for it, and knows no rule."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AsyncExitStack

from django.http import HttpResponse
from django.shortcuts import render

from c10k import Group
from c10ktools.http import websocket

from control import Control, refusal
from game import LARGEST, LONGEST_MESSAGE, Game, Worker
from messages import Mistake
from viewer import LONGEST, Viewer

BATCH_SECONDS = 0.025
BATCH_BYTES = 256 * 1024
CELLS_AT_ONCE = 4096  # whose last words make a message

game = Game(32)
control = Control()


# ---- Workers


@websocket(keep_request=True)
async def worker(ws):
    peer = "{REMOTE_ADDR}:{REMOTE_PORT}".format_map(ws.request.META)
    ws.request = None  # ten thousand of them need memory
    if game.end is not None:
        _begin(game.size)
    playing = game
    if playing.connected == playing.cells or playing.is_full:
        ws.close(1013, "game is full")
        return
    self = playing.enter(peer)
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
            self.is_subscribed = True
            playing.subscribed += 1
            _say(playing.subscribed, "subscribed")
            if playing.subscribed == playing.cells and not playing.runs:
                playing.runs = True
                print("Telling workers to run", flush=True)
                playing.workers.send("run")
                playing.turned.ring()
            async for message in ws:
                _relay(playing, self, message)
    except Mistake as mistake:
        ws.close(1008, str(mistake))
    finally:
        playing.leave(self, ws.close_code)


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


def _relay(playing: Game, worker: Worker, message) -> None:
    text = _text_of(message)
    playing.say(worker, text)
    if playing is game:
        WATCHERS.send(text)
        batch.add(text)


def _begin(size: int) -> None:
    """A new game takes the place of the present one."""
    global game
    former, game = game, Game(size)
    former.changed.ring()
    former.turned.ring()


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


@websocket(subprotocols=["life.viewer", "life.batch"], keep_request=True)
async def watcher(ws):
    if ws.subprotocol == "life.viewer":
        try:
            await Viewer(ws, lambda: game, control).serve()
        except Mistake as mistake:
            ws.close(1008, str(mistake))
        return
    if ws.subprotocol is None:
        async with WATCHERS.join(ws):
            await ws.recv()  # a watcher has nothing to say: any message ends the view
        return
    batch.send()  # what is older than the last words is for the others
    ws.send(f"size {game.size}")
    async with BATCH_WATCHERS.join(ws):
        playing = game
        cells = [] if playing.end else list(playing.last_words)
        for start in range(0, len(cells), CELLS_AT_ONCE):
            if playing is not game:
                break  # all that the next game has said came through the batch
            batch.send()
            # Waits until the watcher has taken it.
            await ws.send("\n".join(playing.last_words[cell] for cell in cells[start : start + CELLS_AT_ONCE]))
        await ws.recv()


@websocket
async def reset(ws):
    text = await ws.recv()
    is_number = isinstance(text, str) and len(text) <= LONGEST_MESSAGE and text.isascii() and text.isdigit()
    if not (is_number and 1 <= int(text) <= LARGEST):
        ws.close(1008, f"a size from 1 to {LARGEST}")
        return
    batch.send()
    former = game
    _begin(int(text))
    former.is_full = True
    former.workers.close(1012, "reset")
    control.reset()
    BATCH_WATCHERS.send(f"size {game.size}")
    while former.connected:
        await asyncio.sleep(0.001)


# ---- Control


def permitted(view):
    """Refuses the handshake of a program that may not control the game, or speaks another subprotocol."""

    @functools.wraps(view)
    def handshake(request):
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return view(request)  # which tells a request for a page that this is a WebSocket
        why = refusal(request)
        if why is not None:
            return HttpResponse(why, status=403, content_type="text/plain")
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if "life.control" not in map(str.strip, offered):
            return HttpResponse("the subprotocol here is life.control", status=400, content_type="text/plain")
        return view(request)

    return handshake


@permitted
@websocket(subprotocols=["life.control"])
async def program(ws):
    if control.has_program:
        ws.close(1013, "another program is in control")
    else:
        try:
            await control.serve(ws, LONGEST, lambda: game.turned.ring())
        except Mistake as mistake:
            ws.close(1008, str(mistake))
