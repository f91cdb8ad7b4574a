"""Rows 69 and 70: our clients (`manage testecho` and `manage gameoflife`) against servers that break the rules."""

import base64
import contextlib
import re
import socket
import struct
import threading
import unittest

import peer
from peer import BINARY, CLOSE, CONTINUATION, MAX, PING, TEXT, close_frame, frame, support


def unmasked(opcode, payload=b"", **options):
    """A frame as a server sends it."""
    return frame(opcode, payload, masked=False, **options)


class Dialogue:
    """One client, as a server sees it: raw."""

    def __init__(self, connection):
        connection.settimeout(support.PATIENCE)
        self._connection = connection
        self._file = connection.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                raise EOFError("no whole handshake came")
            self.head += line
        self.path = self.head.split(b" ")[1].decode()
        self.key = re.search(rb"(?i)^sec-websocket-key: *(\S+)", self.head, re.MULTILINE)[1]

    def send(self, data):
        self._connection.sendall(data)

    def switch(self, *fields):
        self.send(support.switch(self.key, *fields))

    def frame(self):
        """The opcode, the mask and the payload of the client's next frame."""
        first, second = self._exactly(2)
        if not second & 0x80:
            raise AssertionError("a client's frame is not masked")
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
        mask = self._exactly(4)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._exactly(size)))
        return first & 15, mask, payload

    def close_code(self):
        """The code of the client's close frame, whatever comes before; 1006 if there is none."""
        with contextlib.suppress(EOFError):
            while True:
                opcode, _, payload = self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        return 1006

    def finish(self):
        """Ends TCP first, as a server does after a clean close."""
        self._connection.shutdown(socket.SHUT_WR)
        self.wait_for_end()

    def wait_for_end(self):
        """Waits for the client to end TCP, as it must after a failure."""
        while self._file.read(65536):
            pass

    def _exactly(self, size):
        data = self._file.read(size)
        if len(data) != size:
            raise EOFError("the client ended the connection")
        return data

    def echo_test(self):
        """The echo test as it should be. Returns the masks that came."""
        self.send(unmasked(TEXT, "Hello!"))
        masks = []
        for number in range(1, 4):
            opcode, mask, payload = self.frame()
            if opcode != TEXT:  # the first connection only looks whether we are there
                return masks
            masks.append(mask)
            self.send(unmasked(TEXT, f"{number}. {payload.decode()}"))
        self.send(unmasked(TEXT, "Goodbye!") + close_frame(1000, masked=False))
        masks.append(self.frame()[1])
        return masks


class RawServer:
    """Accepts connections, and has `serve(dialogue, number)` talk to each, in a thread."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.url = "ws://127.0.0.1:%d" % self._listener.getsockname()[1]
        self._threads = []
        self.failures = []  # of those that talked
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()
        if self.failures and failure[0] is None:
            raise self.failures[0]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._talk, args=(connection, len(self._threads)), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection, number):
        with connection:
            try:
                self._serve(Dialogue(connection), number)
            except (EOFError, OSError):
                pass  # the client has gone: it may
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append(failure)


def echo_clients(url, clients=1, delay="20ms"):
    return support.run("testecho", "--clients", clients, "--delay", delay, "--url", f"{url}/test/ws/")


class Masks(unittest.TestCase):
    def test_row_69_masks_and_keys_are_unpredictable(self):
        """Predictable masks: A new mask for every frame, and a new key for every handshake: none twice, no bit
        preferred, no sequence."""
        keys = []
        conversations = []

        def serve(dialogue, _number):
            dialogue.switch()
            keys.append(base64.b64decode(dialogue.key, validate=True))
            conversations.append(dialogue.echo_test())
            dialogue.finish()

        with RawServer(serve) as server:
            program = echo_clients(server.url, clients=300, delay="500ms")  # all at once in between
        self.assertEqual(program.status, 0, program.output)

        masks = [int.from_bytes(mask, "big") for conversation in conversations for mask in conversation]
        self.assertEqual(len(masks), 300 * 4)
        self.assertEqual(len(set(keys)), 301)
        self.assertEqual({len(key) for key in keys}, {16})
        # By chance two of them are equal once in 6,000 runs, four once in 10^8.
        self.assertGreater(len(set(masks)), len(masks) - 2)
        for combine in (lambda old, new: (new - old) % 2**32, lambda old, new: new ^ old):
            steps = [combine(old, new) for old, new in zip(masks, masks[1:])]
            self.assertGreater(len(set(steps)), len(steps) - 2)
        # Six standard deviations: once in 10^7 runs for one of the bits.
        for bit in range(32):
            ones = sum(mask >> bit & 1 for mask in masks)
            self.assertLess(abs(ones - len(masks) / 2), 6 * (len(masks) / 4) ** 0.5, f"bit {bit}")


class HostileServers(unittest.TestCase):
    def assert_one_line(self, program, *words):
        """It failed, did not crash, and said why in one line."""
        self.assertEqual(program.status, 1, program.output)
        self.assertEqual(len(program.stderr), 1, program.output)
        for word in words:
            self.assertIn(word, program.stderr[0])

    HANDSHAKES = {
        "another accept": lambda key: support.switch(b"x3JJHMbDL1EzLkh9GBhXDw=="),
        "the key as accept": lambda key: re.sub(rb"Accept: .*\r\n", b"Accept: " + key + b"\r\n", support.switch(key)),
        "no accept": lambda key: support.switch(key).replace(b"Accept", b"Except"),
        "two accepts": lambda key: support.switch(key, b"Sec-WebSocket-Accept: x"),
        "no upgrade": lambda key: support.switch(key).replace(b"Upgrade: websocket\r\n", b""),
        "another upgrade": lambda key: support.switch(key).replace(b"websocket", b"h2c"),
        "no connection": lambda key: support.switch(key).replace(b"Connection: Upgrade\r\n", b""),
        "an extension": lambda key: support.switch(key, b"Sec-WebSocket-Extensions: permessage-deflate"),
        "window bits 16": lambda key: support.switch(
            key, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16"),
        "an unknown extension": lambda key: support.switch(key, b"Sec-WebSocket-Extensions: constructor"),
        "a subprotocol": lambda key: support.switch(key, b"Sec-WebSocket-Protocol: chat"),
        "200": lambda key: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "a redirect": lambda key: b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "101 of HTTP/1.0": lambda key: support.switch(key).replace(b"HTTP/1.1 101", b"HTTP/2.0 101"),
        "a fold": lambda key: support.switch(key, b"X: a\r\n b"),
        "bare LF": lambda key: support.switch(key).replace(b"\r\n", b"\n"),
        "a NUL": lambda key: support.switch(key, b"X: \x00"),
        "TLS": lambda key: b"\x16\x03\x01 what?\r\n\r\n",
        "100 without end": lambda key: b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        "a head without end": lambda key: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 1_000_000,
        "too many fields": lambda key: support.switch(key, *[b"X: 1"] * 2000),
    }

    def test_row_70_wrong_answers_to_the_handshake_fail_it(self):
        """A wrong accept, an extension or subprotocol that was not offered, no 101, no HTTP: an error in one line."""
        for name, answer in self.HANDSHAKES.items():
            def serve(dialogue, _number, answer=answer):
                dialogue.send(answer(dialogue.key))
                dialogue.wait_for_end()

            with self.subTest(name), RawServer(serve) as server:
                self.assert_one_line(echo_clients(server.url), server.url)

    FRAMES = {
        "masked text": (1002, frame(TEXT, "Hello!")),
        "masked ping": (1002, frame(PING, "Hello!")),
        "masked close": (1002, close_frame(1000)),
        "RSV1": (1002, unmasked(TEXT, "Hello!", rsv=4)),
        "a reserved opcode": (1002, unmasked(3, "Hello!")),
        "a fragmented ping": (1002, unmasked(PING, "x", final=False)),
        "a long ping": (1002, unmasked(PING, "x" * 126)),
        "a continuation of nothing": (1002, unmasked(CONTINUATION, "x")),
        "the top bit of a length": (1002, b"\x81\x7f" + b"\xff" * 8),
        "a length too long": (1002, unmasked(TEXT, "x", length_bytes=2)),
        "too big": (1009, b"\x81\x7f" + (1 << 40).to_bytes(8, "big")),
        "fragments too big together": (1009, unmasked(BINARY, bytes(MAX), final=False) + unmasked(CONTINUATION, b"x")),
        "131,073 fragments": (1008, unmasked(TEXT, final=False) + unmasked(CONTINUATION, final=False) * 131_072),
        "not UTF-8": (1007, unmasked(TEXT, b"\xff")),
        "a close code that may not be sent": (1002, close_frame(1005, masked=False)),
        "a close of one byte": (1002, unmasked(CLOSE, b"\x03")),
        "a reason that is not UTF-8": (1007, close_frame(1000, b"\xff", masked=False)),
    }

    def test_row_70_wrong_frames_are_1002(self):
        """Frames that a server may not send: the client fails the connection with 1002 or 1007 to 1009, and lives."""
        for name, (code, frames) in self.FRAMES.items():
            codes = []

            def serve(dialogue, _number, frames=frames, codes=codes):
                dialogue.switch()
                dialogue.send(frames)
                codes.append(dialogue.close_code())
                dialogue.wait_for_end()

            with self.subTest(name):
                with RawServer(serve) as server:
                    program = echo_clients(server.url, clients=3)
                self.assertEqual(program.status, 1, program.output)
                self.assertRegex(program.output, r"(?m)^3 clients, peak \d+, 3 failures$")
                self.assertEqual(codes, [code] * 4)  # the first connection only looks whether we are there

    def test_row_70_one_bad_server_hurts_no_other_connection(self):
        """Every fifth connection of a process breaks the rules: those fail, all others finish their talk."""
        bad = list(self.FRAMES.values())

        def serve(dialogue, number):
            dialogue.switch()
            if number % 5 == 4:
                dialogue.send(bad[number // 5 % len(bad)][1])
                dialogue.close_code()
                dialogue.wait_for_end()
            else:
                dialogue.echo_test()
                dialogue.finish()

        with RawServer(serve) as server:
            program = echo_clients(server.url, clients=99)
        self.assertEqual(program.status, 1, program.output)
        self.assertRegex(program.output, r"(?m)^99 clients, peak \d+, 20 failures$")

    def test_row_70_the_game_survives_hostile_servers(self):
        """`manage gameoflife`: an error in one line, whether the server is wrong at the reset or at the cells."""
        def play(url):
            return support.run("gameoflife", "--size", 3, "--speed", 0, "--steps", 2, "--url", url)

        def wrong_answer(dialogue, _number):
            dialogue.send(support.switch(b"another"))
            dialogue.wait_for_end()

        with RawServer(wrong_answer) as server:
            self.assert_one_line(play(server.url), server.url)

        def wrong_frame(dialogue, _number):
            dialogue.switch()
            if dialogue.path == "/reset/":
                dialogue.frame()
                dialogue.send(close_frame(1000, masked=False))
                dialogue.finish()
            else:
                dialogue.send(frame(TEXT, "0 0 0 0"))
                dialogue.wait_for_end()

        with RawServer(wrong_frame) as server:
            self.assert_one_line(play(server.url), "1002")


if __name__ == "__main__":
    peer.main()
