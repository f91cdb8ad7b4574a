"""What the pages tell a newcomer to install is enough on a Debian 12 with nothing else: the package of the library, to make, build, test and
serve a site; the package of Python, to serve a Django project; what the README says of the source, for the demo in Django and for the
installation with pip.

A root for chroot is made by debootstrap, from the mirror that this machine uses. The engine is compiled twice: half an hour.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import websockets

from support import environment
from support.cases import AsyncTestCase
from support.environment import BUILD, SKIPPED, SOURCE
from support.process import ManageServer, Program
from support.tcp import RawClient, reserved_port
from project_test import SiteTestCase


def mirror():
    """Where this machine has the packages of Debian 12 from; empty if it has them from nowhere."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm"],
        capture_output=True, text=True, check=False)
    return next(iter(listed.stdout.split()), "")


def reason_to_skip():
    if os.geteuid() != 0:
        return "only root may make a bare Debian"
    if not shutil.which("debootstrap"):
        return "there is no debootstrap: apt-get install debootstrap"
    if not mirror():
        return "apt knows no mirror of Debian 12 (bookworm)"
    return ""


def run(*command, **options):
    """Runs it to its end, and shows what it said if it failed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def inside(root, folder="/"):
    """What stands in front of a command to run it in a folder of `root`, with a /proc and an environment of its own."""
    enter = f'mount -t proc proc {root}/proc && exec chroot {root} env -i -C {folder} "$@"'
    return ["unshare", "--mount", "sh", "-c", enter, "sh", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive"]


def setUpModule():
    global bare
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    bare = pathlib.Path(folder.name, "bare")
    run("debootstrap", "--variant=minbase", "bookworm", bare, mirror())


class BareDebian:
    """A root of its own for the tests of a class: `package` and what it depends on are installed there."""

    package = None

    @classmethod
    def setUpClass(cls):
        cls.root = bare.parent / cls.__name__
        run("cp", "--archive", bare, cls.root)
        cls.addClassCleanup(shutil.rmtree, cls.root)
        if cls.package:
            run("cmake", "--build", BUILD, "--target", "deb")
            (package,) = BUILD.glob(f"{cls.package}_*.deb")
            shutil.copy(package, cls.root / f"tmp/{cls.package}.deb")
            cls.install(f"/tmp/{cls.package}.deb")

    @classmethod
    def install(cls, *packages):
        run(*inside(cls.root), "apt-get", "install", "--no-install-recommends", "-y", *packages)

    def program(self, folder, *command):
        """A script that runs a command in a folder of the root, with the arguments that it is given."""
        script = self.root.parent / f"{type(self).__name__}-{command[-1].rpartition('/')[2]}"
        script.write_text(f'#!/bin/sh\nexec {shlex.join([*inside(self.root, folder), *command])} "$@"\n')
        script.chmod(0o755)
        return script


class PackageOfTheLibrary(BareDebian, SiteTestCase):
    package = "libc10k-dev"

    async def test_is_all_that_a_site_needs(self):
        run(*inside(self.root, "/root"), "c10k", "startproject", "mysite")
        self.assertIn("100% tests passed", run(*inside(self.root, "/root/mysite"), "./test"))

        server = ManageServer(program=self.program("/root/mysite", "./manage"))
        self.addCleanup(server.kill)
        self.assert_page_answers(server, "/", "It works.")
        async with websockets.connect(f"{server.ws}/ws/") as socket:
            self.assertEqual(await socket.recv(), "open 1")
        self.assertEqual(server.stop(), 0)


class ChatTestCase(BareDebian, AsyncTestCase):
    """The tutorial's project in the root."""

    async def assert_chat_is_served(self, folder, python):
        """Its runserver has the page, its script and its WebSocket."""
        with reserved_port() as port:
            server = Program("manage.py", "runserver", f"127.0.0.1:{port}", "--noreload", program=self.program(folder, python))
            self.addCleanup(server.kill)
            server.wait_for("Starting c10k development server")
            connection = RawClient(port)
            self.addCleanup(connection.close)
            for path, text in (("/lobby/", "<h1>lobby</h1>"), ("/static/room.js", "WebSocket")):
                connection.request(f"GET {path}")
                answer = connection.answer()
                self.assertEqual(answer.status, 200, path)
                self.assertIn(text, answer.body.decode())
            async with websockets.connect(f"ws://127.0.0.1:{port}/lobby/ws/") as client:
                self.assertEqual(await client.recv(), "Somebody came: 1 are here.")
                await client.send("hello")
                self.assertEqual(await client.recv(), "hello")


class PackageOfPython(ChatTestCase):
    package = "python3-c10k"

    async def test_serves_a_django_project(self):
        self.install("python3-django")
        shutil.copytree(SOURCE / "python/examples/chat", self.root / "root/chat")
        self.assertIn("\nOK\n", run(*inside(self.root, "/root/chat"), "python3", "manage.py", "test"))
        await self.assert_chat_is_served("/root/chat", "python3")

    def test_leaves_nothing_behind_when_it_is_removed(self):
        self.addCleanup(self.install, f"/tmp/{self.package}.deb")
        packages = self.root / "usr/lib/python3/dist-packages"
        self.assertTrue((packages / "c10k/__pycache__").is_dir())  # compiled when it was installed
        run(*inside(self.root), "apt-get", "remove", "-y", "python3-c10k")
        self.assertEqual([file.name for file in packages.glob("*c10k*")], [])


class SourceTree(ChatTestCase):
    """A checkout, and the commands of the pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copytree(SOURCE, cls.root / "root/c10k", symlinks=True, ignore=shutil.ignore_patterns("build", "build-*", ".git"))

    def test_the_demo_in_django_runs_with_one_command(self):
        for demo in (["echo", "--clients", "100", "--delay", "100ms"], ["--size", "8", "--steps", "5"]):
            with self.subTest(demo=demo), reserved_port() as port:
                run(*inside(self.root, "/root/c10k"), "./demo", "django", *demo, "--port", str(port))

    async def test_the_installation_of_the_readme_serves_the_project_of_the_tutorial(self):
        page = (SOURCE / "README.md").read_text()
        commands = re.search(r"^```sh\n(apt-get update\n[^`]*)^```", page, re.MULTILINE)[1]
        answering_yes = commands.replace("apt-get install", "apt-get install -y --no-install-recommends")
        run(*inside(self.root, "/root/c10k"), "sh", "-euxc", answering_yes)
        python, chat = "/root/c10k/v/bin/python", "/root/c10k/python/examples/chat"
        self.assertIn("\nOK\n", run(*inside(self.root, chat), python, "manage.py", "test"))
        await self.assert_chat_is_served(chat, python)


if __name__ == "__main__":
    environment.exit_if_not_for_here()
    if reason := reason_to_skip():
        print(reason)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
