"""HTTP/2 with the server: pages, uploads and WebSockets on streams (RFC 9113, RFC 8441), with clients that are not ours."""

import signal
import socket
import ssl
import struct
import subprocess
import unittest

from hyperframe.frame import DataFrame, GoAwayFrame, PingFrame

from support import environment
from support.cases import ServerTestCase, main
from support.frames import PING, PONG, TEXT, Frame, close_frame, frame
from support.http2_client import Http2Client
from support.process import ManageServer
from support.tls import certificate


def segments(connection):
    """How many TCP segments with data have come: tcpi_data_segs_in of tcp(7)."""
    return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0]


class Http2TestCase(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ManageServer("--set", "http2=on")

    def connect(self):
        return self.enterContext(Http2Client(self.server.port, environment.TLS))

    def curl(self, path, *options):
        trust = ["--cacert", certificate().ca] if environment.TLS else []
        protocol = "--http2" if environment.TLS else "--http2-prior-knowledge"
        command = ["curl", "--silent", "--show-error", "--max-time", "30", protocol, *trust, *options, f"{self.server.http}{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Requests(Http2TestCase):
    def test_curl_gets_the_same_page_as_over_http_1(self):
        page = self.curl("/test/", "--write-out", "%{http_version}")
        self.assertTrue(page.endswith("</html>\n2"), page[-80:])
        self.assertEqual(page[:-1], self.curl("/test/", "--http1.1"))

    def test_a_form_is_sent(self):
        self.assertIn("spam &amp; eggs", self.curl("/test/wsgi/", "--data-urlencode", "text=spam & eggs"))

    def test_a_body_that_is_too_large_is_refused_before_it_has_come(self):
        client = self.connect()
        stream = client.request("POST", "/test/wsgi/", ("content-length", "3000000"), ends=False)
        client.send(stream, b"x" * 10_000)
        self.assertEqual(client.answer(stream)[0], 413)
        self.assertEqual(client.resets[stream], 0)  # the rest is not wanted, and that is no error (RFC 9113, 8.1)

    def test_many_requests_share_one_connection(self):
        client = self.connect()
        streams = [client.request("GET", path) for path in ["/test/", "/nothing", "/", "/static/gameoflife/viewer.js"] * 10]
        statuses = [client.answer(stream)[0] for stream in streams]
        self.assertEqual(statuses, [200, 404, 200, 200] * 10)

    def test_a_small_answer_comes_in_one_segment(self):
        client = self.connect()
        client.answer(client.request("GET", "/test/"))
        before = segments(client.socket)
        client.answer(client.request("GET", "/test/"))
        self.assertEqual(segments(client.socket) - before, 1)

    def test_a_head_is_the_head_of_the_page(self):
        client = self.connect()
        status, head, body = client.answer(client.request("HEAD", "/test/"))
        _, of_page, page = client.answer(client.request("GET", "/test/"))
        self.assertEqual((status, body, head["content-length"]), (200, b"", of_page["content-length"]))
        self.assertEqual(int(head["content-length"]), len(page))

    def test_what_comes_in_one_piece_with_the_preface_is_read_in_its_order(self):
        client = Http2Client(self.server.port, environment.TLS, begin=False)
        self.addCleanup(client.socket.close)
        streams = [client.request("POST", "/test/wsgi/", body=b"text=" + b"x" * 15_000, flush=False) for _ in range(4)]
        client.flush()
        self.assertEqual([client.answer(stream)[0] for stream in streams], [200] * 4)

    def test_a_host_that_is_not_ours_is_refused(self):
        client = self.connect()
        client.authority = "example.com"
        self.assertEqual(client.answer(client.request("GET", "/"))[0], 400)
        client.authority = "a b"
        stream = client.request("GET", "/")
        client.until(lambda: stream in client.resets)  # malformed (RFC 9113, 8.1.1)

    def test_a_connect_without_a_protocol_is_refused(self):
        client = self.connect()
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, [(":method", "CONNECT"), (":authority", client.authority)])
        client.flush()
        self.assertEqual(client.status(stream), 400)


class Conformance(Http2TestCase):
    @unittest.skipIf(environment.TLS, "its cases are without TLS")
    def test_each_case_is_held(self):
        for _ in range(4):  # what a read brings is the kernel's choice
            command = ["/usr/bin/python3", environment.SOURCE / "tests/conformance/http2.py", "--port", str(self.server.port)]
            said = subprocess.run(command, capture_output=True, text=True, env=environment.for_programs())
            self.assertEqual(said.returncode, 0, said.stdout + said.stderr)


class WebSockets(Http2TestCase):
    def open(self, client, *headers, path="/test/ws/"):
        stream = client.open(path, *headers)
        self.assertEqual(client.status(stream), 200)
        if path == "/test/ws/":
            self.assertEqual(client.next_frame(stream).payload, b"Hello!")
        return stream

    def test_echo_on_many_streams_of_one_connection(self):
        client = self.connect()
        self.assertTrue(client.knows_websockets())
        streams = [self.open(client) for _ in range(50)]
        for number, stream in enumerate(streams):
            client.send(stream, frame(TEXT, f"message of {number}"))
        for number, stream in enumerate(streams):
            self.assertEqual(client.next_frame(stream), Frame(TEXT, f"1. message of {number}".encode()))
        for stream in streams:
            self.assertEqual(client.close(stream, 1000), 1000)

    def test_large_messages_cross_the_windows_both_ways(self):
        client = self.connect()
        stream = self.open(client)
        for size in (126, 70_000, 1_000_000):  # the demo ends after three
            client.send(stream, frame(TEXT, b"x" * size))
            self.assertEqual(len(client.next_frame(stream).payload), size + 3)

    def test_a_ping_is_answered(self):
        client = self.connect()
        stream = self.open(client)
        client.send(stream, frame(PING, b"there?"))
        self.assertEqual(client.next_frame(stream), Frame(PONG, b"there?"))

    def test_a_wrong_frame_ends_its_own_stream_only(self):
        client = self.connect()
        bad, good = self.open(client), self.open(client)
        client.send(bad, frame(3, b""))
        self.assertEqual(client.next_frame(bad).payload[:2], (1002).to_bytes(2, "big"))
        client.send(good, frame(TEXT, "still here"))
        self.assertEqual(client.next_frame(good).payload, b"1. still here")

    def test_the_subprotocol_is_agreed_on(self):
        client = self.connect()
        stream = self.open(client, ("sec-websocket-protocol", "nothing, life.viewer"), path="/watcher/")
        self.assertEqual(client.heads[stream]["sec-websocket-protocol"], "life.viewer")
        self.assertNotIn("sec-websocket-accept", client.heads[stream])
        self.assertNotIn("upgrade", client.heads[stream])

    def test_an_address_without_a_view_and_a_foreign_origin_are_refused_with_a_page(self):
        client = self.connect()
        stream = client.open("/nothing/")
        self.assertEqual(client.answer(stream)[0], 404)
        stream = client.open("/test/ws/", ("origin", "https://evil.example"))
        self.assertEqual(client.answer(stream)[0], 403)
        self.assertEqual(client.answer(client.request("GET", "/test/ws/"))[0], 426)

    def test_a_page_is_no_websocket(self):
        client = self.connect()
        for path in ("/test/", "/metrics"):  # any 2xx would say that it were one (RFC 8441, 5)
            self.assertEqual(client.status(client.open(path)), 404)

    def test_a_stream_that_is_reset_leaves_the_others(self):
        client = self.connect()
        gone, here = self.open(client), self.open(client)
        client.h2.reset_stream(gone)
        client.flush()
        client.send(here, frame(TEXT, "here"))
        self.assertEqual(client.next_frame(here).payload, b"1. here")


class Ends(ServerTestCase):
    def test_a_server_that_stops_says_goaway_and_closes_each_websocket(self):
        server = ManageServer("--set", "http2=on")
        self.addCleanup(server.kill)
        with Http2Client(server.port, environment.TLS) as client:
            stream = client.open("/test/ws/")
            self.assertEqual(client.next_frame(stream).payload, b"Hello!")
            server.signal(signal.SIGINT)

            def answer(frame):
                if isinstance(frame, PingFrame) and "ACK" not in frame.flags:
                    return [PingFrame(opaque_data=frame.opaque_data, flags=["ACK"])]
                if isinstance(frame, DataFrame) and frame.data:
                    return [DataFrame(stream, close_frame(1001), flags=["END_STREAM"])]
                return []

            said = client.frames_to_the_end(answer)
        self.assertEqual(server.wait(), 0)
        goaway = [frame for frame in said if isinstance(frame, GoAwayFrame)]
        self.assertEqual({frame.error_code for frame in goaway}, {0})
        self.assertEqual(goaway[-1].last_stream_id, stream)
        closes = [frame.data for frame in said if isinstance(frame, DataFrame) and frame.data]
        self.assertEqual(closes[-1][2:4], (1001).to_bytes(2, "big"))

    def test_only_those_whom_the_setting_names_speak_it(self):
        for options, speaks in [((), False), (("--set", "http2=trusted"), True),
                                (("--set", "http2=trusted", "--set", "http2_trusted=192.0.2.1"), False)]:
            server = ManageServer(*options)
            self.addCleanup(server.kill)
            with self.subTest(options=options):
                try:
                    with Http2Client(server.port, environment.TLS) as client:
                        client.until(lambda: client.h2.remote_settings.enable_connect_protocol)
                        self.assertTrue(speaks)
                except (AssertionError, OSError, ssl.SSLError) as error:
                    self.assertFalse(speaks, error)


if __name__ == "__main__":
    main()
