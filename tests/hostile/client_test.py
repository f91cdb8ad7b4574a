"""Rows 69 and 70: our clients (`manage testecho` and `manage gameoflife`) against servers that break the rules."""

import base64
import re
import unittest

from harness import MAX
from support.cases import CommandTestCase, main
from support.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, close_frame, frame, unmasked
from support.handshake import switch
from support.process import run
from support.tcp import RawServer


def echo_clients(url, clients=1, delay="20ms"):
    return run("testecho", "--clients", clients, "--delay", delay, "--url", f"{url}/test/ws/")


def echo_test(client):
    """The server's part of the echo test, as it should be. Returns the masks that came."""
    client.send(unmasked(TEXT, "Hello!"))
    masks = []
    for number in range(1, 4):
        received = client.frame()
        if received.opcode != TEXT:  # the first connection only looks whether we are there
            return masks
        masks.append(received.key)
        client.send(unmasked(TEXT, f"{number}. {received.payload.decode()}"))
    client.send(unmasked(TEXT, "Goodbye!") + close_frame(1000, masked=False))
    masks.append(client.frame().key)
    return masks


class Masks(unittest.TestCase):
    def test_row_69_masks_and_keys_are_unpredictable(self):
        """Predictable masks: A new mask for every frame, and a new key for every handshake: none twice, no bit
        preferred, no sequence."""
        keys = []
        conversations = []

        def serve(client, _number):
            client.switch()
            keys.append(base64.b64decode(client.key, validate=True))
            conversations.append(echo_test(client))
            client.finish()

        with RawServer(serve) as server:
            program = echo_clients(server.url, clients=300, delay="500ms")  # all at once in between, on most machines
        self.assertRegex(program.output, r"(?m)^300 clients, peak \d+, 0 failures$")

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


class HostileServers(CommandTestCase):
    HANDSHAKES = {
        "another accept": lambda key: switch(b"x3JJHMbDL1EzLkh9GBhXDw=="),
        "the key as accept": lambda key: re.sub(rb"Accept: .*\r\n", b"Accept: " + key + b"\r\n", switch(key)),
        "no accept": lambda key: switch(key).replace(b"Accept", b"Except"),
        "two accepts": lambda key: switch(key, b"Sec-WebSocket-Accept: x"),
        "no upgrade": lambda key: switch(key).replace(b"Upgrade: websocket\r\n", b""),
        "another upgrade": lambda key: switch(key).replace(b"websocket", b"h2c"),
        "no connection": lambda key: switch(key).replace(b"Connection: Upgrade\r\n", b""),
        "an extension": lambda key: switch(key, b"Sec-WebSocket-Extensions: permessage-deflate"),
        "window bits 16": lambda key: switch(
            key, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16"),
        "an unknown extension": lambda key: switch(key, b"Sec-WebSocket-Extensions: constructor"),
        "a subprotocol": lambda key: switch(key, b"Sec-WebSocket-Protocol: chat"),
        "200": lambda key: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "a redirect": lambda key: b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "101 of HTTP/1.0": lambda key: switch(key).replace(b"HTTP/1.1 101", b"HTTP/2.0 101"),
        "a fold": lambda key: switch(key, b"X: a\r\n b"),
        "bare LF": lambda key: switch(key).replace(b"\r\n", b"\n"),
        "a NUL": lambda key: switch(key, b"X: \x00"),
        "TLS": lambda key: b"\x16\x03\x01 what?\r\n\r\n",
        "100 without end": lambda key: b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        "a head without end": lambda key: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 1_000_000,
        "too many fields": lambda key: switch(key, *[b"X: 1"] * 2000),
    }

    def test_row_70_wrong_answers_to_the_handshake_fail_it(self):
        """A wrong accept, an extension or subprotocol that was not offered, no 101, no HTTP: an error in one line."""
        for name, answer in self.HANDSHAKES.items():
            def serve(client, _number, answer=answer):
                client.send(answer(client.key))
                client.wait_for_end()

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

            def serve(client, _number, frames=frames, codes=codes):
                client.switch()
                client.send(frames)
                codes.append(client.close_code())
                client.wait_for_end()

            with self.subTest(name):
                with RawServer(serve) as server:
                    program = echo_clients(server.url, clients=3)
                self.assertEqual(program.status, 1, program.output)
                self.assertRegex(program.output, r"(?m)^3 clients, peak \d+, 3 failures$")
                self.assertEqual(codes, [code] * 4)  # the first connection only looks whether we are there

    def test_row_70_one_bad_server_hurts_no_other_connection(self):
        """Every fifth connection of a process breaks the rules: those fail, all others finish their talk."""
        bad = list(self.FRAMES.values())

        def serve(client, number):
            client.switch()
            if number % 5 == 4:
                client.send(bad[number // 5 % len(bad)][1])
                client.close_code()
                client.wait_for_end()
            else:
                echo_test(client)
                client.finish()

        with RawServer(serve) as server:
            program = echo_clients(server.url, clients=99)
        self.assertEqual(program.status, 1, program.output)
        self.assertRegex(program.output, r"(?m)^99 clients, peak \d+, 20 failures$")

    def test_row_70_the_game_survives_hostile_servers(self):
        """`manage gameoflife`: an error in one line, whether the server is wrong at the reset or at the cells."""
        def play(url):
            return run("gameoflife", "--size", 3, "--speed", 0, "--steps", 2, "--url", url)

        def wrong_answer(client, _number):
            client.send(switch(b"another"))
            client.wait_for_end()

        with RawServer(wrong_answer) as server:
            self.assert_one_line(play(server.url), server.url)

        def wrong_frame(client, _number):
            client.switch()
            if client.path == "/reset/":
                client.frame()
                client.send(close_frame(1000, masked=False))
                client.finish()
            else:
                client.send(frame(TEXT, "0 0 0 0"))
                client.wait_for_end()

        with RawServer(wrong_frame) as server:
            self.assert_one_line(play(server.url), "1002")


if __name__ == "__main__":
    main()
