"""Threads with a bounded queue.

Unlike those of ``concurrent.futures``, the interpreter does not wait for these when it exits: a slow view would hold up
each reload. ``stop()`` waits for as long as its caller wants.
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

logger = logging.getLogger("c10ktools.pool")
T = TypeVar("T")


class Pool:
    """A fixed number of threads, which start when there is work for them, and one queue.

    Thread: all methods may be called on any thread.

    Example::

        pool = Pool("handshake", threads=4, queue=16_384)
        if not pool.submit(functools.partial(answer, handshake)):
            handshake.refuse(503)
    """

    def __init__(self, name: str, *, threads: int, queue: int | None = None) -> None:
        """
        Args:
            name: stands in the names of the threads.
            threads: how many there are at most.
            queue: how many jobs may wait for a thread; ``None`` for any number.
        """
        self.name, self.threads, self.queue = name, threads, queue
        self._jobs: collections.deque[Callable[[], object]] = collections.deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._running: list[threading.Thread] = []
        self._stopped = False
        self._last: Callable[[], object] | None = None

    def submit(self, job: Callable[[], object]) -> bool:
        """Queues ``job`` for one of the threads. It should handle its own errors: those that it raises are only logged.

        Returns:
            Whether it is queued: not if the queue is full or the pool has been stopped.
        """
        with self._changed:
            if self._stopped:
                return False
            # A thread that is idle takes its job at once, so that job does not count as a waiting one.
            if self._idle <= len(self._jobs) and len(self._running) < self.threads:
                self._start_thread()
            elif self.queue is not None and len(self._jobs) >= self.queue + self._idle:
                return False
            self._jobs.append(job)
            self._changed.notify()
            return True

    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        with self._changed:
            return len(self._jobs)

    def unfinished(self) -> int:
        """How many jobs wait or run."""
        with self._changed:
            return len(self._jobs) + len(self._running) - self._idle

    def stop(self, timeout: float, last: Callable[[], object] | None = None) -> bool:
        """Takes no more jobs, drops the waiting ones, and waits for the running ones.

        Args:
            timeout: how many seconds to wait at most. Jobs that still run then go on in daemon threads.
            last: each thread calls it before it ends, such as ``connections.close_all``.

        Returns:
            Whether all threads have ended.
        """
        with self._changed:
            self._stopped, self._last = True, last
            self._jobs.clear()
            self._changed.notify_all()
            running = list(self._running)
        end = time.monotonic() + timeout
        for thread in running:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in running)

    def _start_thread(self) -> None:
        name = f"c10k-{self.name}-{len(self._running) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        # It counts as idle from here on, so that the next job starts a thread of its own.
        self._running.append(thread)
        self._idle += 1
        try:
            thread.start()
        except BaseException:
            self._running.remove(thread)
            self._idle -= 1
            raise

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            self._run(job)
            # A job may hold a request, and the next one may be long in coming.
            del job
            with self._changed:
                self._idle += 1
        if self._last is not None:
            self._run(self._last)

    def _next_job(self) -> Callable[[], object] | None:
        with self._changed:
            while not self._jobs and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            self._idle -= 1
            return self._jobs.popleft()

    def _run(self, job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException:  # also sys.exit() in a view: the thread is needed
            logger.exception("A job of the pool %s failed.", self.name)


class PoolExecutor(Executor):
    """A pool as an executor, for ``loop.run_in_executor()`` and asgiref.

    Example::

        executor = PoolExecutor(Pool("lane-1", threads=1))
        size = await loop.run_in_executor(executor, os.path.getsize, path)
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queues a call and returns its future.

        Raises:
            RuntimeError: the pool is full or has been stopped.
        """
        future: Future[T] = Future()
        if not self.pool.submit(functools.partial(_complete, future, fn, args, kwargs)):
            raise RuntimeError(f"The pool {self.pool.name} is full or has been stopped.")
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stops the pool, and waits for it if ``wait`` is true."""
        self.pool.stop(threading.TIMEOUT_MAX if wait else 0)


def _complete(future: Future[T], fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
        # The traceback of `error` holds this frame: without a reference here, nothing goes round in a circle.
        del future
    else:
        future.set_result(result)
