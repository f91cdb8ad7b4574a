"""Echo over WebSockets that are streams of HTTP/2 connections, beside one TCP connection for each WebSocket."""

from dataclasses import dataclass

from . import load, rounds
from .plan import CALM, VARIANTS, Scenario
from .programs import PinnedServer, free_port, run_client

WEBSOCKETS = 10_000
TRUNKS = 100
FLOOR, FLOOR_TCP = "bare HTTP/2", "bare epoll, TCP"


@dataclass(frozen=True)
class Contender:
    """A server, and how many HTTP/2 connections lead to it; 0: a TCP connection for each WebSocket."""

    name: str
    backend: str  # or "bare"
    connections: int

    def command(self, options, port):
        if self.backend == "bare":
            return [options.program("bare_http2"), "--port", port, "--payload", 16]
        variant = next(each for each in VARIANTS if each.backend == self.backend and not each.is_floor)
        return [options.program("server"), *variant.runserver(options, port), *CALM, "--set", "http2=on"]

    def run(self, options):
        port = free_port()
        with PinnedServer(options.server_core, self.command(options, port), port) as server:
            command = [
                options.program("load"),
                *("--mode", "streams", "--port", port, "--path", "/echo/", "--payload", 16),
                *("--websockets", WEBSOCKETS, "--connections", self.connections),
                *("--warm-up", options.warm_up, "--seconds", options.seconds, "--server", server.pid),
            ]
            limit = load.RAMP_SECONDS + options.warm_up + options.seconds
            return load.figures_of(run_client(options.client_core, command, limit))


def run(machine, options, connections):
    """All servers with 10,000 WebSockets over so many connections, and over TCP each."""
    tcp = Scenario("", connections=WEBSOCKETS)
    contenders = [
        (f"{variant.name}, TCP", lambda variant=variant: load.run_once(options, tcp, variant))
        for variant in VARIANTS
        if variant.backend == "epoll" or not variant.is_floor
    ]
    streams = [Contender(FLOOR, "bare", connections)]
    streams += [Contender(f"c10k {backend}, HTTP/2", backend, connections) for backend in ("epoll", "io_uring")]
    contenders += [(each.name, lambda each=each: each.run(options)) for each in streams]
    runs = rounds.measure(machine, options, contenders)
    columns = {
        "server_us": "server CPU us/message",
        "client_us": "client CPU us/message",
        "rate": "messages/s",
        "p50_us": "p50 us",
        "p99_us": "p99 us",
    }
    title = f"Echo, 16 bytes, {WEBSOCKETS:,} WebSockets over {connections:,} HTTP/2 connections"
    rounds.report(title, runs, columns, "server_us", [FLOOR, FLOOR_TCP, "c10k epoll, TCP"])
    return runs


BENCHMARKS = {
    "http2": (
        f"Echo, 16 bytes, {WEBSOCKETS:,} WebSockets over {TRUNKS} HTTP/2 connections, and over TCP each",
        lambda machine, options: run(machine, options, TRUNKS),
    ),
    "http2-single": (
        f"The same with an HTTP/2 connection for each of {WEBSOCKETS:,} WebSockets",
        lambda machine, options: run(machine, options, WEBSOCKETS),
    ),
}
