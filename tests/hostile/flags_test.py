"""Row 80: the numbers, names and URLs that our client programs are given: refused with what is right, or meant."""

import unittest

from support.cases import main
from support.process import run

NOBODY = "ws://127.0.0.1:1"  # a port without a listener: a program that dials it has believed all it was told
REFUSED_BY_NOBODY = "cannot connect to ws://127.0.0.1:1/"
NO_NUMBERS = ["", " ", "-1", "+5", " 5", "5 ", "0x10", "1e3", "1.5", "1_000", "1,000", "5abc", "nan", "inf", "\u0663", "\ufeff5",
              "99999999999999999999999", "18446744073709551616"]
NUMBERS = [("gameoflife", "--seed", "a whole number from 0 to 18446744073709551615"),
           ("gameoflife", "--steps", "a whole number from 0 to 18446744073709551615"),
           ("gameoflife", "--size", "from 1 to 4096"),
           ("gameoflife", "--workers", "a whole number from 1 to 64"),
           ("testecho", "--clients", "1 to 1000000000"),
           ("testecho", "--workers", "a whole number from 1 to 64")]


class Flags(unittest.TestCase):
    def run_with(self, command, *options):
        program = run(command, "--url", NOBODY + ("/test/ws/" if command == "testecho" else ""), *options)
        return program.status, program.stderr, program.output

    def assert_refused(self, command, option, value, *words):
        """One line that names the option and says what it takes, and nothing was begun."""
        status, errors, output = self.run_with(command, option, value)
        self.assertIn(status, (1, 2), output)
        first = errors[0].removeprefix("manage: ")
        self.assertTrue(first.startswith((option + ": ", option + " must be")), output)
        for word in words:
            self.assertIn(word, first)
        self.assertNotIn("Connection refused", output)

    def assert_meant(self, command, *options):
        status, _, output = self.run_with(command, *options)
        self.assertEqual(status, 1, output)
        self.assertIn(REFUSED_BY_NOBODY, output)
        return output

    def test_row_80_numbers_are_digits_in_a_range_that_is_told(self):
        for command, option, accepted in NUMBERS:
            for value in NO_NUMBERS:
                with self.subTest(option=option, value=value):
                    self.assert_refused(command, option, value, accepted)
        for command, option, value in [("gameoflife", "--size", "0"), ("gameoflife", "--size", "4097"),
                                       ("gameoflife", "--size", "100000"), ("gameoflife", "--size", "4294967328"),
                                       ("gameoflife", "--workers", "65"), ("gameoflife", "--workers", "4294967297"),
                                       ("testecho", "--clients", "0"), ("testecho", "--clients", "4294967297")]:
            with self.subTest(option=option, value=value):
                self.assert_refused(command, option, value, "from 1 to")

    def test_row_80_numbers_mean_what_they_say(self):
        self.assertRegex(self.assert_meant("gameoflife", "--seed", "010"), r"seed 10\b")
        self.assertRegex(self.assert_meant("gameoflife", "--seed", "18446744073709551615"),
                         r"seed 18446744073709551615\b")
        self.assert_meant("gameoflife", "--steps", "18446744073709551615")
        self.assert_meant("gameoflife", "--size", "08")

    def test_row_80_speeds_are_0_or_a_number_that_can_be_kept(self):
        for value in ["", " ", " 5", "5 ", "+5", "0x10", "1,5", "nan", "inf", "-inf", "1e400", "1 0", "fast"]:
            with self.subTest(value=value):
                self.assert_refused("gameoflife", "--speed", value, "is not a number")
        for value in ["-1", "-0.1", "1e-300", "1e10", "1e-7"]:
            with self.subTest(value=value):
                self.assert_refused("gameoflife", "--speed", value, "from 0.000001 to 1000000000 steps per second, or 0")
        for value in ["0", "-0", "0.5", "1e3", "0.000001", "1000000000"]:
            with self.subTest(value=value):
                self.assert_meant("gameoflife", "--speed", value)

    def test_row_80_delays_are_times(self):
        for value in ["", " ", "-1", "+1", "nan", "inf", "1e2", "5x", "ms", "25h", "2d", "1e400", "99999999999999999999", "0x1",
                      "1 0", "\u0663s"]:
            with self.subTest(value=value):
                self.assert_refused("testecho", "--delay", value, "such as 30, 250ms or 1.5m")
        for value in ["0", "1h", "24h", "1.5m", "250ms", "30", "1d"]:
            with self.subTest(value=value):
                self.assert_meant("testecho", "--delay", value)

    def test_row_80_names_are_not_empty(self):
        for command, option in [("gameoflife", "--pattern"), ("gameoflife", "--dump"), ("gameoflife", "--ca"),
                                ("gameoflife", "--sources"), ("testecho", "--ca"), ("testecho", "--sources")]:
            with self.subTest(option=option):
                self.assert_refused(command, option, "", "empty")
        self.assert_refused("gameoflife", "--sources", "127.0.0.2,", "empty address")
        self.assert_refused("gameoflife", "--sources", ",", "empty address")
        self.assert_refused("gameoflife", "--dump", "/nowhere/grid.rle", "there is no folder /nowhere")
        self.assert_refused("gameoflife", "--dump", "/", "it is a folder")
        program = run("testecho", "--url", "wss://127.0.0.1:1/", "--ca", "/nowhere.pem")
        self.assertEqual(program.status, 1)
        self.assertIn("/nowhere.pem: No such file or directory", program.output)

    def test_row_80_urls_are_refused_with_what_is_right(self):
        for url, words in [("ws://127.0.0.1:86536/", "the port must be a number from 1 to 65535"),
                           ("ws://127.0.0.1:65536", "the port must be a number from 1 to 65535"),
                           ("ws://127.0.0.1:/", "the port must be a number from 1 to 65535"),
                           ("http://127.0.0.1:1/", "write ws://127.0.0.1:1"),
                           ("HTTPS://127.0.0.1:1/", "write wss://127.0.0.1:1"),
                           ("127.0.0.1:1", "write ws://127.0.0.1:1"),
                           ("localhost:1/test/ws/", "write ws://localhost:1/test/ws"),
                           (" ws://127.0.0.1:1/", "write ws://127.0.0.1:1"),
                           ("\ufeffws://127.0.0.1:1/", "byte order mark"),
                           ("ws://me@127.0.0.1:1/", "a user name is not supported"),
                           ("ws://b\u00fccher.example/", "xn--"),
                           ("ws://::1:8000/", "brackets"),
                           ("ws:///test/", "the host is missing"), ("", "not a URL such as ws://127.0.0.1:8000/")]:
            for command in ("gameoflife", "testecho"):
                with self.subTest(url=url, command=command):
                    program = run(command, "--url", url)
                    self.assertEqual(program.status, 1, program.output)
                    self.assertIn(words, program.output)
                    self.assertNotIn("Connection refused", program.output)
        for url in ("ws://127.0.0.1:1/?size=8", "ws://127.0.0.1:1#x"):
            program = run("gameoflife", "--url", url)
            self.assertEqual(program.status, 1)
            self.assertIn("without a query", program.output)
        for url in ("WS://127.0.0.1:1/", "ws://127.0.0.1:00001/"):
            program = run("gameoflife", "--url", url)
            self.assertIn("Connection refused", program.output)


if __name__ == "__main__":
    main()
