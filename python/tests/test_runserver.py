"""manage.py runserver, as a process, on the engine."""

import asyncio
import hashlib
import http.client
import os
import signal
import socket
import time

import websockets
from django.test import SimpleTestCase

from server import PATIENCE, RunServer, needs_engine


def connect(server, path, **options):
    options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "ping_interval": None, **options}
    return websockets.connect(server.url(path), **options)


@needs_engine
class Serving(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = RunServer("--noreload")
        cls.enterClassContext(cls.server)

    def test_pages_are_served(self):
        status, headers, body = self.server.get("/page/")
        self.assertEqual((status, body), (200, b"A page"))
        self.assertEqual((headers["Content-Length"], headers["X-Frame-Options"]), ("6", "DENY"))
        self.server.wait_for(r'"GET /page/ HTTP/1.1" 200 6')

    def test_head_has_the_length_and_no_body(self):
        status, headers, body = self.server.request("HEAD", "/page/")
        self.assertEqual((status, headers["Content-Length"], body), (200, "6", b""))

    def test_debug_pages_are_djangos(self):
        status, _, body = self.server.get("/nowhere/?a=b")
        self.assertEqual(status, 404)
        self.assertIn(b"Using the URLconf defined in", body)
        self.server.wait_for(r'"GET /nowhere/\?a=b HTTP/1.1" 404')
        status, _, body = self.server.get("/raises-before/")
        self.assertEqual(status, 500)
        self.assertIn(b"a view failed before the 101", body)

    def test_static_files_are_served(self):
        status, headers, body = self.server.get("/static/hello.txt")
        self.assertEqual((status, body, headers["Content-Type"]), (200, b"static\n", "text/plain"))

    def test_a_file_is_uploaded(self):
        content = os.urandom(700_000)
        boundary = b"a-boundary"
        body = b"--%s\r\nContent-Disposition: form-data; name=note\r\n\r\nA note\r\n" % boundary
        body += b'--%s\r\nContent-Disposition: form-data; name=file; filename="a.bin"\r\n' % boundary
        body += b"Content-Type: application/octet-stream\r\n\r\n%s\r\n--%s--\r\n" % (content, boundary)
        headers = {"Content-Type": "multipart/form-data; boundary=a-boundary"}
        status, _, answer = self.server.request("POST", "/upload/", body, headers)
        sha = hashlib.sha256(content).hexdigest()
        self.assertEqual(status, 200, answer)
        self.assertJSONEqual(answer, {"name": "a.bin", "size": len(content), "note": "A note", "sha": sha})

    def test_a_body_of_unknown_length_is_read(self):
        pieces = [os.urandom(50_000) for _ in range(10)]
        status, _, answer = self.server.request("POST", "/body/", iter(pieces), encode_chunked=True,
                                                headers={"Transfer-Encoding": "chunked"})
        sha = hashlib.sha256(b"".join(pieces)).hexdigest()
        self.assertEqual(status, 200, answer)
        self.assertJSONEqual(answer, {"sha": sha, "length": "500000"})

    def test_a_response_streams_and_is_closed(self):
        status, headers, body = self.server.get("/stream/300/")
        self.assertEqual((status, len(body)), (200, 300 * 8000))
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        self.server.wait_for("the stream was closed")

    def test_a_stream_is_closed_when_its_client_goes(self):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=PATIENCE)
        connection.request("GET", "/stream/100000000/")
        self.assertEqual(connection.getresponse().read(8), b"00000000")
        connection.close()
        self.server.wait_for("the stream was closed")

    def test_a_stream_that_fails_does_not_look_whole(self):
        with self.assertRaises((http.client.IncompleteRead, http.client.RemoteDisconnected)) as caught:
            self.server.get("/stream-fails/")
        self.assertIn(getattr(caught.exception, "partial", b""), (b"", b"the beginning"))
        self.server.wait_for("LookupError: a stream failed")

    def test_a_page_request_for_a_websocket_is_426(self):
        status, headers, _ = self.server.get("/echo/")
        self.assertEqual((status, headers["Upgrade"]), (426, "websocket"))

    async def test_messages_come_and_go(self):
        async with connect(self.server, "/echo/") as ws:
            for message in ("text ä", b"bytes", "", "x" * 300_000):
                await ws.send(message)
                self.assertEqual(await ws.recv(), message)
        self.server.wait_for('"GET /echo/ HTTP/1.1" 101 0')
        self.server.wait_for('"WEBSOCKET /echo/" 1000 -')

    async def test_captures_and_subprotocols_reach_the_view(self):
        async with connect(self.server, "/rooms/tea/41/") as ws:
            self.assertEqual(await ws.recv(), "tea 42")
        async with connect(self.server, "/subprotocols/", subprotocols=["v0", "v1"]) as ws:
            self.assertEqual((ws.subprotocol, await ws.recv()), ("v1", "v1"))

    def test_a_refusal_is_djangos_answer(self):
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        for path, status in (("/members/", 302), ("/nowhere/", 404), ("/page/", 200), ("/staff/", 403)):
            with self.subTest(path):
                answer, headers, body = self.server.request("GET", path, headers=upgrade)
                self.assertEqual((answer, int(headers["Content-Length"])), (status, len(body)))
        self.server.wait_for('"GET /members/ HTTP/1.1" 302 0')

    async def test_a_foreign_origin_is_refused(self):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            async with connect(self.server, "/echo/", origin="http://evil.example"):
                pass
        self.assertEqual(caught.exception.status_code, 403)
        self.server.wait_for("Forbidden .*evil.example")
        async with connect(self.server, "/echo/", origin=f"http://127.0.0.1:{self.server.port}"):
            pass

    async def test_a_view_that_raises_is_logged_and_closes_with_1011(self):
        async with connect(self.server, "/raises/") as ws:
            self.assertEqual(await ws.recv(), "first")
            with self.assertRaises(websockets.ConnectionClosed):
                await ws.recv()
            self.assertEqual(ws.close_code, 1011)
        self.server.wait_for("WebSocket view failed: /raises/")
        self.server.wait_for("LookupError: a view failed")

    async def test_a_view_that_keeps_no_request_is_named_when_it_fails(self):
        async with connect(self.server, "/no-request/") as ws:
            self.assertEqual(await ws.recv(), "None")
            await ws.send("fail")
            await ws.wait_closed()
            self.assertEqual(ws.close_code, 1011)
        self.server.wait_for("WebSocket view failed: project.views.no_request$")

    async def test_a_view_that_returns_something_is_named(self):
        async with connect(self.server, "/returns/") as ws:
            await ws.wait_closed()
            self.assertEqual(ws.close_code, 1000)
        self.server.wait_for("WebSocket view project.views.returns returned HttpResponse, which nobody gets")

    async def test_synchronous_code_of_views_runs_on_the_lanes(self):
        async with Many(connect(self.server, "/thread/") for _ in range(12)) as sockets:
            threads = set()
            for ws in sockets:
                await ws.send("?")
                threads.add(await ws.recv())
        self.assertEqual(len(threads), 4)

    async def test_each_view_has_its_own_language(self):
        async with connect(self.server, "/language/", extra_headers={"Accept-Language": "de"}) as german:
            async with connect(self.server, "/language/", extra_headers={"Accept-Language": "fr"}) as french:
                self.assertEqual((await german.recv(), await french.recv()), ("de", "fr"))
                for ws, language in ((german, "de"), (french, "fr")):
                    await ws.send("")
                    self.assertEqual(await ws.recv(), language)

    async def test_a_view_that_blocks_the_loop_is_named(self):
        async with connect(self.server, "/blocks/700/") as ws:
            self.assertEqual(await ws.recv(), "done")
        place = r'\(File ".*/project/views.py", line \d+\)'
        found = self.server.wait_for(rf"View blocks blocked the loop for (\d+) ms {place}")
        self.assertGreaterEqual(int(found[1]), 400)

    async def test_a_client_that_resets_leaves_the_server_in_order(self):
        for path in ("/echo/", "/thread/", "/stream/1000/"):
            for sent in (b"", b"GET ", b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % path.encode()):
                peer = socket.create_connection((self.server.host, self.server.port))
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.sendall(sent)
                peer.close()
        async with connect(self.server, "/echo/") as ws:
            await ws.send("still there")
            self.assertEqual(await ws.recv(), "still there")


@needs_engine
class Options(SimpleTestCase):
    def test_nostatic_serves_no_static_files(self):
        with RunServer("--noreload", "--nostatic") as server:
            self.assertEqual(server.get("/static/hello.txt")[0], 404)
            self.assertEqual(server.get("/page/")[0], 200)

    def test_addresses_have_djangos_forms(self):
        with RunServer("--noreload", "--ipv6", address="0") as server:
            self.assertEqual((server.host, server.get("/page/")[0]), ("::1", 200))
        with RunServer("--noreload", address="[::1]:0") as server:
            self.assertEqual((server.host, server.get("/page/")[0]), ("::1", 200))
        with RunServer("--noreload", address="localhost:0") as server:
            self.assertEqual((server.host, server.get("/page/")[0]), ("localhost", 200))
        for wrong in ("nowhere:port", "127.0.0.1"):
            with self.assertRaisesMessage(AssertionError, "is not a valid port number or address:port pair"):
                RunServer("--noreload", address=wrong).__enter__()

    def test_a_port_in_use_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for options in (["--noreload"], []):
                server = RunServer(*options, address=address)
                with self.assertRaisesMessage(AssertionError, "Error: That port is already in use."):
                    server.__enter__()
                self.assertEqual(server.process.returncode, 1)

    def test_wrong_settings_are_found_by_the_checks_or_the_engine(self):
        for settings, text in (
            ({"C10K_VIEW_LANES": 0}, "C10K_VIEW_LANES must be a whole number of at least 1, not 0."),
            ({"C10K_ENGINE": {"no_such": "1"}}, "no_such"),
        ):
            with self.assertRaisesMessage(AssertionError, text):
                RunServer("--noreload", settings=settings).__enter__()

    async def test_signals_close_websockets_with_1001(self):
        for options in (["--noreload"], []):
            for number in (signal.SIGINT, signal.SIGTERM):
                if number == signal.SIGTERM and not options:
                    # Django's outer process kills its child.
                    continue
                with self.subTest(options=options, number=number), RunServer(*options) as server:
                    async with Many(connect(server, "/echo/") for _ in range(20)) as sockets:
                        pid = self.child_of(server) if not options else None
                        if pid:
                            os.kill(pid, number)
                        code = await asyncio.to_thread(server.stop, number)
                        self.assertEqual(code, 0, "".join(server.log))
                        for ws in sockets:
                            await ws.wait_closed()
                            self.assertEqual(ws.close_code, 1001)

    async def test_a_view_that_exits_ends_the_server_with_its_status(self):
        for options in (["--noreload"], []):
            for status in (4, 0):
                with self.subTest(options=options, status=status), RunServer(*options) as server:
                    async with connect(server, "/echo/") as other, connect(server, f"/exits/{status}/"):
                        await other.wait_closed()
                        self.assertEqual(other.close_code, 1001)
                    self.assertEqual(await asyncio.to_thread(server.process.wait, PATIENCE), status)
                    server.wait_for("SystemExit ends" if status else "KeyboardInterrupt ends")

    def child_of(self, server):
        with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as file:
            return int(file.read().split()[0])


@needs_engine
class Asgi(SimpleTestCase):
    """With ASGI_APPLICATION, pages and other WebSockets go there."""

    async def check(self, server, greeting):
        self.assertEqual(server.get("/page/")[::2], (200, b"A page"))
        self.assertEqual(server.get("/static/hello.txt")[::2], (200, b"static\n"))
        async with connect(server, "/rooms/tea/41/") as ws:
            self.assertEqual(await ws.recv(), "tea 42")
        async with connect(server, "/raises/") as ws:
            await ws.wait_closed()
            self.assertEqual(ws.close_code, 1011)
        server.wait_for("WebSocket view failed: /raises/")
        if greeting:
            async with connect(server, "/elsewhere/") as ws:
                self.assertEqual(await ws.recv(), greeting)
        else:
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                await connect(server, "/elsewhere/")
            self.assertEqual(caught.exception.status_code, 404)

    async def test_djangos_own_application_serves_pages_and_the_urlconf_all_websockets(self):
        with RunServer("--noreload", settings={"ASGI_APPLICATION": "project.asgi.application"}) as server:
            await self.check(server, None)

    async def test_a_router_gets_the_websockets_that_lead_to_no_view(self):
        with RunServer("--noreload", settings={"ASGI_APPLICATION": "project.asgi.router"}) as server:
            await self.check(server, "from the router")
            async with connect(server, "/de/localized/") as ws:
                self.assertEqual(await ws.recv(), "de")


@needs_engine
class Reloading(SimpleTestCase):
    async def test_nobody_is_refused_and_websockets_close_with_1012(self):
        with RunServer() as server:
            refused, answered, stop = [], [], False

            def visit():
                while not stop:
                    try:
                        with socket.create_connection((server.host, server.port), timeout=PATIENCE) as peer:
                            peer.sendall(b"GET /page/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
                            answered.append(peer.recv(12))
                    except OSError as error:
                        refused.append(error)
                    time.sleep(0.01)

            visits = asyncio.create_task(asyncio.to_thread(visit))
            pids = set()
            try:
                for _ in range(3):
                    async with connect(server, "/pid/") as ws:
                        pids.add(await asyncio.wait_for(ws.recv(), PATIENCE))
                        await asyncio.to_thread(server.change, until="Starting c10k development server")
                        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
                        self.assertEqual((ws.close_code, ws.close_reason), (1012, "the server is reloading"))
            finally:
                stop = True
                await visits
            self.assertEqual(len(pids), 3)
            self.assertEqual(refused, [])
            self.assertGreater(len(answered), 10)

    async def test_the_child_ends_with_the_outer_process_however_that_ends(self):
        with RunServer() as server:
            async with connect(server, "/pid/") as ws:
                pid = int(await ws.recv())
                self.assertNotEqual(pid, server.process.pid)
                server.process.kill()
                await asyncio.wait_for(ws.wait_closed(), PATIENCE)
                self.assertEqual(ws.close_code, 1001)
            # The reader of the child's output sees its end.
            await asyncio.to_thread(server._reader.join)

    async def test_a_project_that_cannot_be_loaded_is_served_again_when_it_can(self):
        with RunServer() as server:
            good = (server.project / "views.py").read_text()
            await asyncio.to_thread(server.change, "this is no Python\n", until="SyntaxError")
            await asyncio.to_thread(server.change, good, until="Starting c10k development server")
            async with connect(server, "/echo/") as ws:
                await ws.send("again")
                self.assertEqual(await ws.recv(), "again")


class Many:
    """Several WebSockets at once."""

    def __init__(self, connects):
        self._connects = list(connects)

    async def __aenter__(self):
        self._sockets = [await each.__aenter__() for each in self._connects]
        return self._sockets

    async def __aexit__(self, *failure):
        for each in self._connects:
            await each.__aexit__(*failure)
