"""The demo in Django as a page sees it that speaks life.viewer, and a program that speaks life.control."""

import asyncio
import contextlib
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import websockets
from django.test import RequestFactory, SimpleTestCase, override_settings

from server import PATIENCE, RunServer, needs_engine
from test_demo import MANAGE, PYTHON

sys.path += [str(PYTHON / "demo"), str(PYTHON.parent / "tests/e2e")]

import viewer_messages  # noqa: E402

OPTIONS = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, "ping_interval": None, "max_size": None}
WHOLE = {"zoom": 0, "left": 0, "top": 0, "columns": 4096, "rows": 4096}
KEY, AGES, LAST_PART = 1, 2, 4


class Picture:
    """What the messages of frames make of a grid: the step and the state, or the shade, of each block by row and column."""

    def __init__(self):
        self.cells, self.ages = {}, {}
        self.number = 0
        self.is_whole = False

    def take(self, message):
        kind, flags, self.zoom, width, self.number, base, self.size, *self.viewport = struct.unpack_from("<BBBBIQ5H", message)
        assert kind == 1
        levels = 16 if self.zoom else 2
        if flags & KEY:
            self.cells.clear()
        at = 26
        while at < len(message):
            row, col, count = struct.unpack_from("<3H", message, at)
            at += 6
            for number in range(count):
                value = int.from_bytes(message[at : at + width], "little")
                at += width
                if value:
                    self.cells[row, col + number] = base + (value - 1) // levels, (value - 1) % levels
            if flags & AGES:
                self.ages.update(((row, col + number), message[at + number]) for number in range(count))
                at += count
        assert at == len(message)
        self.is_whole = flags & LAST_PART != 0


class Page:
    """A page, which answers each frame unless it is told not to."""

    def __init__(self, server):
        self.connecting = websockets.connect(server.url("/watcher/"), subprotocols=["life.viewer"], **OPTIONS)
        self.picture = Picture()
        self.frames = self.statuses = self.cards = 0
        self.status = self.card = None
        self.answers = {}
        self.answers_frames = True

    async def __aenter__(self):
        self.socket = await self.connecting
        return self

    async def __aexit__(self, *failure):
        await self.socket.close()

    async def say(self, **said):
        await self.socket.send(json.dumps(said))

    async def until(self, condition):
        while not condition():
            message = await asyncio.wait_for(self.socket.recv(), PATIENCE)
            if isinstance(message, bytes):
                self.picture.take(message)
                self.frames += self.picture.is_whole
                if self.picture.is_whole and self.answers_frames:
                    await self.say(seen=self.picture.number)
                continue
            said = json.loads(message)
            self.statuses += "status" in said
            self.cards += "card" in said
            self.status = said.get("status", self.status)
            self.card = said.get("card", self.card)
            if "answer" in said:
                self.answers[said["answer"]] = said["error"]

    def phase(self):
        return self.status and self.status["game"]["phase"]


class Boards(SimpleTestCase):
    """The frames of a board of its own, against the words that were said."""

    def assert_frames_tell(self, size, zoom, last_step):
        from board import Board, Viewport

        chance = random.Random(size)
        board, picture, said, since = Board(size), Picture(), {}, None
        view = Viewport(zoom, 0, 0, size, size, ages=True).clipped(size)
        for frame in range(1, 5):
            for _ in range(size * size // 2 + 1):
                row, col, state = chance.randrange(size), chance.randrange(size), chance.randrange(2)
                said[row, col] = step, state = chance.randrange(last_step), state
                board.update(row, col, step, state)
            parts = list(board.picture(view, frame, since))
            for part in parts:
                self.assertFalse(picture.is_whole and part is not parts[0])
                picture.take(part)
            self.assertTrue(picture.is_whole)
            since = board.mark
        blocks = {}
        for (row, col), word in said.items():
            blocks.setdefault((row >> zoom, col >> zoom), []).append((row, col, *word))
        for (row, col), block in blocks.items():
            cells = (min((row + 1) << zoom, size) - (row << zoom)) * (min((col + 1) << zoom, size) - (col << zoom))
            alive = sum(word[3] for word in block)
            level = alive if zoom == 0 else -(-15 * alive // cells)
            self.assertEqual(picture.cells[row, col], (min(word[2] for word in block), level))
        self.assertEqual(len(picture.cells), len(blocks))
        self.assertEqual(board.population, sum(state for _, state in said.values()))
        self.assertEqual(board.oldest, min(step for step, _ in said.values()))

    def test_frames_tell_what_the_cells_have_said(self):
        for size, zoom, last_step in [(1, 0, 9), (13, 0, 9), (40, 0, 2**14), (40, 0, 2**20), (40, 1, 9), (13, 3, 2**20), (9, 4, 9)]:
            with self.subTest(size=size, zoom=zoom, last_step=last_step):
                self.assert_frames_tell(size, zoom, last_step)

    def test_a_large_frame_comes_in_parts_which_tell_what_is_so_when_they_are_made(self):
        from board import Board, Viewport

        board, picture = Board(600), Picture()
        for row in range(600):
            for col in range(600):
                board.update(row, col, 0, 1)
        for number, part in enumerate(board.picture(Viewport(0, 0, 0, 600, 600), 1)):
            self.assertLessEqual(len(part), 256 * 1024)
            self.assertFalse(picture.is_whole)
            picture.take(part)
            if number == 0:
                board.update(599, 599, 7, 0)
        self.assertTrue(picture.is_whole)
        self.assertGreater(number, 0)
        self.assertEqual(len(picture.cells), 600 * 600)
        self.assertEqual(picture.cells[599, 599], (7, 0))

    def test_a_picture_has_no_more_blocks_than_the_protocol_says(self):
        from board import Viewport

        self.assertEqual(Viewport(0, 0, 0, 4096, 4096).clipped(4096), Viewport(0, 0, 0, 4096, 256))
        self.assertEqual(Viewport(0, 100, 0, 2048, 4096).clipped(4096), Viewport(0, 100, 0, 2048, 512))
        self.assertEqual(Viewport.whole(4096, ages=True), Viewport(2, 0, 0, 1024, 1024, ages=True))
        self.assertEqual(Viewport.whole(1024, ages=False), Viewport(0, 0, 0, 1024, 1024))

    def test_cells_that_leave_are_subscribed_no_more(self):
        from game import Game

        for runs in (False, True):
            game = Game(2)
            workers = [game.enter("127.0.0.1:1") for _ in range(4)]
            for worker in workers:
                worker.is_subscribed = True
                game.subscribed += 1
            game.runs = runs
            game.leave(workers[0], 1000)
            self.assertEqual((game.connected, game.subscribed), (3, 3))

    def test_a_step_that_no_array_holds_is_the_last_one(self):
        from board import LAST_STEP, Board

        board = Board(1)
        board.update(0, 0, 10**40, 1)
        self.assertEqual(board.at(0, 0), (LAST_STEP, 1))

    def test_a_cell_far_ahead_keeps_its_state(self):
        from board import Board, Viewport

        board, picture = Board(2), Picture()
        board.update(0, 0, 0, 0)
        board.update(0, 1, 2**40, 1)
        board.update(1, 1, 2**40, 0)
        [part] = board.picture(Viewport(0, 0, 0, 2, 2), 1)
        picture.take(part)
        self.assertEqual({cell: state for cell, (_, state) in picture.cells.items()}, {(0, 0): 0, (0, 1): 1, (1, 1): 0})

    def test_a_step_that_goes_back_begins_anew(self):
        from board import Board, Viewport

        board, picture = Board(1), Picture()
        for step in (5, 10, 7):
            board.update(0, 0, step, 1)
        [part] = board.picture(Viewport(0, 0, 0, 1, 1, ages=True), 1)
        picture.take(part)
        self.assertEqual(picture.ages, {(0, 0): 0})

    def test_json_that_other_programs_cannot_read_is_refused(self):
        from messages import Mistake, read

        for value in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 400, r'"\ud800"', "[" * 500 + "]" * 500):
            with self.subTest(value[:20]), self.assertRaises(Mistake):
                read(f'{{"do": {{"speed": {value}}}, "id": 1}}', 10_000)
        self.assertEqual(read(r'{"a": "\ud83d\ude00", "b": [1, -2.5]}', 100), {"a": "\U0001f600", "b": [1, -2.5]})

    def test_nothing_is_left_of_those_who_stopped_waiting(self):
        from game import Bell

        async def wait_in_vain():
            waits = [asyncio.ensure_future(bell.wait()) for _ in range(9)]
            await asyncio.sleep(0)
            for wait in waits[1:]:
                wait.cancel()
            await asyncio.wait(waits[1:])
            self.assertEqual(len(bell), 1)
            bell.ring()
            await waits[0]
            self.assertEqual(len(bell), 0)

        bell = Bell()
        asyncio.run(wait_in_vain())

    def test_only_those_may_control_whom_the_setting_names(self):
        from control import refusal

        near, far = (RequestFactory(REMOTE_ADDR=address).get("/") for address in ("127.0.0.1", "192.0.2.1"))
        for who, debug, allowed in [("off", True, ()), ("loopback", False, (near,)), ("all", False, (near, far)),
                                    (None, True, (near,)), (None, False, ())]:
            settings = {"DEBUG": debug, **({} if who is None else {"LIFE_CONTROL": who})}
            with self.subTest(settings), override_settings(**settings):
                for request in (near, far):
                    self.assertEqual(refusal(request) is None, request in allowed)


@needs_engine
@unittest.skipUnless(MANAGE.exists(), "the programs in C++ are not built")
class Viewers(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        environment = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONDONTWRITEBYTECODE": "1"}
        cls.server = RunServer("--noreload", project=PYTHON / "demo", in_place=True, environment=environment)
        cls.enterClassContext(cls.server)

    @contextlib.contextmanager
    def game(self, *options):
        command = [MANAGE, "gameoflife", "-u", self.server.url(""), "-l", "0", *options]
        with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL) as players:
            try:
                yield players
            finally:
                players.kill()

    async def reset(self, size):
        async with websockets.connect(self.server.url("/reset/"), **OPTIONS) as reset:
            await reset.send(str(size))
            await reset.wait_closed()
            self.assertEqual(reset.close_code, 1000)

    def test_a_page_sees_the_whole_game(self):
        asyncio.run(self.see_a_game())

    async def see_a_game(self):
        with tempfile.TemporaryDirectory() as folder:
            final = pathlib.Path(folder) / "final.rle"
            async with Page(self.server) as page:
                await page.say(view=WHOLE, cell=[3, 4])
                with self.game("-s", 12, "-n", 30, "--seed", 3, "--dump", final) as players:
                    await page.until(lambda: page.phase() == "over" and page.status["step"]["oldest"] == 30
                                     and {step for step, _ in page.picture.cells.values()} == {30}
                                     and page.card["step"] == 30)
                    self.assertEqual(await asyncio.to_thread(players.wait), 0)
                text = final.read_text()
        alive = sum(state for _, state in page.picture.cells.values())
        self.assertEqual(len(page.picture.cells), 144)
        self.assertEqual(page.status["population"], alive)
        self.assertEqual(page.status["left"], {"count": 0, "cells": []})  # nobody waits for the cells that have left
        rows = text.split("\n", 2)[2] if text.startswith("#") else text.split("\n", 1)[1]
        self.assertEqual(self.population(rows), alive)
        self.assertEqual((page.card["row"], page.card["col"]), (3, 4))
        self.assertEqual(page.card["message"], f"30 3 4 {page.picture.cells[3, 4][1]}")

    def population(self, rle):
        alive, count = 0, ""
        for letter in rle:
            if letter.isdigit():
                count += letter
            else:
                alive += int(count or 1) if letter == "o" else 0
                count = ""
        return alive

    def test_a_page_gets_few_texts_however_many_workers_come_and_go(self):
        asyncio.run(self.count_texts())

    async def count_texts(self):
        await self.reset(30)
        async with Page(self.server) as page, contextlib.AsyncExitStack() as workers:
            await page.say(cell=[30, 4])  # off the grid
            await page.until(lambda: page.status and page.card)
            self.assertIsNone(page.card["step"])
            await page.say(cell=[3, 4])
            await page.until(lambda: page.card["row"] == 3)
            start = time.monotonic()
            for count in range(1, 301):
                worker = websockets.connect(self.server.url("/worker/"), **OPTIONS)
                await workers.enter_async_context(worker)
                if count % 100 == 0:
                    await page.until(lambda: page.status["game"]["connected"] == count)
            self.assertLessEqual(page.statuses, 4 + (time.monotonic() - start) / 0.5)
            self.assertEqual(page.cards, 2)  # the cell says nothing
            await page.say(cell=[3, 4])
            await page.until(lambda: page.cards == 3)

    def test_a_page_that_answers_no_frame_gets_two_and_then_the_newest(self):
        asyncio.run(self.stop_answering())

    async def stop_answering(self):
        async with Page(self.server) as page, Page(self.server) as other:
            page.answers_frames = False
            await page.say(view=WHOLE)
            await other.say(view=WHOLE)
            with self.game("-s", 8, "-n", 200):
                await page.until(lambda: page.phase() == "over")
                await other.until(lambda: {step for step, _ in other.picture.cells.values()} == {200})
            self.assertLessEqual(page.frames, 2)
            page.answers_frames = True
            await page.say(seen=page.picture.number)
            await page.until(lambda: {step for step, _ in page.picture.cells.values()} == {200})
            self.assertEqual(page.picture.cells, other.picture.cells)

    def test_what_a_page_says_wrong_is_told(self):
        asyncio.run(self.say_wrong_things())

    async def say_wrong_things(self):
        for message in viewer_messages.WRONG_OF_PAGES:
            with self.subTest(message[:40]):
                async with Page(self.server) as page:
                    await page.socket.send(message)
                    await asyncio.wait_for(page.socket.wait_closed(), PATIENCE)
                    self.assertEqual(page.socket.close_code, 1008)
                    self.assertTrue(page.socket.close_reason)

    def test_a_view_is_clipped(self):
        asyncio.run(self.clip_views())

    async def clip_views(self):
        await self.reset(viewer_messages.SIZE)
        async with Page(self.server) as page:
            for frame, (view, zoom, rectangle) in enumerate(viewer_messages.VIEWS, 1):
                with self.subTest(view):
                    await page.say(view=view, cell=[10**9, 0])
                    await page.until(lambda: page.frames == frame)
                    self.assertEqual((page.picture.zoom, page.picture.viewport), (zoom, rectangle))

    def test_a_page_controls_the_program_through_the_server(self):
        asyncio.run(self.control())

    def program(self):
        return websockets.connect(self.server.url("/control/"), subprotocols=["life.control"], **OPTIONS)

    def test_a_program_without_the_right_or_the_subprotocol_is_refused(self):
        from life import program

        request = RequestFactory(REMOTE_ADDR="127.0.0.1").get("/control/", HTTP_UPGRADE="websocket")
        with override_settings(LIFE_CONTROL="off"):
            self.assertEqual(program(request).status_code, 403)
        for protocols in (None, ["life.viewer"]):
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                asyncio.run(self.open_control(protocols))
            self.assertEqual(refused.exception.status_code, 400)

    async def open_control(self, protocols):
        await websockets.connect(self.server.url("/control/"), subprotocols=protocols, **OPTIONS)

    def test_a_request_for_a_page_at_the_control_is_told_that_it_is_a_websocket(self):
        page = self.server.url("/control/").replace("ws://", "http://")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(page, timeout=PATIENCE)
        self.assertEqual(refused.exception.code, 426)

    async def control(self):
        await self.reset(4)
        async with Page(self.server) as page:
            await page.say(do={"pause": True}, id=7)
            await page.until(lambda: 7 in page.answers)
            self.assertIn("No program", page.answers[7])
            async with self.program() as program:
                await program.send('{"hello": {"size": 4, "wrapped": false, "limit": 9}}')
                play = {"paused": True, "speed": 3, "held": None, "stays": True, "jitter": 0, "pattern": None}
                await program.send(json.dumps({"play": {**play, "pattern": "ü" * 9999, "more": "x" * 9999}}))
                await page.until(lambda: page.status["play"] and page.status["game"]["limit"] == 9)
                self.assertEqual(page.status["play"], {**play, "pattern": "ü" * 500})
                self.assertEqual(page.status["control"], {"program": True, "allowed": True, "why": None})
                await page.say(do={"speed": 5}, id=8)
                await page.say(do={"step": 1}, id=8)  # an id is the page's own affair
                asked = [json.loads(await asyncio.wait_for(program.recv(), PATIENCE)) for _ in range(2)]
                self.assertEqual([said["do"] for said in asked], [{"speed": 5}, {"step": 1}])
                await program.send(json.dumps({"answer": asked[1]["id"], "error": "not paused"}))
                await page.until(lambda: page.answers.get(8))
                self.assertEqual(page.answers[8], "not paused")
                async with self.program() as second:
                    await second.wait_closed()
                    self.assertEqual((second.close_code, second.close_reason), (1013, "another program is in control"))
                for number in range(9, 17):  # the page waits for an answer already
                    await page.say(do={"play": True}, id=number)
                await page.until(lambda: page.answers.keys() & {*range(9, 17)})
                self.assertIn("Too many commands", page.answers[16])
                asked = [json.loads(await asyncio.wait_for(program.recv(), PATIENCE))["id"] for _ in range(7)]
                await program.send(json.dumps({"answer": asked[0], "error": "x" * 9999}))
                await page.until(lambda: 9 in page.answers)
                self.assertEqual(page.answers[9], "x" * 1000)
                await self.reset(5)
                await program.wait_closed()
                self.assertEqual(program.close_code, 1012)
            await page.until(lambda: page.status["game"]["size"] == 5 and not page.status["control"]["program"])
            async with self.program() as program:
                await program.send(json.dumps({"answer": asked[1], "error": "on the next connection"}))
                await page.until(lambda: 10 in page.answers)
                self.assertEqual(page.answers[10], "on the next connection")
            await page.until(lambda: 11 in page.answers)
            self.assertEqual(page.answers[11], "The program has left.")
        for wrong in viewer_messages.WRONG_OF_PROGRAMS:
            with self.subTest(wrong[:40]):
                async with self.program() as program:
                    await program.send(wrong)
                    await asyncio.wait_for(program.wait_closed(), PATIENCE)
                    self.assertEqual(program.close_code, 1008)
