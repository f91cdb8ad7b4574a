"""HTTP/2 with programs that others wrote: node's http2, nghttp and Chromium. curl and python3-h2 are in http2_test.py, HAProxy
in haproxy_test.py."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.browser import chromium
from support.cases import main
from support.process import ManageServer
from support.tls import certificate
from support.waiting import PATIENCE

NODE = "/usr/bin/node"
NODE_PATH = "/usr/share/nodejs"  # where Debian's packages for node are
NGHTTP = "/usr/bin/nghttp"  # of nghttp2-client


class PeersTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plain = cls.serve()
        cls.secure = cls.serve(*certificate().options)  # by ALPN
        cls.servers = (cls.plain, cls.secure)

    @classmethod
    def serve(cls, *options):
        server = ManageServer("--set", "http2=on", *options)
        cls.addClassCleanup(cls.stop, server)
        return server

    @staticmethod
    def stop(server):
        status = server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{server.output}")

    def run_program(self, *command, **options):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PATIENCE, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def peers_of_websockets(self, server, start):
        """The addresses of the clients that opened one since line `start`, in order."""
        return re.findall(r"CONNECT /test/ws/ \[(.+)\]$", "\n".join(server.output.splitlines()[start:]), re.MULTILINE)


class Node(PeersTestCase):
    # Opens WebSockets on streams of one connection, with the framing of the ws package, and prints what each one said.
    CLIENT = """
        const http2 = require('http2');
        const {Receiver, Sender} = require('ws');

        function talk(session, name) {
            return new Promise((resolve, reject) => {
                const stream = session.request({
                    ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': new URL(url).protocol.slice(0, -1),
                    ':authority': new URL(url).host, ':path': '/test/ws/', 'sec-websocket-version': '13',
                });
                stream.setNoDelay = () => {};  // what the package expects of a socket
                const said = [];
                const texts = ['spam', name.repeat(100_000), ''];
                const receiver = new Receiver({isServer: false});
                const sender = new Sender(stream);
                receiver.on('message', (data) => {
                    said.push(data.length > 100 ? data.length : data.toString());
                    if (texts.length > 0) { sender.send(texts.shift(), {fin: true, opcode: 1, mask: true}); }
                });
                receiver.on('conclude', (code) => {
                    said.push(code);
                    sender.close(code, '', true, () => stream.end());
                });
                stream.on('response', (head) => { said.push(head[':status']); stream.pipe(receiver); });
                stream.on('close', () => resolve([...said, stream.rstCode]));
                stream.on('error', reject);
                receiver.on('error', reject);
            });
        }

        const session = http2.connect(url, {ca});
        session.on('remoteSettings', async ({enableConnectProtocol}) => {
            const talks = Array.from({length: count}, (_, number) => talk(session, `${number % 10}`));
            console.log(JSON.stringify([enableConnectProtocol, await Promise.all(talks)]));
            session.close();
        });
    """

    def test_its_websockets_share_a_connection(self):
        count = 10
        said = [200, "Hello!", "1. spam", 100_003, "3. ", "Goodbye!", 1000, 0]
        for server in self.servers:
            with self.subTest(server=server.http):
                start = server.line_count
                constants = {"url": server.http, "ca": certificate().ca.read_text(), "count": count}
                script = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items()) + self.CLIENT
                output = self.run_program(NODE, "-", input=script, env={"NODE_PATH": NODE_PATH})
                self.assertEqual(json.loads(output), [True, [said] * count])
                peers = self.peers_of_websockets(server, start)
                self.assertEqual((len(peers), len(set(peers))), (count, 1), peers)


class Nghttp(PeersTestCase):
    def nghttp(self, server, path, *options):
        return self.run_program(NGHTTP, "--no-verify-peer", *options, f"{server.http}{path}")

    def test_a_page_comes_with_all_that_it_links(self):
        for server in self.servers:
            with self.subTest(server=server.http):
                table = self.nghttp(server, "/", "--null-out", "--get-assets", "--stat")
                rows = re.findall(r"^ *\d+ +\S+ +\S+ +\S+ +(\d+) +\S+ (/\S*)$", table, re.MULTILINE)
                self.assertGreater(len(rows), 5, table)
                self.assertEqual({status for status, _ in rows}, {"200"}, table)

    def test_an_upload_in_padded_frames_and_trailers_arrives(self):
        with tempfile.TemporaryDirectory() as folder:
            form = pathlib.Path(folder, "form")
            form.write_text("text=" + "spam " * 50_000)
            for server in self.servers:
                with self.subTest(server=server.http):
                    options = ("--data", form, "--padding", 200, "--trailer", "checksum: none")
                    page = self.nghttp(server, "/test/wsgi/", "--header", "content-type: application/x-www-form-urlencoded", *options)
                    self.assertEqual(page.count("spam "), 50_000)


class Chromium(PeersTestCase):
    def test_a_page_and_its_websockets_share_a_connection(self):
        start = self.secure.line_count
        with chromium("ignore-certificate-errors") as browser:
            browser.get(f"{self.secure.http}/test/")
            said = browser.execute_async_script("""
                const [url, done] = arguments;
                const texts = ['spam', 'x'.repeat(100_000), ''];
                const said = [performance.getEntriesByType('navigation')[0].nextHopProtocol];
                const socket = new WebSocket(url);
                socket.onmessage = ({data}) => {
                    said.push(data.length > 100 ? data.length : data);
                    if (texts.length > 0) { socket.send(texts.shift()); }
                };
                socket.onclose = ({code}) => done([...said, code]);
            """, f"{self.secure.ws}/test/ws/")
        self.assertEqual(said, ["h2", "Hello!", "1. spam", 100_003, "3. ", "Goodbye!", 1000])
        peers = self.peers_of_websockets(self.secure, start)
        self.assertEqual((len(peers), len(set(peers))), (2, 1), peers)  # the page has opened one itself


if __name__ == "__main__":
    main()
