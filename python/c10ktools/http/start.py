"""What a handshake leaves behind in Django's chain: the view's coroutine, and all that it needs to start."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from .. import conf

if TYPE_CHECKING:
    from ..lanes import Lane


class Options(NamedTuple):
    """What a view asks of its WebSocket. ``None`` leaves it to the settings."""

    subprotocols: tuple[str, ...] = ()
    slow_member: conf.SlowMember | None = None
    keep_request: bool | None = None


class StartSlot:
    """Where the chain puts its ``Start``. The environ of each handshake has one, under ``SLOT_KEY``.

    It is not on the response, because middleware may copy that; and not on the request, because the view may get
    another object than we made. The environ is the same everywhere.
    """

    __slots__ = ("start", "websocket")

    def __init__(self, websocket: Callable[[], Any]) -> None:
        """
        Args:
            websocket: returns the WebSocket for the view, which nobody can use before the 101.
        """
        self.websocket = websocket
        self.start: Start | None = None

    def put(self, start: Start) -> None:
        """Keeps ``start``, in place of an earlier one."""
        if self.start is not None:
            self.start.discard()
        self.start = start

    def take(self) -> Start | None:
        """What the chain left, once."""
        start, self.start = self.start, None
        return start


SLOT_KEY = "c10k.websocket"


class Start:
    """A view's coroutine, made but not started, with the context in which the chain called it.

    Exactly one of three becomes of it: somebody awaits ``coroutine`` inside ``context`` after ``enter()``, or calls
    ``discard()``.
    """

    __slots__ = ("_inner", "context", "coroutine", "options", "request")

    def __init__(self, coroutine: Coroutine[Any, Any, None], request: HttpRequest, options: Options) -> None:
        """Call it inside the chain, on the thread of the wrapper: it captures the context and Django's state."""
        self._inner = coroutine
        self.context = contextvars.copy_context()
        self.options = options
        self.request = request
        state = _ThreadState.changed()
        self.coroutine = coroutine
        if state:
            self.coroutine = _in_state(state, coroutine)
            # Logs name the view.
            self.coroutine.__qualname__ = getattr(coroutine, "__qualname__", type(coroutine).__name__)

    def enter(self, lane: Lane | None) -> None:
        """Frees the captured context of what belongs to the chain's thread, and gives the view its lane.

        Without this, ``sync_to_async()`` in the view would use the chain's thread, or say that it would deadlock.

        Args:
            lane: decides on which thread the view's synchronous code runs; ``None`` leaves it to asgiref.
        """
        if lane is not None and len(self.context) == 0:
            self.context = lane.new_context()
            return
        variables: tuple[tuple[contextvars.ContextVar[Any], Any], ...] = (
            (SyncToAsync.thread_sensitive_context, lane),
            (SyncToAsync.deadlock_context, False),
        )
        for variable, value in variables:
            if self.context.get(variable) is not value and (value or variable in self.context):
                self.context.run(variable.set, value)

    @property
    def kept_request(self) -> HttpRequest | None:
        """What becomes ``ws.request``: nothing, if the view or the settings say so."""
        keeps = conf.get("C10K_KEEP_REQUEST") if self.options.keep_request is None else self.options.keep_request
        return self.request if keeps else None

    def discard(self) -> None:
        """Closes the coroutine, which nobody will start."""
        self.coroutine.close()
        self._inner.close()


class _ThreadState(NamedTuple):
    """What a middleware or the URLconf may have set for the request: ``None`` where Django's default holds.

    asgiref before 3.7 keeps it with the current task, newer ones in the context. So the view's task sets it again,
    though only what differs: most connections then need no coroutine of ours around the view's.
    """

    language: Any
    time_zone: Any
    script_prefix: str | None
    urlconf: Any

    @classmethod
    def changed(cls) -> _ThreadState | None:
        """The calling thread's state, or ``None`` if all of it is Django's default."""
        language = translation.get_language()
        time_zone = timezone.get_current_timezone()
        script_prefix = get_script_prefix()
        urlconf = get_urlconf()
        state = cls(
            # get_language() is None when translations are off.
            None if language == settings.LANGUAGE_CODE else (language or ""),
            None if time_zone is timezone.get_default_timezone() else time_zone,
            None if script_prefix == "/" else script_prefix,
            None if urlconf in (None, settings.ROOT_URLCONF) else urlconf,
        )
        return None if state == (None, None, None, None) else state

    def activate(self) -> None:
        if self.language is not None:
            translation.activate(self.language) if self.language else translation.deactivate_all()
        if self.time_zone is not None:
            timezone.activate(self.time_zone)
        if self.script_prefix is not None:
            set_script_prefix(self.script_prefix)
        if self.urlconf is not None:
            set_urlconf(self.urlconf)


async def _in_state(state: _ThreadState, coroutine: Coroutine[Any, Any, None]) -> None:
    state.activate()
    return await coroutine
