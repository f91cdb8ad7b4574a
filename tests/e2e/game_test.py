"""The Game of Life's server with workers and watchers that are not ours: they know the contract alone."""

import asyncio
import collections
import itertools

import websockets

import life_reference
from support import life
from support.cases import ServerTestCase, main
from support.foreign import soon, websocket
from support.frames import CLOSE, TEXT, close_frame, frame
from support.life import Watcher, Worker, connect_workers, reset
from support.process import ManageServer, Program
from support.tcp import RawClient
from support.waiting import eventually


class GameTestCase(ServerTestCase):
    async def asyncTearDown(self):
        await life.drop_workers()

    @property
    def url(self):
        return self.server.ws

    async def begin(self, size):
        self.assertEqual(await reset(self.url, size), (1000, ""))

    async def workers(self, size, until="connect"):
        """A new game's workers, brought as far as `until` says."""
        await self.begin(size)
        workers = await connect_workers(self.url, size)
        if until in ("subscribe", "run"):
            await asyncio.gather(*[worker.subscribe() for worker in workers])
        if until == "run":
            await asyncio.gather(*[worker.expect("run") for worker in workers])
        return workers

    async def has_place(self, size):
        """Whether a worker that comes now is let in."""
        probe = await Worker(self.url, 0, 0, size).connect()
        try:
            await soon(await probe.socket.ping())
            return True
        except websockets.ConnectionClosed:
            return False
        finally:
            await probe.leave()

    async def assert_game_works(self, size=4, steps=3):
        """A whole game without a reset, from the server's present size."""
        grid, _ = await life.play(self.url, life.glider(size), steps)
        self.assertEqual(grid, life_reference.plain_life(life.glider(size), steps, True))


class Games(GameTestCase):
    async def test_the_grid_is_what_the_rule_says(self):
        for wrapped in (True, False):
            with self.subTest(wrapped=wrapped):
                start = life.glider(8)
                start[7][7] = start[7][6] = start[6][7] = 1
                await self.begin(8)
                grid, workers = await life.play(self.url, start, 12, wrapped)
                self.assertEqual(grid, life_reference.plain_life(start, 12, wrapped))
                for worker in workers:
                    heard = [tuple(map(int, update.split(" ")[1:3])) for update in worker.heard]
                    counts = collections.Counter(heard)
                    self.assertEqual(set(counts), set(worker.around))
                    # The last state of a neighbour that was a step ahead may have come too, or may not.
                    self.assertTrue(all(count in (12, 13) for count in counts.values()), counts)

    async def test_updates_arrive_unchanged_and_in_order(self):
        workers = await self.workers(3, until="run")
        said = [f"{step} 0 0 {step % 2}" for step in range(300)] + ["00012 0 0 1", "18446744073709551615 0 0 0"]
        for text in said:
            await workers[0].socket.send(text)
        for worker in workers[1:]:  # on a torus of 3 all are neighbours of all
            self.assertEqual([await worker.recv() for _ in said], said)

    async def test_last_words_before_a_close_are_heard(self):
        workers = await self.workers(3, until="run")
        last_words = [frame(TEXT, text) for text in ("0 0 0 1", "1 0 0 0")]
        workers[0].socket.transport.write(b"".join([*last_words, close_frame(1000)]))
        for worker in workers[1:]:
            self.assertEqual([await worker.recv(), await worker.recv()], ["0 0 0 1", "1 0 0 0"])

    async def test_only_those_who_subscribed_hear_a_cell(self):
        workers = await self.workers(5, until="run")
        for worker in workers:
            await worker.say(0, 1)
        for worker in workers:
            heard = {tuple(map(int, (await worker.recv()).split(" ")[1:3])) for _ in range(8)}
            self.assertEqual(heard, set(worker.around))
        await workers[0].say(1, 0)  # nothing more has come before this
        for worker in workers:
            if (0, 0) in worker.around:
                self.assertEqual(await worker.recv(), "1 0 0 0")

    async def test_nobody_is_told_to_subscribe_before_all_are_there(self):
        await self.begin(2)
        workers = [await Worker(self.url, *cell, 2).connect() for cell in [(0, 0), (0, 1), (1, 0)]]
        pong = await workers[0].socket.ping()
        await soon(pong)
        self.assertEqual(len(workers[0].socket.messages), 0)
        last = await Worker(self.url, 1, 1, 2).connect()
        for worker in [*workers, last]:
            await worker.expect("sub")

    async def test_nobody_is_told_to_run_before_all_have_subscribed(self):
        workers = await self.workers(2)
        for worker in workers[:-1]:
            await worker.subscribe()
        await soon(await workers[0].socket.ping())
        self.assertEqual(len(workers[0].socket.messages), 0)
        await workers[-1].subscribe()
        for worker in workers:
            await worker.expect("run")

    async def test_the_server_tells_each_hundredth_worker(self):
        start = self.server.line_count
        await self.workers(15, until="run")
        for line in ["  100 workers connected", "  200 workers connected", "Telling workers to subscribe",
                     "  100 workers subscribed", "  200 workers subscribed", "Telling workers to run"]:
            self.server.wait_for(f"^{line}$", start)

    async def test_a_game_of_one_cell(self):
        await self.begin(1)
        worker = await Worker(self.url, 0, 0, 1, wrapped=False).connect()
        await worker.subscribe()
        await worker.expect("run")
        for step in range(3):
            await worker.say(step, 1)
        await worker.leave()
        self.assertEqual((await worker.closed())[0], 1000)


class Places(GameTestCase):
    async def test_one_worker_too_many_is_told_that_the_game_is_full(self):
        for until in ("connect", "subscribe", "run"):
            with self.subTest(until=until):
                workers = await self.workers(2, until)
                extra = await Worker(self.url, 0, 0, 2).connect()
                self.assertEqual(await extra.closed(), (1013, "game is full"))
                if until != "run":
                    continue
                await workers[0].say(0, 1)
                self.assertEqual(await workers[1].recv(), "0 0 0 1")

    async def test_one_that_leaves_early_makes_room(self):
        await self.begin(3)
        cells = list(itertools.product(range(3), repeat=2))
        workers = [await Worker(self.url, row, col, 3).connect() for row, col in cells[:-1]]
        await workers.pop().leave()
        await (await Worker(self.url, 2, 1, 3).connect()).leave()
        workers.append(await Worker(self.url, 2, 1, 3).connect())
        await soon(await workers[0].socket.ping())
        self.assertEqual(len(workers[0].socket.messages), 0)  # eight are no full game, however they came and went
        workers.append(await Worker(self.url, 2, 2, 3).connect())
        for worker in workers:
            await worker.subscribe()
        for worker in workers:
            await worker.expect("run")

    async def test_one_that_leaves_before_run_can_be_replaced(self):
        workers = await self.workers(2)
        for worker in workers[1:]:
            await worker.subscribe()
        await workers[0].expect("sub")
        await workers[0].leave()
        replacement = await Worker(self.url, 0, 0, 2).connect()
        await replacement.subscribe()
        for worker in [replacement, *workers[1:]]:
            await worker.expect("run")

    async def test_one_that_leaves_after_sub_before_run_can_be_replaced(self):
        workers = await self.workers(2)
        for worker in workers[1:]:
            await worker.subscribe()
        await workers[1].leave()
        await workers[0].subscribe()
        await soon(await workers[2].socket.ping())
        self.assertEqual(len(workers[2].socket.messages), 0)
        replacement = await Worker(self.url, 0, 1, 2).connect()
        await replacement.subscribe()
        for worker in [replacement, workers[0], *workers[2:]]:
            await worker.expect("run")

    async def test_the_others_go_on_when_one_leaves_later(self):
        workers = await self.workers(4, until="run")
        await workers[0].leave()
        await workers[5].say(0, 1)
        for worker in workers[1:]:
            if (1, 1) in worker.around:
                self.assertEqual(await worker.recv(), "0 1 1 1")

    async def test_a_new_game_starts_when_all_have_left(self):
        await self.begin(4)
        for _ in range(3):
            await self.assert_game_works()

    async def test_a_new_game_starts_when_all_are_lost(self):
        workers = await self.workers(4, until="run")
        for worker in workers:
            worker.socket.transport.abort()
        while not await self.has_place(4):  # the server hears of it soon
            pass
        await self.assert_game_works()


class Resets(GameTestCase):
    async def test_ends_the_game_with_1012(self):
        for until in ("connect", "subscribe", "run"):
            with self.subTest(until=until):
                workers = await self.workers(3, until)
                await self.begin(4)
                for worker in workers:
                    self.assertEqual((await worker.closed())[0], 1012)
                await self.assert_game_works()

    async def test_old_workers_never_mix_with_new_ones(self):
        old = [RawClient(self.server.port) for _ in range(4)]
        await self.begin(2)
        for connection in old:
            self.addCleanup(connection.close)
            connection.open("/worker/")
        for connection in old:
            self.assertEqual(connection.text(), "sub")
            connection.send(frame(TEXT, "sub"))
        for connection in old:
            self.assertEqual(connection.text(), "run")
        await self.begin(2)
        workers = await connect_workers(self.url, 2)
        for connection in old:  # they have not answered the close, and go on
            connection.send(frame(TEXT, "0 0 0 1") + frame(TEXT, "sub"))
        for worker in workers:
            await worker.subscribe()
        for worker in workers:
            await worker.expect("run")
        await workers[3].say(0, 0)
        self.assertEqual(await workers[0].recv(), "0 1 1 0")
        for connection in old:
            self.assertEqual(connection.closed()[0], 1012)

    async def test_two_at_once_leave_one_game(self):
        for _ in range(5):
            codes = await asyncio.gather(*[reset(self.url, size) for size in (3, 4, 3, 4)])
            self.assertEqual(codes, [(1000, "")] * 4)
            async with Watcher(self.url, batched=True) as watcher:
                size = int((await watcher.recv()).removeprefix("size "))
            await self.assert_game_works(size, 2)

    async def test_sizes_that_are_none_are_refused(self):
        await self.begin(4)
        for text in ["0", "4097", "-1", "+4", "4.0", "0x4", "4 ", " 4", "4\n", "", "four", "٤", "9" * 20]:
            with self.subTest(text=text):
                code, reason = await reset(self.url, text)
                self.assertEqual(code, 1008)
                self.assertIn("size", reason)
        await self.assert_game_works()

    async def test_the_largest_size_is_allowed(self):
        await self.begin(4096)
        await self.begin(1)

    async def test_one_that_says_nothing_changes_nothing(self):
        await self.begin(4)
        async with websocket(f"{self.url}/reset/"):
            pass
        await self.assert_game_works()

    async def test_the_page_knows_the_size(self):
        for size in (7, 12):
            await self.begin(size)
            connection = self.connect()
            connection.request("GET /")
            page = connection.answer().body.decode()
            self.assertIn(f"<title>Game of Life ({size}x{size})</title>", page)


class BadMessages(GameTestCase):
    async def assert_refused(self, worker, text):
        await worker.socket.send(text)
        code, reason = await worker.closed()
        self.assertEqual(code, 1008, text)
        self.assertGreater(len(reason), 5, text)
        return reason

    async def test_are_refused_with_the_reason(self):
        for word, texts in {
            "expected": ["hello", "", "Sub", "sub ", " sub", "1", "1 2 3", "1 1 1 1 1", "1  1", "1 1 ", " 1 1", "a 1",
                         "1 b", "1 -1", "+1 1", "1.0 1", "0x1 1", "1\t1", "1 1\n", "١ 1", f"0 {2**64}"],
            "outside": ["2 0", "0 2", f"0 {2**32}", f"0 {2**64 - 1}"],
            "64 bytes": ["1" * 65, "0 " + "0" * 63, "x" * 100_000],
            "text": [b"0 1", b"sub"],
            "run": ["0 0 0 1"],
        }.items():
            for text in texts:
                with self.subTest(text=text[:80]):
                    await self.begin(2)
                    worker = await Worker(self.url, 0, 0, 2).connect()
                    self.assertIn(word, await self.assert_refused(worker, text))

    async def test_a_long_one_of_64_bytes_is_fine(self):
        workers = await self.workers(3, until="run")
        text = "0" * 58 + " 0 0 1"
        await workers[0].socket.send(text)
        self.assertEqual(await workers[1].recv(), text)

    async def test_nobody_else_notices(self):
        workers = await self.workers(3, until="run")
        for worker, text in zip(workers, ["0 0 0 2", "0 3 0 1", "0 0 3 1", "1 1", "sub", "-1 0 0 0", "garbage"]):
            await self.assert_refused(worker, text)
        await workers[8].say(0, 1)
        self.assertEqual(await workers[7].recv(), "0 2 2 1")

    async def test_a_subscription_after_sub_is_refused(self):
        workers = await self.workers(2)
        for worker in workers:
            await worker.expect("sub")
        await workers[0].socket.send("sub")
        self.assertIn("sub", await self.assert_refused(workers[0], "0 1"))
        replacement = await Worker(self.url, 0, 0, 2).connect()
        await replacement.subscribe()
        for worker in workers[1:]:
            for row, col in worker.around:
                await worker.socket.send(f"{row} {col}")
            await worker.socket.send("sub")
        for worker in [replacement, *workers[1:]]:
            await worker.expect("run")

    async def test_a_state_before_run_is_refused(self):
        workers = await self.workers(2)
        await workers[0].subscribe()
        self.assertIn("run", await self.assert_refused(workers[0], "0 0 0 1"))

    async def test_broken_frames_end_their_worker_alone(self):
        workers = await self.workers(3, until="run")
        connection = self.connect()
        connection.open("/watcher/")
        connection.send(frame(TEXT, "x", masked=False))
        self.assertEqual(connection.closed()[0], 1002)
        workers[0].socket.transport.write(b"\xff" * 100)
        await workers[0].closed()
        await workers[8].say(0, 1)
        self.assertEqual(await workers[7].recv(), "0 2 2 1")


class Watchers(GameTestCase):
    async def test_one_gets_every_update_in_a_message_of_its_own(self):
        await self.begin(4)  # ends the game of the test before: the server may still have words of it
        async with Watcher(self.url, batched=False) as watcher:
            await soon(await watcher.socket.ping())
            grid, _ = await life.play(self.url, life.glider(4), 5)
            updates = await watcher.take(16 * 6)
        self.assertEqual(len(watcher.messages), len(updates))
        self.assert_whole_game(updates, grid, 4, 5)

    async def test_one_with_life_batch_gets_them_in_lines(self):
        await self.begin(5)
        async with Watcher(self.url, batched=True) as watcher:
            self.assertEqual(await watcher.recv(), "size 5")
            await self.begin(4)
            grid, _ = await life.play(self.url, life.glider(4), 5)
            updates = await watcher.take(16 * 6)
            self.assertEqual([line for line in watcher.lines() if line.startswith("size")], ["size 5", "size 4"])
            self.assertEqual(watcher.lines()[1], "size 4")
        self.assertTrue(all(message and not message.endswith("\n") for message in watcher.messages))
        self.assert_whole_game(updates, grid, 4, 5)

    def assert_whole_game(self, updates, grid, size, steps):
        cells = list(itertools.product(range(size), repeat=2))
        self.assertEqual(sorted(update[:3] for update in updates),
                         [(step, *cell) for step in range(steps + 1) for cell in cells])
        for row, col in cells:
            own = [update for update in updates if update[1:3] == (row, col)]
            self.assertEqual([update[0] for update in own], list(range(steps + 1)))  # in order
            self.assertEqual(own[-1][3], grid[row][col])

    async def test_the_size_comes_first_and_parts_the_games(self):
        await self.begin(3)
        async with Watcher(self.url, batched=True) as watcher:
            await life.play(self.url, life.glider(3), 2)
            await self.begin(4)
            await life.play(self.url, life.glider(4), 2)
            await watcher.take(9 * 3 + 16 * 3)
        lines = watcher.lines()
        self.assertEqual(lines[0], "size 3")
        self.assertEqual(lines.index("size 4"), 1 + 9 * 3)
        self.assertEqual(len(lines), 2 + 9 * 3 + 16 * 3)

    async def test_a_late_one_with_life_batch_first_hears_the_last_word_of_every_cell(self):
        workers = await self.workers(3, until="run")
        said = {}
        async with Watcher(self.url, batched=True) as early:
            for number, worker in enumerate(workers[1:], 1):  # the first is silent
                for step in range(number):
                    said[worker] = f"{step:0{number}} {worker.row} {worker.col} {step % 2}"
                    await worker.socket.send(said[worker])
            await early.take(sum(range(9)))
            await workers[1].leave()  # its cell has spoken all the same
            for protocol in ("life.batch", "life.gathering"):
                async with websocket(f"{self.url}/watcher/", subprotocols=[protocol]) as late:
                    self.assertEqual(await soon(late.recv()), "size 3")
                    self.assertEqual(sorted((await soon(late.recv())).split("\n")), sorted(said.values()))
                    said[workers[2]] = f"{protocol == 'life.batch':d}7 0 2 1"
                    await workers[2].socket.send(said[workers[2]])
                    self.assertEqual(await soon(late.recv()), said[workers[2]])

    async def test_late_ones_hear_of_each_cell_its_last_word_and_then_every_next_one(self):
        start = self.server.line_count
        game = Program("gameoflife", "--url", self.url, "--size", 16, "--speed", 0)
        self.addCleanup(game.kill)
        self.server.wait_for("Telling workers to run", start)

        async def watch():
            async with Watcher(self.url, batched=True) as watcher:
                self.assertEqual(await watcher.recv(), "size 16")
                steps, end = {}, None
                while end is None or min(steps.values()) < end:
                    for line in (await watcher.recv()).split("\n"):
                        step, row, col, _ = map(int, line.split(" "))
                        self.assertIn(step - steps.get((row, col), step), (0, 1), line)
                        steps[row, col] = step
                    if end is None and len(steps) == 16 * 16:
                        end = max(steps.values()) + 10

        for _ in range(5):
            await asyncio.gather(*[watch() for _ in range(8)])

    async def test_one_with_life_gathering_hears_how_many_workers_have_come(self):
        """Besides all that one with life.batch hears, and only while the game gathers."""

        async def until(socket, line):
            while (message := await soon(socket.recv())) != line:
                self.assertTrue(message.startswith("gathering "), message)

        def watcher():
            return websocket(f"{self.url}/watcher/", subprotocols=["life.gathering", "life.batch"])

        cells = list(itertools.product(range(3), repeat=2))
        await self.begin(3)
        async with watcher() as early:
            self.assertEqual(early.subprotocol, "life.gathering")
            self.assertEqual(await soon(early.recv()), "size 3")
            workers = [await Worker(self.url, *cell, 3).connect() for cell in cells[:3]]
            await until(early, "gathering 3 0")
            async with watcher() as late:
                self.assertEqual(await soon(late.recv()), "size 3")
                await until(late, "gathering 3 0")
                await workers.pop().leave()
                await until(late, "gathering 2 0")
            workers += [await Worker(self.url, *cell, 3).connect() for cell in cells[2:]]
            await until(early, "gathering 9 0")
            for worker in workers[:4]:
                await worker.subscribe()
            await until(early, "gathering 9 4")
            for worker in workers[4:]:
                await worker.subscribe()
            for worker in workers:
                await worker.expect("run")
            await workers[0].say(0, 1)
            while (message := await soon(early.recv())).startswith("gathering 9 "):
                pass
            self.assertEqual(message, "0 0 0 1")

    async def test_one_that_says_anything_is_closed_with_1000(self):
        for message in ["", "hello", b"\x00", "x" * 1000]:
            for protocols in (None, ["life.batch"]):
                with self.subTest(message=message, protocols=protocols):
                    async with websocket(f"{self.url}/watcher/", subprotocols=protocols) as socket:
                        await socket.send(message)
                        await soon(socket.wait_closed())
                        self.assertEqual(socket.close_code, 1000)

    async def test_those_that_come_and_go_do_not_hurt_the_game(self):
        await self.begin(6)

        async def come_and_go():
            for i in range(20):
                async with Watcher(self.url, batched=bool(i % 2)) as watcher:
                    if i % 2:
                        await watcher.recv()

        game = life.play(self.url, life.glider(6), 20)
        (grid, _), *_ = await asyncio.gather(game, *[come_and_go() for _ in range(5)])
        self.assertEqual(grid, life_reference.plain_life(life.glider(6), 20, True))

    async def test_one_that_never_reads_does_not_hurt_the_game(self):
        for offer in [(), ("Sec-WebSocket-Protocol: life.batch",)]:
            deaf = self.connect()
            deaf.open("/watcher/", *offer)
        await self.begin(6)
        grid, _ = await life.play(self.url, life.glider(6), 20)
        self.assertEqual(grid, life_reference.plain_life(life.glider(6), 20, True))

    def test_one_that_stays_too_far_behind_is_closed_with_1013_and_never_skipped(self):
        server = ManageServer("--set", "outbox_bytes=20000", "--set", "slow_bytes=20000", "--set", "slow_time=100ms")
        self.addCleanup(server.kill)
        deaf = RawClient(server.port)
        self.addCleanup(deaf.close)
        deaf.open("/watcher/")
        game = Program("gameoflife", "--url", server.ws, "--size", 16, "--speed", 0)
        self.addCleanup(game.kill)
        server.wait_for("Telling workers to run")
        eventually(lambda: server.strikes("slow_time") > 0, "the server has had enough of it")
        steps = {}
        while (received := deaf.frame()).opcode == TEXT:
            step, row, col, _ = map(int, received.payload.split(b" "))
            self.assertEqual(step, steps.get((row, col), -1) + 1)
            steps[row, col] = step
        self.assertEqual((received.opcode, received.payload[:2]), (CLOSE, (1013).to_bytes(2, "big")))
        self.assertGreater(len(received.payload), 2)  # and a reason
        self.assertIsNone(game.process.poll())  # the game goes on


if __name__ == "__main__":
    main()
