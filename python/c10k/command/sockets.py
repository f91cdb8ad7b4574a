"""Opens the sockets on which the server listens."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import stat
from typing import Any

__all__ = ["CannotListen", "open_sockets"]

_Address = tuple[Any, ...]  # of a socket


class CannotListen(Exception):
    """It cannot listen there. The text says what to do."""


def open_sockets(options: argparse.Namespace, sets: int) -> list[list[socket.socket]]:
    """Bound sockets, which do not listen yet: for each of ``sets`` workers those of its own, if the kernel has that.

    Raises:
        CannotListen: the address is in use, not ours or none.
    """
    if options.fd is not None:
        return [[_inherited(options.fd)]] * sets
    if options.uds is not None:
        return [[_unix(options.uds)]] * sets
    addresses = _addresses(options.host, options.port)
    first = _bind_all(addresses, options, is_shared=False)
    if sets == 1:
        return [first]
    # The kernel shares connections out among sockets of one port. Only now is it sure that no other server is there.
    names: list[tuple[int, _Address]] = [(each.family, each.getsockname()) for each in first]
    for each in first:
        each.close()
    return [_bind_all(names, options, is_shared=True) for _ in range(sets)]


def _inherited(fd: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=os.dup(fd))
        is_listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise CannotListen(f"--fd {fd} is no socket: {error.strerror}. Who starts c10k has to open it.") from None
    if not is_listening:
        raise CannotListen(f"--fd {fd} is a socket that does not listen. Who starts c10k has to call listen().")
    return listener


def _unix(path: str) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        os.chmod(path, 0o666)  # as uvicorn: who may connect is decided by the folder
    except OSError as error:
        listener.close()
        raise CannotListen(f"Cannot make the socket {path}: {error.strerror}.") from None
    return listener


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise CannotListen(f"{path} exists and is no socket. Choose another --uds, or remove it.")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError as error:
            raise CannotListen(f"Cannot use {path}: {error.strerror}.") from None
        else:
            raise CannotListen(f"Another server listens on {path}. Stop it, or choose another --uds.")


def _addresses(host: str, port: int) -> list[tuple[int, _Address]]:
    try:
        found = socket.getaddrinfo(
            None if host in ("", "*") else host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise CannotListen(
            f"There is no host {host!r}: {error.strerror}. --host is an address of this machine."
        ) from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bind_all(
    addresses: list[tuple[int, _Address]], options: argparse.Namespace, *, is_shared: bool
) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    port = 0
    for family, address in addresses:
        if address[1] == 0:
            address = (address[0], port, *address[2:])
        try:
            bound = _bind(family, address, is_shared)
        except OSError as error:
            is_missing = error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
            if is_missing and len(addresses) > 1 and (sockets or address != addresses[-1][1]):
                continue  # such as ::1 where there is no IPv6
            for each in sockets:
                each.close()
            raise CannotListen(_explain(error, options)) from None
        port = bound.getsockname()[1]
        sockets.append(bound)
    return sockets


def _bind(family: int, address: _Address, is_shared: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _explain(error: OSError, options: argparse.Namespace) -> str:
    host, port = options.host, options.port
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use. Stop the program that has it (ss -ltnp 'sport = :{port}' names it), "
            f"or choose another: --port {port + 1}."
        )
    if error.errno == errno.EACCES:
        return (
            f"Only root may listen on port {port}. Choose one from 1024, such as --port 8000, and put nginx in front, "
            f"or let systemd open the socket and pass it: --fd 3."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. --host 0.0.0.0 listens on all of its IPv4 addresses."
    return f"Cannot listen on {host}:{port}: {error.strerror}."
