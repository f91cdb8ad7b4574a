"""The line between the process that was started and its workers: a socket pair, and an environment variable."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Collection

from ..loop import Runner

__all__ = ["Supervised", "Worker"]

# Where a worker finds what it inherits: "PARENT:LINE:LISTENER,LISTENER", a process and descriptors.
VARIABLE = "C10K_WORKER"

READY = b"r"
RESTART = b"s"


class Supervised:
    """A worker's side: it inherits the listening sockets, says when it serves, and ends with its parent."""

    def __init__(self, line: socket.socket, listeners: list[socket.socket]) -> None:
        self.listeners = listeners
        self._line = line

    @classmethod
    def inherited(cls) -> Supervised | None:
        """What the parent has handed down, if this process is a worker. Programs that it starts do not get it."""
        parent, _, rest = os.environ.pop(VARIABLE, "").partition(":")
        if parent != str(os.getppid()):
            return None
        line, _, listeners = rest.partition(":")
        descriptors = [int(line), *map(int, listeners.split(","))]
        sockets = []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
            sockets.append(socket.socket(fileno=descriptor))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # of a terminal that is closed: the parent decides
        return cls(sockets[0], sockets[1:])

    def attach(self, runner: Runner) -> None:
        """From now on the parent can stop `runner`. Thread: the event loop's."""
        self._line.setblocking(False)
        asyncio.get_running_loop().add_reader(self._line, self._on_readable, runner)

    def detach(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line)

    def say_ready(self) -> None:
        """The server listens."""
        try:
            self._line.send(READY)
        except OSError:  # the parent has gone, which on_readable() hears
            pass

    def _on_readable(self, runner: Runner) -> None:
        try:
            said = self._line.recv(16)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if RESTART in said:
            # Connections whose first request is on its way get an answer: their clients would see a refusal.
            runner.stop(1012, "the server starts anew", 0.5)
        elif not said:
            asyncio.get_running_loop().remove_reader(self._line)
            runner.stop()


class Worker:
    """The parent's side: a process that serves on ``listeners``.

    Args:
        listeners: it inherits them.
        without: variables that it does not inherit: it reads them from --env-file itself.
    """

    def __init__(self, listeners: list[socket.socket], without: Collection[str] = ()) -> None:
        self.listeners = listeners
        self.is_ready = False
        self.has_hung_up = False  # it ends
        self.line, theirs = socket.socketpair()
        descriptors = [theirs.fileno(), *(each.fileno() for each in listeners)]
        value = f"{os.getpid()}:{descriptors[0]}:{','.join(map(str, descriptors[1:]))}"
        try:
            self.process = subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                env={name: text for name, text in os.environ.items() if name not in without} | {VARIABLE: value},
                pass_fds=descriptors,
            )
        finally:
            theirs.close()

    @property
    def name(self) -> str:
        return f"worker {self.process.pid}"

    def hear(self) -> bool:
        """Reads its line. Returns whether it has just become ready."""
        try:
            said = self.line.recv(16)
        except OSError:
            said = b""
        self.has_hung_up = not said
        was_ready, self.is_ready = self.is_ready, self.is_ready or READY in said
        return self.is_ready and not was_ready

    def restart(self) -> None:
        """Asks it to end, since another one takes its place."""
        try:
            self.line.send(RESTART)
        except OSError:  # it has ended
            pass

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end_of_life(self) -> str:
        """How it has ended, in words."""
        code = self.process.returncode
        if code < 0:
            try:
                return f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                return f"was killed by signal {-code}"
        return f"ended with status {code}"
