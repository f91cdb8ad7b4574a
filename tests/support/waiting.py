"""How long a test waits. Every wait ends with what it waits for, or fails after PATIENCE seconds: that is a hang, not a
measure. A wait for a build goes on as long as the build does, and a wait for a program's end as long as the program prints:
PATIENCE counts from the last progress, however busy the machine is."""

import collections
import contextlib
import pathlib
import time

PATIENCE = 30  # seconds


def build_progress(pid):
    """Something that changes as long as what the process has started builds: its processes, and their time on the CPU.

    A program that serves is no part of it: that works for those who ask whether the build is done.
    """
    processes = {}
    children = collections.defaultdict(list)
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            child = int(stat.parent.name)
            fields = stat.read_text().rsplit(")", 1)[1].split()  # proc_pid_stat(5), from the third on
            children[int(fields[1])].append(child)
            processes[child] = fields[11:15] + fields[19:20]
    found = {}
    left = list(children[pid])
    while left:
        child = left.pop()
        with contextlib.suppress(OSError):
            if b"--noreload" not in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                found[child] = processes[child]
                left += children[child]
    return found


class Patience:
    """Ends `seconds` after the build that process `pid` has started made its last progress, or, without one, after now."""

    INTERVAL = 1  # seconds between two looks at the processes

    def __init__(self, seconds=PATIENCE, pid=None):
        self.seconds = seconds
        self._pid = pid
        self._progress = None
        self._looked = self._deadline = time.monotonic()
        self._deadline += seconds

    def renew(self):
        """Begins anew: there was progress."""
        self._deadline = time.monotonic() + self.seconds

    def left(self):
        """How many seconds there are to wait; none or less when it has ended."""
        now = time.monotonic()
        if self._pid is not None and (now > self._looked + self.INTERVAL or now > self._deadline):
            self._looked = now
            progress = build_progress(self._pid)
            if progress and progress != self._progress:
                self._progress = progress
                self.renew()
        return self._deadline - now


def eventually(condition, what, patience=PATIENCE, builder=None):
    """Waits until `condition()` is true, for `patience` seconds, and returns what it returned. `what` is a text, or makes
    one when the wait has been in vain. A build that the process `builder` has started may take longer."""
    wait = Patience(patience, builder)
    while True:
        result = condition()
        if result:
            return result
        if wait.left() <= 0:
            raise AssertionError(f"not within {patience} s: {what() if callable(what) else what}")
        time.sleep(0.02)
