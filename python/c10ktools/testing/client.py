"""``WebSocketClient``: Django's test client, for WebSocket views."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client

from ..engine import ConnectionClosed
from ..handshake import choose_subprotocol
from ..http.start import SLOT_KEY, Start, StartSlot
from ..reporting import report_result, report_view_failure
from .memory import MemoryWebSocket, Message, as_message, check_close_code

T = TypeVar("T")

#: Seconds that a test waits for a view before it fails.
TIMEOUT = 5.0


class WebSocketRefused(AssertionError):
    """The handshake was answered with something else than 101. ``response`` is Django's answer."""

    def __init__(self, path: str, response: HttpResponseBase) -> None:
        super().__init__(f"{path}: the handshake was refused with {response.status_code} {response.reason_phrase}")
        self.response = response


class WebSocketClient(Client):
    """Opens WebSockets as Django's ``Client`` fetches pages: through middleware, URLconf and decorators.

    It is a ``Client``: cookies, ``login()``, ``force_login()``, ``session`` and ``get()`` work. Pages and WebSockets
    share them. In a test that is an ``async def``, use ``alogin()``, ``aforce_login()`` and ``alogout()``.

    The view runs on the test's event loop, and its database calls in the test's transaction.

    Example::

        class RoomTest(TestCase):
            async def test_members_only(self):
                client = WebSocketClient()
                response = await client.handshake("/rooms/staff/")
                self.assertRedirects(response, "/login/?next=/rooms/staff/", fetch_redirect_response=False)

                await client.aforce_login(self.user)
                async with client.connect("/rooms/staff/") as ws:
                    self.assertEqual(await ws.receive(), "Hello, ann")
    """

    def connect(
        self,
        path: str,
        *,
        subprotocols: Iterable[str] = (),
        origin: str | None = None,
        headers: Mapping[str, str] = {},
        secure: bool = False,
        **extra: Any,
    ) -> Connecting:
        """Opens a WebSocket: await it, or use ``async with``, which closes it and waits for the view.

        Args:
            path: with its query, as for ``get()``.
            subprotocols: what the client speaks, the best first.
            origin: of the page, such as ``"https://example.com"``; ``None`` for a client that is no browser.
            headers: more of the request's headers.
            secure: ``True`` for ``wss``.
            extra: more of the environ, as for ``get()``.

        Returns:
            An awaitable ``WebSocketSession``.

        Raises:
            WebSocketRefused: the answer is not 101, when it is awaited.
            Exception: what a view or middleware raised, as for ``get()``, if ``raise_request_exception`` is true.
        """
        return Connecting(self, path, list(subprotocols), self._environ(subprotocols, origin, headers, extra), secure)

    async def handshake(
        self,
        path: str,
        *,
        subprotocols: Iterable[str] = (),
        origin: str | None = None,
        headers: Mapping[str, str] = {},
        secure: bool = False,
        **extra: Any,
    ) -> Any:
        """The answer to a handshake, as Django's ``Client`` returns it, for ``assertRedirects()`` and the like.

        No view is started: after a 101 the WebSocket is gone. The arguments are those of ``connect()``.
        """
        slot = StartSlot(functools.partial(MemoryWebSocket, asyncio.get_running_loop()))
        response = await self.run_chain(path, slot, self._environ(subprotocols, origin, headers, extra), secure)
        if (start := slot.take()) is not None:
            start.discard()
        return response

    async def alogin(self, **credentials: Any) -> bool:
        """``login()`` for tests that are an ``async def``."""
        return bool(await _in_sync_thread(self.login, **credentials))

    async def aforce_login(self, user: Any, backend: str | None = None) -> None:
        """``force_login()`` for tests that are an ``async def``."""
        await _in_sync_thread(self.force_login, user, backend)

    async def alogout(self) -> None:
        """``logout()`` for tests that are an ``async def``."""
        await _in_sync_thread(self.logout)

    async def run_chain(self, path: str, slot: StartSlot, environ: dict[str, Any], secure: bool) -> Any:
        """Runs Django's chain on the thread of the test's synchronous code, in a context of its own."""
        get = functools.partial(self.generic, "GET", path, secure=secure, **environ, **{SLOT_KEY: slot})
        try:
            response = await sync_to_async(contextvars.Context().run)(get)
        except BaseException:
            if (start := slot.take()) is not None:
                start.discard()
            raise
        response.wsgi_request.environ.pop(SLOT_KEY, None)
        return response

    def _environ(
        self, subprotocols: Iterable[str], origin: str | None, headers: Mapping[str, str], extra: dict[str, Any]
    ) -> dict[str, Any]:
        environ = {
            "HTTP_CONNECTION": "Upgrade",
            "HTTP_UPGRADE": "websocket",
            "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
            "HTTP_SEC_WEBSOCKET_VERSION": "13",
        }
        if offered := ", ".join(subprotocols):
            environ["HTTP_SEC_WEBSOCKET_PROTOCOL"] = offered
        if origin is not None:
            environ["HTTP_ORIGIN"] = origin
        environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
        return environ | extra


async def _in_sync_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Calls ``function`` on the thread of the test's synchronous code, which has its transaction."""
    call: Any = sync_to_async(function)
    return await call(*args, **kwargs)


class Connecting:
    """What ``connect()`` returns."""

    def __init__(
        self, client: WebSocketClient, path: str, subprotocols: list[str], environ: dict[str, Any], secure: bool
    ) -> None:
        self._client, self._path, self._subprotocols = client, path, subprotocols
        self._environ, self._secure = environ, secure
        self._session: WebSocketSession | None = None

    def __await__(self) -> Generator[Any, None, WebSocketSession]:
        return self._open().__await__()

    async def __aenter__(self) -> WebSocketSession:
        self._session = await self._open()
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._session is not None
        if kind is None:
            await self._session.close()
        else:
            # The test has failed already: its own exception says more than a view that is cut off.
            await self._session.abandon()

    async def _open(self) -> WebSocketSession:
        ws = MemoryWebSocket(asyncio.get_running_loop())
        slot = StartSlot(lambda: ws)
        response = await self._client.run_chain(self._path, slot, self._environ, self._secure)
        start = slot.take()
        if start is None or response.status_code != 101:
            if start is not None:
                start.discard()
            raise WebSocketRefused(self._path, response)
        ws.subprotocol = choose_subprotocol(start.options.subprotocols, self._subprotocols)
        return WebSocketSession(ws, start, response, self._client.raise_request_exception)


class WebSocketSession:
    """The client's side of an open WebSocket, in a test."""

    def __init__(self, ws: MemoryWebSocket, start: Start, response: Any, raises: bool) -> None:
        """``WebSocketClient.connect()`` makes it, and starts the view."""
        #: Django's 101, with ``cookies``, headers and ``wsgi_request``.
        self.response = response
        self._ws, self._raises = ws, raises
        self._failure: Exception | None = None
        ws.request = start.kept_request
        # Which thread runs the view's synchronous code is for asgiref to say: it is the test's, with its transaction.
        start.enter(None)
        path, coroutine, context = start.request.path, start.coroutine, start.context
        drive = self._drive(coroutine, start.request, path)
        self._task = ws.task = asyncio.get_running_loop().create_task(drive, name=path, context=context)

    @property
    def request(self) -> HttpRequest:
        """The handshake's request, as the view had it."""
        return self.response.wsgi_request

    @property
    def subprotocol(self) -> str | None:
        """The one that both sides speak."""
        return self._ws.subprotocol

    @property
    def closed(self) -> bool:
        """Whether either side has closed it."""
        return self._ws.closed

    @property
    def close_code(self) -> int | None:
        """1000 after the view has returned, 1011 after it has raised; ``None`` while the WebSocket is open."""
        return self._ws.close_code

    @property
    def close_reason(self) -> str:
        """The text that came with the close code."""
        return self._ws.close_reason

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Sends a message to the view, and lets it run.

        Raises:
            TypeError: for other types.
            ConnectionClosed: the WebSocket is closed.
        """
        message = as_message(data)
        if self._ws.closed:
            raise ConnectionClosed("the WebSocket is closed")
        self._ws.to_view.put(message)
        await asyncio.sleep(0)

    async def receive(self, timeout: float = TIMEOUT) -> Message | None:
        """The view's next message, or ``None`` when the WebSocket is closed.

        Raises:
            TimeoutError: the view has sent nothing for ``timeout`` seconds.
            Exception: what the view has raised, if the client's ``raise_request_exception`` is true.
        """
        message = await self._within(timeout, self._ws.to_client.get(), "sent nothing")
        if message is None:
            self._raise_failure()
        return message

    async def closed_by_view(self, timeout: float = TIMEOUT) -> int:
        """Waits until the view closes the WebSocket, by ``close()`` or its end, and returns the close code.

        Messages that come before it are dropped. Raises as ``receive()`` does.
        """
        while await self.receive(timeout) is not None:
            pass
        assert self._ws.close_code is not None
        return self._ws.close_code

    async def close(self, code: int = 1000, reason: str = "", timeout: float = TIMEOUT) -> None:
        """Closes the WebSocket, if the view has not, and waits until the view has ended.

        Raises:
            ValueError: a close frame may not carry ``code``.
            TimeoutError: the view goes on for ``timeout`` seconds. It is then cancelled.
            Exception: what the view has raised, if the client's ``raise_request_exception`` is true.
        """
        check_close_code(code)
        self._ws.note_close(code, reason)
        await self._within(timeout, self._ended(), "did not end after the close")
        self._raise_failure()

    async def abandon(self) -> None:
        """Closes the WebSocket as a client that has gone, cancels the view, and hides what it raises."""
        self._ws.note_close(1006, "")
        self._task.cancel()
        await self._ended()

    def _raise_failure(self) -> None:
        """Raises what the view has raised, once."""
        failure, self._failure = self._failure, None
        if failure is not None and self._raises:
            raise failure

    async def _ended(self) -> None:
        await asyncio.wait([self._task])

    async def _within(self, timeout: float, awaitable: Any, otherwise: str) -> Any:
        try:
            async with asyncio.timeout(timeout):
                return await awaitable
        except TimeoutError:
            self._task.cancel()
            raise TimeoutError(f"The view of {self._task.get_name()} {otherwise} for {timeout} seconds.") from None

    async def _drive(self, coroutine: Any, request: HttpRequest, path: str) -> None:
        """What the engine does with a view: awaits it, closes the WebSocket, reports its exception."""
        failure: Exception | None = None
        try:
            report_result(await coroutine, request)
        except ConnectionClosed:
            # The client has gone while the view was sending: the usual end.
            pass
        except Exception as error:
            failure = error
        if failure is None:
            self._ws.note_close(1000, "")
            return
        self._failure = failure
        await sync_to_async(report_view_failure)(failure, request, path)
        self._ws.note_close(1011, "")
