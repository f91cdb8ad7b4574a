"""Faults of views, clients and programs: the server ends in order, forgets nothing of them, and never crashes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import unittest

from asgi_test import Served
from census import Traffic, check_slope
from engine_support import PATIENCE, EngineTest
from raw_client import CLOSE, RawWebSocket, allow_many_files, frame, handshake, reset

import c10k
from c10k.loop import Selector
from c10ktools.watchdog import Watchdog

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


class MistakeTest(EngineTest):
    """An application that does something wrong hears of it where it does it, and its client is not left waiting."""

    async def status_of(self, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        line = await reader.readline()
        writer.close()
        return line[9:12]

    @contextlib.contextmanager
    def unraisable(self):
        """What the interpreter would print, inside the block."""
        seen = []
        sys.unraisablehook, former = (lambda failure: seen.append(failure.exc_value)), sys.unraisablehook
        try:
            yield seen
        finally:
            sys.unraisablehook = former

    async def test_a_callback_that_raises_is_a_500(self):
        def fail(_):
            raise LookupError("in the callback")

        self.application.on_handshake = self.application.on_request = fail
        with self.unraisable() as seen:
            self.assertEqual(await self.status_of(handshake()), b"500")
            self.assertEqual(await self.status_of(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b"500")
        self.assertEqual([str(each) for each in seen], ["in the callback"] * 2)

    async def test_a_callback_that_raises_behind_its_answer_changes_nothing(self):
        def refuse(handshake):
            handshake.refuse(403)
            raise LookupError

        def respond(exchange):
            exchange.respond(201)
            raise LookupError

        self.application.on_handshake, self.application.on_request = refuse, respond
        with self.unraisable():
            self.assertEqual(await self.status_of(handshake()), b"403")
            self.assertEqual(await self.status_of(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b"201")

    async def test_wrong_types_in_an_answer_raise_at_the_caller(self):
        wrong = []

        def note(error, call, *arguments, **keywords):
            with self.assertRaises(error):
                call(*arguments, **keywords)
            wrong.append(call.__name__)

        def on_handshake(handshake):
            note(TypeError, handshake.accept, lambda ws: None)
            note(TypeError, handshake.accept, None)
            coroutine = never_called(handshake.websocket)
            note(TypeError, handshake.accept, coroutine, context={})
            note(TypeError, handshake.accept, coroutine, headers=[("x-text", "no bytes")])
            note(TypeError, handshake.accept, coroutine, headers=[b"x"])
            note(TypeError, handshake.accept, coroutine, headers=5)
            note(ValueError, handshake.accept, coroutine, slow_member="wait")
            note(ValueError, handshake.accept, coroutine, subprotocol="not offered")
            note(TypeError, handshake.run, never_called)
            note(TypeError, handshake.refuse, "403")
            note(ValueError, handshake.refuse, 101)
            note(TypeError, handshake.refuse, 403, (), "text")
            note(RuntimeError, handshake.accept_now)
            coroutine.close()
            handshake.refuse(404)

        def on_request(exchange):
            note(TypeError, exchange.respond, 200, (), "text")
            note(TypeError, exchange.respond, None)
            note(ValueError, exchange.respond, 99)
            note(TypeError, exchange.respond, 200, {"x": "y"})
            note(TypeError, exchange.run, on_request)
            note(RuntimeError, exchange.write, b"before start()")
            note(RuntimeError, exchange.finish)
            exchange.start(202)
            note(TypeError, exchange.write, "text")
            note(RuntimeError, exchange.write_blocking, b"on the loop")
            exchange.finish()
            note(RuntimeError, exchange.write, b"behind finish()")

        self.application.on_handshake, self.application.on_request = on_handshake, on_request
        with self.unraisable() as seen:
            self.assertEqual(await self.status_of(handshake()), b"404")
            self.assertEqual(await self.status_of(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b"202")
        self.assertEqual(seen, [])
        self.assertEqual(len(wrong), 23)

    async def test_a_view_that_never_receives_does_not_keep_its_peer_from_closing(self):
        may_end = asyncio.Event()

        async def deaf(ws):
            self.end = may_end.set
            await may_end.wait()

        self.application.view = deaf
        ws = await RawWebSocket.open("127.0.0.1", self.port)
        for number in range(10):
            ws.send(str(number))
        ws.writer.write(frame(CLOSE, b"\x0f\xa0"))
        self.assertEqual(await ws.end(), 4000)
        self.loop.call_soon_threadsafe(self.end)
        await self.eventually(lambda: self.application.closed == [(4000, "")])


class BlockedTest(EngineTest):
    """The watchdog names what blocks the loop."""

    async def test_a_view_that_blocks_is_named_with_its_line(self):
        looks = 0

        def turns():
            nonlocal looks
            looks += 1
            return server.turns

        def start():
            watchdog = Watchdog(turns, sleeps_in=Selector.select.__code__, seconds=0.01)
            watchdog.start()
            return watchdog

        async def blocking(ws):
            wait_in_a_function()
            await ws.send("done")

        def wait_in_a_function():
            end = looks + 20  # a look takes a quarter of the limit at least
            while looks < end:
                time.sleep(0)

        async def call(function):
            return function()

        server = c10k.current_server()
        watchdog = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(start), self.loop))
        self.addCleanup(watchdog.stop)
        with self.assertLogs("c10k", "WARNING") as log:
            async with self.connect(blocking) as peer:
                self.assertEqual(await peer.recv(), "done")
            await self.eventually(lambda: log.output)
        self.assertRegex(
            log.output[0],
            rf'View .*\.blocking blocked the loop for \d+ ms \(File "{re.escape(__file__)}", line \d+\)',
        )
        line = int(re.search(r"line (\d+)", log.output[0])[1])
        begin = wait_in_a_function.__code__.co_firstlineno
        self.assertIn(line, range(begin, begin + 4))

    async def test_a_loop_that_only_sleeps_is_not_blocked(self):
        looks = 0

        def turns():
            nonlocal looks
            looks += 1
            return 0  # as if no turn ended

        async def start():
            return Watchdog(turns, sleeps_in=Selector.select.__code__, seconds=0.01)

        watchdog = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(start(), self.loop))
        self.addCleanup(watchdog.stop)
        with self.assertNoLogs("c10k", "WARNING"):
            watchdog.start()
            await self.eventually(lambda: looks > 50)


class ResetTest(EngineTest):
    """A client that resets its connection, in each phase: the view learns it, nothing stays, and the server goes on."""

    def setUp(self):
        super().setUp()
        self.earlier = self.count_websockets()  # of other tests, whose views do not end

    @staticmethod
    def count_websockets():
        gc.collect()
        return sum(type(each) is c10k.WebSocket for each in gc.get_objects())

    async def dial(self, sent: bytes):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def is_forgotten(self):
        """Waits until the server has no connection, and the next client is served."""

        async def count():
            return c10k.current_server().connections

        while await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(count(), self.loop)):
            await asyncio.sleep(0.005)
        await self.eventually(lambda: self.count_websockets() <= self.earlier)

        async def view(ws):
            await ws.send("here")

        async with self.connect(view) as peer:
            self.assertEqual(await peer.recv(), "here")
        self.assertEqual(self.application.failures, [])

    async def test_inside_the_head(self):
        _, writer = await self.dial(handshake()[:40])
        reset(writer)
        await self.is_forgotten()
        self.assertEqual(self.application.handshakes, 1)

    async def test_while_a_thread_thinks_about_the_handshake(self):
        may_answer = threading.Event()
        answers = []

        def answer(handshake):
            may_answer.wait(PATIENCE)
            while not handshake.gone:
                pass
            answers.append(handshake.accept(self.application.view(handshake.websocket)))

        self.application.answer_in_thread, self.application.view = answer, never_called
        _, writer = await self.dial(handshake())
        await self.eventually(lambda: self.application.handshakes == 1)
        reset(writer)
        may_answer.set()
        await self.eventually(lambda: answers)
        self.application.answer_in_thread = None
        self.assertEqual(answers, [False])
        await self.is_forgotten()

    async def test_while_the_handshake_is_accepted(self):
        ended = []

        async def view(ws):
            async for _ in ws:
                pass
            ended.append(ws.close_code)

        self.application.view = view
        for _ in range(100):
            _, writer = await self.dial(handshake())
            reset(writer)
        await self.eventually(lambda: len(ended) == self.application.opened)
        self.assertLessEqual(set(ended), {1006})
        await self.is_forgotten()

    async def test_inside_a_message(self):
        seen = []

        async def view(ws):
            seen.append(await ws.recv())
            seen.append(ws.close_code)

        self.application.view = view
        ws = await RawWebSocket.open("127.0.0.1", self.port)
        ws.writer.write(frame(1, b"x" * 1000)[:500])
        await ws.writer.drain()
        ws.reset()
        await self.eventually(lambda: len(seen) == 2)
        self.assertEqual(seen, [None, 1006])
        await self.is_forgotten()

    async def test_during_the_closing_handshake(self):
        seen = []

        async def view(ws):
            ws.close(4000, "enough")
            seen.append(await ws.recv())

        self.application.view = view
        ws = await RawWebSocket.open("127.0.0.1", self.port)
        self.assertEqual((await ws.recv())[0], CLOSE)
        ws.reset()
        await self.eventually(lambda: seen)
        await self.is_forgotten()

    async def test_while_the_view_only_sends(self):
        seen = []

        async def view(ws):
            try:
                while True:
                    await ws.send(b"x" * 10_000)
            except c10k.ConnectionClosed:
                seen.append(ws.close_code)

        self.application.view = view
        ws = await RawWebSocket.open("127.0.0.1", self.port)
        await ws.recv()
        ws.reset()
        await self.eventually(lambda: seen)
        self.assertEqual(seen, [1006])
        await self.is_forgotten()

    async def test_while_its_group_is_sent_to(self):
        room = c10k.Group("room")

        async def view(ws):
            async with room.join(ws):
                await ws.recv()

        self.application.view = view
        sockets = [await RawWebSocket.open("127.0.0.1", self.port) for _ in range(20)]
        await self.eventually(lambda: room.count() == 20)
        for ws in sockets:
            room.send("x" * 10_000)
            ws.reset()
            room.send("x" * 10_000)
        await self.eventually(lambda: room.count() == 0)
        await self.is_forgotten()

    async def test_during_a_streamed_answer(self):
        for in_thread in (False, True):
            with self.subTest(in_thread=in_thread):
                seen = []

                async def stream(exchange):
                    exchange.start(200)
                    try:
                        while True:
                            await exchange.write(b"x" * 10_000)
                    except c10k.ConnectionClosed:
                        seen.append("gone")

                def stream_blocking(exchange):
                    exchange.start(200)
                    try:
                        while True:
                            exchange.write_blocking(b"x" * 10_000)
                    except c10k.ConnectionClosed:
                        seen.append("gone")

                self.answer_by(in_thread, stream, stream_blocking)
                reader, writer = await self.dial(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.read(100)
                reset(writer)
                await self.eventually(lambda: seen)
                await self.is_forgotten()

    async def test_during_an_upload(self):
        for in_thread in (False, True):
            with self.subTest(in_thread=in_thread):
                begun, seen = [], []

                async def read(exchange):
                    try:
                        while piece := await exchange.read():
                            begun.append(piece)
                    except c10k.ConnectionClosed:
                        seen.append("gone")

                def read_blocking(exchange):
                    try:
                        while piece := exchange.read_blocking():
                            begun.append(piece)
                    except c10k.ConnectionClosed:
                        seen.append("gone")

                self.answer_by(in_thread, read, read_blocking)
                _, writer = await self.dial(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome")
                await self.eventually(lambda: begun)
                reset(writer)
                await self.eventually(lambda: seen)
                await self.is_forgotten()

    def answer_by(self, in_thread, coroutine, function):
        if in_thread:
            self.application.on_request = lambda exchange: threading.Thread(target=function, args=[exchange]).start()
        else:
            self.application.on_request = lambda exchange: exchange.run(coroutine(exchange))


async def never_called(ws):
    raise AssertionError("this view has no client")


class Program:
    """A program of one of the tests: Python with a server on its main thread or on another one.

    Its text finds `serve(view, **options)`, which serves on a daemon thread and returns once it listens.
    """

    PROLOGUE = """
        import asyncio, multiprocessing, os, signal, sys, threading, time
        import c10k

        class Application:
            def __init__(self, view): self.view = view
            def on_handshake(self, handshake): handshake.accept(self.view(handshake.websocket))
            def on_request(self, exchange): exchange.respond(200, [], b"a page")
            def on_view_failed(self, ws, failure): print("failed:", repr(failure), flush=True)
            def on_opened(self, ws): pass
            def on_closed(self, ws, code, reason): print("closed", code, flush=True)
            def on_log(self, level, line): print(line, flush=True)

        def runner(view, on_listening=lambda: None):
            def say(addresses):
                print("listens on", *addresses, flush=True)
                on_listening()
            settings = {"backend": os.environ.get("C10K_TEST_BACKEND", "auto")}
            return c10k.Runner(Application(view), bind=[("127.0.0.1", 0)], settings=settings, on_listening=say)

        def serve(view):
            listening = threading.Event()
            made = runner(view, listening.set)
            threading.Thread(target=made.run, daemon=True).start()
            listening.wait()
            return made

        async def echo(ws):
            async for message in ws:
                ws.send(message)
        """

    def __init__(self, text: str) -> None:
        self.text = textwrap.dedent(self.PROLOGUE) + textwrap.dedent(text)

    def __enter__(self) -> Program:
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-X", "faulthandler", "-c", self.text], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.port = int(self.wait_for("listens on").rpartition(":")[2])
        return self

    def __exit__(self, *failure: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, text: str) -> str:
        """The next line of its output that has `text`."""
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"the program has ended without {text!r}, and with {self.process.wait()}")

    def end(self) -> tuple[int, str]:
        """Lets it go on behind `sys.stdin.readline()`. Returns its exit status and the rest of its output."""
        output, _ = self.process.communicate("\n", timeout=PATIENCE)
        return self.process.returncode, output

    async def open(self) -> RawWebSocket:
        return await RawWebSocket.open("127.0.0.1", self.port)


class ForkTest(unittest.IsolatedAsyncioTestCase):
    """os.fork() and multiprocessing's "fork" inside of a running server."""

    async def check_parent(self, program):
        """The parent talks to old and new clients."""
        ws = await program.open()
        ws.send("still there")
        self.assertEqual(await ws.recv(), (1, b"still there"))
        ws.writer.close()

    async def test_a_child_that_touches_the_server_gets_an_error_and_its_parent_none(self):
        text = """
            async def view(ws):
                async for message in ws:
                    if message == "fork":
                        child = os.fork()
                        if child == 0:
                            for touch in (
                                lambda: ws.send("from the child"), ws.close, ws.recv,
                                lambda: c10k.Group("room").send("x"), group.count, lambda: group.join(ws).__aenter__(),
                                c10k.current_server, lambda: server.connections,
                                server.close,
                            ):
                                try:
                                    touch()
                                    print("no error", touch, flush=True)
                                except RuntimeError as error:
                                    print("error:", error, flush=True)
                            os._exit(7)
                        ws.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
                    else:
                        ws.send(message)

            def on_listening():
                global server, group
                server = c10k.current_server()
                group = c10k.Group("room")._group()

            runner(view, on_listening).run()
            """
        with Program(text) as program:
            ws = await program.open()
            ws.send("fork")
            self.assertEqual(await ws.recv(), (1, b"7"))
            ws.send("old client")
            self.assertEqual(await ws.recv(), (1, b"old client"))
            await self.check_parent(program)
            program.process.terminate()
            self.assertEqual(await ws.end(), 1001)
            status, output = program.end()
            self.assertEqual(status, 0)
            self.assertEqual(output.count("error: "), 9, output)
            self.assertEqual(output.count("error: this process is a fork of the server's"), 7, output)
            self.assertNotIn("no error", output)

    async def test_a_child_that_comes_back_into_the_loop_is_ended(self):
        text = """
            async def view(ws):
                async for message in ws:
                    if message == "fork" and os.fork() == 0:
                        continue
                    ws.send(message)

            runner(view).run()
            """
        with Program(text) as program:
            ws = await program.open()
            ws.send("fork")
            program.wait_for("a fork of the server's process has come back into the server's loop")
            self.assertEqual(await ws.recv(), (1, b"fork"))
            ws.send("old client")
            self.assertEqual(await ws.recv(), (1, b"old client"))
            await self.check_parent(program)

    async def test_a_child_that_comes_back_out_of_a_callback_is_ended(self):
        text = """
            async def view(ws):
                async for message in ws:
                    if message == "fork":
                        asyncio.get_running_loop().call_soon(os.fork)
                    ws.send(message)

            runner(view).run()
            """
        with Program(text) as program:
            ws = await program.open()
            ws.send("fork")
            program.wait_for("a fork of the server's process has come back into the server's loop")
            self.assertEqual(await ws.recv(), (1, b"fork"))
            await self.check_parent(program)

    async def test_a_signal_to_a_child_of_multiprocessing_does_not_end_its_parent(self):
        text = """
            def work(pipe):
                pipe.send("begun")
                time.sleep(1000)

            async def view(ws):
                async for message in ws:
                    if message == "fork":
                        ours, theirs = multiprocessing.Pipe()
                        child = multiprocessing.get_context("fork").Process(target=work, args=[theirs])
                        child.start()
                        ours.recv()
                        child.terminate()
                        child.join()
                        message = str(child.exitcode)
                    ws.send(message)

            runner(view).run()
            """
        with Program(text) as program:
            ws = await program.open()
            ws.send("fork")
            self.assertEqual(await ws.recv(), (1, b"-15"))
            ws.send("old client")
            self.assertEqual(await ws.recv(), (1, b"old client"))
            await self.check_parent(program)

    async def test_a_child_of_the_main_thread_that_exits_leaves_the_server_of_another_thread_alone(self):
        text = """
            serve(echo)
            sys.stdin.readline()
            if os.fork() == 0:
                sys.exit(5)
            print("child ended with", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
            time.sleep(1000)
            """
        with Program(text) as program:
            ws = await program.open()
            program.process.stdin.write("\n")
            program.process.stdin.flush()
            self.assertIn("ended with 5", program.wait_for("child ended"))
            ws.send("old client")
            self.assertEqual(await ws.recv(), (1, b"old client"))
            await self.check_parent(program)


class ExitTest(unittest.IsolatedAsyncioTestCase):
    """The interpreter exits while the server of another thread has sockets open: no crash, and the right status."""

    rounds = 20 if "C10K_FULL" in os.environ else 2

    async def check(self, text, status, code):
        """`code` is what clients are told, or None if they may hear nothing."""
        for _ in range(self.rounds):
            with Program(text) as program:
                sockets = [await program.open() for _ in range(20)]
                ends = [asyncio.create_task(each.end()) for each in sockets]
                ended, output = await asyncio.to_thread(program.end)
                self.assertEqual(ended, status, output)
                self.assertNotIn("Fatal", output)
                codes = await asyncio.gather(*ends)
                if code is not None:
                    self.assertEqual(codes, [code] * 20, output)

    async def test_sys_exit(self):
        await self.check("serve(echo); sys.stdin.readline(); sys.exit(3)", 3, 1001)

    async def test_an_exception_out_of_the_main_program(self):
        await self.check("serve(echo); sys.stdin.readline(); raise ValueError", 1, 1001)

    async def test_the_end_of_the_main_program(self):
        await self.check("serve(echo); sys.stdin.readline()", 0, 1001)

    async def test_threads_that_send_without_a_pause(self):
        text = """
            sockets = []
            room = c10k.Group("room")

            async def view(ws):
                sockets.append(ws)
                async with room.join(ws):
                    await ws.recv()

            def send():
                while True:
                    room.send("to all")
                    for ws in tuple(sockets):
                        try:
                            ws.send("to one")
                        except c10k.ConnectionClosed:
                            pass
                    time.sleep(0)

            serve(view)
            for _ in range(3):
                threading.Thread(target=send, daemon=True).start()
            sys.stdin.readline()
            """
        await self.check(text, 0, None)

    async def test_a_view_that_never_gives_up_the_loop(self):
        text = """
            async def view(ws):
                os.write(1, b"spins\\n")  # print() would hold its lock at the exit
                while True:
                    pass

            c10k.Runner.wait = lambda self, timeout: None  # no patience
            serve(view)
            sys.stdin.readline()
            """
        for _ in range(self.rounds):
            with Program(text) as program:
                _, writer = await asyncio.open_connection("127.0.0.1", program.port)
                writer.write(handshake())
                program.wait_for("spins")
                ended, output = await asyncio.to_thread(program.end)
                self.assertEqual((ended, output), (0, ""))
                writer.close()

    async def test_threads_that_are_blocked_in_the_engine(self):
        text = """
            def answer(exchange):
                exchange.start(200)
                try:
                    while True:
                        exchange.write_blocking(b"x" * 100_000)
                finally:
                    os.write(1, b"written\\n")

            def read(exchange):
                exchange.read_blocking()
                exchange.read_blocking()

            class Blocking(Application):
                def on_request(self, exchange):
                    work = read if exchange.method == "POST" else answer
                    threading.Thread(target=work, args=[exchange], daemon=True).start()

            Application = Blocking
            c10k.Runner.wait = lambda self, timeout: None  # no patience
            serve(echo)
            sys.stdin.readline()
            """
        for _ in range(self.rounds):
            with Program(text) as program:
                writers = []
                for number in range(20):
                    method = "GET" if number % 2 else "POST"
                    _, writer = await asyncio.open_connection("127.0.0.1", program.port)
                    writer.transport.pause_reading()
                    writer.write(f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome".encode())
                    writers.append(writer)
                ended, output = await asyncio.to_thread(program.end)
                self.assertEqual(ended, 0, output)
                self.assertNotIn("Fatal", output)
                for writer in writers:
                    writer.transport.abort()


class LeakTest(unittest.IsolatedAsyncioTestCase):
    """Nothing stays of many thousands of visits."""

    rounds, count = (50, 200) if "C10K_FULL" in os.environ else (2, 100)

    async def test_the_engine_keeps_nothing_of_those_who_have_gone(self):
        paths = {
            "closed_by_client": "/echo", "closed_by_view": "/leaves", "ended_by_exception": "/raises",
            "refused": "/nowhere", "reset": "/member", "reset_in_the_handshake": "/echo", "page": "/page",
            "upload": "/upload", "reset_in_the_upload": "/upload", "reset_in_the_answer": "/stream",
        }  # fmt: skip
        with LeakServer() as port:
            await check_slope(self, Traffic(port, paths, "/census"), rounds=self.rounds, count=self.count)

    async def test_the_asgi_server_keeps_nothing_of_those_who_have_gone(self):
        paths = {
            "closed_by_client": "/echo", "closed_by_view": "/return-late", "ended_by_exception": "/raise-late",
            "refused": "/close", "reset": "/echo", "reset_in_the_handshake": "/think", "page": "/",
            "upload": "/body", "reset_in_the_upload": "/body", "reset_in_the_answer": "/endless",
        }  # fmt: skip
        with Served("asgi_apps:app", "--no-access-log") as server:
            traffic = Traffic(server.port, paths, "/census")
            await check_slope(self, traffic, rounds=self.rounds, count=self.count, late=100)


class LeakServer:
    """leak_server.py as a process. Its port is what the block gets."""

    def __enter__(self) -> int:
        command = [sys.executable, "-B", "leak_server.py"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return int(self.process.stdout.readline().rpartition(":")[2])

    def __exit__(self, *failure: object) -> None:
        self.process.terminate()
        self.process.communicate()


if __name__ == "__main__":
    unittest.main()
