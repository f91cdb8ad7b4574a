"""The packages as others install them: python3-c10k for Debian, and the wheel.

The wheel is built in full mode only (C10K_FULL=1), since it compiles the engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import websockets

import c10k

PYTHON = pathlib.Path(__file__).resolve().parent.parent
SOURCE = PYTHON.parent
BUILD = pathlib.Path(os.environ["C10K_BUILD"])
PATIENCE = 60  # seconds without any progress
EXTENSION = "_c10k.cpython-311-x86_64-linux-gnu.so"

ECHO = """
async def application(scope, receive, send):
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.send", "text": message["text"]})
"""


def setUpModule() -> None:
    global folder
    made = tempfile.TemporaryDirectory(prefix="c10k-package-")
    unittest.addModuleCleanup(made.cleanup)
    folder = pathlib.Path(made.name)
    (folder / "echo_application.py").write_text(ECHO)


def run(*command: str | pathlib.Path, **options) -> str:
    """What a command says. Fails with all of it if the command does."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def sources() -> set[str]:
    """The files of the packages, as they are named where they are installed."""
    return {
        str(file.relative_to(PYTHON))
        for package in ("c10k", "c10ktools", "_c10k-stubs")
        for file in (PYTHON / package).rglob("[!.]*")
        if file.suffix in (".py", ".pyi", ".typed")
    }


class Pages(unittest.TestCase):
    """README and tutorial have the same commands for the installation."""

    def test_name_the_packages_that_the_build_needs(self) -> None:
        lists = 'source tools/packages.sh && echo "${build_packages[@]}" "${django_packages[@]}"'
        needed = set(run("bash", "-c", lists, cwd=SOURCE).split())
        of_pip = {"python3-pip", "python3-setuptools", "python3-venv", "python3-wheel"}
        for page in ("README.md", "docs/tutorial/4-django.md"):
            with self.subTest(page=page):
                command = re.search(r"^apt-get install ((?:.*\\\n)*.*)", (SOURCE / page).read_text(), re.MULTILINE)[1]
                self.assertEqual(set(command.replace("\\", " ").split()), needed | of_pip)


class Installed:
    """What holds for each kind of package. A subclass says which Python has it, in which environment."""

    python: pathlib.Path
    environment: dict[str, str]

    def run_python(self, *arguments: str | pathlib.Path, cwd: pathlib.Path | None = None) -> str:
        return run(self.python, "-B", *arguments, env=self.environment, cwd=cwd or folder)

    def test_the_packages_are_those_that_were_installed(self) -> None:
        names = "_c10k", "c10k", "c10ktools"
        said = self.run_python("-c", f"import {', '.join(names)}; print(*({', '.join(n + '.__file__' for n in names)}), sep='\\n')")
        for path in said.splitlines():
            self.assertTrue(pathlib.Path(path).is_relative_to(self.packages), path)

    def test_the_asgi_server_serves_a_websocket(self) -> None:
        command = [self.python, "-B", "-m", "c10k", "echo_application:application", "--port", "0", "--lifespan", "off"]
        with subprocess.Popen(
            command, env=self.environment, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as server:  # fmt: skip
            try:
                for line in server.stdout:
                    if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                        self.assertEqual(asyncio.run(said_back(int(found[1]))), "hello")
                        break
                else:
                    self.fail("it ended before it served")
            finally:
                server.terminate()
            self.assertEqual(server.wait(PATIENCE), 0)

    def test_the_project_of_the_tutorial_passes_its_tests(self) -> None:
        self.assertIn("\nOK\n", self.run_python("manage.py", "test", cwd=PYTHON / "examples/chat"))

    def test_django_finds_no_fault_in_it(self) -> None:
        self.assertIn("no issues", self.run_python("manage.py", "check", cwd=PYTHON / "examples/chat"))

    def test_mypy_finds_its_hints(self) -> None:
        self.run_python("-m", "mypy", "--config-file", PYTHON / "pyproject.toml", "--cache-dir", folder / "mypy",
                        "--python-executable", self.python, PYTHON / "tests/typed_views.py")  # fmt: skip


async def said_back(port: int) -> str | bytes:
    async with websockets.connect(f"ws://127.0.0.1:{port}/", open_timeout=PATIENCE) as client:
        await client.send("hello")
        return await client.recv()


class DebianPackage(Installed, unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        run("cmake", "--build", BUILD, "--target", "deb")
        (cls.package,) = BUILD.glob(f"python3-c10k_{c10k.__version__}_*.deb")
        cls.root = folder / "root"
        run("dpkg-deb", "--extract", cls.package, cls.root)
        cls.packages = cls.root / "usr/lib/python3/dist-packages"
        cls.python = pathlib.Path("/usr/bin/python3")
        cls.environment = {**os.environ, "PYTHONPATH": str(cls.packages)}

    def field(self, name: str) -> str:
        return run("dpkg-deb", "--field", self.package, name).strip()

    def test_it_is_for_this_python_and_needs_the_libraries_that_the_extension_links(self) -> None:
        needed = self.field("Depends").split(", ")
        self.assertEqual(needed[:2], ["python3 (>= 3.11)", "python3 (<< 3.12)"])
        names = {each.split()[0] for each in needed}
        self.assertLessEqual({"libc6", "libssl3", "libstdc++6", "liburing2", "zlib1g"}, names)
        self.assertIn("python3-django", self.field("Recommends"))

    def test_it_has_the_packages_with_their_hints_and_no_more(self) -> None:
        files = {str(file.relative_to(self.packages)) for file in self.packages.rglob("*") if file.is_file()}
        self.assertEqual(files, sources() | {EXTENSION})
        self.assertIn("BSD 3-Clause", (self.root / "usr/share/doc/python3-c10k/copyright").read_text())
        self.assertFalse((self.root / "usr/include").exists())

    def test_it_compiles_its_modules_when_it_is_installed_and_removes_them_with_it(self) -> None:
        run("dpkg-deb", "--control", self.package, folder / "control")
        self.assertIn("py3compile -p python3-c10k", (folder / "control/postinst").read_text())
        self.assertIn("py3clean -p python3-c10k", (folder / "control/prerm").read_text())


@unittest.skipUnless(os.environ.get("C10K_FULL"), "this runs with C10K_FULL=1 (./test --full)")
class Wheel(Installed, unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        # setuptools writes beside what it builds.
        shutil.copytree(SOURCE, folder / "source", symlinks=True, ignore=shutil.ignore_patterns("build", "build-*", ".git", "__pycache__"))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run("/usr/bin/python3", "-m", "venv", "--system-site-packages", folder / "v")
        pip = [folder / "v/bin/pip", "--no-input", "--disable-pip-version-check"]
        run(*pip, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", folder / "wheels",
            folder / "source/python", env=environment)  # fmt: skip
        (cls.wheel,) = (folder / "wheels").iterdir()
        run(*pip, "install", "--no-index", "--no-deps", cls.wheel, env=environment)
        cls.packages = folder / "v/lib/python3.11/site-packages"
        cls.python, cls.environment = folder / "v/bin/python", environment

    def test_it_is_for_this_python_and_platform(self) -> None:
        self.assertEqual(self.wheel.name, f"c10k-{c10k.__version__}-cp311-cp311-linux_x86_64.whl")

    def test_it_has_the_packages_with_their_hints_and_the_licence(self) -> None:
        said = self.run_python("-c", "import importlib.metadata as m; print(*m.files('c10k'), sep='\\n')").splitlines()
        files = {each for each in said if "dist-info" not in each and "__pycache__" not in each}
        self.assertEqual(files, sources() | {EXTENSION, "../../../bin/c10k-asgi"})
        self.assertTrue(any(each.endswith("dist-info/LICENSE") for each in said), said)

    def test_its_metadata_says_what_an_index_shows(self) -> None:
        said = self.run_python("-c", "import importlib.metadata as m, json; print(json.dumps(m.metadata('c10k').json))")
        metadata = json.loads(said)
        self.assertEqual((metadata["version"], metadata["license"]), (c10k.__version__, "BSD-3-Clause"))
        self.assertEqual(metadata["requires_python"], ">=3.11")
        self.assertLessEqual({"Framework :: Django :: 3.2", "Typing :: Typed"}, set(metadata["classifier"]))
        self.assertIn("python3 -m c10k", metadata["description"])

    def test_its_command_is_the_server(self) -> None:
        said = run(folder / "v/bin/c10k-asgi", "--version", env=self.environment)
        self.assertEqual(said.split(), ["c10k", c10k.__version__])


if __name__ == "__main__":
    unittest.main(verbosity=2)
