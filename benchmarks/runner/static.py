"""Static files over HTTP/2, beside other people's servers: h2load asks, of nghttp2."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import load, rounds
from .machine import cpu_seconds
from .plan import VARIANTS
from .programs import PinnedServer, free_port, run_text

FILE_BYTES = 2048
PATH = "/static/file.txt"

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; keepalive_requests 1000000000; http2_max_concurrent_streams 128;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} http2; location /static/ {{ alias {folder}/; }} }}
}}
"""

H2O = """
listen: {{host: 127.0.0.1, port: {port}}}
num-threads: 1
user: root
hosts: {{default: {{paths: {{/static: {{file.dir: "{folder}"}}}}}}}}
"""


@dataclass(frozen=True)
class Contender:
    """A server that has the file in its folder."""

    name: str
    configuration: str = ""  # of another's
    backend: str = ""  # of ours

    def command(self, options, folder, port):
        if self.configuration:
            file = folder / "configuration"
            file.write_text(self.configuration.format(folder=folder, port=port))
            return ["/usr/sbin/nginx", "-p", folder, "-c", file] if self.name == "nginx" else ["/usr/bin/h2o", "-c", file]
        variant = next(each for each in VARIANTS if each.backend == self.backend and not each.is_floor)
        settings = ["--set", "http2=on", "--set", f"static_folders={folder}"]
        return [options.program("server"), *variant.runserver(options, port), *settings]

    def run(self, options, connections, streams):
        port = free_port()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "file.txt").write_bytes(b"x" * FILE_BYTES)
            with PinnedServer(options.server_core, self.command(options, folder, port), port) as server:
                ask = ["h2load", "--clients", connections, "--max-concurrent-streams", streams]
                url = f"http://127.0.0.1:{port}{PATH}"
                said_by(options, [*ask, "--requests", 100 * connections, url])
                before = cpu_seconds(server.pid)
                done, rate = said_by(options, [*ask, "--duration", options.seconds, url])
                return {"server_us": (cpu_seconds(server.pid) - before) / done * 1e6, "rate": rate}


def said_by(options, command):
    """How many requests h2load has had answered, and how many a second. Each must have got the file."""
    said = run_text(options.client_core, command, load.RAMP_SECONDS + options.seconds)
    total, failed, good = (
        int(re.search(pattern, said, re.MULTILINE)[1])
        for pattern in (r"^requests: .* (\d+) done", r" (\d+) failed", r"^status codes: (\d+) 2xx")
    )
    if failed or good < total:  # it may have counted the head of an answer that the end cuts
        raise RuntimeError(f"h2load: {said}")
    return total, float(re.search(r"([\d.]+) req/s", said)[1])


CONTENDERS = [
    Contender("nginx", NGINX),
    Contender("h2o", H2O),
    Contender("c10k epoll", backend="epoll"),
    Contender("c10k io_uring", backend="io_uring"),
]


def run(machine, options, connections, streams):
    contenders = [(each.name, lambda each=each: each.run(options, connections, streams)) for each in CONTENDERS]
    runs = rounds.measure(machine, options, contenders)
    title = f"GET of {FILE_BYTES} bytes over HTTP/2, {connections} connections, {streams} in flight on each"
    columns = {"server_us": "server CPU us/request", "rate": "requests/s"}
    rounds.report(title, runs, columns, "server_us", ["nginx", "h2o"])
    return runs


BENCHMARKS = {
    "static": (
        "A static file of 2 KB over HTTP/2, 10 connections with 10 requests in flight on each, beside nginx and h2o",
        lambda machine, options: run(machine, options, 10, 10),
    ),
    "static-single": (
        "The same with 100 connections and one request in flight on each",
        lambda machine, options: run(machine, options, 100, 1),
    ),
}
