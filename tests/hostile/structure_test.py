"""Row 82: structures that are nested or repeated without end, and then used as a site uses them."""

import json
import pathlib
import tempfile

from harness import HostileTestCase
from support.cases import main
from support.frames import TEXT, frame

MANY = 100_000
OPENINGS = ["[", '{"a":', '[{"a":', "[1,", "[[],", "[{},"]


class Structures(HostileTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        templates = pathlib.Path(folder.name) / "templates"
        templates.mkdir()
        (templates / "page.html").write_text("{{#levels}}{{#inner}}in{{/inner}}{{/levels}}"
                                             '<a href="{{#url}}any {{path}}{{/url}}">')
        (templates / ".hidden.html").write_text("secret")
        (pathlib.Path(folder.name) / "outside.html").write_text("secret")
        cls.options = ("--set", f"template_folders={templates}")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.start_line = self.server.line_count

    def ask(self, line, *fields, body=b""):
        """The answer, on a connection of its own."""
        connection = self.connect()
        connection.request(line, *([f"Content-Length: {len(body)}"] if body else []), *fields, body=body)
        answer = connection.answer()
        connection.close()
        return answer

    def said(self):
        """What the server has said in this test."""
        return "\n".join(self.server.output.splitlines()[self.start_line:])

    def test_row_82_json_that_is_too_deep_is_400(self):
        """100,000 arrays and objects in each other, left open or closed: 400 from every view, and no line of an
        error."""
        for path in ("/json/", "/json/name/", "/template/page.html"):
            for opening in OPENINGS:
                with self.subTest(path=path, opening=opening):
                    self.assertEqual(self.ask(f"POST {path}", body=opening.encode() * MANY).status, 400)
            self.assertEqual(self.ask(f"POST {path}", body=b"[" * MANY + b"]" * MANY).status, 400)
        self.assertNotIn("Internal Server Error", self.said())

    def test_row_82_json_at_its_deepest_is_used(self):
        """128 levels are copied, echoed and rendered; a hundred thousand values beside each other, too."""
        deepest = b"[" * 128 + b"]" * 128
        answer = self.ask("POST /json/", body=deepest)
        self.assertEqual((answer.status, answer.body), (200, b'{"sent":' + deepest + b"}"))
        self.assertEqual(self.ask("POST /template/page.html", body=deepest).status, 200)
        wide = json.dumps({"sent": [[]] * MANY}, separators=(",", ":")).encode()
        self.assertEqual(self.ask("POST /json/", body=wide[8:-1]).body, wide)
        self.assertEqual(self.ask("POST /json/", body=b'"' + b"[" * MANY + b'"').status, 200)

    def test_row_82_json_that_the_view_does_not_expect_is_400(self):
        """Numbers that no double holds, other types, missing names: 400, and no line of an error."""
        for body in (b"1e400", b"[]", b"1", b'"x"', b'{"name": 1}', b'{"name": []}', b"{", b"\xff", b"nan"):
            with self.subTest(body=body):
                self.assertEqual(self.ask("POST /json/name/", body=body).status, 400)
        self.assertEqual(self.ask("POST /json/name/", body=b'{"name":"a","name":"b"}').body, b"b")
        self.assertNotIn("Internal Server Error", self.said())

    def test_row_82_messages_of_json_that_is_too_deep_are_1008(self):
        """A WebSocket view that reads JSON: too deep or none is closed with 1008, and no line of an error."""
        for text in ("[" * MANY, "[" * MANY + "]" * MANY, "1e400", "{"):
            connection = self.websocket("/json/messages/")
            connection.send(frame(TEXT, "[1]"))
            self.assertEqual(connection.message(), b'{"sent":[1]}')
            connection.send(frame(TEXT, text))
            self.assertEqual(connection.closed()[0], 1008)
        self.assertNotIn("failed", self.said())

    def test_row_82_many_fields_are_bounded(self):
        """Forms, queries and cookies with 100,000 fields, brackets and signs: at most 1000 are read."""
        form = "Content-Type: application/x-www-form-urlencoded"
        for piece in ("a=1&", "&", "=", "a[b]=1&", "a[" * 2, "%5B", "%", "+"):
            with self.subTest(piece=piece):
                answer = self.ask("POST /fields/", form, body=piece.encode() * MANY)
                self.assertEqual(answer.status, 200)
                self.assertLessEqual(len(json.loads(answer.body)), 1000)
        for separator in ("&", ";", "[", "="):
            self.assertEqual(self.ask("GET /fields/?" + separator * 7000).status, 200)
            self.assertEqual(self.ask("GET /fields/", "Cookie: " + ("a=1" + separator) * 3000).status, 200)
        multipart = "Content-Type: multipart/form-data; boundary=x"
        self.assertEqual(self.ask("POST /fields/", multipart, body=b"--x\r\n" * MANY).status, 415)

    def test_row_82_templates_stay_in_their_folders(self):
        """Absolute names, "..", hidden names, NUL and backslashes are no templates."""
        self.assertEqual(self.ask("GET /template/page.html").status, 200)
        for name in ("/etc/passwd", "%2fetc/passwd", "..%2foutside.html", "../outside.html", "a/../../outside.html",
                     "%2e%2e/outside.html", "./page.html", ".hidden.html", "..\\outside.html", "/".join(["x"] * 3000)):
            with self.subTest(name=name):
                answer = self.ask(f"GET /template/{name}")
                self.assertEqual(answer.status, 500)
                self.assertNotIn(b"secret", answer.body)
                self.assertNotIn(b"root:", answer.body)

    def test_row_82_links_and_redirects_stay_on_this_host(self):
        """What a path holds comes back in a Location and in a link: a reference to this host, and to the same view."""
        for path in ("//evil.com/x", "///evil.com", "/%2Fevil.com", "/%2F%2Fevil.com", "/\\evil.com", "/%5Cevil.com",
                     "/%09/evil.com", "/%0d%0aX:1", "/https://evil.com", "/" + "[" * 2000, "/" * 6000):
            with self.subTest(path=path):
                answer = self.ask(f"GET {path}")
                self.assertEqual(answer.status, 302)
                location = answer.headers["Location"]
                self.assertRegex(location, r"\A/(?![/\\])[!-\[\]-~]*\Z")
                self.assertEqual(self.ask(f"GET {location}").headers["Location"], location)

    def test_row_82_pieces_of_a_target_are_answered(self):
        """Slashes, dots and signs as many as a target takes: an answer each."""
        for piece in ("/", "/.", "/..", "%2f", "/;", "/:", "/[", "/%"):
            connection = self.connect()
            connection.request("GET /x" + piece * (6000 // len(piece)))
            self.assertIn(connection.answer().status, (302, 500))
            connection.close()


if __name__ == "__main__":
    main()
