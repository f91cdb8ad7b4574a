#!/usr/bin/env python3
"""The figures of docs/hostile-figures.md: measures each, says what it should be, and whether it is.

    tests/hostile/figures.py                    # all of them, as the page's table
    tests/hostile/figures.py stalled aborts     # some

They want a quiet machine. Each compares in alternating rounds, so that what else it does falls on both sides. The
environment is that of the tests beside: C10K_TEST_BACKEND, C10K_TEST_WORKERS, C10K_HOSTILE_SERVER, C10K_TEST_WIRE.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import platform
import re
import resource
import select
import signal
import statistics
import subprocess
import sys
import time

import churn
import peer
from peer import KIBIBYTE, MEBIBYTE, TEXT, Peer, Server, close_frame, frame, handshake, support

TEST_WIRE = os.environ.get("C10K_TEST_WIRE", str(support.SOURCE / "build/test_wire"))
ROUNDS = 5

FIGURES = {}


def figure(function):
    """Registers it, by its name on the command line."""
    FIGURES[function.__name__] = function
    return function


class Found:
    """What was measured: a sentence, and whether each part of it is as it should be."""

    def __init__(self):
        self.parts = []
        self.is_reached = True

    def add(self, text, is_reached=True):
        self.parts.append(text if is_reached else f"**{text}**")
        self.is_reached = self.is_reached and is_reached

    def __str__(self):
        return "; ".join(self.parts)


def p99(samples):
    return statistics.quantiles(samples, n=100)[98]


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"


def ratio(found, what, alone, meanwhile, most):
    """Adds the p99 of both, and how many times the one the other is: the median over the rounds."""
    ratios = [p99(each) / p99(other) for each, other in zip(meanwhile, alone)]
    middle = statistics.median(ratios)
    found.add(f"{what} p99 {milliseconds(p99(sum(alone, [])))} alone, {milliseconds(p99(sum(meanwhile, [])))} meanwhile: "
              f"{middle:.2f} x (median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f})", middle <= most)


class Crowd:
    """A process with many connections, so that what they cost is not ours. `work(pipe, *arguments)` runs in it."""

    def __init__(self, work, *arguments):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=work, args=(theirs, *arguments), daemon=True)
        self.process.start()

    def ask(self, what):
        self.pipe.send(what)
        return self.pipe.recv()

    def end(self):
        self.pipe.send("end")
        self.process.join()


# ---- Handshakes


@figure
def malformed():
    """1,000,000 malformed handshakes: none answered 101; at most 1 ms of CPU each"""
    found = Found()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([TEST_WIRE, "--gtest_filter=HostileHttp.Rows01To06*"], env={**os.environ, "C10K_FULL": "1"},
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
    found.add(f"{count} tests of the parsers pass, which cut their bytes at every point" if done.returncode == 0
              else done.stdout, done.returncode == 0)
    return found


def slow_crowd(pipe, port, count):
    """Says "ready" when all have begun, and how long each was left when the last is ended. A byte each now and then."""
    while pipe.recv() == "begin":
        poll = select.epoll()
        slow = {}
        for _ in range(count):
            connection = Peer(port)
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
        connection = Peer(port)
        connection.send(handshake())
        connection.opened()
        times.append(time.monotonic() - began)
        connection.close()
    return times


@figure
def slow_handshakes():
    """5,000 slow handshakes: all gone by the deadline + 1 s; a good handshake's p99 at most 2 x meanwhile"""
    found = Found()
    deadline = 5
    server = Server("--set", f"head_time={deadline}s")
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


# ---- Groups

MEMBERS = 1000  # that read, and as many that stop
MESSAGE = 2 * KIBIBYTE
OUTBOX = MEBIBYTE


def kernel_memory(port):
    """What the kernel holds for the server's sockets: sent and unsent, received and unread, in bytes."""
    listed = subprocess.run(["ss", "-tmnH", f"( sport = :{port} )"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sum(int(received) + int(forward) + int(queued) for received, forward, queued in
               re.findall(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),", listed))


def memory(server):
    return server.memory() + kernel_memory(server.port)


def other_members(pipe, port, path):
    """Members that read when they are told to "read", and do not when they are told to "stall"."""
    members = [Peer(port) for _ in range(MEMBERS)]
    poll = select.epoll()
    for member in members:
        member.open(path)
        member.socket.setblocking(False)
        poll.register(member.socket, 0)
    by_descriptor = {member.socket.fileno(): member for member in members}
    poll.register(pipe.fileno(), select.EPOLLIN)
    pipe.send("ready")
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != pipe.fileno():
                with contextlib.suppress(BlockingIOError):
                    by_descriptor[descriptor].socket.recv(MEBIBYTE)
                continue
            told = pipe.recv()
            if told == "end":
                return
            for member in members:
                poll.modify(member.socket, select.EPOLLIN if told == "read" else 0)
            pipe.send("done")


class Readers:
    """Members that read, and one who sends to the group and knows when."""

    def __init__(self, port, path):
        self.sender = Peer(port)
        self.sender.open("/publish/")
        self.poll = select.epoll()
        self.members = {}
        for _ in range(MEMBERS):
            member = Peer(port)
            member.open(path)
            member.socket.setblocking(False)
            self.members[member.socket.fileno()] = member.socket
            self.poll.register(member.socket, select.EPOLLIN)

    def publish(self):
        """Sends one message. Returns how long it took to each of the members, in seconds."""
        self.sender.send(frame(TEXT, "x" * MESSAGE))
        began = time.monotonic()
        missing = dict.fromkeys(self.members, MESSAGE + 4)
        times = []
        while missing:
            for descriptor, _ in self.poll.poll(support.PATIENCE):
                missing[descriptor] -= len(self.members[descriptor].recv(MEBIBYTE))
                if missing[descriptor] == 0:
                    times.append(time.monotonic() - began)
                    del missing[descriptor]
        return times

    def times(self, count):
        """The same for many, ten in a second."""
        times = []
        for _ in range(count):
            due = time.monotonic() + 0.1
            times += self.publish()
            time.sleep(max(0, due - time.monotonic()))
        return times


def stalled_with(found, policy):
    path = f"/member/{policy}/"
    server = Server("--set", f"slow_bytes={OUTBOX}", "--set", f"slow_limit_bytes={OUTBOX}", "--set", "ping_interval=10m")
    others = Crowd(other_members, server.port, path)
    others.pipe.recv()
    readers = Readers(server.port, path)
    others.ask("read")
    readers.times(20)
    base = memory(server)
    bound = base + MEMBERS * (OUTBOX + MESSAGE) * 1.25
    most = 0
    alone, meanwhile = [], []
    for _ in range(ROUNDS):
        alone.append(readers.times(50))
        others.ask("stall")
        for _ in range(2 * OUTBOX // MESSAGE):  # until each would have twice what it may
            readers.publish()
        meanwhile.append(readers.times(50))
        most = max(most, memory(server))
        others.ask("read")
        support.eventually(lambda: memory(server) < base + (bound - base) / 10, "the others have caught up")
    found.add(f"{policy}: {(most - base) / MEMBERS / KIBIBYTE:.0f} KiB for each stalled member, the kernel's included, of "
              f"{(bound - base) / MEMBERS / KIBIBYTE:.0f}", most <= bound)
    ratio(found, "the others'", alone, meanwhile, 1.2)
    dropped = server.metric("c10k_messages_dropped_total")
    found.add(f"{dropped} messages dropped, and counted", dropped > 0)
    others.end()
    server.stop()


@figure
def stalled():
    """1,000 of 2,000 members of a group stalled: memory at most base + 1,000 x (outbox limit + 1 message) x 1.25; the
    others' p99 at most 1.2 x"""
    found = Found()
    for policy in ("oldest", "newest"):
        stalled_with(found, policy)
    return found


# ---- Faults


@figure
def descriptors():
    """Descriptors exhausted: CPU under 5%, at most 1 log line/s, accepting again within 1 s of the first free one"""
    found = Found()
    if peer.BACKEND != "epoll":
        found.add("with epoll only: io_uring's sockets are no descriptors")
        return found
    server = Server(prefix=("prlimit", "--nofile=128:128"))
    waiting = [Peer(server.port) for _ in range(300)]
    for connection in waiting:
        connection.send(handshake())
    time.sleep(1)
    served = [connection for connection in waiting if connection.is_readable()]
    for connection in served:
        connection.opened()
    lines, cpu, began = server.line_count, server.cpu(), time.monotonic()
    time.sleep(5)
    watched = time.monotonic() - began
    share = (server.cpu() - cpu) / watched
    complaints = [line for line in server.output.splitlines()[lines:] if "cannot accept" in line]
    found.add(f"{len(served)} of {len(waiting)} served, {share:.2%} CPU", share < 0.05)
    found.add(f"{len(complaints)} log lines in {watched:.0f} s", len(complaints) <= watched + 1)
    later = [connection for connection in waiting if connection not in served]
    took = []
    for connection in served[:20]:
        connection.close()
        began = time.monotonic()
        ready, _, _ = select.select([each.socket for each in later], [], [], support.PATIENCE)
        took.append(time.monotonic() - began)
        later = [each for each in later if each.socket not in ready]
    found.add(f"the next was served {milliseconds(max(took))} after one had ended, at most", max(took) <= 1)
    server.stop()
    return found


@figure
def sigterm():
    """SIGTERM, 1,000 connections: all see 1001, nothing accepted is unsent, exit 0 within 2 s"""
    found = Found()
    size = 16 * KIBIBYTE
    server = Server()
    crowd = [Peer(server.port) for _ in range(1000)]
    for connection in crowd:
        connection.open("/echo/")
    message = frame(peer.BINARY, b"b" * size)
    for connection in crowd:
        connection.send(message)
    heads = [connection.frame() for connection in crowd]  # the echo is on its way to all
    for connection in crowd:
        connection.send(message)
    for connection in crowd:
        connection.is_readable()
    echoes = [connection._exactly(4) for connection in crowd]  # the server has taken the second, too
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    closed = 0
    for connection, echo in zip(crowd, echoes):
        connection._exactly(size)
        closed += echo[0] == 0x82 and connection.closed()[0] == 1001
        connection.send(close_frame(1001))
        connection.close()
    status = server.wait()
    took = time.monotonic() - began
    found.add(f"{len(heads)} connections, {closed} got their last message and 1001", closed == len(crowd))
    found.add(f"exit {status} after {took:.2f} s", status == 0 and took <= 2)
    return found


def aborting_crowd(pipe, port, count):
    for number in range(count):
        connection = Peer(port)
        if number % 2:
            connection.send(handshake())
        connection.abort()
    pipe.send("done")
    pipe.recv()


@figure
def aborts():
    """100,000 connects and aborts: descriptors back to base, memory slope about 0"""
    found = Found()
    server = Server("--verbosity", "0")
    base = server.descriptors()
    samples = []
    for part in range(20):
        crowd = Crowd(aborting_crowd, server.port, 5000)
        crowd.pipe.recv()
        crowd.end()
        support.eventually(lambda: server.descriptors() == base, "all descriptors are back")
        time.sleep(1.2)  # a second after the last has ended, free memory goes back
        samples.append((part * 5000, server.memory()))
    warm = samples[4:]
    line = statistics.linear_regression([at for at, _ in warm], [size for _, size in warm])
    found.add(f"descriptors: {base} before and after")
    found.add(f"memory {warm[0][1] // KIBIBYTE} KiB after 25,000, {warm[-1][1] // KIBIBYTE} KiB at last: "
              f"{line.slope:.2f} bytes for each", line.slope < 1)
    server.stop()
    return found


@figure
def half_open():
    """1,000 half-open peers: all closed at ping interval + timeout, within 1 s"""
    found = Found()
    interval, timeout = 3, 3
    server = Server("--set", f"ping_interval={interval}s", "--set", f"ping_timeout={timeout}s")
    poll = select.epoll()
    silent = {}
    for _ in range(1000):
        connection = Peer(server.port)
        connection.open("/ignore/")
        silent[connection.socket.fileno()] = (connection, time.monotonic())
        poll.register(connection.socket, select.EPOLLRDHUP)
    lasted = []
    while silent:
        for descriptor, _ in poll.poll(support.PATIENCE):
            connection, began = silent.pop(descriptor)
            lasted.append(time.monotonic() - began)
            poll.unregister(descriptor)
            connection.close()
    found.add(f"closed {min(lasted):.2f} to {max(lasted):.2f} s after their last word, with {interval} s and {timeout} s",
              abs(max(lasted) - interval - timeout) <= 1 and abs(min(lasted) - interval - timeout) <= 1)
    server.stop()
    return found


@figure
def churning():
    """10 minutes of mixed load and abuse after 2 minutes of warm-up: upper 95% bound of the memory slope x 24 h at most
    10 MiB"""
    found = Found()
    server = Server("--set", "close_time=2s", "--set", "head_time=2s", "--verbosity", "0")
    base = (server.sockets(), server.descriptors())
    samples = []
    began = time.monotonic()

    def sample():
        now = time.monotonic() - began
        if not samples or now > samples[-1][0] + 1:
            samples.append((now, server.memory()))

    count = churn.churn(server.port, "/echo/", began + 720, sample)
    middle, bound = churn.slope([each for each in samples if each[0] > 120])
    support.eventually(lambda: (server.sockets(), server.descriptors()) == base, "all is back")
    found.add(f"{count} connections, {samples[-1][1] // KIBIBYTE} KiB at last")
    found.add(f"slope {middle * 24 / MEBIBYTE:.2f} MiB in 24 h, with 95% at most {bound * 24 / MEBIBYTE:.2f}",
              bound * 24 <= 10 * MEBIBYTE)
    found.add("sockets and descriptors back to base")
    server.stop()
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    chosen = options.parse_args().figures or list(FIGURES)
    if unknown := [name for name in chosen if name not in FIGURES]:
        options.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    kernel = platform.release()
    print(f"`{' '.join(['tests/hostile/figures.py', *sys.argv[1:]])}`, {time.strftime('%Y-%m-%d')}, "
          f"{peer.BACKEND or 'auto'} with {peer.WORKERS} loops, {os.cpu_count()} cores, Linux {kernel}, load "
          f"{os.getloadavg()[0]:.1f} at first:\n\n| figure | found | reached |\n|---|---|---|", flush=True)
    are_reached = True
    for name in chosen:
        found = FIGURES[name]()
        are_reached = are_reached and found.is_reached
        what = " ".join(FIGURES[name].__doc__.split())
        print(f"| {what} | {found} | {'yes' if found.is_reached else '**no**'} |", flush=True)
    return 0 if are_reached else 1


if __name__ == "__main__":
    sys.exit(main())
