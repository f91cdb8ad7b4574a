"""Rows 86 to 91: HTTP/2 from peers that flood, stall, smuggle and break rules, beside a stream that goes on."""

from harness import MEBIBYTE, SLACK, HostileTestCase
from support.cases import main
from support.http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
                           INITIAL_WINDOW_SIZE, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM,
                           RST_STREAM, SETTINGS, SETTINGS_TIMEOUT, STREAM_CLOSED, Closed, RawHttp2, block,
                           data, frame, headers, ping, reset, settings, window_update)


def request(path="/fields/", method="GET", *more):
    return block((":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *more)


class Http2(HostileTestCase):
    # So that streams, stalls and floods end soon.
    options = ("--set", "http2=on", "--set", "head_time=1", "--set", "write_time=2")

    def setUp(self):
        super().setUp()
        self.good = self.http2()
        self.good_streams = iter(range(1, 2**31, 2))

    def tearDown(self):
        self.assert_good()
        self.good.__exit__()
        super().tearDown()

    def http2(self, *first):
        """A connection whose peer has said its preface and SETTINGS."""
        client = self.enterContext(RawHttp2(self.server.port))
        client.send(PREFACE, settings(*first), frame(SETTINGS, ACK))
        return client

    def assert_good(self):
        """Another connection of HTTP/2 is served."""
        stream = next(self.good_streams)
        self.good.send(headers(stream, request()))
        while True:
            received = self.next_frame(self.good)
            self.assertNotIn(received.type, (GOAWAY, RST_STREAM))
            if received.type == HEADERS and received.stream == stream:
                self.assertEqual(received.payload[":status"], "200")
                return

    def next_frame(self, client):
        """The next frame, a head decoded. PINGs are answered."""
        received = client.read_frame()
        if received.type == HEADERS:
            return received._replace(payload=client.fields(received))
        if received.type == PING and received.flags == 0:
            client.send(ping(received.payload, ACK))
        return received

    def status(self, client, stream):
        """The status of the answer on that stream."""
        while (received := self.next_frame(client)).type != HEADERS or received.stream != stream:
            self.assertNotEqual(received.type, GOAWAY)
        return received.payload[":status"]

    def offer_frames(self, client, data, times):
        """Sends it until the server has had enough."""
        try:
            for _ in range(times):
                client.send(data)
        except ConnectionError:
            pass

    def goaway(self, client):
        """The code of the GOAWAY that ends the connection; None if there is none."""
        code = None
        try:
            while True:
                received = self.next_frame(client)
                if received.type == GOAWAY:
                    code = int.from_bytes(received.payload[4:8], "big")
        except Closed:
            return code

    def assert_reset(self, client, stream, *codes):
        """That stream is reset, and the next one on the connection is served."""
        while True:
            received = self.next_frame(client)
            self.assertNotEqual(received.type, GOAWAY)
            if received.type == RST_STREAM and received.stream == stream:
                self.assertIn(int.from_bytes(received.payload, "big"), codes)
                break
        client.send(headers(stream + 2, request()))
        self.assertEqual(self.status(client, stream + 2), "200")

    # ---- Floods

    def assert_ends(self, limit, flood, times, *first):
        struck = self.server.strikes(limit)
        client = self.http2()
        client.send(*first)
        with self.server.memory_within(8 * MEBIBYTE):
            self.offer_frames(client, flood, times)
            self.assertIn(self.goaway(client), (ENHANCE_YOUR_CALM, None))  # None: the kernel has dropped it unread
        self.assertGreater(self.server.strikes(limit), struck)

    def test_row_86_rapid_resets(self):
        """CVE-2023-44487, 100,000 requests that are reset at once: ENHANCE_YOUR_CALM; less than 8 MiB."""
        ids = iter(range(1, 2**31, 2))
        struck = self.server.strikes("max_stream_resets")
        client = self.http2()
        with self.server.memory_within(8 * MEBIBYTE):
            try:
                for _ in range(100):
                    client.send(*(headers(stream, request("/poll/")) + reset(stream) for stream, _ in zip(ids, range(1000))))
            except ConnectionError:
                pass
            self.assertIn(self.goaway(client), (ENHANCE_YOUR_CALM, None))
        self.assertGreater(self.server.strikes("max_stream_resets"), struck)

    def test_row_86_frames_that_carry_nothing(self):
        """A million PING, SETTINGS, PRIORITY, unknown frames, empty DATA or updates of 1: ENHANCE_YOUR_CALM; 8 MiB."""
        open_stream = headers(1, request("/upload/", "POST"), END_HEADERS)
        for flood in (ping(), settings(), frame(PRIORITY, stream=1, payload=bytes(5)), frame(99), data(1, flags=0),
                      window_update(1, 1)):
            with self.subTest(type=flood[3]):
                self.assert_ends("max_control_frames", flood * 10_000, 100, open_stream)

    def test_row_86_continuations_without_end(self):
        """CVE-2024-27316, a head of a million CONTINUATION frames: ENHANCE_YOUR_CALM; less than 8 MiB."""
        for limit, payload in (("max_control_frames", b""), ("max_head_bytes", request()[:1] * 1024)):
            with self.subTest(limit=limit):
                self.assert_ends(limit, frame(CONTINUATION, 0, 1, payload) * 1000, 1000, headers(1, request(), END_STREAM))

    # ---- Peers that do not take what they ask for

    def test_row_87_windows_of_nothing_or_a_byte(self):
        """100 streams that take 0 bytes of their answers, or 1: each is cut after write_time; less than 8 MiB."""
        def cut():  # a server that sends the byte late finds that min_response_rate was broken first
            return self.server.strikes("write_time") + self.server.strikes("min_response_rate")

        for window in (0, 1):
            with self.subTest(window=window):
                client = self.http2((INITIAL_WINDOW_SIZE, window))
                with self.server.memory_within(8 * MEBIBYTE):
                    for stream in range(1, 201, 2):
                        client.send(headers(stream, request()))
                    self.eventually(lambda: cut() >= 100 * (window + 1), "all are cut")

    # ---- HPACK

    def test_row_88_hpack_bombs(self):
        """Fields of 4 KB in the table, named 16,000 times: 431, and the connection goes on; less than 8 MiB."""
        entry = b"\x40\x01x\x7f\x80\x1e" + b"y" * 3967
        client = self.http2()
        client.send(headers(1, request() + entry))
        with self.server.memory_within(8 * MEBIBYTE):
            for stream in range(3, 23, 2):
                client.send(headers(stream, request() + b"\xbe" * 16_000))
            answers = {}
            while len(answers) < 11:
                received = self.next_frame(client)
                if received.type == HEADERS:
                    answers[received.stream] = received.payload[":status"]
        self.assertEqual(set(answers.values()), {"200", "431"})
        client.send(headers(23, request()))
        self.assertEqual(self.status(client, 23), "200")

    def test_row_88_strings_that_do_not_come(self):
        """Half a head that promises a name of 64 KB, on 200 connections: less than 16 KiB each; cut after head_time."""
        promise = headers(1, b"\x00\xff\x81\xfe\x03", END_STREAM)
        with self.server.memory_within(SLACK + 200 * 16 * 1024):
            crowd = [self.http2() for _ in range(200)]
            for client in crowd:
                client.send(promise)
            for client in crowd:
                self.assertEqual(self.goaway(client), ENHANCE_YOUR_CALM)

    # ---- What HTTP/1.1 would read differently

    def test_row_89_requests_smuggled_between_versions(self):
        """Line ends, two hosts, codings, wrong lengths, capitals: PROTOCOL_ERROR on that stream alone."""
        for name, value in (("x", "a\r\nHost: b"), ("x", "a\nb"), ("x", "a\0b"), ("x\r\ny", "a"), ("x: y", "a"), ("X", "a"),
                            ("x ", "a"), ("x", " a"), ("host", "other"), ("transfer-encoding", "chunked"),
                            ("connection", "close"), ("keep-alive", "1"), ("upgrade", "websocket"), ("te", "gzip"),
                            ("content-length", "5"), ("content-length", "-1"), ("content-length", "0x0"),
                            (":path", "/other"), (":status", "200")):
            with self.subTest(name=name, value=value):
                client = self.http2()
                client.send(headers(1, request("/fields/", "GET", (name, value))))
                self.assert_reset(client, 1, PROTOCOL_ERROR)
        for path in ("/a b", "/a\r\nb", "a", "", "http://b/", "/\x7f"):
            with self.subTest(path=path):
                client = self.http2()
                client.send(headers(1, request(path)))
                self.assert_reset(client, 1, PROTOCOL_ERROR)

    def test_row_89_bodies_of_another_length(self):
        """A body longer or shorter than its Content-Length: PROTOCOL_ERROR on that stream alone."""
        for sent in (b"four", b"sixsix"):
            client = self.http2()
            client.send(headers(1, request("/body/", "POST", ("content-length", "5")), END_HEADERS), data(1, sent))
            self.assert_reset(client, 1, PROTOCOL_ERROR)

    # ---- Peers that stall

    def test_row_90_a_preface_and_nothing_or_half_a_frame(self):
        """No SETTINGS, or half of a frame, on 100 connections: cut after head_time; less than 16 KiB each."""
        for first, code in ((b"", SETTINGS_TIMEOUT), (settings() + headers(1, request())[:20], ENHANCE_YOUR_CALM)):
            with self.subTest(code=code), self.server.memory_within(SLACK + 100 * 16 * 1024):
                crowd = [self.enterContext(RawHttp2(self.server.port)) for _ in range(100)]
                for client in crowd:
                    client.send(PREFACE, first)
                for client in crowd:
                    self.assertEqual(self.goaway(client), code)

    # ---- Streams that are over, or may not be

    def test_row_91_streams_beyond_the_limit_and_ids(self):
        """101 streams at once: the last is refused. Ids that are even, old or used up: PROTOCOL_ERROR; the last one is served."""
        client = self.http2()
        client.send(*(headers(stream, request("/poll/")) for stream in range(1, 203, 2)))
        while (received := client.read_frame()).type != RST_STREAM:
            pass
        self.assertEqual((received.stream, int.from_bytes(received.payload, "big")), (201, REFUSED_STREAM))
        for first, wrong in ((7, 2), (7, 5), (2**31 - 1, 1)):
            client = self.http2()
            client.send(headers(first, request()))
            self.assertEqual(self.status(client, first), "200")
            client.send(headers(wrong, request()))
            self.assertEqual(self.goaway(client), PROTOCOL_ERROR)

    def test_row_91_frames_behind_the_end(self):
        """DATA and HEADERS on a stream that its client has ended: STREAM_CLOSED, and nothing more on it."""
        for late in (data(1, b"x"), headers(1, request())):
            client = self.http2()
            client.send(headers(1, request("/poll/")), late)
            self.assert_reset(client, 1, STREAM_CLOSED)

    def test_row_91_padding_longer_than_its_frame(self):
        """PROTOCOL_ERROR, on DATA and on HEADERS."""
        for bad in (frame(DATA, PADDED, 1, b"\x05data"), frame(HEADERS, PADDED | END_HEADERS, 3, b"\xff" + request())):
            client = self.http2()
            client.send(headers(1, request("/upload/", "POST"), END_HEADERS), bad)
            self.assertEqual(self.goaway(client), PROTOCOL_ERROR)

    def test_row_91_a_goaway_beside_requests(self):
        """A client's GOAWAY between its requests: all are answered, and the connection ends without an error."""
        client = self.http2()
        client.send(headers(1, request()), frame(GOAWAY, payload=bytes(8)), headers(3, request()))
        answered = set()
        try:
            while True:
                received = self.next_frame(client)
                if received.type == HEADERS:
                    answered.add(received.stream)
                elif received.type == GOAWAY:
                    self.assertEqual(int.from_bytes(received.payload[4:8], "big"), NO_ERROR)
        except Closed:
            pass
        self.assertEqual(answered, {1, 3})


if __name__ == "__main__":
    main()
