"""Figures that do not depend on the clock: system calls and instructions per message.

Each is the difference of two runs that differ in nothing but the number of messages, so that the start, the handshakes
and the end drop out.
"""

import re
import tempfile
import time
from dataclasses import replace

from . import tables
from .machine import cpu_seconds
from .plan import SCENARIOS, VARIANTS, load_command
from .programs import Refused, PinnedServer, free_port, run_client
from .rounds import say

CLIENT_SECONDS = 300
FEWER, MORE = 10, 60  # messages of each sender, times those in flight

# Smaller crowds than those of the other benchmarks: a traced server takes a hundred times as long.
COUNTED = {
    "echo": SCENARIOS["echo"],
    "echo-16-in-flight": replace(
        SCENARIOS["echo-16-in-flight"], title="Echo, 16 bytes, 200 connections, 16 in flight on each", connections=200
    ),
    "broadcast": replace(SCENARIOS["broadcast"], title="Broadcast, 16 bytes, 1,000 receivers", connections=1_000),
}


def serve(options, scenario, variant, wrapper, messages):
    """Runs the server inside `wrapper` for so many messages; returns what it wrote to standard error."""
    port = free_port()
    command = [*wrapper, *variant.command(options, scenario, port)]
    with PinnedServer(options.server_core, command, port) as server:
        run_client(
            options.client_core,
            load_command(options, scenario, variant, port, "--messages", messages),
            CLIENT_SECONDS,
        )
        wait_until_idle(server.pid)
    return server.text_of_errors()


def wait_until_idle(pid):
    """Lets the server see that all clients have gone, in every run: else some would count more ends than others."""
    before = None
    while (now := cpu_seconds(pid)) != before:
        before = now
        time.sleep(0.5)


def system_calls(options, scenario, variant, messages):
    """{name: calls} of a whole run."""
    with tempfile.NamedTemporaryFile("r") as summary:
        columns = "--summary-columns=calls,name"
        wrapper = ["strace", "--interruptible=waiting", "--follow-forks", "--output", summary.name]
        wrapper += ["--summary-only", columns, "--"]
        serve(options, scenario, variant, wrapper, messages)
        rows = re.findall(r"^\s*(\d+)\s+(\w+)$", summary.read(), re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


def instructions(options, scenario, variant, messages):
    """Of a whole run, in user mode."""
    wrapper = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    errors = serve(options, scenario, variant, wrapper, messages)
    found = re.search(r"Collected : (\d+)", errors)
    if not found:
        raise Refused("valgrind: " + errors.strip().splitlines()[-1])
    return int(found[1])


def count(options, scenario, variant):
    fewer, more = (times * scenario.in_flight * scenario.connections for times in (FEWER, MORE))
    before, after = (system_calls(options, scenario, variant, messages) for messages in (fewer, more))
    calls = {name: (after[name] - before.get(name, 0)) / (more - fewer) for name in after}
    try:
        # Not run on this processor but imitated, so a kernel interface may be missing in it.
        user = [instructions(options, scenario, variant, messages) for messages in (fewer, more)]
        per_message = (user[1] - user[0]) / (more - fewer)
    except Refused as refusal:
        print(f"no instructions of {variant.name}: {refusal}")
        per_message = None
    return {"calls": {name: rate for name, rate in calls.items() if rate >= 0.001}, "instructions": per_message}


def run(_machine, options):
    results = {}
    for name, scenario in COUNTED.items():
        print(f"## Counts: {scenario.title}\n")
        rows = []
        for variant in VARIANTS:
            say(f"{scenario.title}: {variant.name}")
            try:
                counts = count(options, scenario, variant)
            except Refused as refusal:
                say("")
                print(f"{variant.name} is left out: {refusal}")
                continue
            results.setdefault(name, {})[variant.name] = counts
            calls = sorted(counts["calls"].items(), key=lambda item: -item[1])
            user = tables.number(counts["instructions"]) if counts["instructions"] is not None else "-"
            rows.append(
                [variant.name, user, f"{sum(rate for _, rate in calls):.3f}"]
                + [", ".join(f"{call} {rate:.3f}" for call, rate in calls)]
            )
        say("")
        tables.print_table(
            ["", f"user instructions/{scenario.message}", f"system calls/{scenario.message}", "which"], rows
        )
    return results
