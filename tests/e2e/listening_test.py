"""Where runserver and serve listen: on all that the address means."""

import os
import pathlib
import re
import signal
import socket
import tempfile
import urllib.request

from support.cases import CommandTestCase, main
from support.process import Program, run
from support.tcp import reserved_port
from support.waiting import PATIENCE


class Listening(CommandTestCase):
    def serve_on(self, address, *options):
        """`manage runserver ADDRESS`, and the addresses that it tells."""
        program = Program("runserver", address, "--noreload", *options)
        self.addCleanup(program.kill)
        return program, re.findall(r"(?:http://|unix:)\S+", program.wait_for(r"^Starting server at (.*)$")[1])

    @staticmethod
    def exchange(path, request):
        """The server's answer on the unix socket, as far as it comes in one piece."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(path))
            client.sendall(request)
            return client.recv(65536)

    def assert_served(self, url):
        with urllib.request.urlopen(url + "test/", timeout=PATIENCE) as answer:
            self.assertEqual(answer.status, 200)

    def test_row_80_localhost_is_all_that_the_name_means(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                program, urls = self.serve_on("localhost:0", "--workers", workers)
                port = re.search(r":(\d+)/", urls[0])[1]
                self.assertEqual(urls, [f"http://127.0.0.1:{port}/", f"http://[::1]:{port}/"])
                for url in urls:
                    self.assert_served(url)
                program.signal(signal.SIGTERM)
                self.assertEqual(program.wait(), 0)

    def test_row_80_a_star_is_everything(self):
        for address in ("*:0", "[::]:0"):
            with self.subTest(address=address):
                _, urls = self.serve_on(address)
                port = re.search(r":(\d+)/", urls[0])[1]
                self.assertEqual(urls, [f"http://0.0.0.0:{port}/", f"http://[::]:{port}/"])
                for host in ("127.0.0.1", "[::1]", "127.9.8.7"):
                    self.assert_served(f"http://{host}:{port}/")

    def test_one_of_several_addresses_that_is_in_use_is_told(self):
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
            port = taken.getsockname()[1]
            self.assert_one_line(run("runserver", f"localhost:{port}", "--noreload"), f"[::1]:{port}", "in use")

    def test_a_unix_socket_is_an_address(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "site.sock")
            for workers in (1, 3):
                with self.subTest(workers=workers):
                    program, addresses = self.serve_on(f"unix:{path}", "--workers", workers,
                                                       "--set", "trusted_proxies=unix:")
                    self.assertEqual(addresses, [f"unix:{path}"])
                    head = b"Host: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n"
                    for _ in range(5):
                        self.assertTrue(self.exchange(path, b"GET /test/ HTTP/1.1\r\n" + head +
                                                      b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 "))
                    self.exchange(path, b"GET /test/ws/ HTTP/1.1\r\n" + head +
                                  b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://evil.example\r\n\r\n")
                    program.wait_for(r"REJECT /test/ws/ 403 .*203\.0\.113\.7")
                    self.assert_one_line(run("runserver", f"unix:{path}", "--noreload"), str(path), "in use")
                    program.signal(signal.SIGTERM)
                    self.assertEqual(program.wait(), 0)
                    self.assertFalse(path.exists())

    def test_the_socket_of_a_program_that_was_killed_makes_way_but_no_other_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "site.sock")
            program, _ = self.serve_on(f"unix:{path}")
            program.kill()
            self.assertTrue(path.exists())
            program, _ = self.serve_on(f"unix:{path}")
            program.kill()
            path.unlink()
            path.write_text("precious")
            self.assert_one_line(run("runserver", f"unix:{path}", "--noreload"), str(path), "not a socket")
            self.assertEqual(path.read_text(), "precious")

    def test_serve_restarts_on_all_its_addresses(self):
        with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
            for address, restart in [(f"localhost:{port}", f"127.0.0.1:{port}"),
                                     (f"unix:{folder}/site.sock", f"unix:{folder}/site.sock")]:
                with self.subTest(address=address):
                    program = Program("serve", address, "--workers", 2)
                    self.addCleanup(program.kill)
                    program.wait_for(r"Program \d+ serves")
                    again = run("restart", restart)
                    self.assertEqual(again.status, 0, again.output)
                    if address.startswith("localhost"):
                        for host in ("127.0.0.1", "[::1]"):
                            self.assert_served(f"http://{host}:{port}/")
                    program.signal(signal.SIGTERM)
                    self.assertEqual(program.wait(), 0)
                    self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    main()
