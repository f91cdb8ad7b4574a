"""Messages of pages and of programs in control: JSON objects, and the types of what they have to say.

Each function raises ``Mistake`` if its caller's peer has said something else.
"""

from __future__ import annotations

import json
import math
from typing import Any


class Mistake(Exception):
    """A client has said something wrong. The text is for its close."""


LEVELS = 128  # of arrays and objects in each other that the programs in C++ read
LARGEST_WHOLE = 2**53


def read(message: str | bytes | None, longest: int) -> dict[str, Any]:
    """One JSON object, which any other program can read, too."""
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


def has(said: Any, name: str) -> bool:
    """Whether it has a member that is not null."""
    return isinstance(said, dict) and said.get(name) is not None


def flag_of(said: Any, name: str) -> bool:
    """A member that is true or false."""
    return _member(said, name, "true or false", bool)


def number_of(said: Any, name: str) -> int | float:
    """A member that is any number."""
    return _member(said, name, "a number", int, float)


def clipped_number_of(said: Any, name: str, least: int, most: int) -> int:
    """The same as a whole number, toward zero, from ``least`` to ``most``."""
    return int(min(max(number_of(said, name), least), most))


def whole_number_of(said: Any, name: str) -> int:
    """A member that is a whole number from 0 to 2**53."""
    number = _member(said, name, "a whole number", int)
    if not 0 <= number <= LARGEST_WHOLE:
        raise Mistake(f"'{name}' is a whole number from 0 to 2^53")
    return number


def text_of(said: Any, name: str, longest: int) -> str | None:
    """A member that is a text, cut to so many bytes; ``None`` if it is null, or missing."""
    if not has(said, name):
        return None
    return _member(said, name, "text or null", str).encode()[:longest].decode(errors="ignore")


def _member(said: Any, name: str, kind: str, *types: type) -> Any:
    if not isinstance(said, dict) or name not in said:
        raise Mistake(f"'{name}' is missing: {kind}")
    if type(said[name]) not in types:
        raise Mistake(f"'{name}' is not {kind}")
    return said[name]


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
