"""``manage.py runserver``: Django's, with pages and WebSockets on c10k."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.utils import autoreload
from django.utils.module_loading import import_string

from c10ktools import conf
from c10ktools.reloading import Children
from c10ktools.sockets import hand_down, open_listener, take_over

if apps.is_installed("django.contrib.staticfiles"):
    from django.contrib.staticfiles.management.commands.runserver import Command as DjangoCommand
else:
    from django.core.management.commands.runserver import Command as DjangoCommand

_FIRST_REQUEST_SECONDS = 0.5
_ERRORS = {
    errno.EACCES: "You don't have permission to access that port.",
    errno.EADDRINUSE: "That port is already in use.",
    errno.EADDRNOTAVAIL: "That IP address can't be assigned to.",
}


class Command(DjangoCommand):
    """All options, address forms and the reloader are Django's. What differs: the server, and who opens its socket."""

    help = "Starts a development server for pages and WebSockets."

    #: How a view has ended the server, on the reloader's thread for it.
    _exit: SystemExit | None = None

    def run(self, **options: Any) -> None:
        """Opens the socket in the outer process; a child of the reloader takes it over."""
        self._listener = take_over() or self._open_listener()
        if options["use_reloader"] and os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) != "true":
            hand_down(self._listener)
            sys.exit(Children().run())
        try:
            super().run(**options)
        except SystemExit:
            if self._exit is not None:
                raise self._exit from None
            raise

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Checks the project and serves it: on the main thread, or under the reloader on another one."""
        autoreload.raise_last_exception()
        self.stdout.write("Performing system checks...\n\n")
        self.check(display_num_errors=True)
        self.check_migrations()
        try:
            _Serving(self._application(**options), self._listener, self._write_banner).run()
        except (ImportError, OSError, ValueError) as error:
            self.stderr.write(f"Error: {error}")
            if not options["use_reloader"]:
                sys.exit(1)
            # Under the reloader the next change of a file tries again.
        except (KeyboardInterrupt, SystemExit) as interrupt:
            self._end_process(interrupt, **options)
        else:
            if message := options.get("shutdown_message", ""):
                self.stdout.write(message)

    def _end_process(self, interrupt: BaseException, shutdown_message: str = "", **options: Any) -> None:
        """Exits as a view has asked for: also from the reloader's thread, which ends nothing but itself by that."""
        if isinstance(interrupt, KeyboardInterrupt):
            self.stdout.write(shutdown_message)
        self._exit = interrupt if isinstance(interrupt, SystemExit) else SystemExit(0)
        main = threading.main_thread()
        if threading.current_thread() is main:
            raise self._exit from None
        assert main.ident is not None  # it has started
        signal.pthread_kill(main.ident, signal.SIGTERM)  # the reloader exits

    def _open_listener(self) -> socket.socket:
        try:
            return open_listener(self.addr, int(self.port), ipv6=self.use_ipv6)
        except OSError as error:
            self.stderr.write(f"Error: {_ERRORS.get(error.errno or 0, error)}")
            sys.exit(1)

    def _write_banner(self) -> None:
        address = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        # "--port 0" has asked for any port.
        port = self._listener.getsockname()[1]
        self.stdout.write(
            f"{datetime.now().strftime('%B %d, %Y - %X')}\n"
            f"Django version {self.get_version()}, using settings {settings.SETTINGS_MODULE!r}\n"
            f"Starting c10k development server at {self.protocol}://{address}:{port}/\n"
            "Quit the server with CONTROL-C."
        )
        self.stdout.flush()

    def _application(self, **options: Any) -> Any:
        """Pages by ASGI_APPLICATION if it is set, else by WSGI."""
        if getattr(settings, "ASGI_APPLICATION", None):
            return self._asgi_application(**options)
        from c10ktools.application import DjangoApplication
        from c10ktools.wsgi import WsgiPages

        return DjangoApplication(
            WsgiPages(self.get_handler(**options), threads=None if options["use_threading"] else 1)
        )


    def _asgi_application(
        self, use_static_handler: bool = False, insecure_serving: bool = False, **options: Any
    ) -> Any:
        from c10k.asgi import Application

        application = import_string(settings.ASGI_APPLICATION)
        if use_static_handler and (settings.DEBUG or insecure_serving):
            application = ASGIStaticFilesHandler(application)
        # The lines of c10k.access look as those of Django's server.
        access = logging.getLogger("c10k.access")
        access.handlers, access.propagate = logging.getLogger("django.server").handlers, False
        access.setLevel(logging.INFO)
        return Application(application, access_log=True)


class _Serving:
    """The engine while it runs, and its end: by a signal, or because the reloader ends the process."""

    def __init__(self, application: Any, listener: socket.socket, on_listening: Callable[[], None]) -> None:
        from c10k import Runner

        self._note_listening = on_listening

        self._process = os.getpid()
        self._is_reloading = False
        self._watchdog: Any = None
        self._runner = Runner(
            application,
            sockets=[listener],
            settings={
                "debug": str(settings.DEBUG).lower(),
                "shutdown_time": f"{conf.get('C10K_STOP_SECONDS') * 1000:.0f}ms",
                **conf.engine_settings(),
            },
            on_listening=self._on_listening,
        )

    def run(self) -> None:
        """Serves until the end. Raises ValueError for wrong settings of the engine."""
        autoreload.file_changed.connect(self._note_change)
        try:
            self._runner.run()
        finally:
            if self._watchdog is not None:
                self._watchdog.stop()
            autoreload.file_changed.disconnect(self._note_change)
            atexit.unregister(self._end)

    def _on_listening(self, addresses: list[str]) -> None:
        atexit.register(self._end)  # later than the runner's own, and so before it
        self._note_listening()
        if not settings.DEBUG:
            return
        from c10k.loop import Selector, current_server

        from c10ktools.watchdog import Watchdog

        server = current_server()
        seconds = conf.get("C10K_BLOCKED_SECONDS")
        self._watchdog = Watchdog(lambda: server.turns, sleeps_in=Selector.select.__code__, seconds=seconds)
        self._watchdog.start()

    def _note_change(self, **kwargs: Any) -> None:
        self._is_reloading = True

    def _end(self) -> None:
        """On the main thread, when the interpreter exits: the engine must not run any longer than the interpreter."""
        if os.getpid() != self._process:  # a child of fork()
            return
        # The outer process may send a signal that the terminal has sent already.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if self._is_reloading:
            # Connections whose first request is on its way get an answer: their clients would see a refusal.
            self._runner.stop(1012, "the server is reloading", _FIRST_REQUEST_SECONDS)
        else:
            self._runner.stop(1001, "the server is shutting down")
        self._runner.wait(_FIRST_REQUEST_SECONDS + self._runner.shutdown_time + conf.get("C10K_STOP_SECONDS") + 5)
