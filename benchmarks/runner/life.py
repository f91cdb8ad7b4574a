"""The Game of Life, as fast as it goes: beside floors that relay nothing, and while pages watch it."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time

from . import rounds
from .load import RAMP_SECONDS, figures_of
from .machine import ROOT, cpu_seconds
from .plan import LIFE, VARIANTS, load_command
from .programs import PinnedServer, free_port, pinned, run_client

SIZE = 100  # LIFE.connections workers
SHARED = 16  # connections of HTTP/2
WATCHER = ROOT / "benchmarks/others/watch_life.py"
# The seconds that each page takes to draw a frame.
WATCHERS = {"nobody watches": [], "a page": [0], "a slow page": [0.5], "five slow pages": [0.5] * 5}
STATUS = re.compile(rb"step \d+, ([\d.]+) steps/s")


class Terminal:
    """The game's clients on a terminal, where they say several times a second how fast they are."""

    def __init__(self, core, command):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(pinned(core, command), stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGINT)
        while self.process.poll() is None:
            self.read(0.1)  # it must not wait for us
        os.close(self.master)

    def read(self, seconds):
        try:
            if select.select([self.master], [], [], seconds)[0]:
                self.text += os.read(self.master, 65536)
        except OSError:  # the other end is closed
            time.sleep(seconds)

    def next_rate(self):
        """Waits for the next status, and returns its steps per second."""
        end = time.monotonic() + RAMP_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            self.read(1)
            found = list(STATUS.finditer(self.text))
            if found:
                self.text = self.text[found[-1].end() :]
                return float(found[-1][1])
        raise RuntimeError("the game does not go on: " + self.text.decode(errors="replace")[-300:])


@contextlib.contextmanager
def watching(core, port, pages):
    """While pages watch that take so many seconds for each frame."""
    url = f"ws://127.0.0.1:{port}/watcher/"
    programs = [subprocess.Popen(pinned(core, ["/usr/bin/python3", WATCHER, url, seconds])) for seconds in pages]
    try:
        yield
        for program in programs:
            if program.poll() is not None:
                raise RuntimeError("a page has ended")
    finally:
        for program in programs:
            program.kill()
            program.wait()


def play(options, variant, pages=(), shared=None):
    """Our own game: `manage runserver` and `manage gameoflife`, whose cells may share so many connections of HTTP/2."""
    port = free_port()
    manage = options.build / "manage"
    command = [manage, *variant.runserver(options, port), "--set", "http2=on", "--set", f"max_streams={SIZE * SIZE}"]
    clients = [manage, "gameoflife", "--size", SIZE, "--speed", 0, "--url", f"ws://127.0.0.1:{port}"]
    clients += ["--http2", shared] if shared else []
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(PinnedServer(options.server_core, command, port))
        terminal = programs.enter_context(Terminal(options.client_core, clients))
        terminal.next_rate()
        programs.enter_context(watching(options.client_core, port, pages))
        warm = time.monotonic() + options.warm_up
        while time.monotonic() < warm:
            terminal.next_rate()
        pids = (server.pid, terminal.process.pid)
        begin = last = time.monotonic()
        cpu_before = [cpu_seconds(pid) for pid in pids]
        steps = 0
        while last - begin < options.seconds:
            rate = terminal.next_rate()  # since the status before
            now = time.monotonic()
            steps += rate * (now - last)
            last = now
        cpu = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu_before)]
    states = steps * LIFE.connections
    return {
        "rate": steps / (last - begin),
        "server_us": cpu[0] / states * 1e6,
        "client_us": cpu[1] / states * 1e6,
    }


def answer(options, floor, clients):
    """A floor, which answers each state with one send of eight."""
    port = free_port()
    with PinnedServer(options.server_core, floor.command(options, LIFE, port), port) as server:
        window = ["--warm-up", options.warm_up, "--seconds", options.seconds, "--server", server.pid]
        if clients == "bare":
            command = load_command(options, LIFE, floor, port, *window)
        else:
            command = [options.program("life_clients"), "--port", port, "--connections", LIFE.connections, *window]
        limit = RAMP_SECONDS + options.warm_up + options.seconds
        figures = figures_of(run_client(options.client_core, command, limit))
    figures["rate"] /= LIFE.connections
    return figures


def run(machine, options):
    contenders = []
    floors = []
    for variant in VARIANTS:
        if variant.is_floor:
            for clients in ("bare", "c10k"):
                name = f"{variant.name}, {clients} clients"
                floors.append(name)
                contenders.append((name, lambda variant=variant, clients=clients: answer(options, variant, clients)))
        else:
            contenders.append((variant.name, lambda variant=variant: play(options, variant)))
    runs = rounds.measure(machine, options, contenders)
    columns = {
        "rate": "steps/s",
        "server_us": "server CPU us/state",
        "client_us": "client CPU us/state",
    }
    rounds.report(LIFE.title, runs, columns, "rate", floors)
    return runs


def run_http2(machine, options):
    contenders = [(f"{variant.name}, {name}", lambda variant=variant, shared=shared: play(options, variant, shared=shared))
                  for variant in VARIANTS if not variant.is_floor
                  for name, shared in [("a TCP connection for each cell", None), (f"{SHARED} of HTTP/2", SHARED)]]
    runs = rounds.measure(machine, options, contenders)
    columns = {"rate": "steps/s", "server_us": "server CPU us/state", "client_us": "client CPU us/state"}
    apart = [name for name, _ in contenders if name.endswith("each cell")]
    rounds.report(f"Game of Life, {SIZE} x {SIZE} cells over {SHARED} connections of HTTP/2", runs, columns, "rate", apart)
    return runs


def run_watched(machine, options):
    contenders = [(f"{variant.name}, {name}", lambda variant=variant, pages=pages: play(options, variant, pages))
                  for variant in VARIANTS if not variant.is_floor for name, pages in WATCHERS.items()]
    runs = rounds.measure(machine, options, contenders)
    columns = {"rate": "steps/s", "server_us": "server CPU us/state", "client_us": "client CPU us/state"}
    unwatched = [name for name, _ in contenders if name.endswith(next(iter(WATCHERS)))]
    rounds.report("Game of Life while pages watch", runs, columns, "rate", unwatched)
    return runs
