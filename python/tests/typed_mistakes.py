"""Mistakes that mypy finds, and the kind of error. types_test.py lets mypy check it; nobody runs it."""

from __future__ import annotations

from c10k import Group, Runner, WebSocket
from c10ktools.http import websocket


@websocket
async def types(ws: WebSocket) -> None:
    ws.send({"json": True})  # mypy: arg-type
    message: str = await ws.recv()  # mypy: assignment
    for each in ws:  # mypy: attr-defined
        pass
    Group("room").send(1)  # mypy: arg-type
    async with Group("room").join(ws.request, ws):  # mypy: call-arg
        pass
    ws.close_code = 1000  # mypy: misc
    message = ws.recv()  # mypy: assignment


@websocket  # mypy: arg-type
def not_async(ws: WebSocket) -> None: ...


@websocket(slow_member="drop")  # mypy: call-overload, misc
async def misspelt(ws: WebSocket) -> None: ...


class Nothing: ...


Runner(Nothing())  # mypy: arg-type
