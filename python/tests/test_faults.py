"""Reloads and ends of runserver while many clients are there."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import textwrap
import time

from django.test import SimpleTestCase

from census import Traffic, check_slope
from raw_client import CLOSE, RawWebSocket, allow_many_files
from server import HERE, PATIENCE, RunServer, needs_engine

FULL = "C10K_FULL" in os.environ

#: A manage.py that says how the children of the reloader end.
MANAGE = """
    import os
    import subprocess
    import sys

    from django.core.management import execute_from_command_line


    class Observed(subprocess.Popen):
        def wait(self, timeout=None):
            code = super().wait(timeout)
            print(f"Child {self.pid} has ended with {code}.", flush=True)
            return code


    if __name__ == "__main__":
        if "RUN_MAIN" not in os.environ:
            subprocess.Popen = Observed
        execute_from_command_line(sys.argv)
"""


class ManagePy(RunServer):
    """``manage.py runserver``, with the reloader."""

    def __init__(self, *options, **more):
        super().__init__(*options, program=("manage.py",), **more)
        with open(f"{self.folder.name}/manage.py", "w") as file:
            file.write(textwrap.dedent(MANAGE))

    async def reload(self):
        """Touches a source file until the reloader has seen it, and waits for the banner of the new process."""
        views, begin = self.project / "views.py", len(self.log)
        for _ in range(PATIENCE):
            os.utime(views)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.logs(r"views\.py changed, reloading", begin)
                    break
        await self.logs("Starting c10k development server", begin)

    async def logs(self, pattern, begin):
        """Waits for a line from the one with the number ``begin`` on."""
        end = time.monotonic() + PATIENCE
        while True:
            while begin < len(self.log):
                if re.search(pattern, self.log[begin]):
                    return
                begin += 1
            if time.monotonic() > end or self.process.poll() is not None:
                for child in self.children():
                    os.kill(child, signal.SIGABRT)  # faulthandler shows where its threads are
                raise AssertionError(f"no line has {pattern!r}:\n" + "".join(self.log[-50:]))
            await asyncio.sleep(0.01)

    def children(self):
        return children_of(self.process.pid)

    def descriptors(self, pid=None):
        return len(os.listdir(f"/proc/{pid or self.process.pid}/fd"))


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(each) for each in file.read().split()]


class Visitors:
    """Clients that come every 10 ms, whatever has become of those before."""

    def __init__(self, server):
        self.server = server
        self.answers, self.refused = [], []

    async def __aenter__(self):
        self._coming = asyncio.create_task(self._come())
        return self

    async def __aexit__(self, *failure):
        self._coming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._coming

    async def _come(self):
        async with asyncio.TaskGroup() as visits:
            try:
                for number in range(10**9):
                    visits.create_task(self._note(self._open_websocket() if number % 5 == 0 else self._get()))
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                pass  # those that are there get their answers

    async def _note(self, visit):
        try:
            async with asyncio.timeout(PATIENCE):
                self.answers.append(await visit)
        except (OSError, EOFError, TimeoutError) as error:
            self.refused.append(repr(error))

    async def _get(self):
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
        try:
            writer.write(b"GET /page/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            if not answer.endswith(b"A page"):
                raise ConnectionError(repr(answer))
            return answer[:12]
        finally:
            writer.close()

    async def _open_websocket(self):
        ws = await RawWebSocket.open(self.server.host, self.server.port, "/pid/")
        answer = await ws.recv()
        ws.writer.close()
        return answer


class Talkers:
    """Clients that send and check echoes without a pause, and come back when the server closes them."""

    def __init__(self, server, count):
        self.server, self.count = server, count
        self.codes, self.wrong, self.echoes = [], [], 0

    async def __aenter__(self):
        self.is_over = False
        self._tasks = [asyncio.create_task(self._talk(number)) for number in range(self.count)]
        return self

    async def __aexit__(self, *failure):
        self.is_over = True
        await asyncio.wait(self._tasks)
        self.wrong += [repr(task.exception()) for task in self._tasks if task.exception()]

    async def _talk(self, number):
        while not self.is_over:
            ws = await RawWebSocket.open(self.server.host, self.server.port, "/echo/")
            try:
                while not self.is_over:
                    ws.send(f"message of {number}")
                    opcode, payload = await ws.recv()
                    if opcode == CLOSE:
                        self.codes.append(await ws.end(payload))
                        break
                    if payload.decode() != f"message of {number}":
                        self.wrong.append(payload)
                    self.echoes += 1
                    await asyncio.sleep(0.01)
            except (OSError, EOFError) as error:
                self.wrong.append(repr(error))
            finally:
                ws.writer.close()

    async def hear(self):
        """Waits until each has had an echo."""
        end = time.monotonic() + PATIENCE
        goal = self.echoes + 3 * self.count
        while self.echoes < goal:
            if time.monotonic() > end or any(task.done() for task in self._tasks):
                raise AssertionError("echoes do not come")
            await asyncio.sleep(0.01)


@needs_engine
class Reloads(SimpleTestCase):
    async def test_nobody_is_refused_during_many_reloads(self):
        count = 100 if FULL else 5
        with ManagePy() as server:
            async with Visitors(server) as visitors:
                for _ in range(count):
                    await server.reload()
            self.assertEqual(server.stop(), 0)
        self.assertEqual(visitors.refused, [])
        self.assertGreater(len(visitors.answers), 10 * count)
        codes = re.findall(r"Child \d+ has ended with (-?\d+)", "".join(server.log))
        self.assertEqual(codes, ["3"] * count + ["0"])

    async def test_reloads_under_load_close_with_1012_and_leave_nothing(self):
        count, clients = (50 if FULL else 3), 50
        with ManagePy() as server:
            async with Talkers(server, clients) as talkers:
                await talkers.hear()
                (child,) = server.children()
                before = (server.descriptors(), server.descriptors(child))
                for number in range(1, count + 1):
                    await server.reload()
                    await talkers.hear()
                    self.assertEqual(talkers.codes, [1012] * clients * number)
                    (child,) = server.children()
                    self.assertEqual((server.descriptors(), server.descriptors(child)), before)
            self.assertEqual(server.stop(), 0)
        self.assertEqual(talkers.wrong, [])
        self.assertNotIn("Traceback", "".join(server.log))


#: What a project needs to show its census.
CENSUS = """
def show_census(request):
    import census
    from django.http import JsonResponse

    return JsonResponse({**census.census(), "connections": census.connections()})


urlpatterns.append(path("census/", show_census))
"""


@needs_engine
class Leaks(SimpleTestCase):
    """Nothing stays of many thousands of visits."""

    rounds, count = (25, 200) if FULL else (2, 50)

    async def check(self, **more):
        paths = {
            "closed_by_client": "/echo/", "closed_by_view": "/rooms/tea/41/", "ended_by_exception": "/raises/",
            "refused": "/members/", "reset": "/echo/", "reset_in_the_handshake": "/echo/", "page": "/page/",
            "upload": "/body/", "reset_in_the_upload": "/body/", "reset_in_the_answer": "/stream/100000000/",
        }  # fmt: skip
        server = RunServer("--noreload", debug=False, **more)
        with open(server.project / "urls.py", "a") as file:
            file.write(CENSUS)
        for name in ("census.py", "raw_client.py"):
            shutil.copy(HERE / name, server.folder.name)
        with server:
            traffic = Traffic(server.port, paths, "/census/")
            await check_slope(self, traffic, rounds=self.rounds, count=self.count, late=100)

    async def test_views_and_pages_keep_nothing_of_those_who_have_gone(self):
        await self.check()

    async def test_views_and_asgi_pages_keep_nothing_of_those_who_have_gone(self):
        await self.check(settings={"ASGI_APPLICATION": "project.asgi.application"})


@needs_engine
class Termination(SimpleTestCase):
    """SIGTERM and SIGINT with a thousand sockets."""

    count = 1000

    async def check(self, number, *options):
        allow_many_files()
        with ManagePy(*options) as server:
            sockets = []
            for _ in range(self.count // 50):
                opening = (RawWebSocket.open(server.host, server.port, "/echo/") for _ in range(50))
                sockets += await asyncio.gather(*opening)
            ends = [asyncio.create_task(each.end()) for each in sockets]
            self.assertEqual(await asyncio.to_thread(server.stop, number), 0)
            self.assertEqual(await asyncio.gather(*ends), [1001] * self.count)

    async def test_all_get_a_close_frame_of_a_server_without_reloader(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                await self.check(number, "--noreload")

    async def test_all_get_a_close_frame_of_the_reloaders_child_that_ends_before_its_parent(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                await self.check(number)

    async def test_a_view_that_ignores_its_cancellation_holds_neither_an_end_nor_a_reload(self):
        with ManagePy() as server:
            ws = await RawWebSocket.open(server.host, server.port, "/stubborn/")
            await ws.recv()
            await server.reload()
            self.assertIn("View stubborn has not ended although it was cancelled", "".join(server.log))
            self.assertEqual(await ws.end(), 1012)
            ws = await RawWebSocket.open(server.host, server.port, "/stubborn/")
            await ws.recv()
            self.assertEqual(await asyncio.to_thread(server.stop, signal.SIGTERM), 0)
            self.assertEqual(await ws.end(), 1001)

    async def test_a_second_signal_ends_at_once(self):
        with ManagePy(settings={"C10K_STOP_SECONDS": 1000}) as server:
            ws = await RawWebSocket.open(server.host, server.port, "/stubborn/")
            await ws.recv()
            server.process.terminate()
            self.assertEqual((await ws.recv())[0], CLOSE)
            self.assertEqual(await asyncio.to_thread(server.stop, signal.SIGTERM), 0)
