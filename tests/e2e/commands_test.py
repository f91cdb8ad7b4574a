"""The command line: help that teaches, mistakes and what was meant, exit statuses."""

import pathlib
import re
import socket
import tempfile

from support.cases import CommandTestCase, main
from support.environment import BUILD, SOURCE
from support.process import run


class Help(CommandTestCase):
    def test_names_all_commands(self):
        program = run("--help")
        self.assertEqual(program.status, 0)
        for command in ["runserver", "gameoflife", "testecho", "urls", "check", "certificate", "replay", "top"]:
            self.assertRegex(program.output, rf"(?m)^ +{command} +\S")

    def test_tells_every_option_of_a_command(self):
        for command, options in {
            "runserver": ["address", "--workers", "--backend", "--noreload", "-v", "--settings", "--set"],
            "gameoflife": ["-s", "--size", "-p", "--pattern", "-C", "--no-center", "-W", "--no-wrap", "-n", "--steps",
                           "-l", "--speed",
                           "-u", "--url", "--ca", "--seed", "--dump", "32", "ws://127.0.0.1:8000", "manage runserver"],
            "testecho": ["--clients", "--delay", "--url", "--ca", "10000", "250ms", "ws://127.0.0.1:8000/test/ws/",
                         "manage runserver"],
            "urls": ["--settings", "--set"],
            "check": ["--json", "--settings", "--set"],
            "certificate": ["--folder", "--days", "--force"],
            "top": ["--url", "--token", "--ca", "--once", "--json", "--set"],
            "replay": ["recording", "--url", "--speed", "--concurrent", "--patience", "--ca", "ws://127.0.0.1:8000", "--record"],
        }.items():
            program = run(command, "--help")
            self.assertEqual(program.status, 0)
            for option in options:
                with self.subTest(command=command, option=option):
                    self.assertRegex(program.output, rf"(?<![\w-]){re.escape(option)}(?![\w-])")
            self.assertEqual(program.stderr, [])

    def test_gives_an_example(self):
        for command in ["runserver", "gameoflife", "testecho"]:
            self.assertRegex(run(command, "--help").output, rf"Try: manage {command}\b")


class Version(CommandTestCase):
    def test_is_told(self):
        version = re.search(r"project\(c10k VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
        program = run("--version")
        self.assertEqual((program.status, program.stdout), (0, [f"manage (c10k) {version}"]), program.output)
        program = run("--version", program=BUILD / "bin/c10k")
        self.assertEqual((program.status, program.stdout), (0, [f"c10k {version}"]), program.output)


class Mistakes(CommandTestCase):
    def test_what_was_perhaps_meant_is_told(self):
        for line, answer in {
            "runserv": "manage: unknown command runserv; did you mean runserver?",
            "Check": "manage: unknown command Check; did you mean check?",
            "version": "manage: unknown command version; did you mean --version?",
            "runserver --norelaod": "manage runserver has no option --norelaod; did you mean --noreload?",
            "runserver --port 9000": "manage runserver has no option --port; the setting port is --set port=VALUE",
            "testecho --client 3": "manage testecho has no option --client; did you mean --clients?",
            "urls more": "manage urls takes no argument more",
        }.items():
            with self.subTest(line=line):
                program = run(*line.split())
                self.assertEqual((program.status, program.stdout), (2, []), program.output)
                self.assertEqual(program.stderr[0], answer)
                self.assertRegex(program.stderr[1], r"^Try: manage .*--help$")

    def test_set_tells_the_accepted_forms(self):
        for assignment, form in {
            "port": "--set port=8000", "idle_time=1hour": "as in 250ms, 10s, 1.5m or 1h",
            "max_body_bytes=1M": "as in 65536, 64KiB or 1MiB", "debug=maybe": "write true, yes, on or 1",
            "port=http": "a number from 0 to 65535", "ping_intervall=5": "did you mean 'ping_interval'?",
            "backend=EPOLL": "use auto, epoll or io_uring",
            "life_control=everybody": "write off, loopback or all", "life_controll=off": "did you mean 'life_control'?",
        }.items():
            with self.subTest(assignment=assignment):
                program = run("check", "--set", assignment)
                self.assertEqual(program.status, 1, program.output)
                self.assertIn(form, program.output)


class Usage(CommandTestCase):
    def test_wrong_arguments_end_with_2_and_tell_where_help_is(self):
        for line in [
            "", "nothing", "runserver --nothing", "runserver --workers 0", "gameoflife --size", "gameoflife --size x",
            "gameoflife --steps -1", "gameoflife --speed fast", "testecho --clients many", "urls more",
        ]:
            with self.subTest(line=line):
                program = run(*line.split())
                self.assertEqual(program.status, 2, program.output)
                self.assertEqual(program.stdout, [])
                self.assertIn("--help", program.output)

    def test_values_that_cannot_be_end_with_1_and_one_line(self):
        for line, word in {
            "gameoflife --size 0": "--size",
            "gameoflife --size 5000": "--size",
            "gameoflife --size 2": "at least 3",
            "gameoflife --size 4096 --backend epoll": "ulimit",
            "gameoflife --speed -1": "--speed",
            "gameoflife --pattern nothing-of-that-name": "nothing-of-that-name",
            "gameoflife --url nonsense": "nonsense",
            "testecho --clients 0": "--clients",
            "testecho --clients 1000000000": "ulimit",
            "testecho --delay soon": "--delay",
            "testecho --delay -1": "--delay",
            "runserver no-port": "no-port",
            "runserver 127.0.0.1:65536": "65536",
            "runserver --backend fastest": "fastest",
            "runserver localhost": "write localhost:8000",
            "runserver [::1]": "write [::1]:8000",
            "runserver ::1": "write [::1]:8000",
            "runserver ::1:8000": "[::1]:8000",
            "runserver :8000": "write *:8000",
            "runserver http://127.0.0.1:8000/": "write 127.0.0.1:8000",
            "runserver /run/site.sock": "write unix:/run/site.sock",
            "runserver 127.0.0.1:": "is not a number from 0 to 65535",
            "runserver 127.0.0.1:-1": "is not a number from 0 to 65535",
            "runserver 127.0.0.1:1e3": "is not a number from 0 to 65535",
            "runserver 256.0.0.1:8000": "no IPv4 address",
            "runserver b\u00fccher.example:8000": "punycode",
            "runserver unix:": "write unix:/run/site.sock",
            "runserver unix:/" + "a" * 200: "at most 107 bytes",
            "runserver unix:/nowhere/at/all.sock": "unix:/nowhere/at/all.sock",
            "testecho --delay 25h": "250ms or 1.5m",
            "testecho --delay 1e3": "--delay",
            "testecho --delay nan": "--delay",
            "testecho --delay inf": "--delay",
            "testecho --delay 1hour": "--delay",
        }.items():
            with self.subTest(line=line):
                self.assert_one_line(run(*line.split()), word)

    def test_row_80_no_file_of_settings_is_none_by_chance(self):
        self.assert_one_line(run("runserver", "--settings", ""), "--settings")

    def test_an_unknown_host_is_told(self):
        program = run("runserver", "nobody.invalid:8000")
        self.assertEqual(program.status, 1)
        self.assertIn("nobody.invalid", program.stderr[-1])

    def test_a_pattern_that_does_not_fit_is_told(self):
        for pattern, size, what in [("O\n" * 9, 8, "rows"), ("O" * 9 + "\n", 8, "columns")]:
            with self.subTest(what=what), tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "pattern.cells")
                file.write_text(pattern)
                program = run("gameoflife", "--size", size, "--pattern", file)
                self.assert_one_line(program)
                self.assertEqual(program.stderr, [f"Too many {what} in pattern. Increase size?"])

    def test_a_port_in_use_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assert_one_line(run("runserver", f"127.0.0.1:{port}", "--noreload"), f"127.0.0.1:{port}", "in use")


if __name__ == "__main__":
    main()
