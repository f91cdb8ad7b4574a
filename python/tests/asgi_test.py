"""The ASGI server and its command, as a process of its own: bare applications, Starlette, FastAPI and Channels."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import logging
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import websockets

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60  # seconds without any progress
logging.getLogger("asyncio").setLevel(logging.ERROR)  # a busy machine makes slow callbacks
HAS_REDIS = shutil.which("redis-server") is not None


UVICORN = """
    --access-log --app-dir --backlog --date-header --env-file --factory --fd --forwarded-allow-ips
    --h11-max-incomplete-event-size --header --help --host --http --interface --lifespan --limit-concurrency
    --limit-max-requests --limit-max-requests-jitter --log-config --log-level --loop --no-access-log --no-date-header
    --no-proxy-headers --no-server-header --no-use-colors --port --proxy-headers --reload --reload-delay --reload-dir
    --reload-exclude --reload-include --reset-contextvars --root-path --server-header --ssl-ca-certs --ssl-cert-reqs
    --ssl-certfile --ssl-ciphers --ssl-context-factory --ssl-keyfile --ssl-keyfile-password --ssl-version
    --timeout-graceful-shutdown --timeout-keep-alive --timeout-worker-healthcheck --uds --use-colors --version --workers
    --ws --ws-max-queue --ws-max-size --ws-per-message-deflate --ws-ping-interval --ws-ping-timeout
""".split()


def has(*modules: str) -> bool:
    return all(__import__("importlib.util").util.find_spec(name) for name in modules)


class Served:
    """``python3 -m c10k`` with some options.

        with Served("asgi_apps:app", "--workers", "2") as server:
            server.get("/")
    """

    def __init__(
        self, *options: str, folder: pathlib.Path = HERE, environment: dict[str, str] = {}, listens=True
    ) -> None:
        where = () if {"--uds", "--fd", "--port"} & set(options) else ("--port", "0")
        path = [str(folder), *(each for each in sys.path if each)]
        self.command = [sys.executable, "-m", "c10k", *options, *where]
        backend = os.environ.get("C10K_TEST_BACKEND")
        self.command += ["--set", f"backend={backend}"] if backend else []
        self.environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }  # fmt: skip
        self.folder = folder
        self.listens = listens
        self.pass_fds: tuple[int, ...] = ()
        self.lines: list[str] = []
        self._has_line = threading.Condition()

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(
            self.command, env=self.environment, cwd=self.folder, text=True, pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            if self.listens:
                found = self.wait_for(r"c10k (?:serves|listens on) (?:https?://)?(?:(.*):(\d+)|unix:.*|/.*?)(?:,| |$)")
                self.host, self.port = "127.0.0.1", int(found[2] or 0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._has_line:
                self.lines.append(line.rstrip("\n"))
                self._has_line.notify_all()
        with self._has_line:
            self.lines.append("(the end)")
            self._has_line.notify_all()

    @property
    def log(self) -> str:
        with self._has_line:
            return "\n".join(self.lines)

    def wait_for(self, pattern: str, count: int = 1) -> re.Match:
        """Waits for so many lines of the log with this."""
        with self._has_line:
            is_there = self._has_line.wait_for(
                lambda: len(self._found(pattern)) >= count or "(the end)" in self.lines, PATIENCE
            )
            found = self._found(pattern)
            if not is_there or len(found) < count:
                raise AssertionError(f"{pattern!r} is not {count} times in the log:\n" + "\n".join(self.lines))
            return found[count - 1]

    def _found(self, pattern: str) -> list[re.Match]:
        return [found for line in self.lines if (found := re.search(pattern, line))]

    def wait(self) -> int:
        """The exit status."""
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def request(self, method: str, path: str, body=None, headers={}, **options) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, headers, **options)
        response = connection.getresponse()
        try:
            response.content = response.read()
        except http.client.IncompleteRead as error:
            response.content = error
        connection.close()
        return response

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        return self.request("GET", path, headers=headers)

    def connect(self, path: str, **options):
        options = {
            "open_timeout": PATIENCE, "close_timeout": PATIENCE, "origin": f"http://127.0.0.1:{self.port}", **options,
        }  # fmt: skip
        return websockets.connect(f"ws://127.0.0.1:{self.port}{path}", **options)


class AppTest(unittest.IsolatedAsyncioTestCase):
    """One server for the tests of a class; `app` is what it serves."""

    app: tuple[str, ...] = ("asgi_apps:app",)

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = cls.enterClassContext(Served(*cls.app))


class HttpTest(AppTest):
    """The http part of the specification."""

    def scope(self, path="/scope", **headers):
        return json.loads(self.server.get(path, **headers).content)

    def test_a_whole_answer_arrives_with_its_head(self):
        answer = self.server.get("/")
        self.assertEqual((answer.status, answer.content), (200, b"hello"))
        self.assertEqual((answer.headers["x-kind"], answer.headers["content-length"]), ("test", "5"))
        self.assertEqual(answer.headers.get_all("date") and len(answer.headers.get_all("date")), 1)

    def test_hop_by_hop_fields_of_the_application_do_not_pass(self):
        self.assertNotIn("close-me-not", str(self.server.get("/").headers))

    def test_the_scope_is_as_the_specification_says(self):
        scope = self.scope("/%C3%A4%20b?q=%20&r", **{"X-Upper": "Value"})
        self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.5"})
        self.assertEqual(scope["type"], "http")
        self.assertEqual((scope["http_version"], scope["method"], scope["scheme"]), ("1.1", "GET", "http"))
        self.assertEqual((scope["path"], scope["raw_path"]), ("/ä b", "/%C3%A4%20b"))
        self.assertEqual((scope["query_string"], scope["root_path"]), ("q=%20&r", ""))
        self.assertIn(["x-upper", "Value"], scope["headers"])
        self.assertEqual(scope["server"], ["127.0.0.1", self.server.port])
        self.assertEqual(scope["client"][0], "127.0.0.1")
        self.assertIsInstance(scope["client"][1], int)
        self.assertIn("shared", scope["state"])

    def test_what_an_application_writes_into_a_scope_is_gone_with_it(self):
        self.scope()
        scope = self.scope()
        for name in "asgi", "state", "extensions":
            self.assertNotIn("left behind", scope[name])

    def test_names_of_fields_arrive_in_lower_case_also_if_they_are_one_letter(self):
        self.assertIn(["q", "1"], self.scope(Q="1")["headers"])

    def test_a_body_arrives_whole(self):
        for body in (b"", b"x", os.urandom(900_000)):
            self.assertEqual(self.server.request("POST", "/body", body).content, body)

    def test_a_chunked_body_arrives_whole(self):
        pieces = [os.urandom(50_000) for _ in range(10)]
        answer = self.server.request(
            "POST", "/body", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        self.assertEqual(answer.content, b"".join(pieces))

    def test_a_stream_arrives_in_its_order(self):
        expected = b"".join(b"%d" % (number % 10) * 50_000 for number in range(40))
        self.assertEqual(self.server.get("/stream").content, expected)

    def test_head_has_the_length_and_no_body(self):
        answer = self.server.request("HEAD", "/")
        self.assertEqual((answer.status, answer.content, answer.headers["content-length"]), (200, b"", "5"))

    def test_head_keeps_the_length_that_the_application_says(self):
        answer = self.server.request("HEAD", "/length")
        self.assertEqual((answer.status, answer.content, answer.headers["content-length"]), (200, b"", "1234"))

    def test_answers_without_a_body_have_none(self):
        for path, status in (("/204", 204), ("/304", 304)):
            answer = self.server.get(path)
            self.assertEqual((answer.status, answer.content), (status, b""))

    def test_a_connection_takes_one_request_after_another(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        for _ in range(50):
            connection.request("GET", "/")
            self.assertEqual(connection.getresponse().read(), b"hello")
        sock = connection.sock
        connection.request("POST", "/body", b"x")
        self.assertEqual(connection.getresponse().read(), b"x")
        self.assertIs(connection.sock, sock)
        connection.close()

    def test_curl_sends_a_large_body_and_understands_the_answer(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(os.urandom(1_000_000))
            file.flush()
            url = f"http://127.0.0.1:{self.server.port}/body"
            answer = subprocess.run(
                ["curl", "-sS", "--max-time", str(PATIENCE), "--data-binary", f"@{file.name}", url], capture_output=True
            )
            self.assertEqual(answer.stderr, b"")
            self.assertEqual(answer.stdout, pathlib.Path(file.name).read_bytes())

    def test_a_waiting_application_hears_that_its_client_has_gone(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.server.wait_for("^waiting")
        self.server.wait_for("page heard http.request http.disconnect")

    def test_a_stream_whose_client_has_gone_gets_an_oserror(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(100)
        self.server.wait_for("endless ended: ConnectionClosed")

    def test_after_its_answer_an_application_hears_a_disconnect(self):
        self.assertEqual(self.server.get("/afterwards").content, b"done")
        self.server.wait_for("afterwards http.disconnect")

    def test_an_exception_before_the_answer_is_a_500_and_logged(self):
        self.assertEqual(self.server.get("/raise-early").status, 500)
        self.server.wait_for("ERROR Exception in the ASGI application: GET /raise-early")
        self.server.wait_for("ValueError: raised early")
        self.server.wait_for('"GET /raise-early HTTP/1.1" 500')

    def test_an_exception_in_the_answer_cuts_it(self):
        # The beginning may have arrived or not; a whole answer has not.
        with contextlib.suppress(http.client.RemoteDisconnected):
            self.assertIsInstance(self.server.get("/raise-late").content, http.client.IncompleteRead)
        self.server.wait_for("ValueError: raised late")

    def test_no_answer_is_a_500_and_logged(self):
        self.assertEqual(self.server.get("/return").status, 500)
        self.server.wait_for("returned without a response: GET /return")

    def test_messages_that_do_not_fit_are_the_applications_mistake(self):
        said = json.loads(self.server.get("/wrong").content)
        self.assertIn("comes before", said[0])
        self.assertIn("websocket.send", said[1])
        self.server.wait_for("late: 'http.response.start' was sent already")
        self.server.wait_for("late: the response is complete")

    def test_each_request_has_a_copy_of_the_state(self):
        first, second = (json.loads(self.server.get("/count").content) for _ in range(2))
        self.assertEqual((first[0], second[0]), (1, 1))
        self.assertEqual(second[1], first[1] + 1)
        self.addCleanup(self.server.get, "/count")

    def test_timeouts_task_groups_and_context_variables_work(self):
        self.assertRegex(self.server.get("/tasks").content.decode(), r"^mine \w+ timed out$")

    def test_many_requests_at_once_are_answered(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: self.server.get("/").content, range(400)))
        self.assertEqual(answers, [b"hello"] * 400)

    def test_the_access_log_names_the_request(self):
        self.server.get("/scope?a=b")
        self.server.wait_for(r'INFO 127\.0\.0\.1:\d+ - "GET /scope\?a=b HTTP/1\.1" 200$')


class WebSocketTest(AppTest):
    """The websocket part of the specification."""

    async def test_messages_keep_their_kind(self):
        async with self.server.connect("/echo") as peer:
            for message in ("", "text ü €", b"", b"\x00\xff", "x" * 70_000):
                await peer.send(message)
                self.assertEqual(await peer.recv(), message)

    async def test_the_scope_is_as_the_specification_says(self):
        async with self.server.connect("/scope?q=1", subprotocols=["one", "two"]) as peer:
            scope = json.loads(await peer.recv())
            self.assertEqual(peer.subprotocol, "two")
            self.assertEqual(peer.response_headers["x-kind"], "test")
        self.assertEqual(scope["type"], "websocket")
        self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.5"})
        self.assertEqual((scope["scheme"], scope["path"], scope["query_string"]), ("ws", "/scope", "q=1"))
        self.assertEqual(scope["subprotocols"], ["one", "two"])
        self.assertEqual(scope["server"], ["127.0.0.1", self.server.port])
        self.assertEqual(scope["extensions"], {"websocket.http.response": {}})
        self.assertIn("shared", scope["state"])
        self.assertNotIn("method", scope)

    async def refused(self, path):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            async with self.server.connect(path):
                pass
        return caught.exception

    async def test_a_close_before_the_accept_is_a_403(self):
        self.assertEqual((await self.refused("/close")).status_code, 403)

    async def test_a_denial_has_its_own_status_and_head(self):
        refusal = await self.refused("/deny")
        self.assertEqual((refusal.status_code, refusal.headers["www-authenticate"]), (401, "Basic"))

    async def test_a_denial_has_its_own_body(self):
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        answer = await asyncio.to_thread(self.server.get, "/deny", **headers)
        self.assertEqual((answer.status, answer.content), (401, b"who are you?"))

    async def test_the_application_hears_code_and_reason_of_the_close(self):
        async with self.server.connect("/echo") as peer:
            await peer.close(4001, "bye")
        self.server.wait_for("echo ended 4001 'bye'")
        self.server.wait_for("late send: ConnectionClosed")

    async def test_a_close_without_a_code_is_1005(self):
        async with self.server.connect("/echo") as peer:
            await peer.write_frame(True, 8, b"")
            await peer.wait_closed()
        self.server.wait_for("echo ended 1005 ''")

    async def test_a_lost_peer_is_1006(self):
        async with self.server.connect("/echo") as peer:
            peer.transport.abort()
        self.server.wait_for("echo ended 1006 ")

    async def test_the_application_closes_with_its_code(self):
        async with self.server.connect("/close-later") as peer:
            await peer.wait_closed()
            self.assertEqual((peer.close_code, peer.close_reason), (4003, "enough"))
        self.server.wait_for(r"after close \{'type': 'websocket.disconnect', 'code': 4003")
        self.server.wait_for("send after own close: ConnectionClosed")

    async def test_exceptions_are_logged_and_told_the_peer(self):
        self.assertEqual((await self.refused("/raise-early")).status_code, 500)
        async with self.server.connect("/raise-late") as peer:
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1011)
        self.server.wait_for("ERROR Exception in the ASGI application: WebSocket /raise-early")
        self.server.wait_for("ERROR Exception in the ASGI application: WebSocket /raise-late")
        self.server.wait_for("ValueError: raised after accept")

    async def test_a_return_without_an_answer_is_a_500(self):
        self.assertEqual((await self.refused("/return")).status_code, 500)
        self.server.wait_for("returned without an answer to the handshake: WebSocket /return")

    async def test_a_return_closes_with_1000(self):
        async with self.server.connect("/return-late") as peer:
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 1000)

    async def test_messages_that_do_not_fit_are_the_applications_mistake(self):
        async with self.server.connect("/wrong") as peer:
            said = json.loads(await peer.recv())
        self.assertIn("websocket.accept", said[0])
        self.assertIn("http.response.start", said[1])
        self.assertEqual(said[2:], ["RuntimeError", "TypeError"])

    async def test_receive_and_send_work_in_tasks(self):
        async with self.server.connect("/task") as peer:
            for number in range(20):
                await peer.send(str(number))
                self.assertEqual(await peer.recv(), str(number))
            await peer.close(4002)
        self.server.wait_for("task heard 4002")

    async def test_an_application_that_has_not_answered_hears_that_its_peer_has_left(self):
        connecting = asyncio.create_task(self.server.connect("/think").__aenter__())
        await asyncio.to_thread(self.server.wait_for, "^thinking")
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
        await asyncio.to_thread(self.server.wait_for, r"thinker heard \{'type': 'websocket.disconnect', 'code': 1006")

    async def test_receive_may_wait_before_the_accept(self):
        async with self.server.connect("/early") as peer:
            await peer.send("x")
            self.assertEqual(await peer.recv(), "x")

    async def test_many_at_once_get_their_own_messages(self):
        async def talk(number):
            async with self.server.connect("/echo") as peer:
                for turn in range(5):
                    await peer.send(f"{number} {turn}")
                    self.assertEqual(await peer.recv(), f"{number} {turn}")

        await asyncio.gather(*(talk(number) for number in range(100)))

    async def test_a_page_at_the_path_of_a_websocket_is_the_applications(self):
        self.assertEqual(self.server.get("/").status, 200)
        self.server.wait_for(r'- "GET / HTTP/1.1" 200')


class LifespanTest(unittest.TestCase):
    """The lifespan of an application, and the exit status."""

    def test_startup_comes_before_the_first_request_and_shutdown_after_the_last(self):
        with Served("asgi_apps:app") as server:
            self.assertEqual(server.get("/").status, 200)
            self.assertEqual(server.stop(), 0)
        lines = server.log
        order = [lines.index(text) for text in ("lifespan.startup", "c10k serves", "GET /", "lifespan.shutdown")]
        self.assertEqual(order, sorted(order))

    def test_a_startup_that_fails_ends_with_3(self):
        with Served("asgi_apps:fails_to_start", listens=False) as server:
            self.assertEqual(server.wait(), 3)
        self.assertIn("The application failed to start: no database", server.log)

    def test_a_worker_whose_startup_fails_ends_them_all_with_3(self):
        with Served("asgi_apps:fails_to_start", "--workers", "2", listens=False) as server:
            self.assertEqual(server.wait(), 3)

    def test_auto_goes_on_without_a_lifespan(self):
        with Served("asgi_apps:has_no_lifespan") as server:
            self.assertEqual(server.get("/").content, b"no lifespan")

    def test_on_requires_a_lifespan(self):
        with Served("asgi_apps:has_no_lifespan", "--lifespan", "on", listens=False) as server:
            self.assertEqual(server.wait(), 3)
        self.assertIn("AssertionError: only pages", server.log)

    def test_off_does_not_ask(self):
        with Served("asgi_apps:app", "--lifespan", "off") as server:
            self.assertEqual(server.stop(), 0)
        self.assertNotIn("lifespan.startup", server.log)


class ShutdownTest(unittest.IsolatedAsyncioTestCase):
    """SIGTERM and SIGINT."""

    async def test_websockets_are_closed_with_1001(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Served("asgi_apps:app") as server:
                async with server.connect("/echo") as peer:
                    await peer.send("x")
                    await peer.recv()
                    server.process.send_signal(number)
                    await peer.wait_closed()
                    self.assertEqual(peer.close_code, 1001)
                self.assertEqual(server.wait(), 0)
                self.assertIn("echo ended 1001", server.log)

    async def test_an_application_that_waits_elsewhere_hears_of_the_end(self):
        with Served("asgi_apps:app") as server:
            async with server.connect("/elsewhere") as peer:
                await peer.recv()
                server.process.terminate()
                await peer.wait_closed()
            self.assertEqual(server.wait(), 0)
            self.assertIn("elsewhere heard {'type': 'websocket.disconnect', 'code': 1001", server.log)

    async def test_a_request_that_runs_gets_its_answer(self):
        with Served("asgi_apps:app") as server:
            answer = asyncio.create_task(asyncio.to_thread(server.get, "/sleepy"))
            await asyncio.to_thread(server.wait_for, "sleepy began")
            server.process.terminate()
            self.assertEqual((await answer).content, b"slept well")
            self.assertEqual(server.wait(), 0)

    async def test_an_application_that_exits_ends_the_server_with_its_status(self):
        with Served("asgi_apps:app") as server:
            async with server.connect("/echo") as peer:
                with contextlib.suppress(http.client.HTTPException, ConnectionError):
                    await asyncio.to_thread(server.get, "/exits")
                await peer.wait_closed()
                self.assertEqual(peer.close_code, 1001)
            self.assertEqual(server.wait(), 7)
            self.assertIn("SystemExit ends the server.", server.log)
            self.assertIn("sys.exit(7)", server.log)
            self.assertIn("lifespan.shutdown", server.log)

    def test_a_second_signal_ends_the_process_at_once(self):
        for options in ((), ("--workers", "2")):
            for path, number, status in (
                ("/wait", signal.SIGTERM, -signal.SIGTERM),
                ("/blocks", signal.SIGTERM, -signal.SIGTERM),
                ("/blocks", signal.SIGINT, 130),
            ):
                with self.subTest(options=options, path=path, number=number), Served("asgi_apps:app", *options) as server:
                    server.wait_for("lifespan.startup", 2 if options else 1)
                    with socket.create_connection(("127.0.0.1", server.port)) as client:
                        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                        server.wait_for("^(waiting|blocking)")
                        self.signal_until_the_end(server, number)
                        self.assertEqual(server.wait(), 0 if options else status)
                if options:
                    self.assertIn(f"A second {number.name}: the workers are killed.", server.log)
                elif number == signal.SIGINT:
                    self.assertIn("in blocks", server.log)  # the line that has blocked
                else:
                    self.assertNotIn("lifespan.shutdown", server.log)

    def signal_until_the_end(self, server, number):
        """As an impatient user does, until it is seen that a second one has arrived."""
        end = time.monotonic() + PATIENCE
        is_seen = re.compile("A second|KeyboardInterrupt ends").search
        while server.process.poll() is None and not is_seen(server.log) and time.monotonic() < end:
            server.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(0.1)

    async def test_a_request_that_takes_too_long_is_cut(self):
        with Served("asgi_apps:app", "--timeout-graceful-shutdown", "0.1") as server:
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
                server.wait_for("^waiting")
                self.assertEqual(server.stop(), 0)
                client.settimeout(PATIENCE)
                self.assertNotIn(b" 200 ", client.recv(1000))


class CommandTest(unittest.TestCase):
    """Options and what is said about wrong ones."""

    def fails(self, *options: str, status: int) -> str:
        with Served(*options, listens=False) as server:
            self.assertEqual(server.wait(), status, server.log)
        return server.log

    def test_help_and_version(self):
        for option, text in (("--help", "SIGHUP"), ("--version", "c10k ")):
            self.assertIn(text, self.fails(option, status=0))

    def test_errors_say_what_to_do(self):
        for options, status, text in (
            ((), 2, "MODULE:ATTRIBUTE"),
            (("asgi_nothing:app",), 1, "--app-dir"),
            (("asgi_apps.py:app",), 1, "Write a module, not a file"),
            (("asgi_apps:nothing",), 1, "asgi_apps:app"),
            (("asgi_apps",), 1, "Try asgi_apps:app"),
            (("asgi_apps:PATIENCE",), 1, "has no 'PATIENCE'"),
            (("asgi_apps:events",), 1, "cannot be called"),
            (("asgi_apps:factory",), 1, "--factory"),
            (("asgi_apps:wsgi",), 1, "WSGI"),
            (("asgi_apps:app", "--loop", "uvloop"), 2, "leave --loop out"),
            (("asgi_apps:app", "--nonsense"), 2, "no option --nonsense"),
            (("asgi_apps:app", "--reloda"), 2, "did you mean --reload?"),
            (("asgi_apps:app", "more"), 2, "'more' belongs to no option"),
            (("asgi_apps:app", "--app-dir", "/nothing"), 2, "--app-dir: there is no folder /nothing"),
            (("asgi_apps:app", "--reload", "--reload-dir", "/nothing"), 2, "--reload-dir: there is no folder /nothing"),
            (("asgi_apps:app", "--env-file", "/nothing"), 2, "--env-file: cannot read /nothing"),
            (("asgi_apps:app", "--port", "70000"), 2, "from 0 to 65535"),
            (("asgi_apps:app", "--set", "nonsense=1"), 2, "no setting 'nonsense'"),
            (("asgi_apps:app", "--set", "nonsense"), 2, "NAME=VALUE"),
            (("asgi_apps:app", "--workers", "2", "--set", "nonsense=1"), 2, "no setting 'nonsense'"),
            (("asgi_apps:app", "--ssl-certfile", "/nothing.pem"), 2, "--ssl-certfile: "),
            (("asgi_apps:app", "--ssl-keyfile", "/nothing.pem"), 2, "needs --ssl-certfile"),
            (("asgi_apps:app", "--workers", "2", "--reload"), 2, "--reload is for one worker"),
            (("asgi_apps:app", "--host", "192.0.2.1"), 1, "no address of this machine"),
            (("asgi_apps:app", "--host", "nowhere.invalid"), 1, "no host 'nowhere.invalid'"),
            (("asgi_apps:app", "--fd", "99"), 1, "--fd 99 is no socket"),
            (("asgi_apps:app", "--log-config", "/nothing.json"), 2, "Cannot read /nothing.json"),
            (("asgi_apps:app", "--forwarded-allow-ips", "proxy"), 2, "'proxy' is neither"),
        ):
            with self.subTest(options=options):
                self.assertIn(text, self.fails(*options, status=status))

    def test_a_port_in_use_is_named_with_a_way_out(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            for options in ((), ("--workers", "2")):
                said = self.fails("asgi_apps:app", "--port", str(port), *options, status=1)
                self.assertIn(f"Port {port} of 127.0.0.1 is in use", said)
                self.assertIn(f"--port {port + 1}", said)

    def test_an_application_that_cannot_be_imported_shows_its_traceback(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "broken.py").write_text("import not_installed_here\n")
            said = self.fails("broken:app", "--app-dir", folder, status=1)
            self.assertIn("needs 'not_installed_here'", said)
            self.assertIn('broken.py", line 1', said)

    def test_a_factory_makes_the_application(self):
        with Served("asgi_apps:factory", "--factory") as server:
            self.assertEqual(server.get("/").content, b"no lifespan")

    def test_the_environment_file_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "flags.env").write_text("# flags\nexport MARK='a b'\nHOME=elsewhere\n")
            pathlib.Path(folder, "shows.py").write_text(
                "import os\nfrom asgi_apps import app, say\nsay('MARK', os.environ['MARK'], os.environ['HOME'])\n"
            )
            options = ("--app-dir", folder, "--env-file", f"{folder}/flags.env")
            with Served("shows:app", *options, environment={"HOME": "/h"}) as server:
                server.wait_for("MARK a b /h")

    def test_every_option_of_uvicorn_works_or_says_why_not(self):
        """UVICORN has those of uvicorn's command line."""
        from c10k.command.options import UNKNOWN_HERE

        known = self.fails("--help", status=0) + " ".join(UNKNOWN_HERE)
        for option in UVICORN:
            with self.subTest(option):
                self.assertRegex(known, rf"{option}\b")

    def test_the_environment_file_counts_for_the_options_as_well(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "flags.env")
            path.write_text("WEB_CONCURRENCY=2\n")
            with Served("asgi_apps:app", "--env-file", str(path)) as server:
                server.wait_for("c10k starts 2 workers")
            path.write_text("WEB_CONCURRENCY=many\n")
            said = self.fails("asgi_apps:app", "--env-file", str(path), status=2)
            self.assertIn("$WEB_CONCURRENCY: 'many' is not a number", said)
            path.write_text("nonsense\n")
            said = self.fails("asgi_apps:app", "--env-file", str(path), status=2)
            self.assertIn(f"line 1 of {path} is not NAME=VALUE", said)

    def test_logging_is_configured_by_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "log.json")
            path.write_text(json.dumps({
                "version": 1, "disable_existing_loggers": False,
                "formatters": {"mine": {"format": "mine: %(message)s"}},
                "handlers": {"mine": {"class": "logging.StreamHandler", "formatter": "mine"}},
                "loggers": {"c10k": {"handlers": ["mine"]}},
            }))  # fmt: skip
            with Served("asgi_apps:app", "--log-config", str(path)) as server:
                server.get("/")
                server.wait_for('^mine: .*"GET / HTTP/1.1" 200')

    def test_no_access_log_is_none(self):
        with Served("asgi_apps:app", "--no-access-log") as server:
            server.get("/")
            server.stop()
        self.assertNotIn("GET /", server.log)

    def test_a_unix_socket_serves_and_is_removed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/c10k.sock"
            with Served("asgi_apps:app", "--uds", path) as server:
                answer = subprocess.run(
                    ["curl", "-sS", "--unix-socket", path, "http://localhost/scope"],
                    capture_output=True, timeout=PATIENCE,
                )  # fmt: skip
                self.assertIsNone(json.loads(answer.stdout)["client"], answer)
                self.assertIn("Another server listens", self.fails("asgi_apps:app", "--uds", path, status=1))
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))

    def test_a_socket_of_the_starter_serves(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = Served("asgi_apps:app", "--fd", str(listener.fileno()))
            server.pass_fds = (listener.fileno(),)
            with server:
                self.assertEqual(server.port, listener.getsockname()[1])
                self.assertEqual(server.get("/").content, b"hello")

    def test_forwarded_fields_are_believed_of_trusted_proxies_only(self):
        forwarded = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        for options, client, scheme in (
            ((), "203.0.113.7", "https"),
            (("--forwarded-allow-ips", "10.0.0.0/8"), "127.0.0.1", "http"),
            (("--no-proxy-headers",), "127.0.0.1", "http"),
        ):
            with self.subTest(options=options), Served("asgi_apps:app", *options) as server:
                scope = json.loads(server.get("/scope", **forwarded).content)
                self.assertEqual((scope["client"][0], scope["scheme"]), (client, scheme))

    def test_the_root_path_is_in_the_scope(self):
        with Served("asgi_apps:app", "--root-path", "/mounted") as server:
            scope = json.loads(server.get("/scope").content)
            self.assertEqual((scope["root_path"], scope["path"]), ("/mounted", "/scope"))

    def test_tls_serves_https_and_wss(self):
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                 "-out", certificate],
                check=True, capture_output=True,
            )  # fmt: skip
            trust = ssl.create_default_context(cafile=certificate)
            with Served("asgi_apps:app", "--ssl-certfile", certificate, "--ssl-keyfile", key) as server:
                connection = http.client.HTTPSConnection("localhost", server.port, context=trust, timeout=PATIENCE)
                connection.request("GET", "/scope")
                self.assertEqual(json.loads(connection.getresponse().read())["scheme"], "https")
                connection.close()

                async def scheme():
                    async with websockets.connect(
                        f"wss://localhost:{server.port}/scope", ssl=trust, subprotocols=["two"]
                    ) as peer:
                        return json.loads(await peer.recv())["scheme"]

                self.assertEqual(asyncio.run(scheme()), "wss")

    def test_limits_have_uvicorns_names(self):
        async def close_code(server):
            async with server.connect("/echo", compression="deflate") as peer:
                extensions = peer.extensions
                await peer.send(os.urandom(2000))
                await peer.wait_closed()
                return peer.close_code, bool(extensions)

        with Served("asgi_apps:app", "--ws-max-size", "1000", "--ws-per-message-deflate", "true") as server:
            self.assertEqual(asyncio.run(close_code(server)), (1009, True))


class WorkersTest(unittest.IsolatedAsyncioTestCase):
    """Several processes on one port."""

    def test_workers_that_start_anew_read_the_environment_file_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            flags = pathlib.Path(folder, "flags.env")
            pathlib.Path(folder, "shows.py").write_text(
                "import os\nfrom asgi_apps import app, say\nsay('MARK', os.environ.get('MARK'), os.environ['GIVEN'])\n"
            )
            options = ("shows:app", "--workers", "2", "--app-dir", folder, "--env-file", str(flags))
            flags.write_text("MARK=one\nGIVEN=no\n")
            with Served(*options, environment={"GIVEN": "yes"}) as server:
                server.wait_for("MARK one yes", 2)
                server.wait_for("worker .* serves", 2)
                flags.write_text("MARK=two\nGIVEN=no\n")
                server.process.send_signal(signal.SIGHUP)
                server.wait_for("MARK two yes", 2)

    def pids(self, server, count=60):
        return {server.get("/pid").content for _ in range(count)}

    def test_workers_share_the_connections(self):
        with Served("asgi_apps:app", "--workers", "2") as server:
            server.wait_for("worker .* serves", 2)
            self.assertEqual(len(self.pids(server)), 2)
            self.assertEqual(server.stop(), 0)
        self.assertEqual(server.log.count("lifespan.shutdown"), 2)

    def test_a_worker_that_dies_is_replaced(self):
        with Served("asgi_apps:app", "--workers", "2") as server:
            server.wait_for("worker .* serves", 2)
            with self.assertRaises(OSError):
                server.get("/die")
            server.wait_for("ended with status 9. Another one starts.")
            server.wait_for("worker .* serves", 3)
            self.assertEqual(len(self.pids(server)), 2)

    def test_workers_end_when_their_parent_is_killed(self):
        with Served("asgi_apps:app", "--workers", "2") as server:
            server.wait_for("worker .* serves", 2)
            server.process.kill()
            server.wait_for("lifespan.shutdown", 2)  # and the log ends: both have closed it
            server.wait()

    async def test_sighup_replaces_all_and_refuses_nobody(self):
        for options in (("--workers", "2"), ("--reload",)):
            with self.subTest(options=options), Served("asgi_apps:app", *options) as server:
                server.wait_for("lifespan.startup", 2 if "--workers" in options else 1)
                before = await asyncio.to_thread(self.pids, server)
                stopping = threading.Event()
                refused: list[Exception] = []
                answers = []

                def ask():
                    while not stopping.is_set():
                        try:
                            answers.append(server.get("/pid").content)
                        except Exception as error:
                            refused.append(error)

                asking = threading.Thread(target=ask)
                async with server.connect("/echo") as peer:
                    asking.start()
                    try:
                        server.process.send_signal(signal.SIGHUP)
                        await peer.wait_closed()
                        self.assertEqual(peer.close_code, 1012)
                        await asyncio.to_thread(server.wait_for, "lifespan.shutdown", len(before))
                        await asyncio.to_thread(server.wait_for, "lifespan.startup", 2 * len(before))
                        after = await asyncio.to_thread(self.pids, server)
                    finally:
                        stopping.set()
                        asking.join()
                self.assertEqual(refused, [])
                self.assertGreater(len(answers), 0)
                self.assertEqual(before & after, set())
                self.assertEqual(len(after), len(before))


class ReloadTest(unittest.TestCase):
    """A file changes."""

    def test_a_changed_file_is_served_and_nobody_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "changing.py")

            def write(text, stamp):
                source.write_text(
                    f"import asgi_apps\nasync def app(s, r, send):\n  await asgi_apps.respond(send, b{text!r})\n"
                )
                os.utime(source, (stamp, stamp))

            write("one", 1_000_000)
            with Served("changing:app", "--reload", "--app-dir", folder, "--lifespan", "off") as server:
                self.assertEqual(server.get("/").content, b"one")
                write("two", 2_000_000)
                answers = [server.get("/").content]
                end = time.monotonic() + PATIENCE
                while answers[-1] != b"two" and time.monotonic() < end:
                    answers.append(server.get("/").content)
                self.assertEqual(set(answers), {b"one", b"two"} if len(answers) > 1 else {b"two"})
                source.write_text("this is no Python")
                server.wait_for("It starts anew when a file changes")
                write("three", 3_000_000)
                self.assertEqual(server.get("/").content, b"three")
                self.assertEqual(server.stop(), 0)


@unittest.skipUnless(has("starlette"), "python3-starlette is not installed")
class StarletteTest(AppTest):
    """An application of Starlette, with a middleware that runs in task groups of AnyIO."""

    app = ("asgi_apps:starlette", "--factory")

    def test_pages_pass_through_the_middleware(self):
        answer = self.server.request("POST", "/page/x", b"y" * 100_000)
        self.assertEqual(json.loads(answer.content)["size"], 100_000)
        self.assertEqual(answer.headers["x-stamp"], "yes")
        self.assertEqual(self.server.get("/nowhere").status, 404)

    def test_streams_pass_through_the_middleware(self):
        self.assertEqual(self.server.get("/numbers").content.split(), [b"%d" % number for number in range(1000)])

    async def test_websockets_work(self):
        async with self.server.connect("/chat") as peer:
            await peer.send("hello")
            self.assertEqual(await peer.recv(), "HELLO")


@unittest.skipUnless(has("fastapi", "multipart"), "python3-fastapi and python3-multipart are not installed")
class FastApiTest(AppTest):
    """An application of FastAPI."""

    app = ("asgi_apps:fastapi", "--factory")

    def test_pages_with_dependencies_in_threads(self):
        self.assertEqual(json.loads(self.server.get("/items/4?limit=9").content), {"number": 4, "limit": 9})
        self.assertEqual(self.server.get("/items/four").status, 422)
        self.assertIn(b"openapi", self.server.get("/openapi.json").content)

    def test_uploads_arrive(self):
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(os.urandom(700_000))
            file.flush()
            url = f"http://127.0.0.1:{self.server.port}/upload"
            answer = subprocess.run(
                ["curl", "-sS", "--max-time", str(PATIENCE), "-F", f"file=@{file.name}", url], capture_output=True
            )
            self.assertEqual(json.loads(answer.stdout)["size"], 700_000, answer)

    async def test_websockets_work(self):
        async with self.server.connect("/ws/anna") as peer:
            self.assertEqual(json.loads(await peer.recv()), {"name": "anna"})
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 4000)


@unittest.skipUnless(has("django"), "needs python3-django")
class DjangoTest(unittest.IsolatedAsyncioTestCase):
    """A Django project with c10ktools in production."""

    async def test_views_have_the_root_path_and_the_access_log_of_the_options(self):
        environment = {"DJANGO_SETTINGS_MODULE": "project.settings"}
        seen = "/shop /shop/paths/ /shop/rooms/tea/"
        with Served("project.asgi:application", "--root-path", "/shop", environment=environment) as server:
            for prefix in ("", "/shop"):  # a proxy may strip it
                async with server.connect(f"{prefix}/paths/") as peer:
                    self.assertEqual(await peer.recv(), seen)
                self.assertEqual(server.get(f"{prefix}/paths/").status, 426)
                server.wait_for(rf'127\.0\.0\.1:\d+ - "WebSocket {prefix}/paths/" \[accepted\]')
            with self.assertRaises(websockets.InvalidStatusCode):
                await server.connect("/nowhere/")
            server.wait_for('"WebSocket /nowhere/" 404')
        with Served("project.asgi:router", "--root-path", "/shop", "--no-access-log", environment=environment) as server:
            async with server.connect("/shop/paths/") as peer:
                self.assertEqual(await peer.recv(), seen)
            self.assertEqual(server.stop(), 0)
            self.assertNotIn("paths", server.log)

    def test_wrong_settings_of_the_project_are_told(self):
        for settings, text in (
            ({"C10K_ENGINE": {"no_such": 1}}, "C10K_ENGINE: there is no setting 'no_such'"),
            ({"C10K_ENGINE": [1]}, "C10K_ENGINE must be a dict"),
            ({"C10K_VIEW_LANES": 0}, "C10K_VIEW_LANES must be a whole number of at least 1, not 0."),
        ):
            environment = {"DJANGO_SETTINGS_MODULE": "project.settings", "C10K_TEST_SETTINGS": json.dumps(settings)}
            with Served("project.asgi:application", environment=environment, listens=False) as server:
                self.assertEqual(server.wait(), 2, server.log)
                self.assertIn(f"c10k: error: {text}", server.log)

    async def test_views_and_the_settings_of_the_project_hold(self):
        environment = {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "C10K_TEST_SETTINGS": json.dumps({"C10K_ENGINE": {"max_message_bytes": 1000}}),
        }
        with Served("project.asgi:application", environment=environment) as server:
            self.assertEqual(server.get("/page/").status, 200)
            async with server.connect("/echo/") as peer:
                await peer.send("hello")
                self.assertEqual(await peer.recv(), "hello")
                await peer.send("x" * 1001)
                await peer.wait_closed()
                self.assertEqual(peer.close_code, 1009)


class _ChannelsProject:
    """The project of Channels with a database in a folder of its own; with `redis`, the address of a Redis."""

    def __init__(self, redis: str | None = None) -> None:
        self.redis = redis

    def __enter__(self) -> _ChannelsProject:
        self.folder = tempfile.TemporaryDirectory(prefix="c10k-channels-")
        self.environment = {
            "CHANNELS_DATABASE": f"{self.folder.name}/db.sqlite3",
            "DJANGO_SETTINGS_MODULE": "channels_project.settings",
        }
        if self.redis:
            self.environment["CHANNELS_REDIS"] = self.redis
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()

    def django(self, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), **self.environment}
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments], cwd=HERE, env=environment, text=True, timeout=10 * PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        return done.stdout

    def served(self, *options: str) -> Served:
        return Served("channels_project.asgi:application", *options, environment=self.environment)


class _ChannelsTests:
    """What a project of Channels does on a server."""

    async def test_members_of_a_room_hear_each_other(self):
        async with self.server.connect("/chat/one") as anna, self.server.connect("/chat/one") as berta:
            async with self.server.connect("/chat/other") as other:
                for sender, text in ((anna, "hello"), (berta, "hi")):
                    await sender.send(text)
                    for peer in (anna, berta):
                        self.assertEqual(await peer.recv(), f"AnonymousUser: {text}")
                await other.send("alone")
                self.assertEqual(await other.recv(), "AnonymousUser: alone")

    async def test_the_others_hear_who_leaves(self):
        async with self.server.connect("/chat/three") as anna:
            async with self.server.connect("/chat/three") as berta:
                await berta.send("here")
                self.assertEqual(await anna.recv(), "AnonymousUser: here")
                await berta.close(4001)
            self.assertEqual(await anna.recv(), "left with 4001")
            async with self.server.connect("/chat/three") as berta:
                await berta.send("here")
                self.assertEqual(await anna.recv(), "AnonymousUser: here")
                berta.transport.abort()
                self.assertEqual(await anna.recv(), "left with 1006")

    async def test_a_session_of_a_page_names_the_user_of_the_websocket(self):
        page = await asyncio.to_thread(self.server.get, "/enter/clara")
        self.assertEqual(page.content, b"clara is in")
        cookie = page.headers["set-cookie"].partition(";")[0]
        async with self.server.connect("/private", extra_headers={"Cookie": cookie}) as peer:
            self.assertEqual(await peer.recv(), "clara")

    async def test_strangers_and_foreign_origins_are_refused(self):
        for path, options in (("/private", {}), ("/count", {"origin": "http://evil.example"})):
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                async with self.server.connect(path, **options):
                    pass
            self.assertEqual(caught.exception.status_code, 403)

    async def test_a_consumer_asks_the_database_and_closes(self):
        async with self.server.connect("/count") as peer:
            self.assertIn("users", json.loads(await peer.recv()))
            await peer.wait_closed()
            self.assertEqual(peer.close_code, 4009)

    async def test_consumers_in_threads_echo(self):
        async with self.server.connect("/blocking", subprotocols=["json"]) as peer:
            self.assertEqual(peer.subprotocol, "json")
            for message in ("text", b"bytes"):
                await peer.send(message)
                self.assertEqual(await peer.recv(), message)

    def test_pages_take_bodies_and_stream(self):
        self.assertEqual(self.server.request("POST", "/upload", b"x" * 500_000).content, b"500000")
        self.assertEqual(self.server.get("/numbers").content.split(), [b"%d" % number for number in range(1000)])


@unittest.skipUnless(has("channels"), "python3-django-channels is not installed")
class ChannelsTest(_ChannelsTests, unittest.IsolatedAsyncioTestCase):
    """An unchanged project of Channels, with the layer in memory."""

    @classmethod
    def setUpClass(cls) -> None:
        project = cls.enterClassContext(_ChannelsProject())
        project.django("migrate", "--verbosity", "0")
        cls.server = cls.enterClassContext(project.served())

    async def test_consumers_hear_of_the_end_of_the_server(self):
        with _ChannelsProject() as project, project.served() as server:
            async with server.connect("/chat/end") as anna, server.connect("/chat/end") as berta:
                await anna.send("here")
                self.assertEqual(await berta.recv(), "AnonymousUser: here")
                server.process.terminate()
                await anna.wait_closed()
                await berta.wait_closed()
                self.assertEqual((anna.close_code, berta.close_code), (1001, 1001))
            self.assertEqual(server.wait(), 0)
            self.assertEqual(server.log.count("left the chat with 1001"), 2)
            self.assertNotIn("Traceback", server.log)


@unittest.skipUnless(
    has("channels", "channels_redis") and HAS_REDIS, "python3-channels-redis, redis-server are not installed"
)
class ChannelsRedisTest(_ChannelsTests, unittest.IsolatedAsyncioTestCase):
    """The same with two workers, whose members hear each other by a Redis."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="c10k-redis-"))
        path = f"{folder}/redis.sock"
        redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder, "--daemonize", "no"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        cls.addClassCleanup(redis.stdout.close)
        cls.addClassCleanup(redis.wait)
        cls.addClassCleanup(redis.terminate)
        for line in redis.stdout:
            if "accept connections" in line:
                break
        project = cls.enterClassContext(_ChannelsProject(f"unix://{path}"))
        project.django("migrate", "--verbosity", "0")
        cls.server = cls.enterClassContext(project.served("--workers", "2"))
        cls.server.wait_for("worker .* serves", 2)


@unittest.skipUnless(has("channels", "daphne"), "python3-django-channels and python3-daphne are not installed")
class LiveServerTest(unittest.TestCase):
    """c10k.testing.ServerProcess."""

    def test_channels_live_server_test_case_runs_on_it(self):
        with _ChannelsProject() as project:
            self.assertIn("Ran 2 tests", project.django("test", "channels_project", "--pattern", "live_test.py"))

    def test_a_server_that_fails_says_why_and_nobody_waits(self):
        from c10k.testing import ServerProcess

        def get_application():
            raise LookupError("no application here")

        server = ServerProcess("127.0.0.1", get_application)
        server.start()
        self.assertTrue(server.ready.wait(PATIENCE))
        error, text = server.errors.get(timeout=PATIENCE)
        server.join()
        self.assertEqual((str(error), server.port.value), ("no application here", 0))
        self.assertIn("get_application", text)


if __name__ == "__main__":
    unittest.main()
