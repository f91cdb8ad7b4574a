"""The how-tos of deployment, done as they say: nginx in front, systemd's sockets, consumers of Channels, others' options."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import websockets
from asgi_test import PATIENCE, Served

from c10k.command import options as command_options

PYTHON = pathlib.Path(__file__).resolve().parent.parent
HOW_TO = PYTHON.parent / "docs/howto"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
VISITOR = "127.0.0.77"  # an address of this machine that nobody else uses
SKIPPED = 77


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (HOW_TO / page).read_text(), re.MULTILINE | re.DOTALL)


def eventually(is_true, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError(f"it has not come to be that {what}")
        time.sleep(0.01)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def reserved_port():
    """A port that the kernel gives to nobody else meanwhile."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


#: What the project has beside what startproject makes: the tutorial's chat, and what Django sees of a request.
VIEWS = """
from django.http import JsonResponse


def seen(request):
    return JsonResponse({"address": request.META["REMOTE_ADDR"], "is_secure": request.is_secure(), "host": request.get_host()})
"""
URLS = """
from django.contrib import admin
from django.urls import include, path

import seen

urlpatterns = [path("admin/", admin.site.urls), path("seen/", seen.seen), path("", include("urls"))]
"""
SETTINGS = """
INSTALLED_APPS.insert(0, "c10ktools")
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]
STATICFILES_DIRS = [BASE_DIR / "static"]
"""


class ProjectTest(unittest.IsolatedAsyncioTestCase):
    """A project `mysite` in a folder that stands for /srv/mysite."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="c10k-deploy-")))
        cls.run_in_project(f"{sys.executable} -m django startproject mysite .")
        for name in ("views.py", "urls.py", "templates", "static"):
            source = PYTHON / "examples/chat" / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, cls.folder / name)
        (cls.folder / "seen.py").write_text(VIEWS)
        (cls.folder / "mysite/urls.py").write_text(URLS)
        with (cls.folder / "mysite/settings.py").open("a") as settings:
            settings.write(SETTINGS + cls.place(blocks("django-nginx.md", "python")[0]))

    @classmethod
    def place(cls, text: str) -> str:
        """A block of a page, with this folder and this Python."""
        text = text.replace("/srv/mysite/v/bin/python", sys.executable).replace("v/bin/python", sys.executable)
        return text.replace("/srv/mysite", str(cls.folder))

    @classmethod
    def run_in_project(cls, script: str) -> None:
        done = subprocess.run(["sh", "-euc", script], cwd=cls.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{script}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def get(self, port: int, path: str, address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(address, 0))
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Host": "example.com", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    async def assert_chat_works(self, port: int) -> None:
        url = "ws://example.com/lobby/ws/"
        async with websockets.connect(url, host="127.0.0.1", port=port, origin="http://example.com") as client:
            self.assertEqual(await client.recv(), "Somebody came: 1 are here.")
            for message in ("hello", "x" * 100_000):
                await client.send(message)
                self.assertEqual(await client.recv(), message)


@unittest.skipUnless(NGINX, "there is no nginx: apt-get install nginx-light")
class BehindNginx(ProjectTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        *before, serve = cls.place(blocks("django-nginx.md", "sh")[0]).splitlines()
        cls.run_in_project("\n".join(before))
        command = shlex.split(serve)
        assert command[:3] == [sys.executable, "-m", "c10k"], serve
        cls.server = cls.enterClassContext(Served(*command[3:], folder=cls.folder))
        cls.port = cls.enterClassContext(reserved_port())
        cls.start_nginx()

    @classmethod
    def start_nginx(cls) -> None:
        site = cls.place(blocks("django-nginx.md", "nginx")[0]).replace("listen 80;", f"listen 127.0.0.1:{cls.port};")
        folders = "".join(f"{kind}_temp_path {kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (cls.folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\nerror_log stderr;\npid nginx.pid;\nevents {{}}\n"
            f"http {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{folders}{site}}}\n"
        )
        nginx = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", NGINX, "-p", cls.folder, "-c", cls.folder / "nginx.conf"])
        cls.addClassCleanup(nginx.wait)
        cls.addClassCleanup(nginx.send_signal, signal.SIGTERM)
        eventually(lambda: is_listening(cls.port), "nginx listens")

    def test_pages_come_through(self) -> None:
        status, page = self.get(self.port, "/lobby/")
        self.assertEqual((status, "<h1>lobby</h1>" in page), (200, True))
        self.assertEqual(self.get(self.port, "/admin/login/")[0], 200)
        self.assertEqual(self.get(self.port, "/lobby/", Host="other.example")[0], 400)

    def test_nginx_serves_the_static_files_which_django_does_not(self) -> None:
        for path in ("/static/room.js", "/static/admin/css/base.css"):
            self.assertEqual(self.get(self.port, path)[0], 200, path)
        with socket.socket(socket.AF_UNIX) as direct:
            direct.connect(f"{self.folder}/run/c10k.sock")
            direct.sendall(b"GET /static/room.js HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
            self.assertIn(b" 404 ", direct.makefile("rb").readline())

    async def test_websockets_come_through(self) -> None:
        await self.assert_chat_works(self.port)

    async def test_pages_of_other_sites_cannot_open_websockets(self) -> None:
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await websockets.connect(
                "ws://example.com/lobby/ws/", host="127.0.0.1", port=self.port, origin="http://evil.example"
            )
        self.assertEqual(refused.exception.status_code, 403)

    def test_django_sees_the_visitors_address_whatever_the_visitor_says(self) -> None:
        for headers in ({}, {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}):
            status, seen = self.get(self.port, "/seen/", VISITOR, **headers)
            self.assertEqual(status, 200)
            self.assertIn(f'"address": "{VISITOR}", "is_secure": false, "host": "example.com"', seen)

    def test_django_sees_https_if_nginx_says_so(self) -> None:
        with socket.socket(socket.AF_UNIX) as nginx:
            nginx.connect(f"{self.folder}/run/c10k.sock")
            nginx.sendall(
                b"GET /seen/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n"
                b"X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n"
            )
            self.assertIn(b'"address": "203.0.113.7", "is_secure": true', nginx.makefile("rb").read())


class WithSystemd(ProjectTest):
    """systemd's part is the test's, but for its own tools."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.socket_unit, cls.service_unit = (cls.place(each) for each in blocks("django-systemd.md", "ini"))
        cls.command = shlex.split(cls.setting("ExecStart"))

    @classmethod
    def setting(cls, name: str) -> str:
        return re.search(rf"^{name}=(.*)$", cls.service_unit, re.MULTILINE)[1]

    def served(self, listener: socket.socket, *more: str, workers: bool = True) -> Served:
        """The command of the unit, with the listening socket that systemd would pass as its descriptor 3."""
        options = [str(listener.fileno()) if each == "3" else each for each in self.command[3:]]
        if not workers:
            del options[options.index("--workers") :][:2]
            options = options[: options.index("--workers")]
        server = Served(*options, *more, folder=self.folder)
        server.pass_fds = (listener.fileno(),)
        return server

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd")
    def test_systemd_finds_no_fault_in_the_units(self) -> None:
        units = self.folder / "units"
        units.mkdir()
        (units / "mysite.socket").write_text(self.socket_unit)
        (units / "mysite.service").write_text(self.service_unit.replace("User=mysite", "User=root"))
        done = subprocess.run(
            ["systemd-analyze", "verify", units / "mysite.service", units / "mysite.socket"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        said = [line for line in done.stdout.splitlines() if "mysite" in line]
        self.assertEqual((done.returncode, said), (0, []), done.stdout)

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "there is no systemd")
    async def test_a_client_starts_it_through_the_socket(self) -> None:
        with reserved_port() as port:
            activate = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}"]
            environment = [f"--setenv={name}={os.environ[name]}" for name in ("PYTHONPATH",) if name in os.environ]
            process = subprocess.Popen([*activate, *environment, *self.command], cwd=self.folder)
            try:
                eventually(lambda: is_listening(port), "systemd-socket-activate listens")
                self.assertEqual(self.get(port, "/lobby/")[0], 200)
                await self.assert_chat_works(port)
            finally:
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)

    def test_a_reload_refuses_nobody(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
            port = listener.getsockname()[1]
            with self.served(listener) as server, self.asking(port) as answers:
                server.wait_for(r"worker \d+ serves", 2)
                reload = self.setting("ExecReload").replace("$MAINPID", str(server.process.pid))
                subprocess.run(shlex.split(reload), check=True)
                server.wait_for(r"worker \d+ serves", 4)
                before = len(answers)
                eventually(lambda: len(answers) > before + 10, "clients are answered after the reload")
            self.assertEqual(set(answers), {200})

    def test_clients_wait_during_a_restart(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
            port = listener.getsockname()[1]
            with self.served(listener, workers=False) as server:
                self.assertEqual(self.get(port, "/lobby/")[0], 200)
                self.assertEqual(server.stop(), 0)
            with self.asking(port) as answers:
                eventually(lambda: self.waiting_in(listener), "a client waits")
                self.assertEqual(answers, [])
                with self.served(listener, workers=False):
                    eventually(lambda: len(answers) > 10, "clients are answered after the restart")
                    self.stop_asking.set()
                    self.asker.join()
            self.assertEqual(set(answers), {200})

    def waiting_in(self, listener: socket.socket) -> bool:
        """Whether the kernel has a connection for the listener that nobody has accepted."""
        return bool(select.select([listener], [], [], 0)[0])

    @contextlib.contextmanager
    def asking(self, port: int):
        """A client that asks again and again; yields the statuses, or the exceptions, that it gets."""
        answers: list[object] = []
        self.stop_asking = threading.Event()

        def ask() -> None:
            while not self.stop_asking.is_set():
                try:
                    answers.append(self.get(port, "/lobby/")[0])
                except Exception as error:
                    answers.append(error)

        self.asker = threading.Thread(target=ask)
        self.asker.start()
        try:
            yield answers
        finally:
            self.stop_asking.set()
            self.asker.join()


def has_channels() -> bool:
    return __import__("importlib.util").util.find_spec("channels") is not None


@unittest.skipUnless(has_channels(), "there is no Channels: apt-get install python3-django-channels")
class BesideChannels(unittest.IsolatedAsyncioTestCase):
    """The project of the page."""

    PROJECT = PYTHON / "examples/channels"

    async def assert_both_work(self, server) -> None:
        url = f"ws://127.0.0.1:{server.port}"
        async with websockets.connect(f"{url}/room/lobby/") as ann, websockets.connect(f"{url}/announce/lobby/") as view:
            await ann.send("hello")
            self.assertEqual(await ann.recv(), "hello")
            await view.send("tea")
            self.assertEqual(await view.recv(), "announced")
            self.assertEqual(await ann.recv(), "Attention: tea")
        with self.assertRaises(websockets.InvalidStatusCode):
            await websockets.connect(f"{url}/nowhere/")

    async def test_a_consumer_and_a_view_work_with_the_asgi_server(self) -> None:
        with Served("asgi:application", folder=self.PROJECT) as server:
            self.assertIn(b"Rooms", server.get("/").content)
            await self.assert_both_work(server)

    async def test_a_consumer_and_a_view_work_with_runserver(self) -> None:
        from server import RunServer

        with RunServer("--noreload", project=self.PROJECT, environment={"DJANGO_SETTINGS_MODULE": "settings"}) as server:
            self.assertIn(b"Rooms", server.get("/")[2])
            await self.assert_both_work(server)


class OthersOptions(unittest.TestCase):
    """The tables of the page on moving."""

    def ours(self) -> set[str]:
        return {name for action in command_options._parser()._actions for name in action.option_strings}

    def test_each_command_line_of_a_page_is_one_that_we_take(self) -> None:
        found = 0
        for page in [*HOW_TO.glob("*.md"), PYTHON.parent / "README.md", PYTHON / "README.md"]:
            for line in re.findall(r"python3? -m c10k ([^`\n|]*)", page.read_text()):
                with self.subTest(page=page.name, line=line):
                    command_options.parse(shlex.split(line) if line.strip() != "--help" else ["app:app"])
                    found += 1
        self.assertGreater(found, 8)

    def test_each_option_of_a_table_is_one_that_we_have(self) -> None:
        rows = re.findall(r"^\| (.*) \| (.*) \|$", (HOW_TO / "from-uvicorn.md").read_text(), re.MULTILINE)
        self.assertGreater(len(rows), 20)
        for _, ours in rows:
            for name in re.findall(r"(?<![\w-])--[a-z][\w-]*", ours):
                self.assertIn(name, self.ours())

    @unittest.skipUnless(shutil.which("uvicorn"), "there is no uvicorn: apt-get install python3-uvicorn")
    def test_each_option_of_uvicorn_is_taken_or_explained(self) -> None:
        said = subprocess.run(["uvicorn", "--help"], capture_output=True, text=True, check=True).stdout
        theirs = set(re.findall(r"^ +(--[a-z][\w-]*[a-z])", said, re.MULTILINE)) | set(re.findall(r"/ (--no-[\w-]+)", said))
        self.assertGreater(len(theirs), 30)
        self.assertEqual(theirs - self.ours() - set(command_options.UNKNOWN_HERE), set())

    @unittest.skipUnless(shutil.which("daphne"), "there is no daphne: apt-get install python3-daphne")
    def test_each_option_of_daphne_in_the_table_is_one_of_daphnes(self) -> None:
        said = subprocess.run(["daphne", "--help"], capture_output=True, text=True, check=True).stdout
        section = (HOW_TO / "from-uvicorn.md").read_text().partition("## From daphne")[2].partition("\n## ")[0]
        for theirs, _ in re.findall(r"^\| (`.*) \| (.*) \|$", section, re.MULTILINE):
            for name in re.findall(r"(?<![\w-])--?[a-z][\w-]*", theirs):
                self.assertIn(name, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
