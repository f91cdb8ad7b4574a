"""Row 77: other users of the same machine, and descriptors that are not what they should be."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import unittest

from support.cases import main
from support.environment import MANAGE
from support.process import Production, Program
from support.tcp import reserved_port
from support.waiting import PATIENCE


NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}

# Says that a new program is ready, to each socket that is named.
CRY_READY = """
import socket, sys
for name in sys.argv[1:]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.sendto(b"READY=1", "\\0" + name)
"""

# Listens at each name until its input ends.
TAKE_NAMES = """
import socket, sys
taken = []
for name in sys.argv[1:]:
    taken.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    taken[-1].bind("\\0" + name)
    taken[-1].listen(0)
print("taken", flush=True)
sys.stdin.read()
"""

# Asks for a restart at each name, and prints how many were answered.
ASK_FOR_RESTART = """
import socket, sys
answered = 0
for name in sys.argv[1:]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ours:
        ours.connect("\\0" + name)
        answered += ours.recv(100) != b""
print(answered)
"""


def names_of(process, kind):
    """The abstract names of the UNIX sockets of this kind that a process has (proc(5))."""
    inodes = set()
    for descriptor in os.listdir(f"/proc/{process}/fd"):
        inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{process}/fd/{descriptor}")))
    found = []
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if int(fields[4], 16) == kind and fields[6] in inodes and len(fields) > 7 and fields[7].startswith("@"):
            found.append(fields[7][1:])
    return found


@unittest.skipUnless(os.geteuid() == 0, "another user is needed, and only root can become one")
class OtherUsers(unittest.TestCase):
    def serve(self, port=0):
        production = Production(port=port)
        self.addCleanup(production.stop)
        return production

    def as_nobody(self, script, *arguments):
        """What a script of the user nobody prints."""
        return subprocess.run([sys.executable, "-c", script, *arguments], check=True, stdout=subprocess.PIPE, text=True,
                              **NOBODY).stdout

    def assert_serves(self, production):
        with socket.create_connection(("127.0.0.1", production.port), PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 "))

    def test_row_77_another_user_cannot_say_that_the_new_program_serves(self):
        """READY=1 from another user while a program starts that will not: the old one goes on."""
        production = self.serve()
        before = production.serving()
        gate = production.folder / "gate"
        os.mkfifo(gate)
        script = production.folder / "new"
        script.write_text(f"#!/bin/sh\necho it begins\nread line <{gate}\nexit 1\n")
        script.chmod(0o755)
        script.rename(production.manage)
        restarting = Program("restart", f"127.0.0.1:{production.port}")
        production.wait_for("it begins")
        self.as_nobody(CRY_READY, *names_of(production.pid, socket.SOCK_DGRAM))
        with gate.open("w"):
            pass
        self.assertEqual(restarting.wait(), 1, restarting.output)
        self.assertIn("the new program did not start: exit status 1", restarting.output)
        self.assertEqual(production.serving(), before)
        self.assert_serves(production)

    def test_row_77_another_user_cannot_take_the_name_of_the_control_socket(self):
        """Names that look like it are taken before: serve starts, and restart finds the right one."""
        port = self.enterContext(reserved_port())
        plain = f"c10k/{os.geteuid()}/127.0.0.1:{port}"
        squatter = subprocess.Popen(
            [sys.executable, "-c", TAKE_NAMES, plain, *(f"{plain}/{number:032x}" for number in range(50))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **NOBODY)
        self.addCleanup(squatter.wait)
        self.addCleanup(squatter.stdin.close)
        self.addCleanup(squatter.stdout.close)
        self.assertEqual(squatter.stdout.readline(), b"taken\n")
        production = self.serve(port)
        restarted = production.restart()
        self.assertEqual(restarted.status, 0, restarted.output)
        self.assert_serves(production)

    def test_row_77_another_user_cannot_ask_for_a_restart(self):
        """The name is to be seen by all: who is not its user gets no answer, and nothing starts."""
        production = self.serve()
        names = names_of(production.pid, socket.SOCK_SEQPACKET)
        self.assertEqual(len(names), 1)
        self.assertEqual(self.as_nobody(ASK_FOR_RESTART, *names * 20), "0\n")
        self.assertEqual(production.restart().status, 0)
        self.assertEqual(len(re.findall(r"Program \d+ serves ", production.output)), 2)


class InheritedDescriptors(unittest.TestCase):
    def assert_refused(self, given, sentence, count="1", command="runserver"):
        """A program that gets `given` as its descriptor 3 says so, and ends."""
        own = given.fileno()
        move = f"exec 3<&{own} {own}<&-" if own != 3 else "true"  # so that 4 is not there by chance
        script = f'{move}; LISTEN_PID=$$ LISTEN_FDS={count}; export LISTEN_PID LISTEN_FDS; exec "$@"'
        options = ["--noreload"] if command == "runserver" else []
        ended = subprocess.run(["sh", "-c", script, "sh", MANAGE, command, "127.0.0.1:0", *options],
                               pass_fds=[own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=PATIENCE, check=False)
        self.assertEqual(ended.returncode, 1, ended.stdout)
        self.assertIn(sentence, ended.stdout)

    def test_row_77_descriptors_that_are_no_listening_stream_sockets_are_refused(self):
        """LISTEN_FDS with a file, UDP, a socket that does not listen, a UNIX socket of packets, too many: a sentence, exit 1."""
        with open(os.devnull, "rb") as file:
            self.assert_refused(file, "LISTEN_FDS: descriptor 3 is no socket")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            self.assert_refused(udp, "LISTEN_FDS: descriptor 3 is neither a TCP socket nor a unix socket")
        with socket.socket() as idle:
            self.assert_refused(idle, "LISTEN_FDS: descriptor 3 does not listen")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as local:
            local.bind("")
            local.listen()
            self.assert_refused(local, "LISTEN_FDS: descriptor 3 is neither a TCP socket nor a unix socket")
        with socket.create_server(("127.0.0.1", 0)) as good:
            self.assert_refused(good, "LISTEN_FDS: descriptor 4 is no socket", count="2")
            self.assert_refused(good, "LISTEN_FDS is '-1'", count="-1")
            self.assert_refused(good, "LISTEN_FDS is '99999999999'", count="99999999999")
            self.assert_refused(good, "LISTEN_FDS is '1x'", count="1x", command="serve")


if __name__ == "__main__":
    main()
