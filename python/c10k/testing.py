"""A server for tests, in a process of its own.

With Channels, a test case that talks to the whole project through real sockets says:

    from c10k.testing import ServerProcess
    from channels.testing import ChannelsLiveServerTestCase

    class ChatTest(ChannelsLiveServerTestCase):
        ProtocolServerProcess = ServerProcess

        def test_the_page(self):
            urllib.request.urlopen(self.live_server_url)
"""

from __future__ import annotations

import multiprocessing.context
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from .asgi import App, Application
from .loop import Runner

__all__ = ["ServerProcess"]

# It inherits the settings and the databases of the test, as the application expects it.
_context = multiprocessing.get_context("fork")


class ServerProcess(multiprocessing.context.ForkProcess):
    """Serves an ASGI application at a free port of ``host``, from start() to terminate().

    It has the interface of ``daphne.testing.DaphneProcess``.

    Args:
        host: an address or a name of this machine.
        get_application: makes the application, in the new process.
        kwargs: settings of the engine, as in ``c10k.conf``.
        setup: called in the new process before it serves.
        teardown: called there afterwards.

    Example::

        server = ServerProcess("127.0.0.1", lambda: application)
        server.start()
        server.ready.wait()
        server.port.value
        server.terminate()
        server.join()
    """

    def __init__(
        self,
        host: str,
        get_application: Callable[[], App],
        kwargs: Mapping[str, Any] | None = None,
        setup: Callable[[], None] | None = None,
        teardown: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name="c10k-server")
        self.host = host
        self.get_application = get_application
        self.settings = dict(kwargs or {})
        self.setup = setup
        self.teardown = teardown
        #: The port, as its ``value``; 0 until it is known.
        self.port: Any = _context.Value("i")
        #: Set when the server listens, or has failed to: then `errors` says why.
        self.ready = _context.Event()
        #: Pairs of an exception and its traceback as text.
        self.errors: Any = _context.Queue()

    def run(self) -> None:
        """Serves, in the new process. Call ``start()``, which does that."""
        try:
            if self.setup is not None:
                self.setup()
            try:
                application = Application(self.get_application())
                Runner(
                    application, bind=[(self.host, 0)], settings=self.settings, on_listening=self._on_listening
                ).run()  # fmt: skip
            finally:
                if self.teardown is not None:
                    self.teardown()
        except BaseException as error:
            text = traceback.format_exc()
            print(f"The c10k server of the tests failed:\n{text}", file=sys.stderr, flush=True)
            self.errors.put((error, text))
            self.ready.set()  # who waits would wait for ever

    def _on_listening(self, addresses: list[str]) -> None:
        self.port.value = int(addresses[0].rpartition(":")[2])
        self.ready.set()
