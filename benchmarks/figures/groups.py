"""A group half of whose members stop reading."""

import contextlib
import re
import select
import socket
import subprocess
import time

from figures.measuring import LONG_ROUNDS, Crowd, Found, figure, ratio
from harness import KIBIBYTE, MEBIBYTE, HostileServer
from support.frames import TEXT, frame
from support.tcp import RawClient
from support.waiting import PATIENCE, eventually

MEMBERS = 1000  # that read, and as many that stop
MESSAGE = 2 * KIBIBYTE
OUTBOX = MEBIBYTE
KERNEL_PATIENCE = 240  # seconds: the longer a peer has taken nothing, the longer the kernel waits until it tries again


def kernel_memory(port):
    """What the kernel holds for the server's sockets: sent and unsent, received and unread, in bytes."""
    listed = subprocess.run(["ss", "-tmnH", f"( sport = :{port} )"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sum(int(received) + int(forward) + int(queued) for received, forward, queued in
               re.findall(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),", listed))


def memory(server):
    return server.memory() + kernel_memory(server.port)


def other_members(pipe, port, path):
    """Members that read when they are told to "read", and do not when they are told to "stall".

    What their own kernel takes in for them is small: left to itself it grows to megabytes, until the server has nothing
    left to hold, and the system no memory for TCP.
    """
    members = [RawClient(port) for _ in range(MEMBERS)]
    poll = select.epoll()
    for member in members:
        member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIBIBYTE)
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
        self.sender = RawClient(port)
        self.sender.open("/publish/")
        self.poll = select.epoll()
        self.members = {}
        for _ in range(MEMBERS):
            member = RawClient(port)
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
            for descriptor, _ in self.poll.poll(PATIENCE):
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
    server = HostileServer("--set", f"slow_bytes={OUTBOX}", "--set", f"slow_limit_bytes={OUTBOX}", "--set", "ping_interval=3600s")
    others = Crowd(other_members, server.port, path)
    others.pipe.recv()
    readers = Readers(server.port, path)
    others.ask("read")
    readers.times(20)
    base = memory(server)
    bound = base + MEMBERS * (OUTBOX + MESSAGE) * 1.25
    most = 0
    alone, meanwhile = [], []
    for _ in range(LONG_ROUNDS):
        alone.append(readers.times(50))
        others.ask("stall")
        for _ in range(2 * OUTBOX // MESSAGE):  # until each would have twice what it may
            readers.publish()
        meanwhile.append(readers.times(50))
        most = max(most, memory(server))
        others.ask("read")
        eventually(lambda: memory(server) < base + (bound - base) / 10, "the others have caught up", KERNEL_PATIENCE)
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
