"""The library as others use it: installed somewhere, found by CMake and pkg-config, and projects made by `c10k`."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import websockets
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.browser import axe, chromium, looks, sideways, wait_for
from support.cases import AsyncTestCase
from support.environment import BUILD, SOURCE, for_programs
from support.process import ManageServer
from support.tcp import RawClient


def setUpModule():
    global prefix, environment
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    prefix = pathlib.Path(folder.name)
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], stdout=subprocess.DEVNULL, check=True)
    environment = {**for_programs(), "CMAKE_PREFIX_PATH": str(prefix), "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}


def run(*command, cwd):
    """What it said, with its exit status."""
    return subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)


def tool(*arguments, cwd):
    return run(prefix / "bin/c10k", *arguments, cwd=cwd)


class SiteTestCase(AsyncTestCase):
    def assert_page_answers(self, server, path, heading):
        """It, and the files that it names."""
        connection = RawClient(server.port)
        self.addCleanup(connection.close)
        connection.request(f"GET {path}")
        page = connection.answer()
        self.assertEqual(page.status, 200)
        self.assertIn(f"<h1>{heading}</h1>", page.body.decode())
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.body.decode())
        self.assertEqual(len(files), 5)
        for file in files:
            connection.request(f"GET {file}")
            self.assertEqual(connection.answer().status, 200, file)

    async def assert_app_answers(self, server, prefix_path, app):
        """Its page, and its WebSocket, on which everybody hears what one says."""
        self.assert_page_answers(server, prefix_path, app)
        async with websockets.connect(f"{server.ws}{prefix_path}ws/") as ann:
            async with websockets.connect(f"{server.ws}{prefix_path}ws/") as bob:
                await ann.send("hi")
                self.assertEqual(await bob.recv(), "hi")
                self.assertEqual(await ann.recv(), "hi")


class ToolTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_refused(self, *arguments, says, cwd=None):
        """It ends with 1, says why in one line, and has changed nothing."""
        cwd = cwd or self.folder
        before = sorted(cwd.rglob("*"))
        done = tool(*arguments, cwd=cwd)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(sorted(cwd.rglob("*")), before)


class Help(ToolTestCase):
    def test_it_teaches(self):
        done = tool("--help", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^ +startproject +\S")
        self.assertRegex(done.stdout, r"(?m)^ +startapp +\S")
        for command in ["startproject", "startapp"]:
            self.assertIn(f"Try: c10k {command}", tool(command, "--help", cwd=self.folder).stdout)

    def test_the_version_is_that_of_the_package(self):
        said = tool("--version", cwd=self.folder).stdout.split()
        self.assertEqual(said, ["c10k", run("pkg-config", "--modversion", "c10k", cwd=self.folder).stdout.strip()])

    def test_wrong_arguments_end_with_2_and_tell_where_help_is(self):
        for line in ["", "nothing", "startproject", "startapp", "startproject a b c", "startapp a b", "--nothing"]:
            with self.subTest(line=line):
                done = tool(*line.split(), cwd=self.folder)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("--help", done.stderr)


class StartProject(ToolTestCase):
    def test_fills_in_every_name(self):
        self.assertEqual(tool("startproject", "mysite", cwd=self.folder).returncode, 0)
        files = {str(file.relative_to(self.folder)): file for file in self.folder.rglob("*") if file.is_file()}
        for name in ["CMakeLists.txt", "manage", "manage.cpp", "site.hpp", "hello/hello.cpp", "hello/static/hello/field.js", "tests/hello_test.cpp", "static/site/base.css",
                     "templates/site/head.html", "static/site/site.css", "c10k.conf", ".gitignore", ".clangd", "CMakePresets.json",
                     ".github/workflows/ci.yml", "README.md"]:
            self.assertIn(f"mysite/{name}", files)
        for name, file in files.items():
            self.assertNotRegex(name, "app_name|project_name")
            self.assertNotIn("{{ ", file.read_text(), name)
        for name in ["manage", "test"]:
            self.assertTrue(os.access(files[f"mysite/{name}"], os.X_OK), name)

    def test_takes_another_folder_that_is_absent_or_empty(self):
        (self.folder / "empty").mkdir()
        for place in ["some/where", "empty"]:
            self.assertEqual(tool("startproject", "mysite", place, cwd=self.folder).returncode, 0)
            self.assertTrue((self.folder / place / "manage.cpp").exists())

    def test_refuses_a_folder_that_is_not_empty(self):
        (self.folder / "mysite").mkdir()
        (self.folder / "mysite/diary.txt").write_text("mine")
        self.assert_refused("startproject", "mysite", says="not empty")
        self.assert_refused("startproject", "mysite", "mysite/diary.txt", says="is a file")

    def test_refuses_what_is_no_name(self):
        for name in ["", "1st", "my-site", "my site", "my.site", "../up", "/up", "über", "_mine"]:
            with self.subTest(name=name):
                self.assert_refused("startproject", name, says="letters, digits")
        for name in ["class", "co_await", "xor", "static", "alignas", "xor_eq"]:
            with self.subTest(name=name):
                self.assert_refused("startproject", name, says="word of C++")
        self.assert_refused("startproject", "my__site", says='"__"')
        self.assert_refused("startproject", "c10k", says="library")


    def test_refuses_a_path_in_which_nothing_can_be_built(self):
        for name in ["C#", "a[b", "a]b", "a;b", 'a"b', "a\\b", "a$b", "a<b", "a>b", "a|b", "a*b", "a?b", "a'b", "R&D", "a^b", "a`b", "a\nb", "a\tb"]:
            with self.subTest(name=name):
                outer = self.folder / name
                outer.mkdir()
                said = {"\n": "a line break", "\t": "a control character"}.get(name[1], name[1])
                self.assert_refused("startproject", "mysite", cwd=outer, says=f"path of the project has {said}, which")
                self.assert_refused("startproject", "mysite", f"{name}/x", says="name another folder")
        (self.folder / "linked").symlink_to(self.folder / "C#")
        self.assert_refused("startproject", "mysite", "linked/x", says="has #, which")

    def test_of_such_a_path_is_refused_by_cmake_too_if_the_project_is_moved(self):
        self.assertEqual(tool("startproject", "mysite", cwd=self.folder).returncode, 0)
        for name in ["C#", "a[b", "a]b", "a;b", 'a"b', "a$b", "a|b", "R&D"]:
            with self.subTest(name=name):
                moved = self.folder / name
                shutil.copytree(self.folder / "mysite", moved)
                done = run("./manage", "check", cwd=moved)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("The path of the project has", done.stderr)

    def test_names_a_folder_so_that_a_shell_takes_it(self):
        folder = "my (é) more"
        said = tool("startproject", "mysite", folder, cwd=self.folder).stdout
        [line] = [line.strip() for line in said.splitlines() if line.strip().startswith("cd ")]
        done = run("bash", "-c", f"{line} && ls", cwd=self.folder)
        self.assertIn("site.hpp", done.stdout, done.stderr)


class StartApp(ToolTestCase):
    def test_needs_a_project(self):
        self.assert_refused("startapp", "chat", says="c10k startproject NAME")

    def test_refuses_a_name_that_is_taken(self):
        tool("startproject", "mysite", cwd=self.folder)
        project = self.folder / "mysite"
        for name in ["hello", "tests", "templates", "test"]:
            self.assert_refused("startapp", name, cwd=project, says="there already")
        for name in ["site", "urls", "services", "build", "path", "middleware"]:
            self.assert_refused("startapp", name, cwd=project, says="something else")
        for name in ["class", "typeof", "requires"]:
            self.assert_refused("startapp", name, cwd=project, says="word of C++")
        self.assert_refused("startapp", "std", cwd=project, says="something else")
        self.assert_refused("startapp", "Site", cwd=project, says="something else")

    def test_refuses_a_name_that_may_be_a_macro(self):
        tool("startproject", "mysite", cwd=self.folder)
        for name in ["unix", "linux", "errno", "EOF", "NULL", "stdin", "stderr", "stdout", "assert", "major", "minor", "I",
                     "EINVAL", "INT_MAX", "SIGTERM", "TEST", "PROJECT_DIR", "PRId64", "SYS_read", "offsetof", "si_pid"]:
            with self.subTest(name=name):
                self.assert_refused("startapp", name, cwd=self.folder / "mysite", says="may be a macro")

    def test_refuses_every_macro_of_the_headers_that_a_project_includes(self):
        tool("startproject", "mysite", cwd=self.folder)
        (self.folder / "mysite/all.cpp").write_text(
            "#include <c10k/json.hpp>\n#include <c10k/client.hpp>\n#include <c10k/simulation.hpp>\n"
            '#include "site.hpp"\n#include <c10k/manage.hpp>\n#include <gtest/gtest.h>\n')
        said = run("g++", "-std=gnu++20", f"-I{prefix}/include", "-I.", '-DPROJECT_DIR=""', "-dM", "-E", "all.cpp",
                   cwd=self.folder / "mysite")
        names = set(re.findall(r"(?m)^#define ([A-Za-z]\w*)\b(?!\()", said.stdout))
        self.assertGreater(len(names), 1000, said.stderr)
        small = [name for name in sorted(names) if re.search("[a-z]", name) and "__" not in name]
        for name in small:
            with self.subTest(name=name):
                self.assert_refused("startapp", name, cwd=self.folder / "mysite", says="choose another name")

    def test_refuses_a_name_whose_class_is_there(self):
        project = self.folder / "mysite"
        tool("startproject", "mysite", cwd=self.folder)
        self.assert_refused("startapp", "Hello", cwd=project, says="would be HelloApp, which is there already, in hello/hello.hpp")
        self.assert_refused("startapp", "hello_", cwd=project, says="would be HelloApp")
        self.assert_refused("startapp", "HelloApp", cwd=project, says='leave out "App"')
        self.assertEqual(tool("startapp", "blog_2", cwd=project).returncode, 0)
        (project / "blog_2/.#blog_2.hpp").symlink_to("nobody@nowhere")  # as Emacs locks a file
        self.assert_refused("startapp", "blog2", cwd=project, says="would be Blog2App, which is there already")
        self.assert_refused("startapp", "Blog_2", cwd=project, says="would be Blog2App")
        self.assertEqual(tool("startapp", "blog", cwd=project).returncode, 0)
        self.assert_refused("startapp", "Blog", cwd=project, says="would be BlogApp")
        self.assertEqual(tool("startapp", "blog22", cwd=project).returncode, 0)

    def test_leaves_everything_as_it_is_if_one_file_is_there(self):
        tool("startproject", "mysite", cwd=self.folder)
        (self.folder / "mysite/tests/chat_test.cpp").write_text("mine")
        self.assert_refused("startapp", "chat", cwd=self.folder / "mysite", says="chat_test.cpp")


class Project(SiteTestCase):
    """Made, built, tested and served; then with another app."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = pathlib.Path(folder.name, "mysite")
        self.assertEqual(tool("startproject", "mysite", cwd=folder.name).returncode, 0)

    def run_tests(self):
        done = run("./test", cwd=self.project)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def serve(self):
        server = ManageServer(cwd=self.project, program=self.project / "manage")
        self.addCleanup(server.kill)
        return server

    def add_to_site(self, lines):
        """Puts the three lines that startapp printed where it said."""
        include, path, member = [line.split("  ")[0] for line in lines]
        site = self.project / "site.hpp"
        text = site.read_text().replace('#include "hello/hello.hpp"', f'{include}\n#include "hello/hello.hpp"')
        text = text.replace('            path("", include(', f'            {path}\n            path("", include(')
        site.write_text(text.replace("    HelloApp hello", f"    {member}\n    HelloApp hello"))

    async def test_works_under_a_strange_path_with_apps_of_strange_names(self):
        strange = self.project.parent / "my (é) @ 100%, +1 ~ {x} = y!:z"
        self.project = strange / "my site"
        self.assertEqual(tool("startproject", "mysite", self.project, cwd=strange.parent).returncode, 0)
        for app in ["main", "string", "builder"]:
            said = tool("startapp", app, cwd=self.project)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.add_to_site([line.strip() for line in said.stdout.splitlines() if line.startswith("    ")])
        self.assertIn("100% tests passed", self.run_tests())
        self.assertIn("no work to do", self.call("cmake", "--build", "build"))
        server = self.serve()
        for app in ["main", "string", "builder"]:
            await self.assert_app_answers(server, f"/{app}/", app)
        self.assertEqual(server.stop(), 0)

    async def test_works_at_once_and_with_another_app(self):
        self.assertIn("100% tests passed", self.run_tests())
        server = self.serve()
        with chromium() as browser:
            self.assert_is_welcome(browser, server)
        self.assertEqual(server.stop(), 0)

        said = tool("startapp", "chat_room", cwd=self.project)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(self.run_tests(), r"ChatRoomAppTest\.ShowsItsPage \.+ +Passed")
        self.add_to_site([line.strip() for line in said.stdout.splitlines() if line.startswith("    ")])
        server = self.serve()
        await self.assert_app_answers(server, "/chat_room/", "chat_room")
        self.assertEqual(server.stop(), 0)

    def assert_is_welcome(self, browser, server):
        """The first page of a project: what it shows is so, two of them hear each other, and it fits every window."""
        wait = lambda condition: wait_for(browser, condition, "")
        element = lambda id: browser.find_element(By.ID, id)
        browser.get(f"{server.http}/")
        self.assertEqual(browser.find_element(By.TAG_NAME, "h1").text, "It works.")
        self.assertIn(f"Served from 127.0.0.1:{server.port} by c10k", browser.find_element(By.CLASS_NAME, "title").text)
        source = (self.project / "hello/hello.cpp").read_text().splitlines()
        for line in browser.find_elements(By.CSS_SELECTOR, "pre span"):
            self.assertEqual(line.get_property("textContent"), source[int(line.get_attribute("data-n")) - 1])
        self.assertEqual([row.text for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")],
                         ["/static/<path:file> page static", "/ page hello:index", "/ws/ WebSocket hello:ws"])
        wait(lambda: element("state").text == "open" and re.fullmatch(r"\d+\.\d\d ms", element("trip").text))
        self.assertIn("One socket is open: yours.", element("open").text)
        for look in looks(browser):
            with self.subTest(look=look):
                self.assertEqual(axe(browser), [])
                self.assertLessEqual(sideways(browser), 0)
                self.assertEqual(browser.get_log("browser"), [])
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        browser.get(f"{server.http}/")
        wait(lambda: element("open").text == "2 sockets are open. The framed one is yours.")
        wait(lambda: element("say").find_element(By.TAG_NAME, "button").is_enabled())
        element("text").send_keys("<b>tea</b>", Keys.ENTER)
        wait(lambda: element("heard").text == "<b>tea</b>\nyou")
        browser.switch_to.window(first)
        wait(lambda: element("heard").text == "<b>tea</b>\nanother page")

    def call(self, *command, cwd="."):
        done = run(*command, cwd=self.project / cwd)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_is_built_and_tested_with_clang(self):
        self.call("cmake", "--preset", "clang")
        said = self.call("cmake", "--build", "--preset", "clang")
        self.assertNotIn("warning:", said)
        self.assertIn("100% tests passed", self.call("ctest", "--preset", "clang"))

    def test_shows_no_fault_in_an_editor_with_clangd(self):
        self.call("cmake", "--preset", "debug")
        for file in ["manage.cpp", "hello/hello.cpp", "tests/hello_test.cpp"]:
            with self.subTest(file=file):
                said = self.call("clangd", f"--check={file}")
                self.assertIn("All checks completed, 0 errors", said)

    def test_includes_what_it_uses_so_that_it_is_built_without_the_precompiled_header(self):
        self.call("cmake", "--preset", "release")
        for unit in json.loads((self.project / "build-release/compile_commands.json").read_text()):
            with self.subTest(file=unit["file"]):
                self.assertNotIn("cmake_pch", unit["command"])
                self.assertIn(" -O2 ", unit["command"])
                self.call(*shlex.split(unit["command"].partition(" -o ")[0]), "-fsyntax-only", "-Werror", unit["file"])

    def test_has_one_file_compiled_after_a_change_of_a_view_and_no_header_read_anew(self):
        self.call("./manage", "--help")
        view = self.project / "hello/hello.cpp"
        view.write_text(view.read_text() + "// changed\n")
        said = self.call("cmake", "--build", "build", "--target", "manage", "--verbose")
        compiled = [line for line in said.splitlines() if " -c " in line]
        self.assertEqual(len(compiled), 1, said)
        self.assertRegex(compiled[0], r" -Og -g1 .*-include \S+/cmake_pch\.hxx ")
        # So does g++ mark a precompiled header that it has used.
        header = self.project / "build/CMakeFiles/apps.dir/cmake_pch.hxx"
        command = shlex.split(compiled[0].partition("] ")[2])
        self.assertIn(f"! {header}.gch", self.call(*command, "-H", cwd="build"))


def leave_notes(file):
    """Puts beside the file what editors and other systems put there: a lock, which is a link to nowhere, and metadata."""
    (file.parent / f".#{file.name}").symlink_to("nobody@nowhere.1:2")
    (file.parent / f"._{file.name}").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X")
    (file.parent / f".{file.name}.swp").write_bytes(b"b0VIM 9.0")


class NamesThatBeginWithADot(ToolTestCase):
    def sources(self, project):
        """The files that its build would read."""
        configured = run("cmake", "-S", project, "-B", project / "build", "-G", "Ninja", cwd=self.folder)
        self.assertEqual(configured.returncode, 0, configured.stderr)
        return run("ninja", "-C", project / "build", "-t", "inputs", "all", cwd=self.folder).stdout.splitlines()

    def assert_no_sources(self, project):
        before = self.sources(project)
        files = [file for file in project.rglob("[!.]*") if file.suffix in (".cpp", ".hpp", ".py", ".md")
                 and "build" not in file.relative_to(project).parts]
        for file in files:
            leave_notes(file)
        hidden = project / ".notes"
        hidden.mkdir()
        (hidden / "notes.cpp").write_text("this is no program")
        self.assertGreater(len(files), 3)
        self.assertEqual(self.sources(project), before)

    def test_row_79_are_no_sources_of_a_project(self):
        self.assertEqual(tool("startproject", "mysite", cwd=self.folder).returncode, 0)
        self.assert_no_sources(self.folder / "mysite")

    def test_row_79_are_no_sources_of_this_one(self):
        copy = self.folder / "c10k"
        names = run("git", "ls-files", cwd=SOURCE).stdout.splitlines()
        if not names:
            self.skipTest("this is no checkout")
        for name in names:
            if (SOURCE / name).exists():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(SOURCE / name, copy / name, follow_symlinks=False)
        self.assert_no_sources(copy)
        tests = run("ctest", "--test-dir", copy / "build", "--show-only", cwd=copy).stdout
        self.assertNotRegex(tests, r"[:.] *\.[_#]|e2e\.\.")
        for lint in ["check_arrows.py", "check_requires.py", "check_sizes.py", "check_docs.py", "check_format"]:
            done = run(copy / "tools" / lint, cwd=copy)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class PkgConfig(ToolTestCase):
    def test_knows_all_that_a_program_needs(self):
        program = self.folder / "echo"
        command = f"g++ {SOURCE}/examples/echo.cpp $(pkg-config --cflags --libs c10k) -o {program}"
        done = run("bash", "-c", command, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(os.access(program, os.X_OK))


if __name__ == "__main__":
    unittest.main(verbosity=2)
