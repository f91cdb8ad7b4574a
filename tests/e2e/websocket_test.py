"""WebSockets as the server speaks them (RFC 6455): with another's client, and byte by byte by hand."""

import asyncio
import random
import signal

import websockets

from support.cases import AsyncTestCase, ServerTestCase, main
from support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_frame, frame
from support.process import ManageServer
from support.tcp import RawClient
from support.waiting import PATIENCE

MAX = 1024 * 1024  # bytes in a message


def websocket(url, **options):
    """Another's client, without its own keepalive and limits."""
    return websockets.connect(url, ping_interval=None, open_timeout=PATIENCE, close_timeout=PATIENCE,
                              max_size=None, **options)


class Conversation(ServerTestCase):
    """The echo test, with another's client."""

    async def test_counts_to_three_and_closes(self):
        async with websocket(f"{self.server.ws}/test/ws/") as socket:
            self.assertEqual(await socket.recv(), "Hello!")
            for number, text in enumerate(["Spam?", "", "Käse \N{CHEESE WEDGE}"], 1):
                await socket.send(text)
                self.assertEqual(await socket.recv(), f"{number}. {text}")
            self.assertEqual(await socket.recv(), "Goodbye!")
            await socket.wait_closed()
            self.assertEqual((socket.close_code, socket.close_reason), (1000, ""))

    async def test_takes_large_messages(self):
        text = "é" * (MAX // 2)
        async with websocket(f"{self.server.ws}/test/ws/", compression=None) as socket:
            await socket.recv()
            await socket.send(text)
            self.assertEqual(await socket.recv(), f"1. {text}")

    async def test_answers_bytes_with_bytes(self):
        async with websocket(f"{self.server.ws}/test/ws/") as socket:
            self.assertEqual(await socket.recv(), "Hello!")
            for number, message in enumerate((b"\xff\x00", "text", b""), 1):
                await socket.send(message)
                answer = await socket.recv()
                wanted = f"{number}. "
                self.assertEqual(answer, wanted + message if message == "text" else wanted.encode() + message)
            self.assertEqual(await socket.recv(), "Goodbye!")
            await socket.wait_closed()
            self.assertEqual(socket.close_code, 1000)

    async def test_takes_messages_in_fragments(self):
        async with websocket(f"{self.server.ws}/test/ws/") as socket:
            await socket.recv()
            await socket.send(part for part in ["a", "", "bc", "d"])
            self.assertEqual(await socket.recv(), "1. abcd")

    async def test_answers_pings(self):
        async with websocket(f"{self.server.ws}/test/ws/") as socket:
            await asyncio.wait_for(await socket.ping(b"x" * 125), PATIENCE)

    async def test_the_client_may_close_first(self):
        for code in (1000, 1001, 3000, 4999):
            socket = await websocket(f"{self.server.ws}/test/ws/")
            await socket.close(code, "enough")
            self.assertEqual(socket.close_code, code)

    async def test_many_talk_at_once(self):
        async def talk(name):
            async with websocket(f"{self.server.ws}/test/ws/") as socket:
                heard = [await socket.recv()]
                for i in range(3):
                    await socket.send(f"{name} {i}")
                    heard.append(await socket.recv())
                heard.append(await socket.recv())
                self.assertEqual(heard, ["Hello!", *[f"{i + 1}. {name} {i}" for i in range(3)], "Goodbye!"])

        await asyncio.gather(*[talk(name) for name in range(100)])

    async def test_a_known_subprotocol_is_chosen(self):
        async with websocket(f"{self.server.ws}/watcher/", subprotocols=["other", "life.batch"]) as socket:
            self.assertEqual(socket.subprotocol, "life.batch")
        for offer in ([], ["other"]):
            async with websocket(f"{self.server.ws}/watcher/", subprotocols=offer) as socket:
                self.assertIsNone(socket.subprotocol)


class Frames(ServerTestCase):
    """Frames made by hand, to the echo test."""

    def greet(self):
        connection = self.connect()
        connection.open("/test/ws/")
        self.assertEqual(connection.text(), "Hello!")
        return connection

    def assert_works(self):
        """Nobody else has noticed."""
        connection = self.greet()
        connection.send(frame(TEXT, "x"))
        self.assertEqual(connection.text(), "1. x")

    def assert_fails(self, code, *parts):
        """The bytes get a close frame with that code, then the end of the TCP connection and no reset."""
        with self.subTest(parts=[part[:40] for part in parts]):
            connection = self.greet()
            for part in parts:
                connection.send(part)
            received = connection.closed()
            self.assertEqual(received[0], code, received)
            self.assertEqual(connection.rest(), b"")

    # ---- What is right

    def test_a_frame_behind_the_handshake_in_one_segment(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/") + frame(TEXT, "early") + frame(TEXT, "second")[:4])
        connection.opened()
        self.assertEqual([connection.text(), connection.text()], ["Hello!", "1. early"])
        connection.send(frame(TEXT, "second")[4:])
        self.assertEqual(connection.text(), "2. second")

    def test_a_whole_conversation_in_one_segment(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/") + b"".join(frame(TEXT, str(i)) for i in range(3)))
        connection.opened()
        self.assertEqual([connection.text() for _ in range(4)], ["Hello!", "1. 0", "2. 1", "3. 2"])
        self.assertEqual(connection.text(), "Goodbye!")
        self.assertEqual(connection.closed(), (1000, ""))
        connection.send(close_frame(1000))
        self.assertEqual(connection.rest(), b"")

    def test_bytes_that_arrive_one_by_one(self):
        connection = self.connect()
        for byte in connection.handshake_bytes("/test/ws/"):
            connection.send(bytes([byte]))
        connection.opened()
        self.assertEqual(connection.text(), "Hello!")
        for byte in frame(TEXT, "é" * 70, final=False) + frame(PING, "ping") + frame(CONTINUATION, "!"):
            connection.send(bytes([byte]))
        self.assertEqual(connection.frame(), Frame(PONG, b"ping"))
        self.assertEqual(connection.text(), f"1. {'é' * 70}!")
        for byte in close_frame(1000, b"bye"):
            connection.send(bytes([byte]))
        self.assertEqual(connection.closed()[0], 1000)
        self.assertEqual(connection.rest(), b"")

    def test_fragments_with_pings_between_them(self):
        connection = self.greet()
        connection.send(frame(TEXT, b"\xe2\x82", final=False) + frame(PING, b"\xff") + frame(CONTINUATION, b"",
                                                                                             final=False))
        self.assertEqual(connection.frame(), Frame(PONG, b"\xff"))
        connection.send(frame(PONG, "unasked") + frame(CONTINUATION, b"\xac") + frame(BINARY, b"\xff\x00"))
        self.assertEqual(connection.text(), "1. €")

    def test_each_length_of_length(self):
        for size in (0, 125, 126, 65535, 65536, MAX):
            with self.subTest(size=size):
                connection = self.greet()
                connection.send(frame(TEXT, b"x" * size))
                self.assertEqual(connection.text(), "1. " + "x" * size)

    def test_a_message_in_one_byte_fragments(self):
        connection = self.greet()
        size = 60_000
        connection.send(frame(TEXT, b"x", final=False) + frame(CONTINUATION, b"x",
                                                               final=False) * (size - 2) + frame(CONTINUATION, b"x"))
        self.assertEqual(connection.text(), "1. " + "x" * size)

    # ---- The end

    def test_a_close_is_answered_and_the_server_ends_tcp_first(self):
        for request, code in [(close_frame(1000, b"done"), 1000), (close_frame(4321), 4321),
                              (frame(CLOSE), (1000, 1005))]:
            with self.subTest(request=request):
                connection = self.greet()
                connection.send(request)
                self.assertIn(connection.closed()[0], code if isinstance(code, tuple) else (code,))
                self.assertEqual(connection.rest(), b"")  # and we have not ended our half

    def test_the_servers_close_waits_for_the_answer(self):
        connection = self.greet()
        connection.send(b"".join(frame(TEXT, str(i)) for i in range(3)))
        for _ in range(4):
            connection.text()
        self.assertEqual(connection.closed(), (1000, ""))
        connection.send(frame(TEXT, "too late") + frame(PING, "too late") + close_frame(1000))
        self.assertEqual(connection.rest(), b"")

    def test_data_behind_a_close_is_ignored(self):
        connection = self.greet()
        connection.send(close_frame(1000) + frame(TEXT, "x") + b"\xff" * 1000)
        self.assertEqual(connection.closed()[0], 1000)
        self.assertEqual(connection.rest(), b"")

    def test_a_close_inside_a_fragmented_message_closes(self):
        connection = self.greet()
        connection.send(frame(TEXT, "x", final=False) + close_frame(1000))
        self.assertEqual(connection.closed()[0], 1000)
        self.assertEqual(connection.rest(), b"")

    def test_half_a_close_is_the_end(self):
        connection = self.greet()
        connection.shutdown_write()
        connection.rest()
        self.assert_works()

    def test_a_ping_behind_the_handshake_in_one_segment(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/") + frame(PING, "p"))
        connection.opened()
        received = {connection.frame(), connection.frame()}
        self.assertEqual(received, {Frame(PONG, b"p"), Frame(TEXT, b"Hello!")})

    def test_a_close_behind_the_handshake_in_one_segment(self):
        connection = self.connect()
        connection.send(connection.handshake_bytes("/test/ws/") + close_frame(1000))
        connection.opened()
        self.assertEqual(connection.closed()[0], 1000)
        self.assertEqual(connection.rest(), b"")

    def test_a_reset_in_a_frame_hurts_nobody(self):
        for cut in (1, 3, 7, 20):
            connection = self.greet()
            connection.send(frame(TEXT, b"x" * 200)[:cut])
            connection.abort()
        self.assert_works()

    # ---- What is wrong

    def test_unmasked_frames(self):
        self.assert_fails(1002, frame(TEXT, "x", masked=False))
        self.assert_fails(1002, frame(PING, "x", masked=False))
        self.assert_fails(1002, close_frame(1000, masked=False))

    def test_reserved_bits(self):
        for rsv in (1, 2, 4, 7):
            self.assert_fails(1002, frame(TEXT, "x", rsv=rsv))
            self.assert_fails(1002, frame(PING, "x", rsv=rsv))
        self.assert_fails(1002, frame(TEXT, "x", final=False) + frame(CONTINUATION, "x", rsv=4))

    def test_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.assert_fails(1002, frame(opcode, "x"))

    def test_control_frames(self):
        for opcode in (CLOSE, PING, PONG):
            self.assert_fails(1002, frame(opcode, b"\x03\xe8", final=False))
            self.assert_fails(1002, frame(opcode, b"\x03\xe8" + b"x" * 124))

    def test_fragments_out_of_order(self):
        self.assert_fails(1002, frame(CONTINUATION, "x"))
        self.assert_fails(1002, frame(CONTINUATION, "x", final=False))
        self.assert_fails(1002, frame(TEXT, "x", final=False) + frame(TEXT, "y"))
        self.assert_fails(1002, frame(BINARY, "x", final=False), frame(TEXT, "y"))

    def test_lengths(self):
        for size in (1 << 63, (1 << 64) - 4, (1 << 64) - 1):
            self.assert_fails(1002, b"\x81\xff" + size.to_bytes(8, "big"))
        self.assert_fails(1009, b"\x81\xff" + ((1 << 63) - 1).to_bytes(8, "big"))
        self.assert_fails(1002, frame(TEXT, "x", length_bytes=2))
        self.assert_fails(1002, frame(TEXT, "x" * 126, length_bytes=8))

    def test_messages_that_are_too_big(self):
        self.assert_fails(1009, b"\x81\xff" + (MAX + 1).to_bytes(8, "big"))  # at the header: no byte of it was sent
        self.assert_fails(1009, frame(TEXT, b"x" * MAX, final=False), frame(CONTINUATION, b"x"))
        self.assert_fails(1009, frame(BINARY, b"x" * (MAX + 1)))

    def test_text_that_is_not_utf_8(self):
        for bad in [b"\xff", b"a\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
                    b"\xe2\x82", b"\xc3("]:
            self.assert_fails(1007, frame(TEXT, bad))
        self.assert_fails(1007, frame(TEXT, b"\xe2\x82", final=False) + frame(CONTINUATION, b"x"))
        self.assert_fails(1007, frame(TEXT, b"x\xff", final=False))  # at once, not at the end

    def test_text_that_is_not_utf_8_fails_inside_its_fragment(self):
        whole = frame(TEXT, b"\xce\xba\xf4\x90" + b"x" * 1000)
        self.assert_fails(1007, whole[:20])

    def test_close_frames(self):
        self.assert_fails(1002, frame(CLOSE, b"\x03"))
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535):
            self.assert_fails(1002, close_frame(code))
        self.assert_fails(1007, close_frame(1000, b"\xff"))

    def test_http_after_the_handshake(self):
        self.assert_fails(1002, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_random_bytes_end_in_good_order(self):
        numbers = random.Random(1)
        for _ in range(100):
            connection = self.greet()
            connection.send(numbers.randbytes(300))
            connection.shutdown_write()
            connection.rest()
        self.assert_works()


class Shutdown(AsyncTestCase):
    async def test_sigterm_closes_all_with_1001_and_ends_with_0(self):
        server = ManageServer()
        sockets = [await websocket(f"{server.ws}{path}") for path in ["/test/ws/", "/watcher/", "/worker/",
                                                                      "/reset/"] * 25]
        server.signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*[socket.wait_closed() for socket in sockets]), PATIENCE)
        self.assertEqual({socket.close_code for socket in sockets}, {1001})
        self.assertEqual(server.wait(), 0)

    def test_a_peer_that_does_not_answer_does_not_hold_the_end_for_long(self):
        server = ManageServer("--set", "shutdown_time=1s")
        connection = RawClient(server.port)
        connection.open("/test/ws/")
        server.signal(signal.SIGTERM)
        self.assertEqual(connection.text(), "Hello!")
        self.assertEqual(connection.closed()[0], 1001)
        self.assertEqual(server.wait(), 0)  # ours is still open
        connection.close()

    async def test_after_sigkill_the_port_is_free_at_once(self):
        server = ManageServer()
        async with websocket(f"{server.ws}/test/ws/") as socket:
            await socket.recv()
            server.kill()
            again = ManageServer(port=server.port)
            await socket.wait_closed()
            self.assertEqual(socket.close_code, 1006)
        async with websocket(f"{again.ws}/test/ws/") as socket:
            self.assertEqual(await socket.recv(), "Hello!")
        self.assertEqual(again.stop(), 0)


if __name__ == "__main__":
    main()
