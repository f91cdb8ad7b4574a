"""A page that watches the Game of Life, without a browser: URL, and the seconds that it takes to draw a frame."""

import asyncio
import json
import struct
import sys

import websockets

LAST_PART = 4
VIEW = {"zoom": 0, "left": 0, "top": 0, "columns": 4096, "rows": 4096}


async def main(url, seconds):
    async with websockets.connect(url, subprotocols=["life.viewer"], max_size=None) as socket:
        await socket.send(json.dumps({"view": VIEW}))
        async for message in socket:
            if isinstance(message, bytes) and message[1] & LAST_PART:
                await asyncio.sleep(seconds)
                await socket.send(json.dumps({"seen": struct.unpack_from("<I", message, 4)[0]}))


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
