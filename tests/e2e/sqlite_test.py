"""examples/sqlite.cpp: views that call functions of SQLite, which block, while another program locks the database."""

import http.client
import pathlib
import socket
import sqlite3
import struct
import tempfile
import threading

import websockets

from support.cases import AsyncTestCase, main
from support.environment import BUILD
from support.process import ManageServer
from support.waiting import PATIENCE, eventually

PROGRAM = BUILD / "examples/sqlite"
RESET = socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)  # close() sends RST


class SqliteTestCase(AsyncTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "chat.sqlite"

    def serve(self, *options):
        return ManageServer(*options, program=PROGRAM, env={"CHAT_DATABASE": str(self.file)})

    def lock(self):
        """Locks the database until commit() is called on what this returns."""
        other = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("begin exclusive")
        return other

    def status(self, server, path):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    async def test_messages_outlive_the_program(self):
        server = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            for text in ("hello", "é\0 'quoted'"):
                await ann.send(text)
                self.assertEqual(await ann.recv(), text)
        self.assertEqual(server.stop(), 0)
        with sqlite3.connect(self.file) as database:
            self.assertEqual(database.execute("select room, text from messages order by id").fetchall(),
                             [("lobby", "hello"), ("lobby", "é\0 'quoted'")])
        server = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as bob:
            self.assertEqual([await bob.recv(), await bob.recv()], ["hello", "é\0 'quoted'"])
        self.assertEqual(server.page("/other/latest/"), "")
        self.assertEqual(server.stop(), 0)

    async def test_the_loop_goes_on_while_a_function_waits_for_the_lock(self):
        server = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            lock = self.lock()
            await ann.send("hello")
            eventually(lambda: server.metric("c10k_blocking_running") == 1, "the function runs")
            self.assertEqual(self.status(server, "/"), 200)
            lock.execute("commit")
            self.assertEqual(await ann.recv(), "hello")
        self.assertEqual(server.stop(), 0)

    async def test_a_client_that_leaves_takes_its_function_out_of_the_queue(self):
        server = self.serve("--set", "blocking_threads=1")
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            lock = self.lock()
            await ann.send("hello")
            eventually(lambda: server.metric("c10k_blocking_running") == 1, "the first function runs")
            page = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            page.request("GET", "/lobby/latest/")
            eventually(lambda: server.metric("c10k_blocking_queued") == 1, "the second function waits")
            page.sock.setsockopt(*RESET)
            page.close()
            eventually(lambda: server.metric("c10k_blocking_queued") == 0, "the second function is dropped")
            lock.execute("commit")
            self.assertEqual(await ann.recv(), "hello")
        self.assertEqual(server.stop(), 0)

    async def test_a_full_queue_is_503_for_pages_and_handshakes_and_1013_for_websockets(self):
        server = self.serve("--set", "blocking_threads=1", "--set", "blocking_queue=1")
        ann = await websockets.connect(f"{server.ws}/lobby/")
        lock = self.lock()
        statuses = []
        pages = [threading.Thread(target=lambda: statuses.append(self.status(server, "/lobby/latest/")))
                 for _ in range(2)]
        for page in pages:
            page.start()
        eventually(lambda: server.metric("c10k_blocking_running") + server.metric("c10k_blocking_queued") == 2,
                   "both functions are there")
        self.assertEqual(self.status(server, "/lobby/latest/"), 503)
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await websockets.connect(f"{server.ws}/lobby/")
        self.assertEqual(refused.exception.status_code, 503)
        await ann.send("hello")
        await ann.wait_closed()
        self.assertEqual(ann.close_code, 1013)
        self.assertEqual(server.strikes("blocking_queue"), 3)
        lock.execute("commit")
        for page in pages:
            page.join(PATIENCE)
        self.assertEqual(statuses, [200, 200])
        self.assertEqual(server.stop(), 0)
        self.assertIn("limits that struck: blocking_queue 3", server.output)

    async def test_a_server_that_ends_waits_for_the_function_that_runs(self):
        server = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            lock = self.lock()
            await ann.send("the last words")
            eventually(lambda: server.metric("c10k_blocking_running") == 1, "the function runs")
            server.signal(15)
            await ann.wait_closed()
            self.assertIsNone(server.process.poll())
            lock.execute("commit")
            self.assertEqual(server.wait(), 0)
        with sqlite3.connect(self.file) as database:
            self.assertEqual(database.execute("select text from messages").fetchall(), [("the last words",)])


def setUpModule():
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM} is not there: apt-get install libsqlite3-dev")


if __name__ == "__main__":
    main()
