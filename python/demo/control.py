"""Playing from the page: its commands go to the one program that has a control connection, and the answers come back."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings

from game import Mistake

ANSWER_SECONDS = 5
MOST_COMMANDS = 64  # that wait for an answer
NO_PROGRAM = "No program is in control: start one with ./manage gameoflife."
NO_ANSWER = "The program does not answer."


def read(message: str | bytes | None, longest: int) -> dict[str, Any]:
    """A message of a page or of a program: one JSON object.

    Raises:
        Mistake: it is none.
    """
    if not isinstance(message, str):
        raise Mistake("expected a text")
    if len(message) > longest:
        raise Mistake(f"a message has at most {longest} characters")
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        raise Mistake("expected JSON") from None
    if not isinstance(value, dict):
        raise Mistake("expected a JSON object")
    return value


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
        try:
            async for message in ws:
                said = read(message, longest)
                if isinstance(said.get("hello"), dict):
                    self.hello = said["hello"]
                    told()
                elif isinstance(said.get("play"), dict):
                    self.play = said["play"]
                    told()
                elif type(said.get("answer")) is int:
                    error = said.get("error")
                    self._answer(said["answer"], error if isinstance(error, str) else None)
        finally:
            self._program, self.play = None, None
            for number in list(self._awaited):
                self._answer(number, "The program has left.")
            told()

    def close(self, code: int, reason: str) -> None:
        if self._program is not None:
            self._program.close(code, reason)

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
        answered, timer = self._awaited.pop(number, (None, None))
        if answered is not None:
            timer.cancel()
            answered(error)
