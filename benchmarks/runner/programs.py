"""Servers and clients, each pinned to its core."""

import contextlib
import json
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

STARTING_SECONDS = 60  # valgrind takes its time
STOPPING_SECONDS = 30


class Refused(Exception):
    """A program that does not run here: the text is its own last line."""


def pinned(core, command):
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PinnedServer:
    """A server that is listening: `with PinnedServer(core, command, port) as server`. Raises Refused if it ends instead."""

    def __init__(self, core, command, port):
        self.command = pinned(core, command)
        self.port = port

    def __enter__(self):
        self.errors = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors
            )
        except FileNotFoundError as error:
            raise Refused(f"{error.filename} is missing") from None
        self.pid = self.process.pid
        try:
            self.wait_until_listening()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure):
        self.stop()

    def wait_until_listening(self):
        end = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Refused(self.last_words())
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        raise Refused(f"not listening after {STARTING_SECONDS} s")

    def last_words(self):
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with {self.process.returncode}"

    def text_of_errors(self):
        """What it wrote to standard error. To be read after its end."""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.ends_within(2):
            return
        # Valgrind looks for signals between two stretches of work, not while io_uring_enter waits for some: make work.
        end = time.monotonic() + STOPPING_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                for _ in range(200):
                    socket.create_connection(("127.0.0.1", self.port)).close()
            if self.ends_within(0.1):
                return
        self.process.kill()
        self.process.wait()

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def run_client(core, command, seconds):
    """Runs a client to its end and returns the line of JSON that it prints."""
    return json.loads(run_text(core, command, seconds))


def run_text(core, command, seconds):
    """Runs a client to its end and returns all that it prints."""
    run = subprocess.run(pinned(core, command), capture_output=True, text=True, timeout=seconds)
    if run.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name}: {run.stderr.strip() or run.returncode}")
    return run.stdout
