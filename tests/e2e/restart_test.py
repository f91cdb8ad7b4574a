"""serve and restart: one program after the other on the same sockets, and nobody is refused."""

import asyncio
import collections
import os
import shutil
import signal

import websockets

from support.cases import AsyncTestCase, main
from support.environment import MANAGE
from support.frames import TEXT, frame
from support.handshake import KEY
from support.process import Production, run
from support.tcp import RawClient
from support.waiting import PATIENCE, eventually

RESTARTS = 10
CONNECTS = 5_000
AT_ONCE = 50


async def talk(port):
    """One client: connects, says something, hears it, and goes. Whatever is not so is an exception."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /test/ws/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise AssertionError(head.splitlines()[0])
        writer.write(frame(TEXT, "hello"))
        heard = await reader.readexactly(18)
        if heard != b"\x81\x06Hello!\x81\x081. hello":
            raise AssertionError(heard)
    finally:
        writer.close()


class RestartTest(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Production()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"it ended with {status}:\n{cls.server.output}")

    async def test_nobody_is_refused_while_it_restarts(self):
        wrong = collections.Counter()
        talks = 0
        restarting = True

        async def keep_talking():
            nonlocal talks
            while restarting or talks < CONNECTS:
                talks += 1
                try:
                    await asyncio.wait_for(talk(self.server.port), PATIENCE)
                except (OSError, EOFError, AssertionError, asyncio.TimeoutError) as failure:
                    wrong[repr(failure)] += 1

        clients = [asyncio.ensure_future(keep_talking()) for _ in range(AT_ONCE)]
        programs = {self.server.serving()}
        for _ in range(RESTARTS):
            restarted = await asyncio.to_thread(self.server.restart)
            self.assertEqual(restarted.status, 0, restarted.output)
            programs.add(self.server.serving())
        restarting = False
        await asyncio.gather(*clients)
        print(f"{talks} connects during {RESTARTS} restarts: {sum(wrong.values())} failed")
        self.assertEqual(wrong, {})
        self.assertEqual(len(programs), RESTARTS + 1)

    async def test_websockets_are_closed_with_1012_and_what_was_sent_arrives(self):
        sockets = [await websockets.connect(f"ws://127.0.0.1:{self.server.port}/test/ws/") for _ in range(200)]
        for socket in sockets:
            await socket.send("before")
        self.server.signal(signal.SIGHUP)
        for socket in sockets:
            self.assertEqual([await socket.recv(), await socket.recv()], ["Hello!", "1. before"])
        await asyncio.gather(*(socket.wait_closed() for socket in sockets))
        self.assertEqual({socket.close_code for socket in sockets}, {1012})

    def test_the_installed_program_and_its_settings_are_taken(self):
        before = self.server.serving()
        new = self.server.folder / "new"
        shutil.copy(MANAGE, new)
        new.rename(self.server.manage)
        self.assertTrue(os.readlink(f"/proc/{before}/exe").endswith(" (deleted)"))
        (self.server.folder / "c10k.conf").write_text("max_message_bytes = 3\n")
        self.assertEqual(self.server.restart().status, 0)
        self.assertEqual(os.readlink(f"/proc/{self.server.serving()}/exe"), str(self.server.manage))
        connection = RawClient(self.server.port)
        self.addCleanup(connection.close)
        connection.open("/test/ws/")
        self.assertEqual(connection.text(), "Hello!")
        connection.send(frame(TEXT, "four"))
        self.assertEqual(connection.closed()[0], 1009)
        (self.server.folder / "c10k.conf").unlink()
        self.assertEqual(self.server.restart().status, 0)

    def test_a_program_that_does_not_start_leaves_the_old_one(self):
        before = self.server.serving()
        settings = self.server.folder / "c10k.conf"
        settings.write_text("prot = 80\n")
        self.addCleanup(settings.unlink)
        refused = run("restart", f"127.0.0.1:{self.server.port}")
        self.assertEqual(refused.status, 1)
        self.assertIn("the new program did not start: exit status 1", refused.output)
        self.server.wait_for("there is no setting 'prot'; did you mean 'port'")
        self.assertEqual(self.server.serving(), before)
        asyncio.run(talk(self.server.port))

    def test_a_program_that_dies_is_started_anew(self):
        before = self.server.serving()
        os.kill(before, signal.SIGKILL)
        eventually(lambda: self.server.serving() != before, "another program serves")
        asyncio.run(talk(self.server.port))
        self.assertIn("the program has ended by itself: killed by signal 9", self.server.output)

    def test_one_address_has_one_server(self):
        second = run("serve", f"127.0.0.1:{self.server.port}")
        self.assertEqual(second.status, 1)
        self.assertIn("cannot listen on 127.0.0.1", second.output)

    def test_nothing_is_there_to_restart(self):
        lonely = run("restart", "127.0.0.1:1")
        self.assertEqual(lonely.status, 1)
        self.assertIn("no `manage serve` of this user has 127.0.0.1:1", lonely.output)

    async def test_sigterm_is_the_end_for_all(self):
        server = Production()
        program = server.serving()
        sockets = [await websockets.connect(f"ws://127.0.0.1:{server.port}/test/ws/") for _ in range(1000)]
        stopping = asyncio.to_thread(server.stop)
        status, *_ = await asyncio.gather(stopping, *(socket.wait_closed() for socket in sockets))
        self.assertEqual(status, 0, server.output)
        self.assertEqual({socket.close_code for socket in sockets}, {1001})
        self.assertFalse(os.path.exists(f"/proc/{program}"))


if __name__ == "__main__":
    main()
