"""Row 79: what is saved, moved or left behind by an editor at any moment of a build. What runs is what is on disk.

The build stops at each of its own steps until the test has saved: a script that waits starts its compiler and its linker.
Each moment is tried with one kind of save; with C10K_FULL=1 with each kind, three times.
"""

import contextlib
import fcntl
import http.client
import itertools
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import unittest

from support import watched
from support.cases import main
from support.environment import FULL
from support.waiting import eventually
from support.watched import Project, Watched

# Reads the source before it compiles it, so that there is a moment between the two.
LAUNCHER = """\
    #!/bin/sh
    # launcher compile|link PROGRAM ARGUMENT...
    gates=$(dirname "$0")/.gates
    step=$1
    shift
    echo "$step $*" >>"$gates/log"
    stop() {{
        [ -e "$gates/stop-$1" ] || return 0
        mv "$gates/stop-$1" "$gates/here-$1"
        while [ -e "$gates/here-$1" ]; do sleep 0.01; done
    }}
    stop "before-$step"
    case "$step $*" in
        "compile "*words.cpp*)
            object=CMakeFiles/manage.dir/words.cpp.o
            "$@" -E && mv "$object" "$object.ii" || exit
            stop read
            "$1" -std=gnu++20 -x c++-cpp-output -c "$object.ii" -o "$object" || exit
            ;;
        *) "$@" || exit ;;
    esac
    stop "after-$step"
    """

FILES = {
    "CMakeLists.txt": watched.FILES["CMakeLists.txt"].replace("add_executable(manage manage.cpp)", """\
        set(CMAKE_CXX_COMPILER_LAUNCHER ${{CMAKE_SOURCE_DIR}}/launcher compile)
        set(CMAKE_CXX_LINKER_LAUNCHER ${{CMAKE_SOURCE_DIR}}/launcher link)
        include(more.cmake)
        configure_file(made.hpp.in made.hpp)
        file(GLOB sources CONFIGURE_DEPENDS [!.]*.cpp)
        add_executable(manage ${{sources}})
        target_include_directories(manage PRIVATE ${{CMAKE_BINARY_DIR}})""".lstrip()),
    "launcher": LAUNCHER,
    "more.cmake": 'add_compile_definitions(CMAKE_WORD="cmake0")\n',
    "made.hpp.in": '#define MADE_WORD "made0"\n',
    "manage.cpp": watched.FILES["manage.cpp"].replace("#include <cstdlib>", '#include "words.hpp"')
    .replace("std::abort()", "return {{}}").replace('"one"', "words()"),
    "words.hpp": "#include <string>\nstd::string words();\n",
    "words.cpp": """\
        #include "words.hpp"
        #include "inner/header.hpp"
        #include "made.hpp"

        std::string words() {{
            return "source0 " HEADER_WORD " " CMAKE_WORD " " MADE_WORD " "
        #include "text.inc"
                ;
        }}
        """,
    "inner/header.hpp": '#define HEADER_WORD "header0"\n',
    "text.inc": '"text0"\n',
    "templates/index.html": "<p>page0 {{{{version}}}}</p>\n",
}

# The page shows one word of each file, which begins like this.
WORDS = {"words.cpp": "source", "inner/header.hpp": "header", "templates/index.html": "page", "text.inc": "text",
         "more.cmake": "cmake", "made.hpp.in": "made"}

STOPS = ["before-compile", "read", "after-compile", "before-link", "after-link"]
MOMENTS = ["at once", "Changed:", "Building", *STOPS, "started", "Reloaded"]


class Site:
    """The project, and who saves its files."""

    def __init__(self, **options):
        self.numbers = itertools.count(1)
        self.project = Project(FILES, before=self.prepare, **options)
        self.path = self.project.path

    @staticmethod
    def prepare(path):
        (path / "launcher").chmod(0o755)
        (path / ".gates").mkdir()

    # ---- The user

    def text(self, name, word):
        """The file's text as it would be with another word."""
        old = next(part for part in self.words(name) if part.startswith(WORDS[name]))
        return (self.path / name).read_text().replace(old, word)

    def words(self, name):
        return (self.path / name).read_text().replace('"', " ").replace("<p>", " ").split()

    def new_word(self, name):
        return f"{WORDS[name]}{next(self.numbers)}x"

    def write(self, name, word):
        (self.path / name).write_text(self.text(name, word))

    def move_older(self, name, word):
        """Moves another file over it that was written long ago."""
        other = self.path / ".gates/older"
        other.write_text(self.text(name, word))
        os.utime(other, (1_000_000_000, 1_000_000_000))
        other.rename(self.path / name)

    def move_folder(self, name, word):
        """Moves another folder over that of the file, in which all files are old. No file's own entry changes."""
        folder = (self.path / name).parent
        other = self.path / ".gates" / f"folder-{word}"
        shutil.copytree(folder, other)
        file = other / (self.path / name).name
        file.write_text(self.text(name, word))
        os.utime(file, (1_000_000_000, 1_000_000_000))
        folder.rename(self.path / ".gates" / f"before-{word}")
        other.rename(folder)

    def write_from_the_future(self, name, word):
        self.write(name, word)
        os.utime(self.path / name, (4_000_000_000, 4_000_000_000))

    # ---- The build

    def stop_at(self, stop):
        (self.path / ".gates" / f"stop-{stop}").touch()

    def is_at(self, stop):
        return (self.path / ".gates" / f"here-{stop}").exists()

    def go_on(self, stop):
        (self.path / ".gates" / f"here-{stop}").unlink()


class SavesTestCase(unittest.TestCase):
    options = {}  # of the project

    @classmethod
    def setUpClass(cls):
        cls.site = Site(**cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.site.project.remove()

    def setUp(self):
        self.server = None
        for left in [*self.site.path.glob(".gates/stop-*"), *self.site.path.glob(".gates/here-*")]:
            left.unlink()  # by a test that failed

    def serve(self):
        self.server = Watched(self.site.project)
        self.addCleanup(self.server.kill)

    def end(self):
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0, self.server.output)

    def assert_shown(self, word):
        def look():
            with contextlib.suppress(OSError, EOFError, http.client.HTTPException):
                return re.search(rf"\b{word}\b", self.server.get()[1])

        eventually(look, f"{word} is shown\n{self.server.output}", builder=self.server.pid)

    def programs(self):
        children = pathlib.Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        found = set()
        for child in children:
            with contextlib.suppress(OSError):
                if b"--noreload" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(child)
        return found

    def save_at(self, moment, name, save):
        """Has a build begin with one save, and saves once more at that moment of it."""
        trigger = "words.cpp" if name == "templates/index.html" else name
        start = self.server.line_count
        programs = self.programs()
        if moment in STOPS:
            self.site.stop_at(moment)
        self.site.write(trigger, self.site.new_word(trigger))
        if moment in STOPS:
            eventually(lambda: self.site.is_at(moment), moment, builder=self.server.pid)
        elif moment == "started":
            eventually(lambda: self.programs() - programs, moment, builder=self.server.pid)
        elif moment != "at once":
            self.server.wait_for(f"^{moment}", start)
        word = self.site.new_word(name)
        save(name, word)
        if moment in STOPS:
            self.site.go_on(moment)
        self.assert_shown(word)
        if moment in STOPS and name == trigger:
            self.server.wait_for("^Reloaded", start)
            reloaded = [line for line in self.server.output.splitlines()[start:] if line.startswith("Reloaded")]
            self.assertEqual(len(reloaded), 1, "what was out of date was shown")


class Saves(SavesTestCase):
    def test_row_79_a_save_at_any_moment_of_a_build_is_shown(self):
        self.serve()
        site = self.site
        kinds = [(name, save) for save in (site.write, site.move_older) for name in list(WORDS)[:3]]
        for index, moment in enumerate(MOMENTS):
            # The compiler has read the file, and the object is not there yet: most is lost then.
            some = kinds if moment == "read" else [kinds[index % len(kinds)]]
            for name, save in 3 * kinds if FULL else some:
                with self.subTest(moment, file=name, save=save.__name__):
                    self.save_at(moment, name, save)
        self.end()

    def test_row_79_whatever_the_build_reads_is_followed(self):
        self.serve()
        for name in list(WORDS)[3:]:
            for save in (self.site.write, self.site.move_older):
                with self.subTest(name, save=save.__name__):
                    word = self.site.new_word(name)
                    save(name, word)
                    self.assert_shown(word)
        self.end()

    def test_row_79_a_save_before_the_server_knows_what_the_build_reads_is_shown(self):
        record = self.site.path / "build/.c10k-record"
        self.serve()
        eventually(record.exists, "the build is checked", builder=self.server.pid)
        self.end()
        # The check of the build at the start has looked at the files, and stands still as it writes its record.
        next_record = record.with_name(".c10k-record.new")
        os.mkfifo(next_record)
        with open(os.open(next_record, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
            self.assertGreater(record.stat().st_size, fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096))
            self.serve()
            eventually(lambda: select.select([pipe], [], [], 0)[0], "the record is written", builder=self.server.pid)
            next_record.unlink()
            shutil.copy(record, next_record)
            word = self.site.new_word("text.inc")
            self.site.write("text.inc", word)
            self.site.write("templates/index.html", self.site.new_word("templates/index.html"))
            self.server.wait_for("^Changed: templates/index.html")
            os.set_blocking(pipe.fileno(), True)
            pipe.read()
        self.assert_shown(word)
        self.end()

    def test_row_79_a_folder_that_takes_the_place_of_another_is_followed(self):
        self.serve()
        word = self.site.new_word("inner/header.hpp")
        self.site.move_folder("inner/header.hpp", word)
        self.assert_shown(word)
        self.end()
        word = self.site.new_word("inner/header.hpp")
        self.site.move_folder("inner/header.hpp", word)
        self.serve()
        self.assert_shown(word)
        self.end()

    def test_row_79_files_from_the_future_are_followed_and_so_are_those_that_come_after_them(self):
        self.serve()
        for name in ["words.cpp", "inner/header.hpp", "more.cmake"]:
            for save in (self.site.write_from_the_future, self.site.write):
                with self.subTest(name, save=save.__name__):
                    word = self.site.new_word(name)
                    save(name, word)
                    self.assert_shown(word)
        self.end()

    def test_row_79_what_only_has_the_name_of_a_changed_file_is_not_built(self):
        self.serve()
        other = self.site.path / "other"
        other.mkdir()
        (other / "header.hpp").write_text("#define OTHER_WORD 0\n")
        (self.site.path / "other.cpp").write_text('#include "other/header.hpp"\nint other() { return OTHER_WORD; }\n')
        self.site.write("words.cpp", word := self.site.new_word("words.cpp"))
        self.assert_shown(word)
        log = self.site.path / ".gates/log"
        self.assertRegex(log.read_text(), r" -c \S*other\.cpp\n")
        log.unlink()
        self.site.write("inner/header.hpp", word := self.site.new_word("inner/header.hpp"))
        self.assert_shown(word)
        self.assertRegex(log.read_text(), r" -c \S*words\.cpp\n")
        self.assertNotRegex(log.read_text(), r" -c \S*other\.cpp\n")
        self.end()

    def test_row_79_a_new_file_that_an_include_means_now_is_followed(self):
        self.serve()
        (self.site.path / "text.inc").rename(self.site.path / "inner/text.inc")
        with (self.site.path / "CMakeLists.txt").open("a") as file:
            file.write("target_include_directories(manage PRIVATE ${CMAKE_SOURCE_DIR}/inner)\n")
        self.site.write("words.cpp", word := self.site.new_word("words.cpp"))
        self.assert_shown(word)
        (self.site.path / "text.inc").write_text('"texthere"\n')
        self.assert_shown("texthere")
        (self.site.path / "text.inc").unlink()
        self.assert_shown("text0")
        (self.site.path / "inner/text.inc").rename(self.site.path / "text.inc")
        self.assert_shown("text0")
        self.end()

    def test_row_79_a_save_during_the_build_before_the_server_is_shown(self):
        self.site.write("words.cpp", self.site.new_word("words.cpp"))
        self.site.stop_at("read")
        with subprocess.Popen(["cmake", "--build", "build"], cwd=self.site.path, stdout=subprocess.DEVNULL) as build:
            eventually(lambda: self.site.is_at("read"), "the source is read", builder=build.pid)
            word = self.site.new_word("inner/header.hpp")
            self.site.write("inner/header.hpp", word)
            self.site.go_on("read")
        self.assertEqual(build.returncode, 0)
        self.serve()
        self.assert_shown(word)
        self.end()

    def test_row_79_an_older_file_that_came_while_no_server_ran_is_shown(self):
        self.serve()
        self.end()
        word = self.site.new_word("inner/header.hpp")
        self.site.move_older("inner/header.hpp", word)
        self.serve()
        self.assert_shown(word)
        self.end()

    def test_row_79_a_build_whose_server_was_killed_is_finished_by_the_next(self):
        for stop in ["read", "before-link"]:
            self.serve()
            self.site.stop_at(stop)
            word = self.site.new_word("words.cpp")
            self.site.move_older("words.cpp", word)
            eventually(lambda: self.site.is_at(stop), stop, builder=self.server.pid)
            self.server.signal(signal.SIGKILL)
            self.site.go_on(stop)
            self.server.kill()
            # The processes of the build end by themselves, as the lock tells; ./manage waits for them, too.
            subprocess.run(["flock", "build/.lock", "true"], cwd=self.site.path, check=True)
            self.serve()
            self.assert_shown(word)
            self.end()

    def test_row_79_what_is_as_it_was_built_is_not_built_again(self):
        for _ in range(2):
            self.serve()
            word = self.site.new_word("templates/index.html")
            self.site.write("templates/index.html", word)
            self.assert_shown(word)
            self.site.project.restart()
            self.server.until(lambda state: state["program"] == 2, "the second program serves")
            self.end()
        self.assertNotIn("Building", self.server.output)

    def test_row_79_what_editors_leave_beside_a_file_is_no_source(self):
        self.serve()
        start = self.server.line_count
        notes = [self.site.path / name for name in [".#words.cpp", "._words.cpp", ".words.cpp.swp", "#words.cpp#",
                                                    "words.cpp~", "4913", "static/.#site.css", "templates/#index.html#"]]
        notes[0].symlink_to("nobody@nowhere.1:2")
        for note in notes[1:]:
            note.write_text("\0\5\26\7 this is no program")
        before = self.server.state()
        word = self.site.new_word("words.cpp")
        self.site.write("words.cpp", word)
        self.assert_shown(word)
        for note in notes:
            note.unlink()
        word = self.site.new_word("inner/header.hpp")
        self.site.write("inner/header.hpp", word)
        self.assert_shown(word)
        now = self.server.until(lambda state: not state["heading"], "nothing is wrong")
        self.assertEqual((now["styles"], now["pages"]), (before["styles"], before["pages"]))
        changed = [line for line in self.server.output.splitlines()[start:] if line.startswith("Changed: ")]
        self.assertEqual(changed, ["Changed: words.cpp", "Changed: inner/header.hpp"])
        self.end()

    def test_row_79_settings_that_are_saved_during_a_build_are_used(self):
        self.serve()
        self.site.stop_at("after-link")
        self.site.write("words.cpp", self.site.new_word("words.cpp"))
        eventually(lambda: self.site.is_at("after-link"), "it is linked", builder=self.server.pid)
        with (self.site.path / "c10k.conf").open("a") as settings:
            settings.write("verbosity = 2\n")
        self.server.wait_for("^Changed: c10k.conf")
        self.site.go_on("after-link")
        self.server.until(lambda state: state["program"] == 2, "the second program serves")
        self.assertNotIn("did not start", self.server.output)
        self.end()

    def test_row_79_what_could_not_be_built_stays_on_the_page_when_the_settings_change(self):
        self.serve()
        good = (self.site.path / "words.cpp").read_text()
        (self.site.path / "words.cpp").write_text("this is no program")
        self.server.until(lambda state: state["heading"] == "The build failed", "the mistake is shown")
        self.site.project.restart()
        state = self.server.until(lambda state: state["program"] == 2, "the second program serves")
        self.assertEqual(state["heading"], "The build failed")
        self.end()
        self.serve()
        self.server.until(lambda state: state["heading"] == "The build failed", "the mistake is shown again")
        (self.site.path / "words.cpp").write_text(good)
        self.server.until(lambda state: not state["heading"], "the mistake is mended")
        self.end()


class SavesWithMake(SavesTestCase):
    options = {"generator": "Unix Makefiles"}

    def test_row_79_a_save_during_a_build_is_shown(self):
        self.serve()
        for name, save in [("words.cpp", self.site.write), ("inner/header.hpp", self.site.move_older)]:
            self.save_at("read", name, save)
        word = self.site.new_word("more.cmake")
        self.site.move_older("more.cmake", word)
        self.assert_shown(word)
        self.end()


class SavesBehindALink(SavesTestCase):
    options = {"linked": True}

    def test_row_79_a_save_during_a_build_is_shown(self):
        self.serve()
        for name, save in [("words.cpp", self.site.write), ("inner/header.hpp", self.site.move_older)]:
            self.save_at("read", name, save)
        for save in (self.site.write, self.site.move_older):
            word = self.site.new_word("more.cmake")
            save("more.cmake", word)
            self.assert_shown(word)
        self.assertNotIn("keep changing", self.server.output)
        self.end()


if __name__ == "__main__":
    main(longest=1700)
