"""runserver and the clients as they run: what they log, how they show progress, and how signals end them."""

import os
import re
import signal
import socket

from support.cases import CommandTestCase, main
from support.frames import PING, close_frame, frame
from support.handshake import switch
from support.process import Program, run
from support.tcp import RawClient, reserved_port


class RunServer(CommandTestCase):
    def test_prints_the_address_and_the_backend(self):
        server = self.serve()
        self.assertRegex(server.output, r"(?m)^Starting (development )?server at http://127\.0\.0\.1:\d+/$")
        self.assertRegex(server.output, r"\b(epoll|io_uring)\b")
        self.assertIn("Quit the server with CONTROL-C.", server.output)

    def test_takes_a_port_alone(self):
        port = self.enterContext(reserved_port())
        program = Program("runserver", port, "--noreload")
        self.addCleanup(program.kill)
        self.assertEqual(program.wait_for(r"http://([\d.]+:\d+)/")[1], f"127.0.0.1:{port}")

    def test_logs_requests(self):
        server = self.serve()
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.request("GET /test/?a=1")
        size = len(connection.answer().body)
        server.wait_for(rf'"GET /test/\?a=1 HTTP/1\.1" 200 {size}\b')
        connection.request("GET /nothing/")
        connection.answer()
        server.wait_for(r'"GET /nothing/ HTTP/1\.1" 404 ')

    def test_logs_each_websocket_while_they_are_few(self):
        server = self.serve()
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.open("/test/ws/")
        server.wait_for(r"WebSocket CONNECT /test/ws/")
        connection.send(close_frame(4000))
        connection.rest()
        server.wait_for(r"WebSocket DISCONNECT /?test/ws/ .*\b4000\b")
        refused = RawClient(server.port)
        self.addCleanup(refused.close)
        refused.send(refused.handshake_bytes("/test/ws/", "Origin: http://evil.example"))
        refused.answer()
        server.wait_for(r"Refused a WebSocket to a page of the origin 'http://evil\.example': .*allowed_origins")
        server.wait_for(r"WebSocket REJECT /test/ws/ 403 \[[^]]*\]: .*allowed_origins")

    def test_logs_many_websockets_in_sum(self):
        server = self.serve()
        done = run("gameoflife", "--url", server.ws, "--size", 20, "--steps", 3, "--speed", 0)
        self.assertEqual(done.status, 0, done.output)
        server.wait_for(r"\+\d+ -\d+, \d+ open")
        self.assertEqual(server.stop(), 0)
        self.assertLess(len(re.findall(r"WebSocket (DIS)?CONNECT", server.output)), 100)

    def test_logs_all_websockets_when_told_to(self):
        server = self.serve("-v", "2")
        done = run("gameoflife", "--url", server.ws, "--size", 10, "--steps", 3, "--speed", 0)
        self.assertEqual(done.status, 0, done.output)
        self.assertEqual(server.stop(), 0)
        for word in ("CONNECT", "DISCONNECT"):
            self.assertEqual(len(re.findall(rf"WebSocket {word} /?worker/", server.output)), 100)

    def test_control_characters_do_not_reach_the_log(self):
        server = self.serve()
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.request("GET /%1b%5b31m%0aforged/")
        connection.answer()
        server.wait_for(r'"GET /')
        self.assertEqual(server.stop(), 0)
        self.assertNotIn("\x1b", server.output)
        self.assertFalse(any(line.startswith("forged") for line in server.output.splitlines()))


class Signals(CommandTestCase):
    def test_the_first_ends_in_good_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                server = self.serve()
                server.signal(number)
                self.assertEqual(server.wait(), 0)

    def test_a_test_that_is_interrupted_has_not_succeeded(self):
        server = self.serve()
        program = Program("testecho", "--clients", 5, "--delay", "20s", "--url", f"{server.ws}/test/ws/")
        self.addCleanup(program.kill)
        server.wait_for("CONNECT /test/ws/")
        program.signal(signal.SIGINT)
        self.assertEqual(program.wait(), 130)

    def test_the_second_ends_at_once(self):
        server = self.serve()
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.open("/watcher/")
        server.signal(signal.SIGINT)
        self.assertEqual(connection.closed()[0], 1001)  # which we do not answer
        server.signal(signal.SIGINT)
        self.assertEqual(server.wait(), -signal.SIGINT)

    def test_the_second_ends_a_client_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            program = Program("testecho", "--url", f"ws://127.0.0.1:{port}/")
            self.addCleanup(program.kill)
            peer, _ = listener.accept()
        with peer, peer.makefile("rb") as stream:
            while not (line := stream.readline()).lower().startswith(b"sec-websocket-key"):
                pass
            ping = frame(PING, masked=False)
            peer.sendall(switch(line.split()[1]) + ping)
            while stream.readline() != b"\r\n":
                pass
            self.assertEqual(stream.read(6)[:2], b"\x8a\x80")  # a masked pong: it is connected
            program.signal(signal.SIGINT)
            self.assertEqual(stream.read(2)[:1], b"\x88")  # its close, which we do not answer
            program.signal(signal.SIGINT)
            self.assertEqual(program.wait(), -signal.SIGINT)

    def test_a_closed_pipe_does_not_end_the_server(self):
        read_end, write_end = os.pipe()
        server = Program("runserver", "127.0.0.1:0", "--noreload", stdout=write_end)
        os.close(write_end)
        self.addCleanup(server.kill)
        with os.fdopen(read_end) as pipe:
            port = next(int(match[1]) for line in pipe if (match := re.search(r"http://127\.0\.0\.1:(\d+)/", line)))
        for _ in range(3):
            connection = RawClient(port)
            self.addCleanup(connection.close)
            connection.request("GET /test/")
            self.assertEqual(connection.answer().status, 200)
        game = run("gameoflife", "--url", f"ws://127.0.0.1:{port}", "--size", 10, "--steps", 1)  # at which it prints
        self.assertEqual(game.status, 0, game.output)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)


class Progress(CommandTestCase):
    GAME = ["gameoflife", "--size", 4, "--seed", 1]

    def test_is_plain_lines_where_there_is_no_terminal(self):
        server = self.serve()
        program = run(*self.GAME, "--url", server.ws, "--steps", 3, "--speed", 20)
        self.assertEqual(program.status, 0, program.output)
        self.assertNotRegex(program.output, r"[\r\x1b]")
        self.assertIn("Random start, seed 1", program.stdout)
        self.assertRegex(program.stdout[-1], r"^3 steps of 16 cells in [\d.]+ s$")

    def test_is_a_line_that_changes_on_a_terminal(self):
        server = self.serve()
        terminal, program_end = os.openpty()
        program = Program(*self.GAME, "--url", server.ws, "--speed", 20, stdout=program_end)
        self.addCleanup(program.kill)
        os.close(program_end)
        shown = b""
        while len(set(re.findall(rb"step (\d+)", shown))) < 3:
            shown += os.read(terminal, 4096)
        self.assertRegex(shown, rb"\r\x1b\[Kstep \d+, [\d.]+ steps/s")
        program.signal(signal.SIGINT)
        try:
            while data := os.read(terminal, 4096):
                shown += data
        except OSError:
            pass  # so ends a terminal that nobody holds any more
        os.close(terminal)
        program.wait()
        self.assertTrue(shown.endswith((b"\n", b"\r\x1b[K")), shown[-80:])  # the shell's prompt gets a line of its own


if __name__ == "__main__":
    main()
