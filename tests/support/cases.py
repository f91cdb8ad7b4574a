"""Base classes of tests, and main()."""

import asyncio
import faulthandler
import sys
import unittest

from . import environment
from .process import ManageServer
from .tcp import RawClient


class AsyncTestCase(unittest.IsolatedAsyncioTestCase):
    """Tests that may be coroutines."""

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # unittest sets it, and asyncio is ten times slower with it


class ServerTestCase(AsyncTestCase):
    """Tests that share one server, which must outlive them all and then end in good order."""

    @classmethod
    def setUpClass(cls):
        cls.server = ManageServer()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def connect(self):
        connection = RawClient(self.server.port)
        self.addCleanup(connection.close)
        return connection


class CommandTestCase(unittest.TestCase):
    """Tests of command lines."""

    def assert_one_line(self, program, *words, status=1):
        """It failed, and said why in one line."""
        self.assertEqual(program.status, status, program.output)
        self.assertEqual(len(program.stderr), 1, program.output)
        for word in words:
            self.assertIn(word, program.stderr[0])

    def serve(self, *options, **process_options):
        server = ManageServer(*options, **process_options)
        self.addCleanup(server.kill)
        return server


def main(longest=280):
    """Runs the tests of the calling file, unless they are not for here. One that hangs for all that shows where, after
    `longest` seconds."""
    if not environment.MANAGE.exists():
        sys.exit(f"{environment.MANAGE} is not there: build it, or say in C10K_BUILD where it is")
    environment.exit_if_not_for_here()
    faulthandler.dump_traceback_later(longest, exit=True)
    unittest.main(verbosity=2)
