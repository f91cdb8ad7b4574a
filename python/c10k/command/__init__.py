"""The command ``python3 -m c10k``."""

from __future__ import annotations

import argparse
import os
import socket

from .control import Supervised
from .logs import configure
from .options import parse
from .serving import CANNOT_SERVE, WRONG_OPTIONS, complain, serve
from .sockets import CannotListen, open_sockets
from .supervisor import Reloader, Supervisor

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command, and returns its exit status.

    Args:
        arguments: of the command line; those of the process if they are left out.
    """
    parent = Supervised.inherited()
    options = parse(arguments)
    try:
        configure(options)
    except OSError as error:
        complain(f"Cannot read {error.filename}: {error.strerror}.")
        return WRONG_OPTIONS
    except Exception as error:  # whatever logging says of a wrong configuration
        complain(f"The file {options.log_config} is wrong: {error}.")
        return WRONG_OPTIONS
    try:
        return serve(options, parent.listeners, parent) if parent else _serve(options)
    except CannotListen as error:
        complain(error)
        return CANNOT_SERVE
    except KeyboardInterrupt:  # while it started, or a second time
        return 130


def _serve(options: argparse.Namespace) -> int:
    slots = open_sockets(options, options.workers)
    try:
        if options.workers == 1 and not options.reload:
            return serve(options, slots[0])
        for listener in [each for slot in slots for each in slot]:
            listener.listen(options.backlog)
        _say_where(slots[0])
        return Reloader(options, slots[0]).run() if options.reload else Supervisor(options, slots).run()
    except OSError as error:
        raise CannotListen(f"Cannot listen: {error.strerror or error}.") from None
    finally:
        for listener in [each for slot in slots for each in slot]:
            listener.close()
        if options.uds:
            os.unlink(options.uds)


def _say_where(listeners: list[socket.socket]) -> None:
    import logging

    for listener in listeners:
        name = listener.getsockname()
        logging.getLogger("c10k").info("c10k listens on %s", name if isinstance(name, str) else f"{name[0]}:{name[1]}")
