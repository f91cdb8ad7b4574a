"""The package that the tests share: it waits as long as a build goes on, starts nothing by itself, and holds ports."""

import collections
import contextlib
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
import unittest
from unittest import mock

import support
from support import environment, waiting
from support.cases import main
from support.process import Program
from support.tcp import reserved_port
from support.waiting import PATIENCE, eventually

SHORT = 2  # seconds of patience
MANY = 20  # looks at a build that goes on
STANDS_STILL = "sleep 1000; echo built"
# Works, but only for those who ask.
SERVES = "/usr/bin/python3 -c 'print(\"serves\", flush=True)\nwhile True: pass' --noreload; echo built"


def shell(script):
    return Program("-c", script, program="/bin/sh")


def end(builder):
    """With all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(builder.pid, signal.SIGKILL)
    builder.kill()


class WaitingForABuild(unittest.TestCase):
    """The clock is a second later at each look, so that no wait depends on how busy the machine is."""

    def setUp(self):
        clock = types.SimpleNamespace(monotonic=itertools.count().__next__, sleep=time.sleep)
        self.patch(waiting, "time", clock)
        self.patch(waiting.Patience, "INTERVAL", 0.02)

    def patch(self, *what):
        patch = mock.patch.object(*what)
        patch.start()
        self.addCleanup(patch.stop)

    def program(self):
        """A program that is done after many looks at it, and what looks: that makes something else of each look."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        done = pathlib.Path(folder.name, "done")
        looks = itertools.count(1)

        def progress(_):
            look = next(looks)
            if look == MANY:
                done.touch()
            return look

        program = shell(f"until [ -e {done} ]; do sleep 0.01; done; echo built")
        self.addCleanup(end, program)
        return program, progress

    def build(self):
        """A build that makes progress at each look, and is done after many."""
        builder, progress = self.program()
        self.patch(waiting, "build_progress", progress)
        return builder

    def test_goes_on_as_long_as_the_build_does(self):
        builder = self.build()
        eventually(lambda: "built" in builder.output, "it is built", SHORT, builder=builder.pid)
        self.build().wait_for("built", patience=SHORT)
        self.assertEqual(self.build().wait(SHORT), 0)

    def test_goes_on_as_long_as_the_program_prints(self):
        program, progress = self.program()
        self.patch(Program, "line_count", property(progress))
        self.assertEqual(program.wait(SHORT), 0)

    def test_ends_when_the_build_stands_still(self):
        self.patch(waiting, "build_progress", lambda _: {"looks": 1})
        builder = shell(STANDS_STILL)
        self.addCleanup(end, builder)
        with self.assertRaisesRegex(AssertionError, "not within 2 s: it is built"):
            eventually(lambda: "built" in builder.output, "it is built", SHORT, builder=builder.pid)
        with self.assertRaisesRegex(AssertionError, "'built' was not printed"):
            builder.wait_for("built", patience=SHORT)
        with self.assertRaisesRegex(AssertionError, "did not end within 2 s"):
            shell("exec sleep 1000").wait(SHORT)


class Progress(unittest.TestCase):
    """build_progress() of real processes."""

    def progress(self, script, shows=None):
        builder = shell(script)
        self.addCleanup(end, builder)
        if shows:
            builder.wait_for(shows)
            return builder.pid, waiting.build_progress(builder.pid)
        return builder.pid, eventually(lambda: waiting.build_progress(builder.pid), "a process is there")

    def test_is_one_process_after_the_other(self):
        pid, before = self.progress("while :; do sleep 0.01; done")
        eventually(lambda: waiting.build_progress(pid) not in ({}, before), "the build goes on")

    def test_is_not_a_process_that_waits(self):
        pid, _ = self.progress(STANDS_STILL)

        looks = collections.deque(maxlen=5)

        def is_still():
            looks.append(waiting.build_progress(pid))
            return len(looks) == looks.maxlen and all(look == looks[0] != {} for look in looks)

        eventually(is_still, "the build stands still")

    def test_is_not_a_program_that_serves(self):
        _, progress = self.progress(SERVES, shows="serves")
        self.assertEqual(progress, {})


class Importing(unittest.TestCase):
    # main() would skip this run, and there is no program that could be asked for io_uring.
    ENVIRONMENT = {"C10K_TEST_WHEN": "full", "C10K_TEST_BACKEND": "io_uring", "C10K_BUILD": "/nowhere", "C10K_FULL": ""}
    MODULES = sorted(file.stem for file in pathlib.Path(support.__file__).parent.glob("[!_]*.py"))

    def python(self, program):
        done = subprocess.run([sys.executable, "-c", program], cwd=pathlib.Path(__file__).parent, text=True,
                              env={**os.environ, **self.ENVIRONMENT}, stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout

    def test_starts_and_skips_nothing(self):
        self.assertIn("tcp", self.MODULES)
        self.assertEqual(self.python(f"from support import {', '.join(self.MODULES)}"), (0, ""))

    def test_leaves_it_to_main_to_skip(self):
        self.assertEqual(self.python("from support import environment\nenvironment.exit_if_not_for_here()"),
                         (environment.SKIPPED, "this runs with C10K_FULL=1 (./test --full)\n"))


class ReservedPorts(unittest.TestCase):
    def test_refuse_until_a_server_listens_and_go_to_nobody_else(self):
        with reserved_port() as port:
            with socket.socket() as client:
                self.assertNotEqual(client.connect_ex(("127.0.0.1", port)), 0)
            others = [self.enterContext(socket.create_server(("127.0.0.1", 0))) for _ in range(200)]
            self.assertNotIn(port, [other.getsockname()[1] for other in others])
            for host in ("127.0.0.1", "::1"):
                with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
                    socket.create_connection((host, port), PATIENCE).close()


if __name__ == "__main__":
    main()
