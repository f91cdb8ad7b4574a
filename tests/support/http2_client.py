"""An HTTP/2 client of another implementation, python3-h2, which opens WebSockets on its streams (RFC 8441)."""

import collections
import socket

import h2.config
import h2.connection
import h2.events
import h2.settings
import hyperframe.frame

from .frames import CLOSE, FrameReader, frame
from .tls import certificate
from .waiting import PATIENCE


class Http2Client:
    """One connection. What comes is kept by stream: `heads`, `data`, `ended`, `resets`."""

    def __init__(self, port, tls=False, begin=True):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authority = f"127.0.0.1:{port}"
        self.scheme = "https" if tls else "http"
        if tls:
            context = certificate().client
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
            self.protocol = self.socket.selected_alpn_protocol()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False))
        self.h2.initiate_connection()
        self.heads, self.data, self.ended, self.resets = {}, {}, set(), {}
        self._frames = collections.defaultdict(lambda: FrameReader(masked=False))
        self.goaway = None
        self.is_closed = False
        if begin:
            self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def take(self):
        """Takes what comes next."""
        received = self.socket.recv(65536)
        if not received:
            self.is_closed = True
            return
        for event in self.h2.receive_data(received):
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[stream] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.data[stream] = self.data.get(stream, b"") + event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(stream)
            elif isinstance(event, h2.events.StreamReset):
                self.resets[stream] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        self.flush()

    def until(self, condition):
        while not condition():
            if self.is_closed:
                raise AssertionError("the server has ended the connection")
            self.take()

    def knows_websockets(self):
        """Whether the server says that it takes an extended CONNECT."""
        self.until(lambda: h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS in self.h2.remote_settings)
        return self.h2.remote_settings.enable_connect_protocol == 1

    def frames_to_the_end(self, answer):
        """All frames that come until the server ends the connection; `answer(frame)` are those to send for one. For what
        python3-h2 does not know: a connection goes on after GOAWAY."""
        received, frames = bytearray(), []
        while more := self.socket.recv(65536):
            received += more
            while len(received) >= 9:
                frame, size = hyperframe.frame.Frame.parse_frame_header(memoryview(bytes(received[:9])))
                if len(received) < 9 + size:
                    break
                frame.parse_body(memoryview(bytes(received[9:9 + size])))
                del received[:9 + size]
                frames.append(frame)
                self.socket.sendall(b"".join(reply.serialize() for reply in answer(frame)))
        return frames

    # ---- Requests

    def request(self, method, path, *headers, body=None, ends=True, flush=True):
        """Sends a request, and returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", self.scheme), (":authority", self.authority), (":path", path), *headers]
        self.h2.send_headers(stream, head, end_stream=body is None and ends)
        if body is not None and flush:
            self.send(stream, body, ends)
        elif body is not None:
            self.h2.send_data(stream, body, ends)
        if flush:
            self.flush()
        return stream

    def send(self, stream, data, ends=False):
        """Sends bytes, as the windows allow."""
        view = memoryview(data)
        while view:
            self.until(lambda: self.h2.local_flow_control_window(stream) > 0)
            size = min(len(view), self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            self.h2.send_data(stream, bytes(view[:size]))
            view = view[size:]
            self.flush()
        if ends:
            self.h2.end_stream(stream)
        self.flush()

    def answer(self, stream):
        """The status, the fields and the body of a whole answer."""
        self.until(lambda: stream in self.ended or stream in self.resets)
        head = self.heads[stream]
        return int(head[":status"]), head, self.data.get(stream, b"")

    # ---- WebSockets

    def open(self, path, *headers):
        """Begins a WebSocket's handshake, and returns its stream."""
        return self.request("CONNECT", path, (":protocol", "websocket"), ("sec-websocket-version", "13"), *headers, ends=False)

    def status(self, stream):
        self.until(lambda: stream in self.heads or stream in self.resets)
        return int(self.heads[stream][":status"])

    def next_frame(self, stream):
        """The next frame of a WebSocket."""
        reader = self._frames[stream]
        while True:
            reader.feed(self.data.pop(stream, b""))
            found = reader.next()
            if found is not None:
                return found
            self.until(lambda: stream in self.data)

    def close(self, stream, code=1000):
        """Closes a WebSocket, and returns the code with which the server does."""
        self.send(stream, frame(CLOSE, code.to_bytes(2, "big")))
        answer = self.next_frame(stream)
        assert answer.opcode == CLOSE, answer
        self.h2.end_stream(stream)
        self.flush()
        self.until(lambda: stream in self.ended)
        return int.from_bytes(answer.payload[:2], "big")
