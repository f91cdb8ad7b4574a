"""examples/postgresql.cpp with a PostgreSQL of its own, which other programs lock, stop and restart."""

import asyncio
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import websockets

from support.cases import AsyncTestCase, main
from support.environment import BUILD
from support.process import ManageServer, Program
from support.waiting import PATIENCE, eventually

PROGRAM = BUILD / "examples/postgresql"
BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)
# PostgreSQL does not run as root.
AS_USER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig", "KILL") if os.geteuid() == 0 else ()
TABLE = "create table messages (id bigserial primary key, room text not null, text text not null)"


class Postgres:
    """A PostgreSQL in a folder of its own, which only a unix socket there reaches."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        if AS_USER:
            shutil.chown(self.folder, "postgres", "postgres")
        subprocess.run([*AS_USER, BIN / "initdb", "-D", self.folder / "data", "-U", "chat", "-A", "trust", "-E", "UTF8",
                        "--locale=C", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        self.env = {"PGHOST": str(self.folder), "PGUSER": "chat", "PGDATABASE": "postgres"}
        self.start()
        self.ask(TABLE)

    def start(self):
        self.program = Program("-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off",
                               program=BIN / "postgres", prefix=AS_USER, cwd=self.folder)
        self.program.wait_for("database system is ready to accept connections")

    def stop(self):
        self.program.signal(signal.SIGINT)  # without waiting for its clients
        return self.program.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def ask(self, sql):
        """The result as text."""
        return subprocess.run([BIN / "psql", "-XAtqc", sql], env={**os.environ, **self.env}, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=PATIENCE).stdout.strip()

    def listeners(self):
        return int(self.ask("select count(*) from pg_stat_activity where query = 'listen chat'"))

    def lock(self):
        """Locks the table until unlock() gets what this returns, or it is killed."""
        psql = subprocess.Popen([BIN / "psql", "-XAtq"], env={**os.environ, **self.env}, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        psql.stdin.write("begin; lock table messages; select 'locked';\n")
        psql.stdin.flush()
        assert psql.stdout.readline() == "locked\n"
        return psql

    @staticmethod
    def unlock(psql):
        psql.communicate("commit;\n", timeout=PATIENCE)

    def waiting(self):
        """How many queries wait for the lock."""
        return int(self.ask("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"))


class PostgresqlTestCase(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)

    def setUp(self):
        self.postgres.ask("truncate messages")

    def lock(self):
        psql = self.postgres.lock()
        self.addCleanup(psql.kill)
        return psql

    def serve(self, programs=1):
        """That many servers, all of which hear what is said. Their clients may wait for as long as the test."""
        servers = [ManageServer("--set", "handshake_time=1h", program=PROGRAM, env=self.postgres.env)
                   for _ in range(programs)]
        for server in servers:
            self.addCleanup(lambda one: self.assertEqual(one.stop(), 0, one.output), server)
        eventually(lambda: self.postgres.listeners() == programs, "all programs listen")
        return servers

    async def test_messages_reach_every_program_and_are_kept(self):
        here, there = self.serve(programs=2)
        async with websockets.connect(f"{here.ws}/lobby/") as ann, websockets.connect(f"{there.ws}/lobby/") as bob:
            for text in ("hello", "é 'quoted' $1", ""):
                await ann.send(text)
                self.assertEqual(await ann.recv(), text)
                self.assertEqual(await bob.recv(), text)
        async with websockets.connect(f"{there.ws}/lobby/") as late:
            self.assertEqual([await late.recv() for _ in range(3)], ["hello", "é 'quoted' $1", ""])
        self.assertEqual(self.postgres.ask("select count(*) from messages where room = 'lobby'"), "3")

    async def test_any_program_may_speak(self):
        (server,) = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            await ann.send("I am here")
            self.assertEqual(await ann.recv(), "I am here")
            self.postgres.ask("select pg_notify('chat', 'lobby from psql')")
            self.assertEqual(await ann.recv(), "from psql")

    async def test_the_loop_goes_on_while_queries_wait(self):
        (server,) = self.serve()
        lock = self.lock()
        joining = asyncio.gather(*(websockets.connect(f"{server.ws}/lobby/", open_timeout=None) for _ in range(20)))
        await asyncio.to_thread(eventually, lambda: self.postgres.waiting() == 8,
                                "as many queries as there are connections wait")
        self.assertIn("404", server.page("/"))
        self.assertFalse(joining.done())
        self.postgres.unlock(lock)
        members = await joining
        await members[0].send("hello")
        for member in members:
            self.assertEqual(await member.recv(), "hello")
            await member.close()

    async def test_a_server_that_ends_leaves_queries_that_wait(self):
        server = ManageServer(program=PROGRAM, env=self.postgres.env)
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            lock = self.lock()
            await ann.send("hello")
            eventually(lambda: self.postgres.waiting() == 1, "the query waits")
            server.signal(15)
            await ann.wait_closed()
        self.assertEqual(server.wait(), 0, server.output)
        self.postgres.unlock(lock)

    async def test_it_goes_on_after_the_database_was_away(self):
        (server,) = self.serve()
        async with websockets.connect(f"{server.ws}/lobby/") as ann:
            await ann.send("before")
            self.assertEqual(await ann.recv(), "before")
            self.postgres.stop()
            server.wait_for("terminating connection|server closed the connection")
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await websockets.connect(f"{server.ws}/lobby/")
            self.assertEqual(refused.exception.status_code, 500)
            self.postgres.start()
            eventually(lambda: self.postgres.listeners() == 1, "the program listens again")
            await ann.send("after")
            self.assertEqual(await ann.recv(), "after")

    async def test_a_message_that_does_not_fit_is_refused(self):
        (server,) = self.serve()
        for message in ("x" * 4000, "a\0b", b"bytes"):
            async with websockets.connect(f"{server.ws}/lobby/") as ann:
                await ann.send(message)
                await ann.wait_closed()
                self.assertEqual(ann.close_code, 1008)
        self.assertEqual(self.postgres.ask("select count(*) from messages"), "0")


def setUpModule():
    if BIN is None:
        raise RuntimeError("there is no PostgreSQL: apt-get install postgresql")
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM} is not there: apt-get install libpq-dev")


if __name__ == "__main__":
    main()
