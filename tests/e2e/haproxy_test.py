"""HAProxy in front, with the configuration that docs/howto/haproxy.md has: HTTP/1.1 for its clients, HTTP/2 for us."""

import http.client
import pathlib
import re
import shutil
import socket
import tempfile

import websockets

from support.cases import AsyncTestCase, main
from support.environment import SOURCE
from support.process import ManageServer, Program, all_at_once
from support.tcp import reserved_port
from support.waiting import PATIENCE, eventually

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
HOW_TO = (SOURCE / "docs/howto/haproxy.md").read_text()
CLIENT = "127.0.0.77"  # an address of this machine that nobody else uses
CLIENTS = 1_000


def block(language):
    """The first block of the page in that language."""
    return re.search(rf"^```{language}\n(.*?)^```", HOW_TO, re.MULTILINE | re.DOTALL)[1]


class HaproxyTestCase(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        if HAPROXY is None:
            raise RuntimeError("there is no HAProxy: apt-get install haproxy")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "c10k.conf").write_text(block("ini").replace("example.com", "example.com, 127.0.0.1"))
        cls.site = ManageServer(cwd=cls.folder)
        cls.addClassCleanup(cls.site.kill)
        cls.port = cls.enterClassContext(reserved_port())
        cls.start_haproxy()

    @classmethod
    def start_haproxy(cls):
        """Configured by the page, but for the ports."""
        configuration = block("haproxy").replace("127.0.0.1:8000", cls.site.host).replace("bind :80", f"bind 127.0.0.1:{cls.port}")
        (cls.folder / "haproxy.cfg").write_text(configuration)
        cls.haproxy = Program("-db", "-f", cls.folder / "haproxy.cfg", program=HAPROXY)
        cls.addClassCleanup(cls.haproxy.kill)
        eventually(cls.is_listening, "HAProxy listens")

    @classmethod
    def is_listening(cls):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", cls.port)) == 0


class Conversations(HaproxyTestCase):
    def websocket(self, **options):
        return websockets.connect("ws://example.com/test/ws/", host="127.0.0.1", port=self.port, local_addr=(CLIENT, 0),
                                  open_timeout=PATIENCE, **{"origin": "http://example.com", **options})

    def test_pages_come_over_http_2(self):
        start = self.site.line_count
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE, source_address=(CLIENT, 0))
        self.addCleanup(connection.close)
        for path, status in (("/test/", 200), ("/nothing", 404)):
            connection.request("GET", path, headers={"Host": "example.com"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, bool(answer.read())), (status, True))
        self.site.wait_for(r'"GET /test/ HTTP/2" 200', start)

    async def test_a_websocket_becomes_a_stream(self):
        start = self.site.line_count
        async with self.websocket(extra_headers={"X-Forwarded-For": "1.2.3.4"}) as client:  # which nobody believes
            self.assertEqual(await client.recv(), "Hello!")
            for number, said in enumerate(["one", "x" * 1_000_000, "three"], 1):
                await client.send(said)
                self.assertEqual(await client.recv(), f"{number}. {said}")
            self.assertEqual(await client.recv(), "Goodbye!")
            await client.wait_closed()
            self.assertEqual(client.close_code, 1000)
        self.site.wait_for(rf"CONNECT /test/ws/ \[{CLIENT}\]", start)

    async def test_a_foreign_origin_is_refused_through_it(self):
        start = self.site.line_count
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await self.websocket(origin="http://evil.example")
        self.assertEqual(refused.exception.status_code, 403)
        self.site.wait_for(rf"REJECT /test/ws/ 403 \[{CLIENT}\]", start)


class Crowd(HaproxyTestCase):
    def test_a_thousand_websockets_need_few_connections(self):
        most = 0

        def watched(delay):
            """A run of the echo test, while we count the connections that lead to the site."""
            nonlocal most
            clients = Program("testecho", "--url", f"ws://127.0.0.1:{self.port}/test/ws/", "--clients", CLIENTS, "--delay", delay)
            while clients.is_running():
                most = max(most, self.site.sockets())
            clients.status = clients.wait()
            return clients

        self.assertEqual(all_at_once(watched, 1).status, 0)
        self.assertIn(most, range(1, CLIENTS // 20))


if __name__ == "__main__":
    main()
