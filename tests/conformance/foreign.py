#!/usr/bin/python3
"""Other people's WebSockets (python3-websockets) as subjects, to see that the suite is not made to our measure.

    tests/conformance/foreign.py server            echoes at ws://127.0.0.1:9001/: for run.py --url
    tests/conformance/foreign.py client URL        connects and echoes until it is refused: for run.py --command
"""

import asyncio
import sys

import websockets

PORT = 9001
LIMITS = {"max_size": 64 << 20, "ping_interval": None}


async def echo(socket, _path=None):
    async for message in socket:
        await socket.send(message)


async def serve():
    async with websockets.serve(echo, "127.0.0.1", PORT, **LIMITS):
        await asyncio.Future()


async def talk(url):
    while True:
        try:
            async with websockets.connect(url, **LIMITS) as socket:
                await echo(socket)
        except websockets.InvalidStatusCode:
            return
        except websockets.ConnectionClosed:
            pass


match sys.argv[1:]:
    case ["server"]:
        asyncio.run(serve())
    case ["client", url]:
        asyncio.run(talk(url))
    case _:
        sys.exit(__doc__)
