"""The listening socket of ``runserver``: the outer process opens it once, and each child of the reloader inherits it.

While no child accepts, the kernel queues connections: clients wait for the reload, and none is refused. A child ends
with the outer process, however that ends, since otherwise it would keep the address in use.
"""

from __future__ import annotations

import os
import signal
import socket
import threading

#: How many connections wait in the kernel while no process accepts them.
BACKLOG = 4096
#: Where a child finds what it inherits: the outer process, the socket, and a pipe that ends with it, as "PID:FD:FD".
VARIABLE = "C10K_RUNSERVER_SOCKET"


def open_listener(host: str, port: int, *, ipv6: bool = False) -> socket.socket:
    """A listening socket.

    Args:
        host: an address, or a name that stands for one.
        port: 0 for any that is free.
        ipv6: whether the address is an IPv6 one.

    Raises:
        OSError: the address is no address, is in use, or is not ours.

    Example::

        listener = open_listener("127.0.0.1", 8000)
    """
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def hand_down(listener: socket.socket) -> None:
    """Lets the children of this process inherit ``listener``, by descriptor and environment."""
    alive, _ = os.pipe()  # the other end stays open until this process ends
    for descriptor in (listener.fileno(), alive):
        os.set_inheritable(descriptor, True)
    os.environ[VARIABLE] = f"{os.getpid()}:{listener.fileno()}:{alive}"


def take_over() -> socket.socket | None:
    """The socket that the parent has handed down, if there is one. Programs that this process starts do not get it.

    When the parent ends, this process gets a SIGINT.
    """
    pid, *descriptors = os.environ.pop(VARIABLE, "").split(":")
    # A grandchild may have inherited the environment without the socket.
    if pid != str(os.getppid()):
        return None
    try:
        number, alive = map(int, descriptors)
        listener = socket.socket(fileno=number)
        os.set_inheritable(alive, False)
    except (OSError, ValueError):
        return None
    listener.set_inheritable(False)
    threading.Thread(target=_end_with_parent, args=[alive], name="c10k-parent", daemon=True).start()
    return listener


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGINT)
