"""./demo, as a newcomer runs it: what it says, how it ends, and that it leaves nothing behind."""

import os
import signal
import socket
import subprocess
import unittest
from pathlib import Path

from support.environment import SOURCE
from support.tcp import reserved_port
from support.waiting import PATIENCE

DEMO = SOURCE / "demo"


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class DemoScript(unittest.TestCase):
    def setUp(self):
        self.port = self.enterContext(reserved_port())

    def start(self, *options):
        demo = subprocess.Popen(
            [DEMO, *options, "--port", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.kill)
        return demo

    def run_to_end(self, *options):
        demo = self.start(*options)
        output, _ = demo.communicate(timeout=4 * PATIENCE)
        self.assertFalse(is_listening(self.port), "the server outlived the script")
        return demo.returncode, output

    def start_for_ever(self):
        """Starts a game without end; returns it and its children (server, clients) once both run."""
        demo = self.start("--size", "4")
        for line in demo.stdout:
            if "Telling workers to run" in line:
                break
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        return demo, [int(pid) for pid in children]

    def assert_gone(self, children):
        for pid in children:
            self.assertFalse(Path(f"/proc/{pid}").exists(), "a child outlived the script")

    def test_help_teaches(self):
        code, output = self.run_to_end("--help")
        self.assertEqual(code, 0)
        self.assertIn("./demo echo", output)

    def test_life_shows_its_address_and_ends_after_its_steps(self):
        code, output = self.run_to_end("--size", "8", "--steps", "2", "--speed", "0")
        self.assertEqual(code, 0, output)
        self.assertIn(f"http://127.0.0.1:{self.port}/", output)
        self.assertIn(f"ssh -L {self.port}:127.0.0.1:{self.port} ", output)

    def test_life_has_a_start_that_lives_long_and_a_little_jitter_unless_told_otherwise(self):
        code, output = self.run_to_end("--steps", "2", "--speed=0")
        self.assertEqual(code, 0, output)
        self.assertIn("2 steps of 4096 cells", output)
        self.assertIn("Random start, seed 2919", output)
        code, output = self.run_to_end("-s8", "-n", "2", "--pattern", "glider", "--seed", "5")
        self.assertEqual(code, 0, output)
        self.assertIn("2 steps of 64 cells", output)
        self.assertIn("Jitter, seed 5", output)

    def test_echo_ends_with_its_clients(self):
        code, output = self.run_to_end("echo", "--clients", "20", "--delay", "50ms")
        self.assertEqual(code, 0, output)

    def test_failing_clients_give_their_exit_code(self):
        code, output = self.run_to_end("--size", "2")  # a wrapped grid needs three
        self.assertEqual(code, 1, output)

    def test_a_taken_port_is_named(self):
        with socket.create_server(("127.0.0.1", self.port)):
            demo = self.start()
            output, _ = demo.communicate(timeout=2 * PATIENCE)
        self.assertEqual(demo.returncode, 1)
        self.assertIn(f"port {self.port} is taken", output)

    def test_an_interrupt_ends_both_programs(self):
        demo, children = self.start_for_ever()
        self.assertEqual(len(children), 2)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=2 * PATIENCE)
        self.assertEqual(demo.returncode, 130)
        self.assert_gone(children)

    def test_the_server_s_death_ends_the_clients(self):
        demo, children = self.start_for_ever()
        os.kill(children[0], signal.SIGKILL)
        output, _ = demo.communicate(timeout=2 * PATIENCE)
        # Whichever of the two is seen to end first is named.
        if demo.returncode == 137:
            self.assertIn("The server ended by itself", output)
        else:
            self.assertEqual(demo.returncode, 1, output)
            self.assertIn("gameoflife has ended", output)
        self.assert_gone(children)


if __name__ == "__main__":
    unittest.main()
