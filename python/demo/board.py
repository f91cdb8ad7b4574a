"""The picture of a game, and the messages that bring it to a page: see docs/reference/life-protocols.md.

Python's own arrays hold a cell in 17 bytes. What changes is known by row: a message has the whole rows that have changed.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

UNKNOWN, DEAD, ALIVE = 0, 1, 2  # as in the messages, where the step comes on top

LAST_STEP = 2**64 - 1
MOST_STEPS = 64  # that a histogram has
LARGEST_AGE = 255
SHADES = 16
LARGEST_ZOOM = 12  # at which a block holds the largest grid
MOST_BLOCKS = 1024 * 1024  # of a picture
CELLS_AT_A_TIME = 16 * 1024  # that a part reads, about

PICTURE = 1
KEY, AGES, LAST_PART = 1, 2, 4
HEAD = struct.Struct("<BBBBIQHHHHH")
RUN = struct.Struct("<HHH")
ARRAYS = {1: "B", 2: "H", 4: "I"}  # by the bytes of a value


@dataclass(frozen=True)
class Viewport:
    """A part of the grid, in blocks of ``2 ** zoom`` cells squared."""

    zoom: int
    left: int
    top: int
    columns: int
    rows: int
    ages: bool = False

    @classmethod
    def whole(cls, size: int, ages: bool) -> Viewport:
        """The whole grid, at the least zoom at which a picture holds it."""
        zoom = 0
        while (-(-size >> zoom)) ** 2 > MOST_BLOCKS:
            zoom += 1
        return cls(zoom, 0, 0, size, size, ages).clipped(size)

    def clipped(self, size: int) -> Viewport:
        """What of it lies on the grid, and no more than a picture holds."""
        blocks = -(-size >> self.zoom)

        def clip(place: int, least: int = 0) -> int:
            return min(max(place, least), blocks)

        left, top = clip(self.left), clip(self.top)
        columns = clip(self.left + self.columns, left) - left
        rows = min(clip(self.top + self.rows, top) - top, MOST_BLOCKS // max(columns, 1))
        return Viewport(self.zoom, left, top, columns, rows, self.ages)


class Board:
    """The step and the state of each cell, as its client has said them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.mark = 0  # grows with each update
        self.row_marks = [0] * size
        self._steps = array("Q", bytes(8 * size * size))
        self._states = bytearray(size * size)
        self._changed = array("Q", bytes(8 * size * size))  # the step of the last change of state
        self._counts: dict[int, list[int]] = {}  # by step: cells that are dead and alive

    def update(self, row: int, col: int, step: int, state: int) -> None:
        at = row * self.size + col
        step = min(step, LAST_STEP)
        before = self._states[at]
        now = ALIVE if state else DEAD
        if before != UNKNOWN:
            counts = self._counts[self._steps[at]]
            counts[before - DEAD] -= 1
            if counts == [0, 0]:
                del self._counts[self._steps[at]]
        self._counts.setdefault(step, [0, 0])[now - DEAD] += 1
        if now != before or step < self._steps[at]:
            self._changed[at] = step
        self._states[at] = now
        self._steps[at] = step
        self.mark += 1
        self.row_marks[row] = self.mark

    def at(self, row: int, col: int) -> tuple[int | None, int | None]:
        """The step and the state of a cell; ``None`` if it has not spoken."""
        at = row * self.size + col
        state = self._states[at]
        return (None, None) if state == UNKNOWN else (self._steps[at], state - DEAD)

    @property
    def oldest(self) -> int | None:
        return min(self._counts, default=None)

    @property
    def youngest(self) -> int | None:
        return max(self._counts, default=None)

    @property
    def population(self) -> int:
        return sum(alive for _, alive in self._counts.values())

    def histogram(self) -> dict[str, Any]:
        """The cells by their steps, for the last steps that any cell has reached."""
        oldest, youngest = self.oldest, self.youngest
        if oldest is None or youngest is None:
            return {"first": None, "alive": [], "dead": []}
        first = max(oldest, youngest - MOST_STEPS + 1)
        counts = [self._counts.get(step, (0, 0)) for step in range(first, youngest + 1)]
        return {"first": first, "alive": [alive for _, alive in counts], "dead": [dead for dead, _ in counts]}

    def picture(self, view: Viewport, number: int, since: int | None = None) -> Iterator[bytes]:
        """The messages of a frame. Each one is read from the board when it is asked for.

        Args:
            view: the part of the grid, which lies on it.
            number: of the frame.
            since: the mark at which the frame before was begun. ``None`` makes a key frame.
        """
        flags = (KEY if since is None else 0) | (AGES if view.ages else 0)
        rows = [row for row in range(view.top, view.top + view.rows) if self._has_news(view, row, since)]
        at_a_time = max(1, CELLS_AT_A_TIME // max(1, view.columns << 2 * view.zoom))
        for first in range(0, max(1, len(rows)), at_a_time):
            is_last = first + at_a_time >= len(rows)
            yield self._part(view, rows[first : first + at_a_time], flags | (LAST_PART if is_last else 0), number)
            flags &= ~KEY

    def _has_news(self, view: Viewport, row: int, since: int | None) -> bool:
        mark = max(self.row_marks[row << view.zoom : (row + 1) << view.zoom])
        return mark > (since or 0)  # 0 is the mark of rows in which no cell has spoken

    def _part(self, view: Viewport, rows: list[int], flags: int, number: int) -> bytes:
        cells = {row: self._blocks(view, row) for row in rows}
        steps = [step for row in cells.values() for step, value, _ in row if value != UNKNOWN]
        base = min(steps, default=0)
        levels = 2 if view.zoom == 0 else SHADES
        largest = levels * (max(steps, default=0) - base + 1)
        width = 1 if largest < 1 << 8 else 2 if largest < 1 << 16 else 4
        most_ahead = ((1 << 8 * width) - 1 - levels) // levels
        place = self.size, view.left, view.top, view.columns, view.rows
        part = bytearray(HEAD.pack(PICTURE, flags, view.zoom, width, number, base, *place))
        for row, blocks in cells.items():
            values = [value and levels * min(step - base, most_ahead) + value for step, value, _ in blocks]
            packed = array(ARRAYS[width], values)
            if sys.byteorder == "big":
                packed.byteswap()
            part += RUN.pack(row, view.left, len(values)) + packed.tobytes()
            if view.ages:
                part += bytes([min(LARGEST_AGE, age) for _, _, age in blocks])
        return bytes(part)

    def _blocks(self, view: Viewport, row: int) -> list[tuple[int, int, int]]:
        """The step, the value without the step, and the age of each block of a row."""
        if view.zoom == 0:
            part = slice(row * self.size + view.left, row * self.size + view.left + view.columns)
            steps, states, changed = self._steps[part], self._states[part], self._changed[part]
            return [(step, state, step - change) for step, state, change in zip(steps, states, changed)]
        return [self._block(view.zoom, row, col) for col in range(view.left, view.left + view.columns)]

    def _block(self, zoom: int, row: int, col: int) -> tuple[int, int, int]:
        end = min((col + 1) << zoom, self.size)
        parts = [
            slice(line * self.size + (col << zoom), line * self.size + end)
            for line in range(row << zoom, min((row + 1) << zoom, self.size))
        ]
        known = [
            (step, state, step - change)
            for part in parts
            for step, state, change in zip(self._steps[part], self._states[part], self._changed[part])
            if state != UNKNOWN
        ]
        if not known:
            return 0, UNKNOWN, 0
        cells = len(parts) * (end - (col << zoom))
        alive = sum(state == ALIVE for _, state, _ in known)
        shade = -(-(SHADES - 1) * alive // cells)
        return min(step for step, _, _ in known), 1 + shade, min(age for _, _, age in known)
