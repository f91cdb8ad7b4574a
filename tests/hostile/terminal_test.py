"""Row 78: what peers write does not command the terminal that a log or a client program prints to."""

import unicodedata
import unittest

from harness import HostileTestCase, handshake_request
from support.cases import main
from support.frames import TEXT, close_frame, frame, unmasked
from support.process import run
from support.tcp import RawServer

# The title of the window, the screen away, colours (C1: as a character, and as a byte), another line, DEL, from right to left.
COMMANDS = "\x1b]0;ours\x07\x1b[2J\x9b31m\x7f\r\n[a forged line] \u202e"


def commands_in(text):
    """What a terminal would obey in the lines that a program has printed, and what is no UTF-8."""
    return [char for char in text.replace("\n", "") if unicodedata.category(char) in ("Cc", "Cf") or char == "\ufffd"]


class Log(HostileTestCase):
    def setUp(self):
        super().setUp()
        self.start = self.server.line_count

    def complaint(self, start):
        """The line of the log with the exception's text."""
        line = self.server.wait_for("this cannot be: .*$", start)[0]
        self.assertIn(r"\x1b]0;ours\x07", line)
        self.assertIn(r"\r\n[a forged line] \u202e", line)

    def assert_harmless(self):
        lines = self.server.output.split("\n")[self.start:]
        self.assertEqual(commands_in("".join(lines)), [])
        self.assertFalse([line for line in lines if line.startswith("[a forged line]")])

    def test_row_78_exceptions_with_what_a_peer_has_sent_are_one_line(self):
        """A view throws what came, by WebSocket and by HTTP: the log has it in one line, escaped."""
        start = self.server.line_count
        self.websocket("/complain/").send(frame(TEXT, COMMANDS))
        self.complaint(start)
        start = self.server.line_count
        body = COMMANDS.encode() + b"\x9b31m"
        poster = self.connect()
        poster.send(b"POST /complain/body/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        self.assertEqual(poster.answer().status, 500)
        self.complaint(start)
        self.assert_harmless()

    def test_row_78_targets_fields_and_reasons_are_harmless(self):
        """In the target, in every field that is looked at, as a method, as the reason of a close: refused or escaped."""
        raw = COMMANDS.encode() + b"\x9b31m"
        no_line = raw.replace(b"\r\n", b"")
        high = b"\x9b31m\xc2\x9b31m\xe2\x80\xae"
        for text in (raw, no_line, high):
            self.answers_something(b"GET /" + text + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.answers_something(b"GET /metrics?" + text + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.answers_something(text + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for name in ("Host", "Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Version",
                         "X-Forwarded-For", "X-Forwarded-Proto", "Upgrade"):
                self.answers_something(handshake_request({name: None}).replace(
                    b"\r\n\r\n", b"\r\n" + name.encode() + b": " + text + b"\r\n\r\n"))
        closing = self.websocket()
        closing.send(close_frame(3000, COMMANDS.encode()))
        closing.closed()
        self.websocket().assert_echoes()
        self.assert_harmless()

    def answers_something(self, data):
        asking = self.connect()
        asking.send(data)
        asking.answer(head_only=True)
        asking.close()


class Clients(unittest.TestCase):
    def assert_harmless(self, program, *words):
        self.assertEqual(program.status, 1, program.output)
        self.assertEqual(commands_in(program.output), [])
        self.assertFalse([line for line in program.output.splitlines() if line.startswith("[a forged line]")])
        for word in words:
            self.assertIn(word, program.output)

    def play(self, url):
        return run("gameoflife", "--size", 3, "--speed", 0, "--steps", 2, "--url", url)

    def talk(self, url):
        return run("testecho", "--clients", 1, "--delay", "20ms", "--url", f"{url}/test/ws/")

    def test_row_78_close_reasons_are_harmless(self):
        """A server closes the game's reset, and then its cells, with a reason that commands."""
        def refuse(client, _number):
            client.switch()
            client.frame()
            client.send(close_frame(3000, COMMANDS.encode(), masked=False))
            client.finish()

        with RawServer(refuse) as server:
            self.assert_harmless(self.play(server.url), r"closed with 3000 \x1b]0;ours\x07")

        def end_later(client, _number):
            client.switch()
            if client.path == "/reset/":
                client.frame()
                client.send(close_frame(1000, masked=False))
            else:
                client.send(close_frame(3000, COMMANDS.encode(), masked=False))
            client.finish()

        with RawServer(end_later) as server:
            self.assert_harmless(self.play(server.url), r"closed with 3000 (\x1b]0;ours\x07", r"\u202e")

    def test_row_78_messages_are_harmless(self):
        """A server sends messages that are not those they should be, and command."""
        def say(client, _number):
            client.switch()
            client.send(unmasked(TEXT, COMMANDS))
            client.close_code()
            client.send(close_frame(1000, masked=False))
            client.finish()

        with RawServer(say) as server:
            self.assert_harmless(self.talk(server.url), r"1 x '\x1b]0;ours\x07")

    def test_row_78_answers_to_the_handshake_are_harmless(self):
        """A server answers the handshake with fields that command: the client says which, escaped."""
        for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
            def answer(client, _number, name=name):
                client.switch(name.encode() + b": x\xc2\x9b31m\x9b31m\xe2\x80\xae")
                client.wait_for_end()

            with self.subTest(name), RawServer(answer) as server:
                self.assert_harmless(self.talk(server.url), r"x\u009b31m\x9b31m\u202e")


if __name__ == "__main__":
    main()
