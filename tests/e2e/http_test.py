"""HTTP itself (RFC 9110, RFC 9112): connections, bodies, limits, and what comes instead of good requests."""

import subprocess

from pages_test import PAGES, HttpTestCase, title
from support.cases import main
from support.process import ManageServer
from support.tcp import RawClient
from support.waiting import PATIENCE

MEBIBYTE = 1024 * 1024


class Connections(HttpTestCase):
    def test_one_takes_many_requests(self):
        connection = self.connect()
        for path in [*PAGES, "/nothing/", "/watcher/", *PAGES]:
            connection.request(f"GET {path}")
            self.assertIn(connection.answer().status, (200, 404, 426))

    def test_requests_in_one_segment_are_answered_in_order(self):
        connection = self.connect()
        host = f"Host: {connection.host}\r\n"
        connection.send(f"GET / HTTP/1.1\r\n{host}\r\nGET /nothing/ HTTP/1.1\r\n{host}\r\n"
                        f"POST /test/wsgi/ HTTP/1.1\r\n{host}Content-Type: application/x-www-form-urlencoded\r\n"
                        f"Content-Length: 6\r\n\r\ntext=1GET /test/ HTTP/1.1\r\n{host}\r\n".encode())
        answers = [connection.answer() for _ in range(4)]
        self.assertEqual([answer.status for answer in answers], [200, 404, 200, 200])
        self.assertEqual([title(answers[i].body) for i in (0, 2, 3)], ["Game of Life (32x32)", "Forms", "Echo"])

    def test_a_request_in_single_bytes_is_answered(self):
        connection = self.connect()
        for byte in f"GET /test/ HTTP/1.1\r\nHost: {connection.host}\r\nX-Filler: {'x' * 500}\r\n\r\n".encode():
            connection.send(bytes([byte]))
        self.assertEqual(connection.answer().status, 200)

    def test_the_server_ends_one_when_asked_to(self):
        connection = self.connect()
        connection.request("GET /test/", "Connection: close")
        answer = connection.answer()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
        self.assertEqual(connection.rest(), b"")

    def test_http_1_0_ends_with_the_answer(self):
        connection = self.connect()
        connection.send(f"GET /test/ HTTP/1.0\r\nHost: {connection.host}\r\n\r\n".encode())
        self.assertEqual(connection.answer().status, 200)
        self.assertEqual(connection.rest(), b"")

    def test_a_half_closed_one_still_gets_its_answer(self):
        connection = self.connect()
        connection.request("GET /test/")
        connection.shutdown_write()
        self.assertEqual(connection.answer().status, 200)
        self.assertEqual(connection.rest(), b"")


class Bodies(HttpTestCase):
    def curl(self, size, *options):
        """Posts that many bytes with curl: its exit status, the HTTP status, and the bytes that it sent."""
        done = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "--max-time", str(PATIENCE),
             "--noproxy", "*", *options, "-H", "Content-Type: text/plain", "--data-binary", "@-",
             f"{self.server.http}/test/wsgi/"],
            input=b"x" * size, capture_output=True, check=False)
        status, sent = done.stdout.decode().split()
        return done.returncode, int(status), int(sent)

    def test_a_client_that_waits_is_told_to_continue(self):
        connection = self.connect()
        connection.request("POST /test/wsgi/", "Content-Length: 6", "Content-Type: application/x-www-form-urlencoded",
                           "Expect: 100-continue")
        self.assertEqual(connection.answer(head_only=True).status, 100)
        connection.send(b"text=1")
        self.assertEqual(connection.answer().status, 200)

    def test_curl_that_waits_sends_its_body(self):
        self.assertEqual(self.curl(MEBIBYTE, "-H", "Expect: 100-continue"), (0, 200, MEBIBYTE))

    def test_curl_that_waits_with_too_much_is_refused_before_it_sends(self):
        code, status, sent = self.curl(2 * MEBIBYTE)  # from a MiB on curl waits by itself
        self.assertEqual((code, status, sent), (0, 413, 0))

    def test_curl_that_does_not_wait_hears_the_refusal(self):
        code, status, _ = self.curl(8 * MEBIBYTE, "-H", "Expect:")
        self.assertEqual((code, status), (0, 413))

    def test_an_unknown_expectation_fails(self):
        self.assertEqual(self.ask("POST /test/wsgi/", "Content-Length: 1", "Expect: a-miracle").status, 417)

    def test_more_than_the_limit_is_refused(self):
        post = f"POST /test/wsgi/ HTTP/1.1\r\nHost: {self.server.host}\r\n".encode()
        self.assert_refused(post + b"Content-Length: %d\r\n\r\n" % (MEBIBYTE + 1), 413)
        self.assert_refused(post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (MEBIBYTE + 1), 413)


class Limits(HttpTestCase):
    def get(self, *lines):
        return "\r\n".join([f"GET /test/ HTTP/1.1\r\nHost: {self.server.host}", *lines, "", ""]).encode()

    def test_a_long_target_is_refused(self):
        for size in (9_000, 100_000):
            with self.subTest(size=size):
                self.assert_refused(f"GET /{'x' * size} HTTP/1.1\r\nHost: {self.server.host}\r\n\r\n".encode(), 414)

    def test_a_long_method_is_refused(self):
        self.assert_refused(f"{'X' * 64_000} / HTTP/1.1\r\nHost: {self.server.host}\r\n\r\n".encode(),
                            400, 414, 431, 501)

    def test_too_many_fields_are_refused(self):
        self.assert_refused(self.get(*[f"X-{i}: 1" for i in range(2000)]), 400, 431)
        self.assertEqual(self.assert_refused(self.get(*[f"X-{i}: 1" for i in range(101)]), 400, 431).status, 431)

    def test_long_fields_are_refused(self):
        self.assert_refused(self.get(f"X: {'x' * 64_000}"), 431)
        self.assert_refused(self.get(f"{'X' * 64_000}: x"), 431)

    def test_a_line_that_does_not_end_is_refused(self):
        connection = self.connect()
        try:
            connection.send(self.get()[:-2] + b"X: " + b"x" * MEBIBYTE)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had been answered
        self.assertEqual(connection.answer().status, 431)


class Readings(HttpTestCase):
    """The server answers requests that look odd and have one meaning."""

    def test_a_later_http_1_is_read_as_1_1(self):
        for version in ("1.2", "1.9"):
            connection = self.connect()
            for _ in range(2):
                connection.send(f"GET /test/ HTTP/{version}\r\nHost: {self.server.host}\r\n\r\n".encode())
                self.assertEqual(connection.answer().status, 200)

    def test_a_websocket_is_opened_by_a_later_http_1(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/").replace(b"HTTP/1.1", b"HTTP/1.2", 1))
        connection.opened()
        self.assertEqual(connection.text(), "Hello!")

    def test_a_host_with_an_empty_port(self):
        for host in ("localhost:", "127.0.0.1:", "[::1]:"):
            self.assertEqual(self.ask("GET /test/", f"Host: {host}", host=False).status, 200)
        self.assertEqual(self.ask("GET http://localhost:/test/").status, 200)
        self.assertEqual(self.ask("GET /test/", "Host: evil.example:", host=False).status, 400)

    def test_empty_members_of_transfer_encoding(self):
        for fields in (("Transfer-Encoding: , chunked",), ("Transfer-Encoding: chunked ,,",),
                       ("Transfer-Encoding:", "Transfer-Encoding: chunked")):
            answer = self.ask("POST /test/wsgi/", "Content-Type: application/x-www-form-urlencoded", *fields,
                              body=b"6 ; a = \"b;\\\"\" ;c\r\nx=4711\r\n0\r\n\r\n")
            self.assertEqual(answer.status, 200)
            self.assertIn(b"4711", answer.body)

    def test_an_absolute_target_of_another_scheme_is_421(self):  # RFC 9110, 7.4
        connection = self.connect()
        for scheme, status in (("http", 200), ("https", 421), ("HTTPS", 421), ("HTTP", 200)):
            connection.request(f"GET {scheme}://{self.server.host}/test/")
            self.assertEqual(connection.answer().status, status)
        connection.request(f"GET https://{self.server.host}/test/", "X-Forwarded-Proto: https")  # whom nobody trusts
        self.assertEqual(connection.answer().status, 421)

    def test_a_trusted_proxy_tells_the_scheme(self):
        server = ManageServer("--set", "trusted_proxies=127.0.0.1")
        connection = RawClient(server.port)
        for told, scheme, status in (("https", "https", 200), ("https", "http", 421), ("http", "https", 421),
                                     ("http", "http", 200)):
            connection.request(f"GET {scheme}://{server.host}/test/", f"X-Forwarded-Proto: {told}")
            self.assertEqual(connection.answer().status, status, (told, scheme))
        connection.close()
        self.assertEqual(server.stop(), 0)

    def test_a_form_without_the_final_slash_is_not_lost(self):
        answer = self.ask("POST /test/wsgi", "Content-Length: 6", body=b"x=4711")
        self.assertEqual((answer.status, answer.headers["Location"]), (308, "/test/wsgi/"))
        server = ManageServer("--set", "debug=on")
        connection = RawClient(server.port)
        connection.request("POST /test/wsgi", "Content-Length: 6", body=b"x=4711")
        answer = connection.answer()
        self.assertEqual((answer.status, answer.headers["Location"]), (404, None))
        self.assertIn(b"final slash", answer.body)
        self.assertIn(b"/test/wsgi/", answer.body)
        connection.close()
        self.assertEqual(server.stop(), 0)


class Smuggling(HttpTestCase):
    """What two parsers could read in two ways is refused, and no second request is found in it."""

    def assert_bad(self, head, body=b"", statuses=(400, 501)):
        smuggled = b"GET /test/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        host = f"Host: {self.server.host}\r\n".encode()
        with self.subTest(head=head, body=body[:80]):
            self.assert_refused(head.replace(b"HOST\r\n", host) + b"\r\n" + body + smuggled, *statuses)

    POST = b"POST /test/wsgi/ HTTP/1.1\r\nHOST\r\n"

    def test_lengths(self):
        for length in [b"+5", b"-5", b"0x5", b"1_0", b"5, 5", b"5,5", b"5 5", b"%d" % 2**64, b"5.0", b"5a", b""]:
            self.assert_bad(self.POST + b"Content-Length: " + length + b"\r\n", b"12345", (400, 413))
        for second in [b"5", b"6"]:
            self.assert_bad(self.POST + b"Content-Length: 5\r\nContent-Length: " + second + b"\r\n", b"12345")

    def test_transfer_encodings(self):
        chunked = b"Transfer-Encoding: chunked\r\n"
        for fields in [
            b"Content-Length: 5\r\n" + chunked, chunked + b"Content-Length: 5\r\n", chunked + chunked,
            b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: identity\r\n",
            b"Transfer-Encoding: chunked, gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
            b"Transfer-Encoding: chunked, chunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
            b"Transfer-Encoding: \x0cchunked\r\n", b"Transfer-Encoding: chunked\x00\r\n", b"Transfer-Encoding:\r\n",
            b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding: chunked;q=1\r\n",
            b"Transfer-Encoding:\r\n chunked\r\n", b"Transfer-Encoding: ,\r\n",
            chunked + b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: gzip\r\n" + chunked,
        ]:
            self.assert_bad(self.POST + fields, b"0\r\n\r\n")
        for fields in [b"Transfer-Encoding: chunked, gzip\r\n", chunked + b"Transfer-Encoding: gzip\r\n"]:
            self.assert_bad(self.POST + fields, b"0\r\n\r\n", (400,))
        self.assert_bad(b"POST /test/wsgi/ HTTP/1.0\r\nHOST\r\n" + chunked, b"0\r\n\r\n")

    def test_chunks(self):
        for body in [
            b"10000000000000000\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n",
            b"1_0\r\nx\r\n0\r\n\r\n", b" 1\r\nx\r\n0\r\n\r\n", b"1 \r\nx\r\n0\r\n\r\n", b"1\nx\n0\n\n",
            b"1\r\nxx\r\n0\r\n\r\n", b"1\r\nx0\r\n\r\n", b"\r\n", b";\r\n",
            b"1;" + b"x" * 65536 + b"\r\nx\r\n0\r\n\r\n", b"0\r\nBad Name: 1\r\n\r\n", b"1;a\nb\r\nx\r\n0\r\n\r\n",
            *[b"1" + extension + b"\r\nx\r\n0\r\n\r\n" for extension in [
                b";", b" ;", b";a;", b";a=", b";=a", b";a b", b';a="b', b';a="b"c', b";a=b ", b";a,b", b";a=\x7f",
                b';a="\x01"']],
        ]:
            self.assert_bad(self.POST + b"Transfer-Encoding: chunked\r\n", body, (400, 413))

    def test_fields(self):
        for field in [
            b"X: 1\r\n folded\r\n", b"X: 1\r\n\tfolded\r\n", b" X: 1\r\n", b"X : 1\r\n", b"X: \x00\r\n", b"X: \x01\r\n",
            b"X: a\x7fb\r\n", b"X Y: 1\r\n", b"X(: 1\r\n", b": 1\r\n", b"X\r\n", b"X: a\rb\r\n", b"X: 1\n",
            b"\xc3\xa9: 1\r\n",
        ]:
            self.assert_bad(b"GET /test/ HTTP/1.1\r\nHOST\r\n" + field)

    def test_lines_end_with_cr_lf(self):
        for data in [b"GET /test/ HTTP/1.1\nHost: localhost\n\n", b"GET /test/ HTTP/1.1\rHost: localhost\r\r",
                     b"GET /test/ HTTP/1.1\r\nHost: localhost\n\r\n"]:
            with self.subTest(data=data):
                self.assert_refused(data, 400)

    def test_request_lines(self):
        for line in [b"GET /test/", b"GET  /test/ HTTP/1.1", b"GET /te st/ HTTP/1.1", b"GET test/ HTTP/1.1",
                     b"G(T /test/ HTTP/1.1", b"GET /test/ HTTP/1.1 ", b"GET /test/#x HTTP/1.1",
                     b"GET /\xc3\xa9 HTTP/1.1",
                     b" GET /test/ HTTP/1.1", b"GET /test/ http/1.1", b"GET /test/ Http/1.1", b"GET /test/ http/1.2"]:
            self.assert_bad(line + b"\r\nHOST\r\n")

    def test_other_protocols(self):
        self.assert_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)
        self.assert_refused(b"GET /test/ HTTP/2.0\r\nHost: localhost\r\n\r\n", 400, 505)
        self.assert_refused(bytes.fromhex("16030100c8010000c40303") + b"\x00" * 200, 400)
        self.assert_refused(bytes(range(255, 127, -1)) * 4 + b"\r\n\r\n", 400)


if __name__ == "__main__":
    main()
