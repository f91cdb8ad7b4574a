"""The outer process of ``runserver`` under the reloader: it starts the child that serves, and ends together with it.

Django's own outer process kills the child at once when it is asked to end itself, so that browsers would lose their
WebSockets without a word. This one lets the child close them.
"""

from __future__ import annotations

import os
import signal
import subprocess
from types import FrameType

from django.utils import autoreload

#: Django's exit code of a child that wants to be started again, because a file has changed.
RELOAD = 3


class Children:
    """One child after the other, each with the command line of this process.

    SIGINT and SIGTERM ask the child to end, and a second one kills it.

    Example::

        sys.exit(Children().run())
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._signals = 0

    def run(self) -> int:
        """Runs children as long as they end with ``RELOAD``. Returns the exit code of the last one. Main thread only."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        former = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            code = RELOAD
            while code == RELOAD and not self._signals:
                code = self._run_one()
            return 0 if self._signals else code
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _run_one(self) -> int:
        environment = {**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"}
        self._child = subprocess.Popen(autoreload.get_child_arguments(), env=environment, close_fds=False)
        if self._signals:  # one that has come too early for this child
            self._child.terminate()
        return self._child.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._child is not None:
            self._child.terminate() if self._signals == 1 else self._child.kill()
