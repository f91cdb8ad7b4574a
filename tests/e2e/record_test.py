"""`--record` keeps what goes through the WebSockets of a server, and `manage replay` plays it again."""

import json
import os
import pathlib
import stat
import tempfile

import websockets

from support.cases import AsyncTestCase, CommandTestCase, main
from support.environment import SOURCE
from support.process import ManageServer, run
from support.waiting import PATIENCE

ECHO = SOURCE / "tests/recordings/echo.jsonl"
AS_RECORDED = "The server sent what it had sent."


class RecordTestCase(CommandTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def server(self, *options):
        return self.serve("-v", "0", *options)

    def recorder(self, *settings):
        """A server that records, with these settings."""
        return self.server("--record", str(self.folder / "recordings"), *(word for one in settings for word in ("--set", one)))

    def recording(self, server):
        """The events that a server has recorded, once it has ended."""
        self.assertEqual(server.stop(), 0, server.output)
        lines = max((self.folder / "recordings").iterdir()).read_text().splitlines()
        return [json.loads(line) for line in lines[1:]]

    def replay(self, recording, server, *options):
        return run("replay", str(recording), "--url", server.ws, *options)

    def written(self, *lines):
        file = self.folder / "written.jsonl"
        file.write_text("".join(line + "\n" for line in lines))
        return file


class Games(RecordTestCase):
    def test_a_recorded_game_is_replayed_without_a_difference(self):
        server = self.recorder()
        game = run("gameoflife", "--size", "8", "-n", "10", "--speed", "0", "--seed", "1", "--url", server.ws)
        self.assertEqual(game.status, 0, game.output)
        events = self.recording(server)
        self.assertEqual(sum(event.get("open") == "/worker/" for event in events), 64)
        states = [event["relay"] for event in events if event.get("relay", "").count(" ") == 3]
        self.assertEqual(len(states), 8 * 64 * 11)  # each cell's first state and ten more, to its neighbours
        for options in [(), ("--concurrent",)]:
            replayed = self.replay(self.folder / "recordings", self.server(), *options)
            self.assertEqual((replayed.status, replayed.stdout[-1]), (0, AS_RECORDED), replayed.output)


class Echo(RecordTestCase):
    """The echo test is played from the recording that lies with the tests."""

    @classmethod
    def setUpClass(cls):
        cls.running = ManageServer("-v", "0")
        cls.addClassCleanup(cls.running.stop)

    def test_sends_what_it_has_always_sent(self):
        replayed = self.replay(ECHO, self.running)
        self.assertEqual((replayed.status, replayed.stdout[-1]), (0, AS_RECORDED), replayed.output)

    def test_at_the_recorded_speed_takes_as_long_as_the_recording(self):
        lines = ECHO.read_text().splitlines()
        last = max(number for number, line in enumerate(lines) if '"in"' in line)
        event = {**json.loads(lines[last]), "at": 1.5}
        replayed = self.replay(self.written(*lines[:last], json.dumps(event), *lines[last + 1:]), self.running,
                               "--speed", "10")
        self.assertEqual(replayed.status, 0, replayed.output)
        self.assertGreaterEqual(float(replayed.stdout[-2].split()[-2]), 0.1)

    def test_differences_are_named_with_line_and_socket(self):
        lines = ECHO.read_text().replace('"3. C++."', '"3. Rust."', 1).splitlines()
        changed = next(number for number, line in enumerate(lines, 1) if "Rust" in line)
        replayed = self.replay(self.written(*lines), self.running)
        self.assert_one_line(replayed, "1 of ", "something else")
        self.assertRegex(replayed.stdout[0],
                         rf'written.jsonl:{changed}: socket \d+ \(/test/ws/\): expected "3. Rust.", got "3. C\+\+."')

    def test_an_answer_that_does_not_come_ends_no_replay(self):
        lines = ECHO.read_text().splitlines()
        place = next(number for number, line in enumerate(lines) if '"in"' in line)
        missing = {"at": 0.01, "socket": json.loads(lines[place])["socket"], "out": "never said"}
        replayed = self.replay(self.written(*lines[:place], json.dumps(missing), *lines[place:]), self.running,
                               "--patience", "100ms")
        self.assert_one_line(replayed, "1 of ")
        self.assertIn('expected "never said", got', replayed.stdout[0])

    def test_a_recording_whose_server_was_killed_is_played_up_to_its_last_whole_line(self):
        lines = ECHO.read_text().splitlines()
        file = self.written(*lines[:3])
        file.write_text(file.read_text() + lines[3][:-5])
        replayed = self.replay(file, self.running)
        self.assertEqual((replayed.status, replayed.stdout[-1]), (0, AS_RECORDED), replayed.output)
        self.assertIn("The recording is cut (its last line is not whole)", replayed.output)

    def test_damaged_and_foreign_files_are_refused_with_their_line(self):
        lines = ECHO.read_text().splitlines()
        for recording, words in {
            self.folder / "nothing": "cannot read the recording",
            self.folder: "there is no recording in",
            pathlib.Path("/dev/zero"): "cannot read the recording",
        }.items():
            self.assert_one_line(self.replay(recording, self.running), words)
        for written, words in {
            (): ":1: it is no recording",
            ("<!DOCTYPE html>",): ":1: it is no recording",
            ('{"c10k recording":7}',): ":1: it is a recording of another version",
            (*lines[:3], lines[3][:-5]): ":4: it is not JSON",
            (lines[0], '{"at":1,"socket":9,"in":"x"}'): ":2: socket 9 has not been opened",
            (*lines[:2], lines[1]): ":3: socket 1 is opened twice",
            (*lines[:2], '{"at":1,"socket":1,"in":null,"bytes":3}'): ":3: the payload was left out",
        }.items():
            with self.subTest(words=words):
                self.assert_one_line(self.replay(self.written(*written), self.running), words)


class Bounds(AsyncTestCase, RecordTestCase):
    async def said(self, server, *messages, path="/test/ws/", subprotocols=None):
        """A conversation with the echo test, which takes three messages."""
        async with websockets.connect(server.ws + path, subprotocols=subprotocols, open_timeout=PATIENCE,
                                      close_timeout=PATIENCE) as socket:
            for message in messages:
                await socket.recv()
                await socket.send(message)
            async for _ in socket:
                pass

    def kinds(self, events):
        return [next(iter(set(event) & {"open", "in", "out", "relay", "leave", "close", "cut", "stop"})) for event in events]

    async def test_what_is_recorded_is_for_its_owner_alone_and_each_start_has_a_file(self):
        for _ in range(2):
            server = self.recorder()
            await self.said(server, "a", "Käse", "c")
            self.assertEqual(self.kinds(self.recording(server)),
                             ["open", "out", "in", "out", "in", "out", "in", "out", "out", "close", "stop"])
        self.assertEqual(self.recorder().stop(), 0)  # nobody came: no file
        files = sorted((self.folder / "recordings").iterdir())
        self.assertEqual([file.name for file in files], ["0001.jsonl", "0002.jsonl"])
        self.assertEqual([stat.S_IMODE(os.stat(file).st_mode) for file in files], [0o600, 0o600])

    async def test_one_socket_and_all_together_are_cut_where_the_settings_say(self):
        server = self.recorder("record_connection_bytes=1000")
        await self.said(server, "a", "b" * 2000, "c")
        await self.said(server, "a", "b", "c")
        events = self.recording(server)
        self.assertEqual(self.kinds([event for event in events if event.get("socket") == 1]),
                         ["open", "out", "in", "out", "cut", "close"])
        self.assertEqual(self.kinds([event for event in events if event.get("socket") == 2]).count("in"), 3)
        self.assertIn({"socket": 1, "cut": "record_connection_bytes"},
                      [{name: event[name] for name in event if name != "at"} for event in events])
        replayed = self.replay(self.folder / "recordings", self.server())
        self.assertEqual(replayed.status, 0, replayed.output)
        self.assertIn("socket 1 (/test/ws/) is not compared: the rest of it is cut", replayed.output)

        server = self.recorder("record_bytes=1000")
        await self.said(server, "a", "b" * 2000, "c")
        self.assertEqual(self.kinds(self.recording(server)), ["open", "out", "in", "out", "cut"])
        replayed = self.replay(self.folder / "recordings", self.server())
        self.assertEqual(replayed.status, 0, replayed.output)
        self.assertIn("The recording is cut (record_bytes)", replayed.output)

    async def test_secrets_and_payloads_are_left_out_on_request(self):
        server = self.recorder("record_redact=token[.=][0-9a-f]+")
        await self.said(server, "my token=5ec3e7", "b", "c", path="/test/ws/?token=abc",
                        subprotocols=["chat", "auth.token.5ec3e7"])
        events = self.recording(server)
        self.assertEqual((events[0]["open"], events[0]["redacted"]), ("/test/ws/?[redacted]", True))
        self.assertEqual([event["in"] for event in events if "in" in event], ["my [redacted]", "b", "c"])
        self.assertEqual(events[0]["offered"], ["chat"])
        self.assertNotIn("5ec3e7", json.dumps(events))

        server = self.recorder("record_payloads=false")
        await self.said(server, "a", "Käse", "c")
        events = self.recording(server)
        self.assertEqual([event["bytes"] for event in events if "in" in event], [1, 5, 1])
        self.assertNotIn("Spam", json.dumps(events))

    def test_a_wrong_expression_or_folder_is_told_at_the_start(self):
        self.assert_one_line(run("check", "--set", "record_redact=("), "errors")
        folder = ["--record", str(self.folder)]
        self.assert_one_line(run("runserver", "127.0.0.1:0", "--noreload", *folder, "--set", "record_redact=(a)\\1"),
                             "record_redact", "back-reference")
        self.assert_one_line(run("runserver", "127.0.0.1:0", "--noreload", "--record", "/proc/no"), "record: cannot make")


if __name__ == "__main__":
    main()
