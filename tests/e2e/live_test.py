"""The dashboard from outside: its token, what it says each second, and what it does to connections; and `manage top`."""

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import urllib.parse

import websockets

from support.cases import AsyncTestCase, CommandTestCase, main
from support.environment import MANAGE, WORKERS
from support.foreign import WebsocketsServer
from support.process import ManageServer, Program, run
from support.tcp import reserved_port
from support.waiting import PATIENCE, Patience

LOOPS = int(WORKERS)


class Dashboard:
    """Where a server says that it is."""

    def __init__(self, server):
        self.url = server.wait_for(r"^Dashboard at (http://\S+)$")[1]
        address, fragment = urllib.parse.urldefrag(self.url)
        self.token = fragment.removeprefix("token=")
        self.host = urllib.parse.urlsplit(address).netloc

    def connect(self, token=None, **options):
        subprotocols = ["c10k.live", f"token.{token or self.token}"]
        return websockets.connect(f"ws://{self.host}/_live/ws/", subprotocols=subprotocols, max_size=None, **options)

    def get(self, path, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()


async def receive(page, name, condition=lambda _: True):
    """The next message of that name that fits."""
    while True:
        message = json.loads(await asyncio.wait_for(page.recv(), PATIENCE))
        if name in message and condition(message[name]):
            return message[name]


async def ask(page, **message):
    """The error of the answer, or None."""
    await page.send(json.dumps({**message, "id": 7}))
    while True:
        answer = json.loads(await asyncio.wait_for(page.recv(), PATIENCE))
        if answer.get("answer") == 7:
            return answer["error"]


async def refused(connection):
    try:
        async with connection:
            return 101
    except websockets.InvalidStatusCode as refusal:
        return refusal.status_code


class Live(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ManageServer("--debug")
        cls.live = Dashboard(cls.server)

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def echo(self):
        """A client of the echo test that has had its greeting."""
        return websockets.connect(f"{self.server.ws}/test/ws/", ping_interval=None)

    async def found(self, page, query, count):
        """So many connections that fit the query."""
        await page.send(json.dumps({"find": query}))
        figures = await receive(page, "figures", lambda now: now["found"]["find"] == query and now["found"]["count"] == count)
        return figures["found"]["connections"]

    async def test_a_wrong_or_missing_token_is_403(self):
        self.assertEqual(await refused(self.live.connect("0" * 32)), 403)
        self.assertEqual(await refused(self.live.connect(self.live.token[:-1])), 403)
        self.assertEqual(await refused(self.live.connect(self.live.token + "0")), 403)
        address = f"ws://{self.live.host}/_live/ws/"
        self.assertEqual(await refused(websockets.connect(address)), 403)
        self.assertEqual(await refused(websockets.connect(address, subprotocols=["c10k.live"])), 403)
        field = {"Authorization": f"Bearer {self.live.token}"}
        self.assertEqual(await refused(websockets.connect(address, extra_headers=field)), 101)
        for headers in ({}, {"Authorization": "Bearer no"}):
            answer, _ = self.live.get("/_live/figures.json", **headers)
            self.assertEqual(answer.status, 403)
        self.assertNotIn(self.live.token, "\n".join(self.server.stderr), "the log has the token")

    async def test_other_sites_and_other_hosts_are_refused(self):
        for origin in ("http://evil.example", "null", self.server.http.rstrip("/")):
            self.assertEqual(await refused(self.live.connect(origin=origin)), 403, origin)
        self.assertEqual(await refused(self.live.connect(origin=f"http://{self.live.host}")), 101)
        answer, _ = self.live.get("/_live/", Host="evil.example")
        self.assertEqual(answer.status, 400)

    async def test_its_page_has_nothing_inline_and_tells_no_other_site(self):
        answer, text = self.live.get("/_live/")
        self.assertEqual(answer.status, 200)
        self.assertIn("script-src 'self'", answer.headers["Content-Security-Policy"])
        self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=")
        for file in re.findall(r'(?:href|src)="(/_live/[^"]+)"', text):
            self.assertEqual(self.live.get(file)[0].status, 200, file)
        for file in ("/_live/live.html", "/_live/overlay.js", "/_live/..%2fsite", "/test/"):
            self.assertEqual(self.live.get(file)[0].status, 404, file)

    async def test_counts_by_route_and_by_loop(self):
        async with self.live.connect() as page, contextlib.AsyncExitStack() as stack:
            hello = await receive(page, "hello")
            self.assertEqual(hello["loops"], LOOPS)
            routes = [route["route"] for route in hello["routes"]]
            place = routes.index("/test/ws/")
            clients = [await stack.enter_async_context(self.echo()) for _ in range(5)]
            for client in clients:
                await client.recv()
            figures = await receive(page, "figures", lambda now: now["routes"][place]["open"] == 5)
            self.assertEqual(sum(loop["open"] for loop in figures["loops"]), figures["now"]["open"])
            self.assertEqual(len(figures["now"]["delays"]), LOOPS)
            self.assertGreater(figures["now"]["memory"]["all"], 1_000_000)
            await receive(page, "figures", lambda now: sum(now["queues"]) >= 5 and now["routes"][place]["memory"])
            # Each asks once. Their answers may fall into two figures, which are rounded rates.
            for client in clients:
                await client.send("Spam?")
                await client.recv()
            asked = answered = 0
            while not (asked and answered):
                now = (await receive(page, "figures"))["routes"][place]
                asked, answered = asked + now["in"], answered + now["out"]
            answer, text = self.live.get("/_live/figures.json", Authorization=f"Bearer {self.live.token}")
            self.assertEqual(json.loads(text)["routes"][place]["open"], 5)
        async with self.live.connect() as page:
            codes = {code for code, count in (await receive(page, "figures", lambda now: now["closes"]))["closes"]}
            self.assertTrue(codes & {"1000", "1001"}, codes)
            self.assertTrue(await self.has_history())

    async def has_history(self):
        async with self.live.connect() as page:
            return len((await receive(page, "hello"))["history"]) > 0

    async def test_finds_connections(self):
        async with self.live.connect() as page, self.echo() as one, self.echo() as other:
            await one.recv()
            await other.recv()
            peer = "{}:{}".format(*other.local_address[:2])
            (only,) = await self.found(page, f"route:/test/ws/ peer:{peer}", 1)
            self.assertEqual(only["path"], "/test/ws/")
            self.assertEqual((only["in"], only["out"], only["queued"]), (0, 1, 0))
            self.assertIn(only["loop"], range(1, LOOPS + 1))
            self.assertEqual(await self.found(page, f"id:{only['id']} idle<1h queued<1k {peer}", 1) != [], True)
            for query in ("queued>1k", "age>1h", "nothing such", f"route:/worker/ {peer}", "in>5"):
                self.assertEqual(await self.found(page, query, 0), [], query)

    async def test_closes_a_connection_and_no_other(self):
        async with self.live.connect() as page, self.echo() as one, self.echo() as other:
            await one.recv()
            await other.recv()
            (only,) = await self.found(page, "peer:{}:{}".format(*one.local_address[:2]), 1)
            self.assertIsNone(await ask(page, close=only["id"], code=4001, reason="enough"))
            with self.assertRaises(websockets.ConnectionClosed):
                await asyncio.wait_for(one.recv(), PATIENCE)
            self.assertEqual((one.close_code, one.close_reason), (4001, "enough"))
            await other.send("Spam?")
            self.assertEqual(await asyncio.wait_for(other.recv(), PATIENCE), "1. Spam?")
            for wrong in (only["id"], "zz", "", "ffffffffffffffffffff", "1-2-3"):
                self.assertIn("There is no connection", await ask(page, close=wrong))

    async def test_follows_messages_both_ways_until_the_end(self):
        async with self.live.connect() as page, self.echo() as client:
            await client.recv()
            (only,) = await self.found(page, "peer:{}:{}".format(*client.local_address[:2]), 1)
            self.assertIsNone(await ask(page, follow=only["id"]))
            await client.send("Spam? \u202e\x1b[31m")
            seen = []
            while len(seen) < 2:
                seen += (await receive(page, "followed"))["messages"]
            self.assertEqual([(one["way"], one["kind"], one["text"]) for one in seen],
                             [("in", "text", "Spam? \u202e\x1b[31m"), ("out", "text", "1. Spam? \u202e\x1b[31m")])
            await client.close(4002)
            ended = await receive(page, "followed", lambda batch: "ended" in batch)
            self.assertEqual(ended["ended"], 4002)

    async def test_a_bad_message_closes_only_its_page(self):
        async with self.live.connect() as other:
            for text in ("", "[]", "{", '{"find": 5}', '{"find": "' + "x" * 600 + '"}', '{"close": "1", "code": 1005}',
                         '{"close": "1", "reason": "' + "x" * 124 + '"}', '{"follow": {}}', "[" * 5000):
                async with self.live.connect() as page:
                    await page.send(text)
                    with self.assertRaises(websockets.ConnectionClosed, msg=text[:20]):
                        while True:
                            await asyncio.wait_for(page.recv(), PATIENCE)
                    self.assertEqual(page.close_code, 1008, text[:20])
            await receive(other, "figures")
            await other.send('{"unknown": true}')
            await receive(other, "figures")

    async def test_the_seventeenth_page_gets_503(self):
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(16):
                await stack.enter_async_context(self.live.connect())
            self.assertEqual(await refused(self.live.connect()), 503)


class Flood(AsyncTestCase):
    """A connection with more messages than a page can take."""

    async def test_following_one_is_bounded(self):
        server = ManageServer("--debug", "--set", "max_message_bytes=64MiB")
        self.addCleanup(server.kill)
        live = Dashboard(server)
        async with live.connect() as page, websockets.connect(f"{server.ws}/watcher/", max_size=None) as watcher:
            await page.send('{"find": "route:/watcher/"}')
            figures = await receive(page, "figures", lambda now: now["found"]["find"] and now["found"]["count"] == 1)
            self.assertIsNone(await ask(page, follow=figures["found"]["connections"][0]["id"]))
            life = Program("gameoflife", "--url", server.ws, "--size", 12, "--steps", 200, "--speed", 0)
            self.addCleanup(life.kill)
            reading = asyncio.create_task(self.read_all(watcher))
            skipped, kept = 0, 0
            while skipped == 0:
                batch = await receive(page, "followed")
                self.assertLessEqual(len(batch["messages"]), 60)
                kept += len(batch["messages"])
                skipped += batch["skipped"]
            self.assertGreater(kept, 0)
            self.assertEqual(await asyncio.to_thread(life.wait), 0, life.output)
            reading.cancel()
        self.assertEqual(server.stop(), 0)

    @staticmethod
    async def read_all(socket):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for _ in socket:
                pass


class Settings(CommandTestCase):
    def test_there_is_none_unless_somebody_develops_or_asks(self):
        for options in ((), ("--debug", "--set", "live=off")):
            server = self.serve(*options)
            server.wait_for("^Quit the server")
            self.assertNotIn("Dashboard", server.output)
        self.serve("--set", "live=on").wait_for(r"^Dashboard at http://127\.0\.0\.1:\d+/_live/#token=\w{32}$")

    def test_a_token_of_ones_own_is_not_printed(self):
        server = self.serve("--debug", env={"C10K_LIVE_TOKEN": "abcdefgh-12345678"})
        server.wait_for(r"^Dashboard at http://127\.0\.0\.1:\d+/_live/$")
        self.assertNotIn("abcdefgh-12345678", server.output)
        checked = run("check", "--json", env={"C10K_LIVE_TOKEN": "abcdefgh-12345678"})
        self.assertNotIn("abcdefgh-12345678", checked.output)
        self.assertIn("(secret)", checked.output)
        for wrong in ("short", "has spaces in the middle", "umlaut-\u00e4-umlaut-umlaut"):
            self.assertIn("settings.E012", run("check", env={"C10K_LIVE_TOKEN": wrong}).output)

    def test_control_needs_a_setting(self):
        async def try_it(live):
            async with live.connect() as page:
                hello = await receive(page, "hello")
                self.assertFalse(hello["control"])
                self.assertIn("live_control", hello["why"])
                for order in ({"close": "1"}, {"follow": "1"}):
                    self.assertIn("live_control", await ask(page, **order))

        asyncio.run(try_it(Dashboard(self.serve("--set", "live=on"))))
        asyncio.run(try_it(Dashboard(self.serve("--debug", "--set", "live_control=off"))))


class Restart(AsyncTestCase):
    async def test_pages_find_the_next_program_at_the_same_address_with_the_same_token(self):
        port = self.enterContext(reserved_port())
        server = Program("serve", f"127.0.0.1:{port}", "--set", "live=on")
        self.addCleanup(server.kill)
        live = Dashboard(server)
        async with live.connect() as page:
            before = (await receive(page, "hello"))["process"]
            restarted = await asyncio.to_thread(run, "restart", f"127.0.0.1:{port}")
            self.assertEqual(restarted.status, 0, restarted.output)
            with self.assertRaises(websockets.ConnectionClosed):
                while True:
                    await asyncio.wait_for(page.recv(), PATIENCE)
            self.assertEqual(page.close_code, 1012)
        async with live.connect() as page:
            self.assertNotEqual((await receive(page, "hello"))["process"], before)
        self.assertEqual(await asyncio.to_thread(server.stop), 0)


class Top(CommandTestCase):
    def test_prints_a_line_or_json_where_there_is_no_terminal(self):
        server = self.serve("--debug")
        url = Dashboard(server).url
        done = run("top", "--once", "--url", url)
        self.assertEqual(done.status, 0, done.output)
        self.assertRegex(done.output, r"^\d+ connections, \d+ messages/s in, \d+ out, .*, delay [\d.]+ m?s, queued ")
        done = run("top", "--once", "--json", "--url", url)
        self.assertIn("delays", json.loads(done.output)["now"])

    def test_says_what_is_wrong(self):
        self.assert_one_line(run("top"), "--url")
        self.assert_one_line(run("top", "--url", "http://127.0.0.1:9/_live/"), "token")
        self.assert_one_line(run("top", "--once", "--url", "http://127.0.0.1:9/_live/#token=x"), "127.0.0.1:9")
        server = self.serve("--debug")
        url = Dashboard(server).url
        self.assert_one_line(run("top", "--once", "--url", url, "--token", "wrong"), "403")

    def in_terminal(self, *arguments, rows=30, columns=100):
        """`manage top` in a terminal: its process and the other end."""
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        pid = os.posix_spawn(MANAGE, [str(MANAGE), "top", *arguments], os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, its, number) for number in (0, 1, 2)], setsid=True)
        os.close(its)
        return pid, ours

    @staticmethod
    def read_until(terminal, condition):
        """All that has come, once `condition` holds for the last whole screen among it."""
        seen = ""
        patience = Patience(PATIENCE, os.getpid())
        while not condition(seen.rpartition("\x1b[J")[0].rpartition("\x1b[H")[2]):
            if not select.select([terminal], [], [], max(patience.left(), 0))[0]:
                raise AssertionError(f"this came last: {seen[-3000:]!r}")
            seen += os.read(terminal, 65536).decode(errors="replace")
        return seen

    def assert_ends(self, pid, terminal, status):
        """It gives the terminal back, and ends so."""
        seen = ""
        with contextlib.suppress(OSError):  # nobody has the other end any more
            while more := os.read(terminal, 65536):
                seen += more.decode(errors="replace")
        self.assertTrue(seen.endswith("\x1b[?25h\x1b[?1049l"), seen[-100:])
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), status)

    def test_shows_totals_loops_and_routes_in_a_terminal_and_leaves_it_as_it_was(self):
        server = self.serve("--debug")
        pid, terminal = self.in_terminal("--url", Dashboard(server).url)
        seen = self.read_until(terminal, lambda screen: "/test/ws/" in screen)
        self.assertTrue(seen.startswith("\x1b[?1049h\x1b[?25l"))
        self.assertRegex(seen, r"Connections +\d+")
        self.assertRegex(seen, r"Loop delay +[\d.]+ m?s")
        os.write(terminal, b"\x1b[B")
        first = re.search(r"Route .*?\r\n(\S+)", seen, re.DOTALL)[1]
        self.read_until(terminal, lambda screen: "Route" in screen and f"\n{first} " not in screen)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
        self.read_until(terminal, lambda screen: screen.count("\r\n") == 11 and
                        max(len(line.split("\x1b")[0]) for line in screen.split("\r\n")) <= 40)
        os.write(terminal, b"q")
        self.assert_ends(pid, terminal, 0)

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        server = self.serve("--debug")
        pid, terminal = self.in_terminal("--url", Dashboard(server).url)
        self.read_until(terminal, lambda screen: "Route" in screen)
        os.kill(pid, signal.SIGINT)
        self.assert_ends(pid, terminal, 130)

    def test_nothing_that_a_server_says_commands_the_terminal(self):
        async def lie(socket, _path):
            hello = {"version": "\x1b]0;owned\x07", "address": "a\nb\u202e", "routes": [{"route": "\x1b[2J/x"}, 5], "loops": {}}
            await socket.send(json.dumps({"hello": hello}))
            await socket.send(json.dumps({"figures": 5}))
            await socket.send("no JSON")
            await socket.send(json.dumps({"figures": {"now": {"open": -5, "in": 1e300, "delays": ["x", None]}, "loops": [[], {}],
                                                      "routes": [{"open": "many"}, None, {}]}}))
            await socket.wait_closed()

        with WebsocketsServer(lie, subprotocols=["c10k.live"]) as url:
            pid, terminal = self.in_terminal("--url", url.replace("ws://", "http://") + "/_live/#token=abc")
            seen = self.read_until(terminal, lambda screen: "\\x1b[2J/x" in screen)
            os.write(terminal, b"q")
            self.assert_ends(pid, terminal, 0)
        for command in ("\x1b]0", "\x07", "\x1b[2J", "\u202e"):
            self.assertNotIn(command, seen)


if __name__ == "__main__":
    main()
