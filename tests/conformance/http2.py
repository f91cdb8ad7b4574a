#!/usr/bin/python3
"""Tells whether a server speaks HTTP/2 as RFC 9113, RFC 7541 and RFC 8441 say: case by case.

The sections are those by which the public suite h2spec orders its cases.

    tests/conformance/http2.py                            nghttpd: whether the cases are right
    tests/conformance/http2.py --port 8080                a server that is already running, without TLS
    tests/conformance/http2.py --port 8080 --cases '6.*'  some of the cases
    tests/conformance/http2.py --list > docs/reference/http2-cases.md

The server must answer / with at least three octets.
"""

import argparse
import contextlib
import fnmatch
import pathlib
import socket
import subprocess
import sys
import tempfile

from http2_cases import SECTIONS, Answers, Ends, Fails, Lives, Resets, Sends
from support import environment, http2
from support.tcp import reserved_port
from support.waiting import PATIENCE, eventually

# Of the PINGs behind all that a case says. A server may answer the first before it sends an error that it has found
# (nghttpd does), so the answer to the second tells that there was none.
MARKS = (b"mark one", b"mark two")

PAGE = environment.SOURCE / "docs/reference/http2-cases.md"
INTRODUCTION = """\
# Conformance to HTTP/2: the cases

[tests/conformance/http2.py](../../tests/conformance/http2.py) checks {count} cases of RFC 9113 (HTTP/2), RFC 7541 (HPACK) and RFC 8441
(WebSockets over HTTP/2), in less than a second. The sections are those by which the public suite h2spec orders its cases; those of
RFC 7541 and RFC 8441 carry their names. Each case is a connection of its own, without TLS.

`./test -R http2_cases` checks the cases against nghttpd 1.52, which differs in two: it ignores a stream with a smaller number
(5.1.1/2), and ends only the stream whose window grows too large by SETTINGS (6.9.2/3). `--port` checks any other server.

A malformed request may be answered with a status of 4xx instead of an error (RFC 9113, 8.1.1), and an error of a stream may end the
whole connection (5.4.2). The cases of RFC 8441 from section 4 on are only for servers that announce
SETTINGS_ENABLE_CONNECT_PROTOCOL."""

# Cases that nghttpd 1.52 holds otherwise, each with what it does instead.
NGHTTPD = {
    "5.1.1/2": "it was taken without an error",
    "6.9.2/3": f"RST_STREAM with code {http2.FLOW_CONTROL_ERROR}",
}


class Wrong(Exception):
    """What came is not what must."""


def _code(payload):
    return int.from_bytes(payload, "big")


def hear(peer, expected):
    """Reads until `expected` has come. Throws Wrong if it cannot come any more."""
    status = None
    while True:
        try:
            got = peer.read_frame()
        except http2.Closed:
            if isinstance(expected, Ends) or (isinstance(expected, Lives) and expected.or_ends):
                return
            raise Wrong("the connection was closed without GOAWAY") from None
        except TimeoutError:
            raise Wrong(f"nothing came within {PATIENCE} s") from None
        kind, stream = got.type, got.stream
        if kind == http2.GOAWAY:
            _hear_goaway(_code(got.payload[4:8]), expected)
            if isinstance(expected, Fails):
                _hear_end(peer)
            return
        if kind == http2.RST_STREAM and stream == 1:
            code = _code(got.payload)
            if isinstance(expected, Resets) and code in expected.codes:
                return
            if isinstance(expected, Lives) and code in expected.or_fails:
                return
            if not (isinstance(expected, Answers) and status and code == http2.NO_ERROR):
                raise Wrong(f"RST_STREAM with code {code}")
        if kind == http2.HEADERS and stream == 1:
            status = peer.fields(got)[":status"]
            if isinstance(expected, Answers) or (isinstance(expected, Resets) and expected.or_refuses and status[0] == "4"):
                return
        if kind == http2.DATA and stream == 1 and isinstance(expected, Sends):
            if len(got.payload) == expected.octets:
                return
            raise Wrong(f"DATA of {len(got.payload)} octets")
        if kind == http2.PING and got.flags & http2.ACK and got.payload == MARKS[0]:
            peer.send(http2.ping(MARKS[1]))
        if kind == http2.PING and got.flags & http2.ACK and got.payload == MARKS[1]:
            if isinstance(expected, Lives):
                return
            if not isinstance(expected, (Answers, Sends)):
                raise Wrong("it was taken without an error" + (f", and answered {status}" if status else ""))


def _hear_goaway(code, expected):
    right = {Fails: "codes", Resets: "codes", Lives: "or_fails"}.get(type(expected))
    if isinstance(expected, Lives) and expected.or_ends and code == http2.NO_ERROR:
        return
    if not isinstance(expected, Ends) and (right is None or code not in getattr(expected, right)):
        raise Wrong(f"GOAWAY with code {code}")


def _hear_end(peer):
    """A connection ends with an error (RFC 9113, 5.4.1)."""
    try:
        while True:
            peer.read_frame()
    except http2.Closed:
        return
    except TimeoutError:
        raise Wrong(f"GOAWAY, and the connection was still open after {PATIENCE} s") from None


def hold(port, case):
    """Holds a case. Returns what was wrong, or ""."""
    with http2.RawHttp2(port) as peer:
        try:
            peer.send(case.opens, case.says, http2.ping(MARKS[0]))
            hear(peer, case.expects)
        except (Wrong, ConnectionError) as wrong:
            return str(wrong)
    return ""


def allows_websockets(port):
    """Whether the server announces SETTINGS_ENABLE_CONNECT_PROTOCOL."""
    with http2.RawHttp2(port) as peer:
        peer.send(http2.PREFACE, http2.settings())
        while (got := peer.read_frame()).type != http2.SETTINGS:
            pass
        pairs = [got.payload[at:at + 6] for at in range(0, len(got.payload), 6)]
        return any(_code(pair[:2]) == http2.ENABLE_CONNECT_PROTOCOL and _code(pair[2:]) == 1 for pair in pairs)


@contextlib.contextmanager
def nghttpd():
    """The port of a running nghttpd."""
    with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
        pathlib.Path(folder, "index.html").write_text("three octets, and more")
        command = ["setpriv", "--pdeathsig", "KILL", "nghttpd", "--no-tls", "--address=127.0.0.1", "-d", folder, str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: _answers(port), "nghttpd listens")
                yield port
            finally:
                process.kill()


def _answers(port):
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def page():
    """The cases, in Markdown."""
    count = sum(len(cases) for cases in SECTIONS.values())
    lines = [INTRODUCTION.format(count=count)]
    for title, cases in SECTIONS.items():
        lines += ["", f"## {title}", "", "| section | the client sends | the server |", "|---|---|---|"]
        lines += [f"| {case.number} | {case.title} | {case.expects} |" for case in cases]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, help="a server that is already running on 127.0.0.1")
    parser.add_argument("--cases", nargs="+", default=["*"], metavar="PATTERN", help="such as '6.5*'")
    parser.add_argument("--list", action="store_true", help="list the cases")
    options = parser.parse_args()
    if options.list:
        print(page(), end="")
        return 0

    if PAGE.read_text() != page():
        print(f"{PAGE.name} has other cases: write it again with --list")
        return 1
    known = {} if options.port else NGHTTPD
    failures = 0
    with contextlib.nullcontext(options.port) if options.port else nghttpd() as port:
        has_websockets = allows_websockets(port)
        for title, cases in SECTIONS.items():
            wanted = [case for case in cases if has_websockets or not case.needs_connect]
            wanted = [case for case in wanted if any(fnmatch.fnmatchcase(case.number, each) for each in options.cases)]
            for case in wanted:
                wrong = hold(port, case)
                if wrong != known.get(case.number, ""):
                    failures += 1
                    print(f"FAILS {case.number} {case.title}, expecting {case.expects}: {wrong or 'it passes now'}")
            print(f"{title}: {len(wanted)} cases", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    environment.exit_if_not_for_here()
    sys.exit(main())
