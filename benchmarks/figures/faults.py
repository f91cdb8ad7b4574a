"""Faults: no descriptors left, peers that are half open, and an end under load."""

import select
import signal
import time

from figures.measuring import Found, figure, milliseconds
from harness import KIBIBYTE, HostileServer, handshake_request
from support.environment import BACKEND
from support.frames import BINARY, close_frame, frame
from support.tcp import RawClient
from support.waiting import PATIENCE


@figure
def descriptors():
    """Descriptors exhausted: CPU under 5%, at most 1 log line/s, accepting again within 1 s of the first free one"""
    found = Found()
    if BACKEND != "epoll":
        found.add("with epoll only: io_uring's sockets are no descriptors")
        return found
    server = HostileServer(prefix=("prlimit", "--nofile=128:128"))
    waiting = [RawClient(server.port) for _ in range(300)]
    for connection in waiting:
        connection.send(handshake_request())
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
        ready, _, _ = select.select([each.socket for each in later], [], [], PATIENCE)
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
    server = HostileServer()
    crowd = [RawClient(server.port) for _ in range(1000)]
    for connection in crowd:
        connection.open("/echo/")
    message = frame(BINARY, b"b" * size)
    for connection in crowd:
        connection.send(message)
    heads = [connection.frame() for connection in crowd]  # the echo is on its way to all
    for connection in crowd:
        connection.send(message)
    for connection in crowd:
        connection.is_readable()
    echoes = [connection.exactly(4) for connection in crowd]  # the server has taken the second, too
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    closed = 0
    for connection, echo in zip(crowd, echoes):
        connection.exactly(size)
        closed += echo[0] == 0x82 and connection.closed()[0] == 1001
        connection.send(close_frame(1001))
        connection.close()
    status = server.wait()
    took = time.monotonic() - began
    found.add(f"{len(heads)} connections, {closed} got their last message and 1001", closed == len(crowd))
    found.add(f"exit {status} after {took:.2f} s", status == 0 and took <= 2)
    return found


@figure
def half_open():
    """1,000 half-open peers: all closed at ping interval + timeout, within 1 s"""
    found = Found()
    interval, timeout = 3, 3
    server = HostileServer("--set", f"ping_interval={interval}s", "--set", f"ping_timeout={timeout}s")
    poll = select.epoll()
    silent = {}
    for _ in range(1000):
        connection = RawClient(server.port)
        connection.open("/ignore/")
        silent[connection.socket.fileno()] = (connection, time.monotonic())
        poll.register(connection.socket, select.EPOLLRDHUP)
    lasted = []
    while silent:
        for descriptor, _ in poll.poll(PATIENCE):
            connection, began = silent.pop(descriptor)
            lasted.append(time.monotonic() - began)
            poll.unregister(descriptor)
            connection.close()
    found.add(f"closed {min(lasted):.2f} to {max(lasted):.2f} s after their last word, with {interval} s and {timeout} s",
              abs(max(lasted) - interval - timeout) <= 1 and abs(min(lasted) - interval - timeout) <= 1)
    server.stop()
    return found
