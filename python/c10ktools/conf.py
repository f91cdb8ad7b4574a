"""The settings of c10ktools: names, defaults and meanings. A project sets them in its settings module, as Django's.

    C10K_VIEW_LANES = 8
    C10K_ENGINE = {"max_message_bytes": "65536", "keepalive_time": "30"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

__all__ = ["engine_settings", "get"]

SlowMember = Literal["close", "drop_oldest", "drop_newest"]
SLOW_MEMBERS: tuple[SlowMember, ...] = ("close", "drop_oldest", "drop_newest")


@dataclass(frozen=True)
class Setting:
    """One setting: its default, what it means, and what a value must be."""

    default: Any
    meaning: str
    must_be: str
    fits: Callable[[Any], bool]


def _count(default: int, meaning: str) -> Setting:
    return Setting(default, meaning, "a whole number of at least 1", lambda v: type(v) is int and v >= 1)


def _seconds(default: float, meaning: str) -> Setting:
    return Setting(default, meaning, "a number of seconds above 0", lambda v: type(v) in (int, float) and v > 0)


SETTINGS: Mapping[str, Setting] = {
    "C10K_HANDSHAKE_THREADS": _count(4, "Threads that take handshakes through the middleware and the URLconf."),
    "C10K_HANDSHAKE_QUEUE": _count(16_384, "Handshakes that may wait for a thread. The server answers 503 to more."),
    "C10K_VIEW_LANES": _count(
        4,
        "Threads for the synchronous code of views: sync_to_async() and Django's asynchronous database calls. Each view"
        " belongs to one of them for as long as it runs, and each has one connection to each database that it uses.",
    ),
    "C10K_LANE_TIDY_SECONDS": _seconds(
        1.0,
        "How long after a database call a lane first asks whether its connections are too old (CONN_MAX_AGE) or broken."
        " It closes them only while all of its views wait in recv(), so that it cuts no query that is being read.",
    ),
    "C10K_WSGI_THREADS": _count(32, "Threads for pages. A streaming response keeps one for as long as it lasts."),
    "C10K_WSGI_QUEUE": _count(1_024, "Pages that may wait for a thread. The server answers 503 to more."),
    "C10K_SLOW_MEMBER": Setting(
        "close",
        "What happens to a WebSocket that reads too slowly what groups send it, if its view does not say.",
        "one of " + ", ".join(map(repr, SLOW_MEMBERS)),
        lambda v: v in SLOW_MEMBERS,
    ),
    "C10K_KEEP_REQUEST": Setting(
        True,
        "Whether ws.request keeps the handshake's request for as long as the view runs, if the view does not say."
        " Without it each connection is some KiB smaller.",
        "True or False",
        lambda v: isinstance(v, bool),
    ),
    "C10K_BLOCKED_SECONDS": _seconds(
        0.25, "With DEBUG, runserver names a view that keeps the loop busy for longer than this."
    ),
    "C10K_STOP_SECONDS": _seconds(
        1.0,
        "How long a stopping server waits for the threads of its pools. It abandons those that are still busy. Under"
        " runserver also the default of the engine's shutdown_time, so that no page or view delays a reload for long.",
    ),
    "C10K_ENGINE": Setting(
        {},
        "Settings of the engine, by their names in c10k.conf.",
        "a dict from str to str, int, float or bool",
        lambda v: isinstance(v, dict)
        and all(isinstance(name, str) and isinstance(value, (str, int, float)) for name, value in v.items()),
    ),
}


def get(name: str) -> Any:
    """The project's value of a setting, or its default.

    Args:
        name: the setting's whole name, such as ``"C10K_VIEW_LANES"``.

    Raises:
        KeyError: there is no such setting.

    Example::

        threads = conf.get("C10K_HANDSHAKE_THREADS")
    """
    return getattr(settings, name, SETTINGS[name].default)


def engine_settings() -> dict[str, str]:
    """``C10K_ENGINE`` as the engine takes it: names and texts.

    Example::

        >>> engine_settings()  # with C10K_ENGINE = {"compression": True, "keepalive_time": 30}
        {'compression': 'true', 'keepalive_time': '30'}
    """
    given = get("C10K_ENGINE")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }
