"""Views with hints, as a project writes them. types_test.py lets mypy check it; nobody runs it."""

from __future__ import annotations

from typing import assert_type

from c10k import ConnectionClosed, EngineApplication, Exchange, Group, Handshake, Runner, WebSocket
from c10k.asgi import Application
from c10ktools.http import WebSocketView, websocket
from c10ktools.testing import WebSocketClient


@websocket
async def echo(ws: WebSocket, name: str) -> None:
    async for message in ws:
        assert_type(message, str | bytes)
        ws.send(message)
        assert_type(await ws.send(message), None)
    assert_type(ws.close_code, int | None)
    assert_type(ws.close_reason, str)


@websocket(subprotocols=["chat.v1"], slow_member="drop_oldest")
async def chat(ws: WebSocket) -> None:
    group = Group("chat")
    async with group.join(ws) as joined:
        joined.send(f"{joined.count()} are here, in {joined.name}")
        while (message := await ws.recv()) is not None:
            assert_type(message, str | bytes)
            group.send(message)
            group.send(memoryview(b"binary"))
    try:
        await ws.send(b"bytes")
    except ConnectionClosed as error:
        assert_type(error.errno, int)
    if ws.task is not None:
        assert_type(ws.task.get_name(), str)
    ws.close(1000, "bye")


class Room(WebSocketView):
    slow_member = "drop_newest"

    async def websocket(self, ws: WebSocket, name: str) -> None:
        assert_type(await ws.recv(), str | bytes | None)


class Everything:
    def on_request(self, exchange: Exchange) -> None:
        assert_type(exchange.headers, list[tuple[bytes, bytes]])
        exchange.run(self.answer(exchange))

    async def answer(self, exchange: Exchange) -> None:
        assert_type(await exchange.read(), bytes)
        exchange.respond(200, [(b"content-type", b"text/plain")], b"hello")

    def on_handshake(self, handshake: Handshake) -> None:
        assert_type(handshake.client, tuple[str, int] | None)
        assert_type(handshake.accept(self.serve(handshake.websocket)), bool)

    async def serve(self, ws: WebSocket) -> None: ...
    def on_view_failed(self, ws: WebSocket | None, failure: BaseException) -> None: ...
    def on_opened(self, ws: WebSocket) -> None: ...
    def on_closed(self, ws: WebSocket, code: int, reason: str) -> None: ...
    def on_log(self, level: int, line: str) -> None: ...


async def asgi(scope: object, receive: object, send: object) -> None: ...


def serve() -> None:
    application: EngineApplication = Everything()
    Runner(application, bind=[("127.0.0.1", 0)]).run()
    Runner(Application(asgi), bind=[("127.0.0.1", 0)]).run()


async def check(client: WebSocketClient) -> None:
    async with client.connect("/room/ws/") as ws:
        await ws.send("hello")
        assert_type(await ws.receive(), str | bytes | None)
    session = await client.connect("/room/ws/")
    assert_type(await session.closed_by_view(), int)
