"""Changes a session from inside a WebSocket view.

``ws.request.session`` is as old as the handshake: to save it would undo what pages have written to the session since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import HttpRequest

T = TypeVar("T")


async def update_session(request: HttpRequest, change: Callable[[SessionBase], T]) -> T:
    """Loads the session anew, lets ``change`` alter it, and saves it, in one step in the thread of the view's lane.

    A session that does not exist cannot be made here: its cookie would have to be on the handshake's response. Touch
    ``request.session`` in a middleware or decorator for that.

    Args:
        request: the handshake's, ``ws.request``.
        change: gets the session; what it returns is returned.

    Raises:
        django.contrib.sessions.backends.base.UpdateError: there is no session, or it was deleted meanwhile (logout).

    Example::

        def count(session):
            session["messages"] = session.get("messages", 0) + 1
            return session["messages"]

        ws.send(str(await update_session(ws.request, count)))
    """
    return await sync_to_async(_update)(type(request.session), request.session.session_key, change)


def _update(store: type[SessionBase], key: str | None, change: Callable[[SessionBase], Any]) -> Any:
    if key is None:
        raise UpdateError
    session = store(key)
    result = change(session)
    if session.session_key != key:
        # Loading found no session of that key, and has begun a new one.
        raise UpdateError
    session.save(must_create=False)
    return result
