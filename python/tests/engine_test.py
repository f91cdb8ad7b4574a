"""The extension: WebSockets, requests and groups of the engine in Python, against independent clients."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import http.client
import os
import sys
import threading
import unittest

import websockets
from engine_support import PATIENCE, EngineTest

import _c10k
import c10k
from c10k.loop import Selector

flavour = contextvars.ContextVar("flavour", default="plain")


class WebSocketTest(EngineTest):
    """A view and its WebSocket."""

    async def echo(self, ws):
        async for message in ws:
            ws.send(message)

    async def test_messages_keep_their_kind(self):
        async with self.connect(self.echo) as peer:
            for message in ("", "text ü €", b"", b"\x00\xff", "x" * 70_000):
                await peer.send(message)
                self.assertEqual(await peer.recv(), message)

    async def test_send_takes_whatever_has_bytes(self):
        async def view(ws):
            await ws.send(bytearray(b"one"))
            await ws.send(memoryview(b"two"))

        async with self.connect(view) as peer:
            self.assertEqual([await peer.recv(), await peer.recv()], [b"one", b"two"])

    async def test_wrong_types_are_the_callers_mistake(self):
        seen = []
        hints = []

        async def view(ws):
            for wrong in (1, None, ["x"], {"x": 1}, ws.recv(), "\ud800"):
                try:
                    ws.send(wrong)
                except (TypeError, ValueError) as error:
                    seen.append(type(error))
                    hints.append(str(error).rpartition(": ")[2])
            for code in (999, 1005, 70_000, -1):
                try:
                    ws.close(code)
                except ValueError as error:
                    seen.append(type(error))
            await ws.send("still open")

        async with self.connect(view) as peer:
            self.assertEqual(await peer.recv(), "still open")
        self.assertEqual(seen, [*[TypeError] * 5, UnicodeEncodeError, *[ValueError] * 4])
        self.assertEqual(hints[2:5], [*["json.dumps() makes a str of it"] * 2, "await it"])

    async def test_the_end_of_the_view_closes_with_1000(self):
        async def view(ws):
            pass

        async with self.connect(view) as peer:
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1000)

    async def test_the_view_chooses_the_close(self):
        async def view(ws):
            ws.close(4001, "enough")
            self.seen = (ws.closed, await ws.recv())

        async with self.connect(view) as peer:
            await peer.wait_closed()
            self.assertEqual((peer.close_code, peer.close_reason), (4001, "enough"))
        await self.eventually(lambda: self.application.closed == [(4001, "enough")])
        self.assertEqual(self.seen, (True, None))

    async def test_recv_is_none_once_the_peer_has_closed(self):
        async def view(ws):
            self.seen = [await ws.recv(), await ws.recv(), await ws.recv(), ws.close_code, ws.close_reason]

        async with self.connect(view) as peer:
            await peer.send("last")
            await peer.close(4002, "bye")
        await self.eventually(lambda: hasattr(self, "seen"))
        self.assertEqual(self.seen, ["last", None, None, 4002, "bye"])

    async def test_send_to_a_closed_one_raises(self):
        async def view(ws):
            await ws.recv()
            try:
                ws.send("late")
            except c10k.ConnectionClosed as error:
                self.seen = error

        async with self.connect(view):
            pass
        await self.eventually(lambda: hasattr(self, "seen"))
        self.assertIsInstance(self.seen, OSError)

    async def test_a_view_that_hears_late_of_the_close_is_no_failure(self):
        async def view(ws):
            await ws.recv()
            ws.send("late")

        async with self.connect(view):
            pass
        await self.eventually(lambda: self.application.closed)
        self.assertEqual(self.application.failures, [])

    async def test_an_exception_closes_with_1011(self):
        async def view(ws):
            raise ValueError("wrong")

        async with self.connect(view) as peer:
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1011)
        self.assertEqual([str(failure) for failure in self.application.failures], ["wrong"])
        self.assertIsNotNone(self.application.failures[0].__traceback__)

    async def test_a_view_that_waits_for_other_things_waits_for_the_close_as_well(self):
        async def view(ws):
            for _ in range(3):
                try:
                    await asyncio.wait_for(ws.wait_closed(), 0.001)
                except TimeoutError:
                    pass
            waiting = asyncio.create_task(ws.wait_closed())
            await ws.send("ready")
            await ws.wait_closed()
            await waiting
            self.seen = (ws.closed, ws.close_code, await ws.wait_closed())

        async with self.connect(view) as peer:
            self.assertEqual(await peer.recv(), "ready")
            await peer.close(4003)
        await self.eventually(lambda: hasattr(self, "seen"))
        self.assertEqual(self.seen, (True, 4003, None))

        async def closes(ws):
            waiting = asyncio.create_task(ws.wait_closed())
            await asyncio.sleep(0)
            ws.close(4004)
            self.closing = (await ws.wait_closed(), await waiting)

        async with self.connect(closes) as peer:
            await peer.wait_closed()
        await self.eventually(lambda: hasattr(self, "closing"))

    async def test_another_recv_at_the_same_time_is_a_mistake(self):
        async def view(ws):
            first = asyncio.ensure_future(ws.recv())
            await asyncio.sleep(0)
            try:
                await asyncio.ensure_future(ws.recv())
            except RuntimeError as error:
                self.seen = str(error)
            await ws.send(await first)

        async with self.connect(view) as peer:
            await peer.send("one")
            self.assertEqual(await peer.recv(), "one")
        self.assertIn("another recv() is pending", self.seen)

    async def test_the_handshake_offers_and_chooses_subprotocols(self):
        async def view(ws):
            await ws.send(str(ws.subprotocol))

        self.application.accept = {"subprotocol": "b", "headers": [(b"x-extra", b"yes")]}
        async with self.connect(view, subprotocols=["a", "b"]) as peer:
            self.assertEqual(peer.subprotocol, "b")
            self.assertEqual(peer.response_headers["x-extra"], "yes")
            self.assertEqual(await peer.recv(), "b")

    async def test_a_subprotocol_that_nobody_offers_is_the_callers_mistake(self):
        self.application.accept = {"subprotocol": "c"}
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            async with self.connect(self.echo, subprotocols=["a"]):
                pass
        self.assertEqual(refused.exception.status_code, 500)
        self.assertIn("does not offer the subprotocol 'c'", str(self.application.failures[0]))

    async def test_a_refusal_has_headers_and_a_body(self):
        self.application.refuse = (403, [(b"x-why", b"no"), (b"content-type", b"text/plain")], b"not you\n")
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            async with self.connect(self.echo):
                pass
        self.assertEqual(refused.exception.status_code, 403)
        self.assertEqual(refused.exception.headers["x-why"], "no")

    async def test_another_thread_may_answer_the_handshake(self):
        self.application.in_thread = True
        async with self.connect(self.echo) as peer:
            await peer.send("hello")
            self.assertEqual(await peer.recv(), "hello")

    async def test_the_engine_never_starts_a_view_for_a_peer_that_has_gone(self):
        gone = threading.Event()
        answered = []

        def answer(handshake):
            gone.wait(PATIENCE)
            while not handshake.gone:
                pass
            answered.append(handshake.accept(self.echo(handshake.websocket)))

        self.application.answer_in_thread = answer
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await self.eventually(lambda: self.application.handshakes == 1)
        writer.close()
        gone.set()
        await self.eventually(lambda: answered)
        self.assertEqual(answered, [False])

    async def test_other_threads_send_and_close(self):
        async def view(ws):
            self.ws = ws
            await ws.recv()

        async with self.connect(view) as peer:
            await self.eventually(lambda: hasattr(self, "ws"))
            self.ws.send("from outside")  # this is not the engine's thread
            self.assertEqual(await peer.recv(), "from outside")
            self.ws.close(4003, "from outside")
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 4003)
        await self.eventually(lambda: self.ws.closed)
        with self.assertRaises(c10k.ConnectionClosed):
            self.ws.send("late")

    async def test_a_peer_that_reads_nothing_is_closed_although_the_view_does_not_await(self):
        async def view(ws):
            try:
                while True:
                    ws.send(b"x" * 1_000_000)
                    await asyncio.sleep(0)
            finally:
                self.seen = ws.close_code

        async with self.connect(view, max_queue=1, read_limit=4096, max_size=None) as peer:
            peer.transport.pause_reading()
            await self.eventually(lambda: hasattr(self, "seen"))
            peer.transport.abort()
        self.assertEqual(self.seen, 1013)

    async def test_awaiting_send_waits_for_the_peer(self):
        sent = []

        async def view(ws):
            for number in range(100):
                await ws.send(b"x" * 1_000_000)
                sent.append(number)

        async with self.connect(view, max_queue=1, max_size=None) as peer:
            for _ in range(100):
                self.assertEqual(len(await peer.recv()), 1_000_000)
        self.assertEqual(len(sent), 100)
        self.assertEqual(self.application.failures, [])


class AsyncioTest(EngineTest):
    """asyncio inside a view."""

    async def run_in_view(self, body):
        """What `body(ws)` returns inside a view, as text."""

        async def view(ws):
            await ws.send(repr(await body(ws)))
            await ws.recv()

        async with self.connect(view) as peer:
            return await peer.recv()

    async def test_timeout_and_wait_for(self):
        async def body(ws):
            seen = []
            try:
                async with asyncio.timeout(0.01):
                    await ws.recv()
            except TimeoutError:
                seen.append("timeout")
            try:
                await asyncio.wait_for(ws.recv(), 0.01)
            except TimeoutError:
                seen.append("wait_for")
            return seen

        self.assertEqual(await self.run_in_view(body), "['timeout', 'wait_for']")
        self.assertEqual(self.application.failures, [])

    async def test_a_recv_that_was_cancelled_loses_no_message(self):
        async def view(ws):
            for _ in range(3):
                try:
                    await asyncio.wait_for(ws.recv(), 0.001)
                except TimeoutError:
                    pass
            await ws.send("ready")
            while (message := await ws.recv()) is not None:
                await ws.send(message)

        async with self.connect(view) as peer:
            self.assertEqual(await peer.recv(), "ready")
            for number in range(10):
                await peer.send(str(number))
                self.assertEqual(await peer.recv(), str(number))

    async def test_a_timeout_at_the_moment_of_a_message_loses_none(self):
        received = []

        async def view(ws):
            while True:
                try:
                    async with asyncio.timeout(0.0005):
                        message = await ws.recv()
                except TimeoutError:
                    continue
                if message is None:
                    return
                received.append(int(message))

        async with self.connect(view) as peer:
            for number in range(500):
                await peer.send(str(number))
                await asyncio.sleep(0.0002)
        await self.eventually(lambda: self.application.closed)
        self.assertEqual(received, list(range(500)))

    async def test_the_message_of_a_cancellation_arrives(self):
        async def body(ws):
            asyncio.get_running_loop().call_soon(ws.task.cancel, "why")
            try:
                await ws.recv()
            except asyncio.CancelledError as error:
                ws.task.uncancel()
                return error.args

        self.assertEqual(await self.run_in_view(body), "('why',)")

    async def test_task_groups_and_tasks(self):
        async def double(number):
            await asyncio.sleep(0)
            return 2 * number

        async def body(ws):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(double(number)) for number in range(3)]
            more = await asyncio.gather(*(double(number) for number in range(3)))
            return [task.result() for task in tasks], more

        self.assertEqual(await self.run_in_view(body), "([0, 2, 4], [0, 2, 4])")

    async def test_a_task_group_cancels_the_view_when_a_child_fails(self):
        async def fail():
            raise KeyError("child")

        async def body(ws):
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail())
                    await ws.recv()
            except* KeyError as failures:
                seen = [str(failure) for failure in failures.exceptions]
            return seen

        self.assertEqual(await self.run_in_view(body), '["\'child\'"]')

    async def test_threads_queues_and_events(self):
        async def body(ws):
            loop = asyncio.get_running_loop()
            queue = asyncio.Queue()
            in_thread = await loop.run_in_executor(None, threading.get_ident)
            loop.call_later(0.001, queue.put_nowait, "later")
            return in_thread != threading.get_ident(), await queue.get(), await asyncio.to_thread(len, "four")

        self.assertEqual(await self.run_in_view(body), "(True, 'later', 4)")

    async def test_a_thread_always_wakes_the_loop(self):
        async def body(ws):
            loop = asyncio.get_running_loop()

            def call_and_wait():
                for _ in range(2_000):
                    called = threading.Event()
                    loop.call_soon_threadsafe(called.set)
                    if not called.wait(PATIENCE):
                        return "the loop slept over a call"
                return 2_000

            return await asyncio.to_thread(call_and_wait)

        self.assertEqual(await self.run_in_view(body), "2000")

    async def test_callbacks_without_end_leave_turns_to_the_engine(self):
        async def view(ws):
            def call_again():
                self.handle = loop.call_soon(call_again)

            loop = asyncio.get_running_loop()
            call_again()
            ws.send(await ws.recv())
            self.handle.cancel()

        async with self.connect(view) as peer:
            await peer.send("between two callbacks")
            self.assertEqual(await asyncio.wait_for(peer.recv(), PATIENCE), "between two callbacks")

    async def test_the_current_task_is_that_of_the_view(self):
        async def body(ws):
            task = asyncio.current_task()
            task.marker = 1
            return task is ws.task, task.cancelling(), task.done(), task.marker, task in {task: 1}

        self.assertEqual(await self.run_in_view(body), "(True, 0, False, 1, True)")

    async def test_each_view_has_its_context(self):
        async def body(ws):
            before = flavour.get()
            flavour.set("sweet")
            await asyncio.sleep(0)
            return before, flavour.get(), await asyncio.to_thread(flavour.get)

        self.assertEqual(await self.run_in_view(body), "('plain', 'sweet', 'sweet')")
        self.assertEqual(await self.run_in_view(body), "('plain', 'sweet', 'sweet')")

    async def test_cancel_from_outside(self):
        async def view(ws):
            self.ws = ws
            try:
                await ws.recv()
            except asyncio.CancelledError:
                self.seen = "cancelled"
                raise

        async with self.connect(view) as peer:
            await self.eventually(lambda: hasattr(self, "ws"))
            self.loop.call_soon_threadsafe(self.ws.task.cancel)
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1001)
        self.assertEqual(self.seen, "cancelled")
        self.assertEqual(self.application.failures, [])

    async def test_a_task_of_asyncio_receives_for_the_view(self):
        async def body(ws):
            async def receive():
                return await ws.recv()

            return await asyncio.create_task(receive())

        async def view(ws):
            await ws.send(await body(ws))

        async with self.connect(view) as peer:
            await peer.send("for the task")
            self.assertEqual(await peer.recv(), "for the task")

    async def test_whatever_is_awaited_can_be_a_task(self):
        async def view(ws):
            await asyncio.create_task(ws.send("ready"))
            receiving = asyncio.create_task(ws.recv())
            await asyncio.sleep(0)
            receiving.cancel()
            done, _ = await asyncio.wait([receiving])
            async with asyncio.TaskGroup() as group:
                receiving = group.create_task(ws.recv())
            async with asyncio.TaskGroup() as group:
                iterating = group.create_task(anext(ws))
            ws.send(f"{done.pop().cancelled()} {receiving.result()} {iterating.result()}")

        async with self.connect(view) as peer:
            self.assertEqual(await peer.recv(), "ready")
            for message in ("first", "second"):
                await peer.send(message)
            self.assertEqual(await peer.recv(), "True first second")
        self.assertEqual(self.application.failures, [])

    async def test_a_view_is_a_future_for_others(self):
        async def other(ws):
            self.other = ws.task
            if message := await ws.recv():
                raise LookupError(message)
            return "the result"

        async def body(ws):
            early = []
            for ask in (self.other.result, self.other.exception):
                with self.assertRaises(asyncio.InvalidStateError):
                    ask()
            self.other.add_done_callback(early.append)
            self.assertEqual(self.other.remove_done_callback(early.append), 1)
            await ws.send("begin")
            done, _ = await asyncio.wait([self.other])
            late = asyncio.get_running_loop().create_future()
            self.other.add_done_callback(late.set_result)
            try:
                result = await self.other, await asyncio.create_task(self.result_of(self.other))
            except LookupError as error:
                result = repr(error), self.other.exception() is error
            return result, done == {await late}, early

        for message, expected in (
            (None, "(('the result', 'the result'), True, [])"),
            ("wrong", "((\"LookupError('wrong')\", True), True, [])"),
        ):
            with self.subTest(message=message):
                async with self.connect(other) as peer:
                    await self.eventually(lambda: hasattr(self, "other") and not self.other.done())
                    async with self.connect(self.sends(body)) as waiting:
                        self.assertEqual(await waiting.recv(), "begin")
                        await (peer.send(message) if message else peer.close())
                        self.assertEqual(await waiting.recv(), expected)

    async def result_of(self, task):
        return await task

    def sends(self, body):
        async def view(ws):
            await ws.send(repr(await body(ws)))

        return view

    async def test_a_view_that_awaits_itself_is_told(self):
        async def body(ws):
            try:
                await asyncio.current_task()
            except RuntimeError as error:
                return str(error)

        self.assertEqual(await self.run_in_view(body), "'a task cannot await itself'")

    async def test_a_task_that_outlives_the_view_sees_the_end(self):
        async def view(ws):
            self.task = asyncio.create_task(self.receive(ws))
            await asyncio.sleep(0)

        async with self.connect(view) as peer:
            await peer.wait_closed()
        await self.eventually(lambda: hasattr(self, "seen"))
        self.assertIsNone(self.seen)

    async def receive(self, ws):
        self.seen = await ws.recv()

    async def test_a_bad_yield_is_an_error_in_the_view(self):
        class Bad:
            def __await__(self):
                yield "nonsense"

        async def body(ws):
            try:
                await Bad()
            except RuntimeError as error:
                return str(error)

        self.assertIn("bad yield: 'nonsense'", await self.run_in_view(body))


class GroupTest(EngineTest):
    """One message to many."""

    async def test_members_get_what_is_sent_from_anywhere(self):
        room = c10k.Group("room")

        async def view(ws):
            async with room.join(ws):
                await ws.send(str(room.count()))
                await ws.recv()

        async with self.connect(view) as first:
            self.assertEqual(await first.recv(), "1")
            async with self.connect(view) as second:
                self.assertEqual(await second.recv(), "2")
                room.send("from another thread")
                self.assertEqual(await first.recv(), "from another thread")
                self.assertEqual(await second.recv(), "from another thread")
                self.assertEqual(room.count(), 2)
            await self.eventually(lambda: room.count() == 1)
            room.close(4004, "all out")
            await first.wait_closed()
            self.assertEqual((first.close_code, first.close_reason), (4004, "all out"))
        await self.eventually(lambda: room.count() == 0)

    async def test_a_code_that_a_close_frame_may_not_carry_fails_where_it_is_given(self):
        room = c10k.Group("room")

        async def view(ws):
            self.ws = ws
            async with room.join(ws):
                async for message in ws:
                    await ws.send(message)

        async with self.connect(view) as peer:
            await self.eventually(lambda: room.count() == 1)
            for code in 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536, -1:
                for closable in room, self.ws:  # this thread is not the loop's
                    with self.assertRaisesRegex(ValueError, f"may not carry the code {code}$"):
                        closable.close(code)
            await peer.send("still here")
            self.assertEqual(await peer.recv(), "still here")

    async def test_who_has_left_gets_nothing(self):
        async def view(ws):
            async with c10k.Group("room").join(ws) as group:
                group.send("inside")
            c10k.Group("room").send("outside")
            await ws.send("end")

        async with self.connect(view) as peer:
            self.assertEqual([await peer.recv(), await peer.recv()], ["inside", "end"])

    async def test_a_subclass_that_forgets_to_call_init_is_a_group_all_the_same(self):
        class Forgetful(_c10k.Group):
            def __init__(self, server, name):
                pass

        group = Forgetful(c10k.current_server(), "room")
        self.assertEqual((group.name, group.count()), ("room", 0))
        group.send("to nobody")
        with self.assertRaises(TypeError):
            _c10k.Group.__new__(_c10k.Group)


class ShutdownTest(EngineTest):
    """The end of the server."""

    async def test_views_that_receive_see_the_close(self):
        async def view(ws):
            self.seen = [message async for message in ws]

        async with self.connect(view) as peer:
            await self.eventually(lambda: self.application.opened == 1)
            self.runner.stop(1012, "again")
            await peer.wait_closed()
            self.assertEqual((peer.close_code, peer.close_reason), (1012, "again"))
        self.assertTrue(self.runner.wait(PATIENCE))
        self.assertEqual(self.seen, [])

    async def test_views_that_wait_for_something_else_are_cancelled(self):
        async def view(ws):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await asyncio.sleep(0)  # it may clean up
                self.seen = "cleaned up"

        async with self.connect(view) as peer:
            await self.eventually(lambda: self.application.opened == 1)
            self.runner.stop()
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1001)
        self.assertTrue(self.runner.wait(PATIENCE))
        self.assertEqual(self.seen, "cleaned up")

    async def test_a_view_that_is_cancelled_may_let_others_go_first(self):
        async def view(ws):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                other = asyncio.create_task(asyncio.sleep(0.01))
                while not other.done():
                    await asyncio.sleep(0)
                self.seen = "ended"

        async with self.connect(view):
            await self.eventually(lambda: self.application.opened == 1)
            self.runner.stop()
            self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))
        self.assertEqual(self.seen, "ended")

    async def test_views_have_the_grace_of_a_stop(self):
        async def view(ws):
            await asyncio.sleep(0.05)
            await ws.send("finished")

        async with self.connect(view) as peer:
            await self.eventually(lambda: self.application.opened == 1)
            self.runner.stop(grace=30.0)
            self.assertEqual(await peer.recv(), "finished")

    async def test_the_application_may_use_threads_when_it_shuts_down(self):
        async def shutdown():
            self.seen = await asyncio.to_thread(lambda: "shut down")

        self.application.shutdown = shutdown
        self.runner.stop()
        self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))
        self.assertEqual(self.seen, "shut down")

    async def test_views_end_when_the_event_loop_is_stopped_under_them(self):
        seen = []

        async def view(ws):
            try:
                await ws.recv()
            finally:
                seen.append("cancelled")
                await asyncio.sleep(1000)  # nobody is there to wake it

        async with self.connect(view):
            await self.eventually(lambda: self.application.opened == 1)
            threading.excepthook, former = (lambda _: None), threading.excepthook
            self.addCleanup(setattr, threading, "excepthook", former)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.assertTrue(await asyncio.to_thread(self.runner.wait, PATIENCE))
        self.assertEqual(seen[0], "cancelled")


class InterruptTest(EngineTest):
    """KeyboardInterrupt and SystemExit, which end asyncio's loop, end the server."""

    async def check_end(self, view, interrupt):
        async def other(ws):
            ws.send("ready")
            await ws.recv()

        async def shutdown():
            self.is_shut_down = True

        self.application.shutdown = shutdown
        async with self.connect(other) as peer:
            self.assertEqual(await peer.recv(), "ready")
            with self.assertLogs("c10k", "ERROR") as logged:
                async with self.connect(view) as interrupting:
                    await interrupting.wait_closed()
                    self.assertEqual(interrupting.close_code, 1001)
                await peer.wait_closed()
                self.assertEqual(peer.close_code, 1001)
                await self.eventually(lambda: self.interrupt is not None)
        self.assertIs(type(self.interrupt), interrupt)
        self.assertIn(f"{interrupt.__name__} ends the server.", logged.output[0])
        self.assertRegex(logged.output[0], r"sys\.exit\(\d\)|raise KeyboardInterrupt")
        self.assertTrue(self.is_shut_down)
        self.assertEqual(self.application.failures, [])

    async def test_sys_exit_in_a_view(self):
        async def exits(ws):
            sys.exit(4)

        await self.check_end(exits, SystemExit)
        self.assertEqual(self.interrupt.code, 4)

    async def test_a_keyboard_interrupt_in_a_view_that_has_waited(self):
        async def is_interrupted(ws):
            await asyncio.sleep(0)
            raise KeyboardInterrupt

        await self.check_end(is_interrupted, KeyboardInterrupt)

    async def test_sys_exit_in_a_task_of_a_view(self):
        async def exits(ws):
            async with asyncio.TaskGroup() as group:
                group.create_task(self.exit())
                await ws.recv()

        await self.check_end(exits, SystemExit)

    async def exit(self):
        sys.exit(5)

    async def test_sys_exit_in_the_answer_to_a_request(self):
        async def exits(exchange):
            sys.exit(6)

        def on_request(exchange):
            exchange.run(exits(exchange))

        self.application.on_request = on_request
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with self.assertLogs("c10k", "ERROR"):
            connection.request("GET", "/")
            await self.eventually(lambda: self.interrupt is not None)
        self.assertEqual(self.interrupt.code, 6)
        connection.close()


class HttpTest(EngineTest):
    """Requests."""

    def fetch(self, method="GET", path="/", body=None, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    async def test_a_coroutine_may_run_another_one_in_its_first_step(self):
        async def first(exchange):
            exchange.run(second(exchange))

        async def second(exchange):
            exchange.respond(200, [], b"from the second")

        self.application.on_request = lambda exchange: exchange.run(first(exchange))
        status, _, body = await asyncio.to_thread(self.fetch)
        self.assertEqual((status, body), (200, b"from the second"))
        self.assertEqual(self.application.failures, [])

    async def test_the_head_of_a_request(self):
        seen = []

        def on_request(exchange):
            seen.append(exchange)
            exchange.respond(201, [(b"x-one", b"1"), (b"connection", b"close")], b"made")

        self.application.on_request = on_request
        status, headers, body = await asyncio.to_thread(self.fetch, "POST", "/a%20b/%C3%BC?c=d%20e", b"body", {"X-Y": "z"})
        self.assertEqual((status, headers["x-one"], body), (201, "1", b"made"))
        (exchange,) = seen
        self.assertEqual(
            (exchange.method, exchange.path, exchange.raw_path, exchange.query_string),
            ("POST", "/a b/ü", b"/a%20b/%C3%BC", b"c=d%20e"),
        )
        self.assertIn((b"x-y", b"z"), exchange.headers)
        self.assertEqual((exchange.scheme, exchange.http_version), ("http", "1.1"))
        self.assertEqual(exchange.server, ("127.0.0.1", self.port))
        self.assertEqual(exchange.client[0], "127.0.0.1")

    async def test_a_coroutine_answers(self):
        async def app(exchange):
            body = b""
            while piece := await exchange.read():
                body += piece
            await asyncio.sleep(0)
            exchange.respond(200, [], body.upper())

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        self.assertEqual((await asyncio.to_thread(self.fetch, "POST", "/", b"shout"))[2], b"SHOUT")

    async def test_a_coroutine_begins_at_once_where_no_task_runs(self):
        order = []

        async def app(exchange):
            order.append("coroutine")
            exchange.respond(200)

        async def task(exchange):
            exchange.run(app(exchange))
            order.append("task")

        def on_request(exchange):
            if exchange.path == "/task/":
                self.tasks = [asyncio.ensure_future(task(exchange))]
            else:
                exchange.run(app(exchange))
            order.append("on_request")

        self.application.on_request = on_request
        self.assertEqual((await asyncio.to_thread(self.fetch))[0], 200)
        self.assertEqual((await asyncio.to_thread(self.fetch, "GET", "/task/"))[0], 200)
        self.assertEqual(order, ["coroutine", "on_request", "on_request", "task", "coroutine"])

    async def test_a_thread_answers_piece_by_piece(self):
        def answer(exchange):
            exchange.start(200, [(b"content-type", b"text/plain")])
            for _ in range(100):
                exchange.write_blocking(b"x" * 10_000)
            exchange.finish()

        self.application.on_request = lambda exchange: threading.Thread(target=answer, args=[exchange]).start()
        self.assertEqual(len((await asyncio.to_thread(self.fetch))[2]), 1_000_000)

    async def test_a_client_that_goes_ends_the_writing(self):
        seen = []

        async def app(exchange):
            exchange.start(200, [])
            try:
                while True:
                    await exchange.write(b"x" * 100_000)
            except c10k.ConnectionClosed:
                seen.append("gone")
            await exchange.closed()
            seen.append("closed")

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.read(1000)
        writer.transport.abort()
        await self.eventually(lambda: seen == ["gone", "closed"])

    async def test_a_large_body_comes_in_pieces(self):
        body = os.urandom(5_000_000)
        sizes = []

        async def app(exchange):
            received = b""
            while piece := await exchange.read():
                sizes.append(len(piece))
                received += piece
            exchange.respond(200, [], b"same" if received == body else b"other")

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        self.assertEqual((await asyncio.to_thread(self.fetch, "POST", "/", body))[2], b"same")
        self.assertGreater(len(sizes), 1)

    async def test_a_thread_reads_a_large_body(self):
        body = os.urandom(5_000_000)

        def answer(exchange):
            received = b""
            while piece := exchange.read_blocking():
                received += piece
            exchange.respond(200, [], b"same" if received == body else b"other")

        self.application.on_request = lambda exchange: threading.Thread(target=answer, args=[exchange]).start()
        self.assertEqual((await asyncio.to_thread(self.fetch, "POST", "/", body))[2], b"same")

    async def test_a_body_that_does_not_come_whole_is_an_error(self):
        for in_thread in (False, True):
            with self.subTest(in_thread=in_thread):
                seen = []

                def note(error):
                    seen.append(str(error))

                async def app(exchange):
                    try:
                        while await exchange.read():
                            pass
                    except c10k.ConnectionClosed as error:
                        note(error)

                def answer(exchange):
                    try:
                        while exchange.read_blocking():
                            pass
                    except c10k.ConnectionClosed as error:
                        note(error)

                self.application.on_request = (
                    (lambda exchange: threading.Thread(target=answer, args=[exchange]).start())
                    if in_thread
                    else (lambda exchange: exchange.run(app(exchange)))
                )
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
                await writer.drain()
                writer.write_eof()
                await self.eventually(lambda: len(seen) == 1)
                writer.close()

    async def test_a_body_beyond_the_limit_gets_413(self):
        seen = []

        async def app(exchange):
            try:
                while await exchange.read():
                    pass
            except c10k.ConnectionClosed as error:
                seen.append(str(error))
            exchange.respond(200, [], b"too late")

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        size = 300 << 20
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nsome" % size)
        self.assertIn(b" 413 ", await reader.readline())
        writer.close()
        self.assertEqual(seen, [])  # the application is not asked

        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n")
        self.assertIn(b" 400 ", await reader.readline())
        writer.close()
        await self.eventually(lambda: seen)

    async def test_a_body_that_is_read_behind_the_answer_is_gone(self):
        seen = []

        async def app(exchange):
            exchange.respond(200, [], b"early")
            try:
                await exchange.read()
            except c10k.ConnectionClosed:
                seen.append("gone")

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        for number in range(1, 20):
            self.assertEqual((await asyncio.to_thread(self.fetch, "POST", "/", b"body"))[2], b"early")
            await self.eventually(lambda: len(seen) == number)

    async def test_a_second_start_leaves_the_first_alone(self):
        async def app(exchange):
            exchange.start(200, [])
            try:
                exchange.start(500, [])
            except RuntimeError as error:
                self.seen = str(error)
            await exchange.write(b"first")
            exchange.finish()

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        self.assertEqual((await asyncio.to_thread(self.fetch))[2], b"first")
        self.assertIn("answered already", self.seen)

    async def test_an_answer_need_not_wait_for_the_body(self):
        self.application.on_request = lambda exchange: exchange.respond(413, [], b"too much")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nhalf")
        self.assertIn(b"413", await reader.readline())
        writer.close()

    async def test_head_drops_the_pieces_and_keeps_the_length(self):
        async def app(exchange):
            exchange.start(200, [(b"content-length", b"10")])
            await asyncio.sleep(0.01)
            for _ in range(10):
                await exchange.write(b"x" * 100_000)
            exchange.finish()
            await exchange.closed()
            self.seen = "closed"

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        status, headers, body = await asyncio.to_thread(self.fetch, "HEAD")
        self.assertEqual((status, headers["Content-Length"], body), (200, "10", b""))
        await self.eventually(lambda: hasattr(self, "seen"))

    async def test_a_second_answer_is_the_callers_mistake(self):
        def on_request(exchange):
            exchange.respond(200, [], b"one")
            try:
                exchange.respond(200, [], b"two")
            except RuntimeError as error:
                self.seen = str(error)

        self.application.on_request = on_request
        self.assertEqual((await asyncio.to_thread(self.fetch))[2], b"one")
        self.assertIn("answered already", self.seen)

    async def test_abort_cuts_what_has_begun(self):
        async def app(exchange):
            exchange.start(200, [(b"content-length", b"10")])
            await exchange.write(b"half")
            exchange.abort()

        self.application.on_request = lambda exchange: exchange.run(app(exchange))
        with self.assertRaises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
            await asyncio.to_thread(self.fetch)


class LeakTest(EngineTest):
    """Nothing stays of a connection that has gone."""

    async def test_no_object_is_left_of_many_connections(self):
        async def view(ws):
            async with c10k.Group("leak").join(ws):
                async for message in ws:
                    await ws.send(message)

        await self.check_that_nothing_is_left(view)

    async def test_no_object_is_left_of_views_that_others_wait_for(self):
        ended = []

        async def watch(task):
            await task
            ended.append(1)

        async def view(ws):
            watching = asyncio.create_task(watch(ws.task))
            ws.task.add_done_callback(lambda task: ended.append(task.result() is watching))
            closing = asyncio.create_task(ws.wait_closed())
            receiving = asyncio.create_task(ws.recv())
            await ws.send(await receiving)
            await closing
            return watching

        await self.check_that_nothing_is_left(view)
        await self.eventually(lambda: len(ended) == 2 * self.application.opened)
        self.assertTrue(all(ended))

    async def check_that_nothing_is_left(self, view):
        async def visit():
            async with self.connect(view) as peer:
                await peer.send("x")
                await peer.recv()

        def count():
            gc.collect()
            return sum(type(thing).__module__ == "_c10k" for thing in gc.get_objects())

        await visit()
        await self.eventually(lambda: len(self.application.closed) == self.application.opened)
        before = count()
        for _ in range(10):
            await asyncio.gather(*(visit() for _ in range(int(os.environ.get("C10K_ROUNDS", 20)))))
        await self.eventually(lambda: len(self.application.closed) == self.application.opened)
        self.assertLessEqual(count(), before)


class SleepTest(unittest.TestCase):
    """What asyncio sleeps in, at the moments that no thread can hit on purpose. The engine notes how it is called."""

    def setUp(self) -> None:
        self.selector, self.timeouts, self.wakes = Selector(), [], 0
        self.addCleanup(self.selector.close)
        self.selector.attach(self, lambda: None)

    # ---- The engine

    stopped = False

    def watch(self, descriptor) -> None:
        pass

    def wake(self) -> None:
        self.wakes += 1

    def run_turn(self, timeout) -> bool:
        self.timeouts.append(timeout)
        for _ in range(2):
            thread = threading.Thread(target=self.selector.wake)
            thread.start()
            thread.join()
        return False

    def test_a_call_before_the_sleep_prevents_it_once(self):
        self.selector.wake()
        self.selector.select(None)
        self.selector.select(None)
        self.assertEqual(self.timeouts, [0, None])

    def test_the_second_call_during_a_sleep_costs_nothing(self):
        self.selector.select(None)
        self.assertEqual(self.wakes, 1)
        self.selector.wake()
        self.assertEqual(self.wakes, 1)


if __name__ == "__main__":
    unittest.main()
