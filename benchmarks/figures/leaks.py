"""What connections leave behind: descriptors, and memory."""

import statistics
import time

import churn
from figures.measuring import Crowd, Found, figure
from harness import KIBIBYTE, MEBIBYTE, HostileServer, handshake_request
from support.tcp import RawClient
from support.waiting import eventually


def aborting_crowd(pipe, port, count):
    for number in range(count):
        connection = RawClient(port)
        if number % 2:
            connection.send(handshake_request())
        connection.abort()
    pipe.send("done")
    pipe.recv()


@figure
def aborts():
    """100,000 connects and aborts: descriptors back to base, memory slope about 0"""
    found = Found()
    server = HostileServer("--verbosity", "0")
    base = server.descriptors()
    samples = []
    for part in range(20):
        crowd = Crowd(aborting_crowd, server.port, 5000)
        crowd.pipe.recv()
        crowd.end()
        eventually(lambda: server.descriptors() == base, "all descriptors are back")
        time.sleep(1.2)  # a second after the last has ended, free memory goes back
        samples.append((part * 5000, server.own_memory()))
    warm = samples[4:]
    line = statistics.linear_regression([at for at, _ in warm], [size for _, size in warm])
    found.add(f"descriptors: {base} before and after")
    found.add(f"memory {warm[0][1] // KIBIBYTE} KiB after 25,000, {warm[-1][1] // KIBIBYTE} KiB at last: "
              f"{line.slope:.2f} bytes for each", line.slope < 1)
    server.stop()
    return found


@figure
def churning():
    """10 minutes of mixed load and abuse after 2 minutes of warm-up: upper 95% bound of the memory slope x 24 h at most
    10 MiB"""
    found = Found()
    # Without what glibc keeps for each thread and size: some 200 KiB that fill up for many minutes like a leak.
    server = HostileServer("--set", "close_time=2s", "--set", "head_time=2s", "--verbosity", "0",
                           prefix=("env", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0"))
    base = (server.sockets(), server.descriptors())
    samples = []
    count = 0
    for part in range(24):  # of half a minute
        count += churn.churn(server.port, "/echo/", time.monotonic() + 30, lambda: None)
        eventually(lambda: (server.sockets(), server.descriptors()) == base, "all is back")
        time.sleep(1.2)  # a second after the last has ended, free memory goes back
        samples.append((part * 30, server.own_memory()))
    warm = samples[4:]
    middle, bound = churn.slope(warm)
    found.add(f"{count} connections, sockets and descriptors back to base twice a minute, and then {warm[0][1] // KIBIBYTE} "
              f"KiB after the warm-up, {warm[-1][1] // KIBIBYTE} KiB at last")
    found.add(f"slope {middle * 24 / MEBIBYTE:.2f} MiB in 24 h, with 95% at most {bound * 24 / MEBIBYTE:.2f}",
              bound * 24 <= 10 * MEBIBYTE)
    server.stop()
    return found
