"""``WebSocketView``: a page and a WebSocket on one URL."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views import View

from ..conf import SlowMember
from .decorator import make_options, require_coroutine_function
from .opening import is_websocket, open_websocket


class WebSocketView(View):
    """A class-based view with ``async def websocket(self, ws, ...)``, and ``get()`` for the page.

    Without ``get()``, a request that is no handshake is answered with 426. All responses say ``Vary: Upgrade``, so that
    no cache answers a handshake with the page.

    Example::

        class Room(LoginRequiredMixin, WebSocketView):
            subprotocols = ["chat.v1"]

            def get(self, request, name):
                return render(request, "room.html", {"name": name})

            async def websocket(self, ws, name):
                async for message in ws:
                    ws.send(message)

        urlpatterns = [path("rooms/<slug:name>/", Room.as_view())]
    """

    #: Those that the view speaks, as for ``@websocket``.
    subprotocols: ClassVar[Sequence[str]] = ()
    #: What happens to a client that reads too slowly, as for ``@websocket``.
    slow_member: ClassVar[SlowMember | None] = None
    #: Whether ``ws.request`` is kept, as for ``@websocket``.
    keep_request: ClassVar[bool | None] = None

    # as_view() must not mark the view as asynchronous because get() is: handshakes are answered synchronously.
    view_is_async = False

    # With such hints, mypy lets a project's view name the arguments that its URL captures.
    async def websocket(self, *args: Any, **kwargs: Any) -> None:
        """Serves one WebSocket. Override it.

        Args:
            args: the WebSocket, and what the URL captured without names.
            kwargs: what the URL captured with names.

        Example::

            async def websocket(self, ws: WebSocket, name: str) -> None:
                async for message in ws:
                    ws.send(message)
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no websocket()")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "websocket" in cls.__dict__:
            require_coroutine_function(cls.__dict__["websocket"], f"{cls.__qualname__}.websocket()")
        make_options(cls.subprotocols, cls.slow_member, cls.keep_request)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """A view for the URLconf, as Django's ``View.as_view()``. Raises TypeError if the class has no ``websocket()``."""
        if cls.websocket is WebSocketView.websocket:
            raise TypeError(f'{cls.__module__}.{cls.__qualname__} has no "async def websocket(self, ws, ...)"')
        view = super().as_view(**initkwargs)
        view.accepts_websocket = True
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Opens the WebSocket for a handshake, and calls the method's handler for all else."""
        if is_websocket(request) or (request.method in ("GET", "HEAD") and not hasattr(self, "get")):
            options = make_options(self.subprotocols, self.slow_member, self.keep_request)
            response: Any = open_websocket(request, self.websocket, args, kwargs, options)
        else:
            response = super().dispatch(request, *args, **kwargs)
            if inspect.isawaitable(response):
                response = async_to_sync(_result_of)(response)
        patch_vary_headers(response, ["Upgrade"])
        return response


async def _result_of(awaitable: Any) -> HttpResponse:
    return await awaitable
