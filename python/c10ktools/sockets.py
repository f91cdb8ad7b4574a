"""The listening socket of ``runserver``: the outer process opens it once, and each child of the reloader inherits it.

While no child accepts, the kernel queues connections: clients wait for the reload, and none is refused.
"""

from __future__ import annotations

import os
import socket

#: How many connections wait in the kernel while no process accepts them.
BACKLOG = 4096
#: Where a child finds the socket: the outer process and the descriptor, as "PID:FD".
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
    listener.set_inheritable(True)
    os.environ[VARIABLE] = f"{os.getpid()}:{listener.fileno()}"


def take_over() -> socket.socket | None:
    """The socket that the parent has handed down, if there is one. Programs that this process starts do not get it."""
    pid, _, descriptor = os.environ.pop(VARIABLE, "").partition(":")
    # A grandchild may have inherited the environment without the socket.
    if pid != str(os.getppid()):
        return None
    try:
        listener = socket.socket(fileno=int(descriptor))
    except (OSError, ValueError):
        return None
    listener.set_inheritable(False)
    return listener
