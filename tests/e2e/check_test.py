"""What urls and check tell, and which setting counts: the last of the file, the environment and the flags."""

import json
import os
import pathlib
import re
import resource
import tempfile

from support.cases import CommandTestCase, main
from support.frames import TEXT, frame
from support.process import run
from support.tcp import RawClient


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
        self.assertEqual(set(settings["port"]), {"name", "value", "default", "default_in_debug", "origin", "unit", "reason"})
        self.assertEqual(told["backend"], "epoll")
        for limit in told["limits"]:
            self.assertEqual(set(limit), {"name", "value", "connections", "of", "meaning", "command"})
        held = min(limit["connections"] for limit in told["limits"] if limit["of"] == "held")
        self.assertEqual(told["connections"]["epoll"], held)
        self.assertIn("io_uring", told["connections"])

    def test_check_tells_the_settings_of_apps_like_the_frameworks(self):
        told = json.loads("\n".join(run("check", "--json", "--set", "debug=true").stdout))
        settings = {setting["name"]: setting for setting in told["settings"]}
        self.assertEqual({name: settings["life_control"][name] for name in ("value", "default", "origin")},
                         {"value": "loopback", "default": "off", "origin": "default"})

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
            connection = RawClient(server.port)
            self.addCleanup(connection.close)
            connection.request("GET /test/", f"Host: {host}", host=False)
            self.assertEqual(connection.answer().status, status, host)
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.request("POST /test/wsgi/", "Content-Length: 11")
        self.assertEqual(connection.answer().status, 413)
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.open("/test/ws/", "Origin: http://friend.example")
        connection.text()
        connection.send(frame(TEXT, "123456"))
        self.assertEqual(connection.closed()[0], 1009)


if __name__ == "__main__":
    main()
