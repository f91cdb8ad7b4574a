"""Echo, broadcast and handshakes."""

from . import rounds
from .plan import FLOORS, VARIANTS, load_command
from .programs import PinnedServer, free_port, run_client

RAMP_SECONDS = 120  # at most, to connect


def figures_of(result):
    messages = result["messages"]
    if messages == 0:
        raise RuntimeError("no message came through: take more --seconds")
    return {
        "server_us": result["server_cpu"] / messages * 1e6,
        "client_us": result["client_cpu"] / messages * 1e6,
        "rate": messages / result["seconds"],
        "server_busy": result["server_cpu"] / result["seconds"],
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
    }


def run_once(options, scenario, variant):
    port = free_port()
    with PinnedServer(options.server_core, variant.command(options, scenario, port), port) as server:
        window = ["--warm-up", options.warm_up, "--seconds", options.seconds, "--server", server.pid]
        command = load_command(options, scenario, variant, port, *window)
        limit = RAMP_SECONDS + options.warm_up + options.seconds
        return figures_of(run_client(options.client_core, command, limit))


def run(machine, options, scenario, variants=VARIANTS, floors=FLOORS):
    contenders = [(variant.name, lambda variant=variant: run_once(options, scenario, variant)) for variant in variants]
    runs = rounds.measure(machine, options, contenders)
    columns = {
        "server_us": f"server CPU us/{scenario.message}",
        "client_us": f"client CPU us/{scenario.message}",
        "rate": f"{scenario.message}s/s".replace("ys/s", "ies/s"),
        "p50_us": "p50 us",
        "p99_us": "p99 us",
    }
    rounds.report(scenario.title, runs, columns, "server_us", floors)
    return runs
