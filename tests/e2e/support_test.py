"""How the end-to-end tests wait: as long as a build goes on, and no longer than their patience without one."""

import contextlib
import os
import signal
import unittest
from unittest import mock

import support

SHORT = 2  # seconds of patience

# Builds for longer than that: one process after the other.
BUILDS = "for step in $(seq 60); do sleep 0.06; done; echo built"
STANDS_STILL = "sleep 1000; echo built"
# Works, but only for those who ask.
SERVES = "/usr/bin/python3 -c 'while True: pass' --noreload; echo built"


def shell(script):
    return support.Program("-c", script, program="/bin/sh")


def end(builder):
    """With all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(builder.pid, signal.SIGKILL)
    builder.kill()


class WaitingForABuild(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.object(support.Patience, "INTERVAL", 0.2)
        patch.start()
        self.addCleanup(patch.stop)

    def test_goes_on_as_long_as_the_build_does(self):
        builder = shell(BUILDS)
        self.addCleanup(end, builder)
        support.eventually(lambda: "built" in builder.output, "it is built", SHORT, builder=builder.pid)
        builder = shell(BUILDS)
        self.addCleanup(end, builder)
        builder.wait_for("built", patience=SHORT)
        self.assertEqual(shell(BUILDS).wait(SHORT), 0)

    def test_ends_when_the_build_stands_still(self):
        builder = shell(STANDS_STILL)
        self.addCleanup(end, builder)
        with self.assertRaisesRegex(AssertionError, "not within 2 s: it is built"):
            support.eventually(lambda: "built" in builder.output, "it is built", SHORT, builder=builder.pid)
        with self.assertRaisesRegex(AssertionError, "'built' was not printed"):
            builder.wait_for("built", patience=SHORT)
        with self.assertRaisesRegex(AssertionError, "did not end within 2 s"):
            shell("exec sleep 1000").wait(SHORT)

    def test_does_not_count_a_program_that_serves(self):
        builder = shell(SERVES)
        self.addCleanup(end, builder)
        with self.assertRaisesRegex(AssertionError, "'built' was not printed"):
            builder.wait_for("built", patience=SHORT)


if __name__ == "__main__":
    support.main()
