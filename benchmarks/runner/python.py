"""The Python package beside our own views in C++, and beside the servers that Python has without it.

The project that they serve is in benchmarks/python/. No server writes a line for each request.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import idle, load, rounds, tables
from .machine import ROOT, cpu_seconds
from .plan import CALM, SCENARIOS, VARIANTS, Scenario
from .programs import PinnedServer, free_port

PROJECT = ROOT / "benchmarks" / "python"
BACKENDS = ("epoll", "io_uring")
STOCK = {"DJANGO_SETTINGS_MODULE": "stock_settings"}
SLEEPERS = 10_000
NUMBERS = "".join(f"<li>{number}</li>" for number in range(20))
PAGE = f"<!doctype html>\n<title>Numbers</title>\n<ul>{NUMBERS}</ul>\n"


def environment_of(options, **more):
    return {"PYTHONPATH": f"{options.build / 'python'}:{PROJECT}", "DJANGO_SETTINGS_MODULE": "settings", **more}


@dataclass(frozen=True)
class Server:
    """One of the servers that are compared. In the arguments of Python, {port} stands for the port."""

    name: str
    arguments: tuple
    url: str
    environment: dict = field(default_factory=dict)
    cookie: str = ""

    def command(self, options, scenario, port):
        environment = environment_of(options, **self.environment)
        python = [sys.executable, "-B", *(argument.format(port=port) for argument in self.arguments)]
        return ["env", *(f"{name}={value}" for name, value in environment.items()), *python]

    def path(self, scenario):
        return self.url


def on_c10k(backend, what, application, url, *options, **more):
    """The command python3 -m c10k."""
    command = ("-m", "c10k", application, "--port", "{port}", "--no-access-log", "--log-level", "error")
    return Server(f"{what}, c10k {backend}", (*command, "--set", f"backend={backend}", *options), url, **more)


def on_uvicorn(what, application, url, *options):
    command = ("-m", "uvicorn", application, "--port", "{port}", "--no-access-log", "--log-level", "error")
    fast = ("--loop", "uvloop", "--http", "httptools", "--ws-ping-interval", "3600")
    return Server(what, (*command, *fast, *options), url, STOCK)


def on_daphne(application, url):
    command = ("-m", "daphne", application, "--port", "{port}", "--verbosity", "0", "--ping-interval", "3600")
    return Server("Channels, daphne", command, url, STOCK)


def on_runserver(backend, application, url):
    """The command runserver of c10ktools, or Django's own if `backend` is None."""
    command = ("-m", "django", "runserver", "{port}", "--noreload", "--verbosity", "0")
    environment = {"BENCHMARK_WSGI": application, **({"BENCHMARK_BACKEND": backend} if backend else STOCK)}
    return Server(f"WSGI, runserver, {f'c10k {backend}' if backend else 'Django'}", command, url, environment)


def on_both(make, *arguments):
    return [make(backend, *arguments) for backend in BACKENDS]


IN_CXX = [replace(variant, name=f"C++ view, {variant.name}") for variant in VARIANTS if not variant.is_floor]
ECHOES = [
    *on_both(on_c10k, "@websocket", "django_asgi:application", "/echo/", *CALM),
    *on_both(on_c10k, "ASGI", "bare:asgi", "/echo/", *CALM),
]
ECHOES_ELSEWHERE = [
    on_uvicorn(f"ASGI, uvicorn, {package}", "bare:asgi", "/echo/", "--ws", package)
    for package in ("wsproto", "websockets")
]
GET = Scenario("", mode="requests", connections=50, message="request")

# Name: the scenario, the servers that it is about, and those beside which they stand.
COMPARISONS = {
    "python-echo": (
        replace(SCENARIOS["echo"], title="Echo in Python, 16 bytes, 200 connections"),
        ECHOES,
        [*IN_CXX, *ECHOES_ELSEWHERE, on_daphne("channels_asgi:application", "/echo/")],
    ),
    "python-echo-10k": (
        replace(SCENARIOS["echo-10k"], title="Echo in Python, 16 bytes, 10,000 connections"),
        ECHOES,
        [*IN_CXX, *ECHOES_ELSEWHERE],
    ),
    "python-echo-16-in-flight": (
        replace(
            SCENARIOS["echo"], title="Echo in Python, 16 bytes, 200 connections, 16 in flight on each", in_flight=16
        ),
        ECHOES,
        [*IN_CXX, *ECHOES_ELSEWHERE],
    ),
    "python-hello-asgi": (
        replace(GET, title="GET of a hello on ASGI, 50 connections", body="hello\n"),
        on_both(on_c10k, "ASGI", "bare:asgi", "/"),
        [on_uvicorn("ASGI, uvicorn", "bare:asgi", "/")],
    ),
    "python-hello-wsgi": (
        replace(GET, title="GET of a hello on WSGI, 50 connections", body="hello\n"),
        on_both(on_runserver, "bare.wsgi", "/"),
        [on_runserver(None, "bare.wsgi", "/")],
    ),
    "python-page": (
        replace(GET, title="GET of a Django page, 50 connections", body=PAGE),
        [
            *on_both(on_c10k, "ASGI", "django_asgi:application", "/page/"),
            *on_both(on_runserver, "django_wsgi.application", "/page/"),
        ],
        [
            on_uvicorn("ASGI, uvicorn", "django_asgi:application", "/page/"),
            on_runserver(None, "django_wsgi.application", "/page/"),
        ],
    ),
}


def compare(machine, options, name):
    scenario, ours, others = COMPARISONS[name]
    return load.run(machine, options, scenario, [*ours, *others], [other.name for other in others])


@contextlib.contextmanager
def user_in_database(options):
    """The environment of a project that has a user, and the cookie of their session."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"BENCHMARK_DATABASE": str(Path(folder) / "db.sqlite3")}
        log_in = [sys.executable, "-B", PROJECT / "log_in.py"]
        run = subprocess.run(log_in, env=environment_of(options, **environment), capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"log_in.py: {run.stderr.strip()}")
        yield environment, run.stdout.strip()


def run_idle(machine, options):
    """With one backend: fifteen thousand handshakes in Django take long."""
    with user_in_database(options) as (environment, cookie):
        views = {
            "without its request": ("/echo/lean/", {}),
            "with its request": ("/echo/", {}),
            "with session and user": ("/echo/user/", {"environment": environment, "cookie": cookie}),
        }
        servers = [
            on_c10k("epoll", f"@websocket {what}", "django_asgi:application", url, *CALM, **more)
            for what, (url, more) in views.items()
        ]
        return idle.run(machine, options, servers, "Idle connections in Python: memory between 1,000 and 15,000")


def sleep_once(options, server):
    port = free_port()
    with PinnedServer(options.server_core, server.command(options, GET, port), port) as process:
        with idle.crowd(options, server, port, SLEEPERS):
            before, begin = cpu_seconds(process.pid), time.monotonic()
            time.sleep(4 * options.seconds)
            return {"busy": 100 * (cpu_seconds(process.pid) - before) / (time.monotonic() - begin)}


def run_idle_cpu(machine, options):
    """With default settings: each connection is pinged when it has been silent for 20 s."""
    servers = on_both(on_c10k, "@websocket", "django_asgi:application", "/echo/")
    contenders = [(server.name, lambda server=server: sleep_once(options, server)) for server in servers]
    runs = rounds.measure(machine, options, contenders)
    print("## Idle connections in Python: CPU of 10,000\n")
    rows = [[name, tables.spread([run["busy"] for run in figures])] for name, figures in runs.items()]
    tables.print_table(["", "server CPU, % of a core"], rows)
    rounds.report_complaints(runs)
    return runs


BENCHMARKS = {
    **{
        name: (scenario.title, lambda machine, options, name=name: compare(machine, options, name))
        for name, (scenario, _, _) in COMPARISONS.items()
    },
    "python-idle": ("Memory per idle connection with a view in Python", run_idle),
    "python-idle-cpu": ("CPU of 10,000 idle connections with a view in Python", run_idle_cpu),
}
