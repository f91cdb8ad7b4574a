"""Serves in this process."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys

from ..asgi import App, Application, django_engine_settings
from ..lifespan import StartupFailed
from ..loop import Runner
from .apps import AppNotFound, load
from .control import Supervised
from .options import SETTINGS, engine_settings

__all__ = ["CANNOT_SERVE", "STARTUP_FAILED", "WRONG_OPTIONS", "complain", "serve"]

logger = logging.getLogger("c10k")

CANNOT_SERVE = 1
WRONG_OPTIONS = 2
STARTUP_FAILED = 3


def complain(text: object) -> None:
    """Says on standard error why the command ends."""
    print(f"c10k: error: {text}", file=sys.stderr, flush=True)


class _Served(Application):
    """Listens once it has started, and tells the process that supervises this one."""

    def __init__(
        self, app: App, options: argparse.Namespace, listeners: list[socket.socket], parent: Supervised | None
    ) -> None:
        is_logged = options.access_log and logging.getLogger("c10k.access").isEnabledFor(logging.INFO)
        super().__init__(app, lifespan=options.lifespan, root_path=options.root_path, access_log=is_logged)
        self.runner: Runner | None = None
        self.is_starting = False
        self._backlog = options.backlog
        self._listeners = listeners
        self._parent = parent

    async def startup(self) -> None:
        self.is_starting = True
        await super().startup()
        if self._parent is None:
            for listener in self._listeners:
                listener.listen(self._backlog)
        elif self.runner is not None:
            self._parent.attach(self.runner)

    async def shutdown(self) -> None:
        if self._parent is not None:
            self._parent.detach()
        await super().shutdown()


def serve(options: argparse.Namespace, listeners: list[socket.socket], parent: Supervised | None = None) -> int:
    """Serves the application of the options until it is asked to end. Returns the exit status.

    Args:
        options: of the command line.
        listeners: bound sockets; with a parent, they listen already.
        parent: the process that supervises this one.
    """
    try:
        app = load(options.app, folder=options.app_dir, is_factory=options.factory)
        settings = {**django_engine_settings(), **engine_settings(options)}
    except AppNotFound as error:
        complain(error)
        return CANNOT_SERVE
    except ValueError as error:  # in the settings of the project
        complain(error)
        return WRONG_OPTIONS
    served = _Served(app, options, listeners, parent)

    def on_listening(addresses: list[str]) -> None:
        scheme = "https" if options.ssl_certfile else "http"
        names = ", ".join(each if each.startswith("unix:") else f"{scheme}://{each}" for each in addresses)
        if parent is None:
            logger.info("c10k serves %s, as process %d (Ctrl+C ends it)", names, os.getpid())
        else:
            parent.say_ready()

    served.runner = Runner(
        served,
        sockets=listeners,
        settings=settings,
        on_listening=on_listening,
        second_signal_ends=parent is None,  # a supervisor has stronger means
    )
    try:
        served.runner.run()
    except StartupFailed as error:
        logger.error("The application failed to start: %s", error)
        return STARTUP_FAILED
    except (ValueError, RuntimeError) as error:
        if served.is_starting:
            raise
        complain(_explain(str(error), options))
        return WRONG_OPTIONS
    except OSError as error:
        complain(f"Cannot listen: {error.strerror or error}.")
        return CANNOT_SERVE
    return 0


def _explain(problems: str, options: argparse.Namespace) -> str:
    """The engine's complaints about settings, with the options that these come from."""
    given = {setting: option for option, setting in SETTINGS.items() if getattr(options, option) is not None}
    given |= {"tls_certificate": "ssl_certfile", "tls_key": "ssl_keyfile", "trusted_proxies": "forwarded_allow_ips"}
    lines = []
    for line in problems.splitlines():
        line = line.removeprefix("settings: ")
        names = [name for name in given if name in line and name not in dict(options.set)]
        source = "--" + given[names[0]].replace("_", "-") if names else "--set"
        lines.append(f"{source}: {line}")
    return "\n             ".join(lines)
