"""Our clients over HTTP/2: WebSockets that share connections (RFC 8441), with our server and with one that is not ours."""

from support.cases import CommandTestCase, main
from support.http2_server import Http2EchoServer
from support.process import all_at_once, run
from support.tls import certificate


class Foreign(CommandTestCase):
    """Against python3-h2."""

    def load(self, server, *options, scheme="ws"):
        return run("load", "echo", "--url", f"{scheme}://127.0.0.1:{server.port}/", "--connections", 20, "--rate", 200,
                   "--duration", "1s", "--quiet", *options)

    def serve_echo(self, **options):
        server = Http2EchoServer(**options)
        self.addCleanup(server.close)
        return server

    def test_websockets_share_connections(self):
        for size in ("16", "40000"):
            server = self.serve_echo()
            program = self.load(server, "--http2", 2, "--size", size)
            self.assertEqual(program.status, 0, program.output)
            self.assertEqual((server.websockets, server.connections, server.wrong), (20, 2, []))

    def test_over_tls_both_agree_on_it(self):
        server = self.serve_echo(tls=True)
        program = self.load(server, "--http2", 1, "--ca", certificate().ca, scheme="wss")
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual((server.websockets, server.connections, server.wrong), (20, 1, []))

    def test_a_server_whose_tls_agrees_on_another_protocol_is_named(self):
        for alpn in [("http/1.1",), ()]:
            server = self.serve_echo(tls=True, alpn=alpn)
            program = self.load(server, "--http2", 1, "--ca", certificate().ca, scheme="wss")
            self.assertEqual(program.status, 1, program.output)
            self.assertRegex(program.output, "does not speak HTTP/2|no application protocol")

    def test_a_server_that_allows_no_websockets_is_named(self):
        server = self.serve_echo(allows_websockets=False)
        program = self.load(server, "--http2", 1)
        self.assertEqual(program.status, 1, program.output)
        self.assertIn("speaks HTTP/2, but allows no WebSockets over it", program.output)

    def test_streams_that_a_server_refuses_are_tried_a_few_times(self):
        server = self.serve_echo(refuses_after=5)
        program = self.load(server, "--http2", 1)
        self.assertIn("5 opened, 15 failed", program.output)
        self.assertRegex(program.output, "15 x cannot connect .*: the other side has not taken the HTTP/2 stream")
        self.assertEqual(server.refused, 3 * 15)


class Ours(CommandTestCase):
    def serve_http2(self, *options):
        return self.serve("--set", "http2=on", "--set", "max_streams=1000", *options)

    def test_the_echo_test_says_that_its_clients_share(self):
        server = self.serve_http2()

        def echo(delay):
            return run("testecho", "--clients", 300, "--delay", delay, "--url", f"{server.ws}/test/ws/", "--http2", 3)

        program = all_at_once(echo, 0.5)
        self.assertEqual(program.status, 0, program.output)
        self.assertIn("300 WebSockets share 3 connections of HTTP/2", program.stdout)
        self.assertRegex(program.output, r"(?m)^300 clients, peak 300, 0 failures$")

    def test_a_game_over_two_connections_goes_by_the_rule(self):
        server = self.serve_http2()
        program = run("gameoflife", "-s", 16, "--pattern", "r-pentomino", "--steps", 20, "--speed", 0, "--verify",
                      "--url", server.ws, "--http2", 2)
        self.assertEqual(program.status, 0, program.output)
        self.assertIn("256 WebSockets share 2 connections of HTTP/2", program.stdout)
        self.assertIn("All states were right: 20 steps", program.output)

    def test_many_loops_have_connections_of_their_own(self):
        server = self.serve_http2("--workers", 2)
        program = run("testecho", "--clients", 40, "--delay", "20ms", "--url", f"{server.ws}/test/ws/", "--http2", 2, "--workers", 2)
        self.assertIn("40 WebSockets share 2 connections of HTTP/2", program.stdout)
        self.assertRegex(program.output, r"(?m)^40 clients, peak \d+, 0 failures$")

    def test_what_is_missing_in_the_server_is_said(self):
        server = self.serve()
        program = run("testecho", "--clients", 10, "--url", f"{server.ws}/test/ws/", "--http2")
        self.assert_one_line(program, "the server does not speak HTTP/2 here")
        server = self.serve("--set", "http2=on", "--set", "max_streams=4")
        program = run("testecho", "--clients", 10, "--delay", "1s", "--url", f"{server.ws}/test/ws/", "--http2", 1)
        self.assertIn("the server allows no more streams on the HTTP/2 connection", program.output)

    def test_a_wrong_number_of_connections_is_refused(self):
        for number in ("0", "x", "100001"):
            program = run("testecho", "--http2", number)
            self.assertEqual(program.status, 2, program.output)
            self.assertIn(f"--http2: '{number}' is not a whole number from 1 to 100000", program.stderr[0])


if __name__ == "__main__":
    main()
