"""Rows 1 to 6 and 16 to 22: handshakes that are none, and what they bring with them (RFC 6455, 4)."""

from harness import HostileTestCase, cuts, handshake_request
from support.cases import main
from support.environment import TLS
from support.frames import TEXT, frame
from support.handshake import KEY

FRAME = frame(TEXT, "hello")


class Handshakes(HostileTestCase):
    def test_row_01_a_bad_key_is_400(self):
        """No key, and keys that are not 16 bytes in base64: 400."""
        for key in [None, "", "AAAA", "AAA", "!" * 24, KEY[:-2], KEY[:-1], "A" * 24, KEY + "AAAA", "-_" * 11 + "==",
                    KEY.replace("=", "A")]:
            with self.subTest(key=key):
                self.assert_answer(handshake_request({"Sec-WebSocket-Key": key}), 400)

    def test_row_02_no_version_is_400_or_426(self):
        """No Sec-WebSocket-Version: 400 or 426."""
        self.assert_answer(handshake_request({"Sec-WebSocket-Version": None}), 400, 426)

    def test_row_03_another_version_is_426_with_ours(self):
        """Versions 12, 99 and what is no number: 426 with Sec-WebSocket-Version: 13."""
        for version in ["12", "99", "0", "8", "14", "013", "+13", "13.0", "13, 8", "8, 13", "x", ""]:
            with self.subTest(version=version):
                for answer, connection in self.answers(handshake_request({"Sec-WebSocket-Version": version})):
                    self.assertEqual((answer.status, answer.headers["Sec-WebSocket-Version"]), (426, "13"))
                    connection.close()

    def test_row_04_what_does_not_ask_for_the_upgrade_gets_no_101(self):
        """No Connection: Upgrade, POST, HTTP/1.0, another upgrade token: never 101."""
        for data in [
            handshake_request({"Connection": None}), handshake_request({"Connection": "close"}), handshake_request({"Connection": "Upgrad"}),
            handshake_request({"Connection": "Upgrade;q=1"}), handshake_request({"Upgrade": None}), handshake_request({"Upgrade": "h2c"}),
            handshake_request({"Upgrade": "websockets"}), handshake_request({"Upgrade": "websocket/13"}),
            handshake_request(line="GET /echo/ HTTP/1.0"),
            handshake_request(line="POST /echo/ HTTP/1.1"), handshake_request(line="HEAD /echo/ HTTP/1.1"),
            handshake_request(line="get /echo/ HTTP/1.1"),
        ]:
            with self.subTest(data=data):
                self.assert_answer(data, 400, 405, 426)

    def test_row_05_two_keys_are_400(self):
        """Two different keys, and the same one twice: 400."""
        for second in ["x3JJHMbDL1EzLkh9GBhXDw==", KEY]:
            self.assert_answer(handshake_request(None, f"Sec-WebSocket-Key: {second}"), 400)
        self.assert_answer(handshake_request({"Sec-WebSocket-Key": f"{KEY}, {KEY}"}), 400)

    def test_row_06_a_bad_host_is_400(self):
        """No Host, two Hosts, a Host with a user, a path or a comma: 400."""
        self.assert_refused(handshake_request({"Host": None}), 400)
        self.assert_refused(handshake_request(None, "Host: localhost"), 400)
        for host in ["user@localhost", "localhost/path", "localhost,localhost", "localhost, evil.example", "",
                     "local host", "http://localhost", "localhost:x", "localhost:99999", "[::1", "localhost?"]:
            with self.subTest(host=host):
                self.assert_refused(handshake_request({"Host": host}), 400)

    def test_row_16_a_body_is_never_read_as_frames(self):
        """Smuggling: a handshake_request with a body is 400; what is in the body is no frame and no request."""
        inside = [FRAME, b"GET /views/ HTTP/1.1\r\nHost: localhost\r\n\r\n"]
        after = b"GET /body/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        for body in inside:
            for field, data in [(f"Content-Length: {len(body)}", body),
                                ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))]:
                with self.subTest(field=field, body=body):
                    for parts in cuts(handshake_request(None, field) + data + after):
                        connection = self.connect()
                        connection.send_parts(parts)
                        answer = connection.answer()
                        self.assertEqual(answer.status, 400)
                        if answer.headers["Connection"] != "close":
                            self.assertEqual(connection.answer().body, b"0")  # of /body/: the next request is the next
                        self.assertEqual(connection.rest(), b"")
                        connection.close()

    def test_row_17_frames_behind_the_handshake_are_processed(self):
        """Frames that come with the handshake_request are answered after the 101, wherever the bytes are cut."""
        data = handshake_request() + FRAME + frame(TEXT, "again")
        for at in range(len(data)):
            connection = self.connect()
            connection.send(data[:at])
            connection.send(data[at:])
            connection.opened()
            self.assertEqual([connection.message(), connection.message()], [b"hello", b"again"], at)
            connection.close()

    def test_row_18_http_after_the_101_is_1002(self):
        """A request after the handshake_request is a protocol error: 1002."""
        self.assert_fails(1002, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assert_fails(1002, b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assert_fails(1002, handshake_request())

    def test_row_19_foreign_origins_are_403(self):
        """Cross-site WebSocket hijacking: origins that are foreign, "null" or only look like ours: 403. None, and our
        own: 101."""
        host = f"127.0.0.1:{self.server.port}"
        ours = f"https://{host}" if TLS else f"http://{host}"
        for origin, status in [
            (None, 101), (ours, 101), (ours.upper(), 101), ("null", 403), ("", 403), (host, 403),
            ("http://evil.example", 403), (f"http://evil-{host}", 403), (f"http://{host}.evil.example", 403),
            (f"http://{host}@evil.example", 403), ("http://127.0.0.1:1", 403), (f"ftp://{host}", 403),
            ("file://", 403), (f"http://{host}/x", 403), (f"http://{host} http://evil.example", 403),
        ]:
            with self.subTest(origin=origin):
                self.assert_answer(handshake_request({"Host": host, "Origin": origin}), status)
        self.assert_answer(handshake_request({"Host": "example.com", "Origin": "http://evil-example.com"}), 400, 403)
        self.assert_answer(handshake_request({"Host": host, "Origin": f"http://{host}"}, "Origin: http://evil.example"), 400,
                           403)

    def test_row_20_odd_lists_cost_little(self):
        """CVE-2021-32640, CVE-2020-7663: lists made to be slow (7,000 spaces, escapes in quotes): an answer in less
        than 50 ms of CPU."""
        for field in ["Sec-WebSocket-Protocol: " + " " * 7000, "Sec-WebSocket-Protocol: chat" + " " * 7000 + ",x",
                      "Sec-WebSocket-Protocol: chat" + "," * 7000, "Sec-WebSocket-Protocol: " + "a," * 3500,
                      'Sec-WebSocket-Extensions: a;b="' + "\\c" * 3500,
                      "Sec-WebSocket-Extensions: a" + ";b=1" * 1700, "Connection: " + " ," * 3500,
                      "Upgrade: " + "websocket/" * 700]:
            with self.subTest(field=field[:40]):
                before = self.server.cpu()
                self.assert_answer(handshake_request(None, field), 101, 400, 431)
                if not self.server.is_sanitized():
                    self.assertLess(self.server.cpu() - before, 3 * 0.050)  # it was sent three times

    def assert_opens_without_extension(self, extensions):
        for answer, connection in self.answers(handshake_request(None, f"Sec-WebSocket-Extensions: {extensions}")):
            self.assertEqual(answer.status, 101, extensions)
            self.assertIsNone(answer.headers["Sec-WebSocket-Extensions"], extensions)
            connection.assert_echoes()
            connection.close()

    def test_row_21_unknown_extensions_are_ignored(self):
        """Extensions that nobody knows, and names that are something else elsewhere: 101 without them."""
        for extensions in ["constructor", "__proto__", "toString", "permessage-foo; bar=1", 'a;b="\\c\\c"', "x-webkit"]:
            with self.subTest(extensions=extensions):
                self.assert_opens_without_extension(extensions)

    def test_row_22_bad_offers_of_compression_are_declined(self):
        """Window bits 7, 16, 010 or none, parameters twice or unknown: 101 without the extension (RFC 7692, 7.1)."""
        for parameters in ["server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=010",
                           "server_max_window_bits", "client_max_window_bits=7", "client_max_window_bits=16",
                           "client_max_window_bits=010", "client_max_window_bits=x",
                           "server_max_window_bits=-9", "server_max_window_bits=10; server_max_window_bits=10",
                           "client_no_context_takeover; client_no_context_takeover", "server_no_context_takeover=1",
                           "unknown", "unknown=1", "client_max_window_bits; mux"]:
            with self.subTest(parameters=parameters):
                self.assert_opens_without_extension(f"permessage-deflate; {parameters}")
        # A field that is no list of extensions at all is another matter (RFC 6455, 9.1).
        self.assert_answer(handshake_request(None, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="), 400)


if __name__ == "__main__":
    main()
