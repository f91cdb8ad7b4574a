"""The process that was started, when others serve: it keeps the sockets, and the workers alive."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator

from .control import Worker
from .files import Watched

__all__ = ["Reloader", "Supervisor"]

logger = logging.getLogger("c10k")

LONGEST_DELAY = 30.0  # seconds before a worker is started again that does not start
PATIENCE = 10.0  # seconds that a worker may take beyond --timeout-graceful-shutdown
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class _Signals:
    """Signals as bytes on a socket, and lines of workers: what a supervisor waits for."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self.selector.register(self._reader, selectors.EVENT_READ)

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        before = {number: signal.signal(number, lambda *_: None) for number in NUMBERS}
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            self.selector.close()
            self._reader.close()
            self._writer.close()

    def wait(self, timeout: float | None) -> tuple[list[int], list[Worker]]:
        """The signals that have come, and the workers that have said something."""
        numbers: list[int] = []
        workers: list[Worker] = []
        for key, _ in self.selector.select(timeout):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    numbers.extend(self._reader.recv(4096))
            else:
                workers.append(key.data)
        return numbers, workers

    def follow(self, worker: Worker) -> None:
        self.selector.register(worker.line, selectors.EVENT_READ, worker)

    def forget(self, worker: Worker) -> None:
        if worker.line.fileno() >= 0:
            self.selector.unregister(worker.line)
            worker.line.close()


class Supervisor:
    """Keeps one worker for each set of sockets.

    A worker that dies is started again. SIGHUP replaces them one after another: the new one serves before the old one
    ends, on the same socket, so that no client is refused. SIGTERM and SIGINT end all; a second one at once.

    Args:
        options: of the command line.
        slots: the sockets of each worker. They listen.

    Example::

        exit_status = Supervisor(options, open_sockets(options, 4)).run()
    """

    def __init__(self, options: argparse.Namespace, slots: list[list[socket.socket]]) -> None:
        self._grace = (options.timeout_graceful_shutdown or 20.0) + PATIENCE
        self._slots = slots
        self._environment = options.environment
        self._signals = _Signals()
        self._workers: list[Worker | None] = [None] * len(slots)
        self._successor: tuple[int, Worker] | None = None
        self._retired: list[Worker] = []
        self._to_replace: list[int] = []
        self._due: dict[int, float] = {}  # when an empty slot gets a worker again
        self._failures = 0  # starts in a row that failed
        self._has_served = False
        self._status: int | None = None  # of the exit, once it ends
        self._deadline: float | None = None

    def run(self) -> int:
        """Serves until it is asked to end. Returns the exit status."""
        with self._signals.handled():
            logger.info("c10k starts %d workers, as process %d", len(self._slots), os.getpid())
            if len(self._slots) > 1:
                logger.info("A c10k.Group reaches the WebSockets of one worker; a channel layer of Channels reaches all")
            for slot in range(len(self._slots)):
                self._workers[slot] = self._start(slot)
            while self._status is None or self._all():
                numbers, workers = self._signals.wait(self._timeout())
                for worker in workers:
                    if worker.hear():
                        self._on_ready(worker)
                    elif worker.has_hung_up:
                        self._signals.forget(worker)
                for number in numbers:
                    self._on_signal(number)
                self._reap()
                self._on_time()
        return self._status

    # ---- Workers

    def _start(self, slot: int) -> Worker:
        worker = Worker(self._slots[slot], without=self._environment)
        self._signals.follow(worker)
        return worker

    def _all(self) -> list[Worker]:
        successor = [self._successor[1]] if self._successor else []
        return [*(each for each in self._workers if each), *successor, *self._retired]

    def _on_ready(self, worker: Worker) -> None:
        self._has_served = True
        self._failures = 0
        logger.info("%s serves", worker.name)
        if self._successor and self._successor[1] is worker:
            slot = self._successor[0]
            old, self._workers[slot], self._successor = self._workers[slot], worker, None
            self._due.pop(slot, None)
            if old is not None:
                self._retired.append(old)
                old.restart()
            self._replace_next()

    def _replace_next(self) -> None:
        if self._successor is None and self._to_replace and self._status is None:
            slot = self._to_replace.pop(0)
            self._due.pop(slot, None)
            self._successor = (slot, self._start(slot))

    def _reap(self) -> None:
        for worker in self._all():
            if worker.process.poll() is not None:
                self._signals.forget(worker)
                self._on_ended(worker)

    def _on_ended(self, worker: Worker) -> None:
        if worker in self._retired:
            self._retired.remove(worker)
        elif self._successor and self._successor[1] is worker:
            slot, self._successor = self._successor[0], None
            self._to_replace.clear()
            if self._status is None:
                logger.error("The new %s %s before it served. The old ones go on.", worker.name, worker.end_of_life())
                if self._workers[slot] is None:  # there is no old one
                    self._failures += 1
                    self._due[slot] = time.monotonic() + min(LONGEST_DELAY, 2.0 ** (self._failures - 1))
        else:
            self._on_lost(self._workers.index(worker), worker)

    def _on_lost(self, slot: int, worker: Worker) -> None:
        self._workers[slot] = None
        if self._status is not None:
            return
        if not self._has_served and worker.process.returncode > 0:  # it will not be better the next time
            self._end(worker.process.returncode)
            return
        if not worker.is_ready:
            self._failures += 1
        delay = min(LONGEST_DELAY, 2.0 ** (self._failures - 1)) if self._failures else 0.0
        when = f" in {delay:g} s" if delay else ""
        logger.error("The %s %s. Another one starts%s.", worker.name, worker.end_of_life(), when)
        self._due[slot] = time.monotonic() + delay

    # ---- Time and signals

    def _timeout(self) -> float | None:
        times = [*self._due.values(), *([self._deadline] if self._deadline else [])]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _on_time(self) -> None:
        now = time.monotonic()
        for slot in [slot for slot, due in self._due.items() if due <= now]:
            del self._due[slot]
            if self._workers[slot] is None:
                self._workers[slot] = self._start(slot)
        if self._deadline is not None and self._deadline <= now:
            self._deadline = None
            logger.error("Some workers do not end. They are killed.")
            self._signal_all(signal.SIGKILL)

    def _on_signal(self, number: int) -> None:
        if number in (signal.SIGINT, signal.SIGTERM):
            if self._status is not None:
                logger.warning("A second %s: the workers are killed.", signal.Signals(number).name)
                self._signal_all(signal.SIGKILL)
            else:
                self._end(0)
        elif number == signal.SIGHUP and self._status is None:
            logger.info("SIGHUP: the workers start anew, one after another")
            self._to_replace = list(range(len(self._slots)))
            self._replace_next()

    def _end(self, status: int) -> None:
        self._status = status
        self._due.clear()
        self._to_replace.clear()
        self._deadline = time.monotonic() + self._grace
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: int) -> None:
        for worker in self._all():
            worker.signal(number)


class Reloader:
    """Serves with one worker, and starts it anew when a file changes. Clients that connect meanwhile wait.

    Args:
        options: of the command line.
        listeners: listening sockets.

    Example::

        exit_status = Reloader(options, open_sockets(options, 1)[0]).run()
    """

    def __init__(self, options: argparse.Namespace, listeners: list[socket.socket]) -> None:
        self._listeners = listeners
        self._environment = options.environment
        self._files = Watched(options.reload_dir or [options.app_dir])
        self._signals = _Signals()
        self._worker: Worker | None = None
        self._is_told_to_restart = False
        self._deadline: float | None = None

    def run(self) -> int:
        """Serves until it is asked to end. Returns the exit status."""
        with self._signals.handled():
            logger.info("c10k watches the .py files in %s, as process %d", ", ".join(self._files.folders), os.getpid())
            self._start()
            is_ending = False
            while not is_ending or self._worker is not None:
                numbers, workers = self._signals.wait(0.1 if is_ending else self._files.interval)
                for worker in workers:
                    worker.hear()
                    if worker.has_hung_up:
                        self._signals.forget(worker)
                for number in numbers:
                    if number in (signal.SIGINT, signal.SIGTERM):
                        self._end(signal.SIGKILL if is_ending else signal.SIGTERM)
                        is_ending = True
                    elif number == signal.SIGHUP and not is_ending:
                        self._restart()
                self._reap()
                if not is_ending:
                    self._look_at_files()
                    if self._worker is None and self._is_told_to_restart:
                        self._start()
                if self._deadline is not None and time.monotonic() > self._deadline:
                    self._end(signal.SIGKILL)
        return 0

    def _start(self) -> None:
        self._is_told_to_restart = False
        self._deadline = None
        self._worker = Worker(self._listeners, without=self._environment)
        self._signals.follow(self._worker)

    def _look_at_files(self) -> None:
        if changed := self._files.changed():
            logger.warning("%s has changed: the server starts anew", changed)
            self._restart()

    def _restart(self) -> None:
        self._is_told_to_restart = True
        if self._worker is not None:
            # Before it serves, it does not listen to the line.
            self._worker.restart() if self._worker.is_ready else self._worker.signal(signal.SIGTERM)
            self._deadline = time.monotonic() + PATIENCE

    def _end(self, number: int) -> None:
        self._deadline = time.monotonic() + PATIENCE
        if self._worker is not None:
            self._worker.signal(number)

    def _reap(self) -> None:
        worker = self._worker
        if worker is None or worker.process.poll() is None:
            return
        self._signals.forget(worker)
        self._worker = None
        if not self._is_told_to_restart and worker.process.returncode not in (0, -signal.SIGTERM, -signal.SIGINT):
            logger.error("The %s %s. It starts anew when a file changes.", worker.name, worker.end_of_life())
