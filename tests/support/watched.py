"""A small project that is built and changed for real, and its runserver, which follows."""

import http.client
import json
import pathlib
import re
import subprocess
import tempfile
import textwrap

from .environment import BUILD, SOURCE
from .process import Program
from .tcp import RawClient
from .waiting import PATIENCE, eventually

FILES = {
    "CMakeLists.txt": """\
        cmake_minimum_required(VERSION 3.25)
        project(site LANGUAGES CXX)
        set(CMAKE_CXX_STANDARD 20)
        add_compile_options(-g1 {sanitize})
        add_link_options({sanitize})
        add_executable(manage manage.cpp)
        target_include_directories(manage PRIVATE {source}/include)
        target_link_libraries(manage PRIVATE {build}/libc10k.a boost_url simdjson spdlog fmt ssl crypto nghttp2 uring z pthread)
        """,
    "manage.cpp": """\
        #include <c10k/manage.hpp>
        #include <c10k/web.hpp>
        #include <c10k/websocket.hpp>

        #include <cstdlib>

        using namespace c10k;

        struct Site {{
            explicit Site(Services& services) : services(services) {{
                services.templates.add_folder("templates");
                services.static_files.add_folder("static");
            }}
            Urls urls() {{
                return {{
                    path("static/<path:file>", &services.static_files, &StaticFiles::serve),
                    path("", this, &Site::index),
                    path("crash/", this, &Site::crash),
                    path("echo/", this, &Site::echo),
                }};
            }}
            Response index(Request& request) {{
                return services.templates.render(request, "index.html", {{{{"version", "one"}}}});
            }}
            Response crash(Request&) {{ std::abort(); }}
            Task<> echo(WebSocket& socket) {{
                while (auto message = co_await socket.recv()) {{
                    co_await socket.send(*message);
                }}
            }}

            Services& services;
        }};

        int main(int argc, char** argv) {{ return manage<Site>(argc, argv); }}
        """,
    "templates/index.html": """\
        <!DOCTYPE html>
        <html lang="en">
        <head><title>Site</title><link rel="stylesheet" href="/static/site.css"></head>
        <body><h1>Hello</h1><p id="version">{{{{version}}}}</p></body>
        </html>
        """,
    "static/site.css": "h1 {{ color: rgb(1, 2, 3); }}\n",
    "c10k.conf": "# settings\n",
    ".gitignore": "build/\nignored.css\n",
}


def sanitizer_flags():
    cache = (BUILD / "CMakeCache.txt").read_text()
    kind = re.search(r"^C10K_SANITIZE:STRING=(.*)$", cache, re.MULTILINE)[1]
    return {"": "", "address": "-fsanitize=address,undefined", "thread": "-fsanitize=thread"}[kind]


class Project:
    """The project in a folder of its own, built, as somebody has it who works on it."""

    def __init__(self, files=None, generator="Ninja", before=lambda path: None, linked=False):
        self._folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._folder.name).resolve()
        if linked:  # everybody gets to it by a symbolic link
            (self.path / "real").mkdir()
            (self.path / "link").symlink_to("real")
            self.path /= "link"
        names = {"source": SOURCE, "build": BUILD, "sanitize": sanitizer_flags()}
        for name, text in {**FILES, **(files or {})}.items():
            (self.path / name).parent.mkdir(exist_ok=True)
            (self.path / name).write_text(textwrap.dedent(text).format(**names))
        before(self.path)
        self.call("git", "init", "--quiet")
        self.call("cmake", "-S", self.path, "-B", self.path / "build", "-G", generator)
        self.call("cmake", "--build", "build")

    def call(self, *command):
        subprocess.run(command, cwd=self.path, check=True, stdout=subprocess.PIPE)

    def replace(self, name, old, new):
        text = (self.path / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (self.path / name).write_text(text.replace(old, new))

    def restart(self):
        """Has the program started anew, without a build."""
        with (self.path / "c10k.conf").open("a") as settings:
            settings.write("# changed\n")

    def remove(self):
        self._folder.cleanup()


class Watched(Program):
    """`manage runserver` of a Project, which reloads."""

    def __init__(self, project, *options, **process_options):
        process_options.setdefault("program", project.path / "build/manage")
        super().__init__("runserver", "127.0.0.1:0", "--why", *options, cwd=project.path, **process_options)
        self.port = int(self.wait_for(r"http://127\.0\.0\.1:(\d+)/")[1])
        self.until(lambda state: state["program"] == 1, "the first program serves")

    def get(self, path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def state(self):
        """What the script of a page would hear."""
        connection = RawClient(self.port)
        try:
            connection.open("/_c10k/reload/")
            return json.loads(connection.text())
        finally:
            connection.close()

    def until(self, condition, what):
        """The state once `condition(state)` holds. While one program takes over from another, a connection may end."""
        def look():
            try:
                state = self.state()
            except (EOFError, ConnectionError):
                return None
            return state if condition(state) else None

        return eventually(look, what, builder=self.pid)

    def program(self):
        """The process that serves."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(child) for child in children if b"--noreload" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()][-1]
