#!/usr/bin/env python3
"""Connects, talks and vanishes at every stage, for minutes, and watches the server's memory and descriptors.

Prints the slope of its memory after a warm-up, in bytes per hour with the upper 95% bound, and what it holds open at the
end against what it held before. Exits with 1 if sockets or descriptors do not come back.

    tests/hostile/churn.py --minutes 5                                  # against a server of its own
    tests/hostile/churn.py --minutes 27 --warm-up 17                    # the slope of the last ten minutes
    tests/hostile/churn.py --pid 4711 --url ws://127.0.0.1:8000/echo/   # against one that echoes there
"""

import argparse
import random
import statistics
import sys
import time
import urllib.parse

from harness import KIBIBYTE, HostileServer
from support import environment
from support.frames import PING, TEXT, close_frame, frame
from support.process import Measured
from support.tcp import RawClient
from support.waiting import eventually

ALIVE = 200  # connections at a time
SMOKE_SECONDS = 5
WARM_UP = 0.4  # of the whole time


# ---- How far a connection comes


def nothing(_peer, _path):
    """It connects."""


def half_a_head(connection, path):
    head = connection.handshake_bytes(path)
    connection.send(head[:random.randrange(1, len(head))])


def a_head(connection, path):
    """It does not wait for the answer."""
    connection.send(connection.handshake_bytes(path))


def opened(connection, path):
    connection.open(path)


def talked(connection, path):
    connection.open(path)
    for size in (1, 200, 5000):
        connection.assert_echoes("x" * size)


def half_a_frame(connection, path):
    connection.open(path)
    data = frame(TEXT, "x" * random.choice((10, 300, 70 * KIBIBYTE)))
    connection.send(data[:random.randrange(1, len(data))])


def half_a_message(connection, path):
    connection.open(path)
    connection.send(frame(TEXT, "x" * 1000, final=False) + frame(PING, "x"))


def unread_answers(connection, path):
    connection.open(path)
    connection.send(frame(TEXT, "x" * 10 * KIBIBYTE) * 3)


def broken(connection, path):
    """It is thrown out."""
    connection.open(path)
    connection.send(random.choice((b"\xff\xff", frame(TEXT, b"\xff"), frame(3, "x"), frame(TEXT, "x", masked=False))))


STAGES = [nothing, half_a_head, a_head, opened, talked, half_a_frame, half_a_message, unread_answers, broken]


# ---- How it ends


def finish(connection):
    connection.shutdown_write()
    connection.close()


def say_goodbye(connection):
    connection.send(close_frame(1000))
    connection.close()


ENDS = [RawClient.abort, RawClient.close, finish, say_goodbye]


def churn(port, path, until, sample):
    """Returns how many connections it made."""
    alive = []
    count = 0
    while time.monotonic() < until:
        connection = RawClient(port)
        random.choice(STAGES)(connection, path)
        count += 1
        alive.append(connection)
        if len(alive) > ALIVE:
            last = alive.pop(random.randrange(ALIVE))
            try:
                random.choice(ENDS)(last)
            except OSError:
                last.close()  # the server was first
        sample()
    for connection in alive:
        connection.close()
    return count


def slope(samples):
    """Of (seconds, bytes): the slope in bytes per hour by least squares, and its upper 95% bound.

    Neighbouring samples are not independent: the means of twenty stretches of time are.
    """
    stretch = len(samples) // 20
    blocks = [samples[at:at + stretch] for at in range(0, stretch * 20, stretch)]
    times = [statistics.fmean(at for at, _ in block) for block in blocks]
    sizes = [statistics.fmean(size for _, size in block) for block in blocks]
    line = statistics.linear_regression(times, sizes)
    rest = sum((size - line.intercept - line.slope * at) ** 2 for at, size in zip(times, sizes))
    mean = statistics.fmean(times)
    deviation = (rest / 18 / sum((at - mean) ** 2 for at in times)) ** 0.5
    return line.slope * 3600, (line.slope + 1.734 * deviation) * 3600  # Student's, of 18


def watch(server, path, seconds, warm_up):
    """Returns whether all came back. Both times are in seconds, the second part of the first."""
    base = (server.sockets(), server.descriptors())
    start = time.monotonic()
    samples = []

    def sample():
        now = time.monotonic() - start
        if not samples or now > samples[-1][0] + min(1, seconds / 20):
            samples.append((now, server.own_memory()))

    count = churn(server.port, path, start + seconds, sample)
    print(f"{count} connections in {time.monotonic() - start:.0f} s")
    warm = [each for each in samples if each[0] > warm_up]
    if seconds >= 60:
        middle, bound = slope(warm)
        print(f"memory {samples[0][1]} bytes at first, {warm[0][1]} warmed up, {warm[-1][1]} at last")
        print(f"slope {middle:.0f} bytes/hour, with 95% at most {bound:.0f}")
    try:
        eventually(lambda: (server.sockets(), server.descriptors()) == base, "all is back")
    except AssertionError:
        print(f"held before (sockets, descriptors): {base}; now: {(server.sockets(), server.descriptors())}")
        return False
    print(f"held before and now (sockets, descriptors): {base}")
    return True


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--warm-up", type=float, metavar="MINUTES",
                         help=f"of these minutes, before the slope begins; by default {WARM_UP:.0%}".replace("%", "%%"))
    options.add_argument("--smoke", action="store_true", help=f"{SMOKE_SECONDS} seconds, as one of the tests")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--pid", type=int, help="of a server that runs already")
    options.add_argument("--url", help="where that server echoes")
    chosen = options.parse_args()
    if chosen.smoke:
        environment.exit_if_not_for_here()
    random.seed(chosen.seed)
    seconds = SMOKE_SECONDS if chosen.smoke else chosen.minutes * 60
    warm_up = seconds * WARM_UP if chosen.warm_up is None else chosen.warm_up * 60
    if seconds >= 60 and seconds - warm_up < 30:
        options.error("a slope needs half a minute after the warm-up")
    if chosen.pid:
        url = urllib.parse.urlsplit(chosen.url or options.error("--pid needs --url"))
        return 0 if watch(Measured(chosen.pid, url.port), url.path, seconds, warm_up) else 1

    server = HostileServer("--set", "close_time=2s", "--set", "head_time=2s")
    came_back = watch(server, "/echo/", seconds, warm_up)
    status = server.stop()
    print(f"the server ended with {status}" if status else "the server ended in good order")
    return 0 if came_back and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
