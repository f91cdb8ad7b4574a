"""Faults of views, clients and programs: the server ends in order, forgets nothing of them, and never crashes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import unittest

from asgi_test import Served
from engine_support import PATIENCE, EngineTest
from raw_client import RawWebSocket, allow_many_files

import c10k

BACKEND = {"backend": os.environ.get("C10K_TEST_BACKEND", "auto")}


class Bare:
    """An application that refuses everything, and notes its start and its end."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.log: list[str] = []

    async def startup(self) -> None:
        self.calls.append("startup")

    async def shutdown(self) -> None:
        self.calls.append("shutdown")

    def on_handshake(self, handshake) -> None:
        handshake.refuse(403)

    def on_request(self, exchange) -> None:
        exchange.respond(404)

    def on_log(self, level, line) -> None:
        self.log.append(line)


class RunnerTest(unittest.TestCase):
    """Where a Runner's life ends early."""

    def test_a_stop_before_the_run_is_not_lost(self):
        application = Bare()
        runner = c10k.Runner(application, bind=[("127.0.0.1", 0)], settings=BACKEND)
        runner.stop()
        thread = threading.Thread(target=runner.run, daemon=True)
        thread.start()
        self.assertTrue(runner.wait(PATIENCE))
        self.assertEqual(application.calls, [])

    def test_a_stop_ends_a_startup_that_does_not_end(self):
        begun = threading.Event()

        class Slow(Bare):
            async def startup(self):
                self.calls.append("startup")
                begun.set()
                await asyncio.get_running_loop().create_future()

        application = Slow()
        runner = c10k.Runner(application, bind=[("127.0.0.1", 0)], settings=BACKEND)
        thread = threading.Thread(target=runner.run, daemon=True)
        thread.start()
        self.assertTrue(begun.wait(PATIENCE))
        runner.stop()
        self.assertTrue(runner.wait(PATIENCE))
        self.assertEqual(application.calls, ["startup"])

    def test_an_application_that_has_started_is_shut_down_although_the_server_cannot_listen(self):
        application = Bare()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            bind = [("127.0.0.1", 0), ("127.0.0.1", taken.getsockname()[1])]
            with self.assertRaises(OSError):
                c10k.Runner(application, bind=bind, settings=BACKEND).run()
        self.assertEqual(application.calls, ["startup", "shutdown"])

    def test_the_end_of_on_listening_by_an_exception_is_the_end_of_the_server(self):
        application = Bare()

        def on_listening(addresses):
            raise LookupError(addresses[0])

        with self.assertRaises(LookupError):
            c10k.Runner(application, bind=[("127.0.0.1", 0)], settings=BACKEND, on_listening=on_listening).run()
        self.assertEqual(application.calls, ["startup", "shutdown"])


class StubbornTest(EngineTest):
    """Views that do not end when they are asked to."""

    settings = {"shutdown_time": "50ms"}

    async def end_of(self, view):
        """Stops the server while `view` runs. Returns the close code of its client."""
        async with self.connect(view) as peer:
            await self.eventually(lambda: self.application.opened == 1)
            self.runner.stop()
            self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))
            await peer.wait_closed()
            return peer.close_code

    async def test_a_view_that_ignores_its_cancellation_is_closed(self):
        seen = []

        async def stubborn(ws):
            try:
                while True:
                    try:
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        seen.append("cancelled")
            finally:
                seen.append("closed")

        await self.end_of(stubborn)
        self.assertEqual((seen[0], seen[-1]), ("cancelled", "closed"))
        self.assertRegex("\n".join(self.application.log), r"View .*\.stubborn has not ended although it was cancelled")

    async def test_a_view_that_never_rests_is_closed(self):
        async def restless(ws):
            while True:
                try:
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    pass

        await self.end_of(restless)
        self.assertRegex("\n".join(self.application.log), r"View .*\.restless has not ended")

    async def test_a_view_that_ignores_even_its_close_ends(self):
        async def immortal(ws):
            while True:
                try:
                    await asyncio.sleep(1000)
                except BaseException:
                    pass

        await self.end_of(immortal)

    async def test_a_task_of_a_view_that_ignores_its_cancellation_ends_with_the_loop(self):
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass

        async def view(ws):
            self.task = asyncio.create_task(stubborn())
            await ws.recv()

        with self.assertLogs("c10k", "WARNING") as log:
            self.assertEqual(await self.end_of(view), 1001)
        self.assertIn("has not ended although it was cancelled", log.output[0])

    async def test_a_request_whose_coroutine_ignores_its_cancellation_is_cut(self):
        begun = threading.Event()

        async def stubborn(exchange):
            begun.set()
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass

        self.application.on_request = lambda exchange: exchange.run(stubborn(exchange))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(await asyncio.to_thread(begun.wait, PATIENCE))
        self.runner.stop()
        self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))
        self.assertEqual(await reader.read(), b"")
        writer.close()

    async def test_a_view_that_ignores_the_loss_of_its_peer_does_not_outlive_the_loop(self):
        async def stubborn(ws):
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass

        async with self.connect(stubborn) as peer:
            await self.eventually(lambda: self.application.opened == 1)
            peer.transport.abort()
            threading.excepthook, former = (lambda _: None), threading.excepthook
            self.addCleanup(setattr, threading, "excepthook", former)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))


class TerminationTest(unittest.IsolatedAsyncioTestCase):
    """SIGTERM and SIGINT with a thousand sockets."""

    count = 1000

    async def open_all(self, server, path, count):
        sockets = []
        for begin in range(0, count, 50):
            opening = (RawWebSocket.open("127.0.0.1", server.port, path) for _ in range(begin, min(begin + 50, count)))
            sockets += await asyncio.gather(*opening)
        return sockets

    async def check(self, number, *options):
        allow_many_files()
        with Served("asgi_apps:app", *options) as server:
            sockets = await self.open_all(server, "/echo", self.count)
            ends = [asyncio.create_task(each.end()) for each in sockets]
            self.assertEqual(await asyncio.to_thread(server.stop, number), 0)
            self.assertEqual(await asyncio.gather(*ends), [1001] * self.count)
            self.assertIn("lifespan.shutdown", server.log)

    async def test_all_get_a_close_frame(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                await self.check(number)

    async def test_all_get_a_close_frame_of_workers(self):
        await self.check(signal.SIGTERM, "--workers", "2")

    async def test_applications_that_ignore_their_cancellation_are_closed_after_the_graceful_time(self):
        with Served("asgi_apps:app", "--timeout-graceful-shutdown", "0.1") as server:
            sockets = await self.open_all(server, "/stubborn", 20) + await self.open_all(server, "/echo", 20)
            ends = [asyncio.create_task(each.end()) for each in sockets]
            self.assertEqual(await asyncio.to_thread(server.stop), 0)
            self.assertEqual(await asyncio.gather(*ends), [1001] * 40)
            self.assertIn("lifespan.shutdown", server.log)
            self.assertIn("_serve_websocket has not ended although it was cancelled", server.log)

    async def test_peers_that_do_not_answer_the_close_are_cut_after_the_graceful_time(self):
        with Served("asgi_apps:app", "--timeout-graceful-shutdown", "0.1") as server:
            sockets = await self.open_all(server, "/echo", 20)
            self.assertEqual(await asyncio.to_thread(server.stop), 0)
            self.assertEqual(await asyncio.gather(*(each.end() for each in sockets)), [1001] * 20)


if __name__ == "__main__":
    unittest.main()
