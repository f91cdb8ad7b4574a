"""A WebSocket client without a library: light enough for a thousand, and free to misbehave."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct

TEXT, BINARY, CLOSE = 1, 2, 8


class RawWebSocket:
    """One WebSocket, whose handshake has succeeded.

        ws = await RawWebSocket.open("127.0.0.1", 8000, "/echo/")
        ws.send("hello")
        await ws.recv()         # (1, b"hello")
        await ws.end()          # 1001: waits for the close of the server
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int, path: str = "/") -> RawWebSocket:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(handshake(path))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(head.decode())
        return cls(reader, writer)

    def send(self, text: str) -> None:
        self.writer.write(frame(TEXT, text.encode()))

    async def recv(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame. Raises IncompleteReadError at the end of the connection."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
        return first & 15, await self.reader.readexactly(size)

    async def end(self, payload: bytes | None = None) -> int | None:
        """Answers the server's close frame, and waits for the end of the connection.

        Args:
            payload: of the close frame; without it, reads on until one comes.

        Returns:
            Its code; None if the connection ends without one.
        """
        try:
            while payload is None:
                opcode, data = await self.recv()
                payload = data if opcode == CLOSE else None
            self.writer.write(frame(CLOSE, payload))
            await self.reader.read()
            return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        finally:
            self.writer.close()

    def reset(self) -> None:
        reset(self.writer)


def handshake(path: str = "/") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """A masked frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
    else:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def allow_many_files() -> None:
    """Lets this process and its children open as many sockets as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
