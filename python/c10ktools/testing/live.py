"""``LiveServerTestCase``: Django's, with WebSockets, for tests with a real browser."""

from __future__ import annotations

from typing import Any

from django import test
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import testcases

from ..sockets import open_listener


class _NoLog:
    """Lines of an access log would stand between the dots of the tests."""

    def log_answer(self, head: Any, status: int, size: int = 0) -> None:
        pass

    def log_close(self, ws: Any, code: int) -> None:
        pass


class LiveServerThread(testcases.LiveServerThread):
    """Serves the project's pages and WebSockets on c10k. It takes the place of Django's in any test case:

        class ChatTest(StaticLiveServerTestCase):
            server_thread_class = LiveServerThread
    """

    host: str
    port: int
    error: Exception | None

    def run(self) -> None:
        """Serves until ``terminate()``. ``error`` has what has kept it from that."""
        from c10k import Runner

        from ..application import DjangoApplication
        from ..conf import engine_settings
        from ..wsgi import WsgiPages

        for alias, connection in (self.connections_override or {}).items():
            connections[alias] = connection
        try:
            with open_listener(self.host, self.port) as listener:
                self.port = listener.getsockname()[1]
                handler = self.static_handler(testcases._MediaFilesHandler(WSGIHandler()))
                application = DjangoApplication(WsgiPages(handler, log=_NoLog()), log=_NoLog())
                self._runner = Runner(
                    application,
                    sockets=[listener],
                    settings=engine_settings(),
                    on_listening=lambda _: self.is_ready.set(),
                )
                self._runner.run()
        except Exception as error:
            self.error = error
            self.is_ready.set()
        finally:
            connections.close_all()

    def terminate(self) -> None:
        """Closes the WebSockets, and waits until the thread has ended."""
        if hasattr(self, "_runner"):
            self._runner.stop()
        self.join()


class LiveServerTestCase(test.LiveServerTestCase):
    """Django's ``LiveServerTestCase`` on c10k: it serves WebSocket views as well.

    Example::

        class ChatTest(LiveServerTestCase):
            def test_two_windows_hear_each_other(self):
                first, second = webdriver.Chrome(), webdriver.Chrome()
                for window in (first, second):
                    window.get(self.live_server_url + "/lobby/")
    """

    server_thread_class = LiveServerThread
