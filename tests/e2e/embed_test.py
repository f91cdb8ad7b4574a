"""examples/embed: a program with a main loop of its own, in which the server is embedded."""

import asyncio
import subprocess
import threading

from support.cases import CommandTestCase, main
from support.environment import BUILD
from support.foreign import soon, websocket
from support.tcp import RawClient
from support.waiting import PATIENCE

PROGRAM = BUILD / "examples/embed"


class Host:
    """The program, and the person who types into it."""

    def __init__(self):
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", PROGRAM, "0"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self._guard = threading.Timer(PATIENCE, self.process.kill)
        self._guard.start()
        self.port = int(self.read().rsplit(":")[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self._guard.cancel()

    def read(self):
        return self.process.stdout.readline().rstrip("\n")

    def type(self, line):
        self.process.stdin.write(line + "\n")

    def leave(self):
        """Ends the input. Returns the exit status."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


class TestEmbed(CommandTestCase):
    def test_waits_for_its_own_input_and_for_websockets_at_once(self):
        with Host() as host:
            async def chat():
                async with websocket(f"ws://127.0.0.1:{host.port}/") as ann, \
                           websocket(f"ws://127.0.0.1:{host.port}/") as bob:
                    self.assertEqual(bob.response_headers["X-Members"], "2")
                    await ann.send("hello")
                    for member in (ann, bob):
                        self.assertEqual(await soon(member.recv()), "hello")
                    self.assertEqual(host.read(), "hello")
                    host.type("welcome")
                    for member in (ann, bob):
                        self.assertEqual(await soon(member.recv()), "welcome")
                    status = asyncio.get_running_loop().run_in_executor(None, host.leave)
                    for member in (ann, bob):
                        await soon(member.wait_closed())
                        self.assertEqual(member.close_code, 1001)
                    self.assertEqual(await soon(status), 0)
            asyncio.run(chat())

    def test_answers_a_browser_that_opens_the_address(self):
        with Host() as host:
            client = RawClient(host.port, tls=False)
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertIn(b"Open a WebSocket here", client.rest())
            client.close()
            self.assertEqual(host.leave(), 0)


if __name__ == "__main__":
    main()
