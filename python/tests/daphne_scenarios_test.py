"""What daphne's and Channels' own tests ask of their server, asked of ours from outside.

The scenarios are those of daphne's test_http_request, test_http_response, test_websocket and test_unixsocket, and of
Channels' test_generic_http, test_generic_websocket and security/test_websocket. Their random paths, fields and bodies
come from a seed here, which a failure names; ``C10K_SEED`` repeats it.

Not asked, since it is not the server's:

- daphne's ``Daphne-Root-Path``: a field with that name is one like any other here, and ``--root-path`` sets the path
- test_cli: descriptions of Twisted's endpoints; asgi_test.py has our options
- test_checks, test_runserver: ours are in test_checks.py and test_runserver.py
- Channels' communicators, routing, sessions, databases and layers without a server; asgi_test.py runs a whole project
- pages that wait for their layer: consumers of Debian's Channels end with handle()
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import socket
import string
import tempfile
import unittest
import urllib.parse

import websockets

from asgi_test import PATIENCE, AppTest, Served, has

SEED = os.environ.get("C10K_SEED")
ROUNDS = 200 if os.environ.get("C10K_FULL") == "1" else 20
START = {"type": "http.response.start", "status": 200}


def in_base64(content: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode()}


def plain(value):
    """The same with bytes instead of base64."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        is_bytes = value.keys() == {"base64"}
        return base64.b64decode(value["base64"]) if is_bytes else {key: plain(each) for key, each in value.items()}
    return value


class Chance:
    """What a client may send, at random."""

    METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self, longest: int, letters: str = string.printable.strip() + " äß€🐉") -> str:
        return "".join(self.random.choices(letters, k=self.random.randint(1, longest)))

    def path(self) -> str:
        return "/" + "/".join(self.text(10) for _ in range(self.random.randint(1, 4)))

    def query(self) -> str:
        return urllib.parse.urlencode([(self.text(6), self.text(12)) for _ in range(self.random.randint(0, 5))])

    def fields(self) -> list[tuple[str, str]]:
        values = "".join(chr(code) for code in range(0x21, 0x7F))
        return [(f"X-{self.text(20, string.ascii_letters + string.digits)}", self.text(60, values))
                for _ in range(self.random.randint(1, 20))]  # fmt: skip

    def body(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 1, 100, 70_000, 300_000)))


class PuppetTest(AppTest):
    app: tuple[str, ...] = ("puppet_app:app",)

    def tell(self, *script, server=None):
        """What the application is to send next."""
        self.assertEqual((server or self.server).request("POST", "/script", json.dumps(script)).status, 200)

    def heard(self, server=None):
        """What it has heard: its scope, its messages and the error that its send() gave it."""
        account = plain(json.loads((server or self.server).get("/heard").content))
        return account["scope"], account["messages"], account["error"]

    def rounds(self):
        for seed in [int(SEED)] if SEED else range(ROUNDS):
            with self.subTest(C10K_SEED=seed):
                yield Chance(seed)

    def ask(self, method="GET", path="/", query="", fields=(), body=b""):
        """One request, to the byte. The scope and the body that arrive."""
        self.tell(START, {"type": "http.response.body"})
        target = urllib.parse.quote(path, safe="/") + (f"?{query}" if query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in fields]
        lines += [f"Content-Length: {len(body)}"] if body else []
        answer = self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:100])
        scope, messages, error = self.heard()
        self.assertEqual(error, "")
        self.assertEqual({message["type"] for message in messages}, {"http.request"})
        return scope, b"".join(message.get("body", b"") for message in messages)

    def raw(self, request: bytes) -> bytes:
        """All that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.server.port), PATIENCE) as client:
            client.sendall(request)
            return b"".join(iter(lambda: client.recv(100_000), b""))

    def assert_scope(self, scope, kind, path="/", query="", fields=()):
        self.assertEqual(scope["type"], kind)
        self.assertEqual(scope["path"], path)
        self.assertEqual(scope["query_string"], query.encode())
        self.assertEqual(scope["root_path"], "")
        self.assertIn(scope["http_version"], ("1.0", "1.1"))
        self.assertEqual(scope["scheme"], {"http": "http", "websocket": "ws"}[kind])
        for name in ("client", "server"):
            host, port = scope[name]
            self.assertEqual(host, "127.0.0.1")
            self.assertIn(port, range(1, 65536))
        for name, _ in fields:  # the order of a name's values counts
            name = name.lower()
            sent = [value.encode() for each, value in fields if each.lower() == name]
            self.assertEqual([value for each, value in scope["headers"] if each == name.encode()], sent)
        self.assertTrue(all(name == name.lower() for name, _ in scope["headers"]))


class RequestTest(PuppetTest):
    def test_the_smallest_request_arrives(self):
        scope, body = self.ask()
        self.assert_scope(scope, "http")
        self.assertEqual((scope["method"], body), ("GET", b""))

    def test_paths_and_queries_arrive(self):
        for chance in self.rounds():
            path, query = chance.path(), chance.query()
            scope, body = self.ask(path=path, query=query)
            self.assert_scope(scope, "http", path, query)
            self.assertEqual(body, b"")

    def test_bodies_arrive(self):
        for chance in self.rounds():
            path, sent = chance.path(), chance.body()
            scope, body = self.ask("POST", path, body=sent)
            self.assert_scope(scope, "http", path)
            self.assertEqual((scope["method"], body), ("POST", sent))

    def test_fields_arrive(self):
        for chance in self.rounds():
            fields = chance.fields()
            scope, _ = self.ask("OPTIONS", "/te st-à/", fields=fields)
            self.assert_scope(scope, "http", "/te st-à/", fields=fields)

    def test_fields_of_one_name_arrive_in_their_order(self):
        for chance in self.rounds():
            fields = [("X-Same", value) for _, value in [*chance.fields(), *chance.fields()]]
            scope, _ = self.ask(fields=fields)
            self.assert_scope(scope, "http", fields=fields)

    def test_all_of_it_at_once_arrives(self):
        for chance in self.rounds():
            method = chance.random.choice(Chance.METHODS)
            path, query, fields, sent = chance.path(), chance.query(), chance.fields(), chance.body()
            scope, body = self.ask(method, path, query, fields, sent)
            self.assert_scope(scope, "http", path, query, fields)
            self.assertEqual((scope["method"], body), (method, sent))

    def test_names_of_fields_come_in_small_letters_and_values_without_the_space_around_them(self):
        scope, _ = self.ask(fields=[("MYCUSTOMHEADER", "   foobar    ")])
        self.assertIn([b"mycustomheader", b"foobar"], scope["headers"])

    def test_forwarded_addresses_are_those_of_the_client_where_the_proxy_is_trusted(self):
        with Served(*self.app, "--no-proxy-headers") as careful:
            for server, fields, client in (
                (careful, {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Port": "80"}, "127.0.0.1"),
                (self.server, {"X-Forwarded-For": "10.1.2.3"}, "10.1.2.3"),
                (self.server, {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Port": "80"}, "10.1.2.3"),
            ):
                with self.subTest(fields=fields, client=client):
                    self.tell(START, {"type": "http.response.body"}, server=server)
                    self.assertEqual(server.get("/", **fields).status, 200)
                    scope, *_ = self.heard(server)
                    self.assertEqual(scope["client"][0], client)
                    for name, value in fields.items():  # the application gets the fields all the same
                        self.assertIn([name.lower().encode(), value.encode()], scope["headers"])

    def test_targets_that_are_not_ascii_are_refused(self):
        for target in ("/äöü", "/?äöü"):
            for version in ("1.0", "1.1"):
                answer = self.raw(f"GET {target} HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
                self.assertRegex(answer, rb"^HTTP/1\.[01] 400 Bad Request\r\n")

    def test_a_request_of_http_1_0_without_a_host_is_answered(self):
        self.tell(START, {"type": "http.response.body", "body": in_base64(b"old")})
        answer = self.raw(b"GET / HTTP/1.0\r\n\r\n")
        self.assertRegex(answer, rb"(?s)^HTTP/1\.[01] 200 OK\r\n.*\r\n\r\nold$")
        self.assertEqual(self.heard()[0]["http_version"], "1.0")


class ResponseTest(PuppetTest):
    def answer(self, *script):
        self.tell(*script)
        answer = self.server.get("/")
        return answer, self.heard()[2]

    def test_the_smallest_response_arrives(self):
        answer, _ = self.answer(START, {"type": "http.response.body", "body": in_base64(b"hello world")})
        self.assertEqual((answer.status, answer.content), (200, b"hello world"))

    def test_a_status_is_needed(self):
        answer, error = self.answer({"type": "http.response.start"}, {"type": "http.response.body"})
        self.assertEqual(answer.status, 500)
        self.assertIn("status", error)

    def test_any_status_arrives(self):
        for status in (201, 299, 404, 418, 503):
            body = {"type": "http.response.body", "body": in_base64(b"i made a thing!")}
            answer, _ = self.answer({**START, "status": status}, body)
            self.assertEqual((answer.status, answer.content), (status, b"i made a thing!"))

    def test_a_body_in_parts_arrives_whole(self):
        parts = [{"type": "http.response.body", "body": in_base64(b"part %d " % number)} for number in range(3)]
        for last in (parts[2], {"type": "http.response.body"}):
            answer, _ = self.answer(START, *({**part, "more_body": True} for part in parts[:2]), last)
            self.assertEqual(answer.content, b"part 0 part 1 " + plain(last.get("body", in_base64(b""))))

    def test_bodies_and_fields_arrive(self):
        for chance in self.rounds():
            body, fields = chance.body(), chance.fields()
            fields = [(name.lower(), value) for name, value in fields]
            pairs = [[in_base64(name.encode()), in_base64(value.encode())] for name, value in fields]
            sent = {"type": "http.response.body", "body": in_base64(body)}
            answer, _ = self.answer({**START, "headers": pairs}, sent)
            self.assertEqual(answer.content, body)
            for name, _ in fields:
                self.assertEqual(answer.headers.get_all(name), [value for each, value in fields if each == name])

    def test_fields_that_are_not_bytes_are_the_applications_mistake(self):
        for field, wrong in ((["foo", in_base64(b"bar")], "str"), ([in_base64(b"foo"), True], "bool")):
            with self.subTest(field=field):
                answer, error = self.answer({**START, "headers": [field]}, {"type": "http.response.body"})
                self.assertEqual(answer.status, 500)
                self.assertIn("bytes", error)
                self.assertIn(wrong, error)


class WebSocketTest(PuppetTest):
    def connect(self, target="/", **options):
        return self.server.connect(target, **options)

    async def test_one_is_accepted(self):
        self.tell({"type": "websocket.accept"})
        async with self.connect():
            pass
        scope, messages, _ = self.heard()
        self.assert_scope(scope, "websocket")
        self.assertEqual(messages[0], {"type": "websocket.connect"})
        self.assertEqual((messages[1]["type"], messages[1]["code"]), ("websocket.disconnect", 1000))

    async def test_one_is_refused(self):
        self.tell({"type": "websocket.close"})
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            async with self.connect():
                pass
        self.assertEqual(caught.exception.status_code, 403)
        kinds = [message["type"] for message in self.heard()[1]]
        self.assertEqual(kinds, ["websocket.connect", "websocket.disconnect"])

    async def test_the_application_chooses_among_the_subprotocols(self):
        self.tell({"type": "websocket.accept", "subprotocol": "proto2"})
        async with self.connect(subprotocols=["proto1", "proto2"]) as peer:
            self.assertEqual(peer.subprotocol, "proto2")
        self.assertEqual(self.heard()[0]["subprotocols"], ["proto1", "proto2"])

    async def test_paths_queries_and_fields_arrive(self):
        for chance in self.rounds():
            path, query, fields = chance.path(), chance.query(), chance.fields()
            self.tell({"type": "websocket.accept"})
            target = urllib.parse.quote(path, safe="/") + (f"?{query}" if query else "")
            async with self.connect(target, extra_headers=fields):
                pass
            self.assert_scope(self.heard()[0], "websocket", path, query, fields)

    async def test_texts_and_bytes_arrive(self):
        for kind, sent, answer in (
            ("text", "what is here? 🌍", "here be dragons 🐉"),
            ("bytes", b"what is here? \xe2", b"here be \xe2 bytes"),
        ):
            message = {"type": "websocket.send", kind: answer if kind == "text" else in_base64(answer)}
            self.tell({"type": "websocket.accept"}, message)
            async with self.connect() as peer:
                await peer.send(sent)
                self.assertEqual(await peer.recv(), answer)
            received = {key: value for key, value in self.heard()[1][1].items() if value is not None}
            self.assertEqual(received, {"type": "websocket.receive", kind: sent})

    async def test_the_times_of_http_do_not_end_one(self):
        times = ("head_time", "body_time", "idle_time", "write_time", "handshake_time")
        options = [option for name in times for option in ("--set", f"{name}=100ms")]
        with Served(*self.app, *options) as server:
            self.tell({"type": "websocket.accept"}, {"type": "websocket.send", "text": "cake"}, server=server)
            async with server.connect("/") as peer:
                for _ in range(3):  # so long that the server closes others meanwhile
                    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as idle:
                        self.assertIn(idle.recv(1000)[:20], (b"", b"HTTP/1.1 408 Request"))
                await peer.send("still alive?")
                self.assertEqual(await peer.recv(), "cake")


class UnixSocketTest(PuppetTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(contextlib.nullcontext())

    def test_one_that_the_starter_has_opened_serves(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/socket")
            listener.listen()
            server = Served(*self.app, "--fd", str(listener.fileno()))
            server.pass_fds = (listener.fileno(),)
            with server, socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(f"{folder}/socket")
                script = json.dumps([START, {"type": "http.response.body", "body": in_base64(b"hello")}])
                client.sendall(
                    f"POST /script HTTP/1.1\r\nHost: x\r\nContent-Length: {len(script)}\r\n\r\n{script}"
                    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                )
                answers = b"".join(iter(lambda: client.recv(10_000), b""))
                self.assertTrue(answers.endswith(b"\r\n\r\nhello"), answers)


@unittest.skipUnless(has("channels", "django"), "python3-django-channels is not installed")
class ConsumersTest(AppTest):
    app = ("consumers_app:application",)

    async def test_consumers_echo_texts_and_bytes_and_hear_of_the_end(self):
        for path, name in (("/echo/", "Echo"), ("/async-echo/", "AsyncEcho")):
            async with self.server.connect(path) as peer:
                for message in ("hello", b"w\0\0\0"):
                    await peer.send(message)
                    self.assertEqual(await peer.recv(), message)
            self.server.wait_for(f"^{name} ended with 1000")

    async def test_consumers_choose_a_subprotocol(self):
        for path in ("/second/", "/async-second/"):
            async with self.server.connect(path, subprotocols=["subprotocol1", "subprotocol2"]) as peer:
                self.assertEqual(peer.subprotocol, "subprotocol2")

    async def test_each_consumer_has_its_own_scope(self):
        async with self.server.connect("/first/path/") as first, self.server.connect("/second/path/") as second:
            for peer, path in ((second, "/second/path/ 0"), (first, "/first/path/ 0")):
                await peer.send("Where am I?")
                self.assertEqual(await peer.recv(), path)

    async def test_a_consumer_that_closes_instead_of_accepting_refuses(self):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            async with self.server.connect("/refusing/"):
                pass
        self.assertEqual(caught.exception.status_code, 403)

    async def test_json_arrives_and_bytes_fail_in_the_consumer(self):
        for path in ("/json/", "/async-json/"):
            async with self.server.connect(path) as peer:
                await peer.send('{"hello": "world"}')
                self.assertEqual(json.loads(await peer.recv()), {"hello": "world"})
                await peer.send(b"w\0\0\0")
                await peer.wait_closed()
                self.assertEqual(peer.close_code, 1011)
        self.server.wait_for("ValueError: No text section for incoming WebSocket frame!", 2)

    async def test_members_of_a_group_hear_each_other_until_they_leave(self):
        async with self.server.connect("/member/") as one, self.server.connect("/threaded-member/") as other:
            await one.send("hello")
            self.assertEqual((await one.recv(), await other.recv()), ("hello", "hello"))
            async with self.server.connect("/member/") as third:
                await third.send("I am here, too")
                self.assertEqual(await one.recv(), "I am here, too")
            await one.send("bye")
            self.assertEqual([await other.recv(), await other.recv()], ["I am here, too", "bye"])

    async def test_a_consumer_has_the_layer_that_it_names(self):
        async with self.server.connect("/other-layer/") as peer:
            await peer.send('{"type": "told", "text": "hello"}')
            self.assertEqual(await peer.recv(), "hello")

    async def test_messages_of_a_layer_do_not_reach_private_methods(self):
        for kind in ("_private", ".private"):
            async with self.server.connect("/other-layer/") as peer:
                await peer.send(json.dumps({"type": kind}))
                with self.assertRaises(websockets.ConnectionClosedError):
                    await peer.recv()
                self.assertEqual(peer.close_code, 1011)
        self.server.wait_for(r"ValueError: Malformed type in message \(leading underscore\)", 2)

    async def test_foreign_origins_are_refused(self):
        for path, origin, is_welcome in (
            ("/domain/", "http://allowed.example", True),
            ("/domain/", "https://allowed.example:8443", True),
            ("/domain/", "http://bad.example", False),
            ("/domain/", None, False),
            ("/origin/", "https://allowed.example", True),
            ("/origin/", "https://allowed.example:443", True),
            ("/origin/", "http://allowed.example", False),
            ("/origin/", "https://bad.example:443", False),
        ):
            with self.subTest(path=path, origin=origin):
                try:
                    async with self.server.connect(path, origin=origin):
                        self.assertTrue(is_welcome)
                except websockets.InvalidStatusCode as refusal:
                    self.assertEqual((is_welcome, refusal.status_code), (False, 403))

    def test_a_page_of_a_consumer_takes_a_body(self):
        answer = self.server.request("POST", "/twice/", '{"value": 21, "anything": false}')
        self.assertEqual((answer.status, json.loads(answer.content)), (200, {"value": 42}))
        self.assertEqual(answer.headers["content-type"], "text/json")


if __name__ == "__main__":
    unittest.main()
