"""`manage load` against servers of others and ours: good ones, slow ones, wrong ones, and none."""

import asyncio
import http
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree

from support import tls
from support.cases import CommandTestCase, main
from support.environment import BUILD, SOURCE
from support.foreign import WebsocketsServer
from support.frames import close_frame
from support.process import ManageServer, Program, run
from support.tcp import RawServer, reserved_port
from support.waiting import PATIENCE

sys.path.insert(0, str(SOURCE / "benchmarks"))
from runner.histograms import read_log  # noqa: E402  # pylint: disable=wrong-import-position,import-error

MEASURED = 100  # what is due in the half second of a short run
ALL = 120  # with the warm-up


def short(**changes):
    """The options of a short run: 10 connections, 200 messages or clients per second."""
    options = {"connections": 10, "rate": 200, "duration": "500ms", "warm_up": "100ms", "ramp": "100ms", **changes}
    return [part for name, value in options.items() for part in ("--" + name.replace("_", "-"), value)]



def load(mode, url, *options):
    """`manage load` to its end, with its report in JSON as `report`, if it printed one."""
    program = run("load", mode, "--url", url, "--json", "--quiet", *options)
    program.report = json.loads(program.stdout[0]) if program.stdout else None
    return program


class Echo:
    """A server of python3-websockets that echoes, and counts."""

    def __init__(self):
        self.messages = []
        self.headers = []
        self.sources = set()

    async def __call__(self, websocket, _path):
        self.headers.append(websocket.request_headers)
        self.sources.add(websocket.remote_address[0])
        async for message in websocket:
            self.messages.append(message)
            await websocket.send(message)


class Relay:
    """A server of python3-websockets that relays each message to all, the sender too, in a message of its own."""

    def __init__(self):
        self._members = set()

    async def __call__(self, websocket, _path):
        self._members.add(websocket)
        try:
            await websocket.send("welcome")
            async for message in websocket:
                for member in set(self._members):
                    await member.send(f"somebody said: {message}")
        finally:
            self._members.discard(websocket)


NODE = """
    const WebSocket = require('ws');
    const server = new WebSocket.Server({port: 0, host: '127.0.0.1'}, () => console.log('port', server.address().port));
    server.on('connection', (socket, request) => socket.on('message', (data, binary) => {
        const others = [...server.clients].filter(client => client !== socket);
        for (const to of request.url === '/relay' ? others : [socket]) to.send(data, {binary});
    }));
    """


def node():
    """A server of node's ws: it echoes, and at /relay sends to all others."""
    return Program("-e", NODE, program="/usr/bin/node", env={"NODE_PATH": "/usr/share/nodejs"})


class LoadTestCase(CommandTestCase):
    def node(self):
        program = node()
        self.addCleanup(program.kill)
        return program, f"ws://127.0.0.1:{program.wait_for(r'port (.*)')[1]}/"

    def ours(self, *options):
        server = ManageServer(*options, program=BUILD / "hostile_server")
        self.addCleanup(server.kill)
        return server.ws

    def assert_told(self, program, *words, status=1):
        """It failed, and its last line says why. It may have warned that it was late: the machine is busy."""
        self.assertEqual(program.status, status, program.output)
        program.stderr = [line for line in program.stderr if not line.startswith("WARNING: the client was late")]
        self.assert_one_line(program, *words, status=status)

    def assert_all_answered(self, program, count=MEASURED):
        report = program.report
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(report["errors"], {"total": 0, "causes": []})
        for what in ("due", "sent", "answered"):
            self.assertEqual(report["messages"][what], count, what)
        self.assert_corrected_is_never_less(report["times_ms"]["reply"], count)

    def assert_corrected_is_never_less(self, times, count):
        self.assertEqual(times["corrected"]["count"], count)
        self.assertEqual(times["raw"]["count"], count)
        for figure, raw in times["raw"].items():
            self.assertGreaterEqual(times["corrected"][figure], raw, figure)


class Servers(LoadTestCase):
    def test_ours_answers_all_that_is_due_on_either_backend(self):
        for backend in ("epoll", "io_uring"):
            with self.subTest(backend=backend):
                url = self.ours("--backend", backend)
                self.assert_all_answered(load("echo", f"{url}/echo/", *short(), "--backend", backend, "--loops", 2))

    def test_websockets_answers_all_that_is_due_and_counts_the_same(self):
        server = Echo()
        with WebsocketsServer(server) as url:
            program = load("echo", url, *short())
        self.assert_all_answered(program)
        self.assertEqual(len(server.messages), ALL)
        self.assertEqual({len(message) for message in server.messages}, {64})
        self.assertEqual(program.report["messages"]["bytes_sent"], 64 * MEASURED)
        self.assertEqual(program.report["connections"], {"opened": 10, "failed": 0, "lost": 0, "peak": 10})
        self.assertEqual(len(server.headers), 10)

    def test_node_ws_answers_all_that_is_due(self):
        _, url = self.node()
        self.assert_all_answered(load("echo", url, *short(), "--compression", "--size", "16:1,5000:1"))

    def test_a_broadcast_reaches_all_others_of_each_server(self):
        _, node_url = self.node()
        with WebsocketsServer(Relay()) as url:
            for relay in (url, f"{node_url}relay", f"{self.ours()}/relay/"):
                with self.subTest(relay=relay):
                    program = load("broadcast", relay, *short(), "--loops", 2)
                    self.assertEqual(program.status, 0, program.output)
                    self.assertEqual(program.report["errors"]["total"], 0, program.output)
                    self.assertEqual(program.report["messages"]["sent"], MEASURED)
                    self.assertEqual(program.report["messages"]["expected"], 9 * MEASURED)
                    self.assert_corrected_is_never_less(program.report["times_ms"]["reply"], 9 * MEASURED)

    def test_connects_as_often_as_is_due(self):
        server = Echo()
        with WebsocketsServer(server) as url:
            program = load("connect", url, *short(ramp=0))
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(program.report["clients"], {"due": MEASURED, "finished": MEASURED})
        self.assertEqual(program.report["connections"]["opened"], ALL)
        self.assertEqual(len(server.headers), ALL)
        self.assertEqual(program.report["times_ms"]["handshake"]["corrected"]["count"], MEASURED)

    def test_holds_connections_to_the_end(self):
        server = Echo()
        with WebsocketsServer(server) as url:
            program = load("hold", url, *short(), "--fail-if", "lost>0")
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(program.report["connections"], {"opened": 10, "failed": 0, "lost": 0, "peak": 10})
        self.assertEqual(program.report["times_ms"]["handshake"]["raw"]["count"], 10)

    def test_without_a_rate_it_is_a_closed_model_and_says_so(self):
        with WebsocketsServer(Echo()) as url:
            program = load("echo", url, *short(rate=0), "--in-flight", 1)
        self.assertEqual(program.report["model"], "closed")
        self.assertIsNone(program.report["times_ms"]["reply"]["corrected"])
        self.assertEqual(program.report["messages"]["answered"], program.report["times_ms"]["reply"]["raw"]["count"])
        self.assertEqual(program.report["errors"]["total"], 0)

    def test_the_server_sees_what_the_options_say(self):
        server = Echo()
        with WebsocketsServer(server, subprotocols=["chat"]) as url:
            self.assert_all_answered(load(
                "echo", url, *short(), "--binary", "--size", "0-99", "--subprotocol", "talk,chat", "-H", "Cookie: a=1",
                "--header", "X-Two: 2", "--origin", "https://example.com", "--compression",
                "--sources", "127.0.0.5,127.0.0.6"))
        self.assertEqual(server.sources, {"127.0.0.5", "127.0.0.6"})
        headers = server.headers[0]
        self.assertEqual(headers["Cookie"], "a=1")
        self.assertEqual(headers["X-Two"], "2")
        self.assertEqual(headers["Origin"], "https://example.com")
        self.assertEqual(headers["Sec-WebSocket-Protocol"].replace(" ", ""), "talk,chat")
        self.assertIn("permessage-deflate", headers["Sec-WebSocket-Extensions"])
        self.assertTrue(all(isinstance(message, bytes) and len(message) < 100 for message in server.messages))
        self.assertGreater(len({len(message) for message in server.messages}), 20)

    def test_speaks_tls(self):
        own = tls.certificate()
        with WebsocketsServer(Echo(), ssl=own.server) as url:
            url = url.replace("ws:", "wss:")
            self.assert_all_answered(load("echo", url, *short(), "--ca", own.ca))
            self.assert_all_answered(load("echo", url, *short(), "--insecure"))
            self.assert_told(load("echo", url, *short()), "no connection could be opened", "certificate")


class Stalling:
    """Echoes, but from the 100th message on not before it is told to: `stalls` says that it has begun."""

    def __init__(self):
        self.stalls = threading.Event()
        self._received = 0
        self._go_on = asyncio.Event()

    async def __call__(self, websocket, _path):
        self._loop = asyncio.get_running_loop()
        async for message in websocket:
            self._received += 1
            if self._received == 100:
                self.stalls.set()
                await self._go_on.wait()
            await websocket.send(message)

    def go_on(self):
        self._loop.call_soon_threadsafe(self._go_on.set)


class Stalls(LoadTestCase):
    def test_a_stall_shows_in_corrected_times_and_hides_in_raw_ones(self):
        """A connection that waits for each answer sends nothing while its server stalls: one message is slow. More than a
        hundred were due meanwhile."""
        server = Stalling()
        with tempfile.TemporaryDirectory() as folder, WebsocketsServer(server) as url:
            log = pathlib.Path(folder, "stall.hlog")
            program = Program("load", "echo", "--url", url, "--connections", 1, "--in-flight", 1, "--rate", 200, "--json",
                              "--duration", "1h", "--warm-up", 0, "--ramp", 0, "--histogram", log, "--workers", 1)
            self.addCleanup(program.kill)
            self.assertTrue(server.stalls.wait(PATIENCE))
            program.wait_for(r", (1[5-9]\d|[2-9]\d\d|\d,\d\d\d) waiting")
            server.go_on()
            program.wait_for(r"sent, .* in flight, own CPU", program.line_count)  # and nothing waits
            program.signal(signal.SIGINT)
            self.assertEqual(program.wait(), 130)
            series = read_log(log.read_text())
        report = json.loads(program.stdout[0])
        self.assertTrue(report["interrupted"])
        half_a_second = 500_000_000  # as long as the stall took for the first of them
        self.assertGreater(series["reply.corrected"].count_from(half_a_second / 2), 50)
        self.assertLess(series["reply.raw"].count_from(half_a_second / 2), 10)
        self.assertGreaterEqual(report["times_ms"]["reply"]["corrected"]["max"], 500)
        for kind in ("corrected", "raw"):
            self.assertEqual(series[f"reply.{kind}"].count, report["times_ms"]["reply"][kind]["count"])
            for percent, name in ((50, "p50"), (99, "p99"), (99.9, "p99_9")):
                self.assertAlmostEqual(series[f"reply.{kind}"].percentile(percent) / 1e6,
                                       report["times_ms"]["reply"][kind][name], delta=series[f"reply.{kind}"].percentile(percent) / 1e9)

    def test_the_schedule_waits_for_no_answer(self):
        """A server that answers only when 100 messages are there gets them."""
        async def all_at_once(websocket, _path):
            messages = [await websocket.recv() for _ in range(100)]
            for message in messages:
                await websocket.send(message)

        with WebsocketsServer(all_at_once) as url:
            program = load("echo", url, *short(connections=1, warm_up=0), "--in-flight", 100)
        self.assertEqual(program.report["messages"]["answered"], 100, program.output)
        self.assertGreaterEqual(program.report["times_ms"]["reply"]["raw"]["max"], 400)


class Results(LoadTestCase):
    def test_a_condition_that_comes_true_is_told_and_ends_with_99(self):
        with WebsocketsServer(Echo()) as url:
            program = load("echo", url, *short(), "--fail-if", "p50>0us", "--fail-if", "errors>0", "--fail-if", "rate<1000")
        self.assert_told(program, "p50>0us: it was ", "rate<1000: it was 200.0", status=99)
        self.assertEqual([one["failed"] for one in program.report["thresholds"]], [True, False, True])

    def test_a_report_for_programs_has_the_fields_that_the_documentation_names(self):
        with WebsocketsServer(Echo()) as url:
            report = load("echo", url, *short()).report
        fields = {name: sorted(value) for name, value in report.items() if isinstance(value, dict)}
        self.assertEqual(sorted(report), ["client", "clients", "connections", "errors", "interrupted", "measured_s", "messages",
                                          "mode", "model", "plan", "rate", "thresholds", "times_ms", "url"])
        self.assertEqual(fields["client"], ["busiest_loop", "cpu_s", "cpu_us_each", "late_ms", "warnings"])
        self.assertEqual(fields["errors"], ["causes", "total"])
        self.assertEqual(fields["times_ms"], ["handshake", "reply"])
        self.assertEqual(sorted(report["times_ms"]["reply"]["raw"]),
                         ["count", "max", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99"])

    def test_a_report_for_readers_names_both_times_and_its_own_cost(self):
        with WebsocketsServer(Echo()) as url:
            program = run("load", "echo", "--url", url, *short())
        self.assertEqual(program.status, 0, program.output)
        for line in (r"^errors +0$", r"^messages +100 sent, 100 answered", r"^reply +corrected +100 ", r"^ +raw +100 ",
                     r"^client +[\d.]+ s of CPU \([\d.]+ us for each message\), busiest loop \d+ % of a core; late by"):
            self.assertRegex(program.output, f"(?m){line}")

    def test_a_line_each_second_says_how_it_goes(self):
        with WebsocketsServer(Echo()) as url:
            program = Program("load", "echo", "--url", url, "--rate", 50, "--duration", "1h", "--workers", 1)
            self.addCleanup(program.kill)
            program.wait_for(r"^\d+ s: 100 open, \d+/s sent, \d+/s received, p50 .*, p99 .*, \d+ in flight, own CPU \d+ %$")
            program.signal(signal.SIGINT)
            self.assertEqual(program.wait(), 130)
        self.assertRegex(program.output, r"until it was interrupted")
        self.assertRegex(program.output, r"(?m)^errors +0$")

    def test_logs_become_a_table_and_a_picture(self):
        with tempfile.TemporaryDirectory() as folder, WebsocketsServer(Echo()) as url:
            log, picture = pathlib.Path(folder, "a.hlog"), pathlib.Path(folder, "a.svg")
            program = load("echo", url, *short(), "--histogram", log)
            draw = [SOURCE / "benchmarks/percentiles", f"them={log}", "--tag", "reply.raw"]
            table = subprocess.run(draw, stdout=subprocess.PIPE, text=True, check=True).stdout
            subprocess.run([*draw, "--svg", picture], check=True)
            drawn = xml.etree.ElementTree.parse(picture)
        self.assertEqual(program.status, 0, program.output)
        self.assertRegex(table, r"(?m)^them +100 ")
        self.assertEqual(len(drawn.findall(".//{*}path[@class='curve']")), 2)  # the curve, and its key


class Faults(LoadTestCase):
    def assert_errors(self, program, cause, count=None):
        causes = {one["cause"]: one["count"] for one in program.report["errors"]["causes"]}
        found = [name for name in causes if cause in name]
        self.assertTrue(found, program.output)
        if count is not None:
            self.assertEqual(sum(causes[name] for name in found), count, program.output)

    def test_says_that_nobody_is_there_and_what_is_wrong_with_a_url(self):
        with reserved_port() as port:
            self.assert_told(load("echo", f"ws://127.0.0.1:{port}/", *short()), "no connection could be opened", "refused")
        for url in ("http://127.0.0.1:1/", "127.0.0.1:1", "ws://nobody.invalid/"):
            self.assert_told(load("connect", url, *short()))

    def test_counts_refused_handshakes(self):
        for status in (http.HTTPStatus.FORBIDDEN, http.HTTPStatus.SERVICE_UNAVAILABLE):
            async def refuse(_path, _headers, status=status):
                return status, [], b"no\n"

            for mode in ("echo", "connect"):
                with self.subTest(status=status, mode=mode), WebsocketsServer(Echo(), process_request=refuse) as url:
                    program = load(mode, url, *short(ramp=0))
                    self.assert_told(program, "no connection could be opened", str(int(status)))
                    count = 10 if mode == "echo" else ALL
                    self.assertEqual(program.report["connections"]["failed"], count)
                    self.assert_errors(program, str(int(status)), count)

    def test_a_server_that_dies_ends_the_run_early(self):
        server, url = self.node()
        program = Program("load", "echo", "--url", url, "--duration", "1h", "--json", "--connections", 10)
        self.addCleanup(program.kill)
        program.wait_for(r"/s received, p50")
        server.kill()
        self.assertEqual(program.wait(), 0, program.output)
        program.report = json.loads(program.stdout[0])
        self.assertEqual(program.report["connections"]["lost"], 10)
        self.assertLess(program.report["measured_s"], 3600)
        self.assert_errors(program, "no connection was left", 1)
        self.assert_errors(program, "the connection ended with 1006", 10)

    def test_garbage_costs_the_server_its_connections_and_not_the_client(self):
        def serve(client, number):
            client.switch()
            client.send([b"\xff" * 500, b"\x81\x7f" + b"\xff" * 8, close_frame(1005, masked=False)][number % 3])
            client.wait_for_end()

        with RawServer(serve) as server:
            program = load("echo", server.url, *short())
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(program.report["connections"]["lost"], 10, program.output)
        self.assert_errors(program, "the connection ended with")

    def test_wrong_answers_and_those_that_nobody_asked_for_are_errors(self):
        async def wrong(websocket, _path):
            await websocket.send("Hello!")
            async for message in websocket:
                await websocket.send(message.lower())

        with WebsocketsServer(wrong) as url:
            program = load("echo", url, *short())
        self.assert_errors(program, "an answer that is not the message", ALL)
        self.assert_errors(program, "a message that answers none", 10)
        self.assertEqual(program.report["messages"]["answered"], 0)

    def test_a_server_that_never_answers_is_not_waited_for_long(self):
        async def mute(websocket, _path):
            async for _ in websocket:
                pass

        with WebsocketsServer(mute) as url:
            program = load("echo", url, *short(), "--timeout", "100ms")
        self.assertEqual(program.status, 0, program.output)
        self.assert_errors(program, "no answer to a message", ALL)
        self.assertEqual(program.report["messages"]["sent"], MEASURED)

    def test_a_server_that_never_answers_the_handshake_is_not_waited_for_long(self):
        with RawServer(lambda client, _number: client.wait_for_end()) as server:
            program = load("echo", server.url, *short(), "--timeout", "100ms")
            self.assert_told(program, "no answer to the handshake")
            program = load("connect", server.url, *short(), "--timeout", "100ms")
            self.assert_told(program, "no answer to the handshake")

    def test_a_wrong_command_line_is_told(self):
        for options in (["nothing"], ["echo"], ["echo", "--url", "ws://x/", "--size", "many"],
                        ["echo", "--url", "ws://x/", "--fail-if", "p99"], ["echo", "--url", "ws://x/", "-H", "x"],
                        ["echo", "--url", "ws://x/", "-H", "Host: x"],
                        ["echo", "--url", "ws://x/", "--duration", "soon"]):
            with self.subTest(options=options):
                program = run("load", *options)
                self.assertEqual(program.status, 2, program.output)
                self.assertEqual(program.stderr[1:], ["Try: manage load --help"], program.output)
        for options in (["broadcast", "--size", 8], ["broadcast", "--rate", 0], ["echo", "--text", "--binary"], ["script"],
                        ["echo", "--rate", -1], ["echo", "--histogram", "/nowhere/x"]):
            with self.subTest(options=options):
                self.assert_told(run("load", *options, "--url", "ws://127.0.0.1:1/"))


class Scripts(LoadTestCase):
    def run_script(self, url, text, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            return load("script", url, "--script", file.name, *short(ramp=0), *options)

    def test_each_client_runs_the_script(self):
        server = Echo()
        with WebsocketsServer(server) as url:
            program = self.run_script(url, "repeat 2\n send a\n expect a\n wait 1ms 5ms\nend\nclose 4000\nexpect-close 4000\n")
        self.assertEqual(program.status, 0, program.output)
        self.assertEqual(program.report["errors"]["total"], 0, program.output)
        self.assertEqual(program.report["clients"], {"due": MEASURED, "finished": MEASURED})
        self.assertEqual(server.messages, ["a"] * 2 * ALL)
        self.assertEqual(program.report["times_ms"]["session"]["corrected"]["count"], MEASURED)

    def test_what_a_client_does_not_get_is_an_error(self):
        with WebsocketsServer(Echo()) as url:
            program = self.run_script(url, "send a\nexpect b\n", "--fail-if", "errors>0")
        self.assertEqual(program.status, 99, program.output)
        self.assertEqual(program.report["errors"]["causes"], [{"cause": "'a' instead of 'b'", "count": ALL}])

    def test_clients_that_are_not_done_at_the_end_are_errors(self):
        with WebsocketsServer(Echo()) as url:
            program = self.run_script(url, "wait 1h\n", "--timeout", "100ms")
        self.assertEqual(program.report["clients"]["finished"], 0)
        self.assertEqual(program.report["errors"]["total"], ALL, program.output)

    def test_a_mistake_is_told_with_its_line(self):
        self.assert_told(self.run_script("ws://127.0.0.1:1/", "send a\nsned b\n"), "line 2: 'sned' is no step")


if __name__ == "__main__":
    main()
