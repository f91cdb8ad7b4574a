"""Row 81: crowds of our clients (`manage testecho` and `manage gameoflife`) that come, and leave, all at once."""

import asyncio
import re
import threading
import unittest

import websockets

from support import life, process
from support.cases import main
from support.environment import WORKERS
from support.foreign import WebsocketsServer
from support.frames import CLOSE, TEXT, FrameReader, close_frame, unmasked
from support.handshake import switch
from support.waiting import PATIENCE

FIRST = 64 * WORKERS  # handshakes in flight before the server has answered one: so many for each of their loops


class CrowdMember:
    """One client, as its server sees it: raw."""

    def __init__(self, reader, writer, head):
        self._reader = reader
        self.writer = writer
        self.path = head.split(b" ")[1].decode()
        self._frames = FrameReader(masked=True)
        self._key = re.search(rb"(?i)^sec-websocket-key: *(\S+)", head, re.MULTILINE)[1]

    def switch(self):
        self.writer.write(switch(self._key))

    def refuse(self):
        self.writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.writer.write_eof()

    def say(self, text):
        self.writer.write(unmasked(TEXT, text))

    async def hear(self):
        """The text of the next message, or None for a close frame."""
        while (received := self._frames.next()) is None:
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionError("the client ended the connection")
            self._frames.feed(data)
        return None if received.opcode == CLOSE else received.payload.decode()

    def end(self):
        self.writer.write(close_frame(1000, masked=False))
        self.writer.write_eof()

    async def has_ended(self):
        """Waits until it has ended TCP, too."""
        while await self._reader.read(65536):
            pass


class HeldHandshakes:
    """Those of one kind: each waits until it is let go. Never may more wait than a beginning and one for each that was."""

    def __init__(self):
        self._waiting = []
        self._news = asyncio.Event()
        self.let_go = 0
        self.most = 0  # that waited, beyond what may

    async def wait(self):
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.most = max(self.most, len(self._waiting) - self.let_go)
        self._news.set()
        await turn

    async def let_all_go(self, count):
        """One after the other, each when as many wait as may, or all that are left."""
        while self.let_go < count:
            while len(self._waiting) < min(FIRST, count - self.let_go):
                self._news.clear()
                await self._news.wait()
            self.let_go += 1
            self._waiting.pop(0).set_result(None)


class HoldingServer:
    """A server of raw WebSockets on a thread of its own: `with HoldingServer(Handler, ...) as url:`. It runs the handler's
    `serve(client)` for each of them, and meanwhile its `run()`."""

    def __init__(self, make_handler):
        self._make_handler = make_handler
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    def __enter__(self):
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise AssertionError("the server of this test did not start")
        return self

    def __exit__(self, *failure):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    async def _run(self):
        self._end = asyncio.Event()
        self.handler = self._make_handler()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self.url = "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        run = asyncio.create_task(self.handler.run())
        self._ready.set()
        await self._end.wait()
        run.cancel()
        server.close()

    async def _serve(self, reader, writer):
        try:
            client = CrowdMember(reader, writer, await reader.readuntil(b"\r\n\r\n"))
            await self.handler.serve(client)
            await client.has_ended()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class EchoTest:
    """The echo test, whose handshakes wait."""

    def __init__(self, clients):
        self._clients = clients
        self._has_been_tried = False
        self.opening = HeldHandshakes()

    async def run(self):
        await self.opening.let_all_go(self._clients)

    async def serve(self, client):
        if self._has_been_tried:
            await self.opening.wait()
        self._has_been_tried = True  # by the first one, which comes before the others to see whether there is a server
        client.switch()
        client.say("Hello!")
        for number in range(1, 4):
            text = await client.hear()
            if text is None:
                break
            client.say(f"{number}. {text}")
        else:
            client.say("Goodbye!")
        client.end()


class LastOneWaits(EchoTest):
    """The echo test, which lets the last client in when another has left."""

    def __init__(self, clients):
        super().__init__(clients)
        self._come = -1  # without the one that tries
        self._another_has_left = asyncio.Event()

    async def run(self):
        pass

    async def serve(self, client):
        self._come += 1
        number = self._come
        if number == self._clients:
            await self._another_has_left.wait()
        self._has_been_tried = False  # nobody waits for anything else
        await super().serve(client)
        await client.has_ended()
        if number > 0:
            self._another_has_left.set()


class Game:
    """A server of the game in which all cells stay dead, and whose closing handshakes wait."""

    def __init__(self, size):
        self._cells = size * size
        self._workers = []
        self._subscribed = 0
        self.closing = HeldHandshakes()

    async def run(self):
        await self.closing.let_all_go(self._cells)

    async def serve(self, client):
        if client.path == "/control/":
            client.refuse()
            return
        client.switch()
        if client.path == "/reset/":
            await client.hear()
            client.end()
            return
        self._workers.append(client)
        if len(self._workers) == self._cells:
            self._tell_all("sub")
        while await client.hear() != "sub":
            pass
        self._subscribed += 1
        if self._subscribed == self._cells:
            self._tell_all("run")
        await client.hear()
        for _ in range(8):
            client.say("0 0 0 0")
        await client.hear()
        await self.closing.wait()
        client.end()

    def _tell_all(self, text):
        for worker in self._workers:
            worker.say(text)


class Crowds(unittest.TestCase):
    def test_row_81_a_crowd_dials_no_more_at_once_than_is_answered(self):
        """Of 300 clients that come at once, 64 dial; then one more for each that is let in."""
        clients = 300 * WORKERS
        with HoldingServer(lambda: EchoTest(clients)) as server:
            program = process.run("testecho", "--clients", clients, "--delay", 0, "--url", f"{server.url}/test/ws/")
            self.assertEqual(server.handler.opening.let_go, clients, program.output)
            self.assertLessEqual(server.handler.opening.most, FIRST)
        self.assertRegex(program.output, rf"(?m)^{clients} clients, peak \d+, 0 failures$")

    def test_row_81_a_crowd_closes_no_more_at_once_than_is_answered(self):
        """Of the cells of a game, 64 close at its end; then one more for each that is answered."""
        size = 24
        with HoldingServer(lambda: Game(size)) as server:
            program = process.run("gameoflife", "--size", size, "--steps", 0, "--url", server.url)
            self.assertEqual(server.handler.closing.let_go, size * size, program.output)
            self.assertLessEqual(server.handler.closing.most, FIRST)
        self.assertEqual(program.status, 0, program.output)
        self.assertIn(f"{size * size} connections closed", program.output)

    def test_row_81_nobody_leaves_before_the_last_word_has_come(self):
        """The last word of one cell is late: all others stay until they have heard it."""
        size, steps = 5, 2
        left_early = []

        class Late(life.Relay):
            last_words = 0

            async def relay(self, message, update):
                if update[0] < steps:
                    await super().relay(message, update)
                    return
                if update[1:3] != (0, 0):
                    await super().relay(message, update)
                else:
                    self.late = message, update
                self.last_words += 1
                if self.last_words == size * size:
                    asyncio.create_task(self.say_late())

            async def say_late(self):
                for worker in self.workers:  # who has left has said so before it answers this
                    try:
                        await (await worker.ping())
                    except websockets.ConnectionClosed as error:
                        left_early.append(error)
                await super().relay(*self.late)

        with WebsocketsServer(Late()) as url:
            program = process.run("gameoflife", "--size", size, "--steps", steps, "--speed", 0, "--url", url)
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(left_early, [])

    def test_row_81_one_that_dials_for_too_long_says_which_delay_would_do(self):
        """The last client is let in when the first has left: never are all there, and nothing else is wrong."""
        clients = 20
        with HoldingServer(lambda: LastOneWaits(clients)) as server:
            program = process.run("testecho", "--clients", clients, "--delay", "10ms", "--url", f"{server.url}/test/ws/")
        self.assertEqual(program.status, 1, program.output)
        self.assertRegex(program.output, rf"(?m)^{clients} clients, peak \d+, 0 failures$")
        self.assertEqual(len(program.stderr), 1, program.output)
        self.assertRegex(program.stderr[0], r"never all connected at once.* take --delay [\d.]+m?s or more")


if __name__ == "__main__":
    main()
