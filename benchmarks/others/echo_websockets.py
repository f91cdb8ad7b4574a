"""An echo on python3-websockets, as its documentation shows it: PORT."""

import asyncio
import sys

import websockets


async def echo(websocket, _path):
    async for message in websocket:
        await websocket.send(message)


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), backlog=1000):
        await asyncio.Event().wait()


asyncio.run(main())
