"""examples/upload.cpp, which the docs quote: large uploads go to files while they arrive, and nothing is left of others."""

import http.client
import pathlib
import tempfile
import unittest

from support.cases import main
from support.environment import BUILD
from support.process import Program
from support.waiting import PATIENCE, eventually

PROGRAM = BUILD / "examples/upload"
MEBIBYTE = 1024 * 1024
PIECE = bytes(range(256)) * 4096


class Uploads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.files = pathlib.Path(folder.name) / "uploads"
        cls.server = Program("runserver", "127.0.0.1:0", "--noreload", program=PROGRAM, cwd=folder.name)
        cls.server.port = int(cls.server.wait_for(r"http://127\.0\.0\.1:(\d+)/")[1])

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def put(self, name, body, headers):
        connection = self.connect()
        connection.request("PUT", f"/files/{name}", body, headers, encode_chunked="Transfer-Encoding" in headers)
        return connection.getresponse().status

    def left(self):
        return sorted(file.name for file in self.files.iterdir())

    def test_are_stored_without_being_in_memory(self):
        """32 MiB, with a length and in chunks."""
        for name, headers in [("sized", {"Content-Length": str(32 * MEBIBYTE)}), ("chunked", {"Transfer-Encoding": "chunked"})]:
            with self.server.memory_within(12 * MEBIBYTE):
                self.assertEqual(self.put(name, (PIECE for _ in range(32)), headers), 201)
            self.assertEqual((self.files / name).read_bytes(), PIECE * 32)
            (self.files / name).unlink()

    def test_that_are_too_large_get_413(self):
        connection = self.connect()
        connection.putrequest("PUT", "/files/large")
        connection.putheader("Content-Length", "100000001")
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        self.assertEqual(self.left(), [])

    def test_that_break_off_leave_no_file(self):
        connection = self.connect()
        connection.putrequest("PUT", "/files/broken")
        connection.putheader("Content-Length", str(MEBIBYTE))
        connection.endheaders()
        connection.send(b"half")
        eventually(lambda: len(self.left()) == 1, "the file begins")
        self.assertNotIn("broken", self.left())
        connection.close()
        eventually(lambda: self.left() == [], "and is removed")


if __name__ == "__main__":
    main()
