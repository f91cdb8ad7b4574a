"""What else runs on the event loop: the rest of asyncio, and other people's libraries, inside of views."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

import websockets
from engine_support import PATIENCE, EngineTest


def needs(*modules: str):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


class InViewTest(EngineTest):
    async def run_in_view(self, body):
        """What `body(ws)` returns inside a view, as text."""

        async def view(ws):
            async with asyncio.timeout(PATIENCE):
                await ws.send(repr(await body(ws)))

        async with self.connect(view) as peer:
            return await peer.recv()


class AsyncioTest(InViewTest):
    """asyncio beyond tasks."""

    async def test_a_process_is_started_and_waited_for(self):
        async def body(ws):
            process = await asyncio.create_subprocess_exec(
                "sh", "-c", "cat; exit 3", stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            out, _ = await process.communicate(b"x" * 1_000_000)
            return len(out), process.returncode

        self.assertEqual(await self.run_in_view(body), "(1000000, 3)")

    async def test_streams_speak_to_each_other(self):
        async def shout(reader, writer):
            writer.write((await reader.readline()).upper())
            writer.close()

        async def ask(reader, writer):
            writer.write(b"quiet\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        async def body(ws):
            tcp = await asyncio.start_server(shout, "127.0.0.1", 0)
            with tempfile.TemporaryDirectory() as folder:
                unix = await asyncio.start_unix_server(shout, f"{folder}/socket")
                async with tcp, unix:
                    return (
                        await ask(*await asyncio.open_connection(*tcp.sockets[0].getsockname())),
                        await ask(*await asyncio.open_unix_connection(f"{folder}/socket")),
                    )

        self.assertEqual(await self.run_in_view(body), r"(b'QUIET\n', b'QUIET\n')")

    async def test_descriptors_sockets_and_datagrams_are_watched(self):
        async def body(ws):
            loop = asyncio.get_running_loop()
            reader, writer = os.pipe()
            piped, datagram = loop.create_future(), loop.create_future()
            loop.add_reader(reader, lambda: piped.done() or piped.set_result(os.read(reader, 9)))
            loop.call_soon(os.write, writer, b"piped")
            first, second = socket.socketpair()
            with first, second:
                for each in (first, second):
                    each.setblocking(False)
                await loop.sock_sendall(first, b"sent")
                received = await loop.sock_recv(second, 9)
            protocol = type("P", (asyncio.DatagramProtocol,), {"datagram_received": lambda _, *it: datagram.set_result(it)})
            there, _ = await loop.create_datagram_endpoint(protocol, local_addr=("127.0.0.1", 0))
            here, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=there.get_extra_info("sockname")
            )
            here.sendto(b"datagram")
            seen = await piped, received, (await datagram)[0]
            loop.remove_reader(reader)
            for each in (here, there):
                each.close()
            for each in (reader, writer):
                os.close(each)
            return seen

        self.assertEqual(await self.run_in_view(body), "(b'piped', b'sent', b'datagram')")


class OthersTest(InViewTest):
    """Libraries made for asyncio. What is not installed is skipped."""

    @needs("anyio")
    async def test_anyio_groups_scopes_and_threads(self):
        import anyio

        async def body(ws):
            seen = []

            async def note(what):
                await anyio.sleep(0.001)
                seen.append(what)

            async with anyio.create_task_group() as group:
                group.start_soon(note, 1)
                group.start_soon(note, 2)
            with anyio.move_on_after(0.001) as scope:
                await ws.recv()
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep_forever)
                await anyio.sleep(0)
                group.cancel_scope.cancel()
            return sorted(seen), scope.cancel_called, await anyio.to_thread.run_sync(len, "four")

        self.assertEqual(await self.run_in_view(body), "([1, 2], True, 4)")

    async def test_a_view_is_a_client_of_websockets(self):
        async def body(ws):
            self.application.view = self.echo
            async with websockets.connect(f"ws://127.0.0.1:{self.port}/", compression=None) as peer:
                await peer.send("to myself")
                return await peer.recv()

        self.assertEqual(await self.run_in_view(body), "'to myself'")

    async def echo(self, ws):
        async for message in ws:
            ws.send(message)

    @needs("aiohttp")
    async def test_aiohttp_fetches_a_page_and_opens_a_websocket(self):
        import aiohttp

        async def body(ws):
            self.application.view = self.echo
            async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}") as session:
                async with session.get("/") as response, session.ws_connect("/") as peer:
                    await peer.send_str("to myself")
                    return response.status, await peer.receive_str()

        self.assertEqual(await self.run_in_view(body), "(404, 'to myself')")

    @needs("httpx")
    async def test_httpx_fetches_pages_at_once(self):
        import httpx

        async def body(ws):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
                return [each.status_code for each in await asyncio.gather(*(client.get("/") for _ in range(5)))]

        self.assertEqual(await self.run_in_view(body), "[404, 404, 404, 404, 404]")

    @needs("redis")
    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    async def test_redis_keeps_and_publishes(self):
        import redis.asyncio

        with tempfile.TemporaryDirectory(prefix="c10k-redis-") as folder:
            path = f"{folder}/redis.sock"
            server = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder, "--daemonize", "no"],
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            try:
                self.assertTrue(any("accept connections" in line for line in server.stdout), "redis-server has ended")

                async def body(ws):
                    client = redis.asyncio.Redis(unix_socket_path=path)
                    await client.set("key", "value")
                    subscriber = client.pubsub()
                    await subscriber.subscribe("news")
                    await client.publish("news", "fresh")
                    heard = [each["data"] async for each in self.until_news(subscriber)]
                    await subscriber.close()
                    value = await client.get("key")
                    await client.close()
                    return value, heard

                self.assertEqual(await self.run_in_view(body), "(b'value', [1, b'fresh'])")
            finally:
                server.terminate()
                server.wait()
                server.stdout.close()

    async def until_news(self, subscriber):
        async for each in subscriber.listen():
            yield each
            if each["type"] == "message":
                return


if __name__ == "__main__":
    unittest.main()
