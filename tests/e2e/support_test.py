"""How the end-to-end tests wait: as long as a build goes on, and no longer than their patience without one."""

import contextlib
import itertools
import os
import pathlib
import signal
import tempfile
import time
import types
import unittest
from unittest import mock

from support import waiting
from support.cases import main
from support.process import Program
from support.waiting import eventually

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

    def build(self):
        """A build that makes progress at each look, and is done after many."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        done = pathlib.Path(folder.name, "done")
        looks = itertools.count(1)

        def progress(_):
            look = next(looks)
            if look == MANY:
                done.touch()
            return {"looks": look}

        self.patch(waiting, "build_progress", progress)
        builder = shell(f"until [ -e {done} ]; do sleep 0.01; done; echo built")
        self.addCleanup(end, builder)
        return builder

    def test_goes_on_as_long_as_the_build_does(self):
        builder = self.build()
        eventually(lambda: "built" in builder.output, "it is built", SHORT, builder=builder.pid)
        self.build().wait_for("built", patience=SHORT)
        self.assertEqual(self.build().wait(SHORT), 0)

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

        def is_still():
            before = waiting.build_progress(pid)
            time.sleep(0.1)
            return before == waiting.build_progress(pid) != {}

        eventually(is_still, "the build stands still")

    def test_is_not_a_program_that_serves(self):
        _, progress = self.progress(SERVES, shows="serves")
        self.assertEqual(progress, {})


if __name__ == "__main__":
    main()
