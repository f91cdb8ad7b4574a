"""A server that leak tests watch: one path for each way in which a WebSocket or a request ends."""

from __future__ import annotations

import json
import os

import c10k
from census import census, connections


class Application:
    """Views on the bare engine."""

    def __init__(self) -> None:
        # No getattr(): Python's cache of attributes would keep the name of each visit.
        self.views = {"/echo": self.echo, "/member": self.member, "/leaves": self.leaves, "/raises": self.raises}
        self.pages = {"/page": self.page, "/upload": self.upload, "/stream": self.stream, "/census": self.census}

    def on_handshake(self, handshake) -> None:
        view = self.views.get(handshake.path)
        if view is None:
            handshake.refuse(403, [(b"content-type", b"text/plain")], b"no\n")
        else:
            handshake.accept(view(handshake.websocket))

    def on_request(self, exchange) -> None:
        exchange.run(self.pages[exchange.path](exchange))

    def on_view_failed(self, ws, failure) -> None:
        pass

    def on_opened(self, ws) -> None:
        pass

    def on_closed(self, ws, code, reason) -> None:
        pass

    def on_log(self, level, line) -> None:
        print(line, flush=True)

    # ---- WebSockets

    async def echo(self, ws):
        async for message in ws:
            await ws.send(message)

    async def member(self, ws):
        room = c10k.Group("room")
        async with room.join(ws):
            async for message in ws:
                room.send(message)

    async def leaves(self, ws):
        ws.close(4000, "enough")

    async def raises(self, ws):
        raise ValueError("wrong")

    # ---- Requests

    async def page(self, exchange):
        exchange.respond(200, [(b"content-type", b"text/plain")], b"hello")

    async def upload(self, exchange):
        while await exchange.read():
            pass
        exchange.respond(200)

    async def stream(self, exchange):
        exchange.start(200)
        try:
            while True:
                await exchange.write(b"x" * 10_000)
        except c10k.ConnectionClosed:
            pass

    async def census(self, exchange):
        body = json.dumps({**census(), "connections": connections()})
        exchange.respond(200, [], body.encode())


def main() -> None:
    c10k.Runner(
        Application(),
        bind=[("127.0.0.1", 0)],
        settings={"backend": os.environ.get("C10K_TEST_BACKEND", "auto")},
        on_listening=lambda addresses: print("listens on", *addresses, flush=True),
    ).run()


if __name__ == "__main__":
    main()
