"""What is measured: scenarios, and the servers that are put side by side in each."""

from dataclasses import dataclass
from pathlib import Path

CALM = ["--set", "ping_interval=3600s"]  # a ping would be a frame that the load generator does not expect


@dataclass(frozen=True)
class Options:
    """What the command line chooses for all scenarios."""

    build: Path
    seconds: int
    warm_up: int
    rounds: int
    attempts: int
    workers: int
    server_core: str
    client_core: str

    def program(self, name):
        return self.build / "benchmarks" / name


@dataclass(frozen=True)
class Scenario:
    """What the clients do."""

    title: str
    mode: str = "echo"
    connections: int = 200
    payload: int = 16
    in_flight: int = 1
    answers: int = 1
    message: str = "message"  # what is counted
    body: str = ""  # of each answer to a request


SCENARIOS = {
    "echo": Scenario("Echo, 16 bytes, 200 connections"),
    "echo-10k": Scenario("Echo, 16 bytes, 10,000 connections", connections=10_000),
    "echo-16-in-flight": Scenario(
        "Echo, 16 bytes, 10,000 connections, 16 in flight on each", connections=10_000, in_flight=16
    ),
    "echo-64k": Scenario("Echo, 64 KiB, 50 connections", connections=50, payload=65536),
    "broadcast": Scenario(
        "Broadcast, 16 bytes, 10,000 receivers", mode="broadcast", connections=10_000, message="delivery"
    ),
    "broadcast-4-in-flight": Scenario(
        "Broadcast, 16 bytes, 10,000 receivers, 4 in flight",
        mode="broadcast",
        connections=10_000,
        in_flight=4,
        message="delivery",
    ),
    "handshakes": Scenario(
        "Handshakes: connect, upgrade, close; 100 at once", mode="handshakes", connections=100, message="handshake"
    ),
}

LIFE = Scenario(
    "Game of Life, 10,000 workers; the floors answer each state with one send of eight",
    connections=10_000,
    payload=10,  # "57 45 67 1": the length that STEP ROW COL STATE most often has
    answers=8,
    message="state",
)

IDLE = Scenario("Idle connections: memory between 1,000 and 15,000 of them")


@dataclass(frozen=True)
class Variant:
    """One of the servers that are compared."""

    name: str
    backend: str
    is_floor: bool
    cookie: str = ""

    def command(self, options, scenario, port):
        if self.is_floor:
            to = "all" if scenario.mode == "broadcast" else "sender"
            sizes = ["--payload", scenario.payload, "--answers", scenario.answers]
            return [options.program(f"bare_{self.backend.removeprefix('io_')}"), "--port", port, *sizes, "--to", to]
        return [options.program("server"), *self.runserver(options, port), *CALM]

    def runserver(self, options, port):
        return ["runserver", port, "--noreload", "-v", "0", "--backend", self.backend, "--workers", options.workers]

    def path(self, scenario):
        return "/broadcast/" if scenario.mode == "broadcast" else "/echo/"


VARIANTS = [
    Variant("bare epoll", "epoll", is_floor=True),
    Variant("bare io_uring", "io_uring", is_floor=True),
    Variant("c10k epoll", "epoll", is_floor=False),
    Variant("c10k io_uring", "io_uring", is_floor=False),
]
FLOORS = [variant.name for variant in VARIANTS if variant.is_floor]


def load_command(options, scenario, variant, port, *more):
    """The bare load generator for a scenario."""
    return [
        options.program("load"),
        *("--mode", scenario.mode, "--port", port, "--path", variant.path(scenario)),
        *("--connections", scenario.connections, "--payload", scenario.payload),
        *("--in-flight", scenario.in_flight, "--answers", scenario.answers),
        *("--body", scenario.body, "--cookie", variant.cookie),
        *more,
    ]
