"""Our programs as processes, and what they use. They die with the test that started them, whatever ends it."""

import atexit
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from . import environment, tls
from .tcp import RawClient
from .waiting import PATIENCE, Patience

ON_LOOPS = {"runserver", "serve", "gameoflife", "load", "testecho"}  # the commands that take --backend and --workers

_running = set()


def _kill_all():
    for program in list(_running):
        program.kill()


atexit.register(_kill_all)


class Measured:
    """What the process `pid`, which serves `port`, takes from the machine."""

    def __init__(self, pid, port):
        self.pid = pid
        self.port = port

    def memory(self):
        """Its share of the machine's memory, in bytes."""
        return self._kibibytes("smaps_rollup", "Pss")

    def own_memory(self):
        """The same without the pages of files: their share changes with every other program that maps the same files."""
        return self._kibibytes("smaps_rollup", "Pss_Anon")

    @contextlib.contextmanager
    def memory_within(self, bound):
        """At its peak it holds at most `bound` bytes more than now."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # forgets the old peak: proc(5)
        before = self._kibibytes("status", "VmRSS")
        yield
        grown = self._kibibytes("status", "VmHWM") - before
        if not self.is_sanitized() and grown > bound:
            raise AssertionError(f"the process grew by {grown} bytes, more than {bound}")

    def _kibibytes(self, file, name):
        text = pathlib.Path(f"/proc/{self.pid}/{file}").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024

    def is_sanitized(self):
        """Whether it was built with a sanitizer: they do not give memory back."""
        return re.search("lib[at]san", pathlib.Path(f"/proc/{self.pid}/maps").read_text()) is not None

    def cpu(self):
        """The CPU time that it has used, in seconds."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def sockets(self):
        """How many connections it holds open. A listener is none, nor is one whose inode is 0: that is the kernel's.

        One that was reset is not among them, even if it has not been closed: descriptors() has it.
        """
        count = 0
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            is_listener = fields[3] == "0A"
            count += int(fields[1][-4:], 16) == self.port and not is_listener and fields[9] != "0"
        return count

    def descriptors(self):
        """How many files it has open: its own descriptors, and io_uring's direct ones instead of the rings."""
        count = 0
        for descriptor in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                is_ring = os.readlink(f"/proc/{self.pid}/fd/{descriptor}") == "anon_inode:[io_uring]"
                count += self._direct_descriptors(descriptor) if is_ring else 1
        return count

    def _direct_descriptors(self, ring):
        while True:
            text = pathlib.Path(f"/proc/{self.pid}/fdinfo/{ring}").read_text()
            if table := re.search(r"^UserFiles:.*\n((?: +\d+: .*\n)*)", text, re.MULTILINE):
                return table[1].count("\n")
            # The ring was busy, and this part is left out then.


class Program(Measured):
    """`manage ARGUMENTS...` as a process, or `program`, behind `prefix`. Its lines are read as they come: it never waits
    for us."""

    def __init__(self, *arguments, env=None, cwd=None, stdout=subprocess.PIPE, program=None, prefix=(), descriptors=()):
        self._folder = None
        if cwd is None:  # empty, so that no settings file is found by chance
            self._folder = tempfile.TemporaryDirectory()
            cwd = self._folder.name
        if arguments and arguments[0] in ON_LOOPS:
            given = " ".join(map(str, arguments))
            for option, value in (("--backend", environment.BACKEND), ("--workers", environment.WORKERS)):
                if option not in given and not (option == "--workers" and "--loops" in given):
                    arguments = (*arguments, option, value)
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *prefix, str(program or environment.MANAGE), *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, env={**environment.for_programs(), **(env or {})},
            start_new_session=True, pass_fds=descriptors,
        )
        super().__init__(self.process.pid, port=None)
        _running.add(self)
        self.stdout = []
        self.stderr = []
        self._lines = []  # of both, in the order of arrival
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, own), daemon=True)
            for pipe, own in ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))
            if pipe is not None
        ]
        self._open_pipes = len(self._readers)
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, own):
        for raw in pipe:
            line = raw.decode(errors="replace").rstrip("\n")
            with self._news:
                own.append(line)
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._open_pipes -= 1
            self._news.notify_all()

    @property
    def output(self):
        """All that it has printed."""
        with self._news:
            return "\n".join(self._lines)

    @property
    def line_count(self):
        """How many lines it has printed: a start for wait_for()."""
        with self._news:
            return len(self._lines)

    def wait_for(self, pattern, start=0, patience=PATIENCE):
        """The match of the first line from line `start` on that `pattern` is found in."""
        patience = Patience(patience, self.pid)
        with self._news:
            while True:
                for line in self._lines[start:]:
                    if match := re.search(pattern, line):
                        return match
                start = max(start, len(self._lines))
                left = patience.left()
                if self._open_pipes == 0 or left <= 0:
                    raise AssertionError(f"{pattern!r} was not printed:\n" + "\n".join(self._lines))
                self._news.wait(min(left, Patience.INTERVAL))

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Asks it to end. Returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout=PATIENCE):
        """Its exit status, once it has ended and all its lines are here; `timeout` counts from its last line."""
        patience = Patience(timeout, self.pid)
        status, printed = None, 0
        while status is None:
            try:
                status = self.process.wait(max(0, min(patience.left(), Patience.INTERVAL)))
            except subprocess.TimeoutExpired:
                if printed != self.line_count:
                    printed = self.line_count
                    patience.renew()
                elif patience.left() <= 0:
                    self.kill()
                    raise AssertionError(f"it did not end within {timeout} s:\n{self.output}") from None
        self._forget()
        return status

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()
        self._forget()

    def _forget(self):
        for reader in self._readers:
            reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self._folder is not None:
            self._folder.cleanup()
        _running.discard(self)


def run(*arguments, timeout=PATIENCE, **options):
    """Runs `manage ARGUMENTS...` to its end. Returns the program, and its exit status as `status`."""
    program = Program(*arguments, **options)
    program.status = program.wait(timeout)
    return program


def all_at_once(run_with, seconds):
    """`run_with(delay=...)`, a run of testecho, with a longer delay each time until all clients were connected at once: a busy
    machine connects them late."""
    while True:
        program = run_with(delay=f"{seconds}s")
        if "take --delay" not in program.output:
            return program
        seconds *= 2


class ManageServer(Program):
    """`manage runserver`, or that of `program`, on a free port of 127.0.0.1, ready to answer."""

    def __init__(self, *options, port=0, **process_options):
        if environment.TLS:
            options = (*options, *tls.certificate().options)
        super().__init__("runserver", f"127.0.0.1:{port}", "--noreload", *options, **process_options)
        scheme, port = self.wait_for(r"(https?)://127\.0\.0\.1:(\d+)/").groups()
        self.port = int(port)
        self.host = f"127.0.0.1:{self.port}"
        self.http = f"{scheme}://{self.host}"
        self.ws = self.http.replace("http", "ws", 1)

    def page(self, path):
        """The text of one of its pages."""
        connection = RawClient(self.port, tls=self.http.startswith("https"))
        try:
            connection.request(f"GET {path}", "Connection: close")
            return connection.answer().body.decode()
        finally:
            connection.close()

    def metric(self, sample):
        """What it has counted: "c10k_connections_open", or with a label, c10k_limit_strikes_total{limit="head_time"}."""
        return int(re.search(rf"^{re.escape(sample)} (\d+)$", self.page("/metrics"), re.MULTILINE)[1])

    def strikes(self, limit):
        """How often that limit has struck."""
        return self.metric(f'c10k_limit_strikes_total{{limit="{limit}"}}')


class Production(Program):
    """`manage serve` in a folder of its own, with a copy of the program that can be replaced."""

    def __init__(self, *options, port=0):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.manage = self.folder / "manage"
        shutil.copy(environment.MANAGE, self.manage)
        super().__init__("serve", f"127.0.0.1:{port}", *options, cwd=self.folder, program=self.manage)
        found = self.wait_for(r"Program (\d+) serves 127\.0\.0\.1:(\d+)")
        self.port = int(found[2])

    def serving(self):
        """The process that serves now."""
        return int([line for line in self.output.splitlines() if " serves 127.0.0.1" in line][-1].split()[3])

    def restart(self):
        """`manage restart`: its end, with its exit status."""
        start = self.line_count
        done = run("restart", f"127.0.0.1:{self.port}", cwd=self.folder)
        if done.status == 0:  # the line of the new program may be read after the answer
            self.wait_for(r"Program \d+ serves ", start)
        return done

    def stop(self):
        status = super().stop()
        shutil.rmtree(self.folder)
        return status
