"""An HTTP/2 server of another implementation, python3-h2, whose WebSockets return each message (RFC 8441)."""

import collections
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from .frames import CLOSE, FrameReader, frame
from .tls import certificate


class Http2EchoServer:
    """Serves one connection after the other, on a thread. `websockets` counts the WebSockets, `connections` the
    connections, `refused` the streams that it has refused; `wrong` keeps what a client must not do."""

    def __init__(self, tls=False, alpn=("h2",), allows_websockets=True, refuses_after=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.websockets, self.connections, self.refused, self.wrong = 0, 0, 0, []
        self.allows_websockets, self.refuses_after = allows_websockets, refuses_after
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate().certificate, certificate().key)
            self._context.set_alpn_protocols(list(alpn))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with self._context.wrap_socket(client, server_side=True) if self._context else client as connection:
                Connection(self, connection).run()
        except OSError:
            pass  # the client has gone, or refuses what TLS has agreed on

    def note(self, request):
        """Checks a request that opens a WebSocket."""
        head = dict(request.headers)
        self.websockets += 1
        if (head.get(":method"), head.get(":protocol"), head.get("sec-websocket-version")) != ("CONNECT", "websocket", "13"):
            self.wrong.append(head)
        if {"upgrade", "connection", "sec-websocket-key", "host"} & set(head):
            self.wrong.append(head)


class Connection:
    """One connection of a client."""

    def __init__(self, server, connection):
        self.server, self.socket = server, connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        allowed = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: int(server.allows_websockets)}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=allowed)
        self.h2.initiate_connection()
        self.readers = collections.defaultdict(lambda: FrameReader(masked=True))
        self.unsent = collections.defaultdict(bytes)
        self.opened = 0

    def run(self):
        while True:
            self.socket.sendall(self.h2.data_to_send())
            received = self.socket.recv(65536)
            if not received:
                return
            for event in self.h2.receive_data(received):
                self.take(event)

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.open(event)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.echo(event.stream_id, event.data)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in list(self.unsent):
                self.flush(stream)
        elif isinstance(event, h2.events.StreamReset):
            self.unsent.pop(event.stream_id, None)

    def open(self, request):
        if self.server.refuses_after is not None and self.opened >= self.server.refuses_after:
            self.server.refused += 1
            self.h2.reset_stream(request.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        self.opened += 1
        self.server.note(request)
        self.h2.send_headers(request.stream_id, [(":status", "200")])

    def echo(self, stream, data):
        reader = self.readers[stream]
        reader.feed(data)
        while (message := reader.next()) is not None:
            self.unsent[stream] += frame(message.opcode, message.payload, masked=False)
            if message.opcode == CLOSE:
                self.flush(stream)
                self.h2.end_stream(stream)
                self.unsent.pop(stream, None)
                return
        self.flush(stream)

    def flush(self, stream):
        """Sends as much as the windows allow."""
        while self.unsent[stream] and (room := self.h2.local_flow_control_window(stream)) > 0:
            size = min(len(self.unsent[stream]), room, self.h2.max_outbound_frame_size)
            self.h2.send_data(stream, self.unsent[stream][:size])
            self.unsent[stream] = self.unsent[stream][size:]
