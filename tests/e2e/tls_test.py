"""https:// and wss:// with other people's clients and servers: curl, openssl, websockets, Node's ws, Chromium."""

import asyncio
import base64
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import unittest

import websockets

from support import tls
from support.browser import chromium
from support.cases import AsyncTestCase, main
from support.environment import MANAGE
from support.foreign import WebsocketsServer, soon
from support.handshake import KEY
from support.process import ManageServer, Program, all_at_once, run
from support.tcp import RawClient
from support.tls import Certificate
from support.waiting import PATIENCE

OTHER = "other.test"  # a name that a second certificate is for


def output_of(*command, stdin=b"", env=None):
    """What a program prints on both streams, and its exit status."""
    done = subprocess.run([str(word) for word in command], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE, check=False, env={**os.environ, **(env or {})})
    return done.stdout.decode(errors="replace"), done.returncode


def public_key_hash(certificate):
    """As Chromium's --ignore-certificate-errors-spki-list wants it."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.stdout, capture_output=True,
                         check=True)
    return base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()


class TlsTestCase(AsyncTestCase):
    @classmethod
    def setUpClass(cls):
        cls.own = tls.certificate()
        cls.other = Certificate(OTHER)
        cls.server = ManageServer(
            "--set", f"tls_certificate={cls.own.certificate},{cls.other.certificate}",
            "--set", f"tls_key={cls.own.key},{cls.other.key}")

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{cls.server.output}")

    def s_client(self, *options, stdin=b""):
        return output_of("openssl", "s_client", "-connect", self.server.host, "-CAfile", self.own.ca, *options,
                         stdin=stdin)


class Clients(TlsTestCase):
    def curl(self, url, *options):
        return output_of("curl", "--silent", "--show-error", "--cacert", self.own.ca, *options, url)

    def test_curl_gets_a_page(self):
        page, status = self.curl(f"https://localhost:{self.server.port}/", "--include")
        self.assertEqual(status, 0, page)
        self.assertRegex(page, r"^HTTP/1\.1 200 ")
        self.assertIn("</html>", page)

    def test_curl_trusts_nobody_without_the_authority(self):
        text, status = output_of("curl", "--silent", "--show-error", f"https://localhost:{self.server.port}/")
        self.assertEqual(status, 60, text)

    def test_curl_is_refused_with_tls_1_1(self):
        text, status = self.curl(f"https://localhost:{self.server.port}/", "--tlsv1.0", "--tls-max", "1.1",
                                 "--ciphers", "DEFAULT@SECLEVEL=0")
        self.assertEqual(status, 35, text)

    def test_curl_is_told_what_to_do_without_tls(self):
        text, status = self.curl(f"http://localhost:{self.server.port}/", "--include")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"^HTTP/1\.1 400 ")
        self.assertIn("https://", text)

    def test_an_absolute_target_of_another_scheme_is_421(self):  # RFC 9110, 7.4
        with socket.create_connection(("127.0.0.1", self.server.port), PATIENCE) as plain, \
                ssl.create_default_context(cafile=self.own.ca).wrap_socket(plain, server_hostname="localhost") as client:
            for scheme, status in ((b"https", b"200"), (b"http", b"421")):
                client.sendall(b"HEAD %s://localhost/test/ HTTP/1.1\r\nHost: localhost\r\n\r\n" % scheme)
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    received = client.recv(65536)
                    self.assertNotEqual(received, b"")
                    answer += received
                self.assertRegex(answer, b"^HTTP/1\\.1 %s " % status)

    def test_openssl_speaks_1_2_and_1_3_and_nothing_older(self):
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            said, status = self.s_client(option)
            self.assertEqual(status, 0, said)
            self.assertIn(f"New, {version}, Cipher is ", said)
            self.assertIn("Verify return code: 0 (ok)", said)
            self.assertIn("Compression: NONE", said)
            self.assertNotIn("TLS session ticket:", said)
        for option in ("-tls1", "-tls1_1"):
            said, status = self.s_client(option, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(status, 0, said)
            self.assertRegex(said, "alert protocol version")

    def test_openssl_agrees_on_http_1_1_or_nothing(self):  # RFC 7301, 3.2
        self.assertIn("ALPN protocol: http/1.1", self.s_client("-alpn", "h2,http/1.1")[0])
        self.assertIn("No ALPN negotiated", self.s_client()[0])
        said, status = self.s_client("-alpn", "h2")
        self.assertNotEqual(status, 0)
        self.assertRegex(said, "alert no application protocol")

    def test_openssl_is_shown_the_certificate_for_the_name_it_asks_for(self):  # RFC 6066, 3
        for name, options, shown in [(OTHER, (), self.other), ("localhost", (), self.own), ("unknown.test", (), self.own),
                                     (None, ("-noservername",), self.own)]:
            said, _ = self.s_client(*(("-servername", name) if name else options))
            self.assertIn(shown.certificate.read_text().strip(), said, name)

    async def test_websockets_echo_messages_of_every_size(self):
        async with websockets.connect(f"wss://localhost:{self.server.port}/test/ws/", ssl=self.own.client) as socket:
            self.assertEqual(await soon(socket.recv()), "Hello!")
            for number, size in enumerate([1, 20_000, 1_000_000], 1):  # a record, two of them, many
                await socket.send("x" * size)
                self.assertEqual(await soon(socket.recv()), f"{number}. " + "x" * size)
            self.assertEqual(await soon(socket.recv()), "Goodbye!")
        self.assertEqual(socket.close_code, 1000)

    async def test_websockets_refuse_another_name(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "(?i)hostname mismatch"):
            await websockets.connect(f"wss://localhost:{self.server.port}/test/ws/", ssl=self.own.client,
                                     server_hostname="evil.test")

    def test_node_ws_talks(self):
        said, status = output_of("/usr/bin/node", "-e", """
            const WebSocket = require('ws');
            const socket = new WebSocket(process.argv[1], {ca: require('fs').readFileSync(process.argv[2])});
            socket.on('error', error => { console.log(String(error)); process.exit(1); });
            socket.on('message', data => {
                console.log(String(data));
                if (String(data) === 'Hello!') ['a', 'b', 'c'].forEach(text => socket.send(text));
            });
            socket.on('close', code => console.log(code));
            """, f"wss://localhost:{self.server.port}/test/ws/", self.own.ca, env={"NODE_PATH": "/usr/share/nodejs"})
        self.assertEqual(status, 0, said)
        self.assertEqual(said.split("\n")[:6], ["Hello!", "1. a", "2. b", "3. c", "Goodbye!", "1000"])


class Browser(TlsTestCase):
    def test_chromium_opens_a_page_and_its_websocket(self):
        browser = self.enterContext(
            chromium(f"ignore-certificate-errors-spki-list={public_key_hash(self.own.certificate)}"))
        browser.get(f"https://localhost:{self.server.port}/")
        self.assertIn("Life", browser.title)
        messages = browser.execute_async_script("""
            const done = arguments[arguments.length - 1];
            const messages = [];
            const socket = new WebSocket(`wss://${location.host}/test/ws/`);
            socket.onmessage = event => {
                messages.push(event.data);
                if (event.data === 'Hello!') ['a', 'b', 'c'].forEach(text => socket.send(text));
            };
            socket.onclose = event => done([...messages, event.code]);
            """)
        self.assertEqual(messages, ["Hello!", "1. a", "2. b", "3. c", "Goodbye!", 1000])


async def echo(websocket, _path):
    """The echo test as it should be."""
    await websocket.send("Hello!")
    for number in range(1, 4):
        await websocket.send(f"{number}. {await websocket.recv()}")
    await websocket.send("Goodbye!")


class OurClient(unittest.TestCase):
    """testecho and gameoflife against servers of others, and ours."""

    def talk(self, url, *options):
        return all_at_once(lambda delay: run("testecho", "--clients", 20, "--delay", delay, "--url", f"{url}/test/ws/",
                                             *options), 0.5)

    def assert_refused(self, program, *words):
        self.assertEqual(program.status, 1, program.output)
        self.assertEqual(len(program.stderr), 1, program.output)
        for word in ("cannot connect to wss://", *words):
            self.assertIn(word, program.stderr[0])

    def test_talks_to_websockets(self):
        own = tls.certificate()
        with WebsocketsServer(echo, ssl=own.server) as url:
            program = self.talk(url.replace("ws:", "wss:"), "--ca", own.ca)
        self.assertEqual(program.status, 0, program.output)
        self.assertIn("20 clients, peak 20, 0 failures", program.stdout)

    def test_talks_to_node_ws(self):
        own = tls.certificate()
        node = Program("-e", """
            const fs = require('fs');
            const WebSocket = require('ws');
            const server = require('https').createServer({cert: fs.readFileSync(process.argv[1]),
                                                          key: fs.readFileSync(process.argv[2])});
            new WebSocket.Server({server}).on('connection', socket => {
                let number = 0;
                socket.send('Hello!');
                socket.on('message', data => {
                    socket.send(`${++number}. ${data}`);
                    if (number === 3) { socket.send('Goodbye!'); socket.close(1000); }
                });
            });
            server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
            """, own.certificate, own.key, program="/usr/bin/node", env={"NODE_PATH": "/usr/share/nodejs"})
        self.addCleanup(node.kill)
        program = self.talk(f"wss://127.0.0.1:{node.wait_for(r'port (.*)')[1]}", "--ca", own.ca)
        self.assertEqual(program.status, 0, program.output)

    def test_plays_life_over_tls(self):
        own = tls.certificate()
        server = ManageServer(*own.options)
        game = run("gameoflife", "--url", f"wss://localhost:{server.port}", "--ca", own.ca, "--size", 8,
                   "--steps", 20, "--speed", 0)
        self.assertEqual(game.status, 0, game.output)
        self.assertEqual(server.stop(), 0)

    def test_says_what_is_wrong_with_a_server(self):
        own = tls.certificate()
        with WebsocketsServer(echo, ssl=own.server) as url:
            secure = url.replace("ws:", "wss:")
            self.assert_refused(self.talk(secure), "not trusted here", "--ca")
        with WebsocketsServer(echo, ssl=Certificate(OTHER).server) as url:
            self.assert_refused(self.talk(url.replace("ws:", "wss:"), "--ca", own.ca), "not trusted here")
        with WebsocketsServer(echo) as url:
            self.assert_refused(self.talk(url.replace("ws:", "wss:"), "--ca", own.ca), "does not speak TLS")
        with WebsocketsServer(echo, ssl=self.self_signed("/CN=stranger")) as url:
            self.assert_refused(self.talk(url.replace("ws:", "wss:")), "signed by nobody but itself")

    def self_signed(self, subject):
        """An ssl context of a server that shows a certificate which nobody else has signed."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        _, status = output_of("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                              "-subj", subject, "-keyout", folder / "key.pem", "-out", folder / "certificate.pem")
        self.assertEqual(status, 0)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        return context


class BehindAProxy(unittest.TestCase):
    """A proxy that passes TLS on as it is, and says in front of it whom it is from."""

    @classmethod
    def setUpClass(cls):
        cls.own = tls.certificate()
        cls.server = ManageServer("--set", f"tls_certificate={cls.own.certificate}", "--set", f"tls_key={cls.own.key}",
                                  "--set", "proxy_protocol=on", "--set", "trusted_proxies=127.0.0.1")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_curl_gets_a_page(self):
        page, status = output_of("curl", "--silent", "--show-error", "--haproxy-protocol", "--cacert", self.own.ca,
                                 f"https://localhost:{self.server.port}/", "--include")
        self.assertEqual(status, 0, page)
        self.assertRegex(page, r"^HTTP/1\.1 200 ")

    def test_the_hello_may_come_with_the_header(self):
        start = self.server.line_count
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context(cafile=self.own.ca).wrap_bio(received, to_send, server_hostname="localhost")
        to_send.write(b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n")
        connection = RawClient(self.server.port)
        self.addCleanup(connection.close)

        def do(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    connection.send(to_send.read())
                    received.write(connection.socket.recv(65536))

        do(tls.do_handshake)
        tls.write(f"GET /test/ws/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nOrigin: null\r\n\r\n".encode())
        self.assertRegex(do(lambda: tls.read(65536)), rb"^HTTP/1\.1 403 ")
        self.server.wait_for(r"REJECT /test/ws/ 403 \[192\.0\.2\.1:1234\]", start)


class Renewal(AsyncTestCase):
    def setUp(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.old, self.new = Certificate("old.test"), Certificate("new.test")
        self.put(self.old)
        self.server = ManageServer("--set", f"tls_certificate={self.certificate}", "--set", f"tls_key={self.key}")
        self.addCleanup(self.server.kill)

    def put(self, pair):
        shutil.copy(pair.certificate, self.certificate)
        shutil.copy(pair.key, self.key)

    def hang_up(self, said):
        start = self.server.line_count
        self.server.signal(signal.SIGHUP)
        return self.server.wait_for(said, start)

    async def talk(self, pair):
        """One whole echo test, to a server that shows this pair."""
        async with websockets.connect(f"wss://localhost:{self.server.port}/test/ws/", ssl=pair.client) as socket:
            for text in "abc":
                await socket.send(text)
            for said in ("Hello!", "1. a", "2. b", "3. c", "Goodbye!"):
                self.assertEqual(await soon(socket.recv()), said)

    async def test_sighup_has_certificates_read_anew_and_drops_nobody(self):
        stop = asyncio.Event()
        greeted = asyncio.Semaphore(0)

        async def long_talk():
            """Begins with the old certificate and ends after the change."""
            async with websockets.connect(f"wss://localhost:{self.server.port}/test/ws/", ssl=self.old.client) as socket:
                self.assertEqual(await soon(socket.recv()), "Hello!")
                greeted.release()
                await stop.wait()
                for number in range(1, 4):
                    await socket.send("x" * 100_000)
                    self.assertEqual(await soon(socket.recv()), f"{number}. " + "x" * 100_000)
                self.assertEqual(await soon(socket.recv()), "Goodbye!")

        under_way = [asyncio.create_task(long_talk()) for _ in range(20)]
        for _ in under_way:
            await soon(greeted.acquire())
        self.put(self.new)
        self.hang_up("certificates are read again")
        await self.talk(self.new)
        with self.assertRaises(ssl.SSLCertVerificationError):
            await self.talk(self.old)
        stop.set()
        await soon(asyncio.gather(*under_way))
        self.assertEqual(self.server.stop(), 0)

    async def test_a_bad_new_pair_is_logged_and_the_old_one_stays(self):
        for break_it, said in [(lambda: self.key.write_text("nonsense"), "no private key in"),
                               (self.certificate.unlink, "cannot read"),
                               (lambda: (self.put(self.new), shutil.copy(self.old.key, self.key)), "is not that of")]:
            break_it()
            self.hang_up(f"The certificates stay as they are: .*{said}")
            await self.talk(self.old)
        self.put(self.new)
        self.hang_up("certificates are read again")
        await self.talk(self.new)
        self.assertEqual(self.server.stop(), 0)


class Commands(unittest.TestCase):
    def test_certificate_makes_files_for_whom_they_are_meant(self):
        made = Certificate("example.test", "10.1.2.3")
        self.assertEqual(stat.S_IMODE(made.key.stat().st_mode), 0o600)
        said, status = output_of("openssl", "verify", "-CAfile", made.ca, "-purpose", "sslserver", "-verify_hostname",
                                 "example.test", made.certificate)
        self.assertEqual(status, 0, said)
        said, _ = output_of("openssl", "x509", "-in", made.certificate, "-noout", "-ext",
                            "subjectAltName,basicConstraints")
        for part in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", "DNS:example.test",
                     "IP Address:10.1.2.3", "CA:FALSE"):
            self.assertIn(part, said)

    def test_certificate_replaces_nothing_unless_it_is_told_to(self):
        made = Certificate()
        before = made.certificate.read_text(), made.key.read_text()
        again = run("certificate", "--folder", made.folder)
        self.assertEqual(again.status, 1)
        self.assertRegex(again.stderr[0], r"is there already: --force")
        self.assertEqual((made.certificate.read_text(), made.key.read_text()), before)
        self.assertEqual(run("certificate", "--folder", made.folder, "--force").status, 0)
        self.assertNotEqual(made.key.read_text(), before[1])
        self.assertEqual(stat.S_IMODE(made.key.stat().st_mode), 0o600)

    def assert_leaves_all(self, said, *options, prefix=()):
        """`certificate --force` fails with that word, and what was there before is there, and nothing else."""
        made = Certificate()
        before = {name: (made.folder / name).read_bytes() for name in os.listdir(made.folder)}
        self.assertEqual(set(before), {"certificate.pem", "key.pem", "ca.pem"})
        ended = subprocess.run([*prefix, MANAGE, "certificate", "--force", *options, "--folder", made.folder],
                               capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn(said, ended.stderr)
        self.assertEqual({name: (made.folder / name).read_bytes() for name in os.listdir(made.folder)}, before)
        self.assertEqual(stat.S_IMODE(made.key.stat().st_mode), 0o600)

    def test_certificate_that_cannot_be_made_leaves_what_was_there(self):
        self.assert_leaves_all("'bad name'", "bad name")

    def test_certificate_that_cannot_be_written_leaves_what_was_there(self):
        self.assert_leaves_all("cannot write", prefix=["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])

    def test_certificate_that_cannot_be_placed_leaves_what_was_there(self):
        for number in (1, 2, 3):
            tracer = ["strace", "-o", "/dev/null", "-e", f"inject=renameat2:error=EIO:when={number}"]
            if not shutil.which("strace") or subprocess.run([*tracer, "true"], stderr=subprocess.PIPE).returncode != 0:
                self.skipTest("strace is not there, or may not trace here")
            self.assert_leaves_all("Input/output error", prefix=tracer)

    def test_certificate_does_not_take_the_place_of_a_folder(self):
        made = Certificate()
        before = made.key.read_text()
        made.ca.unlink()
        made.ca.mkdir()
        again = run("certificate", "--folder", made.folder, "--force")
        self.assertEqual(again.status, 1)
        self.assertIn("ca.pem is a folder", again.stderr[0])
        self.assertEqual(made.key.read_text(), before)

    def test_certificate_says_what_is_no_name(self):
        with tempfile.TemporaryDirectory() as folder:
            program = run("certificate", "https://example.test", "--folder", folder)
            self.assertEqual(program.status, 1)
            self.assertEqual(len(program.stderr), 1, program.output)
            self.assertIn("'https://example.test'", program.stderr[0])
            self.assertEqual(os.listdir(folder), [])

    def test_check_and_the_server_say_the_same_of_a_bad_pair(self):
        own, other = tls.certificate(), Certificate()
        for settings, said in [
            ((f"tls_certificate={own.certificate}",), "tls.E001: "),
            (("tls_certificate=/nowhere.pem", f"tls_key={own.key}"), "tls.E002: cannot read /nowhere.pem: "),
            ((f"tls_certificate={own.certificate}", f"tls_key={other.key}"), "tls.E002: the key in "),
        ]:
            options = [word for setting in settings for word in ("--set", setting)]
            checked = run("check", *options)
            self.assertEqual(checked.status, 1)
            line = re.search(rf"(?m)^  ({re.escape(said)}.*)$", checked.output)[1]
            served = run("runserver", "127.0.0.1:0", "--noreload", *options)
            self.assertEqual((served.status, served.stderr), (1, [line]))

    def test_check_warns_of_an_end_that_is_near(self):
        with tempfile.TemporaryDirectory() as folder:
            run("certificate", "--folder", folder, "--days", 7)
            checked = run("check", "--set", f"tls_certificate={folder}/certificate.pem", "--set",
                          f"tls_key={folder}/key.pem")
            self.assertEqual(checked.status, 0, checked.output)
            self.assertRegex(checked.output, r"(?m)^  tls\.W001: the certificate in .* expires on 20")


if __name__ == "__main__":
    main()
