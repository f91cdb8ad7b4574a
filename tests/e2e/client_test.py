"""Our clients against servers that are not ours: good ones, wrong ones, and none."""

import functools
import http
import itertools
import re
import socket
import tempfile

import life_reference
from support import life
from support.cases import CommandTestCase, main
from support.environment import MANAGE
from support.foreign import WebsocketsServer
from support.frames import BINARY, TEXT, close_frame, frame
from support.handshake import switch
from support.process import ManageServer, Program, all_at_once, run
from support.tcp import RawServer
from support.waiting import PATIENCE


async def echo(websocket, _path):
    """The echo test as it should be."""
    await websocket.send("Hello!")
    for number in range(1, 4):
        await websocket.send(f"{number}. {await websocket.recv()}")
    await websocket.send("Goodbye!")


def echo_clients(url, *options, clients=20, delay="20ms"):
    return run("testecho", "--clients", clients, "--delay", delay, "--url", f"{url}/test/ws/", *options)


class TestEcho(CommandTestCase):
    def test_is_content_with_a_correct_server(self):
        with WebsocketsServer(echo) as url:
            program = all_at_once(functools.partial(echo_clients, url, clients=200), 0.5)
        self.assertEqual(program.status, 0, program.output)
        self.assertIn("200 clients are connected!", program.stdout)
        self.assertRegex(program.output, r"(?m)^200 clients, peak 200, 0 failures$")
        for what in ("handshake", "reply"):
            self.assertRegex(program.output, rf"(?m)^{what} +p50 [\d.]+ m?s, p99 [\d.]+ m?s, max [\d.]+ m?s$")
        self.assertEqual(program.stderr, [])

    def test_counts_up_and_down_in_steps_of_500(self):
        server = ManageServer()
        program = all_at_once(functools.partial(echo_clients, server.ws, clients=1200), 1)
        self.assertEqual(program.status, 0, program.output)
        lines = [line for line in program.stdout if re.match(r"[<>]|1200 clients are", line)]
        self.assertEqual(lines, ["> 500 connections", "> 1000 connections", "1200 clients are connected!",
                                 "< 1000 connections", "< 500 connections", "< 0 connections"])
        self.assertEqual(server.stop(), 0)

    def with_localhost_on(self, addresses, url, delay="20ms"):
        """The echo test at `url`, in a mount namespace in which localhost is these addresses."""
        with tempfile.NamedTemporaryFile("w") as hosts:
            hosts.writelines(f"{address} localhost\n" for address in addresses)
            hosts.flush()
            program = run("-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts.name, MANAGE,
                          "testecho", "--clients", 20, "--delay", delay, "--url", url, program="unshare")
        if re.search("^(unshare|mount):", program.output, re.MULTILINE):
            self.skipTest(program.output)
        return program

    def test_finds_the_one_of_the_addresses_of_localhost_that_the_server_listens_on(self):
        server = ManageServer()
        for addresses in (["::1", "127.0.0.1"], ["127.0.0.1", "::1"], ["127.0.0.2", "127.0.0.3", "::1", "127.0.0.1"]):
            with self.subTest(addresses=addresses):
                url = f"ws://localhost:{server.port}/test/ws/"
                program = all_at_once(functools.partial(self.with_localhost_on, addresses, url), 0.1)
                self.assertEqual(program.status, 0, program.output)
                self.assertIn("20 clients, peak 20, 0 failures", program.output)
        self.assertEqual(server.stop(), 0)

    def test_names_each_address_of_a_server_that_is_not_there(self):
        program = self.with_localhost_on(["::1", "127.0.0.1"], "ws://localhost:1/")
        self.assert_one_line(program, "cannot connect to ws://localhost:1/: ", "[::1]:1: Connection refused",
                             "127.0.0.1:1: Connection refused")

    def assert_complains(self, handler, *words, **options):
        """Each of 20 clients counts as a failure whose cause has these words."""
        with WebsocketsServer(handler, **options) as url:
            program = echo_clients(url)
        self.assertEqual(program.status, 1, program.output)
        self.assertRegex(program.output, r"(?m)^20 clients, peak \d+, 20 failures$")
        for word in words:
            self.assertRegex(program.output, rf"(?m)^ +\d+ x .*{re.escape(word)}")

    def test_notices_a_wrong_text(self):
        async def wrong(websocket, _path):
            await websocket.send("Hello!")
            await websocket.recv()
            await websocket.send("1. Sausage")
            await websocket.wait_closed()

        self.assert_complains(wrong, "1. Sausage", "1. Spam?")

    def test_notices_a_wrong_greeting(self):
        async def wrong(websocket, _path):
            await websocket.send("Hello?")
            await websocket.wait_closed()

        self.assert_complains(wrong, "Hello?")

    def test_notices_a_message_too_many(self):
        async def chatty(websocket, path):
            await echo(websocket, path)
            await websocket.send("And another thing")

        self.assert_complains(chatty, "And another thing")

    def test_notices_an_early_close(self):
        async def hasty(websocket, _path):
            await websocket.send("Hello!")
            await websocket.recv()

        self.assert_complains(hasty, "1000")

    def test_notices_a_close_that_is_no_farewell(self):
        async def broken(websocket, path):
            await echo(websocket, path)
            await websocket.close(1011, "broken")

        self.assert_complains(broken, "1011")

    def test_notices_a_lost_connection(self):
        async def lost(websocket, _path):
            await websocket.send("Hello!")
            await websocket.recv()
            websocket.transport.abort()

        self.assert_complains(lost, "1006")

    def test_notices_a_client_that_fails_among_many(self):
        count = 0

        async def fickle(websocket, path):
            nonlocal count
            count += 1
            if count % 5 == 3:
                await websocket.close(1013)
            await echo(websocket, path)

        with WebsocketsServer(fickle) as url:
            program = echo_clients(url)
        self.assertEqual(program.status, 1, program.output)
        self.assertRegex(program.output, r"(?m)^20 clients, peak \d+, 4 failures$")
        self.assertRegex(program.output, r"(?m)^ +4 x .*1013")

    def test_says_that_the_handshake_was_refused(self):
        async def refuse(_path, _headers):
            return http.HTTPStatus.FORBIDDEN, [], b"no\n"

        with WebsocketsServer(echo, process_request=refuse) as url:
            self.assert_one_line(echo_clients(url), "403", url)

    def test_says_that_nobody_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.assert_one_line(echo_clients(f"ws://127.0.0.1:{port}"), f"127.0.0.1:{port}", "refused")

    def test_says_what_is_wrong_with_a_url(self):
        for url in ["http://127.0.0.1:1/", "127.0.0.1:1", "ws://", "ws://127.0.0.1:99999/", "ws://nobody.invalid/",
                    "ws://127.0.0.1/#x", "", "wss://127.0.0.1/"]:
            with self.subTest(url=url):
                self.assert_one_line(run("testecho", "--clients", 1, "--url", url))


def answering(respond):
    """A server that answers each handshake with the bytes `respond(key)`, then waits until the client has gone."""
    def serve(client, _number):
        client.send(respond(client.key))
        client.wait_for_end()

    return RawServer(serve)


class HostileServers(CommandTestCase):
    """Servers that break the protocol cost one clear line, never a crash."""

    def test_in_the_handshake(self):
        for name, respond in {
            "wrong accept": lambda key: switch(b"another"),
            "no accept": lambda key: switch(key).replace(b"Accept", b"Except"),
            "no upgrade": lambda key: switch(key).replace(b"Upgrade: websocket\r\n", b""),
            "extension not offered": lambda key: switch(key, b"Sec-WebSocket-Extensions: permessage-deflate"),
            "protocol not offered": lambda key: switch(key, b"Sec-WebSocket-Protocol: chat"),
            "a page": lambda key: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "a redirect": lambda key: b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "not HTTP": lambda key: b"\x16\x03\x01 what?\r\n\r\n",
            "a head without end": lambda key: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100_000,
        }.items():
            with self.subTest(name), answering(respond) as server:
                self.assert_one_line(echo_clients(server.url, clients=1), server.url)

    def test_in_the_frames(self):
        hello = frame(TEXT, "Hello!", masked=False)
        for name, frames in {
            "masked": frame(TEXT, "Hello!"),
            "reserved bit": frame(TEXT, "Hello!", masked=False, rsv=4),
            "not UTF-8": frame(TEXT, b"\xff", masked=False),
            "length": b"\x81\x7f" + b"\xff" * 8,
            "too big": b"\x81\x7f" + (1 << 40).to_bytes(8, "big"),
            "close code": hello + close_frame(1005, masked=False),
            "binary": frame(BINARY, "Hello!", masked=False),
        }.items():
            with self.subTest(name), answering(lambda key, frames=frames: switch(key) + frames) as server:
                program = echo_clients(server.url, clients=3)
                self.assertEqual(program.status, 1, program.output)
                self.assertRegex(program.output, r"(?m)^3 clients, peak \d+, 3 failures$")


def play(url, *options, size=8):
    return run("gameoflife", "--size", size, "--speed", 0, "--url", url, *options)


class GameOfLife(CommandTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start_and_final(self, url, steps, *options):
        """The grids that the same random game has at its start and after so many steps."""
        grids = []
        for count in (0, steps):
            dump = f"{self.folder}/{count}.rle"
            program = play(url, "--seed", 5, "--steps", count, "--dump", dump, *options)
            self.assertEqual(program.status, 0, program.output)
            grids.append(life_reference.read_rle(dump))
        return grids

    def test_plays_on_anothers_server(self):
        for edges, wrapped in [([], True), (["--no-wrap"], False)]:
            with self.subTest(wrapped=wrapped):
                relay = life.Relay()
                with WebsocketsServer(relay) as url:
                    start, final = self.start_and_final(url, 3, *edges)
                self.assertGreater(sum(map(sum, start)), 0)
                self.assertEqual(life_reference.differences(life_reference.plain_life(start, 3, wrapped), final), [])
                updates = sorted(relay.updates[64:])  # the first game was of step 0 alone
                self.assertEqual([update[:3] for update in updates],
                                 list(itertools.product(range(4), range(8), range(8))))

    def test_a_url_may_end_with_a_slash(self):
        with WebsocketsServer(life.Relay()) as url:
            self.assertEqual(play(f"{url}/", "--steps", 1).status, 0)

    def test_an_end_by_the_server_is_told_with_its_cell(self):
        class Restarting(life.Relay):
            async def relay(self, message, update):
                await super().relay(message, update)
                if update[0] == 2:
                    for worker in list(self.workers):
                        await worker.close(1012, "another game")

        with WebsocketsServer(Restarting()) as url:
            self.assert_one_line(play(url), "cell ", "1012")

    def test_a_reset_that_is_refused_is_told(self):
        async def refuse(websocket, _path):
            await websocket.recv()
            await websocket.close(1008, "not today")

        with WebsocketsServer(refuse) as url:
            self.assert_one_line(play(url), "1008", "not today")

    def test_nonsense_is_told(self):
        class Nonsense(life.Relay):
            async def relay(self, message, update):
                await super().relay("nonsense" if update[0] == 1 else message, update)

        with WebsocketsServer(Nonsense()) as url:
            self.assert_one_line(play(url), "cell ", "nonsense")

    def test_a_step_too_far_is_told(self):
        class Ahead(life.Relay):
            async def relay(self, message, update):
                await super().relay(f"7 {message.split(' ', 1)[1]}" if update[0] == 1 else message, update)

        with WebsocketsServer(Ahead()) as url:
            self.assert_one_line(play(url), "cell ", "7")

    def test_says_that_nobody_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.assert_one_line(play(f"ws://127.0.0.1:{port}", "--seed", 1), f"127.0.0.1:{port}", "refused")


class Silent(life.Relay):
    """Keeps one cell's step 1 to itself."""

    async def relay(self, message, update):
        if update[:3] != (1, 2, 2):
            await super().relay(message, update)


def setUpModule():
    # It takes the 30 seconds of the contract: the other tests run meanwhile.
    global silent_peer, silent_game
    silent_peer = WebsocketsServer(Silent())
    silent_game = Program("gameoflife", "--size", 4, "--speed", 0, "--url", silent_peer.__enter__())


def tearDownModule():
    silent_peer.__exit__()


class Waiting(CommandTestCase):
    def test_a_neighbour_that_falls_silent_is_told_with_the_cell(self):
        silent_game.status = silent_game.wait(2 * PATIENCE)
        self.assert_one_line(silent_game, "no word from a neighbour for 30 s")
        self.assertRegex(silent_game.stderr[0], r"cell [0-3] [0-3] ")


if __name__ == "__main__":
    main()
