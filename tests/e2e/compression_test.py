"""permessage-deflate (RFC 7692) with other people's clients and servers: python3-websockets, node's ws, Chromium.

A tap between both sides looks at the first byte of every frame: RSV1 is the proof that messages are compressed.
"""

import itertools
import json
import os
import pathlib
import socket
import subprocess
import threading

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from support.browser import chromium
from support.cases import AsyncTestCase, main
from support.environment import BUILD
from support.foreign import WebsocketsServer
from support.frames import TEXT
from support.process import ManageServer, Program
from support.waiting import PATIENCE

PROGRAM = BUILD / "examples/compression"
NODE = "/usr/bin/node"
NODE_PATH = "/usr/share/nodejs"  # where Debian's packages for node are

# As Talk in examples/compression.cpp has them, and then larger ones.
TEXTS = ["".join(f'{{"row": {row}, "state": "alive"}}\n' for row in range(turn % 5, turn % 5 + 1 + turn * 20))
         for turn in range(20)] + ["é" * 5000, "x" * 100_000]


def combinations(*choices):
    """All of them with C10K_FULL=1; else every fifth."""
    every = list(itertools.product(*choices))
    return every if os.environ.get("C10K_FULL") == "1" else every[::5]


def frames(data):
    """The first byte and the size of each whole frame (RFC 6455, 5.2)."""
    at = 0
    while at + 2 <= len(data):
        first, size, head = data[at], data[at + 1] & 127, 2
        if size >= 126:
            more = 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2:at + 2 + more], "big")
            head += more
        head += 4 if data[at + 1] & 128 else 0
        if at + head + size > len(data):
            return
        yield first, size
        at += head + size


class Tap:
    """Stands between one client and a server, and keeps what each has sent."""

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.sent = {"client": bytearray(), "server": bytearray()}
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self):
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._to))
        back = threading.Thread(target=self._copy, args=(server, client, "server"), daemon=True)
        back.start()
        self._copy(client, server, "client")
        back.join(PATIENCE)
        client.close()
        server.close()

    def _copy(self, source, target, who):
        try:
            while data := source.recv(65536):
                self.sent[who] += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Waits for the end of the connection."""
        self._threads[0].join(PATIENCE)
        self._listener.close()

    def extensions(self, who):
        head = bytes(self.sent[who]).split(b"\r\n\r\n")[0].decode().split("\r\n")
        return [line.split(": ", 1)[1] for line in head if line.lower().startswith("sec-websocket-extensions:")]

    def messages(self, who):
        """Whether each message of text was compressed, and its size."""
        data = bytes(self.sent[who]).split(b"\r\n\r\n", 1)[1]
        return [(bool(first & 0x40), size) for first, size in frames(data) if first & 15 == TEXT]


class CompressionTestCase(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        # To Chromium a tap is another server than that of the page.
        cls.server = Program("runserver", "127.0.0.1:0", "--noreload", "--set", "allowed_origins=*",
                             program=PROGRAM)
        cls.server.port = int(cls.server.wait_for(r"http://127\.0\.0\.1:(\d+)/")[1])

    @classmethod
    def tearDownClass(cls):
        cls.server.signal(15)
        status = cls.server.wait()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def tap(self, port):
        tap = Tap(port)
        self.addCleanup(tap.close)
        return tap

    def assert_compressed(self, tap, least=64):
        """All messages of some size were, in both directions; returns how many bytes each side has sent in all."""
        tap.close()
        for who in ("client", "server"):
            messages = tap.messages(who)
            self.assertGreaterEqual(len(messages), 20)
            for is_compressed, size in messages:
                self.assertTrue(is_compressed or size < least, (who, messages))
        return [sum(size for _, size in tap.messages(who)) for who in ("client", "server")]


class PythonClient(CompressionTestCase):
    async def talk(self, path, factory):
        tap = self.tap(self.server.port)
        async with websockets.connect(f"ws://127.0.0.1:{tap.port}/{path}/", compression=None, extensions=[factory],
                                      max_size=None, ping_interval=None) as connection:
            self.assertEqual([extension.name for extension in connection.extensions], ["permessage-deflate"])
            for text in TEXTS:
                await connection.send(text)
                self.assertEqual(await connection.recv(), text)
        return tap

    async def test_agrees_on_every_parameter(self):
        for path, *options in combinations(("forgetting", "keeping", "narrow"), (False, True), (False, True),
                                           (None, 8, 9, 15), (None, True, 9, 15)):
            with self.subTest(path=path, options=options):
                await self.agree(path, *options)

    async def agree(self, path, server_forgets, client_forgets, server_bits, client_bits):
        factory = ClientPerMessageDeflateFactory(server_forgets, client_forgets, server_bits, client_bits)
        async with websockets.connect(f"ws://127.0.0.1:{self.server.port}/{path}/", compression=None,
                                      extensions=[factory], ping_interval=None) as connection:
            agreed = connection.extensions[0]
            # Named as the client sees it.
            self.assertEqual(agreed.remote_no_context_takeover, server_forgets or path == "forgetting")
            self.assertLessEqual(agreed.remote_max_window_bits, min(server_bits or 15, 9 if path == "narrow" else 12))
            self.assertLessEqual(agreed.local_max_window_bits, client_bits if type(client_bits) is int else 15)
            for text in TEXTS[:8]:
                await connection.send(text)
                self.assertEqual(await connection.recv(), text)

    async def test_is_compressed_both_ways(self):
        totals = {}
        for path in ("forgetting", "keeping", "narrow"):
            tap = await self.talk(path, ClientPerMessageDeflateFactory(client_max_window_bits=True))
            totals[path] = self.assert_compressed(tap, 256 if path == "forgetting" else 64)
        for side in (0, 1):
            self.assertLess(totals["keeping"][side], totals["forgetting"][side])

    async def test_falls_back_to_plain_messages(self):
        tap = self.tap(self.server.port)
        async with websockets.connect(f"ws://127.0.0.1:{tap.port}/plain/") as connection:
            self.assertEqual(connection.extensions, [])
            await connection.send("a" * 1000)
            self.assertEqual(await connection.recv(), "a" * 1000)
        tap.close()
        self.assertEqual(tap.messages("server"), [(False, 1000)])

    async def test_a_group_reaches_every_kind_of_member(self):
        url = f"ws://127.0.0.1:{self.server.port}/all/"
        members = [await websockets.connect(url, compression=None)]
        for forgets in (False, True):
            for bits in (9, 12):
                factory = ClientPerMessageDeflateFactory(forgets, forgets, bits, bits)
                members.append(await websockets.connect(url, compression=None, extensions=[factory]))
        for text in TEXTS[1:]:
            await members[0].send(text)
            for member in members:
                self.assertEqual(await member.recv(), text)
        for member in members:
            await member.close()

    async def test_the_setting_compresses_routes_that_say_nothing(self):
        for options, compressed in ((), False), (("--set", "compression=on", "--set", "compression_from_bytes=0"), True):
            server = ManageServer(*options)
            async with websockets.connect(f"{server.ws}/test/ws/") as connection:
                self.assertEqual(len(connection.extensions), int(compressed))
                self.assertEqual(await connection.recv(), "Hello!")
                await connection.send("a" * 1000)
                self.assertEqual(await connection.recv(), "1. " + "a" * 1000)
            self.assertEqual(server.stop(), 0)


async def echo(connection, _path):
    async for message in connection:
        await connection.send(message)


class OurClient(CompressionTestCase):
    OPTIONS = [(), ("--keep",), ("--keep", "--window-bits", "15"), ("--window-bits", "9")]
    NARROWEST = ("--keep", "--window-bits", "8")  # for which zlib cannot compress

    def talk(self, port, *options, path=""):
        tap = self.tap(port)
        program = Program("talk", "--url", f"ws://127.0.0.1:{tap.port}/{path}", *options, program=PROGRAM)
        self.assertEqual(program.wait(), 0, program.output)
        self.assertEqual(program.stdout[-1], "20 messages came back")
        return tap, program.stdout[0]

    def test_talks_to_pythons_server(self):
        for server, options in combinations(
                (ServerPerMessageDeflateFactory(), ServerPerMessageDeflateFactory(True, True),
                 ServerPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9)), self.OPTIONS):
            with self.subTest(options=options), WebsocketsServer(echo, compression=None, extensions=[server]) as url:
                tap, said = self.talk(int(url.rsplit(":", 1)[1]), *options)
                self.assertEqual(said, "compressed")
                self.assert_compressed(tap, 256)

    def test_talks_to_pythons_server_whatever_its_limits(self):
        for limits in ({}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
                       {"server_max_window_bits": 15}, {"server_max_window_bits": 10},
                       {"client_max_window_bits": 15}, {"client_max_window_bits": 10},
                       {"client_max_window_bits": 10, "require_client_max_window_bits": True},
                       {"server_max_window_bits": 9, "client_max_window_bits": 15}):
            for options in ((), ("--keep",), self.NARROWEST):
                factory = ServerPerMessageDeflateFactory(**limits)
                with self.subTest(limits=limits, options=options), \
                        WebsocketsServer(echo, compression=None, extensions=[factory]) as url:
                    tap, said = self.talk(int(url.rsplit(":", 1)[1]), *options)
                    self.assertEqual(said, "compressed")
                    self.assert_compressed(tap, 256)

    def test_takes_a_server_that_does_not_compress(self):
        with WebsocketsServer(echo, compression=None) as url:
            tap, said = self.talk(int(url.rsplit(":", 1)[1]))
            self.assertEqual(said, "plain")
            tap.close()
        self.assertEqual(len(tap.extensions("client")), 1)
        self.assertNotIn(True, [compressed for compressed, _ in tap.messages("client")])

    def test_talks_to_our_server(self):
        for options in [*self.OPTIONS, self.NARROWEST]:
            tap, said = self.talk(self.server.port, *options, path="forgetting/")
            self.assertEqual(said, "compressed")
            self.assert_compressed(tap, 256)


def node(script, **values):
    """Runs `script` in node, with `values` as constants of it."""
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    process = subprocess.Popen([NODE, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={"NODE_PATH": NODE_PATH})
    process.stdin.write(constants + script)
    process.stdin.close()
    process.stdin = None
    return process


class Node(CompressionTestCase):
    CLIENT = """
        const WebSocket = require('ws');
        const socket = new WebSocket(url, {perMessageDeflate: options});
        let at = 0;
        socket.on('open', () => { console.log(JSON.stringify(socket.extensions)); socket.send(texts[0]); });
        socket.on('message', (data) => {
            if (data.toString() !== texts[at]) { console.log('another text'); process.exit(1); }
            if (++at < texts.length) { socket.send(texts[at]); } else { socket.close(1000); }
        });
        socket.on('error', (error) => { console.log(String(error)); process.exit(1); });
        socket.on('close', (code) => { console.log(code); });
    """
    # The demo's echo of three, in texts that say hardly anything new: so both sides look back.
    LISTENER = """
        const WebSocket = require('ws');
        const socket = new WebSocket(url, {perMessageDeflate: options});
        const texts = [100, 200, 300].map((rows) => `{"row": ${rows}, "state": "alive"}\\n`.repeat(rows));
        const wanted = ['Hello!', ...texts.map((text, at) => `${at + 1}. ${text}`), 'Goodbye!'];
        socket.on('message', (data) => {
            if (data.toString() !== wanted.shift()) { console.log('another text'); process.exit(1); }
            if (texts.length > 0) { socket.send(texts.shift()); }
        });
        socket.on('error', (error) => { console.log(String(error)); process.exit(1); });
        socket.on('close', (code) => { console.log(code); });
    """
    SERVER = """
        const {WebSocketServer} = require('ws');
        const server = new WebSocketServer({host: '127.0.0.1', port: 0, perMessageDeflate: options});
        server.on('listening', () => console.log(server.address().port));
        server.on('connection', (socket) => {
            console.log(JSON.stringify(socket.extensions));
            socket.on('message', (data) => socket.send(data.toString()));
            socket.on('close', (code) => { console.log(code); server.close(); });
        });
    """

    def test_its_client_talks_to_our_server(self):
        for path, options in combinations(
                ("forgetting", "keeping", "narrow"),
                ({}, {"serverNoContextTakeover": True}, {"clientNoContextTakeover": True, "clientMaxWindowBits": 10},
                 {"serverMaxWindowBits": 8})):
            with self.subTest(path=path, options=options):
                tap = self.tap(self.server.port)
                process = node(self.CLIENT, url=f"ws://127.0.0.1:{tap.port}/{path}/",
                               options={"threshold": 0, **options}, texts=TEXTS)
                output, errors = process.communicate(timeout=PATIENCE)
                self.assertEqual(output.split(), ['"permessage-deflate"', "1000"], output + errors)
                self.assert_compressed(tap, 256 if path == "forgetting" else 64)

    def test_its_client_talks_to_our_server_whatever_its_limits(self):
        for limits in ({"serverMaxWindowBits": 15}, {"serverMaxWindowBits": 9}, {"clientMaxWindowBits": 15},
                       {"clientMaxWindowBits": 8}, {"clientMaxWindowBits": False},
                       {"serverMaxWindowBits": 8, "clientMaxWindowBits": 8}):
            for path in ("forgetting", "keeping"):
                with self.subTest(path=path, limits=limits):
                    self.its_client_talks(self.tap(self.server.port), f"{path}/", limits)

    def test_8_bits_in_our_settings_mean_9_to_others(self):
        server = ManageServer("--set", "compression=on", "--set", "compression_window_bits=8",
                              "--set", "compression_context_takeover=on")
        for limits in ({}, {"serverMaxWindowBits": 8, "clientMaxWindowBits": 8}):
            tap = self.tap(server.port)
            process = node(self.LISTENER, url=f"ws://127.0.0.1:{tap.port}/test/ws/", options={"threshold": 0, **limits})
            output, errors = process.communicate(timeout=PATIENCE)
            self.assertEqual(output.split(), ["1000"], output + errors)
            tap.close()
            bits = 8 if limits else 9
            self.assertIn(f"server_max_window_bits={bits}; client_max_window_bits={bits}", tap.extensions("server")[0])
        self.assertEqual(server.stop(), 0)

    def its_client_talks(self, tap, path, options):
        process = node(self.CLIENT, url=f"ws://127.0.0.1:{tap.port}/{path}", options={"threshold": 0, **options},
                       texts=TEXTS)
        output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(output.split(), ['"permessage-deflate"', "1000"], output + errors)
        self.assert_compressed(tap, 256)

    def test_our_client_talks_to_its_server(self):
        for options, ours in combinations(
                ({}, {"serverNoContextTakeover": True, "clientNoContextTakeover": True},
                 {"serverMaxWindowBits": 9, "clientMaxWindowBits": 9}), OurClient.OPTIONS):
            with self.subTest(options=options, ours=ours):
                self.our_client_talks(options, ours)

    def test_our_client_talks_to_its_server_whatever_its_limits(self):
        for limits in ({}, {"serverMaxWindowBits": False}, {"serverMaxWindowBits": 15}, {"serverMaxWindowBits": 10},
                       {"serverNoContextTakeover": False}, {"clientMaxWindowBits": False}, {"clientMaxWindowBits": 15},
                       {"clientMaxWindowBits": 10}, {"serverMaxWindowBits": 15, "clientMaxWindowBits": 8},
                       {"serverNoContextTakeover": False, "clientNoContextTakeover": False, "serverMaxWindowBits": 14}):
            for ours in ((), ("--keep",), OurClient.NARROWEST):
                with self.subTest(limits=limits, ours=ours):
                    self.our_client_talks(limits, ours)

    def our_client_talks(self, options, ours):
        process = node(self.SERVER, options={"threshold": 0, **options})
        try:
            tap = self.tap(int(process.stdout.readline()))
            program = Program("talk", "--url", f"ws://127.0.0.1:{tap.port}/", *ours, program=PROGRAM)
            self.assertEqual(program.wait(), 0, program.output)
            self.assertEqual(program.stdout, ["compressed", "20 messages came back"])
            self.assert_compressed(tap, 256)
            output, errors = process.communicate(timeout=PATIENCE)
            self.assertEqual(output.split(), ['"permessage-deflate"', "1000"], output + errors)
        finally:
            process.kill()
            process.communicate()


class Browser(CompressionTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = cls.enterClassContext(chromium())
        cls.browser.get(f"http://127.0.0.1:{cls.server.port}/")

    def test_chromium_compresses_with_us(self):
        for path in ("forgetting", "keeping", "narrow"):
            tap = self.tap(self.server.port)
            result = self.browser.execute_async_script("""
                const [url, texts, done] = arguments;
                const socket = new WebSocket(url);
                let at = 0;
                socket.onopen = () => socket.send(texts[0]);
                socket.onmessage = ({data}) => {
                    if (data !== texts[at]) { done('another text'); }
                    if (++at < texts.length) { socket.send(texts[at]); } else { socket.close(1000); }
                };
                socket.onclose = ({code}) => done([socket.extensions, code, at]);
            """, f"ws://127.0.0.1:{tap.port}/{path}/", TEXTS)
            extensions, code, count = result
            self.assertTrue(extensions.startswith("permessage-deflate"), extensions)
            self.assertIn(f"client_max_window_bits={9 if path == 'narrow' else 12}", extensions)
            self.assertEqual("server_no_context_takeover" in extensions, path == "forgetting")
            self.assertEqual((code, count), (1000, len(TEXTS)))
            self.assert_compressed(tap, 256)

    def test_chromium_takes_plain_messages_from_a_route_without(self):
        self.assertEqual(self.browser.execute_async_script("""
            const [url, done] = arguments;
            const socket = new WebSocket(url);
            socket.onopen = () => socket.send('a'.repeat(1000));
            socket.onmessage = ({data}) => done([socket.extensions, data]);
        """, f"ws://127.0.0.1:{self.server.port}/plain/"), ["", "a" * 1000])


def setUpModule():
    for program in (PROGRAM, pathlib.Path(NODE), pathlib.Path(NODE_PATH) / "ws"):
        if not program.exists():
            raise RuntimeError(f"{program} is not there; see tools/packages.sh")


if __name__ == "__main__":
    main()
