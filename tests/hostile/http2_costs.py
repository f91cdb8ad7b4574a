#!/usr/bin/env python3
"""Prints what each attacker over HTTP/2 costs the server: CPU time, and memory at its peak, until it is cut off.

    tests/hostile/http2_costs.py
"""

import pathlib

from harness import HostileServer
from http2_test import request
from support.http2 import (ACK, CONTINUATION, END_HEADERS, END_STREAM, PREFACE, SETTINGS, Closed, RawHttp2, data, frame,
                           headers, ping, reset, settings, window_update)

ATTACKERS = 20  # of each kind, one after the other
OPEN = headers(1, request("/upload/", "POST"), END_HEADERS)
ATTACKS = {
    "rapid reset": [b"".join(headers(stream, request("/poll/")) + reset(stream) for stream in range(1, 200_001, 2))],
    "PING flood": [ping() * 10_000] * 10,
    "SETTINGS flood": [settings() * 10_000] * 10,
    "empty DATA": [OPEN, *[data(1, flags=0) * 10_000] * 10],
    "updates of one byte": [OPEN, *[window_update(1, 1) * 10_000] * 10],
    "CONTINUATION without end": [headers(1, request(), END_STREAM), *[frame(CONTINUATION, 0, 1) * 10_000] * 10],
    "HPACK bomb, 10 heads": [headers(1, request() + b"\x40\x01x\x7f\x80\x1e" + b"y" * 3967),
                             *[headers(stream, request() + b"\xbe" * 16_000) for stream in range(3, 23, 2)], b"GET / HTTP/1.1"],
    "smuggled lines, 1,500 requests": [headers(stream, request("/", "GET", ("x", "a\r\nb: c"))) for stream in range(1, 3001, 2)],
    "a preface and nothing": [],
}


def attack(port, pieces):
    with RawHttp2(port) as client:
        try:
            client.send(PREFACE, settings() if pieces else b"", frame(SETTINGS, ACK) if pieces else b"")
            for piece in pieces:
                client.send(piece)
            while True:
                client.read_frame()
        except (Closed, ConnectionError):
            pass


def memory(server, key):
    for line in pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    return 0


def main():
    server = HostileServer("--set", "http2=on", "--set", "head_time=1")
    print("| attacker | CPU until it is cut off | memory at the peak of 20 in a row |\n|---|---|---|")
    for name, pieces in ATTACKS.items():
        attack(server.port, pieces)
        pathlib.Path(f"/proc/{server.pid}/clear_refs").write_text("5")
        cpu, before = server.cpu(), memory(server, "VmRSS")
        for _ in range(ATTACKERS):
            attack(server.port, pieces)
        used = (server.cpu() - cpu) / ATTACKERS * 1000
        print(f"| {name} | {used:.1f} ms | {max(memory(server, "VmHWM") - before, 0)} KiB |", flush=True)
    server.stop()


if __name__ == "__main__":
    main()
