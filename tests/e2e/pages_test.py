"""Every route over plain HTTP: its page, its form or files, and who may open its WebSocket."""

import html
import re

from support import handshake
from support.cases import ServerTestCase, main
from support.environment import SOURCE
from support.frames import TEXT, frame

PAGES = {
    "/": "Game of Life (32x32)",
    "/test/": "Echo",
    "/test/wsgi/": "Forms",
}
SOCKETS = ["/watcher/", "/reset/", "/worker/", "/test/ws/"]


def title(page):
    return re.search(r"<title>(.*?)</title>", page.decode())[1]


class HttpTestCase(ServerTestCase):
    def ask(self, line, *fields, body=b"", host=True):
        """The answer to one request on a connection of its own."""
        connection = self.connect()
        connection.request(line, *fields, body=body, host=host)
        return connection.answer(head_only=line.startswith("HEAD "))

    def assert_refused(self, data, *statuses):
        """The bytes get one response, of one of these statuses, and the end of the connection."""
        connection = self.connect()
        connection.send(data)
        answer = connection.answer()
        self.assertIn(answer.status, statuses, data[:200])
        self.assertEqual(connection.rest(), b"", data[:200])
        return answer


class Pages(HttpTestCase):
    def test_each_has_its_title(self):
        for path, expected in PAGES.items():
            with self.subTest(path=path):
                answer = self.ask(f"GET {path}")
                self.assertEqual(answer.status, 200)
                self.assertEqual(title(answer.body), expected)
                self.assertRegex(answer.headers["Content-Type"], r"^text/html; ?charset=utf-8$")
                self.assertRegex(answer.headers["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_the_echo_page_has_the_elements_of_the_contract(self):
        page = self.ask("GET /test/").body.decode()
        self.assertRegex(page, r'<input id="text"')
        self.assertRegex(page, r'<ul id="messages"')

    def test_head_is_get_without_the_body(self):
        for path in PAGES:
            with self.subTest(path=path):
                connection = self.connect()
                connection.request(f"GET {path}")
                whole = connection.answer()
                connection.request(f"HEAD {path}")
                head = connection.answer(head_only=True)
                self.assertEqual(head.status, 200)
                longer = 1 if path == "/test/wsgi/" else 0  # this page shows the method
                self.assertEqual(int(head.headers["Content-Length"]), len(whole.body) + longer)
                connection.request("GET /test/")  # nothing is in between
                self.assertEqual(connection.answer().status, 200)

    def test_an_unknown_path_is_not_found(self):
        for path in ["/nothing/", "/test/nothing/", "/watcher/more/", "/favicon.ico", "/%00", "//", "/static/"]:
            with self.subTest(path=path):
                self.assertIn(self.ask(f"GET {path}").status, (400,) if path == "/%00" else (404,))

    def test_another_method_is_not_allowed(self):
        for path, method, allowed in [
            ("/", "POST", {"GET", "HEAD"}),
            ("/test/", "DELETE", {"GET", "HEAD"}),
            ("/test/wsgi/", "PUT", {"GET", "HEAD", "POST"}),
            ("/test/ws/", "POST", {"GET"}),
            ("/worker/", "PUT", {"GET"}),
            ("/static/site/site.css", "POST", {"GET", "HEAD"}),
        ]:
            with self.subTest(path=path, method=method):
                answer = self.ask(f"{method} {path}", "Content-Length: 0")
                self.assertEqual(answer.status, 405)
                self.assertEqual(set(re.split(r", *", answer.headers["Allow"])) - {"OPTIONS"}, allowed)

    def test_a_page_without_its_final_slash_redirects(self):
        for path, location in [
            ("/test", "/test/"),
            ("/test/wsgi", "/test/wsgi/"),
            ("/test/wsgi?text=a%26b", "/test/wsgi/?text=a%26b"),
        ]:
            with self.subTest(path=path):
                answer = self.ask(f"GET {path}")
                self.assertEqual((answer.status, answer.headers["Location"]), (301, location))

    def test_a_socket_without_its_final_slash_is_not_found(self):
        for path in SOCKETS:
            with self.subTest(path=path):
                self.assertEqual(self.ask(f"GET {path.rstrip('/')}").status, 404)

    def test_a_redirect_never_leaves_the_site(self):
        for path in ["//evil.example", "//evil.example/test", "/\\evil.example/test", "/%2F/evil.example/test"]:
            with self.subTest(path=path):
                answer = self.ask(f"GET {path}")
                self.assertIn(answer.status, (400, 404))
                self.assertIsNone(answer.headers["Location"])


class WebSocketRoutes(HttpTestCase):
    UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
    KEY = f"Sec-WebSocket-Key: {handshake.KEY}"
    VERSION = "Sec-WebSocket-Version: 13"

    def test_a_plain_get_is_told_to_upgrade(self):
        for path in SOCKETS:
            with self.subTest(path=path):
                answer = self.ask(f"GET {path}")
                self.assertEqual(answer.status, 426)
                self.assertEqual(answer.headers["Upgrade"], "websocket")
                self.assertEqual(answer.headers["Connection"], "Upgrade")

    def test_a_wrong_version_is_told_the_right_one(self):
        for version in ["12", "99", "0", "8", "013", "13, 8", "x"]:
            with self.subTest(version=version):
                answer = self.ask("GET /test/ws/", *self.UPGRADE, self.KEY, f"Sec-WebSocket-Version: {version}")
                self.assertEqual(answer.status, 426)
                self.assertEqual(answer.headers["Sec-WebSocket-Version"], "13")

    def test_a_handshake_without_a_version_fails(self):
        self.assertIn(self.ask("GET /test/ws/", *self.UPGRADE, self.KEY).status, (400, 426))

    def test_a_handshake_to_a_page_gets_the_pages_status(self):
        for path, status in [("/", 200), ("/test/", 200), ("/test", 301), ("/nothing/", 404), ("/test/ws", 404)]:
            with self.subTest(path=path):
                self.assertEqual(self.ask(f"GET {path}", *self.UPGRADE, self.KEY, self.VERSION).status, status)

    def test_a_bad_key_is_refused(self):
        for keys in [[], ["AAAA"], ["!!!!!!!!!!!!!!!!!!!!!!=="], [handshake.KEY[:-2]], ["A" * 24],
                     [handshake.KEY, "x3JJHMbDL1EzLkh9GBhXDw=="]]:
            with self.subTest(keys=keys):
                fields = [f"Sec-WebSocket-Key: {key}" for key in keys]
                self.assertEqual(self.ask("GET /test/ws/", *self.UPGRADE, self.VERSION, *fields).status, 400)

    def test_what_is_no_handshake_is_never_answered_with_101(self):
        for line, *fields in [
            ("GET /test/ws/", "Upgrade: websocket", self.KEY, self.VERSION),
            ("GET /test/ws/", "Upgrade: websocket", "Connection: close", self.KEY, self.VERSION),
            ("GET /test/ws/", "Upgrade: h2c", "Connection: Upgrade", self.KEY, self.VERSION),
            ("GET /test/ws/", "Upgrade: websockets", "Connection: Upgrade", self.KEY, self.VERSION),
            ("GET /test/ws/", "Connection: Upgrade", self.KEY, self.VERSION),
            ("POST /test/ws/", *self.UPGRADE, self.KEY, self.VERSION),
        ]:
            with self.subTest(line=line, fields=fields):
                self.assertIn(self.ask(line, *fields).status, (400, 405, 426))

    def test_http_1_0_cannot_upgrade(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/").replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        self.assertIn(connection.answer().status, (400, 426))
        self.assertEqual(connection.rest(), b"")

    def test_a_handshake_with_a_body_is_refused(self):
        frames = frame(TEXT, "one")
        for fields, body in [
            ([f"Content-Length: {len(frames)}"], frames),
            (["Transfer-Encoding: chunked"], b"%x\r\n%s\r\n0\r\n\r\n" % (len(frames), frames)),
        ]:
            with self.subTest(fields=fields):
                answer = self.ask("GET /test/ws/", *self.UPGRADE, self.KEY, self.VERSION, *fields, body=body)
                self.assertEqual(answer.status, 400)

    def test_unknown_extensions_are_ignored(self):
        for offer in ["constructor", "permessage-foo; bar=1", 'a;b="\\c\\c"']:
            with self.subTest(offer=offer):
                connection = self.connect()
                answer = connection.open("/test/ws/", f"Sec-WebSocket-Extensions: {offer}")
                self.assertIsNone(answer.headers["Sec-WebSocket-Extensions"])


class Origins(HttpTestCase):
    HANDSHAKE = (*WebSocketRoutes.UPGRADE, WebSocketRoutes.KEY, WebSocketRoutes.VERSION)

    def status(self, *origins):
        connection = self.connect()
        connection.request("GET /test/ws/", *self.HANDSHAKE, *[f"Origin: {origin}" for origin in origins])
        return connection.answer(head_only=True).status

    def test_none_is_allowed(self):
        self.assertEqual(self.status(), 101)

    def test_our_own_is_allowed(self):
        self.assertEqual(self.status(self.server.http), 101)

    def test_null_and_foreign_ones_are_forbidden(self):
        for origin in [
            "null", "http://evil.example", f"http://evil.example:{self.server.port}",
            f"{self.server.http}.evil.example", f"http://evil-{self.server.host}",
            f"http://{self.server.host}@evil.example", "http://127.0.0.1:1", "http://localhost", "", "file://",
            self.server.host,
        ]:
            with self.subTest(origin=origin):
                self.assertEqual(self.status(origin), 403)

    def test_two_are_refused(self):
        self.assertIn(self.status(self.server.http, "http://evil.example"), (400, 403))


class Hosts(HttpTestCase):
    def test_localhost_and_the_loopback_addresses_are_allowed(self):
        port = self.server.port
        for host in ["localhost", f"localhost:{port}", "LOCALHOST", "127.0.0.1", f"127.0.0.1:{port}", "127.255.1.2:80"]:
            with self.subTest(host=host):
                self.assertEqual(self.ask("GET /test/", f"Host: {host}", host=False).status, 200)

    def test_others_are_bad_requests(self):
        for host in [
            "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost", "128.0.0.1",
            "user@localhost", "localhost/path", "localhost,evil.example", "localhost:x", "localhost:80:80", "",
            "local host", "127.0.0.1:99999",
        ]:
            for path in ["/test/", "/static/site/site.css", "/nothing/"]:
                with self.subTest(host=host, path=path):
                    self.assertEqual(self.ask(f"GET {path}", f"Host: {host}", host=False).status, 400)

    def test_a_handshake_with_another_is_a_bad_request(self):
        fields = ["Host: evil.example", "Origin: http://evil.example", *Origins.HANDSHAKE]
        self.assertEqual(self.ask("GET /test/ws/", *fields, host=False).status, 400)

    def test_there_must_be_exactly_one(self):
        self.assertEqual(self.ask("GET /test/", host=False).status, 400)
        self.assertEqual(self.ask("GET /test/", "Host: localhost").status, 400)

    def test_an_absolute_target_counts_more_than_the_field(self):  # RFC 9112, 3.2.2
        self.assertEqual(self.ask(f"GET {self.server.http}/test/").status, 200)
        self.assertEqual(self.ask("GET http://evil.example/test/").status, 400)


class Forms(HttpTestCase):
    FORM = "Content-Type: application/x-www-form-urlencoded"
    SCRIPT = "<script>alert('1' & \"2\")</script>"
    ENCODED = "%3Cscript%3Ealert%28%271%27+%26+%222%22%29%3C%2Fscript%3E"

    def table(self, page, id):
        """The cells of a table of the page, unescaped, row by row."""
        body = re.search(rf'<table id="{id}">.*?<tbody>(.*?)</tbody>', page.decode(), re.DOTALL)[1]
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows]

    def test_get_shows_the_query_escaped(self):
        answer = self.ask(f"GET /test/wsgi/?text={self.ENCODED}")
        self.assertNotIn(b"<script>alert", answer.body)
        self.assertIn(b'<code id="method">GET</code>', answer.body)
        self.assertEqual(self.table(answer.body, "query"), [["text", self.SCRIPT]])
        self.assertEqual(self.table(answer.body, "form"), [["No fields"]])

    def test_post_shows_the_form_escaped(self):
        body = f"text={self.ENCODED}&{self.ENCODED}=%E2%82%AC".encode()
        answer = self.ask("POST /test/wsgi/?a=1", self.FORM, f"Content-Length: {len(body)}", body=body)
        self.assertEqual(answer.status, 200)
        self.assertNotIn(b"<script>alert", answer.body)
        self.assertIn(b'<code id="method">POST</code>', answer.body)
        self.assertEqual(self.table(answer.body, "query"), [["a", "1"]])
        self.assertEqual(self.table(answer.body, "form"), [["text", self.SCRIPT], [self.SCRIPT, "€"]])

    def test_a_chunked_form_is_whole(self):
        body = b"3;extension=1\r\ntex\r\n6\r\nt=a+%4\r\n1\r\n2\r\n0\r\nTrailer: 1\r\n\r\n"
        answer = self.ask("POST /test/wsgi/", self.FORM, "Transfer-Encoding: chunked", body=body)
        self.assertEqual(self.table(answer.body, "form"), [["text", "a B"]])

    def test_text_of_another_type_is_no_form(self):
        answer = self.ask("POST /test/wsgi/", "Content-Type: text/plain", "Content-Length: 6", body=b"text=1")
        self.assertEqual((answer.status, self.table(answer.body, "form")), (200, [["No fields"]]))

    def test_bytes_that_are_no_utf_8_do_no_harm(self):
        answer = self.ask("GET /test/wsgi/?text=%FF%C0%80x")
        self.assertEqual(answer.status, 200)
        self.assertRegex(self.table(answer.body, "query")[0][1], "^\N{REPLACEMENT CHARACTER}+x$")


class StaticFiles(HttpTestCase):
    def test_each_file_of_the_pages_is_there(self):
        for path in PAGES:
            page = self.ask(f"GET {path}").body.decode()
            files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
            self.assertGreater(len(files), 2)
            for file in files:
                with self.subTest(file=file):
                    answer = self.ask(f"GET {file}")
                    self.assertEqual(answer.status, 200)
                    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[file.rsplit(".", 1)[1]]
                    self.assertTrue(answer.headers["Content-Type"].startswith(kind), answer.headers["Content-Type"])
                    app = "." if file.startswith("/static/site/") else file.split("/")[2]
                    source = SOURCE / "demos" / app / file[1:]
                    self.assertEqual(answer.body, source.read_bytes())

    def test_a_known_version_is_not_sent_again(self):  # RFC 9110, 13.1.2
        connection = self.connect()
        connection.request("GET /static/site/site.css")
        first = connection.answer()
        etag = first.headers["ETag"]
        self.assertRegex(etag, r'^(W/)?"[^"]+"$')
        for known in [etag, "*", f'"other", {etag}', etag if etag.startswith("W/") else f"W/{etag}"]:
            with self.subTest(known=known):
                connection.request("GET /static/site/site.css", f"If-None-Match: {known}")
                answer = connection.answer()
                self.assertEqual((answer.status, answer.headers["ETag"]), (304, etag))
        connection.request("GET /static/site/site.css", 'If-None-Match: "other"')
        answer = connection.answer()
        self.assertEqual((answer.status, answer.body), (200, first.body))

    def test_head_sends_no_body(self):
        connection = self.connect()
        connection.request("HEAD /static/site/site.css")
        answer = connection.answer(head_only=True)
        size = (SOURCE / "demos/static/site/site.css").stat().st_size
        self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, str(size)))
        connection.request("GET /test/")
        self.assertEqual(connection.answer().status, 200)

    def test_nothing_outside_is_served(self):
        for path in [
            "../manage.cpp", "site/../../manage.cpp", "..%2fmanage.cpp", "%2e%2e/manage.cpp", "%2e%2e%2fmanage.cpp",
            "..%5cmanage.cpp", "..\\manage.cpp", "site/%2e%2e/%2e%2e/manage.cpp", "/etc/passwd", "%2fetc/passwd",
            "%2fetc%2fpasswd", "//etc/passwd", "site/../../../../../../../../etc/passwd", "....//manage.cpp", "site",
            "site/", "", ".", "..", "site/site.css/", "site/site.css%00", "site//site.css", "./site/site.css",
            "site/nothing.css", ".hidden",
        ]:
            with self.subTest(path=path):
                answer = self.ask(f"GET /static/{path}")
                self.assertIn(answer.status, (400, 404))
                self.assertNotIn(b"int main", answer.body)


if __name__ == "__main__":
    main()
