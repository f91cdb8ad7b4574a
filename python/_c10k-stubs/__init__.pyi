"""The engine of c10k, in C++. The packages c10k and c10ktools are made to be used."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypeVar, final

from c10k.application import EngineApplication

_T_co = TypeVar("_T_co", covariant=True)
_Headers = Iterable[tuple[bytes, bytes]]
_Data = str | bytes | bytearray | memoryview

class _HasFileno(Protocol):
    def fileno(self) -> int: ...

class ConnectionClosed(ConnectionError):
    """The WebSocket is closed, or the client of a request has gone. An OSError."""

@final
class Awaitable(Generic[_T_co]):
    """Await it: it has begun already, and need not be awaited if its result does not matter."""
    def __await__(self) -> Generator[Any, None, _T_co]: ...
    def __iter__(self) -> Generator[Any, None, _T_co]: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any, /) -> Any:
        """As of a coroutine."""
    def throw(self, *exception: Any) -> Any:
        """As of a coroutine."""
    def close(self) -> None:
        """As of a coroutine."""

@final
class Task:
    """A coroutine that the engine drives, as asyncio.current_task() returns it."""
    def cancel(self, msg: Any = None) -> bool:
        """As asyncio.Task.cancel()."""
    def uncancel(self) -> int:
        """As asyncio.Task.uncancel()."""
    def cancelling(self) -> int:
        """As asyncio.Task.cancelling()."""
    def done(self) -> bool:
        """Whether the coroutine has ended."""
    def cancelled(self) -> bool:
        """Whether it ended because it was cancelled."""
    def add_done_callback(self, callback: Callable[[Task], object], *, context: Context | None = None) -> None:
        """Calls a function with the task soon after it has ended, as asyncio.Task.add_done_callback()."""
    def remove_done_callback(self, callback: Callable[[Task], object], /) -> int:
        """As asyncio.Task.remove_done_callback()."""
    def result(self) -> Any:
        """What the coroutine has returned. Raises its exception, or asyncio.InvalidStateError if it has not ended."""
    def exception(self) -> BaseException | None:
        """The exception that it ended with, or None. Raises asyncio.InvalidStateError if it has not ended."""
    def get_coro(self) -> Coroutine[Any, Any, Any] | None:
        """The coroutine, or None when it has ended."""
    def get_context(self) -> Context | None:
        """The contextvars.Context that the coroutine runs in."""
    def get_loop(self) -> AbstractEventLoop:
        """The event loop."""
    def get_name(self) -> str:
        """The name of the task."""
    def set_name(self, value: object, /) -> None:
        """Names the task."""
    def _wakeup(self, future: Any, /) -> None:
        """Called by the future that the coroutine waits for."""
    def __await__(self) -> Generator[Any, None, Any]: ...
    @property
    def _asyncio_future_blocking(self) -> bool:
        """The protocol of asyncio's futures."""
    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, value: bool) -> None: ...
    @property
    def _fut_waiter(self) -> Any:
        """The future that the coroutine waits for, or None."""
    @property
    def _must_cancel(self) -> bool:
        """Whether the next step raises CancelledError."""

@final
class WebSocket:
    """A WebSocket (RFC 6455). Iterate over it with `async for` to get its messages."""
    @property
    def request(self) -> Any:
        """The request of the handshake, if it is kept."""
    @request.setter
    def request(self, value: Any) -> None: ...
    @property
    def closed(self) -> bool:
        """Whether the WebSocket is closed, or closing."""
    @property
    def close_code(self) -> int | None:
        """The close code (RFC 6455, 7.1.5); None while it is open."""
    @property
    def close_reason(self) -> str:
        """The reason that came with the close code, or ''."""
    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that both sides agreed on, or None."""
    @property
    def receiving(self) -> bool:
        """Whether a recv() waits for a message."""
    @property
    def task(self) -> Task | None:
        """The task that runs the view: what asyncio.current_task() is inside it."""
    def send(self, data: _Data, /) -> Awaitable[None]:
        """Queues a message at once: str as text, bytes, bytearray and memoryview as binary.

        Await the result to wait while the peer is far behind; without that, a peer that stays too far behind is treated
        as slow_member says. Thread: any, but only the event loop's thread may await.

        Raises TypeError for anything else, ValueError for a str with lone surrogates, and ConnectionClosed when the
        WebSocket is closed.

            await ws.send('hello')
        """
    def recv(self) -> Awaitable[str | bytes | None]:
        """Returns the next message, str or bytes; None once the WebSocket is closed, cleanly or not.

        Raises RuntimeError while another task waits for one, and on another thread than the event loop's.

            message = await ws.recv()
        """
    def wait_closed(self) -> Awaitable[None]:
        """Waits until the WebSocket is closed, by either side: for a view that waits for other things than messages.

        Raises RuntimeError on another thread than the event loop's.

            pushing = asyncio.create_task(push(ws))
            await ws.wait_closed()
            pushing.cancel()
        """
    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begins the closing handshake (RFC 6455, 7.1.2). Does nothing if the WebSocket is closed. A reason is cut to 123
        bytes of UTF-8. Thread: any.

        Raises ValueError for a code that an application may not send: 1000 to 1003, 1007 to 1014 and 3000 to 4999 it may.
        """
    def __aiter__(self) -> WebSocket: ...
    def __anext__(self) -> Awaitable[str | bytes]: ...

class Head:
    """The head of a request. Any thread may read it."""
    @property
    def method(self) -> str:
        """The method, such as 'GET'."""
    @property
    def scheme(self) -> str:
        """'https' if it came by TLS, to us or to a trusted proxy; else 'http'."""
    @property
    def http_version(self) -> str:
        """'1.0' or '1.1'."""
    @property
    def path(self) -> str:
        """The path, percent-decoded; bad UTF-8 becomes U+FFFD."""
    @property
    def raw_path(self) -> bytes:
        """The path as it was sent, as bytes."""
    @property
    def query_string(self) -> bytes:
        """The query as it was sent, as bytes."""
    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The fields in their order: pairs of bytes, names in lower case."""
    @property
    def client(self) -> tuple[str, int] | None:
        """The client's (host, port), or None."""
    @property
    def server(self) -> tuple[str, int | None] | None:
        """The (host, port) that the client connected to, (path, None) of a unix socket, or None."""
    @property
    def gone(self) -> bool:
        """Whether nobody waits for an answer any more."""
    def scope(self, base: dict[str, Any], /) -> dict[str, Any]:
        """An ASGI scope: a copy of `base`, and of the dicts in it, with what the head says.

        The scheme of a handshake is 'ws' or 'wss'. Raises TypeError if `base` is no dict.

            scope = exchange.scope({'type': 'http', 'asgi': {'version': '3.0'}})
        """

@final
class Handshake(Head):
    """The opening handshake of a WebSocket (RFC 6455, 4.2). Any thread may answer it.

    An answer is accept(), run() or refuse(). Without one, the peer waits.

        handshake.accept(view(handshake.websocket))
    """
    @property
    def subprotocols(self) -> list[str]:
        """What the client offers, in its order of preference."""
    @property
    def websocket(self) -> WebSocket:
        """The WebSocket that comes of it; it cannot be used before the 101."""
    def accept(
        self,
        coroutine: Coroutine[Any, Any, object],
        *,
        context: Context | None = None,
        subprotocol: str | None = None,
        headers: _Headers = (),
        slow_member: Literal["close", "drop_oldest", "drop_newest"] = "close",
    ) -> bool:
        """Answers with 101 and drives `coroutine`, the view, on the event loop. The WebSocket closes when it returns.

        Returns False if the peer has gone; the coroutine is closed then, and has never started. Thread: any.
        Raises ValueError for a subprotocol that the client does not offer, RuntimeError for a second answer.
        """
    def run(self, coroutine: Coroutine[Any, Any, object], *, context: Context | None = None) -> bool:
        """Drives `coroutine`, which answers the handshake itself, with accept_now() or refuse(). Thread: any.

        Returns False if the peer has gone; the coroutine is closed then. Raises RuntimeError for a second answer.
        """
    def accept_now(
        self,
        *,
        subprotocol: str | None = None,
        headers: _Headers = (),
        slow_member: Literal["close", "drop_oldest", "drop_newest"] = "close",
    ) -> None:
        """Answers with 101. Only for the coroutine that run() drives.

        Raises as accept().
        """
    def refuse(self, status: int, headers: _Headers = (), body: bytes = b"") -> bool:
        """Answers with another response. Returns False if the peer has gone. Thread: any.

        Raises ValueError unless the status is from 200 to 599, TypeError for headers that are no pairs of bytes, and
        RuntimeError for a second answer.
        """
    def closed(self) -> Awaitable[None]:
        """Waits until the peer has left, also before the handshake is answered, or the WebSocket is closed.

        Raises RuntimeError on another thread than the event loop's.
        """

@final
class Exchange(Head):
    """An HTTP request and its answer, which any thread may give."""
    def read(self) -> Awaitable[bytes]:
        """Returns the next piece of the request's body; b'' at its end.

        Raises ConnectionClosed if the client has gone or the body is too large, and RuntimeError while another read()
        is pending.

            while piece := await exchange.read():
        """
    def read_blocking(self) -> bytes:
        """read() for a thread that may block.

        Raises RuntimeError on the thread of the event loop, else as read().
        """
    def respond(self, status: int, headers: _Headers = (), body: bytes = b"") -> None:
        """Answers with a whole response. Thread: any.

        Raises ValueError unless the status is from 200 to 599, TypeError for headers that are no pairs of bytes, and
        RuntimeError for a second answer.

            exchange.respond(200, [(b'content-type', b'text/plain')], b'hello')
        """
    def start(self, status: int, headers: _Headers = ()) -> None:
        """Begins a streamed response, of which write() and finish() send the body. Thread: any.

        Raises as respond().
        """
    def write(self, data: bytes, /) -> Awaitable[None]:
        """Sends a piece of the body. Await the result to wait while the client is behind.

        Raises ConnectionClosed if the client has gone, TypeError for anything but bytes, and RuntimeError before
        start() and after finish().
        """
    def write_blocking(self, data: bytes, /) -> None:
        """write() for a thread that may block.

        Raises RuntimeError on the thread of the event loop, else as write().
        """
    def finish(self) -> None:
        """The streamed body is whole. Thread: any.

        Raises RuntimeError before start().
        """
    def abort(self) -> None:
        """The answer cannot be completed: cuts the connection, or answers with 500 if nothing has been sent."""
    def closed(self) -> Awaitable[None]:
        """Waits until the client has gone, or has its answer."""
    def run(self, coroutine: Coroutine[Any, Any, object], *, context: Context | None = None) -> None:
        """Drives `coroutine`, which answers, on the event loop. In on_request(), it begins before this returns.

        Raises TypeError if it is no coroutine, and RuntimeError on another thread.
        """

class Group:
    """The WebSockets of this process that have joined `name`."""
    def __new__(cls, server: Server, name: str) -> Group: ...
    @property
    def name(self) -> str:
        """The name of the group."""
    def join(self, ws: WebSocket, /) -> Membership:
        """Makes the WebSocket a member for the time of a block.

            async with group.join(ws):

        Raises TypeError for anything but a WebSocket, and at the block's beginning ConnectionClosed if it is closed.
        """
    def send(self, data: _Data, /) -> None:
        """Sends a message to every member, and never waits: a member that stays too far behind is treated
        as its slow_member says. It is encoded once. Thread: any.

        Raises TypeError for anything but str, bytes, bytearray and memoryview.
        """
    def count(self) -> int:
        """How many members the group has now. Thread: any."""
    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the WebSockets of all members. Thread: any.

        Raises ValueError for a code that an application may not send.
        """

@final
class Membership:
    """A WebSocket's place in a group, for the time of an `async with` block."""
    # They return an Awaitable, which contextlib's AbstractAsyncContextManager has no hint for.
    async def __aenter__(self) -> Group: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

@final
class Server:
    """The engine. It moves while run_turn() is called. Thread: the one that makes it.

    The settings are those of c10k.conf. Raises ValueError for a wrong one.
    """
    def __init__(
        self, application: EngineApplication, loop: AbstractEventLoop, settings: Mapping[str, object] | None = ...
    ) -> None: ...
    @property
    def application(self) -> EngineApplication:
        """What answers the requests."""
    @property
    def loop(self) -> AbstractEventLoop:
        """The event loop of asyncio that it works for."""
    @property
    def stopped(self) -> bool:
        """Whether all that stop() began has ended."""
    @property
    def connections(self) -> int:
        """How many connections are open."""
    @property
    def websockets(self) -> int:
        """How many of them are WebSockets."""
    @property
    def turns(self) -> int:
        """How many turns there were: a loop that a view blocks makes none. Thread: any."""
    @property
    def shutdown_time(self) -> float:
        """The setting of that name, in seconds."""
    @property
    def backend(self) -> str:
        """'epoll' or 'io_uring'."""
    @staticmethod
    def check_settings(settings: Mapping[str, object], /) -> None:
        """Raises ValueError, with a line for each, if settings are unknown or wrong. Thread: any."""
    def listen(self, host: str, port: int) -> str:
        """Listens on all addresses of `host`. Returns the first one as text, with its real port.

        Raises OSError.

            server.listen('127.0.0.1', 0)  # '127.0.0.1:40123'
        """
    def listen_fd(self, fd: int | _HasFileno, /) -> str:
        """Listens on a duplicate of a listening socket. Returns its address as text.

        Raises OSError.
        """
    def run_turn(self, timeout: float | None, /) -> bool:
        """One turn of the engine; sleeps at most `timeout` seconds, or without limit if it is None.
        The GIL is free meanwhile, except while views run. Returns whether the descriptor of watch() was readable.
        """
    def watch(self, fd: int | _HasFileno, /) -> None:
        """The sleep of run_turn() ends also when `fd` is readable."""
    def stop(
        self, code: int = 1001, reason: str = "the server is shutting down", grace: float = 0.0
    ) -> None:
        """Begins to end: closes the WebSockets with `code`, and cancels views that wait for something else. run_turn() goes
        on with it until `stopped`.

        The WebSockets stay open for `grace` seconds first.
        """
    def wake(self) -> None:
        """Ends the sleep of run_turn(). Thread: any."""
    def metrics(self) -> str:
        """What the server counts, in Prometheus' text format."""
    def close(self) -> None:
        """Ends whatever is left at once. The server cannot be used afterwards."""
