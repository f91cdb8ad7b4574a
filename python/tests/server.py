"""runserver as a process, for tests from outside."""

import contextlib
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
#: Seconds after which a test fails that waits for a server. It is for broken servers only.
PATIENCE = int(os.environ.get("C10K_TEST_PATIENCE", "60"))


class RunServer:
    """``manage.py runserver`` of a copy of the test project.

        with RunServer("--noreload") as server:
            server.get("/page/")
    """

    def __init__(
        self,
        *options,
        address="127.0.0.1:0",
        settings=(),
        debug=True,
        environment=(),
        project=HERE / "project",
        in_place=False,
        program=("-m", "django"),
    ):
        self.folder = tempfile.TemporaryDirectory(prefix="c10k-runserver-")
        self.project = project
        if not in_place:
            self.project = pathlib.Path(self.folder.name) / "project"
            shutil.copytree(project, self.project, ignore=shutil.ignore_patterns("__pycache__"))
        path = [self.folder.name, str(self.project), *(each for each in sys.path if each and each != str(HERE))]
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_COLORS": "nocolor",
            "C10K_TEST_DEBUG": str(debug).lower(),
            "C10K_TEST_SETTINGS": json.dumps(dict(settings)),
            **dict(environment),
        }
        self.environment.pop("RUN_MAIN", None)
        self.command = [sys.executable, *program, "runserver", *([address] if address else []), *options]
        self.log = []
        self._lines = queue.Queue()

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, env=self.environment, cwd=self.folder.name, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            found = self.wait_for(r"Starting c10k development server at http://(.*):(\d+)/")
        except BaseException:
            self.__exit__()
            raise
        self.host, self.port = found[1].strip("[]"), int(found[2])
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._reader.join()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def stop(self, number=signal.SIGINT):
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def wait_for(self, pattern, *, seconds=PATIENCE):
        """The first line from here on that has ``pattern``. Raises queue.Empty if none comes in so many seconds."""
        end = time.monotonic() + seconds
        while (line := self._lines.get(timeout=max(0.0, end - time.monotonic()))) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"runserver has ended without {pattern!r}:\n" + "".join(self.log))

    def request(self, method, path, body=None, headers={}, **options):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers, **options)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def get(self, path):
        return self.request("GET", path)

    def url(self, path):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}{path}"

    def change(self, text=None, *, until):
        """Changes a file of the project, and waits for a line that the reload brings.

        The reloader sees changes only once it knows the state before. Nothing tells when it does, so the file is
        changed again every second.
        """
        file = self.project / "views.py"
        text = file.read_text() if text is None else text
        for number in range(PATIENCE):
            file.write_text(text + "\n" * (number + 1))
            with contextlib.suppress(queue.Empty):
                return self.wait_for(until, seconds=1)
        raise AssertionError("runserver has not reloaded:\n" + "".join(self.log))

    def _read(self):
        for line in self.process.stdout:
            self.log.append(line)
            self._lines.put(line)
        self._lines.put(None)


def needs_engine(test):
    """Skips a test where the extension is not built."""
    import importlib.util

    return unittest.skipUnless(importlib.util.find_spec("_c10k"), "the extension _c10k is not built")(test)
