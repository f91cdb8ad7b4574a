"""The tutorial, followed to the letter: what it has the reader write, type and see is done and seen, in an empty folder.

In the Markdown,

- a copy of a whole file is what the reader writes into the file that the text before it names;
- a block of `sh` is typed in, and ends well; after the comment `keeps running` it is left running;
- a block of `text` is what the last command of such a block says, or after a client its server: some of its lines, with
  `...` for what differs each time;
- a block of `console` is a client: `$` its command, `>` what the reader types, the rest what it says;
- Ctrl-C in the text ends what was left running last, in good order.

The ports are other ones, so that nothing that is running can be taken for it.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from support.environment import BUILD, SOURCE
from support.process import Program
from support.tcp import reserved_port
from support.waiting import PATIENCE

sys.path.append(str(SOURCE / "tools"))
from docs.pages import Block, read

TUTORIAL = SOURCE / "docs/tutorial"
PORTS = ["8000", "8765"]
TERMINAL_CODES = re.compile(r"\x1b(?:[78]|\[[0-9;]*[A-Z])|\r")


def setUpModule():
    global prefix
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    prefix = pathlib.Path(folder.name)
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], stdout=subprocess.DEVNULL,
                   check=True)


def pattern(line):
    """Finds the line in what a program says."""
    return ".*".join(re.escape(part) for part in line.split("..."))


class Follower:
    """Somebody who does what a page says, and no more."""

    def __init__(self, folder):
        self.folder = folder
        self.held = contextlib.ExitStack()
        self.ports = {port: str(self.held.enter_context(reserved_port())) for port in PORTS}
        self.environment = {
            "CMAKE_PREFIX_PATH": str(prefix),
            "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig"),
            "PATH": f"{prefix}/bin:/usr/bin:/bin",  # Debian's own programs, and ours
            "C10K_PORT": self.ports["8000"],
            "PYTHONUNBUFFERED": "1",
        }
        self.running = []
        self.last = None  # the program whose words are quoted next

    def follow(self, page):
        prose = ""
        for item in read(page):
            if not isinstance(item, Block):
                prose = item.text
                for _ in range(prose.count("Ctrl-C")):
                    self.press_control_c()
            elif item.source and item.source[1] is None:
                self.write(item, prose)
            elif item.language == "sh":
                self.type(item)
            elif item.language == "text":
                self.see(item)
            elif item.language == "console":
                self.talk(item)
            elif not item.source:
                raise AssertionError(f"{page.name}:{item.line}: what is the reader to do with a block of {item.language}?")

    def with_our_ports(self, text):
        for theirs, ours in self.ports.items():
            text = text.replace(theirs, ours)
        return text

    def write(self, block, prose):
        named = re.findall(r"`([^`]+)`", prose)
        if not named or not block.source[0].endswith("/" + named[-1]):
            raise AssertionError(f"line {block.line}: the text before {block.source[0]} does not say where it goes")
        file = self.folder / named[-1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.with_our_ports(block.text))

    def type(self, block):
        for command in self.with_our_ports(block.text).splitlines():
            command = command.partition("  #")[0].strip()
            if change := re.fullmatch(r"cd (\S+)", command):
                self.folder = self.folder / change[1]
                continue
            self.last = Program("-c", f"exec {command}", program="/bin/bash", cwd=self.folder, env=self.environment)
            if block.comment == "keeps running":
                self.running.append(self.last)
            elif (status := self.last.wait()) != 0:
                raise AssertionError(f"line {block.line}: {command} ended with {status}:\n{self.last.output}")

    def see(self, block):
        start = 0
        for line in self.with_our_ports(block.text).splitlines():
            self.last.wait_for(f"^{pattern(line)}$", start)
            said = self.last.output.splitlines()
            start = next(i for i in range(start, len(said)) if re.fullmatch(pattern(line), said[i])) + 1

    def talk(self, block):
        first, *lines = self.with_our_ports(block.text).splitlines()
        client = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *first.removeprefix("$ ").split()], cwd=self.folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            env={**os.environ, **self.environment})
        patience = threading.Timer(PATIENCE, client.kill)
        patience.start()
        said = []
        with client:
            for line in lines:
                if line == "> ^D":
                    client.stdin.close()
                elif line.startswith("> "):
                    client.stdin.write(line[2:] + "\n")
                else:
                    while not re.search(pattern(line), said[-1] if said else ""):
                        if not (news := client.stdout.readline()):
                            raise AssertionError(f"line {block.line}: {line!r} was not said:\n" + "\n".join(said))
                        said.append(TERMINAL_CODES.sub("", news.rstrip("\n")))
                    said.append("")
            client.kill()
        patience.cancel()
        self.last = self.running[-1]

    def press_control_c(self):
        program = self.running.pop()
        program.signal(signal.SIGINT)
        if (status := program.wait()) != 0:
            raise AssertionError(f"it ended with {status}:\n{program.output}")

    def leave(self):
        for program in self.running:
            program.kill()
        self.held.close()


class Tutorial(unittest.TestCase):
    def follow(self, name):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        follower = Follower(pathlib.Path(folder.name))
        self.addCleanup(follower.leave)
        follower.follow(TUTORIAL / name)
        self.assertEqual(follower.running, [], "the page leaves a program running")

    def test_part_1_echo(self):
        self.follow("1-echo.md")

    def test_part_2_chat(self):
        self.follow("2-chat.md")

    def test_part_3_life(self):
        self.follow("3-life.md")


if __name__ == "__main__":
    unittest.main(verbosity=2)
