"""One Game of Life as its server sees it: who has come, what each cell has said last, and who wants to hear of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from c10k import Group

from board import Board
from messages import Mistake

LARGEST = 4096
LONGEST_MESSAGE = 64  # bytes
CELLS_LISTED = 64


class Bell:
    """Tells those who wait that something has happened."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def ring(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """A future that the next ring completes: no ring from now on is missed."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future


class Worker:
    """The client of one cell: the one of which it speaks first."""

    def __init__(self, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self.cell: tuple[int, int] | None = None
        self.is_subscribed = False
        self.is_connected = True


class Game:
    """One game: its workers gather, subscribe to their neighbours, and run."""

    number = 0

    def __init__(self, size: int) -> None:
        Game.number += 1
        self.number = Game.number
        self.size = size
        self.name = f"life {self.number}"
        self.board = Board(size)
        self.workers = Group(f"{self.name} workers")
        self.connected = 0
        self.subscribed = 0
        self.is_full = False
        self.runs = False
        self.end: str | None = None  # "over": every worker has closed in good order; "gone": one has not
        self.is_broken = False
        self.last_words: dict[tuple[int, int], str] = {}
        self.heard_at: dict[tuple[int, int], float] = {}
        self.by_cell: dict[tuple[int, int], Worker] = {}
        self.left: dict[tuple[int, int], None] = {}  # cells without a client in a game that runs
        self.messages = 0  # in and out
        self.changed = Bell()  # the picture
        self.turned = Bell()  # the phase, the control or the play
        self._came = 0  # workers, of whom some may have left
        self._cells: dict[tuple[int, int], Group] = {}

    @property
    def cells(self) -> int:
        return self.size * self.size

    @property
    def phase(self) -> str:
        if self.end is not None:
            return self.end
        if self.runs:
            return "running"
        return "gathering" if self.connected else "empty"

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

    def enter(self, peer: str) -> Worker:
        """A worker comes, who has a place."""
        self.connected += 1
        self._came += 1
        self.turned.ring()
        return Worker(self._came, peer)

    def say(self, worker: Worker, text: str) -> None:
        """Relays the state that a worker sends to the workers that subscribed to its cell.

        Raises:
            Mistake: the text is none, or has come too early.
        """
        words = text.split(" ")
        if not self.runs:
            raise Mistake("not told to run yet")
        step, row, col, state = self.numbers(words, 4)
        if state > 1:
            raise Mistake("a state is 0 or 1")
        cell = row, col
        group = self.cell(row, col)
        group.send(text)
        self.messages += 1 + group.count()
        if worker.cell is None:
            worker.cell = cell
            self.by_cell[cell] = worker
        self.last_words[cell] = text
        self.heard_at[cell] = time.monotonic()
        self.board.update(row, col, step, state)
        self.changed.ring()

    def leave(self, worker: Worker, close_code: int | None) -> None:
        worker.is_connected = False
        self.connected -= 1
        self.subscribed -= worker.is_subscribed
        if self.runs:
            self.is_broken = self.is_broken or close_code != 1000
            if worker.cell is not None:
                self.left[worker.cell] = None
            if self.connected == 0:
                self.end = "gone" if self.is_broken else "over"
        else:
            self.is_full = self.is_full and self.connected > 0
        self.turned.ring()

    def status(self) -> dict[str, Any]:
        """What the page shows of the game, without what its program says of itself."""
        board = self.board
        youngest = board.youngest
        behind = [cell for cell in self.left if board.at(*cell)[0] != youngest]  # others may wait for them
        return {
            "game": {
                "number": self.number,
                "size": self.size,
                "phase": self.phase,
                "connected": self.connected,
                "subscribed": self.subscribed,
            },
            "step": {"oldest": board.oldest, "youngest": youngest},
            "population": board.population,
            "histogram": board.histogram(),
            "left": {"count": len(behind), "cells": behind[:CELLS_LISTED]},
        }

    def card(self, cell: tuple[int, int]) -> dict[str, Any]:
        """What the page shows of one cell, which need not be on the grid."""
        worker = self.by_cell.get(cell)
        heard_at = self.heard_at.get(cell)
        step, state = self.board.at(*cell) if max(cell) < self.size else (None, None)
        return {
            "row": cell[0],
            "col": cell[1],
            "step": step,
            "state": state,
            "message": self.last_words.get(cell),
            "milliseconds": None if heard_at is None else round(1000 * (time.monotonic() - heard_at)),
            "loop": 1,
            "socket": worker and worker.number,
            "peer": worker and worker.peer,
            "connected": worker is not None and worker.is_connected,
        }
