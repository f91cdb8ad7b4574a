"""asyncio's event loop, sleeping in the engine: one loop and one thread for both."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import selectors
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import _c10k

from .application import EngineApplication

__all__ = ["Runner", "Selector", "current_server"]

logger = logging.getLogger("c10k")

_server: _c10k.Server | None = None
_is_fork = False  # this process is a child of fork() of one with a server
_handled_signals: tuple[signal.Signals, ...] = ()  # by asyncio, on behalf of a runner


def current_server() -> _c10k.Server:
    """The engine that runs in this process.

    Raises RuntimeError if there is none: in a shell, a management command or a worker of another server.

        c10k.current_server().metrics()
    """
    if _server is None:
        raise RuntimeError("no c10k server runs in this process: groups reach the WebSockets of one process only")
    return _server


class Selector(selectors.EpollSelector):
    """What asyncio sleeps in: a turn of the engine, which ends also when one of asyncio's own descriptors is ready."""

    def __init__(self) -> None:
        super().__init__()
        self._server: _c10k.Server | None = None
        self._on_stopped: Callable[[], None] | None = None
        self._thread = threading.get_ident()
        self._is_asleep = self._is_woken = self._has_skipped = False

    def attach(self, server: _c10k.Server, on_stopped: Callable[[], None]) -> None:
        """From now on it sleeps in `server`; `on_stopped` is called once that has stopped."""
        server.watch(self.fileno())
        self._server = server
        self._on_stopped = on_stopped

    def detach(self) -> None:
        """It sleeps by itself again."""
        self._server = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._server is None:
            return super().select(timeout)
        if timeout == 0 and not self._has_skipped:
            # asyncio has callbacks to run, and the next ones often come from these: the engine has every second turn.
            self._has_skipped = True
            return []
        self._has_skipped = False
        self._is_asleep = True
        is_ready = self._server.run_turn(0 if self._is_woken else timeout)
        self._is_asleep = self._is_woken = False
        if self._on_stopped is not None and self._server.stopped:
            on_stopped, self._on_stopped = self._on_stopped, None
            on_stopped()
        return super().select(0) if is_ready else []

    def wake(self) -> bool:
        """Ends the sleep in the engine, or prevents the next one. Returns whether it sleeps there at all.

        Thread: any. Only the first caller of a turn makes a system call.
        """
        server = self._server
        if server is None:
            return False
        if not self._is_woken:
            # In this order: select() sets the other one first.
            self._is_woken = True
            if self._is_asleep and threading.get_ident() != self._thread:
                try:
                    server.wake()
                except RuntimeError:  # it was closed meanwhile
                    return False
        return True


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's, in which ``call_soon_threadsafe()`` wakes the engine, and not a socket that it watches."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self._wake = selector.wake

    def _write_to_self(self) -> None:
        if not self._wake():
            super()._write_to_self()  # type: ignore[misc]  # the stubs of asyncio do not have it


class Runner:
    """Serves `application` until it is stopped, with an event loop of its own on the thread that calls run().

    `application` has the methods of `c10k.EngineApplication`, and may have `async startup()`, awaited before the server
    listens, and `async shutdown()`, awaited after its last connection.

    `settings` are names and texts as in c10k.conf. If they do not say, `handshake_time` is an hour, since a handshake
    may wait for a thread of a pool for as long as its client does, and `max_body_bytes` is 256 MiB: bodies come in
    pieces. A second SIGINT or SIGTERM ends the process at once, unless `second_signal_ends` is false: a process manager
    may send one to a supervisor and to its workers.

        runner = Runner(application, bind=[("127.0.0.1", 8000)])
        runner.run()
    """

    def __init__(
        self,
        application: EngineApplication,
        *,
        bind: Iterable[tuple[str, int]] = (),
        sockets: Iterable[socket.socket | int] = (),
        settings: Mapping[str, Any] | None = None,
        on_listening: Callable[[list[str]], None] | None = None,
        second_signal_ends: bool = True,
    ) -> None:
        self._application = application
        self._bind = list(bind)
        self._sockets = list(sockets)
        self._settings = {"handshake_time": "3600s", "max_body_bytes": "256MiB", **(settings or {})}
        self._on_listening = on_listening
        self._second_signal_ends = second_signal_ends
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested: asyncio.Event | None = None
        self._stop_arguments: dict[str, Any] | None = None  # of stop()
        #: The setting of that name, in seconds; 0 before run().
        self.shutdown_time = 0.0
        self._is_serving = False
        self._has_ended = threading.Event()

    def stop(self, code: int = 1001, reason: str = "the server is shutting down", grace: float = 0.0) -> None:
        """Asks it to end: WebSockets are closed with `code`, after `grace` seconds. Thread: any. Does not wait.

        Views that have not ended after the setting `shutdown_time`, although they were cancelled, are closed. Called
        before run(), it lets that return at once.
        """
        self._stop_arguments = {"code": code, "reason": reason, "grace": grace}
        loop, event = self._loop, self._stop_requested
        if loop is not None and event is not None:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # the loop is closed: it has ended
                pass

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until run() has ended, at most `timeout` seconds. Returns whether it has. Thread: another one."""
        return self._has_ended.wait(timeout)

    def run(self) -> None:
        """Serves until stop(), SIGINT or SIGTERM. The signals are only handled on the main thread.

        On another thread, the exit of the interpreter stops it, and waits for its end.

        Raises OSError if it cannot listen, and ValueError for wrong settings. A KeyboardInterrupt or SystemExit in a view
        ends the server as stop() does, and is raised then.
        """
        selector = Selector()
        loop = EventLoop(selector)
        self._loop = loop
        try:
            asyncio.set_event_loop(loop)
            with self._ends_with_interpreter():
                self._serve(selector, loop)
        finally:
            try:
                _cancel_all(loop, self.shutdown_time)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()
                self._has_ended.set()

    @contextlib.contextmanager
    def _ends_with_interpreter(self) -> Iterator[None]:
        """Inside the block, peers get a close when the interpreter exits: afterwards, no thread of it runs any more."""
        if threading.current_thread() is threading.main_thread():
            yield
            return
        process = os.getpid()

        def end() -> None:
            if os.getpid() == process:  # not in a child of fork()
                self.stop()
                self.wait(self.shutdown_time + 5.0)

        atexit.register(end)
        try:
            yield
        finally:
            atexit.unregister(end)

    def _serve(self, selector: Selector, loop: asyncio.AbstractEventLoop) -> None:
        global _server
        if _server is not None:
            raise RuntimeError("a c10k server runs in this process already: one is all that a process can have")
        server = _c10k.Server(self._application, loop, self._settings)
        stopped = asyncio.Event()
        self.shutdown_time = server.shutdown_time
        self._stop_requested = asyncio.Event()
        if self._stop_arguments is not None:  # before it could hear of it
            self._stop_requested.set()
        _server = server
        try:
            selector.attach(server, stopped.set)
            self._run_main(loop, loop.create_task(self._main(server, self._stop_requested, stopped)))
        finally:
            _server = None
            selector.detach()
            server.close()

    def _run_main(self, loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
        interrupt: BaseException | None = None
        while not main.done():
            try:
                loop.run_until_complete(main)
            except (KeyboardInterrupt, SystemExit) as error:
                if error is interrupt:  # a task group raises that of its task in the view as well
                    continue
                if not self._is_serving:  # a second signal, for example
                    raise
                logger.error("%s ends the server.", type(error).__name__, exc_info=error)
                interrupt = error
                self.stop()
        if interrupt is not None:
            raise interrupt

    async def _main(self, server: _c10k.Server, stop_requested: asyncio.Event, stopped: asyncio.Event) -> None:
        if not await self._start_up(stop_requested):
            return
        try:
            addresses = [server.listen_fd(listener) for listener in self._sockets]
            addresses += [server.listen(host, port) for host, port in self._bind]
            with _stop_signals(self, asyncio.get_running_loop()):
                if self._on_listening is not None:
                    self._on_listening(addresses)
                self._is_serving = True
                await stop_requested.wait()
                self._is_serving = False
                server.stop(**self._stop_arguments or {})
                await stopped.wait()
        finally:
            if not server.stopped:  # it cannot listen everywhere
                server.stop()
                await stopped.wait()
            if shutdown := getattr(self._application, "shutdown", None):
                await shutdown()

    async def _start_up(self, stop_requested: asyncio.Event) -> bool:
        """Starts the application. Returns false if it was asked to stop before that was done."""
        if stop_requested.is_set():
            return False
        if startup := getattr(self._application, "startup", None):
            starting = asyncio.ensure_future(startup())
            stopping = asyncio.ensure_future(stop_requested.wait())
            await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not starting.done():
                starting.cancel()
                return False
            await starting
        return True


class _stop_signals:
    """Inside the block, SIGINT and SIGTERM stop the runner; a second one ends the process. Main thread only."""

    def __init__(self, runner: Runner, loop: asyncio.AbstractEventLoop) -> None:
        self._runner = runner
        self._loop = loop
        self._numbers: tuple[signal.Signals, ...] = ()
        if threading.current_thread() is threading.main_thread():
            self._numbers = (signal.SIGINT, signal.SIGTERM)

    def __enter__(self) -> None:
        global _handled_signals
        for number in self._numbers:
            self._loop.add_signal_handler(number, self._runner.stop)
            if self._runner._second_signal_ends:
                # Not from the loop, which a view may block for ever.
                signal.signal(number, self._restore_defaults)
                signal.siginterrupt(number, False)
        _handled_signals = self._numbers

    def __exit__(self, *failure: object) -> None:
        global _handled_signals
        _handled_signals = ()
        for number in self._numbers:
            self._loop.remove_signal_handler(number)

    def _restore_defaults(self, number: int, frame: object) -> None:
        """The next one, of either kind, takes its usual effect."""
        for each in self._numbers:
            signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)


def _cancel_all(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Cancels the tasks that views have left behind, as asyncio.run() does, and waits so long for them at most."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        _, pending = loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))
        for task in pending:
            logger.warning("%r has not ended although it was cancelled: the server ends without it", task)


def _forget_server() -> None:
    """In a child of fork(): the server is the parent's, and so is the socket that tells its loop of signals."""
    global _server, _is_fork, _handled_signals
    _is_fork = _is_fork or _server is not None
    _server = None
    if _handled_signals:
        signal.set_wakeup_fd(-1)
        for number in _handled_signals:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        _handled_signals = ()


os.register_at_fork(after_in_child=_forget_server)
