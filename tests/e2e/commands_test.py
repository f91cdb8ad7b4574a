"""The command line: help that teaches, exit statuses, settings and their order, signals, progress."""

import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import support
from support import run


class CommandTestCase(unittest.TestCase):
    def assert_one_line(self, program, *words, status=1):
        """It failed, and said why in one line."""
        self.assertEqual(program.status, status, program.output)
        self.assertEqual(len(program.stderr), 1, program.output)
        for word in words:
            self.assertIn(word, program.stderr[0])

    def serve(self, *options, **process_options):
        server = support.Server(*options, **process_options)
        self.addCleanup(server.kill)
        return server


class Help(CommandTestCase):
    def test_names_all_commands(self):
        program = run("--help")
        self.assertEqual(program.status, 0)
        for command in ["runserver", "gameoflife", "testecho", "urls", "check", "certificate"]:
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
        version = re.search(r"project\(c10k VERSION (\S+)", (support.SOURCE / "CMakeLists.txt").read_text())[1]
        program = run("--version")
        self.assertEqual((program.status, program.stdout), (0, [f"manage (c10k) {version}"]), program.output)
        program = run("--version", program=support.MANAGE.parent / "bin/c10k")
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
        }.items():
            with self.subTest(assignment=assignment):
                program = run("check", "--set", assignment)
                self.assertEqual(program.status, 1, program.output)
                self.assertIn(form, program.output)


class Completion(CommandTestCase):
    """Bash completes commands with the script that the program prints."""

    def offers(self, *words, program=None, name="manage"):
        """The completions of the last of `words`."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a file.conf").touch()
            pathlib.Path(folder, "a folder").mkdir()
            script = pathlib.Path(folder, "script.bash")
            script.write_text("\n".join(run("completion", "bash", program=program).stdout) + "\n")
            asked = subprocess.run(
                ["bash", "--norc", "-c",
                 'source "$1"; shift; function=$(complete -p "$1"); function=${function#*-F }; COMP_WORDS=("$@")'
                 '; COMP_CWORD=$(($# - 1)); ${function%% *}; printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, name, *words],
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
            return [line for line in asked.stdout.splitlines() if line]

    def test_is_of_commands_options_values_settings_and_files(self):
        self.assertEqual(self.offers("runs"), ["runserver"])
        self.assertEqual(set(self.offers("")) & {"runserver", "gameoflife", "testecho", "check", "--version"},
                         {"runserver", "gameoflife", "testecho", "check", "--version"})
        self.assertEqual(self.offers("runserver", "--nor"), ["--noreload"])
        self.assertEqual(self.offers("check", "--a"), ["--all"])
        self.assertEqual(self.offers("runserver", "--backend", ""), ["auto", "epoll", "io_uring"])
        self.assertEqual(self.offers("runserver", "--backend", "=", "e"), ["epoll"])  # as bash splits it
        self.assertEqual(self.offers("testecho", "--backend", "io"), ["io_uring"])
        self.assertEqual(self.offers("runserver", "--set", "ping_"), ["ping_interval=", "ping_timeout="])
        self.assertEqual(self.offers("runserver", "--settings", "a"), ["a file.conf", "a folder"])
        self.assertEqual(self.offers("certificate", "--folder", "a"), ["a folder"])
        self.assertEqual(self.offers("completion", ""), ["bash"])
        self.assertEqual(self.offers("runserver", "--workers", ""), [])

    def test_is_there_for_c10k(self):
        tool = support.MANAGE.parent / "bin/c10k"
        self.assertEqual(self.offers("start", program=tool, name="c10k"), ["startproject", "startapp"])
        self.assertEqual(self.offers("startproject", "a", program=tool, name="c10k"), [])

    def test_of_another_shell_is_refused(self):
        self.assert_one_line(run("completion", "csh"), "use bash")


class ManPages(CommandTestCase):
    def test_are_of_all_commands_options_and_settings_and_without_a_fault(self):
        tool = support.MANAGE.parent / "bin/c10k"
        for program, told in [(None, ["runserver", "--noreload", "gameoflife", "ping_interval", "C10K_NAME", "EXIT STATUS"]),
                              (tool, ["startproject", "FOLDER"])]:
            page = "\n".join(run("man", program=program).stdout) + "\n"
            shown = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-P-c"], input=page, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
            self.assertEqual(shown.stderr, "")
            text = re.sub(r".\x08", "", shown.stdout)
            for word in told:
                self.assertIn(word, text)

    def test_and_completion_are_installed(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", support.MANAGE.parent, "--prefix", prefix], stdout=subprocess.DEVNULL,
                           check=True)
            share = pathlib.Path(prefix, "share")
            for file, word in {"man/man1/c10k.1": "startproject", "man/man1/c10k-manage.1": "ping_interval",
                               "bash-completion/completions/c10k": "startapp",
                               "bash-completion/completions/manage": "ping_interval"}.items():
                self.assertIn(word, (share / file).read_text(), file)
            self.assertNotIn("gameoflife", (share / "man/man1/c10k-manage.1").read_text())


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


class Listening(CommandTestCase):
    """Where runserver and serve listen: on all that the address means."""

    def serve_on(self, address, *options):
        """`manage runserver ADDRESS`, and the addresses that it tells."""
        program = support.Program("runserver", address, "--noreload", *options)
        self.addCleanup(program.kill)
        return program, re.findall(r"(?:http://|unix:)\S+", program.wait_for(r"^Starting server at (.*)$")[1])

    @staticmethod
    def exchange(path, request):
        """The server's answer on the unix socket, as far as it comes in one piece."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(support.PATIENCE)
            client.connect(str(path))
            client.sendall(request)
            return client.recv(65536)

    def assert_served(self, url):
        with urllib.request.urlopen(url + "test/", timeout=support.PATIENCE) as answer:
            self.assertEqual(answer.status, 200)

    def test_row_80_localhost_is_all_that_the_name_means(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                program, urls = self.serve_on("localhost:0", "--workers", workers)
                port = re.search(r":(\d+)/", urls[0])[1]
                self.assertEqual(urls, [f"http://127.0.0.1:{port}/", f"http://[::1]:{port}/"])
                for url in urls:
                    self.assert_served(url)
                program.signal(signal.SIGTERM)
                self.assertEqual(program.wait(), 0)

    def test_row_80_a_star_is_everything(self):
        for address in ("*:0", "[::]:0"):
            with self.subTest(address=address):
                _, urls = self.serve_on(address)
                port = re.search(r":(\d+)/", urls[0])[1]
                self.assertEqual(urls, [f"http://0.0.0.0:{port}/", f"http://[::]:{port}/"])
                for host in ("127.0.0.1", "[::1]", "127.9.8.7"):
                    self.assert_served(f"http://{host}:{port}/")

    def test_one_of_several_addresses_that_is_in_use_is_told(self):
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
            port = taken.getsockname()[1]
            self.assert_one_line(run("runserver", f"localhost:{port}", "--noreload"), f"[::1]:{port}", "in use")

    def test_a_unix_socket_is_an_address(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "site.sock")
            for workers in (1, 3):
                with self.subTest(workers=workers):
                    program, addresses = self.serve_on(f"unix:{path}", "--workers", workers,
                                                       "--set", "trusted_proxies=unix:")
                    self.assertEqual(addresses, [f"unix:{path}"])
                    head = b"Host: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n"
                    for _ in range(5):
                        self.assertTrue(self.exchange(path, b"GET /test/ HTTP/1.1\r\n" + head +
                                                      b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 "))
                    self.exchange(path, b"GET /test/ws/ HTTP/1.1\r\n" + head +
                                  b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://evil.example\r\n\r\n")
                    program.wait_for(r"REJECT /test/ws/ 403 .*203\.0\.113\.7")
                    self.assert_one_line(run("runserver", f"unix:{path}", "--noreload"), str(path), "in use")
                    program.signal(signal.SIGTERM)
                    self.assertEqual(program.wait(), 0)
                    self.assertFalse(path.exists())

    def test_the_socket_of_a_program_that_was_killed_makes_way_but_no_other_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "site.sock")
            program, _ = self.serve_on(f"unix:{path}")
            program.kill()
            self.assertTrue(path.exists())
            program, _ = self.serve_on(f"unix:{path}")
            program.kill()
            path.unlink()
            path.write_text("precious")
            self.assert_one_line(run("runserver", f"unix:{path}", "--noreload"), str(path), "no socket")
            self.assertEqual(path.read_text(), "precious")

    def test_serve_restarts_on_all_its_addresses(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
            free.close()
            for address, restart in [(f"localhost:{port}", f"127.0.0.1:{port}"),
                                     (f"unix:{folder}/site.sock", f"unix:{folder}/site.sock")]:
                with self.subTest(address=address):
                    program = support.Program("serve", address, "--workers", 2)
                    self.addCleanup(program.kill)
                    program.wait_for(r"Program \d+ serves")
                    again = run("restart", restart)
                    self.assertEqual(again.status, 0, again.output)
                    if address.startswith("localhost"):
                        for host in ("127.0.0.1", "[::1]"):
                            self.assert_served(f"http://{host}:{port}/")
                    program.signal(signal.SIGTERM)
                    self.assertEqual(program.wait(), 0)
                    self.assertEqual(os.listdir(folder), [])


class Information(CommandTestCase):
    def test_urls_lists_the_routes_of_the_contract(self):
        program = run("urls")
        self.assertEqual(program.status, 0, program.output)
        kinds = {line.split()[0]: line.split()[1] for line in program.stdout}
        for path, kind in {
            "/": "page", "/watcher/": "WebSocket", "/reset/": "WebSocket", "/worker/": "WebSocket", "/test/": "page",
            "/test/ws/": "WebSocket", "/test/wsgi/": "page",
        }.items():
            self.assertEqual(kinds.get(path), kind, program.output)

    def test_check_finds_nothing_wrong(self):
        program = run("check")
        self.assertEqual(program.status, 0, program.output)
        self.assertRegex(program.output, r"\b0 errors\b")

    def test_check_lists_each_setting_with_its_origin_and_reason(self):
        program = run("check", "--all", "--set", "ping_interval=7s")
        self.assertRegex(program.output, r"(?m)^ +ping_interval +7s?\b.*, from --")
        self.assertRegex(program.output, r"(?m)^ +ping_timeout .*default")

    def test_check_tells_all_problems_at_once(self):
        program = run("check", "--set", "ping_intervall=5", "--set", "port=70000", env={"C10K_DEBUG": "maybe"})
        self.assertEqual(program.status, 1)
        problems = "\n".join(program.stderr)
        for words in ["did you mean 'ping_interval'?", "70000", "maybe"]:
            self.assertIn(words, problems)
        self.assertEqual(len(program.stderr), 3, program.output)

    def test_check_is_short_unless_asked_for_all(self):
        program = run("check", "--set", "ping_interval=7s")
        self.assertEqual(program.status, 0, program.output)
        self.assertLess(len(program.stdout), 24, program.output)
        self.assertIn("  ping_interval = 7s, from --set", program.stdout)
        self.assertNotIn("ping_timeout", program.output)
        self.assertRegex(program.output, r"\b0 errors, 0 warnings\b")
        self.assertIn("check --all", program.stdout[-1])
        self.assertGreater(len(run("check", "--all").stdout), 100)

    def test_row_80_check_tells_origins_that_can_never_match(self):
        for origin, spelling in {
            "https://example.com/": "write https://example.com)", "https://a b": "space",
            "https://b\u00fccher.example": "punycode", "https://example.com:99999": "from 1 to 65535",
            "https://*": "write * alone", "https://ann@example.com": "write https://example.com)",
            "https://example.com?a=1": "write https://example.com)", "example.com": "write https://example.com)",
        }.items():
            with self.subTest(origin=origin):
                for command in (["check"], ["runserver", "127.0.0.1:0", "--noreload"], ["runserver", "127.0.0.1:0"],
                                ["serve", "127.0.0.1:0"]):
                    program = run(*command, "--set", f"allowed_origins={origin}")
                    self.assertEqual(program.status, 1, program.output)
                    self.assertIn("settings.E005", program.output)
                    self.assertIn(spelling, program.output)
        program = run("check", "--set", "allowed_origins=HTTPS://Example.com, https://*.example.com:8443")
        self.assertEqual(program.status, 0, program.output)

    def test_check_tells_how_many_connections_fit_and_what_limits_them(self):
        program = run("check", "--all")
        for backend in ["epoll", "io_uring"]:
            self.assertRegex(program.output, rf"(?m)^ +{backend} +[\d,]+ +\S.* is what limits it")
        self.assertRegex(program.output, r"(?m)^ +open files = \d+: [\d,]+ connections held$")

    def test_check_tells_programs_the_same_in_json(self):
        program = run("check", "--json", "--set", "ping_interval=7s", "--set", "backend=epoll")
        self.assertEqual((program.status, program.stderr), (0, []), program.output)
        told = json.loads("\n".join(program.stdout))
        self.assertEqual([check for check in told["checks"] if check["level"] == "error"], [])
        settings = {setting["name"]: setting for setting in told["settings"]}
        self.assertEqual((settings["ping_interval"]["value"], settings["ping_interval"]["default"]), ("7s", "20s"))
        self.assertEqual(set(settings["port"]), {"name", "value", "default", "origin", "unit", "reason"})
        self.assertEqual(told["backend"], "epoll")
        for limit in told["limits"]:
            self.assertEqual(set(limit), {"name", "value", "connections", "of", "meaning", "command"})
        held = min(limit["connections"] for limit in told["limits"] if limit["of"] == "held")
        self.assertEqual(told["connections"]["epoll"], held)
        self.assertIn("io_uring", told["connections"])

    def test_check_tells_what_the_kernel_tells(self):
        machine = json.loads("\n".join(run("check", "--json").stdout))["machine"]
        for name, file, field in [
            ("nr_open", "fs/nr_open", 0), ("file_max", "fs/file-max", 0), ("somaxconn", "net/core/somaxconn", 0),
            ("first_port", "net/ipv4/ip_local_port_range", 0), ("last_port", "net/ipv4/ip_local_port_range", 1),
            ("tcp_pages", "net/ipv4/tcp_mem", 2),
        ]:
            self.assertEqual(machine[name], int(pathlib.Path("/proc/sys", file).read_text().split()[field]), name)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.assertEqual((machine["open_files"], machine["open_files_hard"]), (hard, hard))  # it raises its own
        self.assertEqual(machine["cores"], len(os.sched_getaffinity(0)))

    def test_check_fails_in_json_too(self):
        program = run("check", "--json", "--set", "slow_bytes=1")
        self.assert_one_line(program, "1 errors")
        checks = json.loads("\n".join(program.stdout))["checks"]
        self.assertEqual([check["id"] for check in checks if check["level"] == "error"], ["settings.E002"])

    def test_the_server_does_not_start_with_wrong_settings(self):
        program = run("runserver", "127.0.0.1:0", "--noreload", "--set", "max_body_bytes=lots")
        self.assert_one_line(program, "max_body_bytes", "lots")


class SettingsOrder(CommandTestCase):
    """Defaults, then the file, then the environment, then flags: the last word counts."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def in_force(self, *flags, file=None, env=None):
        """The value of max_body_bytes that `check` tells, and where it is from."""
        (self.folder / "c10k.conf").unlink(missing_ok=True)
        if file is not None:
            (self.folder / "c10k.conf").write_text(file)
        program = run("check", "--all", *flags, env=env, cwd=self.folder)
        self.assertEqual(program.status, 0, program.output)
        return re.search(r"(?m)^ +max_body_bytes +(\d+).*?, from (.*)$", program.output).groups()

    def test_each_beats_the_one_before(self):
        file, env, flags = "max_body_bytes = 1001\n", {"C10K_MAX_BODY_BYTES": "1002"}, ["--set", "max_body_bytes=1003"]
        self.assertEqual(self.in_force(), ("1048576", "default"))
        self.assertEqual(self.in_force(file=file), ("1001", "c10k.conf:1"))
        self.assertEqual(self.in_force(env=env), ("1002", "C10K_MAX_BODY_BYTES"))
        self.assertEqual(self.in_force(file=file, env=env), ("1002", "C10K_MAX_BODY_BYTES"))
        self.assertEqual(self.in_force(*flags, file=file)[0], "1003")
        self.assertEqual(self.in_force(*flags, file=file, env=env)[0], "1003")

    def test_a_file_may_be_named(self):
        other = self.folder / "other.conf"
        other.write_text("# a comment\n\nmax_body_bytes = 1004\n")
        self.assertEqual(self.in_force("--settings", other, file="max_body_bytes = 1001\n"), ("1004", f"{other}:3"))

    def test_what_is_in_force_is_what_the_server_does(self):
        (self.folder / "c10k.conf").write_text(
            "max_body_bytes = 10\nallowed_hosts = file.example\nallowed_origins = http://friend.example\n")
        server = self.serve("--set", "max_message_bytes=5", cwd=self.folder, env={"C10K_ALLOWED_HOSTS": "env.example"})
        for host, status in [("env.example", 200), ("file.example", 400), ("localhost", 200)]:
            connection = support.Connection(server.port)
            self.addCleanup(connection.close)
            connection.request("GET /test/", f"Host: {host}", host=False)
            self.assertEqual(connection.answer().status, status, host)
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.request("POST /test/wsgi/", "Content-Length: 11")
        self.assertEqual(connection.answer().status, 413)
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.open("/test/ws/", "Origin: http://friend.example")
        connection.text()
        connection.send(support.frame(support.TEXT, "123456"))
        self.assertEqual(connection.closed()[0], 1009)


class RunServer(CommandTestCase):
    def test_prints_the_address_and_the_backend(self):
        server = self.serve()
        self.assertRegex(server.output, r"(?m)^Starting (development )?server at http://127\.0\.0\.1:\d+/$")
        self.assertRegex(server.output, r"\b(epoll|io_uring)\b")
        self.assertIn("Quit the server with CONTROL-C.", server.output)

    def test_takes_a_port_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        program = support.Program("runserver", port, "--noreload")
        self.addCleanup(program.kill)
        self.assertEqual(program.wait_for(r"http://([\d.]+:\d+)/")[1], f"127.0.0.1:{port}")

    def test_logs_requests(self):
        server = self.serve()
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.request("GET /test/?a=1")
        size = len(connection.answer().body)
        server.wait_for(rf'"GET /test/\?a=1 HTTP/1\.1" 200 {size}\b')
        connection.request("GET /nothing/")
        connection.answer()
        server.wait_for(r'"GET /nothing/ HTTP/1\.1" 404 ')

    def test_logs_each_websocket_while_they_are_few(self):
        server = self.serve()
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.open("/test/ws/")
        server.wait_for(r"WebSocket CONNECT /test/ws/")
        connection.send(support.close_frame(4000))
        connection.rest()
        server.wait_for(r"WebSocket DISCONNECT /?test/ws/ .*\b4000\b")
        refused = support.Connection(server.port)
        self.addCleanup(refused.close)
        refused.send(refused.handshake_bytes("/test/ws/", "Origin: http://evil.example"))
        refused.answer()
        server.wait_for(r"Refused a WebSocket to a page of the origin 'http://evil\.example': .*allowed_origins")
        server.wait_for(r"WebSocket REJECT /test/ws/ 403 \[[^]]*\]: .*allowed_origins")

    def test_logs_many_websockets_in_sum(self):
        server = self.serve()
        done = run("gameoflife", "--url", server.ws, "--size", 20, "--steps", 3, "--speed", 0)
        self.assertEqual(done.status, 0, done.output)
        server.wait_for(r"\+\d+ -\d+, \d+ open")
        self.assertEqual(server.stop(), 0)
        self.assertLess(len(re.findall(r"WebSocket (DIS)?CONNECT", server.output)), 100)

    def test_logs_all_websockets_when_told_to(self):
        server = self.serve("-v", "2")
        done = run("gameoflife", "--url", server.ws, "--size", 10, "--steps", 3, "--speed", 0)
        self.assertEqual(done.status, 0, done.output)
        self.assertEqual(server.stop(), 0)
        for word in ("CONNECT", "DISCONNECT"):
            self.assertEqual(len(re.findall(rf"WebSocket {word} /?worker/", server.output)), 100)

    def test_control_characters_do_not_reach_the_log(self):
        server = self.serve()
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.request("GET /%1b%5b31m%0aforged/")
        connection.answer()
        server.wait_for(r'"GET /')
        self.assertEqual(server.stop(), 0)
        self.assertNotIn("\x1b", server.output)
        self.assertFalse(any(line.startswith("forged") for line in server.output.splitlines()))


class Signals(CommandTestCase):
    def test_the_first_ends_in_good_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                server = self.serve()
                server.signal(number)
                self.assertEqual(server.wait(), 0)

    def test_a_test_that_is_interrupted_has_not_succeeded(self):
        server = self.serve()
        program = support.Program("testecho", "--clients", 5, "--delay", "20s", "--url", f"{server.ws}/test/ws/")
        self.addCleanup(program.kill)
        server.wait_for("CONNECT /test/ws/")
        program.signal(signal.SIGINT)
        self.assertEqual(program.wait(), 130)

    def test_the_second_ends_at_once(self):
        server = self.serve()
        connection = support.Connection(server.port)
        self.addCleanup(connection.close)
        connection.open("/watcher/")
        server.signal(signal.SIGINT)
        self.assertEqual(connection.closed()[0], 1001)  # which we do not answer
        server.signal(signal.SIGINT)
        self.assertEqual(server.wait(5), -signal.SIGINT)

    def test_the_second_ends_a_client_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            program = support.Program("testecho", "--url", f"ws://127.0.0.1:{port}/")
            self.addCleanup(program.kill)
            peer, _ = listener.accept()
        with peer, peer.makefile("rb") as stream:
            while not (line := stream.readline()).lower().startswith(b"sec-websocket-key"):
                pass
            ping = support.frame(support.PING, masked=False)
            peer.sendall(support.switch(line.split()[1]) + ping)
            while stream.readline() != b"\r\n":
                pass
            self.assertEqual(stream.read(6)[:2], b"\x8a\x80")  # a masked pong: it is connected
            program.signal(signal.SIGINT)
            self.assertEqual(stream.read(2)[:1], b"\x88")  # its close, which we do not answer
            program.signal(signal.SIGINT)
            self.assertEqual(program.wait(5), -signal.SIGINT)

    def test_a_closed_pipe_does_not_end_the_server(self):
        read_end, write_end = os.pipe()
        server = support.Program("runserver", "127.0.0.1:0", "--noreload", stdout=write_end)
        os.close(write_end)
        self.addCleanup(server.kill)
        with os.fdopen(read_end) as pipe:
            port = next(int(match[1]) for line in pipe if (match := re.search(r"http://127\.0\.0\.1:(\d+)/", line)))
        for _ in range(3):
            connection = support.Connection(port)
            self.addCleanup(connection.close)
            connection.request("GET /test/")
            self.assertEqual(connection.answer().status, 200)
        game = run("gameoflife", "--url", f"ws://127.0.0.1:{port}", "--size", 10, "--steps", 1)  # at which it prints
        self.assertEqual(game.status, 0, game.output)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)


class Progress(CommandTestCase):
    GAME = ["gameoflife", "--size", 4, "--seed", 1]

    def test_is_plain_lines_where_there_is_no_terminal(self):
        server = self.serve()
        program = run(*self.GAME, "--url", server.ws, "--steps", 3, "--speed", 20)
        self.assertEqual(program.status, 0, program.output)
        self.assertNotRegex(program.output, r"[\r\x1b]")
        self.assertIn("Random start, seed 1", program.stdout)
        self.assertRegex(program.stdout[-1], r"^3 steps of 16 cells in [\d.]+ s$")

    def test_is_a_line_that_changes_on_a_terminal(self):
        server = self.serve()
        terminal, program_end = os.openpty()
        program = support.Program(*self.GAME, "--url", server.ws, "--speed", 20, stdout=program_end)
        self.addCleanup(program.kill)
        os.close(program_end)
        shown = b""
        while len(set(re.findall(rb"step (\d+)", shown))) < 3:
            shown += os.read(terminal, 4096)
        self.assertRegex(shown, rb"\r\x1b\[Kstep \d+, [\d.]+ steps/s")
        program.signal(signal.SIGINT)
        try:
            while data := os.read(terminal, 4096):
                shown += data
        except OSError:
            pass  # so ends a terminal that nobody holds any more
        os.close(terminal)
        program.wait()
        self.assertTrue(shown.endswith((b"\n", b"\r\x1b[K")), shown[-80:])  # the shell's prompt gets a line of its own


if __name__ == "__main__":
    support.main()
