"""What the engine calls: the methods of an application of your own, for ``c10k.Runner``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _c10k import Exchange, Handshake, WebSocket

__all__ = ["EngineApplication"]


class EngineApplication(Protocol):
    """What answers the requests of a server. The engine calls all of it on the thread of the event loop.

    It may have ``async def startup()`` and ``async def shutdown()`` as well, which ``Runner`` awaits.

    An exception in one of these methods is printed as "Exception ignored in", since the engine has nobody to raise it to;
    KeyboardInterrupt and SystemExit end the server. After one in ``on_request()`` or ``on_handshake()`` the client gets a
    500.

    Example::

        class Echo:
            def on_request(self, exchange):
                exchange.respond(404)

            def on_handshake(self, handshake):
                handshake.accept(self.echo(handshake.websocket))

            async def echo(self, ws):
                async for message in ws:
                    await ws.send(message)

            def on_view_failed(self, ws, failure):
                logging.error("A view failed.", exc_info=failure)

            def on_opened(self, ws): ...
            def on_closed(self, ws, code, reason): ...
            def on_log(self, level, line): ...

        c10k.Runner(Echo(), bind=[("127.0.0.1", 8000)]).run()
    """

    def on_request(self, exchange: Exchange) -> None:
        """A request has come. It waits until somebody answers, on any thread."""

    def on_handshake(self, handshake: Handshake) -> None:
        """A WebSocket is asked for. The handshake waits until somebody answers, on any thread."""

    def on_view_failed(self, ws: WebSocket | None, failure: BaseException) -> None:
        """A coroutine of ``accept()`` or ``run()`` has raised ``failure``; ``ws`` closes with 1011.

        KeyboardInterrupt and SystemExit come from ``Runner.run()`` instead.

        ``ws`` is ``None`` for one that ``Exchange.run()`` drives.
        """

    def on_opened(self, ws: WebSocket) -> None:
        """The handshake of ``ws`` was accepted; its view starts next."""

    def on_closed(self, ws: WebSocket, code: int, reason: str) -> None:
        """``ws`` is closed, with the code and the reason of ``ws.close_code`` and ``ws.close_reason``."""

    def on_log(self, level: int, line: str) -> None:
        """A line of the engine's log, with a level of the module ``logging``."""
