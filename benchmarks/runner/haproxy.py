"""HAProxy in front: WebSockets over HTTP/1.1 before it, and behind it streams of few HTTP/2 connections, or TCP connections."""

import resource
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import idle, load, rounds
from .plan import CALM, VARIANTS, Scenario, load_command
from .programs import PinnedServer, Refused, free_port, run_client

STREAMS = 1_000  # of a connection
SPARE = 100  # descriptors for all else
OURS = next(each for each in VARIANTS if each.backend == "epoll" and not each.is_floor)

CONFIGURATION = """
global
    nbthread 1
    maxconn {clients}
    no strict-limits  # it reckons with two descriptors for each client, and over HTTP/2 needs one
    tune.h2.max-concurrent-streams {streams}
defaults
    mode http
    timeout connect 60s
    timeout client 3600s
    timeout server 3600s
frontend www
    bind 127.0.0.1:{port}
    default_backend site
backend site
    http-reuse always
    server site 127.0.0.1:{site} {protocol}
"""


@contextmanager
def haproxy(options, scenario, site, protocol):
    """HAProxy in front of the port `site`, on the core of the clients: its machine is another one in earnest."""
    port = free_port()
    clients = scenario.connections + SPARE
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    if protocol == "proto h1" and 2 * clients > allowed:
        raise Refused(f"HAProxy takes two descriptors for each client, and {allowed:,} are allowed")
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "haproxy.cfg"
        text = CONFIGURATION.format(port=port, site=site, protocol=protocol, streams=STREAMS, clients=clients)
        file.write_text(text)
        with PinnedServer(options.client_core, ["/usr/sbin/haproxy", "-db", "-f", file], port) as proxy:
            yield proxy


def figures(options, scenario, port, measured):
    """CPU per message and memory of each of `measured`, {key: server}, while the clients talk to `port`."""
    found = {}
    for key, server in measured.items():
        window = ["--warm-up", options.warm_up, "--seconds", options.seconds, "--server", server.pid]
        limit = load.RAMP_SECONDS + options.warm_up + options.seconds
        command = load_command(options, scenario, OURS, port, *window)
        found[f"{key}_us"] = load.figures_of(run_client(options.client_core, command, limit))["server_us"]
    with idle.crowd(options, OURS, port, scenario.connections):
        for key, server in measured.items():
            found[f"{key}_mb"] = idle.pss_bytes(server.pid) / 1e6
    return found


def run_once(options, scenario, protocol):
    port = free_port()
    command = [options.program("server"), *OURS.runserver(options, port), *CALM, "--set", "http2=trusted"]
    with PinnedServer(options.server_core, [*command, "--set", f"max_streams={STREAMS}"], port) as server:
        if protocol is None:
            return {**figures(options, scenario, port, {"server": server}), "proxy_us": 0.0, "proxy_mb": 0.0}
        with haproxy(options, scenario, port, protocol) as proxy:
            return figures(options, scenario, proxy.port, {"server": server, "proxy": proxy})


WAYS = {"c10k alone": None, "behind HAProxy, HTTP/1.1": "proto h1", "behind HAProxy, HTTP/2": "proto h2"}


def run(machine, options, connections):
    scenario = Scenario(f"Echo, 16 bytes, {connections:,} WebSockets over HTTP/1.1 through HAProxy", connections=connections)
    contenders = [
        (name, lambda protocol=protocol: run_once(options, scenario, protocol)) for name, protocol in WAYS.items()
    ]
    runs = rounds.measure(machine, options, contenders)
    columns = {
        "server_us": "server CPU us/message",
        "proxy_us": "HAProxy CPU us/message",
        "server_mb": "server MB",
        "proxy_mb": "HAProxy MB",
    }
    rounds.report(scenario.title, runs, columns, "server_us", list(WAYS)[:2])
    return runs


BENCHMARKS = {
    name: (
        f"Echo, 16 bytes, {connections:,} WebSockets, with HAProxy in front over HTTP/2 and HTTP/1.1, and without",
        lambda machine, options, connections=connections: run(machine, options, connections),
    )
    for name, connections in (("haproxy", 1_000), ("haproxy-10k", 10_000))
}
