"""The server's side of docs/reference/life-protocols.md: pages and programs in control that are not ours."""

import asyncio
import contextlib
import itertools
import json
import socket
import threading

import websockets

import life_reference
import viewer_messages
from support import life
from support.cases import AsyncTestCase, ServerTestCase, main
from support.foreign import soon, websocket
from support.frames import TEXT, frame
from support.life import Worker, connect_workers, reset
from support.process import ManageServer, Program
from support.tcp import RawClient
from support.viewer import ControlProgram, Crowd, Page
from support.waiting import eventually


class ViewerTestCase(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ManageServer("--debug")

    async def asyncTearDown(self):
        await life.drop_workers()

    @property
    def url(self):
        return self.server.ws

    def page(self):
        return Page(self.url)

    def program(self):
        return ControlProgram(self.url)

    async def begin(self, size):
        self.assertEqual(await reset(self.url, size), (1000, ""))

    async def run_workers(self, size):
        """A new game whose workers may say their states."""
        await self.begin(size)
        workers = await connect_workers(self.url, size)
        await asyncio.gather(*[worker.subscribe() for worker in workers])
        await asyncio.gather(*[worker.expect("run") for worker in workers])
        return workers


class Pictures(ViewerTestCase):
    async def test_a_page_sees_each_cell_go_through_its_steps_and_the_last_one_of_all(self):
        size, steps = 8, 30
        truth = [life_reference.plain_life(life.glider(size), step, True) for step in range(steps + 1)]
        await self.begin(size)
        async with self.page() as page, self.page() as other:
            await page.view(ages=True)
            await other.view(left=3, top=2, columns=2, rows=4)
            await page.tells("game", "phase", "empty")
            await life.play(self.url, life.glider(size), steps)
            await page.sees({(row, col): (steps, truth[-1][row][col]) for row in range(size) for col in range(size)})
            await other.sees({(row, col): (steps, truth[-1][row][col]) for row in range(2, 6) for col in (3, 4)})
            self.assertEqual(other.picture.viewport, [3, 2, 2, 4])
            last = {}
            for (row, col), (step, state) in itertools.chain(*[news.items() for news in page.seen]):
                self.assertEqual(state, truth[step][row][col])
                self.assertGreaterEqual(step, last.get((row, col), 0))
                last[row, col] = step
            for (row, col), age in page.picture.ages.items():
                states = [grid[row][col] for grid in reversed(truth)]
                self.assertEqual(age, next((i - 1 for i, state in enumerate(states) if state != states[0]), steps))

    async def test_nothing_but_status_comes_before_a_view_and_then_all_that_was_said_so_far(self):
        workers = await self.run_workers(3)
        async with self.page() as page:
            for text in ("0 0 0 1", "1 0 0 0", "00012 0 1 1", "18446744073709551615 2 2 0"):
                await workers[0].socket.send(text)
            await page.tells("step", {"oldest": 1, "youngest": 2**64 - 1})
            self.assertEqual(page.frames, 0)
            await page.view()
            await page.until(lambda: page.frames)
            self.assertEqual(page.picture.keys, 1)
            self.assertEqual(page.picture.cells, {(0, 0): (1, 0), (0, 1): (12, 1), (2, 2): (2**31 - 1, 0)})

    async def test_a_view_is_cut_at_the_grid_and_answered_with_a_key_frame(self):
        workers = await self.run_workers(5)
        for row, col in itertools.product(range(5), repeat=2):
            await workers[0].socket.send(f"{row} {row} {col} {int(col < 3)}")
        async with self.page() as page:
            for view, viewport, blocks in [
                    ({"left": 3, "top": 4}, [3, 4, 2, 1], {(4, 3): (4, 0), (4, 4): (4, 0)}),
                    ({"left": -4, "columns": 5, "top": 4, "rows": 1}, [0, 4, 1, 1], {(4, 0): (4, 1)}),
                    ({"left": 9}, [5, 0, 0, 5], {}), ({"columns": 0, "rows": 0}, [0, 0, 0, 0], {}),
                    ({"left": 1e300, "top": -2**70, "columns": 2**64}, [5, 0, 0, 0], {}),
                    ({"zoom": 2, "top": 1}, [0, 1, 2, 1], {(1, 0): (4, 12), (1, 1): (4, 0)}),
                    ({"zoom": 40}, [0, 0, 1, 1], {(0, 0): (0, 9)})]:
                with self.subTest(view=view):
                    keys = page.picture.keys
                    await page.view(**view)
                    await page.until(lambda keys=keys: page.picture.keys > keys)
                    self.assertEqual((page.picture.viewport, page.picture.cells), (viewport, blocks))

    async def test_a_page_that_does_not_answer_gets_two_frames_and_then_the_latest_cells(self):
        workers = await self.run_workers(3)
        async with self.page() as slow, self.page() as quick:
            slow.answers_frames = False
            await slow.view()
            await quick.view()
            await slow.until(lambda: slow.frames == 1)
            for step in range(10):
                await workers[0].say(step, step % 2)
                await quick.sees({(0, 0): (step, step % 2)})
                await slow.take_all_that_is_there()
            self.assertEqual(slow.frames, 2)
            await slow.say(seen=2)
            await slow.until(lambda: slow.frames == 3)
            self.assertEqual(slow.picture.cells, {(0, 0): (9, 1)})

    async def test_a_reset_shows_an_empty_grid_the_whole_one_if_it_has_another_size(self):
        workers = await self.run_workers(4)
        await workers[0].say(0, 1)
        async with self.page() as page:
            await page.view(left=0, top=0, columns=2, rows=2, ages=True)
            await page.sees({(0, 0): (0, 1)})
            for size, viewport in [(4, [0, 0, 2, 2]), (6, [0, 0, 6, 6]), (4096, [0, 0, 1024, 1024]), (3, [0, 0, 3, 3])]:
                keys = page.picture.keys
                await self.begin(size)
                await page.until(lambda keys=keys: page.picture.keys > keys)
                self.assertEqual((page.picture.size, page.picture.viewport, page.picture.cells), (size, viewport, {}))
                self.assertEqual(page.picture.zoom, 2 if size == 4096 else 0)
                await page.tells("game", "size", size)

    async def test_pages_that_come_in_the_middle_of_a_game_are_never_shown_an_older_step(self):
        start = self.server.line_count
        game = Program("gameoflife", "--url", self.url, "--size", 16, "--speed", 0)
        self.addCleanup(game.kill)
        self.server.wait_for("Telling workers to run", start)

        async def watch():
            async with self.page() as page:
                await page.view()
                last, end = {}, None
                while end is None or min(step for step, _ in last.values()) < end:
                    await page.until(lambda: page.seen)
                    for cell, (step, state) in page.seen.pop().items():
                        self.assertGreaterEqual(step, last.get(cell, (0, 0))[0])
                        self.assertTrue(step > last.get(cell, (-1, 0))[0] or state == last[cell][1])
                        last[cell] = step, state
                    if end is None and len(last) == 16 * 16:
                        end = max(step for step, _ in last.values()) + 10

        await asyncio.gather(*[watch() for _ in range(8)])


class BigGames(AsyncTestCase):
    """The Python here takes seconds for a million cells, the server does not: so no test says how long."""

    def crowd(self, size, words=0):
        server = Crowd(size, words)
        self.addCleanup(server.kill)
        return server

    async def test_a_page_gets_all_cells_of_a_large_game_in_parts_or_in_blocks(self):
        async with Page(self.crowd(600).ws) as page:
            await page.view()
            await page.until(lambda: page.frames)
            self.assertGreater(len(page.seen), 1)
            self.assertEqual(page.picture.cells, {(row, col): (0, int((row + col) % 5 == 0))
                                                  for row in range(600) for col in range(600)})
            await page.view(zoom=3)
            await page.until(lambda: page.picture.keys == 2 and page.picture.is_whole)
            self.assertEqual((page.picture.viewport, len(page.picture.cells)), ([0, 0, 75, 75], 75 * 75))

    async def test_a_page_that_reads_slowly_sees_the_present_and_not_what_it_has_missed(self):
        """What it gets when it comes back to the server after many steps is younger than what it had not read."""
        server = self.crowd(300, words=900_000)
        with server.memory_within(20_000_000):
            async with Page(server.ws) as slow, Page(server.ws) as quick:
                slow.answers_frames = False
                await slow.view()
                await slow.until(lambda: slow.frames == 2)
                await quick.tells("game", "phase", "running")
                await quick.until(lambda: quick.status["step"]["oldest"] >= 20)
                missed = quick.status["step"]["oldest"]
                await slow.say(seen=2)
                await slow.until(lambda: slow.frames == 3)
                self.assertGreaterEqual(min(step for step, _ in slow.picture.cells.values()), missed)


class Statuses(ViewerTestCase):
    async def test_a_game_is_empty_then_it_gathers_runs_and_is_over(self):
        await self.begin(3)
        async with self.page() as page:
            await page.until(lambda: page.status)
            game = page.status["game"]
            self.assertEqual((game["phase"], game["size"], game["connected"], game["wrapped"], game["limit"]),
                             ("empty", 3, 0, None, None))
            self.assertEqual((page.status["step"], page.status["histogram"]),
                             ({"oldest": None, "youngest": None}, {"first": 0, "alive": [], "dead": []}))
            workers = await connect_workers(self.url, 3)
            await page.tells("game", "phase", "gathering")
            await page.tells("game", "connected", 9)
            for worker in workers[:4]:
                await worker.subscribe()
            await page.tells("game", "subscribed", 4)
            for worker in workers[4:]:
                await worker.subscribe()
            await page.tells("game", "phase", "running")
            for number, worker in enumerate(workers):
                await worker.expect("run")
                await worker.say(number % 3 + 1, number % 2)
            await page.tells("histogram", {"first": 1, "alive": [1, 2, 1], "dead": [2, 1, 2]})
            self.assertEqual((page.status["population"], page.status["step"]), (4, {"oldest": 1, "youngest": 3}))
            for worker in workers:
                await worker.leave()
            await page.tells("game", "phase", "over")
            self.assertEqual(page.status["population"], 4)
            worker = await Worker(self.url, 0, 0, 3).connect()
            await page.tells("game", "phase", "gathering")
            self.assertEqual((page.status["game"]["number"], page.status["population"]), (game["number"] + 1, 0))
            await worker.leave()
            await page.tells("game", "phase", "empty")

    async def test_a_game_whose_workers_do_not_close_well_is_gone_and_what_it_showed_stays(self):
        workers = await self.run_workers(2)
        await workers[3].say(0, 1)
        async with self.page() as page:
            await page.view()
            await page.sees({(1, 1): (0, 1)})
            for worker in workers[:3]:
                await worker.leave()
            workers[3].socket.transport.abort()
            await page.tells("game", "phase", "gone")
            async with self.page() as late:
                await late.view()
                await late.sees({(1, 1): (0, 1)})

    async def test_cells_that_left_behind_the_others_are_named(self):
        workers = await self.run_workers(3)
        async with self.page() as page:
            for worker in workers:
                await worker.say(0, 1)
            await workers[4].leave()
            await workers[0].leave()
            await workers[8].say(1, 1)
            await page.tells("left", {"count": 2, "cells": [[1, 1], [0, 0]]})

    async def test_messages_are_counted_per_second_and_rest_when_nothing_is_said(self):
        workers = await self.run_workers(3)
        async with self.page() as page:
            step = 0
            while not page.status or page.status["messages"] < 9:  # each goes to eight others
                await workers[0].say(step, 1)
                await page.take_all_that_is_there()
                step += 1
            await page.tells("messages", 0)

    async def test_only_the_last_64_steps_are_counted_one_by_one(self):
        workers = await self.run_workers(3)
        async with self.page() as page:
            for worker, step in zip(workers, (0, 36, 37, 100)):
                await worker.say(step, 1)
            await page.tells("step", {"oldest": 0, "youngest": 100})
            histogram = page.status["histogram"]
            self.assertEqual((histogram["first"], len(histogram["alive"])), (37, 64))
            self.assertEqual([histogram["alive"][0], sum(histogram["alive"]), sum(histogram["dead"])], [1, 2, 0])


class Cards(ViewerTestCase):
    async def test_a_card_tells_what_its_cell_said_last_and_who_said_it(self):
        workers = await self.run_workers(3)
        host, port = workers[5].socket.local_address
        async with self.page() as page:
            await page.say(cell=[1, 2])
            nothing = dict.fromkeys(["step", "state", "message", "milliseconds", "loop", "socket", "peer", "connected"])
            await page.until(lambda: page.card)
            self.assertEqual(page.card, {"row": 1, "col": 2, **nothing})
            for word, step, state in [("7 1 2 1", 7, 1), ("008 1 2 0", 8, 0)]:
                await workers[5].socket.send(word)
                await page.until(lambda word=word: page.card["message"] == word)
                self.assertEqual((page.card["step"], page.card["state"]), (step, state))
                self.assertEqual((page.card["peer"], page.card["connected"]), (f"{host}:{port}", True))
                self.assertIn(page.card["socket"], range(9))
                self.assertLess(page.card["milliseconds"], 60_000)
                self.assertGreaterEqual(page.card["loop"], 0)
            await workers[5].leave()
            await page.until(lambda: not page.card["connected"])
            await page.say(cell=[70_000, 2**60])
            await page.until(lambda: page.card["row"] > 4096)
            self.assertIsNone(page.card["step"])

    async def test_none_comes_when_no_cell_is_asked_for(self):
        workers = await self.run_workers(3)
        async with self.page() as page:
            await page.say(cell=[0, 0])
            await page.until(lambda: page.card)
            await page.say(cell=None)
            await page.take_all_that_is_there()
            page.card = None
            await workers[0].say(0, 1)
            await page.tells("population", 1)
            self.assertIsNone(page.card)


class Controls(ViewerTestCase):
    async def test_commands_go_to_the_program_and_its_answers_come_back(self):
        async with self.page() as page, self.page() as other:
            await page.tells("control", "program", False)
            self.assertTrue(page.status["control"]["allowed"])
            self.assertIsNone(page.status["play"])
            self.assertIn("No program", await page.do(play=True))
            async with self.program() as program:
                await program.say(hello={"size": 32, "wrapped": False, "limit": 500})
                await program.say(play={**program.PLAY, "held": {"row": 1, "col": 2, "seconds": 0.5}, "more": 1})
                await page.tells("play", {**program.PLAY, "held": {"row": 1, "col": 2, "seconds": 0.5}})
                self.assertEqual(page.status["control"], {"program": True, "allowed": True, "why": None})
                self.assertEqual((page.status["game"]["wrapped"], page.status["game"]["limit"]), (False, 500))
                for sender, number in [(page, 5), (other, 5)]:
                    await sender.say(do={"new": {"size": 9, "rle": "bo$2bo$3o!"}}, id=number)
                asked = [await program.recv(), await program.recv()]
                self.assertEqual([command["do"] for command in asked], [{"new": {"size": 9, "rle": "bo$2bo$3o!"}}] * 2)
                self.assertNotEqual(asked[0]["id"], asked[1]["id"])
                await program.say(answer=asked[1]["id"], error="It does not fit.")
                await program.say(answer=asked[0]["id"], error=None)
                await program.say(answer=asked[0]["id"], error="twice")
                await program.say(answer=12345, error="nobody asked")
                for sender in (page, other):
                    await sender.until(lambda sender=sender: sender.answers.get(5, "") != "")
                self.assertEqual({page.answers[5], other.answers[5]}, {None, "It does not fit."})
                await page.say(do={"pause": True}, id=6)
                await program.recv()
            await page.until(lambda: 6 in page.answers)
            self.assertEqual(page.answers[6], "The program has left.")
            await page.tells("control", "program", False)
            self.assertIsNone(page.status["play"])
            self.assertIsNone(page.status["game"]["limit"])

    async def test_a_second_program_is_refused_and_the_first_goes_on(self):
        async with self.program() as first, self.page() as page:
            await page.tells("control", "program", True)
            async with self.program() as second:
                self.assertEqual(await second.closed(), (1013, "another program is in control"))
            await page.say(do={"play": True}, id=1)
            await first.say(answer=(await first.recv())["id"], error=None)
            await page.until(lambda: 1 in page.answers)
            self.assertIsNone(page.answers[1])

    async def test_a_reset_closes_the_control_and_the_next_one_may_answer_what_was_asked_before(self):
        async with self.page() as page:
            async with self.program() as program:
                await page.tells("control", "program", True)
                await page.say(do={"again": True}, id=1)
                number = (await program.recv())["id"]
                await self.begin(4)
                self.assertEqual((await program.closed())[0], 1012)
            async with self.program() as program:
                await program.say(answer=number, error=None)
                await page.until(lambda: 1 in page.answers)
                self.assertIsNone(page.answers[1])

    async def test_a_program_that_does_not_answer_is_given_five_seconds(self):
        async with self.program(), self.page() as page:
            await page.tells("control", "program", True)
            for number in range(1, 9):
                await page.say(do={"play": True}, id=number)
            self.assertIn("Too many", await page.do(99, play=True))
            await page.until(lambda: len(page.answers) == 9)
            self.assertEqual({page.answers[number] for number in range(1, 9)}, {"The program does not answer."})
            await page.say(do={"play": True}, id=1)  # there is room again

    async def test_what_a_program_says_wrong_ends_its_control_with_1008(self):
        for said in viewer_messages.WRONG_OF_PROGRAMS:
            with self.subTest(said=said[:80]):
                async with self.program() as program:
                    await program.socket.send(said)
                    code, reason = await program.closed()
                    self.assertEqual(code, 1008)
                    self.assertGreater(len(reason), 5)

    async def test_a_program_speaks_life_control(self):
        for protocols in (None, ["life.viewer"]):
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                async with websocket(f"{self.url}/control/", subprotocols=protocols):
                    pass
            self.assertEqual(refused.exception.status_code, 400)

    async def test_what_a_program_says_of_itself_is_cut_to_a_bearable_length(self):
        async with self.program() as program, self.page() as page:
            await program.say(play={**program.PLAY, "pattern": "ü" * 100_000})
            await page.until(lambda: page.status and page.status["play"])
            self.assertLessEqual(len(page.status["play"]["pattern"].encode()), 1000)
            await page.say(do={"play": True}, id=1)
            await program.say(answer=(await program.recv())["id"], error="x" * 100_000)
            await page.until(lambda: 1 in page.answers)
            self.assertEqual(page.answers[1], "x" * 1000)


class Permissions(AsyncTestCase):
    async def test_nobody_controls_unless_the_setting_says_so_and_the_page_says_how_to(self):
        for options, is_allowed in [((), False), (("--set", "life_control=all"), True),
                                    (("--debug", "--set", "life_control=off"), False)]:
            server = ManageServer(*options)
            self.addCleanup(server.kill)
            async with Page(server.ws) as page:
                await page.tells("control", "allowed", is_allowed)
                why = page.status["control"]["why"]
                self.assertEqual(await page.do(play=True), why)
                self.assertIn("No program is in control" if is_allowed else "--set life_control=loopback", why)
            try:
                async with ControlProgram(server.ws):
                    self.assertTrue(is_allowed)
            except websockets.InvalidStatusCode as refused:
                self.assertEqual((refused.status_code, is_allowed), (403, False))


class BadPages(ViewerTestCase):
    async def test_are_closed_with_1008_and_told_why(self):
        for said in viewer_messages.WRONG_OF_PAGES:
            with self.subTest(said=said[:80]):
                async with self.page() as page:
                    await page.socket.send(said)
                    code, reason = await page.closed()
                    self.assertEqual(code, 1008)
                    self.assertGreater(len(reason), 5)

    async def test_get_what_lies_on_the_grid(self):
        await self.begin(viewer_messages.SIZE)
        for view, zoom, rectangle in viewer_messages.VIEWS:
            with self.subTest(view=view):
                async with self.page() as page:
                    await page.say(view=view)
                    await page.until(lambda: page.frames)
                    self.assertEqual((page.picture.zoom, page.picture.viewport), (zoom, rectangle))

    async def test_what_nobody_knows_is_ignored(self):
        async with self.page() as page:
            await page.say(greeting="hello")
            await page.view(mood="good")
            await page.until(lambda: page.frames)

    async def test_one_that_floods_does_not_hurt_the_game_and_takes_bounded_memory(self):
        """It asks for views, cells and commands without end, and reads nothing."""
        flood = b"".join(frame(TEXT, json.dumps(said)) for said in [
            {"view": {"zoom": 0, "left": 0, "top": 0, "columns": 9, "rows": 9}}, {"cell": [1, 1]},
            {"do": {"new": {"rle": "o" * 1000}}, "id": 1}]) * 300
        async with self.program():
            with self.server.memory_within(30_000_000):
                deaf = RawClient(self.server.port)
                self.addCleanup(deaf.close)
                deaf.open("/watcher/", "Sec-WebSocket-Protocol: life.viewer")
                deaf.socket.setblocking(False)
                await self.begin(6)
                flooding = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(deaf.socket, flood * 30))
                grid, _ = await life.play(self.url, life.glider(6), 60)
                flooding.cancel()
        self.assertEqual(grid, life_reference.plain_life(life.glider(6), 60, True))

    async def test_a_program_or_a_worker_that_floods_leaves_the_others_their_turn(self):
        await self.begin(1)
        program, worker = RawClient(self.server.port), RawClient(self.server.port)
        program.open("/control/", "Sec-WebSocket-Protocol: life.control")
        worker.open("/worker/")
        start = self.server.line_count
        worker.send(frame(TEXT, "sub"))
        self.server.wait_for("Telling workers to run", start)
        play = json.dumps({"play": ControlProgram.PLAY})
        for client, said in ((program, play), (worker, "7 0 0 1")):
            def flood():
                with contextlib.suppress(OSError):
                    while True:
                        client.socket.sendall(frame(TEXT, said) * 2000)

            with self.subTest(said=said):
                flooding = threading.Thread(target=flood)
                flooding.start()
                try:
                    for _ in range(5):
                        async with self.page() as page:
                            await page.until(lambda: page.status)
                finally:
                    client.socket.shutdown(socket.SHUT_RDWR)
                    flooding.join()
                    client.close()

    async def test_one_that_never_reads_is_sent_no_more_than_it_can_hold(self):
        deaf = RawClient(self.server.port)
        self.addCleanup(deaf.close)
        deaf.open("/watcher/", "Sec-WebSocket-Protocol: life.viewer")
        deaf.send(frame(TEXT, json.dumps({"view": {"zoom": 0, "left": 0, "top": 0, "columns": 99, "rows": 99}})))
        start = self.server.line_count
        with self.server.memory_within(30_000_000):
            game = Program("gameoflife", "--url", self.url, "--size", 16, "--speed", 0, "--steps", 300)
            self.addCleanup(game.kill)
            self.server.wait_for("Telling workers to run", start)
            self.assertEqual(game.wait(), 0)


if __name__ == "__main__":
    main()
