"""What an idle connection costs in memory."""

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from . import rounds, tables
from .plan import IDLE, VARIANTS, load_command
from .programs import PinnedServer, free_port, pinned, run_client

FEW = 1_000
MANY = 15_000  # under the limit of 20,000 descriptors that containers often have
SETTLING_SECONDS = 2
PAGE_BYTES = 4096


def pss_bytes(pid):
    """The server's own memory: what it shares with others counts in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss in smaps_rollup")


def kernel_bytes():
    """The kernel's objects and the sockets' buffers, of all programs."""
    slab = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("Slab:"))
    tcp = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    return int(slab.split()[1]) * 1024 + int(tcp.split()[-1]) * PAGE_BYTES


@contextmanager
def crowd(options, variant, port, connections):
    """That many clients, each of which has said something and heard the answer."""
    command = load_command(options, IDLE, variant, port, "--mode", "idle", "--connections", connections)
    with subprocess.Popen(
        pinned(options.client_core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as clients:
        if not clients.stdout.readline():
            raise RuntimeError("the clients have ended")
        time.sleep(SETTLING_SECONDS)
        yield
        clients.stdin.close()


def run_once(options, variant):
    port = free_port()
    with PinnedServer(options.server_core, variant.command(options, IDLE, port), port) as server:
        # Whatever does not grow with the connections, such as receive buffers, is to be there already.
        warm_up = load_command(options, IDLE, variant, port, "--connections", FEW, "--messages", 20 * FEW)
        run_client(options.client_core, warm_up, 60)
        with crowd(options, variant, port, FEW):
            own, kernel = pss_bytes(server.pid), kernel_bytes()
            with crowd(options, variant, port, MANY - FEW):
                return {
                    "own_bytes": (pss_bytes(server.pid) - own) / (MANY - FEW),
                    "kernel_bytes": (kernel_bytes() - kernel) / (MANY - FEW),
                }


def run(machine, options, variants=VARIANTS, title=IDLE.title):
    contenders = [(variant.name, lambda variant=variant: run_once(options, variant)) for variant in variants]
    runs = rounds.measure(machine, options, contenders)
    print(f"## {title}\n")
    columns = {"own_bytes": "own bytes per connection", "kernel_bytes": "kernel bytes, both ends, about"}
    rows = [
        [variant.name, *(tables.spread([run[key] for run in runs[variant.name]]) for key in columns)]
        for variant in variants
        if variant.name in runs
    ]
    tables.print_table(["", *columns.values()], rows)
    return runs
