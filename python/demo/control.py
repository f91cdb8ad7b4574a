"""Playing from the page: its commands go to the one program that has a control connection, and the answers come back."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings

from messages import flag_of, has, number_of, read, text_of, whole_number_of

LONGEST_TEXT = 1000  # bytes of a pattern's name and of a complaint
ANSWER_SECONDS = 5
MOST_COMMANDS = 64  # that wait for an answer
NO_PROGRAM = "No program is in control: start one with ./manage gameoflife."
NO_ANSWER = "The program does not answer."


def hello_of(said: Any) -> dict[str, Any]:
    """What a page gets of a program's ``hello``.

    Raises:
        Mistake: something is missing, or not of its type.
    """
    return {
        "wrapped": flag_of(said, "wrapped"),
        "limit": whole_number_of(said, "limit") if has(said, "limit") else None,
    }


def held_of(said: Any) -> dict[str, Any]:
    """The cell that a program holds, as its ``play`` has it."""
    place = {name: whole_number_of(said, name) for name in ("row", "col")}
    return {**place, "seconds": number_of(said, "seconds")}


def play_of(said: Any) -> dict[str, Any]:
    """What a page gets of a program's ``play``.

    Raises:
        Mistake: something is missing, or not of its type.
    """
    return {
        "paused": flag_of(said, "paused"),
        "speed": number_of(said, "speed"),
        "held": held_of(said["held"]) if has(said, "held") else None,
        "stays": flag_of(said, "stays"),
        "jitter": number_of(said, "jitter"),
        "pattern": text_of(said, "pattern", LONGEST_TEXT),
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
                    self._answer(whole_number_of(said, "answer"), text_of(said, "error", LONGEST_TEXT))
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
