"""``@websocket``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, overload

from django.http import HttpRequest, HttpResponse

from ..conf import SLOW_MEMBERS, SlowMember
from .opening import WebSocketFunction, open_websocket
from .start import Options

DjangoView = Callable[..., HttpResponse]


@overload
def websocket(view: WebSocketFunction) -> DjangoView: ...


@overload
def websocket(
    *, subprotocols: Iterable[str] = (), slow_member: SlowMember | None = None, keep_request: bool | None = None
) -> Callable[[WebSocketFunction], DjangoView]: ...


def websocket(
    view: WebSocketFunction | None = None,
    *,
    subprotocols: Iterable[str] = (),
    slow_member: SlowMember | None = None,
    keep_request: bool | None = None,
) -> Any:
    """Makes an ``async def view(ws, ...)`` a view for the URLconf, which serves a WebSocket.

    The handshake passes the middleware like any request, and all decorators of Django work: they stand above this one.
    The view gets the WebSocket and what the URL captured. When it returns, the WebSocket closes with 1000; when it
    raises, Django reports the exception and the WebSocket closes with 1011. ``ws.request`` is the handshake's request,
    with session and user loaded.

    A page on another site cannot open the WebSocket, unless ``CSRF_TRUSTED_ORIGINS`` names the site or the view is
    ``csrf_exempt``. A request that is no handshake is answered with 426; for both on one URL, see ``WebSocketView``.

    Args:
        subprotocols: those that the view speaks, the best first. ``ws.subprotocol`` is the first that the client
            speaks as well, else ``None``.
        slow_member: what happens when the client reads too slowly what groups send it: ``"close"`` (with 1013),
            ``"drop_oldest"`` or ``"drop_newest"``. Default: the setting ``C10K_SLOW_MEMBER``.
        keep_request: ``False`` sets ``ws.request`` to ``None`` and saves its memory, once for each connection.
            Default: the setting ``C10K_KEEP_REQUEST``.

    Raises:
        TypeError: the view is not an ``async def``, or a method, or does not take ``ws``. The message names its line.
        ValueError: ``slow_member`` is none of the three.

    Example::

        @login_required
        @websocket(subprotocols=["chat.v2", "chat.v1"], slow_member="drop_oldest")
        async def room(ws, name):
            ws.send(f"Hello, {ws.request.user}")
            async for message in ws:
                ws.send(message)
    """
    options = make_options(subprotocols, slow_member, keep_request)
    if view is None:
        return functools.partial(_decorate, options=options)
    return _decorate(view, options)


def make_options(subprotocols: Iterable[str], slow_member: SlowMember | None, keep_request: bool | None) -> Options:
    """Checks the options of a view. Raises TypeError and ValueError with a sentence for the view's author."""
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols is a list of names, such as [{subprotocols!r}]")
    if slow_member is not None and slow_member not in SLOW_MEMBERS:
        raise ValueError(f"slow_member is one of {', '.join(map(repr, SLOW_MEMBERS))}, not {slow_member!r}")
    return Options(tuple(subprotocols), slow_member, keep_request)


def _decorate(view: WebSocketFunction, options: Options) -> DjangoView:
    require_coroutine_function(view, "@websocket")
    _require_websocket_first(view)

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return open_websocket(request, view, args, kwargs, options)

    # wraps() copies marks by which Django would take the wrapper itself for asynchronous.
    for mark in ("_is_coroutine", "_is_coroutine_mark"):
        wrapper.__dict__.pop(mark, None)
    wrapper.accepts_websocket = True  # type: ignore[attr-defined]
    return wrapper


def _require_websocket_first(view: Any) -> None:
    """Raises TypeError, with the file and line of ``view``, unless its first parameter can be the WebSocket."""
    parameters = list(inspect.signature(view).parameters.values())
    where = f" ({view.__code__.co_filename}, line {view.__code__.co_firstlineno})" if inspect.isfunction(view) else ""
    if not parameters or parameters[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        name = getattr(view, "__qualname__", view)
        raise TypeError(f"@websocket needs a view whose first parameter is the WebSocket: {name}{where}")
    if inspect.isfunction(view) and parameters[0].name == "self":
        raise TypeError(
            f"@websocket is for functions, and {view.__qualname__}() is a method. Derive its class from WebSocketView, and"
            f" call it websocket(), without a decorator{where}"
        )


def require_coroutine_function(function: Any, what: str) -> None:
    """Raises TypeError, with the file and line of ``function``, unless it is an ``async def`` without ``yield``."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):
        return
    innermost = inspect.unwrap(function) if callable(function) else function
    if isinstance(function, type):
        wrong = f"not a class; for one, derive from WebSocketView: {function.__qualname__}"
    elif inspect.isasyncgenfunction(innermost):
        wrong = f'without "yield": async def {innermost.__name__}'
    elif innermost is not function and inspect.iscoroutinefunction(innermost):
        wrong = f"not what another decorator made of one: write {what} directly above async def {innermost.__name__}"
    else:
        wrong = f"not {'def ' if inspect.isfunction(innermost) else ''}{getattr(innermost, '__name__', innermost)}"
    code = getattr(innermost, "__code__", None)
    where = f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""
    raise TypeError(f'{what} needs an "async def", {wrong}{where}')
