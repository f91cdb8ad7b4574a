"""What the tests of the extension share: an application in this process, and clients for it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import unittest

import websockets

import c10k

PATIENCE = 60  # seconds without any progress


class Application:
    """Gives each handshake the view of the test, and remembers what the engine tells it."""

    def __init__(self) -> None:
        self.view = None
        self.accept: dict = {}
        self.refuse: tuple | None = None
        self.in_thread = False
        self.answer_in_thread = None
        self.handshakes = 0
        self.opened = 0
        self.closed: list[tuple[int, str]] = []
        self.failures: list[BaseException] = []
        self.log: list[str] = []

    async def startup(self) -> None:
        self.loop = asyncio.get_running_loop()

    def on_handshake(self, handshake) -> None:
        self.handshakes += 1
        if self.answer_in_thread:
            threading.Thread(target=self.answer_in_thread, args=[handshake]).start()
        elif self.in_thread:
            threading.Thread(target=self.answer, args=[handshake]).start()
        else:
            self.answer(handshake)

    def answer(self, handshake) -> None:
        if self.refuse:
            handshake.refuse(*self.refuse)
            return
        coroutine = self.view(handshake.websocket)
        try:
            handshake.accept(coroutine, **self.accept)
        except ValueError as failure:
            coroutine.close()
            self.failures.append(failure)
            handshake.refuse(500)

    def on_request(self, exchange) -> None:
        exchange.respond(404)

    def on_view_failed(self, ws, failure) -> None:
        self.failures.append(failure)

    def on_opened(self, ws) -> None:
        self.opened += 1

    def on_closed(self, ws, code, reason) -> None:
        self.closed.append((code, reason))

    def on_log(self, level, line) -> None:
        self.log.append(line)


class EngineTest(unittest.IsolatedAsyncioTestCase):
    """Runs the engine on a thread of this process, and the test as its client."""

    settings: dict[str, str] = {}

    def setUp(self) -> None:
        self.application = Application()
        listening = threading.Event()
        addresses: list[str] = []

        def on_listening(found: list[str]) -> None:
            addresses.extend(found)
            listening.set()

        self.runner = c10k.Runner(
            self.application,
            bind=[("127.0.0.1", 0)],
            settings={"backend": os.environ.get("C10K_TEST_BACKEND", "auto"), **self.settings},
            on_listening=on_listening,
        )
        self.interrupt: BaseException | None = None  # that has ended the engine
        thread = threading.Thread(target=self._run_engine, name="engine")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.runner.stop)
        if not listening.wait(PATIENCE):
            self.fail("the engine does not listen")
        self.port = int(addresses[0].rpartition(":")[2])
        self.loop = self.application.loop

    def _run_engine(self) -> None:
        try:
            self.runner.run()
        except (KeyboardInterrupt, SystemExit) as interrupt:
            self.interrupt = interrupt

    def connect(self, view, **options):
        """A client whose handshake gets `view`."""
        self.application.view = view
        options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "compression": None, **options}
        return websockets.connect(f"ws://127.0.0.1:{self.port}/", **options)

    async def eventually(self, is_true) -> None:
        """Waits until `is_true()`."""
        end = time.monotonic() + PATIENCE
        while not is_true():
            if time.monotonic() > end:
                self.fail("what was waited for has not come")
            await asyncio.sleep(0.005)
