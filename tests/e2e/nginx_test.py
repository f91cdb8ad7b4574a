"""nginx in front, with the configuration that docs/howto/nginx.md has."""

import http.client
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import websockets

from support.cases import AsyncTestCase, main
from support.environment import SOURCE
from support.handshake import KEY
from support.process import ManageServer, Program
from support.tcp import RawClient, reserved_port
from support.waiting import PATIENCE, eventually

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
HOW_TO = (SOURCE / "docs/howto/nginx.md").read_text()
CLIENT = "127.0.0.77"  # an address of this machine that nobody else uses


def block(language, heading=None):
    """The first block in that language, of the page or below the heading."""
    page = HOW_TO[HOW_TO.index(f"\n## {heading}\n"):] if heading else HOW_TO
    return re.search(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1]


class NginxTestCase(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            raise RuntimeError("there is no nginx: apt-get install nginx-light")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "c10k.conf").write_text(cls.settings())
        cls.site = cls.start_site()
        cls.addClassCleanup(cls.site.kill)
        cls.port = cls.enterClassContext(reserved_port())
        cls.start_nginx()

    @classmethod
    def start_site(cls):
        return ManageServer(cwd=cls.folder)

    @classmethod
    def start_nginx(cls):
        """Configured by the page, but for the ports."""
        site = cls.place(cls.configuration()).replace("listen 80;", f"listen 127.0.0.1:{cls.port};")
        (cls.folder / "nginx.conf").write_text(
            f"{site}daemon off;\nmaster_process off;\nerror_log stderr;\npid nginx.pid;\nevents {{}}\n")
        nginx = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", NGINX, "-p", cls.folder, "-c", cls.folder / "nginx.conf"])
        cls.addClassCleanup(nginx.wait)
        cls.addClassCleanup(nginx.send_signal, signal.SIGTERM)
        eventually(cls.is_listening, "nginx listens")

    @classmethod
    def place(cls, configuration):
        """With the address where the site is."""
        return configuration.replace("127.0.0.1:8000", cls.site.host)

    @classmethod
    def is_listening(cls):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", cls.port)) == 0

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE,
                                                source_address=(CLIENT, 0))
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Host": "example.com", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class BehindNginx(NginxTestCase):
    @staticmethod
    def settings():
        return block("ini")

    @staticmethod
    def configuration():
        return ("http {\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n"
                "fastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n" + block("nginx") + "}\n")

    def test_pages_come_through(self):
        status, page = self.get("/test/")
        self.assertEqual(status, 200)
        self.assertIn("ul", page)
        self.assertEqual(self.get("/nothing/")[0], 404)
        self.assertEqual(self.get("/test/", Host="other.example")[0], 400)

    def test_the_log_has_the_address_of_the_client(self):
        start = self.site.line_count
        status, _ = self.get("/test/ws/", Upgrade="websocket", Connection="Upgrade", Origin="http://evil.example",
                             **{"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"})
        self.assertEqual(status, 403)
        self.site.wait_for(rf"REJECT /test/ws/ 403 \[{CLIENT}\]", start)

    async def test_websockets_come_through(self):
        start = self.site.line_count
        async with websockets.connect("ws://example.com/test/ws/", host="127.0.0.1", port=self.port,
                                      local_addr=(CLIENT, 0), origin="http://example.com") as client:
            self.assertEqual(await client.recv(), "Hello!")
            for i, said in enumerate(["one", "two", "x" * 100_000], start=1):
                await client.send(said)
                self.assertEqual(await client.recv(), f"{i}. {said}")
            self.assertEqual(await client.recv(), "Goodbye!")
            await client.wait_closed()
            self.assertEqual(client.close_code, 1000)
        self.site.wait_for(rf"CONNECT /test/ws/ \[{CLIENT}\]", start)

    def test_what_a_client_says_of_its_address_is_not_believed(self):
        start = self.site.line_count
        self.get("/test/ws/", Upgrade="websocket", Connection="Upgrade", Origin="http://evil.example",
                 **{"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", "X-Forwarded-For": "1.2.3.4"})
        self.site.wait_for(rf"REJECT /test/ws/ 403 \[{CLIENT}\]", start)


class OverAUnixSocket(BehindNginx):
    """The same, with the page's other way to the site."""

    @staticmethod
    def settings():
        return block("ini", "Over a unix socket")

    @classmethod
    def start_site(cls):
        site = Program("runserver", f"unix:{cls.folder}/site.sock", "--noreload", cwd=cls.folder)
        site.wait_for(r"^Starting server at unix:")
        return site

    @staticmethod
    def configuration():
        upstream = re.compile(r"^upstream mysite \{.*?^\}\n", re.MULTILINE | re.DOTALL)
        return upstream.sub(block("nginx", "Over a unix socket"), BehindNginx.configuration())

    @classmethod
    def place(cls, configuration):
        return configuration.replace("/srv/mysite/run", str(cls.folder))


class BehindAStream(NginxTestCase):
    """nginx passes bytes on, and says in front of them whom they are from: the PROXY protocol."""

    @staticmethod
    def settings():
        return block("ini", "The PROXY protocol") + "allowed_hosts = example.com\n"

    @staticmethod
    def configuration():
        module = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
        if not module.exists():
            raise RuntimeError("nginx has no streams: apt-get install libnginx-mod-stream")
        return f"load_module {module};\n" + block("nginx", "The PROXY protocol")

    async def test_the_log_has_the_address_of_the_client(self):
        self.assertEqual(self.get("/test/")[0], 200)
        start = self.site.line_count
        async with websockets.connect("ws://example.com/test/ws/", host="127.0.0.1", port=self.port,
                                      local_addr=(CLIENT, 0), origin="http://example.com") as client:
            self.assertEqual(await client.recv(), "Hello!")
        self.site.wait_for(rf"CONNECT /test/ws/ \[{CLIENT}(:\d+)?\]", start)

    def test_what_a_client_says_of_its_address_is_not_believed(self):
        start = self.site.line_count
        self.get("/test/ws/", Upgrade="websocket", Connection="Upgrade", Origin="http://evil.example",
                 **{"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", "X-Forwarded-For": "1.2.3.4"})
        self.site.wait_for(rf"REJECT /test/ws/ 403 \[{CLIENT}(:\d+)?\]", start)

    def test_who_comes_without_a_header_is_closed(self):
        start = self.site.line_count
        for said in (b"GET /test/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n"):
            connection = RawClient(self.site.port)
            self.addCleanup(connection.close)
            connection.send(said)
            try:
                self.assertEqual(connection.rest(), b"")
            except ConnectionResetError:
                pass  # it did not read all of that
        self.site.wait_for("closed a connection of 127.0.0.1:.* proxy_protocol is on", start)


if __name__ == "__main__":
    main()
