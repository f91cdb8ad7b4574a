"""runserver, which follows a program that is being changed: a small project that is built and changed for real."""

import asyncio
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

import websockets

from support.cases import AsyncTestCase, main
from support.waiting import PATIENCE
from support.watched import Project, Watched


def setUpModule():
    global project
    project = Project()


def tearDownModule():
    project.remove()


class ReloadTest(AsyncTestCase):
    def setUp(self):
        self.server = Watched(project)

    def tearDown(self):
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0, self.server.output)

    def after(self, change):
        """The state after a change, which makes some number larger."""
        before = self.server.state()
        change()
        now = self.server.until(lambda state: state != before, "the change is seen")
        return before, {**now, "seconds": before["seconds"]}  # how long it took differs each time

    def test_a_style_sheet_is_shown_without_a_new_program(self):
        before, now = self.after(lambda: project.replace("static/site.css", "1, 2, 3", "3, 2, 1"))
        self.assertEqual(now, {**before, "styles": before["styles"] + 1})
        self.assertIn("3, 2, 1", self.server.get("/static/site.css")[1])
        project.replace("static/site.css", "3, 2, 1", "1, 2, 3")

    def test_a_template_is_shown_without_a_new_program(self):
        before, now = self.after(lambda: project.replace("templates/index.html", "Hello", "Good day"))
        self.assertEqual(now, {**before, "pages": before["pages"] + 1})
        self.assertIn("Good day", self.server.get()[1])
        project.replace("templates/index.html", "Good day", "Hello")

    def test_what_git_ignores_is_left_out(self):
        (project.path / "ignored.css").write_text("h1 {}")
        (project.path / "build/left_out.css").write_text("h1 {}")
        before, now = self.after(lambda: project.replace("static/site.css", "h1", "h1, h2"))
        self.assertEqual(now["styles"], before["styles"] + 1)
        self.assertIn("Changed: static/site.css", self.server.output)
        self.assertNotIn("ignored.css", self.server.output)
        self.assertNotIn("left_out.css", self.server.output)
        project.replace("static/site.css", "h1, h2", "h1")

    def test_a_view_is_built_and_mistakes_are_shown_until_they_are_mended(self):
        project.replace("manage.cpp", '"one"', '"two"')
        self.server.until(lambda state: state["program"] == 2, "the new program serves")
        self.assertIn(">two<", self.server.get()[1])

        project.replace("manage.cpp", '"two"', "two")
        broken = self.server.until(lambda state: state["heading"], "the mistake is shown")
        self.assertEqual(broken["heading"], "The build failed")
        self.assertRegex(broken["sheet"], r"<code>manage\.cpp:23:\d+</code>")
        self.assertIn("‘two’ was not declared", broken["sheet"])
        self.assertIn("<u>two</u>", broken["sheet"])
        self.server.wait_for(r"manage\.cpp:23:\d+: error: ‘two’ was not declared")
        self.assertIn(">two<", self.server.get()[1])  # the program before it

        project.replace("manage.cpp", "two}", '"one"}')
        self.server.until(lambda state: state["program"] == 3 and not state["heading"], "the mistake is mended")
        self.assertIn(">one<", self.server.get()[1])

    def test_the_endless_lines_of_a_compiler_are_shown_as_far_as_one_reads(self):
        good = 'path("echo/", this, &Site::echo),'
        routes = "\n".join(f'path("many/{number}/", this, &Site::crash),' for number in range(149))
        first = self.server.state()["program"]
        project.replace("manage.cpp", good, f'{good}\n{routes}\npath("wrong/<int:number>/", this, &Site::crash),')
        broken = self.server.until(lambda state: state["heading"], "the mistake is shown")
        self.assertEqual(broken["heading"], "The build failed")
        self.assertLess(len(json.dumps(broken)), 128 * 1024)
        self.assertRegex(broken["sheet"], r"\[\d{5,} more bytes\]")
        self.server.wait_for(r"\[\d{5,} more bytes\]$")
        self.assertLess(max(map(len, self.server.output.splitlines())), 2_100)
        self.assertIn("/_c10k/reload.js", self.server.get()[1])

        project.replace("manage.cpp", f'\n{routes}\npath("wrong/<int:number>/", this, &Site::crash),', "")
        self.server.until(lambda state: not state["heading"], "the mistake is mended")
        self.assertGreaterEqual(self.server.state()["program"], first)

    def test_a_crash_is_shown_and_the_next_program_takes_its_place(self):
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.server.get("/crash/")
        state = self.server.until(lambda state: state["heading"], "the crash is shown")
        self.assertEqual(state["heading"], "The program crashed")
        self.assertIn("signal 6 (Aborted)", state["sheet"])
        status, page = self.server.get("/anything/")
        self.assertEqual(status, 503)
        self.assertIn("signal 6 (Aborted)", page)
        self.assertIn("/_c10k/reload.js", page)  # which shows the next one
        project.restart()
        self.server.until(lambda now: not now["heading"], "it serves again")
        self.assertEqual(self.server.get()[0], 200)

    def test_nobody_is_refused_while_programs_change(self):
        stop = threading.Event()
        wrong = []
        counts = [0, 0]

        def request(index, keep_alive):
            connection = None
            while not stop.is_set():
                try:
                    if connection is None or not keep_alive:
                        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
                    connection.request("GET", "/", headers={} if keep_alive else {"Connection": "close"})
                    answer = connection.getresponse()
                    text = answer.read()
                    if answer.status != 200 or b"<h1>Hello</h1>" not in text:
                        wrong.append((answer.status, text))
                    if answer.will_close:
                        connection.close()
                        connection = None
                    counts[index] += 1
                except (OSError, http.client.HTTPException) as failure:
                    wrong.append(repr(failure))
                    connection = None

        threads = [threading.Thread(target=request, args=arguments) for arguments in [(0, True), (1, False)]]
        for thread in threads:
            thread.start()
        first = self.server.state()["program"]
        for number in range(first + 1, first + 21):
            project.restart()
            self.server.until(lambda state: state["program"] == number, f"program {number} serves")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertGreater(min(counts), 20)
        print(f"{sum(counts)} requests during 20 reloads")

    async def test_websockets_are_closed_with_1012_after_the_grace(self):
        sockets = [await websockets.connect(f"ws://127.0.0.1:{self.server.port}/echo/") for _ in range(500)]
        first = self.server.state()["program"]
        project.restart()
        await asyncio.to_thread(self.server.until, lambda state: state["program"] > first, "the new program serves")
        await asyncio.gather(*(socket.wait_closed() for socket in sockets))
        self.assertEqual({socket.close_code for socket in sockets}, {1012})

    def test_changes_are_found_where_the_file_system_does_not_tell(self):
        polling = Watched(project, "--poll")
        before = polling.state()
        project.replace("templates/index.html", "Hello", "Good evening")
        polling.until(lambda state: state["pages"] > before["pages"], "the change is seen")
        project.replace("templates/index.html", "Good evening", "Hello")
        polling.signal(signal.SIGTERM)
        self.assertEqual(polling.wait(), 0, polling.output)

    async def test_the_end_is_the_end_for_all(self):
        server = Watched(project)
        program = server.program()
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo/") as socket:
            server.signal(signal.SIGINT)
            await socket.wait_closed()
            self.assertEqual(socket.close_code, 1001)
        self.assertEqual(await asyncio.to_thread(server.wait), 0)
        self.assertFalse(os.path.exists(f"/proc/{program}"))


class FullTableTest(AsyncTestCase):
    """The kernel has no more room for watched folders: a limit of a user namespace, as that of a user would be."""

    def serve(self, limit, most):
        if subprocess.run(["unshare", "-Ur", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no user namespaces here")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        script = pathlib.Path(folder.name, "manage")
        script.write_text(f"""#!/bin/sh
            exec unshare -Ur sh -c 'echo {most} >/proc/sys/user/{limit}; exec "$@"' sh {project.path}/build/manage "$@"
            """.lstrip())
        script.chmod(0o755)
        server = Watched(project, program=script)
        self.addCleanup(server.kill)
        return server

    def assert_follows_and_said_it_once(self, server, option):
        for new in ["Good evening", "Hello"]:
            before = server.state()
            text = re.sub("<h1>.*</h1>", f"<h1>{new}</h1>", (project.path / "templates/index.html").read_text())
            (project.path / "templates/index.html").write_text(text)
            server.until(lambda state: state["pages"] > before["pages"], "the change is seen")
            self.assertIn(new, server.get()[1])
        said = [line for line in server.stderr if "twice a second" in line]
        self.assertEqual(len(said), 1, server.output)
        self.assertIn(f"sysctl -w fs.inotify.{option}=", said[0])
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0, server.output)

    def test_at_the_start_the_server_serves_and_looks_at_the_files(self):
        self.assert_follows_and_said_it_once(self.serve("max_inotify_watches", 1), "max_user_watches")

    def test_without_any_watches_left_for_the_user_too(self):
        self.assert_follows_and_said_it_once(self.serve("max_inotify_instances", 0), "max_user_instances")

    def test_later_the_server_goes_on_and_looks_at_the_files(self):
        server = self.serve("max_inotify_watches", 4)
        for number in range(4):
            folder = project.path / f"more{number}"
            folder.mkdir()
            self.addCleanup(folder.rmdir)
        server.wait_for("twice a second")
        self.assertEqual(server.state()["program"], 1, "nothing has changed for which it had to start anew")
        self.assert_follows_and_said_it_once(server, "max_user_watches")


if __name__ == "__main__":
    main(longest=1700)
