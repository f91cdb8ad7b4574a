"""Playing from the page: its commands go to the one program that has a control connection, and the answers come back."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import math
from collections.abc import Callable
from typing import Any

from django.conf import settings

from game import Mistake

LEVELS = 128  # of arrays and objects in each other that the programs in C++ read
LONGEST_TEXT = 1000  # bytes of a pattern's name and of a complaint
ANSWER_SECONDS = 5
MOST_COMMANDS = 64  # that wait for an answer
NO_PROGRAM = "No program is in control: start one with ./manage gameoflife."
NO_ANSWER = "The program does not answer."


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_levels, inner), default=0)


def read(message: str | bytes | None, longest: int) -> dict[str, Any]:
    """A message of a page or of a program: one JSON object, which any other program can read, too.

    Raises:
        Mistake: it is none.
    """
    if not isinstance(message, str):
        raise Mistake("expected a text")
    if len(message) > longest:
        raise Mistake(f"a message has at most {longest} characters")
    try:
        value = json.loads(message, parse_float=_finite, parse_int=_whole, parse_constant=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # fails at half a character
        is_readable = _levels(value) <= LEVELS
    except (ValueError, RecursionError):
        is_readable = False
    if not is_readable:
        raise Mistake("expected JSON")
    if not isinstance(value, dict):
        raise Mistake("expected a JSON object")
    return value


def _member(said: Any, name: str, *types: type) -> Any:
    value = said.get(name) if isinstance(said, dict) else None
    if type(value) not in types:
        raise Mistake(f"'{name}' is missing, or not of its type")
    return value


def _text(said: dict[str, Any], name: str) -> str | None:
    text = _member(said, name, str, type(None))
    return text and text.encode()[:LONGEST_TEXT].decode(errors="ignore")


def hello_of(said: Any) -> dict[str, Any]:
    """What a page gets of a program's ``hello``.

    Raises:
        Mistake: something is missing, or not of its type.
    """
    limit = _member(said, "limit", int, type(None))
    if limit is not None and limit < 0:
        raise Mistake("'limit' is a whole number from 0")
    return {"wrapped": _member(said, "wrapped", bool), "limit": limit}


def play_of(said: Any) -> dict[str, Any]:
    """What a page gets of a program's ``play``.

    Raises:
        Mistake: something is missing, or not of its type.
    """
    held = _member(said, "held", dict, type(None))
    return {
        "paused": _member(said, "paused", bool),
        "speed": _member(said, "speed", int, float),
        "held": None if held is None else {name: _member(held, name, int, float) for name in ("row", "col", "seconds")},
        "stays": _member(said, "stays", bool),
        "jitter": _member(said, "jitter", int, float),
        "pattern": _text(said, "pattern"),
    }


def refusal(request: Any) -> str | None:
    """Why a client may not control the game, in a line for its user; ``None`` if it may."""
    who = getattr(settings, "LIFE_CONTROL", "loopback" if settings.DEBUG else "off")
    if who == "all" or (who == "loopback" and _is_loopback(request.META.get("REMOTE_ADDR", ""))):
        return None
    return f"To play from this page, start the server with LIFE_CONTROL = {'all' if who == 'loopback' else 'loopback'!r}."


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False  # a Unix socket, where a proxy speaks for others


class Control:
    """The connection of the program in control, if there is one."""

    def __init__(self) -> None:
        self.hello: dict[str, Any] = {}
        self.play: dict[str, Any] | None = None
        self._program: Any = None
        self._numbers = itertools.count(1)
        self._awaited: dict[int, tuple[Callable[[str | None], None], asyncio.TimerHandle]] = {}

    @property
    def has_program(self) -> bool:
        return self._program is not None

    async def serve(self, ws: Any, longest: int, told: Callable[[], None]) -> None:
        """Takes what a program says until it leaves; ``told()`` hears of each change.

        Raises:
            Mistake: the program has said something wrong.
        """
        self._program, self.hello = ws, {}
        told()
        try:
            async for message in ws:
                said = read(message, longest)
                if self._program is ws:  # after a reset, only answers count
                    self.hello = hello_of(said["hello"]) if "hello" in said else self.hello
                    self.play = play_of(said["play"]) if "play" in said else self.play
                    told()
                if "answer" in said:
                    self._answer(_member(said, "answer", int), _text(said, "error"))
        finally:
            if self._program is ws:
                self._leave()
                for number in list(self._awaited):
                    self._answer(number, "The program has left.")
                told()

    def reset(self) -> None:
        """The game is reset: the next program may come at once, and answer what this one was asked."""
        if self._program is not None:
            self._program.close(1012, "reset")
            self._leave()

    def _leave(self) -> None:
        self._program, self.hello, self.play = None, {}, None

    def command(self, do: dict[str, Any], answered: Callable[[str | None], None]) -> None:
        """Has the program do something. ``answered()`` gets its error, or ``None``, once."""
        if self._program is None:
            answered(NO_PROGRAM)
        elif len(self._awaited) >= MOST_COMMANDS:
            answered(NO_ANSWER)
        else:
            number = next(self._numbers)
            timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._answer, number, NO_ANSWER)
            self._awaited[number] = answered, timer
            self._program.send(json.dumps({"do": do, "id": number}))

    def _answer(self, number: int, error: str | None) -> None:
        if number in self._awaited:
            answered, timer = self._awaited.pop(number)
            timer.cancel()
            answered(error)
