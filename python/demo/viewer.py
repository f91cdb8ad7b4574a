"""What a page gets that speaks ``life.viewer``: pictures, the status, and the card of a cell."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from board import LARGEST_ZOOM, Viewport
from control import Control, refusal
from game import Game
from messages import Mistake, clipped_number_of, flag_of, has, read, whole_number_of

from c10ktools.http import ConnectionClosed

LONGEST = 2 * 1024 * 1024  # characters of a message: a pattern may be pasted
FRAME_SECONDS = 0.025
STATUS_SECONDS = 0.5
CARD_SECONDS = 0.2
FRAMES_AHEAD = 2  # that the page has not answered
MOST_COMMANDS = 8  # without an answer
FAR = 65_535  # beyond every grid


class Viewer:
    """One page. It gets a frame only when it has answered those before: a slow one gets fewer, and never old ones."""

    def __init__(self, ws: Any, game: Callable[[], Game], control: Control) -> None:
        self._ws = ws
        self._game = game  # in force
        self._control = control
        self._refusal = refusal(ws.request)
        self._view: Viewport | None = None
        self._cell: tuple[int, int] | None = None
        self._drawn: Game | None = None  # of which the page has a picture
        self._mark: int | None = None  # of its board when the last frame was made
        self._sent = self._seen = 0  # numbers of frames
        self._commands = 0  # that have no answer yet
        self._asked = asyncio.Event()  # something of what the page asks for has changed
        self._cell_asked = asyncio.Event()

    async def serve(self) -> None:
        """Serves the page until it leaves.

        Raises:
            Mistake: the page has said something wrong.
        """
        tasks = [asyncio.ensure_future(part) for part in (self._paint(), self._tell(), self._describe())]
        try:
            async for message in self._ws:
                self._take(read(message, LONGEST))
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- What the page says

    def _take(self, said: dict[str, Any]) -> None:
        if "view" in said:
            self._take_view(said["view"])
        if "seen" in said:
            seen = whole_number_of(said, "seen")
            if seen > self._sent:
                raise Mistake("seen: no such frame was sent")
            self._seen = max(self._seen, seen)
            self._asked.set()
        if "cell" in said:
            self._take_cell(said["cell"])
        if "do" in said:
            self._take_command(said["do"], whole_number_of(said, "id"))

    def _take_view(self, view: Any) -> None:
        self._view = Viewport(
            zoom=clipped_number_of(view, "zoom", 0, LARGEST_ZOOM),
            left=clipped_number_of(view, "left", -FAR, FAR),
            top=clipped_number_of(view, "top", -FAR, FAR),
            columns=clipped_number_of(view, "columns", 0, FAR),
            rows=clipped_number_of(view, "rows", 0, FAR),
            ages="ages" in view and flag_of(view, "ages"),
        )
        self._mark = None
        self._asked.set()

    def _take_cell(self, cell: Any) -> None:
        is_place = isinstance(cell, list) and len(cell) == 2 and all(type(part) is int and part >= 0 for part in cell)
        if cell is not None and not is_place:
            raise Mistake("'cell' is [ROW, COL] or null")
        self._cell = None if cell is None else (min(cell[0], FAR), min(cell[1], FAR))
        self._cell_asked.set()

    def _take_command(self, do: Any, number: int) -> None:
        if not isinstance(do, dict):
            raise Mistake("'do' is an object")

        def answered(error: str | None) -> None:
            if not self._ws.closed:
                self._ws.send(json.dumps({"answer": number, "error": error}))

        def answered_command(error: str | None) -> None:
            self._commands -= 1
            answered(error)

        if self._refusal is not None:
            answered(self._refusal)
        elif self._commands == MOST_COMMANDS:
            answered("Too many commands at once: wait for their answers.")
        else:
            self._commands += 1
            self._control.command(do, answered_command)

    # ---- What the page gets

    async def _paint(self) -> None:
        while True:
            self._asked.clear()
            if not await self._send_frame():
                await self._until_something(self._asked, self._game().changed)
            await asyncio.sleep(FRAME_SECONDS)

    async def _send_frame(self) -> bool:
        game = self._game()
        if self._view is None or self._sent - self._seen >= FRAMES_AHEAD:
            return False
        if game is not self._drawn:
            if self._drawn is not None and game.size != self._drawn.size:
                self._view = Viewport.whole(game.size, self._view.ages)
            self._drawn, self._mark = game, None
        elif self._mark == game.board.mark:
            return False
        self._sent += 1
        since, self._mark = self._mark, game.board.mark
        parts = game.board.picture(self._view.clipped(game.size), self._sent, since)
        while True:
            begin = time.perf_counter()
            part = next(parts, None)
            if part is None:
                return True
            await self._ws.send(part)
            # A large frame is work: everybody else has as much time as it takes.
            await asyncio.sleep(time.perf_counter() - begin)

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        status = told = None
        game = self._game()
        messages, counted_at, due, rate = game.messages, loop.time(), 0.0, 0
        while True:
            now = loop.time()
            turn = self._game().number, self._game().phase, self._play()
            if turn == told and now < due:
                await self._until_something(self._game().turned, seconds=due - now)
                continue
            if game is not self._game():
                game, messages, counted_at, rate = self._game(), self._game().messages, now, 0
            elif now - counted_at >= STATUS_SECONDS:
                rate = round((game.messages - messages) / (now - counted_at))
                messages, counted_at = game.messages, now
            figures = game.status()
            figures["game"] |= {name: self._control.hello.get(name) for name in ("wrapped", "limit")}
            before, status = status, {**figures, "messages": rate, **turn[-1]}
            if status != before:
                self._ws.send(json.dumps({"status": status}))
            told, due = turn, now + STATUS_SECONDS
            if rate == 0 and game.messages == messages and status == before:
                await self._until_something(game.turned, game.changed)

    def _play(self) -> dict[str, Any]:
        why = self._refusal
        program = {"program": self._control.has_program, "allowed": why is None, "why": why}
        return {"control": program, "play": self._control.play}

    async def _describe(self) -> None:
        before = None
        while True:
            if self._cell_asked.is_set():
                self._cell_asked.clear()
                before = None
            game, cell = self._game(), self._cell
            if cell is None:
                await self._cell_asked.wait()
                continue
            card = game.card(cell)
            lasting = {**card, "milliseconds": None}
            if lasting != before:
                self._ws.send(json.dumps({"card": card}))
                before = lasting
            await self._until_something(self._cell_asked, seconds=CARD_SECONDS)

    async def _until_something(self, *signs: Any, seconds: float | None = None) -> None:
        waits = [asyncio.ensure_future(sign.wait()) for sign in signs]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
