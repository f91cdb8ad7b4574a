"""Handshakes: malformed ones, slow ones, and all bytes at every split point."""

import contextlib
import os
import re
import resource
import select
import subprocess
import time

from figures.measuring import ROUNDS, Crowd, Found, figure, ratio
from harness import HostileServer, handshake_request
from support.environment import BUILD
from support.tcp import RawClient

TEST_WIRE = BUILD / "test_wire"


@figure
def malformed():
    """1,000,000 malformed handshakes: none answered 101; at most 1 ms of CPU each"""
    found = Found()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([TEST_WIRE, "--gtest_filter=HostileHandshake.Rows01To06*"], env={**os.environ, "C10K_FULL": "1"},
                          stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    each = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 1_000_000
    found.add("none answered 101" if done.returncode == 0 else done.stdout, done.returncode == 0)
    found.add(f"{each * 1e6:.1f} us of CPU each, with making them", each <= 0.001)
    return found


@figure
def splits():
    """Every case at every split point of its bytes: the same events"""
    found = Found()
    done = subprocess.run([TEST_WIRE, "--gtest_brief=1"], stdout=subprocess.PIPE, text=True, check=False)
    count = re.search(r"(\d+) tests from", done.stdout)[1]
    found.add(f"all {count} tests of src/wire pass, among them those that cut their bytes at every point" if done.returncode == 0
              else done.stdout, done.returncode == 0)
    return found


def slow_crowd(pipe, port, count):
    """Says "ready" when all have begun, and how long each was left when the last is ended. A byte each now and then."""
    while pipe.recv() == "begin":
        poll = select.epoll()
        slow = {}
        for _ in range(count):
            connection = RawClient(port)
            began = time.monotonic()
            connection.send(b"GET /body/ HTTP/1.1\r\nHost: localhost\r\nX: ")
            slow[connection.socket.fileno()] = (connection, began)
            poll.register(connection.socket, select.EPOLLIN | select.EPOLLRDHUP)
        pipe.send("ready")
        lasted = []
        trickle = time.monotonic() + 1
        while slow:
            for descriptor, _ in poll.poll(0.1):
                connection, began = slow.pop(descriptor)
                lasted.append(time.monotonic() - began)
                poll.unregister(descriptor)
                connection.close()
            if time.monotonic() > trickle:
                for connection, _ in slow.values():
                    with contextlib.suppress(OSError):
                        connection.send(b"x")
                trickle = time.monotonic() + 1
        pipe.send(max(lasted))


def handshake_times(port, count):
    times = []
    for _ in range(count):
        began = time.monotonic()
        connection = RawClient(port)
        connection.send(handshake_request())
        connection.opened()
        times.append(time.monotonic() - began)
        connection.close()
    return times


@figure
def slow_handshakes():
    """5,000 slow handshakes: all gone by the deadline + 1 s; a good handshake's p99 at most 2 x meanwhile"""
    found = Found()
    deadline = 5
    server = HostileServer("--set", f"head_time={deadline}s")
    crowd = Crowd(slow_crowd, server.port, 5000)
    alone, meanwhile, lasted = [], [], []
    for _ in range(ROUNDS):
        alone.append(handshake_times(server.port, 1000))
        crowd.ask("begin")
        meanwhile.append(handshake_times(server.port, 1000))
        lasted.append(crowd.pipe.recv())
    crowd.end()
    found.add(f"the last was gone {max(lasted):.2f} s after its first byte, with head_time = {deadline} s",
              max(lasted) <= deadline + 1)
    ratio(found, "handshakes:", alone, meanwhile, 2)
    server.stop()
    return found
